"""What the manager decides about a message: whether it is sent, when, and in which words; for all, a site or a protocol."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar, Self

import pghistory
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from clinic.models import PublicId, Site, User, Versioned


class MessageRuleQuerySet(models.QuerySet["MessageRule"]):
    def in_force(self) -> Self:
        return self.filter(is_active=True)

    def to_follow(self, *, changed_since: dt.datetime) -> Self:
        """Those that what is not sent yet does not follow wholly, and those of a moment ago: a booking that was under way
        then may have been written by the rule before."""
        late = Exists(MessageRuleVersion.objects.filter(rule=OuterRef("pk"), at__gt=changed_since))
        return self.filter(~Q(followed_version=F("version")) | late).order_by("id")


@pghistory.track()
class MessageRule(PublicId, Versioned):
    """One kind of message at one `site` (none: at all), for courses of one `indication` (empty: for all). `figures` are the
    days or hours that differ from the catalogue's, `words` the texts by language: subject, lead, text. What a rule leaves
    open (`is_sent` none, a figure or a language it lacks) the next wider one decides, at last the shipped message.
    `followed_...`: what the last change did to unsent messages."""

    kind = models.CharField(max_length=32)
    site = models.ForeignKey(Site, models.PROTECT, null=True, blank=True, related_name="message_rules")
    indication = models.CharField(max_length=64, blank=True)
    is_active = models.BooleanField(default=True)
    is_sent = models.BooleanField(null=True, default=True, help_text="None: as the wider rules say")
    figures = models.JSONField(default=dict, blank=True)
    words = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    followed_version = models.PositiveIntegerField(default=1, editable=False)
    followed_changed = models.PositiveIntegerField(default=0, editable=False)
    followed_added = models.PositiveIntegerField(default=0, editable=False)
    followed_withdrawn = models.PositiveIntegerField(default=0, editable=False)

    objects: ClassVar[Any] = MessageRuleQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "site", "indication"], nulls_distinct=False, name="message_rule_one_a_scope"
            ),
            models.CheckConstraint(condition=~Q(kind=""), name="message_rule_has_kind"),
            models.CheckConstraint(
                condition=Q(is_sent__isnull=False) | Q(site__isnull=False) | ~Q(indication=""),
                name="message_rule_for_all_says_whether",
            ),
            models.CheckConstraint(
                condition=Q(followed_version__lte=F("version")), name="message_rule_follows_what_is_there"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.indication} {self.site_id or ''}".strip()

    @property
    def everywhere(self) -> bool:
        return self.site_id is None and not self.indication

    @property
    def is_followed(self) -> bool:
        return self.followed_version == self.version


class MessageRuleVersion(models.Model):
    """A rule as it was saved once, and what changed then. Only grows; a message names the one its words came from."""

    rule = models.ForeignKey(MessageRule, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    is_active = models.BooleanField()
    is_sent = models.BooleanField(null=True)
    figures = models.JSONField(default=dict, blank=True)
    words = models.JSONField(default=dict, blank=True)
    changes = models.JSONField(default=list, blank=True, help_text="What changed, each as [what, before, now]")

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["rule", "number"], name="message_rule_version_once")]

    def __str__(self) -> str:
        return f"{self.rule} version {self.number}"
