"""What a patient asks about their data: a copy, or that it be deleted. A person answers in time, with a reason."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import pghistory
from django.db import models
from django.db.models import F, Q

from clinic.models import PublicId, Site, User, Versioned
from patients.labels import DataRequestKind, DataRequestState, ToldBy
from patients.models.person import Patient

OPEN = DataRequestState.OPEN


class DataRequestQuerySet(models.QuerySet["DataRequest"]):
    def open(self) -> Self:
        return self.filter(state=OPEN)


@pghistory.track()
class DataRequest(PublicId, Versioned):
    """`due_on` is the last day for an answer; `reason` what the patient was told and
    `told_by` on which way. Nothing is deleted by a row here."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="data_requests")
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=DataRequestKind)
    state = models.CharField(max_length=8, choices=DataRequestState, default=OPEN)
    asked_at = models.DateTimeField()
    due_on = models.DateField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=600, blank=True)
    told_by = models.CharField(max_length=8, choices=ToldBy, blank=True)

    objects: ClassVar[Any] = DataRequestQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "id"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "kind"], condition=Q(state=OPEN), name="data_request_open_once"),
            models.CheckConstraint(condition=Q(kind__in=DataRequestKind.values), name="data_request_kind_known"),
            models.CheckConstraint(
                condition=Q(state=OPEN, settled_at=None, settled_by=None, reason="")
                | (Q(state__in=[DataRequestState.DONE, DataRequestState.REFUSED], settled_by__isnull=False,
                     settled_at__gte=F("asked_at")) & ~Q(reason="")),
                name="data_request_settled_by_somebody",
            ),
            models.CheckConstraint(condition=Q(told_by__in=["", *ToldBy.values]), name="data_request_told_by_known"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} asked by {self.patient}"
