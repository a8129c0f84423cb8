"""Booking, moving, swapping; cancelling and other changes of status are in statuses.py, courses in course_booking.py.

Each verb: 1. locks everything it is about, in one order; 2. ends holds that ran out; 3. looks what is taken and asks
the rules; 4. writes the row with its four spans; 5. writes the audit row and the messages, in the same transaction. The
exclusion constraints stay the only arbiter: should one still object, its answer becomes the same `SlotTaken`.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Device, Room, Site, User
from clinic.models.base import new_public_id
from patients.models import Patient
from protocols.models import Service
from sessions import booking_rules as rules
from sessions import messaging, self_service
from sessions.availability import Wish, parents_of
from sessions.booking_steps import (
    arbitrated,
    check_free,
    check_rules,
    check_who,
    insert,
    log,
    look,
    plan_on,
    put,
    unchanged,
    wish_of,
)  # fmt: skip
from sessions.choices import UPCOMING
from sessions.clashes import Blocker, SlotTaken
from sessions.course_booking import CourseClash, RowReport, SlotChoice, book_course, report_course
from sessions.locking import lock
from sessions.models import Appointment, Course, PlannedSession
from sessions.rearranging import Change, ChangeClash, ChangeReport, rearrange
from sessions.statuses import cancel, change_status, undo

__all__ = [
    "Blocker", "Change", "ChangeClash", "ChangeReport", "CourseClash", "RowReport", "SlotChoice", "SlotTaken", "book",
    "book_course", "cancel", "change_status", "move", "rearrange", "report_course", "swap", "take_back", "undo",
]  # fmt: skip

LEAST_MINUTES, MOST_MINUTES = 5, 480
SAME: Any = object()  # "leave it as it is" where None means "without"


def book(
    *, patient: Patient, service: Service, site: Site, practitioner: User, room: Room, starts_at: dt.datetime, by: Doer,
    device: Device | None = None, course: Course | None = None, planned_sessions: Iterable[PlannedSession] = (),
    overbook_reason: str = "", note: str = "", treatment_minutes: int | None = None,
) -> Appointment:  # fmt: skip
    """Book one time. `starts_at` is the patient's arrival, aware. Raises `SlotTaken`, `Refused` or `NotPermitted`."""
    wish = Wish(
        patient, site, service, practitioner, room, starts_at, device, course, tuple(planned_sessions), overbook_reason,
        treatment_minutes=None if treatment_minutes == service.treatment_minutes else treatment_minutes,
    )  # fmt: skip
    check_who(wish, by)
    check_minutes(wish)

    def deed() -> Appointment:
        look(wish)
        lock(wish.parents)
        check_free(wish)
        check_rules(wish)
        return insert(wish, by, note)

    return arbitrated(deed, wish, by)


def move(
    *, appointment: Appointment, seen_version: int, starts_at: dt.datetime, by: Doer, practitioner: User | None = None,
    room: Room | None = None, device: Device | None = SAME, treatment_minutes: int | None = SAME,
    overbook_reason: str = "", tell: bool = True,
) -> Appointment:  # fmt: skip
    """Give an appointment another time, length, practitioner, room or device. A confirmation ends with the time it was
    for. Without `tell` the patient gets no mail, and the log says so.

    A patient (by their link) moves their own, to a time the site's rules of self-service allow."""
    wish = moved_wish(
        appointment, starts_at=starts_at, practitioner=practitioner, room=room, device=device,
        treatment_minutes=treatment_minutes, overbook_reason=overbook_reason,
    )  # fmt: skip
    by_themself = by.kind == "patient"
    if by_themself:
        self_service.check_own(by, appointment)
    else:
        check_who(wish, by)
    check_minutes(wish)

    def deed() -> Appointment:
        look(wish)
        lock(wish.parents | parents_of(appointment))
        current = unchanged(appointment, seen_version)
        rules.check_movable(current)
        if by_themself:
            self_service.check_new_time(current, wish)
        check_free(wish)
        check_rules(wish)
        was = current.agreed_start
        put(current, wish, by)
        plan_on(current)
        log(current, by, "moved", f"moved from {was} to {current.agreed_start}", told=tell, minutes=wish.minutes.treatment)
        messaging.appointment_moved(appointment=current, by=by, tell=tell)
        return current

    return arbitrated(deed, wish, by)


