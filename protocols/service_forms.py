"""The form of the services page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from clinic.models import Site, User
from protocols.giving import GiverAt, treating
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

    is_public = forms.BooleanField(
        label=LABELS["is_public"], required=False,
        help_text=_("Shown on the public booking page of the sites that have one."),
    )  # fmt: skip

    @classmethod
    def initial_of(cls, service: Service) -> dict[str, Any]:
        return {name: getattr(service, name) for name in LABELS}


class GiversForm(HouseForm):
    """Who may give a service: everybody who treats, or the people ticked, everywhere or at one site."""

    named_only = forms.BooleanField(
        label=_("Only the people ticked here may give it"), required=False,
        help_text=_("Not ticked: everybody who treats at a site may."),
    )  # fmt: skip
    givers = forms.MultipleChoiceField(
        label=_("People"), required=False, widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": _("Somebody chosen here does not treat there any more. Look again.")},
    )  # fmt: skip

    def __init__(self, *args: Any, service: Service, **kwargs: Any) -> None:
        self.offered = {f"{user.public_id}|{site.public_id if site else ''}": (user, site) for user, site in treating()}
        known = {(row.user_id, row.site_id) for row in service.givers.all()}
        ticked = [
            key for key, (user, site) in self.offered.items() if (user.pk, site.pk if site else None) in known
        ]
        initial = {"named_only": service.named_only, "givers": ticked}
        super().__init__(*args, seen_version=service.version, initial=initial, **kwargs)
        field = self.fields["givers"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 - for the types
        field.choices = [(key, self.label_of(user, site)) for key, (user, site) in self.offered.items()]

    @staticmethod
    def label_of(user: User, site: Site | None) -> str:
        values = {"name": user.name, "site": site.name if site else ""}
        return gettext("%(name)s, only at %(site)s") % values if site else gettext("%(name)s, at every site") % values

    @property
    def chosen(self) -> list[GiverAt]:
        return [self.offered[key] for key in self.cleaned_data["givers"]]
