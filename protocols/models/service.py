"""What can be booked, and how long each part of it takes."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.choices import DeviceKind, RoomKind
from clinic.models import PublicId, Site, User, Versioned


class ServiceKind(models.TextChoices):
    CONSULTATION = "consultation", _("Consultation")
    ALLERGY_TEST = "allergy-test", _("Allergy test")
    TREATMENT = "treatment", _("Treatment")
    REVIEW = "review", _("Review")


@pghistory.track()
class Service(PublicId, Versioned):
    """A treatment names its indication; consultation, allergy test and review are never gated by screening."""

    code = models.SlugField(max_length=60, unique=True)
    kind = models.CharField(max_length=16, choices=ServiceKind)
    name = models.CharField(max_length=80)
    indication = models.CharField(max_length=60, blank=True)
    preparation_minutes = models.PositiveSmallIntegerField(default=0)
    numbing_minutes = models.PositiveSmallIntegerField(default=0)
    treatment_minutes = models.PositiveSmallIntegerField()
    cleanup_minutes = models.PositiveSmallIntegerField(default=0)
    device_wipe_minutes = models.PositiveSmallIntegerField(default=0)
    room_kind = models.CharField(max_length=16, choices=RoomKind, default=RoomKind.TREATMENT)
    device_kind = models.CharField(max_length=24, choices=DeviceKind, blank=True)
    is_public = models.BooleanField(default=False)
    named_only = models.BooleanField(default=False, help_text=_("Only the people named for it may give it"))
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["kind", "name"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind=ServiceKind.TREATMENT) | ~Q(indication=""), name="service_treatment_has_indication"
            ),
            models.CheckConstraint(
                condition=Q(treatment_minutes__gte=5, treatment_minutes__lte=480), name="service_minutes_sensible"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_gated(self) -> bool:
        return self.kind == ServiceKind.TREATMENT


@pghistory.track()
class ServiceGiver(models.Model):
    """One person who may give a service, at one site or, without a site, at each they treat at."""

    service = models.ForeignKey(Service, models.CASCADE, related_name="givers")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, models.CASCADE, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["service", "user", "site"], nulls_distinct=False, name="service_giver_once")
        ]

    def __str__(self) -> str:
        return f"{self.user} gives {self.service}"
