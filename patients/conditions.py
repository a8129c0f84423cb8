"""Medicines and allergies on the record: added, classed, ended. Each deed with its audit row."""
from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from patients.models import Allergy, Medicine, Patient


@transaction.atomic
def add_medicine(*, patient: Patient, name: str, by: Doer) -> Medicine:
    """A medicine the patient takes; nobody has classed it yet, so it stands in the way until somebody does."""
    Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    if patient.medicines.filter(ended_at=None, name__iexact=name).exists():
        raise Refused(_("This medicine is on the record already."), field="name")
    medicine = Medicine.objects.create(patient=patient, name=name, recorded_at=timezone.now())
    audit.record(by=by, action="medicine-added", sentence="added a medicine", of=medicine, patient=patient,
                 detail={"name": name})  # fmt: skip
    return medicine


@transaction.atomic
def class_medicine(
    *, medicine: Medicine, classes: Collection[str], known: Collection[str], seen_version: int, by: Doer
) -> Medicine:
    """Say which classes a medicine belongs to; an empty collection means "none of them", said by a named person."""
    if by.user is None:
        raise Refused(_("Only staff class medicines."))
    if not set(classes) <= set(known):
        raise Refused(_("Choose classes from the list."), field="classes")
    medicine.classes, medicine.classed_by, medicine.classed_at = sorted(set(classes)), by.user, timezone.now()
    if not medicine.save_if_unchanged(seen=seen_version, fields=["classes", "classed_by", "classed_at"]):
        raise Stale(_("Somebody else changed this medicine meanwhile. Look again, then save."))
    audit.record(by=by, action="medicine-classed", sentence="classed a medicine", of=medicine, patient=medicine.patient,
                 detail={"name": medicine.name, "classes": medicine.classes})  # fmt: skip
    return medicine


@transaction.atomic
def end_medicine(*, medicine: Medicine, seen_version: int, by: Doer) -> None:
    """The patient takes it no longer."""
    medicine.ended_at = timezone.now()
    if not medicine.save_if_unchanged(seen=seen_version, fields=["ended_at"]):
        raise Stale(_("Somebody else changed this medicine meanwhile. Look again, then save."))
    audit.record(by=by, action="medicine-ended", sentence="ended a medicine", of=medicine, patient=medicine.patient,
                 detail={"name": medicine.name})  # fmt: skip


@transaction.atomic
def add_allergy(
    *, patient: Patient, allergen: str, known: Collection[str], note: str, severe: bool, by: Doer
) -> Allergy:
    """An allergy; it takes "no known allergies" away."""
    held = Patient.objects.select_for_update().get(pk=patient.pk)
    if allergen not in known:
        raise Refused(_("Choose what the patient is allergic to."), field="allergen")
    if held.allergies.filter(ended_at=None, allergen=allergen).exists():
        raise Refused(_("This allergy is on the record already."), field="allergen")
    allergy = Allergy.objects.create(
        patient=held, allergen=allergen, note=note, severe=severe, recorded_at=timezone.now(), recorded_by=by.user
    )
    if held.no_known_allergies_on is not None:
        held.no_known_allergies_on = None
        held.save(update_fields=["no_known_allergies_on"])
    audit.record(by=by, action="allergy-added", sentence="added an allergy", of=allergy, patient=held,
                 detail={"allergen": allergen, "severe": severe, "note": note})  # fmt: skip
    return allergy


@transaction.atomic
def end_allergy(*, allergy: Allergy, reason: str, seen_version: int, by: Doer) -> None:
    """It turned out to be none, or was entered for the wrong person: with a reason, kept as history."""
    if not reason.strip():
        raise Refused(_("Say why this allergy no longer holds."), field="reason")
    allergy.ended_at, allergy.ended_reason = timezone.now(), reason.strip()
    if not allergy.save_if_unchanged(seen=seen_version, fields=["ended_at", "ended_reason"]):
        raise Stale(_("Somebody else changed this allergy meanwhile. Look again, then save."))
    audit.record(by=by, action="allergy-ended", sentence="ended an allergy", of=allergy, patient=allergy.patient,
                 detail={"allergen": allergy.allergen, "reason": reason.strip()})  # fmt: skip


@transaction.atomic
def state_no_known_allergies(*, patient: Patient, today: dt.date, by: Doer) -> None:
    """Asked, and none known: an entry of its own, different from an empty list."""
    held = Patient.objects.select_for_update().get(pk=patient.pk)
    if held.allergies.filter(ended_at=None).exists():
        raise Refused(_("An allergy is on the record. End it first if it does not hold."))
    held.no_known_allergies_on = today
    held.save(update_fields=["no_known_allergies_on"])
    audit.record(by=by, action="no-known-allergies", sentence="noted: no known allergies", of=held, patient=held)
