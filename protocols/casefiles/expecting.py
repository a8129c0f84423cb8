"""What a case may expect, and how an expectation is held against the answer. Pure.

Each kind of case has a table of expectations: the documentation is written from it, and a case may name any of them.
Whatever a case does not name is not judged.
"""
from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from protocols.casefiles.written import Block, Keys, Written
from protocols.definitions import Catalogue

Answer = TypeVar("Answer")
Reader = Callable[[Written, Catalogue], Any]
Codes = Callable[[Catalogue], Collection[str]]

ABSENT = "not there"
"""What is got for a code that is not in the answer: that is never the same as `none`."""

REFUSED = "refused"
REFUSED_MEANS = (
    "below zero", "the input or the plan is refused, with a sentence that contains these words (or the planner's code)")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One expectation that does not hold, both sides in words."""

    key: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class Expectation(Generic[Answer]):
    """One thing a case may expect. `holds` compares what was written with what `got` takes from the answer."""

    key: str
    example: str
    means: str
    read: Reader
    got: Callable[[Answer], Any]
    holds: Callable[[Any, Any], bool] = lambda expected, got: bool(expected == got)
    part: Callable[[Any, Any], Any] = lambda _expected, got: got

    def mismatch(self, expected: Any, answer: Answer) -> Mismatch | None:
        got = self.got(answer)
        if self.holds(expected, got):
            return None
        return Mismatch(self.key, in_words(expected), in_words(self.part(expected, got)))


@dataclass(frozen=True, slots=True)
class Wanted(Generic[Answer]):
    """An expectation as one case writes it."""

    expectation: Expectation[Answer]
    value: Any


def read_expected(
    block: Block, expectations: Iterable[Expectation[Answer]], catalogue: Catalogue
) -> tuple[Wanted[Answer], ...]:
    """The expectations of a case in the order of the table."""
    found = ((one, block.take(one.key)) for one in expectations)
    return tuple(Wanted(one, one.read(written, catalogue)) for one, written in found if written is not None)


def keys_of(expectations: Iterable[Expectation[Any]]) -> Keys:
    return {one.key: (one.example, one.means) for one in expectations} | {REFUSED: REFUSED_MEANS}


# --- what can be compared --------------------------------------------------------------------------------------------
def exactly(
    key: str, example: str, means: str, known: Codes, what: str, got: Callable[[Answer], Iterable[str]]
) -> Expectation[Answer]:
    """All codes and no other, in any order."""
    return Expectation(key, example, means, codes(known, what), lambda answer: frozenset(got(answer)))


def including(
    key: str, example: str, means: str, known: Codes, what: str, got: Callable[[Answer], Iterable[str]]
) -> Expectation[Answer]:
    return Expectation(
        key, example, means, codes(known, what), lambda answer: frozenset(got(answer)),
        holds=lambda expected, found: bool(expected <= found))


def excluding(
    key: str, example: str, means: str, known: Codes, what: str, got: Callable[[Answer], Iterable[str]]
) -> Expectation[Answer]:
    return Expectation(
        key, example, means, codes(known, what), lambda answer: frozenset(got(answer)),
        holds=lambda expected, found: bool(expected.isdisjoint(found)),
        part=lambda expected, found: expected & found)


def by_code(
    key: str, example: str, means: str, read: Reader, got: Callable[[Answer], Mapping[str, Any]]
) -> Expectation[Answer]:
    """Some codes with a value each; codes that are not named are not judged."""
    return Expectation(
        key, example, means, read, got,
        holds=lambda expected, found: all(found.get(code, ABSENT) == value for code, value in expected.items()),
        part=lambda expected, found: {code: found.get(code, ABSENT) for code in expected})


# --- how values are read ---------------------------------------------------------------------------------------------
def codes(known: Codes, what: str) -> Reader:
    def read(written: Written, catalogue: Catalogue) -> frozenset[str]:
        return frozenset(one.code(known(catalogue), what) for one in written.items())

    return read


def values(known: Codes, what: str, value: Callable[[Written], Any]) -> Reader:
    """A block of codes, each with a value."""

    def read(written: Written, catalogue: Catalogue) -> dict[str, Any]:
        found = {}
        for code, one in written.pairs():
            if code not in known(catalogue):
                raise one.fail(f"there is no {what} “{code}” in this catalogue.")
            found[code] = value(one)
        return found

    return read


def word(allowed: Collection[str]) -> Reader:
    return lambda written, _catalogue: written.one_of(allowed)


def flag(written: Written, _catalogue: Catalogue) -> bool:
    return written.flag()


def whole(written: Written, _catalogue: Catalogue) -> int:
    return written.whole(least=0, most=100_000)


def numbers(written: Written, _catalogue: Catalogue) -> tuple[int, ...]:
    return tuple(one.whole(least=0, most=100_000) for one in written.items())


def days(written: Written, _catalogue: Catalogue) -> tuple[date, ...]:
    return tuple(one.day() for one in written.items())


def day_or_none(written: Written, _catalogue: Catalogue | None = None) -> date | None:
    return None if not written.is_list and not written.is_block and written.text() == "none" else written.day()


# --- how values are shown --------------------------------------------------------------------------------------------
def in_words(value: Any) -> str:
    """A value as the case file writes it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {in_words(one)}" for key, one in sorted(value.items())) or "nothing"
    if isinstance(value, frozenset | set):
        return ", ".join(sorted(map(in_words, value))) or "nothing"
    if isinstance(value, list | tuple):
        return ", ".join(map(in_words, value)) or "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, Decimal):
        return plain(value)
    return "none" if value is None else str(value)


def plain(figure: Decimal) -> str:
    """A figure without zeros at its end."""
    return f"{figure:f}".rstrip("0").rstrip(".") if "." in f"{figure:f}" else f"{figure:f}"
