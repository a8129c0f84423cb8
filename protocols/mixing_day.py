"""One plan together with everything else the patient gets that day: what the mixing rules look at.

Pure.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from patients.facts import EarlierSession, PatientFacts
from protocols.definitions import Catalogue
from protocols.plan import Component, Plan, Syringe


@dataclass(frozen=True)
class PlannedDay:
    """The plan that is judged, the other plans of that calendar day, and the patient. `enabled` are codes the medical
    lead enabled for this site; `recent` are sessions near this day, before or after, beyond those in the facts."""

    plan: Plan
    same_day: Sequence[Plan]
    facts: PatientFacts
    on: date
    catalogue: Catalogue
    enabled: frozenset[str]
    country: str
    recent: Sequence[EarlierSession]

    @cached_property
    def plans(self) -> tuple[Plan, ...]:
        return (self.plan, *self.same_day)

    @cached_property
    def substances(self) -> frozenset[str]:
        """Everything given that day, numbing cream included."""
        return frozenset().union(*(plan.substances for plan in self.plans))

    @cached_property
    def sessions(self) -> tuple[EarlierSession, ...]:
        """Known sessions, each once, without those of the day itself (they are in `plans`)."""
        known = dict.fromkeys((*self.facts.sessions, *self.recent))
        return tuple(session for session in known if session.on != self.on)

    def syringes(self) -> Iterator[tuple[Plan, Syringe]]:
        """Every syringe of the day with its plan."""
        for plan in self.plans:
            for syringe in plan.syringes:
                yield plan, syringe

    def components(self) -> Iterator[Component]:
        """Every line of every syringe of the day."""
        for _plan, syringe in self.syringes():
            yield from syringe.components

    def groups_of(self, regions: Sequence[str]) -> frozenset[str]:
        """The areas of regions; an unknown region (of an old catalogue) is its own area."""
        return frozenset(
            self.catalogue.regions[region].group if region in self.catalogue.regions else region for region in regions)

    def by_area(self) -> dict[str, frozenset[str]]:
        """Which substances go into which area on that day; a cream counts in every area of its plan."""
        found: dict[str, set[str]] = {}
        for plan, syringe in self.syringes():
            for group in self.groups_of(regions_of(plan, syringe)):
                found.setdefault(group, set()).update(component.substance for component in syringe.components)
        for plan in self.plans:
            if plan.numbing_cream_g:
                for group in self.groups_of(plan.regions):
                    found.setdefault(group, set()).add("sub-la-cream")
        return {group: frozenset(substances) for group, substances in found.items()}

    def near_by_area(self, within_days: int) -> dict[str, frozenset[str]]:
        """Substances of sessions at most so many days away, by area; empty when the rule looks at no other day."""
        found: dict[str, set[str]] = {}
        for session in self.sessions:
            if abs((session.on - self.on).days) <= within_days:
                for group in self.groups_of(session.regions):
                    found.setdefault(group, set()).update(session.substances)
        return {group: frozenset(substances) for group, substances in found.items()}


def regions_of(plan: Plan, syringe: Syringe) -> tuple[str, ...]:
    """Where a syringe goes: its own region, else every region of its plan."""
    return (syringe.region,) if syringe.region is not None else plan.regions


def technique_of(plan: Plan, syringe: Syringe) -> str:
    """The syringe's own technique, else the plan's."""
    return syringe.technique or plan.technique
