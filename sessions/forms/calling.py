"""What came of a call."""
from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from sessions.forms.booking import DayField
from sessions.models import CallOutcome


class CallForm(HouseForm):
    outcome = forms.ChoiceField(
        label=_("What came of it"), choices=CallOutcome, widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of these.")},
    )  # fmt: skip
    again_on = DayField(label=_("Call again on"), required=False, help_text=_("Until then the line is off the list."))
    note = forms.CharField(label=_("Note"), max_length=300, required=False)
