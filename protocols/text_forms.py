"""Forms of the texts patients read in other languages."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm


class TextForm(HouseForm):
    """The clinic's own wording."""

    text = forms.CharField(
        label=_("Wording"), max_length=1500, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Patients read it only after it is approved. What stands in braces is filled in and stays as it is."),
    )  # fmt: skip


class WithdrawForm(HouseForm):
    reason = forms.CharField(label=_("Why"), max_length=300)


class SeenForm(HouseForm):
    """How many texts were shown as waiting when the button was pressed."""

    seen_waiting = forms.IntegerField(min_value=1, max_value=100_000, widget=forms.HiddenInput)
