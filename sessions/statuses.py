"""Every change of an appointment's status, along the table in choices.py. Cancelling needs a reason; undo is a move."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.doer import Doer
from clinic.errors import Refused
from sessions import booking_rules as rules
from sessions import freeing, messaging
from sessions.availability import Wish, as_range, parents_of
from sessions.booking_steps import (
    arbitrated,
    check_free,
    check_rules,
    free_planned_sessions,
    log,
    plan_on,
    save,
    span_columns,
    unchanged,
    wish_of,
)  # fmt: skip
from sessions.choices import CANCELLED, OCCUPYING, AppointmentStatus
from sessions.locking import lock, once_more
from sessions.models import Appointment, Fulfilment
from sessions.slots import Span

STATUS = AppointmentStatus


def cancel(*, appointment: Appointment, seen_version: int, reason: str, by: Doer) -> Appointment:
    """Needs a reason; frees the slot and the planned session. Within 24 hours of the start it counts as late."""
    reason = reason_given(reason)
    rules.check_own_or_desk(by, appointment)

    def deed() -> Appointment:
        lock(parents_of(appointment))
        return cancel_locked(unchanged(appointment, seen_version), reason=reason, by=by)

    return once_more(deed)


def reason_given(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise Refused(_("Say why it is cancelled."), field="reason")
    return reason


def cancel_locked(current: Appointment, *, reason: str, by: Doer) -> Appointment:
    """The cancelling itself, of a row that is locked with all it is about. For `cancel` and for several in one act."""
    to = rules.cancelled_status(current)
    rules.check_move(current, to)
    freeing.remember(current)
    save(
        current,
        {
            "status": to,
            "cancelled_at": timezone.now(),
            "cancel_reason": reason,
            "arrived_at": None,
            "revision": current.revision + 1,
        },
    )
    free_planned_sessions(current)
    log(current, by, "cancelled", f"cancelled {current.agreed_start}", reason=reason)
    messaging.appointment_cancelled(appointment=current, by=by)
    return current


def change_status(*, appointment: Appointment, to: str, seen_version: int, by: Doer, reason: str = "") -> Appointment:
    """Move along the transition table; cancelling has its own verb because it needs a reason. `reason` is kept with a
    no-show: a code of `MissedReason`, or words."""
    if to in CANCELLED:
        raise Refused(_("Say why it is cancelled."), field="reason")
    rules.check_status_change(by, appointment, to)
    wish = wish_of(appointment)
    if appointment.overbooked:
        wish = replace(wish, overbook_reason=appointment.overbooked_reason)

    def deed() -> Appointment:
        lock(parents_of(appointment))
        current = unchanged(appointment, seen_version)
        rules.check_move(current, to)
        was = current.status
        values: dict[str, Any] = {"status": to, **_stamps(current, to)}
        if was not in OCCUPYING:
            check_free(wish)
            values |= _taken_back(current, wish)
        elif to == STATUS.NO_SHOW:
            values |= _cutspan_columns(current) | {"cancel_reason": reason.strip()[:200]}
        save(current, values)
        if to == STATUS.NO_SHOW:
            free_planned_sessions(current)
        log(current, by, f"status-{to}", f"changed from {was} to {to}", **({"reason": reason} if reason else {}))
        if was in CANCELLED:
            messaging.appointment_booked(appointment=current, by=by)
        return current

    return arbitrated(deed, wish, by)


def undo(*, appointment: Appointment, seen_version: int, by: Doer) -> Appointment:
    """Take back the last step of the desk: confirmed, arrived, no-show, cancelled."""
    target = rules.undo_target(appointment)
    if target is None:
        raise Refused(_("There is nothing to take back here."), code="transition")
    return change_status(appointment=appointment, to=target, seen_version=seen_version, by=by)


def _stamps(appointment: Appointment, to: str) -> dict[str, Any]:
    """The time stamps a status carries: set when it is reached, taken away when it is left backwards."""
    now = timezone.now()
    if to == STATUS.CONFIRMED:
        return {"confirmed_at": appointment.confirmed_at or now, "arrived_at": None}
    if to == STATUS.BOOKED:
        return {"confirmed_at": None, "arrived_at": None}
    if to == STATUS.ARRIVED:
        return {"arrived_at": appointment.arrived_at or now}
    return {}


def _taken_back(appointment: Appointment, wish: Wish) -> dict[str, Any]:
    """A cancelled or missed appointment takes its time and its planned sessions again, if the rules still allow it."""
    if wish.starts_at > timezone.now():
        check_rules(wish)
    for planned in wish.planned_sessions:
        if Fulfilment.objects.filter(planned_session=planned, active=True).exists():
            raise Refused(_("Session %(number)s was booked anew meanwhile.") % {"number": planned.number})
    appointment.fulfilments.update(active=True)
    plan_on(appointment)
    values: dict[str, Any] = {
        "cancelled_at": None, "cancel_reason": "", "displaced": "", **span_columns(wish.footprint),
    }  # fmt: skip
    if appointment.status in CANCELLED:
        values["revision"] = appointment.revision + 1
    return values


def _cutspan_columns(appointment: Appointment) -> dict[str, Any]:
    """From this minute on everything is free again; what lies in the past stays as it was."""
    now = timezone.now()
    names = ["patient_span", "practitioner_span", "room_span", "device_span"]
    stored = {name: getattr(appointment, name) for name in names}
    return {
        name: as_range(Span(span.lower, span.upper).cut_at(now)) for name, span in stored.items() if span is not None
    }


