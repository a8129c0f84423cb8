"""Booked time. Overlap of patient, practitioner, room or device is impossible in the database."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar, Self

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Deferrable, F, Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from clinic.models import Device, PublicId, Room, SameParent, Site, User, Versioned
from patients.models import Patient
from protocols.models import Service
from sessions.choices import OCCUPYING, UPCOMING, AppointmentStatus, Displaced, MissedReason
from sessions.models.course import Course, PlannedSession

STATUS = AppointmentStatus


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def at(self, site: Site) -> Self:
        return self.filter(site=site)

    def on_day(self, site: Site, day: dt.date) -> Self:
        """Everything that starts on the site's local day."""
        start, end = site.day_bounds(day)
        return self.filter(site=site, starts_at__gte=start, starts_at__lt=end)

    def occupying(self) -> Self:
        return self.filter(status__in=OCCUPYING)

    def in_the_way(self) -> Self:
        """What occupies its time now: a hold that has run out stands in nobody's way, swept or not."""
        return self.occupying().exclude(status=STATUS.HELD, hold_ends_at__lte=timezone.now())

    def upcoming(self) -> Self:
        return self.filter(status__in=UPCOMING, starts_at__gt=timezone.now())

    def displaced(self) -> Self:
        """Ahead, and no longer where hours, people and things allow it."""
        return self.upcoming().exclude(displaced="")

    def for_patient(self, patient: Patient) -> Self:
        return self.filter(patient=patient)


def no_overlap(name: str, owner: str, span: str, *also: Q) -> ExclusionConstraint:
    """One exclusion constraint over occupying statuses; deferrable so that a swap or a shifted series is one UPDATE."""
    condition = Q(status__in=[str(status) for status in OCCUPYING])
    for extra in also:
        condition &= extra
    return ExclusionConstraint(
        name=name,
        expressions=[(owner, RangeOperators.EQUAL), (span, RangeOperators.OVERLAPS)],
        condition=condition,
        deferrable=Deferrable.IMMEDIATE,
    )


