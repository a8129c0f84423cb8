"""Time that can be booked: the spans of an appointment, local wall time, hours and shifts. Pure: values in, values out.

All spans are half-open `[start, end)` with aware times, so that one visit may begin the minute another ends. What is free
is `sessions.free_times`.
"""
from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

MINUTE = dt.timedelta(minutes=1)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
STEP_MINUTES = 15  # the calendar's grid: offered starts lie on it, typed ones need not


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open: `end` is the first moment that is free again."""

    start: dt.datetime
    end: dt.datetime

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end

    def contains(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end

    def intersection(self, other: Span) -> Span | None:
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Span(start, end) if start < end else None

    def cut_at(self, moment: dt.datetime) -> Span:
        """What of it lies before `moment`; an empty span at its start when nothing does."""
        return Span(self.start, max(self.start, min(self.end, moment)))


@dataclass(frozen=True, slots=True)
class Minutes:
    """How long each part of a service takes, in minutes."""

    treatment: int
    preparation: int = 0
    numbing: int = 0
    cleanup: int = 0
    device_wipe: int = 0


@dataclass(frozen=True, slots=True)
class Footprint:
    """Everything one appointment occupies. `device` is None when none is used."""

    patient: Span
    practitioner: Span
    room: Span
    device: Span | None

    @property
    def whole(self) -> Span:
        """From the first preparation to the last wipe-down."""
        parts = [self.patient, self.room, *([self.device] if self.device else [])]
        return Span(min(part.start for part in parts), max(part.end for part in parts))

    def cut_at(self, moment: dt.datetime) -> Footprint:
        """A no-show frees everything from the minute it is set."""
        return Footprint(
            self.patient.cut_at(moment),
            self.practitioner.cut_at(moment),
            self.room.cut_at(moment),
            self.device.cut_at(moment) if self.device else None,
        )


def footprint(arrival: dt.datetime, minutes: Minutes, *, uses_device: bool) -> Footprint:
    """What an appointment occupies when the patient is to arrive at `arrival`.

    The room is prepared before the arrival; the cream numbs first, so the practitioner comes after it; the room is
    cleaned and the device wiped after the end, when patient and practitioner are free again.
    """
    hands_on = arrival + dt.timedelta(minutes=minutes.numbing)
    end = hands_on + dt.timedelta(minutes=minutes.treatment)
    return Footprint(
        patient=Span(arrival, end),
        practitioner=Span(hands_on, end),
        room=Span(arrival - dt.timedelta(minutes=minutes.preparation), end + dt.timedelta(minutes=minutes.cleanup)),
        device=Span(hands_on, end + dt.timedelta(minutes=minutes.device_wipe)) if uses_device else None,
    )


# --- local wall time ------------------------------------------------------------------------------------------------
class NoSuchTime(ValueError):
    """The clocks go forward over this wall time: it does not exist on that day. `gap` is the skipped stretch."""

    def __init__(self, wall: dt.datetime, gap: tuple[dt.datetime, dt.datetime]) -> None:
        super().__init__(f"{wall} does not exist")
        self.wall, self.gap = wall, gap


class TimeTwice(ValueError):
    """The clocks go back: this wall time comes twice. `moments` are both, first and second."""

    def __init__(self, wall: dt.datetime, moments: tuple[dt.datetime, dt.datetime]) -> None:
        super().__init__(f"{wall} comes twice")
        self.wall, self.moments = wall, moments


def at_wall_time(wall: dt.datetime, zone: ZoneInfo, *, fold: int | None = None) -> dt.datetime:
    """The moment (UTC) of a wall-clock time without zone. `fold` 0 or 1 says which of a time that comes twice.

    Raises `NoSuchTime` in the gap of a clock change, `TimeTwice` in its overlap when `fold` is not said: neither is
    ever chosen silently.
    """
    if wall.tzinfo is not None:
        raise ValueError("A wall time carries no zone.")
    first, second = (wall.replace(tzinfo=zone, fold=which).astimezone(dt.UTC) for which in (0, 1))
    if first == second:
        return first
    if first.astimezone(zone).replace(tzinfo=None) != wall:
        jump = _jump_between(second, first, zone)
        before = (jump - MINUTE).astimezone(zone).replace(tzinfo=None) + MINUTE
        raise NoSuchTime(wall, (before, jump.astimezone(zone).replace(tzinfo=None)))
    if fold is None:
        raise TimeTwice(wall, (first, second))
    return second if fold else first


def _jump_between(early: dt.datetime, late: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The minute at which the zone's clock jumps; the two moments lie on either side of it."""
    old = early.astimezone(zone).utcoffset()
    while late - early > MINUTE:
        middle = early + (late - early) // 2
        middle = middle.replace(second=0, microsecond=0)
        if middle == early:
            break
        early, late = (middle, late) if middle.astimezone(zone).utcoffset() == old else (early, middle)
    return late


