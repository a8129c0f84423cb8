"""An entry's body as flat leaves: path -> value. What a form edits, a difference compares, and a `cfg` range names.

Pure. A path joins keys and 1-based list positions with dots ("clauses.1.wait.months"). Lists of words and pairs of
numbers are one leaf, because they change as a whole; so is anything else that holds no mapping.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any


def leaves(body: Mapping[str, Any]) -> dict[str, Any]:
    """Every leaf of the body by its path, in the order written. `code` is no leaf: it never changes."""
    return {path: value for path, value in _walk(body, "") if path != "code"}


def _walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _walk(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(inner, Mapping) for inner in value):
        for number, inner in enumerate(value, start=1):
            yield from _walk(inner, f"{path}.{number}")
    else:
        yield path, value


def leaf(body: Any, path: str) -> Any:
    """The value at a path, None where there is none."""
    for step in path.split("."):
        if isinstance(body, Mapping):
            body = body.get(step)
        elif isinstance(body, list) and step.isdigit() and 0 < int(step) <= len(body):
            body = body[int(step) - 1]
        else:
            return None
    return body


def with_leaf(body: Any, path: str, value: Any) -> Any:
    """A copy of the body with the value at the path; None removes the key, and mappings left empty with it.

    List positions must exist: a path never makes a list longer."""
    step, _dot, rest = path.partition(".")
    if isinstance(body, list):
        at = int(step) - 1
        return [
            inner if place != at else with_leaf(inner, rest, value) if rest else value for place, inner in enumerate(body)
        ]
    copy = dict(body or {})
    new = with_leaf(copy.get(step), rest, value) if rest else value
    if new is None or new == {}:
        copy.pop(step, None)
    else:
        copy[step] = new
    return copy


def pattern_of(path: str) -> str:
    """The path with `#` for every list position, which is how a kind of field is named."""
    return ".".join("#" if step.isdigit() else step for step in path.split("."))


def as_number(value: Any) -> Decimal | None:
    """The value as an exact number if it is one; a truth value is none, nor is anything endless or unreal."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def same(one: Any, other: Any) -> bool:
    """Equal as the catalogue means it: "5" and 5 and "5.0" are one figure."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return set(one) == set(other) and all(same(one[key], other[key]) for key in one)
    first, second = as_number(one), as_number(other)
    return first == second if first is not None and second is not None else one == other
