"""The closed set of shapes a screening rule may be made of, and how each is tested against one patient.

Rules are data; nothing is evaluated but these shapes. A shape answers `None` (does not hold) or a `Match` that carries
the answers it rests on, so that every finding can say what made it fire. Unknown is never a pass: an unknown date
counts as inside the time asked for, an area question without regions counts everywhere. Pure.
"""
from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from patients.choices import region_group
from patients.facts import AnswerValue, Measured, PatientFacts
from patients.questionnaire import UNKNOWN, Question, as_list, is_empty, reading
from protocols.plan import Plan

Evidence = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Match:
    answers: tuple[Evidence, ...] = ()
    unclarified: bool = False

    def plus(self, other: Match) -> Match:
        return Match(self.answers + other.answers, self.unclarified or other.unclarified)


HOLDS = Match()


@dataclass(frozen=True, slots=True)
class Item:
    """One ticked entry of a list answer, or one earlier event. `details` are its own answers, by `.state`, `.date`"""

    value: str
    question: str
    details: Mapping[str, AnswerValue]
    substances: tuple[str, ...] = ()


@dataclass(slots=True)
class Case:
    """One patient, one plan, one day: what conditions are tested against."""

    facts: PatientFacts
    plan: Plan | None
    on: date
    questions: Mapping[str, Question]
    words: frozenset[str] = frozenset()
    item: Item | None = None
    _groups: frozenset[str] | None = field(default=None, init=False)
    _newest: dict[str, tuple[Measured, ...]] = field(default_factory=dict, init=False)
    _classes: Mapping[str, tuple[str, ...]] | None = field(default=None, init=False)

    def read(self, key: str) -> tuple[AnswerValue | None, bool]:
        """The answer as rules read it (unsure resolved) and whether it is unclarified; `.key` = of the item at hand."""
        if key.startswith("."):
            return (self.item.details.get(key) if self.item else None), False
        question = self.questions.get(key)
        return (self.facts.answers.get(key), False) if question is None else reading(question, self.facts.answers)

    def evidence(self, key: str) -> tuple[Evidence, ...]:
        if key.startswith("."):
            return ()  # the item's evidence, details included, is added once by the caller
        answer = self.facts.answers.get(key)
        return () if answer is None else ((key, shown(answer)),)

    def day(self, key: str) -> date | None:
        """The date answered under `key`; None when it was not given or is not known."""
        answer, _ = self.read(key)
        return None if not isinstance(answer, str) or answer in ("", UNKNOWN) else date.fromisoformat(answer)

    @property
    def region_groups(self) -> frozenset[str]:
        if self._groups is None:
            planned = set(self.plan.regions) if self.plan else set()
            if self.plan:
                planned |= {syringe.region for syringe in self.plan.syringes if syringe.region}
            self._groups = frozenset(region_group(region) for region in planned)
        return self._groups

    def newest_day(self, code: str) -> tuple[Measured, ...]:
        """All measurements of the newest day with one, as recorded. What is later than the day asked for is unknown."""
        if code not in self._newest:
            taken = [one for one in self.facts.measurements if one.code == code and one.taken_on <= self.on]
            last = max((one.taken_on for one in taken), default=None)
            self._newest[code] = tuple(one for one in taken if one.taken_on == last)
        return self._newest[code]

    def newest(self, code: str) -> Measured | None:
        taken = self.newest_day(code)
        return taken[-1] if taken else None

    def medicines_of(self, medicine_class: str) -> tuple[str, ...]:
        if self._classes is None:
            by_class: dict[str, list[str]] = {}
            for medicine in self.facts.medicines:
                for code in medicine.classes or ():
                    by_class.setdefault(code, []).append(medicine.name)
            self._classes = {code: tuple(names) for code, names in by_class.items()}
        return self._classes.get(medicine_class, ())


class Condition(Protocol):
    def match(self, case: Case) -> Match | None: ...


