"""What the patient must and should do after this session, with clock times; expected reactions and red flags.

Pure. Hours are elapsed hours from the session end, so they are right across clock changes; only `ac-blood-donation`
after dutasteride ends on a calendar date. The longest time for one instruction counts.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from patients.facts import PatientFacts
from protocols.choices import InstructionSeverity
from protocols.definitions import AftercareRule, Catalogue, ReactionDefinition, Texts, text_in
from protocols.message_times import at_wall_clock
from protocols.plan import Plan

SKIN_TYPE = "m-fitzpatrick"
LIGHT_SKIN = frozenset({"I", "II", "III"})
"""Fitzpatrick types that keep the single sun time; IV to VI and unknown double it."""

_ORDER = {severity: place for place, severity in enumerate(InstructionSeverity)}


class SettingRefused(ValueError):
    """A clinic setting of an aftercare time outside what is allowed; the message names it."""


@dataclass(frozen=True, slots=True)
class LongerPart:
    """Part of an instruction that holds longer ("hair dye")."""

    until_at: datetime
    hours_until: int
    body: Texts

    def text(self, lang: str) -> str:
        return text_in(self.body, lang)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line of the sheet. Times are aware UTC; `until_at` None means from then on without end. `until_date` is set
    where the source names a calendar date instead of hours."""

    code: str
    severity: InstructionSeverity
    from_at: datetime
    until_at: datetime | None
    hours_from: int
    hours_until: int | None
    name: Texts
    body: Texts
    source: str
    mark: str = ""
    until_date: date | None = None
    longer_parts: tuple[LongerPart, ...] = ()

    def text(self, lang: str) -> str:
        return text_in(self.body, lang)

    def name_in(self, lang: str) -> str:
        return text_in(self.name, lang)


def aftercare(
    *,
    ended_at: datetime,
    plan: Plan,
    facts: PatientFacts,
    catalogue: Catalogue,
    on_site_zone: ZoneInfo,
    settings: Mapping[str, int] | None = None,
) -> tuple[Instruction, ...]:
    """The instructions after a session that ended at `ended_at` (aware), sorted for the sheet: must, should, tip, and
    within each the soonest to end first.

    `settings` holds the clinic's own hours by code. With several plans on one day, see `joined`. Raises
    `SettingRefused` for a setting outside its range and `ValueError` for an unknown code or a naive time."""
    if ended_at.tzinfo is None:
        raise ValueError("The session end needs a time zone.")
    chosen = dict(settings or {})
    for code in chosen:
        if code not in catalogue.aftercare:
            raise ValueError(f"{code} is not an aftercare instruction of this catalogue.")
    end = ended_at.astimezone(UTC)
    found = [
        _instruction(rule, end, plan, facts, catalogue, chosen, on_site_zone)
        for rule in catalogue.aftercare.values() if applies_to(rule, plan, catalogue)
    ]
    return _sorted(found)


def joined(sheets: Iterable[tuple[Instruction, ...]]) -> tuple[Instruction, ...]:
    """The sheets of several plans of one session as one: each code once, with the longest time."""
    longest: dict[str, Instruction] = {}
    for sheet in sheets:
        for instruction in sheet:
            known = longest.get(instruction.code)
            if known is None or _ends(instruction) > _ends(known):
                longest[instruction.code] = instruction
    return _sorted(longest.values())


def applies_to(rule: AftercareRule, plan: Plan, catalogue: Catalogue) -> bool:
    """Whether an instruction belongs on the sheet of this plan."""
    return (
        rule.everybody
        or plan.category in rule.categories
        or bool(_region_words(plan, catalogue) & set(rule.regions))
        or bool(plan.substances & set(rule.substances))
    )


def hours_until(
    rule: AftercareRule, *, plan: Plan, facts: PatientFacts, catalogue: Catalogue, settings: Mapping[str, int]
) -> int | None:
    """The elapsed hours an instruction holds: the longest of its own (or the clinic's setting), those of the products
    used, and those of the instruction it may not undercut; doubled once where the sun rule says so."""
    if rule.hours_until is None:
        return None
    hours = _setting(rule, settings.get(rule.code))
    hours = max([hours, *(own for code, own in rule.hours_until_with.items() if code in plan.substances)])
    if rule.at_least_as_long_as:
        floor = catalogue.aftercare[rule.at_least_as_long_as]
        hours = max(hours, _setting(floor, settings.get(floor.code)))
    if plan.indication in rule.doubled_for_indications or (rule.doubled_for_dark_skin and not has_light_skin(facts)):
        hours *= 2
    return hours


