"""Questionnaires as they were asked and answered. A published version and a submitted response never change."""

from __future__ import annotations

from typing import Any

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q

from clinic.models import OrderedJSON, PublicId, User, Versioned
from patients.models.person import Patient


class QuestionnaireVersion(PublicId):
    """The questions of one catalogue version: `questions` is the list that patients.questionnaire understands."""

    number = models.PositiveIntegerField(unique=True)
    questions: Any = OrderedJSON()
    digest = models.CharField(max_length=64)  # not unique: a later version may go back to earlier questions
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        triggers = [
            pgtrigger.Protect(name="published_questions_frozen", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"questions {self.number}"


class QuestionnaireResponse(PublicId, Versioned):
    """One filling-in. Draft answers are saved while typing; submitting freezes answers and the wording that was asked."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="responses")
    questionnaire = models.ForeignKey(QuestionnaireVersion, models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=16, default="intake")
    language = models.CharField(max_length=8)
    answers = models.JSONField(default=dict)
    wording: Any = OrderedJSON(default=dict)
    started_at = models.DateTimeField(auto_now_add=True)
    saved_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    submitted_kind = models.CharField(max_length=8, blank=True)
    submitted_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    signed_name = models.CharField(max_length=160, blank=True)

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "purpose"], condition=Q(submitted_at=None), name="response_one_draft_per_purpose"
            ),
            models.CheckConstraint(
                condition=(Q(submitted_at=None) & Q(submitted_kind=""))
                | (Q(submitted_at__isnull=False) & Q(submitted_kind__in=["patient", "staff"]) & ~Q(signed_name="")),
                name="response_submitted_by_somebody",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="submitted_response_frozen",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__submitted_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} of {self.patient}"


pghistory.track()(QuestionnaireResponse)
