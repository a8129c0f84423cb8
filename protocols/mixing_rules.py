"""The mixing rules (`ix-`), one small evaluator per shape. Each yields a problem for everything it finds.

Pure. Which substances, forms and figures a rule means stands in the catalogue; here stands only how each shape looks.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

from patients.facts import PatientFacts
from patients.questionnaire import UNKNOWN
from protocols.choices import CheckResult, LooksAt, Role, Status
from protocols.definitions import Definition, Delivery, Indication, MixingRule, Substance, Technique, Texts
from protocols.dosing import amount_of, cream_lidocaine_mg, limit_by_weight_mg, newest_weight
from protocols.mixing_day import PlannedDay, regions_of, technique_of
from protocols.plan import Syringe
from protocols.plan_problems import PlanProblem, listed, problem

HUNDRED = Decimal(100)

STATUS_WORDS: dict[str, Texts] = {
    Status.OFF: {"en": "switched off until the medical lead enables it",
                 "tr": "sorumlu hekim etkinleştirene kadar kapalı"},
    Status.LOCKED: {"en": "locked until the medical lead records the legal basis",
                    "tr": "sorumlu hekim yasal dayanağı kaydedene kadar kilitli"},
    Status.WITHDRAWN: {"en": "withdrawn, it can never be used", "tr": "geri çekilmiş, hiçbir zaman kullanılamaz"},
}
BANNED_STATUS = "banned"
BANNED: Texts = {"en": "not allowed in this country", "tr": "bu ülkede izin verilmiyor"}
OWN_PAINKILLER: Texts = {"en": "a painkiller taken on the same day", "tr": "aynı gün alınan bir ağrı kesici"}
SEX_WORDS: dict[str, Texts] = {
    "male": {"en": "men", "tr": "erkekler"}, "female": {"en": "women", "tr": "kadınlar"},
    "other": {"en": "people without a recorded sex", "tr": "cinsiyeti kayıtlı olmayan kişiler"},
}
CATEGORY_WORDS: dict[str, Texts] = {
    "pain": {"en": "pain treatment", "tr": "ağrı tedavisi"},
    "aesthetic": {"en": "aesthetic treatment", "tr": "estetik tedavi"},
    "hair": {"en": "hair treatment", "tr": "saç tedavisi"},
    "body": {"en": "body treatment", "tr": "vücut tedavisi"},
    "vascular": {"en": "vascular treatment", "tr": "damar tedavisi"},
    "skin disease": {"en": "skin disease", "tr": "deri hastalığı"},
}
Problems = Iterator[PlanProblem]


def forbidden_form(rule: MixingRule, day: PlannedDay) -> Problems:
    """No product of these forms in a syringe; a cream on the skin is not in a mix."""
    for number, syringe in enumerate(day.plan.syringes, start=1):
        found = {code for code in _codes(syringe) if day.catalogue.substances[code].form in rule.forms}
        if found:
            yield problem(rule, day.catalogue, substances=found, syringe=number)


def forbidden(rule: MixingRule, day: PlannedDay) -> Problems:
    """None of these substances in a syringe."""
    for number, syringe in enumerate(day.plan.syringes, start=1):
        found = _codes(syringe) & rule.substances
        if found:
            yield problem(rule, day.catalogue, substances=found, syringe=number)


def together(rule: MixingRule, day: PlannedDay) -> Problems:
    """Something of one list with something of the other, in one mix, one area or on one day."""
    if rule.looks_at is LooksAt.MIX:
        for number, syringe in enumerate(day.plan.syringes, start=1):
            found = _both(rule, _codes(syringe), frozenset())
            if found:
                yield problem(rule, day.catalogue, substances=found, syringe=number)
    elif rule.looks_at is LooksAt.AREA:
        near = day.near_by_area(rule.within_days) if rule.within_days else {}
        for group, today in sorted(day.by_area().items()):
            found = _both(rule, today, near.get(group, frozenset()))
            if found:
                regions = [code for code in day.plan.regions if day.catalogue.region_group(code) == group]
                yield problem(rule, day.catalogue, substances=found, regions=regions, days=rule.within_days)
    else:
        found = _both(rule, day.substances, frozenset())
        if found:
            yield problem(rule, day.catalogue, substances=found)


def _both(rule: MixingRule, today: frozenset[str], near: frozenset[str]) -> frozenset[str]:
    """The members of both lists when both sides are met and at least one of the two is given today."""
    for one, other in ((rule.substances, rule.with_substances), (rule.with_substances, rule.substances)):
        if one & today and other & (today | near):
            return (one & today) | (other & (today | near))
    return frozenset()


def alone(rule: MixingRule, day: PlannedDay) -> Problems:
    """These products share their syringe with nothing, not even a diluent. The sentence names what must go."""
    for number, syringe in enumerate(day.plan.syringes, start=1):
        codes = _codes(syringe)
        single = codes & rule.substances
        others = codes - single if len(single) == 1 else codes
        if single and others:
            yield problem(rule, day.catalogue, substances=others, syringe=number)


def at_most_one(rule: MixingRule, day: PlannedDay) -> Problems:
    """Only one of the list on one day; for NSAIDs what the patient swallowed that day counts as well."""
    found = day.substances & rule.substances
    swallowed = _counts_painkillers(rule, day) and took_nsaid(day.facts, day.on)
    if len(found) > 1 or (found and swallowed):
        yield problem(rule, day.catalogue, substances=found, extra_names=[OWN_PAINKILLER] if swallowed else [])
    elif found and swallowed is None and rule.unknown is not None:
        yield problem(rule, day.catalogue, substances=found, unknown=True)


def _counts_painkillers(rule: MixingRule, day: PlannedDay) -> bool:
    return any("grp-nsaid" in day.catalogue.substances[code].groups for code in rule.substances)


def took_nsaid(facts: PatientFacts, on: date) -> bool | None:
    """Whether an NSAID is taken by mouth on the session day: a recorded medicine of that class counts as taken every
    day, a self-bought one by its answered date. None: one was taken, or perhaps, and nobody knows when."""
    classes = {code for medicine in facts.medicines for code in medicine.classes or ()}
    if classes & {"med-nsaid", "med-ketorolac"}:
        return True
    if facts.answers.get("q-nsaid") not in ("yes", "unsure"):
        return False
    last = str(facts.answers.get("q-nsaid-date") or UNKNOWN)
    return None if last == UNKNOWN else last == on.isoformat()


def anaesthetic_sum(rule: MixingRule, day: PlannedDay) -> Problems:
    """Two local anaesthetics on one day: always a warning; over the limit when their shares of their own limits add up
    to more than one. Lidocaine of a numbing cream counts. Compared by cross-multiplication, nothing is divided."""
    (first_code,), (second_code,) = rule.substances, rule.with_substances
    first, second = day.catalogue.substances[first_code], day.catalogue.substances[second_code]
    first_mg = _sum(day, first) + cream_lidocaine_mg(day.plans, day.catalogue)
    second_mg = _sum(day, second)
    if not first_mg or not second_mg:
        return
    weight = newest_weight(day.facts, day.on)
    by_weight = limit_by_weight_mg(first, weight.value) if weight and weight.value is not None else None
    limits = [limit for limit in (first.hard_max, by_weight) if limit is not None]
    first_limit, second_limit = min(limits), second.hard_max
    if second_limit is None or not first_limit or not second_limit:
        return
    over = first_mg * second_limit + second_mg * first_limit > first_limit * second_limit
    yield problem(
        rule, day.catalogue,
        result=CheckResult.OVER_LIMIT if over else CheckResult.WARNING,
        substances=day.substances & {first_code, second_code, "sub-la-cream"},
        amount=HUNDRED * (first_mg / first_limit + second_mg / second_limit), limit=HUNDRED, unit="%",
    )


def final_strength(rule: MixingRule, day: PlannedDay) -> Problems:
    """The strength in the finished mixture against the substance's own figure."""
    for number, syringe in enumerate(day.plan.syringes, start=1):
        for code in sorted(_codes(syringe)):
            substance = day.catalogue.substances[code]
            if substance.final_strength_max is None:
                continue
            amount = _in_syringe(syringe, substance)
            if amount > substance.final_strength_max * syringe.volume_ml:
                yield problem(
                    rule, day.catalogue, substances=[code], amount=amount / syringe.volume_ml,
                    limit=substance.final_strength_max, unit=substance.strength_unit, syringe=number)


