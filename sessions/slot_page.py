"""What is said beside a booking form while somebody still chooses: length, screening, interval, clash, free times."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Room, Site, User
from patients.models import Patient
from protocols.models import Service
from sessions import screenings
from sessions.availability import Wish, next_free
from sessions.booking import moved_wish
from sessions.booking_rules import mark_of
from sessions.booking_steps import wish_of
from sessions.explaining import outcome_pill
from sessions.foresight import fits_of, left_too_close, may_be_overbooked, objection_to
from sessions.forms.booking import AppointmentForm, MoveForm, offer_value
from sessions.models import PlannedSession

CARRIED = ("day", "time", "service", "planned_session", "practitioner", "room", "device", "minutes")


def forecast_of(form: AppointmentForm, *, by: Doer, permissions: Iterable[str]) -> dict[str, Any]:
    """For a bound form as far as it is filled in. Writes nothing; what cannot be judged yet is left out."""
    found: dict[str, Any] = {"more_url": more_url(form)}
    valid = form.is_valid()
    service: Service | None = form.cleaned_data.get("service")
    planned: PlannedSession | None = form.cleaned_data.get("planned_session")
    minutes = form.cleaned_data.get("minutes")
    if service is not None:
        found |= {
            "service_minutes": service.treatment_minutes, "numbing": service.numbing_minutes,
            "around": service.preparation_minutes + service.cleanup_minutes,
            "own_minutes": minutes if minutes and minutes != service.treatment_minutes else None,
        }  # fmt: skip
    if form.patient is not None and Permission.SEE_HEADLINE in frozenset(permissions):
        screening = screenings.latest(form.patient, planned.course if planned else None)
        found["screened"] = True
        if screening is not None:
            found["screening_pill"] = outcome_pill(screening.outcome, screening.wait_until, screening.open_ended)
    day = form.cleaned_data.get("day")
    if planned is not None and day is not None:
        found["fits"] = fits_of([planned], day)
    if valid and form.patient is not None:
        found |= judged(form, by)
    return found


def move_forecast_of(form: MoveForm, *, by: Doer) -> dict[str, Any]:
    """What is said beside the move form: the interval on the chosen day, what it does to the session after, and what
    stands against it. Writes nothing; what cannot be judged yet is left out."""
    visit = form.appointment
    sessions = wish_of(visit).planned_sessions
    valid = form.is_valid()
    day = (form.cleaned_data.get("day") if form.is_bound else None) or visit.local_start.date()
    found = {"fits": fits_of(sessions, day), "too_close": left_too_close(visit, sessions, day)}
    return found | judged_as(lambda: moved_wish_of(form), by) if valid else found


def moved_wish_of(form: MoveForm) -> Wish:
    values = form.change()
    return moved_wish(form.appointment, **{name: values[name] for name in values if name not in {"seen_version", "tell"}})


def judged(form: AppointmentForm, by: Doer) -> dict[str, Any]:
    """Whether it could be booked as filled in, and what is free instead."""
    return judged_as(lambda: wish_in(form), by)


def judged_as(read: Callable[[], Wish], by: Doer) -> dict[str, Any]:
    """The judgement of the wish that `read` finds in a form, or why there is none yet."""
    try:
        wish = read()
    except Refused as missing:
        return {"refusal": missing}
    return judgement(wish, by)


def judgement(wish: Wish, by: Doer) -> dict[str, Any]:
    refusal = objection_to(wish, by=by)
    zone = wish.site.zone
    return {
        "refusal": refusal,
        "mark": "" if refusal else mark_of(wish),
        "from_time": wish.starts_at.astimezone(zone),
        "until_time": wish.footprint.patient.end.astimezone(zone),
        "chosen_room": wish.room,
        "offers": [(one, offer_value(one)) for one in getattr(refusal, "next_free", ())],
        "may_overbook": may_be_overbooked(refusal, site=wish.site, by=by) or bool(wish.overbook_reason),
    }


def wish_in(form: AppointmentForm) -> Wish:
    values = form.wish()
    values.pop("note")
    return Wish(**values)


def more_url(form: AppointmentForm) -> str:
    """The full form with everything chosen so far."""
    values = {name: str(form[name].value() or "") for name in CARRIED}
    if form.patient is not None:
        values["patient"] = form.patient.public_id
    return f"{reverse('appointment-new')}?{urlencode({name: value for name, value in values.items() if value})}"


def who_is_free(
    *, site: Site, service: Service | None, room: Room | None, day: dt.date, time: dt.time, patient: Patient | None
) -> User | None:
    """Whom to propose when the column is a room or a device: the first who is free then, else the first who treats here."""
    people = list(User.objects.practitioners_at(site))
    if service is not None and (room is None or room.kind == service.room_kind):
        offers = next_free(
            site=site, service=service, practitioners=people, patient=patient, room=room, first_day=day, last_day=day,
            from_time=time, limit=1,
        )  # fmt: skip
        if offers and offers[0].local_start.time() == time:
            return offers[0].practitioner
    return people[0] if people else None
