"""Forms of the message log."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm, check_one_line
from patients.labels import LANGUAGE_CHOICES
from sessions.message_log import TABS, Filters
from sessions.message_texts import KINDS
from sessions.models import Message


class FilterForm(forms.Form):
    """The tools above the log. A wrong value narrows nothing and says so beside its field."""

    tab = forms.ChoiceField(choices=[(tab, tab) for tab in TABS], required=False)
    q = forms.CharField(label=_("Patient or address"), max_length=100, required=False, validators=[check_one_line])
    first = forms.DateField(label=_("First day"), required=False)
    last = forms.DateField(label=_("Last day"), required=False)
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    language = forms.ChoiceField(label=_("Language"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [(kind.code, kind.label) for kind in KINDS.values()]
        self.fields["kind"].choices = [("", _("Any kind")), *kinds]  # type: ignore[attr-defined]
        self.fields["language"].choices = [("", _("Any language")), *LANGUAGE_CHOICES]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and last < first:
            self.add_error("last", ValidationError(_("The last day lies before the first.")))
        return cleaned

    def chosen(self) -> Filters:
        """The filters that can be understood; call after `is_valid`."""
        cleaned = self.cleaned_data
        return Filters(
            tab=cleaned.get("tab") or "all",
            typed=cleaned.get("q") or "",
            kind=cleaned.get("kind") or "",
            language=cleaned.get("language") or "",
            first_day=cleaned.get("first"),
            last_day=cleaned.get("last"),
        )


class SendAgainForm(HouseForm):
    """`seen_state` is the state the person saw; when it is another by now, the deed is refused."""

    address = forms.EmailField(label=_("Address"), required=False, max_length=254)
    seen_state = forms.CharField(widget=forms.HiddenInput, max_length=12)

    def __init__(self, *args: Any, message: Message, **kwargs: Any) -> None:
        patient = message.patient
        initial = {"address": patient.email if patient else "", "seen_state": message.state}
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["address"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}

    def clean_address(self) -> str:
        return str(self.cleaned_data["address"]).strip()


class ArrivedForm(HouseForm):
    seen_state = forms.CharField(widget=forms.HiddenInput, max_length=12)

    def __init__(self, *args: Any, message: Message, **kwargs: Any) -> None:
        super().__init__(*args, initial={"seen_state": message.state}, **kwargs)
