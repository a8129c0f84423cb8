"""What is taken of one person or thing. Pure: values in, values out.

Kept in whole minutes, rounded outwards: less than a minute between two visits is no free time.
"""
from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from operator import gt
from typing import Self

from sessions.slots import Span, Stretch, minute_after, minute_of, moment_of

FOREVER = 2**62
Part = tuple[int, int]
"""From when until when something is needed, in minutes from the patient's arrival; before it they are negative."""


class Busy:
    """Busy spans of one person or thing; asks "does this touch any?" by bisection. They may overlap each other."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._starts: list[int]
        self._ends: list[int]
        self._merge((minute_of(span.start), minute_after(span.end)) for span in spans if span.start < span.end)

    @classmethod
    def of(cls, stretches: Iterable[Stretch]) -> Self:
        """The same from minutes, as they come from the database; none of them empty."""
        busy = cls()
        busy._merge(stretches)
        return busy

    def _merge(self, stretches: Iterable[Stretch]) -> None:
        ordered = sorted(stretches)
        self._starts, self._ends = [start for start, _end in ordered], [end for _start, end in ordered]
        if not any(map(gt, self._ends, self._starts[1:])):
            return  # one visit after another, as nearly always
        starts, ends, latest = [], [], -FOREVER
        for start, end in ordered:
            if start > latest:
                starts.append(start)
                ends.append(end)
                latest = end
            elif end > latest:
                ends[-1] = latest = end
        self._starts, self._ends = starts, ends

    def touches(self, span: Span) -> bool:
        # They are disjoint and ordered: those that start before our end and end after our start are a run.
        return bisect_left(self._starts, minute_after(span.end)) > bisect_right(self._ends, minute_of(span.start))

    def free_within(self, span: Span) -> Iterator[Span]:
        """What of a stretch is left over, in order."""
        start = span.start
        first, last = bisect_right(self._ends, minute_of(start)), bisect_left(self._starts, minute_after(span.end))
        for at in range(first, last):
            taken = moment_of(self._starts[at])
            if start < taken:
                yield Span(start, taken)
            start = max(start, moment_of(self._ends[at]))
        if start < span.end:
            yield Span(start, span.end)

    def arrivals(self, first: int, last: int, part: Part) -> Iterator[Stretch]:
        """The minutes from `first` to `last`, both included, at which somebody may arrive whose `part` then touches
        nothing: stretches of them, ends included, in order."""
        begins, ends = part
        for at in range(bisect_right(self._ends, first + begins), len(self._starts)):
            latest = self._starts[at] - ends
            if latest >= last:
                break
            if first <= latest:
                yield first, latest
            first = max(first, self._ends[at] - begins)
        if first <= last:
            yield first, last


NOTHING = Busy()
