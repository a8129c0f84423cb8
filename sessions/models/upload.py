"""Letters and laboratory reports a clinician received: rows about files in private storage, and what rests on them."""

from __future__ import annotations

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from clinic.models import PublicId, SameParent, User
from patients.models import Patient
from sessions.models.screening import Clearance


class UploadKind(models.TextChoices):
    LETTER = "letter", pgettext_lazy("kind of paper", "Letter")
    LABORATORY = "laboratory", _("Laboratory report")
    CONSENT = "consent", _("Signed consent, scanned")
    OTHER = "other", _("Other paper")


class ContentType(models.TextChoices):
    PDF = "application/pdf", "PDF"
    JPEG = "image/jpeg", "JPEG"
    PNG = "image/png", "PNG"


class UploadQuerySet(models.QuerySet["Upload"]):
    def standing(self) -> UploadQuerySet:
        return self.filter(withdrawn_at=None)


@pghistory.track()
class Upload(PublicId):
    """One file of one patient. Never deleted and never changed: a wrong one is withdrawn, with the reason.

    `storage_name` is random and says nothing; `original_name` is cleaned and only shown. A PDF has `pages`, a picture
    `width_px` and `height_px`; `sha256` is that of the bytes in storage, `size_bytes` their number."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="uploads")
    kind = models.CharField(max_length=12, choices=UploadKind)
    rule_code = models.CharField(max_length=60, blank=True, help_text="The rule it was asked for by, if any")
    note = models.CharField(max_length=200, blank=True)
    original_name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=16, choices=ContentType)
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    pages = models.PositiveIntegerField(null=True, blank=True)
    width_px = models.PositiveIntegerField(null=True, blank=True)
    height_px = models.PositiveIntegerField(null=True, blank=True)
    storage_name = models.CharField(max_length=80, unique=True)
    uploaded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    withdrawn_reason = models.CharField(max_length=200, blank=True)

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering = ["-uploaded_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["id", "patient"], name="upload_id_patient"),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None, withdrawn_by=None, withdrawn_reason="")
                | (Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False) & ~Q(withdrawn_reason="")),
                name="upload_withdrawn_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(content_type=ContentType.PDF, pages__gt=0, width_px=None, height_px=None)
                | Q(content_type__in=[ContentType.JPEG, ContentType.PNG], pages=None, width_px__gt=0, height_px__gt=0),
                name="upload_pages_or_pixels",
            ),
            models.CheckConstraint(condition=Q(size_bytes__gt=0, sha256__regex=r"^[0-9a-f]{64}$"), name="upload_has_bytes"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="upload_frozen",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=pgtrigger.Func(
                    """
                    IF TG_OP = 'UPDATE' AND OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL
                       AND (to_jsonb(NEW) - 'withdrawn_at' - 'withdrawn_by_id' - 'withdrawn_reason')
                         = (to_jsonb(OLD) - 'withdrawn_at' - 'withdrawn_by_id' - 'withdrawn_reason')
                    THEN
                        RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'an upload is only ever withdrawn, once';
                    """
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.original_name}"

    @property
    def is_picture(self) -> bool:
        return self.content_type != ContentType.PDF


class ClearanceUpload(models.Model):
    """A clearance rests on this upload. Only ever added, together with the clearance."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    clearance = models.ForeignKey(Clearance, models.PROTECT, related_name="attachments")
    upload = models.ForeignKey(Upload, models.PROTECT, related_name="clearances")

    class Meta:
        ordering = ["clearance", "id"]
        constraints = [
            models.UniqueConstraint(fields=["clearance", "upload"], name="clearance_upload_once"),
            SameParent(
                fields=("clearance", "patient"), to=("treatment_sessions.Clearance", ("id", "patient")),
                name="clearance_upload_clearance_same_patient",
            ),
            SameParent(
                fields=("upload", "patient"), to=("treatment_sessions.Upload", ("id", "patient")),
                name="clearance_upload_upload_same_patient",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.upload} for {self.clearance}"
