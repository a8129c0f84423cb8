"""The rows of bookings that are placed anew together: day, time, practitioner and room of each."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from clinic.models import User
from sessions.availability import Wish
from sessions.cancelling import Called
from sessions.forms.booking import FARTHEST_DAYS, FOLDS, ClockField, DayField, PublicChoice, moment_of, placed
from sessions.models import Appointment
from sessions.rearranging import Change


class DisplacedRowsForm(HouseForm):
    """One row per booking. A row without a day stays as it is for now. Each carries the version that was seen."""

    tell = forms.BooleanField(
        label=_("Tell the patients"), required=False, initial=True, help_text=_("Three minutes after saving, by mail.")
    )

    def __init__(self, *args: Any, visits: Sequence[Appointment], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.visits = list(visits)
        people = {visit.site_id: User.objects.practitioners_at(visit.site) for visit in self.visits}
        for visit in self.visits:
            key = visit.public_id
            self.fields[f"version_{key}"] = forms.IntegerField(
                widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1, initial=visit.version
            )
            self.fields[f"day_{key}"] = DayField(label=_("Day"), required=False)
            self.fields[f"time_{key}"] = ClockField(label=_("Time"), required=False)
            self.fields[f"fold_{key}"] = forms.ChoiceField(
                label=_("Which of the two?"), choices=[("", ""), *FOLDS], required=False, widget=forms.HiddenInput
            )
            self.fields[f"practitioner_{key}"] = PublicChoice(
                people[visit.site_id], label=_("Practitioner"), required=False, empty_label=_("As before")
            )
            self.fields[f"room_{key}"] = PublicChoice(
                visit.site.rooms.filter(in_service=True), label=_("Room"), required=False,
                empty_label=_("Any that is free"),
            )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for visit in self.visits:
            day, time = cleaned.get(f"day_{visit.public_id}"), cleaned.get(f"time_{visit.public_id}")
            if day is None:
                continue
            if abs((day - visit.site.today()).days) > FARTHEST_DAYS:
                self.add_error(f"day_{visit.public_id}", _("Choose a day within the next three years."))
            elif time is None and f"time_{visit.public_id}" not in self.errors:
                self.add_error(f"time_{visit.public_id}", _("Choose a time."))
            elif time is not None:
                self._place(visit, day, time, cleaned)
        return cleaned

    def _place(self, visit: Appointment, day: Any, time: Any, cleaned: dict[str, Any]) -> None:
        fold = f"fold_{visit.public_id}"
        try:
            cleaned[f"starts_at_{visit.public_id}"] = moment_of(day, time, visit.site, cleaned.get(fold) or "")
        except forms.ValidationError as error:
            self.add_error(f"time_{visit.public_id}", error)
            if error.error_list[0].code == "time-twice":
                self.fields[fold].widget = forms.Select(choices=[("", ""), *FOLDS])

    def changes(self) -> list[Change]:
        """The rows that name a day, with a free room and device where none was said."""
        chosen = []
        for visit in self.visits:
            key = visit.public_id
            starts_at = self.cleaned_data.get(f"starts_at_{key}")
            if starts_at is None:
                continue
            room = self.cleaned_data[f"room_{key}"]
            wish = Wish(
                patient=visit.patient, site=visit.site, service=visit.service,
                practitioner=self.cleaned_data[f"practitioner_{key}"] or visit.practitioner, room=room or visit.room,
                starts_at=starts_at, ignoring=tuple(one.pk for one in self.visits),
                treatment_minutes=visit.treatment_minutes,
            )  # fmt: skip
            at = placed(wish, room)
            chosen.append(
                Change(
                    visit, self.cleaned_data[f"version_{key}"], starts_at, wish.practitioner, at["room"], at["device"],
                    visit.treatment_minutes,
                )
            )  # fmt: skip
        return chosen


class DisplacedCancelForm(HouseForm):
    """One tick per booking, or all of them; one reason. Each row carries the version that was seen."""

    reason = forms.CharField(
        label=_("Why are they cancelled?"), max_length=200,
        help_text=_("Kept with each appointment; the patients do not read it."),
    )
    everyone = forms.BooleanField(label=_("All of these"), required=False)

    def __init__(self, *args: Any, visits: Sequence[Appointment], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.visits = list(visits)
        for visit in self.visits:
            self.fields[f"version_{visit.public_id}"] = forms.IntegerField(
                widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1, initial=visit.version
            )
            self.fields[f"cancel_{visit.public_id}"] = forms.BooleanField(label=_("Cancel this one"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not any(cleaned.get(f"cancel_{visit.public_id}") for visit in self.visits) and not cleaned.get("everyone"):
            self.add_error(None, _("Tick at least one of them."))
        return cleaned

    def calls(self) -> list[Called]:
        """Those that are ticked, as they were seen."""
        said = self.cleaned_data
        chosen = [one for one in self.visits if said["everyone"] or said[f"cancel_{one.public_id}"]]
        return [Called(one, said[f"version_{one.public_id}"]) for one in chosen]

    def leave_out(self, against: dict[int, str]) -> None:
        """After a clash: what stood against it is unticked and shown as it is now; the others stay ticked, one by one."""
        data = self.data.copy()
        for call in self.calls():
            key = call.appointment.public_id
            data.pop(f"cancel_{key}", None)
            if call.appointment.pk in against:
                data[f"version_{key}"] = str(call.appointment.version)
            else:
                data[f"cancel_{key}"] = "on"
        data.pop("everyone", None)
        self.data = data
