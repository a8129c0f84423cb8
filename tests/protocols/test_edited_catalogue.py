"""What a medical lead edits takes effect: per kind another figure changes the outcome, and an impossible one is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from patients.facts import EarlierSession, Measured, PatientFacts
from protocols.aftercare import aftercare
from protocols.combining import check_combination, farthest_days, new_products
from protocols.definitions import Catalogue
from protocols.lab_tests import lab_tests_of
from protocols.leaves import leaves
from protocols.limits import Direction, direction_of, specs_of
from protocols.loading import CatalogueError, entries_of_reference
from protocols.mixing import check_plan
from protocols.plan import Component, Plan, Syringe
from protocols.planning import IntervalKind, Step, judge_interval, needs_full_rescreen
from protocols.stop_rules import pain_fell_too_little
from tests.protocols.healthy import DAY as HEALTHY_DAY
from tests.protocols.healthy import example_plan, measured, person
from tests.protocols.test_screening_cfg import edited

DAY = date(2026, 6, 15)
BODIES: dict[str, Any] = {row.code: row.body for row in entries_of_reference()}


def plan_with(substance: str, strength: str | None = None) -> Plan:
    part = Component(substance, Decimal(1), Decimal(strength) if strength else None)
    return Plan("ind-aga", "hair", ("reg-scalp",), "tq-nappage", syringes=(Syringe((part,)),))


def given(days_ago: int, substance: str) -> EarlierSession:
    return EarlierSession(
        on=DAY - timedelta(days=days_ago), indication="ind-telogen", category="hair", regions=("reg-scalp",),
        substances=(substance,))


def combined(rules: Catalogue, days_ago: int, earlier: str, today: str = "sub-biotin") -> list[str]:
    found = check_combination(plan=plan_with(today), on=DAY, catalogue=rules, sessions=[given(days_ago, earlier)])
    return [one.code for one in found]


def test_days_between_two_plans_follow_the_combination(reference: Catalogue) -> None:
    longer = edited("combine-spacing", "days_before", 10)
    assert (combined(reference, 7, "sub-biotin"), combined(longer, 9, "sub-biotin")) == ([], ["combine-spacing"])
    assert combined(longer, 10, "sub-biotin") == []


def test_days_around_platelets_count_from_the_plan_that_holds_them(reference: Catalogue) -> None:
    longer = edited("combine-prp", "days_before", 21)
    assert farthest_days(longer) == 21
    assert combined(longer, 20, "sub-prp") == ["combine-prp"]
    assert combined(longer, 20, "sub-biotin", today="sub-prp") == []
    assert combined(reference, 14, "sub-prp") == []


def test_how_many_products_may_be_new_follows_the_combination(reference: Catalogue) -> None:
    other = replace(plan_with("sub-caffeine"), regions=("reg-thigh",))
    new = frozenset({"sub-biotin", "sub-caffeine"})
    for rules, expected in ((reference, ["combine-new-products"]), (edited("combine-new-products", "most_new", 2), [])):
        found = check_combination(
            plan=plan_with("sub-biotin"), on=DAY, catalogue=rules, same_day=[other], new_products=new)
        assert [one.code for one in found] == expected


def test_the_long_gap_follows_the_planner_rule(reference: Catalogue) -> None:
    shorter, step = edited("plan-gap", "days", 30), Step("", 14, 14, 90)
    later = DAY + timedelta(days=31)
    assert (needs_full_rescreen(DAY, later, reference), needs_full_rescreen(DAY, later, shorter)) == (False, True)
    verdict = judge_interval(previous=DAY, proposed=later, step=step, catalogue=shorter)
    assert (verdict.kind, verdict.code) == (IntervalKind.ALLOWED, "plan-gap")


def test_how_long_a_product_stays_known_follows_the_gate(reference: Catalogue) -> None:
    facts = PatientFacts(birth_date=date(1990, 1, 1), sex="female", sessions=(given(100, "sub-biotin"),))
    asked = {"plan": plan_with("sub-biotin"), "facts": facts, "on": DAY}
    assert new_products(catalogue=reference, **asked) == frozenset()  # type: ignore[arg-type]
    assert new_products(catalogue=edited("gate-test", "limits.known_months", 3), **asked) == {  # type: ignore[arg-type]
        "sub-biotin"}


def test_how_old_a_weight_may_be_follows_its_measurement(reference: Catalogue) -> None:
    weight = Measured("m-weight", Decimal(65), DAY - timedelta(days=60))
    facts = PatientFacts(birth_date=date(1990, 1, 1), sex="female", measurements=(weight,))
    plan = plan_with("sub-lidocaine", "10")
    for rules, expected in ((reference, False), (edited("m-weight", "valid_days", 59), True)):
        assert ("dose-kg" in check_plan(plan=plan, facts=facts, on=DAY, catalogue=rules).codes) is expected


def test_the_stop_rule_follows_the_indication(reference: Catalogue) -> None:
    path = "stop_if_vas_fell_less_than_percent"
    for rules, stops in ((reference, False), (edited("ind-msk-pain", path, 50), True)):
        indication = rules.indications["ind-msk-pain"]
        assert pain_fell_too_little(indication, sessions_done=3, baseline_vas=10, vas=6) is stops


@pytest.mark.parametrize(
    ("code", "path", "value"),
    [
        ("plan-gap", "days", 0), ("plan-gap", "days", None), ("combine-spacing", "days_before", -1),
        ("combine-prp", "days_after", None), ("combine-new-products", "most_new", 21),
        ("gate-thinking", "limits.least_hours", 0), ("gate-test", "limits.most_days", -30),
        ("gate-consent", "limits.most_months", None), ("gate-identity", "limits", {"least_hours": 1}),
        ("house-handling", "limits.inject_minutes", 61), ("house-handling", "limits.never_after_hours", 5),
        ("house-handling", "limits.opened_vial_days", 0), ("house-mails", "limits.quiet_from_hour", 24),
        ("house-clearance", "limits", {"most_hours": 1}), ("msg-4h", "limits.hours", 0), ("msg-confirm", "limits", {"days": 1}),
        ("lab-base", "tests", []), ("lab-base", "tests.1.measurement", "m-nothing"),
        ("lab-base", "tests.3.when.plan", ["elsewhere"]), ("lab-preg", "tests.1.when.any.1.is", ["perhaps"]),
    ],
)  # fmt: skip
def test_an_impossible_figure_is_refused(code: str, path: str, value: object) -> None:
    with pytest.raises(CatalogueError) as error:
        edited(code, path, value)
    assert {one.entry for one in error.value.problems} == {code}


@pytest.mark.parametrize(
    ("kind", "code", "path", "stricter"),
    [
        ("planner_rule", "plan-gap", "days", 30), ("combination", "combine-prp", "days_before", 21),
        ("combination", "combine-new-products", "most_new", 0), ("start_gate", "gate-thinking", "limits.least_hours", 48),
        ("start_gate", "gate-test", "limits.most_days", 14), ("start_gate", "gate-consent", "limits.most_months", 6),
        ("house_rule", "house-handling", "limits.inject_minutes", 30),
        ("house_rule", "house-handling", "limits.never_after_hours", 2),
        ("house_rule", "house-full-round", "limits.most_days", 90), ("house_rule", "house-clearance", "limits.most_days", 90),
        ("house_rule", "house-mails", "limits.quiet_from_hour", 20), ("house_rule", "house-mails", "limits.quiet_until_hour", 9),
        ("substance", "sub-dca", "max_per_cm2", 1), ("substance", "sub-la-cream", "max_area_cm2", 300),
    ],
)  # fmt: skip
def test_a_figure_that_is_read_can_be_edited_and_knows_its_looser_side(
    kind: str, code: str, path: str, stricter: int
) -> None:
    body = BODIES[code]
    assert path in [one for one, _spec in specs_of(kind, body, list(leaves(body)))]
    before = dict(leaves(body))[path]
    assert direction_of(kind, path, before, stricter) is Direction.TIGHTENED
    assert direction_of(kind, path, stricter, before) is Direction.LOOSENED


@pytest.mark.parametrize("code", ["combine-laser", "combine-massage", "ci-fever", "ci-lump"])
def test_a_figure_that_only_informs_is_not_offered(code: str) -> None:
    kind = "check_in" if code.startswith("ci-") else "combination"
    offered = [path for path, _spec in specs_of(kind, BODIES[code], list(leaves(BODIES[code])))]
    assert not {"days_before", "days_after", "at_least", "from_day", "until_day"} & set(offered)


def test_aftercare_follows_the_edited_hours() -> None:
    ended = datetime(2026, 6, 15, 12, tzinfo=UTC)
    ends = []
    for hours in (10, 24):
        rules = edited("ac-no-water", "hours_until", hours)
        found = aftercare(
            ended_at=ended, plan=plan_with("sub-biotin"), catalogue=rules, on_site_zone=ZoneInfo("Europe/Berlin"),
            facts=PatientFacts(birth_date=date(1990, 1, 1), sex="female"))
        ends.append(next(one.until_at for one in found if one.code == "ac-no-water"))
    assert ends == [ended + timedelta(hours=10), ended + timedelta(hours=24)]


@pytest.mark.parametrize(
    ("code", "path", "more"),
    [
        ("scr-stroke", "clauses.1.when.is", ["stroke", "tia"]),
        ("lab-base", "tests.3.when.plan", ["body", "pain", "hair", "sub-finasteride", "sub-dutasteride"]),
        ("scr-anticoagulant", "clauses.1.when.any.2.medicine", ["med-anticoagulant", "med-antiplatelet"]),
    ],
)
def test_the_words_of_a_condition_can_be_edited_and_know_their_looser_side(code: str, path: str, more: list[str]) -> None:
    body = BODIES[code]
    assert path in [one for one, _spec in specs_of("rule", body, list(leaves(body)))]
    before = dict(leaves(body))[path]
    assert direction_of("rule", path, before, more) is Direction.TIGHTENED
    assert direction_of("rule", path, more, before) is Direction.LOOSENED


def test_more_words_inside_a_not_are_looser() -> None:
    path = "tests.2.when.any.1.not.is"
    assert path in [one for one, _spec in specs_of("rule", BODIES["lab-base"], list(leaves(BODIES["lab-base"])))]
    assert direction_of("rule", path, ["no"], ["no", "diet"]) is Direction.LOOSENED
    assert direction_of("rule", path, ["no", "diet"], ["no"]) is Direction.TIGHTENED


@pytest.mark.parametrize(("bmi", "labs"), [("24.99", {"m-cbc"}), ("25", {"m-cbc", "m-hba1c"}), ("25.01", {"m-cbc", "m-hba1c"})])
def test_an_edited_bmi_decides_which_labs_are_asked_for(bmi: str, labs: set[str]) -> None:
    rules = edited("lab-base", "tests.2.when.any.2.bmi.at_least", 25)
    facts = person(measurements=(measured("m-bmi", bmi),))
    asked = lab_tests_of(plan=example_plan("ind-hydration", "ck-face-hydra"), facts=facts, on=HEALTHY_DAY, catalogue=rules)
    assert {test.measurement for test in asked} == labs


def test_a_version_stored_before_the_labs_were_data_asks_for_what_the_reference_asks(reference: Catalogue) -> None:
    bare = {code: replace(rule, tests=None) for code, rule in reference.rules.items()}
    plan = example_plan("ind-hydration", "ck-face-hydra")
    then, now = (
        list(lab_tests_of(plan=plan, facts=person(), on=HEALTHY_DAY, catalogue=one))
        for one in (replace(reference, rules=bare), reference))
    assert then == now
