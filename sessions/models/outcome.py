"""What came of it: scores of a scale, adverse events, and the word of a clinician who goes on against a stop rule."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.models import PublicId, SameParent, Site, User, Versioned
from patients.models import Patient
from sessions.choices import Causality, ReactionAction, ReactionOutcome
from sessions.models.course import Course
from sessions.models.record import TreatmentSession

OUTCOME = ReactionOutcome


@pghistory.track()
class OutcomeScore(PublicId):
    """One reading of a scale of the indication (VAS 0 to 10, GAIS ...). The earliest one of a course is its baseline.

    `treatment_session` is the session it was asked at, if any. A wrong one is withdrawn, never edited."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="outcome_scores")
    course = models.ForeignKey(Course, models.PROTECT, related_name="scores")
    treatment_session = models.ForeignKey(
        TreatmentSession, models.PROTECT, null=True, blank=True, related_name="scores"
    )
    scale = models.CharField(max_length=40)
    value = models.DecimalField(max_digits=7, decimal_places=2)
    taken_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["taken_at", "id"]
        constraints = [
            SameParent(
                fields=("course", "patient"), to=("treatment_sessions.Course", ("id", "patient")),
                name="score_course_same_patient",
            ),
            SameParent(
                fields=("treatment_session", "patient"),
                to=("treatment_sessions.TreatmentSession", ("id", "patient")),
                name="score_session_same_patient",
            ),
            models.CheckConstraint(condition=Q(value__gte=0), name="score_not_negative"),
            models.CheckConstraint(
                condition=~Q(scale="VAS") | Q(value__lte=10), name="score_pain_up_to_ten"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None, withdrawn_reason="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_reason="")),
                name="score_withdrawn_with_reason",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.scale} {self.value}"


class CourseDecision(PublicId):
    """A clinician goes on although the stop rule says stop: a row, never a flag. Never edited."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    course = models.ForeignKey(Course, models.PROTECT, related_name="decisions")
    rule = models.CharField(max_length=40, help_text=_("Code of the rule that said stop"))
    sessions_done = models.PositiveSmallIntegerField()
    detail = models.JSONField(default=dict)
    reason = models.CharField(max_length=200)
    decided_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-decided_at", "-id"]
        constraints = [
            SameParent(
                fields=("course", "patient"), to=("treatment_sessions.Course", ("id", "patient")),
                name="decision_same_patient",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="decision_has_reason"),
        ]  # fmt: skip
        triggers = [pgtrigger.Protect(name="decision_frozen", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.rule}: go on"


class AdverseEventQuerySet(models.QuerySet["AdverseEvent"]):
    def for_patient(self, patient: Patient) -> Self:
        return self.filter(patient=patient)

    def stopping_messages(self) -> Self:
        """Grade 2 and worse, still open: a clinician writes instead of the automatic messages (section 12)."""
        return self.filter(outcome=OUTCOME.OPEN, grade__gte=2)


@pghistory.track()
class AdverseEvent(PublicId, Versioned):
    """Something that went wrong after a session, here or elsewhere (clinical reference, section 11).

    `term` is the text of the event, `reaction` its `ae-` or `exp-` code where one fits. `substances` are those of that
    session; empty = not known which. `lots` are copied labels. `weighed_at` is when a clinician last looked at it: a
    patient's report made later is a new question and waits again (sessions.events)."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="adverse_events")
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    treatment_session = models.ForeignKey(
        TreatmentSession, models.PROTECT, null=True, blank=True, related_name="adverse_events"
    )
    elsewhere = models.CharField(max_length=120, blank=True, help_text=_("Where, if it was not here"))
    reaction = models.CharField(max_length=40, blank=True)
    term = models.CharField(max_length=120)
    grade = models.PositiveSmallIntegerField()
    onset_on = models.DateField(null=True, blank=True)
    substances = ArrayField(models.CharField(max_length=60), default=list)
    lots = ArrayField(models.CharField(max_length=200), default=list)
    causality = models.CharField(max_length=12, choices=Causality, default=Causality.NOT_ASSESSED)
    action = models.CharField(max_length=16, choices=ReactionAction, default=ReactionAction.NONE)
    outcome = models.CharField(max_length=10, choices=OUTCOME, default=OUTCOME.OPEN)
    description = models.TextField(blank=True)
    reported_at = models.DateTimeField()
    reported_by_label = models.CharField(max_length=120)
    weighed_at = models.DateTimeField(null=True, blank=True)
    weighed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    closing = models.CharField(max_length=400, blank=True)

    objects: ClassVar[Any] = AdverseEventQuerySet.as_manager()

    class Meta:
        ordering = ["-reported_at", "-id"]
        constraints = [
            SameParent(
                fields=("treatment_session", "patient"),
                to=("treatment_sessions.TreatmentSession", ("id", "patient")),
                name="event_session_same_patient",
            ),
            models.CheckConstraint(condition=Q(grade__gte=1, grade__lte=5), name="event_grade_one_to_five"),
            models.CheckConstraint(condition=~Q(term=""), name="event_has_term"),
            models.UniqueConstraint(fields=["id", "patient"], name="event_id_patient"),
            models.CheckConstraint(
                condition=Q(treatment_session=None) | Q(elsewhere=""), name="event_here_or_elsewhere"
            ),
            models.CheckConstraint(
                condition=Q(outcome=OUTCOME.OPEN, closed_at=None, closed_by=None)
                | (~Q(outcome=OUTCOME.OPEN) & Q(closed_at__isnull=False, closed_by__isnull=False)
                   & ~Q(causality=Causality.NOT_ASSESSED)),
                name="event_closed_by_somebody_who_assessed",
            ),
            models.CheckConstraint(
                condition=Q(causality=Causality.NOT_ASSESSED)
                | Q(weighed_at__isnull=False, weighed_by__isnull=False),
                name="event_assessed_by_somebody",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.term}, grade {self.grade}"

    @property
    def is_open(self) -> bool:
        return self.outcome == OUTCOME.OPEN
