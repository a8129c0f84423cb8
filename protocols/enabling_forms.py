"""The forms of what is allowed at a site although the catalogue has it off or locked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from clinic.models import Site
from protocols.catalogue_forms import LONGEST, reason_field
from protocols.definitions import Catalogue
from protocols.enabling import entries_with_status, is_for_some, refusal_to_enable
from protocols.field_words import word


class EnableForm(HouseForm):
    code = forms.ChoiceField(label=_("Entry"))
    reason = reason_field(required=True, help_text=_("It is kept and shown."))
    legal_basis = forms.CharField(
        label=_("Legal basis"), max_length=LONGEST, required=False,
        help_text=_("For a locked entry: the law, approval or permit of this site's country, with its date."),
    )  # fmt: skip

    def __init__(self, *args: Any, rules: Catalogue, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        allowed = [one for one in entries_with_status(rules) if not refusal_to_enable(one, site)]
        choices = [("", "–")]
        for one in allowed:
            words = _("off for everyone but the sex it is for") if is_for_some(one) else word(one.status)
            choices.append((one.code, f"{one.name_in(get_language() or 'en')} ({one.code}), {words}"))
        self.fields["code"].choices = choices  # type: ignore[attr-defined]


class EndForm(HouseForm):
    reason = reason_field(required=True, help_text=_("It is kept and shown."))
