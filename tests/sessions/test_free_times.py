"""The search by intervals offers exactly what the plain walk through every quarter of an hour offers."""
from __future__ import annotations

import datetime as dt
from itertools import islice
from random import Random
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.busy import Busy
from sessions.free_times import free_at, free_times
from sessions.quarters import Grid
from sessions.slots import LocalDay, Span, minute_of, on_the_clock
from tests.figures import scaled
from tests.sessions.slot_walk import walk, world

SHARES = 10


@pytest.mark.prove
@pytest.mark.parametrize("share", range(SHARES))
def test_exactly_what_the_plain_walk_offers(share: int) -> None:
    """Random clinics in seventeen zones and nights, seeds of their own for each share: hours that overlap, touch or are
    nothing, closures, special days, shifts, licences that end, visits beside the grid or cut off within a minute."""
    offered = 0
    for number in range(scaled(500)):
        seed = number * SHARES + share
        clinic = world(Random(seed))
        found = list(free_times(clinic.setting, clinic.minutes, **clinic.asked))
        assert found == list(walk(clinic)), f"world({seed})"
        offered += bool(found)
    assert offered > scaled(500) // 4, "most worlds offer nothing: they would compare nothing"


@pytest.mark.prove
@pytest.mark.parametrize("share", range(4))
def test_one_start_is_asked_as_the_search_offers_it(share: int) -> None:
    """`free_at` says of every quarter of an hour what the walk says, for somebody who likes any time."""
    for number in range(scaled(100)):
        clinic = world(Random(10_000 + number * 4 + share))
        clinic.not_before, clinic.from_time, clinic.liking = dt.datetime(2000, 1, 1, tzinfo=dt.UTC), None, type(clinic.liking)()
        offered = {one.start: one for one in walk(clinic)}
        setting = clinic.setting
        for day in range((clinic.last_day - clinic.first_day).days + 1):
            begin = LocalDay.of(clinic.first_day + dt.timedelta(days=day), clinic.zone).day
            start = on_the_clock(begin, dt.time(6), clinic.zone)
            for quarter in range(40):
                moment = start + dt.timedelta(minutes=15 * quarter)
                if moment.astimezone(clinic.zone).date() == begin:
                    asked = free_at(moment, setting, clinic.minutes, practitioners=clinic.practitioners)
                    assert asked == offered.get(moment), (number, moment)


def test_the_first_times_cost_no_more_than_they_are() -> None:
    """Lazily: a search over centuries gives its first times at once."""
    clinic = next(one for one in map(world, map(Random, range(50))) if list(walk(one)))
    asked = clinic.asked | {"last_day": dt.date(9000, 1, 1)}
    assert len(list(islice(free_times(clinic.setting, clinic.minutes, **asked), 3))) > 0


# --- minutes ------------------------------------------------------------------------------------------------------------
@pytest.mark.prove
@given(
    zone=st.sampled_from(sorted(available_timezones())).map(ZoneInfo), day=st.dates(dt.date(2000, 1, 1), dt.date(2037, 12, 31)),
    time=st.times().map(lambda time: time.replace(second=0, microsecond=0)),
)  # fmt: skip
@settings(max_examples=scaled(5_000), deadline=None)
def test_a_clock_time_is_the_same_minute_the_short_way(zone: ZoneInfo, day: dt.date, time: dt.time) -> None:
    assert LocalDay.of(day, zone).minute(time) == minute_of(on_the_clock(day, time, zone))


@pytest.mark.parametrize("zone", ["Europe/Rome", "America/Santiago", "Africa/Cairo", "Australia/Lord_Howe", "Atlantic/Azores"])
def test_every_half_hour_of_every_day_of_two_years(zone: str) -> None:
    where = ZoneInfo(zone)
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=number) for number in range(730)]
    changed = [day for day in days if LocalDay.of(day, where).midnight is None]
    assert len(changed) == 4, "both nights of both years, and no other day pays for them"
    for day in [near + dt.timedelta(days=by) for near in changed for by in (-1, 0, 1)]:
        local = LocalDay.of(day, where)
        for half in range(48):
            time = dt.time(half // 2, half % 2 * 30)
            assert local.minute(time) == minute_of(on_the_clock(day, time, where))


def test_less_than_a_minute_is_no_free_time() -> None:
    """A visit cut off within a minute takes that minute; what is kept in minutes answers like what was given in spans."""
    ten = dt.datetime(2026, 3, 12, 10, tzinfo=dt.UTC)
    second, minute = dt.timedelta(seconds=1), dt.timedelta(minutes=1)
    busy = Busy([Span(ten, ten + 61 * second), Span(ten + 62 * second, ten + 4 * minute)])
    assert list(busy.free_within(Span(ten, ten + 5 * minute))) == [Span(ten + 4 * minute, ten + 5 * minute)]
    assert busy.touches(Span(ten - minute, ten + second))
    assert not busy.touches(Span(ten - minute, ten))
    at = minute_of(ten)
    grid = Grid.over(at - 10, at + 10, 1)
    assert busy.arrivals(grid, (-1, 2)) == grid.within([(at - 10, at - 2), (at + 5, at + 10)], (0, 0))
