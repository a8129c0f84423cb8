"""The difference between two versions of a catalogue: per entry and per field, before and after, tighter or looser.

Pure. Both sides are mappings of (kind, code) to the entry's body; nothing is said about entries that are the same.
A rule of the reference keeps its clauses, so it is compared field by field; a rule of the clinic's own is compared clause
by clause, each with its former self (`protocols.clauses`).
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from protocols.clauses import (
    clause_of_path,
    ends_by_itself,
    fires_for_no_less,
    hides,
    is_dated,
    matched,
    severity_moved,
    shadows,
)
from protocols.findings import Severity
from protocols.leaves import leaf, leaves, same
from protocols.limits import Direction, direction_of, is_hard
from protocols.loading import is_of_reference

Bodies = Mapping[tuple[str, str], Mapping[str, Any]]
Clause = Mapping[str, Any]
UNTOLD = frozenset({"version"})
"""Counted up by every edit of a rule; it tells the reader nothing that the edit itself does not."""
FIRING = ("when", "scope", "wait", "also")
"""What decides whether a clause fires."""


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field that differs; `before` or `after` is None where the field is not there."""

    path: str
    before: Any
    after: Any
    direction: Direction
    is_hard: bool


@dataclass(frozen=True, slots=True)
class EntryDifference:
    """One entry that is only there after (`added`), only before (`removed`) or says something else (`changed`)."""

    kind: str
    code: str
    change: str
    body: Mapping[str, Any]
    fields: tuple[FieldDifference, ...] = ()


def compare(before: Bodies, after: Bodies) -> list[EntryDifference]:
    """Every entry that differs, in the order of the newer version, what was removed last."""
    found: list[EntryDifference] = []
    for (kind, code), body in after.items():
        old = before.get((kind, code))
        if old is None:
            found.append(EntryDifference(kind, code, "added", body))
        elif fields := tuple(compare_entry(kind, old, body)):
            found.append(EntryDifference(kind, code, "changed", body, fields))
    found += [EntryDifference(kind, code, "removed", body)
              for (kind, code), body in before.items() if (kind, code) not in after]
    return found


