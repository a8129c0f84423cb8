"""Booking from outside: held ten minutes, confirmed by mail, nothing told to strangers, nothing kept of them."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.models import AuditEvent
from patients.models import Patient, PatientLink
from sessions import booking, public_booking, request_links, sending
from sessions.letter_parts import HIDDEN
from sessions.letters import write_mail
from sessions.message_texts import KINDS, LANGUAGES, day_of, say
from sessions.models import Appointment, BookingRequest, Message
from sessions.public_booking import HOLD_MINUTES, Over
from sessions.waiting_page import stamp
from tests.sessions.clinicday import MORNING, ClinicDay
from tests.sessions.publicday import FRIDAY, At, confirmed, details, fields, hold, later, make_public_day, opened

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: At) -> ClinicDay:
    at(MORNING)
    return make_public_day()


# --- the way through ------------------------------------------------------------------------------------------------
def test_from_the_free_time_to_the_booked_visit(day: ClinicDay, client: Client, at: At) -> None:
    week = client.get(reverse("public-booking", args=[day.site.public_id]) + f"?service={day.consultation.public_id}")
    assert "Friday 13 March" in week.content.decode()
    query = f"?service={day.consultation.public_id}&start={stamp(day.at('10:00', FRIDAY))}"
    assert client.get(details(day) + query).status_code == 200
    typed = fields(day)
    later(at, seconds=20)
    sent = client.post(details(day), typed)
    assert sent.url == reverse("public-booking-sent", args=[day.site.public_id])
    page = client.get(sent.url).content.decode()
    assert "ayse" not in page.lower()

    request = BookingRequest.objects.get()
    held = request.appointment
    assert (held.status, held.starts_at, held.hold_ends_at) == ("held", day.at("10:00", FRIDAY), request.hold_ends_at)
    assert request.hold_ends_at == timezone.now() + dt.timedelta(minutes=HOLD_MINUTES)
    assert not Patient.objects.exists()

    browser = opened(request)
    assert "10:00" in browser.get(reverse("public-booking-request")).content.decode()
    assert Appointment.objects.get().status == "held"
    assert confirmed(browser).status_code == 302
    visit = Appointment.objects.get()
    patient = Patient.objects.get()
    assert (visit.status, visit.patient, visit.hold_ends_at) == ("booked", patient, None)
    assert (patient.name, patient.language, str(patient.phone), patient.email, patient.birth_date) == (
        "Ayşe Yılmaz", "tr", "+390655550199", "ayse@example.org", dt.date(1990, 5, 17)
    )  # fmt: skip
    assert patient.record_number.startswith("MC-")
    kinds = set(Message.objects.filter(patient=patient).values_list("kind", flat=True))
    assert kinds == {"msg-confirm", "msg-24h", "msg-intake"}
    request.refresh_from_db()
    assert (request.state, request.given_name, request.email, request.birth_date) == ("confirmed", "", "", None)
    assert "Booked" in browser.get(reverse("public-booking-request")).content.decode()
    assert Patient.objects.matching("yilmaz").get() == patient


def test_the_mail_goes_out_by_the_outbox_also_at_night_and_keeps_no_link(day: ClinicDay, at: At) -> None:
    at("2026-03-12T22:30+00:00")  # 23:30 in Rome, quiet hours
    request = hold(day, on=FRIDAY + dt.timedelta(days=1))
    assert sending.send_due() == 1
    (sent,) = mail.outbox
    assert sent.to == ["ayse@example.org"]
    assert sent.subject == "Please confirm your request"
    assert "Hello Ayşe" in sent.body
    message = Message.objects.get()
    assert message.state == "sent"
    assert HIDDEN in message.text
    token = re.search(r"/book/confirm/([\w-]+)/", sent.body)[1]
    assert token not in message.text + message.html
    assert request_links.request_behind(token) == request


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mail_speaks_the_language_of_who_asked(day: ClinicDay, language: str) -> None:
    held = hold(day, language=language)
    message = Message.objects.get(cause_public_id=held.public_id)
    written = write_mail(message)
    when = {"day": day_of(FRIDAY, language), "time": "10:00", "until": "08:10"}
    assert written.subject == KINDS["msg-request"].subject.get(language)  # type: ignore[union-attr]
    for words in (say("request", language, **when), say("request-not-you", language), say("confirm-request", language),
                  say("withdraw-request", language), say("hello", language, name="Ayşe")):  # fmt: skip
        assert words in plain(written.text), words
    assert f'lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in written.html


def plain(text: str) -> str:
    """Without the marks that keep numbers in order among Arabic words."""
    return re.sub("[\u2066-\u2069\u200e\u200f]", "", text)


def test_a_mail_that_comes_too_late_is_not_sent(day: ClinicDay, at: At) -> None:
    hold(day)
    later(at, minutes=HOLD_MINUTES)
    assert sending.send_due() == 0
    assert Message.objects.get().state == "missed"


def test_the_patient_gets_the_usual_mails_with_a_link_to_cancel(day: ClinicDay) -> None:
    public_booking.confirm(request=hold(day))
    sending.send_due()
    subjects = [one.subject for one in mail.outbox]
    assert any(one.startswith("Your appointment on") for one in subjects)
    assert "Some questions before your visit" in subjects
    assert PatientLink.objects.filter(purpose="appointment").exists()


def test_confirming_twice_is_once(day: ClinicDay) -> None:
    request = hold(day)
    browser = opened(request)
    for _ in range(3):
        assert confirmed(browser).status_code == 302
    assert Patient.objects.count() == 1
    assert Message.objects.filter(kind="msg-confirm").count() == 1


def test_a_double_click_holds_once(day: ClinicDay, client: Client, at: At) -> None:
    typed = fields(day)
    later(at, seconds=20)
    answers = [client.post(details(day), typed) for _ in range(3)]
    assert {one.status_code for one in answers} == {302}
    assert BookingRequest.objects.count() == 1


# --- run out, withdrawn ---------------------------------------------------------------------------------------------
def test_a_hold_that_ran_out_frees_the_time_at_once(day: ClinicDay, at: At) -> None:
    request = hold(day)
    browser = opened(request)
    with pytest.raises(booking.SlotTaken):
        day.book("10:00", day=FRIDAY)
    later(at, minutes=HOLD_MINUTES)
    assert day.book("10:00", day=FRIDAY).status == "booked"
    answer = confirmed(browser)
    assert answer.status_code == 409
    assert "they are over" in answer.content.decode()
    assert Patient.objects.filter(family_name="Yılmaz").count() == 0


def test_nothing_of_a_stranger_is_kept(day: ClinicDay, at: At) -> None:
    request = hold(day)
    sending.send_due()
    later(at, minutes=HOLD_MINUTES)
    assert public_booking.sweep() == 1
    assert public_booking.sweep() == 0
    request.refresh_from_db()
    assert (request.state, request.given_name, request.family_name, request.email, str(request.phone or "")) == (
        "ran-out", "", "", "", ""
    )  # fmt: skip
    assert request.appointment is None
    assert not Appointment.objects.exists()
    assert not Patient.everyone.exists()
    message = Message.objects.get()
    assert (message.text, message.html) == ("", "")
    for model in (Patient, Appointment):
        history = model.pgh_event_models["insert"] if hasattr(model, "pgh_event_models") else None
        rows = list(history.objects.values()) if history else []
        assert "Yılmaz" not in repr(rows)
    assert not AuditEvent.objects.filter(detail__icontains="ayse").exists()
    later(at, days=31)
    public_booking.sweep()
    assert not BookingRequest.objects.exists()


def test_withdrawing_frees_the_time_and_deletes_what_was_typed(day: ClinicDay) -> None:
    request = hold(day)
    browser = opened(request)
    for _ in range(2):
        assert browser.post(reverse("public-booking-withdraw")).status_code == 302
    assert "withdrawn" in browser.get(reverse("public-booking-request")).content.decode()
    assert not Appointment.objects.exists()
    assert not Patient.everyone.exists()
    assert Message.objects.get().state == "suppressed"
    assert confirmed(browser).status_code == 409
    assert day.book("10:00", day=FRIDAY).status == "booked"


def test_a_confirmed_visit_is_not_withdrawn_by_the_old_link(day: ClinicDay) -> None:
    request = hold(day)
    public_booking.confirm(request=request)
    public_booking.withdraw(request=request)
    assert Appointment.objects.get().status == "booked"


def test_a_hold_that_the_desk_took_over_meanwhile_cannot_be_confirmed(day: ClinicDay, at: At) -> None:
    request = hold(day)
    later(at, minutes=HOLD_MINUTES)
    day.book("10:00", day=FRIDAY)  # ends the run-out hold
    with pytest.raises(Over):
        public_booking.confirm(request=request)
    assert public_booking.sweep() == 1


@pytest.mark.parametrize("token", ["x", "x" * 43, "%00" * 10, "a" * 5000])
def test_a_tampered_link_is_dead(day: ClinicDay, client: Client, token: str) -> None:
    hold(day)
    answer = client.get(f"/book/confirm/{token}/")
    assert answer.status_code == 404
    for name in ("public-booking-confirm", "public-booking-withdraw"):
        assert client.post(reverse(name)).status_code == 404
    client.cookies["booking-request"] = "forged:value"
    assert client.post(reverse("public-booking-confirm")).status_code == 404
    assert Appointment.objects.get().status == "held"
