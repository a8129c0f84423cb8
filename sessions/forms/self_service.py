"""Forms of self-service: the site's rules, and the patient's new time."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from clinic.forms import HouseForm
from clinic.models import User
from sessions.models.self_service import MOST_CUT_OFF_HOURS, SelfServiceRules


class SelfServiceForm(HouseForm):
    moving_on = forms.BooleanField(
        label=_("Patients may choose another time by the link in their mail"), required=False,
        help_text=_(
            "Only times that are free and inside the interval of their course. Confirming and cancelling is always possible."
        ),
    )  # fmt: skip
    cut_off_hours = forms.IntegerField(
        label=_("Until how many hours before the visit"), min_value=0, max_value=MOST_CUT_OFF_HOURS,
        help_text=_("Later than that the page asks them to call. No time nearer than that is offered either."),
    )  # fmt: skip
    any_practitioner = forms.BooleanField(
        label=_("They may also choose a time with another practitioner"), required=False
    )
    feed_names = forms.BooleanField(
        label=_("Private calendar addresses of practitioners show the names of patients"), required=False,
        help_text=_("The calendar program then stores them outside the clinic. Off: service and room only."),
    )  # fmt: skip

    @staticmethod
    def initial_of(rules: SelfServiceRules) -> dict[str, Any]:
        return {name: getattr(rules, name) for name in ("moving_on", "cut_off_hours", "any_practitioner", "feed_names")}


class NewTimeForm(HouseForm):
    """One of the offered times: a moment and who would treat, as `value_of` writes them. What is free is asked again."""

    offer = forms.CharField(max_length=80, widget=forms.HiddenInput)

    def clean_offer(self) -> tuple[dt.datetime, User]:
        moment, _bar, who = str(self.cleaned_data["offer"]).partition("|")
        unknown = ValidationError(_("Choose one of the times."))
        try:
            starts_at = parse_datetime(moment)
        except ValueError:
            raise unknown from None
        if starts_at is None or starts_at.tzinfo is None or not 2000 <= starts_at.year <= 2100:
            raise unknown
        practitioner = User.objects.filter(public_id=who[:22], is_active=True).first()
        if practitioner is None:
            raise unknown
        return starts_at.astimezone(dt.UTC), practitioner


def value_of(starts_at: dt.datetime, practitioner: User) -> str:
    return f"{starts_at.astimezone(dt.UTC):%Y-%m-%dT%H:%M}+00:00|{practitioner.public_id}"
