"""Do screening rules, questions, measurements and medicine classes name only what exists?

Pure. Walks the closed condition shapes; a rule that refers to nothing would never fire, so it is an error.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from patients.choices import Causality, EventStatus, Text
from patients.questionnaire import UNKNOWN, UNSURE, Field, Kind, Option
from protocols import faults
from protocols.choices import Antiseptic, Category
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
    Takes,
    Within,
)
from protocols.definitions import Catalogue
from protocols.faults import Fault
from protocols.rules import EVENTS, Clause, Rule


def _detail(key: str, kind: Kind, values: Iterable[str] = (), highest: int = 0) -> Field:
    options = tuple(Option(value, Text.of(en=value)) for value in values)
    return Field(key=key, kind=kind, text=Text.of(en=key), options=options, lowest=1 if highest else 0, highest=highest)


EVENT_DETAILS: Mapping[str, Field] = {one.key: one for one in (
    _detail(".status", Kind.CHOICE, EventStatus), _detail(".causality", Kind.CHOICE, Causality),
    _detail(".grade", Kind.NUMBER, highest=5),
)}  # fmt: skip
"""What is known of something that went wrong earlier (patients.facts.PriorEvent): always known, so never unsure."""

Figure = int | Decimal | None
Found = tuple[str, Fault]
"""The code of the entry and what is wrong with it."""


def screening_faults(catalogue: Catalogue) -> Iterator[Found]:
    """Every scope word, answer key, answer value, measurement, medicine class and substance that does not exist."""
    words = scope_words(catalogue)
    fields = answer_fields(catalogue)
    for code, question in catalogue.questions.items():
        yield from _of(code, _missing("only_with", question.only_with, words))
        for number, follow_up in enumerate(question.follow_ups, start=1):
            keys = [holds.key for holds in (*follow_up.when, *follow_up.offered_when)]
            yield from _of(code, _missing(f"follow_ups.{number}.when", keys, fields))
    for code, measurement in catalogue.measurements.items():
        yield from _of(code, _missing("required_with", measurement.required_with, words))
    for code, medicine_class in catalogue.medicine_classes.items():
        for number, effect in enumerate(medicine_class.effects, start=1):
            yield from _of(code, _missing(f"effects.{number}.substances", effect.substances, catalogue.substances))
    for code, rule in catalogue.rules.items():
        yield from _of(code, _of_rule(_Rule(rule, catalogue, words, fields)))


def _of(code: str, found: Iterable[Fault]) -> Iterator[Found]:
    for fault in found:
        yield code, fault


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule with what it may refer to."""

    rule: Rule
    catalogue: Catalogue
    words: frozenset[str]
    fields: Mapping[str, Field]

    def fields_at(self, key: str) -> list[Field]:
        """The fields an answer key means: one of the catalogue, or, after a dot, that detail of each item at hand."""
        if self.rule.each == EVENTS and key.startswith("."):
            return [EVENT_DETAILS[key]] if key in EVENT_DETAILS else []
        if not (self.rule.each and key.startswith(".")):
            return [self.fields[key]] if key in self.fields else []
        return [field for name, field in self.fields.items() if name.startswith(f"{self.rule.each}.") and name.endswith(key)]

    def item_values(self) -> frozenset[str] | None:
        """What an item of the list at hand may be; None where that cannot be told from the catalogue."""
        if self.rule.each == EVENTS:
            return frozenset(self.catalogue.reactions)
        listed = self.fields.get(self.rule.each)
        return None if listed is None else frozenset({*listed.values, *self.coded(listed)})

    def coded(self, field: Field) -> Iterator[str]:
        """The catalogue codes a field accepts beside its options."""
        return (code for code in self.catalogue.substances if field.code_prefix and code.startswith(field.code_prefix))


def _of_rule(rule: _Rule) -> Iterator[Fault]:
    each = rule.rule.each
    if each and each != EVENTS:
        yield from _missing("each", [each], rule.fields)
    for number, test in enumerate(rule.rule.tests or (), start=1):
        yield from _missing(f"tests.{number}.measurement", [test.measurement], rule.catalogue.measurements)
        if test.when is not None:
            yield from _of_condition(test.when, f"tests.{number}.when", rule)
    for number, clause in enumerate(rule.rule.clauses, start=1):
        yield from _of_clause(clause, f"clauses.{number}", rule)


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


def _of_clause(clause: Clause, path: str, rule: _Rule) -> Iterator[Fault]:
    yield from _missing(f"{path}.scope", clause.scope, rule.words)
    for number, lab in enumerate(clause.labs, start=1):
        yield from _missing(f"{path}.labs.{number}.measurement", [lab.measurement], rule.catalogue.measurements)
        if lab.only_if is not None:
            yield from _of_condition(lab.only_if, f"{path}.labs.{number}.only_if", rule)
    yield from _of_condition(clause.when, f"{path}.when", rule)
    if clause.wait is not None:
        yield from _of_key(clause.wait.key, f"{path}.wait.within", rule, Kind.DATE, faults.A_DATE)


