"""What else this patient gets near a day, and whether a plan may stand beside it (clinical reference, section 14).

Asked when a course is proposed, when a session is booked or moved, and before the needle. What an earlier peel, laser or
filler means is a screening rule; what may follow, aftercare.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from patients.facts import EarlierSession, PatientFacts
from patients.models import Patient
from protocols import catalogue
from protocols.combining import CombinationProblem, check_combination, farthest_days, new_products
from protocols.definitions import Catalogue
from protocols.plan import Plan
from sessions.choices import OCCUPYING
from sessions.explaining import day_in_words
from sessions.gathering import facts_of
from sessions.models import Appointment, Course, TreatmentSession
from sessions.plans import plan_of, same_day_plans


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Everything else around one patient, read once for any number of days."""

    patient: Patient
    facts: PatientFacts
    sessions: tuple[EarlierSession, ...]
    except_course: Course | None
    rules: Catalogue

    def problems(self, plan: Plan, on: dt.date) -> tuple[CombinationProblem, ...]:
        """Every reason against this plan on this day. Only where something stands on that very day its plans are read."""
        same_day: list[Plan] = []
        if any(session.on == on for session in self.sessions):
            same_day = same_day_plans(patient=self.patient, on=on, except_course=self.except_course)
        new = (new_products(plan=one, facts=self.facts, on=on, catalogue=self.rules) for one in (plan, *same_day))
        return check_combination(
            plan=plan, on=on, catalogue=self.rules, same_day=same_day, other_courses=self.sessions,
            new_products=frozenset().union(*new),
        )  # fmt: skip


def neighbours_of(
    *, patient: Patient, around: Sequence[dt.date], except_course: Course | None = None,
    ignoring: Collection[int] = (), facts: PatientFacts | None = None,
) -> Neighbours:  # fmt: skip
    """What stands near any of these days, given or booked, for other courses than `except_course`: so near that a
    combination rule may speak.

    `ignoring`: appointments that are about to give up their time."""
    rules = catalogue.in_force()
    near = dt.timedelta(days=farthest_days(rules) + 1)  # a day of slack for the zone
    first, last = min(around) - near, max(around) + near
    sessions = (
        *_given(patient, first, last, except_course),
        *_booked(patient, first, last, except_course, ignoring),
    )
    return Neighbours(patient, facts or facts_of(patient), sessions, except_course, rules)


def _given(
    patient: Patient, first: dt.date, last: dt.date, except_course: Course | None
) -> Iterator[EarlierSession]:
    """Treatments that have begun, by what was really drawn up."""
    rows = TreatmentSession.objects.filter(patient=patient, begun_at__isnull=False).exclude(course=except_course)
    rows = rows.filter(begun_at__date__gte=first, begun_at__date__lte=last)
    for row in rows.select_related("course", "appointment__site").prefetch_related("products"):
        yield EarlierSession(
            on=row.appointment.local_start.date(), indication=row.course.indication, category=row.course.category,
            regions=tuple(row.course.regions),
            substances=tuple(sorted({product.substance for product in row.products.all()})), ended_at=row.ended_at,
        )  # fmt: skip


def _booked(
    patient: Patient, first: dt.date, last: dt.date, except_course: Course | None, ignoring: Collection[int]
) -> Iterator[EarlierSession]:
    """Sessions that are to come, by the plan of their course."""
    rows = (
        Appointment.objects.for_patient(patient)
        .filter(status__in=OCCUPYING, course__isnull=False, service__kind="treatment")
        .filter(starts_at__date__gte=first, starts_at__date__lte=last, treatment_session__begun_at=None)
        .exclude(course=except_course)
        .exclude(pk__in=ignoring)
        .select_related("course", "site")
        .prefetch_related("course__items")
    )
    for row in rows:
        if row.course is None:
            continue
        plan = plan_of(row.course)
        yield EarlierSession(
            on=row.local_start.date(), indication=plan.indication, category=plan.category, regions=plan.regions,
            substances=tuple(sorted(plan.substances)),
        )  # fmt: skip


def in_words(problem: CombinationProblem) -> str:
    """The sentence with the first possible day, as far as this rule goes."""
    words = problem.text(get_language() or "en")
    if problem.earliest is None:
        return words
    return f"{words} {_('Possible from %(day)s.') % {'day': day_in_words(problem.earliest)}}"
