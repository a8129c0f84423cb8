"""Which hard limits and absolute rules a version has loosened, by whom and why: what a plan with them must say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from protocols import catalogue
from protocols.definitions import Catalogue, MixingRule
from protocols.limits import Direction, direction_of
from protocols.models import CatalogueChange, CatalogueVersion
from protocols.models.catalogue import ChangeDirection, VersionState
from protocols.rules import Rule


@dataclass(frozen=True, slots=True)
class Loosening:
    """A limit that is looser than in the reference it comes from: the first figure, the one that counts, who and why."""

    kind: str
    code: str
    field: str
    before: Any
    after: Any
    reason: str
    by: str
    at: dt.datetime


def standing(version: CatalogueVersion) -> tuple[Loosening, ...]:
    """Every hard limit that is looser in this version than where its chain of drafts began, newest decision told."""
    if version.state in {VersionState.PUBLISHED, VersionState.RETIRED}:
        return _frozen(version.pk, version.digest)
    return _standing(version.pk)


def lineage(version_id: int) -> list[int]:
    """The version and everything it was based on, newest first."""
    parents = dict(CatalogueVersion.objects.values_list("pk", "based_on_id"))
    chain: list[int] = []
    at: int | None = version_id
    while at is not None:
        chain.append(at)
        at = parents.get(at)
    return chain


@lru_cache(maxsize=8)
def _frozen(version_id: int, digest: str) -> tuple[Loosening, ...]:
    return _standing(version_id)


def _standing(version_id: int) -> tuple[Loosening, ...]:
    rows = CatalogueChange.objects.filter(version__in=lineage(version_id)).select_related("by").order_by("at", "pk")
    first: dict[tuple[str, str], CatalogueChange] = {}
    last: dict[tuple[str, str], CatalogueChange] = {}
    told: dict[tuple[str, str], CatalogueChange] = {}
    for row in rows:
        if row.direction in {ChangeDirection.ADDED, ChangeDirection.REMOVED}:
            first = {key: kept for key, kept in first.items() if key[0] != row.code}
            continue
        key = (row.code, row.field)
        first.setdefault(key, row)
        last[key] = row
        if row.direction == ChangeDirection.LOOSENED:
            told[key] = row
    return tuple(
        Loosening(row.kind, row.code, row.field, row.before, last[key].after, told[key].reason, told[key].by.name, told[key].at)
        for key, row in first.items()
        if key in told
        and (row.is_hard or told[key].is_hard)
        and direction_of(row.kind, row.field, row.before, last[key].after) is Direction.LOOSENED
    )


def touching(version: CatalogueVersion, words: Iterable[str]) -> list[Loosening]:
    """What a plan with these words (codes of its parts, its category) must say. A rule without a scope touches every
    plan, a start gate and a measurement too."""
    planned = frozenset(words)
    loosened = standing(version)
    if not loosened:
        return []
    rules = catalogue.load(version)
    return [one for one in loosened if _touches(one, planned, rules)]


def _touches(one: Loosening, planned: frozenset[str], rules: Catalogue) -> bool:
    match one.kind:
        case "rule":
            return _rule_touches(rules.rules.get(one.code), planned)
        case "mixing_rule":
            return _mixing_touches(rules.mixing_rules.get(one.code), planned)
        case "medicine_class":
            found = rules.medicine_classes.get(one.code)
            return found is not None and any(planned & set(effect.substances) for effect in found.effects)
        case "start_gate" | "measurement" | "combination" | "planner_rule" | "house_rule":
            return True
        case _:
            return one.code in planned


def _rule_touches(rule: Rule | None, planned: frozenset[str]) -> bool:
    return rule is not None and any(not clause.scope or planned & set(clause.scope) for clause in rule.clauses)


def _mixing_touches(rule: MixingRule | None, planned: frozenset[str]) -> bool:
    if rule is None:
        return False
    named = rule.substances | rule.with_substances
    return not named or bool(planned & named)


def decided(version: CatalogueVersion, than: CatalogueVersion) -> Mapping[tuple[str, str], CatalogueChange]:
    """Who changed what, and why, on the way from one version to the other: the last row per entry and field."""
    one, other = set(lineage(version.pk)), set(lineage(than.pk))
    rows = CatalogueChange.objects.filter(version__in=one ^ other).select_related("by").order_by("at", "pk")
    return {(row.code, row.field): row for row in rows}
