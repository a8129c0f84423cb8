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
        # In a gap the two readings lie on either side of it, each shifted by the length of the jump.
        ends = sorted(moment.astimezone(zone).replace(tzinfo=None) for moment in (first, second))
        raise NoSuchTime(wall, (ends[0], ends[1]))
    if fold is None:
        raise TimeTwice(wall, (first, second))
    return second if fold else first


def wall_time(moment: dt.datetime, zone: ZoneInfo) -> str:
    """The agreed local time as stored: such as 2026-03-12T10:45."""
    return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def local_span(day: dt.date, opens: dt.time, closes: dt.time, zone: ZoneInfo) -> Span | None:
    """Working hours of one local day as moments; None when a clock change leaves nothing of them."""
    start = dt.datetime.combine(day, opens, zone).astimezone(dt.UTC)
    end = dt.datetime.combine(day, closes, zone).astimezone(dt.UTC)
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
    found = sorted(
        span for one in hours if one.hold_on(day) and (span := local_span(day, one.opens, one.closes, zone)) is not None
    )
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


NOTHING = Busy()


@dataclass(frozen=True, slots=True)
class Setting:
    """All that decides what is free at one site: hours, closed days, who works when, what is taken.

    Keys are row ids. `rooms` and `devices` list the usable ones in the order they are offered; `devices` is None for a
    service that needs none.
    """

    zone: ZoneInfo
    opening: Sequence[Hours]
    closed: Sequence[tuple[dt.date, dt.date]]
    shifts: Mapping[int, Sequence[Hours]]
    rooms: Sequence[int]
    devices: Sequence[int] | None = None
    practitioner_busy: Mapping[int, Busy] = field(default_factory=dict)
    room_busy: Mapping[int, Busy] = field(default_factory=dict)
    device_busy: Mapping[int, Busy] = field(default_factory=dict)
    patient_busy: Busy = NOTHING

    def is_closed(self, day: dt.date) -> bool:
        return any(first <= day <= last for first, last in self.closed)

    def open_on(self, day: dt.date) -> list[Span]:
        return [] if self.is_closed(day) else spans_on(day, self.opening, self.zone)


@dataclass(frozen=True, slots=True)
class FreeTime:
    """A start at which everything needed is free, with the ids of what would be taken."""

    start: dt.datetime
    practitioner: int
    room: int
    device: int | None


def free_times(
    setting: Setting, minutes: Minutes, *, first_day: dt.date, last_day: dt.date, not_before: dt.datetime,
    practitioners: Sequence[int], from_time: dt.time | None = None,
) -> Iterator[FreeTime]:  # fmt: skip
    """Free starts in order of time, lazily: take as many as are shown. At one start the first free practitioner, room
    and device are offered. `from_time` skips earlier wall times on the first day."""
    day = first_day
    while day <= last_day:
        for start in _starts_on(day, setting, minutes, practitioners):
            local = start.astimezone(setting.zone)
            if start < not_before or (day == first_day and from_time is not None and local.time() < from_time):
                continue
            found = free_at(start, setting, minutes, practitioners=practitioners)
            if found is not None:
                yield found
        day += dt.timedelta(days=1)


def _starts_on(day: dt.date, setting: Setting, minutes: Minutes, practitioners: Sequence[int]) -> list[dt.datetime]:
    """Candidate arrivals on the grid while the site is open and anybody asked for works."""
    step = dt.timedelta(minutes=STEP_MINUTES)
    numbing = dt.timedelta(minutes=minutes.numbing)
    candidates: set[dt.datetime] = set()
    open_spans = setting.open_on(day)
    for practitioner in practitioners if open_spans else ():
        for shift in spans_on(day, setting.shifts.get(practitioner, ()), setting.zone):
            for open_span in open_spans:
                # The cream may already numb before the shift begins, never before the doors open.
                start = _on_grid(max(open_span.start, shift.start - numbing))
                while start < min(open_span.end, shift.end):
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
    taken = footprint(start, minutes, uses_device=setting.devices is not None)
    day = start.astimezone(setting.zone).date()
    if not any(span.contains(taken.patient) for span in setting.open_on(day)):
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
    for one in practitioners:
        works = any(
            shift.contains(taken.practitioner) for shift in spans_on(day, setting.shifts.get(one, ()), setting.zone)
        )
        if works and not setting.practitioner_busy.get(one, NOTHING).touches(taken.practitioner):
            return FreeTime(start, one, room, device)
    return None
