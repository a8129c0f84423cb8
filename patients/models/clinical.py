"""What is known about the body: allergies, medicines, measurements. Facts for screening are gathered from here."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.models import PublicId, User, Versioned
from patients.models.person import Patient


@pghistory.track()
class Allergy(PublicId, Versioned):
    """`allergen` is a value of question q-allergy or a substance code; free text waits for a clinician to map it."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="allergies")
    allergen = models.CharField(max_length=60)
    note = models.CharField(max_length=200, blank=True)
    severe = models.BooleanField(default=False)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["allergen"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "allergen"], condition=Q(ended_at=None), name="allergy_open_once"
            ),
        ]

    def __str__(self) -> str:
        return self.allergen


@pghistory.track()
class Medicine(PublicId, Versioned):
    """`classes` is NULL until a person has classed it; an empty list means classed as "none of them"."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="medicines")
    name = models.CharField(max_length=120)
    classes = ArrayField(models.CharField(max_length=40), null=True, blank=True)
    classed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    classed_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(classes=None, classed_by=None, classed_at=None)
                | Q(classes__isnull=False, classed_by__isnull=False, classed_at__isnull=False),
                name="medicine_classed_by_somebody",
            ),
            models.UniqueConstraint(fields=["patient", "name"], condition=Q(ended_at=None), name="medicine_open_once"),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Measurement(PublicId):
    """One reading. `code` is an m- code; `second` is the diastolic pressure; `text` an ASA class, skin type or result.

    Readings are never edited: a correction is a new row and the wrong one is withdrawn with a reason."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="measurements")
    code = models.CharField(max_length=24)
    value = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    second = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    text = models.CharField(max_length=24, blank=True)
    taken_on = models.DateField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-taken_on", "-recorded_at", "-id"]
        indexes = [models.Index(fields=["patient", "code", "-taken_on"], name="measurement_newest")]
        constraints = [
            models.CheckConstraint(
                condition=(Q(value__isnull=False) & Q(text="")) | (Q(value=None) & ~Q(text="")),
                name="measurement_value_or_text",
            ),
            models.CheckConstraint(condition=Q(value=None) | Q(value__gte=0), name="measurement_not_negative"),
            models.CheckConstraint(
                condition=Q(second=None) | Q(second__lt=F("value")), name="measurement_diastolic_below_systolic"
            ),
        ]
        verbose_name = _("measurement")

    def __str__(self) -> str:
        return f"{self.code} {self.value if self.value is not None else self.text}"
