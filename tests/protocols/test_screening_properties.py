"""What holds for every patient: risks only ever worsen the outcome, and order never matters. Examples are fixed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from patients.facts import AnswerValue, PatientFacts, RecordedMedicine
from patients.questionnaire import Kind, Question, asked, check
from protocols.findings import Outcome, Screening, Stage
from protocols.screening import Act, permits
from tests.protocols.healthy import DAY, EXAMPLES, catalogue, example_plan, person, screened

ORDER = [Outcome.CLEARED, Outcome.WAIT, Outcome.NEEDS_CLEARANCE, Outcome.INCOMPLETE, Outcome.BLOCKED]
PLANS = [None, *(example_plan(*example) for example in EXAMPLES)]
DETAILS: dict[Kind, AnswerValue] = {Kind.NUMBER: 1, Kind.TEXT: "x", Kind.DATE: "unknown", Kind.REGIONS: ["reg-face"]}
steady = settings(derandomize=True, max_examples=60, deadline=None, database=None)


def risk(question: Question, value: str, day: str) -> dict[str, AnswerValue]:
    """One answer that is not the healthy one, with everything it then asks for."""
    many = question.kind in (Kind.LIST, Kind.NAMES)
    answers: dict[str, AnswerValue] = {question.key: [value] if many else value}
    while missing := [one for one in asked(question, answers) if one.required and one.field.key not in answers]:
        for one in missing:
            field = one.field
            answers[field.key] = (
                day if field.kind is Kind.DATE else DETAILS.get(field.kind) or _first(field.values, field)
            )
    return answers


def _first(values: tuple[str, ...], field: Any) -> AnswerValue:
    return [values[1]] if field.kind is Kind.LIST else values[0]


@st.composite
def risks(draw: st.DrawFn) -> list[dict[str, AnswerValue]]:
    """Answers to several different questions of a woman."""
    questions = [one for one in catalogue().questions.values() if one.asked_of("female") and one.options]
    chosen = draw(st.lists(st.sampled_from(questions), min_size=1, max_size=4, unique_by=lambda one: one.key))
    days = st.sampled_from(["2026-03-19", "2026-03-10", "2025-06-01", "unknown"])
    return [risk(one, draw(st.sampled_from([*one.values[1:], "unsure"])), draw(days)) for one in chosen]


def merged(parts: list[dict[str, AnswerValue]]) -> dict[str, AnswerValue]:
    return {key: value for part in parts for key, value in part.items()}


def seen(result: Screening) -> tuple[Any, ...]:
    findings = {
        (one.code, one.severity, one.wait_until, one.open_ended, frozenset(one.answers)) for one in result.findings
    }
    return result.outcome, result.wait_until, result.open_ended, findings, set(result.missing), set(result.would_matter)


def reordered(facts: PatientFacts) -> PatientFacts:
    def back(value: AnswerValue) -> AnswerValue:
        return value if isinstance(value, str | int) else list(reversed(value))

    return replace(
        facts,
        answers={key: back(value) for key, value in reversed(facts.answers.items())},
        medicines=tuple(reversed(facts.medicines)),
    )


@given(risks(), st.sampled_from(PLANS))
@steady
def test_one_more_risk_never_improves_the_outcome(parts: list[dict[str, AnswerValue]], plan: Any) -> None:
    outcomes = [screened(person(merged(parts[:count])), plan).outcome for count in range(len(parts) + 1)]
    ranks = [ORDER.index(one) for one in outcomes]
    assert ranks == sorted(ranks)


@given(risks(), st.sampled_from(PLANS))
@steady
def test_the_order_of_answers_items_and_medicines_does_not_matter(
    parts: list[dict[str, AnswerValue]], plan: Any
) -> None:
    medicines = (
        RecordedMedicine("a", ("med-nsaid",)),
        RecordedMedicine("b", None),
        RecordedMedicine("c", ("med-steroid",)),
    )
    facts = person(
        {**merged(parts), "q-medicines": ["a", "b", "c"], "q-rare": ["g6pd", "porphyria"]}, medicines=medicines
    )
    assert seen(screened(facts, plan)) == seen(screened(reordered(facts), plan))


@given(risks(), st.sampled_from(PLANS))
@steady
def test_whatever_fires_exists_has_a_source_and_says_why(parts: list[dict[str, AnswerValue]], plan: Any) -> None:
    result = screened(person(merged(parts)), plan)
    for finding in result.findings:
        assert finding.code in catalogue().rules
        assert finding.source
        assert finding.answers
        assert finding.text("tr") != finding.text("en")
        assert finding.lifted_by
    assert set(result.would_matter) <= set(catalogue().rules)
    assert not (plan and result.would_matter)


@given(risks(), st.sampled_from(PLANS))
@steady
def test_such_answers_pass_the_questionnaire(parts: list[dict[str, AnswerValue]], plan: Any) -> None:
    answers = person(merged(parts)).answers
    assert check(catalogue().questions, answers, sex="female", today=DAY) == []


@given(risks(), st.sampled_from(PLANS), st.sampled_from(list(Stage)))
@steady
def test_only_a_cleared_patient_may_start_and_what_may_start_may_be_booked(
    parts: list[dict[str, AnswerValue]], plan: Any, stage: Stage
) -> None:
    result = screened(person(merged(parts)), plan, stage=stage)
    start = permits(result, Act.START, DAY)
    assert start.allowed is (result.outcome is Outcome.CLEARED)
    assert not start.allowed or permits(result, Act.BOOK, DAY).allowed
