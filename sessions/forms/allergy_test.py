"""Forms of the allergy test."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from clinic.models import Site
from sessions.forms.moments import SiteMomentField


class PlaceForm(HouseForm):
    substance = forms.ChoiceField(label=_("Product"))
    placed_at = SiteMomentField(label=_("Placed on the forearm at"))

    def __init__(self, *args: Any, site: Site, products: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["substance"].choices = products  # type: ignore[attr-defined]
        self.fields["placed_at"].at_site(site)  # type: ignore[attr-defined]


class ReadForm(HouseForm):
    read_at = SiteMomentField(label=_("Read at"), help_text=_("At least 24 hours after it was placed"))
    wheal_mm = forms.IntegerField(label=_("Wheal in mm"), min_value=0, max_value=100)
    rash = forms.ChoiceField(
        label=_("Rash or hives?"), choices=[("no", _("No")), ("yes", _("Yes"))], widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["read_at"].at_site(site)  # type: ignore[attr-defined]
