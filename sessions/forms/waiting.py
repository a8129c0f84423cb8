"""The form of a wait entry: for what, where, when it suits, how urgent."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crispy_forms.layout import Div, Layout
from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.choices import Weekday
from clinic.forms import HouseForm
from clinic.models import Site, User
from patients.models import Patient
from protocols.models import Service
from sessions.forms.booking import FARTHEST_DAYS, ClockField, DayField, PublicChoice, SessionChoice, choice
from sessions.models import Course, PlannedSession, Urgency, WaitEntry
from sessions.waiting import WaitWish


class WaitForm(HouseForm):
    """Who waits is the page's; everything else is here. What is left open means that any will do."""

    service = PublicChoice(Service.objects.none(), label=_("Service"), empty_label=None)
    planned_session = SessionChoice(
        PlannedSession.objects.none(), label=_("Session of a course"), required=False, empty_label=_("None")
    )
    practitioner = PublicChoice(User.objects.none(), label=_("Practitioner"), required=False, empty_label=_("Anybody"))
    sites = forms.ModelMultipleChoiceField(
        Site.objects.none(), label=_("Sites"), to_field_name="public_id", widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one site.")},
    )  # fmt: skip
    weekdays = forms.MultipleChoiceField(
        label=_("Weekdays that suit"), choices=Weekday, required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: any day."),
    )  # fmt: skip
    from_time = ClockField(label=_("Not before"), required=False)
    until_time = ClockField(label=_("Over by"), required=False)
    earliest = DayField(label=_("First day"), required=False)
    latest = DayField(label=_("Last day"), required=False, help_text=_("After this day the entry ends by itself."))
    urgency = forms.ChoiceField(label=_("Urgency"), choices=Urgency)
    note = forms.CharField(label=_("Note for the desk"), max_length=300, required=False)

    def __init__(
        self, *args: Any, patient: Patient, site: Site, sites: Sequence[Site], entry: WaitEntry | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, seen_version=entry.version if entry else None, **kwargs)
        self.site, self.entry = site, entry
        choice(self, "service").queryset = Service.objects.filter(is_active=True)
        choice(self, "planned_session").queryset = sessions_to_wait_for(patient)
        choice(self, "practitioner").queryset = User.objects.practitioners_at(site)
        choice(self, "sites").queryset = Site.objects.filter(pk__in=[one.pk for one in sites])
        self.helper.layout = Layout(
            Div("service", "planned_session", css_class="field-row"), Div("practitioner", "urgency", css_class="field-row"),
            "sites" if len(sites) > 1 else Div("sites", css_class="d-none"), "weekdays",
            Div("from_time", "until_time", css_class="field-row"), Div("earliest", "latest", css_class="field-row"),
            "note", *[name for name in ("form_token", "seen_version") if name in self.fields],
        )  # fmt: skip

    def clean_earliest(self) -> Any:
        return self._near("earliest")

    def clean_latest(self) -> Any:
        return self._near("latest")

    def _near(self, name: str) -> Any:
        day = self.cleaned_data[name]
        if day is not None and abs((day - self.site.today()).days) > FARTHEST_DAYS:
            raise forms.ValidationError(_("Choose a day within the next three years."), code="too-far")
        return day

    @property
    def wish(self) -> WaitWish:
        cleaned = self.cleaned_data
        return WaitWish(
            sites=list(cleaned["sites"]), service=cleaned["service"], planned_session=cleaned["planned_session"],
            practitioner=cleaned["practitioner"], weekdays="".join(sorted(cleaned["weekdays"])),
            from_time=cleaned["from_time"], until_time=cleaned["until_time"], earliest=cleaned["earliest"],
            latest=cleaned["latest"], urgency=cleaned["urgency"], note=cleaned["note"],
        )  # fmt: skip

    @classmethod
    def initial_of(cls, entry: WaitEntry) -> dict[str, Any]:
        names = ("from_time", "until_time", "earliest", "latest", "urgency", "note")
        return {name: getattr(entry, name) for name in names} | {
            "service": entry.service.public_id,
            "planned_session": entry.planned_session.public_id if entry.planned_session else None,
            "practitioner": entry.practitioner.public_id if entry.practitioner else None,
            "weekdays": list(entry.weekdays),
            "sites": [site.public_id for site in entry.sites.all()],
        }


def sessions_to_wait_for(patient: Patient) -> Any:
    """Also a session that is booked: whoever has a late time may wait for an earlier one."""
    ahead = PlannedSession.objects.filter(
        patient=patient, done_on=None, skipped_reason="", course__in=Course.objects.running()
    )
    return ahead.select_related("course", "patient").order_by("course", "number")


class WithdrawForm(HouseForm):
    reason = forms.CharField(label=_("Why do they no longer wait?"), max_length=200)
