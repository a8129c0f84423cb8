"""The catalogue as versions of coded entries (docs/decisions: entries are rows of one shape, judged by one loader)."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.models import OrderedJSON, PublicId, Site, User, Versioned


class VersionState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    APPROVED = "approved", _("Approved")
    PUBLISHED = "published", _("Published")
    RETIRED = "retired", _("Retired")


class CatalogueVersionQuerySet(models.QuerySet["CatalogueVersion"]):
    def in_force(self) -> Self:
        return self.filter(state=VersionState.PUBLISHED)


class CatalogueVersion(PublicId, Versioned):
    """One whole catalogue. Exactly one is published. `approved_at` empty means: default, not yet approved by the
    clinic's medical lead, and every plan says so. Once published only state and approval may change.

    `texts_revision` is another one with every text in another language that begins or ends to count, so that a catalogue
    kept in memory is built anew. Drawn, not counted: a number taken back with its transaction would come again.

    `digest` is over all entries, so it changes with every edit of a draft; `impact_seen_digest` is the digest somebody
    looked at the impact of, and publishing asks for both to be the same. `retired` without `published_at` is a draft
    that was given up."""

    number = models.PositiveIntegerField(unique=True)
    state = models.CharField(max_length=10, choices=VersionState, default=VersionState.DRAFT)
    label = models.CharField(max_length=80)
    note = models.CharField(max_length=300, blank=True)
    based_on = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    made_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    digest = models.CharField(max_length=64)
    texts_revision = models.CharField(max_length=22, default="", db_default="", blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    impact_seen_digest = models.CharField(max_length=64, blank=True)
    impact_seen_at = models.DateTimeField(null=True, blank=True)
    impact_seen_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    objects: ClassVar[models.Manager[CatalogueVersion]] = CatalogueVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state=VersionState.PUBLISHED), name="catalogue_one_published"
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None, approved_at=None)
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="catalogue_approved_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state=VersionState.APPROVED) | Q(approved_at__isnull=False), name="catalogue_approved_has_date"
            ),
            models.CheckConstraint(
                condition=Q(impact_seen_digest="", impact_seen_at=None)
                | Q(impact_seen_at__isnull=False) & ~Q(impact_seen_digest=""),
                name="catalogue_impact_seen_at_a_time",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="published_version_frozen",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state__in=["published", "retired"]),
                func=pgtrigger.Func(
                    """
                    IF NEW.number <> OLD.number OR NEW.label <> OLD.label OR NEW.note <> OLD.note
                        OR NEW.digest <> OLD.digest OR NEW.based_on_id IS DISTINCT FROM OLD.based_on_id
                        OR NEW.made_by_id IS DISTINCT FROM OLD.made_by_id
                        OR (OLD.published_at IS NOT NULL AND NEW.published_at IS DISTINCT FROM OLD.published_at)
                        OR NEW.state NOT IN ('published', 'retired')
                        OR (OLD.state = 'retired' AND NEW.state <> 'retired')
                    THEN
                        RAISE EXCEPTION 'a published catalogue version is frozen';
                    END IF;
                    RETURN NEW;
                    """
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.label} v{self.number}"

    @property
    def impact_is_seen(self) -> bool:
        """Somebody looked at what exactly these entries would change; an edit since then asks for another look."""
        return bool(self.digest) and self.impact_seen_digest == self.digest


class CatalogueEntry(models.Model):
    """One entry of one catalogue. `body` is what protocols.loading validates; Decimals are strings in it;
    `edits` counts up with every save, so that nobody saves over what somebody else wrote."""

    version = models.ForeignKey(CatalogueVersion, models.PROTECT, related_name="entries")
    edits = models.PositiveIntegerField(default=1, editable=False)
    kind = models.CharField(max_length=24)
    code = models.CharField(max_length=60)
    position = models.PositiveIntegerField()
    body: Any = OrderedJSON()
    source = models.TextField(blank=True)
    mark = models.CharField(max_length=8, blank=True)

    class Meta:
        ordering = ["version", "kind", "position"]
        constraints = [models.UniqueConstraint(fields=["version", "kind", "code"], name="catalogue_entry_code_once")]
        triggers = [
            pgtrigger.Trigger(
                name="published_entry_frozen",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                func=pgtrigger.Func(
                    """
                    IF EXISTS (
                        SELECT 1 FROM protocols_catalogueversion v
                        WHERE v.id IN (NEW.version_id, OLD.version_id) AND v.state <> 'draft'
                    ) THEN
                        RAISE EXCEPTION 'entries of a catalogue version that is no draft are frozen';
                    END IF;
                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                    RETURN NEW;
                    """
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.code}"


class ChangeDirection(models.TextChoices):
    TIGHTENED = "tightened", _("Tightened")
    LOOSENED = "loosened", _("Loosened")
    ADDED = "added", _("Added")
    REMOVED = "removed", _("Removed")
    REWORDED = "reworded", _("Reworded")
    CHANGED = "changed", _("Changed")


class CatalogueChange(models.Model):
    """One field changed in one draft, and why: what the difference between versions tells, and what a plan prints.

    `field` is the path inside the entry ("clauses.1.wait.months"), empty for a whole entry added or removed. `is_hard`:
    an absolute rule or a hard limit; loosening one needs a reason and prints on every plan it touches. Rows are only
    ever added."""

    version = models.ForeignKey(CatalogueVersion, models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=24)
    code = models.CharField(max_length=60)
    field = models.CharField(max_length=120, blank=True)
    before: Any = OrderedJSON(null=True)
    after: Any = OrderedJSON(null=True)
    direction = models.CharField(max_length=10, choices=ChangeDirection)
    is_hard = models.BooleanField(default=False)
    reason = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["version", "code"])]
        constraints = [
            models.CheckConstraint(
                condition=~Q(direction=ChangeDirection.LOOSENED) | ~Q(reason=""), name="catalogue_loosened_with_reason"
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.field} {self.direction}"


class TextState(models.TextChoices):
    WAITING = "waiting", _("Not yet approved")
    APPROVED = "approved", _("Approved")
    RETIRED = "retired", _("Replaced or withdrawn")


@pghistory.track()
class CatalogueText(PublicId, Versioned):
    """One text of the catalogue as a patient reads it in a language the entry itself is not written in.

    `english` is the sentence it translates: the text counts for entries that say exactly this, and for no other.
    Without `made_by` it came with the application. What it says never changes; another wording is another row with the
    next number. Only an approved row reaches patients, and of one sentence one is approved."""

    kind = models.CharField(max_length=24)
    code = models.CharField(max_length=60)
    field = models.CharField(max_length=120)
    language = models.CharField(max_length=8)
    number = models.PositiveIntegerField()
    english = models.TextField()
    english_digest = models.CharField(max_length=64)
    text = models.TextField()
    state = models.CharField(max_length=10, choices=TextState, default=TextState.WAITING)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField()
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["language", "kind", "code", "field", "-number"]
        indexes = [models.Index(fields=["language", "state"])]
        constraints = [
            models.UniqueConstraint(fields=["code", "field", "language", "number"], name="catalogue_text_number_once"),
            models.UniqueConstraint(
                fields=["code", "field", "language", "english_digest"], condition=Q(state=TextState.APPROVED),
                name="catalogue_text_approved_once",
            ),
            models.CheckConstraint(
                condition=~Q(state=TextState.APPROVED) | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="catalogue_text_approved_by_somebody",
            ),
            models.CheckConstraint(condition=~Q(text=""), name="catalogue_text_says_something"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="catalogue_text_frozen",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=pgtrigger.Func(
                    """
                    IF TG_OP = 'UPDATE' AND OLD.state <> 'retired'
                       AND (to_jsonb(NEW) - 'state' - 'version' - 'approved_by_id' - 'approved_at')
                         = (to_jsonb(OLD) - 'state' - 'version' - 'approved_by_id' - 'approved_at')
                       AND (OLD.state <> 'approved' OR NEW.state = 'retired')
                    THEN
                        RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'what a catalogue text says never changes';
                    """
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.field} {self.language} {self.number}"


class EnablementQuerySet(models.QuerySet["Enablement"]):
    def open_at(self, site: Site) -> Self:
        """What the medical lead allows at this site now. A legal basis holds for the country it was recorded for."""
        return self.filter(site=site, ended_at=None).filter(Q(legal_basis="") | Q(country=site.country))


@pghistory.track()
class Enablement(PublicId):
    """An `off` or `locked` entry allowed at a site by the medical lead; an override is a row, never a flag.

    `legal_basis` is asked for a `locked` entry and holds for `country` only: the site's, when it was recorded."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="enablements")
    code = models.CharField(max_length=60)
    enabled_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    enabled_at = models.DateTimeField()
    reason = models.CharField(max_length=300)
    legal_basis = models.CharField(max_length=300, blank=True)
    country = models.CharField(max_length=2)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    end_reason = models.CharField(max_length=300, blank=True)

    objects: ClassVar[Any] = EnablementQuerySet.as_manager()

    class Meta:
        ordering = ["-enabled_at"]
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], condition=Q(ended_at=None), name="enablement_open_once"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="enablement_ended_by_somebody",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="enablement_frozen",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=pgtrigger.Func(
                    """
                    IF TG_OP = 'UPDATE' AND OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
                       AND (to_jsonb(NEW) - 'ended_at' - 'ended_by_id' - 'end_reason')
                         = (to_jsonb(OLD) - 'ended_at' - 'ended_by_id' - 'end_reason')
                    THEN
                        RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'an enablement is only ever ended, once';
                    """
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} at {self.site}"
