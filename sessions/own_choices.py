"""What a patient decides for themselves behind their link: mails, language, uses of photographs, their consent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic import audit
from clinic.day_words import day
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.languages import NAMES
from patients import privacy
from patients.models import Patient
from protocols import catalogue
from sessions import messaging, outbox
from sessions.choices import MessageState
from sessions.message_texts import KINDS
from sessions.models import Consent, Message

SOURCE = "page"
PHOTO_USES = ("record", "teaching", "publicity")
OPTIONAL = tuple(code for code, kind in KINDS.items() if kind.optional)


def photo_kind(use: str) -> str:
    return f"photos-{use}"


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


def photo_uses(patient: Patient) -> dict[str, bool]:
    """Each use of photographs and whether it is allowed: as the newest signed consent says, unless taken back since."""
    return _uses_after(patient, _refused(patient))


def _refused(patient: Patient) -> dict[str, dt.datetime]:
    """When the patient last took each use back."""
    use_of = {photo_kind(use): use for use in PHOTO_USES}
    newest: dict[str, dt.datetime] = {}
    for choice in patient.privacy_choices.filter(kind__in=list(use_of), allowed=False):
        newest.setdefault(use_of[choice.kind], choice.chosen_at)
    return newest


def _uses_after(patient: Patient, refused: Mapping[str, dt.datetime]) -> dict[str, bool]:
    signed = Consent.objects.filter(patient=patient, signed_at__isnull=False, withdrawn_at=None).order_by("-signed_at").first()
    if signed is None or signed.signed_at is None:
        return dict.fromkeys(PHOTO_USES, False)
    return {
        use: bool(getattr(signed, f"photos_{use}")) and (use not in refused or signed.signed_at > refused[use])
        for use in PHOTO_USES
    }


USES_FOR_STAFF = {
    "record": gettext_lazy("Photographs in the record: taken back by the patient on %(day)s"),
    "teaching": gettext_lazy("Photographs to teach staff: taken back by the patient on %(day)s"),
    "publicity": gettext_lazy("Photographs in publicity: taken back by the patient on %(day)s"),
}


def photo_refusals(patient: Patient, language: str) -> list[str]:
    """What was allowed once and taken back since, in words for staff; a newer consent that allows it again ends it."""
    refused = _refused(patient)
    zone = patient.registered_at.zone
    return [
        str(USES_FOR_STAFF[use]) % {"day": day(refused[use].astimezone(zone), language, year=True)}
        for use, allowed in _uses_after(patient, refused).items() if not allowed and use in refused
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
    if use not in PHOTO_USES:
        raise Refused(_("This use is not known here."))
    held = Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    if not photo_uses(held)[use]:
        raise Refused(_("This use is not allowed already."))
    privacy.refuse(patient=held, kind=photo_kind(use), source=SOURCE, by=by)
