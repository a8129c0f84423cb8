"""Facts are stored with every screening, so they must survive the way to JSON and back unchanged."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from patients.facts import EarlierSession, Measured, PatientFacts, PriorEvent, RecordedMedicine

FULL = PatientFacts(
    birth_date=date(1990, 5, 10),
    sex="female",
    answers={"q-stroke": "no", "q-skin": ["rash", "wound"], "q-heart-medicines": 0},
    measurements=(
        Measured("m-bp", Decimal("120"), date(2026, 3, 20), Decimal("75")),
        Measured("m-asa", None, date(2026, 3, 20), text="II"),
        Measured("m-inr", Decimal("2.50"), date(2026, 3, 20)),
    ),
    medicines=(
        RecordedMedicine("bisoprolol", ("med-beta-blocker",)),
        RecordedMedicine("tea", None),
        RecordedMedicine("x", ()),
    ),
    events=(
        PriorEvent("lump", 2, "closed", "possible", ("sub-ha-nc",), date(2025, 1, 2)),
        PriorEvent("rash", 1, "open", "not-assessed", (), None),
    ),
    sessions=(
        EarlierSession(
            date(2025, 1, 1),
            "ind-hydration",
            "aesthetic",
            ("reg-face",),
            ("sub-ha-nc",),
            datetime(2025, 1, 1, 9, 30, tzinfo=UTC),
        ),
        EarlierSession(date(2024, 1, 1), "ind-aga", "hair", ("reg-scalp",), ()),
    ),
)


def test_facts_survive_json_unchanged() -> None:
    assert PatientFacts.from_json(json.loads(json.dumps(FULL.to_json()))) == FULL


def test_no_digit_of_a_measurement_is_lost() -> None:
    assert json.loads(json.dumps(FULL.to_json()))["measurements"][2]["value"] == "2.50"


def test_unclassed_and_without_class_stay_different() -> None:
    assert [one["classes"] for one in FULL.to_json()["medicines"]] == [["med-beta-blocker"], None, []]


def test_json_that_is_not_facts_is_refused() -> None:
    with pytest.raises(KeyError):
        PatientFacts.from_json({"sex": "female"})


def test_facts_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        FULL.sex = "male"  # type: ignore[misc]


@pytest.mark.parametrize(("measured", "shown"), list(zip(FULL.measurements, ("120/75", "II", "2.50"), strict=True)))
def test_how_a_measurement_is_shown(measured: Measured, shown: str) -> None:
    assert measured.shown == shown
