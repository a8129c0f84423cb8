"""What the planner says on the pages of a course: other plans nearby, what comes before the first session and after the
last one, and the stop rule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from protocols.definitions import Catalogue, Indication
from protocols.planning import maintenance_window, review_dates
from protocols.sources import cited
from sessions import before_the_first, coursework
from sessions.coursework import NearProblem
from sessions.explaining import day_in_words
from sessions.models import Course, PlannedSession
from sessions.neighbours import in_words
from sessions.outcomes import stop_rule_of
from sessions.planned import planned_date
from sessions.plans import plan_of


@dataclass(frozen=True, slots=True)
class LaterDate:
    """A review or maintenance: what it is and when, with the first possible day where there is a range."""

    what: str
    when: str
    kind: str


def shown_near(found: Sequence[NearProblem]) -> list[dict[str, Any]]:
    """What another plan does to the proposed days, with code and source."""
    return [
        {
            "number": one.number, "on": one.on, "text": in_words(one.problem), "code": one.problem.code,
            "source": cited(one.problem.source, "", get_language() or "en"),
        }
        for one in found
    ]  # fmt: skip


def near_of(course: Course, still_open: Sequence[PlannedSession]) -> list[dict[str, Any]]:
    """The same for the sessions of a saved course that are neither given nor booked."""
    dates = [planned_date(row, course.usual_time) for row in still_open]
    found = coursework.near_problems(patient=course.patient, plan=plan_of(course), dates=dates, except_course=course)
    return shown_near(found)


def before_the_first_of(course: Course, first: PlannedSession) -> str:
    """Allergy test and time to think, as long as the first session is still to come."""
    if first.done_on is not None:
        return ""
    return before_the_first.words_for(course, max(first.ideal, course.site.today()))


def after_course(indication: Indication, days: Sequence[dt.date], rules: Catalogue) -> tuple[LaterDate, ...]:
    """Reviews and maintenance of a course whose sessions stand on these days (plan-review, plan-maintenance)."""
    first, last = min(days), max(days)
    found = [
        LaterDate(_("Review after %(days)s days") % {"days": one.days}, day_in_words(one.on), "review")
        for one in review_dates(indication, first=first, last=last, catalogue=rules)
    ]
    for review in indication.reviews:
        if review.session is not None:
            what = _("Review after session %(number)s") % {"number": review.session}
            when = day_in_words(days[review.session - 1]) if review.session <= len(days) else _("not in this course")
            found.append(LaterDate(what, when, "review"))
        elif review.days is None:
            found.append(LaterDate(_("Review after %(hours)s hours") % {"hours": review.hours}, "", "review"))
    window = maintenance_window(indication, last)
    if window is not None:
        when = day_in_words(window.due)
        if window.earliest != window.due:
            when = _("%(due)s, possible from %(first)s") % {"due": when, "first": day_in_words(window.earliest)}
        found.append(LaterDate(_("Maintenance"), when, "maintenance"))
    return tuple(found)


def stop_rule_shown(course: Course) -> dict[str, Any] | None:
    """The stop rule in words, where the indication has one."""
    verdict = stop_rule_of(course)
    if verdict is None:
        return None
    return {"stops": verdict.stops, "text": verdict.text(get_language() or "en"), "code": verdict.code}
