"""Cases of kind mixture: is this plan fit to be given to this patient on this day, beside everything else? Pure."""
from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from patients.facts import PatientFacts
from protocols.casefiles.expecting import (
    Expectation,
    by_code,
    day_or_none,
    exactly,
    excluding,
    including,
    plain,
    values,
    word,
)
from protocols.casefiles.kinds import DAY, CaseKind, day_of
from protocols.casefiles.patients import read_patient
from protocols.casefiles.plans import read_plan
from protocols.casefiles.written import Block, Keys, Written
from protocols.choices import CheckResult, Status
from protocols.combining import CombinationProblem, check_combination, new_products
from protocols.definitions import Catalogue
from protocols.mixing import PlanCheck, PlanError, check_plan
from protocols.mixing_rules import BANNED_STATUS
from protocols.plan import Plan

FIELDS: Keys = {
    **DAY,
    "patient": ("{measurements: {m-weight: 50}}", "what differs from the healthy person; its sessions count too"),
    "plan": ("{indication: ind-aga, mixture: ck-hair-minox}", "the plan that is judged"),
    "same_day": ("[{indication: ind-hands, mixture: ck-face-hydra}]", "the patient's other plans of that day"),
    "enabled": ("[sub-dmae]", "what the medical lead enabled for this site"),
    "country": ("FR", "the site's country in two capital letters; none when left out"),
}
WHOLE_SESSION = "session"
UNKNOWN_AMOUNT = "unknown"
RESULTS = [one.value for one in CheckResult]


@dataclass(frozen=True, slots=True)
class Mixed:
    """The check of the plan, what stands against it beside the patient's other plans, and what is new that day."""

    check: PlanCheck
    combination: tuple[CombinationProblem, ...]
    new: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Run:
    facts: PatientFacts
    plan: Plan
    on: date
    same_day: tuple[Plan, ...]
    enabled: frozenset[str]
    country: str
    catalogue: Catalogue

    def __call__(self) -> Mixed:
        new = frozenset[str]().union(*(
            new_products(plan=one, facts=self.facts, on=self.on, catalogue=self.catalogue)
            for one in (self.plan, *self.same_day)))
        return Mixed(
            check_plan(
                plan=self.plan, facts=self.facts, on=self.on, catalogue=self.catalogue, same_day=self.same_day,
                enabled=self.enabled, country=self.country),
            check_combination(
                plan=self.plan, on=self.on, catalogue=self.catalogue, same_day=self.same_day,
                sessions=self.facts.sessions, new_products=new),
            new,
        )


def read(block: Block, catalogue: Catalogue) -> Callable[[], Mixed]:
    on, country = day_of(block), block.take("country")
    return _Run(
        facts=read_patient(block.take("patient"), on=on, catalogue=catalogue),
        plan=read_plan(block.need("plan"), catalogue),
        on=on,
        same_day=tuple(read_plan(one, catalogue) for one in block.each("same_day")),
        enabled=frozenset(one.code(_can_be_enabled(catalogue), "entry") for one in block.each("enabled")),
        country="" if country is None else _country(country),
        catalogue=catalogue,
    )


def _can_be_enabled(catalogue: Catalogue) -> frozenset[str]:
    return frozenset({
        *catalogue.substances, *catalogue.indications, *catalogue.techniques, *catalogue.deliveries})


def _country(written: Written) -> str:
    word = written.text()
    if len(word) != 2 or not (word.isascii() and word.isalpha() and word.isupper()):
        raise written.fail(f"“{word}” is not a country in two capital letters, such as FR.")
    return word


def reasons(answer: Mixed) -> list[str]:
    """Every problem, the sums of the day, and what stands against the combination."""
    check = answer.check
    lines = [
        f"{one.code}, {one.result}{f', syringe {one.syringe}' if one.syringe else ''}: {one.text('en')} "
        f"Source {one.source or one.mark}." for one in check.problems]
    lines += [f"{one.code}: {one.text('en')} Source {one.source}." for one in answer.combination]
    sums = ", ".join(f"{code} {total}" for code, total in _totals(answer).items())
    lines += [f"new that day, to be tested first: {', '.join(sorted(answer.new))}"] if answer.new else []
    return [*lines, f"the day's sums are {sums or 'nothing'}"]


