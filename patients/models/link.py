"""A patient's link: 256 random bits of which only the hash is kept; one purpose, an expiry, five tries at the gate."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q

from clinic.models import PublicId, Site, User
from patients.labels import LinkPurpose
from patients.models.person import Patient


@pghistory.track(exclude=["token_hash"])
class PatientLink(PublicId):
    """`subject_*` names what the link is about (an appointment, a document) by kind and public id: it may lie above.
    `passed_at` is when the right birth date was shown last."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="links")
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=16, choices=LinkPurpose)
    subject_kind = models.CharField(max_length=40, blank=True)
    subject_public_id = models.CharField(max_length=22, blank=True)
    token_hash = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    expires_at = models.DateTimeField()
    passed_at = models.DateTimeField(null=True, blank=True)
    wrong_tries = models.PositiveSmallIntegerField(default=0)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=80, blank=True)
    spent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(purpose__in=LinkPurpose.values), name="link_purpose_known"),
            models.CheckConstraint(
                condition=Q(wrong_tries__lt=5) | Q(revoked_at__isnull=False), name="link_dead_after_five_tries"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} link of {self.patient}"


class LinkAttempt(models.Model):
    """How often one source failed at links in one hour: the throttle, in the database so that no restart forgets it.

    `source` is a keyed hash of the network address; the address itself is not kept."""

    source = models.CharField(max_length=64)
    hour = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "hour"], name="link_attempt_once_an_hour")]

    def __str__(self) -> str:
        return f"{self.failures} failures"
