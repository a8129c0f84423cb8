"""A whole course booked at once: every row fits, or nothing is booked and each row says what stands against it."""
from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError
from django.utils.translation import gettext as _

from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Device, Room, User
from protocols.models import Service
from sessions import booking_rules as rules
from sessions.availability import Offer, Wish, in_the_way
from sessions.booking_steps import check_who, end_run_out_holds, insert
from sessions.clashes import Blocker, is_exclusion, slot_taken
from sessions.locking import Parents, lock, once_more
from sessions.models import Appointment, Course, PlannedSession


@dataclass(frozen=True, slots=True)
class SlotChoice:
    """One row of a course to book."""

    planned_session: PlannedSession
    service: Service
    practitioner: User
    room: Room
    starts_at: dt.datetime
    device: Device | None = None


@dataclass(frozen=True, slots=True)
class RowReport:
    """What stands against one row; `sentence` is empty when nothing does."""

    choice: SlotChoice
    sentence: str = ""
    blockers: tuple[Blocker, ...] = ()
    next_free: tuple[Offer, ...] = ()

    @property
    def fits(self) -> bool:
        return not self.sentence


class CourseClash(Refused):
    """Nothing was booked. `report` has one line per row, in the order they were given."""

    status = 409

    def __init__(self, report: Sequence[RowReport]) -> None:
        count = sum(not row.fits for row in report)
        words = _("%(count)s of %(all)s sessions do not fit; nothing was booked.")
        super().__init__(words % {"count": count, "all": len(report)}, code="course-clash")
        self.report = list(report)


def book_course(*, course: Course, slots: Sequence[SlotChoice], by: Doer) -> list[Appointment]:
    """Book every row or none. Raises `CourseClash` with who, when and the next free time for each row that clashes."""
    if not slots:
        raise Refused(_("Choose a time for at least one session."))
    wishes = wishes_for(course, slots)
    for wish in wishes:
        check_who(wish, by)
    parents = Parents()
    for wish in wishes:
        parents |= wish.parents

    def deed() -> list[Appointment]:
        lock(parents)
        for wish in wishes:
            end_run_out_holds(wish)
        report = [_report(slot, wish, wishes, by) for slot, wish in zip(slots, wishes, strict=True)]
        if not all(row.fits for row in report):
            raise CourseClash(report)
        return [insert(wish, by) for wish in wishes]

    try:
        return once_more(deed)
    except IntegrityError as error:
        if not is_exclusion(error):
            raise
        report = [_report(slot, wish, wishes, by) for slot, wish in zip(slots, wishes, strict=True)]
        raise CourseClash(report) from error


def report_course(*, course: Course, slots: Sequence[SlotChoice], by: Doer) -> list[RowReport]:
    """What would stand against each row, without booking any: for the page, before somebody presses."""
    wishes = wishes_for(course, slots)
    return [_report(slot, wish, wishes, by) for slot, wish in zip(slots, wishes, strict=True)]


def wishes_for(course: Course, slots: Sequence[SlotChoice]) -> list[Wish]:
    """Each row as a wish that knows the day of the row before it: windows count from there."""
    days = {slot.planned_session.number: slot.starts_at.astimezone(course.site.zone).date() for slot in slots}
    return [
        Wish(
            patient=course.patient,
            site=course.site,
            service=slot.service,
            practitioner=slot.practitioner,
            room=slot.room,
            starts_at=slot.starts_at,
            device=slot.device,
            course=course,
            planned_sessions=(slot.planned_session,),
            follows=days.get(slot.planned_session.number - 1),
        )
        for slot in slots
    ]


def _report(slot: SlotChoice, wish: Wish, wishes: Sequence[Wish], by: Doer) -> RowReport:
    """What stands against one row: a rule, something booked, or another row of the same list."""
    taken = in_the_way(wish)
    if taken:
        refusal = slot_taken(wish, by, taken)
        return RowReport(slot, refusal.sentence, refusal.blockers, refusal.next_free)
    for obstacle in rules.obstacles(wish):
        return RowReport(slot, obstacle.sentence)
    before = next((other for other in wishes if other is not wish and collide(wish, other)), None)
    if before is not None:
        number = before.planned_sessions[0].number
        return RowReport(slot, _("Overlaps with session %(number)s of this list.") % {"number": number})
    disorder = next((other for other in wishes if _out_of_order(wish, other)), None)
    if disorder is not None:
        number = disorder.planned_sessions[0].number
        return RowReport(slot, _("Must come after session %(number)s.") % {"number": number})
    return RowReport(slot)


def collide(one: Wish, other: Wish) -> bool:
    a, b = one.footprint, other.footprint
    same_device = one.device is not None and one.device == other.device
    return (
        (one.patient == other.patient and a.patient.overlaps(b.patient))
        or (one.practitioner == other.practitioner and a.practitioner.overlaps(b.practitioner))
        or (one.room == other.room and a.room.overlaps(b.room))
        or (same_device and a.device is not None and b.device is not None and a.device.overlaps(b.device))
    )


def _out_of_order(one: Wish, other: Wish) -> bool:
    return other.planned_sessions[0].number < one.planned_sessions[0].number and other.starts_at >= one.starts_at


