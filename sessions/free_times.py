"""Free starts: at which times somebody can come so that practitioner, room, device and patient are all free. Pure.

Nothing is tried out. A stretch in which the site is open holds arrivals; what the patient, each practitioner, each room and
each device leaves of it are stretches of arrivals again. Only in what is left at the end the grid is counted.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from zoneinfo import ZoneInfo

from sessions.busy import FOREVER, NOTHING, Busy, Part
from sessions.slots import (
    EPOCH,
    STEP_MINUTES,
    LocalDay,
    Minutes,
    Span,
    Stretch,
    Timetable,
    footprint,
    minute_after,
    minute_of,
    moment_of,
)


@dataclass(frozen=True, kw_only=True)
class Setting(Timetable):
    """All that decides what is free at one site: its timetable, and what is taken.

    Keys are row ids. `rooms` and `devices` list the usable ones in the order they are offered; `devices` is None for a
    service that needs none.
    """

    rooms: Sequence[int]
    devices: Sequence[int] | None = None
    practitioner_busy: Mapping[int, Busy] = field(default_factory=dict)
    room_busy: Mapping[int, Busy] = field(default_factory=dict)
    device_busy: Mapping[int, Busy] = field(default_factory=dict)
    patient_busy: Busy = NOTHING


@dataclass(frozen=True, slots=True)
class FreeTime:
    """A start at which everything needed is free, with the ids of what would be taken."""

    start: dt.datetime
    practitioner: int
    room: int
    device: int | None


@dataclass(frozen=True, slots=True)
class Liking:
    """Which of the free times suit somebody: weekdays (1 is Monday; empty means any), and from when until when they can
    be there, on the site's clock: they arrive no earlier and are gone no later."""

    weekdays: frozenset[int] = frozenset()
    arrive_from: dt.time | None = None
    leave_by: dt.time | None = None

    def likes_day(self, day: dt.date) -> bool:
        return not self.weekdays or day.isoweekday() in self.weekdays

    def likes(self, patient: Span, zone: ZoneInfo) -> bool:
        start, end = patient.start.astimezone(zone), patient.end.astimezone(zone)
        if self.arrive_from is not None and start.time() < self.arrive_from:
            return False
        return self.leave_by is None or (end.date() == start.date() and end.time() <= self.leave_by)


ANY_TIME = Liking()


@dataclass(frozen=True, slots=True)
class Parts:
    """The footprint of a visit, counted from the arrival."""

    patient: Part
    practitioner: Part
    room: Part
    device: Part

    @classmethod
    def of(cls, minutes: Minutes) -> Parts:
        taken = footprint(EPOCH, minutes, uses_device=True)
        spans = (taken.patient, taken.practitioner, taken.room, taken.device or taken.practitioner)
        return cls(*((minute_of(span.start), minute_of(span.end)) for span in spans))


def free_times(
    setting: Setting, minutes: Minutes, *, first_day: dt.date, last_day: dt.date, not_before: dt.datetime,
    practitioners: Sequence[int], from_time: dt.time | None = None, liking: Liking = ANY_TIME,
) -> Iterator[FreeTime]:  # fmt: skip
    """Free starts in order of time, lazily: take as many as are shown. At one start the first free practitioner, room
    and device are offered. `from_time` skips earlier wall times on the first day."""
    parts, earliest = Parts.of(minutes), minute_after(not_before)
    day = first_day
    while day <= last_day:
        if liking.likes_day(day):
            local = LocalDay.of(day, setting.zone)
            skipped = from_time if day == first_day else None
            first, last = _bounds(local, liking, skipped)
            found = _free_on(local, setting, parts, max(first, earliest), last, practitioners)
            yield from found if local.midnight is not None else _suiting(found, minutes, setting.zone, liking, skipped)
        day += dt.timedelta(days=1)


def free_at(
    start: dt.datetime, setting: Setting, minutes: Minutes, *, practitioners: Sequence[int]
) -> FreeTime | None:
    """Who and what is free for an arrival at `start`, a whole minute, or None."""
    local = LocalDay.of(start.astimezone(setting.zone).date(), setting.zone)
    parts, arrival = Parts.of(minutes), minute_of(start)
    return next(_free_on(local, setting, parts, arrival, arrival + parts.patient[1], practitioners, step=1), None)


