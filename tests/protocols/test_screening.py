"""Headline, combination of rules, areas, unsure, and the arithmetic of months and ages."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from patients.choices import region_group
from protocols.calendar_dates import add_months, age_on
from protocols.findings import Outcome, Severity, Stage
from tests.protocols.healthy import DAY, EXAMPLES, catalogue, example_plan, person, plan, screened
from tests.protocols.screening_plans import FACE
from tests.protocols.unhealthy import BLOCK, CLEAR, DATED, NOTE, OPEN

BODY = plan("ind-cellulite", "sub-caffeine", regions=("reg-thigh",))


@pytest.mark.parametrize(("indication", "mixture"), EXAMPLES)
def test_the_healthy_person_is_cleared(indication: str, mixture: str) -> None:
    sex = "male" if mixture == "ck-hair-fina" else "female"
    result = screened(person(sex=sex), example_plan(indication, mixture))
    assert (result.outcome, result.findings, result.to_do, result.missing) == (Outcome.CLEARED, (), (), ())


@pytest.mark.parametrize("sex", ["female", "male", "other"])
def test_the_healthy_person_is_cleared_for_every_indication(sex: str) -> None:
    for code in catalogue().indications:
        assert screened(person(sex=sex), plan(code)).outcome is Outcome.CLEARED, code


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({}, Outcome.CLEARED),
        (NOTE, Outcome.CLEARED),
        ({**NOTE, **DATED}, Outcome.WAIT),
        ({**DATED, **CLEAR}, Outcome.NEEDS_CLEARANCE),
        ({**CLEAR, "q-rare": ["unsure"]}, Outcome.INCOMPLETE),
        ({**BLOCK, "q-rare": ["unsure"], **CLEAR, **OPEN}, Outcome.BLOCKED),
    ],
)
def test_the_headline_is_the_worst_present(answers: dict[str, Any], outcome: Outcome) -> None:
    assert screened(person(answers), FACE).outcome is outcome


def test_every_fired_rule_is_listed_and_the_latest_date_wins() -> None:
    later = {"q-antibiotic": "over", "q-antibiotic-date": (DAY - timedelta(days=1)).isoformat()}
    result = screened(person({**DATED, **later, **CLEAR}), FACE)
    assert set(result.codes) == {"scr-vaccine", "scr-antibiotics", "scr-keloid"}
    assert (result.outcome, result.wait_until) == (Outcome.NEEDS_CLEARANCE, DAY + timedelta(days=13))


def test_one_open_wait_makes_the_whole_wait_open_and_dates_stay_listed() -> None:
    result = screened(person({**DATED, **OPEN}), FACE)
    assert (result.outcome, result.open_ended, result.wait_until) == (Outcome.WAIT, True, DAY + timedelta(days=10))


def test_a_list_answer_is_one_finding_with_worst_severity_latest_date_and_all_items() -> None:
    answers = {
        "q-procedure": ["filler", "laser-ipl", "toxin"],
        "q-procedure.filler.date": (DAY - timedelta(days=10)).isoformat(),
        "q-procedure.laser-ipl.date": (DAY - timedelta(days=10)).isoformat(),
        "q-procedure.toxin.date": (DAY - timedelta(days=30)).isoformat(),
    }
    (finding,) = screened(person(answers), FACE).findings
    assert finding.wait_until == DAY + timedelta(days=18)
    assert {value for key, value in finding.answers if key == "q-procedure"} == {"filler", "laser-ipl"}


def test_active_and_quiet_skin_diseases_need_clearance_and_wait() -> None:
    answers = {
        "q-skin-disease": ["psoriasis", "eczema"],
        "q-skin-disease.psoriasis.state": "quiet",
        "q-skin-disease.eczema.state": "active",
        "q-skin-disease.eczema.areas": ["reg-lips"],
    }
    result = screened(person(answers), FACE)
    (finding,) = result.findings
    assert (finding.severity, finding.open_ended) == (Severity.RELATIVE, True)
    assert result.outcome is Outcome.NEEDS_CLEARANCE
    assert "Koebner" in finding.text("en")
    assert "aktif" in finding.text("tr")


# --- unsure ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("answers", "code", "severity"),
    [
        ({"q-stroke": "unsure"}, "scr-stroke", Severity.ABSOLUTE),
        ({"q-diabetes": "unsure"}, "scr-diabetes-insulin", Severity.ABSOLUTE),
        ({"q-cancer": "unsure"}, "scr-cancer-active", Severity.ABSOLUTE),
        ({"q-hives": "unsure"}, "scr-urticaria", Severity.ABSOLUTE),
        ({"q-keloid": "unsure"}, "scr-keloid", Severity.RELATIVE),
        ({"q-illness": "unsure"}, "scr-infection-general", Severity.TEMPORARY),
    ],
)
def test_unsure_reads_as_the_worst_value_and_is_marked(answers: dict[str, Any], code: str, severity: Severity) -> None:
    (finding,) = screened(person(answers), FACE).findings
    assert (finding.code, finding.severity, finding.unclarified) == (code, severity, True)
    assert "unsure" in dict(finding.answers).values()


def test_a_sure_answer_is_not_marked_unclarified() -> None:
    assert not screened(person(CLEAR), FACE).findings[0].unclarified


def test_unsure_about_pregnancy_is_an_answer_of_its_own() -> None:
    (finding,) = screened(person({"q-pregnant": "unsure"}), FACE).findings
    assert (finding.severity, finding.open_ended, finding.unclarified) == (Severity.TEMPORARY, True, False)


def test_unsure_in_a_list_is_incomplete() -> None:
    result = screened(person({"q-allergy": ["unsure"]}), FACE)
    assert (result.outcome, result.missing) == (Outcome.INCOMPLETE, ("q-allergy",))


def test_unsure_about_the_heart_still_asks_for_the_number_of_medicines() -> None:
    result = screened(person({"q-heart": "unsure"}), FACE)
    assert (result.outcome, result.missing) == (Outcome.INCOMPLETE, ("q-heart-medicines",))
    assert result.codes == ("scr-heart-other",)


# --- areas ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "planned", "meets"),
    [
        ("reg-face", "reg-periocular", True),
        ("reg-head", "reg-submental", True),
        ("reg-neck", "reg-decollete", True),
        ("reg-neck", "reg-face", False),
        ("reg-scalp", "reg-face", False),
        ("reg-thigh", "reg-thigh", True),
        ("reg-thigh", "reg-leg", False),
    ],
)
def test_regions_meet_within_their_group(asked: str, planned: str, meets: bool) -> None:
    answers = {"q-sunburn": "yes", "q-sunburn-area": [asked]}
    result = screened(person(answers), plan("ind-hydration", regions=(planned,)))
    assert ("scr-sun" in result.codes) is meets
    assert (region_group(asked) == region_group(planned)) is meets


def test_no_region_given_is_every_region_and_without_a_plan_it_counts() -> None:
    assert screened(person({"q-sunburn": "yes"}), BODY).codes == ("scr-sun",)
    elsewhere = person({"q-sunburn": "yes", "q-sunburn-area": ["reg-hands"]})
    assert screened(elsewhere, None, stage=Stage.INTAKE).codes == ("scr-sun",)


def test_the_region_of_a_syringe_counts_too() -> None:
    with_hands = replace(FACE, syringes=(replace(FACE.syringes[0], region="reg-hands"),))
    answers = {"q-sunburn": "yes", "q-sunburn-area": ["reg-hands"]}
    assert screened(person(answers), with_hands).codes == ("scr-sun",)


# --- arithmetic -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2025, 8, 31), 6, date(2026, 2, 28)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2025, 11, 30), 3, date(2026, 2, 28)),
        (date(2025, 12, 15), 12, date(2026, 12, 15)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
    ],
)
def test_calendar_months_are_clipped_to_the_month_end(start: date, months: int, end: date) -> None:
    assert add_months(start, months) == end


def test_a_clipped_month_end_is_the_first_day_allowed() -> None:
    answers = {"q-procedure": ["surgery"], "q-procedure.surgery.date": "2025-11-30"}
    facts = person(answers)
    assert screened(facts, FACE, on=date(2026, 2, 27)).outcome is Outcome.INCOMPLETE  # the day's pressure is not taken
    waits = [
        screened(facts, FACE, on=day, stage=Stage.BOOKING).outcome for day in (date(2026, 2, 27), date(2026, 2, 28))
    ]
    assert waits == [Outcome.WAIT, Outcome.CLEARED]


def test_age_on_leap_days() -> None:
    assert [age_on(date(2004, 2, 29), day) for day in (date(2022, 2, 28), date(2022, 3, 1), date(2024, 2, 29))] == [
        17,
        18,
        20,
    ]


def test_a_result_is_plain_json() -> None:
    stored = screened(person({**CLEAR, **DATED}), FACE).to_json()
    assert stored["outcome"] == "needs-clearance"
    assert stored["wait_until"] == (DAY + timedelta(days=10)).isoformat()
    assert {one["code"] for one in stored["findings"]} == {"scr-keloid", "scr-vaccine"}
