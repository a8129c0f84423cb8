"""Re-screening many patients against another catalogue: what a draft would change, and what a published one changed.

A run is worked off in batches of patients, each in one transaction that moves the cursor on; a killed worker leaves the
cursor where the last finished batch put it."""

from __future__ import annotations

from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.models import PublicId, SameParent, User
from patients.models import Patient
from protocols.models import CatalogueVersion
from sessions.models.appointment import Appointment
from sessions.models.course import Course


class RunPurpose(models.TextChoices):
    PREVIEW = "preview", _("Preview of a draft")
    APPLY = "apply", _("Re-screening after publishing")


class RunState(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    OUTDATED = "outdated", _("Outdated")
    FAILED = "failed", _("Failed")


UNFINISHED = (RunState.QUEUED, RunState.RUNNING)


class RescreenRunQuerySet(models.QuerySet["RescreenRun"]):
    def unfinished(self) -> Self:
        return self.filter(state__in=UNFINISHED)


class RescreenRun(PublicId):
    """One pass over all current patients, in the order of their numbers. `last_patient` is the cursor, `until_patient`
    the end as it was at the start: who registers later is screened by the rules then in force anyway. `catalogue_digest`
    names the content that was judged; a draft edited meanwhile makes the run outdated."""

    purpose = models.CharField(max_length=8, choices=RunPurpose)
    catalogue = models.ForeignKey(CatalogueVersion, models.PROTECT, related_name="rescreen_runs")
    compared_with = models.ForeignKey(CatalogueVersion, models.PROTECT, null=True, blank=True, related_name="+")
    catalogue_digest = models.CharField(max_length=64)
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=RunState, default=RunState.QUEUED)
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0, help_text=_("Patients for whom something changed"))
    last_patient = models.BigIntegerField(default=0)
    until_patient = models.BigIntegerField()
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0, help_text=_("Batches that broke off in a row"))

    objects: ClassVar[models.Manager[RescreenRun]] = RescreenRunQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["catalogue", "purpose"], condition=Q(state__in=[str(state) for state in UNFINISHED]),
                name="rescreen_run_one_at_a_time",
            ),
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="rescreen_run_state_known"),
            models.CheckConstraint(condition=Q(purpose__in=RunPurpose.values), name="rescreen_run_purpose_known"),
            models.CheckConstraint(
                condition=Q(state__in=[str(state) for state in UNFINISHED], finished_at=None)
                | Q(state__in=[RunState.DONE, RunState.OUTDATED, RunState.FAILED], finished_at__isnull=False),
                name="rescreen_run_finished_has_time",
            ),
            models.CheckConstraint(condition=Q(changed__lte=F("done")), name="rescreen_run_counts_in_order"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.purpose} of {self.catalogue}"

    @property
    def is_over(self) -> bool:
        return self.state not in UNFINISHED

    @property
    def percent(self) -> int:
        """Whole per cent that are done, rounded down: 100 only when everybody was looked at."""
        return 100 if not self.total or self.state == RunState.DONE else min(99, self.done * 100 // self.total)


class RescreenChange(models.Model):
    """What became different for one patient as such, one running course or one future appointment, and why.

    `reasons` are the parts of `sessions.impact.Reason` as plain values, put into words in the reader's language.
    `may_before`, `may_after`: what the appointment's booking is allowed ("yes", "marked", "no"), empty for the others.
    `by_rules` is false where time or other facts did it, not the catalogue."""

    run = models.ForeignKey(RescreenRun, models.CASCADE, related_name="changes")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    course = models.ForeignKey(Course, models.PROTECT, null=True, blank=True, related_name="+")
    appointment = models.ForeignKey(Appointment, models.PROTECT, null=True, blank=True, related_name="+")
    before_outcome = models.CharField(max_length=20)
    after_outcome = models.CharField(max_length=20)
    before_codes = ArrayField(models.CharField(max_length=60), default=list)
    after_codes = ArrayField(models.CharField(max_length=60), default=list)
    reasons = models.JSONField(default=list)
    may_before = models.CharField(max_length=8, blank=True)
    may_after = models.CharField(max_length=8, blank=True)
    by_rules = models.BooleanField(default=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["run", "before_outcome", "after_outcome"], name="rescreen_change_outcomes")]
        constraints = [
            SameParent(
                fields=("course", "patient"), to=("treatment_sessions.Course", ("id", "patient")),
                name="rescreen_change_course_same_patient",
            ),
            SameParent(
                fields=("appointment", "patient"), to=("treatment_sessions.Appointment", ("id", "patient")),
                name="rescreen_change_appointment_same_patient",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.before_outcome} -> {self.after_outcome}"
