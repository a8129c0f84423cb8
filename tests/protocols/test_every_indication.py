"""Section 1 of the clinical reference, row by row, typed from the source: sessions, intervals, maintenance, reviews."""
from __future__ import annotations

from datetime import date, time, timedelta
from itertools import pairwise
from typing import NamedTuple

import pytest

from protocols.definitions import Catalogue
from protocols.planning import CourseRefused, course_steps, maintenance_window, propose_course, review_dates
from protocols.stop_rules import asked_after

MONDAY = date(2026, 11, 23)


class Row(NamedTuple):
    """Sessions (default, least, most); interval (default, least, most or None); maintenance (earliest, due) or None;
    reviews as (anchor, days); after which session or hours a task falls."""

    sessions: tuple[int, int, int]
    interval: tuple[int, int, int | None] | None
    maintenance: tuple[int, int] | None = None
    reviews: tuple[tuple[str, int], ...] = ()
    task: str = ""


ROWS = {
    "ind-face-rejuv": Row((4, 3, 10), (14, 7, 28), (90, 180), (("last", 30), ("last", 180))),
    "ind-hydration": Row((3, 2, 4), (28, 21, 28), (120, 180), (("last", 30),)),
    "ind-dull-tone": Row((4, 3, 6), (14, 7, 28), (90, 180), (("last", 30),)),
    "ind-laxity-face": Row((4, 3, 6), (14, 14, 28), (180, 180), (("last", 30),)),
    "ind-acne-scar": Row((3, 3, 6), (28, 21, 35), (180, 180), (("last", 90),)),
    "ind-striae": Row((4, 3, 6), (21, 14, 30), None, (("first", 180),)),
    "ind-melasma": Row((6, 4, 8), (14, 14, 28), (30, 60), (("last", 30), ("last", 180))),
    "ind-pigment-spots": Row((4, 3, 6), (14, 14, 28), None, (("last", 30),)),
    "ind-under-eye": Row((3, 3, 4), (21, 14, 28), (180, 180), (("last", 30),)),
    "ind-neck-decollete": Row((3, 3, 6), (21, 14, 28), (180, 180), (("last", 30),)),
    "ind-hands": Row((3, 2, 4), (28, 21, 28), (180, 180), (("last", 30),)),
    "ind-lips": Row((2, 1, 3), (28, 28, 42), (180, 180), (("last", 30),)),
    "ind-eyebrow": Row((6, 4, 8), (14, 14, 28), (90, 90), (("first", 180),)),
    "ind-aga": Row((10, 6, 12), (14, 14, 21), (60, 90), (("first", 90), ("first", 180))),
    "ind-aga-duta": Row((4, 2, 4), (90, 84, 120), (90, 120), (("first", 180),)),
    "ind-aga-prp": Row((3, 3, 5), (28, 28, 35), (180, 180), (("first", 180),)),
    "ind-telogen": Row((6, 4, 8), (14, 14, 28), None, (("first", 90),)),
    "ind-cellulite": Row((8, 6, 10), (7, 7, 14), (30, 30), (("last", 30),)),
    "ind-body-laxity": Row((6, 4, 10), (14, 7, 28), None, (("last", 90),)),
    "ind-submental-fat": Row((4, 2, 6), (30, 30, None), None, (("last", 90),)),
    "ind-local-fat": Row((4, 1, 4), (56, 28, None), None, (("last", 60),)),
    "ind-msk-pain": Row((4, 1, 9), (7, 7, 14), (30, 30), (), "session 3"),
    "ind-lbp-acute": Row((5, 5, 5), (3, 3, 4), None, (("last", 14),)),
    "ind-knee-oa": Row((3, 3, 9), (7, 7, 14), (30, 30), (("last", 30),)),
    "ind-migraine-acute": Row((1, 1, 1), None, None, (), "24 h"),
    "ind-sports-injury": Row((3, 1, 5), (7, 3, 7), None, (("last", 14),)),
    "ind-chronic-pain": Row((5, 3, 10), (7, 7, 14), (30, 30), (), "session 3"),
    "ind-dysmenorrhoea": Row((3, 1, 6), (28, 28, 35), None, (("last", 30),)),
    "ind-cvi": Row((8, 5, 10), (7, 7, 14), (30, 30), (("last", 30),)),
    "ind-vitiligo": Row((6, 4, 8), (14, 14, 28), None, (("last", 90),)),
}


