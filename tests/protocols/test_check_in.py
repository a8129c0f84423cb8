"""Check-in answers against the entries of the reference (clinical reference, section 11)."""
from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from protocols.check_in import Answers, judge, signs_asked, urgency_of


def answers(**fields: Any) -> Answers:
    fine: dict[str, Any] = {
        "signs": frozenset(), "pain": 2, "pain_before": None, "swelling_grows": False, "fever": False, "lump": False,
    }  # fmt: skip
    return Answers(**fine | fields)


def judged(rules: Any, *, hours: float = 48, **fields: Any) -> tuple[list[str], str]:
    met = judge(answers(**fields), since_end=timedelta(hours=hours), catalogue=rules)
    return [one.code for one in met], urgency_of(met)


def test_what_no_entry_names_is_expected(reference):
    assert judged(reference) == ([], "expected")


@pytest.mark.parametrize(
    "code", ["ci-breathing", "ci-throat", "ci-faint", "ci-chest-pain", "ci-sight", "ci-skin", "ci-fit"]
)
@pytest.mark.parametrize("hours", [0.5, 48, 24 * 80])
def test_each_red_flag_is_an_emergency_at_any_time(reference, code, hours):
    assert judged(reference, hours=hours, signs=frozenset({code})) == ([code], "emergency")


@pytest.mark.parametrize("code", ["ci-spreading-redness", "ci-pus"])
def test_signs_of_infection_are_for_the_same_day(reference, code):
    assert judged(reference, signs=frozenset({code})) == ([code], "same-day")


@pytest.mark.parametrize(
    ("hours", "fields", "expected"),
    [
        (2, {"pain": 7}, "same-day"), (2, {"pain": 6}, "expected"), (48, {"pain": 3, "pain_before": 2}, "same-day"),
        (48, {"pain": 2, "pain_before": 2}, "expected"), (47.9, {"pain": 3, "pain_before": 2}, "expected"),
        (48, {"swelling_grows": True}, "same-day"), (47.9, {"swelling_grows": True}, "expected"),
        (48, {"fever": True}, "same-day"), (48, {"fever": None}, "expected"),
    ],
)  # fmt: skip
def test_pain_swelling_and_fever(reference, hours, fields, expected):
    assert judged(reference, hours=hours, **fields)[1] == expected


@pytest.mark.parametrize(
    ("days", "code"), [(0, "ci-lump-early"), (6.99, "ci-lump-early"), (7, "ci-lump"), (90.5, "ci-lump"), (200, "ci-lump")]
)
@pytest.mark.parametrize("lump", [True, None])
def test_a_lump_or_one_nobody_is_sure_about_is_looked_at_within_48_hours(reference, days, code, lump):
    assert judged(reference, hours=days * 24, lump=lump) == ([code], "48-hours")


def test_the_most_urgent_comes_first(reference):
    codes, urgency = judged(reference, hours=200, lump=True, pain=9, signs=frozenset({"ci-sight", "ci-pus"}))
    assert codes[0] == "ci-sight"
    assert codes[-1] == "ci-lump"
    assert urgency == "emergency"


def test_only_signs_with_a_name_are_ticked(reference):
    asked = [one.code for one in signs_asked(reference)]
    assert asked[:7] == ["ci-breathing", "ci-throat", "ci-faint", "ci-chest-pain", "ci-sight", "ci-skin", "ci-fit"]
    assert set(asked[7:]) == {"ci-spreading-redness", "ci-pus"}
