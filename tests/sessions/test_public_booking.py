"""Booking from outside: held ten minutes, confirmed by mail, nothing told to strangers, nothing kept of them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.idempotency import new_token
from clinic.models import AuditEvent
from patients.models import Patient, PatientLink
from protocols.models import Service
from sessions import booking, deciding, public_booking, request_links, sending
from sessions.forms.public_booking import shown_now
from sessions.letter_parts import HIDDEN
from sessions.letters import write_mail
from sessions.message_texts import KINDS, LANGUAGES, day_of, say
from sessions.models import Appointment, BookingRequest, Message, PublicBooking
from sessions.offers_outside import offers
from sessions.public_booking import HOLD_MINUTES, Gone, Over, Person, TooMany
from sessions.waiting_page import stamp
from tests import factories as make
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, make_clinic_day

pytestmark = pytest.mark.django_db
FRIDAY = THURSDAY + dt.timedelta(days=1)
At = Callable[[Any], Any]


@pytest.fixture
def day(at: At) -> ClinicDay:
    at(MORNING)
    made = make_clinic_day()
    open_to_all(made)
    return made


def open_to_all(day: ClinicDay, **more: Any) -> PublicBooking:
    day.consultation.is_public = True
    day.consultation.save(update_fields=["is_public"])
    return PublicBooking.objects.create(**{"site": day.site, "is_on": True} | more)


def later(at: At, **more: float) -> None:
    at(timezone.now() + dt.timedelta(**more))


def person(**more: Any) -> Person:
    values = {
        "given_name": "Ayşe", "family_name": "Yılmaz", "birth_date": dt.date(1990, 5, 17), "phone": "+390655550199",
        "email": "ayse@example.org", "language": "en",
    }  # fmt: skip
    return Person(**values | more)


def hold(day: ClinicDay, time: str = "10:00", *, on: dt.date = FRIDAY, source: str = "a", **more: Any) -> BookingRequest:
    return public_booking.hold(
        site=day.site, service=day.consultation, practitioner=None, starts_at=day.at(time, on), source=source,
        person=person(**more),
    )  # fmt: skip


def fields(day: ClinicDay, time: str = "10:00", *, on: dt.date = FRIDAY, **more: Any) -> dict[str, Any]:
    return {
        "form_token": new_token(), "shown": shown_now(), "service": day.consultation.public_id, "practitioner": "",
        "start": stamp(day.at(time, on)), "given_name": "Ayşe", "family_name": "Yılmaz", "birth_date": "1990-05-17",
        "phone": "06 5555 0199", "email": "ayse@example.org", "language": "tr", "website": "",
    } | more  # fmt: skip


def details(day: ClinicDay) -> str:
    return reverse("public-booking-details", args=[day.site.public_id])


def link_in(request: BookingRequest) -> str:
    """The address in the mail, as path."""
    written = write_mail(Message.objects.get(cause_public_id=request.public_id))
    found = re.search(r"/book/confirm/[\w-]+/", written.mail.text)
    assert found is not None
    return found[0]


def opened(request: BookingRequest) -> Client:
    """A browser that has followed the link."""
    client = Client()
    assert client.get(link_in(request)).status_code == 302
    return client


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
    assert browser.post(reverse("public-booking-confirm")).status_code == 302
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
        assert browser.post(reverse("public-booking-confirm")).status_code == 302
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
    answer = browser.post(reverse("public-booking-confirm"))
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
    assert browser.post(reverse("public-booking-confirm")).status_code == 409
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


# --- what is offered ------------------------------------------------------------------------------------------------
def test_a_site_that_is_not_switched_on_has_no_page(day: ClinicDay, client: Client) -> None:
    other = make.make_site()
    PublicBooking.objects.create(site=other)
    for site in (other, make.make_site()):
        assert client.get(reverse("public-booking", args=[site.public_id])).status_code == 404
        assert client.post(reverse("public-booking-details", args=[site.public_id]), fields(day)).status_code == 404
    assert client.get(reverse("public-booking-sites")).url == reverse("public-booking", args=[day.site.public_id])
    PublicBooking.objects.update(is_on=False)
    assert client.get(reverse("public-booking-sites")).status_code == 404


def test_only_true_free_times_within_reach_are_offered(day: ClinicDay) -> None:
    day.book("10:00", day=FRIDAY)
    make.make_closure(day.site, FRIDAY + dt.timedelta(days=1))
    setting = PublicBooking.objects.get()
    found = list(
        offers(
            site=day.site, service=day.consultation, practitioner=day.doctor, first_day=THURSDAY,
            last_day=THURSDAY + dt.timedelta(days=3), setting=setting,
        )
    )  # fmt: skip
    starts = [one.local_start for one in found]
    assert {one.date() for one in starts} == {FRIDAY}  # today is nearer than twelve hours, Saturday is closed, then Sunday
    assert not [one for one in starts if dt.time(9, 15) < one.time() < dt.time(10, 45)]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"start": "2026-03-12T09:00Z"}, 409), ({"start": "2020-01-01T09:00Z"}, 409), ({"start": "2026-03-13T09:07Z"}, 409),
        ({"start": "2026-03-13T03:00Z"}, 409), ({"start": "2027-03-12T09:00Z"}, 409), ({"start": "tomorrow"}, 302),
        ({"service": "x"}, 409), ({"practitioner": "x" * 22}, 302), ({"given_name": "<b>"}, 422), ({"given_name": ""}, 422),
        ({"birth_date": "2099-01-01"}, 422), ({"birth_date": "2015-01-01"}, 422), ({"phone": "12"}, 422),
        ({"email": "nobody"}, 422), ({"email": "a@b.example\nBcc: c@d.example"}, 422), ({"language": "xx"}, 422),
        ({"shown": ""}, 422), ({"shown": "form:1:forged"}, 422), ({"family_name": "\u202eevil"}, 422), ({"form_token": ""}, 422),
    ],
)  # fmt: skip
def test_bad_input_is_answered_and_changes_nothing(
    day: ClinicDay, client: Client, at: At, more: dict[str, Any], status: int
) -> None:
    typed = fields(day) | more
    later(at, seconds=20)
    answer = client.post(details(day), typed)
    if more.get("service") or more.get("practitioner"):
        # What is not offered counts as unsaid: the only public service, anybody.
        assert answer.status_code in {302, 409}
        return
    assert answer.status_code == status
    assert not BookingRequest.objects.exists()
    assert not Appointment.objects.exists()
    assert not Patient.everyone.exists()
    if status == 422 and "given_name" not in more:
        assert "Ayşe" in answer.content.decode()


def test_a_service_that_is_not_public_cannot_be_held(day: ClinicDay) -> None:
    hidden = make.make_service("review", treatment_minutes=45)
    treatment = make.make_service(is_public=True)
    for service in (hidden, treatment):
        with pytest.raises(Gone):
            public_booking.hold(
                site=day.site, service=service, practitioner=None, starts_at=day.at("10:00", FRIDAY), source="a", person=person()
            )
    Service.objects.filter(pk=day.consultation.pk).update(is_active=False)
    with pytest.raises(Gone):
        hold(day)
    assert not BookingRequest.objects.exists()


def test_a_time_that_was_taken_meanwhile_offers_others_and_keeps_what_was_typed(day: ClinicDay, client: Client, at: At) -> None:
    typed = fields(day, practitioner=day.doctor.public_id)
    day.book("10:00", day=FRIDAY)
    later(at, seconds=20)
    answer = client.post(details(day), typed)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "no longer free" in page
    assert "ayse@example.org" in page
    assert page.count('name="start"') >= 3


# --- machines -------------------------------------------------------------------------------------------------------
def test_a_machine_is_told_what_everybody_is_told(day: ClinicDay, client: Client, at: At) -> None:
    typed = fields(day, website="https://buy.example")
    later(at, seconds=20)
    assert client.post(details(day), typed).url == reverse("public-booking-sent", args=[day.site.public_id])
    assert not BookingRequest.objects.exists()


def test_faster_than_anybody_types_is_asked_once_more(day: ClinicDay, client: Client, at: At) -> None:
    typed = fields(day)
    answer = client.post(details(day), typed)
    assert answer.status_code == 422
    assert "very quick" in answer.content.decode()
    later(at, seconds=20)
    assert client.post(details(day), typed | {"form_token": new_token()}).status_code == 302


def test_a_page_left_open_for_hours_is_asked_once_more(day: ClinicDay, client: Client, at: At) -> None:
    typed = fields(day)
    later(at, hours=5)
    answer = client.post(details(day), typed)
    assert answer.status_code == 422
    again = re.search(r'name="shown" value="([^"]+)"', answer.content.decode())[1]
    later(at, seconds=20)
    assert client.post(details(day), typed | {"shown": again, "form_token": new_token()}).status_code == 302


def test_holds_are_few_by_address_mail_and_site(day: ClinicDay, monkeypatch: Any) -> None:
    for number, time in enumerate(("09:00", "11:00", "13:00")):
        hold(day, time, source="one", email=f"{number}@example.org")
    with pytest.raises(TooMany):
        hold(day, "15:00", source="one", email="x@example.org")
    hold(day, "15:00", source="two", email="same@example.org")
    hold(day, "16:00", source="three", email="SAME@example.org ")
    with pytest.raises(TooMany):
        hold(day, "17:00", source="four", email="same@example.org")
    monkeypatch.setitem(public_booking.MOST_OPEN, "site", 5)
    with pytest.raises(TooMany):
        hold(day, "17:00", source="five", email="y@example.org")
    assert Appointment.objects.count() == 5


def test_a_mailbox_is_not_flooded(day: ClinicDay) -> None:
    for number in range(public_booking.MOST_A_DAY["email_hash"]):
        public_booking.withdraw(request=hold(day, source=str(number)))
    with pytest.raises(TooMany):
        hold(day, source="other")
    assert not Appointment.objects.exists()


def test_thousands_of_requests_change_nothing_more(day: ClinicDay, at: At) -> None:
    """From one address the door closes; from many the site's own limit does. Every answer is one of ours."""
    typed = fields(day)
    later(at, seconds=20)
    seen: set[int] = set()
    for number in range(120):
        client = Client(REMOTE_ADDR="203.0.113.7", raise_request_exception=False)
        time = f"{9 + number % 8:02}:{15 * (number % 4):02}"
        values = typed | {"form_token": new_token(), "start": stamp(day.at(time, FRIDAY)), "email": f"{number}@example.org"}
        seen.add(client.post(details(day), values).status_code)
    assert seen <= {302, 409, 429}
    assert 429 in seen
    assert BookingRequest.objects.count() == public_booking.MOST_OPEN["source"]


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
        done = browser.post(reverse("public-booking-confirm"))
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


