"""When a message rule changes, what is not sent yet follows: counted beforehand, done at once or, if many, in the background.

Steps compare the rows there are with the rules there will be, so doing them twice does nothing the second time. What is
being tried again after a failure keeps its place in the queue.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import F, Model, Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from clinic.doer import SYSTEM
from sessions import before_the_first, course_messages, message_rules, messaging, outbox
from sessions.choices import MessageState
from sessions.message_places import RANGES
from sessions.message_rules import SWITCHED_OFF, Rules
from sessions.message_texts import ALLERGY_TEST, PREPARE, REMINDER, written_in
from sessions.models import (
    Appointment,
    Course,
    Message,
    MessageRule,
    MessageRuleVersion,
    MessageStep,
    TreatmentSession,
)  # fmt: skip

S = MessageState
AT_ONCE = 200  # steps done while the manager waits; more than that in the background
CHUNK = 500
SETTLED = dt.timedelta(minutes=2)  # no deed is under way for longer
BEFORE_A_VISIT = (PREPARE, ALLERGY_TEST, REMINDER)
RULE_CHANGED = gettext_noop("The clinic changed when this message is sent")


class Act(StrEnum):
    CHANGED = "changed"
    ADDED = "added"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Step:
    """What one message needs. `message` is None for one that is not written yet."""

    act: Act
    kind: str
    cause: Appointment | TreatmentSession | Course
    message: Message | None
    due_at: dt.datetime
    useful_until: dt.datetime
    number: int = 1


@dataclass(frozen=True, slots=True)
class Effect:
    """How many messages a change touches. `changed`: another moment or other words."""

    changed: int = 0
    added: int = 0
    withdrawn: int = 0

    @property
    def total(self) -> int:
        return self.changed + self.added + self.withdrawn


@dataclass(frozen=True, slots=True)
class Look:
    """With what the messages are compared. `retime`: the figures have changed, so what waits moves; otherwise each keeps
    the moment it was written with, whatever a later catalogue says."""

    rules: Rules
    now: dt.datetime
    retime: bool
    stopped: frozenset[int] = frozenset()  # patients to whom nothing goes out by itself: nothing is added for them


def effect_of(rule: MessageRule, *, before: Rules, after: Rules) -> tuple[Effect, list[Step]]:
    """What it would do to the messages that are not sent yet if `rule` were as in `after`. Changes nothing."""
    steps = list(steps_for(rule, after, retime=figures_of(before) != figures_of(after)))
    count = {act: sum(step.act == act for step in steps) for act in Act}
    gone = {step.message.pk for step in steps if step.message is not None}
    reworded = sum(message.pk not in gone for message in reworded_by(rule, before, after))
    return Effect(count[Act.CHANGED] + reworded, count[Act.ADDED], count[Act.WITHDRAWN]), steps


def figures_of(rules: Rules) -> dict[tuple[int | None, str], Any]:
    """The figures by whom they hold for."""
    return {(row.site_id, row.indication): row.figures for row in rules.rows if row.figures}


def steps_for(rule: MessageRule, rules: Rules, *, retime: bool) -> Iterator[Step]:
    """What the messages within the reach of `rule` need, so that they are as `rules` say."""
    ways = (
        (BEFORE_A_VISIT, _before_visits), (messaging.AFTER_THE_END, _after_sessions), (course_messages.KINDS, _of_courses),
    )  # fmt: skip
    for kinds, way in ways:
        if rule.kind in kinds:
            stopped = frozenset(messaging.patients_stopped().values_list("patient", flat=True))
            yield from way(rule, Look(rules, timezone.now(), retime, stopped))


def within(rule: MessageRule, rows: Any, *, site: str = "site", indication: str = "") -> Any:
    """The rows a rule reaches; `site` and `indication` are the ways to them."""
    if rule.site_id is not None:
        rows = rows.filter(**{site: rule.site_id})
    if rule.indication and indication:
        rows = rows.filter(**{indication: rule.indication})
    return rows


def soonest(due_at: dt.datetime, message: Message, now: dt.datetime) -> dt.datetime:
    """A moment that has passed already means now; what is due now stays where it is."""
    return due_at if due_at > now else min(message.due_at, now)


def _before_visits(rule: MessageRule, look: Look) -> Iterator[Step]:
    visits = list(
        within(rule, Appointment.objects.upcoming().filter(starts_at__gt=look.now), indication="course__indication")
        .select_related("site", "course", "patient", "service")
    )  # fmt: skip
    rows = Message.objects.filter(appointment__in=visits, kind=rule.kind, is_test=False).order_by("cause_revision", "id")
    newest = {message.appointment_id: message for message in rows}
    missing: list[tuple[Appointment, dt.datetime]] = []
    for visit in visits:
        message, due_at = newest.get(visit.pk), messaging.visit_due_at(rule.kind, visit, rules=look.rules)
        if due_at is None:
            continue
        if message is not None and message.state == S.SCHEDULED:
            moment = soonest(due_at, message, look.now)
            if look.retime and message.attempts == 0 and moment != message.due_at:
                yield Step(Act.CHANGED, rule.kind, visit, message, moment, visit.starts_at)
        elif due_at > look.now and visit.patient_id not in look.stopped:
            if message is None:
                missing.append((visit, due_at))
            elif message.state == S.SUPPRESSED and message.reason == messaging.TOO_LATE_TO_REMIND:
                # one that came too late by the old rule, and would come in time by the new one
                yield Step(Act.ADDED, rule.kind, visit, message, due_at, visit.starts_at)
    wanted = _wanted(rule.kind, [visit for visit, _due_at in missing])
    for visit, due_at in missing:
        if visit.pk in wanted:
            yield Step(Act.ADDED, rule.kind, visit, None, due_at, visit.starts_at)


def _wanted(kind: str, visits: list[Appointment]) -> set[int]:
    """Those of these visits without such a mail that ask for one."""
    gated = [visit for visit in visits if visit.service.is_gated and visit.course is not None]
    if kind == REMINDER or not gated:
        return set()
    return {visit.pk for visit in gated} if kind == PREPARE else before_the_first.visits_to_test_for(gated)


def _after_sessions(rule: MessageRule, look: Look) -> Iterator[Step]:
    rows = within(rule, Message.objects.filter(kind=rule.kind, cause_kind="treatmentsession", is_test=False))
    waiting = rows.filter(state=S.SCHEDULED) | rows.filter(state=S.SUPPRESSED, reason=SWITCHED_OFF)
    causes = waiting.filter(useful_until__gt=look.now).values("cause_public_id")
    # An end that was corrected has a row for each time it was stamped: only the newest is judged.
    newest = {row.cause_public_id: row for row in rows.filter(cause_public_id__in=causes).order_by("cause_revision", "id")}
    sessions = TreatmentSession.objects.exclude(ended_at=None).filter(public_id__in=newest)
    found = within(rule, sessions, site="appointment__site", indication="course__indication")
    for one in found.select_related("course", "appointment__site").order_by("id"):
        message, due_at = newest[one.public_id], messaging.session_due_at(rule.kind, one, rules=look.rules)
        if due_at is None or message.useful_until is None or message.useful_until <= look.now:
            continue
        if rule.kind not in RANGES:
            due_at = message.due_at  # no figure moves it: it stays with the times on the printed sheet
        sent = look.rules.is_sent(rule.kind, site=one.appointment.site, indication=one.course.indication)
        useful_until = due_at + dt.timedelta(hours=messaging.AFTER_THE_END[rule.kind])
        yield from _judged(message, one, due_at, useful_until, sent=sent, look=look)


def _of_courses(rule: MessageRule, look: Look) -> Iterator[Step]:
    courses = list(
        within(rule, Course.objects.filter(status__in=course_messages.ALIVE), indication="indication")
        .select_related("site", "patient").prefetch_related("planned_sessions")
    )  # fmt: skip
    booked = set(Appointment.objects.upcoming().filter(course__in=courses).values_list("course", flat=True))
    ids = [course.public_id for course in courses]
    rows = Message.objects.filter(kind=rule.kind, cause_kind="course", cause_public_id__in=ids, is_test=False)
    newest = {(row.cause_public_id, row.cause_revision): row for row in rows.order_by("id")}
    for course in courses:
        for one in course_messages.all_of(course, look.rules, booked=course.pk in booked):
            if one.kind != rule.kind:
                continue
            message = newest.get((course.public_id, one.number))
            useful_until = one.due_at + dt.timedelta(days=course_messages.USEFUL_DAYS)
            if message is not None:
                yield from _judged(message, course, one.due_at, useful_until, sent=not one.off, look=look)
            elif not one.off and one.due_at > look.now and course.patient_id not in look.stopped:
                yield Step(Act.ADDED, rule.kind, course, None, one.due_at, useful_until, one.number)


def _judged(
    message: Message, cause: TreatmentSession | Course, due_at: dt.datetime, useful_until: dt.datetime, *, sent: bool,
    look: Look,
) -> Iterator[Step]:  # fmt: skip
    if message.state == S.SCHEDULED and not sent:
        yield Step(Act.WITHDRAWN, message.kind, cause, message, message.due_at, useful_until)
    elif message.state == S.SCHEDULED and message.attempts == 0:
        moment = soonest(due_at, message, look.now)
        if look.retime and moment != message.due_at:
            yield Step(Act.CHANGED, message.kind, cause, message, moment, useful_until)
    elif sent and due_at > look.now and cause.patient_id not in look.stopped and comes_back(message):
        yield Step(Act.ADDED, message.kind, cause, message, due_at, useful_until)


def comes_back(message: Message) -> bool:
    return message.state == S.SUPPRESSED and message.reason in {SWITCHED_OFF, course_messages.FOLLOWS_THE_COURSE}


def reworded_by(rule: MessageRule, before: Rules, after: Rules) -> Iterator[Message]:
    """Messages not sent yet that get other words."""
    if [row.words for row in before.rows] == [row.words for row in after.rows]:
        return
    waiting = within(rule, Message.objects.filter(kind=rule.kind, state=S.SCHEDULED, is_test=False))
    rows = list(waiting.select_related("site", "appointment__course"))
    indications = message_rules.indications_behind(rows)
    for message in rows:
        indication = indications.get(message.pk, "")
        language = written_in(message.language)
        old, new = (one.words(rule.kind, language, site=message.site, indication=indication) for one in (before, after))
        if (old and old.words) != (new and new.words):
            yield message


# --- doing it -------------------------------------------------------------------------------------------------------
def take(steps: Iterable[Step]) -> Effect:
    """Carry these steps out, inside the caller's transaction. A row that changed meanwhile is left to the next look."""
    done = [step.act for step in steps if _taken(step)]
    return Effect(done.count(Act.CHANGED), done.count(Act.ADDED), done.count(Act.WITHDRAWN))


