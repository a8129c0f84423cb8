"""The single changes that can mend one problem of a plan: lower, take out, replace, scale, move, dilute, hold shallower.

Pure. No move raises an amount: the only volume that may be added is the diluent that makes a too strong product weaker.
Volumes stay on a grid of 0.01 ml and cream on 0.1 g, always rounded down, so that what is proposed can be drawn up.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

from protocols.choices import DoseUnit, Form, MixingShape, Role, Status
from protocols.definitions import Catalogue, MixingRule, Substance, Texts, text_in
from protocols.plan import Component, Plan, Syringe
from protocols.plan_problems import PlanProblem, capitalised, plain

GRID_ML, GRID_G, PER_MILLE = Decimal("0.01"), Decimal("0.1"), 1000
DILUENT, CREAM = "sub-nacl", "sub-la-cream"

WORDS: dict[str, Texts] = {
    "lowered": {"en": "{name}: {after} ml instead of {before} ml", "tr": "{name}: {before} ml yerine {after} ml"},
    "cream": {"en": "{name}: {after} g instead of {before} g", "tr": "{name}: {before} g yerine {after} g"},
    "dropped": {"en": "{name} taken out", "tr": "{name} çıkarıldı"},
    "swapped": {"en": "{instead} ({after} ml) in place of {name}", "tr": "{name} yerine {instead} ({after} ml)"},
    "scaled": {"en": "syringe {number}: every volume made smaller by the same factor, {after} ml instead of {before} ml",
               "tr": "enjektör {number}: tüm hacimler aynı oranda küçültüldü, {before} ml yerine {after} ml"},
    "alone": {"en": "{name} moved to a syringe of its own", "tr": "{name} ayrı bir enjektöre alındı"},
    "diluted": {"en": "{after} ml of {instead} added to syringe {number}",
                "tr": "enjektör {number}: {after} ml {instead} eklendi"},
    "shallower": {"en": "syringe {number}: needle depth {after} mm instead of {before} mm",
                  "tr": "enjektör {number}: iğne derinliği {before} mm yerine {after} mm"},
    "emptied": {"en": "syringe {number} taken out: without {name} nothing active would be left in it",
                "tr": "enjektör {number} çıkarıldı: {name} olmadan içinde etken madde kalmıyor"},
}


@dataclass(frozen=True, slots=True)
class Line:
    """One component that keeps its `id` whatever becomes of it; lines that are added get ids of their own."""

    id: int
    component: Component


@dataclass(frozen=True, slots=True)
class Mix:
    """One syringe on its way: `number` is the one it was drawn up as, `about` its place and needle."""

    number: int
    about: Syringe
    lines: tuple[Line, ...]

    @property
    def volume_ml(self) -> Decimal:
        return sum((line.component.volume_ml for line in self.lines), Decimal(0))


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan taken apart, so that every line can be followed from the first version to the last."""

    plan: Plan
    mixes: tuple[Mix, ...]
    cream_g: Decimal | None

    @classmethod
    def of(cls, plan: Plan) -> Draft:
        mixes, next_id = [], 0
        for number, syringe in enumerate(plan.syringes, start=1):
            lines = tuple(Line(next_id + place, one) for place, one in enumerate(syringe.components))
            next_id += len(lines)
            mixes.append(Mix(number, replace(syringe, components=()), lines))
        return cls(plan, tuple(mixes), plan.numbing_cream_g)

    def as_plan(self) -> Plan:
        syringes = tuple(
            replace(mix.about, components=tuple(line.component for line in mix.lines)) for mix in self.mixes)
        return replace(self.plan, syringes=syringes, numbing_cream_g=self.cream_g or None)

    def with_mix(self, place: int, mix: Mix | None) -> Draft:
        """The draft with another mix in that place; None takes the mix out."""
        after = (mix,) if mix is not None else ()
        return replace(self, mixes=(*self.mixes[:place], *after, *self.mixes[place + 1:]))

    def with_line(self, place: int, line: Line, component: Component | None) -> Draft:
        mix = self.mixes[place]
        new = (Line(line.id, component),) if component is not None else ()
        at = mix.lines.index(line)
        return self.with_mix(place, replace(mix, lines=(*mix.lines[:at], *new, *mix.lines[at + 1:])))

    def new_id(self) -> int:
        return 1 + max((line.id for mix in self.mixes for line in mix.lines), default=-1)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was done, and the problems it mends. `before` and `after` are in `unit`, None where there is
    nothing; `syringes` are the numbers of the plan it was made from; `instead` is what came in."""

    kind: str
    key: tuple[str, int]
    syringes: tuple[int, ...]
    substance: str
    name: Texts
    instead: Texts
    before: Decimal | None
    after: Decimal | None
    unit: str
    because: tuple[Texts, ...]

    def text(self, lang: str) -> str:
        """What was done, as a sentence."""
        return capitalised(text_in(WORDS[self.kind], lang).format(
            name=text_in(self.name, lang), instead=text_in(self.instead, lang),
            before="" if self.before is None else plain(self.before, lang),
            after="" if self.after is None else plain(self.after, lang),
            number=" + ".join(str(number) for number in self.syringes)), lang)

    def reasons(self, lang: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text_in(one, lang) for one in self.because))


@dataclass(frozen=True, slots=True)
class Move:
    """A draft after one change; `touches` are the lines and syringes it touches, `relative` how much of them it takes
    away (0 nothing, 1 all of one line)."""

    draft: Draft
    change: Change
    touches: frozenset[tuple[str, int]]
    relative: Fraction


Gone = Callable[[Draft], bool]
"""Whether the problem that a move mends is no longer there."""


@dataclass(frozen=True)
class Mender:
    """Everything the moves look at: the catalogue, what the site has enabled, which problem, and how to ask again."""

    catalogue: Catalogue
    enabled: frozenset[str]
    day_substances: frozenset[str]
    because: Texts
    gone: Gone

    def moves(self, draft: Draft, problem: PlanProblem) -> Iterator[Move]:
        """Every single change that may mend a problem of the mixture check, in a fixed order."""
        rule = self.catalogue.mixing_rules[problem.code]
        match rule.shape:
            case MixingShape.DOSE_MAX | MixingShape.DOSE_KG | MixingShape.ANAESTHETIC_SUM:
                yield from self.lower(draft, problem)
            case MixingShape.VOLUME_REGION | MixingShape.VOLUME_SESSION | MixingShape.VOLUME_POINT:
                yield from self.scale(draft, problem)
            case MixingShape.DEPTH_MAX:
                yield from self.shallower(draft, problem)
            case MixingShape.FINAL_STRENGTH:
                yield from self.dilute(draft, problem)
                yield from self.lower(draft, problem)
            case MixingShape.SHARE_OF_MIX:
                yield from self.swap_diluent(draft, problem)
            case MixingShape.ALONE:
                yield from self.split(draft, problem, rule)
                yield from self.take_out(draft, problem.substances, problem.syringe)
            case MixingShape.TOGETHER | MixingShape.AT_MOST_ONE | MixingShape.COUNT | MixingShape.STATUS | (
                    MixingShape.SCOPE | MixingShape.FORBIDDEN | MixingShape.FORBIDDEN_FORM):
                yield from self.take_out(draft, problem.substances, problem.syringe)
                yield from self.swap(draft, problem.substances, problem.syringe)
            case _:
                return

    # ------------------------------------------------------------------------------------------------ lower, take out
    def lower(self, draft: Draft, problem: PlanProblem) -> Iterator[Move]:
        """One line, or the cream, to the largest amount with which the problem is gone; out where none is."""
        counts = problem.unit in {"points", "sessions", "cm²"}
        for place, line in self._lines(draft, problem.substances, problem.syringe):
            before = line.component.volume_ml
            steps = int((before - GRID_ML / 2) / GRID_ML)

            def lowered(step: int, place: int = place, line: Line = line) -> Draft:
                return draft.with_line(place, line, replace(line.component, volume_ml=step * GRID_ML))

            step = 0 if counts else self._largest(steps, lowered)
            if step:
                after = step * GRID_ML
                yield self._move(
                    lowered(step), "lowered", ("line", line.id), place, draft, line.component.substance, before, after,
                    "ml", Fraction(before - after) / Fraction(before))
            else:
                yield from self._drop(draft, place, line)
        if draft.cream_g and {CREAM, "sub-lidocaine"} & set(problem.substances):
            yield self._less_cream(draft)

    def _less_cream(self, draft: Draft) -> Move:
        before = draft.cream_g or Decimal(0)
        steps = int((before - GRID_G / 2) / GRID_G)
        step = self._largest(steps, lambda step: replace(draft, cream_g=step * GRID_G))
        after = step * GRID_G
        return self._move(
            replace(draft, cream_g=after or None), "cream" if step else "dropped", ("cream", 0), None, draft, CREAM,
            before, after, "g", Fraction(before - after) / Fraction(before))

    def take_out(self, draft: Draft, substances: tuple[str, ...], syringe: int | None) -> Iterator[Move]:
        for place, line in self._lines(draft, substances, syringe):
            yield from self._drop(draft, place, line)
        if draft.cream_g and CREAM in substances and syringe is None:
            yield self._move(replace(draft, cream_g=None), "dropped", ("cream", 0), None, draft, CREAM, draft.cream_g,
                             None, "g", Fraction(1))

    def _drop(self, draft: Draft, place: int, line: Line) -> Iterator[Move]:
        """A line out; its syringe with it when nothing active is left there. A plan without anything active is none."""
        code, before = line.component.substance, line.component.volume_ml
        made = draft.with_line(place, line, None)
        if self._is_active(made.mixes[place]):
            yield self._move(made, "dropped", ("line", line.id), place, draft, code, before, None, "ml", Fraction(1))
            return
        emptied = draft.with_mix(place, None)
        if any(self._is_active(mix) for mix in emptied.mixes):
            gone = frozenset(("line", one.id) for one in draft.mixes[place].lines)
            move = self._move(emptied, "emptied", ("line", line.id), place, draft, code, before, None, "ml", Fraction(1))
            yield replace(move, touches=gone, relative=Fraction(len(gone)))

    # -------------------------------------------------------------------------------------------------------- replace
    def swap(self, draft: Draft, substances: tuple[str, ...], syringe: int | None) -> Iterator[Move]:
        """A component of the same kind that is given for the same, never more ml than what it replaces."""
        for place, line in self._lines(draft, substances, syringe):
            if self.catalogue.substances[line.component.substance].role is Role.DILUENT:
                continue
            for new in self._substitutes(draft, line.component):
                yield self._swapped(draft, place, line, new)

    def swap_diluent(self, draft: Draft, problem: PlanProblem) -> Iterator[Move]:
        if DILUENT in self.catalogue.substances:
            for place, line in self._lines(draft, problem.substances, problem.syringe):
                yield self._swapped(draft, place, line, Component(DILUENT, line.component.volume_ml))

    def _swapped(self, draft: Draft, place: int, line: Line, new: Component) -> Move:
        return self._move(
            draft.with_line(place, line, new), "swapped", ("line", line.id), place, draft, line.component.substance,
            line.component.volume_ml, new.volume_ml, "ml", Fraction(1), instead=new.substance)

    def _substitutes(self, draft: Draft, old: Component) -> Iterator[Component]:
        """Usable substances of the same role from the example mixtures of the indication; for an anaesthetic any other
        anaesthetic. In catalogue order, none that is given that day already."""
        role = self.catalogue.substances[old.substance].role
        given = self.day_substances | draft.as_plan().substances
        examples = {item.substance: item for mixture in self.catalogue.mixtures_for(draft.plan.indication)
                    for item in mixture.items}
        for code, substance in self.catalogue.substances.items():
            usable = substance.status is Status.ON or (
                code in self.enabled and substance.status is not Status.WITHDRAWN)
            known = code in examples or role is Role.ANAESTHETIC
            if code in given or substance.role is not role or not usable or not known:
                continue
            if substance.form is Form.AQUEOUS:
                item = examples.get(code)
                strength = item.strength if item else substance.strength.low if substance.strength else None
                most = item.volume_ml if item else _typical_ml(substance, strength)
                volume = min(old.volume_ml, most if most is not None else old.volume_ml).quantize(GRID_ML, ROUND_DOWN)
                if volume > 0:
                    yield Component(code, volume, strength, substance.strength_unit or "mg/ml")

    # ------------------------------------------------------------------------------------------- volume, place, needle
    def scale(self, draft: Draft, problem: PlanProblem) -> Iterator[Move]:
        """One of the syringes concerned by one factor, or all of them by the same one."""
        concerned = [
            place for place, mix in enumerate(draft.mixes)
            if problem.syringe in (None, place + 1)
            and (not problem.regions or mix.about.region is None or mix.about.region in problem.regions)]
        choices = [[place] for place in concerned] + ([concerned] if len(concerned) > 1 else [])
        for places in choices:
            def scaled(step: int, places: list[int] = places) -> Draft:
                made = draft
                for place in places:
                    made = made.with_mix(place, _smaller(made.mixes[place], step))
                return made

            step = self._largest(PER_MILLE - 1, scaled)
            if step:
                first = places[0]
                made = scaled(step)
                move = self._move(
                    made, "scaled", ("syringe", draft.mixes[first].number), first, draft, "",
                    sum((draft.mixes[place].volume_ml for place in places), Decimal(0)),
                    sum((made.mixes[place].volume_ml for place in places), Decimal(0)), "ml",
                    Fraction(PER_MILLE - step, PER_MILLE) * len(places), places=places)
                yield replace(move, touches=frozenset(("syringe", draft.mixes[place].number) for place in places))

    def shallower(self, draft: Draft, problem: PlanProblem) -> Iterator[Move]:
        if problem.syringe is None or problem.limit is None or problem.amount is None:
            return
        place = problem.syringe - 1
        mix = draft.mixes[place]
        made = draft.with_mix(place, replace(mix, about=replace(mix.about, depth_mm=problem.limit)))
        yield self._move(made, "shallower", ("depth", mix.number), place, draft, "", problem.amount, problem.limit, "mm",
                         Fraction(problem.amount - problem.limit) / Fraction(problem.amount))

    def dilute(self, draft: Draft, problem: PlanProblem) -> Iterator[Move]:
        """The least diluent with which the finished mixture is weak enough."""
        if problem.syringe is None or DILUENT not in self.catalogue.substances:
            return
        place = problem.syringe - 1
        mix = draft.mixes[place]

        def diluted(step: int) -> Draft:
            line = Line(draft.new_id(), Component(DILUENT, step * GRID_ML))
            return draft.with_mix(place, replace(mix, lines=(*mix.lines, line)))

        most = 2000  # 20 ml, more than a session may hold
        step = most - self._largest(most - 1, lambda less: diluted(most - less))
        if self.gone(diluted(step)):
            yield self._move(diluted(step), "diluted", ("syringe", mix.number), place, draft, "", None, step * GRID_ML,
                             "ml", Fraction(step * GRID_ML) / Fraction(mix.volume_ml), instead=DILUENT)

    def split(self, draft: Draft, problem: PlanProblem, rule: MixingRule) -> Iterator[Move]:
        """A product that stays alone gets a syringe of its own, for the same place. Nothing changes in amount."""
        if problem.syringe is None:
            return
        place = problem.syringe - 1
        mix = draft.mixes[place]
        for line in mix.lines:
            if line.component.substance not in rule.substances:
                continue
            rest = replace(mix, lines=tuple(
                one for one in mix.lines if one.component.substance != line.component.substance))
            own = tuple(one for one in mix.lines if one.component.substance == line.component.substance)
            if not any(self.catalogue.substances[one.component.substance].role is Role.ACTIVE for one in rest.lines):
                continue
            number = 1 + max(one.number for one in draft.mixes)
            made = draft.with_mix(place, rest)
            made = replace(made, mixes=(*made.mixes, Mix(number, mix.about, own)))
            yield self._move(made, "alone", ("line", line.id), place, draft, line.component.substance,
                             line.component.volume_ml, line.component.volume_ml, "ml", Fraction(0))

    # -------------------------------------------------------------------------------------------------------- helpers
    def _lines(self, draft: Draft, substances: tuple[str, ...], syringe: int | None) -> Iterator[tuple[int, Line]]:
        for place, mix in enumerate(draft.mixes):
            if syringe in (None, place + 1):
                for line in mix.lines:
                    if line.component.substance in substances:
                        yield place, line

    def _largest(self, most: int, made: Callable[[int], Draft]) -> int:
        """The largest step with whose draft the problem is gone; 0 when there is none."""
        return largest(most, lambda step: self.gone(made(step)))

    def _is_active(self, mix: Mix) -> bool:
        return any(self.catalogue.substances[line.component.substance].role is not Role.DILUENT for line in mix.lines)

    def _move(
        self, made: Draft, kind: str, key: tuple[str, int], place: int | None, draft: Draft, substance: str,
        before: Decimal | None, after: Decimal | None, unit: str, relative: Fraction, *, instead: str = "",
        places: list[int] | None = None,
    ) -> Move:  # fmt: skip
        numbers = tuple(draft.mixes[one].number for one in places or ([place] if place is not None else []))

        change = Change(kind, key, numbers, substance, self._name(substance), self._name(instead), before, after, unit,
                        (self.because,))
        return Move(made, change, frozenset([key]), relative)

    def _name(self, code: str) -> Texts:
        return self.catalogue.substances[code].name if code else {"en": ""}


def largest(most: int, holds: Callable[[int], bool]) -> int:
    """The largest whole number from 1 to `most` for which `holds` is true, given that it is true below a point and
    false above it; 0 when there is none."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _smaller(mix: Mix, per_mille: int) -> Mix:
    """Every volume by the factor, rounded down to what can be drawn up, never to nothing."""
    lines = tuple(
        replace(line, component=replace(line.component, volume_ml=max(
            GRID_ML, (line.component.volume_ml * per_mille / PER_MILLE).quantize(GRID_ML, ROUND_DOWN))
            if line.component.volume_ml >= GRID_ML else line.component.volume_ml))
        for line in mix.lines)
    return replace(mix, lines=lines)


def _typical_ml(substance: Substance, strength: Decimal | None) -> Decimal | None:
    """The ml of the lower usual amount; None where nobody knows it."""
    if substance.typical is None:
        return None
    if substance.dose_unit is DoseUnit.ML:
        return substance.typical.low
    return substance.typical.low / strength if strength else None
