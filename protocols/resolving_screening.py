"""Do screening rules, questions, measurements and medicine classes name only what exists?

Pure. Walks the closed condition shapes; a rule that refers to nothing would never fire, so it is an error.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from patients.choices import Text
from patients.questionnaire import UNSURE, Field, Kind
from protocols import faults
from protocols.choices import Antiseptic, Category
from protocols.conditions import (
    AllOf,
    Answered,
    AnswerPlanned,
    AnyOf,
    Condition,
    InArea,
    ItemPlanned,
    MeasuredIs,
    Named,
    Not,
    Number,
    Planned,
    Preserved,
    Takes,
    Within,
)
from protocols.definitions import Catalogue
from protocols.faults import Fault
from protocols.rules import EVENTS, Clause, LabTest, Rule

Found = tuple[str, Fault]
Missing = tuple[str, str]
"""What refers, and to what that does not exist."""


def screening_faults(catalogue: Catalogue) -> Iterator[Found]:
    """Every scope word, answer key, answer value, measurement, medicine class and substance that does not exist."""
    words = scope_words(catalogue)
    fields = answer_fields(catalogue)
    for code, question in catalogue.questions.items():
        yield from _unknown(code, "only_with", question.only_with, words)
        for follow_up in question.follow_ups:
            keys = [holds.key for holds in (*follow_up.when, *follow_up.offered_when)]
            yield from _unknown(code, f"follow-up {follow_up.key}", keys, fields)
    for code, measurement in catalogue.measurements.items():
        yield from _unknown(code, "required_with", measurement.required_with, words)
    for code, medicine_class in catalogue.medicine_classes.items():
        named = [substance for effect in medicine_class.effects for substance in effect.substances]
        yield from _unknown(code, "effects", named, catalogue.substances)
    for code, rule in catalogue.rules.items():
        if rule.each and rule.each != EVENTS:
            yield from _unknown(code, "each", [rule.each], fields)
        for number, test in enumerate(rule.tests or (), start=1):
            for missing in _of_test(rule, test, catalogue, words, fields):
                yield code, _in_part("test", number, missing)
        for number, clause in enumerate(rule.clauses, start=1):
            for missing in _of_clause(rule, clause, catalogue, words, fields):
                yield code, _in_part("clause", number, missing)


PARTS = {"test": Text.of(en="test", tr="test"), "clause": Text.of(en="clause", tr="madde")}


def _in_part(part: str, number: int, missing: Missing) -> Fault:
    what, word = missing
    return Fault(faults.PART_REFERS, f"{part}s.{number}", {"part": PARTS[part], "number": number, "what": what, "word": word})


def scope_words(catalogue: Catalogue) -> frozenset[str]:
    """Everything a scope may name: codes of sections 1 to 4, categories, antiseptics."""
    return frozenset({
        *catalogue.indications, *catalogue.regions, *catalogue.techniques, *catalogue.deliveries,
        *catalogue.substances, *(category.value for category in Category),
        *(antiseptic.value for antiseptic in Antiseptic),
    })


def answer_fields(catalogue: Catalogue) -> Mapping[str, Field]:
    """Every answer key with the field it fills: questions, their follow-ups, and the follow-ups of list items."""
    fields: dict[str, Field] = {}
    for code, question in catalogue.questions.items():
        fields[code] = question
        fields.update({follow_up.key: follow_up for follow_up in question.follow_ups})
    return fields


def _of_clause(
    rule: Rule, clause: Clause, catalogue: Catalogue, words: frozenset[str], fields: Mapping[str, Field]
) -> Iterator[Missing]:
    yield from _missing("scope", clause.scope, words)
    yield from _missing("labs", [lab.measurement for lab in clause.labs], catalogue.measurements)
    for lab in clause.labs:
        if lab.only_if is not None:
            yield from _of_condition(lab.only_if, rule, catalogue, words, fields)
    yield from _of_condition(clause.when, rule, catalogue, words, fields)
    if clause.wait is not None:
        yield from _of_keys([clause.wait.key], rule, fields)


def _of_test(
    rule: Rule, test: LabTest, catalogue: Catalogue, words: frozenset[str], fields: Mapping[str, Field]
) -> Iterator[Missing]:
    yield from _missing("tests", [test.measurement], catalogue.measurements)
    if test.when is not None:
        yield from _of_condition(test.when, rule, catalogue, words, fields)


def _of_condition(
    condition: Condition, rule: Rule, catalogue: Catalogue, words: frozenset[str], fields: Mapping[str, Field]
) -> Iterator[Missing]:
    keys: list[str] = []
    for shape in _shapes(condition):
        match shape:
            case Answered(key=key, values=values):
                keys.append(key)
                yield from _wrong_values(fields.get(key), values)
            case Number(key=key) | Named(key=key) | Within(key=key) | InArea(key=key) | AnswerPlanned(key=key):
                keys.append(key)
            case MeasuredIs(code=code, values=values):
                yield from _missing("measured", [code], catalogue.measurements)
                if code in catalogue.measurements:
                    yield from _missing(f"values of {code}", values, catalogue.measurements[code].values)
            case Takes(classes=classes):
                yield from _missing("medicine", classes, catalogue.medicine_classes)
            case Planned(words=named):
                yield from _missing("plan", named, words)
            case Preserved(substances=named):
                yield from _missing("preserved", named, catalogue.substances)
            case ItemPlanned(contained_in=contained):
                named = (*contained, *(code for codes in contained.values() for code in codes))
                yield from _missing("item_planned", named, catalogue.substances)
    yield from _of_keys(keys, rule, fields)


def _of_keys(keys: Iterable[str], rule: Rule, fields: Mapping[str, Field]) -> Iterator[Missing]:
    """A key that begins with a dot is a detail of the item at hand, if the rule goes through a list."""
    yield from _missing("answer", [key for key in keys if not (rule.each and key.startswith("."))], fields)


def _shapes(condition: Condition) -> Iterator[Condition]:
    """A condition with everything inside it."""
    yield condition
    if isinstance(condition, AllOf | AnyOf):
        for part in condition.parts:
            yield from _shapes(part)
    elif isinstance(condition, Not):
        yield from _shapes(condition.part)


def _wrong_values(field: Field | None, values: tuple[str, ...]) -> Iterator[Missing]:
    """Values that a question can never hold."""
    if field is None or field.kind not in (Kind.CHOICE, Kind.LIST) or field.code_prefix:
        return
    yield from _missing(f"values of {field.key}", values, {*field.values, UNSURE})


def _missing(what: str, named: Iterable[str], known: Iterable[str]) -> Iterator[Missing]:
    for word in sorted(set(named) - set(known)):
        yield what, word


def _unknown(code: str, what: str, named: Iterable[str], known: Iterable[str]) -> Iterator[Found]:
    for field, word in _missing(what, named, known):
        yield code, Fault(faults.REFERS, field, {"word": word})
