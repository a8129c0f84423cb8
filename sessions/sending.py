"""Sending what is due: claim one row, write its mail, hand it over, record what came of it.

Each step commits by itself, so that a killed worker leaves one row in `sending` and nothing else in doubt. Any number
of workers may do this at once: a claimed row is skipped by the others.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Count, F, Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from patients import privacy
from patients.models import Patient
from protocols import message_times
from protocols.findings import Outcome
from sessions import addressing, course_messages, message_rules, messaging, screenings
from sessions.choices import CANCELLED as CANCELLED_STATUSES
from sessions.choices import UPCOMING, MessageState, RecordStatus
from sessions.delivery import Channel, EmailChannel, Mail, Permanent, Temporary, Unknown
from sessions.letters import write_mail
from sessions.mail_hours import mail_hours
from sessions.message_rules import SWITCHED_OFF
from sessions.message_texts import ALLERGY_TEST, CANCELLED, CONSENT, KINDS
from sessions.messaging import (
    ADDRESS_FAILS,
    BEGUN_ALREADY,
    CALLED_OFF,
    END_TAKEN_BACK,
    EVENT_OPEN,
    MOVED_AWAY,
    NOT_WANTED,
    SUPERSEDED,
    UNDONE,
)  # fmt: skip
from sessions.models import Appointment, Consent, Course, Message, TreatmentSession
from sessions.outbox import NO_ADDRESS, move, settle_claim

log = structlog.get_logger(__name__)
S = MessageState

TOO_LATE = gettext_noop("Could not be sent in time")
BLOCKED = gettext_noop("Screening blocks this course")
CONSENT_SETTLED = gettext_noop("The consent was signed, withdrawn or replaced meanwhile")
CONSENT_WITHDRAWN = gettext_noop("The patient withdrew their consent")
NOT_WRITTEN = gettext_noop("The mail could not be written")
INTERRUPTED = gettext_noop("Interrupted while it was being handed over: nobody knows whether it arrived")
BUSY = gettext_noop("The appointment was being changed")
NO_TEST_NEEDED = gettext_noop("No test is needed any more")

# Minutes until the next try after a temporary answer about one mail, and while the server as a whole is away.
MAIL_LADDER = (1, 5, 15, 30, 60)
SERVER_LADDER = (1, 2, 4)


class Withdrawn(Exception):
    """Just before the hand-over the visit turned out to be cancelled or moved."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Claim:
    """A row this worker has taken, with its mail. `at` tells its claim from a later one of the same row."""

    message: Message
    mail: Mail
    at: dt.datetime


# --- a round --------------------------------------------------------------------------------------------------------
def send_due(*, channel: Channel | None = None) -> int:
    """Send what is due now, one by one, for at most MESSAGE_ROUND_SECONDS. Returns how many were handed over.

    A server that does not answer ends the round: the others wait for the next one instead of failing one by one.
    """
    channel = channel or EmailChannel()
    ends = time.monotonic() + settings.MESSAGE_ROUND_SECONDS
    sent = 0
    try:
        while time.monotonic() < ends:
            claim = claim_next()
            if claim is None:
                break
            server_answers, accepted = hand_over(claim, channel)
            sent += accepted
            if not server_answers:
                break
    finally:
        channel.close()
    return sent


def sweep(*, channel: Channel | None = None) -> None:
    """What nobody else would pick up: claims of killed workers, unknown messages that may go once more, and messages
    whose patient had no address when they were written."""
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


# --- 1. claim -------------------------------------------------------------------------------------------------------
def claim_next(*, unknown: bool = False) -> Claim | None:
    """Take the next due row and write its mail. Rows that must not go out are settled on the way, each by itself."""
    while True:
        with transaction.atomic():
            now = timezone.now()
            rows = unknown_rows(now) if unknown else Message.objects.due(now)
            message = rows.select_for_update(skip_locked=True, no_key=True, of=("self",)).select_related(
                "patient", "site", "appointment__site", "appointment__patient", "appointment__course", "appointment__service"
            ).first()  # fmt: skip
            if message is None:
                return None
            claim = take(message, now)
        if claim is not None:
            return claim