def _results(answer: Mixed) -> dict[str, str]:
    """The worst result per code."""
    found: dict[str, list[CheckResult]] = {}
    for one in answer.check.problems:
        found.setdefault(one.code, []).append(one.result)
    return {code: CheckResult.worst(results).value for code, results in found.items()}


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure with its unit; 12 mg and 12.0 mg are the same. No figure: a strength is not known."""

    figure: Decimal | None
    unit: str

    def __str__(self) -> str:
        return UNKNOWN_AMOUNT if self.figure is None else f"{plain(self.figure)} {self.unit}"


def _amount(written: Written) -> Amount:
    if written.text() == UNKNOWN_AMOUNT:
        return Amount(None, "")
    figure, unit = written.quantity()
    return Amount(figure, unit)


def _totals(answer: Mixed) -> dict[str, Amount]:
    return {
        one.substance: Amount(one.amount, one.unit if one.amount is not None else "") for one in answer.check.totals}


def _weight_limits(answer: Mixed) -> dict[str, Amount]:
    return {
        one.substance: Amount(one.limit_by_weight, one.unit if one.limit_by_weight is not None else "")
        for one in answer.check.totals}


def _volumes(answer: Mixed) -> dict[str, Amount]:
    found: dict[str, Amount] = {}
    for one in answer.check.volumes:
        found[one.region or WHOLE_SESSION] = Amount(one.volume_ml, "ml")
    return found


def _about(answer: Mixed) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for one in answer.check.problems:
        found[one.code] = found.get(one.code, frozenset()) | frozenset(one.substances)
    return found


def _entries(catalogue: Catalogue) -> Collection[str]:
    return (*_can_be_enabled(catalogue), *catalogue.mixtures)


def _not_usable(answer: Mixed) -> dict[str, str]:
    return {code: one.status for one in answer.check.problems if one.status for code in one.substances}


def _earliest(answer: Mixed) -> Mapping[str, date | None]:
    found: dict[str, date | None] = {}
    for one in answer.combination:
        known = found.get(one.code)
        found[one.code] = one.earliest if known is None or one.earliest is None else max(known, one.earliest)
    return found


def _rules(catalogue: Catalogue) -> Collection[str]:
    return catalogue.mixing_rules


def _substances(catalogue: Catalogue) -> Collection[str]:
    return catalogue.substances


def _places(catalogue: Catalogue) -> Collection[str]:
    return (*catalogue.regions, WHOLE_SESSION)


COMBINATIONS = ("combine-same-area", "combine-spacing", "combine-prp", "combine-new-products")
NOT_USABLE = (Status.OFF.value, Status.LOCKED.value, Status.WITHDRAWN.value, BANNED_STATUS)
RULE = "mixing rule"

EXPECTATIONS: tuple[Expectation[Mixed], ...] = (
    Expectation("result", "warning", "the worst result: " + ", ".join(RESULTS), word(RESULTS),
                lambda answer: answer.check.result.value),
    exactly("codes", "[ix-vitc-b]", "every rule that found something, and no other; `[]`: none", _rules, RULE,
            lambda answer: answer.check.codes),
    including("codes_include", "[ix-vitc-b]", "rules that found something, perhaps beside others", _rules, RULE,
              lambda answer: answer.check.codes),
    excluding("codes_exclude", "[ix-alone]", "rules that found nothing", _rules, RULE,
              lambda answer: answer.check.codes),
    by_code("results", "{dose-max: over-limit}", "per rule: its worst result",
            values(_rules, RULE, lambda one: one.one_of(RESULTS)), _results),
    by_code("substances", "{ix-alone: [sub-nacl]}", "per rule: the codes it names, all of them",
            values(_rules, RULE, lambda one: frozenset(item.text() for item in one.items())), _about),
    by_code("not_usable", "{sub-dmae: off}", "per entry of the plan: why it is not usable: " + ", ".join(NOT_USABLE),
            values(_entries, "entry", lambda one: one.one_of(NOT_USABLE)), _not_usable),
    by_code("totals", "{sub-lidocaine: 60 mg}",
            "per substance: the sum of the day (for lidocaine with its share of the cream), or `unknown`",
            values(_substances, "substance", _amount), _totals),
    by_code("limits_by_weight", "{sub-lidocaine: 292.5 mg}", "per substance: the limit for this weight, or `unknown`",
            values(_substances, "substance", _amount), _weight_limits),
    by_code("volumes", "{reg-face: 4 ml, session: 4 ml}", "per region, and of the whole session: ml of the day",
            values(_places, "region", _amount), _volumes),
    exactly("combination", "[combine-spacing]",
            "what stands against it beside other plans: " + ", ".join(COMBINATIONS) + "; `[]`: nothing",
            lambda _catalogue: COMBINATIONS, "combination rule",
            lambda answer: [one.code for one in answer.combination]),
    exactly("new", "[sub-ha-nc]",
            "the products of the day that need an allergy test first: not given here without a reaction within the last "
            "12 months, all of them", _substances, "substance", lambda answer: answer.new),
    by_code("earliest", "{combine-spacing: 2026-06-22}", "per combination rule: the first day it allows, or `none`",
            values(lambda _catalogue: COMBINATIONS, "combination rule", day_or_none), _earliest),
)

KIND: CaseKind[Mixed] = CaseKind(
    name="mixture",
    means="Is this plan fit to be given to this patient on this day, beside everything else they get?",
    fields=FIELDS,
    read=read,
    expectations=EXPECTATIONS,
    reasons=reasons,
    refusals=(PlanError,),
)
