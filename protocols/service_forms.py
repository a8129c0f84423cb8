"""The form of the services page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from protocols.models import Service
from protocols.services import LABELS, LEAST_MINUTES, MOST_MINUTES, MOST_SIDE_MINUTES


def side_minutes(field: str, help_text: Any) -> forms.IntegerField:
    return forms.IntegerField(label=LABELS[field], min_value=0, max_value=MOST_SIDE_MINUTES, help_text=help_text)


class ServiceForm(HouseForm):
    name = forms.CharField(label=LABELS["name"], max_length=80, help_text=_("As patients read it in mails."))
    preparation_minutes = side_minutes("preparation_minutes", _("The room is made ready."))
    numbing_minutes = side_minutes("numbing_minutes", _("The patient is there, the practitioner is not."))
    treatment_minutes = forms.IntegerField(
        label=LABELS["treatment_minutes"], min_value=LEAST_MINUTES, max_value=MOST_MINUTES,
        help_text=_("The practitioner's own part."),
    )  # fmt: skip
    cleanup_minutes = side_minutes("cleanup_minutes", _("The room is cleaned; the patient has left."))
    device_wipe_minutes = side_minutes("device_wipe_minutes", _("The device is not free yet."))
    is_active = forms.BooleanField(
        label=LABELS["is_active"], required=False,
        help_text=_("What is no longer offered cannot be booked; what is booked stays."),
    )  # fmt: skip

    @classmethod
    def initial_of(cls, service: Service) -> dict[str, Any]:
        return {name: getattr(service, name) for name in LABELS}
