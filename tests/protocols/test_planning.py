"""Course dates of section 14: minimum, closed days, phases, shifts, maintenance, reviews."""
from __future__ import annotations

from datetime import date, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.definitions import Catalogue
from protocols.loading import load_reference
from protocols.planning import (
    CourseRefused,
    IntervalKind,
    PlannedDate,
    Step,
    course_steps,
    judge_interval,
    maintenance_window,
    needs_full_rescreen,
    next_window,
    propose_course,
    review_dates,
    shift_course,
    slot_minutes,
)

MONDAY = date(2026, 11, 23)
TEN = time(10, 0)


def always(_day: date) -> bool:
    return True


def weekdays(day: date) -> bool:
    return day.weekday() < 5


def propose(code: str, **more: object) -> tuple[PlannedDate, ...]:
    catalogue = load_reference()
    options = {"first_day": MONDAY, "wall_time": TEN, "is_open": always, **more}
    return propose_course(indication=catalogue.indications[code], catalogue=catalogue, **options)  # type: ignore[arg-type]


def gaps(planned: tuple[PlannedDate, ...]) -> list[int]:
    days = [session.ideal for session in planned]
    return [(after - before).days for before, after in pairwise(days)]


@pytest.mark.parametrize(("code", "sessions", "interval"), [
    ("ind-face-rejuv", 4, 14), ("ind-hydration", 3, 28), ("ind-under-eye", 3, 21), ("ind-cellulite", 8, 7),
    ("ind-msk-pain", 4, 7), ("ind-lbp-acute", 5, 3), ("ind-submental-fat", 4, 30), ("ind-aga-duta", 4, 90),
])
def test_default_rhythm(code: str, sessions: int, interval: int) -> None:
    planned = propose(code)
    assert [session.number for session in planned] == list(range(1, sessions + 1))
    assert gaps(planned) == [interval] * (sessions - 1)
    assert {session.wall_time for session in planned} == {TEN}


def test_single_session_has_no_interval() -> None:
    assert len(propose("ind-migraine-acute")) == 1


def test_hair_loss_has_two_phases() -> None:
    """Six sessions at 14 days, then four at 28: session 7 comes 28 days after session 6."""
    planned = propose("ind-aga")
    assert gaps(planned) == [14] * 5 + [28] * 4
    assert "".join(session.phase for session in planned) == "AAAAAABBBB"
    assert (planned[5].ideal - MONDAY).days == 70


@pytest.mark.parametrize(("sessions", "phases"), [(6, "AAAAAA"), (8, "AAAAAABB"), (12, "AAAAAABBBBBB")])
def test_number_of_sessions_changes_the_last_phase(sessions: int, phases: str) -> None:
    assert "".join(one.phase for one in propose("ind-aga", sessions=sessions)) == phases


def test_clinician_sets_each_phase() -> None:
    assert "".join(one.phase for one in propose("ind-aga", phase_sessions=(8, 2))) == "AAAAAAAABB"


@pytest.mark.parametrize("more", [
    {"sessions": 5}, {"sessions": 13}, {"sessions": 0}, {"phase_sessions": (5, 4)}, {"phase_sessions": (12, 6)},
    {"phase_sessions": (8,)}, {"phase_sessions": (6, 4), "sessions": 11},
])
def test_numbers_outside_the_range_are_refused(more: dict[str, object]) -> None:
    with pytest.raises(CourseRefused) as refused:
        propose("ind-aga", **more)
    assert refused.value.code == "plan-phase"
    assert refused.value.text("tr") != refused.value.text("en")


def test_chosen_interval_is_for_the_phase_it_fits() -> None:
    assert gaps(propose("ind-aga", interval_days=21)) == [21] * 5 + [28] * 4
    assert gaps(propose("ind-face-rejuv", interval_days=7)) == [7, 7, 7]


