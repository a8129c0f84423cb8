"""A worker's batch: due rows are held, judged and written together, and then begun one by one.

Held is not begun. A row of the batch stays `scheduled`, and `held_until` only keeps the other workers from writing it, too;
whoever withdraws it meanwhile need not ask. What a killed worker held goes out when that time has passed, unseen by anybody,
because not a byte of it had left. `begin` makes one row `sending`, in a statement that has reached the disk when it returns;
the same statement records what became of the one before. So each worker has at most one row in doubt at any moment.

`begin` also asks the database whether anything that spoke for this mail has changed since it was written: each row version
of PostgreSQL has a name of its own (`xmin` and `ctid`), and the names of all rows the mail hangs on are its mark. A mail
whose mark is no longer true is not begun; it is written anew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from clinic import prepared
from clinic.late_commit import LateCommit
from clinic.once import asked_once
from clinic.prepared import PreparedRecords, PreparedWords, in_one_go, many
from patients import links
from protocols import message_times
from sessions import addressing, message_rules, withholding
from sessions.choices import MessageState
from sessions.letters import Written, write_mail
from sessions.mail_hours import mail_hours
from sessions.message_texts import KINDS
from sessions.messaging import SUPERSEDED
from sessions.models import Message
from sessions.outbox import MAIL_LADDER, move, put_off
from sessions.wire import Mail

log = structlog.get_logger(__name__)
S = MessageState

TOGETHER, FEWEST = 40, 10  # mails of one batch: at most, and at least where there are as many
SHARE = 4  # a worker takes a quarter of what is due, so that all who send are done at about the same time
FRESH = dt.timedelta(seconds=30)  # so long what was written may wait for a slow server; then it is written anew
NOT_WRITTEN = gettext_noop("The mail could not be written")


@dataclass(frozen=True, slots=True)
class Ready:
    """A held row with its mail."""

    message: Message
    written: Written
    mark: str  # names the row versions it hangs on
    held_until: dt.datetime
    written_at: dt.datetime
    quiet: tuple[dt.time, dt.time] | None  # the hours in which it may not begin


@dataclass(frozen=True, slots=True)
class Held:
    """Rows this worker holds, in which state it found them, since when and until when; whether it left others."""

    keys: list[int]
    state: str
    at: dt.datetime
    until: dt.datetime
    more: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to become of a held row: settled (`stop`), put off (`later`), or sent as `written` with its links; none of
    these where it could not be written. `is_readdressed`: it goes to the address the patient has by now."""

    message: Message
    stop: tuple[str, str] | None = None
    later: dt.datetime | None = None
    written: Written | None = None
    issued: list[links.Issued] = field(default_factory=list)
    quiet: tuple[dt.time, dt.time] | None = None
    is_readdressed: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A row this worker has begun, with its mail. `at` tells its claim from a later one of the same row."""

    message: Message
    mail: Mail
    at: dt.datetime
    mark: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What is ready to go. `seen`: how many rows were looked at; the others were settled or put off. `more`: others were due."""

    ready: list[Ready]
    seen: int
    more: bool = False


# --- 1. take and write ----------------------------------------------------------------------------------------------
def take_batch(*, size: int = 0, unknown: bool = False) -> Batch:
    """Hold the next due rows, a share of them or `size`, and write their mails. What must not go out is settled on the way."""
    held = hold(size, unknown=unknown)
    if held is None:
        return Batch([], 0)
    try:
        ready = prepare(held, carefully=False)
    except Exception:
        # One of them broke the transaction of all: once more, each in its own, so that the others go.
        log.exception("mails could not be written together")
        ready = one_by_one(held)
    return Batch(ready, len(held.keys), held.more)


def one_by_one(held: Held) -> list[Ready]:
    """One that cannot even be judged stays held, and is looked at again when it is held no more."""
    ready: list[Ready] = []
    for key in held.keys:
        try:
            ready += prepare(replace(held, keys=[key]), carefully=True)
        except Exception:
            log.exception("message could not be judged", key=key)
    return ready


