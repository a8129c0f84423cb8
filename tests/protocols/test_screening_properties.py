"""What holds for every patient and every plan: the screening under generated answers, values, medicines and events.

Everything is drawn from the catalogue itself, so that a rule added later is meant as well. A risk is one answer that is
not the healthy one, one abnormal value, one medicine or one earlier event. An answer may make follow-ups visible: `risk`
answers those it must, otherwise the result is incomplete, which may hide nothing but is worse than most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from patients.choices import BODY_AREAS
from patients.facts import AnswerValue, Measured, PatientFacts, PriorEvent, RecordedMedicine
from patients.questionnaire import UNSURE, Kind, Question, asked, check
from protocols.dosing import syringe_of
from protocols.findings import Finding, GrantedClearance, Outcome, Screening, Severity, Stage
from protocols.permissions import Act, permits
from protocols.plan import Plan
from tests.protocols.healthy import DAY, catalogue, healthy_measurements, measured, person, plan, screened

ORDER = (Outcome.CLEARED, Outcome.WAIT, Outcome.NEEDS_CLEARANCE, Outcome.INCOMPLETE, Outcome.BLOCKED)
SEVERITY = (Severity.INFO, Severity.TEMPORARY, Severity.RELATIVE, Severity.INCOMPLETE, Severity.ABSOLUTE)
DAYS = ("2026-03-20", "2026-03-19", "2026-03-10", "2026-02-21", "2025-12-01", "2025-06-01", "2010-01-31", "unknown")
ABNORMAL = (
    measured("m-bp", "165", "95"), measured("m-bp", "185", "100"), measured("m-bp", "85", "50"),
    measured("m-platelets", "99"), measured("m-hb", "9.9"), measured("m-asa", text="III"), measured("m-asa", text="V"),
    measured("m-cops", "40"), measured("m-fitzpatrick", text="VI"), measured("m-bmi", "17"), measured("m-bmi", "31"),
    measured("m-hba1c", "9"), measured("m-pregnancy-test", text="positive"), measured("m-inr", "4"),
)  # fmt: skip
steady = settings(derandomize=True, max_examples=80, deadline=None, database=None)

Risk = Mapping[str, AnswerValue] | Measured | RecordedMedicine | PriorEvent


# --- what is drawn ----------------------------------------------------------------------------------------------------
@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """An example mixture for one of its indications, somewhere, somehow, with or without cream and antiseptic."""
    mixture = draw(st.sampled_from(list(catalogue().mixtures.values())))
    indication = draw(st.sampled_from(mixture.indications))
    regions = draw(st.lists(st.sampled_from(catalogue().indications[indication].regions), min_size=1, unique=True))
    return plan(
        indication,
        regions=tuple(regions),
        syringes=(syringe_of(mixture, indication=indication),),
        delivery=draw(st.sampled_from(list(catalogue().deliveries))),
        numbing_cream_g=draw(st.sampled_from([None, 5])),
        antiseptic=draw(st.sampled_from([None, "chlorhexidine", "iodine"])),
    )


def values_of(question: Question) -> list[str]:
    """Every value but the healthy one; substances where the question takes codes."""
    coded = ["sub-ha-nc", "sub-caffeine", "sub-pn"] if question.code_prefix else []
    return [*question.values[1:], *coded]


@st.composite
def answered(draw: st.DrawFn, question: Question, *, unsure: bool = True) -> dict[str, AnswerValue]:
    """One question answered other than healthy, with every follow-up it then asks for, and perhaps the offered ones."""
    if question.kind is Kind.NAMES:
        return {question.key: draw(st.lists(st.sampled_from(["drops", "tea", "patch"]), min_size=1, unique=True))}
    if question.kind is Kind.LIST:
        chosen = draw(st.lists(st.sampled_from(values_of(question)), min_size=1, max_size=3, unique=True))
        answers: dict[str, AnswerValue] = {question.key: chosen}
    else:
        answers = {question.key: draw(st.sampled_from([*values_of(question), *([UNSURE] if unsure else [])]))}
    offered = draw(st.booleans())
    while visible := [one for one in asked(question, answers) if one.field.key not in answers]:
        wanted = [one.field for one in visible if one.required or (offered and one.field.kind is Kind.REGIONS)]
        if not wanted:
            break
        answers |= {field.key: draw(details(field)) for field in wanted}
    return answers


def details(field: Any) -> st.SearchStrategy[AnswerValue]:
    match field.kind:
        case Kind.DATE:
            return st.sampled_from(DAYS)
        case Kind.NUMBER:
            return st.integers(field.lowest, field.highest)
        case Kind.REGIONS:
            return st.lists(st.sampled_from(list(BODY_AREAS)), min_size=1, max_size=3, unique=True)
        case Kind.LIST:
            return st.lists(st.sampled_from(field.values[1:]), min_size=1, max_size=3, unique=True)
        case Kind.CHOICE:
            return st.sampled_from(field.values)
        case _:
            return st.sampled_from(["x", "warfarin"])


def medicines() -> st.SearchStrategy[RecordedMedicine]:
    classes = st.lists(st.sampled_from(list(catalogue().medicine_classes)), max_size=2, unique=True)
    return st.builds(
        RecordedMedicine, st.sampled_from(["a", "b", "warfarin"]), st.none() | classes.map(tuple))


def events() -> st.SearchStrategy[PriorEvent]:
    return st.builds(
        PriorEvent,
        term=st.just("lump"),
        grade=st.integers(1, 5),
        status=st.sampled_from(["open", "closed"]),
        causality=st.sampled_from(["certain", "unlikely", "unrelated", "not-assessed"]),
        substances=st.lists(st.sampled_from(["sub-ha-nc", "sub-caffeine"]), max_size=2, unique=True).map(tuple),
    )


@st.composite
def risks(draw: st.DrawFn, sex: str, *, unsure: bool = True) -> list[Risk]:
    """Up to eight risks, each about something else. An event on record is the assessment that a report ("yes" to
    q-reaction) waits for, so the two are not drawn together."""
    happened = draw(st.lists(events(), max_size=1))
    questions = [
        one for one in catalogue().questions.values()
        if one.asked_of(sex) and (one.options or one.key == "q-medicines") and not (happened and one.key == "q-reaction")]
    chosen = draw(st.lists(st.sampled_from(questions), max_size=4, unique_by=lambda one: one.key))
    found: list[Risk] = [draw(answered(one, unsure=unsure)) for one in chosen]
    found += draw(st.lists(st.sampled_from(ABNORMAL), max_size=2, unique_by=lambda one: one.code))
    found += [*draw(st.lists(medicines(), max_size=1)), *happened]
    return draw(st.permutations(found))


@st.composite
def patients(draw: st.DrawFn) -> tuple[str, list[Risk]]:
    sex = draw(st.sampled_from(["female", "male", "other"]))
    return sex, draw(risks(sex))


def with_risks(sex: str, found: list[Risk]) -> PatientFacts:
    """The healthy person with these risks. A diabetes medicine is confirmed to be for something else: denied diabetes
    beside it is a contradiction, incomplete until it is resolved, and saying "diabetes" resolves it."""
    answers: dict[str, AnswerValue] = {"q-diabetes-confirmed": "yes"}
    taken: list[Measured] = []
    recorded: list[RecordedMedicine] = []
    happened: list[PriorEvent] = []
    for one in found:
        match one:
            case Measured():
                taken.append(one)
            case RecordedMedicine():
                recorded.append(one)
            case PriorEvent():
                happened.append(one)
            case _:
                answers |= one
    return person(
        answers, sex=sex, measurements=tuple(taken), medicines=tuple(recorded), events=tuple(happened))


# --- adding a risk ----------------------------------------------------------------------------------------------------
STRICTER_SISTER = {"scr-heart-other": "scr-heart-multi", "scr-cancer-history": "scr-cancer-active"}
"""What one more risk can turn a finding into: more heart medicines, hormone tablets for a past cancer."""


def wait_rank(open_ended: bool, until: date | None) -> date:
    return date.max if open_ended else until or date.min


@given(patients(), st.none() | plans(), st.sampled_from(list(Stage)))
@steady
def test_one_more_risk_never_improves_anything(patient: tuple[str, list[Risk]], planned: Plan | None, stage: Stage) -> None:
    """Neither the headline nor the wait nor what is allowed; and no rule becomes milder."""
    sex, found = patient
    before = screened(with_risks(sex, []), planned, stage=stage)
    for count in range(1, len(found) + 1):
        after = screened(with_risks(sex, found[:count]), planned, stage=stage)
        assert ORDER.index(after.outcome) >= ORDER.index(before.outcome)
        waited, waits = (wait_rank(one.open_ended, one.wait_until) for one in (before, after))
        assert waits >= waited
        for act in Act:
            assert permits(before, act, DAY).allowed or not permits(after, act, DAY).allowed
        severities = worst_by_code(after.findings)
        for code, severity in worst_by_code(before.findings).items():
            now = severities.get(code) or severities[STRICTER_SISTER[code]]
            assert SEVERITY.index(now) >= SEVERITY.index(severity), code
        before = after


def worst_by_code(findings: tuple[Finding, ...]) -> dict[str, Severity]:
    found: dict[str, Severity] = {}
    for one in findings:
        found[one.code] = max(one.severity, found.get(one.code, Severity.INFO), key=SEVERITY.index)
    return found


@given(patients(), plans())
@steady
def test_taking_out_a_component_never_makes_it_worse(patient: tuple[str, list[Risk]], planned: Plan) -> None:
    facts = with_risks(*patient)
    whole = screened(facts, planned)
    (drawn,) = planned.syringes
    for component in drawn.components:
        rest = tuple(one for one in drawn.components if one is not component)
        without = screened(facts, replace(planned, syringes=(replace(drawn, components=rest),)))
        assert ORDER.index(without.outcome) <= ORDER.index(whole.outcome)
        assert set(without.codes) <= set(whole.codes)


# --- order does not matter --------------------------------------------------------------------------------------------
def seen(result: Screening) -> tuple[Any, ...]:
    findings = sorted(
        (one.code, one.severity, str(one.wait_until), one.open_ended, one.unclarified, sorted(one.answers),
         one.fingerprint, one.substances)
        for one in result.findings)  # fmt: skip
    return result.outcome, result.wait_until, result.open_ended, findings, set(result.missing), set(result.would_matter)


def turned(value: AnswerValue) -> AnswerValue:
    return value if isinstance(value, str | int) else list(reversed(value))


@given(patients(), st.none() | plans())
@steady
def test_the_order_of_anything_does_not_matter(patient: tuple[str, list[Risk]], planned: Plan | None) -> None:
    """Answers, items of a list, measurements, medicines, events, regions, syringes and their lines."""
    facts = with_risks(*patient)
    reversed_facts = replace(
        facts,
        answers={key: turned(value) for key, value in reversed(facts.answers.items())},
        measurements=tuple(reversed(facts.measurements)),
        medicines=tuple(reversed(facts.medicines)),
        events=tuple(reversed(facts.events)),
    )
    reversed_plan = planned and replace(
        planned,
        regions=tuple(reversed(planned.regions)),
        syringes=tuple(replace(one, components=tuple(reversed(one.components))) for one in reversed(planned.syringes)),
    )
    assert seen(screened(facts, planned)) == seen(screened(reversed_facts, reversed_plan))


# --- what fires says why ----------------------------------------------------------------------------------------------
@given(patients(), st.none() | plans())
@steady
def test_whatever_fires_exists_has_a_source_and_says_why(patient: tuple[str, list[Risk]], planned: Plan | None) -> None:
    facts = with_risks(*patient)
    result = screened(facts, planned)
    known = {*facts.answers, "birth-date", "events", *(one.code for one in facts.measurements)}
    for finding in result.findings:
        rule = catalogue().rules[finding.code]
        assert finding.source
        assert finding.code == "scr-medicines" or finding.source == rule.source
        assert finding.text("tr") != finding.text("en")
        assert finding.lifted_by
        assert finding.answers, "nothing fires without an answer behind it"
        assert {key.removeprefix("events.").split(".")[0] for key, _ in finding.answers if key not in known} <= {"lump"}
        assert not finding.substances or (planned and set(finding.substances) <= planned.substances)
        assert finding.severity is not Severity.TEMPORARY or finding.waits
    assert len(result.codes) - result.codes.count("scr-medicines") == len(set(result.codes) - {"scr-medicines"})
    assert set(result.would_matter) <= set(catalogue().rules)
    assert not (planned and result.would_matter)


@given(patients(), plans())
@steady
def test_what_fires_with_a_plan_fires_without_one_or_would_matter(patient: tuple[str, list[Risk]], planned: Plan) -> None:
    facts = with_risks(*patient)
    alone = screened(facts, None)
    assert set(screened(facts, planned).codes) <= {*alone.codes, *alone.would_matter}


# --- dates, unsure, clearances ----------------------------------------------------------------------------------------
@given(patients(), st.none() | plans())
@steady
def test_a_dated_wait_ends_on_its_date_and_not_a_day_earlier(patient: tuple[str, list[Risk]], planned: Plan | None) -> None:
    facts = with_risks(*patient)
    for finding in screened(facts, planned).findings:
        if finding.severity is Severity.TEMPORARY and finding.wait_until is not None and not finding.open_ended:
            last = finding.wait_until - timedelta(days=1)
            assert finding.wait_until > DAY
            assert any(one.code == finding.code and one.waits for one in screened(facts, planned, on=last).findings)
            later = screened(facts, planned, on=finding.wait_until).findings
            assert not any(one.code == finding.code and one.waits for one in later)


@given(st.data(), st.none() | plans(), st.sampled_from(["female", "male", "other"]))
@steady
def test_unsure_is_the_value_after_the_healthy_one_marked_unclarified(
    data: st.DataObject, planned: Plan | None, sex: str
) -> None:
    questions = [one for one in catalogue().questions.values() if one.asked_of(sex) and one.unsure_reads_as]
    question = data.draw(st.sampled_from(questions))
    worst = question.values[1]
    told = data.draw(answered(question, unsure=False).filter(lambda answers: answers[question.key] == worst))
    vague = {
        key: "unknown" if key.endswith(("-date", "-end")) else value
        for key, value in told.items() if not key.endswith("-area")}
    sure = screened(person(vague, sex=sex), planned)
    unsure = screened(person({**vague, question.key: UNSURE}, sex=sex), planned)
    assert (unsure.outcome, unsure.codes, unsure.open_ended) == (sure.outcome, sure.codes, sure.open_ended)
    assert [one.severity for one in unsure.findings] == [one.severity for one in sure.findings]
    assert not any(one.unclarified for one in sure.findings)
    behind = [one for one in unsure.findings if (question.key, UNSURE) in one.answers]
    assert all(one.unclarified for one in behind)
    bare = screened(person({question.key: UNSURE}, sex=sex), planned)
    assert unsure.outcome is Outcome.CLEARED or bare.outcome is not Outcome.CLEARED, "saying less never helps"


@given(patients(), st.none() | plans())
@steady
def test_clearances_lift_what_needs_clearance_and_nothing_else(
    patient: tuple[str, list[Risk]], planned: Plan | None
) -> None:
    facts = with_risks(*patient)
    before = screened(facts, planned)
    clearances = tuple(
        GrantedClearance(one.code, one.fingerprint, "Dr Ada Demir", DAY) for one in before.findings)
    after = screened(facts, planned, clearances=clearances)
    assert {one.code for one in after.findings if one.cleared_by} == {
        one.code for one in before.findings if one.severity is Severity.RELATIVE}
    assert (after.open_ended, after.wait_until, after.missing) == (before.open_ended, before.wait_until, before.missing)
    if before.outcome is Outcome.NEEDS_CLEARANCE:
        waiting = before.open_ended or before.wait_until is not None
        assert after.outcome is (Outcome.WAIT if waiting else Outcome.CLEARED)
    else:
        assert after.outcome is before.outcome


# --- stages, the questionnaire, what is allowed -----------------------------------------------------------------------
@given(patients(), st.none() | plans())
@steady
def test_the_start_is_never_easier_than_the_booking(patient: tuple[str, list[Risk]], planned: Plan | None) -> None:
    facts = with_risks(*patient)
    assert ORDER.index(screened(facts, planned).outcome) >= ORDER.index(
        screened(facts, planned, stage=Stage.BOOKING).outcome)


@given(st.data(), st.sampled_from(["female", "male", "other"]))
@steady
def test_answers_drawn_here_pass_the_questionnaire(data: st.DataObject, sex: str) -> None:
    """What these properties are about can be given by real people."""
    found = [one for one in data.draw(risks(sex)) if isinstance(one, dict)]
    answers = {**person(sex=sex).answers, **{key: value for one in found for key, value in one.items()}}
    problems = check(catalogue().questions, answers, sex=sex, today=DAY, complete=False)
    assert [one for one in problems if one.kind != "hidden"] == []
    assert {one.key for one in problems} <= {"q-diabetes-confirmed"}


@given(patients(), st.none() | plans(), st.sampled_from(list(Stage)))
@steady
def test_only_a_cleared_patient_may_start_and_what_may_start_may_be_booked(
    patient: tuple[str, list[Risk]], planned: Plan | None, stage: Stage
) -> None:
    result = screened(with_risks(*patient), planned, stage=stage)
    start = permits(result, Act.START, DAY)
    assert start.allowed is (result.outcome is Outcome.CLEARED)
    assert not start.allowed or permits(result, Act.BOOK, DAY).allowed


def test_the_healthy_measurements_are_all_replaced_by_the_abnormal_ones() -> None:
    """Every abnormal value used here is abnormal for some plan: it is no healthy one by mistake."""
    healthy = {(one.code, one.shown) for one in healthy_measurements()}
    assert not healthy & {(one.code, one.shown) for one in ABNORMAL}