def moved_wish(
    appointment: Appointment, *, starts_at: dt.datetime, practitioner: User | None = None, room: Room | None = None,
    device: Device | None = SAME, treatment_minutes: int | None = SAME, overbook_reason: str = "",
) -> Wish:  # fmt: skip
    """What a move asks for. Who was overbooked stays so while time and practitioner stay."""
    stays = starts_at == appointment.starts_at and practitioner in {None, appointment.practitioner}
    service = appointment.service
    minutes = appointment.treatment_minutes if treatment_minutes is SAME else treatment_minutes
    return replace(
        wish_of(appointment),
        starts_at=starts_at,
        practitioner=practitioner or appointment.practitioner,
        room=room or appointment.room,
        device=appointment.device if device is SAME else device,
        treatment_minutes=None if minutes == service.treatment_minutes else minutes,
        overbook_reason=overbook_reason or (appointment.overbooked_reason if stays else ""),
    )


def check_minutes(wish: Wish) -> None:
    """A treatment takes between five minutes and eight hours; a service's own length is checked where it is written."""
    if wish.treatment_minutes is not None and not LEAST_MINUTES <= wish.treatment_minutes <= MOST_MINUTES:
        words = _("A treatment takes between %(least)s and %(most)s minutes.")
        raise Refused(words % {"least": LEAST_MINUTES, "most": MOST_MINUTES}, field="minutes", code="minutes")


def swap(
    *, first: Appointment, second: Appointment, seen_versions: tuple[int, int], by: Doer, tell: bool = True
) -> tuple[Appointment, Appointment]:
    """Exchange time, practitioner, room and device of two appointments in one act. Each keeps its own length."""
    if first.pk == second.pk:
        raise Refused(_("Choose two different appointments."))
    if first.site_id != second.site_id:
        raise Refused(_("Appointments of two sites cannot be swapped; move them one by one."))
    changes = [
        Change(
            one, seen, other.starts_at, other.practitioner, other.room, other.device if one.service.device_kind else None,
            one.treatment_minutes,
        )
        for one, other, seen in ((first, second, seen_versions[0]), (second, first, seen_versions[1]))
    ]  # fmt: skip
    one, other = rearrange(changes=changes, by=by, tell=tell, sentence="swapped", together=new_public_id())
    return one, other


def take_back(*, appointment: Appointment, seen_version: int, by: Doer) -> list[Appointment]:
    """Undo the last move, with everything that moved in the same act: time, place, length and confirmation as before."""
    together = (appointment.came_from or {}).get("together", "")
    rows = Appointment.objects.select_related("patient", "site", "service", "practitioner", "room", "device", "course")
    moved = list(rows.filter(came_from__together=together, site=appointment.site)) if together else [appointment]
    if not all(one.came_from for one in moved) or not moved:
        raise Refused(_("There is nothing to take back here."), code="transition")
    places = {one.pk: dict(one.came_from or {}) for one in moved}

    def as_before(one: Appointment) -> None:
        was = places[one.pk]
        confirmed = dt.datetime.fromisoformat(was["confirmed_at"]) if was["confirmed_at"] else None
        values = {"status": was["status"], "confirmed_at": confirmed, "came_from": None}
        Appointment.objects.filter(pk=one.pk).update(**values)
        for name, value in values.items():
            setattr(one, name, value)

    changes = [place_before(one, seen_version if one.pk == appointment.pk else one.version) for one in moved]
    return rearrange(changes=changes, by=by, sentence="taken back", afterwards=as_before)


def where_it_was(appointment: Appointment) -> Change | None:
    """Where its last move took it from, while that can be taken back."""
    if not appointment.came_from or appointment.status not in UPCOMING:
        return None
    return place_before(appointment, appointment.version)


def later_of_course(appointment: Appointment) -> Any:
    """Appointments of the same course that come after this one and can still be moved, in order of time."""
    rows = Appointment.objects.filter(course=appointment.course, status__in=UPCOMING, course__isnull=False)
    rows = rows.filter(starts_at__gt=appointment.starts_at, fulfilments__active=True).distinct()
    return rows.select_related("patient", "site", "service", "practitioner", "room", "device", "course")


def place_before(appointment: Appointment, seen_version: int) -> Change:
    """The change that puts an appointment back where its last move took it from."""
    was = appointment.came_from or {}
    return Change(
        appointment,
        seen_version,
        dt.datetime.fromisoformat(was["starts_at"]),
        User.objects.get(pk=was["practitioner"]),
        Room.objects.get(pk=was["room"]),
        Device.objects.filter(pk=was["device"]).first() if was["device"] else None,
        was["minutes"],
        was["overbooked_reason"],
    )
