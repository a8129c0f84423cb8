"""What is taken of one person or thing. Pure: values in, values out.

Kept in whole minutes, rounded outwards: less than a minute between two visits is no free time.
"""
from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import gt
from typing import Self

from sessions.quarters import Grid, Part
from sessions.slots import Span, minute_after, minute_of, moment_of

FOREVER = 2**62
StartsAndEnds = Sequence[Sequence[int]]
"""The minutes at which some spans start, and those at which they end; none of them empty."""


class Busy:
    """Busy spans of one person or thing; asks "does this touch any?" by bisection. They may overlap each other."""

    __slots__ = ("_ends", "_starts")
    _starts: list[int]
    _ends: list[int]

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        kept = [span for span in spans if span.start < span.end]
        self._keep([minute_of(span.start) for span in kept], [minute_after(span.end) for span in kept])

    @classmethod
    def of(cls, *taken: StartsAndEnds) -> Self:
        """The same from minutes, as they come from the database."""
        busy = cls.__new__(cls)
        busy._keep(chain.from_iterable(starts for starts, _ends in taken), chain.from_iterable(ends for _starts, ends in taken))
        return busy

    def _keep(self, starts: Iterable[int], ends: Iterable[int]) -> None:
        # What is covered depends on the starts and on the ends, not on which start belongs to which end.
        self._starts, self._ends = sorted(starts), sorted(ends)
        if any(map(gt, self._ends, self._starts[1:])):
            self._merge()  # otherwise one visit after another, as nearly always

    def _merge(self) -> None:
        starts, ends, latest = [], [], -FOREVER
        for start, end in zip(self._starts, self._ends, strict=True):
            if start > latest:
                starts.append(start)
                ends.append(end)
            else:
                ends[-1] = end
            latest = end
        self._starts, self._ends = starts, ends

    def touches(self, span: Span) -> bool:
        return self.touched_by(minute_of(span.start), minute_after(span.end))

    def touched_by(self, start: int, end: int) -> bool:
        # They are disjoint and ordered: those that start before our end and end after our start are a run.
        return bisect_left(self._starts, end) > bisect_right(self._ends, start)

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

    def arrivals(self, grid: Grid, part: Part) -> int:
        """The arrivals of the grid at which `part` touches nothing."""
        begins, ends = part
        first = bisect_right(self._ends, grid.first + begins)
        last = bisect_left(self._starts, grid.minute(grid.width) + ends)
        gaps = zip([-FOREVER, *self._ends[first:last]], [*self._starts[first:last], FOREVER], strict=True)
        return grid.within((gap for gap in gaps if gap[1] - gap[0] >= ends - begins), part)


NOTHING = Busy()
