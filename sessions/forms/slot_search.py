"""What is asked of the search for free times. Everything but the service may be left open."""
from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.choices import Weekday
from clinic.forms import HouseForm
from clinic.models import Device, Room, Site, User
from patients.models import Patient
from protocols.models import Service
from sessions.booking import LEAST_MINUTES, MOST_MINUTES
from sessions.forms.booking import FARTHEST_DAYS, ClockField, DayField, PublicChoice, SessionChoice, choice, unbooked_sessions
from sessions.free_times import Liking
from sessions.models import PlannedSession
from sessions.slot_search import LONGEST_DAYS, Asked


class SlotSearchForm(HouseForm):
    service = PublicChoice(Service.objects.none(), label=_("Service"), empty_label=None)
    planned_session = SessionChoice(
        PlannedSession.objects.none(), label=_("Session of a course"), required=False, empty_label=_("None")
    )
    practitioner = PublicChoice(User.objects.none(), label=_("Practitioner"), required=False, empty_label=_("Any"))
    room = PublicChoice(Room.objects.none(), label=_("Room"), required=False, empty_label=_("Any"))
    device = PublicChoice(Device.objects.none(), label=_("Device"), required=False, empty_label=_("Any"))
    minutes = forms.IntegerField(
        label=_("Length, minutes"), required=False, min_value=LEAST_MINUTES, max_value=MOST_MINUTES,
        help_text=_("Empty: as long as the service takes."),
    )  # fmt: skip
    first_day = DayField(label=_("From"), required=False)
    last_day = DayField(label=_("Until"), required=False)
    arrive_from = ClockField(label=_("Not before"), required=False)
    leave_by = ClockField(label=_("Over by"), required=False)
    weekday = forms.MultipleChoiceField(
        label=_("Weekdays"), choices=Weekday, required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("Nothing ticked: any day."),
    )  # fmt: skip
    site = forms.ModelMultipleChoiceField(
        Site.objects.none(), label=_("Sites"), required=False, to_field_name="public_id",
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip

    def __init__(self, *args: Any, sites: Any, here: Site, patient: Patient | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.here, self.patient = here, patient
        choice(self, "service").queryset = Service.objects.filter(is_active=True)
        people = User.objects.filter(is_active=True, roles__role__in=["practitioner", "medical-lead"]).distinct()
        choice(self, "practitioner").queryset = people.order_by("name")
        choice(self, "room").queryset = Room.objects.filter(site__in=sites, in_service=True).select_related("site")
        choice(self, "device").queryset = Device.objects.filter(site__in=sites, in_service=True).select_related("site")
        choice(self, "site").queryset = sites
        if patient is not None:
            choice(self, "planned_session").queryset = unbooked_sessions(patient)
        else:
            del self.fields["planned_session"]
        if len(sites) < 2:
            del self.fields["site"]
        del self.fields["form_token"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        today = self.here.today()
        for name in ("first_day", "last_day"):
            day = cleaned.get(name)
            if day is not None and abs((day - today).days) > FARTHEST_DAYS:
                self.add_error(name, _("Choose a day within the next three years."))
        first, last = cleaned.get("first_day") or today, cleaned.get("last_day")
        if last is not None and last < first:
            self.add_error("last_day", _("The last day must not be before the first."))
        elif last is not None and (last - first).days > LONGEST_DAYS:
            self.add_error("last_day", _("A year at most."))
        early, late = cleaned.get("arrive_from"), cleaned.get("leave_by")
        if early is not None and late is not None and late <= early:
            self.add_error("leave_by", _("The end must be later than the start."))
        return cleaned

    def asked(self, after: Any = None) -> Asked:
        data = self.cleaned_data
        return Asked(
            service=data["service"],
            sites=list(data.get("site") or [self.here]),
            first_day=data["first_day"],
            last_day=data["last_day"],
            practitioner=data["practitioner"],
            room=data["room"],
            device=data["device"],
            minutes=data["minutes"],
            liking=Liking(frozenset(map(int, data["weekday"])), data["arrive_from"], data["leave_by"]),
            patient=self.patient,
            planned=data.get("planned_session"),
            after=after,
        )
