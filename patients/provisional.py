"""A patient who is not one yet: the row a held time hangs on while nobody has confirmed it.

It holds no personal data and no query of `Patient.objects` finds it. `admit` turns it into a record with what the person
typed; `forget` removes it when the hold has run out.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from clinic import audit
from clinic.doer import Doer
from clinic.models import Site
from patients.choices import Sex
from patients.duplicates import Likely
from patients.models import Patient, PatientSite
from patients.records import FIRST_NUMBER, lookalikes, next_id

NOBODYS_BIRTH_DATE = dt.date(1900, 1, 1)
NAME = ("Online", "request")  # what staff see where the hold stands


@transaction.atomic
def make(*, site: Site, language: str) -> Patient:
    patient = Patient(
        given_name=NAME[0], family_name=NAME[1], birth_date=NOBODYS_BIRTH_DATE, sex=Sex.OTHER, language=language,
        registered_at=site, is_provisional=True, search_key="",
    )  # fmt: skip
    patient.pk = next_id()
    patient.record_number = f"HOLD-{patient.pk}"
    patient.save(force_insert=True)
    return patient


@transaction.atomic
def admit(*, patient: Patient, values: Mapping[str, Any], site: Site, by: Doer) -> tuple[Patient, list[Likely]]:
    """Give a provisional patient their own record. Somebody alike may be registered: their record is neither shown nor
    changed; the list is for the desk, who decides whether it is the same person."""
    held = Patient.everyone.select_for_update(no_key=True).get(pk=patient.pk)
    if not held.is_provisional:
        raise ValueError("Only a provisional patient can be admitted.")
    likely = lookalikes(values)
    for name in ("given_name", "family_name", "birth_date", "phone", "email", "language"):
        setattr(held, name, values[name])
    held.country = site.country
    held.is_provisional = False
    held.record_number = f"MC-{FIRST_NUMBER + held.pk}"
    held.refresh_search_key()
    held.version += 1
    held.save()
    PatientSite.objects.get_or_create(patient=held, site=site)
    audit.record(
        by=by, action="patient-registered", sentence=f"registered {held.record_number} online", of=held, patient=held,
        site=site, detail={"looks_like": [one.patient.record_number for one in likely]},
    )  # fmt: skip
    return held, likely


def forget(patient: Patient) -> None:
    """Only ever a provisional one: a record that anybody has is never deleted."""
    Patient.everyone.filter(pk=patient.pk, is_provisional=True).delete()
