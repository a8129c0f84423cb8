"""The outbox: one row per message, written in the transaction of what causes it."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar, Self

import pghistory
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from clinic.models import PublicId, SameParent, Site, User
from patients.models import Patient
from sessions.choices import MessageState
from sessions.models.appointment import Appointment
from sessions.models.message_rule import MessageRuleVersion

STATE = MessageState
TROUBLE = (STATE.FAILED, STATE.BOUNCED, STATE.UNKNOWN)
A_REPEAT = 1000
"""The mails of a course carry the number of the session or review they speak of as their revision; each time a person sends
one again adds a thousand, so that it is no mail of another session."""


class MessageQuerySet(models.QuerySet["Message"]):
    def due(self, now: dt.datetime) -> Self:
        return self.unheld(now).filter(state=STATE.SCHEDULED, due_at__lte=now).order_by("due_at", "id")

    def unheld(self, now: dt.datetime) -> Self:
        """Not among those some worker is about to send, or no longer: that worker is gone."""
        return self.filter(Q(held_until=None) | Q(held_until__lte=now))

    def open(self) -> Self:
        return self.filter(state__in=[STATE.SCHEDULED, STATE.SENDING, STATE.UNKNOWN])

    def may_be_read(self) -> Self:
        """The patient may have read it: handed over, or perhaps handed over."""
        return self.filter(state__in=[STATE.SENDING, STATE.SENT, STATE.DELIVERED, STATE.UNKNOWN])

    def troubled(self) -> Self:
        """Failed, bounced or of unknown fate. A test to oneself is nobody's trouble: who asked for it sees that none came."""
        return self.filter(state__in=TROUBLE, is_test=False)

    def needing_somebody(self) -> Self:
        """Troubled and not repeated since: the count on the Failed tab."""
        later = Message.objects.filter(
            cause_kind=OuterRef("cause_kind"),
            cause_public_id=OuterRef("cause_public_id"),
            kind=OuterRef("kind"),
            cause_revision__gt=OuterRef("cause_revision"),
        ).alias(its_number=F("cause_revision") % A_REPEAT)
        repeated = later.filter(~Q(cause_kind="course") | Q(its_number=OuterRef("its_number")))
        return self.troubled().alias(its_number=F("cause_revision") % A_REPEAT).exclude(Exists(repeated))


class Message(PublicId):
    """`kind` is a msg- code; cause, kind, revision and recipient together are unique. `subject`, `text` and `html` are
    what was handed over, empty until then. `rfc_message_id` stays the same however often it is tried."""

    kind = models.CharField(max_length=32)
    patient = models.ForeignKey(Patient, models.PROTECT, null=True, blank=True, related_name="messages")
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    appointment = models.ForeignKey(Appointment, models.PROTECT, null=True, blank=True, related_name="messages")
    cause_kind = models.CharField(max_length=40)
    cause_public_id = models.CharField(max_length=22)
    cause_revision = models.PositiveIntegerField(default=1)
    recipient = models.CharField(max_length=254, blank=True)
    language = models.CharField(max_length=8)
    due_at = models.DateTimeField()
    useful_until = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=12, choices=STATE, default=STATE.SCHEDULED)
    reason = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True, blank=True)
    held_until = models.DateTimeField(null=True, blank=True, help_text="A worker has it in its batch; not begun yet")
    sent_at = models.DateTimeField(null=True, blank=True)
    rfc_message_id = models.CharField(max_length=120, unique=True)
    told_start = models.CharField(max_length=16, blank=True, help_text="The agreed start the mail named, local time")
    subject = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    rule_version = models.ForeignKey(
        MessageRuleVersion, models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        help_text="Whose words it has; none: the shipped ones",
    )  # fmt: skip
    is_test = models.BooleanField(default=False, db_default=False, help_text="To a member of staff, who asked for it")
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["-due_at", "-id"]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="scheduled"), name="message_due"),
            models.Index(fields=["site", "-due_at"], name="message_log"),
            models.Index(fields=["claimed_at"], condition=Q(state="sending"), name="message_in_flight"),
            models.Index(fields=["claimed_at"], condition=Q(state="unknown"), name="message_unknown"),
            models.Index(fields=["cause_kind", "cause_public_id"], name="message_cause"),
            # What the board and every page's rail ask of it is in the index.
            models.Index(
                fields=["site", "-due_at"], condition=Q(state__in=["failed", "bounced", "unknown"]), name="message_in_trouble",
                include=["id", "is_test", "patient", "kind", "cause_kind", "cause_public_id", "cause_revision"],
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["cause_kind", "cause_public_id", "kind", "cause_revision", "recipient"], name="message_once"
            ),
            models.CheckConstraint(condition=Q(state__in=STATE.values), name="message_state_known"),
            models.CheckConstraint(
                condition=~Q(state__in=[STATE.SUPPRESSED, STATE.MISSED, STATE.FAILED, STATE.BOUNCED]) | ~Q(reason=""),
                name="message_says_why_not",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[STATE.SENT, STATE.DELIVERED]) | Q(sent_at__isnull=False),
                name="message_sent_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=STATE.SENDING) | Q(claimed_at__isnull=False), name="message_sending_is_claimed"
            ),
            SameParent(
                fields=("appointment", "patient"), to=("treatment_sessions.Appointment", ("id", "patient")),
                name="message_same_patient",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"

    @property
    def number(self) -> int:
        """Of a mail of a course: the session or the review it speaks of, also when it was sent again."""
        return self.cause_revision % A_REPEAT


class MessageStep(models.Model):
    """What happened to a message: one row per change of state, and who caused it."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="steps")
    at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=STATE)
    reason = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.state} {self.at:%H:%M}"


pghistory.track(exclude=["text", "html", "held_until"])(Message)
