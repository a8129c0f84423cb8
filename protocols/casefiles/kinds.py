"""What every kind of case has: its fields, how it is read and run, its expectations, its reasons. Pure."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from protocols.casefiles.expecting import Expectation
from protocols.casefiles.written import Block, Keys
from protocols.definitions import Catalogue

Answer = TypeVar("Answer")

DEFAULT_DAY = date(2026, 6, 15)
DEFAULT_ZONE = "Europe/Istanbul"
COMMON: Keys = {
    "case": ("Insulin blocks", "the case in one sentence; it is printed when the case fails"),
    "kind": ("screening", "screening, mixture, course, aftercare or messages"),
    "note": ("section 7, scr-mi", "a word for the reader; not judged"),
    "expect": ("{outcome: blocked}", "what must come out; at least one expectation"),
}


@dataclass(frozen=True, slots=True)
class CaseKind(Generic[Answer]):
    """`read` takes the fields of a case and gives back what runs it; running may raise one of `refusals`, whose
    sentence a case can expect (`refused`). `reasons` says in sentences what led to the answer."""

    name: str
    means: str
    fields: Keys
    read: Callable[[Block, Catalogue], Callable[[], Answer]]
    expectations: Sequence[Expectation[Answer]]
    reasons: Callable[[Answer], list[str]]
    refusals: tuple[type[Exception], ...] = ()

    @property
    def keys(self) -> Keys:
        return {**COMMON, **self.fields}


DAY: Keys = {
    "on": ("2026-06-15", "the day of the session in the site's zone; 2026-06-15 when left out"),
    "at": ("2026-06-15 22:30Z", "its moment instead, on the site's clock or in UTC with a Z; its day in the zone counts"),
    "zone": ("Europe/Berlin", "the site's time zone, for “at”; Europe/Istanbul when left out"),
}


def day_of(block: Block) -> date:
    """The day of the case in the site's zone, from its day or its moment."""
    on, at = block.take("on"), block.take("at")
    if on is not None and at is not None:
        raise at.fail("give either “on” or “at”.")
    if at is not None:
        zone = zone_of(block)
        return at.moment(zone).astimezone(zone).date()
    return DEFAULT_DAY if on is None else on.day()


def zone_of(block: Block) -> ZoneInfo:
    written = block.take("zone")
    return ZoneInfo(DEFAULT_ZONE) if written is None else written.zone()
