"""Registering and amending a patient: who the record is about. One transaction with its audit row each."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from clinic import audit
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from clinic.models import Site
from patients import links
from patients.duplicates import Likely, likely_duplicates
from patients.models import Patient, PatientSite

PERSON_FIELDS = ["given_name", "family_name", "birth_date", "sex", "phone", "email", "language", "address", "country"]
FIRST_NUMBER = 20_000
# What must follow, in the same transaction, when birth date or sex turn out to be others; floors above say it in their
# AppConfig.ready.
ON_NEW_FACTS: list[Callable[[Patient, Doer], object]] = []


class LooksLikeAnother(Refused):
    """Somebody may be in the book already; `likely` names them. Saving anyway is an explicit, logged choice."""

    def __init__(self, likely: Iterable[Likely]) -> None:
        super().__init__(
            _("Somebody like this is registered already. Open that record, or say that it is a different person."),
            code="duplicate",
        )
        self.likely = tuple(likely)


@transaction.atomic
def register(*, values: Mapping[str, Any], site: Site, by: Doer, different_person: bool = False) -> Patient:
    """Open a record at `site`. Raises `LooksLikeAnother` unless somebody said that it is a different person.

    1. Likely duplicates are looked for under a lock over the birth date, so that two desks cannot miss each other.
    2. The record number comes from the table's own sequence: unique without waiting, gaps are possible.
    3. The site is remembered, and the audit row names the records that were ruled out.
    """
    likely = _refuse_lookalikes(values, different_person=different_person)
    patient = Patient(**{name: values[name] for name in PERSON_FIELDS}, registered_at=site)
    patient.pk = next_id()
    patient.record_number = f"MC-{FIRST_NUMBER + patient.pk}"
    patient.refresh_search_key()
    patient.save(force_insert=True)
    PatientSite.objects.create(patient=patient, site=site)
    audit.record(
        by=by, action="patient-registered", sentence=f"registered {patient.record_number}", of=patient,
        patient=patient, site=site, detail={"not_the_same_as": [one.patient.record_number for one in likely]},
    )  # fmt: skip
    return patient


@transaction.atomic
def amend(
    *, patient: Patient, values: Mapping[str, Any], seen_version: int, by: Doer, different_person: bool = False
) -> Patient:
    """Change the person's details. Raises `Stale` with the other text when somebody saved meanwhile."""
    before = Patient.objects.select_for_update().get(pk=patient.pk)
    if before.version != seen_version:
        raise Stale(
            _("Somebody else changed this record while you were typing. Compare, then save again."),
            theirs=[(str(field.verbose_name), _shown(before, field.name)) for field in Patient._meta.fields
                    if field.name in PERSON_FIELDS],
        )
    changed = {name: [str(getattr(before, name) or ""), str(values[name] or "")] for name in PERSON_FIELDS
               if str(getattr(before, name) or "") != str(values[name] or "")}  # fmt: skip
    if not changed:
        return before
    likely: list[Likely] = []
    if {"given_name", "family_name", "birth_date", "phone"} & set(changed):
        likely = _refuse_lookalikes(values, different_person=different_person, except_for=before)
    for name in PERSON_FIELDS:
        setattr(before, name, values[name])
    if "email" in changed:
        before.email_problem = ""  # the reason belonged to the old address
        if links.is_other_mailbox(*changed["email"]):
            links.revoke_mailed(patient=before, by=by)
    before.refresh_search_key()
    before.save_if_unchanged(seen=seen_version, fields=[*PERSON_FIELDS, "email_problem", "search_key"])
    if {"birth_date", "sex"} & set(changed):
        for react in ON_NEW_FACTS:
            react(before, by)
    audit.record(
        by=by, action="patient-amended", sentence=f"changed {', '.join(changed)} of {before.record_number}", of=before,
        patient=before,
        detail={"changed": changed, "not_the_same_as": [one.patient.record_number for one in likely]},
    )  # fmt: skip
    return before


@transaction.atomic
def know_at(*, patient: Patient, site: Site, by: Doer, reason: str) -> None:
    """Open a record of another site here: from now on the patient is known at `site`, and the log says who asked."""
    if not reason.strip():
        raise Refused(_("Say why you need this record."), field="reason")
    PatientSite.objects.get_or_create(patient=patient, site=site)
    audit.record(
        by=by, action="patient-opened-at-site", sentence=f"opened {patient.record_number} at {site}", of=patient,
        patient=patient, site=site, detail={"reason": reason},
    )  # fmt: skip


def lookalikes(values: Mapping[str, Any], *, except_for: Patient | None = None) -> list[Likely]:
    """Likely duplicates, looked for under a lock over the birth date until the transaction ends."""
    birth_date: dt.date = values["birth_date"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"patients born on {birth_date.isoformat()}"])
    return likely_duplicates(
        given_name=values["given_name"], family_name=values["family_name"], birth_date=birth_date,
        phone=str(values.get("phone") or ""), except_for=except_for,
    )  # fmt: skip


def _refuse_lookalikes(
    values: Mapping[str, Any], *, different_person: bool, except_for: Patient | None = None
) -> list[Likely]:
    likely = lookalikes(values, except_for=except_for)
    if likely and not different_person:
        raise LooksLikeAnother(likely)
    return likely


def next_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [Patient._meta.db_table])
        return int(cursor.fetchone()[0])


def _shown(patient: Patient, name: str) -> str:
    display = getattr(patient, f"get_{name}_display", None)
    return str(display() if display else getattr(patient, name) or "-")
