"""Bad input of screening: refused with a sentence that names it, and at the evaluator's own door never fine."""

from __future__ import annotations

import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patients.facts import AnswerValue, Measured, RecordedMedicine
from patients.questionnaire import Kind, check
from protocols.findings import Outcome, Severity, Stage
from protocols.loading import REFERENCE, CatalogueError, load_reference
from tests.protocols.healthy import DAY, catalogue, measured, person, plan, screened

FACE = plan("ind-hydration", "sub-ha-nc", regions=("reg-face",))
PRP = plan("ind-aga-prp", "sub-prp")


# --- the evaluator's door: what cannot be read is not fine ------------------------------------------------------------
@pytest.mark.parametrize(
    ("answers", "missing"),
    [
        ({"q-stroke": "perhaps"}, ("q-stroke",)),
        ({"q-stroke": ""}, ("q-stroke",)),
        ({"q-stroke": ["stroke"]}, ("q-stroke",)),
        ({"q-rare": ["g6pd", "gout"]}, ("q-rare",)),
        ({"q-rare": "g6pd"}, ("q-rare",)),
        ({"q-allergy": ["none", "fish"]}, ("q-allergy",)),
        ({"q-heart": "yes", "q-heart-medicines": 21}, ("q-heart-medicines",)),
        ({"q-heart": "yes", "q-heart-medicines": -1}, ("q-heart-medicines",)),
        ({"q-heart": "yes", "q-heart-medicines": "two"}, ("q-heart-medicines",)),
        ({"q-vaccine": "yes", "q-vaccine-date": "last week"}, ("q-vaccine-date",)),
        ({"q-vaccine": "yes", "q-vaccine-date": "2026-02-30"}, ("q-vaccine-date",)),
        ({"q-skin": ["wound"], "q-skin.wound.state": "better"}, ("q-skin.wound.state",)),
    ],
)
def test_an_answer_nobody_could_give_counts_as_none(answers: dict[str, Any], missing: tuple[str, ...]) -> None:
    for stage in Stage:
        result = screened(person(answers), FACE, stage=stage)
        assert result.missing == missing
        assert result.outcome in (Outcome.INCOMPLETE, Outcome.BLOCKED)


def test_an_unreadable_date_is_an_unknown_one() -> None:
    result = screened(person({"q-vaccine": "yes", "q-vaccine-date": "yesterday"}), FACE)
    assert (result.codes, result.open_ended, result.wait_until) == (("scr-vaccine",), True, None)
    blocked = screened(person({"q-mi": "yes", "q-mi-date": "2025-13-01"}), FACE)
    assert blocked.outcome is Outcome.BLOCKED


def test_an_answer_to_a_question_that_does_not_exist_has_no_effect_and_cannot_be_stored() -> None:
    facts = person({"q-astrology": "yes"})
    assert screened(facts, FACE).outcome is Outcome.CLEARED
    (problem,) = check(catalogue().questions, facts.answers, sex="female", today=DAY)
    assert (problem.kind, problem.key) == ("unknown-question", "q-astrology")
    assert "q-astrology" in problem.text.get("en")
    assert "q-astrology" in problem.text.get("tr")


def test_a_medicine_of_an_unknown_class_holds_up_the_start() -> None:
    facts = person({"q-medicines": ["drops"]}, medicines=(RecordedMedicine("drops", ("med-magic",)),))
    (finding,) = screened(facts, FACE).findings
    assert (finding.code, finding.severity) == ("scr-medicines", Severity.INCOMPLETE)


@pytest.mark.parametrize(
    ("measurement", "planned"),
    [
        (measured("m-asa", text="VI"), FACE),
        (measured("m-fitzpatrick", text=""), FACE),
        (measured("m-cops", "73"), FACE),
        (measured("m-cops", "-1"), FACE),
        (measured("m-bp", "20", "10"), FACE),
        (measured("m-bp", "120"), FACE),
        (Measured("m-bp", None, DAY), FACE),
        (measured("m-platelets", "0"), PRP),
        (measured("m-hb", "250"), PRP),
    ],
)
def test_a_value_that_could_not_be_entered_is_still_due(measurement: Measured, planned: Any) -> None:
    result = screened(person(measurements=(measurement,)), planned)
    assert measurement.code in result.to_do
    assert result.outcome is not Outcome.CLEARED


