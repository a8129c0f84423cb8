"""Readings: the limits of the clinical reference, the slip of a hand, withdrawal."""
from __future__ import annotations

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from clinic.choices import Role
from clinic.doer import SYSTEM, Doer
from clinic.errors import Refused
from clinic.models import AuditEvent
from patients import measuring
from patients.choices import Text
from patients.measuring import Reading, check_reading
from patients.models import Measurement
from protocols import catalogue
from tests import factories

D = Decimal


def scale(code: str, unit: str, low: str, high: str, **changes: Any) -> Any:
    return SimpleNamespace(
        **{"code": code, "name": Text.of(en=code), "unit": unit, "lowest": D(low), "highest": D(high),
           "second_lowest": None, "second_highest": None, "values": ()} | changes
    )  # fmt: skip


WEIGHT = scale("m-weight", "kg", "30", "250")
HEIGHT = scale("m-height", "cm", "120", "230")
HBA1C = scale("m-hba1c", "%", "3", "20")
PRESSURE = scale("m-bp", "mmHg", "60", "260", second_lowest=D(30), second_highest=D(160))
ASA = scale("m-asa", "", "0", "0", lowest=None, highest=None, values=("I", "II", "III", "IV", "V"))


@pytest.mark.parametrize(
    ("reading", "sentence", "use"),
    [
        (Reading(WEIGHT, D("620")), "620 kg is above 250 kg. Did you mean 62.0 kg?", D("62.0")),
        (Reading(WEIGHT, D("6.2")), "6.2 kg is below 30 kg. Did you mean 62.0 kg?", D("62.0")),
        (Reading(WEIGHT, D("29.9")), "29.9 kg is below 30 kg.", None),
        (Reading(HEIGHT, D("1.72")), "1.72 cm is below 120 cm. Did you mean 172.0 cm?", D("172.0")),
        (Reading(HBA1C, D("53")), "53 % is above 20 %. Did you mean 7.0 %?", D("7.0")),
        (Reading(PRESSURE, D(120)), "Enter the lower pressure too.", None),
        (Reading(PRESSURE, D(80), D(80)), "The lower pressure must be below the upper one.", None),
        (Reading(PRESSURE, D(80), D(120)), "The lower pressure must be below the upper one.", None),
        (Reading(PRESSURE, D(120), D(20)), "20 mmHg is below 30 mmHg.", None),
        (Reading(ASA, text="VI"), "Choose one of I, II, III, IV, V.", None),
        (Reading(WEIGHT), "Enter a number.", None),
    ],
)
def test_a_reading_outside_is_refused_with_the_probable_slip(reading: Reading, sentence: str, use: Decimal | None) -> None:
    wrong = check_reading(reading)
    assert wrong is not None
    assert wrong.sentence.startswith(sentence)
    if use is not None:
        assert wrong.use == use


@pytest.mark.parametrize(
    "reading",
    [Reading(WEIGHT, D(30)), Reading(WEIGHT, D(250)), Reading(PRESSURE, D(120), D(75)), Reading(ASA, text="III")],
)
def test_limits_are_inside(reading: Reading) -> None:
    assert check_reading(reading) is None


@pytest.mark.django_db
def test_the_catalogue_holds_the_limits_of_the_clinical_reference() -> None:
    known = catalogue.in_force().measurements
    limits = {code: (known[code].lowest, known[code].highest) for code in
              ("m-bp", "m-weight", "m-height", "m-hba1c", "m-platelets", "m-hb", "m-inr", "m-cops")}  # fmt: skip
    assert limits == {
        "m-bp": (60, 260), "m-weight": (30, 250), "m-height": (120, 230), "m-hba1c": (3, 20), "m-platelets": (1, 2000),
        "m-hb": (3, 25), "m-inr": (D("0.5"), 15), "m-cops": (0, 72),
    }  # fmt: skip
    assert (known["m-bp"].second_lowest, known["m-bp"].second_highest) == (30, 160)


@pytest.mark.django_db
def test_recording_keeps_the_value_out_of_the_sentence() -> None:
    patient = factories.make_patient()
    by = Doer.staff(factories.make_user(Role.PRACTITIONER))
    today = patient.registered_at.today()
    measuring.record_measurement(patient=patient, reading=Reading(WEIGHT, D("62.5")), taken_on=today, today=today, by=by)
    row = AuditEvent.objects.get(action="measurement-recorded")
    assert "62" not in row.sentence
    assert row.detail["value"] == "62.5"


@pytest.mark.django_db
def test_recording_refuses_bad_values_days_and_doers() -> None:
    patient = factories.make_patient()
    by = Doer.staff(factories.make_user(Role.PRACTITIONER))
    today = patient.registered_at.today()
    good = Reading(WEIGHT, D(62))
    for reading, day, doer in (
        (Reading(WEIGHT, D(620)), today, by), (good, today + dt.timedelta(days=1), by),
        (good, dt.date(1950, 1, 1), by), (good, today, SYSTEM),
    ):  # fmt: skip
        with pytest.raises(Refused):
            measuring.record_measurement(patient=patient, reading=reading, taken_on=day, today=today, by=doer)
    assert not Measurement.objects.exists()


@pytest.mark.django_db
def test_withdrawing_needs_a_reason_and_happens_once() -> None:
    patient = factories.make_patient()
    by = Doer.staff(factories.make_user(Role.PRACTITIONER))
    today = patient.registered_at.today()
    one = measuring.record_measurement(patient=patient, reading=Reading(WEIGHT, D(62)), taken_on=today, today=today, by=by)
    with pytest.raises(Refused):
        measuring.withdraw(measurement=one, reason=" ", by=by)
    measuring.withdraw(measurement=one, reason="wrong person", by=by)
    with pytest.raises(Refused):
        measuring.withdraw(measurement=one, reason="again", by=by)
    one.refresh_from_db()
    assert one.withdrawn_reason == "wrong person"
