"""Sending what is due: a batch at a time (`sessions/claiming.py`), in it one mail after the other.

Before a byte of a mail goes out its row says so, on disk; what came of it is recorded before the next one begins. A killed
worker therefore leaves one row in `sending` and nothing else in doubt. Any number of workers may do this at once: a row
one of them holds is skipped by the others.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import DataError, OperationalError, connection, connections, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from clinic.deeds import is_busy
from clinic.late_commit import LateCommit
from patients.models import Patient
from sessions import addressing, claiming, data_requests, withholding
from sessions.choices import MessageState
from sessions.claiming import Batch, Claim
from sessions.delivery import Begin, Channel, EmailChannel, NotAccepted, Permanent, Temporary, Unknown
from sessions.locking import once_more
from sessions.models import Appointment, Message
from sessions.outbox import MAIL_LADDER, SERVER_LADDER, move, put_off, settle_claim
from sessions.wire import Mail

log = structlog.get_logger(__name__)
S = MessageState

INTERRUPTED = gettext_noop("Interrupted while it was being handed over: nobody knows whether it arrived")
BUSY = gettext_noop("The appointment was being changed")
QUICK_AFTER = 4  # mails of a batch show how quick the server is
GIVE_WAY = 0.0005  # seconds after which who writes ahead lets go of Python for who has an answer of the server


class Withdrawn(Exception):
    """Just before the hand-over the visit turned out to be cancelled or moved."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Answer = Withdrawn | NotAccepted


# --- a round --------------------------------------------------------------------------------------------------------
def send_due(*, channel: Channel | None = None) -> int:
    """Send what is due now, for at most MESSAGE_ROUND_SECONDS. Returns how many were handed over.

    A server that does not answer ends the round: the others wait for the next one instead of failing one by one.
    """
    work = Round(channel or EmailChannel(), ends=time.monotonic() + settings.MESSAGE_ROUND_SECONDS)
    try:
        while work.goes_on():
            batch = work.desk.next_batch()
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
        self.accepted: Claim | None = None  # the mail before, which is not recorded yet
        self.desk = Desk(channel)
        self.disk = ThreadPoolExecutor(1, thread_name_prefix="disk")

    def goes_on(self) -> bool:
        return self.server_answers and time.monotonic() < self.ends

    def send(self, batch: Batch) -> None:
        """One mail after the other: what became of one is recorded with the statement that begins the next."""
        waiting, begun_at = list(reversed(batch.ready)), time.monotonic()
        try:
            while waiting and self.goes_on():
                if batch.more and self.is_quick(len(batch.ready) - len(waiting), since=begun_at):
                    self.desk.write_ahead()
                try:
                    self.send_one(waiting[-1])
                except DataError:
                    # One mail that the database does not take must not stop the others.
                    log.exception("a mail could not be begun", message=waiting[-1].message.public_id)
                    put_aside(waiting[-1])
                waiting.pop()
        finally:
            self.left += waiting
            if self.accepted is not None:
                once_more(partial(record_sent, self.accepted))
                self.accepted = None

    def is_quick(self, count: int, *, since: float) -> bool:
        """Whether the next batch, were it written now, would go out before it is stale and the round over."""
        now = time.monotonic()
        return count >= QUICK_AFTER and 2 * claiming.TOGETHER * (now - since) / count < min(
            claiming.FRESH.total_seconds(), self.ends - now
        )

    def send_one(self, ready: claiming.Ready) -> None:
        if self.channel.in_steps:
            claim, answer = self.begin_on_the_way(ready)
        else:
            claim, answer = claiming.begin(ready, done=self.accepted), None
            self.accepted = None  # only now: had the statement failed, it would have to be recorded
            if claim is not None:
                answer = hand_to(self.channel, claim.mail, begin=lambda: still_wanted(claim))
        if claim is None:
            self.left.append(ready)
        elif answer is None:
            self.accepted, self.sent = claim, self.sent + 1
        else:
            self.server_answers = record_answer(claim, answer)

    def begin_on_the_way(self, ready: claiming.Ready) -> tuple[Claim | None, Answer | None]:
        """Begin the row with the first word to the server, in one transaction. What was not begun so, because there was no
        server to speak to, is begun now: the log shows that it was tried. For what is stale nobody is spoken to."""
        if not claiming.is_timely(ready, timezone.now()):
            return None, None
        first_word = FirstWord(ready, done=self.accepted, disk=self.disk)
        try:
            answer = hand_to(self.channel, ready.written.mail, begin=first_word.said)
        except NotBegun:
            answer = None
        finally:
            first_word.wait()
            if first_word.is_recorded:
                self.accepted = None
        if first_word.is_recorded:
            return first_word.claim, answer
        claim = claiming.begin(ready, done=self.accepted)
        self.accepted = None
        return claim, answer

    def close(self) -> None:
        """Rows that were not begun are free again at the end of the round: none is written twice in one."""
        self.channel.close()
        self.disk.shutdown()
        self.left += self.desk.close()
        for held_until in {one.held_until for one in self.left}:
            keys = [one.message.pk for one in self.left if one.held_until == held_until]
            claiming.release(keys, held_until=held_until)


class NotBegun(Exception):
    """The row was withdrawn, or something changed since its mail was written."""


