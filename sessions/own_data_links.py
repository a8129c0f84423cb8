"""From the foot of any mail to a patient to the page of their own choices and data, by way of a fresh link and its gate.

The address in the mail is signed and can do this one thing: make a link on a button press, as long as the mail went to
the address the patient has now: whoever reads another mailbox, because it was the wrong one or is no longer theirs, gets
none. The link asks for the birth date like every other, and it is no way to guess: wrong ones are counted until the right
one is shown, at whatever link of this patient. After five it rests for a day, after five more for a week, and after
fifteen it stays shut until the patient has come in by a link the clinic gave.
"""

from __future__ import annotations

import datetime as dt

from django.core import signing
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from clinic.doer import SYSTEM
from clinic.links_out import address_with
from patients import links
from patients.labels import LinkPurpose
from patients.models import Patient, PatientLink
from sessions.models import Message

SALT = "sessions.own_data_links"
GOOD_FOR = dt.timedelta(days=400)
OPEN_FOR = dt.timedelta(days=1)
RESTS = (dt.timedelta(days=1), dt.timedelta(days=7))  # after each five wrong birth dates; after more it stays shut


def address_in(message: Message) -> str:
    """The address for the foot of a mail; empty where no patient stands behind it."""
    if message.patient is None or message.patient.is_provisional:
        return ""
    token = signing.TimestampSigner(salt=SALT).sign(message.public_id)
    return address_with(token, page="mail-own-data")


def message_behind(token: str) -> Message | None:
    """The mail an address was in. None for one that is made up or too old."""
    try:
        public_id = signing.TimestampSigner(salt=SALT).unsign(token, max_age=GOOD_FOR)
    except signing.BadSignature:
        return None
    message = Message.objects.select_related("patient", "site").filter(public_id=public_id).first()
    if message is None or message.patient is None or message.recipient.lower() != message.patient.email.lower():
        return None
    return message


def unpassed(patient: Patient, known: QuerySet[PatientLink]) -> QuerySet[PatientLink]:
    """The links made since this patient showed the right birth date last, at a link of any kind."""
    passed = PatientLink.objects.filter(patient=patient).aggregate(last=Max("passed_at"))["last"]
    return known if passed is None else known.filter(created_at__gt=passed)


def rests(since: QuerySet[PatientLink]) -> bool:
    """Whether it was guessed at so often that no further link is made now."""
    revoked = since.filter(revoked_reason=links.GUESSED).values_list("revoked_at", flat=True)
    ended = sorted(moment for moment in revoked if moment is not None)
    if not ended:
        return False
    return len(ended) > len(RESTS) or timezone.now() < ended[-1] + RESTS[len(ended) - 1]


@transaction.atomic
def link_from(message: Message) -> str | None:
    """A fresh token for the page, or None while somebody has been guessing birth dates there."""
    if message.patient is None:
        raise ValueError("A mail without a patient leads to nobody's data.")
    patient = Patient.objects.select_for_update(no_key=True).filter(pk=message.patient_id, merged_into=None).first()
    if patient is None:
        return None
    known = PatientLink.objects.filter(patient=patient, purpose=LinkPurpose.PRIVACY)
    since = unpassed(patient, known)
    if rests(since):
        return None
    last = since.exclude(revoked_reason=links.GUESSED).order_by("-created_at", "-id").first()
    ended = since.filter(revoked_reason=links.GUESSED).order_by("-created_at", "-id").first()
    tried = 0 if last is None or (ended is not None and last.pk < ended.pk) else last.wrong_tries
    for older in known.filter(revoked_at=None, spent_at=None):
        links.revoke(link=older, reason="a newer one was asked for", by=SYSTEM)
    link, token = links.issue(
        patient=patient, site=message.site, purpose=LinkPurpose.PRIVACY, expires_at=timezone.now() + OPEN_FOR, by=SYSTEM
    )
    PatientLink.objects.filter(pk=link.pk).update(wrong_tries=tried)  # a new link is no new set of tries
    return token
