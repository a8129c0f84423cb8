"""Whatever takes the ground from under a booking, its page leads to the list of what has to be placed anew; and only then."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from sessions.models import Appointment
from tests import factories as make
from tests.clinic.test_places import post, times
from tests.sessions.clinicday import MORNING, ClinicDay, make_clinic_day

pytestmark = pytest.mark.django_db
FRIDAY = dt.date(2026, 3, 13)
SPAN = {"first_day": "2026-03-13", "last_day": "2026-03-13", "from_time": "", "until_time": "", "reason": "Repair"}
ONE = {"starts_1": "14:00", "ends_1": "18:00", "starts_2": "", "ends_2": "", "reason": ""}
AFTERNOONS = times(*((day, 1, "14:00", "18:00") for day in "123456"))
Page = tuple[str, dict[str, Any], str]  # the address, what is typed, the mark it leaves


def closure(day: ClinicDay, visit: Appointment) -> Page:
    return reverse("closure-new", args=[day.site.public_id]), SPAN, "closed"


def special_hours(day: ClinicDay, visit: Appointment) -> Page:
    return reverse("special-hours-new", args=[day.site.public_id]), ONE | {"day": "2026-03-13"}, "hours"


def hours(day: ClinicDay, visit: Appointment) -> Page:
    return reverse("site-hours", args=[day.site.public_id]), AFTERNOONS, "hours"


def absence(day: ClinicDay, visit: Appointment) -> Page:
    return reverse("absence-new", args=[day.doctor.public_id]), SPAN, "absence"


def other_shift(day: ClinicDay, visit: Appointment) -> Page:
    values = ONE | {"day": "2026-03-13"}
    return reverse("day-shift-new", args=[day.doctor.public_id, day.site.public_id]), values, "shift"


def free_day(day: ClinicDay, visit: Appointment) -> Page:
    values = ONE | {"day": "2026-03-13", "starts_1": "", "ends_1": "", "is_free": "on"}
    return reverse("day-shift-new", args=[day.doctor.public_id, day.site.public_id]), values, "shift"


def week(day: ClinicDay, visit: Appointment) -> Page:
    values = AFTERNOONS | {"from_day": "2026-03-13"}
    return reverse("shifts-change", args=[day.doctor.public_id, day.site.public_id]), values, "shift"


def room_out(day: ClinicDay, visit: Appointment) -> Page:
    return reverse("room-out", args=[day.room.public_id]), SPAN, "room"


def room_gone(day: ClinicDay, visit: Appointment) -> Page:
    return reverse("room-edit", args=[day.room.public_id]), {"name": "Room 1", "kind": day.room.kind}, "room"


def device_out(day: ClinicDay, visit: Appointment) -> Page:
    return reverse("device-out", args=[visit.device.public_id]), SPAN, "device"


def device_gone(day: ClinicDay, visit: Appointment) -> Page:
    return reverse("device-edit", args=[visit.device.public_id]), {"name": "Gun 1", "kind": "dv-gun"}, "device"


def givers(day: ClinicDay, visit: Appointment) -> Page:
    values = {"named_only": "on", "givers": [f"{day.other_doctor.public_id}|"]}
    return reverse("service-people", args=[visit.service.public_id]), values, "service"


PAGES = [
    closure, special_hours, hours, absence, other_shift, free_day, week, room_out, room_gone, device_out, device_gone, givers,
]  # fmt: skip


@pytest.fixture
def day(at: Any) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


@pytest.fixture
def office(client: Client, day: ClinicDay) -> Client:
    return make.signed_in(client, make.make_user(Role.MANAGER))


@pytest.fixture
def visit(day: ClinicDay) -> Appointment:
    """Friday at ten, with a device."""
    service = make.make_service("consultation", device_kind="dv-gun", treatment_minutes=30)
    return day.book("10:00", day=FRIDAY, service=service, device=make.make_device(day.site, name="Gun 1"))


@pytest.mark.parametrize("which", PAGES)
def test_over_booked_time_it_leads_to_the_list_that_names_the_booking_and_why(
    day: ClinicDay, office: Client, visit: Appointment, which: Callable[[ClinicDay, Appointment], Page]
) -> None:
    url, values, mark = which(day, visit)
    answer = post(office, url, **values)
    assert (answer.status_code, answer.url) == (302, reverse("displaced"))
    visit.refresh_from_db()
    assert visit.displaced == mark
    listed = office.get(answer.url).content.decode()
    assert visit.patient.name in listed
    assert visit.get_displaced_display() in listed
    assert visit.status == "booked", "nothing moves by itself"
    desk = make.signed_in(Client(), day.desk)
    for name, one in (("displaced-move", desk), ("displaced-cancel", desk)):
        assert visit.patient.name in one.get(reverse(name)).content.decode(), "together"
    assert reverse("appointment-move", args=[visit.public_id]) in desk.get(answer.url).content.decode(), "or one by one"


@pytest.mark.parametrize("which", PAGES)
def test_over_free_time_it_leads_back_to_its_own_page(
    day: ClinicDay, office: Client, visit: Appointment, which: Callable[[ClinicDay, Appointment], Page]
) -> None:
    url, values, _mark = which(day, visit)
    Appointment.objects.filter(pk=visit.pk).update(status="done")
    answer = post(office, url, **values)
    assert answer.status_code == 302
    assert answer.url != reverse("displaced")
    assert office.get(answer.url).status_code == 200
