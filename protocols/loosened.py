"""Which hard limits and absolute rules a version has loosened, by whom and why: what a plan with them must say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from protocols import catalogue
from protocols.clauses import sign_of
from protocols.comparing import direction_of_clause
from protocols.definitions import Catalogue, MixingRule
from protocols.leaves import same
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
    """Row by row along the chain of drafts. A field is followed by its path; a clause of a rule of the clinic's own by
    what it says, for its place changes when another one is taken out."""
    rows = CatalogueChange.objects.filter(version__in=lineage(version_id)).select_related("by").order_by("at", "pk")
    followed: dict[tuple[str, str], list[CatalogueChange]] = {}
    born_in: dict[str, int] = {}
    for row in rows:
        if row.direction in {ChangeDirection.ADDED, ChangeDirection.REMOVED} and not row.field:
            followed = {key: kept for key, kept in followed.items() if key[0] != row.code}
            born_in[row.code] = row.version_id
        elif born_in.get(row.code) != row.version_id:  # before its first version counted, nothing of it was in force
            earlier = followed.pop(row_key(row.code, row.field, None, row.before), [])
            followed[row_key(row.code, row.field, row.before, row.after)] = [*earlier, row]
    return tuple(found for chain in followed.values() if (found := _looser_at_last(chain)) is not None)


def _looser_at_last(chain: Sequence[CatalogueChange]) -> Loosening | None:
    """What the rows of one field come to: looser than where it began, and by whose decision."""
    first, last = chain[0], chain[-1]
    told = next((row for row in reversed(chain) if row.direction == ChangeDirection.LOOSENED), None)
    if told is None or not (first.is_hard or told.is_hard) or same(first.before, last.after):
        return None
    seen_by_itself = _judged(told.kind, told.field, told.before, told.after) is Direction.LOOSENED
    if seen_by_itself and _judged(first.kind, first.field, first.before, last.after) is not Direction.LOOSENED:
        return None
    return Loosening(told.kind, told.code, last.field, first.before, last.after, told.reason, told.by.name, told.at)


def row_key(code: str, field: str, before: Any, after: Any) -> tuple[str, str]:
    """By what a changed field is known: a clause as a whole by what it says now (or last said), any other by its path."""
    clause = after if isinstance(after, Mapping) else before
    return (code, sign_of(clause)) if isinstance(clause, Mapping) and field.startswith("clauses.") else (code, field)


def _judged(kind: str, field: str, before: Any, after: Any) -> Direction:
    if isinstance(before, Mapping) or isinstance(after, Mapping):
        return direction_of_clause(before, after)
    return direction_of(kind, field, before, after)


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
    """Whether a plan with these words has to do with it: by what the entry names now, or named before it was loosened."""
    match one.kind:
        case "rule":
            return _rule_touches(rules.rules.get(one.code), planned) or _named_before(one, "scope", planned, rules)
        case "mixing_rule":
            return _mixing_touches(rules.mixing_rules.get(one.code), planned) or _named_before(one, "substances", planned, rules)
        case "medicine_class":
            found = rules.medicine_classes.get(one.code)
            named = found is not None and any(planned & set(effect.substances) for effect in found.effects)
            return named or _named_before(one, "substances", planned, rules)
        case "start_gate" | "measurement" | "combination" | "planner_rule" | "house_rule":
            return True
        case _:
            return one.code in planned


def _named_before(one: Loosening, what: str, planned: frozenset[str], rules: Catalogue) -> bool:
    """Whether the words that narrowed this down (or that it named) before met the plan; no words: every plan."""
    if isinstance(one.before, Mapping):
        before = one.before.get(what)
    elif one.field.rpartition(".")[2].endswith(what):
        before = one.before
    else:
        return False
    words = set(before if isinstance(before, list) else [before] if before else [])
    groups = {code for code, substance in rules.substances.items() if words & substance.groups}
    return not words or bool(planned & (words | groups))


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
    return {row_key(row.code, row.field, row.before, row.after): row for row in rows}
