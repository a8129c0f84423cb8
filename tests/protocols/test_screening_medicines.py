"""What a medicine means for a plan: by its class, by what it says of an illness, and when nobody classed it."""

from __future__ import annotations

from typing import Any

import pytest

from patients.facts import RecordedMedicine
from protocols.findings import Outcome, Stage
from protocols.plan import Plan
from tests.protocols.fact_rows import MEDICINES
from tests.protocols.healthy import catalogue, person, screened
from tests.protocols.screening_plans import BODY, FACE, INFO, PRP, RELATIVE


@pytest.mark.parametrize(("classes", "given_plan", "expected"), MEDICINES)
def test_medicine_classes(classes: tuple[str, ...], given_plan: Plan, expected: list[Any]) -> None:
    facts = person({"q-medicines": ["x"]}, medicines=(RecordedMedicine("x", classes),))
    found = [(one.code, one.severity, one.substances) for one in screened(facts, given_plan).findings]
    assert found == expected


def test_every_medicine_class_is_in_the_table_or_read_by_its_own_test() -> None:
    tested = {code for classes, _, _ in MEDICINES for code in classes} | {"med-antidiabetic"}
    assert tested == set(catalogue().medicine_classes)


def test_an_antidiabetic_without_diabetes_must_be_clarified() -> None:
    insulin = (RecordedMedicine("metformin", ("med-antidiabetic",)),)
    open_question = screened(person({"q-medicines": ["metformin"]}, medicines=insulin), FACE, stage=Stage.PLAN)
    assert open_question.outcome is Outcome.INCOMPLETE
    confirmed = person({"q-medicines": ["metformin"], "q-diabetes-confirmed": "yes"}, medicines=insulin)
    assert screened(confirmed, FACE).outcome is Outcome.CLEARED
    assert [one.substances for one in screened(confirmed, BODY).findings] == [("sub-carnitine",)]


@pytest.mark.parametrize(("stage", "outcome"), [(Stage.PLAN, Outcome.CLEARED), (Stage.START, Outcome.INCOMPLETE)])
def test_a_medicine_nobody_classed_holds_up_the_start(stage: Stage, outcome: Outcome) -> None:
    unclassed = person({"q-medicines": ["nettle tea"]}, medicines=(RecordedMedicine("Nettle tea", None),))
    named_only = person({"q-medicines": ["nettle tea"]})
    for facts in (unclassed, named_only):
        result = screened(facts, FACE, stage=stage)
        assert (result.outcome, result.codes) == (outcome, ("scr-medicines",))


def test_cancer_hormones_read_past_cancer_as_present() -> None:
    hormone = (RecordedMedicine("letrozole", ("med-cancer-hormone",)),)
    answers = {
        "q-cancer": "past",
        "q-cancer-end": "2015-01-01",
        "q-cancer-type": "breast",
        "q-medicines": ["letrozole"],
    }
    assert screened(person(answers, medicines=hormone), FACE).codes == ("scr-cancer-active",)


def test_ketorolac_under_both_of_its_classes_is_noted_once() -> None:
    taken = RecordedMedicine("ketorolac", ("med-nsaid", "med-ketorolac"))
    assert [one.severity for one in screened(person(medicines=(taken,)), FACE).findings] == [INFO]
    for one in ("med-nsaid", "med-ketorolac"):
        alone = person(medicines=(RecordedMedicine("ketorolac", (one,)),))
        assert [found.severity for found in screened(alone, PRP).findings] == [RELATIVE]
