"""Which stretch of the calendar is asked for, and on what wall clock it is drawn. Pure: no database.

The calendar draws wall times of the site, never the reader's own: a time goes out without a zone.
"""
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sessions.slots import Span

LONGEST_DAYS = 45
FARTHEST_DAYS = 3660
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
FEWEST_MINUTES = 15  # a visit over the hour that comes twice would end before it begins on the wall


class RangeError(ValueError):
    """`reason` is one of malformed, reversed, too-long, too-far."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Days:
    """Local days of a site, both included."""

    first: dt.date
    last: dt.date

    def __iter__(self) -> Iterator[dt.date]:
        for number in range((self.last - self.first).days + 1):
            yield self.first + dt.timedelta(days=number)


def day_of(typed: str) -> dt.date | None:
    """2026-03-12, or None for anything else."""
    if not DAY.fullmatch(typed):
        return None
    try:
        return dt.date.fromisoformat(typed)
    except ValueError:
        return None


def days_of(first: str, last: str, *, today: dt.date) -> Days:
    """The asked days. Raises `RangeError`: a range of ten years must never reach the database."""
    start, end = day_of(first), day_of(last)
    if start is None or end is None:
        raise RangeError("malformed")
    if end < start:
        raise RangeError("reversed")
    if (end - start).days >= LONGEST_DAYS:
        raise RangeError("too-long")
    if max(abs((start - today).days), abs((end - today).days)) > FARTHEST_DAYS:
        raise RangeError("too-far")
    return Days(start, end)


def week_of(day: dt.date) -> Days:
    """Monday to Sunday."""
    monday = day - dt.timedelta(days=day.weekday())
    return Days(monday, monday + dt.timedelta(days=6))


def on_the_wall(moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The site's wall time, without a zone."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def wall_span(start: dt.datetime, end: dt.datetime, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """Both ends on the wall. In the night the clocks go back the wall may say that it ended before it began: then its
    true length counts."""
    first, last = on_the_wall(start, zone), on_the_wall(end, zone)
    if last <= first:
        last = first + max(end - start, dt.timedelta(minutes=FEWEST_MINUTES))
    return first, last


def gaps(day: dt.date, spans: Iterable[Span], zone: ZoneInfo) -> list[tuple[dt.datetime, dt.datetime]]:
    """What the spans (in order) leave over of a local day, as wall times."""
    start = dt.datetime.combine(day, dt.time())
    end = start + dt.timedelta(days=1)
    found = []
    for span in spans:
        opens, closes = wall_span(span.start, span.end, zone)
        if opens > start:
            found.append((start, min(opens, end)))
        start = max(start, closes)
    if start < end:
        found.append((start, end))
    return found