class FirstWord:
    """Begins a row in the transaction in which the first word about its mail goes out.

    The visit is locked as the booking verbs lock it and all that spoke for the mail is compared, so no mail begins after
    somebody cancelled. That the row is begun, and what became of the mail before, reaches the disk while the server answers;
    the mail itself waits for that. A worker killed before has handed over nothing, and the row is still `scheduled`.
    """

    def __init__(self, ready: claiming.Ready, *, done: Claim | None, disk: ThreadPoolExecutor) -> None:
        self.ready, self.done = ready, done
        self.late = LateCommit(disk)
        self.claim: Claim | None = None
        self.is_under_way = self.is_recorded = False  # what became of this row, and of the one before

    @contextmanager
    def said(self) -> Iterator[Callable[[], None]]:
        try:
            with refused_when_busy():
                self.claim = claiming.begin(self.ready, done=self.done, late=self.late)
            if self.claim is not None:
                if not claiming.is_timely(self.ready, timezone.now()):  # somebody had the visit in hand until its time was over
                    raise NotBegun
                yield self.wait
        except BaseException as error:
            self.claim = None
            self.late.roll_back(error)
            raise
        self.late.commit()
        self.is_under_way = True
        if self.claim is None:
            raise NotBegun

    def wait(self) -> None:
        under_way, self.is_under_way = self.is_under_way, False
        self.late.wait()
        self.is_recorded = self.is_recorded or under_way


class Desk:
    """Writes the next batch while the server takes in this one: in a thread with a connection of its own."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.thread: ThreadPoolExecutor | None = None
        self.ahead: Future[Batch] | None = None
        self.usual = sys.getswitchinterval()

    def write_ahead(self) -> None:
        if self.ahead is not None or connection.in_atomic_block:  # another connection would not see what this one wrote
            return
        if self.thread is None:
            self.thread = ThreadPoolExecutor(1, thread_name_prefix="desk")
            sys.setswitchinterval(GIVE_WAY)
        self.ahead = self.thread.submit(self.write)

    def write(self) -> Batch:
        batch = claiming.take_batch()
        for ready in batch.ready:
            self.channel.pack(ready.written.mail)
        return batch

    def next_batch(self) -> Batch:
        ahead, self.ahead = self.ahead, None
        return self.write() if ahead is None else ahead.result()

    def close(self) -> list[claiming.Ready]:
        """What was written ahead and is not needed. What could not be is free again when it is held no more."""
        try:
            return self.ahead.result().ready if self.ahead is not None else []
        except Exception:
            log.exception("mails could not be written ahead")
            return []
        finally:
            if self.thread is not None:
                self.thread.submit(connections.close_all)
                self.thread.shutdown()
                sys.setswitchinterval(self.usual)


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
def still_wanted(claim: Claim) -> Iterator[Callable[[], None]]:
    """Held while a row that was begun before goes out: who cancels or moves the visit waits for that moment, or was first.

    The appointment is locked as the booking verbs lock it, so no mail begins after their commit. Connecting may have taken
    long since the row was begun, so all that spoke for the mail is looked at once more: while its mark is the same, nothing
    has changed. The transaction writes nothing that could be lost, so nobody waits for the disk at its end.
    """
    with transaction.atomic():
        message = claim.message
        with refused_when_busy():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit TO off")
            claiming.lock_visit(message)
        if claiming.marks_of([message.pk]).get(message.pk) != claim.mark or not claiming.is_in_time(message, timezone.now()):
            look_again(message)
        yield lambda: None


@contextmanager
def refused_when_busy() -> Iterator[None]:
    """Somebody is at the visit for longer than `lock_timeout`: later."""
    try:
        yield
    except OperationalError as error:
        if not is_busy(error):
            raise
        raise Temporary(BUSY) from error


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
    answer = hand_to(channel, claim.mail, begin=lambda: still_wanted(claim))
    if answer is None:
        record_sent(claim)
    else:
        record_answer(claim, answer)


def hand_to(channel: Channel, mail: Mail, *, begin: Begin) -> Answer | None:
    """The answer that is no yes; none where the mail was accepted."""
    try:
        channel.send(mail, begin=begin)
    except (Withdrawn, NotAccepted) as answer:
        return answer
    return None


def record_answer(claim: Claim, answer: Answer) -> bool:
    """Write down an answer that is no yes. Whether the server answers at all."""
    if isinstance(answer, Withdrawn):
        record(claim, S.SUPPRESSED, answer.reason)
    elif isinstance(answer, Unknown):
        record(claim, S.UNKNOWN, answer.reason)
    elif isinstance(answer, Permanent):
        record_refusal(claim, answer)
    elif isinstance(answer, Temporary):
        record_delay(claim, answer)
        return not answer.server
    return True


@transaction.atomic
def put_aside(ready: claiming.Ready) -> None:
    """A row that is held and cannot be begun: later, down the ladder, unless somebody changed it meanwhile."""
    message = Message.objects.select_for_update(no_key=True).get(pk=ready.message.pk)
    if (message.state, message.held_until) == (ready.message.state, ready.held_until):
        now = timezone.now()
        move(message, S.SENDING, claimed_at=now, held_until=None, attempts=message.attempts + 1)
        put_off(message, claiming.NOT_WRITTEN, MAIL_LADDER)


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
