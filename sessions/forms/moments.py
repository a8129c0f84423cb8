"""A moment typed as the wall-clock time of a site, judged honestly on clock-change nights."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic.models import Site

FORMAT = "%Y-%m-%dT%H:%M"


class SiteMomentField(forms.Field):
    """`datetime-local` input -> aware UTC. A time in the gap of a clock change does not exist and is refused; in the
    overlap the earlier one is taken, as the clock shows it first."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=FORMAT)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zone: ZoneInfo | None = None

    def at_site(self, site: Site, *, shows: dt.datetime | None = None) -> None:
        """Wall-clock times of this site; the field starts with `shows`, or with now."""
        self.zone = site.zone
        self.initial = (shows or timezone.now()).astimezone(site.zone).strftime(FORMAT)

    def to_python(self, value: Any) -> dt.datetime | None:
        if value in self.empty_values or self.zone is None:
            return None
        try:
            wall = dt.datetime.strptime(str(value), FORMAT)  # noqa: DTZ007 - the site's zone follows
        except ValueError as error:
            raise ValidationError(_("Give day and time, such as 12 March 2026, 10:45.")) from error
        if not 2000 <= wall.year <= 2100:
            raise ValidationError(_("This year is not plausible."))
        moment = wall.replace(tzinfo=self.zone)
        if moment.astimezone(dt.UTC).astimezone(self.zone).replace(tzinfo=None) != wall:
            raise ValidationError(_("This time does not exist at the site: the clock is put forward then."))
        return moment.astimezone(dt.UTC)
