"""The treatment record: what was really given. One per appointment; signed is frozen by the database."""

from __future__ import annotations

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q

from clinic.models import PublicId, SameParent, Site, User, Versioned
from patients.models import Patient
from protocols.models import CatalogueVersion
from sessions.choices import RecordStatus
from sessions.models.appointment import Appointment
from sessions.models.course import Course, PlannedSession
from sessions.models.screening import Screening
from sessions.models.stock import Lot

STATUS = RecordStatus


def frozen_with_parent(name: str) -> pgtrigger.Trigger:
    """Rows below a signed record are as frozen as the record itself."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        func=pgtrigger.Func(
            """
            IF EXISTS (
                SELECT 1 FROM treatment_sessions_treatmentsession r
                WHERE r.id IN (NEW.treatment_session_id, OLD.treatment_session_id) AND r.status = 'signed'
            ) THEN
                RAISE EXCEPTION 'the treatment record is signed';
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
            """
        ),
    )


class TreatmentSession(PublicId, Versioned):
    """Amounts in ml: `drawn_up_ml` = injected + wasted = taken from lots. `planned` is the approved plan as copied at
    the start, `content_digest` the SHA-256 of what was signed."""

    appointment = models.OneToOneField(Appointment, models.PROTECT, related_name="treatment_session")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="treatment_sessions")
    course = models.ForeignKey(Course, models.PROTECT, related_name="treatment_sessions")
    planned_session = models.ForeignKey(PlannedSession, models.PROTECT, null=True, blank=True, related_name="+")
    catalogue = models.ForeignKey(CatalogueVersion, models.PROTECT, related_name="+")
    screening = models.ForeignKey(Screening, models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(max_length=8, choices=STATUS, default=STATUS.OPEN)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    practitioner = models.ForeignKey(User, models.PROTECT, related_name="+")
    identity_checked = models.CharField(max_length=120, blank=True, help_text="The two identifiers that were asked")
    history_confirmed_at = models.DateTimeField(null=True, blank=True)
    history_confirmed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    history_changes = models.CharField(max_length=400, blank=True)
    gate_overrides = models.JSONField(default=list)
    planned = models.JSONField(default=dict)
    begun_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    technique = models.CharField(max_length=40)
    delivery = models.CharField(max_length=40)
    depth_mm = models.DecimalField(max_digits=4, decimal_places=2, null=True, blank=True)
    drawn_up_ml = models.DecimalField(max_digits=6, decimal_places=3, null=True, blank=True)
    wasted_ml = models.DecimalField(max_digits=6, decimal_places=3, null=True, blank=True)
    mixed_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True)
    reaction_note = models.TextField(blank=True)
    saved_at = models.DateTimeField(auto_now=True)
    signed_at = models.DateTimeField(null=True, blank=True)
    signed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    signed_meaning = models.CharField(max_length=120, blank=True)
    content_digest = models.CharField(max_length=64, blank=True)
    unsigned_site = models.ForeignKey(
        Site, models.PROTECT, null=True, blank=True, editable=False, related_name="+", db_index=False,
        help_text="Where it waits for its signature; the database keeps it, so that a board finds the few among all",
    )  # fmt: skip

    class Meta:
        ordering = ["-opened_at"]
        indexes = [
            models.Index(
                fields=["unsigned_site", "practitioner"], condition=Q(unsigned_site__isnull=False), name="record_waits"
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "patient"], name="record_id_patient"),
            SameParent(
                fields=("appointment", "patient"), to=("treatment_sessions.Appointment", ("id", "patient")),
                name="record_appointment_same_patient",
            ),
            SameParent(
                fields=("course", "patient"), to=("treatment_sessions.Course", ("id", "patient")),
                name="record_course_same_patient",
            ),
            SameParent(
                fields=("planned_session", "patient"), to=("treatment_sessions.PlannedSession", ("id", "patient")),
                name="record_planned_same_patient",
            ),
            SameParent(
                fields=("screening", "patient"), to=("treatment_sessions.Screening", ("id", "patient")),
                name="record_screening_same_patient",
            ),
            models.CheckConstraint(
                condition=~Q(status=STATUS.SIGNED)
                | (Q(signed_at__isnull=False, signed_by__isnull=False, ended_at__isnull=False) & ~Q(content_digest="")),
                name="record_signed_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(begun_at__isnull=False, ended_at__gte=F("begun_at")),
                name="record_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(begun_at=None) | Q(history_confirmed_at__isnull=False), name="record_history_before_needle"
            ),
            models.CheckConstraint(
                condition=Q(wasted_ml=None) | Q(wasted_ml__gte=0, wasted_ml__lte=F("drawn_up_ml")),
                name="record_waste_within_drawn_up",
            ),
        ]  # fmt: skip
        triggers = [
            pgtrigger.Protect(
                name="signed_record_frozen",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__status="signed"),
            ),
            pgtrigger.Trigger(
                name="record_waits_at_its_site",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=pgtrigger.Func(
                    """
                    NEW.unsigned_site_id := CASE WHEN NEW.status = 'ended' THEN (
                        SELECT a.site_id FROM treatment_sessions_appointment a WHERE a.id = NEW.appointment_id
                    ) END;
                    RETURN NEW;
                    """
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"treatment of {self.patient}"


class UsedProduct(models.Model):
    """One component as it was really drawn up, with its lot. The lot's product, maker and number are copied."""

    treatment_session = models.ForeignKey(TreatmentSession, models.PROTECT, related_name="products")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    syringe = models.PositiveSmallIntegerField(default=1)
    substance = models.CharField(max_length=60)
    strength = models.DecimalField(max_digits=10, decimal_places=4, null=True, blank=True)
    strength_unit = models.CharField(max_length=12, blank=True)
    volume_ml = models.DecimalField(max_digits=6, decimal_places=3)
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, blank=True, related_name="+")
    lot_label = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["treatment_session", "position"]
        constraints = [
            models.UniqueConstraint(fields=["treatment_session", "position"], name="used_product_position"),
            models.CheckConstraint(condition=Q(volume_ml__gt=0), name="used_product_volume_positive"),
            SameParent(
                fields=("treatment_session", "patient"),
                to=("treatment_sessions.TreatmentSession", ("id", "patient")),
                name="used_product_same_patient",
            ),
        ]
        triggers = [frozen_with_parent("used_product_frozen")]

    def __str__(self) -> str:
        return f"{self.substance} {self.volume_ml} ml"


