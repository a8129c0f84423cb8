"""The address of a message: taken from the patient as it goes out, held until it does, and looked for where there was none.

The patients' floor, where an address is typed, knows nothing of messages; so the sweeper looks once a minute for those
that found no address, and writes them anew while they are still of use.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from clinic.doer import SYSTEM
from patients import links
from sessions import messaging, outbox
from sessions.choices import UPCOMING, MessageState
from sessions.message_texts import CHECK_IN, REMINDER
from sessions.models import Message

WRITTEN_ANEW = gettext_noop("An address was added later: see the message to it")
ADDRESS_MOVES = gettext_noop("The patient's record was being changed")
AT_MOST = 200  # in one sweep; the next one is a minute away


Key = tuple[str, str, str, int, str]  # what a message is written once for: cause (kind and id), kind, revision, address


def write_anew() -> int:
    """Timed messages that are not due yet, whose patient has got an address meanwhile. Returns how many were written."""
    written = 0
    with transaction.atomic():
        waiting = (
            Message.objects.filter(
                state=MessageState.SUPPRESSED, reason=outbox.NO_ADDRESS, kind__in=[REMINDER, CHECK_IN],
                due_at__gt=timezone.now(),
            )
            .exclude(patient__email="")
            .select_related("patient", "site", "appointment", "appointment__treatment_session")
            .select_for_update(of=("self",), skip_locked=True, no_key=True)
        )  # fmt: skip
        for message in waiting.exclude(patient__in=messaging.patients_stopped()).order_by("due_at")[:AT_MOST]:
            if message.patient is not None and is_wanted(message):
                outbox.write(
                    message.kind, cause=outbox.origin_of(message), patient=message.patient, site=message.site,
                    appointment=message.appointment, by=SYSTEM, due_at=message.due_at, useful_until=message.useful_until,
                    revision=message.cause_revision,
                )  # fmt: skip
                written += 1
            message.reason = WRITTEN_ANEW
            message.save(update_fields=["reason"])
            outbox.step(message, by=None)
    return written


def is_wanted(message: Message) -> bool:
    """Is what it speaks of still as it was? A visit that is off, moved or done needs no reminder of its old time."""
    visit = message.appointment
    if visit is None:
        return False
    if message.kind == REMINDER:
        newest = outbox.next_revision(visit, REMINDER) - 1
        return visit.status in UPCOMING and message.cause_revision == newest
    record = getattr(visit, "treatment_session", None)
    return record is not None and record.ended_at is not None


def readdress(message: Message, given: set[Key]) -> bool:
    """An address corrected since the row was written counts. Nothing is stored; whether the row has another one now. `given`
    are the keys that rows got so and that are not stored yet, either."""
    patient = message.patient
    if patient is None or message.state != MessageState.SCHEDULED or patient.email == message.recipient:
        return False
    key = (message.cause_kind, message.cause_public_id, message.kind, message.cause_revision, patient.email)
    names = ("cause_kind", "cause_public_id", "kind", "cause_revision", "recipient")
    if key in given or Message.objects.filter(**dict(zip(names, key, strict=True))).exists():
        return False
    given.add(key)
    message.recipient = patient.email
    return True


def is_to_another_mailbox(message: Message, address: str | None = None) -> bool:
    """Than the patient's, as it was read with the message, or than `address`."""
    if message.patient is None or message.is_test:
        return False
    return links.is_other_mailbox(message.recipient, message.patient.email if address is None else address)


def hold_addresses(messages: Collection[Message]) -> set[int]:
    """The last look before what was written is stored, under a lock no change of address gets past: each mail has a link, and
    who ends the links to an old address must see it. Never waits: whoever holds a patient may wait for these rows.
    Returns the messages (keys) whose address holds; a patient's record in other hands, or another address, is left out."""
    patients = {one.patient_id for one in messages if one.patient_id is not None}
    held: dict[int, str] = {}
    if patients:
        with connection.cursor() as cursor:  # FOR SHARE, which the ORM has not: two mails to one patient hinder nobody
            cursor.execute(
                "SELECT id, email FROM patients_patient WHERE id = ANY(%s) ORDER BY id FOR SHARE SKIP LOCKED", [list(patients)]
            )
            held = dict(cursor.fetchall())
    return {
        one.pk for one in messages
        if one.patient_id is None or (one.patient_id in held and not is_to_another_mailbox(one, held[one.patient_id]))
    }  # fmt: skip
