"""Spans, wall time and free times: tables of values, no database."""
from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.busy import Busy
from sessions.free_times import Setting, free_at, free_times
from sessions.slots import (
    Fit,
    Hours,
    Minutes,
    NoSuchTime,
    Span,
    TimeTwice,
    Window,
    at_wall_time,
    footprint,
    local_span,
    spans_on,
    wall_time,
)
from tests.figures import scaled

ROME = ZoneInfo("Europe/Rome")
DAY = dt.date(2026, 3, 12)  # a Thursday
VISIT = Minutes(45)
EVERY_DAY = [Hours(day, dt.time(8), dt.time(20)) for day in range(1, 8)]


def rome(hour: int, minute: int = 0, day: dt.date = DAY) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), ROME).astimezone(dt.UTC)


def wall(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def test_footprint_of_a_service_with_every_part():
    minutes = Minutes(treatment=45, preparation=5, numbing=30, cleanup=10, device_wipe=8)
    taken = footprint(rome(10), minutes, uses_device=True)
    assert taken.patient == Span(rome(10), rome(11, 15))
    assert taken.practitioner == Span(rome(10, 30), rome(11, 15))
    assert taken.room == Span(rome(9, 55), rome(11, 25))
    assert taken.device == Span(rome(10, 30), rome(11, 23))
    assert taken.whole == Span(rome(9, 55), rome(11, 25))


def test_footprint_without_device_has_no_device_span():
    assert footprint(rome(10), Minutes(treatment=15), uses_device=False).device is None


def test_spans_are_half_open():
    assert not Span(rome(10), rome(11)).overlaps(Span(rome(11), rome(12)))
    assert Span(rome(10), rome(11, 1)).overlaps(Span(rome(11), rome(12)))


def test_cut_keeps_the_past_and_frees_the_rest():
    taken = footprint(rome(10), Minutes(treatment=45, numbing=30), uses_device=False).cut_at(rome(10, 10))
    assert taken.patient == Span(rome(10), rome(10, 10))
    assert taken.practitioner == Span(rome(10, 30), rome(10, 30)), "what had not begun is empty, not negative"


# --- wall time ------------------------------------------------------------------------------------------------------
def test_an_ordinary_wall_time_is_one_moment():
    assert at_wall_time(wall("2026-03-12T10:45"), ROME) == dt.datetime(2026, 3, 12, 9, 45, tzinfo=dt.UTC)


def test_a_time_in_the_spring_gap_does_not_exist():
    with pytest.raises(NoSuchTime) as refusal:
        at_wall_time(wall("2026-03-29T02:30"), ROME)
    assert refusal.value.gap == (wall("2026-03-29T02:00"), wall("2026-03-29T03:00"))


def test_a_time_in_the_autumn_overlap_is_asked_about():
    twice = wall("2026-10-25T02:30")
    with pytest.raises(TimeTwice) as question:
        at_wall_time(twice, ROME)
    first, second = question.value.moments
    assert second - first == dt.timedelta(hours=1)
    assert at_wall_time(twice, ROME, fold=0) == first
    assert at_wall_time(twice, ROME, fold=1) == second


@pytest.mark.prove
@given(
    zone=st.sampled_from(sorted(available_timezones())),
    agreed=st.datetimes(wall("2020-01-01T00:00"), wall("2035-12-31T23:59")).map(
        lambda moment: moment.replace(second=0, microsecond=0)
    ),
    fold=st.sampled_from([0, 1]),
)
@settings(max_examples=scaled(5_000), deadline=None)
def test_what_was_agreed_is_what_is_shown_in_every_zone(zone, agreed, fold):
    try:
        moment = at_wall_time(agreed, ZoneInfo(zone), fold=fold)
    except NoSuchTime:
        return
    assert wall_time(moment, ZoneInfo(zone)) == agreed.strftime("%Y-%m-%dT%H:%M")


def test_working_hours_on_a_clock_change_day_are_an_hour_shorter():
    span = local_span(dt.date(2026, 3, 29), dt.time(0), dt.time(12), ROME)
    assert span is not None
    assert span.end - span.start == dt.timedelta(hours=11)


def test_touching_shifts_are_one_stretch_and_a_break_splits():
    hours = [Hours(4, dt.time(9), dt.time(12)), Hours(4, dt.time(12), dt.time(13)), Hours(4, dt.time(14), dt.time(18))]
    assert spans_on(DAY, hours, ROME) == [Span(rome(9), rome(13)), Span(rome(14), rome(18))]


def test_hours_hold_between_their_dates_only():
    hours = [Hours(4, dt.time(9), dt.time(12), dt.date(2026, 3, 13), None)]
    assert spans_on(DAY, hours, ROME) == []
    assert spans_on(DAY + dt.timedelta(days=7), hours, ROME) != []


# --- windows --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("day", "fit"), [(9, Fit.TOO_EARLY), (10, Fit.IDEAL), (14, Fit.IDEAL), (20, Fit.IDEAL), (21, Fit.LATE)]
)
def test_window(day, fit):
    window = Window(dt.date(2026, 3, 10), dt.date(2026, 3, 14), dt.date(2026, 3, 20))
    assert window.fit(dt.date(2026, 3, day)) is fit


