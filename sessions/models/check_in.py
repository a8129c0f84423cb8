"""What a patient answered after a session, how fast somebody has to look at it, and who did."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.models import PublicId, SameParent, Site, User, Versioned
from patients.models import Patient
from sessions.models.outcome import AdverseEvent
from sessions.models.record import TreatmentSession


class Urgency(models.TextChoices):
    EMERGENCY = "emergency", _("Emergency")
    SAME_DAY = "same-day", _("Same day")
    IN_48_HOURS = "48-hours", _("Within 48 hours")
    EXPECTED = "expected", _("As expected")


class CheckInQuerySet(models.QuerySet["CheckIn"]):
    def waiting(self) -> Self:
        """Answers that somebody must look at and nobody has."""
        return self.filter(seen_at=None).exclude(urgency=Urgency.EXPECTED)


class CheckIn(PublicId, Versioned):
    """`answers` as given; `codes` the entries of the catalogue they met. The picture lies in private storage, drawn anew.

    Written once by the patient; staff only say that they have seen it."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="check_ins")
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    treatment_session = models.ForeignKey(TreatmentSession, models.PROTECT, related_name="check_ins")
    answered_at = models.DateTimeField()
    answers = models.JSONField()
    pain = models.PositiveSmallIntegerField()
    codes = ArrayField(models.CharField(max_length=60), default=list)
    urgency = models.CharField(max_length=12, choices=Urgency)
    event = models.ForeignKey(AdverseEvent, models.PROTECT, null=True, blank=True, related_name="check_ins")
    photo_name = models.CharField(max_length=80, blank=True)
    photo_type = models.CharField(max_length=16, blank=True)
    photo_sha256 = models.CharField(max_length=64, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    seen_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    objects: ClassVar[Any] = CheckInQuerySet.as_manager()

    class Meta:
        ordering = ["-answered_at", "-id"]
        indexes = [
            models.Index(
                fields=["site"], condition=Q(seen_at=None) & ~Q(urgency=Urgency.EXPECTED), name="check_in_waiting"
            )
        ]
        constraints = [
            SameParent(
                fields=("treatment_session", "patient"), to=("treatment_sessions.TreatmentSession", ("id", "patient")),
                name="check_in_session_same_patient",
            ),
            SameParent(
                fields=("event", "patient"), to=("treatment_sessions.AdverseEvent", ("id", "patient")),
                name="check_in_event_same_patient",
            ),
            models.CheckConstraint(condition=Q(urgency__in=Urgency.values), name="check_in_urgency_known"),
            models.CheckConstraint(condition=Q(pain__lte=10), name="check_in_pain_up_to_ten"),
            models.CheckConstraint(
                condition=Q(seen_at=None, seen_by=None) | Q(seen_at__isnull=False, seen_by__isnull=False),
                name="check_in_seen_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(photo_name="", photo_type="", photo_sha256="")
                | (~Q(photo_name="") & ~Q(photo_type="") & Q(photo_sha256__regex=r"^[0-9a-f]{64}$")),
                name="check_in_photo_whole",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"check-in, {self.get_urgency_display()}"


pghistory.track()(CheckIn)
