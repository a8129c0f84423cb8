"""Do the entries fit each other? Expands substance groups and finds every reference that leads nowhere.

Pure. A mixing rule may name a group (`grp-nsaid`) instead of codes, so that a substance added later falls under it.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from protocols import faults
from protocols.choices import MixingShape
from protocols.cycles import cycle_faults
from protocols.definitions import Catalogue, MixingRule, Substance
from protocols.faults import Fault
from protocols.resolving_screening import screening_faults

Found = tuple[str, Fault]
"""The code of the entry and what is wrong with it."""


def resolve_groups(parsed: Mapping[str, dict[str, Any]]) -> list[Found]:
    """Replaces group words in the mixing rules by the codes of their substances, in place; returns unknown groups."""
    problems: list[Found] = []
    substances: dict[str, Substance] = parsed["substances"]
    rules: dict[str, MixingRule] = parsed["mixing_rules"]
    for code, rule in rules.items():
        expanded: dict[str, frozenset[str]] = {}
        for field, words in (("substances", rule.substances), ("with_substances", rule.with_substances)):
            members: set[str] = set()
            for word in sorted(words):
                group = {member for member, substance in substances.items() if word in substance.groups}
                if word.startswith("grp-") and not group:
                    problems.append((code, Fault(faults.EMPTY_GROUP, field, {"word": word})))
                members |= group if word.startswith("grp-") else {word}
            expanded[field] = frozenset(members)
        if rule.shape is MixingShape.ANAESTHETIC_SUM and any(len(members) != 1 for members in expanded.values()):
            problems.append((code, Fault(faults.ONE_WITH_ONE)))
        rules[code] = replace(
            rule, substances=expanded["substances"], with_substances=expanded["with_substances"])
    return problems


def reference_faults(catalogue: Catalogue) -> Iterator[Found]:
    """Every reference to a code that is not in the catalogue, and every figure that contradicts another entry."""
    yield from _of_indications(catalogue)
    yield from _of_substances(catalogue)
    yield from _of_mixtures(catalogue)
    yield from _of_rules_and_texts(catalogue)
    yield from _missing_figures(catalogue)
    yield from screening_faults(catalogue)
    yield from cycle_faults(catalogue)


def _unknown(code: str, field: str, words: Iterable[str], known: Iterable[str]) -> Iterator[Found]:
    for word in sorted(set(words) - set(known)):
        yield code, Fault(faults.REFERS, field, {"word": word})


def _of_indications(catalogue: Catalogue) -> Iterator[Found]:
    for code, indication in catalogue.indications.items():
        yield from _unknown(code, "regions", indication.regions, catalogue.regions)
        yield from _unknown(code, "techniques", indication.techniques, catalogue.techniques)
        yield from _unknown(code, "only_substances", indication.only_substances, catalogue.substances)
    for code, technique in catalogue.techniques.items():
        yield from _unknown(code, "only_substances", technique.only_substances, catalogue.substances)


def _of_substances(catalogue: Catalogue) -> Iterator[Found]:
    weighed = catalogue.measurements["m-weight"].required_with if "m-weight" in catalogue.measurements else ()
    for code, substance in catalogue.substances.items():
        if substance.mg_per_kg is not None and code not in weighed:
            yield code, Fault(faults.NO_WEIGHT, "mg_per_kg")
        yield from _unknown(code, "by_region", substance.by_region, catalogue.regions)
        yield from _unknown(code, "allowed.indications", substance.allowed.indications, catalogue.indications)
        yield from _unknown(code, "allowed.regions", substance.allowed.regions, catalogue.regions)
        yield from _unknown(code, "allowed.techniques", substance.allowed.techniques, catalogue.techniques)


def _of_mixtures(catalogue: Catalogue) -> Iterator[Found]:
    for code, mixture in catalogue.mixtures.items():
        yield from _unknown(code, "indications", mixture.indications, catalogue.indications)
        yield from _unknown(code, "technique", [mixture.technique], catalogue.techniques)
        yield from _unknown(code, "total_ml_for", mixture.total_ml_for, mixture.indications)
        yield from _unknown(code, "warns", mixture.warns, catalogue.mixing_rules)
        for number, item in enumerate(mixture.items, start=1):
            yield from _unknown(code, f"items.{number}.substance", [item.substance], catalogue.substances)
            substance = catalogue.substances.get(item.substance)
            if substance is None:
                continue
            if item.strength is None and substance.strength is not None and substance.dose_unit != "ml":
                yield code, Fault(
                    faults.ITEM_STRENGTH, f"items.{number}.strength", {"word": item.substance, "unit": substance.dose_unit.value})
            if item.strength is not None and item.strength_unit != substance.strength_unit:
                yield code, Fault(faults.ITEM_UNIT, f"items.{number}.strength", {
                    "unit": item.strength_unit, "word": item.substance, "expected": substance.strength_unit or "–"})


NEEDED = (
    ("combinations", "combine-prp", "days_before"), ("combinations", "combine-prp", "days_after"),
    ("combinations", "combine-spacing", "days_before"), ("combinations", "combine-spacing", "days_after"),
    ("combinations", "combine-new-products", "most_new"), ("planner_rules", "plan-gap", "days"),
)
"""Figures that are computed with and that have no other home."""


def _missing_figures(catalogue: Catalogue) -> Iterator[Found]:
    for kind, code, field in NEEDED:
        entry = getattr(catalogue, kind).get(code)
        if entry is None:
            yield code, Fault(faults.ENTRY_MISSING)
        elif getattr(entry, field) is None:
            yield code, Fault(faults.FIGURE_MISSING, field)


def _of_rules_and_texts(catalogue: Catalogue) -> Iterator[Found]:
    sets = {word for region in catalogue.regions.values() for word in region.aftercare_sets}
    for code, rule in catalogue.mixing_rules.items():
        yield from _unknown(code, "substances", rule.substances | rule.with_substances, catalogue.substances)
    for code, instruction in catalogue.aftercare.items():
        named = {*instruction.substances, *instruction.hours_until_with, *instruction.months_until_with}
        yield from _unknown(code, "regions", instruction.regions, {*catalogue.regions, *sets})
        yield from _unknown(code, "substances", named, catalogue.substances)
        yield from _unknown(
            code, "doubled_for_indications", instruction.doubled_for_indications, catalogue.indications)
        if instruction.at_least_as_long_as:
            yield from _unknown(code, "at_least_as_long_as", [instruction.at_least_as_long_as], catalogue.aftercare)
    for code, reaction in catalogue.reactions.items():
        yield from _unknown(code, "substances", reaction.substances, catalogue.substances)
        yield from _unknown(code, "regions", reaction.regions, {*catalogue.regions, *sets})
    offered = {*catalogue.indications, *catalogue.techniques, *catalogue.deliveries, *catalogue.substances,
               *catalogue.aftercare, *catalogue.rules, *catalogue.mixtures}
    for code, refused in catalogue.refused.items():
        if refused.instead:
            yield from _unknown(code, "instead", [refused.instead], offered)
    for code, combination in catalogue.combinations.items():
        asked = catalogue.questions["q-procedure"].values if "q-procedure" in catalogue.questions else ()
        yield from _unknown(code, "procedures", combination.procedures, asked)
        yield from _unknown(code, "substances", combination.substances, catalogue.substances)
    for code, answer in catalogue.check_ins.items():
        yield from _unknown(code, "reaction", [answer.reaction] if answer.reaction else [], catalogue.reactions)
    for code, item in catalogue.consent_items.items():
        yield from _unknown(code, "indications", item.indications, catalogue.indications)
        yield from _unknown(code, "substances", item.substances, catalogue.substances)