def _setting(rule: AftercareRule, chosen: int | None) -> int:
    """The clinic's hours for a rule. A range is the whole range; without one longer is free and shorter is refused."""
    default = rule.hours_until or 0
    if chosen is None:
        return default
    low, high = rule.settable_hours or (default, None)
    if chosen < low or (high is not None and chosen > high):
        allowed = f"{low}–{high}" if high is not None else f"{low} or more"
        raise SettingRefused(f"{rule.code}: {chosen} hours are outside {allowed}.")
    return chosen


def has_light_skin(facts: PatientFacts) -> bool:
    """Fitzpatrick I to III by the newest entry; not measured counts as dark, so the longer sun rule holds."""
    types = [measured for measured in facts.measurements if measured.code == SKIN_TYPE]
    newest = max(types, key=lambda measured: measured.taken_on, default=None)
    return newest is not None and newest.text.strip() in LIGHT_SKIN


def _region_words(plan: Plan, catalogue: Catalogue) -> set[str]:
    """The regions of the plan and the aftercare sets they belong to."""
    regions = {*plan.regions, *(syringe.region for syringe in plan.syringes if syringe.region)}
    return regions | {word for code in regions for word in catalogue.regions[code].aftercare_sets}


def _instruction(
    rule: AftercareRule, end: datetime, plan: Plan, facts: PatientFacts, catalogue: Catalogue,
    settings: Mapping[str, int], zone: ZoneInfo,
) -> Instruction:
    hours = hours_until(rule, plan=plan, facts=facts, catalogue=catalogue, settings=settings)
    until_at = None if hours is None else end + timedelta(hours=hours)
    until_date = None
    months = max((count for code, count in rule.months_until_with.items() if code in plan.substances), default=0)
    if months and until_at is not None:
        local = end.astimezone(zone)
        day = add_months(local.date(), months)
        by_date = at_wall_clock(day, local.time(), zone)
        if by_date > until_at:
            until_at, until_date = by_date, day
            hours = int((by_date - end) / timedelta(hours=1))
    return Instruction(
        code=rule.code,
        severity=rule.severity,
        from_at=end + timedelta(hours=rule.hours_from),
        until_at=until_at,
        hours_from=rule.hours_from,
        hours_until=hours,
        name=rule.name,
        body=rule.body,
        source=rule.source,
        mark=rule.mark,
        until_date=until_date,
        longer_parts=tuple(
            LongerPart(end + timedelta(hours=part.hours_until), part.hours_until, part.body)
            for part in rule.variants if hours is None or part.hours_until > hours),
    )


def add_months(day: date, months: int) -> date:
    """The same day so many calendar months on, clipped to the month's end."""
    years, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + years, month + 1, 1)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first.replace(day=min(day.day, (following - first).days))


def _ends(instruction: Instruction) -> datetime:
    return instruction.until_at or datetime.max.replace(tzinfo=UTC)


def _sorted(instructions: Iterable[Instruction]) -> tuple[Instruction, ...]:
    return tuple(sorted(instructions, key=lambda one: (_ORDER[one.severity], one.from_at, _ends(one))))


def expected_reactions(plan: Plan, catalogue: Catalogue) -> tuple[ReactionDefinition, ...]:
    """What is normal after this plan, in catalogue order."""
    return _reactions("expected", plan, catalogue)


def possible_adverse_events(plan: Plan, catalogue: Catalogue) -> tuple[ReactionDefinition, ...]:
    """What can go wrong with this plan, for the consent."""
    return _reactions("adverse", plan, catalogue)


def red_flags(catalogue: Catalogue) -> tuple[ReactionDefinition, ...]:
    """When to call, most urgent first; on every sheet."""
    return tuple(reaction for reaction in catalogue.reactions.values() if reaction.kind == "red-flag")


def _reactions(kind: str, plan: Plan, catalogue: Catalogue) -> tuple[ReactionDefinition, ...]:
    words = _region_words(plan, catalogue)
    return tuple(
        reaction for reaction in catalogue.reactions.values()
        if reaction.kind == kind
        and (not reaction.substances or reaction.substances & plan.substances)
        and (not reaction.regions or words & set(reaction.regions))
    )
