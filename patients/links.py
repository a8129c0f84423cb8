"""Links a patient opens without an account.

A token of 256 random bits leaves once, in a mail or a QR code; only its SHA-256 is kept. Opening changes nothing, so a
mail scanner may open it as often as it likes. The birth date is asked before anything is shown; five wrong tries end
the link. Every dead link looks like every other.
"""
from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from clinic import audit
from clinic.doer import Doer
from clinic.models import AuditEvent, Site
from clinic.prepared import PreparedRows
from patients.labels import LinkPurpose
from patients.models import LinkAttempt, Patient, PatientLink

MOST_TRIES = 5
MOST_FAILURES_AN_HOUR = 40  # of one network address: a clinic's tablets share one, a guesser needs more than all of them
VALID_DAYS = 14
NEW_LINKS = PreparedRows(PatientLink)
GUESSED = "five wrong birth dates"
ADDRESS_CHANGED = "the mail address was changed"


class Gate(StrEnum):
    PASSED = "passed"
    WRONG = "wrong"
    DEAD = "dead"


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@dataclass(frozen=True, slots=True)
class Issued:
    """A link that is not written yet, and the deed of issuing it."""

    link: PatientLink
    deed: AuditEvent


_collecting: ContextVar[list[Issued] | None] = ContextVar("links written together", default=None)


@contextmanager
def collected() -> Iterator[list[Issued]]:
    """Links issued in here are not written but kept in the list, for `write`: of many mails all at once, or of one that
    could not be finished not at all."""
    issued: list[Issued] = []
    token = _collecting.set(issued)
    try:
        yield issued
    finally:
        _collecting.reset(token)


@transaction.atomic
def write(issued: Collection[Issued]) -> None:
    NEW_LINKS.insert(one.link for one in issued)
    audit.record_all([one.deed for one in issued])


def issue(
    *,
    patient: Patient,
    site: Site,
    purpose: LinkPurpose | str,
    expires_at: dt.datetime,
    by: Doer,
    subject: models.Model | None = None,
    token: str = "",
) -> tuple[PatientLink, str]:
    """A new link and its token. The token is nowhere else: whoever loses it needs a new link.

    `token` is given where the same form sent twice must lead to the same link, see `token_of_form`."""
    token = token or secrets.token_urlsafe(32)
    link = PatientLink(
        patient=patient, site=site, purpose=LinkPurpose(purpose), expires_at=expires_at, token_hash=hash_of(token),
        created_by=by.user,
        subject_kind=(subject._meta.model_name or "") if subject is not None else "",
        subject_public_id=getattr(subject, "public_id", ""),
    )  # fmt: skip
    deed = audit.deed(
        by=by, action="link-issued", sentence=f"issued a link: {LinkPurpose(purpose).label}", of=link, patient=patient,
        site=site, detail={"purpose": link.purpose, "expires_at": expires_at},
    )  # fmt: skip
    collecting = _collecting.get()
    if collecting is None:
        with transaction.atomic():
            link.save(force_insert=True)
            deed.save(force_insert=True)
    else:
        collecting.append(Issued(link, deed))
    return link, token


def token_of_form(form_token: str) -> str:
    """A token that only this form of ours leads to: 256 bits under our key, the same when the form comes twice."""
    return urlsafe_b64encode(salted_hmac("patients.links.form", form_token, algorithm="sha256").digest()).decode().rstrip("=")


def is_live(link: PatientLink) -> bool:
    """Neither run out nor revoked nor spent, and its patient still has a record of their own."""
    return (
        link.revoked_at is None
        and link.spent_at is None
        and link.expires_at > timezone.now()
        and link.patient.merged_into_id is None
    )


def open_link(token: str) -> PatientLink | None:
    """The live link of this token, or None. Changes nothing."""
    if not 20 <= len(token) <= 100:
        return None
    link = PatientLink.objects.select_related("patient", "site").filter(token_hash=hash_of(token)).first()
    return link if link is not None and is_live(link) else None


def find_any(public_id: str) -> PatientLink | None:
    """The link of this public id, live or not."""
    return PatientLink.objects.select_related("patient", "site").filter(public_id=public_id).first()


