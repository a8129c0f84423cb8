"""What a mixture worksheet and a syringe label say: plain values, frozen with the paper.

Amounts come from the record once a session is open (with the lots that were chosen), from the course before.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.formats import date_format

from clinic.components.drawing import figure
from clinic.day_words import birth_day
from patients.choices import Text
from patients.facts import Measured
from protocols.choices import DoseUnit, Role
from protocols.definitions import Catalogue
from protocols.mixing import PlanCheck
from protocols.plan import Plan, Syringe
from protocols.plan_problems import capitalised
from sessions.paper_words import word
from sessions.papers import day
from sessions.worksheet_words import WORKSHEET

HUNDREDTH = Decimal("0.01")
ORDER = {Role.DILUENT: 0, Role.ACTIVE: 1, Role.ANAESTHETIC: 2}
HANDLING = ("handling_time", "handling_look", "handling_vials", "handling_water")


@dataclass(frozen=True)
class PreparedFacts:
    """Everything both papers are made from. `lots` are (number, expiry) by syringe and line of the plan, empty where none
    is chosen; `mixed_at` is None until something was drawn up."""

    patient: str
    record_number: str
    birth_date: dt.date
    weight: Measured | None
    allergies: Sequence[str]
    clinician: str
    indication: str
    session_number: int | None
    sessions_total: int
    on: dt.date
    zone: ZoneInfo
    plan: Plan
    lots: Sequence[Sequence[tuple[str, dt.date | None]]]
    mixed_at: dt.datetime | None
    check: PlanCheck


@dataclass(frozen=True)
class PreparedLine:
    order: int
    name: str
    strength: str
    volume: str
    dose: str
    in_the_mix: str
    lot: str
    expiry: str


@dataclass(frozen=True)
class PreparedSyringe:
    title: str
    place: str
    lines: tuple[PreparedLine, ...]
    total: str


@dataclass(frozen=True)
class WorksheetContent:
    """What the sheet says, word for word."""

    lead: str
    patient: str
    facts: tuple[tuple[str, str], ...]
    syringes: tuple[PreparedSyringe, ...]
    cream: str
    notes: tuple[str, ...]
    handling: tuple[str, ...]
    prepared: str
    inject_by: str
    never_after: str


@dataclass(frozen=True)
class LabelContent:
    """What the labels say: one per syringe."""

    patient: str
    second: str
    third: str
    treatment: str
    labels: tuple[PreparedSyringe, ...]
    prepared: str
    inject_by: str
    within: str


def worksheet_content(facts: PreparedFacts, *, catalogue: Catalogue, language: str) -> WorksheetContent:
    write = _Writer(facts, catalogue, language)
    notes = [f"{one.text(language)} ({one.code}, {one.source})" for one in facts.check.problems]
    return WorksheetContent(
        lead=write.word("lead", treatment=facts.indication, session=write.session()),
        patient=facts.patient,
        facts=(
            (write.word("born"), birth_day(facts.birth_date, language)),
            (write.word("record_number"), facts.record_number),
            (write.word("weight"), write.weight()),
            (write.word("allergies"), ", ".join(facts.allergies) or write.word("not_known")),
            (write.word("clinician"), facts.clinician),
            (write.word("planned_for"), day(facts.on, language)),
        ),
        syringes=write.syringes(),
        cream=write.cream(),
        notes=tuple(dict.fromkeys(notes)) or (write.word("notes_none"),),
        handling=tuple(write.word(key, **write.times) for key in HANDLING),
        prepared=write.clock(dt.timedelta()),
        inject_by=write.clock(dt.timedelta(minutes=write.times["minutes"])),
        never_after=write.clock(dt.timedelta(hours=write.times["hours"])),
    )


def label_content(facts: PreparedFacts, *, catalogue: Catalogue, language: str) -> LabelContent:
    write = _Writer(facts, catalogue, language)
    return LabelContent(
        patient=facts.patient,
        second=birth_day(facts.birth_date, language),
        third=facts.record_number,
        treatment=f"{facts.indication}, {write.session()}, {day(facts.on, language)}",
        labels=write.syringes(),
        prepared=write.clock(dt.timedelta()),
        inject_by=write.clock(dt.timedelta(minutes=write.times["minutes"])),
        within=write.word("within", **write.times),
    )


@dataclass(frozen=True)
class _Writer:
    """The words and figures of one paper in its language."""

    facts: PreparedFacts
    catalogue: Catalogue
    language: str

    @property
    def times(self) -> dict[str, int]:
        """How soon a mixture is injected, after which it never is, and how long an opened vial lasts (house-handling)."""
        names = {"minutes": "inject_minutes", "hours": "never_after_hours", "days": "opened_vial_days"}
        return {key: self.catalogue.figure("house-handling", name) for key, name in names.items()}

    def word(self, key: str, **values: object) -> str:
        text: Text = WORKSHEET[key]
        return word(text, self.language).format(**values) if values else word(text, self.language)

    def figure(self, amount: Decimal) -> str:
        with translation.override(self.language):
            return figure(amount)

    def session(self) -> str:
        facts = self.facts
        if facts.session_number is None:
            return self.word("any_session", total=facts.sessions_total)
        return self.word("session_of", number=facts.session_number, total=facts.sessions_total)

    def weight(self) -> str:
        weight = self.facts.weight
        if weight is None or weight.value is None:
            return self.word("not_known")
        return f"{self.figure(weight.value)} kg, {day(weight.taken_on, self.language)}"

    def cream(self) -> str:
        grams = self.facts.plan.numbing_cream_g
        return self.word("cream", grams=self.figure(grams)) if grams else ""

    def clock(self, after: dt.timedelta) -> str:
        """On the clock of the site; empty while nothing is drawn up, then it is written by hand."""
        if self.facts.mixed_at is None:
            return ""
        return f"{(self.facts.mixed_at + after).astimezone(self.facts.zone):%H:%M}"

    def syringes(self) -> tuple[PreparedSyringe, ...]:
        total = len(self.facts.plan.syringes)
        return tuple(
            PreparedSyringe(
                title=self.word("syringe", number=number, total=total),
                place=self.place(syringe),
                lines=self.lines(number, syringe),
                total=f"{self.figure(syringe.volume_ml)} ml",
            )
            for number, syringe in enumerate(self.facts.plan.syringes, start=1)
        )

    def place(self, syringe: Syringe) -> str:
        plan, names = self.facts.plan, self.catalogue.regions
        regions = [syringe.region] if syringe.region else plan.regions
        technique = self.catalogue.techniques[syringe.technique or plan.technique].name_in(self.language)
        told = [self.word("goes_into", regions=", ".join(names[code].name_in(self.language) for code in regions)), technique]
        if syringe.points:
            told.append(self.word("points", points=syringe.points))
        if syringe.depth_mm is not None:
            told.append(self.word("depth", depth=self.figure(syringe.depth_mm)))
        return " · ".join(told)

    def lines(self, number: int, syringe: Syringe) -> tuple[PreparedLine, ...]:
        """In the order they are drawn up, each with the lot of its own line."""
        ordered = sorted(
            enumerate(syringe.components), key=lambda one: ORDER[self.catalogue.substances[one[1].substance].role]
        )
        return tuple(self.line(order, number, place, syringe) for order, (place, _one) in enumerate(ordered, start=1))

    def line(self, order: int, number: int, place: int, syringe: Syringe) -> PreparedLine:
        component = syringe.components[place]
        substance = self.catalogue.substances[component.substance]
        lot, expiry = self.facts.lots[number - 1][place]
        strength, dose, diluted = component.strength, "–", "–"
        if strength is not None:
            amount = strength * component.volume_ml
            share = (amount / syringe.volume_ml).quantize(HUNDREDTH, ROUND_UP)
            diluted = f"{self.figure(share)} {component.strength_unit}"
            if substance.dose_unit is not DoseUnit.ML:
                dose = f"{self.figure(amount)} {substance.dose_unit.value}"
        return PreparedLine(
            order=order,
            name=capitalised(substance.name_in(self.language), self.language),
            strength=f"{self.figure(strength)} {component.strength_unit}" if strength is not None else "–",
            volume=f"{self.figure(component.volume_ml)} ml",
            dose=dose,
            in_the_mix=diluted,
            lot=lot,
            expiry=self.month(expiry) if expiry else "",
        )

    def month(self, expiry: dt.date) -> str:
        with translation.override(self.language):
            return date_format(expiry, "j M Y")


