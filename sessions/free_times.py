"""Free starts: at which times somebody can come so that practitioner, room, device and patient are all free. Pure.

Nothing is tried out one by one. The quarters of an hour of some days are the bits of a number (`sessions.quarters`): those at
which the site is open and that are liked, without those at which the patient is taken, then without those for which no room,
no device and nobody is free. Only in what is left at the end it is asked who and which it is.
"""
from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sessions.busy import FOREVER, NOTHING, Busy
from sessions.quarters import Grid, Part, Run, bits_of
from sessions.slots import (
    EPOCH,
    STEP_MINUTES,
    Clock,
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


class FreeTime(NamedTuple):
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
    parts, earliest, at_once = Parts.of(minutes), minute_after(not_before), FEW_DAYS
    days = _open_days(setting, first_day, last_day, liking)
    while some := list(islice(days, at_once)):
        look = Look(some, setting, parts)
        liked = 0
        for day in some:
            begin, end = _bounds(day.local, liking, from_time if day.local.day == first_day else None)
            liked |= look.arrivals_on(day, max(begin, earliest), end)
        for local, found in look.free(liked, practitioners):
            skipped = from_time if local.day == first_day else None
            yield from found if local.midnight is not None else _suiting(found, minutes, setting.zone, liking, skipped)
        at_once = min(2 * at_once, MANY_DAYS)


def free_at(
    start: dt.datetime, setting: Setting, minutes: Minutes, *, practitioners: Sequence[int]
) -> FreeTime | None:
    """Who and what is free for an arrival at `start`, a whole minute, or None."""
    local = LocalDay.of(start.astimezone(setting.zone).date(), setting.zone)
    parts, arrival = Parts.of(minutes), minute_of(start)

    def within(clock: Iterable[Clock], part: Part) -> bool:
        return any(begin <= arrival + part[0] and arrival + part[1] <= end for begin, end in local.stretches(clock))

    def first_free(keys: Iterable[int], taken: Mapping[int, Busy], part: Part) -> int | None:
        begin, end = arrival + part[0], arrival + part[1]
        return next((key for key in keys if not taken.get(key, NOTHING).touched_by(begin, end)), None)

    if not within(setting.open_clock(local.day), parts.patient):
        return None
    if setting.patient_busy.touched_by(arrival, arrival + parts.patient[1]):
        return None
    at_work = (key for key in practitioners if within(setting.working_clock(key, local.day), parts.practitioner))
    person = first_free(at_work, setting.practitioner_busy, parts.practitioner)
    room = first_free(setting.rooms, setting.room_busy, parts.room)
    device = first_free(setting.devices or (), setting.device_busy, parts.device)
    if person is None or room is None or (device is None and setting.devices is not None):
        return None
    return FreeTime(start, person, room, device)


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


# --- some days --------------------------------------------------------------------------------------------------------
FEW_DAYS, MANY_DAYS = 8, 64  # looked at together: few at first, because most searches end there, then twice as many each time
DAY = 24 * 60
LATER = [dt.timedelta(minutes=bit * STEP_MINUTES) for bit in range(3 * DAY // STEP_MINUTES)]
Narrowing = Callable[[int, int], int]
"""Which of some arrivals suit somebody or something."""


class OpenDay(NamedTuple):
    local: LocalDay
    hours: list[Stretch]


Claim = tuple[int, int]
"""Somebody or something, and the arrivals for which it is the first that is free."""


def _open_days(setting: Setting, first: dt.date, last: dt.date, liking: Liking) -> Iterator[OpenDay]:
    day = first
    while day <= last:
        if liking.likes_day(day):
            local = LocalDay.of(day, setting.zone)
            if hours := local.stretches(setting.open_clock(day)):
                yield OpenDay(local, hours)
        day += dt.timedelta(days=1)


class Look:
    """Some days on which the site is open, looked at together."""

    def __init__(self, days: Sequence[OpenDay], setting: Setting, parts: Parts) -> None:
        self.setting, self.parts = setting, parts
        # From days before the first: each day is counted from the midnight before its own.
        self.grid = Grid.over(days[0].hours[0][0] - 3 * DAY, days[-1].hours[-1][1], STEP_MINUTES)
        self.days = [(day, self.grid.run(day.hours[0][0], day.hours[-1][1] - parts.patient[1])) for day in days]
        self._shapes: dict[tuple[Clock, ...], int] = {}
        # Days of one weekday have the same bits, each further up: where they begin is what a shift is multiplied by.
        self._alike: dict[int, int] = defaultdict(int)
        self._unlike: list[tuple[OpenDay, Run]] = []
        for day, run in self.days:
            begin, odd = divmod((day.local.midnight or 0) - DAY - self.grid.first, STEP_MINUTES)
            if day.local.midnight is None or odd:
                self._unlike.append((day, run))
            else:
                self._alike[day.local.day.isoweekday()] |= 1 << begin

    def arrivals_on(self, day: OpenDay, first: int, last: int) -> int:
        """Arrivals in the hours of a day that are no earlier than the minute `first` and over by the minute `last`."""
        return self.grid.within(((max(opens, first), min(closes, last)) for opens, closes in day.hours), self.parts.patient)

    def free(self, arrivals: int, practitioners: Sequence[int]) -> Iterator[tuple[LocalDay, list[FreeTime]]]:
        """What is free of these arrivals, day by day."""
        setting, parts = self.setting, self.parts
        arrivals &= setting.patient_busy.arrivals(self.grid, parts.patient)
        rooms, arrivals = _claimed(arrivals, setting.rooms, self._free_of(setting.room_busy, parts.room))
        devices: list[Claim] = []
        if setting.devices is not None:
            devices, arrivals = _claimed(arrivals, setting.devices, self._free_of(setting.device_busy, parts.device))
        idle = self._free_of(setting.practitioner_busy, parts.practitioner)
        people, arrivals = _claimed(arrivals, practitioners, lambda key, left: idle(key, self._at_work(key, left)))
        chosen = [[(key, mine & arrivals) for key, mine in claims] for claims in (people, rooms, devices)]
        for day, run in self.days:
            if free := run.of(arrivals):
                yield day.local, self._chosen(run, free, *chosen)

    def _free_of(self, taken: Mapping[int, Busy], part: Part) -> Narrowing:
        def free(key: int, left: int) -> int:
            return left and left & taken.get(key, NOTHING).arrivals(self.grid, part)

        return free

    def _at_work(self, person: int, left: int) -> int:
        """Those within the shifts of somebody. The cream may already numb before a shift begins."""
        if not left:
            return 0
        part, grid, alike = self.parts.practitioner, self.grid, self._alike
        usual = self.setting.usual_week(person, self.days[0][0].local.day, self.days[-1][0].local.day)
        found = 0
        for weekday, clock in (usual or {}).items():
            found |= self._shape(tuple(clock)) * alike.get(weekday, 0)
        for day, run in self.days if usual is None else self._unlike:
            if run.of(left):
                found |= grid.within(day.local.stretches(self.setting.working_clock(person, day.local.day)), part)
        return left & found

    def _shape(self, clock: tuple[Clock, ...]) -> int:
        """Arrivals within such shifts, counted from a day before the midnight they follow."""
        if clock not in self._shapes:
            stretches = replace(self.days[0][0].local, midnight=DAY).stretches(clock)
            self._shapes[clock] = Grid.over(0, 3 * DAY, STEP_MINUTES).within(stretches, self.parts.practitioner)
        return self._shapes[clock]

    def _chosen(self, run: Run, free: int, *chosen: list[Claim]) -> list[FreeTime]:
        """The free arrivals of one day, with whom and what they would take."""
        person, room, device = (
            {bit: key for key, mine in claims if (today := run.of(mine)) for bit in bits_of(today)} for claims in chosen
        )
        begin = moment_of(self.grid.minute(run.low))
        return [FreeTime(begin + LATER[bit], person[bit], room[bit], device.get(bit)) for bit in bits_of(free)]


def _claimed(arrivals: int, keys: Iterable[int], free: Narrowing) -> tuple[list[Claim], int]:
    """Who or what takes which of the arrivals, the first that is free each; and all that are taken by one of them."""
    claims, left = [], arrivals
    for key in keys:
        if not left:
            break
        if mine := free(key, left):
            claims.append((key, mine))
            left &= ~mine
    return claims, arrivals & ~left