def test_a_measurement_that_does_not_exist_has_no_effect() -> None:
    facts = replace(person(), measurements=(*person().measurements, Measured("m-aura", Decimal(9), DAY)))
    assert screened(facts, FACE).outcome is Outcome.CLEARED


words = st.text(max_size=12) | st.sampled_from(["yes", "no", "unsure", "unknown", "none", "2026-02-30", "9999-12-31"])
nonsense = words | st.integers(-5, 400) | st.lists(words, max_size=3)
keys = st.sampled_from([
    field.key for question in load_reference().questions.values() for field in (question, *question.follow_ups)])


@given(st.dictionaries(keys | st.text(max_size=10), nonsense, max_size=6), st.sampled_from([None, FACE, PRP]))
@settings(derandomize=True, max_examples=150, deadline=None, database=None)
def test_nonsense_is_never_an_error_and_never_better_than_no_answer(answers: dict[str, Any], planned: Any) -> None:
    result = screened(person(answers), planned)
    for question in catalogue().questions.values():
        answer = answers.get(question.key)
        asked = question.asked_of("female") and question.belongs_to(planned.substances if planned else ())
        unheard = question.kind is Kind.CHOICE and answer not in (None, *question.values, "unsure")
        if unheard and asked and not question.optional:
            assert question.key in result.missing


@given(keys, nonsense)
@settings(derandomize=True, max_examples=200, deadline=None, database=None)
def test_what_the_form_refuses_for_its_value_never_passes_as_fine(key: str, answer: AnswerValue) -> None:
    """Whatever the intake form refuses in the answer to a question of its own leaves the screening incomplete."""
    facts = person({key: answer})
    refused = {
        one.key for one in check(catalogue().questions, facts.answers, sex="female", today=DAY, complete=False)
        if one.kind not in ("hidden", "future-date")}
    question = catalogue().questions.get(key)
    if key in refused and question is not None and not question.optional and not question.only_with:
        assert key in screened(facts, FACE).missing