def unknown_rows(now: dt.datetime) -> Any:
    """Messages of unknown fate that go once more by themselves: only once, and only kinds that do no harm twice."""
    kinds = [kind.code for kind in KINDS.values() if kind.resent_alone]
    settled = now - dt.timedelta(seconds=settings.MESSAGE_SETTLE_SECONDS)
    ids = (
        Message.objects.filter(state=S.UNKNOWN, kind__in=kinds, claimed_at__lt=settled)
        .annotate(times=Count("steps", filter=Q(steps__state=S.UNKNOWN)))
        .filter(times=1)
        .values("pk")
    )
    return Message.objects.filter(pk__in=ids, state=S.UNKNOWN).order_by("claimed_at", "id")


def take(message: Message, now: dt.datetime) -> Claim | None:
    """Settle, postpone or claim one locked row. None where nothing is to be handed over now."""
    addressing.refresh_recipient(message)
    stop = why_not(message, now)
    if stop is None and message.state == S.SCHEDULED and addressing.is_to_another_mailbox(message):
        stop = (S.SUPPRESSED, SUPERSEDED)  # its twin to the right address is there already
    if stop is not None:
        settle(message, *stop)
        return None
    if message.kind not in message_times.AT_ONCE and message.state == S.SCHEDULED:
        later = message_times.after_quiet_hours(now, message.site.zone, mail_hours().quiet)
        if later > now and is_automatic(message) and not message.is_test:
            message.due_at = later
            message.save(update_fields=["due_at"])
            return None
    claimed: dict[str, Any] = {"claimed_at": now, "attempts": message.attempts + 1}
    if message.is_test:
        move(message, S.SENDING, **claimed)
        return Claim(message, as_it_stands(message), now)
    try:
        with transaction.atomic():
            written = write_mail(message)
            addressing.hold_address(message)
    except addressing.AddressMoves:
        move(message, S.SENDING, **claimed)
        put_off(message, addressing.ADDRESS_MOVES, MAIL_LADDER)
        return None
    except Exception:
        # One mail that cannot be written must not stop the queue; a fault of ours that is mended soon must lose none.
        log.exception("mail could not be written", message=message.public_id, kind=message.kind)
        move(message, S.SENDING, **claimed)
        put_off(message, NOT_WRITTEN, MAIL_LADDER)
        return None
    move(
        message, S.SENDING, subject=written.subject, text=written.text, html=written.html, told_start=written.told_start,
        rule_version=written.rule_version, **claimed,
    )  # fmt: skip
    return Claim(message, written.mail, now)


def as_it_stands(message: Message) -> Mail:
    """A test was written when it was asked for."""
    return Mail(
        to=message.recipient, sender_name=message.site.name, reply_to=message.site.email, subject=message.subject,
        text=message.text, html=message.html, message_id=message.rfc_message_id,
    )  # fmt: skip


def is_automatic(message: Message) -> bool:
    """Timed mails respect the quiet hours; what answers a person's deed goes out when that person did it."""
    return message.kind in message_times.KINDS


def settle(message: Message, state: str, reason: str) -> None:
    """Suppressed or missed. One of unknown fate is not worth repeating any more; its steps say it may have arrived."""
    move(message, S.SUPPRESSED if message.state == S.UNKNOWN else state, reason=reason)


# --- 2. may it still go? --------------------------------------------------------------------------------------------
def why_not(message: Message, now: dt.datetime) -> tuple[str, str] | None:
    """The state and reason with which this message ends instead of going out, from what is true now. None: it goes."""
    if not message.recipient:
        return S.SUPPRESSED, NO_ADDRESS
    if message.patient is not None and message.patient.email_problem:
        return S.SUPPRESSED, ADDRESS_FAILS
    if message.is_test:
        return (S.MISSED, TOO_LATE) if message.useful_until is not None and message.useful_until <= now else None
    kind = KINDS[message.kind]
    appointment = message.appointment
    course = course_messages.course_of(message)
    if course is not None and message.kind != CANCELLED and has_withdrawn_consent(course):
        return S.SUPPRESSED, CONSENT_WITHDRAWN
    if kind.optional and message.patient is not None and privacy.declined(message.patient, message.kind):
        return S.SUPPRESSED, NOT_WANTED
    if kind.optional and message_rules.is_off(message):
        return S.SUPPRESSED, SWITCHED_OFF
    if messaging.is_stopped_by_event(message):
        return S.SUPPRESSED, EVENT_OPEN
    if kind.visit and appointment is not None:
        stop = why_no_visit(message, appointment, now)
        if stop is not None:
            return stop
    if message.kind == CONSENT and not is_open_consent(message):
        return S.SUPPRESSED, CONSENT_SETTLED
    if message.kind == CANCELLED and appointment is not None and appointment.status not in CANCELLED_STATUSES:
        return S.SUPPRESSED, UNDONE
    if kind.after and not has_ended(message):
        return S.SUPPRESSED, END_TAKEN_BACK
    if message.kind == ALLERGY_TEST and appointment is not None and not messaging.needs_test(appointment):
        return S.SUPPRESSED, NO_TEST_NEEDED
    if message.cause_kind == "course" and course is not None:
        if reason := course_messages.why_not(message, course):
            return S.SUPPRESSED, reason
        if kind.stopped_by_block and newest_says_no(course):
            return S.SUPPRESSED, BLOCKED
    if message.useful_until is not None and message.useful_until <= now:
        return S.MISSED, TOO_LATE
    return None


