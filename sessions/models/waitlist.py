"""Who waits for a time, and the times that became free: what the wait list is made of."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar, Self

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from clinic.models import PublicId, Room, SameParent, Site, User, Versioned
from patients.models import Patient
from protocols.models import Service
from sessions.models.appointment import Appointment
from sessions.models.course import PlannedSession


class WaitStatus(models.TextChoices):
    OPEN = "open", pgettext_lazy("wait list", "Waiting")
    BOOKED = "booked", _("Booked")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", _("Expired")


class Urgency(models.TextChoices):
    URGENT = "urgent", _("Urgent")
    SOON = "soon", pgettext_lazy("urgency", "Soon")
    ORDINARY = "ordinary", pgettext_lazy("urgency", "Ordinary")


URGENT_FIRST = (Urgency.URGENT, Urgency.SOON, Urgency.ORDINARY)


class WaitEntryQuerySet(models.QuerySet["WaitEntry"]):
    def open(self) -> Self:
        return self.filter(status=WaitStatus.OPEN)

    def at(self, site: Site) -> Self:
        return self.filter(sites=site)

    def urgent_first(self) -> Self:
        """The most urgent first, and who waits longest first among equals."""
        order = models.Case(
            *[models.When(urgency=urgency, then=number) for number, urgency in enumerate(URGENT_FIRST)],
            output_field=models.SmallIntegerField(),
        )
        return self.order_by(order, "written_at", "id")


@pghistory.track()
class WaitEntry(PublicId, Versioned):
    """One wish for a time. Empty `weekdays`, times, dates and practitioner mean that any will do; times are those of the
    site that is offered. `planned_session` is the session of a course it is for. An ended entry stays, with its reason."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="wait_entries")
    sites = models.ManyToManyField(Site, related_name="+")
    service = models.ForeignKey(Service, models.PROTECT, related_name="+")
    planned_session = models.ForeignKey(
        PlannedSession, models.PROTECT, null=True, blank=True, related_name="wait_entries"
    )
    practitioner = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    weekdays = models.CharField(max_length=7, blank=True, help_text=_("Digits of the days that suit, 1 is Monday"))
    from_time = models.TimeField(null=True, blank=True)
    until_time = models.TimeField(null=True, blank=True)
    earliest = models.DateField(null=True, blank=True)
    latest = models.DateField(null=True, blank=True)
    urgency = models.CharField(max_length=8, choices=Urgency, default=Urgency.ORDINARY)
    note = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=9, choices=WaitStatus, default=WaitStatus.OPEN)
    written_at = models.DateTimeField(default=timezone.now)
    written_by_label = models.CharField(max_length=120)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by_label = models.CharField(max_length=120, blank=True)
    ended_reason = models.CharField(max_length=200, blank=True)
    appointment = models.ForeignKey(Appointment, models.PROTECT, null=True, blank=True, related_name="wait_entries")

    objects: ClassVar[Any] = WaitEntryQuerySet.as_manager()

    class Meta:
        ordering = ["written_at", "id"]
        indexes = [
            models.Index(fields=["written_at"], condition=Q(status="open"), name="wait_entry_open"),
            models.Index(fields=["latest"], condition=Q(status="open"), name="wait_entry_runs_out"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "service", "planned_session"], condition=Q(status="open"), nulls_distinct=False,
                name="wait_entry_once",
            ),
            models.CheckConstraint(condition=Q(status__in=WaitStatus.values), name="wait_entry_status_known"),
            models.CheckConstraint(condition=Q(urgency__in=Urgency.values), name="wait_entry_urgency_known"),
            models.CheckConstraint(
                condition=Q(status="open", ended_at=None, ended_reason="")
                | (~Q(status="open") & Q(ended_at__isnull=False) & ~Q(ended_reason="")),
                name="wait_entry_ended_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(status="booked", appointment__isnull=False) | (~Q(status="booked") & Q(appointment=None)),
                name="wait_entry_booked_names_appointment",
            ),
            models.CheckConstraint(
                condition=(Q(earliest=None) | Q(latest=None) | Q(earliest__lte=F("latest")))
                & (Q(from_time=None) | Q(until_time=None) | Q(from_time__lt=F("until_time"))),
                name="wait_entry_in_order",
            ),
            models.CheckConstraint(condition=Q(weekdays__regex=r"^[1-7]*$"), name="wait_entry_weekdays_known"),
            SameParent(
                fields=("planned_session", "patient"), to=("treatment_sessions.PlannedSession", ("id", "patient")),
                name="wait_entry_session_same_patient",
            ),
            SameParent(
                fields=("appointment", "patient"), to=("treatment_sessions.Appointment", ("id", "patient")),
                name="wait_entry_appointment_same_patient",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.patient} waits for {self.service}"

    def suits_day(self, day: dt.date) -> bool:
        """Weekday and dates of the wish; the window of a course is the planner's business."""
        return (
            (not self.weekdays or str(day.isoweekday()) in self.weekdays)
            and (self.earliest is None or self.earliest <= day)
            and (self.latest is None or day <= self.latest)
        )

    def suits_clock(self, start: dt.time, end: dt.time) -> bool:
        """From arrival to the end of the visit, on the wall clock of the site."""
        return (self.from_time is None or self.from_time <= start) and (self.until_time is None or end <= self.until_time)


class FreedTime(models.Model):
    """A time that became free because an appointment was cancelled or moved: the practitioner's own part of it."""

    appointment = models.ForeignKey(Appointment, models.CASCADE, related_name="freed_times")
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    practitioner = models.ForeignKey(User, models.PROTECT, related_name="+")
    room = models.ForeignKey(Room, models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    freed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["starts_at", "id"]
        indexes = [models.Index(fields=["site", "starts_at"], name="freed_time_site_day")]
        constraints = [models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="freed_time_in_order")]

    def __str__(self) -> str:
        return f"{self.practitioner} free again at {self.starts_at:%Y-%m-%d %H:%M}"
