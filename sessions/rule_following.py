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
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_noop

from clinic.doer import SYSTEM
from sessions import course_messages, message_rules, messaging, outbox
from sessions.choices import MessageState
from sessions.message_rules import SWITCHED_OFF, Rules
from sessions.message_texts import ALLERGY_TEST, PREPARE, REMINDER, written_in
from sessions.models import Appointment, Course, Message, MessageRule, MessageStep, TreatmentSession

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


def effect_of(rule: MessageRule, *, before: Rules, after: Rules) -> tuple[Effect, list[Step]]:
    """What it would do to the messages that are not sent yet if `rule` were as in `after`. Changes nothing."""
    steps = list(steps_for(rule, after))
    count = {act: sum(step.act == act for step in steps) for act in Act}
    gone = {step.message.pk for step in steps if step.message is not None}
    reworded = sum(message.pk not in gone for message in reworded_by(rule, before, after))
    return Effect(count[Act.CHANGED] + reworded, count[Act.ADDED], count[Act.WITHDRAWN]), steps


def steps_for(rule: MessageRule, rules: Rules) -> Iterator[Step]:
    """What the messages within the reach of `rule` need, so that they are as `rules` say."""
    now = timezone.now()
    if rule.kind in BEFORE_A_VISIT:
        yield from _before_visits(rule, rules, now)
    elif rule.kind in messaging.AFTER_THE_END:
        yield from _after_sessions(rule, rules, now)
    elif rule.kind in course_messages.KINDS:
        yield from _of_courses(rule, rules, now)


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


def _before_visits(rule: MessageRule, rules: Rules, now: dt.datetime) -> Iterator[Step]:
    visits = list(
        within(rule, Appointment.objects.upcoming().filter(starts_at__gt=now), indication="course__indication")
        .select_related("site", "course", "patient", "service")
    )  # fmt: skip
    rows = Message.objects.filter(appointment__in=visits, kind=rule.kind, is_test=False).order_by("cause_revision", "id")
    newest = {message.appointment_id: message for message in rows}
    stopped = set(messaging.patients_stopped().values_list("patient", flat=True)) if visits else set()
    for visit in visits:
        message, due_at = newest.get(visit.pk), messaging.visit_due_at(rule.kind, visit, rules=rules)
        if due_at is None:
            continue
        if message is not None and message.state == S.SCHEDULED:
            moment = soonest(due_at, message, now)
            if message.attempts == 0 and moment != message.due_at:
                yield Step(Act.CHANGED, rule.kind, visit, message, moment, visit.starts_at)
        elif due_at > now and visit.patient_id not in stopped and _is_wanted_again(rule.kind, visit, message):
            yield Step(Act.ADDED, rule.kind, visit, message, due_at, visit.starts_at)


def _is_wanted_again(kind: str, visit: Appointment, message: Message | None) -> bool:
    """One that came too late by the old rule, and would come in time by the new one."""
    if message is not None:
        return message.state == S.SUPPRESSED and message.reason == messaging.TOO_LATE_TO_REMIND
    if kind == REMINDER or not visit.service.is_gated or visit.course is None:
        return False
    return kind == PREPARE or messaging.needs_test(visit)


def _after_sessions(rule: MessageRule, rules: Rules, now: dt.datetime) -> Iterator[Step]:
    rows = within(rule, Message.objects.filter(kind=rule.kind, cause_kind="treatmentsession", is_test=False))
    waiting = rows.filter(state=S.SCHEDULED) | rows.filter(state=S.SUPPRESSED, reason=SWITCHED_OFF)
    messages = list(waiting.filter(useful_until__gt=now).order_by("id"))
    sessions = TreatmentSession.objects.exclude(ended_at=None).filter(
        public_id__in={message.cause_public_id for message in messages}
    )
    found = {
        one.public_id: one
        for one in within(rule, sessions, site="appointment__site", indication="course__indication")
        .select_related("course", "appointment__site")
    }  # fmt: skip
    for message in messages:
        treatment_session = found.get(message.cause_public_id)
        due_at = messaging.session_due_at(rule.kind, treatment_session, rules=rules) if treatment_session is not None else None
        if treatment_session is None or due_at is None:
            continue
        sent = rules.is_sent(rule.kind, site=treatment_session.appointment.site, indication=treatment_session.course.indication)
        useful_until = due_at + dt.timedelta(hours=messaging.AFTER_THE_END[rule.kind])
        yield from _judged(message, treatment_session, due_at, useful_until, sent=sent, now=now)


def _of_courses(rule: MessageRule, rules: Rules, now: dt.datetime) -> Iterator[Step]:
    courses = list(
        within(rule, Course.objects.filter(status__in=course_messages.ALIVE), indication="indication")
        .select_related("site", "patient").prefetch_related("planned_sessions")
    )  # fmt: skip
    booked = set(Appointment.objects.upcoming().filter(course__in=courses).values_list("course", flat=True))
    ids = [course.public_id for course in courses]
    rows = Message.objects.filter(kind=rule.kind, cause_kind="course", cause_public_id__in=ids, is_test=False)
    newest = {(row.cause_public_id, row.cause_revision): row for row in rows.order_by("id")}
    stopped = set(messaging.patients_stopped().values_list("patient", flat=True)) if courses else set()
    for course in courses:
        for one in course_messages.all_of(course, rules, booked=course.pk in booked):
            if one.kind != rule.kind:
                continue
            message = newest.get((course.public_id, one.number))
            useful_until = one.due_at + dt.timedelta(days=course_messages.USEFUL_DAYS)
            if message is not None:
                yield from _judged(message, course, one.due_at, useful_until, sent=not one.off, now=now)
            elif not one.off and one.due_at > now and course.patient_id not in stopped:
                yield Step(Act.ADDED, rule.kind, course, None, one.due_at, useful_until, one.number)


def _judged(
    message: Message, cause: TreatmentSession | Course, due_at: dt.datetime, useful_until: dt.datetime, *, sent: bool,
    now: dt.datetime,
) -> Iterator[Step]:  # fmt: skip
    if message.state == S.SCHEDULED and not sent:
        yield Step(Act.WITHDRAWN, message.kind, cause, message, message.due_at, useful_until)
    elif message.state == S.SCHEDULED and message.attempts == 0:
        moment = soonest(due_at, message, now)
        if moment != message.due_at:
            yield Step(Act.CHANGED, message.kind, cause, message, moment, useful_until)
    elif message.state == S.SUPPRESSED and message.reason in COMES_BACK and sent and due_at > now:
        yield Step(Act.ADDED, message.kind, cause, message, due_at, useful_until)


COMES_BACK = (SWITCHED_OFF, course_messages.FOLLOWS_THE_COURSE)


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
            steps = list(steps_for(rule, message_rules.in_force([rule.kind])))
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
