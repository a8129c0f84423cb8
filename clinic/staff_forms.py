"""Forms of the staff pages: invite, change, set the first password."""
from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.choices import Role
from clinic.forms import HouseForm
from clinic.languages import NAMES, STAFF
from clinic.models import Site, User
from clinic.staffing import RoleAt

STAFF_CHOICES = [(code, NAMES[code]) for code in STAFF]


def role_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Each role everywhere or at one site: "front-desk" or "front-desk@<site>"."""
    sites = list(Site.objects.all())
    return [
        (
            str(role.label),
            [(role.value, str(_("everywhere"))), *((f"{role.value}@{site.public_id}", site.name) for site in sites)],
        )
        for role in Role
    ]


def roles_from(values: list[str]) -> list[RoleAt]:
    sites = {site.public_id: site for site in Site.objects.all()}
    return [(role, sites[site] if site else None) for role, _at, site in (value.partition("@") for value in values)]


class MemberFields(HouseForm):
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("As patients read it, with title."))
    language = forms.ChoiceField(label=_("Language"), choices=STAFF_CHOICES)
    roles = forms.MultipleChoiceField(
        label=_("Roles"), choices=role_choices, widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one role.")},
    )  # fmt: skip

    @property
    def chosen_roles(self) -> list[RoleAt]:
        return roles_from(self.cleaned_data["roles"])


class InviteForm(MemberFields):
    email = forms.EmailField(label=_("E-mail"), max_length=254)
    field_order = ["name", "email", "language", "roles"]

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class MemberForm(MemberFields):
    licence_number = forms.CharField(label=_("Licence number"), max_length=40, required=False)
    licence_valid_until = forms.DateField(
        label=_("Licence valid until"), required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=_("Without number and date nobody can be booked as practitioner."),
        error_messages={"invalid": _("Enter a real date, such as 2027-12-31.")},
    )  # fmt: skip
    licence_country = forms.ChoiceField(
        label=_("Licence of which country"), required=False,
        help_text=_("Needed where the clinic has sites in more than one country."),
    )  # fmt: skip
    is_active = forms.BooleanField(label=_("Works here: may sign in"), required=False)
    field_order = ["name", "language", "roles", "licence_number", "licence_valid_until", "licence_country", "is_active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        countries = Site.objects.order_by("country").values_list("country", flat=True).distinct()
        self.fields["licence_country"].choices = [("", "–"), *((one, one) for one in countries)]  # type: ignore[attr-defined]

    @classmethod
    def initial_of(cls, member: User) -> dict[str, Any]:
        roles = member.roles.select_related("site")
        return {
            "name": member.name, "language": member.language, "is_active": member.is_active,
            "licence_number": member.licence_number, "licence_valid_until": member.licence_valid_until,
            "licence_country": member.licence_country,
            "roles": [f"{row.role}@{row.site.public_id}" if row.site else row.role for row in roles],
        }  # fmt: skip


class FirstPasswordForm(HouseForm):
    password = forms.CharField(
        label=_("Password"), strip=False, max_length=128, help_text=_("At least 12 characters, not a common one."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip
    again = forms.CharField(
        label=_("The same again"), strip=False, max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip

    def clean_again(self) -> str:
        again = str(self.cleaned_data["again"])
        if self.cleaned_data.get("password") not in (None, again):
            raise ValidationError(_("The two passwords differ."))
        return again
