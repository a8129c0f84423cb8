"""Doing without a kind of mail, by one click in it (RFC 8058): a signed address that can do this one thing.

The address shows nothing of the patient and opens nothing of theirs, so it asks for no birth date. Opening it changes
nothing; the button on the page, or the mail program by itself, sends the POST.
"""

from __future__ import annotations

from django.core import signing
from django.db import transaction

from clinic.doer import Doer
from clinic.links_out import address_with
from patients import privacy
from sessions import messaging, outbox
from sessions.choices import MessageState
from sessions.message_texts import KINDS
from sessions.models import Message

SALT = "sessions.unsubscribing"
SOURCE = "mail"


def address_in(message: Message) -> str:
    """The address for the header and the foot of a mail; empty for the kinds nobody can do without."""
    if not KINDS[message.kind].optional:
        return ""
    token = signing.Signer(salt=SALT).sign(message.public_id)
    return address_with(token, page="mail-stop")


def message_behind(token: str) -> Message | None:
    """The mail an address was in. None for one that is made up, and for kinds nobody can do without."""
    try:
        public_id = signing.Signer(salt=SALT).unsign(token)
    except signing.BadSignature:
        return None
    message = Message.objects.select_related("patient", "site").filter(public_id=public_id).first()
    return message if message is not None and message.patient is not None and KINDS[message.kind].optional else None


@transaction.atomic
def stop(*, message: Message) -> None:
    """Keep the patient's choice and withdraw what is not sent of this kind. Twice is once."""
    patient = message.patient
    if patient is None:
        raise ValueError("A mail without a patient has nobody to do without it.")
    by = Doer.patient(patient.public_id, "patient, by the address in a mail")
    privacy.choose(patient=patient, kind=message.kind, allowed=False, source=SOURCE, by=by)
    waiting = Message.objects.filter(patient=patient, kind=message.kind, state=MessageState.SCHEDULED)
    outbox.withdraw(waiting, reason=messaging.NOT_WANTED, by=by)
