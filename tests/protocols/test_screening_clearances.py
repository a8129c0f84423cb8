"""What a clearance lifts, how long, what it still needs, and what each outcome of a screening allows."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from patients.facts import PatientFacts, RecordedMedicine
from protocols.findings import Finding, GrantedClearance, Outcome, Screening
from protocols.permissions import TABLE, Act, permits
from protocols.screening import clearance_gaps
from tests.protocols.healthy import DAY, catalogue, measured, person, plan, screened, without
from tests.protocols.screening_plans import FACE
from tests.protocols.unhealthy import BLOCK, CLEAR, DATED, NOTE, OPEN


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