def on_the_clock(day: dt.date, time: dt.time, zone: ZoneInfo) -> dt.datetime:
    """The moment (UTC) hours begin or end: in a gap when the clock has jumped over it, in an overlap the first time."""
    wall = dt.datetime.combine(day, time.replace(second=0, microsecond=0))
    try:
        return at_wall_time(wall, zone, fold=0)
    except NoSuchTime as gap:
        return at_wall_time(gap.gap[1], zone, fold=0)


def wall_time(moment: dt.datetime, zone: ZoneInfo) -> str:
    """The agreed local time as stored: such as 2026-03-12T10:45."""
    return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def local_span(day: dt.date, opens: dt.time, closes: dt.time, zone: ZoneInfo) -> Span | None:
    """Working hours of one local day as moments; None when a clock change leaves nothing of them."""
    start, end = on_the_clock(day, opens, zone), on_the_clock(day, closes, zone)
    return Span(start, end) if start < end else None


# --- intervals of a course ------------------------------------------------------------------------------------------
class Fit(StrEnum):
    """How a day sits in the window of a planned session."""

    TOO_EARLY = "too-early"
    IDEAL = "ideal"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Window:
    """Local days of a planned session; `latest` is None where the source gives none."""

    earliest: dt.date
    ideal: dt.date
    latest: dt.date | None = None

    def fit(self, day: dt.date) -> Fit:
        if day < self.earliest:
            return Fit.TOO_EARLY
        return Fit.LATE if self.latest is not None and day > self.latest else Fit.IDEAL

    def later_by(self, days: int) -> Window:
        """The same window after the session before it moved: only later ever, an early one shortens nothing."""
        shift = dt.timedelta(days=max(0, days))
        return Window(self.earliest + shift, self.ideal + shift, self.latest + shift if self.latest else None)


# --- free time ------------------------------------------------------------------------------------------------------
Clock = tuple[dt.time, dt.time]
"""From when until when, on the wall clock of one day."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of one weekday (1 is Monday), valid between two dates where they say so."""

    weekday: int
    opens: dt.time
    closes: dt.time
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None

    def hold_on(self, day: dt.date) -> bool:
        return (
            day.isoweekday() == self.weekday
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_until is None or day <= self.valid_until)
        )

    def may_hold_between(self, first: dt.date, last: dt.date) -> bool:
        return (self.valid_from is None or self.valid_from <= last) and (self.valid_until is None or first <= self.valid_until)

    def holds_between(self, first: dt.date, last: dt.date) -> bool:
        """On each day of its weekday."""
        return (self.valid_from is None or self.valid_from <= first) and (self.valid_until is None or last <= self.valid_until)


def spans_on(day: dt.date, hours: Iterable[Hours], zone: ZoneInfo) -> list[Span]:
    """The hours that hold on a local day, in order; rows that touch are one stretch."""
    return spans_of(day, ((one.opens, one.closes) for one in hours if one.hold_on(day)), zone)


def spans_of(day: dt.date, clock: Iterable[Clock], zone: ZoneInfo) -> list[Span]:
    """Stretches of one local day from clock times, in order and joined where they touch."""
    return [Span(moment_of(start), moment_of(end)) for start, end in LocalDay.of(day, zone).stretches(clock)]


Stretch = tuple[int, int]
"""From which minute until which, counted since 1970: what a search adds and compares a hundred thousand times."""


def minute_of(moment: dt.datetime) -> int:
    """The minute it lies in."""
    return (moment - EPOCH) // MINUTE


