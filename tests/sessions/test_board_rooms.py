"""Who is in which room now, on the board: in treatment, waiting, next; each room once, and none that is out of service."""
from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from sessions.choices import AppointmentStatus
from sessions.models import Appointment
from tests import factories as make
from tests.sessions.clinicday import ClinicDay, make_clinic_day

pytestmark = pytest.mark.django_db
STATUS = AppointmentStatus


@pytest.fixture
def day(at: Any) -> ClinicDay:
    at("2026-03-12T09:20+00:00")  # 10:20 in Rome
    return make_clinic_day()


def put(day: ClinicDay, time: str, name: str, status: str, room: Any, **stamps: Any) -> Appointment:
    return make.make_appointment(
        make.make_patient(day.site, given_name=name), practitioner=day.doctor if room == day.room else day.other_doctor,
        room=room, service=day.consultation, starts_at=day.at(time), status=status, **stamps,
    )  # fmt: skip


def rooms(client: Client) -> dict[str, str]:
    """Each room's line as it is read."""
    page = client.get("/", {"practitioner": "all"}).content.decode()
    lines = re.findall(r"<li>(.*?)</li>", page.partition('<ul class="rooms">')[2].partition("</ul>")[0], re.DOTALL)
    said = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", line)).strip() for line in lines]
    return {line[:6]: line for line in said}


def test_a_room_says_who_is_treated_in_it_and_until_when(day: ClinicDay, client: Client) -> None:
    put(day, "10:00", "Hana", STATUS.IN_TREATMENT, day.room)
    put(day, "11:00", "Tom", STATUS.BOOKED, day.room)
    desk = make.signed_in(client, day.desk)
    assert rooms(desk) == {
        "Room 1": "Room 1 Dr Haddad In treatment until 10:45", "Room 2": "Room 2 Free nobody booked"
    }


def test_who_overruns_is_said(day: ClinicDay, client: Client) -> None:
    put(day, "09:15", "Hana", STATUS.IN_TREATMENT, day.room)
    assert rooms(make.signed_in(client, day.desk))["Room 1"] == "Room 1 Dr Haddad In treatment over by 20 min"


def test_a_free_room_says_who_waits_for_it_and_else_who_is_next(day: ClinicDay, client: Client) -> None:
    put(day, "10:30", "Nadia", STATUS.ARRIVED, day.room, arrived_at=timezone.now() - dt.timedelta(minutes=12))
    put(day, "09:10", "Rosa", STATUS.DONE, day.other_room)
    put(day, "11:30", "Clara", STATUS.CONFIRMED, day.other_room)
    put(day, "12:30", "Ben", STATUS.BOOKED, day.other_room)
    said = rooms(make.signed_in(client, day.desk))
    assert said["Room 1"] == "Room 1 Dr Haddad Free Nadia waits 12 min"
    assert said["Room 2"] == "Room 2 Dr Weber Free next 11:30"


def test_a_cancelled_missed_or_held_time_makes_no_room_somebodys(day: ClinicDay, client: Client) -> None:
    put(day, "11:00", "Can", STATUS.CANCELLED, day.room, cancelled_at=timezone.now(), cancel_reason="Ill")
    put(day, "09:10", "Mis", STATUS.NO_SHOW, day.room)
    put(day, "12:00", "Hel", STATUS.HELD, day.room, hold_ends_at=timezone.now() + dt.timedelta(minutes=10))
    desk = make.signed_in(client, day.desk)
    assert rooms(desk)["Room 1"] == "Room 1 Free nobody booked"
    type(day.room).objects.filter(pk=day.room.pk).update(in_service=False)
    assert set(rooms(desk)) == {"Room 2"}