class TreatedArea(models.Model):
    """Points in one region: `points` x `ml_per_point` at `depth_mm`. Single marks on a drawing will hang below it."""

    treatment_session = models.ForeignKey(TreatmentSession, models.PROTECT, related_name="areas")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    region = models.CharField(max_length=40)
    syringe = models.PositiveSmallIntegerField(default=1)
    points = models.PositiveSmallIntegerField()
    ml_per_point = models.DecimalField(max_digits=5, decimal_places=4)
    depth_mm = models.DecimalField(max_digits=4, decimal_places=2)

    class Meta:
        ordering = ["treatment_session", "id"]
        constraints = [
            models.UniqueConstraint(fields=["treatment_session", "region", "syringe"], name="treated_area_once"),
            models.CheckConstraint(
                condition=Q(points__gte=1, ml_per_point__gt=0, depth_mm__gte=0), name="treated_area_positive"
            ),
            SameParent(
                fields=("treatment_session", "patient"),
                to=("treatment_sessions.TreatmentSession", ("id", "patient")),
                name="treated_area_same_patient",
            ),
        ]
        triggers = [frozen_with_parent("treated_area_frozen")]

    def __str__(self) -> str:
        return f"{self.region} {self.points} points"


class Addendum(PublicId):
    """A dated addition beside a signed record; it never replaces a word of it."""

    treatment_session = models.ForeignKey(TreatmentSession, models.PROTECT, related_name="addenda")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    text = models.TextField()
    written_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    written_at = models.DateTimeField()

    class Meta:
        ordering = ["written_at"]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="addendum_not_empty"),
            SameParent(
                fields=("treatment_session", "patient"),
                to=("treatment_sessions.TreatmentSession", ("id", "patient")),
                name="addendum_same_patient",
            ),
        ]
        triggers = [pgtrigger.Protect(name="addendum_frozen", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"addendum {self.written_at:%Y-%m-%d}"


pghistory.track(exclude=["unsigned_site"])(TreatmentSession)  # the database keeps it from what is tracked
pghistory.track()(UsedProduct)
pghistory.track()(TreatedArea)