# --- bounds of a day --------------------------------------------------------------------------------------------------
def _bounds(local: LocalDay, liking: Liking, skipped: dt.time | None) -> tuple[int, int]:
    """The first minute to arrive and the last to leave that suit. When the clock is changed one clock time may come twice and
    another not at all: then there are no bounds, and each start is asked (`_suiting`)."""
    if local.midnight is None:
        return -FOREVER, FOREVER
    begins = [local.midnight + _minutes_up(time) for time in (liking.arrive_from, skipped) if time is not None]
    return max(begins, default=-FOREVER), FOREVER if liking.leave_by is None else local.minute(liking.leave_by)


def _minutes_up(time: dt.time) -> int:
    return time.hour * 60 + time.minute + (1 if time.second or time.microsecond else 0)


def _suiting(
    found: Iterable[FreeTime], minutes: Minutes, zone: ZoneInfo, liking: Liking, skipped: dt.time | None
) -> Iterator[FreeTime]:
    for one in found:
        if skipped is not None and one.start.astimezone(zone).time() < skipped:
            continue
        if liking.likes(footprint(one.start, minutes, uses_device=False).patient, zone):
            yield one


# --- one day ----------------------------------------------------------------------------------------------------------
Piece = tuple[int, int, tuple[int, ...]]
"""Arrivals between two minutes, both included, and whom and what they would take."""
Arrivals = Callable[[int, int], Iterable[Stretch]]
"""Which of the arrivals between two minutes, both included, somebody or something is free for."""


def _free_on(
    local: LocalDay, setting: Setting, parts: Parts, first: int, last: int, practitioners: Sequence[int],
    step: int = STEP_MINUTES,
) -> Iterator[FreeTime]:  # fmt: skip
    """Starts on the grid of one day that are no earlier than the minute `first` and over by the minute `last`."""
    needed = [_people(local, setting, parts.practitioner, practitioners), _things(setting.rooms, setting.room_busy, parts.room)]
    if setting.devices is not None:
        needed.append(_things(setting.devices, setting.device_busy, parts.device))
    for opens, closes in local.stretches(setting.open_clock(local.day)):
        earliest, latest = max(opens, first), min(closes, last) - parts.patient[1]
        free = setting.patient_busy.arrivals(earliest, latest, parts.patient)
        pieces: Iterator[Piece] = ((start, end, ()) for start, end in free)
        for wanted in needed:
            pieces = _given(pieces, wanted, step)
        for start, end, (person, room, *device) in pieces:
            for minute in range(start, end + 1, step):
                yield FreeTime(moment_of(minute), person, room, device[0] if device else None)


def _people(
    local: LocalDay, setting: Setting, part: Part, practitioners: Sequence[int]
) -> list[tuple[int, Arrivals]]:
    """Each within their shifts of the day; these are worked out when somebody is asked for the first time."""
    begins, ends = part
    shifts = cache(lambda person: local.stretches(setting.working_clock(person, local.day)))

    def arrivals(person: int, first: int, last: int) -> Iterator[Stretch]:
        busy = setting.practitioner_busy.get(person, NOTHING)
        for start, end in shifts(person):
            # The cream may already numb before the shift begins.
            earliest, latest = max(first, start - begins), min(last, end - ends)
            if earliest <= latest:
                yield from busy.arrivals(earliest, latest, part)

    return [(person, partial(arrivals, person)) for person in practitioners]


def _things(keys: Sequence[int], taken: Mapping[int, Busy], part: Part) -> list[tuple[int, Arrivals]]:
    return [(key, partial(taken.get(key, NOTHING).arrivals, part=part)) for key in keys]


def _given(pieces: Iterable[Piece], wanted: Sequence[tuple[int, Arrivals]], step: int) -> Iterator[Piece]:
    """The same arrivals, each piece with the first of those wanted who is free; what nobody is free for falls away. Begins
    and ends of pieces lie on the grid, so that none is carried on that holds no start."""
    for first, last, chosen in pieces:
        left, found = [(first, last)], []
        for key, arrivals in wanted:
            still: list[Stretch] = []
            for begin, end in left:
                for start, until in arrivals(begin, end):
                    start, until = -(-start // step) * step, until // step * step
                    if start > until:
                        continue
                    found.append((start, until, (*chosen, key)))
                    if begin < start:
                        still.append((begin, start - 1))
                    begin = until + 1
                if begin <= end:
                    still.append((begin, end))
            left = still
            if not left:
                break
        yield from sorted(found)
