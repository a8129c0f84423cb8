"""What people do in the message log: send again, correct the address, settle what nobody knows."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import F, Max, Model
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from patients import links
from patients.models import Patient
from sessions.choices import CANCELLED as CANCELLED_STATUSES
from sessions.choices import MessageState
from sessions.message_texts import KINDS
from sessions.messaging import AFTERCARE_HOURS, EVENT_OPEN, SUPERSEDED, is_stopped_by_event
from sessions.models import Message
from sessions.models.message import A_REPEAT
from sessions.outbox import messages_of, move, next_revision, origin_of, write

S = MessageState


def check_can_send_again(message: Message) -> None:
    """A person may repeat what has gone wrong, what nobody knows about, and what was sent. Raises `Refused`."""
    if message.state in {S.SCHEDULED, S.SENDING}:
        raise Refused(_("This message is still on its way."))
    if message.patient is None:
        raise Refused(_("This message has no patient."))
    appointment = message.appointment
    if appointment is not None and KINDS[message.kind].visit:
        if appointment.status in CANCELLED_STATUSES:
            raise Refused(_("The appointment is cancelled: there is nothing to remind of."))
        if appointment.starts_at <= timezone.now():
            raise Refused(_("The appointment has begun: this mail would come too late."))
    if is_stopped_by_event(message):  # it would be held back at its turn, and nobody would be told
        raise Refused(_(EVENT_OPEN))


@transaction.atomic
def send_again(*, message: Message, seen_state: str, by: Doer, address: str = "") -> Message:
    """Write the same message anew, to the corrected `address` if one is given, which becomes the patient's address.

    1. Lock the row; refuse if it changed meanwhile.
    2. Correct the patient's address and lift the mark that mails come back.
    3. A new row whose cause is the old one, due at once: it has a Message-ID of its own, because a person asked for it.
    """
    held = locked(message, seen_state)
    check_can_send_again(held)
    patient = correct_address(held, address, by=by)
    if not patient.email:
        raise Refused(_("Type the address first: this patient has none."), field="address")
    now = timezone.now()
    root = origin_of(held)
    if held.state == S.UNKNOWN:
        move(held, S.FAILED, reason=SUPERSEDED, by=by)
    again = write(
        held.kind, cause=root, patient=patient, site=held.site, appointment=held.appointment, by=by, due_at=now,
        useful_until=max(held.useful_until or now, now + dt.timedelta(hours=AFTERCARE_HOURS)),
        revision=revision_again(held, root),
    )  # fmt: skip
    audit.record(
        by=by, action="message-sent-again", sentence=f"sends again: {held.kind}", of=again, patient=patient,
        site=held.site, detail={"of": held.public_id, "address_changed": bool(address)},
    )  # fmt: skip
    return again


def revision_again(message: Message, root: Model) -> int:
    """What it speaks of stays in the revision of a mail of a course."""
    if message.cause_kind != "course":
        return next_revision(root, message.kind)
    same = messages_of(root).filter(kind=message.kind).alias(number=F("cause_revision") % A_REPEAT)
    last: int = same.filter(number=message.number).aggregate(last=Max("cause_revision"))["last"]
    return last + A_REPEAT


def correct_address(message: Message, address: str, *, by: Doer) -> Patient:
    """Give the patient of the message a working address; the old one is kept in the row history."""
    held: Patient = Patient.objects.select_for_update(no_key=True).get(messages=message)
    if address and address != held.email:
        is_other = links.is_other_mailbox(held.email, address)
        held.email, held.email_problem = address, ""
        held.refresh_search_key()
        held.version += 1
        held.save(update_fields=["email", "email_problem", "search_key", "version"])
        audit.record(by=by, action="patient-address-corrected", sentence="corrected the e-mail address", of=held,
                     patient=held)  # fmt: skip
        if is_other:
            links.revoke_mailed(patient=held, by=by)
    elif held.email_problem:
        held.email_problem = ""
        held.version += 1
        held.save(update_fields=["email_problem", "version"])
    return held


@transaction.atomic
def mark_arrived(*, message: Message, seen_state: str, by: Doer) -> None:
    """A person found out that an unknown message did arrive."""
    held = locked(message, seen_state)
    if held.state != S.UNKNOWN:
        raise Refused(_("Only a message whose fate is unknown can be settled by hand."))
    move(held, S.SENT, by=by, sent_at=held.claimed_at or timezone.now())
    audit.record(
        by=by, action="message-settled", sentence="says that the message arrived", of=held, patient=held.patient,
        site=held.site,
    )  # fmt: skip


def locked(message: Message, seen_state: str) -> Message:
    held = Message.objects.select_for_update(no_key=True, of=("self",)).select_related(
        "patient", "site", "appointment"
    ).get(pk=message.pk)  # fmt: skip
    if held.state != seen_state:
        raise Stale(
            _("This message has changed meanwhile: it is now %(state)s.") % {"state": held.get_state_display()},
            theirs=[(_("State"), str(held.get_state_display()))],
        )
    return held
