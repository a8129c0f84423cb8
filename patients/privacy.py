"""What a patient allows and what they do without: rows of PrivacyChoice, the newest of each kind counts."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from clinic import audit
from clinic.doer import Doer
from patients.models import Patient, PrivacyChoice


def declined(patient: Patient, kind: str) -> bool:
    """The patient said no to this kind. Nothing said is no refusal."""
    newest = PrivacyChoice.objects.filter(patient=patient, kind=kind).first()
    return newest is not None and not newest.allowed


def choices_of(patient: Patient) -> dict[str, bool]:
    """What the patient said, by kind."""
    said: dict[str, bool] = {}
    for choice in patient.privacy_choices.all():
        said.setdefault(choice.kind, choice.allowed)
    return said


@transaction.atomic
def choose(*, patient: Patient, kind: str, allowed: bool, source: str, by: Doer) -> bool:
    """Keep a choice beside the earlier ones. `source` says where it was made: mail, page, desk. False when it was so
    already: the same answer twice is one."""
    held = Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    if choices_of(held).get(kind) == allowed:
        return False
    _keep(held, kind=kind, allowed=allowed, source=source, by=by)
    return True


@transaction.atomic
def refuse(*, patient: Patient, kind: str, source: str, by: Doer) -> None:
    """A new refusal even where an older one stands: a consent signed in between may have allowed it again."""
    _keep(patient, kind=kind, allowed=False, source=source, by=by)


def _keep(held: Patient, *, kind: str, allowed: bool, source: str, by: Doer) -> None:
    PrivacyChoice.objects.create(patient=held, kind=kind, allowed=allowed, chosen_at=timezone.now(), source=source)
    words = "allows" if allowed else "does without"
    audit.record(by=by, action="privacy-choice", sentence=f"{words}: {kind}", of=held, patient=held, detail={"source": source})