class Appointment(PublicId, Versioned):
    """`starts_at` is when the patient is to arrive; `agreed_start` the wall-clock time that was agreed at `zone`.

    Spans are half-open: `patient_span` arrival to end, `practitioner_span` their own part, `room_span` with preparation
    and clean-up, `device_span` use and wipe-down. `revision` counts changes that a patient must be told of."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="appointments")
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    service = models.ForeignKey(Service, models.PROTECT, related_name="+")
    course = models.ForeignKey(Course, models.PROTECT, null=True, blank=True, related_name="appointments")
    practitioner = models.ForeignKey(User, models.PROTECT, related_name="+")
    room = models.ForeignKey(Room, models.PROTECT, related_name="+")
    device = models.ForeignKey(Device, models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(max_length=16, choices=STATUS, default=STATUS.BOOKED)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    agreed_start = models.CharField(max_length=16, help_text=_("Local wall-clock time, such as 2026-03-12T10:45"))
    zone = models.CharField(max_length=64)
    patient_span = DateTimeRangeField()
    practitioner_span = DateTimeRangeField()
    room_span = DateTimeRangeField()
    device_span = DateTimeRangeField(null=True, blank=True)
    revision = models.PositiveIntegerField(default=1)
    booked_at = models.DateTimeField(auto_now_add=True)
    booked_by_label = models.CharField(max_length=120)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    arrived_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.CharField(max_length=200, blank=True)
    hold_ends_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)
    overbooked = models.BooleanField(default=False)
    overbooked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    overbooked_reason = models.CharField(max_length=200, blank=True)
    flagged = models.CharField(max_length=200, blank=True, help_text=_("Why this booking needs a look"))
    treatment_minutes = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=_("Empty: as long as the service takes")
    )
    came_from = models.JSONField(null=True, blank=True, help_text=_("Where it stood before the last move, to take it back"))
    displaced = models.CharField(
        max_length=16, choices=Displaced, blank=True, help_text=_("Hours, people or things changed under this booking")
    )
    day_mark = models.JSONField(default=dict, blank=True, help_text=_("Why its day needs a look: late, too close"))

    objects: ClassVar[Any] = AppointmentQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at", "id"]
        indexes = [
            models.Index(fields=["site", "starts_at"], name="appointment_site_day"),
            models.Index(fields=["patient", "-starts_at"], name="appointment_patient"),
            models.Index(fields=["practitioner", "starts_at"], name="appointment_practitioner"),
            models.Index(
                fields=["site", "starts_at"], condition=~Q(displaced=""), name="appointment_displaced"
            ),
            # What a search for free times asks of rooms and devices, so that months of a site are read without their rows.
            models.Index(
                fields=["site", "starts_at"], condition=Q(status__in=[str(status) for status in OCCUPYING]),
                include=["id", "room", "device", "status", "hold_ends_at", "room_span", "device_span"], name="appointment_taken",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "patient"], name="appointment_id_patient"),
            no_overlap("appointment_patient_free", "patient", "patient_span"),
            no_overlap("appointment_practitioner_free", "practitioner", "practitioner_span", Q(overbooked=False)),
            no_overlap("appointment_room_free", "room", "room_span"),
            no_overlap("appointment_device_free", "device", "device_span", Q(device__isnull=False)),
            SameParent(
                fields=("course", "patient"), to=("treatment_sessions.Course", ("id", "patient")),
                name="appointment_same_patient",
            ),
            SameParent(fields=("room", "site"), to=("clinic.Room", ("id", "site")), name="appointment_room_at_site"),
            SameParent(
                fields=("device", "site"), to=("clinic.Device", ("id", "site")), name="appointment_device_at_site"
            ),
            models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="appointment_in_order"),
            models.CheckConstraint(
                condition=Q(treatment_minutes=None) | Q(treatment_minutes__gte=5, treatment_minutes__lte=480),
                name="appointment_minutes_sensible",
            ),
            models.CheckConstraint(condition=Q(status__in=STATUS.values), name="appointment_status_known"),
            models.CheckConstraint(condition=Q(displaced__in=["", *Displaced.values]), name="appointment_displaced_known"),
            models.CheckConstraint(
                condition=Q(overbooked=False, overbooked_by=None, overbooked_reason="")
                | (Q(overbooked=True, overbooked_by__isnull=False) & ~Q(overbooked_reason="")),
                name="appointment_overbooked_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(device=None, device_span=None) | Q(device__isnull=False, device_span__isnull=False),
                name="appointment_device_has_span",
            ),
            models.CheckConstraint(
                condition=~Q(status=STATUS.HELD) | Q(hold_ends_at__isnull=False), name="appointment_hold_ends"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[STATUS.CANCELLED, STATUS.LATE_CANCELLED])
                | (Q(cancelled_at__isnull=False) & ~Q(cancel_reason="")),
                name="appointment_cancelled_with_reason",
            ),
        ]  # fmt: skip

    @property
    def day_words(self) -> str:
        """Why its day needs a look (late, too close, a test to place), in the reader's language; empty when it does not."""
        return str(self.day_mark.get(get_language() or "en") or self.day_mark.get("en", ""))

    @property
    def reason_words(self) -> str:
        """Why it was cancelled or missed, as it was written or in the reader's language."""
        known = dict(MissedReason.choices)
        return str(known.get(self.cancel_reason, self.cancel_reason))

    def __str__(self) -> str:
        return f"{self.service} of {self.patient} at {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def local_start(self) -> dt.datetime:
        return self.starts_at.astimezone(self.site.zone)

    @property
    def local_end(self) -> dt.datetime:
        return self.ends_at.astimezone(self.site.zone)


class Fulfilment(models.Model):
    """Which planned sessions an appointment is for. A planned session has at most one active appointment."""

    appointment = models.ForeignKey(Appointment, models.CASCADE, related_name="fulfilments")
    planned_session = models.ForeignKey(PlannedSession, models.PROTECT, related_name="fulfilments")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["planned_session"], condition=Q(active=True), name="planned_session_one_appointment"
            ),
            models.UniqueConstraint(fields=["appointment", "planned_session"], name="fulfilment_once"),
            SameParent(
                fields=("appointment", "patient"), to=("treatment_sessions.Appointment", ("id", "patient")),
                name="fulfilment_appointment_same_patient",
            ),
            SameParent(
                fields=("planned_session", "patient"), to=("treatment_sessions.PlannedSession", ("id", "patient")),
                name="fulfilment_session_same_patient",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.appointment} for {self.planned_session}"


pghistory.track()(Appointment)
pghistory.track()(Fulfilment)
