"""Forms of the patients floor: the person."""
from __future__ import annotations

import datetime as dt
import re
from typing import Any

import phonenumbers
from crispy_forms.layout import Div, Layout
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from phonenumber_field.phonenumber import to_python

from clinic.forms import HouseForm, HouseModelForm
from clinic.models import Site
from patients.labels import LANGUAGE_CHOICES
from patients.models import Patient
from patients.records import PERSON_FIELDS

OLDEST_YEARS = 120
ONLY_NAME_SIGNS = re.compile(r"[<>{}\[\]|\\^~=;]|--|://")


class DayField(forms.DateField):
    """A date as `<input type="date">` sends it, or typed as 09.08.1984 or 09/08/1984."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("input_formats", ["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y"])
        kwargs.setdefault("widget", forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "min": "1900-01-01"}))
        kwargs.setdefault("error_messages", {"invalid": _("Enter a real date, such as 1984-08-09.")})
        super().__init__(**kwargs)


def country_choices() -> list[tuple[str, str]]:
    """Two-letter codes that telephone numbers know, so that nobody types "Turkiye" three ways."""
    return [("", "---"), *((code, code) for code in sorted(phonenumbers.SUPPORTED_REGIONS))]


def check_birth_date(born: dt.date, today: dt.date) -> None:
    """Raises for a day that has not come yet and for an age nobody reaches."""
    if born > today:
        raise ValidationError(_("This birth date lies in the future."))
    if born.year < today.year - OLDEST_YEARS:
        raise ValidationError(_("This birth date is more than %(years)s years ago."), params={"years": OLDEST_YEARS})


class PersonForm(HouseModelForm):
    """Given and family name, birth date, sex, how to reach them. The phone is read in the site's country."""

    phone = forms.CharField(
        label=_("Phone"), required=False, max_length=32, widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"})
    )
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGE_CHOICES)
    country = forms.ChoiceField(label=_("Country"), choices=country_choices, required=False)
    different_person = forms.BooleanField(
        label=_("It is a different person: save"), required=False,
        help_text=_("Your choice is kept in the audit log."),
    )  # fmt: skip

    class Meta:
        model = Patient
        fields = PERSON_FIELDS
        field_classes = {"birth_date": DayField}
        widgets = {"address": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        self.site = site
        super().__init__(*args, **kwargs)
        self.fields["birth_date"].widget.attrs["max"] = site.today().isoformat()
        self.fields["phone"].help_text = _("With country code, or as dialled in %(country)s.") % {"country": site.country}
        self.fields["email"].help_text = _("Without one, links are shown as a QR code and nothing is mailed.")
        if not self.instance.pk:
            self.initial.setdefault("country", site.country)
            own = site.country.lower()  # it, tr, de, fr, es, ru: the language is called as the country
            self.initial.setdefault("language", own if own in dict(LANGUAGE_CHOICES) else "en")
        self.offers_different_person = "different_person" in self.data
        for name in ("given_name", "family_name"):
            self.fields[name].widget.attrs["autocomplete"] = "off"
        self.helper.layout = Layout(
            Div("given_name", "family_name", css_class="field-row"),
            Div("birth_date", "sex", "language", css_class="field-row"),
            Div("phone", "email", css_class="field-row"),
            Div("address", "country", css_class="field-row"),
            *[name for name in ("form_token", "seen_version") if name in self.fields],
        )

    def offer_different_person(self) -> None:
        """Show the tick box: somebody alike was found."""
        self.offers_different_person = True

    def clean_given_name(self) -> str:
        return check_name(self.cleaned_data["given_name"])

    def clean_family_name(self) -> str:
        return check_name(self.cleaned_data["family_name"])

    def clean_birth_date(self) -> dt.date:
        born: dt.date = self.cleaned_data["birth_date"]
        check_birth_date(born, self.site.today())
        return born

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip()

    def clean_phone(self) -> str:
        """The number in E.164, read in the site's country when it carries no country code."""
        typed = str(self.cleaned_data["phone"])
        number = to_python(typed, region=self.site.country)
        if typed and (number is None or not number.is_valid()):
            raise ValidationError(_("This is not a phone number that can be dialled."))
        return str(number) if typed else ""

    @property
    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in PERSON_FIELDS}


def check_name(name: str) -> str:
    """A name has a letter and none of the signs of markup; O'Neill, Nguyễn-Đỗ and "de la Cruz" are names."""
    tidy = " ".join(name.split())
    if not any(sign.isalpha() for sign in tidy):
        raise ValidationError(_("A name needs at least one letter."))
    if ONLY_NAME_SIGNS.search(tidy):
        raise ValidationError(_("A name cannot contain signs such as < > = ; or --."))
    return tidy


class OpenForm(HouseForm):
    """Why somebody of this site needs a record of another one."""

    reason = forms.CharField(label=_("Why do you need this record?"), max_length=200)