def test_the_table_has_every_indication(reference: Catalogue) -> None:
    assert set(ROWS) == set(reference.indications)


@pytest.mark.parametrize("code", ROWS)
def test_the_default_course(reference: Catalogue, code: str) -> None:
    row, indication = ROWS[code], reference.indications[code]
    planned = propose_course(
        indication=indication, catalogue=reference, first_day=MONDAY, wall_time=time(10), is_open=lambda _day: True)
    assert len(planned) == row.sessions[0]
    if row.interval is None:
        return
    usual, least, most = row.interval
    gaps = [(after.ideal - before.ideal).days for before, after in pairwise(planned)]
    phase_b = [28] * 4 if code == "ind-aga" else []
    assert gaps == [usual] * (len(planned) - 1 - len(phase_b)) + phase_b
    second = planned[1]
    assert (second.earliest - MONDAY).days == least
    assert (None if second.latest is None else (second.latest - MONDAY).days) == most
    if code == "ind-aga":
        assert ((planned[6].earliest - planned[5].ideal).days, planned[6].phase) == (28, "B")
        assert planned[6].latest == planned[5].ideal + timedelta(days=42)


@pytest.mark.parametrize("code", ROWS)
def test_numbers_of_sessions_at_and_beyond_the_range(reference: Catalogue, code: str) -> None:
    indication, (_usual, least, most) = reference.indications[code], ROWS[code].sessions
    for number in (least, most):
        assert len(course_steps(indication, reference, sessions=number)) == number
    for number in (least - 1, most + 1):
        with pytest.raises(CourseRefused):
            course_steps(indication, reference, sessions=number)


@pytest.mark.parametrize("code", [code for code, row in ROWS.items() if row.interval])
def test_intervals_at_and_beyond_the_range(reference: Catalogue, code: str) -> None:
    """The shortest may be chosen, one day less is refused, one day more than the longest is taken and late."""
    assert ROWS[code].interval is not None
    _usual, least, most = ROWS[code].interval or (0, 0, None)
    sessions = ROWS[code].sessions[1] if code == "ind-aga" else max(2, ROWS[code].sessions[1])
    options = {"indication": reference.indications[code], "catalogue": reference, "first_day": MONDAY,
               "wall_time": time(10), "is_open": lambda _day: True, "sessions": sessions}  # fmt: skip
    assert not propose_course(**options, interval_days=least)[1].late  # type: ignore[arg-type]
    with pytest.raises(CourseRefused) as refused:
        propose_course(**options, interval_days=least - 1)  # type: ignore[arg-type]
    assert refused.value.code in {"plan-min", "plan-phase"}
    longest = 42 if code == "ind-aga" else most
    if longest is not None:
        assert propose_course(**options, interval_days=longest + 1)[1].late  # type: ignore[arg-type]
    else:
        assert not propose_course(**options, interval_days=365)[1].late  # type: ignore[arg-type]


@pytest.mark.parametrize("code", ROWS)
def test_maintenance_and_reviews(reference: Catalogue, code: str) -> None:
    row, indication, last = ROWS[code], reference.indications[code], MONDAY + timedelta(days=100)
    window = maintenance_window(indication, last)
    found = ((window.earliest - last).days, (window.due - last).days) if window else None
    assert found == row.maintenance
    reviews = review_dates(indication, first=MONDAY, last=last, catalogue=reference)
    assert tuple((one.anchor, one.days) for one in reviews) == row.reviews
    for one in reviews:
        start = MONDAY if one.anchor == "first" else last
        assert (one.on, one.message) == (
            start + timedelta(days=one.days), "msg-review-1m" if one.days <= 90 else "msg-review-6m")
    tasks = [f"session {one.session}" if one.session else f"{one.hours} h" for one in indication.reviews if one.days is None]
    assert tasks == ([row.task] if row.task else [])


def test_only_localised_pain_has_a_stop_rule(reference: Catalogue) -> None:
    found = {code: asked_after(one) for code, one in reference.indications.items() if asked_after(one) is not None}
    assert found == {"ind-msk-pain": 3}
