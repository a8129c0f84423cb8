"""The clauses of a screening rule as the catalogue stores them: by which sign one is known, which clause became which,
and how the order they are tested in makes one hide another.

Pure.
"""
from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from protocols.findings import Severity
from protocols.leaves import as_number, same

Clause = Mapping[str, Any]
STRICTNESS = (Severity.INFO, Severity.RELATIVE, Severity.TEMPORARY, Severity.ABSOLUTE)
"""From the loosest by what each lets happen: a clearance lifts a relative at once, but no wait (section 0)."""


def sign_of(clause: Clause) -> str:
    """A short sign of what the clause says: the same clause has it wherever it stands, a reworked one has another."""
    said = json.dumps(clause, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def place_of(clauses: Sequence[Clause], sign: str) -> int | None:
    """Where (from 1) the clause with this sign stands; None where nobody has it any more."""
    return next((place for place, one in enumerate(clauses, start=1) if sign_of(one) == sign), None)


def matched(before: Sequence[Clause], after: Sequence[Clause]) -> list[tuple[int | None, int | None]]:
    """Which clause became which, by place from 1: first those that say the same wherever they stand, then the rest in
    their order. (place, None) was taken out, (None, place) was added."""
    free = list(range(1, len(after) + 1))
    pairs: list[tuple[int | None, int | None]] = []
    alone: list[int] = []
    for place, one in enumerate(before, start=1):
        twin = next((at for at in free if same(after[at - 1], one)), None)
        if twin is None:
            alone.append(place)
        else:
            free.remove(twin)
            pairs.append((place, twin))
    if len(before) > len(after) and alone:  # something was taken out: each that is left goes to the one most like it
        for at in list(free):
            likest = max(alone, key=lambda place: _likeness(before[place - 1], after[at - 1]))
            alone.remove(likest)
            free.remove(at)
            pairs.append((likest, at))
    reworked = min(len(alone), len(free))
    pairs += zip(alone[:reworked], free[:reworked], strict=True)
    pairs += [(place, None) for place in alone[reworked:]]
    pairs += [(None, at) for at in free[reworked:]]
    return sorted(pairs, key=lambda pair: (pair[1] or pair[0] or 0, pair[1] is None))


def _likeness(one: Clause, other: Clause) -> int:
    return sum(same(one.get(key), other.get(key)) for key in {*one, *other})


def clause_of_path(path: str) -> int | None:
    """The place of the clause a path leads into; None where it leads elsewhere."""
    steps = path.split(".")
    return int(steps[1]) if len(steps) > 2 and steps[0] == "clauses" and steps[1].isdigit() else None


def shadows(clauses: Sequence[Clause], place: int) -> str | None:
    """The strictest severity behind this clause among those that let less happen: where this one fires, they do not."""
    behind = [str(one.get("severity")) for one in clauses[place:] if hides(clauses[place - 1], one)]
    return max(behind, key=lambda word: _strictness({"severity": word}), default=None)


def hides(first: Clause, behind: Clause) -> bool:
    """Whether the first clause, tested before the other, keeps something stricter from firing. A clause that fires in
    addition hides nothing and is not hidden."""
    if first.get("also") or behind.get("also"):
        return False
    own, other = _strictness(first), _strictness(behind)
    return other > own or (other == own and _asks_for_more(behind, first))


def _asks_for_more(behind: Clause, first: Clause) -> bool:
    """Of two clauses of one severity: a letter or a laboratory value that the first does not ask for, a wait that ends
    later or never. Waits counted from different dates cannot be told apart, so either may be the longer."""
    match behind.get("severity"):
        case Severity.RELATIVE:
            return bool(behind.get("letter")) > bool(first.get("letter")) or any(
                not any(same(lab, other) for other in first.get("labs") or ()) for lab in behind.get("labs") or ())
        case Severity.TEMPORARY:
            return _is_later(behind.get("wait"), first.get("wait"))
        case _:
            return False


def _is_later(wait: Any, than: Any) -> bool:
    if not isinstance(than, Mapping) or same(wait, than):
        return False  # nothing ends later than a wait without an end
    if not isinstance(wait, Mapping) or wait.get("within") != than.get("within"):
        return True
    return any((as_number(wait.get(unit)) or 0) > (as_number(than.get(unit)) or 0) for unit in ("days", "months"))


def _strictness(clause: Clause) -> int:
    severity = str(clause.get("severity"))
    return STRICTNESS.index(Severity(severity)) if severity in STRICTNESS else len(STRICTNESS)


def is_dated(clause: Any) -> bool:
    """Whether its wait has an end."""
    return isinstance(clause, Mapping) and isinstance(clause.get("wait"), Mapping)


def ends_by_itself(clause: Any) -> bool:
    """Whether the clause stops firing some day without anybody doing anything: a wait of days, or a condition of days."""
    parts = _parts(clause.get("when"), "all") if isinstance(clause, Mapping) else []
    return is_dated(clause) or any(isinstance(one, Mapping) and "within" in one for one in parts)


def fires_for_no_less(old: Any, new: Any) -> bool:
    """Whether it can be seen that a condition holds wherever the old one did: one of several more, or one of all less."""
    one_more = all(any(same(part, other) for other in _parts(new, "any")) for part in _parts(old, "any"))
    one_less = all(any(same(part, other) for other in _parts(old, "all")) for part in _parts(new, "all"))
    return one_more or one_less


def _parts(when: Any, joined: str) -> list[Any]:
    """What is joined by this word; a list without one means that all must hold."""
    if isinstance(when, list):
        return when if joined == "all" else [when[0] if len(when) == 1 else when]
    if isinstance(when, Mapping) and isinstance(when.get(joined), list):
        return list(when[joined])
    return [when]


def severity_moved(clause: Clause, now: Any) -> dict[str, Any]:
    """The clause with another severity and nothing else changed. A wait that becomes a note or a clearance still fires in
    the same days only; and back again."""
    was = clause.get("severity")
    changed = {**clause, "severity": now}
    if Severity.TEMPORARY not in (was, now) or was == now:
        return changed
    when = changed.get("when")
    parts = when if isinstance(when, list) else [when]  # not inside "all": what is written stays as it is written
    if was == Severity.TEMPORARY:
        wait = changed.pop("wait", None)
        if isinstance(wait, Mapping):
            changed["when"] = [*parts, dict(wait)]
    elif dates := [part for part in parts if isinstance(part, Mapping) and "within" in part]:
        changed["wait"] = dict(dates[0])
        rest = [part for part in parts if part is not dates[0]]
        changed["when"] = rest[0] if len(rest) == 1 else rest
    return changed
