"""What screening conditions are tested against: one patient, one plan, one day, and what a condition answers.

Pure. A `Case` reads answers, measurements and medicines the way rules mean them (unsure resolved, newest first, nothing
from the future) and remembers what several rules ask for.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from patients.choices import region_group
from patients.facts import AnswerValue, Measured, PatientFacts
from patients.questionnaire import NONE, UNKNOWN, UNSURE, Question, as_list, reading
from protocols.plan import Plan

Evidence = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Match:
    """`unclarified`: rests on “unsure”. `unknown`: holds only because nobody knows better, so its opposite holds as well.
    `opposite`: it is such an opposite, and so hides nothing stricter."""

    answers: tuple[Evidence, ...] = ()
    unclarified: bool = False
    unknown: bool = False
    opposite: bool = False

    def plus(self, other: Match) -> Match:
        return Match(
            self.answers + other.answers, self.unclarified or other.unclarified, self.unknown or other.unknown,
            self.opposite or other.opposite)


HOLDS = Match()
PERHAPS = Match(unknown=True)
OPPOSITE = Match(unknown=True, opposite=True)


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
    _substances: frozenset[str] | None = field(default=None, init=False)
    _groups: frozenset[str] | None = field(default=None, init=False)
    _readings: dict[str, tuple[AnswerValue | None, bool]] = field(default_factory=dict, init=False)
    _newest: dict[str, tuple[Measured, ...]] = field(default_factory=dict, init=False)
    _classes: Mapping[str, tuple[str, ...]] | None = field(default=None, init=False)
    _details: dict[tuple[str, str], dict[str, AnswerValue]] | None = field(default=None, init=False)

    def read(self, key: str) -> tuple[AnswerValue | None, bool]:
        """The answer as rules read it (unsure resolved) and whether it is unclarified; `.key` = of the item at hand."""
        if key.startswith("."):
            return (self.item.details.get(key) if self.item else None), False
        found = self._readings.get(key)
        if found is None:
            question, answers = self.questions.get(key), self.facts.answers
            found = (answers.get(key), False) if question is None else reading(question, answers)
            self._readings[key] = found
        return found

    def details_of(self, question: str, value: str) -> Mapping[str, AnswerValue]:
        """What was answered about one ticked entry of a list, by `.state`, `.date`: the answers under its own keys."""
        if self._details is None:
            self._details = {}
            for key, answer in self.facts.answers.items():
                if key.count(".") >= 2:
                    asked, ticked, detail = key.split(".", 2)
                    self._details.setdefault((asked, ticked), {})[f".{detail}"] = answer
        return self._details.get((question, value), {})

    def evidence(self, key: str) -> tuple[Evidence, ...]:
        if key.startswith("."):
            return ()  # the item's evidence, details included, is added once by the caller
        answer = self.facts.answers.get(key)
        return () if answer is None else ((key, shown(answer)),)

    def day(self, key: str) -> date | None:
        """The date answered under `key`; None when it was not given, is not known or cannot be read."""
        answer, _ = self.read(key)
        if not isinstance(answer, str) or answer in ("", UNKNOWN):
            return None
        try:
            return date.fromisoformat(answer)
        except ValueError:
            return None

    @property
    def planned_substances(self) -> frozenset[str]:
        if self._substances is None:
            self._substances = self.plan.substances if self.plan else frozenset()
        return self._substances

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
        found = self._newest.get(code)
        if found is None:
            taken = [one for one in self.facts.measurements if one.code == code and one.taken_on <= self.on]
            last = max([one.taken_on for one in taken], default=None)
            found = self._newest[code] = tuple([one for one in taken if one.taken_on == last])
        return found

    def newest(self, code: str) -> Measured | None:
        taken = self.newest_day(code)
        return taken[-1] if taken else None

    @property
    def medicine_names(self) -> tuple[str, ...]:
        """Every medicine by name: recorded by staff, or named by the patient and not recorded yet; each once."""
        named = [one for one in as_list(self.facts.answers.get("q-medicines")) if one not in (NONE, UNSURE)]
        return tuple(dict.fromkeys([*(one.name for one in self.facts.medicines), *named]))

    @property
    def has_unclassed_medicine(self) -> bool:
        """A medicine that nobody has classed yet, or one named by the patient that is not recorded: any class may be it."""
        recorded = {one.name for one in self.facts.medicines}
        return any(one.classes is None for one in self.facts.medicines) or bool(set(self.medicine_names) - recorded)

    def medicines_of(self, medicine_class: str) -> tuple[str, ...]:
        if self._classes is None:
            by_class: dict[str, list[str]] = {}
            for medicine in self.facts.medicines:
                for code in medicine.classes or ():
                    by_class.setdefault(code, []).append(medicine.name)
            self._classes = {code: tuple(names) for code, names in by_class.items()}
        return self._classes.get(medicine_class, ())


def shown(answer: AnswerValue) -> str:
    """An answer in one line; the order in which items were ticked says nothing."""
    return str(answer) if isinstance(answer, int) else ", ".join(sorted(as_list(answer)))


def words_of(plan: Plan | None) -> frozenset[str]:
    """Everything a scope may name: indication, category, regions, techniques, delivery, substances, antiseptic."""
    if plan is None:
        return frozenset()
    words: set[str | None] = {plan.indication, plan.category, plan.technique, plan.delivery, plan.antiseptic}
    words |= {*plan.regions, *plan.substances}
    words |= {word for syringe in plan.syringes for word in (syringe.region, syringe.technique)}
    return frozenset(word for word in words if word)
