"""What became of a mail after it was handed over: a provider's report, or the mail that came back.

Reports may come twice, late, or about mails nobody knows: only a legal move of the state changes anything. Whether a
report is genuine was checked before: by the webhook's secret and signature, or by the signed return address.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from clinic.doer import SYSTEM
from patients import privacy
from patients.models import Patient
from sessions import outbox
from sessions.choices import MESSAGE_MOVES, MessageState
from sessions.message_texts import KINDS
from sessions.models import Message

S = MessageState
CAME_BACK = gettext_noop("The mail came back")
COMPLAINT = "provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`fate` is delivered or bounced. `words` are what the other mail server said. `for_good`: the address itself is
    bad, so later mails wait until somebody corrects it."""

    rfc_message_id: str
    recipient: str
    fate: str
    words: str = ""
    for_good: bool = False


@transaction.atomic
def take_in(report: Report) -> bool:
    """Record a report. False when it changes nothing: unknown mail, another recipient, a state it cannot follow."""
    message = Message.objects.select_for_update(no_key=True).filter(rfc_message_id=report.rfc_message_id).first()
    if message is None or message.recipient.lower() != report.recipient.lower():
        return False
    if report.fate not in MESSAGE_MOVES[message.state]:
        return False
    reason = (" ".join(report.words.split())[:300] or CAME_BACK) if report.fate == S.BOUNCED else ""
    outbox.move(message, report.fate, reason=reason, by=SYSTEM, sent_at=message.sent_at or timezone.now())
    if report.fate == S.BOUNCED and report.for_good:
        # Whoever has another address by now is not marked for the old one.
        Patient.objects.filter(messages=message, email=message.recipient).update(email_problem=reason[:200])
    return True


@transaction.atomic
def complained(*, rfc_message_id: str, recipient: str) -> bool:
    """The reader told their mail program that this is not wanted: everything one can do without ends."""
    message = Message.objects.select_related("patient").filter(rfc_message_id=rfc_message_id).first()
    if message is None or message.patient is None or message.recipient.lower() != recipient.lower():
        return False
    chosen = [
        privacy.choose(patient=message.patient, kind=kind.code, allowed=False, source=COMPLAINT, by=SYSTEM)
        for kind in KINDS.values() if kind.optional
    ]  # fmt: skip
    return any(chosen)