# --- languages ------------------------------------------------------------------------------------------------------
def test_the_page_speaks_the_language_of_the_browser(day: ClinicDay) -> None:
    url = reverse("public-booking", args=[day.site.public_id])
    page = Client(headers={"Accept-Language": "tr"}).get(url).content.decode()
    assert 'lang="tr"' in page
    assert "13 Mart" in page
    assert 'content="noindex' in page


def test_a_hold_over_the_hour_that_comes_twice(day: ClinicDay, at: At) -> None:
    """Sunday 25 October 2026: 02:30 comes twice; the page offers moments, so that both stay apart."""
    at("2026-10-23T08:00+00:00")
    sunday = dt.date(2026, 10, 25)
    make.make_shift(day.doctor, day.site, "7", starts=dt.time(1), ends=dt.time(5))
    day.site.opening_hours.create(weekday="7", opens=dt.time(1), closes=dt.time(5))
    setting = PublicBooking.objects.get()
    found = list(
        offers(
            site=day.site, service=day.consultation, practitioner=day.doctor, first_day=sunday, last_day=sunday,
            setting=setting,
        )
    )
    twice = [one.starts_at for one in found if f"{one.local_start:%H:%M}" == "02:30"]
    assert len(twice) == 2
    request = public_booking.hold(
        site=day.site, service=day.consultation, practitioner=day.doctor, starts_at=twice[1], source="a", person=person()
    )
    assert request.appointment.starts_at == twice[1]
