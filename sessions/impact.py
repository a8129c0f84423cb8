"""Compare two screenings of the same person: what fires anew, what no longer does, and what became of the rest. Pure.

The same comparison tells what a draft catalogue would change, what a published one changed, and what is different since
the last session. The words for it are in `sessions.change_words`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Protocol

from patients.facts import AnswerValue, Measured, PatientFacts, RecordedMedicine
from protocols.findings import SEVERITY_ORDER, Screening, Severity
from protocols.patient_case import shown


class Kind(StrEnum):
    NEW = "new"  # a finding that was not there
    GONE = "gone"
    SEVERITY = "severity"
    WAIT = "wait"  # another day, or open-ended now or no longer
    CLEARED = "cleared"  # a clearance counts now, or no longer
    ANSWERS = "answers"  # the same finding, for other answers
    ASKED = "asked"  # a required question without an answer
    ANSWERED = "answered"
    ANSWER = "answer"  # a question was answered anew or for the first time
    MEASURED = "measured"
    MEDICINE_NEW = "medicine-new"
    MEDICINE_ENDED = "medicine-ended"
    MEDICINE_CLASSED = "medicine-classed"
    EVENT = "event"  # something that went wrong was reported, weighed or closed


class Fate(StrEnum):
    """What became of the rule behind a difference, between two versions of the catalogue."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"


OPEN = "open"


