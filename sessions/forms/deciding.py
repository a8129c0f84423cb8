"""Is somebody who booked online a patient already?"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from patients.models import Patient

APART = "apart"


class DecideForm(HouseForm):
    same = forms.ChoiceField(
        label=_("Who is it?"), widget=forms.RadioSelect, error_messages={"required": _("Choose one of these.")}
    )

    def __init__(self, *args: Any, likely: Sequence[Patient], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [
            (one.public_id, f"{one.name}, {date_format(one.birth_date, 'j M Y')}, {one.record_number}") for one in likely
        ]
        field = self.fields["same"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the types
        field.choices = [*known, (APART, _("A different person: keep the new record"))]

    def clean_same(self) -> str:
        """The chosen record, or nothing for a different person."""
        chosen = str(self.cleaned_data["same"])
        return "" if chosen == APART else chosen
