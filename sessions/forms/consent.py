"""Forms of a consent: given, signed on paper, countersigned, withdrawn. The patient's own is `consent_signing.py`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.file_fields import CheckedFileField
from clinic.forms import HouseForm
from clinic.models import Site
from sessions.forms.moments import SiteMomentField

YES_NO = [("yes", _("Yes")), ("no", _("No"))]


class GivenForm(HouseForm):
    informed_at = SiteMomentField(label=_("When was the text given?"))

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["informed_at"].at_site(site)  # type: ignore[attr-defined]


class SignedForm(HouseForm):
    """Each separate choice starts unticked: neither yes nor no is assumed."""

    signed_at = SiteMomentField(label=_("When was it signed?"))
    photos_record = forms.ChoiceField(label=_("Photos in the record"), choices=YES_NO, widget=forms.RadioSelect)
    photos_teaching = forms.ChoiceField(label=_("Photos to teach staff"), choices=YES_NO, widget=forms.RadioSelect)
    photos_publicity = forms.ChoiceField(label=_("Photos in publicity"), choices=YES_NO, widget=forms.RadioSelect)
    every_part = forms.BooleanField(label=_("The paper carries both signatures and no part is empty"))
    scan = CheckedFileField(
        label=_("Scan of the signed paper"), required=False,
        help_text=_("PDF, JPEG or PNG. Without it the paper itself is the only proof."),
    )  # fmt: skip

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["signed_at"].at_site(site)  # type: ignore[attr-defined]

    def choices_made(self) -> dict[str, bool]:
        names = ("photos_record", "photos_teaching", "photos_publicity")
        return {name: self.cleaned_data[name] == "yes" for name in names}


class WithdrawForm(HouseForm):
    reason = forms.CharField(label=_("How did we learn of it?"), max_length=200)


class CountersignForm(HouseForm):
    password = forms.CharField(
        label=_("Your password"), max_length=128, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
