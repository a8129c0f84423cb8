"""Where amounts stand on their bars."""
from __future__ import annotations

from decimal import Decimal as D

import pytest

from clinic.components import bars


@pytest.mark.parametrize(
    ("value", "limit", "low", "high", "state"),
    [
        (D(75), D(200), D(50), D(100), "in-range"),
        (D(20), D(200), D(50), D(100), "in-range"),
        (D(100), D(200), D(50), D(100), "in-range"),
        (D("100.1"), D(200), D(50), D(100), "above-typical"),
        (D(200), D(200), D(50), D(100), "above-typical"),
        (D("200.1"), D(200), D(50), D(100), "over-limit"),
        (D(3), D(2), None, None, "over-limit"),
        (D(3), None, D(2), D(5), "in-range"),
        (D(3), None, None, None, "unknown"),
        (None, D(200), D(50), D(100), "unknown"),
    ],
)
def test_state_of_a_dose(value, limit, low, high, state):
    assert bars.dose_bar(value=value, limit=limit, typical_low=low, typical_high=high).state == state


def test_the_limit_leaves_room_for_what_is_above_it():
    bar = bars.dose_bar(value=D(1000), limit=D(200), typical_low=D(50), typical_high=D(100))
    assert bar.limit_at == D("86.00")
    assert bar.limit_at < bar.value_at <= 100


def test_nothing_given_is_drawn_without_a_value():
    bar = bars.dose_bar(value=None, limit=None, typical_low=None, typical_high=None)
    assert (bar.value_at, bar.limit_at, bar.low_at, bar.high_at) == (None, None, None, None)


@pytest.mark.parametrize(
    ("value", "limit", "warn_from", "expected"),
    [
        (D(10), D(10), None, ("in-range", D(100))),
        (D(12), D(20), D(10), ("above-typical", D(60))),
        (D(5), D(4), None, ("over-limit", D(100))),
        (None, D(20), None, ("unknown", D(0))),
        (D(5), None, None, ("unknown", D(0))),
    ],
)
def test_meter(value, limit, warn_from, expected):
    assert bars.meter(value=value, limit=limit, warn_from=warn_from) == expected
