"""Sending what is due: a batch at a time (`sessions/claiming.py`), in it one mail after the other.

Before a byte of a mail goes out its row says so, on disk; what came of it is recorded before the next one begins. A killed
worker therefore leaves one row in `sending` and nothing else in doubt. Any number of workers may do this at once: a row
one of them holds is skipped by the others.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from patients.models import Patient
from sessions import addressing, claiming, data_requests, withholding
from sessions.choices import MessageState
from sessions.claiming import Batch, Claim
from sessions.delivery import Channel, EmailChannel, Permanent, Temporary, Unknown
from sessions.models import Appointment, Message
from sessions.outbox import MAIL_LADDER, SERVER_LADDER, move, put_off, settle_claim

log = structlog.get_logger(__name__)
S = MessageState

INTERRUPTED = gettext_noop("Interrupted while it was being handed over: nobody knows whether it arrived")
BUSY = gettext_noop("The appointment was being changed")


class Withdrawn(Exception):
    """Just before the hand-over the visit turned out to be cancelled or moved."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# --- a round --------------------------------------------------------------------------------------------------------
def send_due(*, channel: Channel | None = None) -> int:
    """Send what is due now, for at most MESSAGE_ROUND_SECONDS. Returns how many were handed over.

    A server that does not answer ends the round: the others wait for the next one instead of failing one by one.
    """
    work = Round(channel or EmailChannel(), ends=time.monotonic() + settings.MESSAGE_ROUND_SECONDS)
    try:
        while work.goes_on():
            batch = claiming.take_batch()
            if not batch.seen:
                break
            work.send(batch)
    finally:
        work.close()
    return work.sent


class Round:
    """One worker's round: its connection, how far it came, and the rows it holds but did not begin."""

    def __init__(self, channel: Channel, *, ends: float) -> None:
        self.channel, self.ends = channel, ends
        self.sent = 0
        self.server_answers = True
        self.left: list[claiming.Ready] = []

    def goes_on(self) -> bool:
        return self.server_answers and time.monotonic() < self.ends

    def send(self, batch: Batch) -> None:
        """One mail after the other: what became of one is recorded with the statement that begins the next."""
        waiting, accepted = list(reversed(batch.ready)), None
        try:
            while waiting and self.goes_on():
                ready = waiting.pop()
                claim = claiming.begin(ready, done=accepted)
                accepted = None  # only now: had the statement failed, it would have to be recorded below
                if claim is None:
                    self.left.append(ready)
                elif self.hand_over(claim):
                    accepted = claim
        finally:
            self.left += waiting
            if accepted is not None:
                record_sent(accepted)

    def hand_over(self, claim: Claim) -> bool:
        """Whether it was accepted; that is not recorded yet, any other end is."""
        self.server_answers, accepted = deliver(claim, self.channel)
        self.sent += accepted
        return accepted

    def close(self) -> None:
        """Rows that were not begun are free again at the end of the round: none is written twice in one."""
        self.channel.close()
        for held_until in {one.held_until for one in self.left}:
            keys = [one.message.pk for one in self.left if one.held_until == held_until]
            claiming.release(keys, held_until=held_until)


def sweep(*, channel: Channel | None = None) -> None:
    """What nobody else would pick up: claims of killed workers, unknown messages that may go once more, messages whose
    patient had no address when they were written, and requests about data that fall due."""
    if count := data_requests.remind():
        log.info("reminded of requests about data", count=count)
    if count := addressing.write_anew():
        log.info("messages written anew", count=count)
    for state, count in settle_expired_claims().items():
        log.warning("message claims expired", state=state, count=count)
    channel = channel or EmailChannel()
    try:
        while (claim := claim_next(unknown=True)) is not None:
            hand_over(claim, channel)
    finally:
        channel.close()


def claim_next(*, unknown: bool = False) -> Claim | None:
    """Begin the next row by itself: a batch of one."""
    while (batch := claiming.take_batch(size=1, unknown=unknown)).seen:
        for ready in batch.ready:
            claim = claiming.begin(ready)
            if claim is not None:
                return claim
    return None


def settle_expired_claims() -> dict[str, int]:
    """A claim older than MESSAGE_CLAIM_SECONDS belongs to a worker that is gone: its message becomes `unknown`."""
    counted: dict[str, int] = {}
    while True:
        with transaction.atomic():
            oldest = timezone.now() - dt.timedelta(seconds=settings.MESSAGE_CLAIM_SECONDS)
            message = (
                Message.objects.filter(state=S.SENDING, claimed_at__lt=oldest)
                .select_for_update(skip_locked=True, no_key=True)
                .first()
            )
            if message is None:
                return counted
            move(message, S.UNKNOWN, reason=INTERRUPTED)
            counted[S.UNKNOWN] = counted.get(S.UNKNOWN, 0) + 1