def find(public_id: str, purpose: str | None = None) -> PatientLink | None:
    """The live link of this public id (and purpose), for a browser that opened it before."""
    link = find_any(public_id)
    if link is None or not is_live(link) or (purpose is not None and link.purpose != purpose):
        return None
    return link


@transaction.atomic
def pass_gate(link: PatientLink, birth_date: dt.date | None) -> Gate:
    """Compare the birth date under a lock, so that parallel guesses are counted one by one.

    Returns instead of raising: a refusal would roll the count back.
    """
    held = PatientLink.objects.select_for_update(of=("self",)).select_related("patient").get(pk=link.pk)
    if not is_live(held):
        return Gate.DEAD
    doer = Doer.patient(held.patient.public_id, "patient by link")
    if birth_date is not None and birth_date == held.patient.birth_date:
        held.passed_at = timezone.now()
        held.save(update_fields=["passed_at"])
        audit.record(by=doer, action="link-opened", sentence=f"opened a link: {held.get_purpose_display()}", of=held,
                     patient=held.patient, site=held.site)  # fmt: skip
        return Gate.PASSED
    held.wrong_tries += 1
    if held.wrong_tries >= MOST_TRIES:
        held.revoked_at = timezone.now()
        held.revoked_reason = GUESSED
    held.save(update_fields=["wrong_tries", "revoked_at", "revoked_reason"])
    audit.record(
        by=Doer(kind="nobody", label="somebody with a link"), action="link-wrong-birth-date",
        sentence=f"wrong birth date at a link, try {held.wrong_tries} of {MOST_TRIES}", of=held,
        patient=held.patient, site=held.site, detail={"revoked": held.revoked_at is not None},
    )  # fmt: skip
    return Gate.DEAD if held.revoked_at else Gate.WRONG


@transaction.atomic
def revoke(*, link: PatientLink, reason: str, by: Doer) -> None:
    changed = PatientLink.objects.filter(pk=link.pk, revoked_at=None).update(
        revoked_at=timezone.now(), revoked_reason=reason[:80]
    )
    if changed:
        audit.record(by=by, action="link-revoked", sentence="revoked a link", of=link, patient=link.patient,
                     site=link.site, detail={"reason": reason})  # fmt: skip


def is_other_mailbox(old: str, new: str) -> bool:
    """Letters' case leads to no other mailbox."""
    return old.lower() != new.lower()


def revoke_mailed(*, patient: Patient, by: Doer) -> None:
    """What went out by mail opens nothing any more once the address was another: somebody else may read that mailbox. What
    staff gave by hand, at the desk or as a code on paper, stays."""
    mailed = PatientLink.objects.filter(patient=patient, created_by=None, revoked_at=None, spent_at=None)
    for link in mailed.filter(expires_at__gt=timezone.now()).select_related("patient", "site"):
        revoke(link=link, reason=ADDRESS_CHANGED, by=by)


def spend(*, patient: Patient, purpose: LinkPurpose | str, subject_public_id: str = "") -> int:
    """End every open link to the same thing, because it is done. Call it inside the verb that did it."""
    return PatientLink.objects.filter(
        patient=patient, purpose=purpose, subject_public_id=subject_public_id, spent_at=None
    ).update(spent_at=timezone.now())


# --- throttle -------------------------------------------------------------------------------------------------------
def source_of(address: str) -> str:
    """A keyed hash: enough to count by, useless to find a person by."""
    return salted_hmac("patients.links.throttle", address, algorithm="sha256").hexdigest()


def count_failure(source: str) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    LinkAttempt.objects.bulk_create([LinkAttempt(source=source, hour=hour)], ignore_conflicts=True)
    LinkAttempt.objects.filter(source=source, hour=hour).update(failures=F("failures") + 1)


def is_throttled(source: str) -> bool:
    """True when this source failed too often in this hour or the one before."""
    since = timezone.now().replace(minute=0, second=0, microsecond=0) - dt.timedelta(hours=1)
    counted = LinkAttempt.objects.filter(source=source, hour__gte=since).aggregate(all=models.Sum("failures"))["all"]
    return (counted or 0) >= MOST_FAILURES_AN_HOUR