def minute_after(moment: dt.datetime) -> int:
    """The first whole minute that is not before it."""
    return -((EPOCH - moment) // MINUTE)


def moment_of(minute: int) -> dt.datetime:
    return EPOCH + dt.timedelta(minutes=minute)


@dataclass(frozen=True, slots=True)
class LocalDay:
    """A local day. `midnight` is the minute it begins at, and every clock time is that plus its hours and minutes; None
    on a day on which the clock is changed, where each time has to be looked up."""

    day: dt.date
    zone: ZoneInfo
    midnight: int | None

    @classmethod
    def of(cls, day: dt.date, zone: ZoneInfo) -> LocalDay:
        midnight = dt.datetime.combine(day, dt.time(), zone)
        end = midnight + dt.timedelta(days=1) if day < dt.date.max else midnight.replace(hour=23, minute=59)
        offset = midnight.utcoffset()
        is_even = offset is not None and offset == end.utcoffset() and not offset % MINUTE
        return cls(day, zone, minute_of(midnight) if is_even else None)

    def stretches(self, clock: Iterable[Clock]) -> list[Stretch]:
        """Hours of this day in order, joined where they touch; those of which the clock change leaves nothing are none."""
        joined: list[Stretch] = []
        for start, end in sorted((self.minute(opens), self.minute(closes)) for opens, closes in clock):
            if start >= end:
                continue
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], end))
            else:
                joined.append((start, end))
        return joined

    def minute(self, time: dt.time) -> int:
        """The minute of a clock time, as `on_the_clock` says it."""
        if self.midnight is not None:
            return self.midnight + time.hour * 60 + time.minute
        return minute_of(on_the_clock(self.day, time, self.zone))


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """When one site is open, and who works there when: the one answer for booking rules, slot search and calendar.

    Keys of `shifts`, `day_shifts` and `licensed_until` are ids of people. A day in `special` or `day_shifts` stands in the
    place of what the week says, also when it holds nothing. Nobody works past the last day of their licence.
    """

    zone: ZoneInfo
    opening: Sequence[Hours]
    closed: Sequence[tuple[dt.date, dt.date]] = ()
    special: Mapping[dt.date, Sequence[Clock]] = field(default_factory=dict)
    shifts: Mapping[int, Sequence[Hours]]
    day_shifts: Mapping[tuple[int, dt.date], Sequence[Clock]] = field(default_factory=dict)
    licensed_until: Mapping[int, dt.date] = field(default_factory=dict)

    def is_closed(self, day: dt.date) -> bool:
        return any(first <= day <= last for first, last in self.closed)

    def opening_on(self, day: dt.date) -> list[Span]:
        """The hours of a day, closures left aside."""
        return spans_of(day, self.opening_clock(day), self.zone)

    def open_on(self, day: dt.date) -> list[Span]:
        return spans_of(day, self.open_clock(day), self.zone)

    def working_on(self, person: int, day: dt.date) -> list[Span]:
        return spans_of(day, self.working_clock(person, day), self.zone)

    def on_shift(self, person: int, day: dt.date) -> list[Span]:
        """The working times of a day, whatever the licence says."""
        return spans_of(day, self.shift_clock(person, day), self.zone)

    # The same on the wall clock of the day, in whatever order it was written down.
    def opening_clock(self, day: dt.date) -> Sequence[Clock]:
        special = self.special.get(day)
        return special if special is not None else _clock_of(self._opening_by_weekday, day)

    def open_clock(self, day: dt.date) -> Sequence[Clock]:
        return () if self.is_closed(day) else self.opening_clock(day)

    def working_clock(self, person: int, day: dt.date) -> Sequence[Clock]:
        until = self.licensed_until.get(person)
        return () if until is not None and day > until else self.shift_clock(person, day)

    def shift_clock(self, person: int, day: dt.date) -> Sequence[Clock]:
        own = self.day_shifts.get((person, day))
        if own is not None:
            return own
        weekly = self._shifts_by_weekday.get(person)
        return _clock_of(weekly, day) if weekly is not None else ()

    def usual_week(self, person: int, first: dt.date, last: dt.date) -> Mapping[int, Sequence[Clock]] | None:
        """The shifts of each weekday, where they are the same on all days between two; None where a day may differ."""
        until = self.licensed_until.get(person)
        if (until is not None and until < last) or any(first <= day <= last for day in self._own_days.get(person, ())):
            return None
        usual: dict[int, Sequence[Clock]] = {}
        for weekday, hours in self._shifts_by_weekday.get(person, {}).items():
            meant = [one for one in hours if one.may_hold_between(first, last)]
            if not all(one.holds_between(first, last) for one in meant):
                return None
            usual[weekday] = [(one.opens, one.closes) for one in meant]
        return usual

    @cached_property
    def _own_days(self) -> dict[int, list[dt.date]]:
        found: dict[int, list[dt.date]] = defaultdict(list)
        for person, day in self.day_shifts:
            found[person].append(day)
        return found

    @cached_property
    def _opening_by_weekday(self) -> Weekly:
        return _by_weekday(self.opening)

    @cached_property
    def _shifts_by_weekday(self) -> dict[int, Weekly]:
        return {person: _by_weekday(hours) for person, hours in self.shifts.items()}


Weekly = Mapping[int, Sequence[Hours]]


def _by_weekday(hours: Iterable[Hours]) -> Weekly:
    found: dict[int, list[Hours]] = defaultdict(list)
    for one in hours:
        found[one.weekday].append(one)
    return dict(found)


def _clock_of(weekly: Weekly, day: dt.date) -> list[Clock]:
    return [(one.opens, one.closes) for one in weekly.get(day.isoweekday(), ()) if one.hold_on(day)]