def test_a_window_without_latest_is_never_late_and_only_shifts_later():
    window = Window(dt.date(2026, 3, 10), dt.date(2026, 3, 14))
    assert window.fit(dt.date(2030, 1, 1)) is Fit.IDEAL
    assert window.later_by(-3) == window
    assert window.later_by(3).earliest == dt.date(2026, 3, 13)


# --- busy -----------------------------------------------------------------------------------------------------------
@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 30)), max_size=15),
    st.tuples(st.integers(0, 200), st.integers(1, 30)),
)
def test_busy_by_bisection_agrees_with_looking_at_each(spans, wanted):
    start = rome(0)

    def span(pair: tuple[int, int]) -> Span:
        return Span(start + dt.timedelta(minutes=pair[0]), start + dt.timedelta(minutes=pair[0] + pair[1]))

    taken = [span(pair) for pair in spans]
    ours = span(wanted)
    assert Busy(taken).touches(ours) == any(one.start < one.end and one.overlaps(ours) for one in taken)


# --- free times -----------------------------------------------------------------------------------------------------
def clinic(**changes) -> Setting:
    values = {
        "zone": ROME,
        "opening": EVERY_DAY,
        "closed": [],
        "shifts": {1: [Hours(day, dt.time(9), dt.time(18)) for day in range(1, 8)]},
        "rooms": [10, 11],
    }
    return Setting(**values | changes)


def found(setting: Setting, minutes: Minutes = VISIT, *, days: int = 0, practitioners=(1,), **more):
    values = {"first_day": DAY, "last_day": DAY + dt.timedelta(days=days), "not_before": rome(0)} | more
    return list(free_times(setting, minutes, practitioners=practitioners, **values))


def test_free_times_lie_in_the_shift_on_the_grid():
    times = found(clinic())
    assert times[0].start == rome(9)
    assert times[-1].start == rome(17, 15)
    assert all(time.start.minute % 15 == 0 for time in times)


def test_numbing_may_begin_before_the_shift_but_not_before_opening():
    setting = clinic(opening=[Hours(4, dt.time(8, 45), dt.time(20))])
    assert found(setting, Minutes(45, numbing=30))[0].start == rome(8, 45)


def test_a_busy_practitioner_leaves_gaps_and_another_steps_in():
    setting = clinic(practitioner_busy={1: Busy([Span(rome(9), rome(12))])})
    assert found(setting)[0].start == rome(12)
    both = clinic(
        shifts={1: setting.shifts[1], 2: setting.shifts[1]}, practitioner_busy=setting.practitioner_busy
    )
    first = found(both, practitioners=(1, 2))[0]
    assert (first.start, first.practitioner) == (rome(9), 2)


def test_the_second_room_is_offered_when_the_first_is_taken():
    setting = clinic(room_busy={10: Busy([Span(rome(9), rome(10))])})
    assert found(setting, Minutes(45, preparation=5, cleanup=10))[0].room == 11


def test_preparation_and_cleanup_need_the_room_too():
    setting = clinic(rooms=[10], room_busy={10: Busy([Span(rome(10), rome(11))])})
    starts = [time.start for time in found(setting, Minutes(45, preparation=15, cleanup=15))]
    assert rome(9) in starts
    assert rome(9, 15) not in starts, "clean-up would reach into the next visit"
    assert rome(11) not in starts, "preparation would reach into the visit before"
    assert rome(11, 15) in starts


def test_a_device_must_be_free_and_present():
    assert found(clinic(devices=[])) == []
    setting = clinic(devices=[5], device_busy={5: Busy([Span(rome(9), rome(10))])})
    first = found(setting)[0]
    assert (first.start, first.device) == (rome(10), 5)


def test_the_patient_is_never_in_two_places():
    assert found(clinic(patient_busy=Busy([Span(rome(9), rome(10))])))[0].start == rome(10)


def test_closed_days_are_skipped():
    setting = clinic(closed=[(DAY, DAY + dt.timedelta(days=1))])
    assert found(setting, days=2)[0].start == rome(9, day=DAY + dt.timedelta(days=2))


def test_not_before_and_from_time():
    assert found(clinic(), not_before=rome(10, 7))[0].start == rome(10, 15)
    assert found(clinic(), from_time=dt.time(16))[0].start == rome(16)


def test_free_at_says_no_outside_hours():
    setting = clinic()
    assert free_at(rome(9), setting, Minutes(45), practitioners=[1]) is not None
    assert free_at(rome(17, 30), setting, Minutes(45), practitioners=[1]) is None
    assert free_at(rome(9), setting, Minutes(45), practitioners=[2]) is None


def test_free_times_on_the_night_of_the_clock_change():
    night = dt.date(2026, 10, 25)
    setting = clinic(
        opening=[Hours(7, dt.time(0), dt.time(6))], shifts={1: [Hours(7, dt.time(0), dt.time(6))]}
    )
    times = list(
        free_times(setting, Minutes(60), practitioners=[1], first_day=night, last_day=night, not_before=rome(0))
    )
    assert len(times) == 25, "seven hours, the one that comes twice counted twice"
