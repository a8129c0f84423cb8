"""Does an entry depend on itself? Instructions that are at least as long as each other, questions that wait for each
other: neither could ever be worked out.

Pure. Both graphs are small, so every entry's own chain is simply followed.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from protocols import faults
from protocols.definitions import Catalogue
from protocols.faults import Fault

Found = tuple[str, Fault]


def cycle_faults(catalogue: Catalogue) -> Iterator[Found]:
    """Each circle once, named by its first entry in file order."""
    longer = {code: (rule.at_least_as_long_as,) if rule.at_least_as_long_as else ()
              for code, rule in catalogue.aftercare.items()}
    for circle in circles(longer):
        yield circle[0], Fault(faults.CIRCLE, "at_least_as_long_as", {"way": " → ".join(circle)})
    owner: dict[str, str] = {}
    waits: dict[str, tuple[str, ...]] = {}
    for code, question in catalogue.questions.items():
        for follow_up in question.follow_ups:
            owner[follow_up.key] = code
            waits[follow_up.key] = tuple(holds.key for holds in (*follow_up.when, *follow_up.offered_when))
    for circle in circles(waits):
        yield owner[circle[0]], Fault(faults.ASKED_AFTER_ITSELF, "follow_ups", {"way": " → ".join(circle)})


def circles(points: Mapping[str, Iterable[str]]) -> list[tuple[str, ...]]:
    """Every circle of the graph, written from its first point back to that point; points that nobody knows end a way."""
    found: list[tuple[str, ...]] = []
    done: set[str] = set()
    for start in points:
        _follow(start, (), points, done, found)
    return found


def _follow(
    at: str, way: tuple[str, ...], points: Mapping[str, Iterable[str]], done: set[str], found: list[tuple[str, ...]]
) -> None:
    if at in way:
        found.append((*way[way.index(at):], at))
        return
    if at in done:
        return
    for following in points.get(at, ()):
        _follow(following, (*way, at), points, done, found)
    done.add(at)
