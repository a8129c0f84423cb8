"""What holds for every course: no date below the shortest interval, none on a closed day. Examples are fixed."""
from __future__ import annotations

from collections.abc import Callable
from datetime import date, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from protocols.definitions import Indication
from protocols.loading import load_reference
from protocols.message_times import at_wall_clock
from protocols.planning import (
    CourseRefused,
    IntervalKind,
    PlannedDate,
    Step,
    course_steps,
    judge_interval,
    maintenance_window,
    propose_course,
    review_dates,
    shift_course,
)

steady = settings(derandomize=True, max_examples=120, deadline=None, database=None)
INDICATIONS = st.sampled_from([one for one in load_reference().indications.values() if one.sessions.default > 1])
FIRST_DAYS = st.dates(date(2026, 1, 1), date(2032, 12, 31))
WEEKDAYS = st.sets(st.integers(0, 6), max_size=6)
OFFSETS = st.sets(st.integers(0, 300), max_size=40)
SUBSTANCES = st.lists(st.sampled_from(["sub-dutasteride", "sub-ha-stab", "sub-ha-nc", "sub-dca"]), max_size=2)
AT = time(10, 30)


def opening(first: date, weekdays: set[int], offsets: set[int]) -> Callable[[date], bool]:
    closed = {first + timedelta(days=one) for one in offsets}
    return lambda day: day.weekday() not in weekdays and day not in closed


def kept(previous: date, session: PlannedDate, step: Step | None) -> bool:
    return step is not None and (session.ideal - previous).days >= step.least


def proposed(
    indication: Indication, first: date, is_open: Callable[[date], bool], asked: dict[str, Any]
) -> tuple[tuple[PlannedDate, ...], str]:
    """The dates, or none and the planner rule that refuses such a course."""
    try:
        return propose_course(
            indication=indication, catalogue=load_reference(), first_day=first, wall_time=AT, is_open=is_open, **asked), ""
    except CourseRefused as refused:
        return (), refused.code


@given(INDICATIONS, FIRST_DAYS, WEEKDAYS, OFFSETS, SUBSTANCES, st.data())
@steady
def test_a_proposed_course_keeps_every_minimum_and_every_closed_day(
    indication: Indication, first: date, weekdays: set[int], offsets: set[int], substances: list[str], data: st.DataObject
) -> None:
    catalogue, is_open = load_reference(), opening(first, weekdays, offsets)
    asked: dict[str, Any] = {
        "sessions": data.draw(st.integers(1, 12)), "interval_days": data.draw(st.none() | st.integers(1, 130)),
        "substances": substances}
    dates, refused_by = proposed(indication, first, is_open, asked)
    if refused_by:
        assert refused_by in {"plan-min", "plan-phase"}
        return
    steps = course_steps(indication, catalogue, **asked)
    assert all(is_open(one.ideal) for one in dates)
    assert all(one.number in range(1, len(steps) + 1) for one in dates)
    for before, session in pairwise(dates):
        step = steps[session.number - 1]
        assert kept(before.ideal, session, step)
        assert session.earliest <= session.ideal
        verdict = judge_interval(
            previous=before.ideal, proposed=session.ideal, step=step or Step("", 0, 0, None), catalogue=catalogue)
        assert not verdict.refused
        assert (verdict.kind is IntervalKind.LATE) is session.late
    assert len({one.number for one in dates}) == len(dates) == asked["sessions"]


@given(INDICATIONS, FIRST_DAYS, WEEKDAYS, OFFSETS, st.data())
@steady
def test_what_follows_a_moved_session_keeps_them_too(
    indication: Indication, first: date, weekdays: set[int], offsets: set[int], data: st.DataObject
) -> None:
    """Unbooked sessions keep the minimum to the one before, wherever that one now stands; booked ones do not move."""
    catalogue, is_open = load_reference(), opening(first, weekdays, offsets)
    dates = propose_course(
        indication=indication, catalogue=catalogue, first_day=first, wall_time=AT, is_open=is_open)
    steps = course_steps(indication, catalogue)
    number = data.draw(st.integers(1, len(dates)))
    actual = dates[number - 1].ideal + timedelta(days=data.draw(st.integers(-5, 90)))
    booked = data.draw(st.sets(st.integers(number + 1, len(dates)), max_size=2)) if number < len(dates) else set()
    shift = shift_course(
        planned=dates, steps=steps, after_number=number, actual=actual, booked=booked, is_open=is_open)
    assert {one.number for one in shift.for_decision} == booked
    assert all(one in dates for one in shift.for_decision)
    stands = {one.number: one for one in (*shift.moved, *shift.for_decision)}
    assert sorted(stands) == list(range(number + 1, len(dates) + 1))
    previous = actual
    for place in sorted(stands):
        session = stands[place]
        if place not in booked:
            assert is_open(session.ideal)
            assert kept(previous, session, steps[place - 1])
        previous = session.ideal


@given(INDICATIONS, FIRST_DAYS, st.integers(0, 60))
@steady
def test_a_later_first_day_never_brings_an_earlier_session(indication: Indication, first: date, later: int) -> None:
    catalogue = load_reference()
    is_open = opening(first, {6}, set())
    courses = [
        propose_course(indication=indication, catalogue=catalogue, first_day=day, wall_time=AT, is_open=is_open)
        for day in (first, first + timedelta(days=later))]
    assert all(one.ideal <= other.ideal for one, other in zip(*courses, strict=True))


@given(INDICATIONS, FIRST_DAYS, st.integers(0, 400))
@steady
def test_maintenance_and_reviews_follow_the_last_session(indication: Indication, first: date, days: int) -> None:
    last = first + timedelta(days=days)
    window = maintenance_window(indication, last)
    assert window is None or last < window.earliest <= window.due
    for review in review_dates(indication, first=first, last=last, catalogue=load_reference()):
        assert review.on == (first if review.anchor == "first" else last) + timedelta(days=review.days)
        assert review.message == ("msg-review-1m" if review.days <= 90 else "msg-review-6m")


@given(st.integers(1, 200), st.integers(0, 60), st.integers(0, 60), st.booleans(), st.integers(-10, 500))
@steady
def test_an_interval_is_too_early_or_allowed_or_late_and_never_two(
    least: int, to_ideal: int, to_most: int, endless: bool, days: int
) -> None:
    step = Step("", least, least + to_ideal, None if endless else least + to_ideal + to_most)
    verdict = judge_interval(
        previous=date(2026, 3, 2), proposed=date(2026, 3, 2) + timedelta(days=days), step=step, catalogue=load_reference())
    assert verdict.refused is (days < least)
    assert (verdict.kind is IntervalKind.LATE) is (step.most is not None and days > step.most)
    assert verdict.full_rescreen is (days > 60)


@given(
    FIRST_DAYS, st.times().map(lambda clock: clock.replace(second=0, microsecond=0)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Europe/Istanbul", "Africa/Casablanca"]))
@steady
def test_the_wall_clock_is_kept_over_every_change(day: date, clock: time, zone: str) -> None:
    """Unless the clocks skip that very time, the session begins at it."""
    there = ZoneInfo(zone)
    shown = at_wall_clock(day, clock, there).astimezone(there)
    assume(shown.date() == day)
    skipped = shown.time() != clock
    assert not skipped or shown.time() > clock
    assert not skipped or shown.utcoffset() != at_wall_clock(day - timedelta(days=1), clock, there).astimezone(
        there).utcoffset()
