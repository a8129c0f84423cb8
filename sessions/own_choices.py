"""What a patient decides for themselves behind their link: mails, language, uses of photographs, their consent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from clinic import audit
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.languages import NAMES
from patients import privacy
from patients.models import Patient
from protocols import catalogue
from sessions import messaging, outbox, photo_permission
from sessions.choices import MessageState
from sessions.message_texts import KINDS
from sessions.models import Consent, Message

SOURCE = "page"
OPTIONAL = tuple(code for code, kind in KINDS.items() if kind.optional)


@dataclass(frozen=True, slots=True)
class OwnConsent:
    consent: Consent
    title: str
    signed_on: dt.date


def consents_in_force(patient: Patient, language: str) -> list[OwnConsent]:
    """The newest signed consent of each course that the patient has not taken back."""
    rows = Consent.objects.filter(patient=patient, signed_at__isnull=False, withdrawn_at=None)
    newest: dict[int, Consent] = {}
    for one in rows.select_related("course__site").defer("answers").order_by("-signed_at", "-id"):
        newest.setdefault(one.course_id, one)
    indications = catalogue.in_force().indications
    return [
        OwnConsent(
            one, indications[one.course.indication].name_in(language) if one.course.indication in indications else "",
            one.signed_at.astimezone(one.course.site.zone).date(),
        )
        for one in newest.values() if one.signed_at
    ]  # fmt: skip


def _check_own(patient: Patient, by: Doer) -> None:
    if by.kind != "patient" or by.public_id != patient.public_id:
        raise NotPermitted(_("Only the patient chooses here."))


@transaction.atomic
def choose_mails(*, patient: Patient, wanted: Collection[str], language: str, seen_version: int, by: Doer) -> Patient:
    """Exactly the `wanted` kinds of those nobody must have, and the language of mails and pages.

    What waits of an unwanted kind is withdrawn; what waits of the others goes out in the new language."""
    _check_own(patient, by)
    if language not in NAMES:
        raise Refused(_("Choose one of the languages."), field="language")
    held = Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    waiting = Message.objects.filter(patient=held, state=MessageState.SCHEDULED)
    for kind in OPTIONAL:
        allowed = kind in wanted
        if allowed and not privacy.declined(held, kind):
            continue
        privacy.choose(patient=held, kind=kind, allowed=allowed, source=SOURCE, by=by)
        if not allowed:
            outbox.withdraw(waiting.filter(kind=kind), reason=messaging.NOT_WANTED, by=by)
    if language != held.language:
        was, held.language = held.language, language
        if not held.save_if_unchanged(seen=seen_version, fields=["language"]):
            raise Stale(_("The page was out of date. Please try once more."))
        waiting.update(language=language)
        audit.record(by=by, action="language-chosen", sentence="chose another language", of=held, patient=held,
                     detail={"was": was, "language": language})  # fmt: skip
    return held


@transaction.atomic
def refuse_photos(*, patient: Patient, use: str, by: Doer) -> None:
    """The patient takes back one use of photographs, for the future. Allowing it again takes a new consent."""
    _check_own(patient, by)
    if use not in photo_permission.USES:
        raise Refused(_("This use is not known here."))
    held = Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    if not photo_permission.permission_of(held).allows(use):
        raise Refused(_("This use is not allowed already."))
    privacy.refuse(patient=held, kind=photo_permission.kind_of(use), source=SOURCE, by=by)