@transaction.atomic
def hold(size: int, *, unknown: bool) -> Held | None:
    """The rows are locked for this moment only: whoever withdraws one does not wait until forty mails are written."""
    now = timezone.now()
    until = now + dt.timedelta(seconds=settings.MESSAGE_CLAIM_SECONDS)
    if unknown:
        rows = unknown_rows(now).select_for_update(skip_locked=True, no_key=True, of=("self",))
        keys = list(rows.values_list("pk", flat=True)[:size])
        Message.objects.filter(pk__in=keys).update(held_until=until)
        return Held(keys, S.UNKNOWN, now, until) if keys else None
    [(due, held)] = HOLD(now=now, until=until, size=size, most=TOGETHER, fewest=FEWEST, share=SHARE)
    return Held(held, S.SCHEDULED, now, until, more=due > len(held)) if held else None


# As `MessageQuerySet.due`, which a test compares.
DUE = "state = 'scheduled' AND due_at <= %(now)s AND (held_until IS NULL OR held_until <= %(now)s)"
# Counted no further than it matters; taken: a share of them, or `size`.
HOLD = PreparedWords(f"""
WITH due AS (
  SELECT count(*) AS number FROM (SELECT 1 FROM treatment_sessions_message WHERE {DUE} LIMIT %(share)s * %(most)s) AS seen
), free AS (
  SELECT id FROM treatment_sessions_message WHERE {DUE} ORDER BY due_at, id
  LIMIT (SELECT CASE WHEN %(size)s > 0 THEN %(size)s ELSE LEAST(%(most)s, GREATEST(%(fewest)s, number / %(share)s)) END FROM due)
  FOR NO KEY UPDATE SKIP LOCKED
), held AS (
  UPDATE treatment_sessions_message SET held_until = %(until)s WHERE id IN (SELECT id FROM free) RETURNING id, due_at
)
SELECT (SELECT number FROM due), ARRAY(SELECT id FROM held ORDER BY due_at, id)""",  # noqa: S608 - our own words
    named="hold_messages", now="timestamptz", until="timestamptz", size="int", most="int", fewest="int", share="int",
)  # fmt: skip


@transaction.atomic
@asked_once()
@message_rules.read_once()
def prepare(held: Held, *, carefully: bool) -> list[Ready]:
    """Judge and write them all. Nothing is locked before the letters are drawn; what changes meanwhile is noticed by its mark.
    Those that somebody withdrew or settled since they were held are left alone."""
    now = timezone.now()
    marks = marks_of(held.keys)  # before anything else is read
    messages = read(held)
    withholding.read_for(messages)
    given: set[addressing.Key] = set()
    drafts = [draft(message, now, given, carefully=carefully) for message in messages]
    reachable = addressing.hold_addresses([one.message for one in drafts if one.written is not None])
    ready: list[Ready] = []
    others: list[Draft] = []
    for one in drafts:
        if one.written is None or one.message.pk not in reachable:
            others.append(one)
        else:
            ready.append(Ready(one.message, one.written, marks[one.message.pk], held.until, now, one.quiet))
            if one.is_readdressed:
                others.append(one)
    links.write([link for one in drafts if one.message.pk in reachable for link in one.issued])
    if others:
        put_right(others, held, {one.message.pk for one in ready})
    return ready


def put_right(drafts: list[Draft], held: Held, going: Collection[int]) -> None:
    """The rows that change now: those that do not go, and those that go to another address than they were written for. One
    that somebody else has in hand at this moment is left to them; it is looked at again when it is held no more."""
    keys = [one.message.pk for one in drafts]
    rows = Message.objects.filter(pk__in=keys, held_until=held.until).select_for_update(skip_locked=True, no_key=True)
    there = {key: as_read for key, *as_read in rows.values_list("pk", "state", "due_at")}
    mine = [one for one in drafts if there.get(one.message.pk) == [one.message.state, one.message.due_at]]
    for one in mine:
        message = one.message
        if one.is_readdressed:
            message.save(update_fields=["recipient"])
        if message.pk in going:
            continue
        if one.stop is not None:
            settle(message, *one.stop)
        elif one.later is not None:
            message.due_at = one.later
            message.save(update_fields=["due_at"])
        else:
            # One mail that cannot be written must not stop the queue; a fault of ours that is mended soon must lose none.
            move(message, S.SENDING, claimed_at=held.at, attempts=message.attempts + 1)
            put_off(message, NOT_WRITTEN if one.written is None else addressing.ADDRESS_MOVES, MAIL_LADDER)
    free = [one.message.pk for one in mine if one.message.pk not in going]
    Message.objects.filter(pk__in=free).update(held_until=None)


