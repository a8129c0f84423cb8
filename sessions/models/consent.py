"""Consent of a patient to one plan. In this release the signed paper is recorded; signing on screen comes later."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.models import PublicId, SameParent, User, Versioned
from patients.models import Patient
from sessions.models.course import Course


class ConsentMethod(models.TextChoices):
    PAPER = "paper", _("Signed on paper")


@pghistory.track()
class Consent(PublicId, Versioned):
    """`informed_at` is when the text was given, `signed_at` when it was signed; they are two stamps. Only for the plan
    version it names; renewed after 12 months."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="consents")
    course = models.ForeignKey(Course, models.PROTECT, related_name="consents")
    plan_version = models.PositiveIntegerField()
    language = models.CharField(max_length=8)
    document_public_id = models.CharField(max_length=22, blank=True)
    informed_at = models.DateTimeField()
    informed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    signed_at = models.DateTimeField(null=True, blank=True)
    method = models.CharField(max_length=8, choices=ConsentMethod, blank=True)
    photos_record = models.BooleanField(null=True, blank=True)
    photos_teaching = models.BooleanField(null=True, blank=True)
    photos_publicity = models.BooleanField(null=True, blank=True)
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-informed_at"]
        constraints = [
            SameParent(
                fields=("course", "patient"), to=("treatment_sessions.Course", ("id", "patient")),
                name="consent_same_patient",
            ),
            models.CheckConstraint(
                condition=Q(signed_at=None, method="", recorded_by=None)
                | (Q(signed_at__gte=F("informed_at"), recorded_by__isnull=False) & ~Q(method="")),
                name="consent_signed_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(signed_at=None) | Q(photos_record__isnull=False, photos_teaching__isnull=False,
                                                photos_publicity__isnull=False),
                name="consent_every_choice_made",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"consent of {self.patient}"
