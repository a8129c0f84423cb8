"""The one question at the gate."""
from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from patients.forms import DayField


class GateForm(forms.Form):
    """A wrong date costs a try, a malformed one does not."""

    birth_date = DayField(label=_("Your birth date"))

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["birth_date"].widget.attrs |= {"autocomplete": "bday", "required": True}

    def wrong(self, *, tries_left: int) -> None:
        self.add_error(
            "birth_date",
            ngettext(
                "This is not the birth date we have. %(left)s try is left.",
                "This is not the birth date we have. %(left)s tries are left.",
                tries_left,
            )
            % {"left": tries_left},
        )
