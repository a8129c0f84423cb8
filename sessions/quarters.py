"""Arrivals as the bits of one number: a month of quarters of an hour are some hundred bytes, and "free for all of them" is
one `&`. Pure.

Bit 0 stands for the minute `first` (since 1970), each bit for `step` minutes more.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import compress, count
from typing import NamedTuple

from sessions.slots import Stretch

Part = tuple[int, int]
"""From when until when something is needed, in minutes from the patient's arrival; before it they are negative."""


SET = bytes.maketrans(b"01", b"\0\1")


class Run(NamedTuple):
    """Neighbouring bits, such as those of a day."""

    low: int
    mask: int

    def of(self, arrivals: int) -> int:
        return arrivals >> self.low & self.mask


@dataclass(frozen=True, slots=True)
class Grid:
    first: int
    step: int
    width: int

    @classmethod
    def over(cls, earliest: int, latest: int, step: int) -> Grid:
        """The minutes between two, both included, that `step` divides."""
        first = -(-earliest // step) * step
        return cls(first, step, max(0, (latest - first) // step + 1))

    def run(self, earliest: int, latest: int) -> Run:
        """The bits from one minute to another, both included."""
        low = max(0, -((self.first - earliest) // self.step))
        high = min(self.width, (latest - self.first) // self.step + 1)
        return Run(low, (1 << high - low) - 1 if high > low else 0)

    def within(self, stretches: Iterable[Stretch], part: Part) -> int:
        """Arrivals whose part lies in one of the stretches. Each is `between(start - begins, end - ends)`, written out because it
        is asked thousands of times a search."""
        step, width = self.step, self.width
        before, behind = self.first + part[0], self.first + part[1] - self.step
        found = 0
        for start, end in stretches:
            low, high = -((before - start) // step), (end - behind) // step
            if low < 0:
                low = 0
            if high > width:
                high = width
            if high > low:
                found |= ((1 << high - low) - 1) << low
        return found

    def minute(self, bit: int) -> int:
        return self.first + bit * self.step


def bits_of(number: int) -> Iterator[int]:
    """Which bits are set, lowest first."""
    return compress(count(), bin(number)[:1:-1].encode().translate(SET))
