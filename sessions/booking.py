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

from django.db import IntegrityError, connection
from django.utils.translation import gettext as _

from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Device, Room, Site, User
from patients.models import Patient
from protocols.models import Service
from sessions import booking_rules as rules
from sessions import messaging
from sessions.availability import Wish, in_the_way, parents_of
from sessions.booking_steps import (
    arbitrated,
    check_free,
    check_rules,
    check_who,
    end_run_out_holds,
    insert,
    log,
    look,
    put,
    unchanged,
    wish_of,
)  # fmt: skip
from sessions.clashes import Blocker, SlotTaken, is_exclusion, slot_taken
from sessions.course_booking import CourseClash, RowReport, SlotChoice, book_course, collide
from sessions.locking import lock, once_more
from sessions.models import Appointment, Course, PlannedSession
from sessions.statuses import cancel, change_status, undo

__all__ = [
    "Blocker", "CourseClash", "RowReport", "SlotChoice", "SlotTaken", "book", "book_course", "cancel", "change_status",
    "move", "swap", "undo",
]  # fmt: skip

SAME: Any = object()  # "leave it as it is" where None means "without"


def book(
    *, patient: Patient, service: Service, site: Site, practitioner: User, room: Room, starts_at: dt.datetime, by: Doer,
    device: Device | None = None, course: Course | None = None, planned_sessions: Iterable[PlannedSession] = (),
    overbook_reason: str = "", note: str = "",
) -> Appointment:  # fmt: skip
    """Book one time. `starts_at` is the patient's arrival, aware. Raises `SlotTaken`, `Refused` or `NotPermitted`."""
    wish = Wish(
        patient, site, service, practitioner, room, starts_at, device, course, tuple(planned_sessions), overbook_reason
    )
    check_who(wish, by)

    def deed() -> Appointment:
        look(wish)
        lock(wish.parents)
        check_free(wish)
        check_rules(wish)
        return insert(wish, by, note)

    return arbitrated(deed, wish, by)


def move(
    *, appointment: Appointment, seen_version: int, starts_at: dt.datetime, by: Doer, practitioner: User | None = None,
    room: Room | None = None, device: Device | None = SAME, overbook_reason: str = "",
) -> Appointment:  # fmt: skip
    """Give an appointment another time, practitioner, room or device. A confirmation ends: it was for the old time."""
    wish = replace(
        wish_of(appointment),
        starts_at=starts_at,
        practitioner=practitioner or appointment.practitioner,
        room=room or appointment.room,
        device=appointment.device if device is SAME else device,
        overbook_reason=overbook_reason,
    )
    check_who(wish, by)

    def deed() -> Appointment:
        look(wish)
        lock(wish.parents | parents_of(appointment))
        current = unchanged(appointment, seen_version)
        rules.check_movable(current)
        check_free(wish)
        check_rules(wish)
        was = current.agreed_start
        put(current, wish, by)
        log(current, by, "moved", f"moved from {was} to {current.agreed_start}")
        messaging.appointment_moved(appointment=current, by=by)
        return current

    return arbitrated(deed, wish, by)


def swap(
    *, first: Appointment, second: Appointment, seen_versions: tuple[int, int], by: Doer
) -> tuple[Appointment, Appointment]:
    """Exchange time, practitioner, room and device of two appointments in one act."""
    if first.pk == second.pk:
        raise Refused(_("Choose two different appointments."))
    if first.site_id != second.site_id:
        raise Refused(_("Appointments of two sites cannot be swapped; move them one by one."))
    pair = (first.pk, second.pk)
    wishes = tuple(
        replace(
            wish_of(one), starts_at=other.starts_at, practitioner=other.practitioner, room=other.room,
            device=other.device, ignoring=pair,
        )
        for one, other in ((first, second), (second, first))
    )  # fmt: skip
    for wish in wishes:
        check_who(wish, by)

    def deed() -> tuple[Appointment, Appointment]:
        lock(parents_of(first) | parents_of(second))
        current = (unchanged(first, seen_versions[0]), unchanged(second, seen_versions[1]))
        for appointment, wish in zip(current, wishes, strict=True):
            rules.check_movable(appointment)
            end_run_out_holds(wish)
            taken = in_the_way(wish)
            if taken:
                raise slot_taken(wish, by, taken)
            check_rules(wish)
        if collide(*wishes):
            raise Refused(_("At the exchanged times the two would overlap each other."), code="slot-taken")
        # For a moment both stand in one slot; the constraints look again once both rows are written.
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            for appointment, wish in zip(current, wishes, strict=True):
                put(appointment, wish, by)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for appointment in current:
            log(appointment, by, "moved", f"swapped to {appointment.agreed_start}")
            messaging.appointment_moved(appointment=appointment, by=by)
        return current

    try:
        return once_more(deed)
    except IntegrityError as error:
        if not is_exclusion(error):
            raise
        raise slot_taken(wishes[0], by) from error


