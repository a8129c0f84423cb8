"""Several appointments given other times or places in one act: a swap, the rest of a course, a move taken back.

All or nothing: every row is asked first and each says what stands against it. For a moment rows may stand in each
other's place; the exclusion constraints look again once all of them are written.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from django.db import IntegrityError, connection
from django.utils.translation import gettext as _

from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Device, Room, User
from protocols import catalogue
from protocols.planning import judge_interval
from sessions import booking_rules as rules
from sessions import messaging
from sessions.availability import Offer, Wish, in_the_way, parents_of
from sessions.booking_steps import check_who, end_run_out_holds, log, plan_on, put, unchanged, wish_of
from sessions.clashes import Blocker, is_exclusion, slot_taken
from sessions.course_booking import collide
from sessions.locking import Parents, lock, once_more
from sessions.models import Appointment
from sessions.planned import steps_of, too_close_words

Writing = Callable[[Appointment], None]


@dataclass(frozen=True, slots=True)
class Change:
    """One appointment, as it was seen, and where it is to go."""

    appointment: Appointment
    seen_version: int
    starts_at: dt.datetime
    practitioner: User
    room: Room
    device: Device | None = None
    treatment_minutes: int | None = None
    overbook_reason: str = ""


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What stands against one change; `sentence` is empty when nothing does."""

    change: Change
    sentence: str = ""
    blockers: tuple[Blocker, ...] = ()
    next_free: tuple[Offer, ...] = ()

    @property
    def fits(self) -> bool:
        return not self.sentence


class ChangeClash(Refused):
    """Nothing was moved. `report` has one line per change, in the order they were given."""

    status = 409

    def __init__(self, report: Sequence[ChangeReport]) -> None:
        against = [row for row in report if not row.fits]
        words = _("%(count)s of %(all)s appointments do not fit there; nothing was moved.")
        sentence = words % {"count": len(against), "all": len(report)}
        if len(against) == 1 or len(report) == 2:
            sentence = " ".join(row.sentence for row in against)
        super().__init__(sentence, code="change-clash")
        self.report = list(report)


def rearrange(
    *, changes: Sequence[Change], by: Doer, tell: bool = True, sentence: str = "moved", together: str = "",
    afterwards: Writing | None = None,
) -> list[Appointment]:  # fmt: skip
    """Carry out every change or none. `afterwards` may write more of each row in the same transaction.

    Raises `ChangeClash` with who, when and the next free time for each row that clashes, `Stale`, `Refused`."""
    wishes = wishes_of(changes)
    for wish in wishes:
        check_who(wish, by)
    parents = Parents()
    for change, wish in zip(changes, wishes, strict=True):
        parents |= wish.parents | parents_of(change.appointment)

    def deed() -> list[Appointment]:
        lock(parents)
        current = [unchanged(change.appointment, change.seen_version) for change in changes]
        for appointment, wish in zip(current, wishes, strict=True):
            rules.check_movable(appointment)
            end_run_out_holds(wish)
        report = report_on(changes, wishes, by)
        if not all(row.fits for row in report):
            raise ChangeClash(report)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            for appointment, wish in zip(current, wishes, strict=True):
                put(appointment, wish, by, together=together)
                if afterwards is not None:
                    afterwards(appointment)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for appointment in current:
            plan_on(appointment)
            log(appointment, by, "moved", f"{sentence} to {appointment.agreed_start}", told=tell)
            messaging.appointment_moved(appointment=appointment, by=by, tell=tell)
        return current

    try:
        return once_more(deed)
    except IntegrityError as error:
        if not is_exclusion(error):
            raise
        raise ChangeClash(report_on(changes, wishes, by)) from error


def wishes_of(changes: Sequence[Change]) -> list[Wish]:
    """Each change as a wish; all of them give up their time together."""
    pks = tuple(change.appointment.pk for change in changes)
    wishes = [
        replace(
            wish_of(change.appointment), starts_at=change.starts_at, practitioner=change.practitioner, room=change.room,
            device=change.device, treatment_minutes=change.treatment_minutes, ignoring=pks,
            overbook_reason=change.overbook_reason,
        )
        for change in changes
    ]  # fmt: skip
    days = {planned.pk: wish.day for wish in wishes for planned in wish.planned_sessions}
    return [_following(wish, wishes) if days else wish for wish in wishes]


def _following(wish: Wish, wishes: Sequence[Wish]) -> Wish:
    """The wish with the day the session before it in the same course takes in this act, if it moves too."""
    number = _number(wish)
    before = next(
        (one for one in wishes if one.course == wish.course and number is not None and _number(one) == number - 1), None
    )
    return replace(wish, follows=before.day) if before is not None and wish.course is not None else wish


def _number(wish: Wish) -> int | None:
    return wish.planned_sessions[0].number if wish.planned_sessions else None


# --- what stands against it -----------------------------------------------------------------------------------------
def report_on(changes: Sequence[Change], wishes: Sequence[Wish], by: Doer) -> list[ChangeReport]:
    """One line per change, in their order. Writes nothing."""
    return [_report(change, wish, wishes, by) for change, wish in zip(changes, wishes, strict=True)]


def _report(change: Change, wish: Wish, wishes: Sequence[Wish], by: Doer) -> ChangeReport:
    taken = in_the_way(wish)
    if taken:
        refusal = slot_taken(wish, by, taken)
        return ChangeReport(change, refusal.sentence, refusal.blockers, refusal.next_free)
    for obstacle in rules.obstacles(wish):
        if obstacle.code == "too-early" and wish.follows is not None:
            continue  # its stored window counts from where the session before it stands now: asked below instead
        return ChangeReport(change, obstacle.sentence)
    other = next((one for one in wishes if one is not wish and collide(wish, one)), None)
    if other is not None:
        words = _("Would overlap with %(who)s, who moves to %(time)s in the same act.")
        local = other.starts_at.astimezone(other.site.zone)
        return ChangeReport(change, words % {"who": other.patient, "time": f"{local:%H:%M}"})
    return ChangeReport(change, _order_or_interval(wish, wishes))


def _order_or_interval(wish: Wish, wishes: Sequence[Wish]) -> str:
    """The order of a course, and the interval after a session that moves in the same act."""
    number = _number(wish)
    if wish.course is None or number is None:
        return ""
    for other in wishes:
        theirs = _number(other)
        if other.course == wish.course and theirs is not None and theirs < number and other.starts_at >= wish.starts_at:
            return _("Must come after session %(number)s.") % {"number": theirs}
    if wish.follows is None:
        return ""
    rows = catalogue.in_force()
    steps = steps_of(wish.course, rows) or ()
    step = steps[number - 1] if number <= len(steps) else None
    if step is None:
        return ""
    verdict = judge_interval(previous=wish.follows, proposed=wish.day, step=step, catalogue=rows)
    return too_close_words(number, verdict) if verdict is not None and verdict.refused else ""

