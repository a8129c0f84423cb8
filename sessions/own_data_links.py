"""From the foot of any mail to a patient to the page of their own choices and data, by way of a fresh link and its gate.

The address in the mail is signed and can do this one thing: make a link on a button press. It asks for the birth date
like every other, and after five wrong ones none is made for a day, so that it is no way to guess.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from clinic.doer import SYSTEM
from patients import links
from patients.labels import LinkPurpose
from patients.models import Patient, PatientLink
from sessions.models import Message

SALT = "sessions.own_data_links"
GOOD_FOR = dt.timedelta(days=400)
OPEN_FOR = dt.timedelta(days=1)
REST = dt.timedelta(days=1)  # after a link of this kind was guessed at


def address_in(message: Message) -> str:
    """The address for the foot of a mail; empty where no patient stands behind it."""
    if message.patient is None or message.patient.is_provisional:
        return ""
    token = signing.TimestampSigner(salt=SALT).sign(message.public_id)
    return f"{settings.BASE_URL}{reverse('mail-own-data', args=[token])}"


def message_behind(token: str) -> Message | None:
    """The mail an address was in. None for one that is made up or too old."""
    try:
        public_id = signing.TimestampSigner(salt=SALT).unsign(token, max_age=GOOD_FOR)
    except signing.BadSignature:
        return None
    message = Message.objects.select_related("patient", "site").filter(public_id=public_id).first()
    return message if message is not None and message.patient is not None else None


@transaction.atomic
def link_from(message: Message) -> str | None:
    """A fresh token for the page, or None while somebody has been guessing birth dates there."""
    if message.patient is None:
        raise ValueError("A mail without a patient leads to nobody's data.")
    patient = Patient.objects.select_for_update(no_key=True).filter(pk=message.patient_id, merged_into=None).first()
    if patient is None:
        return None
    lately = PatientLink.objects.filter(patient=patient, purpose=LinkPurpose.PRIVACY, created_at__gt=timezone.now() - REST)
    tried = max(lately.values_list("wrong_tries", flat=True), default=0)
    if tried >= links.MOST_TRIES:
        return None
    for older in lately.filter(revoked_at=None, spent_at=None):
        links.revoke(link=older, reason="a newer one was asked for", by=SYSTEM)
    link, token = links.issue(
        patient=patient, site=message.site, purpose=LinkPurpose.PRIVACY, expires_at=timezone.now() + OPEN_FOR, by=SYSTEM
    )
    PatientLink.objects.filter(pk=link.pk).update(wrong_tries=tried)  # a new link is no new set of tries
    return token
