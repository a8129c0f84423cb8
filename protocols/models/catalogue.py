"""The catalogue as versions of coded entries (docs/decisions: entries are rows of one shape, judged by one loader)."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.models import OrderedJSON, PublicId, Site, User


class VersionState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    APPROVED = "approved", _("Approved")
    PUBLISHED = "published", _("Published")
    RETIRED = "retired", _("Retired")


class CatalogueVersionQuerySet(models.QuerySet["CatalogueVersion"]):
    def in_force(self) -> Self:
        return self.filter(state=VersionState.PUBLISHED)


class CatalogueVersion(PublicId):
    """One whole catalogue. Exactly one is published. `approved_at` empty means: default, not yet approved by the
    clinic's medical lead, and every plan says so. Once published only state and approval may change."""

    number = models.PositiveIntegerField(unique=True)
    state = models.CharField(max_length=10, choices=VersionState, default=VersionState.DRAFT)
    label = models.CharField(max_length=80)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)

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
        ]

    def __str__(self) -> str:
        return f"{self.label} v{self.number}"


class CatalogueEntry(models.Model):
    """One entry of one version. `body` is what protocols.loading validates; Decimals are strings in it."""

    version = models.ForeignKey(CatalogueVersion, models.PROTECT, related_name="entries")
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
                        WHERE v.id = COALESCE(NEW.version_id, OLD.version_id) AND v.state IN ('published', 'retired')
                    ) THEN
                        RAISE EXCEPTION 'entries of a published catalogue version are frozen';
                    END IF;
                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                    RETURN NEW;
                    """
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.code}"


@pghistory.track()
class CatalogueText(models.Model):
    """A patient-visible text the clinic changed, per language and version; without one the entry's own text counts."""

    kind = models.CharField(max_length=24)
    code = models.CharField(max_length=60)
    field = models.CharField(max_length=24)
    language = models.CharField(max_length=8)
    number = models.PositiveIntegerField()
    text = models.TextField()
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "code", "field", "language", "number"], name="catalogue_text_version_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.language} {self.number}"


@pghistory.track()
class Enablement(models.Model):
    """An `off` or `locked` entry allowed at a site by the medical lead; an override is a row, never a flag."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="enablements")
    code = models.CharField(max_length=60)
    enabled_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    enabled_at = models.DateTimeField()
    reason = models.CharField(max_length=300)
    legal_basis = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], condition=Q(ended_at=None), name="enablement_open_once")
        ]

    def __str__(self) -> str:
        return f"{self.code} at {self.site}"
