"""Messages that found no address: written anew as soon as the patient has one, while they are still of use.

The patients' floor, where an address is typed, knows nothing of messages; so the sweeper looks once a minute.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from clinic.doer import SYSTEM
from sessions import messaging, outbox
from sessions.choices import UPCOMING, MessageState
from sessions.message_texts import CHECK_IN, REMINDER
from sessions.models import Message

WRITTEN_ANEW = gettext_noop("An address was added later: see the message to it")
AT_MOST = 200  # in one sweep; the next one is a minute away


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