def compare_entry(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[FieldDifference]:
    """The fields of one entry that differ."""
    if kind != "rule":
        yield from _of_fields(kind, before, after)
    elif is_of_reference(str(before.get("code", ""))):
        yield from _of_rule(before, after)
    else:
        yield from _of_fields(kind, _without_clauses(before), _without_clauses(after))
        yield from _of_clauses(before.get("clauses", []), after.get("clauses", []), after.get("scope"))


def _without_clauses(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != "clauses"}


def _of_fields(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[FieldDifference]:
    old, new = leaves(before), leaves(after)
    for path in (*new, *(gone for gone in old if gone not in new)):
        if path in UNTOLD or same(old.get(path), new.get(path)):
            continue
        direction = direction_of(kind, path, old.get(path), new.get(path))
        yield FieldDifference(path, old.get(path), new.get(path), direction, is_hard(kind, path, before))


def _of_rule(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[FieldDifference]:
    """A rule of the reference, field by field. Where a wait becomes a note or a clearance, or back, its days only move
    between `wait` and `when`; what is looser or tighter beside that move is judged as if they had stood there before."""
    pairs = zip(before.get("clauses", []), after.get("clauses", []), strict=False)
    moved = {**before}
    if "clauses" in before:
        moved["clauses"] = [severity_moved(old, new.get("severity")) for old, new in pairs]
    beside = {found.path: found for found in _of_fields("rule", moved, after)}
    for found in _of_fields("rule", before, after):
        if found.path.startswith("clauses.") and not found.path.endswith(".severity"):
            judged = beside.pop(found.path, None) or replace(found, direction=Direction.CHANGED)
            yield _beside_its_clause(replace(judged, is_hard=found.is_hard), before, moved, after)
        else:
            yield _as_a_severity(found, moved, after)
    for judged in beside.values():
        yield _beside_its_clause(replace(judged, is_hard=is_hard("rule", judged.path, before)), before, moved, after)


def _as_a_severity(found: FieldDifference, moved: Mapping[str, Any], after: Mapping[str, Any]) -> FieldDifference:
    """A clearance that becomes a wait of some days ends by itself, which it did not before: looser, though a wait by
    itself allows less."""
    place = clause_of_path(found.path)
    if place is None or found.direction is not Direction.TIGHTENED:
        return found
    new = leaf(after, f"clauses.{place}")
    if found.before != Severity.INFO and ends_by_itself(new) and not ends_by_itself(leaf(moved, f"clauses.{place}")):
        return replace(found, direction=Direction.LOOSENED)
    return found


def _beside_its_clause(
    found: FieldDifference, before: Mapping[str, Any], moved: Mapping[str, Any], after: Mapping[str, Any]
) -> FieldDifference:
    """The first clause that holds fires. So where a stricter one stands behind, whatever else makes this one fire keeps
    that one from firing; and a wait that gets an end was endless before."""
    place = clause_of_path(found.path)
    if place is None or found.direction is Direction.REWORDED:
        return found
    field = found.path.split(".")[2]
    if field == "scope":
        found = _in_effect(found, before, after)
    old, new = leaf(moved, f"clauses.{place}"), leaf(after, f"clauses.{place}")
    if field == "wait" and is_dated(new) != is_dated(old):
        return replace(found, direction=Direction.LOOSENED if is_dated(new) else Direction.TIGHTENED)
    behind = shadows(before.get("clauses", []), place) if field in FIRING else None
    if behind is not None and found.direction is not Direction.LOOSENED and not same(found.before, found.after):
        return replace(found, direction=Direction.LOOSENED, is_hard=found.is_hard or behind == Severity.ABSOLUTE)
    return found


def _in_effect(found: FieldDifference, before: Mapping[str, Any], after: Mapping[str, Any]) -> FieldDifference:
    """A clause without words of its own counts where the whole rule does, which need not be every plan."""
    old, new = found.before or before.get("scope"), found.after or after.get("scope")
    direction = Direction.REWORDED if same(old or [], new or []) else direction_of("rule", found.path, old, new)
    return replace(found, direction=direction)


def _of_clauses(before: Sequence[Clause], after: Sequence[Clause], scope: Any) -> Iterator[FieldDifference]:
    """Each clause with its former self: one row for each that was written anew, added, taken out, or stands behind a
    laxer one now that it stood before. `scope`: the rule's, which counts where a clause has none."""
    pairs = matched(before, after)
    for old_place, new_place in pairs:
        old = before[old_place - 1] if old_place else None
        new = after[new_place - 1] if new_place else None
        is_hidden = old is not None and new is not None and _is_behind_a_laxer_one(pairs, after, old_place, new_place)
        if old is not None and new is not None and same(old, new) and not is_hidden:
            continue
        direction, hard = _direction_of_clause(before, old_place, new, scope)
        if is_hidden:
            direction, hard = Direction.LOOSENED, hard or (old or {}).get("severity") == Severity.ABSOLUTE
        yield FieldDifference(f"clauses.{new_place or old_place}", old, new, direction, hard)


def _is_behind_a_laxer_one(
    pairs: Sequence[tuple[int | None, int | None]], after: Sequence[Clause], old_place: int | None, new_place: int | None
) -> bool:
    """Whether the clause that now stands here is hidden by one that did not stand before it until now."""
    here = new_place or 0
    return any(first and first < here and (was is None or was > (old_place or 0)) and hides(after[first - 1], after[here - 1])
               for was, first in pairs)


def direction_of_clause(old: Clause | None, new: Clause | None) -> Direction:
    """One clause against its former self, wherever they stand."""
    return Direction.TIGHTENED if old is None else _direction_of_clause([old], 1, new)[0]


def _direction_of_clause(
    before: Sequence[Clause], place: int | None, new: Clause | None, scope: Any = None
) -> tuple[Direction, bool]:
    """One clause as a whole, and whether it is a hard limit: looser as soon as one of its fields is, or may be, looser."""
    if place is None:
        return Direction.TIGHTENED, False  # it stands last and fires only where nothing fired before
    old = before[place - 1]
    hard = old.get("severity") == Severity.ABSOLUTE
    if new is None:
        return Direction.LOOSENED, hard
    sides = ({"clauses": _in_place(before, place, one), "scope": scope} for one in (old, new))
    found = list(_of_rule(*sides))
    moved = severity_moved(old, new.get("severity"))
    asks_otherwise = _conditions(moved) != _conditions(new)
    loosened = [one for one in found if one.direction in (Direction.LOOSENED, Direction.CHANGED)
                and not (asks_otherwise and f".{place}.when" in one.path)]  # fmt: skip
    if loosened or (asks_otherwise and not _is_no_looser(before, place, moved, new)):
        hides_a_block = asks_otherwise and shadows(before, place) == Severity.ABSOLUTE
        return Direction.LOOSENED, hard or hides_a_block or any(one.is_hard for one in found)
    tightened = asks_otherwise or any(one.direction is Direction.TIGHTENED for one in found)
    return Direction.TIGHTENED if tightened else Direction.REWORDED, hard


def _conditions(clause: Clause) -> set[str]:
    """Which conditions there are, whatever their words and figures."""
    return {path for path in leaves(clause) if path.startswith("when")}


def _is_no_looser(before: Sequence[Clause], place: int, old: Clause, new: Clause) -> bool:
    """Other conditions that can be seen to fire for nobody less, where no stricter clause stands behind to be hidden."""
    return shadows(before, place) is None and fires_for_no_less(old.get("when"), new.get("when"))


def _in_place(clauses: Sequence[Clause], place: int, clause: Clause) -> list[Clause]:
    return [clause if at == place else one for at, one in enumerate(clauses, start=1)]
