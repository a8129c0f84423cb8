"""The intradermal test before the first use of a new product (lab-allergy): placed, read, negative or positive."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.models import PublicId, User
from patients.models import Patient


class TestResult(models.TextChoices):
    __test__ = False  # not a test class

    NEGATIVE = "negative", _("Negative")
    POSITIVE = "positive", _("Positive")


@pghistory.track()
class AllergyTest(PublicId):
    """`placed_at` to `read_at` is at least 24 h; `wheal_mm` 5 or more, or a rash, is positive."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="allergy_tests")
    substance = models.CharField(max_length=60)
    placed_at = models.DateTimeField()
    placed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    read_at = models.DateTimeField(null=True, blank=True)
    read_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    wheal_mm = models.PositiveSmallIntegerField(null=True, blank=True)
    rash = models.BooleanField(null=True, blank=True)
    result = models.CharField(max_length=8, choices=TestResult, blank=True)

    class Meta:
        ordering = ["-placed_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(read_at=None, read_by=None, result="")
                | (Q(read_at__gt=F("placed_at"), read_by__isnull=False, wheal_mm__isnull=False, rash__isnull=False)
                   & ~Q(result="")),
                name="allergy_test_read_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(result=TestResult.NEGATIVE) | Q(wheal_mm__lt=5, rash=False),
                name="allergy_test_negative_means_small",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.substance} {self.result or 'placed'}"