@pytest.mark.parametrize(("code", "days"), [("ind-face-rejuv", 6), ("ind-aga", 13), ("ind-aga", 25), ("ind-lips", 27)])
def test_below_the_minimum_is_refused(code: str, days: int) -> None:
    with pytest.raises(CourseRefused) as refused:
        propose(code, interval_days=days)
    assert refused.value.code == "plan-min"
    assert str(days) in refused.value.text("en")


def test_above_the_maximum_is_late_but_allowed() -> None:
    planned = propose("ind-face-rejuv", interval_days=35)
    assert gaps(planned) == [35] * 3
    assert [session.late for session in planned] == [False, True, True, True]


def test_no_maximum_is_never_late() -> None:
    planned = propose("ind-submental-fat", interval_days=200)
    assert [session.latest for session in planned] == [None] * 4
    assert not any(session.late for session in planned)


def test_closed_day_gives_way_to_the_next_open_one() -> None:
    planned = propose("ind-hydration", first_day=date(2026, 11, 21), is_open=weekdays)  # a Saturday
    assert planned[0].moved_from_closed == date(2026, 11, 21)
    assert [session.ideal for session in planned] == [MONDAY, MONDAY + timedelta(28), MONDAY + timedelta(56)]
    assert planned[1].moved_from_closed is None


def test_windows_count_from_the_previous_planned_day() -> None:
    second = propose("ind-face-rejuv")[1]
    assert (second.earliest, second.latest) == (MONDAY + timedelta(7), MONDAY + timedelta(28))


def test_next_window_counts_from_the_actual_day(reference: Catalogue) -> None:
    step = course_steps(reference.indications["ind-face-rejuv"], reference)[1]
    assert step is not None
    actual = MONDAY + timedelta(3)
    window = next_window(previous=actual, number=2, step=step, wall_time=TEN, is_open=always)
    assert (window.earliest, window.ideal, window.latest) == (
        actual + timedelta(7), actual + timedelta(14), actual + timedelta(28))


def test_site_closed_for_good_is_refused() -> None:
    with pytest.raises(CourseRefused):
        propose("ind-hydration", is_open=lambda _day: False)


def test_substance_with_its_own_minimum() -> None:
    planned = propose("ind-aga", substances=["sub-dutasteride"], sessions=6)
    assert gaps(planned) == [84] * 5
    assert not any(session.late for session in planned)
    with pytest.raises(CourseRefused):
        propose("ind-aga", substances=["sub-dutasteride"], interval_days=21)


@given(
    code=st.sampled_from(sorted(load_reference().indications)),
    first=st.dates(date(2026, 1, 1), date(2030, 1, 1)),
    closed_weekdays=st.sets(st.integers(0, 6), max_size=6),
    closed_days=st.sets(st.integers(0, 400), max_size=60),
)
def test_never_below_the_minimum_never_on_a_closed_day(
    code: str, first: date, closed_weekdays: set[int], closed_days: set[int]
) -> None:
    closed = {first + timedelta(days=offset) for offset in closed_days}

    def is_open(day: date) -> bool:
        return day.weekday() not in closed_weekdays and day not in closed

    catalogue = load_reference()
    planned = propose(code, first_day=first, is_open=is_open)
    steps = course_steps(catalogue.indications[code], catalogue)
    assert all(is_open(session.ideal) for session in planned)
    for session, days, step in zip(planned[1:], gaps(planned), steps[1:], strict=True):
        assert step is not None
        assert days >= step.least
        assert session.earliest <= session.ideal
        assert session.moved_from_closed is None or not is_open(session.moved_from_closed)


STEP = Step("", 14, 14, 21)


