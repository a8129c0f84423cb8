"""What has to happen before the first session: the allergy test of every new product, and time to think (sections 8, 13)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext as _

from clinic.models import Site
from patients.models import Patient
from protocols import catalogue
from protocols.combining import new_products
from protocols.definitions import Catalogue
from protocols.plan import Plan
from protocols.stop_rules import PAIN_SCALE, asked_after
from sessions.explaining import day_in_words, name_of
from sessions.gathering import facts_of, facts_of_many
from sessions.models import AllergyTest, Appointment, Consent, Course, OutcomeScore
from sessions.models.allergy_test import TestResult
from sessions.plans import plan_of

HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True)
class TestingVisit:
    """The visit the planner asks for: a test placed on one of these local days is in time for a session on `session_on`.

    `products` are codes that are new then and have no negative test that would still count."""

    products: tuple[str, ...]
    first_day: dt.date
    last_day: dt.date
    session_on: dt.date

    @property
    def is_possible(self) -> bool:
        return self.last_day >= self.first_day


def visit_for_testing(*, patient: Patient, site: Site, plan: Plan, on: dt.date) -> TestingVisit | None:
    """The allergy test a session with this plan on that day asks for; None when nothing has to be tested."""
    rules = catalogue.in_force()
    new = new_products(plan=plan, facts=facts_of(patient), on=on, catalogue=rules)
    tests = newest_tests(AllergyTest.objects.filter(patient=patient, substance__in=new)) if new else {}
    return _testing(new, {code: tests.get((patient.pk, code)) for code in new}, site=site, on=on, rules=rules)


def visits_to_test_for(visits: Sequence[Appointment]) -> set[int]:
    """The keys of those visits with a course whose plan asks for a test. As `visit_for_testing` says, in the same number
    of queries for one visit or a thousand."""
    gated = [(visit, visit.course) for visit in visits if visit.course is not None]
    if not gated:
        return set()
    rules = catalogue.in_force()
    prefetch_related_objects([course for _visit, course in gated], "items")
    facts = facts_of_many(list({visit.patient_id: visit.patient for visit, _course in gated}.values()))
    tests = newest_tests(AllergyTest.objects.filter(patient__in=facts))
    found = set()
    for visit, course in gated:
        on = visit.local_start.date()
        new = new_products(plan=plan_of(course), facts=facts[visit.patient_id], on=on, catalogue=rules)
        known = {code: tests.get((visit.patient_id, code)) for code in new}
        if _testing(new, known, site=visit.site, on=on, rules=rules) is not None:
            found.add(visit.pk)
    return found


def newest_tests(rows: Any) -> dict[tuple[int, str], AllergyTest]:
    """The newest test of each patient and substance."""
    newest: dict[tuple[int, str], AllergyTest] = {}
    for one in rows.order_by("substance", "-placed_at"):
        newest.setdefault((one.patient_id, one.substance), one)
    return newest


def _testing(
    new: Collection[str], tests: Mapping[str, AllergyTest | None], *, site: Site, on: dt.date, rules: Catalogue
) -> TestingVisit | None:
    open_codes = sorted(code for code in new if not counts_on(tests.get(code), on, site.zone, rules))
    if not open_codes:
        return None
    most, least = _window(rules)
    first = max(site.today(), on - dt.timedelta(days=most))
    return TestingVisit(tuple(open_codes), first, on - dt.timedelta(days=least), on)


def _window(rules: Catalogue) -> tuple[int, int]:
    """How many calendar days before a session a test is placed: at most, at least. A test placed the day before at the
    same clock time is 24 hours old; on the day itself it never is."""
    limits = rules.start_gates["gate-test"].limits
    return limits["most_days"], -(-limits["least_hours"] // HOURS_A_DAY)


def counts_on(test: AllergyTest | None, on: dt.date, zone: dt.tzinfo, rules: Catalogue) -> bool:
    """A test that will count on that day: not positive, and placed within the days of gate-test before. One that is not
    read yet may still count; the gate looks again."""
    if test is None or test.result == TestResult.POSITIVE:
        return False
    most, least = _window(rules)
    return least <= (on - test.placed_at.astimezone(zone).date()).days <= most


def words_for(course: Course, on: dt.date) -> str:
    """What is still to do before a first session on that day, in sentences; empty when nothing is."""
    tests = words_for_testing(patient=course.patient, site=course.site, plan=plan_of(course), on=on)
    return " ".join([*([tests] if tests else []), *_thinking_words(course, on), *_baseline_words(course)])


def _baseline_words(course: Course) -> Sequence[str]:
    """The score that a stop rule compares with can only be taken before."""
    indication = catalogue.in_force().indications.get(course.indication)
    if indication is None or asked_after(indication) is None:
        return ()
    if OutcomeScore.objects.filter(course=course, scale=PAIN_SCALE, withdrawn_at=None).exists():
        return ()
    return (_("Record the pain score (0 to 10): it is the baseline."),)


def words_for_testing(*, patient: Patient, site: Site, plan: Plan, on: dt.date) -> str:
    """Which products are tested and between which days; empty when none is."""
    visit = visit_for_testing(patient=patient, site=site, plan=plan, on=on)
    if visit is None:
        return ""
    rules = catalogue.in_force()
    values = {
        "names": ", ".join(name_of(code, rules.substances) for code in visit.products),
        "first": day_in_words(visit.first_day), "last": day_in_words(visit.last_day),
    }  # fmt: skip
    if not visit.is_possible:
        return _("Allergy test of %(names)s: none can be old enough by then.") % values
    return _("Allergy test of %(names)s: between %(first)s and %(last)s.") % values


def thinking_time(rules: Catalogue) -> dt.timedelta:
    """Elapsed time between the information and the first session (gate-thinking)."""
    return dt.timedelta(hours=rules.start_gates["gate-thinking"].limits["least_hours"])


def _thinking_words(course: Course, on: dt.date) -> Sequence[str]:
    """Elapsed hours between the information about this plan and the first session (gate-thinking)."""
    time = thinking_time(catalogue.in_force())
    consents = Consent.objects.filter(course=course, plan_version=course.plan_version)
    informed = consents.order_by("informed_at").values_list("informed_at", flat=True).first()
    if informed is None:
        return (_("Give the consent text at least %(hours)s hours before.") % {"hours": time // dt.timedelta(hours=1)},)
    ends = (informed + time).astimezone(course.site.zone)
    if ends.date() >= on:
        words = _("Time to think ends on %(day)s at %(time)s.")
        return (words % {"day": day_in_words(ends.date()), "time": f"{ends:%H:%M}"},)
    return ()
