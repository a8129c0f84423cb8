"""Screenings as they were made, with their inputs; findings; clearances as rows of a named clinician."""

from __future__ import annotations

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from clinic.models import PublicId, SameParent, User
from patients.models import Patient
from protocols.models import CatalogueVersion
from sessions.models.appointment import Appointment
from sessions.models.course import Course


class Screening(PublicId):
    """One evaluation: facts + plan + date + catalogue version -> outcome. Never edited; a new one is a new row."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="screenings")
    course = models.ForeignKey(Course, models.PROTECT, null=True, blank=True, related_name="screenings")
    appointment = models.ForeignKey(Appointment, models.PROTECT, null=True, blank=True, related_name="screenings")
    stage = models.CharField(max_length=10)
    outcome = models.CharField(max_length=20)
    wait_until = models.DateField(null=True, blank=True)
    open_ended = models.BooleanField(default=False)
    on_date = models.DateField()
    facts = models.JSONField()
    plan = models.JSONField(null=True, blank=True)
    to_do = ArrayField(models.CharField(max_length=40), default=list)
    missing = ArrayField(models.CharField(max_length=60), default=list)
    would_matter = ArrayField(models.CharField(max_length=60), default=list)
    catalogue = models.ForeignKey(CatalogueVersion, models.PROTECT, related_name="+")
    evaluated_at = models.DateTimeField()
    evaluated_by_label = models.CharField(max_length=120)
    since = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    changes = models.JSONField(default=list, help_text="What became different since that one (sessions.since)")

    class Meta:
        ordering = ["-evaluated_at", "-id"]
        indexes = [
            models.Index(
                fields=["patient", "course", "-evaluated_at", "-id"], include=["outcome"], name="screening_newest"
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "patient"], name="screening_id_patient"),
            SameParent(
                fields=("course", "patient"), to=("treatment_sessions.Course", ("id", "patient")),
                name="screening_course_same_patient",
            ),
            SameParent(
                fields=("appointment", "patient"), to=("treatment_sessions.Appointment", ("id", "patient")),
                name="screening_appointment_same_patient",
            ),
            SameParent(
                fields=("since", "patient"), to=("treatment_sessions.Screening", ("id", "patient")),
                name="screening_since_same_patient",
            ),
        ]  # fmt: skip
        triggers = [pgtrigger.Protect(name="screening_frozen", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.outcome} for {self.patient}"


class Finding(models.Model):
    """One fired rule as it was then: code, severity, sentence per language, answers, source, rule version."""

    screening = models.ForeignKey(Screening, models.PROTECT, related_name="findings")
    position = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=60)
    severity = models.CharField(max_length=12)
    title = models.JSONField(default=dict)
    sentence = models.JSONField(default=dict)
    lifted_by = models.JSONField(default=dict)
    answers = models.JSONField(default=list)
    source = models.TextField(blank=True)
    rule_version = models.CharField(max_length=40)
    mark = models.CharField(max_length=8, blank=True)
    wait_until = models.DateField(null=True, blank=True)
    open_ended = models.BooleanField(default=False)
    unclarified = models.BooleanField(default=False)
    cleared_by = models.CharField(max_length=160, blank=True)

    class Meta:
        ordering = ["screening", "position"]
        constraints = [models.UniqueConstraint(fields=["screening", "position"], name="finding_position_once")]
        triggers = [pgtrigger.Protect(name="finding_frozen", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.code


@pghistory.track()
class Clearance(PublicId):
    """A named clinician accepts a relative finding for a course, with reason and end. It is only ever ended, once; a
    clearance that ended stays as history.

    `finding` is the finding as it stood (its JSON), `judged_for` the day of the session it was judged for: as long as
    the same day still gives the same fingerprint, the answer behind it has not changed. `valid_until` is the last day
    it can hold; it ends earlier with its course."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="clearances")
    course = models.ForeignKey(Course, models.PROTECT, null=True, blank=True, related_name="clearances")
    rule_code = models.CharField(max_length=60)
    answer_fingerprint = models.CharField(max_length=64)
    finding = models.JSONField(default=dict)
    judged_for = models.DateField(null=True, blank=True)
    granted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    granted_at = models.DateTimeField()
    reason = models.CharField(max_length=400)
    evidence = models.CharField(max_length=200, blank=True, help_text="Letter or laboratory value it rests on")
    valid_until = models.DateField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    ended_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-granted_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["id", "patient"], name="clearance_id_patient"),
            SameParent(
                fields=("course", "patient"), to=("treatment_sessions.Course", ("id", "patient")),
                name="clearance_same_patient",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="clearance_has_reason"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None, ended_reason="")
                | (Q(ended_at__isnull=False) & ~Q(ended_reason="")),
                name="clearance_ended_for_a_reason",
            ),
        ]  # fmt: skip
        triggers = [
            pgtrigger.Trigger(
                name="clearance_frozen",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=pgtrigger.Func(
                    """
                    IF TG_OP = 'UPDATE' AND OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
                       AND (to_jsonb(NEW) - 'ended_at' - 'ended_by_id' - 'ended_reason')
                         = (to_jsonb(OLD) - 'ended_at' - 'ended_by_id' - 'ended_reason')
                    THEN
                        RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'a clearance is only ever ended, once';
                    """
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule_code} cleared by {self.granted_by}"
