"""Issued documents: frozen bytes with their SHA-256. Printing again renders nothing; a new issue supersedes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar, Self

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q

from clinic.choices import Permission
from clinic.models import PublicId, SameParent, Site, User
from patients.models import Patient
from sessions.choices import CLINICAL_PAPERS, DocumentKind, DocumentState
from sessions.models.appointment import Appointment
from sessions.models.course import Course


class DocumentQuerySet(models.QuerySet["Document"]):
    def open_to(self, permissions: Collection[str]) -> Self:
        """What somebody with these permissions may know of."""
        return self if Permission.SEE_CLINICAL in permissions else self.exclude(kind__in=CLINICAL_PAPERS)


class Document(PublicId):
    """`source` holds the ids, template version and values it was made from; `pdf` the exact bytes that were printed."""

    kind = models.CharField(max_length=16, choices=DocumentKind)
    state = models.CharField(max_length=12, choices=DocumentState, default=DocumentState.QUEUED)
    patient = models.ForeignKey(Patient, models.PROTECT, null=True, blank=True, related_name="documents")
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    appointment = models.ForeignKey(Appointment, models.PROTECT, null=True, blank=True, related_name="documents")
    course = models.ForeignKey(Course, models.PROTECT, null=True, blank=True, related_name="documents")
    language = models.CharField(max_length=8)
    template_version = models.CharField(max_length=24)
    source = models.JSONField(default=dict)
    verification_code = models.CharField(max_length=16, unique=True)
    requested_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    requested_at = models.DateTimeField()
    issued_at = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(max_length=200, blank=True)
    pdf = models.BinaryField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    sealed_by = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the certificate of the seal, if sealed")
    pages = models.PositiveSmallIntegerField(null=True, blank=True)
    superseded_by = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="supersedes")

    objects: ClassVar[Any] = DocumentQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["id", "patient"], name="document_id_patient"),
            SameParent(
                fields=("superseded_by", "patient"), to=("treatment_sessions.Document", ("id", "patient")),
                name="document_superseded_same_patient",
            ),
            SameParent(
                fields=("appointment", "patient"), to=("treatment_sessions.Appointment", ("id", "patient")),
                name="document_appointment_same_patient",
            ),
            SameParent(
                fields=("course", "patient"), to=("treatment_sessions.Course", ("id", "patient")),
                name="document_course_same_patient",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[DocumentState.QUEUED, DocumentState.FAILED], pdf=None)
                | (Q(state__in=[DocumentState.ISSUED, DocumentState.SUPERSEDED], pdf__isnull=False,
                     issued_at__isnull=False) & ~Q(sha256="")),
                name="document_issued_has_bytes",
            ),
        ]  # fmt: skip
        triggers = [
            pgtrigger.Trigger(
                name="issued_document_frozen",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=pgtrigger.Func(
                    """
                    IF OLD.state NOT IN ('issued', 'superseded') THEN
                        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                        RETURN NEW;
                    END IF;
                    IF TG_OP = 'UPDATE' AND NEW.state = 'superseded' AND NEW.superseded_by_id IS NOT NULL
                       AND (to_jsonb(NEW) - 'state' - 'superseded_by_id') = (to_jsonb(OLD) - 'state' - 'superseded_by_id')
                    THEN
                        RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'an issued document is frozen';
                    """
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.verification_code}"


pghistory.track(exclude=["pdf"])(Document)
