"""The plain search for free times: every quarter of an hour, everything asked of each. Slow, and plainly right.

`sessions.free_times` must offer exactly what this does; `worlds` are clinics to compare them in.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from sessions.busy import Busy
from sessions.free_times import ANY_TIME, FreeTime, Liking, Setting
from sessions.slots import Clock, Hours, Minutes, Span, footprint, local_span

QUARTER = dt.timedelta(minutes=15)
Taken = dict[int, list[Span]]


@dataclass
class World:
    """One clinic, with what is taken as plain spans, and what is asked of it."""

    zone: ZoneInfo
    opening: list[Hours]
    closed: list[tuple[dt.date, dt.date]]
    special: dict[dt.date, list[Clock]]
    shifts: dict[int, list[Hours]]
    day_shifts: dict[tuple[int, dt.date], list[Clock]]
    licensed_until: dict[int, dt.date]
    rooms: list[int]
    devices: list[int] | None
    people_taken: Taken
    rooms_taken: Taken
    devices_taken: Taken
    patient_taken: list[Span]
    minutes: Minutes
    practitioners: list[int]
    first_day: dt.date
    last_day: dt.date
    not_before: dt.datetime
    from_time: dt.time | None = None
    liking: Liking = field(default_factory=lambda: ANY_TIME)

    @property
    def setting(self) -> Setting:
        return Setting(
            zone=self.zone, opening=self.opening, closed=self.closed, special=self.special, shifts=self.shifts,
            day_shifts=self.day_shifts, licensed_until=self.licensed_until, rooms=self.rooms, devices=self.devices,
            practitioner_busy={key: Busy(spans) for key, spans in self.people_taken.items()},
            room_busy={key: Busy(spans) for key, spans in self.rooms_taken.items()},
            device_busy={key: Busy(spans) for key, spans in self.devices_taken.items()},
            patient_busy=Busy(self.patient_taken),
        )  # fmt: skip

    @property
    def asked(self) -> dict[str, Any]:
        return {
            "first_day": self.first_day, "last_day": self.last_day, "not_before": self.not_before,
            "practitioners": self.practitioners, "from_time": self.from_time, "liking": self.liking,
        }  # fmt: skip


# --- the walk -----------------------------------------------------------------------------------------------------------
def walk(world: World) -> Iterator[FreeTime]:
    day = world.first_day
    while day <= world.last_day:
        opening = _opening(world, day)
        working = {one: _working(world, one, day) for one in world.practitioners}
        start = dt.datetime.combine(day, dt.time(), dt.UTC) - dt.timedelta(days=1)
        for _ in range(3 * 96):
            if (found := _at(world, day, start, opening, working)) is not None:
                yield found
            start += QUARTER
        day += dt.timedelta(days=1)


def _opening(world: World, day: dt.date) -> list[Span]:
    if any(first <= day <= last for first, last in world.closed):
        return []
    weekly = [(one.opens, one.closes) for one in world.opening if one.hold_on(day)]
    return _spans(world, day, world.special.get(day, weekly))


def _working(world: World, person: int, day: dt.date) -> list[Span]:
    if person in world.licensed_until and day > world.licensed_until[person]:
        return []
    weekly = [(one.opens, one.closes) for one in world.shifts.get(person, []) if one.hold_on(day)]
    return _spans(world, day, world.day_shifts.get((person, day), weekly))


def _spans(world: World, day: dt.date, clock: Sequence[Clock]) -> list[Span]:
    found = sorted(span for opens, closes in clock if (span := local_span(day, opens, closes, world.zone)) is not None)
    joined: list[Span] = []
    for span in found:
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def _at(
    world: World, day: dt.date, start: dt.datetime, opening: list[Span], working: dict[int, list[Span]]
) -> FreeTime | None:
    taken = footprint(start, world.minutes, uses_device=True)
    if not any(span.contains(taken.patient) for span in opening) or start < world.not_before:
        return None
    if not _suits(world, day, taken.patient):
        return None
    assert taken.device is not None
    rooms = [one for one in world.rooms if _is_free(world.rooms_taken.get(one, []), taken.room)]
    devices = [one for one in world.devices or [] if _is_free(world.devices_taken.get(one, []), taken.device)]
    people = [
        one for one in world.practitioners
        if any(shift.contains(taken.practitioner) for shift in working[one])
        and _is_free(world.people_taken.get(one, []), taken.practitioner)
    ]  # fmt: skip
    if not rooms or not people or not _is_free(world.patient_taken, taken.patient):
        return None
    if world.devices is None:
        return FreeTime(start, people[0], rooms[0], None)
    return FreeTime(start, people[0], rooms[0], devices[0]) if devices else None


def _suits(world: World, day: dt.date, visit: Span) -> bool:
    liking, start, end = world.liking, visit.start.astimezone(world.zone), visit.end.astimezone(world.zone)
    if liking.weekdays and day.isoweekday() not in liking.weekdays:
        return False
    if world.from_time is not None and day == world.first_day and start.time() < world.from_time:
        return False
    if liking.arrive_from is not None and start.time() < liking.arrive_from:
        return False
    return liking.leave_by is None or (start.date() == end.date() and end.time() <= liking.leave_by)


def _is_free(taken: list[Span], wanted: Span) -> bool:
    return not any(one.start < one.end and one.overlaps(wanted) for one in taken)


# --- worlds -------------------------------------------------------------------------------------------------------------
CHANGES = [  # zone, a day on or beside which its clock is changed
    ("Europe/Rome", dt.date(2026, 3, 29)), ("Europe/Rome", dt.date(2026, 10, 25)),
    ("Europe/London", dt.date(2026, 3, 29)), ("Europe/Lisbon", dt.date(2026, 10, 25)),
    ("America/New_York", dt.date(2026, 11, 1)), ("America/Santiago", dt.date(2026, 4, 4)),
    ("America/Santiago", dt.date(2026, 9, 6)), ("Atlantic/Azores", dt.date(2026, 10, 25)),
    ("Africa/Cairo", dt.date(2026, 4, 24)), ("Africa/Cairo", dt.date(2026, 10, 29)), ("Asia/Beirut", dt.date(2026, 3, 29)),
    ("Australia/Lord_Howe", dt.date(2026, 4, 5)), ("Australia/Lord_Howe", dt.date(2026, 10, 4)),
    ("Africa/Casablanca", dt.date(2026, 2, 15)), ("Pacific/Apia", dt.date(2011, 12, 30)),
    ("Europe/Istanbul", dt.date(2026, 3, 12)), ("Asia/Kathmandu", dt.date(2026, 3, 12)),
]  # fmt: skip


def world(dice: Random) -> World:
    zone, near = dice.choice(CHANGES)
    first = near - dt.timedelta(days=dice.randrange(4))
    # Now and then so many days that they are looked at in several portions.
    last = first + dt.timedelta(days=dice.randrange(-1, 9) if dice.random() < 0.95 else dice.randrange(20, 40))
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)] or [first]
    people = list(range(1, 1 + dice.randrange(1, 5)))
    rooms = [10 + number for number in range(dice.choice([0, 1, 1, 2, 2, 3, 5]))]
    devices = [20 + number for number in range(dice.randrange(3))] if dice.random() < 0.5 else None
    by_night = dice.random() < 0.5
    hours = {one: _week(dice, by_night) for one in [0, *people]}
    some_days = {(one, dice.choice(days)): _clock(dice, by_night) for one in people for _ in range(dice.randrange(2))}
    busy = dice.choice([0, 2, 6, 14]) * len(days)
    asked = dice.sample(people, dice.randrange(1, len(people) + 1))
    return World(
        zone=ZoneInfo(zone),
        opening=hours[0],
        closed=[_some_days(dice, days)] if dice.random() < 0.3 else [],
        special={dice.choice(days): _clock(dice, by_night)} if dice.random() < 0.4 else {},
        shifts={one: hours[one] for one in people if dice.random() < 0.95},
        day_shifts=some_days,
        licensed_until={one: dice.choice(days) for one in people if dice.random() < 0.2},
        rooms=rooms,
        devices=devices,
        people_taken={one: _taken(dice, first, days, busy // 2) for one in people if dice.random() < 0.9},
        rooms_taken={one: _taken(dice, first, days, busy) for one in rooms if dice.random() < 0.9},
        devices_taken={one: _taken(dice, first, days, busy) for one in devices or [] if dice.random() < 0.9},
        patient_taken=_taken(dice, first, days, dice.randrange(4)),
        minutes=_minutes(dice),
        practitioners=asked,
        first_day=first,
        last_day=last,
        not_before=dt.datetime.combine(first, dt.time(), dt.UTC) + dt.timedelta(seconds=dice.randrange(-86400, 2 * 86400)),
        from_time=_time(dice, by_night) if dice.random() < 0.3 else None,
        liking=_liking(dice, by_night) if dice.random() < 0.5 else ANY_TIME,
    )


def _time(dice: Random, by_night: bool) -> dt.time:
    """Often on a quarter of an hour, sometimes with seconds; in the hours of a clock change, or at any."""
    minute = dice.choice([0, 0, 15, 30, 45, dice.randrange(60)])
    return dt.time(dice.randrange(0, 5) if by_night else dice.randrange(24), minute, dice.choice([0, 0, 0, 0, 30]))


def _clock(dice: Random, by_night: bool) -> list[Clock]:
    """Up to three stretches in whatever order, that may overlap, touch, or be nothing."""
    found = []
    for _ in range(dice.choice([0, 1, 1, 2, 3])):
        opens, closes = sorted((_time(dice, by_night), _time(dice, dice.random() < 0.3)))
        found.append((opens, closes))
    return found


def _week(dice: Random, by_night: bool) -> list[Hours]:
    rows = []
    for weekday in range(1, 8):
        if dice.random() < 0.5:
            rows.append(Hours(weekday, dt.time(0) if by_night else dt.time(7, 45), dt.time(dice.randrange(12, 23), 59)))
        else:
            rows += [Hours(weekday, opens, closes) for opens, closes in _clock(dice, by_night)]
    if dice.random() < 0.2:
        change = dt.date(2026, 3, dice.randrange(1, 31))
        rows += [Hours(one.weekday, one.opens, dt.time(23), valid_from=change) for one in rows]
        rows = [Hours(one.weekday, one.opens, one.closes, one.valid_from, None if one.valid_from else change) for one in rows]
    return rows


def _some_days(dice: Random, days: list[dt.date]) -> tuple[dt.date, dt.date]:
    first, last = sorted((dice.choice(days), dice.choice(days)))
    return first, last


def _taken(dice: Random, first: dt.date, days: list[dt.date], count: int) -> list[Span]:
    """Visits of a minute to hours, on the grid or beside it, some cut off in the middle of a second, some empty."""
    begin = dt.datetime.combine(first, dt.time(), dt.UTC) - dt.timedelta(hours=12)
    found = []
    for _ in range(count):
        start = begin + dt.timedelta(minutes=dice.randrange(0, 1440 * (len(days) + 1), dice.choice([1, 5, 15])))
        whole, odd = dt.timedelta(minutes=dice.choice([0, 5, 15, 45, 60, 95])), dt.timedelta(seconds=dice.randrange(9000))
        length = dice.choice([whole, odd])
        shift = dt.timedelta(microseconds=dice.choice([0, 0, 0, 1, 30_000_000]))
        found.append(Span(start + shift, start + shift + length))
    return found


def _minutes(dice: Random) -> Minutes:
    return Minutes(
        dice.choice([5, 15, 30, 45, 50, 60, 120]), dice.choice([0, 0, 5, 10, 20]), dice.choice([0, 0, 20, 30, 45]),
        dice.choice([0, 5, 10, 15]), dice.choice([0, 3, 10]),
    )  # fmt: skip


def _liking(dice: Random, by_night: bool) -> Liking:
    return Liking(
        frozenset(dice.sample(range(1, 8), dice.randrange(5))) if dice.random() < 0.4 else frozenset(),
        _time(dice, by_night) if dice.random() < 0.5 else None,
        _time(dice, False) if dice.random() < 0.5 else None,
    )
