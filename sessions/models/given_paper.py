"""Papers the clinic has put at a patient's disposal on their own page, beside those that are theirs anyway."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q

from clinic.models import PublicId, SameParent, User
from patients.models import Patient
from sessions.models.document import Document


@pghistory.track()
class GivenPaper(PublicId):
    """Who gave it and when; taking it back ends the row, giving it again is a new one."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="given_papers")
    document = models.ForeignKey(Document, models.PROTECT, related_name="given")
    given_at = models.DateTimeField()
    given_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    taken_back_at = models.DateTimeField(null=True, blank=True)
    taken_back_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-given_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["document"], condition=Q(taken_back_at=None), name="given_paper_once"),
            SameParent(
                fields=("document", "patient"), to=("treatment_sessions.Document", ("id", "patient")),
                name="given_paper_same_patient",
            ),
            models.CheckConstraint(
                condition=Q(taken_back_at=None, taken_back_by=None)
                | Q(taken_back_at__isnull=False, taken_back_by__isnull=False),
                name="given_paper_taken_back_by_somebody",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"paper {self.document_id} of {self.patient}"
