"""Cases of kind screening: may this patient have this plan on this day, and why not? Pure."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from patients.facts import PatientFacts
from protocols.casefiles.expecting import (
    Expectation,
    by_code,
    day_or_none,
    exactly,
    excluding,
    flag,
    including,
    values,
    word,
)
from protocols.casefiles.kinds import DAY, CaseKind, day_of
from protocols.casefiles.patients import read_answers, read_patient
from protocols.casefiles.plans import read_plan
from protocols.casefiles.written import Block, Keys, Written
from protocols.definitions import Catalogue
from protocols.findings import Finding, GrantedClearance, Outcome, Screening, Severity, Stage, worst
from protocols.lab_tests import lab_tests_of
from protocols.medicines import CODE as MEDICINES
from protocols.permissions import Act, permits
from protocols.plan import Plan
from protocols.screening import clearance_gaps, screen

FIELDS: Keys = {
    **DAY,
    "stage": ("start", "intake, plan, booking or start (the default)"),
    "patient": ("{answers: {q-stroke: tia}}", "what differs from the healthy person"),
    "plan": ("{indication: ind-aga, mixture: ck-hair-minox}", "what is planned; left out: no plan yet"),
    "clearances": ("[{code: scr-keloid}]", "clearances a clinician gave; each is recorded only if it may be"),
}
CLEARANCE: Keys = {
    "code": ("scr-keloid", "the rule whose finding is cleared"),
    "granted_on": ("2026-06-01", "the day it was given; the day of the case when left out"),
    "last_day": ("2026-08-01", "the last day of the course; open when left out"),
    "letter": ("yes", "a specialist's letter is attached; no when left out"),
    "answers": ("{q-heart-medicines: 0}", "the answers as they were then, where they have changed since"),
}
MAY = ("yes", "marked", "no")


@dataclass(frozen=True, slots=True)
class Screened:
    """The screening, what it allows per act, the clearances that could not be recorded, with the reason, and the
    laboratory values the plan asks for."""

    screening: Screening
    allows: Mapping[str, str]
    not_clearable: Mapping[str, str]
    labs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Clearance:
    code: str
    granted_on: date
    last_day: date | None
    letter: bool
    facts_then: PatientFacts


@dataclass(frozen=True, slots=True)
class _Run:
    facts: PatientFacts
    plan: Plan | None
    on: date
    stage: Stage
    clearances: tuple[_Clearance, ...]
    catalogue: Catalogue

    def __call__(self) -> Screened:
        granted, refused = [], {}
        for one in self.clearances:
            finding = self._finding_then(one)
            gaps = [] if finding is None else clearance_gaps(
                finding, facts=one.facts_then, on=one.granted_on, catalogue=self.catalogue, letter=one.letter)
            if finding is None:
                refused[one.code] = "the rule does not fire, there is nothing to clear"
            elif gaps:
                refused[one.code] = " ".join(gap.get("en") for gap in gaps)
            else:
                granted.append(GrantedClearance(
                    one.code, finding.fingerprint, "Dr Case", one.granted_on, ends_on=one.last_day, letter=one.letter))
        result = self._screen(self.facts, self.on, granted)
        allows = {act.value: _may(result, act, self.on) for act in Act}
        return Screened(result, allows, refused, self._labs())

    def _labs(self) -> tuple[str, ...]:
        if self.plan is None:
            return ()
        asked = lab_tests_of(plan=self.plan, facts=self.facts, on=self.on, catalogue=self.catalogue)
        return tuple(dict.fromkeys(test.measurement for test in asked))

    def _finding_then(self, clearance: _Clearance) -> Finding | None:
        then = self._screen(clearance.facts_then, clearance.granted_on, ())
        return next((one for one in then.findings if one.code == clearance.code), None)

    def _screen(self, facts: PatientFacts, on: date, clearances: Sequence[GrantedClearance]) -> Screening:
        return screen(
            facts=facts, plan=self.plan, on=on, catalogue=self.catalogue, stage=self.stage, clearances=clearances)


def _may(result: Screening, act: Act, on: date) -> str:
    verdict = permits(result, act, on)
    return "no" if not verdict.allowed else "marked" if verdict.marked else "yes"


def read(block: Block, catalogue: Catalogue) -> Callable[[], Screened]:
    on = day_of(block)
    stage, plan, patient = block.take("stage"), block.take("plan"), block.take("patient")
    facts = read_patient(patient, on=on, catalogue=catalogue)
    return _Run(
        facts=facts,
        plan=None if plan is None else read_plan(plan, catalogue),
        on=on,
        stage=Stage.START if stage is None else Stage(stage.one_of([one.value for one in Stage])),
        clearances=tuple(_clearance(one, facts, on, catalogue) for one in block.each("clearances")),
        catalogue=catalogue,
    )


def _clearance(written: Written, facts: PatientFacts, on: date, catalogue: Catalogue) -> _Clearance:
    block = Block(written, CLEARANCE)
    given, last, letter, answers = (block.take(key) for key in ("granted_on", "last_day", "letter", "answers"))
    granted_on = on if given is None else given.day()
    then = facts
    if answers is not None:
        then = replace(facts, answers=read_answers(
            answers, sex=facts.sex, on=granted_on, catalogue=catalogue, implied={}))
    return _Clearance(
        code=block.need("code").code(fired_codes(catalogue), "screening rule"),
        granted_on=granted_on,
        last_day=None if last is None else last.day(),
        letter=letter is not None and letter.flag(),
        facts_then=then,
    )


def fired_codes(catalogue: Catalogue) -> frozenset[str]:
    """Every code a screening can list."""
    return frozenset({*catalogue.rules, MEDICINES})


def reasons(answer: Screened) -> list[str]:
    """Every finding: code, severity, sentence, what fired it, source; then what is missing."""
    screening = answer.screening
    lines = [_reason(one) for one in screening.findings]
    lines += [f"to measure: {', '.join(screening.to_do)}"] if screening.to_do else []
    lines += [f"not answered: {', '.join(screening.missing)}"] if screening.missing else []
    lines += [f"{code} could not be cleared: {why}" for code, why in answer.not_clearable.items()]
    return lines or ["nothing fired"]


def _reason(finding: Finding) -> str:
    answers = ", ".join(f"{key} {value}" for key, value in finding.answers)
    waits = f" Until {finding.wait_until}." if finding.wait_until else ""
    waits += " Until healed or clarified." if finding.open_ended else ""
    marks = " (unclarified)" if finding.unclarified else ""
    marks += f" (cleared by {finding.cleared_by})" if finding.cleared_by else ""
    about = f" [{', '.join(finding.substances)}]" if finding.substances else ""
    return (f"{finding.code}, {finding.severity}{marks}{about}: {finding.text('en')}{waits} "
            f"Because of {answers or 'no answer'}. Source {', '.join(finding.source)}.")


def _severities(answer: Screened) -> dict[str, str]:
    found: dict[str, list[Severity]] = {}
    for one in answer.screening.findings:
        found.setdefault(one.code, []).append(one.severity)
    return {code: worst(severities).value for code, severities in found.items()}


def _waits(answer: Screened) -> dict[str, object]:
    """Per code its date; a code that waits without end says `open`, also when it has a date besides."""
    found: dict[str, object] = {one.code: None for one in answer.screening.findings}
    for one in answer.screening.findings:
        if one.open_ended:
            found[one.code] = "open"
        elif one.wait_until is not None and found[one.code] != "open":
            found[one.code] = one.wait_until
    return found


def _substances(answer: Screened) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for one in answer.screening.findings:
        found[one.code] = found.get(one.code, frozenset()) | frozenset(one.substances)
    return found


def _wait(written: Written) -> object:
    return "open" if written.text() == "open" else day_or_none(written)


def _some(answer: Screened, wanted: Callable[[Finding], bool]) -> Iterator[str]:
    return (one.code for one in answer.screening.findings if wanted(one))


def _measurements(catalogue: Catalogue) -> frozenset[str]:
    return frozenset(catalogue.measurements)


def _answer_keys(catalogue: Catalogue) -> frozenset[str]:
    return frozenset(field.key for one in catalogue.questions.values() for field in (one, *one.follow_ups))


def _substances_of(written: Written) -> frozenset[str]:
    return frozenset(one.text() for one in written.items())


RULE = "screening rule"
EXPECTATIONS: tuple[Expectation[Screened], ...] = (
    Expectation("outcome", "blocked", "the headline: " + ", ".join(one.value for one in Outcome),
                word([one.value for one in Outcome]), lambda answer: answer.screening.outcome.value),
    exactly("codes", "[scr-stroke]", "every rule that fires, and no other; `[]`: none fires", fired_codes, RULE,
            lambda answer: answer.screening.codes),
    including("codes_include", "[scr-stroke]", "rules that fire, perhaps beside others", fired_codes, RULE,
              lambda answer: answer.screening.codes),
    excluding("codes_exclude", "[scr-mi]", "rules that do not fire", fired_codes, RULE,
              lambda answer: answer.screening.codes),
    by_code("severity", "{scr-stroke: relative}", "per rule: absolute, incomplete, relative, temporary or info",
            values(fired_codes, RULE, lambda one: one.one_of([severity.value for severity in Severity])), _severities),
    Expectation("wait_until", "2026-06-22", "the latest date any rule waits for, or `none`",
                day_or_none, lambda answer: answer.screening.wait_until),
    Expectation("open_ended", "no", "yes when a wait has no end", flag, lambda answer: answer.screening.open_ended),
    by_code("waits", "{scr-nsaid-otc: 2026-06-22}", "per rule: its date, `open` or `none`",
            values(fired_codes, RULE, _wait), _waits),
    exactly("unclarified", "[scr-keloid]", "the findings that rest on “unsure”", fired_codes, RULE,
            lambda answer: _some(answer, lambda one: one.unclarified)),
    exactly("cleared", "[scr-keloid]", "the findings that a clearance covers", fired_codes, RULE,
            lambda answer: _some(answer, lambda one: one.cleared_by is not None)),
    exactly("not_clearable", "[scr-heart-other]", "clearances of the case that could not be recorded",
            fired_codes, RULE, lambda answer: answer.not_clearable),
    by_code("substances", "{scr-allergy: [sub-pn]}", "per rule: the planned substances it is about",
            values(fired_codes, RULE, _substances_of), _substances),
    exactly("to_do", "[m-bp]", "measurements still due, all of them", _measurements, "measurement",
            lambda answer: answer.screening.to_do),
    exactly("labs", "[m-cbc]", "laboratory values the plan asks for before a session (lab- rules), there or not",
            _measurements, "measurement", lambda answer: answer.labs),
    exactly("missing", "[q-stroke]", "questions without an answer, all of them", _answer_keys, "question",
            lambda answer: answer.screening.missing),
    including("would_matter", "[scr-chc]", "rules that would count with some plan (only without a plan)",
              fired_codes, RULE, lambda answer: answer.screening.would_matter),
    by_code("allows", "{book: marked, start: no}", "per act (approve, book, start): yes, marked or no",
            values(lambda _catalogue: [act.value for act in Act], "act", lambda one: one.one_of(MAY)),
            lambda answer: answer.allows),
)

KIND: CaseKind[Screened] = CaseKind(
    name="screening",
    means="May this patient have this plan on this day, and why not?",
    fields=FIELDS,
    read=read,
    expectations=EXPECTATIONS,
    reasons=reasons,
)