# --- the loader: file, entry and problem ------------------------------------------------------------------------------
HEART = "screening/1_age_heart_blood.yaml"
MEDICINES = "screening/2_medicines_and_allergy.yaml"
RECENT = "screening/4_recent_and_clinical.yaml"
FAULTS = [
    (HEART, "{answer: q-stroke, is: stroke}", "{answer: q-strike, is: stroke}", "scr-stroke", "q-strike"),
    (HEART, "{answer: q-stroke, is: stroke}", "{answer: q-stroke, is: strike}", "scr-stroke", "strike"),
    (HEART, "{answer: q-stroke, is: stroke}", "{answer: q-stroke}", "scr-stroke", "needs “is”"),
    (HEART, "{answer: q-stroke, is: stroke}", "{answered: q-stroke, is: stroke}", "scr-stroke", "no known condition"),
    (HEART, "{measured: m-platelets, below: 100}", "{measured: m-plates, below: 100}", "scr-platelets", "m-plates"),
    (HEART, "{measured: m-platelets, below: 100}", "{measured: m-platelets}", "scr-platelets", "needs at_least"),
    (HEART, "{measured: m-platelets, below: 100}", "{measured: m-platelets, below: many}", "scr-platelets",
     "must be a number"),
    (HEART, "{medicine: med-cancer-hormone}", "{medicine: med-cancer-hormon}", "scr-cancer-active", "med-cancer-hormon"),
    (HEART, "{within: q-mi-date, months: 6}", "{within: q-mi-day, months: 6}", "scr-mi", "q-mi-day"),
    (HEART, "{within: q-mi-date, months: 6}", "{within: q-mi-date, months: -6}", "scr-mi", "outside 0–600"),
    (HEART, "{within: q-mi-date, months: 6}", "{within: q-mi-date, months: six}", "scr-mi", "whole number"),
    (HEART, "{within: q-mi-date, months: 6}", "{within: q-mi-date, weeks: 6}", "scr-mi", "weeks"),
    (HEART, "labs: [{measurement: m-hba1c, valid_days: 90}]", "labs: [{measurement: m-hba2c, valid_days: 90}]",
     "scr-diabetes-other", "m-hba2c"),
    (HEART, "cfg: {clauses.2.when.above: [7.0, 8.0]}", "cfg: {clauses.9.when.above: [7.0, 8.0]}", "scr-diabetes-other",
     "not a field"),
    (HEART, "cfg: {clauses.2.when.above: [7.0, 8.0]}", "cfg: {clauses.2.when.above: [7.0, 7.5]}", "scr-diabetes-other",
     "outside its cfg range"),
    (MEDICINES, "{medicine: med-coumarin}", "{medicine: med-cumarin}", "scr-anticoagulant", "med-cumarin"),
    (MEDICINES, "in: q-anticoagulant-name", "in: q-anticoagulant-nome", "scr-anticoagulant", "q-anticoagulant-nome"),
    (MEDICINES, "scope: [sub-carnitine]", "scope: [sub-carnitin]", "wo-warfarin-carnitine", "sub-carnitin"),
    (MEDICINES, "each: q-allergy", "each: q-allergies", "scr-allergy", "q-allergies"),
    (RECENT, "{measured: m-asa, is: III}", "{measured: m-asa, is: VI}", "scr-asa", "VI"),
    (RECENT, "scope: [pain, vascular]", "scope: [pain, muscular]", "scr-redflags", "muscular"),
    (RECENT, "{severity: temporary, wait: open, when: {any: [{answer: q-isotretinoin, is: now}",
     "{severity: temporary, when: {any: [{answer: q-isotretinoin, is: now}", "scr-isotretinoin", "needs “wait”"),
    (RECENT, "  source: E63\n", "  source:\n", "scr-bdd", "source is empty"),
    (RECENT, "  source: E63\n", "  source: hearsay\n", "scr-bdd", "hearsay"),
    ("measurements.yaml", "  lowest: 60\n", "  lowest: sixty\n", "m-bp", "must be a number"),
    ("medicine_classes.yaml", "substances: [sub-dmae]", "substances: [sub-dmea]", "med-cholinergic", "sub-dmea"),
    ("questions/3_other_conditions.yaml", "only_with: [hair]", "only_with: [hare]", "q-hairloss", "hare"),
    ("questions/1_heart_and_blood.yaml", "key: q-mi-date, kind: date", "key: q-mi-date, kind: day", "q-mi", "kind"),
    ("questions/1_heart_and_blood.yaml", "offered_when: {q-implant: pacemaker}", "offered_when: {q-implants: pacemaker}",
     "q-heart", "q-implants"),
    ("combinations.yaml", "procedures: [home-roller]", "procedures: [home-rolls]", "combine-home-roller", "home-rolls"),
    ("combinations.yaml", "days_before: 7\n  days_after: 14", "days_before: -7\n  days_after: 14", "combine-home-roller",
     "outside"),
    ("check_ins.yaml", "reaction: ae-infection-ntm", "reaction: ae-infection-ntn", "ci-lump", "ae-infection-ntn"),
    ("check_ins.yaml", "urgency: 48-hours, until_day: 6", "urgency: soon, until_day: 6", "ci-lump-early", "soon"),
]


@pytest.mark.parametrize(("file", "old", "new", "entry", "words"), FAULTS)
def test_a_fault_names_file_entry_and_problem(
    tmp_path: Path, file: str, old: str, new: str, entry: str, words: str
) -> None:
    error = broken(tmp_path, file, old, new)
    assert any(
        problem.file == file and problem.entry.startswith(entry) and words in problem.problem
        for problem in error.problems
    ), str(error)


def test_a_limit_by_body_weight_asks_for_the_weight(tmp_path: Path) -> None:
    """Named at the substance, though the word is missing at the measurement."""
    error = broken(tmp_path, "measurements.yaml", "required_with: [sub-lidocaine, sub-la-cream,", "required_with: [")
    assert [(one.file, one.entry) for one in error.problems] == [("substances.yaml", "sub-lidocaine")]
    assert "m-weight is not required_with it" in error.problems[0].problem


def broken(tmp_path: Path, file: str, old: str, new: str) -> CatalogueError:
    """The error of the reference with one replacement in one file."""
    folder = Path(shutil.copytree(REFERENCE, tmp_path / "reference"))
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text, f"{file} no longer holds {old!r}"
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CatalogueError) as error:
        load_reference(folder)
    return error.value