def _taken(step: Step) -> bool:
    if step.act == Act.ADDED and not _is_as_seen(step):
        return False
    if step.message is None or (step.act == Act.ADDED and isinstance(step.cause, Appointment)):
        return _written(step)
    held = Message.objects.select_for_update(no_key=True, of=("self",)).get(pk=step.message.pk)
    if held.state != step.message.state or held.attempts != step.message.attempts:
        return False
    if step.act == Act.WITHDRAWN:
        outbox.move(held, S.SUPPRESSED, reason=SWITCHED_OFF, by=SYSTEM)
        return True
    held.due_at, held.useful_until = step.due_at, step.useful_until
    held.save(update_fields=["due_at", "useful_until"])
    if step.act == Act.ADDED:
        outbox.move(held, S.SCHEDULED, by=SYSTEM)
    else:
        MessageStep.objects.create(message=held, at=timezone.now(), state=held.state, reason=RULE_CHANGED)
    return True


def _is_as_seen(step: Step) -> bool:
    """Lock what the message speaks of, and look a second time: nobody is changing it or has changed it, and its newest row
    is the one that was judged. Who holds it is not waited for: the next look is a moment away."""
    origin: type[Model] = type(step.cause)
    held = origin._default_manager.select_for_update(skip_locked=True, no_key=True, of=("self",)).filter(pk=step.cause.pk)
    now_there: Any = held.first()
    if now_there is None or (now_there.version, now_there.status) != (step.cause.version, step.cause.status):
        return False
    rows = outbox.messages_of(step.cause).filter(kind=step.kind, is_test=False)
    if isinstance(step.cause, Course):
        rows = rows.filter(cause_revision=step.number if step.message is None else step.message.cause_revision)
    newest = rows.order_by("cause_revision", "id").values_list("pk", "state").last()
    return bool(newest == (None if step.message is None else (step.message.pk, step.message.state)))


