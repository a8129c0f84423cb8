"""Messages that speak of a course and not of one visit: time to book, overdue, reviews (section 12).

They are rows like any other, written as soon as their day is known and held in step with it: `follow` is called by
whatever moves a day of the course (`sessions.planned.replan`), ends it or stops it, in the same transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from django.utils import timezone
from django.utils.translation import gettext_noop

from clinic.doer import SYSTEM
from protocols import catalogue, message_times
from protocols.planning import maintenance_window, review_dates
from sessions import message_rules, messaging, outbox
from sessions.choices import CourseStatus, MessageState
from sessions.message_rules import SWITCHED_OFF, Rules
from sessions.message_texts import LATE, NEXT, REVIEW_1M, REVIEW_6M
from sessions.models import Appointment, Course, Message, PlannedSession
from sessions.models.message import A_REPEAT

KINDS = (NEXT, LATE, REVIEW_1M, REVIEW_6M)
USEFUL_DAYS = 14
"""A word about a date that passed two weeks ago helps nobody."""

FOLLOWS_THE_COURSE = gettext_noop("The dates of the course have changed")
NEXT_IS_BOOKED = gettext_noop("The next appointment is booked")
COURSE_ENDED = gettext_noop("The course was stopped")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One mail of a course. `number` tells the mails of one kind apart: the session it speaks of, or the review's
    place in the list; it stands in the row as its revision. `off`: the clinic has switched this kind off."""

    kind: str
    number: int
    due_at: dt.datetime
    off: bool = False


def follow(course: Course) -> None:
    """Write what the dates of the course ask for now, withdraw what they no longer ask for. What was sent stays."""
    rules = message_rules.in_force(KINDS)
    wanted = {(one.kind, one.number): one for one in wanted_of(course, rules)}
    rows = outbox.messages_of(course).filter(kind__in=KINDS, cause_revision__lt=A_REPEAT)  # a person wants the others
    gone = rows.filter(state=MessageState.SCHEDULED)
    stale: list[int] = []
    off: list[int] = []
    for row in gone:
        one = wanted.get((row.kind, row.cause_revision))
        if one is None or one.due_at != row.due_at or one.off:
            (off if one is not None and one.off else stale).append(row.pk)
    for keys, reason in ((stale, FOLLOWS_THE_COURSE if is_alive(course) else COURSE_ENDED), (off, SWITCHED_OFF)):
        if keys:
            outbox.withdraw(Message.objects.filter(pk__in=keys), reason=reason, by=SYSTEM)
    held_back = messaging.EVENT_OPEN if wanted and messaging.stopped_by_event(course.patient) else ""
    for one in wanted.values():
        outbox.write(
            one.kind, cause=course, patient=course.patient, site=course.site, by=SYSTEM, due_at=one.due_at,
            useful_until=one.due_at + dt.timedelta(days=USEFUL_DAYS), revision=one.number,
            suppressed=held_back or (SWITCHED_OFF if one.off else ""),
        )  # fmt: skip


ALIVE = frozenset({CourseStatus.APPROVED, CourseStatus.COMPLETED})


def is_alive(course: Course) -> bool:
    return course.status in ALIVE


def wanted_of(course: Course, rules: Rules) -> Iterator[Wanted]:
    """Every mail of the course whose moment is still to come. One that would have been due already is not written: the
    desk is speaking with the patient at this very moment."""
    if not is_alive(course):
        return
    now = timezone.now()
    yield from (one for one in all_of(course, rules, booked=is_booked(course)) if one.due_at > now)


def all_of(course: Course, rules: Rules, *, booked: bool) -> Iterator[Wanted]:
    """Every mail of a course that goes on, also those whose moment has passed."""
    for one in (*(() if booked else _booking(course, rules)), *_reviews(course, rules)):
        yield replace(one, off=not rules.is_sent(one.kind, site=course.site, indication=course.indication))


def _booking(course: Course, rules: Rules) -> Iterator[Wanted]:
    """Time to book the next session, and that it is overdue; only while nothing of the course is booked."""
    planned = planned_of(course)
    following = next((row for row in planned if row.done_on is None and not row.skipped_reason), None)
    if following is not None:
        number, due, latest = following.number, following.ideal, following.latest
    else:
        indication = catalogue.in_force().indications.get(course.indication)
        last = max(_done_days(planned), default=None)
        window = maintenance_window(indication, last) if indication is not None and last is not None else None
        if window is None:
            return
        number, due, latest = len(planned) + 1, window.due, None
    for kind in (NEXT, LATE):
        hours = rules.hours(kind, site=course.site, indication=course.indication)
        due_at = message_times.due_at(kind, hours=hours, zone=course.site.zone, next_due=due, latest=latest)
        if due_at is not None:
            yield Wanted(kind, number, due_at)


def _reviews(course: Course, mail_rules: Rules) -> Iterator[Wanted]:
    """On each review date, counted from the days sessions were given or else stand on. Nothing before the first one."""
    rules = catalogue.in_force()
    indication = rules.indications.get(course.indication)
    planned = planned_of(course)
    done = _done_days(planned)
    if indication is None or not done:
        return
    open_days = [row.ideal for row in planned if row.done_on is None and not row.skipped_reason]
    last = max([*done, *open_days])
    for number, review in enumerate(review_dates(indication, first=min(done), last=last, catalogue=rules), start=1):
        due_at = message_times.due_at(review.message, hours=mail_rules.base, zone=course.site.zone, review_on=review.on)
        if due_at is not None:
            yield Wanted(review.message, number, due_at)


def planned_of(course: Course) -> list[PlannedSession]:
    """The sessions of a course in their order; no query where they are read already."""
    return sorted(course.planned_sessions.all(), key=lambda row: row.number)


def _done_days(planned: Iterable[PlannedSession]) -> list[dt.date]:
    return [row.done_on for row in planned if row.done_on is not None]


def course_of(message: Message) -> Course | None:
    """The course a message speaks of, by its cause or by its visit."""
    if message.cause_kind == "course":
        return Course.objects.select_related("site", "patient").get(public_id=message.cause_public_id)
    return message.appointment.course if message.appointment is not None else None


def is_booked(course: Course) -> bool:
    booked: bool = Appointment.objects.upcoming().filter(course=course).exists()
    return booked


def why_not(message: Message, course: Course) -> str:
    """Why a mail of this course is not sent now; empty when it goes."""
    if not is_alive(course):
        return COURSE_ENDED
    if message.kind in {NEXT, LATE} and is_booked(course):
        return NEXT_IS_BOOKED
    return ""
