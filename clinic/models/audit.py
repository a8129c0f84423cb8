"""The audit log: deeds, and who looked at what. The app role may only insert and read; hashes survive redaction.

`digest` covers the fixed columns and `detail_digest`, which covers `doer_label` and `detail`, so that lawful redaction
of a name or of `detail` keeps the proof; seals over ranges of digests (a chain) are rows of their own and come later.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.choices import AccessCategory


class Logged(models.Model):
    at = models.DateTimeField(db_index=True)
    doer_kind = models.CharField(max_length=8)
    doer_public_id = models.CharField(max_length=22, blank=True)
    doer_label = models.CharField(max_length=120)
    site_public_id = models.CharField(max_length=22, blank=True)
    patient_public_id = models.CharField(max_length=22, blank=True, db_index=True)
    object_kind = models.CharField(max_length=40)
    object_public_id = models.CharField(max_length=22, blank=True)
    detail = models.JSONField(default=dict)
    detail_digest = models.BinaryField(max_length=32)
    digest = models.BinaryField(max_length=32)

    class Meta:
        abstract = True


class AuditEvent(Logged):
    """A deed: who did what to what, when, and the words the log shows."""

    action = models.CharField(max_length=48, db_index=True)
    sentence = models.CharField(max_length=200)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("audit event")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.doer_label}: {self.sentence}"


class AccessEvent(Logged):
    """A look: a page with patient data, a search, a print, an export, a denial."""

    category = models.CharField(max_length=8, choices=AccessCategory)
    page = models.CharField(max_length=80)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("access event")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.doer_label} {self.category} {self.page}"
