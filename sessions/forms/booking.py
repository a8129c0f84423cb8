"""Forms of an appointment: when and where, why not, and the rows of a whole course."""
from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from clinic.errors import Refused
from clinic.forms import HouseForm
from clinic.models import Device, Room, Site, User
from patients.models import Patient
from protocols import catalogue
from protocols.models import Service
from sessions.availability import Offer, Wish, free_device, free_room
from sessions.booking import LEAST_MINUTES, MOST_MINUTES
from sessions.charting import indication_name
from sessions.choices import MissedReason
from sessions.course_booking import SlotChoice
from sessions.models import Appointment, Course, PlannedSession
from sessions.slots import NoSuchTime, TimeTwice, at_wall_time

FOLDS = [("0", _("the first one, before the clocks go back")), ("1", _("the second one, after it"))]
FARTHEST_DAYS = 3 * 366


class PublicChoice(forms.ModelChoiceField):
    """A choice named by its public id, so that no row number reaches a page."""

    def __init__(self, queryset: Any, **kwargs: Any) -> None:
        super().__init__(queryset, to_field_name="public_id", **kwargs)


class SessionChoice(PublicChoice):
    """A planned session, by what it is, its number and its ideal day."""

    def label_from_instance(self, obj: PlannedSession) -> str:
        name = indication_name(obj.course.indication, catalogue.in_force())
        return f"{name}, {obj.number} ({date_format(obj.ideal, 'D j F')})"


class DayField(forms.DateField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs)


class ClockField(forms.TimeField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.TimeInput(attrs={"type": "time", "step": "300"}, format="%H:%M"), **kwargs)


def moment_of(day: dt.date, time: dt.time, site: Site, fold: str) -> dt.datetime:
    """The agreed wall time as a moment. Raises `ValidationError` in the gap, and asks when the hour comes twice."""
    wall = dt.datetime.combine(day, time.replace(second=0, microsecond=0))
    try:
        return at_wall_time(wall, site.zone, fold=int(fold) if fold in {"0", "1"} else None)
    except NoSuchTime as gap:
        raise forms.ValidationError(
            _("The clocks go forward on %(day)s: %(time)s does not exist. The next time that does is %(next)s."),
            code="no-such-time",
            params={"day": date_format(day, "D j F"), "time": f"{time:%H:%M}", "next": f"{gap.gap[1]:%H:%M}"},
        ) from gap
    except TimeTwice as twice:
        raise forms.ValidationError(
            _("The clocks go back on %(day)s: %(time)s comes twice. Choose which one is meant."),
            code="time-twice",
            params={"day": date_format(day, "D j F"), "time": f"{time:%H:%M}"},
        ) from twice


class WhenForm(HouseForm):
    """Day, time, practitioner and room at one site. A room left open is chosen by what is free."""

    day = DayField(label=_("Day"))
    time = ClockField(label=_("Time of arrival"))
    fold = forms.ChoiceField(label=_("Which of the two?"), choices=FOLDS, required=False, widget=forms.RadioSelect)
    practitioner = PublicChoice(User.objects.none(), label=_("Practitioner"), empty_label=None)
    room = PublicChoice(Room.objects.none(), label=_("Room"), required=False, empty_label=_("Any that is free"))
    device = PublicChoice(Device.objects.none(), label=_("Device"), required=False, empty_label=_("Any that is free"))
    minutes = forms.IntegerField(
        label=_("Treatment, minutes"), min_value=LEAST_MINUTES, max_value=MOST_MINUTES, required=False,
        help_text=_("Empty: as long as the service takes."),
    )  # fmt: skip
    overbook_reason = forms.CharField(
        label=_("Overbook the practitioner, because"), max_length=200, required=False,
        help_text=_("Only if two visits of one practitioner may overlap. Room and patient never do."),
    )  # fmt: skip

    field_order: Sequence[str] | None = (
        "day", "time", "fold", "practitioner", "room", "device", "minutes", "tell", "overbook_reason",
    )  # fmt: skip

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.site = site
        choice(self, "practitioner").queryset = User.objects.practitioners_at(site)
        choice(self, "room").queryset = site.rooms.filter(in_service=True)
        devices = site.devices.filter(in_service=True)
        choice(self, "device").queryset = devices
        if not devices.exists():
            self.fields["device"].widget = forms.HiddenInput()
        if not self.is_bound or "time-twice" not in self._codes_of_time():
            self.fields["fold"].widget = forms.HiddenInput()

    def _codes_of_time(self) -> set[str]:
        """Whether the typed time comes twice: only then the question appears."""
        try:
            day = self.fields["day"].clean(self.data.get(self.add_prefix("day")))
            time = self.fields["time"].clean(self.data.get(self.add_prefix("time")))
            moment_of(day, time, self.site, "")
        except forms.ValidationError as error:
            return {one.code for one in error.error_list if one.code}
        return set()

    def clean_day(self) -> dt.date:
        day: dt.date = self.cleaned_data["day"]
        if abs((day - self.site.today()).days) > FARTHEST_DAYS:
            raise forms.ValidationError(_("Choose a day within the next three years."), code="too-far")
        return day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "day" in cleaned and "time" in cleaned:
            try:
                cleaned["starts_at"] = moment_of(cleaned["day"], cleaned["time"], self.site, cleaned.get("fold") or "")
            except forms.ValidationError as error:
                self.add_error("time", error)
        return cleaned

    def refuse(self, refusal: Refused) -> None:
        """The verbs speak of a start; here it is typed as day and time."""
        if refusal.field == "starts_at":
            refusal.field = "time"
        super().refuse(refusal)


