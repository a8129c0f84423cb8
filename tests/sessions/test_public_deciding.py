"""What staff see of bookings from outside and decide about them: who is known already, and whether a site offers any."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.idempotency import new_token
from clinic.models import AuditEvent
from patients.models import Patient, PatientLink
from sessions import deciding, public_booking, sending
from sessions.models import Appointment, BookingRequest, Message, PublicBooking
from tests import factories as make
from tests.sessions.clinicday import MORNING, ClinicDay
from tests.sessions.publicday import At, confirmed, details, fields, hold, later, make_public_day, opened

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: At) -> ClinicDay:
    at(MORNING)
    return make_public_day()


# --- who is known ---------------------------------------------------------------------------------------------------
def known(day: ClinicDay, **more: Any) -> Patient:
    values = {"given_name": "Ayşe", "family_name": "Yılmaz", "birth_date": dt.date(1990, 5, 17), "email": "old@example.org"}
    return make.make_patient(day.site, **values | more)


def test_somebody_who_is_known_sees_the_same_and_their_record_stays_as_it_was(day: ClinicDay, at: At) -> None:
    pages = []
    for already in (False, True):
        if already:
            public_booking.sweep()
            known(day, email="ayse@example.org", phone="+390655550199")
        client = Client()
        typed = fields(day, "10:00" if not already else "12:00")
        later(at, seconds=20)
        answer = client.post(details(day), typed)
        request = BookingRequest.objects.order_by("id").last()
        browser = opened(request)
        done = confirmed(browser)
        page = browser.get(reverse("public-booking-request")).content.decode()
        kinds = sorted(Message.objects.filter(appointment=request.appointment).values_list("kind", flat=True))
        without = re.sub(r"1[02]:00|value=\"[^\"]*\"|hx-headers='[^']*'", "", page)
        pages.append((answer.status_code, answer.url, done.status_code, done.url, without, kinds))
        if not already:
            Patient.objects.update(birth_date=dt.date(1950, 1, 1), family_name="Else", phone="", email="x@example.org")
    assert pages[0] == pages[1]
    request = BookingRequest.objects.order_by("id").last()
    assert request.looks_like
    old = Patient.objects.get(email="ayse@example.org", record_number__startswith="MC-T")
    assert old.version == 1
    assert not Appointment.objects.filter(patient=old).exists()
    assert not PatientLink.objects.filter(patient=old).exists()


def test_the_desk_links_the_visit_to_the_older_record(day: ClinicDay, client: Client) -> None:
    old = known(day)
    visit = public_booking.confirm(request=hold(day))
    request = BookingRequest.objects.get()
    made = visit.patient
    make.signed_in(client, day.desk)
    assert "Known already?" in client.get(reverse("online-requests")).content.decode()
    assert "somebody like this is registered" in client.get(reverse("appointment", args=[visit.public_id])).content.decode()
    url = reverse("online-request-decide", args=[request.public_id])
    assert old.record_number in client.get(url).content.decode()
    answer = client.post(url, {"form_token": new_token(), "same": old.public_id})
    assert answer.status_code == 302
    visit.refresh_from_db()
    made.refresh_from_db()
    old.refresh_from_db()
    assert (visit.patient, made.merged_into) == (old, old)
    assert (old.email, str(old.phone)) == ("old@example.org", str(old.phone))
    assert old.version == 1
    sending.send_due()
    assert {one for sent in mail.outbox for one in sent.to} == {"old@example.org"}
    assert Message.objects.get(kind="msg-confirm").patient == old
    with pytest.raises(Refused, match="decided already"):
        deciding.keep_apart(request=request, by=day.by)


def test_the_desk_keeps_two_people_apart(day: ClinicDay, client: Client) -> None:
    known(day)
    visit = public_booking.confirm(request=hold(day))
    request = BookingRequest.objects.get()
    make.signed_in(client, day.desk)
    url = reverse("online-request-decide", args=[request.public_id])
    assert client.post(url, {"form_token": new_token(), "same": ""}).status_code == 422
    assert client.post(url, {"form_token": new_token(), "same": "x" * 22}).status_code == 422
    assert client.post(url, {"form_token": new_token(), "same": "apart"}).status_code == 302
    request.refresh_from_db()
    visit.refresh_from_db()
    assert (request.decision, request.decided_by_label) == ("apart", day.desk.name)
    assert visit.patient.merged_into is None


def test_a_record_with_answers_is_not_linked_away(day: ClinicDay) -> None:
    from tests.healthy import answered

    old = known(day)
    visit = public_booking.confirm(request=hold(day))
    answered(visit.patient)
    with pytest.raises(Refused, match="answered on the new record"):
        deciding.link(request=BookingRequest.objects.get(), to=old, by=day.by)
    visit.refresh_from_db()
    assert visit.patient != old
    manager = Doer.staff(make.make_user(Role.MANAGER), day.site)
    with pytest.raises(NotPermitted):
        deciding.keep_apart(request=BookingRequest.objects.get(), by=manager)


# --- what staff see and set -----------------------------------------------------------------------------------------
def test_a_held_time_is_seen_by_staff_without_a_name(day: ClinicDay, client: Client) -> None:
    request = hold(day)
    make.signed_in(client, day.desk)
    for name in ("appointment", "appointment-panel"):
        page = client.get(reverse(name, args=[request.appointment.public_id])).content.decode()
        assert "Held for an online request" in page
        assert "Yılmaz" not in page
    feed = client.get(reverse("calendar-feed") + "?first=2026-03-13&last=2026-03-13").json()
    assert [one["status"] for one in feed["blocks"]] == ["held"]
    board = client.get(reverse("board") + "?day=2026-03-13").content.decode()
    assert "Yılmaz" not in board
    held = request.appointment.patient
    for url in (reverse("patient", args=[held.public_id]), reverse("patient-edit", args=[held.public_id])):
        assert client.get(url).status_code == 404
    assert "Online request" not in client.get(reverse("patients") + "?q=online").content.decode()


def test_the_manager_switches_it_on_and_off(day: ClinicDay, client: Client) -> None:
    PublicBooking.objects.all().delete()
    manager = make.make_user(Role.MANAGER)
    url = reverse("site-public-booking", args=[day.site.public_id])
    make.signed_in(client, day.desk)
    assert client.get(url).status_code == 403
    make.signed_in(client, manager)
    assert client.get(url).status_code == 200
    values = {"form_token": new_token(), "seen_version": 1, "is_on": "on", "earliest_hours": "24", "days_ahead": "30"}
    assert client.post(url, values | {"days_ahead": "9999"}).status_code == 422
    assert not PublicBooking.objects.filter(is_on=True).exists()
    assert client.post(url, values | {"form_token": new_token()}).status_code == 302
    setting = PublicBooking.objects.get()
    assert (setting.is_on, setting.earliest_hours, setting.days_ahead) == (True, 24, 30)
    with pytest.raises(Stale):
        deciding.set_public_booking(
            site=day.site, seen_version=1, is_on=False, earliest_hours=1, days_ahead=1, by=Doer.staff(manager, day.site)
        )
    assert AuditEvent.objects.filter(action="public-booking-set").count() == 1
