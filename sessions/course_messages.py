"""Messages that speak of a course and not of one visit: time to book, overdue, reviews (section 12).

They are rows like any other, written as soon as their day is known and held in step with it: `follow` is called by
whatever moves a day of the course (`sessions.planned.replan`), ends it or stops it, in the same transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext_noop

from clinic.doer import SYSTEM
from protocols import catalogue, message_times
from protocols.planning import maintenance_window, review_dates
from sessions import messaging
from sessions.choices import CourseStatus, MessageState
from sessions.mail_hours import mail_hours
from sessions.message_texts import LATE, NEXT, REVIEW_1M, REVIEW_6M
from sessions.models import Appointment, Course, Message

KINDS = (NEXT, LATE, REVIEW_1M, REVIEW_6M)
USEFUL_DAYS = 14
"""A word about a date that passed two weeks ago helps nobody."""

FOLLOWS_THE_COURSE = gettext_noop("The dates of the course have changed")
NEXT_IS_BOOKED = gettext_noop("The next appointment is booked")
COURSE_ENDED = gettext_noop("The course was stopped")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One mail of a course. `number` tells the mails of one kind apart: the session it speaks of, or the review's
    place in the list; it stands in the row as its revision."""

    kind: str
    number: int
    due_at: dt.datetime


def follow(course: Course) -> None:
    """Write what the dates of the course ask for now, withdraw what they no longer ask for. What was sent stays."""
    wanted = {(one.kind, one.number): one for one in wanted_of(course)}
    gone = messaging.messages_of(course).filter(kind__in=KINDS, state=MessageState.SCHEDULED)
    stale = [
        row.pk for row in gone
        if (one := wanted.get((row.kind, row.cause_revision))) is None or one.due_at != row.due_at
    ]  # fmt: skip
    if stale:
        reason = FOLLOWS_THE_COURSE if is_alive(course) else COURSE_ENDED
        messaging.withdraw(Message.objects.filter(pk__in=stale), reason=reason, by=SYSTEM)
    held_back = messaging.EVENT_OPEN if wanted and messaging.stopped_by_event(course.patient) else ""
    for one in wanted.values():
        messaging.write(
            one.kind, cause=course, patient=course.patient, site=course.site, by=SYSTEM, due_at=one.due_at,
            useful_until=one.due_at + dt.timedelta(days=USEFUL_DAYS), revision=one.number, suppressed=held_back,
        )  # fmt: skip


def is_alive(course: Course) -> bool:
    return course.status in {CourseStatus.APPROVED, CourseStatus.COMPLETED}


def wanted_of(course: Course) -> Iterator[Wanted]:
    """Every mail of the course whose moment is still to come. One that would have been due already is not written: the
    desk is speaking with the patient at this very moment."""
    if not is_alive(course):
        return
    now = timezone.now()
    for one in (*_booking(course), *_reviews(course)):
        if one.due_at > now:
            yield one


def _booking(course: Course) -> Iterator[Wanted]:
    """Time to book the next session, and that it is overdue; only while nothing of the course is booked."""
    if is_booked(course):
        return
    zone, hours = course.site.zone, mail_hours()
    following = course.planned_sessions.filter(done_on=None, skipped_reason="").order_by("number").first()
    if following is not None:
        number, due, latest = following.number, following.ideal, following.latest
    else:
        indication = catalogue.in_force().indications.get(course.indication)
        last = max(_done_days(course), default=None)
        window = maintenance_window(indication, last) if indication is not None and last is not None else None
        if window is None:
            return
        number, due, latest = course.planned_sessions.count() + 1, window.due, None
    for kind, due_at in (
        (NEXT, message_times.due_at(NEXT, hours=hours, zone=zone, next_due=due)),
        (LATE, message_times.due_at(LATE, hours=hours, zone=zone, latest=latest)),
    ):
        if due_at is not None:
            yield Wanted(kind, number, due_at)


def _reviews(course: Course) -> Iterator[Wanted]:
    """On each review date, counted from the days sessions were given or else stand on. Nothing before the first one."""
    rules = catalogue.in_force()
    indication = rules.indications.get(course.indication)
    done = _done_days(course)
    if indication is None or not done:
        return
    open_days = course.planned_sessions.filter(done_on=None, skipped_reason="").values_list("ideal", flat=True)
    last = max([*done, *open_days])
    for number, review in enumerate(review_dates(indication, first=min(done), last=last, catalogue=rules), start=1):
        due_at = message_times.due_at(review.message, hours=mail_hours(), zone=course.site.zone, review_on=review.on)
        if due_at is not None:
            yield Wanted(review.message, number, due_at)


def _done_days(course: Course) -> list[dt.date]:
    return [day for day in course.planned_sessions.values_list("done_on", flat=True) if day is not None]


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
