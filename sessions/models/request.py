"""Asking for a consultation from outside: what a site offers, what a stranger typed, and the link that confirms it."""

from __future__ import annotations

import pghistory
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from clinic.models import PublicId, Site, Versioned
from protocols.models import Service
from sessions.models.appointment import Appointment


class RequestState(models.TextChoices):
    HELD = "held", _("Held")
    CONFIRMED = "confirmed", _("Confirmed")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    RAN_OUT = "ran-out", _("Ran out")
    DECLINED = "declined", _("Let go by the clinic")


class Decision(models.TextChoices):
    LINKED = "linked", _("Same person")
    APART = "apart", _("Different person")


@pghistory.track()
class PublicBooking(Versioned):
    """Whether a site takes requests from anybody, and for when. A site without a row takes none."""

    site = models.OneToOneField(Site, models.CASCADE, related_name="public_booking")
    is_on = models.BooleanField(default=False)
    earliest_hours = models.PositiveSmallIntegerField(default=12, validators=[MaxValueValidator(14 * 24)])
    days_ahead = models.PositiveSmallIntegerField(
        default=56, validators=[MinValueValidator(1), MaxValueValidator(366)]
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(earliest_hours__lte=14 * 24, days_ahead__gte=1, days_ahead__lte=366),
                name="public_booking_reach_sensible",
            )
        ]

    def __str__(self) -> str:
        return f"public booking of {self.site}"


class BookingRequest(PublicId):
    """One request. What was typed is here only until it is confirmed or over: then it stands with the patient, or nowhere.

    The held time is an ordinary appointment of a provisional patient without any personal data. `source` and `email_hash`
    are keyed hashes: enough to count by, useless to find anybody by. `looks_like`: on confirmation somebody alike was
    registered already, so the desk decides whether it is the same person."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    service = models.ForeignKey(Service, models.PROTECT, related_name="+")
    appointment = models.OneToOneField(
        Appointment, models.SET_NULL, null=True, blank=True, related_name="request"
    )
    state = models.CharField(max_length=9, choices=RequestState, default=RequestState.HELD)
    given_name = models.CharField(max_length=80, blank=True)
    family_name = models.CharField(max_length=80, blank=True)
    birth_date = models.DateField(null=True, blank=True)
    phone = PhoneNumberField(blank=True)
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=8)
    source = models.CharField(max_length=64)
    email_hash = models.CharField(max_length=64)
    asked_at = models.DateTimeField(default=timezone.now)
    hold_ends_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    looks_like = models.BooleanField(default=False)
    decision = models.CharField(max_length=6, choices=Decision, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by_label = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["-asked_at", "-id"]
        indexes = [
            models.Index(fields=["hold_ends_at"], condition=Q(state="held"), name="request_open"),
            models.Index(fields=["site", "asked_at"], name="request_site_asked"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RequestState.values), name="request_state_known"),
            models.CheckConstraint(
                condition=Q(state="held", settled_at=None) | (~Q(state="held") & Q(settled_at__isnull=False)),
                name="request_settled_once",
            ),
            models.CheckConstraint(
                condition=Q(state="held") | Q(given_name="", family_name="", birth_date=None, phone="", email=""),
                name="request_keeps_nothing_typed_once_settled",
            ),
            models.CheckConstraint(
                condition=Q(decision="", decided_at=None) | (~Q(decision="") & Q(decided_at__isnull=False)),
                name="request_decided_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"request for {self.service} at {self.site}: {self.state}"


class RequestToken(models.Model):
    """The link in the mail: 256 random bits of which only the hash is kept. A mail that is written again has a new one."""

    request = models.ForeignKey(BookingRequest, models.CASCADE, related_name="tokens")
    token_hash = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"link of {self.request}"
