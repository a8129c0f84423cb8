"""The forms of what is allowed at a site although the catalogue has it off or locked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from clinic.models import Site
from protocols.catalogue_forms import LONGEST, named, reason_field
from protocols.choices import Status
from protocols.definitions import Catalogue
from protocols.enabling import entries_with_status


class EnableForm(HouseForm):
    code = forms.ChoiceField(label=_("Entry"))
    reason = reason_field(required=True, help_text=_("It is kept and shown."))
    legal_basis = forms.CharField(
        label=_("Legal basis"), max_length=LONGEST, required=False,
        help_text=_("For a locked entry: the law, approval or permit of this site's country, with its date."),
    )  # fmt: skip

    def __init__(self, *args: Any, rules: Catalogue, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "–")]
        for status, words in ((Status.OFF, _("off")), (Status.LOCKED, _("locked"))):
            found = {one.code: one for one in entries_with_status(rules)
                     if one.status == status and site.country not in getattr(one, "never_in", ())}  # fmt: skip
            choices += [(code, f"{label}, {words}") for code, label in named(found)]
        self.fields["code"].choices = choices  # type: ignore[attr-defined]


class EndForm(HouseForm):
    reason = reason_field(required=True, help_text=_("It is kept and shown."))
