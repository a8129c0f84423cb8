"""Two mesotherapy plans on one patient (section 14): same day, same area, own blood, new products."""
from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from patients.facts import PatientFacts, PriorEvent
from protocols.combining import check_combination, new_products
from protocols.definitions import Catalogue
from protocols.plan import Plan
from tests.protocols.plans import TODAY, mix, plan, session

THIGH = plan(mix("caffeine 50mg/ml 2"))
FACE = plan(mix("ha-nc 2"), indication="ind-hydration", regions=("reg-face",))
LIPS = plan(mix("ha-nc 1"), indication="ind-lips", regions=("reg-lips",))
HAIR = plan(mix("minoxidil 5mg/ml 2"), indication="ind-aga", regions=("reg-scalp",))
HAIR_PRP = plan(mix("prp 6"), indication="ind-aga-prp", regions=("reg-scalp",))


def codes(reference: Catalogue, judged: Plan, **more: object) -> list[str]:
    found = check_combination(plan=judged, on=TODAY, catalogue=reference, **more)  # type: ignore[arg-type]
    assert all(problem.text("tr") != problem.text("en") for problem in found)
    return [problem.code for problem in found]


@pytest.mark.parametrize(("judged", "other", "expected"), [
    (THIGH, FACE, []), (FACE, LIPS, ["combine-same-area"]), (HAIR, THIGH, []),
    (HAIR_PRP, FACE, ["combine-prp"]), (FACE, HAIR_PRP, ["combine-prp"]),
    (HAIR, HAIR_PRP, ["combine-same-area", "combine-prp"]),
])
def test_two_plans_on_one_day(reference: Catalogue, judged: Plan, other: Plan, expected: list[str]) -> None:
    assert codes(reference, judged, same_day=[other]) == expected


@pytest.mark.parametrize(("new", "expected"), [
    ({"sub-caffeine"}, []), ({"sub-caffeine", "sub-ha-nc"}, ["combine-new-products"]), ({"sub-pn", "sub-ha-nc"}, [])])
def test_one_new_product_a_day(reference: Catalogue, new: set[str], expected: list[str]) -> None:
    assert codes(reference, THIGH, same_day=[FACE], new_products=frozenset(new)) == expected


def test_new_products_of_a_single_plan_are_left_to_the_allergy_test(reference: Catalogue) -> None:
    both = plan(mix("caffeine 50mg/ml 1", "multivit 1"))
    assert codes(reference, both, new_products=frozenset({"sub-caffeine", "sub-multivit"})) == []


@pytest.mark.parametrize(("days", "region", "substance", "expected"), [
    (6, "reg-scalp", "biotin", "combine-spacing"), (7, "reg-scalp", "biotin", None),
    (-6, "reg-scalp", "biotin", "combine-spacing"), (-7, "reg-scalp", "biotin", None),
    (3, "reg-face", "biotin", None),
    (13, "reg-scalp", "prp", "combine-prp"), (14, "reg-scalp", "prp", None), (-13, "reg-scalp", "prp", "combine-prp"),
])
def test_days_between_plans_of_one_area(
    reference: Catalogue, days: int, region: str, substance: str, expected: str | None
) -> None:
    earlier = session(TODAY - timedelta(days=days), substance, region=region)
    found = check_combination(plan=HAIR, on=TODAY, catalogue=reference, sessions=[earlier])
    assert [problem.code for problem in found] == ([expected] if expected else [])


def test_first_possible_day_is_named(reference: Catalogue) -> None:
    earlier = session(TODAY - timedelta(days=5), "prp", region="reg-scalp")
    (problem,) = check_combination(plan=HAIR, on=TODAY, catalogue=reference, sessions=[earlier])
    assert problem.earliest == TODAY + timedelta(days=9)
    later = check_combination(plan=HAIR, on=problem.earliest or date.min, catalogue=reference, sessions=[earlier])
    assert later == ()


def test_sessions_of_the_same_plan_keep_their_own_interval(reference: Catalogue) -> None:
    own = replace(session(TODAY - timedelta(days=3), "minoxidil", region="reg-scalp"), indication="ind-aga")
    assert codes(reference, HAIR, sessions=[own]) == []


def test_another_course_of_the_same_indication_is_another_plan(reference: Catalogue) -> None:
    own = replace(session(TODAY - timedelta(days=3), "minoxidil", region="reg-scalp"), indication="ind-aga")
    assert codes(reference, HAIR, other_courses=[own]) == ["combine-spacing"]


def known(days: int, *parts: str, **more: object) -> PatientFacts:
    return PatientFacts(
        birth_date=date(1990, 1, 1), sex="female",
        sessions=(session(TODAY - timedelta(days=days), *parts, region="reg-face"),), **more)  # type: ignore[arg-type]


def reaction(code: str, *, causality: str = "possible", days: int = 10) -> PriorEvent:
    return PriorEvent("rash", 1, "closed", causality, (code,) if code else (), TODAY - timedelta(days=days))


@pytest.mark.parametrize(("facts", "expected"), [
    (known(365, "ha-nc"), set()),
    (known(366, "ha-nc"), {"sub-ha-nc"}),
    (known(30, "pn"), {"sub-ha-nc"}),
    (known(30, "ha-nc", events=(reaction("sub-ha-nc"),)), {"sub-ha-nc"}),
    (known(30, "ha-nc", events=(reaction(""),)), {"sub-ha-nc"}),
    (known(30, "ha-nc", events=(reaction("sub-ha-nc", causality="unrelated"),)), set()),
    (known(30, "ha-nc", events=(reaction("sub-pn"),)), set()),
    (known(5, "ha-nc", events=(reaction("sub-ha-nc", days=40),)), set()),
])
def test_a_product_is_known_when_it_was_given_without_a_reaction(
    reference: Catalogue, facts: PatientFacts, expected: set[str]
) -> None:
    assert new_products(plan=FACE, facts=facts, on=TODAY, catalogue=reference) == expected


@pytest.mark.parametrize(("given_on", "on", "is_new"), [
    (date(2025, 6, 15), date(2026, 6, 15), False), (date(2025, 6, 14), date(2026, 6, 15), True),
    (date(2027, 6, 15), date(2028, 6, 15), False),  # 366 days, a 29 February among them
    (date(2028, 2, 29), date(2029, 2, 28), False), (date(2028, 2, 27), date(2029, 2, 28), True),
])
def test_a_product_stays_known_for_twelve_calendar_months(
    reference: Catalogue, given_on: date, on: date, is_new: bool
) -> None:
    facts = PatientFacts(birth_date=date(1990, 1, 1), sex="female", sessions=(session(given_on, "ha-nc"),))
    assert (new_products(plan=FACE, facts=facts, on=on, catalogue=reference) == {"sub-ha-nc"}) is is_new


def test_diluents_and_own_blood_are_never_tested(reference: Catalogue) -> None:
    nobody = PatientFacts(birth_date=date(1990, 1, 1), sex="female")
    judged = plan(mix("nacl 2"), mix("water-inj 0.2"), mix("prp 4"))
    assert new_products(plan=judged, facts=nobody, on=TODAY, catalogue=reference) == frozenset()


def test_enzymes_and_calcitonin_are_tested_each_time(reference: Catalogue) -> None:
    judged = plan(mix("hyaluronidase 150U/ml 1"))
    assert new_products(plan=judged, facts=known(30, "hyaluronidase"), on=TODAY, catalogue=reference) == {
        "sub-hyaluronidase"}