@pytest.mark.parametrize(("days", "kind", "code", "rescreen"), [
    (-1, IntervalKind.TOO_EARLY, "plan-min", False), (0, IntervalKind.TOO_EARLY, "plan-min", False),
    (13, IntervalKind.TOO_EARLY, "plan-min", False), (14, IntervalKind.IDEAL, "", False),
    (15, IntervalKind.ALLOWED, "", False), (21, IntervalKind.ALLOWED, "", False),
    (22, IntervalKind.LATE, "plan-late", False), (60, IntervalKind.LATE, "plan-late", False),
    (61, IntervalKind.LATE, "plan-gap", True),
])
def test_judging_an_interval(reference: Catalogue, days: int, kind: IntervalKind, code: str, rescreen: bool) -> None:
    verdict = judge_interval(previous=MONDAY, proposed=MONDAY + timedelta(days=days), step=STEP, catalogue=reference)
    assert (verdict.kind, verdict.code, verdict.full_rescreen, verdict.days) == (kind, code, rescreen, days)
    assert verdict.refused is (kind is IntervalKind.TOO_EARLY)
    assert str(days) in verdict.text("tr")


def test_gap_without_a_maximum_still_asks_for_a_rescreen(reference: Catalogue) -> None:
    verdict = judge_interval(
        previous=MONDAY, proposed=MONDAY + timedelta(90), step=Step("", 30, 30, None), catalogue=reference)
    assert (verdict.kind, verdict.code, verdict.full_rescreen) == (IntervalKind.ALLOWED, "plan-gap", True)


@pytest.mark.parametrize(("days", "expected"), [(60, False), (61, True)])
def test_full_rescreen_after_sixty_days(reference: Catalogue, days: int, expected: bool) -> None:
    assert needs_full_rescreen(MONDAY, MONDAY + timedelta(days=days), reference) is expected


def test_moved_session_shifts_the_unbooked_and_lists_the_booked(reference: Catalogue) -> None:
    steps = course_steps(reference.indications["ind-face-rejuv"], reference)
    planned = propose("ind-face-rejuv")
    shift = shift_course(planned=planned, steps=steps, after_number=1, actual=MONDAY + timedelta(2), booked={3},
                         is_open=always)
    assert [(one.number, one.ideal) for one in shift.moved] == [
        (2, MONDAY + timedelta(16)), (4, planned[2].ideal + timedelta(14))]
    assert [one.number for one in shift.for_decision] == [3]


@pytest.mark.parametrize(("code", "earliest", "due"), [
    ("ind-face-rejuv", 90, 180), ("ind-aga", 60, 90), ("ind-cellulite", 30, 30), ("ind-under-eye", 180, 180)])
def test_maintenance_is_due_at_the_longer_end(reference: Catalogue, code: str, earliest: int, due: int) -> None:
    window = maintenance_window(reference.indications[code], MONDAY)
    assert window is not None
    assert (window.earliest, window.due) == (MONDAY + timedelta(earliest), MONDAY + timedelta(due))


def test_no_maintenance(reference: Catalogue) -> None:
    assert maintenance_window(reference.indications["ind-telogen"], MONDAY) is None


def test_reviews_count_from_first_or_last_session(reference: Catalogue) -> None:
    last = MONDAY + timedelta(200)
    face = review_dates(reference.indications["ind-face-rejuv"], first=MONDAY, last=last, catalogue=reference)
    assert [(one.on, one.message) for one in face] == [
        (last + timedelta(30), "msg-review-1m"), (last + timedelta(180), "msg-review-6m")]
    hair = review_dates(reference.indications["ind-aga"], first=MONDAY, last=last, catalogue=reference)
    assert [one.on for one in hair] == [MONDAY + timedelta(90), MONDAY + timedelta(180)]
    assert review_dates(reference.indications["ind-msk-pain"], first=MONDAY, last=last, catalogue=reference) == ()


@pytest.mark.parametrize(("regions", "minutes"), [
    (("reg-face",), 45), (("reg-face", "reg-neck"), 55), (("reg-hands", "reg-thigh", "reg-scalp"), 80)])
def test_slot_is_the_longest_region_and_ten_more_each(
    reference: Catalogue, regions: tuple[str, ...], minutes: int
) -> None:
    assert slot_minutes(regions, reference) == minutes


def test_slot_needs_a_region(reference: Catalogue) -> None:
    with pytest.raises(ValueError, match="region"):
        slot_minutes((), reference)
