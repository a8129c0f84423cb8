"""Which hard limits and absolute rules a version has loosened, by whom and why: what a plan with them must say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from protocols import catalogue
from protocols.clauses import sign_of
from protocols.comparing import compare_entry, direction_of_clause
from protocols.definitions import Catalogue, MixingRule
from protocols.leaves import same
from protocols.limits import Direction, direction_of, is_hard
from protocols.models import CatalogueChange, CatalogueEntry, CatalogueVersion
from protocols.models.catalogue import ChangeDirection, VersionState
from protocols.rules import Rule


@dataclass(frozen=True, slots=True)
class Loosening:
    """A limit that is looser than in the reference it comes from: the first figure, the one that counts, who and why.
    Of a whole rule that was taken out `field` is empty and `before` its body."""

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
    rows = CatalogueChange.objects.filter(version__in=lineage(version_id)).select_related("by", "version").order_by("at", "pk")
    followed: list[list[CatalogueChange]] = []
    born_in: dict[str, int] = {}
    gone: list[Loosening] = []
    for row in rows:
        is_in_force = born_in.get(row.code) != row.version_id  # before its first version counted, nothing of it was
        if row.direction in {ChangeDirection.ADDED, ChangeDirection.REMOVED} and not row.field:
            followed = [chain for chain in followed if chain[0].code != row.code]
            if row.direction == ChangeDirection.REMOVED and is_in_force and (found := _taken_out(row)) is not None:
                gone.append(found)
            born_in[row.code] = row.version_id
        elif is_in_force:
            _follow(followed, row)
    return (*gone, *(found for chain in followed if (found := _looser_at_last(chain, version_id)) is not None))


def _follow(followed: list[list[CatalogueChange]], row: CatalogueChange) -> None:
    """Put a row to those of the same field, which then stand last. A clause that is added goes on from the same one that
    was taken out, so that both together tell what became of it."""
    is_added = _is_clause(row.after) and not _is_clause(row.before)
    key = row_key(row.code, row.field, None, row.after if is_added else row.before)
    for chain in reversed(followed):
        last = chain[-1]
        is_there = not _is_clause(last.before) or _is_clause(last.after)
        if row_key(last.code, last.field, last.before, last.after) == key and is_there != is_added:
            followed.remove(chain)
            followed.append([*chain, row])
            return
    followed.append([row])


def _is_clause(value: Any) -> bool:
    return isinstance(value, Mapping)


def _taken_out(row: CatalogueChange) -> Loosening | None:
    """A rule of the clinic's own that is gone, if it blocked: its limit is the loosest there is."""
    entry = CatalogueEntry.objects.filter(version=row.version.based_on_id, code=row.code).first()
    if entry is None or entry.kind not in ("rule", "mixing_rule") or not is_hard(entry.kind, "result", entry.body):
        return None
    return Loosening(row.kind, row.code, "", entry.body, None, row.reason, row.by.name, row.at)


def _looser_at_last(chain: Sequence[CatalogueChange], version_id: int) -> Loosening | None:
    """What the rows of one field come to: looser than where it began, and by whose decision."""
    first, last = chain[0], chain[-1]
    loosened = [row for row in chain if row.direction == ChangeDirection.LOOSENED]
    if not loosened or not any(row.is_hard for row in (first, *loosened)):
        return None
    told = loosened[-1]
    if same(first.before, last.after):
        if not _is_clause(last.after) or not _is_hidden_now(first, last, version_id):
            return None
    elif (all(_judged(row.kind, row.field, row.before, row.after) is Direction.LOOSENED for row in loosened)
          and _judged(first.kind, first.field, first.before, last.after) is not Direction.LOOSENED):  # fmt: skip
        return None  # nothing was looser only by what it hid, and all of it together is not looser
    return Loosening(told.kind, told.code, last.field, first.before, last.after, told.reason, told.by.name, told.at)


def _is_hidden_now(first: CatalogueChange, last: CatalogueChange, version_id: int) -> bool:
    """Whether a clause that says what it always said stands behind a laxer one now, which it did not where this began."""
    entries = CatalogueEntry.objects.filter(version__in=[first.version.based_on_id, version_id], code=first.code)
    bodies: dict[int, Mapping[str, Any]] = {entry.version_id: entry.body for entry in entries}
    before, now = bodies.get(first.version.based_on_id or 0), bodies.get(version_id)
    return before is not None and now is not None and any(
        same(one.after, last.after) and one.direction is Direction.LOOSENED for one in compare_entry("rule", before, now))


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
    before: Any
    if not one.field and one.kind == "rule":  # the whole rule is gone: where any of its clauses counted
        scopes = [clause.get(what) or one.before.get(what) for clause in one.before.get("clauses", [])]
        before = [word for scope in scopes for word in scope] if all(scopes) else []
    elif not one.field:
        before = [*one.before.get("substances", []), *one.before.get("with_substances", [])]
    elif isinstance(one.before, Mapping):
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
