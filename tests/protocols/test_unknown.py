"""What nobody knows is never fine: not as it stands in a rule, and not turned round by a `not` either."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from patients.facts import PatientFacts, RecordedMedicine
from protocols.patient_case import Case, words_of
from protocols.plan import Plan
from protocols.rules import parse_rule
from protocols.screening import _hits
from tests.protocols.healthy import DAY, catalogue, measured, person, plan, screened, without

FACE = plan("ind-hydration", "sub-ha-nc", regions=("reg-face",))
LATELY = {"within": "q-mi-date", "months": 6}


def holds(
    when: Any, answers: dict[str, Any] | None = None, given_plan: Plan | None = FACE, *, facts: PatientFacts | None = None,
    **rest: Any,
) -> bool:  # fmt: skip
    texts = {"en": "x", "tr": "x"}
    rule = parse_rule({"code": "scr-x", "title": texts, "sentence": texts, "source": "dec",
                       "clauses": [{"severity": "absolute", "when": when}]})  # fmt: skip
    facts = facts or person(answers, **rest)
    case = Case(facts=facts, plan=given_plan, on=DAY, questions=catalogue().questions, words=words_of(given_plan))
    return rule.clauses[0].when.match(case) is not None


@pytest.mark.parametrize(
    ("what", "answers", "known"),
    [
        (LATELY, {"q-mi": "yes", "q-mi-date": "2026-03-01"}, True), (LATELY, {"q-mi": "yes", "q-mi-date": "2020-03-01"}, False),
        (LATELY, {"q-mi": "yes", "q-mi-date": "unknown"}, None), (LATELY, {"q-mi": "yes"}, None),
        (LATELY, {"q-mi": "yes", "q-mi-date": "some day"}, None),
        ({"answer": "q-heart", "is": "yes"}, {"q-heart": "yes"}, True),
        ({"answer": "q-heart", "is": "yes"}, {"q-heart": "no"}, False),
        ({"answer": "q-heart", "is": "yes"}, {"q-heart": "unsure"}, None),
        ({"in_area": "q-skin-area"}, {"q-skin-area": ["reg-face"]}, True),
        ({"in_area": "q-skin-area"}, {"q-skin-area": ["reg-hands"]}, False), ({"in_area": "q-skin-area"}, {}, None),
    ],
)  # fmt: skip
def test_the_opposite_of_what_is_not_known_is_not_known(what: Any, answers: dict[str, Any], known: bool | None) -> None:
    """True: only the condition holds; False: only its opposite does; None: nobody knows, so both count as holding."""
    assert holds(what, answers) is (known is not False)
    assert holds({"not": what}, answers) is (known is not True)
    assert holds({"not": {"not": what}}, answers) is (known is not False)


@pytest.mark.parametrize(
    "what", [{"answer": "q-heart", "is": "yes"}, {"number": "q-heart-medicines", "at_least": 2},
             {"measured": "m-hba1c", "above": 8}, {"measured": "m-bp", "within_days": 3, "above": 180}],
)  # fmt: skip
def test_what_has_no_answer_yet_is_not_fine_whichever_way_it_is_asked(what: Any) -> None:
    """The answer itself is missing, which holds up the treatment; turned round once or twice it is not known still."""
    facts = person(measurements=(measured("m-bp", "120", "75", on=DAY.replace(year=2025)),))
    answers = {key: value for key, value in facts.answers.items() if key not in ("q-heart", "q-heart-medicines")}
    facts = replace(facts, answers=answers)
    for when in ({"not": what}, {"not": {"not": what}}, {"not": {"all": [{"not": what}, {"sex": ["female"]}]}}):
        assert holds(when, facts=facts), when
    no_body = without(facts, "m-bmi", "m-weight", "m-height")
    assert holds({"not": {"not": {"bmi": {"above": 40}}}}, facts=no_body)
    assert not holds({"not": {"not": {"bmi": {"above": 40}}}}, facts=facts)


def test_and_and_or_of_the_unknown() -> None:
    """And: unknown unless one is false. Or: unknown unless one is true."""
    open_date = {"q-mi": "yes", "q-mi-date": "unknown"}
    true, false = {"sex": ["female"]}, {"sex": ["male"]}
    for joined, expected in (({"all": [LATELY, true]}, True), ({"all": [LATELY, false]}, True), ({"any": [LATELY, false]}, True)):
        assert holds({"not": joined}, open_date) is expected
    assert holds({"not": {"any": [LATELY, true]}}, open_date) is False
    assert holds({"all": [LATELY, false]}, open_date) is False


def test_a_medicine_nobody_has_classed_may_be_of_any_class() -> None:
    takes, unclassed = {"medicine": "med-anticoagulant"}, RecordedMedicine("something", None)
    assert holds({"not": {"not": takes}}, medicines=(unclassed,))
    assert not holds({"not": {"not": takes}}, medicines=(RecordedMedicine("paracetamol", ()),))


def test_without_a_plan_nobody_knows_what_it_meets() -> None:
    assert holds({"not": {"in_area": "q-skin-area"}}, {"q-skin-area": ["reg-face"]}, None)
    assert holds({"in_area": "q-skin-area"}, {"q-skin-area": ["reg-face"]}, None)
    assert holds({"not": {"preserved": ["sub-lidocaine"]}}, {}, None)


def test_a_cancer_whose_end_nobody_knows_is_active_and_not_history() -> None:
    """The reference: end unknown blocks as active; "past and not active" then does not fire beside it."""
    for answers in ({"q-cancer": "past", "q-cancer-end": "unknown"}, {"q-cancer": "past"}):
        codes = {one.code for one in screened(person(answers), FACE).findings}
        assert "scr-cancer-active" in codes
        assert "scr-cancer-history" not in codes


YES = {"answer": "q-mi", "is": "yes"}
LONG_AGO: dict[str, Any] = {"severity": "relative", "when": {"all": [YES, {"not": LATELY}]}}


def severities(clauses: list[dict[str, Any]], answers: dict[str, Any]) -> list[str]:
    """What a rule of these clauses finds, in the order tested."""
    texts = {"en": "x", "tr": "x"}
    rule = parse_rule({"code": "scr-x", "title": texts, "sentence": texts, "source": "dec", "clauses": clauses})
    facts = person(answers)
    case = Case(facts=facts, plan=FACE, on=DAY, questions=catalogue().questions, words=words_of(FACE))
    hits, _waits = _hits(rule, case)
    return [str(hit.clause.severity) for hit in hits]


@pytest.mark.parametrize(
    ("first", "behind", "answers", "expected"),
    [
        (LONG_AGO, "absolute", {"q-mi": "yes", "q-mi-date": "unknown"}, ["relative", "absolute"]),
        (LONG_AGO, "absolute", {"q-mi": "yes", "q-mi-date": "2020-03-01"}, ["relative"]),
        (LONG_AGO, "absolute", {"q-mi": "yes", "q-mi-date": "2026-03-01"}, ["absolute"]),
        (LONG_AGO, "info", {"q-mi": "yes", "q-mi-date": "unknown"}, ["relative"]),
        ({"severity": "info", "when": {"not": YES}}, "absolute", {"q-mi": "unsure"}, ["info", "absolute"]),
        ({"severity": "info", "when": {"not": YES}}, "absolute", {"q-mi": "no"}, ["info"]),
    ],
)
def test_what_only_may_hold_hides_nothing_stricter(
    first: dict[str, Any], behind: str, answers: dict[str, Any], expected: list[str]
) -> None:
    """The first clause that holds ends the search; one that rests on what nobody knows hides what is no stricter."""
    assert severities([first, {"severity": behind, "when": YES}], answers) == expected


def test_either_of_two_that_nobody_knows_is_not_known() -> None:
    """One part rests on a date that is not known, the other on "unsure": the opposite is not known either."""
    either = {"any": [LATELY, {"answer": "q-heart", "is": "yes"}]}
    assert holds({"not": either}, {"q-mi": "yes", "q-mi-date": "unknown", "q-heart": "unsure"})
    assert not holds({"not": either}, {"q-mi": "yes", "q-mi-date": "unknown", "q-heart": "yes"})


def test_a_clause_about_being_unsure_fires() -> None:
    unsure = {"answer": "q-heart", "is": "unsure"}
    assert holds(unsure, {"q-heart": "unsure"})
    assert not holds(unsure, {"q-heart": "no"})
    assert not holds(unsure, {"q-heart": "yes"})
