"""The rows of the outbox: written once for each cause, kind and revision, brought back, withdrawn; every change is a step.

Which row is due for what is decided in `sessions/messaging.py` and its neighbours.
"""

from __future__ import annotations

import datetime as dt
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_noop

from clinic.doer import Doer
from clinic.models import Site
from clinic.models.base import new_public_id
from patients.models import DataRequest, Patient
from sessions.choices import MESSAGE_MOVES, MessageState
from sessions.models import Appointment, Consent, Course, Message, MessageStep, TreatmentSession

S = MessageState
NO_ADDRESS = gettext_noop("No e-mail address")
# Minutes until the next try after a temporary answer about one mail, and while the server as a whole is away.
MAIL_LADDER = (1, 5, 15, 30, 60)
SERVER_LADDER = (1, 2, 4)
ORIGINS: dict[str, type[models.Model]] = {
    model._meta.model_name or "": model for model in (Appointment, TreatmentSession, Consent, DataRequest, Course, Patient)
}


def messages_of(cause: models.Model) -> Any:
    return Message.objects.filter(cause_kind=cause._meta.model_name, cause_public_id=cause.public_id)  # type: ignore[attr-defined]


def origin_of(message: Message) -> models.Model:
    """The row a message speaks of. Its revisions go on counting when a message is repeated."""
    return ORIGINS[message.cause_kind].objects.get(public_id=message.cause_public_id)  # type: ignore[attr-defined]


def next_revision(cause: models.Model, kind: str, *, if_sent: bool = False) -> int:
    """The revision a new row of this kind gets. With `if_sent` an unsent last row is used again."""
    rows = messages_of(cause).filter(kind=kind)
    last: int = rows.aggregate(last=Max("cause_revision"))["last"] or 0
    if if_sent and last and not rows.filter(cause_revision=last).exclude(state=S.SUPPRESSED).exists():
        return last
    return last + 1


def write(
    kind: str, *, cause: models.Model, patient: Patient, site: Site, by: Doer, due_at: dt.datetime, revision: int,
    useful_until: dt.datetime | None = None, appointment: Appointment | None = None, suppressed: str = "",
) -> Message:  # fmt: skip
    """One row, or the withdrawn one of the same key brought back. Without an address it says so instead of waiting."""
    suppressed = suppressed or ("" if patient.email else NO_ADDRESS)
    state = S.SUPPRESSED if suppressed else S.SCHEDULED
    message, is_new = Message.objects.get_or_create(
        cause_kind=cause._meta.model_name,
        cause_public_id=cause.public_id,  # type: ignore[attr-defined]
        kind=kind,
        cause_revision=revision,
        recipient=patient.email,
        defaults={
            "patient": patient, "site": site, "appointment": appointment, "language": patient.language,
            "due_at": due_at, "useful_until": useful_until, "state": state, "reason": suppressed,
            "rfc_message_id": new_rfc_message_id(),
        },
    )  # fmt: skip
    if is_new:
        step(message, by=by)
    elif message.state == S.SUPPRESSED and not suppressed:
        message.due_at, message.useful_until = due_at, useful_until
        message.save(update_fields=["due_at", "useful_until"])
        move(message, S.SCHEDULED, by=by)
    return message


def withdraw(messages: Any, *, reason: str, by: Doer) -> int:
    """Suppress what is not sent yet. Waits for a claim in progress, so that a row is either withdrawn or sending."""
    waiting = list(messages.filter(state=S.SCHEDULED).select_for_update(no_key=True).order_by("id"))
    for message in waiting:
        move(message, S.SUPPRESSED, reason=reason, by=by)
    return len(waiting)


def move(message: Message, to: str, *, reason: str = "", by: Doer | None = None, **fields: Any) -> None:
    """The one place where a message changes its state. The row must be locked. Each change is a step in the log."""
    if to not in MESSAGE_MOVES[message.state]:
        raise ValueError(f"A message cannot go from {message.state} to {to}.")
    message.state, message.reason = to, reason[:300]
    for name, value in fields.items():
        setattr(message, name, value)
    message.save(update_fields=["state", "reason", *fields])
    step(message, by=by)


def put_off(message: Message, reason: str, ladder: tuple[int, ...]) -> None:
    """Try again later, further down the ladder each time; when that would come too late it has failed."""
    minutes = ladder[min(message.attempts, len(ladder)) - 1]
    due_at = timezone.now() + dt.timedelta(seconds=minutes * settings.MESSAGE_MINUTE_SECONDS)
    if message.useful_until is not None and due_at >= message.useful_until:
        move(message, S.FAILED, reason=reason)
    else:
        move(message, S.SCHEDULED, reason=reason, due_at=due_at)


def settle_claim(message: Message, to: str, *, claimed_at: dt.datetime, **fields: Any) -> bool:
    """As `move`, for a row that was claimed at that moment and is not locked now: in one statement, which changes nothing
    where the claim was given up meanwhile or somebody settled it. False then."""
    ours = Message.objects.filter(pk=message.pk, claimed_at=claimed_at, state__in=[S.SENDING, S.UNKNOWN])
    moves = ours.filter(state__in=[state for state in MESSAGE_MOVES if to in MESSAGE_MOVES[state]])
    if not moves.update(state=to, reason="", **fields):
        return False
    MessageStep.objects.create(message_id=message.pk, at=timezone.now(), state=to, reason="")
    return True


def step(message: Message, *, by: Doer | None = None) -> None:
    MessageStep.objects.create(
        message=message, at=timezone.now(), state=message.state, reason=message.reason, by=by.user if by else None
    )


def new_rfc_message_id() -> str:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{new_public_id()}@{domain}>"
