"""Headline, combination of rules, areas, unsure, clearances, and what each outcome allows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from patients.choices import region_group
from patients.facts import PatientFacts, RecordedMedicine
from protocols.calendar_dates import add_months, age_on
from protocols.findings import Finding, GrantedClearance, Outcome, Screening, Severity, Stage
from protocols.permissions import TABLE, Act, permits
from protocols.screening import clearance_gaps
from tests.protocols.healthy import (
    DAY,
    EXAMPLES,
    catalogue,
    example_plan,
    healthy_answers,
    measured,
    person,
    plan,
    screened,
    without,
)

FACE = plan("ind-hydration", "sub-ha-nc", regions=("reg-face",))
BODY = plan("ind-cellulite", "sub-caffeine", regions=("reg-thigh",))

BLOCK = {"q-stroke": "stroke"}
CLEAR = {"q-keloid": "yes"}
OPEN = {"q-illness": "now"}
DATED = {"q-vaccine": "yes", "q-vaccine-date": (DAY - timedelta(days=4)).isoformat()}
NOTE = {"q-faint": "yes"}


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


# --- plan, stage, missing -------------------------------------------------------------------------------------------
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


# --- clearances -----------------------------------------------------------------------------------------------------
def granted(finding: Finding, *, on: date = DAY, ends_on: date | None = None) -> GrantedClearance:
    return GrantedClearance(finding.code, finding.fingerprint, "Dr Ada Demir", on, ends_on)


def keloid() -> tuple[PatientFacts, Finding]:
    facts = person(CLEAR)
    return facts, screened(facts, FACE).findings[0]


def test_a_clearance_names_the_clinician_and_no_longer_counts() -> None:
    facts, finding = keloid()
    result = screened(facts, FACE, clearances=(granted(finding),))
    assert result.outcome is Outcome.CLEARED
    assert [(one.code, one.cleared_by) for one in result.findings] == [("scr-keloid", "Dr Ada Demir")]


@pytest.mark.parametrize(
    ("days", "valid"), [(0, True), (180, True), (181, False), (-1, False)]
)
def test_a_clearance_lasts_180_days(days: int, valid: bool) -> None:
    facts, finding = keloid()
    result = screened(facts, FACE, clearances=(granted(finding, on=DAY - timedelta(days=days)),))
    assert (result.outcome is Outcome.CLEARED) is valid


@pytest.mark.parametrize(("ends", "valid"), [(-1, False), (0, True), (1, True)])
def test_a_clearance_ends_with_the_course(ends: int, valid: bool) -> None:
    facts, finding = keloid()
    given = granted(finding, on=DAY - timedelta(days=30), ends_on=DAY + timedelta(days=ends))
    assert (screened(facts, FACE, clearances=(given,)).outcome is Outcome.CLEARED) is valid


def test_a_clearance_ends_when_the_answer_behind_it_changes() -> None:
    one = {"q-heart": "yes", "q-heart-medicines": 1}
    finding = screened(person(one), FACE).findings[0]
    given = (granted(finding),)
    assert screened(person(one), FACE, clearances=given).outcome is Outcome.CLEARED
    assert screened(person({**one, "q-heart-medicines": 0}), FACE, clearances=given).outcome is Outcome.NEEDS_CLEARANCE


def test_a_clearance_stays_when_another_item_of_the_list_is_added() -> None:
    vitamin = plan("ind-dull-tone", "sub-vit-c")
    given = (granted(screened(person({"q-rare": ["oxalate-stones"]}), vitamin).findings[0]),)
    more = screened(person({"q-rare": ["low-calcium", "oxalate-stones"]}), vitamin, clearances=given)
    assert [one.cleared_by for one in more.findings] == ["Dr Ada Demir"]


def test_a_clearance_for_one_medicine_says_nothing_about_another() -> None:
    both = tuple(RecordedMedicine(name, ("med-antiarrhythmic",)) for name in ("sotalol", "amiodarone"))
    facts = person({"q-medicines": ["sotalol", "amiodarone"]}, medicines=both)
    lidocaine = plan("ind-msk-pain", "sub-lidocaine")
    first, second = screened(facts, lidocaine).findings
    result = screened(facts, lidocaine, clearances=(granted(first),))
    assert [one.cleared_by for one in result.findings] == ["Dr Ada Demir", None]
    assert result.outcome is Outcome.NEEDS_CLEARANCE
    assert first.answers != second.answers


@pytest.mark.parametrize("answers", [BLOCK, OPEN, DATED, {"q-rare": ["unsure"]}])
def test_a_clearance_never_lifts_an_absolute_a_wait_or_an_incomplete(answers: dict[str, Any]) -> None:
    before = screened(person(answers), FACE)
    after = screened(person(answers), FACE, clearances=tuple(granted(one) for one in before.findings))
    assert (after.outcome, after.findings) == (before.outcome, before.findings)


def test_a_cleared_finding_still_waits() -> None:
    flare = person({"q-autoimmune": "flare"})
    (finding,) = screened(flare, FACE).findings
    result = screened(flare, FACE, clearances=(granted(finding),))
    assert (result.outcome, result.open_ended) == (Outcome.WAIT, True)


@pytest.mark.parametrize(
    ("answers", "readings", "letter", "gaps"),
    [
        ({"q-keloid": "yes"}, (), False, 0),
        ({"q-heart": "yes", "q-heart-medicines": 0}, (), False, 1),
        ({"q-heart": "yes", "q-heart-medicines": 0}, (), True, 0),
        ({"q-diabetes": "diet"}, (), False, 1),
        ({"q-diabetes": "diet"}, (measured("m-hba1c", "6.5", on=DAY - timedelta(days=90)),), False, 0),
        ({"q-diabetes": "diet"}, (measured("m-hba1c", "6.5", on=DAY - timedelta(days=91)),), False, 1),
        ({"q-liver-kidney": "past", "q-liver-kidney-which": "liver"}, (measured("m-liver", text="normal"),), False, 1),
        (
            {"q-liver-kidney": "past", "q-liver-kidney-which": "liver"},
            (measured("m-liver", text="normal"), measured("m-kidney", text="normal")),
            False,
            0,
        ),
    ],
)
def test_what_a_clearance_still_needs(answers: dict[str, Any], readings: Any, letter: bool, gaps: int) -> None:
    facts = person(answers, measurements=readings)
    (finding,) = screened(facts, FACE).findings
    missing = clearance_gaps(finding, facts=facts, on=DAY, catalogue=catalogue(), letter=letter)
    assert len(missing) == gaps


@pytest.mark.parametrize(("inr", "days", "gaps"), [("3.0", 7, 0), ("3.1", 0, 1), ("2.5", 8, 1), (None, 0, 1)])
def test_warfarin_needs_a_fresh_inr(inr: str | None, days: int, gaps: int) -> None:
    readings = (measured("m-inr", inr, on=DAY - timedelta(days=days)),) if inr else ()
    warfarin = (RecordedMedicine("warfarin", ("med-anticoagulant", "med-coumarin")),)
    facts = person({"q-medicines": ["warfarin"]}, measurements=readings, medicines=warfarin)
    (finding,) = screened(facts, FACE).findings
    assert len(clearance_gaps(finding, facts=facts, on=DAY, catalogue=catalogue(), letter=True)) == gaps


@pytest.mark.parametrize(
    ("answers", "gaps"),
    [
        ({"q-anticoagulant": "yes", "q-anticoagulant-name": "apixaban"}, 0),
        ({"q-anticoagulant": "yes", "q-anticoagulant-name": "Warfarin 5 mg"}, 1),
        ({"q-anticoagulant": "yes"}, 1),
        ({"q-anticoagulant": "unsure"}, 1),
    ],
)
def test_a_blood_thinner_that_nobody_can_name_needs_an_inr(answers: dict[str, Any], gaps: int) -> None:
    facts = person(answers)
    finding = next(one for one in screened(facts, FACE).findings if one.code == "scr-anticoagulant")
    assert len(clearance_gaps(finding, facts=facts, on=DAY, catalogue=catalogue(), letter=True)) == gaps


def test_a_recorded_blood_thinner_of_another_kind_needs_none() -> None:
    """Nobody says yes to the question: the list of medicines names it."""
    taken = (RecordedMedicine("apixaban", ("med-anticoagulant",)),)
    facts = person({"q-medicines": ["apixaban"]}, medicines=taken)
    (finding,) = screened(facts, FACE).findings
    assert clearance_gaps(finding, facts=facts, on=DAY, catalogue=catalogue(), letter=True) == []


def test_what_cannot_be_cleared_says_so() -> None:
    (finding,) = screened(person(BLOCK), FACE).findings
    assert clearance_gaps(finding, facts=person(BLOCK), on=DAY, catalogue=catalogue(), letter=True)


# --- what each outcome allows ---------------------------------------------------------------------------------------
YES, MARKED, NO = (True, False), (True, True), (False, False)


def result_of(name: str) -> Screening:
    answers: dict[str, dict[str, Any]] = {
        "cleared": NOTE,
        "needs clearance": CLEAR,
        "wait until": DATED,
        "wait open": OPEN,
        "incomplete": {"q-rare": ["unsure"]},
        "blocked": BLOCK,
        "clearance and wait": {**CLEAR, **DATED},
        "incomplete and open wait": {"q-rare": ["unsure"], **OPEN},
    }
    if name == "day facts":
        return screened(without(person(), "m-bp"), FACE)
    return screened(person(answers[name]), FACE)


@pytest.mark.parametrize(
    ("name", "approve", "book", "start"),
    [
        ("cleared", YES, YES, YES),
        ("needs clearance", MARKED, MARKED, NO),
        ("wait until", YES, NO, NO),
        ("wait open", MARKED, NO, NO),
        ("incomplete", NO, MARKED, NO),
        ("day facts", YES, MARKED, NO),
        ("blocked", NO, NO, NO),
        ("clearance and wait", MARKED, NO, NO),
        ("incomplete and open wait", NO, NO, NO),
    ],
)
def test_what_an_outcome_allows(name: str, approve: Any, book: Any, start: Any) -> None:
    result = result_of(name)
    for act, expected in zip((Act.APPROVE, Act.BOOK, Act.START), (approve, book, start), strict=True):
        permission = permits(result, act, DAY)
        assert (permission.allowed, permission.marked) == expected, act
        assert (permission.reason is None) == (expected == YES), "whoever is refused or marked learns why"


@pytest.mark.parametrize(("days", "allowed"), [(9, False), (10, True), (11, True)])
def test_a_dated_wait_ends_on_its_day(days: int, allowed: bool) -> None:
    for act in (Act.BOOK, Act.START):
        assert permits(result_of("wait until"), act, DAY + timedelta(days=days)).allowed is allowed


def test_the_reason_names_what_is_in_the_way_in_both_languages() -> None:
    reason = permits(result_of("blocked"), Act.BOOK, DAY).reason
    assert reason is not None
    assert reason.get("en") == "Not possible with this plan: Stroke."
    assert reason.get("tr") == "Bu planla mümkün değil: İnme."


def test_a_cleared_finding_allows_the_start() -> None:
    facts, finding = keloid()
    assert permits(screened(facts, FACE, clearances=(granted(finding),)), Act.START, DAY) == permits(
        screened(person(), FACE), Act.START, DAY
    )


def test_every_row_of_the_table_answers_every_act() -> None:
    assert all(set(row) == set(Act) for row in TABLE.values())


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
