"""Screening: facts + plan + date + rules -> findings and one headline. And what each headline allows.

Pure: values in, values out. The same function runs at intake, plan, booking and every session start; what differs is
only that measurements due on the day and unclassed medicines hold up the start, not the stages before it.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Protocol

from patients.choices import Text
from patients.facts import Measured, PatientFacts
from patients.questionnaire import NONE, UNSURE, Question, as_list, unanswered
from protocols.clauses import STRICTNESS
from protocols.findings import Finding, GrantedClearance, Outcome, Screening, Severity, Stage, worst
from protocols.medicines import CODE as MEDICINES
from protocols.medicines import medicine_findings, would_matter_with_a_plan
from protocols.patient_case import Case, Evidence, Item, Match, shown, words_of
from protocols.permissions import Act, Permission, permits
from protocols.plan import Plan
from protocols.rules import EVENTS, Clause, LabNeed, MeasurementDefinition, MedicineClass, Rule

__all__ = [
    "Act", "ClearanceNeed", "Permission", "RuleBook", "Stage", "asks_for_more", "clearance_gaps", "clearance_needs", "permits",
    "screen",
]


class RuleBook(Protocol):
    """What screening needs of a catalogue: definitions by code, in the order of the files, and its version."""

    @property
    def version(self) -> str: ...
    @property
    def questions(self) -> Mapping[str, Question]: ...
    @property
    def measurements(self) -> Mapping[str, MeasurementDefinition]: ...
    @property
    def rules(self) -> Mapping[str, Rule]: ...
    @property
    def medicine_classes(self) -> Mapping[str, MedicineClass]: ...
    def figure(self, code: str, name: str) -> int: ...


def screen(
    *,
    facts: PatientFacts,
    plan: Plan | None,
    on: date,
    catalogue: RuleBook,
    stage: Stage,
    clearances: Sequence[GrantedClearance] = (),
) -> Screening:
    """Every rule that fires for this patient, this plan and this day (the day of the session in the site's zone).

    1. Each rule fires once: its first clause that matches, plus its `also` clauses, merged into one finding.
    2. Without a plan scoped clauses do not fire; those that would are listed as `would_matter`.
    3. Unanswered required questions, and at the start missing measurements, make the result incomplete.
    4. A valid clearance marks a relative finding as cleared; it never lifts an absolute, a wait or an incomplete.
    """
    case = Case(facts=facts, plan=plan, on=on, questions=catalogue.questions, words=words_of(plan))
    findings: list[Finding] = []
    would_matter: list[str] = []
    clearance_days = catalogue.figure("house-clearance", "most_days")
    for rule in catalogue.rules.values():
        hits, waits_for_plan = _hits(rule, case)
        if hits:
            findings.append(_finding(rule, hits, case, clearance_days))
        if waits_for_plan:
            would_matter.append(rule.code)
    findings += medicine_findings(
        facts=facts, plan=plan, classes=catalogue.medicine_classes, stage=stage, words=case.words
    )
    if plan is None and would_matter_with_a_plan(facts, catalogue.medicine_classes):
        would_matter.append(MEDICINES)
    if clearances:
        findings = [_with_clearance(finding, clearances, on, facts, catalogue) for finding in findings]
    to_do = _measurements_due(case, catalogue.measurements)
    missing = tuple(unanswered(catalogue.questions, facts.answers, sex=facts.sex, plan_words=case.words))
    wait_until = max((one.wait_until for one in findings if one.wait_until is not None), default=None)
    return Screening(
        outcome=_headline(findings, incomplete=bool(missing) or (stage is Stage.START and bool(to_do))),
        wait_until=wait_until,
        open_ended=any(one.open_ended for one in findings),
        findings=tuple(findings),
        to_do=to_do,
        missing=missing,
        would_matter=tuple(would_matter),
        evaluated_on=on,
        catalogue_version=catalogue.version,
        stage=stage,
    )


@dataclass(frozen=True, slots=True)
class ClearanceNeed:
    """What a rule asks for before its finding can be cleared: a letter, or a measurement (its code). `gap` is the
    sentence while it is missing."""

    measurement: str
    what: Text
    gap: Text
    met: bool


def clearance_needs(
    finding: Finding, *, facts: PatientFacts, on: date, catalogue: RuleBook, letter: bool
) -> list[ClearanceNeed]:
    """Everything asked for, met or not, the letter first. `letter`: one is attached; `on`: the day of the session."""
    needs = []
    if finding.needs_letter:
        gap = _LETTER_MISSING.with_values(letter=finding.needs_letter)
        needs.append(ClearanceNeed(measurement="", what=finding.needs_letter, gap=gap, met=letter))
    rule = catalogue.rules.get(finding.code)
    case = Case(facts=facts, plan=None, on=on, questions=catalogue.questions)
    for need in dict.fromkeys(need for clause in rule.clauses for need in clause.labs) if rule else ():
        if not _is_wanted(need, case):
            continue
        named: dict[str, Text | str] = {
            "lab": catalogue.measurements[need.measurement].name,
            "days": str(need.valid_days),
            "limit": "" if need.at_most is None else f" (≤ {need.at_most})",
        }
        needs.append(
            ClearanceNeed(
                measurement=need.measurement,
                what=_LAB.with_values(**named),
                gap=_LAB_MISSING.with_values(**named),
                met=_met(need, case),
            )
        )
    return needs


def clearance_gaps(finding: Finding, *, facts: PatientFacts, on: date, catalogue: RuleBook, letter: bool) -> list[Text]:
    """Why a clearance for this finding cannot be recorded yet; empty when it can. `letter`: one is attached."""
    if finding.severity is not Severity.RELATIVE:
        return [_CANNOT_CLEAR]
    needs = clearance_needs(finding, facts=facts, on=on, catalogue=catalogue, letter=letter)
    return [need.gap for need in needs if not need.met]


@dataclass(frozen=True, slots=True)
class _Hit:
    """A clause that fired, with what it rests on."""

    clause: Clause
    answers: tuple[Evidence, ...]
    unclarified: bool
    wait_until: date | None
    open_ended: bool
    substances: tuple[str, ...]


def _hits(rule: Rule, case: Case) -> tuple[list[_Hit], bool]:
    """The clauses that fire, item by item for a rule over a list, and whether a scoped one would with a plan."""
    hits: list[_Hit] = []
    waits_for_plan = False
    planned = case.plan is not None
    for item in _items(rule, case):
        case.item = item
        hidden = _NONE
        for clause in rule.clauses:
            if not clause.also and clause.severity in hidden:
                continue
            if planned and clause.needs_plan and not _meets(clause, case):
                continue
            match = clause.when.match(case)
            if match is None or (clause.wait is not None and clause.wait.match(case) is None):
                continue
            if clause.needs_plan and not planned:
                waits_for_plan = True
                continue
            hit = _hit(clause, match, case)
            hits.append(hit)
            if not clause.also:
                hidden |= _UP_TO.get(clause.severity, _NONE) if match.opposite else _EVERY
    case.item = None
    return hits, waits_for_plan


# A clause that holds ends the search; one that is the opposite of what nobody knows hides those that are no stricter.
_NONE: frozenset[Severity] = frozenset()
_EVERY = frozenset(Severity)
_UP_TO = {severity: frozenset(STRICTNESS[: place + 1]) for place, severity in enumerate(STRICTNESS)}
_NO_ITEM: Sequence[Item | None] = (None,)


def _items(rule: Rule, case: Case) -> Sequence[Item | None]:
    """None for an ordinary rule; each ticked item with its details for a list; each event for `events`. A rule over a
    list is tested once without an item when nothing is ticked, so that a clause may speak of the list itself."""
    if not rule.each:
        return _NO_ITEM
    if rule.each == EVENTS:
        return tuple(_events(case.facts)) or _NO_ITEM
    ticked = [one for one in as_list(case.facts.answers.get(rule.each)) if one not in (NONE, UNSURE)]
    return [Item(value, rule.each, case.details_of(rule.each, value)) for value in ticked] or _NO_ITEM


def _events(facts: PatientFacts) -> Iterator[Item]:
    for event in facts.events:
        yield Item(
            value=event.term,
            question="events",
            details={".status": event.status, ".grade": event.grade, ".causality": event.causality},
            substances=event.substances,
        )


def _meets(clause: Clause, case: Case) -> bool:
    if not clause.scope_of_event:
        return not clause.scope or not case.words.isdisjoint(clause.scope)
    substances = case.item.substances if case.item else ()
    planned = case.planned_substances
    return not substances or not planned.isdisjoint(substances)


def _hit(clause: Clause, match: Match, case: Case) -> _Hit:
    """A clause that fired, with what it rests on."""
    until = None
    answers = match.answers
    if clause.wait is not None:
        answers += case.evidence(clause.wait.key)
        until = clause.wait.ends(case)
    return _Hit(
        clause=clause,
        answers=_evidence_of_item(case.item) + answers,
        unclarified=match.unclarified,
        wait_until=until,
        open_ended=clause.open_ended or (clause.wait is not None and until is None),
        substances=_substances(clause, case),
    )


def _evidence_of_item(item: Item | None) -> tuple[Evidence, ...]:
    if item is None:
        return ()
    details = tuple((f"{item.question}.{item.value}{key}", shown(answer)) for key, answer in item.details.items())
    return ((item.question, item.value), *details)


def _substances(clause: Clause, case: Case) -> tuple[str, ...]:
    """The substances of the plan this clause is about: swapping them may clear it."""
    if case.plan is None:
        return ()
    planned = case.planned_substances
    if clause.scope_of_event:
        about = frozenset(case.item.substances if case.item and case.item.substances else planned)
    else:
        about = frozenset(clause.scope).union(*(part.named(case) for part in clause.planned))
    return tuple(sorted(planned & about))


def _finding(rule: Rule, hits: Sequence[_Hit], case: Case, clearance_days: int) -> Finding:
    """One code, one finding: the worst severity, the latest date, all answers; each sentence once, worst first."""
    severity = hits[0].clause.severity if len(hits) == 1 else worst(hit.clause.severity for hit in hits)
    in_order = sorted(hits, key=lambda hit: hit.clause.severity is not severity) if len(hits) > 1 else hits
    leading = in_order[0].clause
    dated = [hit.wait_until for hit in hits if hit.wait_until is not None]
    open_ended = any(hit.open_ended for hit in hits)
    return Finding(
        code=rule.code,
        severity=severity,
        title=rule.title,
        sentence=_joined([hit.clause.sentence for hit in in_order]),
        answers=_with_details([answer for hit in in_order for answer in hit.answers], case),
        source=rule.source,
        rule_version=rule.version,
        mark=rule.mark,
        wait_until=max(dated, default=None),
        open_ended=open_ended,
        unclarified=any(hit.unclarified for hit in hits),
        lifted_by=leading.lifted_by
        or _lifted_by(
            leading.severity, leading.letter, scoped=leading.needs_plan, open_ended=open_ended, days=clearance_days
        ),
        substances=tuple(sorted({one for hit in hits for one in hit.substances})),
        needs_letter=next((hit.clause.letter for hit in in_order if hit.clause.letter is not None), None),
    )


def _with_details(answers: Sequence[Evidence], case: Case) -> tuple[Evidence, ...]:
    """The answers, each followed by what was answered to its own follow-ups ("past" by date and kind): they explain
    the finding, and a clearance given for it ends when one of them changes."""
    complete: dict[Evidence, None] = {}
    given = case.facts.answers
    for key, value in answers:
        complete[key, value] = None
        question = case.questions.get(key)
        for follow_up in question.follow_ups if question else ():
            answer = given.get(follow_up.key)
            if answer is None or f"{key}." in follow_up.key:
                continue
            if any(one.key == key and (value in one.values or value == UNSURE) for one in follow_up.when):
                complete[follow_up.key, shown(answer)] = None
    return tuple(complete)


def _joined(sentences: Sequence[Text]) -> Text:
    if len(sentences) == 1:
        return sentences[0]
    unique = list(dict.fromkeys(sentences))
    if len(unique) == 1:
        return unique[0]
    languages = [language for language, _ in unique[0].by_language]
    return Text(tuple((language, " ".join(one.get(language) for one in unique)) for language in languages))


@lru_cache(maxsize=1024)  # the same words for the same words: filling them in costs more than finding the rule
def _lifted_by(severity: Severity, letter: Text | None, *, scoped: bool, open_ended: bool, days: int) -> Text:
    if severity is Severity.ABSOLUTE:
        return _LIFT_SCOPED if scoped else _LIFT_ABSOLUTE
    if severity is Severity.RELATIVE:
        filled = {"days": str(days)}
        return _LIFT_LETTER.with_values(letter=letter, **filled) if letter else _LIFT_CLEARANCE.with_values(**filled)
    if severity is Severity.TEMPORARY:
        return _LIFT_OPEN if open_ended else _LIFT_DATE
    return _LIFT_NOTHING


def _with_clearance(
    finding: Finding, clearances: Sequence[GrantedClearance], on: date, facts: PatientFacts, catalogue: RuleBook
) -> Finding:
    if finding.severity is not Severity.RELATIVE:
        return finding
    most = catalogue.figure("house-clearance", "most_days")
    for one in clearances:
        if one.covers(finding, on, most_days=most) and not asks_for_more(one, finding, facts=facts, catalogue=catalogue):
            return replace(finding, cleared_by=one.by)
    return finding


def asks_for_more(
    granted: GrantedClearance, finding: Finding, *, facts: PatientFacts, catalogue: RuleBook
) -> list[Text]:
    """What the rule asks for today and was not there when this clearance was granted: a letter, or, where the rule was
    changed since, a laboratory value. Such a clearance no longer counts."""
    if finding.needs_letter is None and granted.rule_version in (None, finding.rule_version):
        return []
    needs = clearance_needs(
        finding, facts=facts, on=granted.judged_for or granted.granted_on, catalogue=catalogue, letter=granted.letter
    )
    same_rule = granted.rule_version in (None, finding.rule_version)
    return [need.gap for need in needs if not need.met and not (same_rule and need.measurement)]


def _headline(findings: Sequence[Finding], *, incomplete: bool) -> Outcome:
    """The worst present, in the order blocked > incomplete > needs clearance > wait > cleared. A wait counts even on a
    finding whose clearance was given."""
    counting = {finding.severity for finding in findings if finding.cleared_by is None}
    if Severity.ABSOLUTE in counting:
        return Outcome.BLOCKED
    if incomplete or Severity.INCOMPLETE in counting:
        return Outcome.INCOMPLETE
    if Severity.RELATIVE in counting:
        return Outcome.NEEDS_CLEARANCE
    if any(finding.waits for finding in findings):
        return Outcome.WAIT
    return Outcome.CLEARED


def _measurements_due(case: Case, measurements: Mapping[str, MeasurementDefinition]) -> tuple[str, ...]:
    """Codes of required measurements that are missing or no longer valid on the day. A BMI entered directly stands for
    weight and height where only the BMI rule asks for them."""
    due = []
    for code, measurement in measurements.items():
        if not measurement.required_by(case.words):
            continue
        newest = case.newest(code)
        if newest is not None and _counts(measurement, newest, case.on):
            continue
        if _only_for_bmi(code, case.words, measurements) and _bmi_given(case, measurements):
            continue
        due.append(code)
    return tuple(due)


def _only_for_bmi(code: str, words: frozenset[str], measurements: Mapping[str, MeasurementDefinition]) -> bool:
    """Height always; weight unless the plan names something that asks for it and not for the height: a dose per kg."""
    if code != "m-weight" or "m-height" not in measurements:
        return code == "m-height"
    of_height = measurements["m-height"].required_with
    return not any(word in words and word not in of_height for word in measurements[code].required_with)


def _bmi_given(case: Case, measurements: Mapping[str, MeasurementDefinition]) -> bool:
    newest = case.newest("m-bmi")
    return newest is not None and "m-bmi" in measurements and _counts(measurements["m-bmi"], newest, case.on)


def _counts(measurement: MeasurementDefinition, taken: Measured, on: date) -> bool:
    """Recent enough, and a value at all: one that could not have been entered tells nothing."""
    recent = measurement.valid_days is None or (on - taken.taken_on).days <= measurement.valid_days
    return recent and measurement.problem(taken.value, taken.second, taken.text) is None


def _is_wanted(need: LabNeed, case: Case) -> bool:
    """Also while nobody knows whether it concerns this patient: unknown is never a pass."""
    return need.only_if is None or need.only_if.match(case) is not None or need.only_if.is_open(case)


def _met(need: LabNeed, case: Case) -> bool:
    if not _is_wanted(need, case):
        return True
    newest = case.newest(need.measurement)
    if newest is None or (case.on - newest.taken_on).days > need.valid_days:
        return False
    return need.at_most is None or (newest.value is not None and newest.value <= need.at_most)


_LIFT_ABSOLUTE = Text.of(
    en="Nothing lifts this while the answer stands.", tr="Bu yanıt geçerli olduğu sürece hiçbir şey bunu kaldıramaz."
)
_LIFT_SCOPED = Text.of(
    en="A plan without the component concerned can be checked again.",
    tr="İlgili bileşen olmadan hazırlanan bir plan yeniden değerlendirilebilir.",
)
_LIFT_CLEARANCE = Text.of(
    en="A named clinician's clearance with a reason, valid {days} days at most.",
    tr="Adı belirtilen bir hekimin gerekçeli onayı; en fazla {days} gün geçerlidir.",
)
_LIFT_LETTER = Text.of(
    en="A clearance on the basis of: {letter}. Valid {days} days at most.",
    tr="Şuna dayanan bir onay: {letter}. En fazla {days} gün geçerlidir.",
)
_LIFT_DATE = Text.of(en="Treatment is possible on and after that date.", tr="Tedavi bu tarihten itibaren yapılabilir.")
_LIFT_OPEN = Text.of(
    en="Ends when it is healed, resolved or clarified and the answer is changed.",
    tr="Durum iyileştiğinde, çözüldüğünde ya da netleştiğinde ve yanıt güncellendiğinde sona erer.",
)
_LIFT_NOTHING = Text.of(en="A note: nothing has to be lifted.", tr="Bilgi notu: kaldırılması gereken bir şey yok.")
_CANNOT_CLEAR = Text.of(
    en="Only a finding that asks for a clearance can be cleared.",
    tr="Yalnızca hekim onayı isteyen bir bulgu onaylanabilir.",
)
_LETTER_MISSING = Text.of(en="Please attach: {letter}.", tr="Lütfen ekleyin: {letter}.")
_LAB = Text.of(en="{lab}{limit}, not older than {days} days", tr="{lab}{limit}, en fazla {days} günlük")
_LAB_MISSING = Text.of(
    en="Please record first: {lab}{limit}, not older than {days} days.",
    tr="Lütfen önce kaydedin: {lab}{limit}, en fazla {days} günlük.",
)
