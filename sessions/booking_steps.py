"""The steps every booking verb is made of: look under the locks, write the row, keep its log. Not for views."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import IntegrityError, models
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.permissions import may
from patients.models import PatientSite
from sessions import booking_rules as rules
from sessions import freeing, messaging
from sessions.availability import Wish, as_range, in_the_way, touching
from sessions.choices import AppointmentStatus
from sessions.clashes import is_exclusion, slot_taken, weekday_date
from sessions.locking import once_more
from sessions.models import Appointment, Fulfilment
from sessions.planned import replan
from sessions.slots import Footprint, wall_time

STATUS = AppointmentStatus


# --- look -----------------------------------------------------------------------------------------------------------
def check_who(wish: Wish, by: Doer) -> None:
    if wish.starts_at.tzinfo is None:
        raise ValueError("A start is an aware time.")
    rules.check_desk(by, wish.site)
    if wish.overbook_reason:
        if by.user is None:
            raise Refused(_("Only staff may overbook."), code="overbook")
        if not may(by.user, Permission.OVERBOOK, wish.site):
            raise NotPermitted(_("Your role does not allow you to overbook."), field="overbook_reason")


def look(wish: Wish) -> None:
    """Refuse with what is in the way. Before the locks it spares the wait, under them it is sure."""
    taken = in_the_way(wish)
    if taken:
        raise TimeTaken(taken)


def check_free(wish: Wish) -> None:
    """Under the locks: end holds that ran out, then look."""
    end_run_out_holds(wish)
    look(wish)


def check_rules(wish: Wish) -> None:
    for obstacle in rules.obstacles(wish):
        raise Refused(obstacle.sentence, field=obstacle.field, code=obstacle.code)


class TimeTaken(Exception):
    """Leaves the locks before the blockers are put into words and the next free times are searched."""

    def __init__(self, taken: Sequence[Appointment]) -> None:
        super().__init__("taken")
        self.taken = taken


def arbitrated(deed: Callable[[], Appointment], wish: Wish, by: Doer) -> Appointment:
    """The deed, twice at most. Whatever says no - our own look or the database - gives the same `SlotTaken`."""
    try:
        return once_more(deed)
    except TimeTaken as refusal:
        raise slot_taken(wish, by, refusal.taken) from None
    except IntegrityError as error:
        if not is_exclusion(error):
            raise
        raise slot_taken(wish, by) from error
    except Refused as refusal:
        # Somebody waited too long in a crowd: if the time is gone meanwhile, that is the answer that helps.
        if refusal.code == "busy" and (taken := in_the_way(wish)):
            raise slot_taken(wish, by, taken) from refusal
        raise


def end_run_out_holds(wish: Wish) -> None:
    """A hold lasts ten minutes; what is over gives its time back to the next who asks."""
    now = timezone.now()
    Appointment.objects.filter(touching(wish), status=STATUS.HELD, hold_ends_at__lte=now).update(
        status=STATUS.CANCELLED, cancelled_at=now, cancel_reason="the hold ran out", version=models.F("version") + 1
    )


# --- write ----------------------------------------------------------------------------------------------------------
def insert(wish: Wish, by: Doer, note: str = "") -> Appointment:
    appointment = Appointment(
        patient=wish.patient, site=wish.site, service=wish.service, course=wish.course, note=note,
        booked_by_label=by.label, **when_and_where(wish, by),
    )  # fmt: skip
    appointment.save(force_insert=True)
    Fulfilment.objects.bulk_create(
        Fulfilment(appointment=appointment, planned_session=planned, patient=wish.patient)
        for planned in wish.planned_sessions
    )
    plan_on(appointment)
    PatientSite.objects.get_or_create(patient=wish.patient, site=wish.site)
    log(appointment, by, "booked", f"booked {wish.service} for {appointment.agreed_start}")
    messaging.appointment_booked(appointment=appointment, by=by)
    return appointment


def when_and_where(wish: Wish, by: Doer) -> dict[str, Any]:
    """The columns that say when, where, with whom, and what of it is marked."""
    overbooked = bool(wish.overbook_reason)
    return {
        "practitioner": wish.practitioner,
        "room": wish.room,
        "device": wish.device,
        "starts_at": wish.starts_at,
        "agreed_start": wall_time(wish.starts_at, wish.site.zone),
        "zone": wish.site.time_zone,
        "overbooked": overbooked,
        "overbooked_by": by.user if overbooked else None,
        "overbooked_reason": wish.overbook_reason,
        "flagged": rules.mark_of(wish),
        "treatment_minutes": wish.treatment_minutes,
        "displaced": "",
        **span_columns(wish.footprint),
    }


def span_columns(taken: Footprint) -> dict[str, Any]:
    return {
        "ends_at": taken.patient.end,
        "patient_span": as_range(taken.patient),
        "practitioner_span": as_range(taken.practitioner),
        "room_span": as_range(taken.room),
        "device_span": as_range(taken.device),
    }


def wish_of(appointment: Appointment) -> Wish:
    """What an appointment asks for as it stands, giving up its own time."""
    fulfilments = appointment.fulfilments.select_related("planned_session")
    return Wish(
        patient=appointment.patient,
        site=appointment.site,
        service=appointment.service,
        practitioner=appointment.practitioner,
        room=appointment.room,
        starts_at=appointment.starts_at,
        device=appointment.device,
        course=appointment.course,
        planned_sessions=tuple(one.planned_session for one in fulfilments),
        ignoring=(appointment.pk,),
        treatment_minutes=appointment.treatment_minutes,
    )


def put(appointment: Appointment, wish: Wish, by: Doer, *, together: str = "") -> None:
    """Write new time and place; the patient must be told, so the revision rises. A confirmation was for the old time.
    Where it stood is kept, so that the move can be taken back; `together` names moves that were one act."""
    freeing.remember(appointment)
    values = when_and_where(wish, by) | {
        "revision": appointment.revision + 1,
        "came_from": whereabouts(appointment) | {"together": together},
    }
    if appointment.status == STATUS.CONFIRMED and wish.starts_at != appointment.starts_at:
        values |= {"status": STATUS.BOOKED, "confirmed_at": None}
    save(appointment, values)


def whereabouts(appointment: Appointment) -> dict[str, Any]:
    """Where, when and how sure an appointment stands, as it is kept while its last move can be taken back."""
    return {
        "starts_at": appointment.starts_at.isoformat(),
        "practitioner": appointment.practitioner_id,
        "room": appointment.room_id,
        "device": appointment.device_id,
        "minutes": appointment.treatment_minutes,
        "status": appointment.status,
        "confirmed_at": appointment.confirmed_at.isoformat() if appointment.confirmed_at else None,
        "overbooked_reason": appointment.overbooked_reason,
    }


def unchanged(appointment: Appointment, seen_version: int) -> Appointment:
    """The row as it is now, locked. Raises `Stale` when it is no longer what the form was made from."""
    current = (
        Appointment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("patient", "site", "service", "practitioner", "room", "device", "course")
        .get(pk=appointment.pk)
    )
    if current.version != seen_version:
        when = f"{weekday_date(current.local_start.date())} {current.local_start:%H:%M}"
        raise Stale(
            _("Somebody changed this appointment meanwhile. Look at it as it is now, then decide again."),
            theirs=[
                (str(_("Status")), str(current.get_status_display())),
                (str(_("Time")), when),
                (str(_("Practitioner")), str(current.practitioner)),
                (str(_("Room")), str(current.room)),
            ],
        )
    return current


def save(appointment: Appointment, values: dict[str, Any]) -> None:
    """Every change but a move ends the chance to take the last move back."""
    values = {"came_from": None} | values
    for name, value in values.items():
        setattr(appointment, name, value)
    appointment.version += 1
    appointment.save(update_fields=[*values, "version"])


def free_planned_sessions(appointment: Appointment) -> None:
    appointment.fulfilments.filter(active=True).update(active=False)
    plan_on(appointment)


def plan_on(appointment: Appointment) -> None:
    """The days of the course that follow count from this appointment now, or no longer (plan-shift)."""
    if appointment.course is not None and appointment.fulfilments.exists():
        replan(appointment.course)
        appointment.refresh_from_db(fields=["day_mark"])


def log(appointment: Appointment, by: Doer, action: str, sentence: str, **more: Any) -> None:
    audit.record(
        by=by,
        action=f"appointment-{action}",
        sentence=sentence,
        of=appointment,
        patient=appointment.patient,
        site=appointment.site,
        detail={
            "starts_at": appointment.starts_at,
            "practitioner": appointment.practitioner.public_id,
            "room": appointment.room.public_id,
            "revision": appointment.revision,
            "overbooked": appointment.overbooked_reason,
            **more,
        },
    )
