"""The closed set of shapes a screening rule may be made of, and how each is tested against one patient.

Rules are data; nothing is evaluated but these shapes. A shape answers `None` (does not hold) or a `Match` that carries
the answers it rests on, so that every finding can say what made it fire.

Unknown is never a pass. An unknown date counts as inside the time asked for, an area question without regions counts
everywhere: such a match is `unknown`. What has no answer yet does not match, but is `open`: that the answer is missing
holds the treatment up by itself. And the opposite of what is not known is not known: `Not` holds for both. Pure.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

from patients.choices import region_group
from patients.facts import Measured
from patients.questionnaire import UNKNOWN, UNSURE, as_list, is_empty
from protocols.calendar_dates import add_months, age_on
from protocols.patient_case import HOLDS, OPPOSITE, PERHAPS, Case, Match


class Condition(Protocol):
    def match(self, case: Case) -> Match | None: ...
    def is_open(self, case: Case) -> bool:
        """Asked where it did not match: might it hold, once somebody knows?"""
        ...


class _Definite:
    """A condition that is never open: what it looks at is always known."""

    __slots__ = ()

    def is_open(self, _case: Case) -> bool:
        return False


class _OfAnAnswer:
    """A condition about one answer: open while that is not given."""

    __slots__ = ()
    key: str

    def is_open(self, case: Case) -> bool:
        return is_unanswered(case, self.key)


@dataclass(frozen=True, slots=True)
class Bounds:
    at_least: Decimal | None = None
    above: Decimal | None = None
    at_most: Decimal | None = None
    below: Decimal | None = None

    def hold(self, value: Decimal | Fraction | int) -> bool:
        """Exact: Python compares a Decimal with a whole number or another Decimal without rounding; for a fraction both
        sides become fractions."""
        if isinstance(value, Fraction):
            return self._hold(value, *(one if one is None else Fraction(one) for one in self._ends))
        return self._hold(value, *self._ends)

    @property
    def _ends(self) -> tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None]:
        return self.at_least, self.above, self.at_most, self.below

    @staticmethod
    def _hold(value: Any, at_least: Any, above: Any, at_most: Any, below: Any) -> bool:
        return (
            (at_least is None or value >= at_least)
            and (above is None or value > above)
            and (at_most is None or value <= at_most)
            and (below is None or value < below)
        )


@dataclass(frozen=True, slots=True)
class Answered(_OfAnAnswer):
    """The answer is (a list: contains) one of `values`."""

    key: str
    values: tuple[str, ...]

    def match(self, case: Case) -> Match | None:
        answer, unclarified = case.read(self.key)
        if isinstance(answer, str):  # the common case, kept short: screening runs by the thousand
            held = answer in self.values or (unclarified and UNSURE in self.values)
            return Match(case.evidence(self.key), unclarified) if held else None
        listed = [value for value in as_list(answer) if value in self.values]
        if not listed:
            return None
        if self.key.startswith("."):
            return Match(case.evidence(self.key), unclarified)
        return Match(tuple((self.key, value) for value in sorted(listed)))  # a list: only the items that count


@dataclass(frozen=True, slots=True)
class Number(_OfAnAnswer):
    """A whole-number answer compared with bounds."""

    key: str
    bounds: Bounds

    def match(self, case: Case) -> Match | None:
        answer, _ = case.read(self.key)
        if not isinstance(answer, int) or not self.bounds.hold(answer):
            return None
        return Match(case.evidence(self.key))


@dataclass(frozen=True, slots=True)
class Within(_Definite):
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
        return Match(case.evidence(self.key), unknown=end is None)


@dataclass(frozen=True, slots=True)
class Age(_Definite):
    """Completed years on the day asked for. Someone born on 29 February has the birthday on 1 March otherwise."""

    bounds: Bounds

    def match(self, case: Case) -> Match | None:
        age = age_on(case.facts.birth_date, case.on)
        return Match((("birth-date", case.facts.birth_date.isoformat()),)) if self.bounds.hold(age) else None


@dataclass(frozen=True, slots=True)
class SexIs(_Definite):
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

    def is_open(self, case: Case) -> bool:
        return case.has_unclassed_medicine or is_unanswered(case, "q-medicines")


@dataclass(frozen=True, slots=True)
class Named:
    """A medicine of one of these names is taken: on record whatever its classes, or in the patient's own words under
    `key`. Classes may be given wrongly or not yet; a name that says it all still counts."""

    words: tuple[str, ...]
    key: str

    def match(self, case: Case) -> Match | None:
        listed = [("q-medicines", name) for name in case.medicine_names if self._means(name)]
        own = case.read(self.key)[0]
        told = case.evidence(self.key) if isinstance(own, str) and self._means(own) else ()
        return Match((*listed, *told)) if listed or told else None

    def is_open(self, case: Case) -> bool:
        return is_unanswered(case, "q-medicines") or (is_unanswered(case, self.key) and self._may_take_one(case))

    def _may_take_one(self, case: Case) -> bool:
        """The question that `key` follows up is not answered with the healthy answer: yes, or nobody knows."""
        asks = (one for one in case.questions.values() if any(field.key == self.key for field in one.follow_ups))
        return any(case.read(question.key)[0] != question.healthy for question in asks)

    def _means(self, text: str) -> bool:
        said = text.casefold().replace("\u0307", "").replace("ı", "i")  # VARFARİN and VARFARIN are one word
        return any(word in said for word in self.words)


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

    def is_open(self, case: Case) -> bool:
        taken = case.newest_day(self.code)
        return not taken or (self.within_days is not None and (case.on - taken[-1].taken_on).days > self.within_days)

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

    def is_open(self, case: Case) -> bool:
        return case.newest("m-bmi") is None and (case.newest("m-weight") is None or case.newest("m-height") is None)


@dataclass(frozen=True, slots=True)
class ItemIs(_Definite):
    """The item of the list at hand is one of `values`."""

    values: tuple[str, ...]

    def match(self, case: Case) -> Match | None:
        return HOLDS if case.item is not None and case.item.value in self.values else None


@dataclass(frozen=True, slots=True)
class ItemPlanned(_Definite):
    """The item at hand is a substance that the plan contains, itself or inside a product (`contained_in`)."""

    contained_in: Mapping[str, tuple[str, ...]]

    def match(self, case: Case) -> Match | None:
        if case.item is None or not case.item.value.startswith("sub-"):
            return None
        if case.plan is None:
            return PERHAPS
        return HOLDS if self.substances(case.item.value) & case.words else None

    def substances(self, allergen: str) -> frozenset[str]:
        return frozenset((allergen, *self.contained_in.get(allergen, ())))

    def named(self, case: Case) -> frozenset[str]:
        """The substances of any plan this is about."""
        return self.substances(case.item.value) if case.item else frozenset()


@dataclass(frozen=True, slots=True)
class AnswerPlanned(_Definite):
    """One of the codes answered under `key` is in the plan."""

    key: str

    def match(self, case: Case) -> Match | None:
        named = self.named(case)
        if not named or (case.plan is not None and case.words.isdisjoint(named)):
            return None
        return Match(case.evidence(self.key), unknown=case.plan is None)

    def named(self, case: Case) -> frozenset[str]:
        return frozenset(one for one in as_list(case.read(self.key)[0]) if one.startswith("sub-"))


@dataclass(frozen=True, slots=True)
class Given(_Definite):
    """The question or detail has an answer at all."""

    key: str

    def match(self, case: Case) -> Match | None:
        return None if is_empty(case.read(self.key)[0]) else Match(case.evidence(self.key))


@dataclass(frozen=True, slots=True)
class InArea(_Definite):
    """A region answered under `key` shares a region group with a planned one; no region given is everywhere."""

    key: str

    def match(self, case: Case) -> Match | None:
        answer, _ = case.read(self.key)
        regions = as_list(answer)
        anywhere = not regions or case.plan is None
        near = anywhere or any(region_group(one) in case.region_groups for one in regions)
        return Match(case.evidence(self.key), unknown=anywhere) if near else None


@dataclass(frozen=True, slots=True)
class Planned(_Definite):
    """The plan contains one of these words."""

    words: tuple[str, ...]

    def match(self, case: Case) -> Match | None:
        return HOLDS if any(word in case.words for word in self.words) else None


@dataclass(frozen=True, slots=True)
class Preserved(_Definite):
    """The plan contains one of these substances from a product not marked preservative-free."""

    substances: tuple[str, ...]

    def match(self, case: Case) -> Match | None:
        components = [one for syringe in case.plan.syringes for one in syringe.components] if case.plan else []
        preserved = any(one.substance in self.substances and not one.preservative_free for one in components)
        return PERHAPS if case.plan is None else HOLDS if preserved else None


@dataclass(frozen=True, slots=True)
class AllOf:
    """`written`: how the catalogue says it, so that a fault names the field: a "list", the word "all", or a note's "wait"."""

    parts: tuple[Condition, ...]
    written: str = field(default="all", compare=False)

    def match(self, case: Case) -> Match | None:
        whole = HOLDS
        for part in self.parts:
            match = part.match(case)
            if match is None:
                return None
            whole = whole.plus(match)
        return whole

    def is_open(self, case: Case) -> bool:
        return all(part.match(case) is not None or part.is_open(case) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds when one part does; names every part that does."""

    parts: tuple[Condition, ...]

    def match(self, case: Case) -> Match | None:
        matches = [match for part in self.parts if (match := part.match(case)) is not None]
        if not matches:
            return None
        is_sure = any(not (match.unclarified or match.unknown) for match in matches)
        return Match(
            tuple(dict.fromkeys(one for match in matches for one in match.answers)),
            all(match.unclarified for match in matches), not is_sure and any(match.unknown for match in matches),
            all(match.opposite for match in matches))

    def is_open(self, case: Case) -> bool:
        return any(part.is_open(case) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not(_Definite):
    """The opposite; of what is unsure or not known the opposite is not known either, and unknown is never a pass."""

    part: Condition

    def match(self, case: Case) -> Match | None:
        inside = self.part.match(case)
        if inside is None:
            return OPPOSITE if self.part.is_open(case) else HOLDS
        return replace(inside, unknown=True, opposite=True) if inside.unknown or inside.unclarified else None


def is_unanswered(case: Case, key: str) -> bool:
    """Nothing was answered, or only that it is not known."""
    answer = case.read(key)[0]
    return is_empty(answer) or as_list(answer) in ((UNSURE,), (UNKNOWN,))


def planned_parts(condition: Condition) -> tuple[ItemPlanned | AnswerPlanned, ...]:
    """The parts that compare answers with the plan: a clause with one concerns certain plans only, as if it had a
    scope."""
    if isinstance(condition, AllOf | AnyOf):
        return tuple(inner for part in condition.parts for inner in planned_parts(part))
    return (condition,) if isinstance(condition, ItemPlanned | AnswerPlanned) else ()


def _newer(weight: Measured | None, height: Measured | None, than: Measured) -> bool:
    taken: Iterable[Measured] = (one for one in (weight, height) if one is not None)
    return max(one.taken_on for one in taken) > than.taken_on
