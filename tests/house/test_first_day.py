"""The first day of a real installation: from an empty database to the first booked consultation, page by page."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Device, Organisation, Room, Shift, Site, User
from patients.models import Patient
from protocols.models import Service
from sessions import booking
from sessions.models import Appointment
from tests import factories as make
from tests.clinic.test_places import post, times
from tests.clinic.test_staff import token_of

pytestmark = pytest.mark.django_db
PASSWORD = "quiet-harbour-petrol-71"
FRIDAY_TEN = dt.datetime(2026, 3, 13, 9, tzinfo=dt.UTC)  # 10:00 in Rome
WEEKDAYS = [(day, 1, "09:00", "18:00") for day in "12345"]


def accepted(manager: Client, name: str, email: str, role: str) -> Client:
    """Invited by the manager, let in by the link of the mail."""
    fields = {"name": name, "email": email, "language": "en", "roles": [role]}
    assert post(manager, reverse("staff-invite"), **fields).status_code == 302
    letter = mail.outbox[-1]
    assert letter.to == [email]
    client = Client()
    link = reverse("invitation", args=[token_of(str(letter.body))])
    assert post(client, link, password=PASSWORD, again=PASSWORD).status_code == 302
    return client


def test_an_empty_installation_comes_to_its_first_appointment(monkeypatch: pytest.MonkeyPatch, at: Any) -> None:
    at("2026-03-12T08:00:00+00:00")
    for model in (User, Organisation, Site, Room, Device, Service, Shift, Patient, Appointment):
        assert not model._default_manager.exists()

    # the two commands of whoever runs the server
    monkeypatch.setattr("builtins.input", lambda: PASSWORD)
    call_command(
        "first_manager", password_stdin=True, email="mira@halden.example", name="Mira", clinic="Halden", stdout=io.StringIO()
    )
    call_command("load_catalogue", stdout=io.StringIO())

    # the manager comes in, makes a site and opens it
    manager = Client()
    answer = manager.post(reverse("account_login"), {"login": "mira@halden.example", "password": PASSWORD}, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("sites")
    details = {"name": "Trastevere", "country": "IT", "time_zone": "Europe/Rome", "page_size": "A4"}
    assert post(manager, reverse("site-new"), **details).status_code == 302
    site = Site.objects.get()
    assert post(manager, reverse("room-new", args=[site.public_id]), name="Room 1", kind="treatment").status_code == 302
    assert post(manager, reverse("site-hours", args=[site.public_id]), **times(*WEEKDAYS)).status_code == 302
    edit = reverse("site-edit", args=[site.public_id])
    assert post(manager, edit, **details, is_open="on").status_code == 422  # who would a patient call at night?
    assert post(manager, edit, **details, is_open="on", emergency_number="112").status_code == 302

    # people come by invitation; the licence and the working times follow
    accepted(manager, "Dr Ada Lund", "ada@halden.example", "practitioner")
    front_desk = accepted(manager, "Deniz Ak", "deniz@halden.example", "front-desk")
    doctor, desk = (User.objects.get(email=f"{name}@halden.example") for name in ("ada", "deniz"))
    shifts = reverse("shifts-change", args=[doctor.public_id, site.public_id])
    assert post(manager, shifts, from_day="2026-03-12", **times(*WEEKDAYS)).status_code == 302

    # now the desk books, as soon as the licence is known
    assert front_desk.get(reverse("board")).status_code == 200
    site.refresh_from_db()
    wish: dict[str, Any] = {
        "patient": make.make_patient(site), "service": Service.objects.get(code="consultation"), "site": site,
        "practitioner": doctor, "room": Room.objects.get(), "starts_at": FRIDAY_TEN, "by": Doer.staff(desk, site),
    }  # fmt: skip
    with pytest.raises(Refused, match="licence"):
        booking.book(**wish)
    member = {"name": doctor.name, "language": "en", "roles": ["practitioner"], "is_active": "on"}
    licence = {"licence_number": "L-77", "licence_valid_until": "2027-12-31"}
    page = reverse("staff-edit", args=[doctor.public_id])
    assert post(manager, page, **member, **licence).status_code == 302
    doctor.refresh_from_db()
    appointment = booking.book(**wish | {"practitioner": doctor})
    assert appointment.ends_at - appointment.starts_at == dt.timedelta(minutes=30)
    assert Appointment.objects.get() == appointment
    with pytest.raises(Refused):  # the site is closed at night
        booking.book(**wish | {"practitioner": doctor, "starts_at": FRIDAY_TEN + dt.timedelta(hours=12)})
