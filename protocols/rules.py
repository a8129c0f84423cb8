"""Screening rules, measurements and medicine classes as types, and their parsing from the reference files.

Pure. Questions are defined one floor below (`patients.questionnaire`); their parsing is in `protocols.question_entries`
and offered here too, so that the loader has one place to ask. Every parser raises `EntryError` with all that is wrong.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from patients.choices import Text
from protocols import faults
from protocols.conditions import (
    Age,
    AllOf,
    Answered,
    AnswerPlanned,
    AnyOf,
    BodyMassIndex,
    Bounds,
    Condition,
    Given,
    InArea,
    ItemIs,
    ItemPlanned,
    MeasuredIs,
    Named,
    Not,
    Number,
    Planned,
    Preserved,
    SexIs,
    Takes,
    Within,
    planned_parts,
)
from protocols.findings import Severity
from protocols.question_entries import parse_question
from protocols.rule_entries import NO_TEXT, SEXES, Entry

__all__ = [
    "Clause",
    "LabNeed",
    "LabTest",
    "MeasurementDefinition",
    "MedicineClass",
    "MedicineEffect",
    "Rule",
    "parse_measurement",
    "parse_medicine_class",
    "parse_question",
    "parse_rule",
]

EVENTS = "events"


@dataclass(frozen=True, slots=True)
class MeasurementDefinition:
    """A measurement, its unit and what is accepted (inclusive). `valid_days`: how long a normal value counts (0 = that
    day only, None = no end). Required at the start of a session when `always` or when the plan has a word of
    `required_with`."""

    code: str
    name: Text
    unit: str
    lowest: Decimal | None
    highest: Decimal | None
    second_lowest: Decimal | None
    second_highest: Decimal | None
    values: tuple[str, ...]
    valid_days: int | None
    always: bool
    required_with: tuple[str, ...]
    source: tuple[str, ...]
    mark: str

    def required_by(self, words: frozenset[str]) -> bool:
        return self.always or not words.isdisjoint(self.required_with)

    def problem(self, value: Decimal | None, second: Decimal | None = None, text: str = "") -> str | None:
        """Why a value is refused, in a sentence; None when it is accepted."""
        if self.values:
            return None if text in self.values else f"Please choose one of {', '.join(self.values)}."
        if value is None or not _inside(value, self.lowest, self.highest):
            return f"Please enter a number from {self.lowest} to {self.highest} {self.unit}.".replace(" .", ".")
        if self.second_lowest is None:
            return None if second is None else "There is no second value here."
        if second is None or not _inside(second, self.second_lowest, self.second_highest):
            return f"Please enter a second value from {self.second_lowest} to {self.second_highest} {self.unit}."
        return None if value > second else "The first value must be above the second."


@dataclass(frozen=True, slots=True)
class LabNeed:
    """A measurement that must be on file, not older than `valid_days`, before a clearance can be recorded; with
    `only_if` merely for patients of whom that holds."""

    measurement: str
    valid_days: int
    at_most: Decimal | None = None
    only_if: Condition | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """One line of a rule: fires when its scope meets the plan and `when` holds. With `wait` it fires only until the
    answered date + N and gives that day; `open_ended` waits until something is healed or resolved. `also` clauses fire
    in addition to the first that matched. `scope_of_event`: scoped to the substances of the event at hand.
    `needs_plan`: says nothing while there is no plan; `planned`: the parts of `when` that compare answers with it."""

    severity: Severity
    sentence: Text
    when: Condition
    scope: tuple[str, ...] = ()
    scope_of_event: bool = False
    wait: Within | None = None
    open_ended: bool = False
    also: bool = False
    lifted_by: Text | None = None
    letter: Text | None = None
    labs: tuple[LabNeed, ...] = ()
    needs_plan: bool = False
    planned: tuple[ItemPlanned | AnswerPlanned, ...] = ()


@dataclass(frozen=True, slots=True)
class LabTest:
    """A measurement that must be on file and in date before a session may start (`lab-` rules); with `when` only where
    that holds for the patient and the plan. `waivable`: a clinician may pass it with a reason, unless a rule needs it."""

    measurement: str
    when: Condition | None = None
    waivable: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """`each`: the list question whose items are tested one by one, or `events` for what went wrong earlier. A rule
    without clauses is advice to print (`wo-golden`), it never fires. `sentence` speaks to clinicians, `explanation`
    (why it matters) and `advice` (what to do now) to the patient; without an explanation the sentence stands for it.
    `tests`: what a laboratory rule asks for before a session; None where it asks for nothing by itself."""

    code: str
    title: Text
    sentence: Text | None
    clauses: tuple[Clause, ...]
    each: str
    source: tuple[str, ...]
    mark: str
    version: int
    explanation: Text | None = None
    advice: Text | None = None
    tests: tuple[LabTest, ...] | None = None


@dataclass(frozen=True, slots=True)
class MedicineEffect:
    """What a class does to these substances; without substances it is a note, given when nothing else of it fires."""

    severity: Severity
    substances: tuple[str, ...]
    sentence: Text


@dataclass(frozen=True, slots=True)
class MedicineClass:
    code: str
    name: Text
    examples: tuple[str, ...]
    effects: tuple[MedicineEffect, ...]
    source: tuple[str, ...]
    mark: str
    version: int


def parse_measurement(data: Mapping[str, Any]) -> MeasurementDefinition:
    entry = Entry(data)
    second = entry.part(entry.take("second") or {}, "second")
    measurement = MeasurementDefinition(
        code=entry.code("m-"),
        name=entry.text("name"),
        unit=str(entry.take("unit", "")),
        lowest=entry.decimal("lowest"),
        highest=entry.decimal("highest"),
        second_lowest=second.decimal("lowest"),
        second_highest=second.decimal("highest"),
        values=entry.words("values"),
        valid_days=entry.maybe_whole("valid_days"),
        always=entry.flag("always"),
        required_with=entry.words("required_with"),
        source=entry.source(),
        mark=entry.mark(),
    )
    second.done()
    if not measurement.values and (measurement.lowest is None or measurement.highest is None):
        entry.wrong(faults.VALUES_OR_ENDS)
    return entry.complete(measurement)


def parse_rule(data: Mapping[str, Any]) -> Rule:
    entry = Entry(data)
    code = entry.code("scr-", "wo-", "lab-")
    sentence, scope = entry.maybe_text("sentence"), entry.words("scope")
    if not (entry.data.get("clauses") or sentence or "sentence" in data):
        entry.wrong(faults.NEEDS_CLAUSES, "clauses")
    return entry.complete(Rule(
        code=code,
        title=entry.text("title"),
        sentence=sentence,
        clauses=tuple(_clause(one, sentence, scope) for one in entry.inner_list("clauses")),
        each=str(entry.take("each", "")),
        source=entry.source(),
        mark=entry.mark(),
        version=entry.whole("version", 1),
        explanation=entry.maybe_text("explanation"),
        advice=entry.maybe_text("advice"),
        tests=_tests(entry, code),
    ))


def _tests(entry: Entry, code: str) -> tuple[LabTest, ...] | None:
    if "tests" not in entry.data:
        return None
    if not code.startswith("lab-") or not isinstance(entry.data["tests"], list) or not entry.data["tests"]:
        entry.take("tests")
        entry.wrong(faults.NEEDS_TESTS, "tests")
        return None
    return tuple(_lab_test(one) for one in entry.inner_list("tests"))


def _lab_test(entry: Entry) -> LabTest:
    test = LabTest(
        measurement=entry.word("measurement"),
        when=_maybe_condition(entry, "when"),
        waivable=entry.flag("waivable"),
    )
    entry.done()
    return test


def parse_medicine_class(data: Mapping[str, Any]) -> MedicineClass:
    entry = Entry(data)
    return entry.complete(MedicineClass(
        code=entry.code("med-"),
        name=entry.text("name"),
        examples=entry.words("examples"),
        effects=tuple(_effect(one) for one in entry.inner_list("effects")),
        source=entry.source(),
        mark=entry.mark(),
        version=entry.whole("version", 1),
    ))


def _effect(entry: Entry) -> MedicineEffect:
    effect = MedicineEffect(
        severity=Severity(entry.choice("severity", ("absolute", "relative", "info"))),
        substances=entry.words("substances"),
        sentence=entry.text("sentence"),
    )
    entry.done()
    return effect


def _clause(entry: Entry, sentence: Text | None, rule_scope: tuple[str, ...]) -> Clause:
    own_sentence = entry.maybe_text("sentence") or sentence
    if own_sentence is None:
        entry.wrong(faults.NEEDS_SENTENCE, "sentence")
    severity = Severity(entry.choice("severity", tuple(severity.value for severity in Severity)))
    scope = entry.words("scope") or rule_scope
    wait = entry.take("wait")
    until = None if wait in (None, "open") else _within(entry.part(wait, "wait"))
    when = _condition(entry, "when")
    if severity is Severity.INFO and wait is not None:  # a wait that the clinic turned into a note: said as long
        when, wait, until = (AllOf((when, until), "wait") if until else when), None, None
    clause = Clause(
        severity=severity,
        sentence=own_sentence or NO_TEXT,
        when=when,
        needs_plan=bool(scope or planned_parts(when)),
        planned=planned_parts(when),
        scope=() if scope == ("event",) else scope,
        scope_of_event=scope == ("event",),
        wait=until,
        open_ended=wait == "open",
        also=entry.flag("also"),
        lifted_by=entry.maybe_text("lifted_by"),
        letter=entry.maybe_text("letter"),
        labs=tuple(_lab_need(one) for one in entry.inner_list("labs")),
    )
    entry.done()
    if (severity is Severity.TEMPORARY) != (wait is not None) and entry.sound("severity", "wait"):
        entry.wrong(faults.NEEDS_WAIT, "wait")
    return clause


def _lab_need(entry: Entry) -> LabNeed:
    need = LabNeed(
        measurement=entry.word("measurement"),
        valid_days=entry.whole("valid_days"),
        at_most=entry.decimal("at_most"),
        only_if=_maybe_condition(entry, "only_if"),
    )
    entry.done()
    return need


def _within(entry: Entry) -> Within:
    within = Within(entry.word("within"), days=entry.whole("days"), months=entry.whole("months"))
    entry.done()
    if within.days <= 0 and within.months <= 0 and entry.sound("days", "months"):
        entry.wrong(faults.NEEDS_SPAN)
    return within


def _maybe_condition(entry: Entry, key: str) -> Condition | None:
    return _condition(entry, key) if key in entry.data else None


def _condition(entry: Entry, key: str) -> Condition:
    """The condition under a key; one that is missing is a fault."""
    if key not in entry.data:
        entry.wrong(faults.MISSING, key)
        return NEVER
    return _parsed(entry.take(key), key, entry)


def _parsed(data: object, key: str, inside: Entry) -> Condition:
    """One shape; a list means that all must hold. The shape is named by its first word."""
    if isinstance(data, list):
        if not data:
            inside.wrong(faults.NEEDS_CONDITIONS, key)
        return AllOf(tuple(_parsed(one, f"{key}.{number}", inside) for number, one in enumerate(data, start=1)), "list")
    entry = inside.part(data, key)
    shape = next((name for name in _SHAPES if name in entry.data), None)
    if shape is None:
        entry.wrong(faults.NO_CONDITION, names=sorted(entry.data), allowed=", ".join(_SHAPES))
        return NEVER
    condition = _SHAPES[shape](entry)
    entry.done()
    return condition


def _parts(entry: Entry, key: str) -> tuple[Condition, ...]:
    parts = entry.need(key)
    if not isinstance(parts, list) or not parts:
        entry.wrong(faults.NEEDS_CONDITIONS, key)
        return ()
    return tuple(_parsed(one, f"{key}.{number}", entry) for number, one in enumerate(parts, start=1))


_BOUNDS = ("at_least", "above", "at_most", "below")


def _bounds(entry: Entry) -> Bounds:
    bounds = Bounds(
        at_least=entry.decimal("at_least"),
        above=entry.decimal("above"),
        at_most=entry.decimal("at_most"),
        below=entry.decimal("below"),
    )
    if bounds == Bounds() and entry.sound(*_BOUNDS):
        entry.wrong(faults.NEEDS_BOUND)
    low = max((one for one in (bounds.at_least, bounds.above) if one is not None), default=Decimal(0))
    high = min((one for one in (bounds.at_most, bounds.below) if one is not None), default=None)
    if high is not None and low > high:
        entry.wrong(faults.RANGE_DOWN, low=low, high=high)
    elif high is not None and low == high and (bounds.above == low or bounds.below == high):
        entry.wrong(faults.EMPTY_RANGE, low=low, high=high)
    return bounds


def _answered(entry: Entry) -> Condition:
    key, values = entry.word("answer"), entry.words("is")
    if not values:
        entry.wrong(faults.NEEDS_IS, "answer")
    return Answered(key, values)


def _measured(entry: Entry) -> Condition:
    values = entry.words("is")
    return MeasuredIs(
        code=entry.word("measured"),
        values=values,
        bounds=None if values else _bounds(entry),
        second=entry.flag("second"),
        any_of_day=entry.flag("any_of_day"),
        within_days=entry.maybe_whole("within_days"),
    )


def _within_condition(entry: Entry) -> Condition:
    return _within(entry)


def _inner_bounds(entry: Entry, key: str) -> Bounds:
    inside = entry.part(entry.need(key), key)
    bounds = _bounds(inside)
    inside.done()
    return bounds


def _item_planned(entry: Entry) -> Condition:
    inside = entry.part(entry.need("item_planned"), "item_planned")
    if not inside.data:
        entry.wrong(faults.AT_LEAST_ONE, "item_planned")
    return ItemPlanned({allergen: inside.words(allergen) for allergen in list(inside.data)})


def _sexes(entry: Entry) -> Condition:
    sexes = entry.some("sex")
    if set(sexes) - set(SEXES):
        entry.wrong(faults.MAY_HOLD, "sex", allowed=", ".join(SEXES))
    return SexIs(sexes)


NEVER = AnyOf(())
"""Stands for a condition that could not be read."""

_SHAPES: Mapping[str, Callable[[Entry], Condition]] = {
    "answer": _answered,
    "number": lambda entry: Number(entry.word("number"), _bounds(entry)),
    "within": _within_condition,
    "age": lambda entry: Age(_inner_bounds(entry, "age")),
    "sex": _sexes,
    "medicine": lambda entry: Takes(entry.some("medicine")),
    "named": lambda entry: Named(tuple(word.casefold() for word in entry.some("named")), entry.word("in")),
    "measured": _measured,
    "bmi": lambda entry: BodyMassIndex(_inner_bounds(entry, "bmi")),
    "item": lambda entry: ItemIs(entry.some("item")),
    "item_planned": _item_planned,
    "answer_planned": lambda entry: AnswerPlanned(entry.word("answer_planned")),
    "given": lambda entry: Given(entry.word("given")),
    "in_area": lambda entry: InArea(entry.word("in_area")),
    "plan": lambda entry: Planned(entry.some("plan")),
    "preserved": lambda entry: Preserved(entry.some("preserved")),
    "all": lambda entry: AllOf(_parts(entry, "all")),
    "any": lambda entry: AnyOf(_parts(entry, "any")),
    "not": lambda entry: Not(_condition(entry, "not")),
}


def _inside(value: Decimal, lowest: Decimal | None, highest: Decimal | None) -> bool:
    return (lowest is None or value >= lowest) and (highest is None or value <= highest)
