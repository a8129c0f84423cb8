"""Messages of the demo in every state, as they would have been left behind."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from sessions.choices import MessageState as M
from sessions.delivery import NO_ANSWER
from sessions.messaging import CALLED_OFF
from sessions.models import Appointment, Message, MessageStep
from sessions.outbox import new_rfc_message_id
from sessions.sending import INTERRUPTED
from sessions.withholding import TOO_LATE

LEFT_BEHIND = [
    (M.SENT, ""), (M.DELIVERED, ""), (M.BOUNCED, "550 no such user"), (M.FAILED, NO_ANSWER),
    (M.SUPPRESSED, CALLED_OFF), (M.MISSED, TOO_LATE), (M.UNKNOWN, INTERRUPTED), (M.SENDING, ""),
]  # fmt: skip


def leave_messages(appointments: list[Appointment]) -> None:
    """One finished reminder per past appointment, walking through the states."""
    now = timezone.now()
    for number, appointment in enumerate(appointments):
        state, reason = LEFT_BEHIND[number % len(LEFT_BEHIND)]
        due = appointment.starts_at - dt.timedelta(days=1)
        handed = state in {M.SENT, M.DELIVERED, M.BOUNCED, M.UNKNOWN}
        message = Message.objects.create(
            kind="msg-24h", patient=appointment.patient, site=appointment.site, appointment=appointment,
            cause_kind="appointment", cause_public_id=appointment.public_id,
            recipient=appointment.patient.email or "nobody@mail.example", language=appointment.patient.language,
            due_at=due, state=state, reason=reason, attempts=1, claimed_at=now if state == M.SENDING else due,
            sent_at=due if handed else None, rfc_message_id=new_rfc_message_id(),
            subject="Your appointment tomorrow" if handed else "",
            text="We expect you tomorrow." if handed else "",
        )  # fmt: skip
        MessageStep.objects.create(message=message, at=due, state=state, reason=reason)
        if state == M.BOUNCED and appointment.patient.email:
            appointment.patient.email_problem = reason
            appointment.patient.save(update_fields=["email_problem"])