def read(held: Held) -> list[Message]:
    """With all their mails speak of, in their order; without those that are no longer as they were held. What many share is
    read once for all of them, and what no mail speaks of not at all."""
    rows = {row.pk: row for row in HELD(keys=held.keys, until=held.until, state=held.state)}
    for row in rows.values():
        if row.appointment is not None:
            for name in ("patient", "site"):  # nearly always the message's own
                if getattr(row.appointment, f"{name}_id") == getattr(row, f"{name}_id"):
                    setattr(row.appointment, name, getattr(row, name))
    return [rows[key] for key in held.keys if key in rows]


HELD = PreparedRecords(
    lambda: Message.objects.filter(
        pk__in=many("keys"), held_until=prepared.one("until", "timestamptz"), state=prepared.one("state", "text")
    ),
    "patient", "site", "appointment", "appointment__course", "appointment__service",
    without={"patient__phone", *(f"appointment__{whose}_span" for whose in ("patient", "practitioner", "room", "device"))},
)  # fmt: skip


def unknown_rows(now: dt.datetime) -> Any:
    """Messages of unknown fate that go once more by themselves: only once, and only kinds that do no harm twice."""
    kinds = [kind.code for kind in KINDS.values() if kind.resent_alone]
    settled = now - dt.timedelta(seconds=settings.MESSAGE_SETTLE_SECONDS)
    ids = (
        Message.objects.unheld(now).filter(state=S.UNKNOWN, kind__in=kinds, claimed_at__lt=settled)
        .annotate(times=Count("steps", filter=Q(steps__state=S.UNKNOWN)))
        .filter(times=1)
        .values("pk")
    )  # fmt: skip
    return Message.objects.filter(pk__in=ids, state=S.UNKNOWN).order_by("claimed_at", "id")


def draft(message: Message, now: dt.datetime, given: set[addressing.Key], *, carefully: bool) -> Draft:
    """What is to become of one row. Nothing is stored yet; `given`: the addresses that others of the batch got."""
    is_readdressed = addressing.readdress(message, given)
    stop = withholding.why_not(message, now)
    if stop is None and message.state == S.SCHEDULED and addressing.is_to_another_mailbox(message):
        stop = (S.SUPPRESSED, SUPERSEDED)  # its twin to the right address is there already
    if stop is not None:
        return Draft(message, stop=stop, is_readdressed=is_readdressed)
    quiet = quiet_of(message)
    if quiet is not None:
        later = message_times.after_quiet_hours(now, message.site.zone, quiet)
        if later > now:
            return Draft(message, later=later, is_readdressed=is_readdressed)
    with links.collected() as issued:
        written = write(message, carefully=carefully)
    return Draft(message, written=written, issued=issued, quiet=quiet, is_readdressed=is_readdressed)


def quiet_of(message: Message) -> tuple[dt.time, dt.time] | None:
    """The hours in which this message waits: timed mails do; what answers a person's deed goes out when they did it."""
    if message.kind in message_times.AT_ONCE or message.state != S.SCHEDULED or message.is_test:
        return None
    return mail_hours().quiet if message.kind in message_times.KINDS else None


def settle(message: Message, state: str, reason: str) -> None:
    """Suppressed or missed. One of unknown fate is not worth repeating any more; its steps say it may have arrived."""
    move(message, S.SUPPRESSED if message.state == S.UNKNOWN else state, reason=reason)


def write(message: Message, *, carefully: bool) -> Written | None:
    """None where it cannot be written. A fault of the database stops all, unless this mail stands behind a savepoint."""
    if message.is_test:
        return as_it_stands(message)
    try:
        with transaction.atomic() if carefully else nullcontext():
            return write_mail(message)
    except Exception as error:
        if isinstance(error, DatabaseError) and not carefully:
            raise
        log.exception("mail could not be written", message=message.public_id, kind=message.kind)
        return None


