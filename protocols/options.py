"""“What can this patient have?” Every indication with every example mixture, judged against one patient on one day.

Pure: facts in, options out. Each option is screened at the plan stage and goes through the mixture and dose check, with
the indication's first region, the mixture's own technique, by hand: exactly what a new course starts from. What is
offered instead of a plan that cannot be given is found by judging the changed plan anew, never guessed.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from patients.facts import PatientFacts
from protocols.choices import CheckResult, DoseUnit, Role
from protocols.definitions import Catalogue, Indication, Mixture, Substance
from protocols.dosing import plan_of
from protocols.findings import GrantedClearance, Outcome, Screening, Severity, Stage
from protocols.mixing import PlanCheck, check_plan
from protocols.plan import Component, Plan, Syringe
from protocols.screening import screen

ANTISEPTICS = ("chlorhexidine", "iodine")
"""The first is the usual one; the other takes its place for somebody who reacts to it."""
NEVER_GIVEN = (CheckResult.OVER_LIMIT, CheckResult.NOT_USABLE, CheckResult.INCOMPATIBLE)


class Verdict(StrEnum):
    """Screening and mixture check in one word, in the order in which options are listed."""

    CLEARED = "cleared"
    WAIT = "wait"
    NEEDS_CLEARANCE = "needs-clearance"
    INCOMPLETE = "incomplete"
    NOT_USABLE = "not-usable"
    BLOCKED = "blocked"

    @property
    def permitted(self) -> bool:
        """The plan may be proposed; what is still due (a day, a word of a clinician, an answer) is named."""
        return self not in (Verdict.NOT_USABLE, Verdict.BLOCKED)


ORDER = tuple(Verdict)


@dataclass(frozen=True, slots=True)
class Judged:
    """One plan with what screening and mixture check say of it."""

    plan: Plan
    screening: Screening
    check: PlanCheck

    @property
    def verdict(self) -> Verdict:
        """The worse of the two; nothing that is unknown counts as fine."""
        if self.screening.outcome is Outcome.BLOCKED:
            return Verdict.BLOCKED
        if self.check.result in NEVER_GIVEN:
            return Verdict.NOT_USABLE
        if self.check.result is CheckResult.INCOMPLETE or not self.plan.syringes:
            return Verdict.INCOMPLETE
        return Verdict(self.screening.outcome.value)

    @property
    def rank(self) -> tuple[int, bool, date]:
        """Best first; among those that wait, the earliest day first and an open end last."""
        return ORDER.index(self.verdict), self.screening.open_ended, self.screening.wait_until or date.min


class Change(StrEnum):
    """What a substitute changes, one thing at a time."""

    MIXTURE = "mixture"
    PRODUCT = "product"
    SWAP = "swap"
    WITHOUT = "without"
    ANTISEPTIC = "antiseptic"


@dataclass(frozen=True, slots=True)
class Substitute:
    """A plan for the same indication that is permitted. `leaves` and `takes` name the component that goes and the one
    that comes (PRODUCT: the same substance, free of preservatives); `mixture` is the example it starts from."""

    change: Change
    judged: Judged
    mixture: Mixture
    leaves: str = ""
    takes: Component | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One indication with one example mixture; `mixture` None where the catalogue has no example for it."""

    indication: Indication
    mixture: Mixture | None
    judged: Judged
    substitutes: tuple[Substitute, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return self.judged.verdict


@dataclass(frozen=True, slots=True)
class Judge:
    """Everything but the plan: the patient as known, the day, the rules, and what this site allows."""

    facts: PatientFacts
    on: date
    catalogue: Catalogue
    clearances: Sequence[GrantedClearance] = ()
    enabled: frozenset[str] = frozenset()
    country: str = ""

    def __call__(self, plan: Plan) -> Judged:
        return Judged(
            plan=plan,
            screening=screen(
                facts=self.facts, plan=plan, on=self.on, catalogue=self.catalogue, stage=Stage.PLAN,
                clearances=self.clearances,
            ),
            check=check_plan(
                plan=plan, facts=self.facts, on=self.on, catalogue=self.catalogue, enabled=self.enabled,
                country=self.country, recent=self.facts.sessions,
            ),
        )  # fmt: skip


def options_for(judge: Judge) -> tuple[Option, ...]:
    """Every option, best first; equal ones in the order of the catalogue."""
    found: list[Option] = []
    for indication in judge.catalogue.indications.values():
        own = [
            Option(indication, mixture, judge(default_plan(indication, mixture, judge.catalogue)))
            for mixture in judge.catalogue.mixtures_for(indication.code) or (None,)
        ]
        found += [_with_substitutes(option, own, judge) for option in own]
    return tuple(sorted(found, key=lambda option: option.judged.rank))


def default_plan(indication: Indication, mixture: Mixture | None, catalogue: Catalogue) -> Plan:
    """What a new course starts from: first region, the mixture's technique, by hand, the usual antiseptic."""
    if mixture is not None:
        return replace(plan_of(mixture, indication=indication.code, catalogue=catalogue), antiseptic=ANTISEPTICS[0])
    return Plan(
        indication=indication.code,
        category=indication.category.value,
        regions=indication.regions[:1],
        technique=indication.techniques[0],
        antiseptic=ANTISEPTICS[0],
    )


def _with_substitutes(option: Option, of_indication: Iterable[Option], judge: Judge) -> Option:
    if option.verdict.permitted or option.mixture is None:
        return option
    others = [
        Substitute(Change.MIXTURE, other.judged, other.mixture)
        for other in of_indication
        if other is not option and other.mixture is not None and other.verdict.permitted
    ]
    changed = [one for one in _changed(option.judged, option.mixture, judge) if one.judged.verdict.permitted]
    return replace(option, substitutes=tuple(sorted([*others, *changed], key=lambda one: one.judged.rank)))


def _changed(judged: Judged, mixture: Mixture, judge: Judge) -> Iterator[Substitute]:
    """Every single change of this plan that could help, judged: another antiseptic, and for each component that
    something was found about a product without preservatives, another substance of its kind, or none."""
    for antiseptic in ANTISEPTICS[1:] if _beside_the_mixture(judged) else ():
        yield Substitute(Change.ANTISEPTIC, judge(replace(judged.plan, antiseptic=antiseptic)), mixture)
    for number, syringe in enumerate(judged.plan.syringes):
        for place, component in enumerate(syringe.components):
            if component.substance not in _concerned(judged):
                continue
            for change, instead in _instead_of(component, judge.catalogue):
                plan = _exchanged(judged.plan, number, place, instead)
                if plan is not None and _still_treats(plan, judged.plan, judge.catalogue):
                    yield Substitute(change, judge(plan), mixture, leaves=component.substance, takes=instead)


def _concerned(judged: Judged) -> frozenset[str]:
    """The substances that stand in the way, by screening or by mixture check."""
    found = {code for finding in _blocking(judged.screening) for code in finding}
    found |= {code for problem in judged.check.problems if problem.result in NEVER_GIVEN for code in problem.substances}
    return frozenset(found)


def _blocking(screening: Screening) -> list[tuple[str, ...]]:
    """The substances of each finding that blocks; empty ones are not about the mixture."""
    return [finding.substances for finding in screening.uncleared if finding.severity is Severity.ABSOLUTE]


def _beside_the_mixture(judged: Judged) -> bool:
    """Something blocks that names no substance: it may be the antiseptic."""
    return any(not substances for substances in _blocking(judged.screening))


def _instead_of(component: Component, catalogue: Catalogue) -> Iterator[tuple[Change, Component | None]]:
    """The same volume each time. A substance of the same kind comes in its lowest usual strength."""
    if not component.preservative_free:
        yield Change.PRODUCT, replace(component, preservative_free=True)
    leaving = catalogue.substances[component.substance]
    for substance in catalogue.substances.values():
        if substance.code != leaving.code and _same_kind(substance, leaving) and _drawn_up(substance):
            yield Change.SWAP, Component(
                substance=substance.code,
                volume_ml=component.volume_ml,
                strength=substance.strength.low if substance.strength else None,
                strength_unit=substance.strength_unit or "mg/ml",
            )
    yield Change.WITHOUT, None


def _same_kind(one: Substance, other: Substance) -> bool:
    """The catalogue words their class alike, or both numb, or both dilute."""
    if one.role is not other.role:
        return False
    return one.role is not Role.ACTIVE or one.substance_class["en"] == other.substance_class["en"]


def _drawn_up(substance: Substance) -> bool:
    """It comes as a liquid: its amount follows from millilitres, which a cream's never does."""
    return substance.dose_unit is DoseUnit.ML or substance.strength_unit == f"{substance.dose_unit.value}/ml"


def _exchanged(plan: Plan, number: int, place: int, instead: Component | None) -> Plan | None:
    """The plan with another component in this place, or with none; None when the mixture holds it already."""
    syringe = plan.syringes[number]
    rest = (*syringe.components[:place], *syringe.components[place + 1 :])
    if instead is not None and instead.substance in {one.substance for one in rest}:
        return None
    between = (instead,) if instead is not None else ()
    components = (*syringe.components[:place], *between, *syringe.components[place + 1 :])
    changed: Syringe = replace(syringe, components=components)
    return replace(plan, syringes=(*plan.syringes[:number], changed, *plan.syringes[number + 1 :]))


def _still_treats(plan: Plan, before: Plan, catalogue: Catalogue) -> bool:
    """A mixture must keep what it is given for: an active substance, or in pain the anaesthetic where that is all."""
    roles = {catalogue.substances[code].role for code in plan.substances}
    had = {catalogue.substances[code].role for code in before.substances}
    return (Role.ACTIVE if Role.ACTIVE in had else Role.ANAESTHETIC) in roles