def share_of_mix(rule: MixingRule, day: PlannedDay) -> Problems:
    """These substances may be at most so many percent of the syringe."""
    percent = rule.limits["percent"]
    for number, syringe in enumerate(day.plan.syringes, start=1):
        part = sum((one.volume_ml for one in syringe.components if one.substance in rule.substances), Decimal(0))
        if part * HUNDRED > percent * syringe.volume_ml:
            yield problem(
                rule, day.catalogue, substances=_codes(syringe) & rule.substances,
                amount=part * HUNDRED / syringe.volume_ml, limit=percent, unit="%", syringe=number)


def count(rule: MixingRule, day: PlannedDay) -> Problems:
    """How many different substances a syringe holds, diluents not counted; an anaesthetic or a complex is one."""
    for number, syringe in enumerate(day.plan.syringes, start=1):
        counted = {code for code in _codes(syringe) if day.catalogue.substances[code].role is not Role.DILUENT}
        if len(counted) >= rule.limits["warn_substances"]:
            too_many = len(counted) > rule.limits["most_substances"]
            yield problem(
                rule, day.catalogue, result=rule.result if too_many else CheckResult.WARNING, substances=counted,
                amount=Decimal(len(counted)), limit=rule.limits["most_substances"], syringe=number)


def status(rule: MixingRule, day: PlannedDay) -> Problems:
    """Everything in the plan that is off, locked or withdrawn here, or banned in the site's country."""
    catalogue, plan = day.catalogue, day.plan
    techniques = {technique_of(plan, syringe) for syringe in plan.syringes} | {plan.technique}
    entries: list[Indication | Technique | Delivery | Substance] = [
        catalogue.indications[plan.indication],
        *(catalogue.techniques[code] for code in sorted(techniques)),
        catalogue.deliveries[plan.delivery],
        *(catalogue.substances[code] for code in sorted(plan.substances)),
    ]
    for entry in entries:
        if day.country in getattr(entry, "never_in", ()):
            yield problem(rule, catalogue, substances=[entry.code], form=BANNED, status=BANNED_STATUS)
        elif entry.status is Status.WITHDRAWN or (entry.status is not Status.ON and entry.code not in day.enabled):
            yield problem(rule, catalogue, substances=[entry.code], form=STATUS_WORDS[entry.status], status=entry.status.value)
    for number, syringe in enumerate(plan.syringes, start=1):
        given = _undiluted(_codes(syringe), day)
        for mixture in catalogue.mixtures.values():
            named = _undiluted((item.substance for item in mixture.items), day)
            if day.country in mixture.never_in and given == named:
                yield problem(
                    rule, catalogue, substances=[mixture.code], form=BANNED, syringe=number, status=BANNED_STATUS)