def _written(step: Step) -> bool:
    if isinstance(step.cause, Appointment):
        message = messaging.write_visit(step.kind, step.cause, by=SYSTEM, due_at=step.due_at)
    elif isinstance(step.cause, Course):
        message = outbox.write(
            step.kind, cause=step.cause, patient=step.cause.patient, site=step.cause.site, by=SYSTEM, due_at=step.due_at,
            useful_until=step.useful_until, revision=step.number,
        )  # fmt: skip
    else:
        return False
    return message.state == S.SCHEDULED


def work() -> int:
    """Let the messages follow the rules that changed and are not followed yet; returns how many messages it touched."""
    touched = 0
    for rule in MessageRule.objects.to_follow(changed_since=timezone.now() - SETTLED):
        touched += _follow(rule.pk)
    return touched


def _follow(pk: int) -> int:
    """One rule, a chunk a transaction; a change made meanwhile is seen by the next look."""
    touched = 0
    while True:
        with transaction.atomic():
            rule = MessageRule.objects.select_for_update(skip_locked=True, no_key=True, of=("self",)).filter(pk=pk).first()
            if rule is None:
                return touched
            steps = list(steps_for(rule, message_rules.in_force([rule.kind]), retime=was_retimed(rule)))
            done = take(steps[:CHUNK])
            touched += done.total
            over = len(steps) <= CHUNK or done.total == 0
            MessageRule.objects.filter(pk=pk).update(
                followed_version=rule.version if over else F("followed_version"),
                followed_changed=F("followed_changed") + done.changed,
                followed_added=F("followed_added") + done.added,
                followed_withdrawn=F("followed_withdrawn") + done.withdrawn,
            )
        if over:
            return touched


def was_retimed(rule: MessageRule) -> bool:
    """Was a figure changed by what is not followed yet, or a moment ago? A rule given up takes its figures with it."""
    recent = Q(number__gt=rule.followed_version) | Q(at__gt=timezone.now() - SETTLED)
    return any(
        what in RANGES.get(rule.kind, {}) or (what == "is_active" and bool(version.figures))
        for version in MessageRuleVersion.objects.filter(recent, rule=rule)
        for what, _before, _now in version.changes
    )
