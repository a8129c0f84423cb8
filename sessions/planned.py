"""Stored planned sessions as the planner's values, and back: windows that follow what really happens.

`replan` is called by whatever changes a day or what a day asks for: a booking, a move, a cancellation, the end of a
treatment; an allergy test, a consent text, a score. Windows count from the actual day of the session before, else from
its booking, else from its ideal day (plan-next, plan-shift).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from django.utils import translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clinic.languages import STAFF
from protocols import catalogue
from protocols.definitions import Catalogue, Indication
from protocols.planning import (
    CourseRefused,
    IntervalKind,
    IntervalVerdict,
    OpenDay,
    PlannedDate,
    Step,
    course_steps,
    judge_interval,
    next_open_day,
    next_window,
)
from sessions import before_the_first, course_messages
from sessions.models import Appointment, Course, Fulfilment, PlannedSession
from sessions.open_days import open_days
from sessions.plans import plan_of

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class TooClose:
    """A booked session that the new date of the one before leaves too early: for a decision, nothing moves by itself."""

    appointment: Appointment
    number: int
    sentence: str


def planned_date(row: PlannedSession, usual_time: dt.time) -> PlannedDate:
    return PlannedDate(
        number=row.number, earliest=row.earliest, ideal=row.ideal, latest=row.latest, phase=str(row.phase),
        wall_time=usual_time, interval_days=row.interval_days,
    )  # fmt: skip


def steps_of(course: Course, rules: Catalogue) -> tuple[Step | None, ...] | None:
    """The interval leading up to each session of a course: the range of the catalogue in force and the substances' own
    minimum, with the interval that was chosen at planning. None when the catalogue no longer knows the indication or
    would not plan so many sessions."""
    rows = list(course.planned_sessions.order_by("number"))
    return _steps(course, rows, rules)


def _steps(course: Course, rows: Sequence[PlannedSession], rules: Catalogue) -> tuple[Step | None, ...] | None:
    indication = rules.indications.get(course.indication)
    if indication is None:
        return None
    substances = sorted(plan_of(course).substances)
    steps = _catalogue_steps(indication, rows, rules, substances)
    if steps is None or len(steps) != len(rows):
        return None
    return tuple(_chosen(step, row) for step, row in zip(steps, rows, strict=True))


def _catalogue_steps(
    indication: Indication, rows: Sequence[PlannedSession], rules: Catalogue, substances: Sequence[str]
) -> tuple[Step | None, ...] | None:
    """By the phases as they were planned; where a newer catalogue would not plan them, by their number alone."""
    phases = [sum(row.phase == number for row in rows) for number in range(1, len(indication.phases) + 1)]
    for counts in (phases, None):
        try:
            return course_steps(
                indication, rules, sessions=len(rows), phase_sessions=counts, substances=substances
            )
        except CourseRefused:
            continue
    return None


def _chosen(step: Step | None, row: PlannedSession) -> Step | None:
    """The interval that was chosen for this session, never below what the rules ask today."""
    if step is None or not row.interval_days:
        return step
    return replace(step, ideal=max(row.interval_days, step.least))


def step_before(planned: PlannedSession | None, course: Course, rules: Catalogue) -> Step | None:
    """The interval that leads up to this session, which is not the first one; None where nobody knows it."""
    steps = steps_of(course, rules) or ()
    own = steps[planned.number - 1] if planned is not None and planned.number <= len(steps) else None
    return own or next((step for step in steps if step is not None), None)


def replan(course: Course) -> list[TooClose]:
    """Write every window that is still to come anew. Returns the booked sessions that now come too early.

    A booked session keeps its appointment and takes its day as its ideal one, so that later windows count from it. The mails
    of the course follow, also where the rules no longer know its intervals and its windows stay."""
    rules = catalogue.in_force()
    rows = list(course.planned_sessions.order_by("number"))
    steps = _steps(course, rows, rules)
    if steps is None:
        course_messages.follow(course)
        return []
    booked = bookings_of(course)
    is_open = open_days(course.site, course.practitioner)
    found: list[TooClose] = []
    previous: dt.date | None = None
    for row, step in zip(rows, steps, strict=True):
        if row.skipped_reason:
            continue
        visit = booked.get(row.number)
        if row.done_on is not None:
            previous = row.done_on
            continue
        day = visit.local_start.date() if visit else None
        if step is None or previous is None:
            window = _first_window(row, course.usual_time, day or _found(next_open_day, row.earliest, is_open=is_open))
            if visit is not None and day is not None:
                _mark(visit, partial(before_the_first.words_for, course, day))
        else:
            window = _found(
                next_window, previous=previous, number=row.number, step=step, wall_time=course.usual_time, is_open=is_open
            )  # fmt: skip
            verdict = None
            if day is not None:
                verdict = judge_interval(previous=previous, proposed=day, step=step, catalogue=rules)
            if visit is not None and verdict is not None:
                say = partial(too_close_words, row.number, verdict) if verdict.refused else partial(late_words, verdict)
                _mark(visit, say)
                if verdict.refused:
                    found.append(TooClose(visit, row.number, say()))
        _write(row, window, day)
        previous = day or window.ideal
    course_messages.follow(course)
    return found


def _found(ask: Callable[..., Result], *args: Any, is_open: OpenDay, **more: Any) -> Result:
    """The planner's answer; where nobody works within a year, by the calendar alone. A course goes on while shifts are
    not entered yet: booking it asks for them."""
    try:
        return ask(*args, is_open=is_open, **more)
    except CourseRefused:
        return ask(*args, is_open=_every_day, **more)


def _every_day(_day: dt.date) -> bool:
    return True


def _first_window(row: PlannedSession, usual_time: dt.time, day: dt.date) -> PlannedDate:
    return PlannedDate(row.number, min(row.earliest, day), day, row.latest, str(row.phase), usual_time)


def _write(row: PlannedSession, window: PlannedDate, day: dt.date | None) -> None:
    ideal = max(day, window.earliest) if day else window.ideal
    new = (window.earliest, ideal, window.latest)
    if (row.earliest, row.ideal, row.latest) != new:
        PlannedSession.objects.filter(pk=row.pk).update(
            earliest=window.earliest, ideal=ideal, latest=window.latest, version=row.version + 1
        )


def _mark(visit: Appointment, say: Callable[[], str]) -> None:
    mark = in_every_language(say)
    if visit.day_mark != mark:
        Appointment.objects.filter(pk=visit.pk).update(day_mark=mark)


def in_every_language(say: Callable[[], str]) -> dict[str, str]:
    """What is stored now and read by somebody else of the staff later, by language; empty when there is nothing to say."""
    if not say():
        return {}
    words = {}
    for language in STAFF:
        with translation.override(language):
            words[language] = say()
    return words


def bookings_of(course: Course) -> dict[int, Appointment]:
    """The appointment that stands for each planned session, by its number. One query."""
    rows = Fulfilment.objects.filter(planned_session__course=course, active=True)
    rows = rows.select_related("appointment__site", "planned_session")
    return {row.planned_session.number: row.appointment for row in rows}


def too_close_words(number: int, verdict: IntervalVerdict) -> str:
    words = {"number": number, "why": verdict.text(get_language() or "en")}
    return _("Session %(number)s is too close: %(why)s") % words


def stands_on(planned: PlannedSession) -> dt.date:
    """The day that counts for a session: when it was given, else its booking, else its ideal day."""
    if planned.done_on is not None:
        return planned.done_on
    booked = Fulfilment.objects.filter(planned_session=planned, active=True).select_related("appointment__site").first()
    return booked.appointment.local_start.date() if booked else planned.ideal


def late_words(verdict: IntervalVerdict | None) -> str:
    """Why an allowed day needs a look: late, or so late that everything is asked again; empty when it does not."""
    if verdict is None or not (verdict.kind is IntervalKind.LATE or verdict.full_rescreen):
        return ""
    return verdict.text(get_language() or "en")
