"""Forms of the stock page."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from protocols.choices import Status
from protocols.definitions import Catalogue
from sessions.explaining import name_of


class ReceiveForm(HouseForm):
    """A delivery as it stands on the box."""

    substance = forms.ChoiceField(label=_("Substance"))
    product = forms.CharField(label=_("Product name"), max_length=120)
    maker = forms.CharField(label=_("Maker"), max_length=120)
    lot_number = forms.CharField(label=_("Lot number"), max_length=40)
    expires_on = forms.DateField(label=_("Expires on"), widget=forms.DateInput(attrs={"type": "date"}))
    strength = forms.DecimalField(
        label=_("Strength per ml"), min_value=Decimal("0.0001"), max_digits=10, decimal_places=4, required=False
    )
    amount_ml = forms.DecimalField(
        label=_("Amount in ml"), min_value=Decimal("0.001"), max_value=Decimal(100000), max_digits=9, decimal_places=3
    )
    preservative_free = forms.BooleanField(label=_("Marked free of preservatives"), required=False)

    def __init__(self, *args: Any, rules: Catalogue, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rules = rules
        usable = [one for one in rules.substances.values() if one.status != Status.WITHDRAWN]
        self.fields["substance"].choices = [  # type: ignore[attr-defined]
            ("", _("Choose a substance")),
            *sorted(((one.code, name_of(one.code, rules.substances)) for one in usable), key=lambda pair: pair[1]),
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        substance = self.rules.substances.get(cleaned.get("substance", ""))
        counted = substance is not None and substance.strength is not None
        if counted and cleaned.get("strength") is None and "strength" not in self.errors:
            self.add_error("strength", _("Needed: doses of this substance are counted from its strength."))
        return cleaned

    def strength_unit(self) -> str:
        substance = self.rules.substances[self.cleaned_data["substance"]]
        return substance.strength_unit if self.cleaned_data["strength"] is not None else ""


class HoldBackForm(HouseForm):
    reason = forms.CharField(
        label=_("Why is it held back?"), max_length=200, required=False,
        help_text=_("Recall, quarantine, broken cold chain. Leave empty to release the lot."),
    )  # fmt: skip
