"""A course: a plan for one patient plus real rows for its sessions."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar, Self

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.models import PublicId, SameParent, Site, User, Versioned
from patients.models import Patient
from protocols.models import CatalogueVersion
from sessions.choices import CourseStatus


class CourseQuerySet(models.QuerySet["Course"]):
    def for_patient(self, patient: Patient) -> Self:
        return self.filter(patient=patient)

    def running(self) -> Self:
        return self.filter(status__in=[CourseStatus.PROPOSED, CourseStatus.APPROVED])


@pghistory.track()
class Course(PublicId, Versioned):
    """Indication, regions, technique and, in its syringes, the mixture as approved: copied, so that a later catalogue
    never rewrites it.

    `numbing_cream_g` is the planned cream in grams, `numbing_area_cm2` the skin it covers;
    `price_per_session` is typed until price lists exist."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="courses")
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    practitioner = models.ForeignKey(User, models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=CourseStatus, default=CourseStatus.PROPOSED)
    catalogue = models.ForeignKey(CatalogueVersion, models.PROTECT, related_name="+")
    indication = models.CharField(max_length=60)
    category = models.CharField(max_length=20)
    regions = ArrayField(models.CharField(max_length=40))
    technique = models.CharField(max_length=40)
    delivery = models.CharField(max_length=40, default="dv-manual")
    mixture = models.CharField(max_length=60, blank=True, help_text=_("Code of the example it was made from"))
    antiseptic = models.CharField(max_length=40, blank=True)
    numbing_cream_g = models.DecimalField(max_digits=5, decimal_places=1, null=True, blank=True)
    numbing_area_cm2 = models.DecimalField(max_digits=6, decimal_places=1, null=True, blank=True)
    plan_version = models.PositiveIntegerField(default=1, help_text=_("Rises with each change of what is given"))
    check_result = models.CharField(max_length=16, default="incomplete")
    check_problems = models.JSONField(default=list)
    usual_time = models.TimeField(default=dt.time(10), help_text=_("Clock time at the site of its sessions"))
    price_per_session = models.DecimalField(max_digits=9, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    stopped_reason = models.CharField(max_length=200, blank=True)

    objects: ClassVar[Any] = CourseQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["id", "patient"], name="course_id_patient"),
            models.CheckConstraint(
                condition=Q(status=CourseStatus.PROPOSED, approved_at=None)
                | Q(status=CourseStatus.STOPPED)
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="course_approved_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(numbing_cream_g=None) | Q(numbing_cream_g__gt=0), name="course_cream_positive"
            ),
            models.CheckConstraint(
                condition=Q(numbing_area_cm2=None) | Q(numbing_cream_g__isnull=False, numbing_area_cm2__gt=0),
                name="course_cream_area_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.indication} of {self.patient}"


@pghistory.track()
class CourseSyringe(models.Model):
    """One mix drawn up together: where it goes and how. `region` empty: every region of the course; `technique` empty:
    the course's. `points`, `depth_mm` and `area_cm2` stay NULL until somebody knows them."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="syringes")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
    region = models.CharField(max_length=40, blank=True)
    technique = models.CharField(max_length=40, blank=True)
    points = models.PositiveSmallIntegerField(null=True, blank=True)
    depth_mm = models.DecimalField(max_digits=4, decimal_places=2, null=True, blank=True)
    area_cm2 = models.DecimalField(max_digits=6, decimal_places=1, null=True, blank=True)

    class Meta:
        ordering = ["course", "number"]
        constraints = [
            models.UniqueConstraint(fields=["course", "number"], name="course_syringe_number"),
            models.UniqueConstraint(fields=["id", "course"], name="course_syringe_id_course"),
            SameParent(
                fields=("course", "patient"),
                to=("treatment_sessions.Course", ("id", "patient")),
                name="course_syringe_same_patient",
            ),
            models.CheckConstraint(
                condition=Q(number__gte=1)
                & (Q(points=None) | Q(points__gte=1))
                & (Q(area_cm2=None) | Q(area_cm2__gt=0))
                & (Q(depth_mm=None) | Q(depth_mm__gte=0)),
                name="course_syringe_figures_possible",
            ),
        ]

    def __str__(self) -> str:
        return f"syringe {self.number} of {self.course}"


class CourseItemManager(models.Manager["CourseItem"]):
    """A line is never read without its syringe."""

    def get_queryset(self) -> models.QuerySet[CourseItem]:
        return super().get_queryset().select_related("syringe")


@pghistory.track()
class CourseItem(models.Model):
    """One line of a syringe. `strength` is per ml in `strength_unit`; NULL for what is dosed in ml."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="items")
    syringe = models.ForeignKey(CourseSyringe, models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField()
    substance = models.CharField(max_length=60)
    strength = models.DecimalField(max_digits=10, decimal_places=4, null=True, blank=True)
    strength_unit = models.CharField(max_length=12, blank=True)
    volume_ml = models.DecimalField(max_digits=6, decimal_places=3)

    objects: ClassVar[Any] = CourseItemManager()

    class Meta:
        ordering = ["course", "syringe__number", "position"]
        constraints = [
            models.UniqueConstraint(fields=["syringe", "position"], name="course_item_position"),
            SameParent(
                fields=("syringe", "course"),
                to=("treatment_sessions.CourseSyringe", ("id", "course")),
                name="course_item_same_course",
            ),
            models.CheckConstraint(condition=Q(volume_ml__gt=0), name="course_item_volume_positive"),
            models.CheckConstraint(
                condition=Q(strength=None) | Q(strength__gt=0), name="course_item_strength_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.substance} {self.volume_ml} ml"


@pghistory.track()
class PlannedSession(PublicId, Versioned):
    """Session `number` of the course with its window of local days. `latest` is empty where the source gives none; an
    ideal day after it is a late plan, allowed and marked. `interval_days` is the interval that was chosen to lead up to
    it; windows count from the actual day of the session before, or its booking, or its ideal day (sessions.planned)."""

    course = models.ForeignKey(Course, models.PROTECT, related_name="planned_sessions")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
    phase = models.PositiveSmallIntegerField(default=1)
    interval_days = models.PositiveSmallIntegerField(default=0)
    earliest = models.DateField()
    ideal = models.DateField()
    latest = models.DateField(null=True, blank=True)
    done_on = models.DateField(null=True, blank=True)
    skipped_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["course", "number"]
        constraints = [
            models.UniqueConstraint(fields=["course", "number"], name="planned_session_number"),
            models.UniqueConstraint(fields=["id", "patient"], name="planned_session_id_patient"),
            SameParent(
                fields=("course", "patient"),
                to=("treatment_sessions.Course", ("id", "patient")),
                name="planned_session_same_patient",
            ),
            models.CheckConstraint(
                condition=Q(earliest__lte=F("ideal")) & (Q(latest=None) | Q(latest__gte=F("earliest"))),
                name="planned_session_window_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"session {self.number} of {self.course}"