def _undiluted(codes: Iterable[str], day: PlannedDay) -> frozenset[str]:
    """What makes a mixture what it is: leaving out or changing the diluent does not make another one of it."""
    return frozenset(code for code in codes if day.catalogue.substances[code].role is not Role.DILUENT)


def scope(rule: MixingRule, day: PlannedDay) -> Problems:
    """Substances outside their allowed categories, indications, regions, techniques or sex, and techniques or
    indications that take only certain substances."""
    plan, catalogue = day.plan, day.catalogue
    for number, syringe in enumerate(plan.syringes, start=1):
        technique = catalogue.techniques[technique_of(plan, syringe)]
        for code in sorted(_codes(syringe)):
            substance = catalogue.substances[code]
            for form in _outside(substance, day, syringe):
                yield problem(rule, catalogue, substances=[code], form=form, syringe=number)
            if substance.role is Role.DILUENT:
                continue
            for entry in (technique, catalogue.indications[plan.indication]):
                if entry.only_substances and code not in entry.only_substances:
                    names = [catalogue.substances[other].name for other in entry.only_substances]
                    yield problem(rule, catalogue, substances=[code], syringe=number, form=_place(entry, names))


def _outside(substance: Substance, day: PlannedDay, syringe: Syringe) -> Iterator[Texts]:
    """What the substance is allowed for, once per limit that this plan breaks."""
    plan, catalogue, allowed = day.plan, day.catalogue, substance.allowed
    if allowed.categories and plan.category not in allowed.categories:
        yield _words([CATEGORY_WORDS[code] for code in allowed.categories])
    if allowed.indications and plan.indication not in allowed.indications:
        yield _words([catalogue.indications[code].name for code in allowed.indications])
    if allowed.regions and not set(regions_of(plan, syringe)) <= set(allowed.regions):
        yield _words([catalogue.regions[code].name for code in allowed.regions])
    if allowed.techniques and technique_of(plan, syringe) not in allowed.techniques:
        yield _words([catalogue.techniques[code].name for code in allowed.techniques])
    if allowed.sexes and day.facts.sex not in allowed.sexes and not _released_for(substance, day):
        yield _words([SEX_WORDS[sex] for sex in allowed.sexes])


def _released_for(substance: Substance, day: PlannedDay) -> bool:
    """A substance for men may be enabled by the medical lead for people who cannot become pregnant."""
    return substance.code in day.enabled and (
        day.facts.answers.get("q-pregnant") == "na" and day.facts.answers.get("q-fertile") in ("no", "na"))


def _place(entry: Definition, names: list[Texts]) -> Texts:
    """"… (in: pain technique)": what alone a technique or an indication takes."""
    words = _words(names)
    return {lang: f"{words[lang]} ({entry.name_in(lang)})" for lang in words}


def _words(names: list[Texts]) -> Texts:
    return listed({lang: [name.get(lang, name["en"]) for name in names] for lang in ("en", "tr")})


def _codes(syringe: Syringe) -> frozenset[str]:
    return frozenset(component.substance for component in syringe.components)


def _in_syringe(syringe: Syringe, substance: Substance) -> Decimal:
    """The known amount of a substance in one syringe, in its dose unit."""
    found = (amount_of(one, substance) for one in syringe.components if one.substance == substance.code)
    return sum((amount for amount in found if amount is not None), Decimal(0))


def _sum(day: PlannedDay, substance: Substance) -> Decimal:
    """The known amount of a substance over the whole day, in its dose unit."""
    return sum((_in_syringe(syringe, substance) for _plan, syringe in day.syringes()), Decimal(0))
