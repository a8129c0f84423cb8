"""What is asked and measured of a plan at each stage, what would matter without one, and what is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from patients.facts import RecordedMedicine
from protocols.findings import Outcome, Severity, Stage
from tests.protocols.healthy import DAY, healthy_answers, person, plan, screened, without
from tests.protocols.screening_plans import FACE

BODY = plan("ind-cellulite", "sub-caffeine", regions=("reg-thigh",))


def test_without_a_plan_scoped_rules_are_listed_as_what_would_matter() -> None:
    answers = {"q-arrhythmia": "yes", "q-allergy": ["fish"], "q-rare": ["porphyria"], "q-cold-sores": "yes"}
    result = screened(person(answers), None, stage=Stage.INTAKE)
    assert result.codes == ("scr-arrhythmia",)
    assert result.findings[0].severity is Severity.RELATIVE
    assert set(result.would_matter) == {"scr-arrhythmia", "scr-allergy", "scr-porphyria", "scr-herpes-history"}


def test_an_allergy_to_one_substance_would_matter_for_plans_with_it() -> None:
    result = screened(person({"q-allergy": ["sub-pn"]}), None, stage=Stage.INTAKE)
    assert (result.outcome, result.would_matter) == (Outcome.CLEARED, ("scr-allergy",))


def test_a_medicine_would_matter_for_plans_with_its_substances() -> None:
    taken = person({"q-medicines": ["sotalol"]}, medicines=(RecordedMedicine("sotalol", ("med-antiarrhythmic",)),))
    assert screened(taken, None, stage=Stage.INTAKE).would_matter == ("scr-medicines",)
    harmless = person({"q-medicines": ["x"]}, medicines=(RecordedMedicine("x", ("med-beta-blocker",)),))
    assert screened(harmless, None, stage=Stage.INTAKE).would_matter == ()


def test_the_finding_names_the_substances_to_swap() -> None:
    for answers in (
        {"q-anaphylaxis": "yes", "q-anaphylaxis-to": ["sub-ha-nc"]},
        {"q-allergy": ["sub-ha-nc"]},
        {"q-allergy": ["other"], "q-allergy-other": "gel", "q-allergy-other-mapped": ["sub-poly-ha"]},
    ):
        (finding,) = screened(person(answers), plan("ind-face-rejuv", "sub-poly-ha")).findings
        assert (finding.severity, finding.substances) == (Severity.ABSOLUTE, ("sub-poly-ha",))


def test_swapping_the_component_clears_a_scoped_block() -> None:
    rhythm = person({"q-allergy": ["fish"]})
    blocked = screened(rhythm, plan("ind-under-eye", "sub-pn"))
    assert (blocked.outcome, blocked.findings[0].substances) == (Outcome.BLOCKED, ("sub-pn",))
    assert screened(rhythm, plan("ind-under-eye", "sub-ha-nc")).outcome is Outcome.CLEARED


def test_an_unanswered_question_is_incomplete_at_every_stage() -> None:
    answers = healthy_answers()
    del answers["q-stroke"]
    facts = replace(person(), answers=answers)
    for stage in Stage:
        result = screened(facts, FACE, stage=stage)
        assert (result.outcome, result.missing) == (Outcome.INCOMPLETE, ("q-stroke",))


def test_questions_of_the_plan_are_asked_only_with_it() -> None:
    answers = healthy_answers()
    del answers["q-hairloss"]
    facts = replace(person(), answers=answers)
    assert screened(facts, FACE).missing == ()
    assert screened(facts, plan("ind-aga", "sub-minoxidil")).missing == ("q-hairloss",)


def test_a_required_follow_up_without_answer_is_missing() -> None:
    assert screened(person({"q-vaccine": "yes"}), FACE).missing == ("q-vaccine-date",)


@pytest.mark.parametrize(
    ("stage", "outcome"),
    [
        (Stage.INTAKE, Outcome.CLEARED),
        (Stage.PLAN, Outcome.CLEARED),
        (Stage.BOOKING, Outcome.CLEARED),
        (Stage.START, Outcome.INCOMPLETE),
    ],
)
def test_a_missing_measurement_holds_up_the_start_alone(stage: Stage, outcome: Outcome) -> None:
    result = screened(without(person(), "m-bp"), FACE, stage=stage)
    assert (result.outcome, result.to_do) == (outcome, ("m-bp",))
    assert result.only_day_facts_missing


@pytest.mark.parametrize(
    ("given_plan", "due"),
    [
        (FACE, ["m-bp", "m-asa", "m-fitzpatrick", "m-cops"]),
        (plan("ind-msk-pain", "sub-ketoprofen"), ["m-bp", "m-asa", "m-fitzpatrick"]),
        (plan("ind-msk-pain", "sub-lidocaine"), ["m-bp", "m-asa", "m-fitzpatrick", "m-weight"]),
        (replace(FACE, numbing_cream_g=5), ["m-bp", "m-asa", "m-fitzpatrick", "m-cops", "m-weight"]),
        (BODY, ["m-bp", "m-asa", "m-fitzpatrick", "m-cops", "m-weight", "m-height"]),
        (plan("ind-aga-prp", "sub-prp"), ["m-bp", "m-asa", "m-fitzpatrick", "m-cops", "m-platelets", "m-hb"]),
    ],
)
def test_required_measurements(given_plan: Any, due: list[str]) -> None:
    nobody_measured = replace(person(), measurements=())
    assert list(screened(nobody_measured, given_plan).to_do) == due


def test_a_bmi_given_directly_replaces_weight_and_height_but_not_the_weight_for_lidocaine() -> None:
    light = without(person(), "m-weight", "m-height")
    assert screened(light, BODY).to_do == ()
    assert screened(light, plan("ind-cellulite", "sub-lidocaine")).to_do == ("m-weight",)


@pytest.mark.parametrize(("code", "days"), [("m-weight", 90), ("m-bp", 0)])
def test_a_normal_measurement_counts_only_while_valid(code: str, days: int) -> None:
    lidocaine = plan("ind-msk-pain", "sub-lidocaine")
    normal = next(one for one in person().measurements if one.code == code)
    for age, due in ((days, ()), (days + 1, (code,))):
        older = replace(normal, taken_on=DAY - timedelta(days=age))
        assert screened(person(measurements=(older,)), lidocaine).to_do == due
