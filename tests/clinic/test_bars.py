"""Where amounts stand on their bars."""
from __future__ import annotations

from decimal import Decimal

import pytest

from clinic.components import bars


@pytest.mark.parametrize(
    ("value", "limit", "low", "high", "state"),
    [
        (Decimal(75), Decimal(200), Decimal(50), Decimal(100), "in-range"),
        (Decimal(20), Decimal(200), Decimal(50), Decimal(100), "in-range"),
        (Decimal(100), Decimal(200), Decimal(50), Decimal(100), "in-range"),
        (Decimal("100.1"), Decimal(200), Decimal(50), Decimal(100), "above-typical"),
        (Decimal(200), Decimal(200), Decimal(50), Decimal(100), "above-typical"),
        (Decimal("200.1"), Decimal(200), Decimal(50), Decimal(100), "over-limit"),
        (Decimal(3), Decimal(2), None, None, "over-limit"),
        (Decimal(3), None, Decimal(2), Decimal(5), "in-range"),
        (Decimal(3), None, None, None, "unknown"),
        (None, Decimal(200), Decimal(50), Decimal(100), "unknown"),
    ],
)
def test_state_of_a_dose(value, limit, low, high, state):
    assert bars.dose_bar(value=value, limit=limit, typical_low=low, typical_high=high).state == state


def test_the_limit_leaves_room_for_what_is_above_it():
    bar = bars.dose_bar(value=Decimal(1000), limit=Decimal(200), typical_low=Decimal(50), typical_high=Decimal(100))
    assert bar.limit_at == Decimal("86.00")
    assert bar.limit_at < bar.value_at <= 100


def test_nothing_given_is_drawn_without_a_value():
    bar = bars.dose_bar(value=None, limit=None, typical_low=None, typical_high=None)
    assert (bar.value_at, bar.limit_at, bar.low_at, bar.high_at) == (None, None, None, None)


@pytest.mark.parametrize(
    ("value", "limit", "warn_from", "expected"),
    [
        (Decimal(10), Decimal(10), None, ("in-range", Decimal(100))),
        (Decimal(12), Decimal(20), Decimal(10), ("above-typical", Decimal(60))),
        (Decimal(5), Decimal(4), None, ("over-limit", Decimal(100))),
        (None, Decimal(20), None, ("unknown", Decimal(0))),
        (Decimal(5), None, None, ("unknown", Decimal(0))),
    ],
)
def test_meter(value, limit, warn_from, expected):
    assert bars.meter(value=value, limit=limit, warn_from=warn_from) == expected
