"""Forms of the places and working times: site, room, device, the week, closed days, absences."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from crispy_forms.layout import Div, Layout
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.forms import BoundField
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from phonenumber_field.phonenumber import to_python

from clinic.choices import DeviceKind, PageSize, RoomKind, Weekday
from clinic.errors import Refused
from clinic.forms import HouseForm
from clinic.models import Device, Room, Site
from clinic.placing import SiteDetails
from clinic.week import MOST_SPANS, WeekSpan, checked, field_name

COMMON_ZONES = [
    "Europe/Istanbul", "Europe/Rome", "Europe/Paris", "Europe/Berlin", "Europe/Madrid", "Europe/London", "Europe/Athens",
    "Europe/Moscow", "Asia/Dubai", "Asia/Riyadh", "Asia/Tehran", "Asia/Kolkata", "Asia/Singapore", "Australia/Sydney",
    "America/Sao_Paulo", "America/New_York", "America/Chicago", "America/Los_Angeles",
]  # fmt: skip


def zone_choices() -> list[Any]:
    """The zones most clinics live in, then every other one."""
    rest = sorted(available_timezones() - set(COMMON_ZONES))
    return [
        ("", _("Choose a time zone")),
        (_("Often used"), [(zone, zone) for zone in COMMON_ZONES]),
        (_("All others"), [(zone, zone) for zone in rest]),
    ]


def country_choices() -> list[tuple[str, Any]]:
    """Two-letter codes that telephone numbers know."""
    return [("", _("Choose a country")), *((code, code) for code in sorted(phonenumbers.SUPPORTED_REGIONS))]


class DayField(forms.DateField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            input_formats=["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y"],
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            error_messages={"invalid": _("Enter a real date, such as 2027-12-31.")},
            **kwargs,
        )


class ClockField(forms.TimeField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            input_formats=["%H:%M", "%H:%M:%S"],
            widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
            error_messages={"invalid": _("Enter a time, such as 09:30.")},
            **kwargs,
        )


class SiteForm(HouseForm):
    name = forms.CharField(label=_("Name"), max_length=80)
    address = forms.CharField(label=_("Address"), max_length=200, required=False)
    country = forms.ChoiceField(
        label=_("Country"), choices=country_choices, help_text=_("Phone numbers without a country code are read in it.")
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zone_choices)
    phone = forms.CharField(label=_("Phone"), max_length=32, required=False)
    email = forms.EmailField(label=_("E-mail"), max_length=254, required=False)
    emergency_number = forms.CharField(
        label=_("Emergency number"), max_length=16, required=False,
        validators=[RegexValidator(r"^\+?[0-9][0-9 ]+$", _("Enter digits only, such as 112."))],
        help_text=_("Printed on every sheet a patient takes home. Needed before the site can be opened."),
    )  # fmt: skip
    insurer = forms.CharField(
        label=_("Insurer and policy"), max_length=160, required=False,
        help_text=_("Printed on every consent. Needed before a consent can be signed on a screen."),
    )  # fmt: skip
    page_size = forms.ChoiceField(label=_("Paper size"), choices=PageSize)
    is_open = forms.BooleanField(
        label=_("Open for bookings"), required=False,
        help_text=_("A closed site takes no new bookings; what is booked is listed afterwards, to be moved."),
    )  # fmt: skip

    late_cancel_hours = forms.IntegerField(
        label=_("Late to cancel, hours"), min_value=0, max_value=336, required=False,
        help_text=_("Who cancels fewer hours than this before the start has cancelled late."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("late_cancel_hours", 24)
        self.helper.layout = Layout(
            Div("name", "address", css_class="field-row"), Div("country", "time_zone", css_class="field-row"),
            Div("phone", "email", css_class="field-row"), Div("emergency_number", "page_size", css_class="field-row"),
            "insurer", "late_cancel_hours", "is_open",
            *[name for name in ("form_token", "seen_version") if name in self.fields],
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """The phone is read in the country chosen beside it."""
        cleaned = super().clean() or self.cleaned_data
        typed, country = cleaned.get("phone", ""), cleaned.get("country")
        if typed and country:
            number = to_python(typed, region=country)
            if number is None or not number.is_valid():
                self.add_error("phone", _("This is not a phone number that can be dialled."))
            else:
                cleaned["phone"] = number.as_international
        return cleaned

    def clean_late_cancel_hours(self) -> int:
        """Left empty it is a day, as is usual."""
        hours: int | None = self.cleaned_data["late_cancel_hours"]
        return 24 if hours is None else hours

    @property
    def details(self) -> SiteDetails:
        return SiteDetails(**{name: self.cleaned_data[name] for name in SiteDetails.__dataclass_fields__})

    @classmethod
    def initial_of(cls, site: Site) -> dict[str, Any]:
        return {name: getattr(site, name) for name in SiteDetails.__dataclass_fields__}


class RoomForm(HouseForm):
    name = forms.CharField(label=_("Name"), max_length=60)
    kind = forms.ChoiceField(label=_("Kind"), choices=RoomKind)


class DeviceForm(HouseForm):
    name = forms.CharField(label=_("Name"), max_length=60, help_text=_("As it is written on the device."))
    kind = forms.ChoiceField(label=_("Kind"), choices=DeviceKind)


class InService(HouseForm):
    in_service = forms.BooleanField(
        label=_("In service"), required=False,
        help_text=_("Out of service it cannot be booked; what is booked in it is listed afterwards, to be moved."),
    )  # fmt: skip

    @classmethod
    def initial_of(cls, thing: Room | Device) -> dict[str, Any]:
        return {"name": thing.name, "kind": thing.kind, "in_service": thing.in_service}


class RoomChangeForm(RoomForm, InService):
    field_order = ["name", "kind", "in_service"]


class DeviceChangeForm(DeviceForm, InService):
    field_order = ["name", "kind", "in_service"]


class WeekForm(HouseForm):
    """Seven days with two spans each. Both ends of a span are given, or neither."""

    def __init__(self, *args: Any, week: Iterable[WeekSpan] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = sorted(week)
        for day in Weekday:
            own = [span for span in known if span.weekday == day]
            for number in range(1, MOST_SPANS + 1):
                span = own[number - 1] if number <= len(own) else None
                for edge, label in (("starts", _("from")), ("ends", _("until"))):
                    self.fields[field_name(day, number, edge)] = ClockField(
                        label=label, required=False, initial=getattr(span, edge) if span else None
                    )

    @property
    def days(self) -> list[tuple[str, list[BoundField]]]:
        """Each weekday with its four fields, for the page."""
        return [
            (str(day.label), [self[field_name(day, number, edge)] for number in (1, 2) for edge in ("starts", "ends")])
            for day in Weekday
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        spans: list[WeekSpan] = []
        for day in Weekday:
            for number in range(1, MOST_SPANS + 1):
                names = {edge: field_name(day, number, edge) for edge in ("starts", "ends")}
                starts, ends = (cleaned.get(name) for name in names.values())
                if starts is not None and ends is not None:
                    spans.append(WeekSpan(day, starts, ends))
                elif starts is not ends and not self.errors.keys() & set(names.values()):
                    self.add_error(names["starts" if starts is None else "ends"], _("Give both times, or neither."))
        if not self.errors:
            try:
                cleaned["week"] = checked(spans)
            except Refused as refusal:
                self.refuse(refusal)
        return cleaned


class ShiftForm(WeekForm):
    from_day = DayField(
        label=_("From this day on"),
        help_text=_("What holds now ends the day before. What loses its ground is listed afterwards."),
    )


class ClosureForm(HouseForm):
    first_day = DayField(label=_("First day"))
    last_day = DayField(label=_("Last day"), help_text=_("Both days included."))
    reason = forms.CharField(label=_("Reason"), max_length=120, help_text=_("Shown where somebody tries to book."))


class ClosureRemoveForm(HouseForm):
    first_day = forms.DateField(widget=forms.HiddenInput, input_formats=["%Y-%m-%d"])


class AbsenceForm(HouseForm):
    """Whole days, or part of a day where times are given; all on the clock of one site."""

    first_day = DayField(label=_("First day"))
    from_time = ClockField(label=_("From"), required=False, help_text=_("Empty: from the start of the day."))
    last_day = DayField(label=_("Last day"))
    until_time = ClockField(label=_("Until"), required=False, help_text=_("Empty: to the end of the day."))
    reason = forms.CharField(label=_("Reason"), max_length=120, required=False, help_text=_("Staff see it."))

    @staticmethod
    def moment(day: dt.date, time: dt.time | None, zone: ZoneInfo, *, at_end: bool) -> dt.datetime:
        """The instant meant; without a time the edge of the day, which has 23 or 25 hours when clocks change. Where the
        hour comes twice, from the first until the second. Raises `Refused` for a time that does not exist."""
        if time is None:
            time, day = dt.time(), day + dt.timedelta(days=1) if at_end else day
            return dt.datetime.combine(day, time, zone)
        moment = dt.datetime.combine(day, time, zone).replace(fold=1 if at_end else 0)
        if moment.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None, fold=0) != moment.replace(tzinfo=None, fold=0):
            raise Refused(
                gettext("The clocks go forward on that day: %(time)s does not exist.") % {"time": f"{time:%H:%M}"},
                field="until_time" if at_end else "from_time",
            )
        return moment

    def span(self, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
        data = self.cleaned_data
        return (
            self.moment(data["first_day"], data["from_time"], zone, at_end=False),
            self.moment(data["last_day"], data["until_time"], zone, at_end=True),
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in ("first_day", "last_day"):
            day = cleaned.get(name)
            if day is not None and not -366 <= (day - timezone.localdate()).days <= 2 * 366:
                self.add_error(name, ValidationError(_("Choose a day within the next two years.")))
        return cleaned


class AbsenceEndForm(HouseForm):
    """The absence is named by the instant it starts, with its offset: a clock time alone is unclear once a year."""

    starts_at = forms.CharField(widget=forms.HiddenInput, max_length=40)

    def clean_starts_at(self) -> dt.datetime:
        try:
            moment = dt.datetime.fromisoformat(self.cleaned_data["starts_at"])
        except ValueError:
            raise ValidationError(_("This is no moment.")) from None
        if moment.tzinfo is None:
            raise ValidationError(_("This is no moment."))
        return moment
