"""Where care is given: one organisation, its sites, rooms, devices, hours and closed days."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, available_timezones

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic.choices import DeviceKind, PageSize, RoomKind, Weekday
from clinic.models.base import PublicId, Versioned


def check_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(_("%(zone)s is not a time zone name such as Europe/Rome."), params={"zone": name})


@pghistory.track()
class Organisation(Versioned):
    """One per installation."""

    name = models.CharField(max_length=120)
    website = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="organisation_is_single")]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Site(PublicId, Versioned):
    """A clinic address with its own zone, hours and phone. Without an emergency number it cannot be opened."""

    name = models.CharField(max_length=80, unique=True)
    address = models.CharField(max_length=200, blank=True)
    country = models.CharField(max_length=2, help_text=_("Two letters, such as IT"))
    time_zone = models.CharField(max_length=64, validators=[check_zone])
    phone = models.CharField(max_length=32, blank=True)
    email = models.EmailField(blank=True)
    emergency_number = models.CharField(max_length=16, blank=True)
    insurer = models.CharField(max_length=160, blank=True, help_text=_("Insurer and policy, printed on every consent"))
    page_size = models.CharField(max_length=8, choices=PageSize, default=PageSize.A4)
    is_open = models.BooleanField(default=False)
    late_cancel_hours = models.PositiveSmallIntegerField(
        default=24, help_text=_("Cancelled fewer hours than this before the start counts as late")
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_open=False) | ~Q(emergency_number=""),
                name="site_open_needs_emergency_number",
                violation_error_message=_("A site needs its emergency number before it can be opened."),
            ),
            models.CheckConstraint(condition=Q(late_cancel_hours__lte=336), name="site_late_cancel_within_two_weeks"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def today(self) -> dt.date:
        """The site's own today, never the server's."""
        return timezone.now().astimezone(self.zone).date()

    def day_bounds(self, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
        """Start and end of a local day as aware times; 23 or 25 hours on clock-change days."""
        start = dt.datetime.combine(day, dt.time(), self.zone)
        return start, dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), self.zone)


@pghistory.track()
class OpeningHours(models.Model):
    site = models.ForeignKey(Site, models.CASCADE, related_name="opening_hours")
    weekday = models.CharField(max_length=1, choices=Weekday)
    opens = models.TimeField()
    closes = models.TimeField()

    class Meta:
        ordering = ["weekday", "opens"]
        constraints = [
            models.CheckConstraint(condition=Q(opens__lt=F("closes")), name="opening_hours_in_order"),
            models.UniqueConstraint(fields=["site", "weekday", "opens"], name="opening_hours_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}-{self.closes:%H:%M}"


@pghistory.track()
class SpecialHours(models.Model):
    """Hours of one day that stand in the place of the week's: shorter, longer, or a day that is closed otherwise. A break
    splits them into two rows. A day without any opening is a `Closure`."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="special_hours")
    day = models.DateField()
    opens = models.TimeField()
    closes = models.TimeField()
    reason = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["day", "opens"]
        constraints = [
            models.CheckConstraint(condition=Q(opens__lt=F("closes")), name="special_hours_in_order"),
            models.UniqueConstraint(fields=["site", "day", "opens"], name="special_hours_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.opens:%H:%M}-{self.closes:%H:%M}"


@pghistory.track()
class Closure(models.Model):
    """Days on which a site is closed, first and last day included."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="closures")
    first_day = models.DateField()
    last_day = models.DateField()
    reason = models.CharField(max_length=120)

    class Meta:
        ordering = ["first_day"]
        constraints = [models.CheckConstraint(condition=Q(first_day__lte=F("last_day")), name="closure_days_in_order")]

    def __str__(self) -> str:
        return f"{self.reason} {self.first_day}"


@pghistory.track()
class Room(PublicId, Versioned):
    site = models.ForeignKey(Site, models.PROTECT, related_name="rooms")
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=16, choices=RoomKind, default=RoomKind.TREATMENT)
    in_service = models.BooleanField(default=True)

    class Meta:
        ordering = ["site", "name"]
        constraints = [
            models.UniqueConstraint(fields=["site", "name"], name="room_name_unique_at_site"),
            models.UniqueConstraint(fields=["id", "site"], name="room_id_site"),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Device(PublicId, Versioned):
    site = models.ForeignKey(Site, models.PROTECT, related_name="devices")
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=24, choices=DeviceKind)
    in_service = models.BooleanField(default=True)

    class Meta:
        ordering = ["site", "name"]
        constraints = [
            models.UniqueConstraint(fields=["site", "name"], name="device_name_unique_at_site"),
            models.UniqueConstraint(fields=["id", "site"], name="device_id_site"),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class OutOfService(models.Model):
    """A stretch of time in which a room or a device cannot be used, and why: painted, repaired, lent out."""

    room = models.ForeignKey(Room, models.CASCADE, null=True, blank=True, related_name="out_of_service")
    device = models.ForeignKey(Device, models.CASCADE, null=True, blank=True, related_name="out_of_service")
    span = DateTimeRangeField()
    reason = models.CharField(max_length=120)

    class Meta:
        ordering = ["span"]
        constraints = [
            models.CheckConstraint(
                condition=Q(room=None, device__isnull=False) | Q(room__isnull=False, device=None),
                name="out_of_service_is_a_room_or_a_device",
            ),
            models.CheckConstraint(
                condition=Q(span__startswith__isnull=False, span__endswith__isnull=False, span__isempty=False),
                name="out_of_service_has_both_ends",
            ),
            ExclusionConstraint(
                name="out_of_service_room_no_overlap",
                expressions=[("room", RangeOperators.EQUAL), ("span", RangeOperators.OVERLAPS)],
                condition=Q(room__isnull=False),
            ),
            ExclusionConstraint(
                name="out_of_service_device_no_overlap",
                expressions=[("device", RangeOperators.EQUAL), ("span", RangeOperators.OVERLAPS)],
                condition=Q(device__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.room or self.device} {self.reason}"