def choice(form: forms.Form, name: str) -> forms.ModelChoiceField:
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - for the types
    return field


class AppointmentForm(WhenForm):
    """A new appointment for one patient; without one (somebody is registered with it) no session of a course fits."""

    service = PublicChoice(Service.objects.none(), label=_("Service"), empty_label=None)
    planned_session = SessionChoice(
        PlannedSession.objects.none(), label=_("Session of a course"), required=False, empty_label=_("None")
    )
    note = forms.CharField(label=_("Note for the day"), max_length=300, required=False)

    field_order = (
        "service", "planned_session", "practitioner", "room", "device", "day", "time", "fold", "minutes", "note",
        "overbook_reason",
    )  # fmt: skip

    def __init__(self, *args: Any, patient: Patient | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patient = patient
        choice(self, "service").queryset = Service.objects.filter(is_active=True)
        if patient is not None:
            choice(self, "planned_session").queryset = unbooked_sessions(patient)

    def wish(self) -> dict[str, Any]:
        """What `booking.book` takes, with room and device chosen where they were left open."""
        if self.patient is None:
            raise ValueError("A booking is for somebody.")
        cleaned = self.cleaned_data
        planned: PlannedSession | None = cleaned.get("planned_session")
        wish = Wish(
            patient=self.patient,
            site=self.site,
            service=cleaned["service"],
            practitioner=cleaned["practitioner"],
            room=cleaned["room"] or some_room(self.site),
            starts_at=cleaned["starts_at"],
            course=planned.course if planned else None,
            planned_sessions=(planned,) if planned else (),
            overbook_reason=cleaned["overbook_reason"],
            treatment_minutes=cleaned["minutes"],
        )
        return placed(wish, cleaned["room"], cleaned["device"]) | {
            "patient": wish.patient,
            "service": wish.service,
            "site": wish.site,
            "course": wish.course,
            "planned_sessions": wish.planned_sessions,
            "note": cleaned["note"],
        }


class MoveForm(WhenForm):
    """Another time, length or place for one appointment; the patient is told unless the desk unticks it."""

    tell = forms.BooleanField(label=_("Tell the patient"), required=False)

    def __init__(self, *args: Any, appointment: Appointment, **kwargs: Any) -> None:
        start = appointment.local_start
        initial = {
            "day": start.date(),
            "time": start.time(),
            "practitioner": appointment.practitioner.public_id,
            "room": appointment.room.public_id,
            "device": appointment.device.public_id if appointment.device else "",
            "minutes": appointment.treatment_minutes or appointment.service.treatment_minutes,
            "tell": True,
        }
        super().__init__(
            *args, site=appointment.site, seen_version=appointment.version,
            initial=initial | (kwargs.pop("initial", None) or {}), **kwargs,
        )  # fmt: skip
        self.appointment = appointment

    def change(self) -> dict[str, Any]:
        """What `booking.move` takes."""
        cleaned = self.cleaned_data
        appointment = self.appointment
        wish = Wish(
            patient=appointment.patient,
            site=appointment.site,
            service=appointment.service,
            practitioner=cleaned["practitioner"],
            room=cleaned["room"] or appointment.room,
            starts_at=cleaned["starts_at"],
            overbook_reason=cleaned["overbook_reason"],
            ignoring=(appointment.pk,),
            treatment_minutes=cleaned["minutes"],
        )
        return placed(wish, cleaned["room"], cleaned["device"]) | {
            "seen_version": cleaned["seen_version"],
            "tell": cleaned["tell"],
        }


class HeldMoveForm(MoveForm):
    """As a move, for a time held for somebody outside: they are always told, and nobody is booked over for them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["tell"], self.fields["overbook_reason"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        return cleaned | {"tell": True, "overbook_reason": ""}

    def held_change(self) -> dict[str, Any]:
        """What `holds.move` takes."""
        said = self.change()
        del said["tell"], said["overbook_reason"]
        return said


def some_room(site: Site) -> Room:
    """Stands in until a free one is chosen. Raises `Refused` where no room is in service."""
    room = site.rooms.filter(in_service=True).first()
    if room is None:
        raise Refused(str(_("No room is in service here.")), field="room")
    return room


def placed(wish: Wish, room: Room | None, device: Device | None = None) -> dict[str, Any]:
    """Time, length, people and things, with a free room and device where none was said; a device that the service does
    not need is left out. Raises `Refused` without any room."""
    chosen = room or free_room(wish)
    if chosen is None:
        raise Refused(str(_("There is no room of the kind this service needs.")), field="room")
    needed = (device or free_device(wish)) if wish.service.device_kind else None
    return {
        "practitioner": wish.practitioner,
        "room": chosen,
        "device": needed,
        "starts_at": wish.starts_at,
        "overbook_reason": wish.overbook_reason,
        "treatment_minutes": wish.treatment_minutes,
    }


class CourseRowsForm(HouseForm):
    """One row per session still to book: day, time, practitioner, room. A row without a day is left for later."""

    def __init__(self, *args: Any, course: Course, rows: Sequence[PlannedSession], **kwargs: Any) -> None:
        super().__init__(*args, seen_version=course.version, **kwargs)
        self.course, self.rows = course, list(rows)
        people = User.objects.practitioners_at(course.site)
        rooms = course.site.rooms.filter(in_service=True)
        for row in self.rows:
            n = row.number
            self.fields[f"day_{n}"] = DayField(label=_("Day"), required=False)
            self.fields[f"time_{n}"] = ClockField(label=_("Time"), required=False)
            self.fields[f"fold_{n}"] = forms.ChoiceField(
                label=_("Which of the two?"), choices=[("", ""), *FOLDS], required=False, widget=forms.HiddenInput
            )
            self.fields[f"practitioner_{n}"] = PublicChoice(people, label=_("Practitioner"), empty_label=None)
            self.fields[f"room_{n}"] = PublicChoice(
                rooms, label=_("Room"), required=False, empty_label=_("Any that is free")
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for row in self.rows:
            day, time = cleaned.get(f"day_{row.number}"), cleaned.get(f"time_{row.number}")
            if day is None:
                continue
            if abs((day - self.course.site.today()).days) > FARTHEST_DAYS:
                self.add_error(f"day_{row.number}", _("Choose a day within the next three years."))
            elif time is None and f"time_{row.number}" not in self.errors:
                self.add_error(f"time_{row.number}", _("Choose a time."))
            elif time is not None:
                self._place(row, day, time, cleaned)
        return cleaned

    def _place(self, row: PlannedSession, day: dt.date, time: dt.time, cleaned: dict[str, Any]) -> None:
        name = f"fold_{row.number}"
        try:
            cleaned[f"starts_at_{row.number}"] = moment_of(day, time, self.course.site, cleaned.get(name) or "")
        except forms.ValidationError as error:
            self.add_error(f"time_{row.number}", error)
            if error.error_list[0].code == "time-twice":
                self.fields[name].widget = forms.Select(choices=[("", ""), *FOLDS])

    def slots(self, service: Service) -> list[SlotChoice]:
        """The rows that name a day, with a free room and device where none was said."""
        chosen = []
        for row in self.rows:
            starts_at = self.cleaned_data.get(f"starts_at_{row.number}")
            if starts_at is None:
                continue
            room = self.cleaned_data[f"room_{row.number}"]
            wish = Wish(
                patient=self.course.patient,
                site=self.course.site,
                service=service,
                practitioner=self.cleaned_data[f"practitioner_{row.number}"],
                room=room or some_room(self.course.site),
                starts_at=starts_at,
            )
            at = placed(wish, room)
            chosen.append(SlotChoice(row, service, wish.practitioner, at["room"], starts_at, at["device"]))
        return chosen


class NoShowForm(HouseForm):
    """What is known: one of the usual reasons, or words of one's own."""

    why = forms.ChoiceField(
        label=_("What is known?"), choices=[*MissedReason.choices, ("", _("Something else"))], required=False,
        widget=forms.RadioSelect,
    )  # fmt: skip
    more = forms.CharField(label=_("In your words"), max_length=200, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not cleaned.get("why") and not cleaned.get("more", "").strip():
            self.add_error("more", _("Choose a reason, or say it in your words."))
        return cleaned

    @property
    def reason(self) -> str:
        return self.cleaned_data["why"] or self.cleaned_data["more"]


class CancelForm(HouseForm):
    reason = forms.CharField(label=_("Why is it cancelled?"), max_length=200)


def unbooked_sessions(patient: Patient) -> Any:
    """Sessions of running courses that are neither done nor skipped nor booked, in order."""
    return (
        PlannedSession.objects.filter(
            patient=patient, done_on=None, skipped_reason="", course__in=Course.objects.running()
        )
        .exclude(fulfilments__active=True)
        .select_related("course", "patient")
        .order_by("course", "number")
    )


def offered(data: Any) -> Any:
    """The form's data with a chosen offer written into it; a crooked offer changes nothing."""
    parts = str(data.get("offer", "")).split("|")
    if len(parts) != 4:
        return data
    changed = data.copy()
    changed["day"], changed["time"], changed["practitioner"], changed["room"] = parts
    return changed


def offer_value(offer: Offer) -> str:
    start = offer.local_start
    return f"{start:%Y-%m-%d}|{start:%H:%M}|{offer.practitioner.public_id}|{offer.room.public_id}"
