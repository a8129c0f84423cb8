"""What patients may change by themselves at a site, and the private calendar addresses of practitioners."""

from __future__ import annotations

import datetime as dt

import pghistory
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from clinic.models import PublicId, Site, User, Versioned

MOST_CUT_OFF_HOURS = 14 * 24


@pghistory.track()
class SelfServiceRules(Versioned):
    """One row per site that has set them; a site without one has the defaults below.

    Until `cut_off_hours` before the visit a patient may choose another time, and no time nearer than that is offered."""

    site = models.OneToOneField(Site, models.CASCADE, related_name="self_service")
    moving_on = models.BooleanField(default=True)
    cut_off_hours = models.PositiveSmallIntegerField(
        default=24, validators=[MinValueValidator(0), MaxValueValidator(MOST_CUT_OFF_HOURS)]
    )
    any_practitioner = models.BooleanField(default=False)
    feed_names = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(cut_off_hours__lte=MOST_CUT_OFF_HOURS), name="self_service_cut_off_sensible"
            )
        ]

    def __str__(self) -> str:
        return f"self-service of {self.site}"

    @property
    def cut_off(self) -> dt.timedelta:
        return dt.timedelta(hours=self.cut_off_hours)


@pghistory.track(exclude=["token_hash", "read_at"])
class CalendarFeed(PublicId):
    """A secret address at which a practitioner's calendar program reads their own appointments. Only its hash is kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="calendar_feeds")
    token_hash = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True, help_text="When it last gave a full answer")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(revoked_at=None), name="calendar_feed_one_alive")
        ]

    def __str__(self) -> str:
        return f"calendar feed of {self.user}"