@dataclass(frozen=True, slots=True)
class Bounds:
    at_least: Decimal | None = None
    above: Decimal | None = None
    at_most: Decimal | None = None
    below: Decimal | None = None

    def hold(self, value: Decimal | Fraction | int) -> bool:
        exact = Fraction(value)
        return (
            (self.at_least is None or exact >= Fraction(self.at_least))
            and (self.above is None or exact > Fraction(self.above))
            and (self.at_most is None or exact <= Fraction(self.at_most))
            and (self.below is None or exact < Fraction(self.below))
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer is (a list: contains) one of `values`."""

    key: str
    values: tuple[str, ...]

    def match(self, case: Case) -> Match | None:
        answer, unclarified = case.read(self.key)
        held = [value for value in as_list(answer) if value in self.values]
        if not held:
            return None
        if isinstance(answer, str) or self.key.startswith("."):
            return Match(case.evidence(self.key), unclarified)
        return Match(tuple((self.key, value) for value in sorted(held)))  # a list: only the items that count


@dataclass(frozen=True, slots=True)
class Number:
    """A whole-number answer compared with bounds."""

    key: str
    bounds: Bounds

    def match(self, case: Case) -> Match | None:
        answer, _ = case.read(self.key)
        if not isinstance(answer, int) or not self.bounds.hold(answer):
            return None
        return Match(case.evidence(self.key))


@dataclass(frozen=True, slots=True)
class Within:
    """The day asked for lies before the answered date + days or calendar months; an unknown date is within."""

    key: str
    days: int = 0
    months: int = 0

    def ends(self, case: Case) -> date | None:
        start = case.day(self.key)
        return None if start is None else add_months(start, self.months) + timedelta(days=self.days)

    def match(self, case: Case) -> Match | None:
        end = self.ends(case)
        if end is not None and case.on >= end:
            return None
        return Match(case.evidence(self.key))


@dataclass(frozen=True, slots=True)
class Age:
    """Completed years on the day asked for. Someone born on 29 February has the birthday on 1 March otherwise."""

    bounds: Bounds

    def match(self, case: Case) -> Match | None:
        age = age_on(case.facts.birth_date, case.on)
        return Match((("birth-date", case.facts.birth_date.isoformat()),)) if self.bounds.hold(age) else None


@dataclass(frozen=True, slots=True)
class SexIs:
    sexes: tuple[str, ...]

    def match(self, case: Case) -> Match | None:
        return HOLDS if case.facts.sex in self.sexes else None


@dataclass(frozen=True, slots=True)
class Takes:
    """A recorded medicine belongs to one of the classes."""

    classes: tuple[str, ...]

    def match(self, case: Case) -> Match | None:
        names = [name for code in self.classes for name in case.medicines_of(code)]
        return Match(tuple(("q-medicines", name) for name in dict.fromkeys(names))) if names else None


@dataclass(frozen=True, slots=True)
class MeasuredIs:
    """The newest measurement is one of `values`, or its number (`second`: the diastolic) is inside the bounds.
    `any_of_day`: any reading of the newest day counts, so that only another day can bring a better one.
    `within_days`: older ones do not count."""

    code: str
    values: tuple[str, ...] = ()
    bounds: Bounds | None = None
    second: bool = False
    any_of_day: bool = False
    within_days: int | None = None

    def match(self, case: Case) -> Match | None:
        taken: Sequence[Measured] = case.newest_day(self.code)
        for measured in taken if self.any_of_day else taken[-1:]:
            if self.within_days is not None and (case.on - measured.taken_on).days > self.within_days:
                continue
            if self._holds(measured):
                return Match(((self.code, measured.shown),))
        return None

    def _holds(self, measured: Measured) -> bool:
        if self.bounds is None:
            return measured.text in self.values
        value = measured.second if self.second else measured.value
        return value is not None and self.bounds.hold(value)


@dataclass(frozen=True, slots=True)
class BodyMassIndex:
    """kg / m², unrounded, from the newest weight and height, or a BMI entered directly if that is newer."""

    bounds: Bounds

    def match(self, case: Case) -> Match | None:
        weight, height, given = case.newest("m-weight"), case.newest("m-height"), case.newest("m-bmi")
        computable = weight is not None and height is not None and weight.value is not None and bool(height.value)
        if given is not None and given.value is not None and not (computable and _newer(weight, height, given)):
            return Match((("m-bmi", given.shown),)) if self.bounds.hold(given.value) else None
        if not computable or weight is None or height is None:
            return None
        kilograms, centimetres = Fraction(weight.value or 0), Fraction(height.value or 1)
        if not self.bounds.hold(kilograms * 10000 / centimetres**2):
            return None
        return Match((("m-weight", weight.shown), ("m-height", height.shown)))


@dataclass(frozen=True, slots=True)
class ItemIs:
    """The item of the list at hand is one of `values`."""

    values: tuple[str, ...]

    def match(self, case: Case) -> Match | None:
        return HOLDS if case.item is not None and case.item.value in self.values else None


@dataclass(frozen=True, slots=True)
class ItemPlanned:
    """The item at hand is a substance that the plan contains, itself or inside a product (`contained_in`)."""

    contained_in: Mapping[str, tuple[str, ...]]

    def match(self, case: Case) -> Match | None:
        if case.item is None or not case.item.value.startswith("sub-"):
            return None
        return HOLDS if case.plan is None or self.substances(case.item.value) & case.words else None

    def substances(self, allergen: str) -> frozenset[str]:
        return frozenset((allergen, *self.contained_in.get(allergen, ())))

    def named(self, case: Case) -> frozenset[str]:
        """The substances of any plan this is about."""
        return self.substances(case.item.value) if case.item else frozenset()


@dataclass(frozen=True, slots=True)
class AnswerPlanned:
    """One of the codes answered under `key` is in the plan."""

    key: str

    def match(self, case: Case) -> Match | None:
        named = self.named(case)
        if not named or (case.plan is not None and case.words.isdisjoint(named)):
            return None
        return Match(case.evidence(self.key))

    def named(self, case: Case) -> frozenset[str]:
        return frozenset(one for one in as_list(case.read(self.key)[0]) if one.startswith("sub-"))


@dataclass(frozen=True, slots=True)
class Given:
    """The question or detail has an answer at all."""

    key: str

    def match(self, case: Case) -> Match | None:
        return None if is_empty(case.read(self.key)[0]) else Match(case.evidence(self.key))


@dataclass(frozen=True, slots=True)
class InArea:
    """A region answered under `key` shares a region group with a planned one; no region given is everywhere."""

    key: str

    def match(self, case: Case) -> Match | None:
        answer, _ = case.read(self.key)
        regions = as_list(answer)
        near = not regions or case.plan is None or any(region_group(one) in case.region_groups for one in regions)
        return Match(case.evidence(self.key)) if near else None


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan contains one of these words."""

    words: tuple[str, ...]

    def match(self, case: Case) -> Match | None:
        return HOLDS if any(word in case.words for word in self.words) else None


@dataclass(frozen=True, slots=True)
class Preserved:
    """The plan contains one of these substances from a product not marked preservative-free."""

    substances: tuple[str, ...]

    def match(self, case: Case) -> Match | None:
        components = [one for syringe in case.plan.syringes for one in syringe.components] if case.plan else []
        preserved = any(one.substance in self.substances and not one.preservative_free for one in components)
        return HOLDS if preserved or case.plan is None else None


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Condition, ...]

    def match(self, case: Case) -> Match | None:
        whole = HOLDS
        for part in self.parts:
            match = part.match(case)
            if match is None:
                return None
            whole = whole.plus(match)
        return whole


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds when one part does; names every part that does."""

    parts: tuple[Condition, ...]

    def match(self, case: Case) -> Match | None:
        matches = [match for part in self.parts if (match := part.match(case)) is not None]
        if not matches:
            return None
        whole = Match(unclarified=all(match.unclarified for match in matches))
        return Match(tuple(dict.fromkeys(one for match in matches for one in match.answers)), whole.unclarified)


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition

    def match(self, case: Case) -> Match | None:
        return HOLDS if self.part.match(case) is None else None


def planned_parts(condition: Condition) -> tuple[ItemPlanned | AnswerPlanned, ...]:
    """The parts that compare answers with the plan: a clause with one concerns certain plans only, as if it had a
    scope."""
    if isinstance(condition, AllOf | AnyOf):
        return tuple(inner for part in condition.parts for inner in planned_parts(part))
    return (condition,) if isinstance(condition, ItemPlanned | AnswerPlanned) else ()


def shown(answer: AnswerValue) -> str:
    """An answer in one line; the order in which items were ticked says nothing."""
    return str(answer) if isinstance(answer, int) else ", ".join(sorted(as_list(answer)))


def add_months(start: date, months: int) -> date:
    """Calendar months, clipped to the end of a shorter month (31 August + 6 months = 28 or 29 February)."""
    if not months:
        return start
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


def age_on(birth_date: date, on: date) -> int:
    """Completed years; tuple comparison puts a birthday on 29 February at 1 March of a common year."""
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def words_of(plan: Plan | None) -> frozenset[str]:
    """Everything a scope may name: indication, category, regions, techniques, delivery, substances, antiseptic."""
    if plan is None:
        return frozenset()
    words: set[str | None] = {plan.indication, plan.category, plan.technique, plan.delivery, plan.antiseptic}
    words |= {*plan.regions, *plan.substances}
    words |= {word for syringe in plan.syringes for word in (syringe.region, syringe.technique)}
    return frozenset(word for word in words if word)


def _newer(weight: Measured | None, height: Measured | None, than: Measured) -> bool:
    taken: Iterable[Measured] = (one for one in (weight, height) if one is not None)
    return max(one.taken_on for one in taken) > than.taken_on
