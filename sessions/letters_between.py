"""The mails between visits: preparation and test before one, the hours and weeks after one, the dates of a course.

Their words come from the catalogue (section 12); what they add is the patient's own: days, times, what still holds.
"""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from protocols import catalogue
from protocols.planning import maintenance_window, review_dates
from sessions.before_the_first import visit_for_testing
from sessions.course_messages import course_of
from sessions.letter_parts import (
    Letter,
    Section,
    appointment_of,
    ended_at,
    in_words,
    instructions_of,
    red_flags,
    subject_of,
    treatment_of,
    visit,
)  # fmt: skip
from sessions.message_texts import LATE, REVIEW_1M, REVIEW_6M, day_of, say
from sessions.models import Course, Message, PlannedSession
from sessions.plans import plan_of


def words_of(kind: str, language: str) -> str:
    return catalogue.in_force().messages[kind].text(language)


def preparation(message: Message, language: str) -> Letter:

    letter = visit(message, language, lead="expect")
    letter.opening = [words_of(message.kind, language)]
    letter.paragraphs = [say("changed", language)]
    return letter


def allergy_test(message: Message, language: str) -> Letter:
    """When to come for the test, from the days the rule leaves."""
    appointment = appointment_of(message)
    course = appointment.course
    day = appointment.local_start.date()
    testing = None
    if course is not None:
        testing = visit_for_testing(patient=appointment.patient, site=appointment.site, plan=plan_of(course), on=day)
    letter = Letter(
        subject=subject_of(message, language),
        lead=say("test-for", language, day=day_of(day, language)),
        values={"day": day_of(day, language)},
        opening=[words_of(message.kind, language)],
        paragraphs=[say("test-call", language, phone=appointment.site.phone)],
    )
    if testing is not None and testing.is_possible:
        days = say("from-to", language, first=day_of(testing.first_day, language), last=day_of(testing.last_day, language))
        letter.facts = [(say("test-days", language), days)]
    return letter


def after_hours(message: Message, language: str) -> Letter:
    """Some hours after a treatment: what is allowed now, what still holds, when to call."""
    treatment_session = treatment_of(message)
    ended = ended_at(treatment_session).astimezone(message.site.zone)
    now = timezone.now()
    still = [line for line in instructions_of(treatment_session) if line.until_at is not None and line.until_at > now]
    sections = [Section(say("still-on", language), in_words(still, ended, language))] if still else []
    return Letter(
        subject=subject_of(message, language),
        lead=say("about-visit", language, day=day_of(ended, language)),
        values={"day": day_of(ended, language)},
        opening=[words_of(message.kind, language)],
        sections=[*sections, *red_flags(message.site, language)],
    )


def late_lump(message: Message, language: str) -> Letter:

    ended = ended_at(treatment_of(message)).astimezone(message.site.zone)
    return Letter(
        subject=subject_of(message, language),
        lead=say("lump-asked", language, day=day_of(ended, language)),
        values={"day": day_of(ended, language)},
        opening=[words_of(message.kind, language)],
        paragraphs=[say("lump-call", language, phone=message.site.phone)],
    )


def of_course(message: Message, language: str) -> Letter:
    """Time to book, overdue, or a review: the day it is about and how to book."""
    course = course_of(message)
    if course is None:
        raise ValueError("A mail of a course needs its course.")
    letter = Letter(
        subject=subject_of(message, language),
        lead="",
        opening=[words_of(message.kind, language)],
        paragraphs=[say("book-by-call", language, phone=message.site.phone)],
    )
    if message.kind in {REVIEW_1M, REVIEW_6M}:
        return about(letter, "review-due", _review_day(message, course), language)
    first, due, last = _next_days(message, course)
    if message.kind == LATE:
        return about(letter, "late-since", last or due, language)
    about(letter, "next-due", due, language)
    days = say("from-on", language, first=day_of(first, language))
    if last is not None:
        days = say("from-to", language, first=day_of(first, language), last=day_of(last, language))
    letter.facts = [(say("next-window", language), days)]
    return letter


def about(letter: Letter, lead: str, day: dt.date, language: str) -> Letter:
    letter.values = {"day": day_of(day, language)}
    letter.lead = say(lead, language, **letter.values)
    return letter


def _next_days(message: Message, course: Course) -> tuple[dt.date, dt.date, dt.date | None]:
    """First possible, ideal and last day of the session the mail speaks of, or of the maintenance after the course."""
    planned = PlannedSession.objects.filter(course=course, number=message.number).first()
    if planned is not None:
        return planned.earliest, planned.ideal, planned.latest
    indication = catalogue.in_force().indications[course.indication]
    window = maintenance_window(indication, max(_days(course)))
    if window is None:
        raise ValueError("There is no maintenance after this course.")
    return window.earliest, window.due, window.due


def _review_day(message: Message, course: Course) -> dt.date:
    """As `sessions.course_messages` counted them when the row was written."""
    days = _days(course)
    rules = catalogue.in_force()
    found = review_dates(rules.indications[course.indication], first=min(days), last=max(days), catalogue=rules)
    return found[message.number - 1].on


def _days(course: Course) -> list[dt.date]:
    """The days of the sessions that were given, and where the others stand."""
    rows = course.planned_sessions.filter(skipped_reason="")
    return [row.done_on or row.ideal for row in rows]
