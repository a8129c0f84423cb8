"""What came of a call to a patient: the log behind the call list."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from clinic.models import Site, User
from patients.models import Patient


class CallReason(models.TextChoices):
    """Why somebody is on the call list; the order is that of the list."""

    NO_SHOW = "no-show", _("Did not come")
    LATE = "late", _("Late for the interval")
    REVIEW = "review", _("Review due")
    UNBOOKED = "unbooked", _("Planned, not booked")


class CallOutcome(models.TextChoices):
    NO_ANSWER = "no-answer", _("Called, no answer")
    LATER = "later", _("Call again on")
    SPOKEN = "spoken", _("Spoken to")
    NOT_WANTED = "not-wanted", pgettext_lazy("call", "Not wanted")


@pghistory.track()
class CallNote(models.Model):
    """One contact about one subject: a planned session, a missed appointment, a review. `again_on` hides the subject
    until that day; `not wanted` takes it off the list for good."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="call_notes")
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=10, choices=CallReason)
    subject = models.CharField(max_length=40, help_text=_("What the call was about: kind and public id"))
    outcome = models.CharField(max_length=10, choices=CallOutcome)
    again_on = models.DateField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)
    called_at = models.DateTimeField(default=timezone.now)
    called_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-called_at", "-id"]
        indexes = [
            models.Index(fields=["subject", "-called_at"], name="call_note_subject"),
            models.Index(fields=["patient", "-called_at"], name="call_note_patient"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(reason__in=CallReason.values), name="call_note_reason_known"),
            models.CheckConstraint(condition=Q(outcome__in=CallOutcome.values), name="call_note_outcome_known"),
            models.CheckConstraint(
                condition=(Q(outcome="later") & Q(again_on__isnull=False)) | (~Q(outcome="later") & Q(again_on=None)),
                name="call_note_again_has_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome}: {self.patient}"
