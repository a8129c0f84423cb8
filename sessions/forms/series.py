"""Rows of a course's appointments to be moved together, and the choice of what to swap with."""
from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.errors import Stale
from clinic.forms import HouseForm
from clinic.models import Room, User
from sessions.booking import Change
from sessions.forms.booking import FARTHEST_DAYS, FOLDS, ClockField, DayField, PublicChoice, moment_of
from sessions.models import Appointment

NAMES = ("day", "time", "fold", "practitioner", "room")


class SeriesForm(HouseForm):
    """One row per appointment: day, time, practitioner, room, and the version it was seen in. Every row is moved or none."""

    tell = forms.BooleanField(label=_("Tell the patient"), required=False, initial=True)

    def __init__(self, *args: Any, rows: Sequence[Appointment], walls: Mapping[int, dt.datetime], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = list(rows)
        site = self.rows[0].site
        people, rooms = User.objects.practitioners_at(site), Room.objects.filter(site=site, in_service=True)
        for n, row in enumerate(self.rows, start=1):
            wall = walls.get(row.pk, row.local_start.replace(tzinfo=None))
            self.fields[f"row_{n}"] = forms.CharField(widget=forms.HiddenInput, initial=row.public_id, max_length=22)
            self.fields[f"version_{n}"] = forms.IntegerField(widget=forms.HiddenInput, initial=row.version, min_value=1)
            self.fields[f"day_{n}"] = DayField(label=_("Day"), initial=wall.date())
            self.fields[f"time_{n}"] = ClockField(label=_("Time"), initial=wall.time())
            self.fields[f"fold_{n}"] = forms.ChoiceField(
                label=_("Which of the two?"), choices=[("", ""), *FOLDS], required=False, widget=forms.HiddenInput
            )
            self.fields[f"practitioner_{n}"] = PublicChoice(
                people, label=_("Practitioner"), empty_label=None, initial=row.practitioner.public_id
            )
            self.fields[f"room_{n}"] = PublicChoice(rooms, label=_("Room"), empty_label=None, initial=row.room.public_id)
        self.guard_text_fields()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for n, row in enumerate(self.rows, start=1):
            day, time = cleaned.get(f"day_{n}"), cleaned.get(f"time_{n}")
            if day is None or time is None:
                continue
            if abs((day - row.site.today()).days) > FARTHEST_DAYS:
                self.add_error(f"day_{n}", _("Choose a day within the next three years."))
                continue
            try:
                cleaned[f"starts_at_{n}"] = moment_of(day, time, row.site, cleaned.get(f"fold_{n}") or "")
            except forms.ValidationError as error:
                self.add_error(f"time_{n}", error)
                if error.error_list[0].code == "time-twice":
                    self.fields[f"fold_{n}"].widget = forms.Select(choices=[("", ""), *FOLDS])
        return cleaned

    def changes(self) -> list[Change]:
        """The rows as changes. Raises `Stale` when the rows are no longer those that were shown."""
        cleaned = self.cleaned_data
        if [cleaned[f"row_{n}"] for n in range(1, len(self.rows) + 1)] != [row.public_id for row in self.rows]:
            raise Stale(str(_("The appointments of this course have changed meanwhile. Reload the page to see them.")))
        return [
            Change(
                row, cleaned[f"version_{n}"], cleaned[f"starts_at_{n}"], cleaned[f"practitioner_{n}"],
                cleaned[f"room_{n}"], row.device, row.treatment_minutes,
            )
            for n, row in enumerate(self.rows, start=1)
        ]  # fmt: skip


class OtherForm(HouseForm):
    """Another appointment, by its public id and the version it was seen in, for a swap or to take a freed time."""

    other = forms.CharField(widget=forms.HiddenInput, max_length=22)
    other_version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    tell = forms.BooleanField(label=_("Tell the patients"), required=False, initial=True)