def _of_condition(condition: Condition, path: str, rule: _Rule) -> Iterator[Fault]:
    catalogue = rule.catalogue
    for at, shape in _shapes(condition, path):
        match shape:
            case Answered(key=key, values=values):
                yield from _of_key(key, f"{at}.answer", rule)
                yield from _wrong_values(rule, key, values, f"{at}.is")
            case Number(key=key):
                yield from _of_key(key, f"{at}.number", rule, Kind.NUMBER, faults.A_NUMBER)
                numbers = [field for field in rule.fields_at(key) if field.kind is Kind.NUMBER]
                if numbers:
                    reach = (min(one.lowest for one in numbers), max(one.highest for one in numbers))
                    yield from _out_of_reach(shape.bounds, *reach, at)
            case Age(bounds=bounds):
                yield from _out_of_reach(bounds, *AGES, f"{at}.age")
            case BodyMassIndex(bounds=bounds):
                yield from _out_of_reach(bounds, *BODY_MASS, f"{at}.bmi")
            case Within(key=key):
                yield from _of_key(key, f"{at}.within", rule, Kind.DATE, faults.A_DATE)
            case InArea(key=key):
                yield from _of_key(key, f"{at}.in_area", rule, Kind.REGIONS, faults.REGIONS)
            case Named(key=key):
                yield from _of_key(key, f"{at}.in", rule)
            case AnswerPlanned(key=key):
                yield from _of_key(key, f"{at}.answer_planned", rule)
            case Given(key=key):
                yield from _of_key(key, f"{at}.given", rule)
            case MeasuredIs():
                yield from _of_measured(shape, at, catalogue)
            case ItemIs(values=values):
                known = rule.item_values()
                yield from _missing(f"{at}.item", values, values if known is None and rule.rule.each else known or ())
            case Takes(classes=classes):
                yield from _missing(f"{at}.medicine", classes, catalogue.medicine_classes)
            case Planned(words=named):
                yield from _missing(f"{at}.plan", named, rule.words)
            case Preserved(substances=named):
                yield from _missing(f"{at}.preserved", named, catalogue.substances)
            case ItemPlanned(contained_in=contained):
                named = (*contained, *(code for codes in contained.values() for code in codes))
                yield from _missing(f"{at}.item_planned", named, catalogue.substances)


def _of_key(key: str, path: str, rule: _Rule, kind: Kind | None = None, what: Text | None = None) -> Iterator[Fault]:
    """The key of an answer that exists, of this kind where one is asked for. One that begins with a dot is a detail of
    the item at hand, if the rule goes through a list."""
    found = rule.fields_at(key)
    if not found:
        yield Fault(faults.REFERS, path, {"word": key})
    elif kind is not None and all(field.kind is not kind for field in found):
        yield Fault(faults.HOLDS_NO, path, {"word": key, "what": what})


def _of_measured(shape: MeasuredIs, path: str, catalogue: Catalogue) -> Iterator[Fault]:
    measurement = catalogue.measurements.get(shape.code)
    if measurement is None:
        yield Fault(faults.REFERS, f"{path}.measured", {"word": shape.code})
        return
    yield from _missing(f"{path}.is", shape.values, measurement.values, faults.CANNOT_HOLD)
    if shape.bounds is not None and measurement.values:
        yield Fault(faults.HOLDS_NO, f"{path}.measured", {"word": shape.code, "what": faults.A_NUMBER})
    if shape.second and measurement.second_lowest is None:
        yield Fault(faults.HOLDS_NO, f"{path}.second", {"word": shape.code, "what": faults.A_SECOND})
    elif shape.bounds is not None:
        reach = ((measurement.second_lowest, measurement.second_highest) if shape.second
                 else (measurement.lowest, measurement.highest))  # fmt: skip
        yield from _out_of_reach(shape.bounds, *reach, path)


AGES, BODY_MASS = (0, 130), (5, 175)
"""In years, and what weights and heights that are accepted come to."""


def _out_of_reach(bounds: Bounds, lowest: Figure, highest: Figure, path: str) -> Iterator[Fault]:
    """A bound on the far side of every figure that can be given: the condition would never hold."""
    for name, value, far in (
        ("at_least", bounds.at_least, highest), ("above", bounds.above, highest),
        ("at_most", bounds.at_most, lowest), ("below", bounds.below, lowest),
    ):  # fmt: skip
        if value is None or far is None:
            continue
        past = value > far if name in ("at_least", "above") else value < far
        if past or (value == far and name in ("above", "below")):
            low, high = ("–" if end is None else str(end) for end in (lowest, highest))
            yield Fault(faults.OUT_OF_REACH, f"{path}.{name}", {"value": str(value), "low": low, "high": high})


def _shapes(condition: Condition, path: str) -> Iterator[tuple[str, Condition]]:
    """A condition with everything inside it, each with where it is written."""
    yield path, condition
    match condition:
        case AllOf(parts=(when, until), written="wait"):
            yield from _shapes(when, path)
            yield f"{path.rpartition('.')[0]}.wait", until
        case AllOf(parts=parts, written=written):
            for number, part in enumerate(parts, start=1):
                yield from _shapes(part, f"{path}.{number}" if written == "list" else f"{path}.all.{number}")
        case AnyOf(parts=parts):
            for number, part in enumerate(parts, start=1):
                yield from _shapes(part, f"{path}.any.{number}")
        case Not(part=part):
            yield from _shapes(part, f"{path}.not")


def _wrong_values(rule: _Rule, key: str, values: tuple[str, ...], path: str) -> Iterator[Fault]:
    """Values that a question can never hold; unsure it may be everywhere."""
    fields = rule.fields_at(key)
    if not fields or any(field.kind in (Kind.TEXT, Kind.NAMES) for field in fields):
        return
    is_event = rule.rule.each == EVENTS and key.startswith(".")
    known = {*(() if is_event else (UNSURE,)), *(value for field in fields for value in field.values)}
    if any(field.kind is Kind.DATE for field in fields):
        known.add(UNKNOWN)
    if any(field.kind is Kind.REGIONS for field in fields):
        known |= set(rule.catalogue.regions)
    known |= {code for field in fields for code in rule.coded(field)}
    yield from _missing(path, values, known, faults.CANNOT_HOLD)


def _missing(path: str, named: Iterable[str], known: Iterable[str], sentence: Text = faults.REFERS) -> Iterator[Fault]:
    for word in sorted(set(named) - set(known)):
        yield Fault(sentence, path, {"word": word})
