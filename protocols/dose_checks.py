"""Dose, volume and depth checks (`dose-`, `vol-`, `depth-`), one evaluator per shape, and the totals they rest on.

Pure. Amounts are summed over all syringes, regions and plans of the day; equal to a limit is fine.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from protocols.choices import CheckResult, DoseUnit
from protocols.definitions import Catalogue, DecimalRange, MixingRule, Substance, Texts
from protocols.dosing import (
    WEIGHT,
    amount_of,
    cream_lidocaine_mg,
    limit_by_weight_mg,
    newest_weight,
    weight_is_valid,
)
from protocols.mixing_day import PlannedDay, regions_of, technique_of
from protocols.plan import Plan, Syringe
from protocols.plan_problems import DoseTotal, PlanProblem, VolumeTotal, plain, problem

Problems = Iterator[PlanProblem]
POINTS: Texts = {"en": "points", "tr": "nokta"}
PER_CM2: Mapping[str, Texts] = {unit.value: {"en": f"{unit.value}/cm²", "tr": f"{unit.value}/cm²"} for unit in DoseUnit}
CM2: Texts = {"en": "cm²", "tr": "cm²"}
SESSIONS: Texts = {"en": "sessions", "tr": "seans"}
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Dose:
    """One substance over the day. `own` is what was given of it, `counted` adds lidocaine of numbing creams; both are
    known parts only, and `missing` says that a strength is not known."""

    substance: Substance
    own: Decimal
    counted: Decimal
    missing: bool


def doses(day: PlannedDay) -> tuple[Dose, ...]:
    """Every substance of the day with its sums, in catalogue order."""
    own: dict[str, Decimal] = {}
    missing: set[str] = set()
    for component in day.components():
        amount = amount_of(component, day.catalogue.substances[component.substance])
        own[component.substance] = own.get(component.substance, ZERO) + (amount or ZERO)
        if amount is None:
            missing.add(component.substance)
    cream_g = sum((plan.numbing_cream_g or ZERO for plan in day.plans), ZERO)
    extra = cream_lidocaine_mg(day.plans, day.catalogue)
    if cream_g:
        own["sub-la-cream"] = own.get("sub-la-cream", ZERO) + cream_g
        own.setdefault("sub-lidocaine", ZERO)
    return tuple(
        Dose(substance, own[code], own[code] + (extra if code == "sub-lidocaine" else ZERO), code in missing)
        for code, substance in day.catalogue.substances.items()
        if code in own
    )


def dose_max(rule: MixingRule, day: PlannedDay) -> Problems:
    """Above the hard maximum per session; also points of one session, amount per area, area covered and sessions in all,
    where a label limits them.
    A substance whose maximum is zero is over it whatever its strength."""
    for dose in doses(day):
        substance, limit = dose.substance, dose.substance.hard_max
        never = limit == 0 and (dose.missing or dose.own > 0)
        if limit is not None and (dose.counted > limit or never):
            yield problem(rule, day.catalogue, substances=[substance.code], amount=dose.counted, limit=limit,
                          unit=substance.dose_unit.value)
        elif dose.missing:
            yield problem(rule, day.catalogue, substances=[substance.code], unknown=True,
                          unit=substance.dose_unit.value)
        yield from _counts(rule, day, substance)
        yield from _areas(rule, day, substance)


def _counts(rule: MixingRule, day: PlannedDay, substance: Substance) -> Problems:
    if substance.max_points is not None:
        points = sum(
            syringe.points or 0 for _plan, syringe in day.syringes()
            if any(one.substance == substance.code for one in syringe.components))
        if points > substance.max_points:
            yield problem(rule, day.catalogue, substances=[substance.code], amount=Decimal(points),
                          limit=Decimal(substance.max_points), unit=POINTS)
    if substance.max_sessions is not None:
        dates = {session.on for session in day.sessions if substance.code in session.substances and session.on < day.on}
        if len(dates) + 1 > substance.max_sessions:
            yield problem(rule, day.catalogue, substances=[substance.code], amount=Decimal(len(dates) + 1),
                          limit=Decimal(substance.max_sessions), unit=SESSIONS)


def _areas(rule: MixingRule, day: PlannedDay, substance: Substance) -> Problems:
    """Too much for the skin it is spread over, region by region: the amounts of all its syringes there against the largest
    area typed for one of them, so that splitting a syringe changes nothing. And a cream over too much skin. Not judged
    until an area is given."""
    if substance.max_per_cm2 is not None:
        amounts: dict[tuple[str, ...], Decimal] = {}
        areas: dict[tuple[str, ...], Decimal] = {}
        for plan, syringe in day.syringes():
            own = [amount_of(one, substance) or ZERO for one in syringe.components if one.substance == substance.code]
            if own:
                place = tuple(sorted(regions_of(plan, syringe)))
                amounts[place] = amounts.get(place, ZERO) + sum(own, ZERO)
                areas[place] = max(areas.get(place, ZERO), syringe.area_cm2 or ZERO)
        for place, area in areas.items():
            if area and amounts[place] > substance.max_per_cm2 * area:
                yield problem(rule, day.catalogue, substances=[substance.code], amount=amounts[place] / area,
                              limit=substance.max_per_cm2, unit=PER_CM2[substance.dose_unit.value], regions=place)
    if substance.max_area_cm2 is not None:
        covered = sum((plan.numbing_area_cm2 or ZERO for plan in day.plans if substance.code in plan.substances), ZERO)
        if covered > substance.max_area_cm2:
            yield problem(rule, day.catalogue, substances=[substance.code], amount=covered,
                          limit=substance.max_area_cm2, unit=CM2)


def dose_kg(rule: MixingRule, day: PlannedDay) -> Problems:
    """Above the limit by body weight. An old weight can show that a dose is too high, not that it is fine."""
    weight = newest_weight(day.facts, day.on)
    for dose in doses(day):
        substance = dose.substance
        if substance.mg_per_kg is None:
            continue
        limit = limit_by_weight_mg(substance, weight.value) if weight and weight.value is not None else None
        unit = substance.dose_unit.value
        if limit is not None and dose.counted > limit:
            yield problem(rule, day.catalogue, substances=[substance.code], amount=dose.counted, limit=limit, unit=unit)
        elif weight is None or not weight_is_valid(weight, day.on, day.catalogue):
            yield problem(rule, day.catalogue, substances=[substance.code], amount=dose.counted, unit=unit,
                          days=day.catalogue.measurements[WEIGHT].valid_days or 0, unknown=True)


def dose_typical(rule: MixingRule, day: PlannedDay) -> Problems:
    """Above the usual amount but not above the hard maximum. Below the usual there is nothing to say."""
    for dose in doses(day):
        typical, hard_max = _typical(dose.substance, day), dose.substance.hard_max
        if typical and dose.own > typical.high and (hard_max is None or dose.counted <= hard_max):
            yield problem(rule, day.catalogue, substances=[dose.substance.code], amount=dose.own, limit=typical.high,
                          unit=dose.substance.dose_unit.value)


def _typical(substance: Substance, day: PlannedDay) -> DecimalRange | None:
    """The usual amount; where it has figures per region, the widest of the regions it goes into."""
    regions = {
        region for plan, syringe in day.syringes() for region in regions_of(plan, syringe)
        if any(one.substance == substance.code for one in syringe.components)}
    figures = [substance.by_region[region].typical for region in regions if region in substance.by_region]
    known = [figure for figure in figures if figure is not None]
    if not known or len(known) < len(regions):
        return substance.typical
    return max(known, key=lambda figure: figure.high)


def dose_totals(day: PlannedDay, problems: Iterable[PlanProblem]) -> tuple[DoseTotal, ...]:
    """The sums of the day with their limits; each carries the worst dose result found for its substance."""
    found = [one for one in problems if one.code in ("dose-max", "dose-kg", "dose-typical")]
    weight = newest_weight(day.facts, day.on)
    totals = []
    for dose in doses(day):
        substance, typical = dose.substance, _typical(dose.substance, day)
        limit = limit_by_weight_mg(substance, weight.value) if weight and weight.value is not None else None
        totals.append(DoseTotal(
            substance=substance.code,
            amount=None if dose.missing else dose.counted,
            unit=substance.dose_unit.value,
            typical_low=typical.low if typical else None,
            typical_high=typical.high if typical else None,
            hard_max=substance.hard_max,
            mg_per_kg=substance.mg_per_kg,
            limit_by_weight=limit,
            result=CheckResult.worst(one.result for one in found if substance.code in one.substances),
        ))
    return tuple(totals)


@dataclass(frozen=True, slots=True)
class _Place:
    """What goes into one region (or, unassigned, into several) on that day."""

    regions: tuple[str, ...]
    volume_ml: Decimal
    limit_ml: Decimal
    over: bool


def _places(day: PlannedDay) -> Iterator[_Place]:
    """Volumes by region. A syringe without a region of its own counts for the single region of its plan; with several
    regions it is only known that together they may take the sum of their limits."""
    poured: dict[tuple[str, ...], list[tuple[Decimal, Decimal | None]]] = {}
    for plan, syringe in day.syringes():
        regions = regions_of(plan, syringe)
        poured.setdefault(regions, []).append((syringe.volume_ml, _own_limit(syringe, regions, day.catalogue)))
    for regions, parts in poured.items():
        general = sum((day.catalogue.regions[region].max_ml for region in regions), ZERO)
        total = sum((volume for volume, _own in parts), ZERO)
        ordinary = sum((volume for volume, own in parts if own is None), ZERO)
        limit = max([own for _volume, own in parts if own is not None] + ([general] if ordinary else []))
        yield _Place(regions, total, limit, over=total > limit or ordinary > general)


def _own_limit(syringe: Syringe, regions: tuple[str, ...], catalogue: Catalogue) -> Decimal | None:
    """A substance's own volume for the region replaces the region's for a syringe of it."""
    figures = [
        figure.max_ml for component in syringe.components for region in regions
        if (figure := catalogue.substances[component.substance].by_region.get(region)) and figure.max_ml is not None]
    return max(figures, default=None) if len(regions) == 1 else None


def volume_region(rule: MixingRule, day: PlannedDay) -> Problems:
    """More into one region on that day than it may take, both sides together where the region has two."""
    for place in _places(day):
        if place.over:
            yield problem(rule, day.catalogue, regions=place.regions, amount=place.volume_ml, limit=place.limit_ml,
                          unit="ml")


def volume_session(rule: MixingRule, day: PlannedDay) -> Problems:
    """All regions and plans of the day together."""
    total = sum((syringe.volume_ml for _plan, syringe in day.syringes()), ZERO)
    for limit, result in ((rule.limits["most_ml"], rule.result), (rule.limits["warn_ml"], CheckResult.WARNING)):
        if total > limit:
            yield problem(rule, day.catalogue, result=result, amount=total, limit=limit, unit="ml")
            return


def volume_totals(day: PlannedDay, rules: Iterable[MixingRule]) -> tuple[VolumeTotal, ...]:
    """Millilitres per region, then of the whole day, each against its limit."""
    totals = [
        VolumeTotal(region=place.regions[0], volume_ml=place.volume_ml, limit_ml=place.limit_ml,
                    result=CheckResult.OVER_LIMIT if place.over else CheckResult.OK)
        for place in _places(day) if len(place.regions) == 1]
    for rule in rules:
        if "most_ml" in rule.limits:
            volume = sum((syringe.volume_ml for _plan, syringe in day.syringes()), ZERO)
            result = CheckResult.worst(one.result for one in volume_session(rule, day))
            totals.append(VolumeTotal(None, volume, rule.limits["most_ml"], result))
    return tuple(totals)


def volume_point(rule: MixingRule, day: PlannedDay) -> Problems:
    """Millilitres per point: above the technique's figure is unusual, above the hard limit too much. Not judged until
    the points are known. Compared by multiplication, so that nothing is rounded."""
    for number, syringe in enumerate(day.plan.syringes, start=1):
        if syringe.points is None:
            continue
        usual = day.catalogue.techniques[technique_of(day.plan, syringe)].ml_per_point.high
        own = [figure for one in syringe.components
               if (figure := day.catalogue.substances[one.substance].max_ml_per_point) is not None]
        hard = max(own, default=rule.limits["most_ml_per_point"])
        for limit, result in ((hard, rule.result), (min(usual, hard), CheckResult.WARNING)):
            if syringe.volume_ml > limit * syringe.points:
                yield problem(rule, day.catalogue, result=result, amount=syringe.volume_ml / syringe.points,
                              limit=limit, unit="ml", syringe=number)
                break


def _hard_depth_mm(rule: MixingRule, day: PlannedDay, syringe: Syringe) -> Decimal:
    own = day.catalogue.techniques[technique_of(day.plan, syringe)].hard_depth_mm
    return rule.limits["most_mm"] if own is None else own


def depth_max(rule: MixingRule, day: PlannedDay) -> Problems:
    """Deeper than the hard limit of section 3; not judged until a depth is given."""
    for number, syringe in enumerate(day.plan.syringes, start=1):
        limit = _hard_depth_mm(rule, day, syringe)
        if syringe.depth_mm is not None and syringe.depth_mm > limit:
            yield problem(rule, day.catalogue, amount=syringe.depth_mm, limit=limit, unit="mm",
                          regions=regions_of(day.plan, syringe), syringe=number)


def depth_range(rule: MixingRule, day: PlannedDay) -> Problems:
    """Outside the region's or the technique's usual range. What is beyond the hard limit is left to `depth_max`."""
    hard_rule = day.catalogue.mixing_rules.get("depth-max")
    for number, syringe in enumerate(day.plan.syringes, start=1):
        depth = syringe.depth_mm
        if depth is None or (hard_rule and depth > _hard_depth_mm(hard_rule, day, syringe)):
            continue
        for usual, region in _usual_depths(day.plan, syringe, day.catalogue):
            if depth not in usual:
                yield problem(
                    rule, day.catalogue, amount=depth, limit=usual.high if depth > usual.high else usual.low,
                    limit_text={lang: f"{plain(usual.low, lang)}–{plain(usual.high, lang)}" for lang in ("en", "tr")},
                    unit="mm", regions=[region] if region else regions_of(day.plan, syringe), syringe=number)
                break


def _usual_depths(plan: Plan, syringe: Syringe, catalogue: Catalogue) -> Iterator[tuple[DecimalRange, str]]:
    """Every range the depth should lie in: the regions' (or the substance's own there), then the technique's."""
    for region in regions_of(plan, syringe):
        own = [figure.depth_mm for one in syringe.components
               if (figure := catalogue.substances[one.substance].by_region.get(region)) and figure.depth_mm]
        yield (own[0] if own else catalogue.regions[region].depth_mm), region
    technique = catalogue.techniques[technique_of(plan, syringe)].depth_mm
    if technique is not None:
        yield technique, ""


def stated_total(rule: MixingRule, day: PlannedDay) -> Problems:
    """A written total that is not the sum of the parts: nothing is drawn up until somebody corrects it."""
    for number, syringe in enumerate(day.plan.syringes, start=1):
        stated = syringe.stated_total_ml
        if stated is not None and abs(stated - syringe.volume_ml) > rule.limits["tolerance_ml"]:
            yield problem(rule, day.catalogue, amount=syringe.volume_ml, limit=stated, unit=DoseUnit.ML.value,
                          syringe=number)
