"""Papers on the patient's own page: which are theirs to read, and which the clinic gives them beside those."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.permissions import check_may
from patients.models import Patient
from sessions import messaging
from sessions.choices import DocumentKind, DocumentState
from sessions.models import Document, GivenPaper, Message

THEIRS = frozenset({DocumentKind.AFTERCARE, DocumentKind.SIGNED_CONSENT})
"""What a patient holds in their hands anyway."""
TO_GIVE = frozenset(
    {DocumentKind.PLAN, DocumentKind.SUMMARY, DocumentKind.PASSPORT, DocumentKind.EXPLANATION, DocumentKind.LETTER}
)
"""What a member of staff decides on, paper by paper."""


def papers_of(patient: Patient) -> Any:
    """The papers this patient finds on their page, newest first: issued, and not replaced by newer ones."""
    issued = Document.objects.filter(patient=patient, state=DocumentState.ISSUED).defer("pdf").select_related("site")
    given = GivenPaper.objects.filter(patient=patient, taken_back_at=None).values("document")
    return (issued.filter(kind__in=THEIRS) | issued.filter(kind__in=TO_GIVE, pk__in=given)).order_by("-issued_at", "-id")


def papers_to_give(patient: Patient, permissions: Collection[str]) -> Any:
    """The papers somebody with these permissions may give this patient."""
    issued = Document.objects.filter(patient=patient, state=DocumentState.ISSUED, kind__in=TO_GIVE)
    return issued.open_to(permissions).defer("pdf").select_related("site").order_by("-issued_at", "-id")


def given_now(patient: Patient) -> set[str]:
    """The public ids of what is given."""
    rows = GivenPaper.objects.filter(patient=patient, taken_back_at=None)
    return set(rows.values_list("document__public_id", flat=True))


@transaction.atomic
def give(*, patient: Patient, chosen: Collection[str], among: Any, by: Doer) -> Message:
    """Exactly the `chosen` ones (public ids) of `among` are given from now on; the mail with the link goes out.

    `among` is what this member of staff may give; what lies outside it stays as it is. Raises `Refused` when there would
    be nothing to read, or for a paper that cannot be given."""
    if by.user is None:
        raise Refused(_("Only staff can do this."))
    site = by.site or patient.registered_at
    check_may(by.user, Permission.CHANGE_PERSON, site)
    held = Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    may_give = {one.public_id: one for one in among.all()}  # read again: the lock makes it true
    if not set(chosen) <= set(may_give):
        raise Refused(_("One of these papers was replaced meanwhile. Look at the list again."), field="papers")
    already = given_now(held)
    now = timezone.now()
    for public_id, paper in may_give.items():
        if public_id in chosen and public_id not in already:
            GivenPaper.objects.create(patient=held, document=paper, given_at=now, given_by=by.user)
            audit.record(by=by, action="paper-given", sentence=f"gave the patient {paper}", of=paper, patient=held, site=site)
        elif public_id in already and public_id not in chosen:
            GivenPaper.objects.filter(document=paper, taken_back_at=None).update(taken_back_at=now, taken_back_by=by.user)
            audit.record(by=by, action="paper-taken-back", sentence=f"took {paper} off the patient's page", of=paper,
                         patient=held, site=site)  # fmt: skip
    if not papers_of(held).exists():
        raise Refused(_("There is no paper for the patient to read. Choose one."))
    return messaging.papers_requested(patient=held, site=site, by=by)
