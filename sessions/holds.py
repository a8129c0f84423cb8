"""What the desk does with a time that is held for somebody outside: gives it another place, or lets it go.

The person is nobody's patient yet and knows only their mail, so both are told at once: a moved hold is written to them anew
and lasts ten minutes from then, a hold that was let go leaves a mail that says so and where to choose again. Their earlier
link stays good: it opens the request as it stands, and confirming names the time that was seen.
"""
from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Device, Room, User
from sessions import booking, request_mail
from sessions import booking_rules as rules
from sessions.availability import parents_of
from sessions.booking import SAME
from sessions.booking_steps import arbitrated, check_free, check_rules, check_who, log, look, put, save, unchanged
from sessions.choices import AppointmentStatus
from sessions.locking import lock, once_more
from sessions.models import Appointment, BookingRequest, RequestState
from sessions.public_booking import HOLD_MINUTES, let_go, locked


class HoldOver(Refused):
    """Nothing is left to move or to let go."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("This hold has ended: the time is free again. Nothing was changed."), code="hold-over")


def move(
    *, appointment: Appointment, seen_version: int, starts_at: dt.datetime, by: Doer, practitioner: User | None = None,
    room: Room | None = None, device: Device | None = SAME, treatment_minutes: int | None = SAME,
) -> Appointment:  # fmt: skip
    """Hold another time, practitioner or room instead. What the mail named is told anew, and held ten minutes from now.

    Raises `SlotTaken`, `Stale`, `Refused` or `NotPermitted`; then the hold stands as it was."""
    wish = booking.moved_wish(
        appointment, starts_at=starts_at, practitioner=practitioner, room=room, device=device,
        treatment_minutes=treatment_minutes,
    )  # fmt: skip
    check_who(wish, by)
    booking.check_minutes(wish)

    def deed() -> Appointment:
        request = _request_behind(appointment)
        look(wish)
        lock(wish.parents | parents_of(appointment))
        current = _still_held(appointment, seen_version)
        check_free(wish)
        check_rules(wish)
        was, tells = current.agreed_start, _names_something_else(current, starts_at, wish.practitioner)
        put(current, wish, by)
        ends_at = timezone.now() + dt.timedelta(minutes=HOLD_MINUTES)
        # In either case nothing stays to take back: the mail is out at once.
        save(current, {"hold_ends_at": ends_at if tells else current.hold_ends_at})
        log(current, by, "hold-moved", f"moved a hold from {was} to {current.agreed_start}", told=tells)
        if tells:
            request.hold_ends_at = ends_at
            request.save(update_fields=["hold_ends_at"])
            request_mail.request_moved(request=request, by=by)
        return current

    return arbitrated(deed, wish, by)


def release(*, appointment: Appointment, seen_version: int, reason: str, by: Doer) -> None:
    """Let the time go before it is confirmed; the reason stays in the log, the person is told where to choose again."""
    rules.check_desk(by, appointment.site)
    if not reason.strip():
        raise Refused(_("Say why it is cancelled."), field="reason")

    def deed() -> None:
        request = _request_behind(appointment)
        lock(parents_of(appointment))
        current = _still_held(appointment, seen_version)
        asked = {"email": request.email, "language": request.language, "told_start": current.agreed_start}
        let_go(request, RequestState.DECLINED, by=by, reason=reason.strip())
        request_mail.request_declined(request=request, by=by, **asked)

    once_more(deed)


def _request_behind(appointment: Appointment) -> BookingRequest:
    """The request, locked before everything else, as confirming and the sweep do it."""
    request = BookingRequest.objects.filter(appointment_id=appointment.pk).first()
    if request is None:
        raise HoldOver
    return locked(request)


def _still_held(appointment: Appointment, seen_version: int) -> Appointment:
    if not Appointment.objects.filter(pk=appointment.pk).exists():
        raise HoldOver  # let go of while this one waited for the locks
    current = unchanged(appointment, seen_version)
    ends_at = current.hold_ends_at
    if current.status != AppointmentStatus.HELD or ends_at is None or ends_at <= timezone.now():
        raise HoldOver
    return current


def _names_something_else(current: Appointment, starts_at: dt.datetime, practitioner: Any) -> bool:
    """Whether the mail, and the page behind it, would say something that no longer holds."""
    return current.starts_at != starts_at or current.practitioner != practitioner
