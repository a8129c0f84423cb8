"""Forms about single days and stretches of time: hours of one day, a shift of one day, out of service."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.day_plans import DaySpan
from clinic.forms import HouseForm
from clinic.place_forms import AbsenceEndForm, AbsenceForm, ClockField, DayField
from clinic.week import MOST_SPANS

__all__ = ["DayRemoveForm", "DayShiftForm", "OutOfServiceForm", "PutBackForm", "SpecialHoursForm"]


class DaySpansForm(HouseForm):
    """One day with up to two times. Both ends of a time are given, or neither."""

    day = DayField(label=_("Day"))
    reason = forms.CharField(label=_("Reason"), max_length=120, required=False, help_text=_("Staff see it."))

    def __init__(self, *args: Any, spans: Sequence[DaySpan] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number in range(1, MOST_SPANS + 1):
            known = spans[number - 1] if number <= len(spans) else (None, None)
            labels = (_("From"), _("Until")) if number == 1 else (_("After a break from"), _("Until"))
            for edge, label, value in zip(("starts", "ends"), labels, known, strict=True):
                self.fields[f"{edge}_{number}"] = ClockField(label=label, required=False, initial=value)
        self.order_fields(["day", "starts_1", "ends_1", "starts_2", "ends_2", "reason"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        spans: list[tuple[dt.time, dt.time]] = []
        for number in range(1, MOST_SPANS + 1):
            names = (f"starts_{number}", f"ends_{number}")
            starts, ends = (cleaned.get(name) for name in names)
            if starts is not None and ends is not None:
                spans.append((starts, ends))
            elif starts is not ends and not self.errors.keys() & set(names):
                self.add_error(names[0 if starts is None else 1], _("Give both times, or neither."))
        cleaned["spans"] = spans
        return cleaned


class SpecialHoursForm(DaySpansForm):
    pass


class DayShiftForm(DaySpansForm):
    is_free = forms.BooleanField(label=_("Free on this day"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(["day", "is_free", "starts_1", "ends_1", "starts_2", "ends_2", "reason"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors and not cleaned.get("is_free") and not cleaned["spans"]:
            self.add_error("starts_1", _("Give the times of the day, or mark it as free."))
        elif cleaned.get("is_free") and cleaned["spans"]:
            self.add_error("is_free", _("Free, or with times: not both. Empty the times to be free."))
        return cleaned


class DayRemoveForm(HouseForm):
    """A single day is named by its date."""

    day = forms.DateField(widget=forms.HiddenInput, input_formats=["%Y-%m-%d"])


class OutOfServiceForm(AbsenceForm):
    """Whole days, or part of a day where times are given; on the clock of the site."""

    reason = forms.CharField(label=_("Reason"), max_length=120, help_text=_("Shown where somebody tries to book."))


class PutBackForm(AbsenceEndForm):
    """A stretch is named by the instant it starts."""
