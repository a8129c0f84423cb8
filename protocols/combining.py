"""May this plan stand beside the patient's other mesotherapy plans? The plan pairs of section 14.

Pure. Other treatments before a session (peels, lasers, fillers) are the screening rule `scr-recent-procedure`, those
after it the aftercare instruction `ac-no-procedures`; sums of the day are checked by `protocols.mixing`. Days, substances
and the number of new products are those of the catalogue's combinations.
"""
from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from patients.facts import EarlierSession, PatientFacts, PriorEvent
from protocols.calendar_dates import add_months
from protocols.definitions import Catalogue, CombinationRule, Texts, text_in
from protocols.plan import Plan

PLAN_PAIRS = ("combine-spacing", "combine-prp")
ALWAYS_TESTED = "grp-always-test"
SOURCE = "dec"


@dataclass(frozen=True, slots=True)
class CombinationProblem:
    """Why two plans cannot stand together like this. `earliest` is the first day on which they can, as far as this
    rule goes; None when another day is not known to help."""

    code: str
    sentence: Texts
    earliest: date | None = None
    source: str = SOURCE

    def text(self, lang: str) -> str:
        return text_in(self.sentence, lang)


def check_combination(
    *,
    plan: Plan,
    on: date,
    catalogue: Catalogue,
    same_day: Sequence[Plan] = (),
    sessions: Iterable[EarlierSession] = (),
    other_courses: Iterable[EarlierSession] = (),
    new_products: frozenset[str] = frozenset(),
) -> tuple[CombinationProblem, ...]:
    """Every reason why this plan cannot be given on this day beside the others.

    `sessions` are the patient's sessions of all plans, before and after the day; those of the same indication keep
    the interval of their own plan and are not judged here. `other_courses` are sessions known to belong to another
    plan, whatever its indication. `new_products` are the substances of the day that were not
    given here without a reaction within the last 12 months."""
    return (
        *_same_day(plan, same_day, new_products, catalogue),
        *_other_days(plan, on, _of_other_plans(plan, sessions, other_courses), catalogue),
    )


def new_products(*, plan: Plan, facts: PatientFacts, on: date, catalogue: Catalogue) -> frozenset[str]:
    """Products of the plan that are new for this patient (lab-allergy): not given here without a reaction within the
    months that gate-test says, and tested at all; calcitonin and enzymes are new each time. An event that was
    judged unrelated is no reaction; one without products counts for all."""
    since = add_months(on, -catalogue.start_gates["gate-test"].limits["known_months"])
    known: set[str] = set()
    for session in facts.sessions:
        if since <= session.on <= on:
            known |= {code for code in session.substances if not _reacted(code, session.on, facts.events)}
    tested = (catalogue.substances[code] for code in plan.substances if code in catalogue.substances)
    return frozenset(
        one.code for one in tested
        if one.needs_allergy_test and (one.code not in known or ALWAYS_TESTED in one.groups))


def _reacted(code: str, given_on: date, events: Iterable[PriorEvent]) -> bool:
    """Whether something went wrong with this product at or after that session."""
    return any(
        event.causality != "unrelated" and (not event.substances or code in event.substances)
        and (event.on is None or event.on >= given_on)
        for event in events)


def _same_day(
    plan: Plan, same_day: Sequence[Plan], new_products: frozenset[str], catalogue: Catalogue
) -> Iterator[CombinationProblem]:
    areas = _areas(_regions(plan), catalogue)
    if any(areas & _areas(_regions(other), catalogue) for other in same_day):
        yield CombinationProblem("combine-same-area", {
            "en": "Two plans go into the same area on one day. Build one mixture instead.",
            "tr": "Aynı gün aynı bölgeye iki plan uygulanıyor. Bunun yerine tek karışım hazırlanmalı."})
    apart = catalogue.combinations["combine-prp"]
    if any(_holds(apart, plan.substances) != _holds(apart, other.substances) for other in same_day):
        yield CombinationProblem("combine-prp", {
            "en": "Platelet-rich plasma is not given in the same session as another mixture.",
            "tr": "PRP, başka bir karışımla aynı seansta verilmez."})
    given = plan.substances.union(*(other.substances for other in same_day))
    new = sorted(given & new_products)
    most = catalogue.combinations["combine-new-products"].most_new
    if same_day and most is not None and len(new) > most:
        names = {lang: ", ".join(catalogue.substances[code].name_in(lang) for code in new) for lang in ("en", "tr")}
        yield CombinationProblem("combine-new-products", {
            "en": f"Too many new products on one day (at most {most}): {names['en']}.",
            "tr": f"Bir günde fazla sayıda yeni ürün (en fazla {most}): {names['tr']}."})


def _of_other_plans(
    plan: Plan, sessions: Iterable[EarlierSession], other_courses: Iterable[EarlierSession]
) -> tuple[EarlierSession, ...]:
    return (*(one for one in sessions if one.indication != plan.indication), *other_courses)


def _other_days(
    plan: Plan, on: date, sessions: Iterable[EarlierSession], catalogue: Catalogue
) -> Iterator[CombinationProblem]:
    areas = _areas(_regions(plan), catalogue)
    for session in sessions:
        days = abs((on - session.on).days)
        if days == 0 or not areas & _areas(session.regions, catalogue):
            continue
        first, second = (session, plan) if session.on < on else (plan, session)
        rule, least = _days_between(first.substances, second.substances, catalogue)
        if days < least:
            yield CombinationProblem(rule, {
                "en": f"Another plan treats this area {days} days away; at least {least} days are needed.",
                "tr": f"Başka bir plan bu bölgeyi {days} gün arayla tedavi ediyor; en az {least} gün gerekir.",
            }, earliest=session.on + timedelta(days=least))


def _days_between(first: Collection[str], second: Collection[str], catalogue: Catalogue) -> tuple[str, int]:
    """The rule for two plans in one area, one after the other, with its days. A rule that names substances counts from
    the plan that holds them; between two like plans neither is "the other", so the longer of both figures holds."""
    apart, spacing = catalogue.combinations["combine-prp"], catalogue.combinations["combine-spacing"]
    if _holds(apart, first) != _holds(apart, second):
        return apart.code, (apart.days_before if _holds(apart, first) else apart.days_after) or 0
    return spacing.code, max(spacing.days_before or 0, spacing.days_after or 0)


def _holds(rule: CombinationRule, substances: Collection[str]) -> bool:
    return any(code in rule.substances for code in substances)


def farthest_days(catalogue: Catalogue) -> int:
    """How many days away another plan can still matter."""
    rules = [catalogue.combinations[code] for code in PLAN_PAIRS]
    return max(days or 0 for rule in rules for days in (rule.days_before, rule.days_after))


def _regions(plan: Plan) -> tuple[str, ...]:
    return (*plan.regions, *(syringe.region for syringe in plan.syringes if syringe.region))


def _areas(regions: Iterable[str], catalogue: Catalogue) -> frozenset[str]:
    return frozenset(
        catalogue.regions[region].group if region in catalogue.regions else region for region in regions)
