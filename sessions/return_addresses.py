"""The address a mail comes back to: signed, one for each mail, so that what comes back names its mail and is genuine.

`MAIL_RETURN_ADDRESS` (the sender's own if not said) such as `bounces@clinic.example` becomes
`bounces+<key>-<seal>@clinic.example`; both parts survive a mail server that lowers the case. `manage.py take_bounce`
reads what such an address receives.
"""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from sessions.choices import MessageState
from sessions.models import Message
from sessions.tracking import Report

SALT = "sessions.return_addresses"
SEAL_LENGTH = 20  # hexadecimal digits: 80 bits
SIGNED = re.compile(rf"\+([0-9a-f]{{2,32}})-([0-9a-f]{{{SEAL_LENGTH}}})@", re.IGNORECASE)
PERMANENT = re.compile(r"^5\.\d+\.\d+")
LONGEST = 2_000_000  # bytes; a report of a mail that came back is a few kilobytes


def signed_for(message: Message) -> str:
    """The envelope sender of a mail: the row's number in hexadecimal and a seal. Empty where it is switched off."""
    box, at, domain = settings.MAIL_RETURN_ADDRESS.rpartition("@")
    key = f"{message.pk:02x}"
    return f"{box}+{key}-{_seal(key)}@{domain}" if at else ""


def report_of(raw: bytes) -> Report | None:
    """Read what came back. None for what is no report of a mail of ours that failed: an absence note, a forged or
    foreign address, a delay."""
    if len(raw) > LONGEST:
        return None
    mail = message_from_bytes(raw, policy=policy.default)
    message = _message_behind(mail)
    if message is None:
        return None
    status, words = _verdict(mail)
    if not PERMANENT.match(status):
        return None
    return Report(
        rfc_message_id=message.rfc_message_id, recipient=message.recipient, fate=MessageState.BOUNCED,
        words=words or status, for_good=status.startswith("5.1."),
    )  # fmt: skip


def _message_behind(mail: EmailMessage) -> Message | None:
    """The mail whose signed return address this came to. Every header that names a recipient is looked at."""
    headers = [str(value) for name in ("To", "Delivered-To", "X-Original-To") for value in mail.get_all(name, [])]
    for _name, address in getaddresses(headers):
        found = SIGNED.search(address)
        if found and constant_time_compare(found[2].lower(), _seal(found[1].lower())):
            return Message.objects.filter(pk=int(found[1], 16)).first()
    return None


def _verdict(mail: EmailMessage) -> tuple[str, str]:
    """Status (such as 5.1.1) and the words of the other server, from the machine-readable part (RFC 3464)."""
    for part in mail.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        for block in part.get_payload():
            status = str(block.get("Status", "")).strip()  # type: ignore[union-attr]
            if status:
                words = str(block.get("Diagnostic-Code", "")).partition(";")[2]  # type: ignore[union-attr]
                return status, " ".join(words.split())
    return "", ""


def _seal(key: str) -> str:
    return salted_hmac(SALT, key, algorithm="sha256").hexdigest()[:SEAL_LENGTH]
