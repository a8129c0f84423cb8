"""Time that can be booked: the spans of an appointment, local wall time, and free starts. Pure: values in, values out.

All spans are half-open `[start, end)` with aware times, so that one visit may begin the minute another ends.
"""
from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo

MINUTE = dt.timedelta(minutes=1)
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


def spans_on(day: dt.date, hours: Iterable[Hours], zone: ZoneInfo) -> list[Span]:
    """The hours that hold on a local day, in order; rows that touch are one stretch."""
    return spans_of(day, ((one.opens, one.closes) for one in hours if one.hold_on(day)), zone)


def spans_of(day: dt.date, clock: Iterable[Clock], zone: ZoneInfo) -> list[Span]:
    """Stretches of one local day from clock times, in order and joined where they touch."""
    found = sorted(span for opens, closes in clock if (span := local_span(day, opens, closes, zone)) is not None)
    joined: list[Span] = []
    for span in found:
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


class Busy:
    """Busy spans of one person or thing; asks "does this touch any?" by bisection. They may overlap each other."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._starts: list[dt.datetime] = []
        self._ends: list[dt.datetime] = []
        for span in sorted(span for span in spans if span.start < span.end):
            if self._ends and span.start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], span.end)
            else:
                self._starts.append(span.start)
                self._ends.append(span.end)

    def touches(self, span: Span) -> bool:
        # Merged spans are disjoint and ordered: those that start before our end and end after our start are a run.
        return bisect_left(self._starts, span.end) > bisect_right(self._ends, span.start)

    def free_within(self, span: Span) -> Iterator[Span]:
        """What of a stretch is left over, in order."""
        start = span.start
        for at in range(bisect_right(self._ends, span.start), bisect_left(self._starts, span.end)):
            if start < self._starts[at]:
                yield Span(start, self._starts[at])
            start = max(start, self._ends[at])
        if start < span.end:
            yield Span(start, span.end)


NOTHING = Busy()


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
        if day in self.special:
            return spans_of(day, self.special[day], self.zone)
        return spans_on(day, self.opening, self.zone)

    def open_on(self, day: dt.date) -> list[Span]:
        return [] if self.is_closed(day) else self.opening_on(day)

    def working_on(self, person: int, day: dt.date) -> list[Span]:
        if (until := self.licensed_until.get(person)) is not None and day > until:
            return []
        return self.on_shift(person, day)

    def on_shift(self, person: int, day: dt.date) -> list[Span]:
        """The working times of a day, whatever the licence says."""
        own = self.day_shifts.get((person, day))
        if own is not None:
            return spans_of(day, own, self.zone)
        return spans_on(day, self.shifts.get(person, ()), self.zone)


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


def free_times(
    setting: Setting, minutes: Minutes, *, first_day: dt.date, last_day: dt.date, not_before: dt.datetime,
    practitioners: Sequence[int], from_time: dt.time | None = None, liking: Liking = ANY_TIME,
) -> Iterator[FreeTime]:  # fmt: skip
    """Free starts in order of time, lazily: take as many as are shown. At one start the first free practitioner, room
    and device are offered. `from_time` skips earlier wall times on the first day."""
    day = first_day
    while day <= last_day:
        hours = DayHours.of(setting, day, practitioners) if liking.likes_day(day) else DayHours()
        for start in _starts_on(hours, setting, minutes):
            if start < not_before:
                continue
            local = start.astimezone(setting.zone)
            if day == first_day and from_time is not None and local.time() < from_time:
                continue
            if not liking.likes(footprint(start, minutes, uses_device=False).patient, setting.zone):
                continue
            found = _free_in(hours, start, setting, minutes)
            if found is not None:
                yield found
        day += dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayHours:
    """One day of a timetable, worked out once: when the site is open, who of those asked for works when."""

    opening: Sequence[Span] = ()
    working: Mapping[int, Sequence[Span]] = field(default_factory=dict)

    @classmethod
    def of(cls, timetable: Timetable, day: dt.date, people: Iterable[int]) -> DayHours:
        opening = timetable.open_on(day)
        return cls(opening, {one: timetable.working_on(one, day) for one in people} if opening else {})


def _starts_on(hours: DayHours, setting: Setting, minutes: Minutes) -> list[dt.datetime]:
    """Candidate arrivals on the grid: inside what the busy spans leave over of somebody's shift, while the site is open.
    A full day costs no more than its few gaps."""
    step = dt.timedelta(minutes=STEP_MINUTES)
    numbing = dt.timedelta(minutes=minutes.numbing)
    whole = numbing + dt.timedelta(minutes=minutes.treatment)
    candidates: set[dt.datetime] = set()
    for practitioner, shifts in hours.working.items():
        busy = setting.practitioner_busy.get(practitioner, NOTHING)
        for shift in shifts:
            for gap in busy.free_within(shift):
                for open_span in hours.opening:
                    # The cream may already numb before the shift begins, never before the doors open.
                    start = _on_grid(max(open_span.start, gap.start - numbing))
                    last = min(open_span.end, gap.end) - whole
                    while start <= last:
                        candidates.add(start)
                        start += step
    return sorted(candidates)


def _on_grid(moment: dt.datetime) -> dt.datetime:
    over = moment.minute % STEP_MINUTES
    even = moment.replace(second=0, microsecond=0)
    if over or even != moment:
        even += dt.timedelta(minutes=STEP_MINUTES - over)
    return even


def free_at(
    start: dt.datetime, setting: Setting, minutes: Minutes, *, practitioners: Sequence[int]
) -> FreeTime | None:
    """Who and what is free for an arrival at `start`, or None."""
    day = start.astimezone(setting.zone).date()
    return _free_in(DayHours.of(setting, day, practitioners), start, setting, minutes)


def _free_in(hours: DayHours, start: dt.datetime, setting: Setting, minutes: Minutes) -> FreeTime | None:
    taken = footprint(start, minutes, uses_device=setting.devices is not None)
    if not any(span.contains(taken.patient) for span in hours.opening):
        return None
    if setting.patient_busy.touches(taken.patient):
        return None
    room = next((one for one in setting.rooms if not setting.room_busy.get(one, NOTHING).touches(taken.room)), None)
    if room is None:
        return None
    device = None
    if setting.devices is not None and taken.device is not None:
        span = taken.device
        device = next(
            (one for one in setting.devices if not setting.device_busy.get(one, NOTHING).touches(span)), None
        )
        if device is None:
            return None
    for one, shifts in hours.working.items():
        if setting.practitioner_busy.get(one, NOTHING).touches(taken.practitioner):
            continue
        if any(shift.contains(taken.practitioner) for shift in shifts):
            return FreeTime(start, one, room, device)
    return None
