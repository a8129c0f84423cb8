"""Patients of the clinic day who wait for a time, and the click that books one of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from clinic.idempotency import new_token
from patients.models import Patient
from sessions import fitting, waiting
from sessions.models import WaitEntry
from sessions.waiting import WaitWish
from sessions.waiting_page import stamp
from tests import factories as make
from tests.sessions.clinicday import THURSDAY, ClinicDay, allow_screening

FRIDAY = THURSDAY + dt.timedelta(days=1)


def wait(day: ClinicDay, patient: Patient | None = None, **more: Any) -> WaitEntry:
    values = {"sites": [day.site], "service": day.consultation} | more
    return waiting.add(patient=patient or make.make_patient(day.site), wish=WaitWish(**values), by=day.by)


def course_of(day: ClinicDay, first_day: dt.date, **more: Any) -> Any:
    patient = make.make_patient(day.site)
    return make.make_course(patient, day.doctor, sessions=2, first_day=first_day, **more)


def treatment() -> Any:
    return make.make_service(treatment_minutes=30, preparation_minutes=0, cleanup_minutes=0)


def allow_everything(monkeypatch: Any) -> None:
    allow_screening(monkeypatch)
    monkeypatch.setattr(fitting.Waiting, "allowed", lambda self, entry, on: True)


def click(day: ClinicDay, entry: WaitEntry, time: str, *, on: dt.date = THURSDAY, **more: Any) -> dict[str, Any]:
    start = stamp(day.at(time, on))
    return {
        "form_token": new_token(), "seen_version": entry.version, "practitioner": day.doctor.public_id, "start": start,
        "slot_start": start, "slot_until": "",
    } | more  # fmt: skip