def why_no_visit(message: Message, appointment: Appointment, now: dt.datetime) -> tuple[str, str] | None:
    if appointment.status in CANCELLED_STATUSES:
        return S.SUPPRESSED, CALLED_OFF
    if message.cause_revision < appointment.revision:
        return S.SUPPRESSED, MOVED_AWAY
    if appointment.starts_at <= now:
        return S.MISSED, TOO_LATE
    if appointment.status not in UPCOMING:
        return S.SUPPRESSED, BEGUN_ALREADY
    if KINDS[message.kind].stopped_by_block and is_blocked(appointment):
        return S.SUPPRESSED, BLOCKED
    return None


def is_blocked(appointment: Appointment) -> bool:
    """The newest screening of the course says no. Consultation, test and review are never gated."""
    return appointment.service.is_gated and appointment.course is not None and newest_says_no(appointment.course)


def newest_says_no(course: Course) -> bool:
    newest = screenings.latest(course.patient, course)
    return newest is not None and newest.outcome == Outcome.BLOCKED


def has_withdrawn_consent(course: Course) -> bool:
    """Withdrawal of consent stops every message of the course but the word that a visit is cancelled."""
    newest = Consent.objects.filter(course=course).order_by("-informed_at", "-id").first()
    return newest is not None and newest.withdrawn_at is not None


def is_open_consent(message: Message) -> bool:
    return Consent.objects.filter(
        public_id=message.cause_public_id, signed_at=None, withdrawn_at=None, text__superseded_by=None,
        plan_version=F("course__plan_version"),
    ).exists()  # fmt: skip


def has_ended(message: Message) -> bool:
    return TreatmentSession.objects.filter(
        public_id=message.cause_public_id, status__in=[RecordStatus.ENDED, RecordStatus.SIGNED]
    ).exists()


@contextmanager
def still_wanted(claim: Claim) -> Iterator[None]:
    """Held while the first byte goes out: who cancels or moves the visit waits for that moment, or was first.

    The appointment is locked as the booking verbs lock it, so no mail begins after their commit.
    """
    known = claim.message.appointment
    if known is None:
        yield
        return
    with transaction.atomic():
        try:
            now_there = Appointment.objects.select_for_update(no_key=True).get(pk=known.pk)
        except OperationalError as error:  # lock_timeout: somebody is at it for longer than three seconds
            raise Temporary(BUSY) from error
        for name in ("patient", "site", "service", "course"):  # read with the claim, and not what is locked here
            if getattr(now_there, f"{name}_id") == getattr(known, f"{name}_id"):
                setattr(now_there, name, getattr(known, name))
        claim.message.appointment = now_there
        stop = why_not(claim.message, timezone.now())
        if stop is not None:
            raise Withdrawn(stop[1])
        yield


# --- 3. hand over and record ----------------------------------------------------------------------------------------
def hand_over(claim: Claim, channel: Channel) -> tuple[bool, bool]:
    """Give the mail to the channel and record its answer. Returns (the server answers, the mail was accepted)."""
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
        record_sent(claim)
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


def put_off(message: Message, reason: str, ladder: tuple[int, ...]) -> None:
    """Try again later, further down the ladder each time; when that would come too late it has failed."""
    minutes = ladder[min(message.attempts, len(ladder)) - 1]
    due_at = timezone.now() + dt.timedelta(seconds=minutes * settings.MESSAGE_MINUTE_SECONDS)
    if message.useful_until is not None and due_at >= message.useful_until:
        move(message, S.FAILED, reason=reason)
    else:
        move(message, S.SCHEDULED, reason=reason, due_at=due_at)
