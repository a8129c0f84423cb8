"""The difference between two versions of a catalogue: per entry and per field, before and after, tighter or looser.

Pure. Both sides are mappings of (kind, code) to the entry's body; nothing is said about entries that are the same.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from protocols.leaves import leaves, same
from protocols.limits import Direction, direction_of, is_hard

Bodies = Mapping[tuple[str, str], Mapping[str, Any]]
UNTOLD = frozenset({"version"})
"""Counted up by every edit of a rule; it tells the reader nothing that the edit itself does not."""


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
    """The fields of one entry that differ. Where a wait becomes a note or a clearance, or back, its days only move
    between `wait` and `when`: what is looser then is told by the severity."""
    old, new = leaves(before), leaves(after)
    moved = tuple(
        path.removesuffix("severity") + part
        for path in new
        if path.endswith(".severity") and old.get(path) != new[path] and "temporary" in (old.get(path), new[path])
        for part in ("wait", "when")
    )
    for path in (*new, *(gone for gone in old if gone not in new)):
        if path in UNTOLD or same(old.get(path), new.get(path)):
            continue
        direction = direction_of(kind, path, old.get(path), new.get(path))
        yield FieldDifference(
            path, old.get(path), new.get(path), Direction.CHANGED if path.startswith(moved) else direction,
            is_hard(kind, path, before))
