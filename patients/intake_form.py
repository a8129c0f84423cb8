"""Signing the health questions: a typed name and an explicit act."""
from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm


class SignForm(HouseForm):
    signed_name = forms.CharField(
        label=_("Your name, as your signature"), max_length=160,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": _("Type your name to sign.")},
    )  # fmt: skip
