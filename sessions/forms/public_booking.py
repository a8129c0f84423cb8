"""Who asks for a consultation: name, birth date, how to reach them. Guards against machines that ask nobody else."""
from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from phonenumber_field.phonenumber import to_python

from clinic.forms import HouseForm
from clinic.idempotency import FIELD, new_token
from clinic.models import Site
from patients.forms import DayField, check_birth_date, check_name
from patients.labels import LANGUAGE_CHOICES
from sessions.models import PublicBooking
from sessions.public_booking import Person

SALT = "sessions.public_booking.shown"
LEAST_SECONDS, MOST_SECONDS = 3, 4 * 60 * 60
OF_AGE = 18


def shown_now() -> str:
    return signing.TimestampSigner(salt=SALT).sign("form")


class RequestForm(HouseForm):
    """`website` is for machines: people do not see it. `shown` is when the page was made, signed."""

    given_name = forms.CharField(label=_("Given name"), max_length=80)
    family_name = forms.CharField(label=_("Family name"), max_length=80)
    birth_date = DayField(label=_("Birth date"))
    phone = forms.CharField(label=_("Phone"), max_length=32, widget=forms.TextInput(attrs={"type": "tel"}))
    email = forms.EmailField(label=_("E-mail"), max_length=254)
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGE_CHOICES)
    website = forms.CharField(
        label=_("Leave this empty"), required=False, max_length=200,
        widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
    )  # fmt: skip
    shown = forms.CharField(widget=forms.HiddenInput, required=False, max_length=200)

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        kwargs["initial"] = {"language": get_language() or "en", "shown": shown_now()} | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        self.site = site
        for name, purpose in (
            ("given_name", "given-name"), ("family_name", "family-name"), ("birth_date", "bday"), ("phone", "tel"),
            ("email", "email"),
        ):  # fmt: skip
            self.fields[name].widget.attrs |= {"autocomplete": purpose, "required": True}
        self.fields["birth_date"].widget.attrs["max"] = site.today().isoformat()
        self.fields["email"].help_text = _("We send a link there; without it nothing is booked.")
        self.fields["phone"].help_text = _("With country code, or as dialled in %(country)s.") % {"country": site.country}

    @property
    def is_from_a_machine(self) -> bool:
        return bool(self.data.get("website", "").strip())

    def clean_given_name(self) -> str:
        return check_name(self.cleaned_data["given_name"])

    def clean_family_name(self) -> str:
        return check_name(self.cleaned_data["family_name"])

    def clean_birth_date(self) -> dt.date:
        born: dt.date = self.cleaned_data["birth_date"]
        today = self.site.today()
        check_birth_date(born, today)
        if today.year - born.year - ((today.month, today.day) < (born.month, born.day)) < OF_AGE:
            raise ValidationError(_("Online only adults can book. Please call us."), code="age")
        return born

    def clean_phone(self) -> str:
        number = to_python(self.cleaned_data["phone"], region=self.site.country)
        if number is None or not number.is_valid():
            raise ValidationError(_("This is not a phone number that can be dialled."))
        return str(number)

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip()

    def clean(self) -> dict[str, Any]:
        """A page that was never shown, or was filled in faster than anybody types, is asked to be sent once more."""
        cleaned = super().clean() or self.cleaned_data
        signer = signing.TimestampSigner(salt=SALT)
        try:
            signer.unsign(cleaned.get("shown") or "", max_age=MOST_SECONDS)
        except signing.BadSignature:
            self.renew()
            raise ValidationError(_("The page was out of date. Please send it once more."), code="shown") from None
        try:
            signer.unsign(cleaned["shown"], max_age=LEAST_SECONDS)
        except signing.SignatureExpired:
            return cleaned  # older than a machine would be
        raise ValidationError(_("That was very quick. Please look it over and send it once more."), code="quick")

    def renew(self) -> None:
        self.data = self.data.copy()
        self.data["shown"] = shown_now()

    def renew_token(self) -> None:
        """The next try is for another time, so it is another form."""
        self.data = self.data.copy()
        self.data[FIELD] = new_token()

    @property
    def person(self) -> Person:
        names = ("given_name", "family_name", "birth_date", "phone", "email", "language")
        return Person(**{name: self.cleaned_data[name] for name in names})


class PublicBookingForm(HouseForm):
    """The manager's setting of one site."""

    is_on = forms.BooleanField(
        label=_("Anybody may ask for a consultation online"), required=False,
        help_text=_("Only services marked public are offered, at times that are really free."),
    )  # fmt: skip
    earliest_hours = forms.IntegerField(
        label=_("Not sooner than, hours"), min_value=0, max_value=14 * 24,
        help_text=_("How long before its start a time can still be asked for."),
    )  # fmt: skip
    days_ahead = forms.IntegerField(
        label=_("Not further than, days"), min_value=1, max_value=366
    )

    def __init__(self, *args: Any, setting: PublicBooking, **kwargs: Any) -> None:
        names = ("is_on", "earliest_hours", "days_ahead")
        initial = {name: getattr(setting, name) for name in names}
        super().__init__(*args, seen_version=setting.version, initial=initial, **kwargs)