def as_it_stands(message: Message) -> Written:
    """A test was written when it was asked for."""
    mail = Mail(
        to=message.recipient, sender_name=message.site.name, reply_to=message.site.email, subject=message.subject,
        text=message.text, html=message.html, message_id=message.rfc_message_id,
    )  # fmt: skip
    return Written(mail, message.subject, message.text, message.html, message.told_start)


@transaction.atomic
def release(keys: Collection[int], *, held_until: dt.datetime) -> None:
    """Held no more, for whoever comes next; unless somebody else holds it by now or has it in hand at this moment."""
    rows = Message.objects.filter(pk__in=keys, held_until=held_until).select_for_update(skip_locked=True, no_key=True)
    Message.objects.filter(pk__in=list(rows.values_list("pk", flat=True))).update(held_until=None)


# --- 2. begin -------------------------------------------------------------------------------------------------------
VERSION = "concat({0}.xmin, {0}.ctid)"
# The appointment is `a` of each message `m`.
MARK = f"""concat({VERSION.format("a")}, '|',
(SELECT {VERSION.format("p")} FROM patients_patient p WHERE p.id = m.patient_id), '|',
(SELECT {VERSION.format("c")} FROM treatment_sessions_course c WHERE c.id = a.course_id), '|',
(SELECT {VERSION.format("c")} FROM treatment_sessions_course c
  WHERE m.cause_kind = 'course' AND c.public_id = m.cause_public_id), '|',
(SELECT {VERSION.format("t")} FROM treatment_sessions_treatmentsession t
  WHERE m.cause_kind = 'treatmentsession' AND t.public_id = m.cause_public_id), '|',
(SELECT {VERSION.format("k")} FROM treatment_sessions_consent k
  WHERE m.cause_kind = 'consent' AND k.public_id = m.cause_public_id), '|',
(SELECT string_agg({VERSION.format("k")}, ' ' ORDER BY k.id) FROM treatment_sessions_consent k
  WHERE k.course_id IN (a.course_id, (SELECT c.id FROM treatment_sessions_course c
    WHERE m.cause_kind = 'course' AND c.public_id = m.cause_public_id))), '|',
(SELECT string_agg({VERSION.format("e")}, ' ' ORDER BY e.id) FROM treatment_sessions_adverseevent e
  WHERE e.patient_id = m.patient_id), '|',
(SELECT max(s.id) FROM treatment_sessions_screening s WHERE s.patient_id = m.patient_id), '|',
(SELECT max(w.id) FROM patients_privacychoice w WHERE w.patient_id = m.patient_id), '|',
(SELECT string_agg({VERSION.format("r")}, ' ' ORDER BY r.id) FROM treatment_sessions_messagerule r))"""  # noqa: S608 - our own words
AND_ITS_VISIT = "treatment_sessions_message m LEFT JOIN treatment_sessions_appointment a ON a.id = m.appointment_id"
MARKS = PreparedWords(
    f"SELECT m.id, {MARK} FROM {AND_ITS_VISIT} WHERE m.id = ANY(%(keys)s)",  # noqa: S608 - our own words
    named="marks_of_messages", keys="bigint[]",
)  # fmt: skip
MARK_OF_ONE = PreparedWords(
    f"SELECT m.id, {MARK} FROM {AND_ITS_VISIT} WHERE m.id = %(key)s",  # noqa: S608 - our own words
    named="mark_of_message", key="bigint",
)  # fmt: skip
LOCK_VISIT = PreparedWords(
    "SELECT 1 FROM treatment_sessions_appointment a WHERE a.id = %(visit)s FOR NO KEY UPDATE", named="lock_visit", visit="bigint"
)
# Five deeds in one statement, so that they reach the disk together and with one journey there.
BEGIN = PreparedWords(f"""
WITH done AS (
  UPDATE treatment_sessions_message SET state = 'sent', reason = '', sent_at = %(sent_at)s
  WHERE id = %(done)s AND claimed_at = %(done_claimed_at)s AND state IN ('sending', 'unknown') RETURNING id
), done_step AS (
  INSERT INTO treatment_sessions_messagestep (message_id, at, state, reason) SELECT id, %(sent_at)s, 'sent', '' FROM done
), free AS (
  SELECT m.id FROM {AND_ITS_VISIT}
  WHERE m.id = %(id)s AND m.state = %(state)s AND m.held_until = %(held_until)s AND m.recipient = %(recipient)s
    AND m.due_at = %(due_at)s AND {MARK} = %(mark)s
  FOR NO KEY UPDATE OF m SKIP LOCKED
), begun AS (
  UPDATE treatment_sessions_message SET state = 'sending', reason = '', held_until = NULL, claimed_at = %(at)s,
    attempts = attempts + 1, subject = %(subject)s, text = %(text)s, html = %(html)s, told_start = %(told_start)s,
    rule_version_id = %(rule_version)s
  WHERE id IN (SELECT id FROM free) RETURNING id
), begun_step AS (
  INSERT INTO treatment_sessions_messagestep (message_id, at, state, reason) SELECT id, %(at)s, 'sending', '' FROM begun
)
SELECT count(*) FROM begun""",  # noqa: S608 - our own words
    named="begin_message", done="bigint", done_claimed_at="timestamptz", sent_at="timestamptz", id="bigint", state="text",
    held_until="timestamptz", recipient="text", due_at="timestamptz", mark="text", at="timestamptz", subject="text",
    text="text", html="text", told_start="text", rule_version="bigint",
)  # fmt: skip


