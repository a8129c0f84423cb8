"""Forms of a course's scores."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from clinic.models import Site
from protocols.stop_rules import HIGHEST_PAIN, PAIN_SCALE
from sessions.forms.moments import SiteMomentField


class ScoreForm(HouseForm):
    scale = forms.ChoiceField(label=_("Scale"))
    value = forms.DecimalField(
        label=_("Score"), min_value=Decimal(0), max_value=Decimal(10_000), max_digits=7, decimal_places=2,
        help_text=_("Pain: 0 is none, 10 the worst one can think of"),
    )  # fmt: skip
    taken_at = SiteMomentField(label=_("Taken at"))

    def __init__(self, *args: Any, scales: Sequence[str], site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scale"].choices = [(scale, scale) for scale in scales]  # type: ignore[attr-defined]
        self.fields["taken_at"].at_site(site)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        value = cleaned.get("value")
        if cleaned.get("scale") == PAIN_SCALE and value is not None and value > HIGHEST_PAIN:
            self.add_error("value", ValidationError(_("Pain is scored from 0 to 10.")))
        return cleaned


class WithdrawScoreForm(HouseForm):
    reason = forms.CharField(label=_("Why is it wrong?"), max_length=200)


class GoOnForm(HouseForm):
    reason = forms.CharField(label=_("Why does it go on?"), max_length=200)