@contextmanager
def still_wanted(claim: Claim) -> Iterator[None]:
    """Held while the first byte goes out: who cancels or moves the visit waits for that moment, or was first.

    The appointment is locked as the booking verbs lock it, so no mail begins after their commit. Connecting may have taken
    long since the row was begun, so all that spoke for the mail is looked at once more: while its mark is the same, nothing
    has changed. The transaction writes nothing that could be lost, so nobody waits for the disk at its end.
    """
    with transaction.atomic():
        try:
            with connection.cursor() as cursor:
                cursor.execute(LOCK_VISIT, [claim.message.appointment_id])
        except OperationalError as error:  # lock_timeout: somebody is at it for longer than three seconds
            raise Temporary(BUSY) from error
        message = claim.message
        if claiming.marks_of([message.pk]).get(message.pk) != claim.mark or not claiming.is_in_time(message, timezone.now()):
            look_again(message)
        yield


LOCK_VISIT = (
    "SET LOCAL synchronous_commit TO off; "
    "SELECT 1 FROM treatment_sessions_appointment a WHERE a.id = %s FOR NO KEY UPDATE"
)


def look_again(message: Message) -> None:
    """Something changed after the mail was written, or its time has passed: may it still go? Raises `Withdrawn` where not."""
    known = message.appointment
    if message.patient_id is not None:
        message.patient = Patient.everyone.get(pk=message.patient_id)
    if known is not None:
        message.appointment = Appointment.objects.get(pk=known.pk)
    stop = withholding.why_not(message, timezone.now())
    if stop is not None:
        raise Withdrawn(stop[1])


# --- hand over and record -------------------------------------------------------------------------------------------
def hand_over(claim: Claim, channel: Channel) -> None:
    """One mail by itself, with whatever became of it recorded."""
    if deliver(claim, channel)[1]:
        record_sent(claim)


def deliver(claim: Claim, channel: Channel) -> tuple[bool, bool]:
    """Give the mail to the channel and record an answer that is no yes. Returns (the server answers, it said yes)."""
    try:
        channel.send(claim.mail, begin=lambda: still_wanted(claim))
    except Withdrawn as withdrawn:
        record(claim, S.SUPPRESSED, withdrawn.reason)
    except Unknown as unknown:
        record(claim, S.UNKNOWN, unknown.reason)
    except Permanent as refused:
        record_refusal(claim, refused)
    except Temporary as later:
        record_delay(claim, later)
        return not later.server, False
    else:
        return True, True
    return True, False


@transaction.atomic
def record_sent(claim: Claim) -> bool:
    """The mail was accepted. False when the row is no longer ours, as `record` says."""
    return settle_claim(claim.message, S.SENT, claimed_at=claim.at, sent_at=timezone.now())


@transaction.atomic
def record(claim: Claim, state: str, reason: str = "", **fields: Any) -> bool:
    """Write the end of this claim. False when the row is no longer ours: the sweep gave it up, somebody settled it."""
    message = Message.objects.select_for_update(no_key=True).get(pk=claim.message.pk)
    if message.claimed_at != claim.at or message.state not in {S.SENDING, S.UNKNOWN}:
        return False
    if message.state == S.UNKNOWN and state not in {S.SENT, S.FAILED, S.SUPPRESSED}:
        return False
    move(message, state, reason=reason, **fields)
    return True


@transaction.atomic
def record_refusal(claim: Claim, refused: Permanent) -> None:
    """Refused for good. A bad address is marked on the patient, so that the desk sees it and later mails wait."""
    if record(claim, S.BOUNCED if refused.address else S.FAILED, refused.reason) and refused.address:
        patients = Patient.objects.filter(messages=claim.message, email=claim.mail.to)
        patients.update(email_problem=refused.reason[:200])


@transaction.atomic
def record_delay(claim: Claim, later: Temporary) -> None:
    """Back into the queue after a temporary answer, unless the row is no longer ours."""
    message = Message.objects.select_for_update(no_key=True).get(pk=claim.message.pk)
    if message.claimed_at == claim.at and message.state == S.SENDING:
        put_off(message, later.reason, SERVER_LADDER if later.server else MAIL_LADDER)