def marks_of(keys: list[int]) -> dict[int, str]:
    """What each of these hangs on at this moment, by its key."""
    return dict(MARKS(keys=keys) if len(keys) > 1 else MARK_OF_ONE(key=keys[0]))


def lock_visit(message: Message) -> None:
    """As the booking verbs lock it: whoever cancels or moves the visit was first, or waits. Call it inside a transaction."""
    if message.appointment_id is not None:
        LOCK_VISIT(visit=message.appointment_id)


def begin(ready: Ready, *, done: Claim | None = None, late: LateCommit | None = None) -> Claim | None:
    """Make this row `sending`, and the one before, which was accepted, `sent`. None where this one was withdrawn, or
    something changed since it was written; it is free again after this round.

    Nothing leaves before this is on disk: losing it would mean a mail that goes out twice unseen. A row that was given up
    meanwhile is not `sent` any more; as with `outbox.settle_claim` nothing is changed then.

    With `late` that transaction begins here, and the visit is locked first: a second statement, because one alone would compare
    what it saw before it waited for the lock."""
    at, message, written = timezone.now(), ready.message, ready.written
    asked = BEGIN.of(
        done=done.message.pk if done else None, done_claimed_at=done.at if done else None, sent_at=at,
        id=message.pk if is_timely(ready, at) else None, state=message.state, held_until=ready.held_until,
        recipient=message.recipient, due_at=message.due_at, mark=ready.mark, at=at,
        subject=written.subject, text=written.text, html=written.html, told_start=written.told_start,
        rule_version=written.rule_version.pk if written.rule_version else None,
    )  # fmt: skip
    if late is None:
        rows = in_one_go([asked])
    elif message.appointment_id is None:
        rows = late.begin(asked)
    else:
        rows = late.begin(LOCK_VISIT.of(visit=message.appointment_id), asked)
    [(begun,)] = rows
    # `message` stays as it was read: should this not reach the disk, the row is begun anew.
    return Claim(message, written.mail, at, ready.mark) if begun else None


def is_timely(ready: Ready, now: dt.datetime) -> bool:
    """It was, when it was written; since then the server may have been slow, or the evening come."""
    if now - ready.written_at > FRESH or not is_in_time(ready.message, now):
        return False
    return ready.quiet is None or message_times.after_quiet_hours(now, ready.message.site.zone, ready.quiet) <= now


def is_in_time(message: Message, now: dt.datetime) -> bool:
    ends = [message.useful_until, message.appointment.starts_at if KINDS[message.kind].visit and message.appointment else None]
    return all(end is None or end > now for end in ends)