@dataclass(frozen=True, slots=True)
class Mark:
    """All findings of one code as one: the worst severity, the latest wait ("open", a day, or nothing)."""

    severity: str
    title: Mapping[str, str]
    wait: str = ""
    cleared: bool = False
    answers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What two screenings are compared by: the headline, a mark per code, the questions without an answer."""

    outcome: str
    marks: Mapping[str, Mark] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(self.marks)


@dataclass(frozen=True, slots=True)
class Reason:
    """One difference. `before` and `after` are severities, waits, answers or readings, by its kind."""

    kind: Kind
    code: str
    title: Mapping[str, str] = field(default_factory=dict)
    before: str = ""
    after: str = ""
    fate: Fate | None = None

    def to_json(self) -> dict[str, Any]:
        fate = None if self.fate is None else self.fate.value
        return {"kind": self.kind.value, "code": self.code, "title": dict(self.title), "before": self.before,
                "after": self.after, "fate": fate}  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reason:
        """The inverse of `to_json`. Raises KeyError or ValueError on data that did not come from it."""
        return cls(
            Kind(data["kind"]), data["code"], data["title"], data["before"], data["after"],
            Fate(data["fate"]) if data["fate"] else None,
        )  # fmt: skip


class Found(Protocol):
    """A finding, fresh or stored, as far as it is compared."""

    @property
    def code(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def wait_until(self) -> date | None: ...
    @property
    def open_ended(self) -> bool: ...
    @property
    def answers(self) -> Sequence[Sequence[str]]: ...


def judged(screening: Screening) -> Judged:
    """A fresh screening, reduced to what is compared."""
    titles = {one.code: one.title.to_json() for one in screening.findings}
    cleared = {one.code for one in screening.findings} - {one.code for one in screening.uncleared}
    return Judged(screening.outcome.value, marks_of(screening.findings, titles, cleared), screening.missing)


def marks_of(
    findings: Iterable[Found], titles: Mapping[str, Mapping[str, str]], cleared: Iterable[str]
) -> dict[str, Mark]:
    """One mark per code; `cleared` names the codes whose every finding somebody cleared."""
    by_code: dict[str, list[Found]] = {}
    for one in findings:
        by_code.setdefault(one.code, []).append(one)
    done = frozenset(cleared)
    return {code: _mark(own, titles[code], code in done) for code, own in by_code.items()}


def _mark(findings: Sequence[Found], title: Mapping[str, str], cleared: bool) -> Mark:
    days = [one.wait_until for one in findings if one.wait_until is not None]
    wait = OPEN if any(one.open_ended for one in findings) else max(days).isoformat() if days else ""
    answers = {(answer[0], answer[1]) for one in findings for answer in one.answers}
    severity = min((Severity(one.severity) for one in findings), key=SEVERITY_ORDER.index)
    return Mark(severity.value, title, wait, cleared, tuple(sorted(answers)))


def differences(before: Judged, after: Judged, *, answers: bool = False) -> tuple[Reason, ...]:
    """Everything that differs, the findings of `after` first. With `answers` also a finding that stands as it stood, but
    for other answers: worth saying between two visits, of no weight between two catalogues."""
    return tuple(_differences(before, after, answers))


def _differences(before: Judged, after: Judged, answers: bool) -> Iterator[Reason]:
    for code, mark in after.marks.items():
        old = before.marks.get(code)
        if old is None:
            yield Reason(Kind.NEW, code, mark.title, after=mark.severity)
        else:
            yield from _between(code, old, mark, answers)
    for code, mark in before.marks.items():
        if code not in after.marks:
            yield Reason(Kind.GONE, code, mark.title, before=mark.severity)
    for key in after.missing:
        if key not in before.missing:
            yield Reason(Kind.ASKED, key)
    for key in before.missing:
        if key not in after.missing:
            yield Reason(Kind.ANSWERED, key)


def _between(code: str, old: Mark, new: Mark, answers: bool) -> Iterator[Reason]:
    if old.severity != new.severity:
        yield Reason(Kind.SEVERITY, code, new.title, old.severity, new.severity)
    if old.wait != new.wait:
        yield Reason(Kind.WAIT, code, new.title, old.wait, new.wait)
    if old.cleared != new.cleared:
        yield Reason(Kind.CLEARED, code, new.title, "yes" if old.cleared else "", "yes" if new.cleared else "")
    if answers and old.answers != new.answers:
        yield Reason(Kind.ANSWERS, code, new.title)


def facts_differences(before: PatientFacts, after: PatientFacts) -> tuple[Reason, ...]:
    """What is known now and was not known, or was known otherwise, when somebody screened before: answers, the newest
    reading of each measurement, medicines, what went wrong."""
    return (
        *_answers_between(before.answers, after.answers),
        *_readings_between(before.measurements, after.measurements),
        *_medicines_between(before.medicines, after.medicines),
        *(Reason(Kind.EVENT, one.term, after=one.status) for one in after.events if one not in before.events),
    )


def _answers_between(before: Mapping[str, AnswerValue], after: Mapping[str, AnswerValue]) -> Iterator[Reason]:
    for key in dict.fromkeys((*after, *before)):
        old, new = (shown(known[key]) if key in known else "" for known in (before, after))
        if old != new:
            yield Reason(Kind.ANSWER, key, before=old, after=new)


def _readings_between(before: Sequence[Measured], after: Sequence[Measured]) -> Iterator[Reason]:
    old, new = (
        {one.code: one.shown for one in sorted(known, key=lambda one: one.taken_on)} for known in (before, after)
    )
    for code, value in new.items():
        if old.get(code) != value:
            yield Reason(Kind.MEASURED, code, before=old.get(code, ""), after=value)


def _medicines_between(before: Sequence[RecordedMedicine], after: Sequence[RecordedMedicine]) -> Iterator[Reason]:
    old, new = ({one.name: one for one in known} for known in (before, after))
    for name, medicine in new.items():
        if name not in old:
            yield Reason(Kind.MEDICINE_NEW, name)
        elif old[name] != medicine:
            yield Reason(Kind.MEDICINE_CLASSED, name, before=_classes(old[name]), after=_classes(medicine))
    for name in old:
        if name not in new:
            yield Reason(Kind.MEDICINE_ENDED, name)


def _classes(medicine: RecordedMedicine) -> str:
    return ", ".join(medicine.classes or ())


class Rules(Protocol):
    """What the fate of a rule is read from: definitions by code, old and new."""

    @property
    def rules(self) -> Mapping[str, Any]: ...
    @property
    def questions(self) -> Mapping[str, Any]: ...
    @property
    def medicine_classes(self) -> Mapping[str, Any]: ...


def fate_of(code: str, before: Rules, after: Rules) -> Fate:
    """What happened to the rule or question behind a code. The one code of all medicine findings stands for the whole
    table of classes; a follow-up for its question."""
    for old, new in ((before.rules, after.rules), (_by_key(before.questions), _by_key(after.questions))):
        if code in old or code in new:
            if code not in old:
                return Fate.ADDED
            return Fate.REMOVED if code not in new else Fate.SAME if old[code] == new[code] else Fate.CHANGED
    return Fate.SAME if before.medicine_classes == after.medicine_classes else Fate.CHANGED


def _by_key(questions: Mapping[str, Any]) -> Mapping[str, Any]:
    keyed = {question.key: question for question in questions.values()}
    for question in questions.values():
        for follow_up in question.follow_ups:
            keyed.setdefault(follow_up.key, question)
    return keyed
