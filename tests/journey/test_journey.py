"""The main job, from registration to the check-in mail, as the people of a clinic do it in a browser."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from sessions.models import Appointment, Message, TreatmentSession
from tests.browser import PHONE
from tests.journey.clinic import MONDAY, a_clinic_in_istanbul, somebody_else_booked, somebody_of_the_same_name
from tests.journey.conftest import Clock, Looked, Post
from tests.journey.steps import FrontDesk, PatientAtAPhone, Practitioner, Staff, link_in

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
ELIF = {
    "Given name": "Elif", "Family name": "Yılmaz", "Birth date": "1984-08-09", "Phone": "0532 555 01 77",
    "E-mail": "elif@mail.example", "Address": "Bağdat Cd. 4", "Sex": "Female", "Language": "Türkçe",
}  # fmt: skip
VACCINATED = dt.date(2026, 2, 20)  # so no needle before 6 March
FIRST_DAY = dt.date(2026, 3, 10)
DESK, DOCTOR, HERSELF = "Mara Lind", "Dr Amina Haddad", ""
DEEDS = [  # who, what, as the audit log puts it
    (DESK, "patient-registered"), (HERSELF, "link-wrong-birth-date"), (HERSELF, "intake-submitted"),
    (DOCTOR, "measurement-recorded"), (DOCTOR, "course-proposed"), (DOCTOR, "course-approved"),
    (DOCTOR, "consent-text-given"), (DESK, "appointment-booked"), (DESK, "consent-signed"),
    (DESK, "appointment-status-arrived"), (DOCTOR, "record-opened"), (DOCTOR, "identity-checked"),
    (DOCTOR, "history-confirmed"), (DOCTOR, "gate-passed"), (DOCTOR, "allergy-test-read"), (DOCTOR, "treatment-begun"),
    (DOCTOR, "treatment-ended"), (DESK, "document-requested"), (DOCTOR, "record-signed"), (DESK, "appointment-moved"),
    (DESK, "appointment-cancelled"),
]  # fmt: skip


def test_from_registration_to_the_check_in(
    at_a_screen: Callable[..., Page], clock: Clock, post: Post, looked: Looked, renderer: Any
) -> None:
    # Given a clinic in Istanbul on a Monday morning, and a patient of nearly the same name
    clock.to(MONDAY)
    clinic = a_clinic_in_istanbul()
    somebody_of_the_same_name(clinic)
    desk = FrontDesk(at_a_screen(), clinic.desk, looked)
    desk.sign_in()
    # When the desk registers Elif
    desk.register(**ELIF)
    # Then the likely duplicate is shown before anything is saved
    desk.see("This may be the same person")
    desk.see("MC-20001")
    desk.say_it_is_another_person()
    # And she is found by any part of her phone number
    desk.find("5550177")
    # When the health questions are sent
    desk.send_the_health_questions()
    post.goes_out()
    # Then the mail has arrived, and its link asks for the birth date before it tells anything
    phone = PatientAtAPhone(at_a_screen(**PHONE), looked, birth_date="1984-08-09")
    phone.open(link_in(post, "elif@mail.example"))
    expect(phone.page.get_by_text("Elif")).to_have_count(0)
    phone.say_the_birth_date("1990-01-01")
    phone.say_the_birth_date()
    phone.look("patient-intake")
    phone.press("Start")
    # And follow-ups appear where an answer calls for them, and survive a reload
    phone.answer_until("q-vaccine", leaving_out="q-stroke", q_allergy="fish", q_cold_sores="yes", q_vaccine="yes")
    phone.say_when(VACCINATED)
    phone.look("patient-intake-question")
    phone.reload(VACCINATED)
    # And what was left out is named before she can sign
    phone.next_page()
    phone.answer_until(list(phone.questions())[-1])
    phone.next_page()
    phone.look("patient-intake-overview")
    phone.press("Answer what is missing")
    assert phone.answer() == "q-stroke"
    phone.press("Save")
    phone.sign_off("Elif Yılmaz")

    # Then the practitioner sees alert and findings, each with its code, answer and source
    doctor = Practitioner(at_a_screen(), clinic.doctor, looked)
    doctor.sign_in()
    doctor.find("5550177")
    doctor.see(re.compile("fish", re.IGNORECASE))
    doctor.see("scr-vaccine")
    doctor.see(re.compile("Wait until"))
    doctor.look("patient of the practitioner")
    # When she is measured and a course is planned
    doctor.measure(
        Weight="65", Height="168",
        **{"ASA class": "I", "Skin type": "III", "COPS score": "8", "Full blood count": "normal"},
    )  # fmt: skip
    doctor.find("5550177")
    doctor.plan("Dry, dehydrated skin", FIRST_DAY, "10:00")
    doctor.look("course-new, judged")
    doctor.propose_and_approve()
    doctor.give_the_consent_text()
    # And the desk books all of it while a colleague takes the first time away
    desk.open_the_booking_of("5550177")
    somebody_else_booked(clinic, clinic.at(FIRST_DAY, "10:00"))
    desk.book_all()
    # Then nothing is booked; who and when is said, and the next free time is one press away
    expect(desk.row(1)).to_contain_text("Marek Nowak")
    expect(desk.row(1)).to_contain_text("10:00")
    assert not Appointment.objects.filter(patient__given_name="Elif").exists()
    desk.look("course-book with a clash")
    desk.take_the_offered_time(1)
    desk.book_all()
    expect(desk.page.get_by_role("list").filter(has_text="05.05.").first).to_be_visible()
    assert Appointment.objects.filter(patient__given_name="Elif").count() == 3

    # On the day before, the reminder goes out
    clock.to("2026-03-09T18:00+03:00")
    post.goes_out()
    # On the day, the desk records the signed paper, and she arrives
    clock.to("2026-03-10T09:40+03:00")
    desk.sign_in()
    desk.find("5550177")
    desk.record_the_signed_consent(clinic.at(dt.date(2026, 3, 9), "15:00"))
    desk.says_arrived("Elif Yılmaz")
    # When the practitioner opens the session, Begin is locked until every light is green
    doctor.sign_in()
    doctor.start_the_session_of("Elif Yılmaz")
    doctor.identify()
    doctor.confirm_that_nothing_changed()
    doctor.photograph()
    doctor.test_for_allergy(clinic.at(dt.date(2026, 3, 9), "09:00"))
    doctor.take_blood_pressure("120", "75")
    doctor.choose_the_lot("HA26A")
    doctor.write_points(38, "0.05", "1.5", "0.1")
    doctor.begin()
    doctor.end()
    # Then the desk prints the aftercare sheet with one click, before anything is signed
    ended_at = TreatmentSession.objects.get(patient__given_name="Elif").ended_at
    check_the_sheet(desk.print_the_aftercare("Elif Yılmaz"), ended_at.astimezone(clinic.site.zone))
    # And a consent form, filled in her language, and blank for the drawer
    desk.find("5550177")
    assert "Elif Yılmaz" in text_of(desk.make_a_paper("Consent form"))
    assert "Elif" not in text_of(desk.make_a_blank_consent())
    # And the practitioner signs, which freezes the record
    doctor.sign()
    # When the third appointment is moved, the patient is told and the reminder moves along
    third = Appointment.objects.get(patient__given_name="Elif", fulfilments__planned_session__number=3)
    desk.move_the_appointment("5550177", "3/3", "16:00")
    agreed, third = third.starts_at, Appointment.objects.get(pk=third.pk)
    assert third.starts_at > agreed
    *withdrawn, reminder = Message.objects.filter(appointment=third, kind="msg-24h").order_by("cause_revision")
    assert all(one.state == "suppressed" for one in withdrawn)
    assert (reminder.state, reminder.due_at) == ("scheduled", third.starts_at - dt.timedelta(days=1))
    # And the next appointment is cancelled, and two days pass
    desk.cancel_the_appointment("5550177", "2/3", "She travels")
    post.goes_out()
    clock.to("2026-03-12T13:00+03:00")
    post.goes_out()
    # Then every mail of the journey has arrived, and the log says why the reminder of April stays away
    assert kinds_of_sent("Elif") >= {"msg-intake", "msg-confirm", "msg-24h", "msg-after-0", "msg-48h", "msg-moved"}
    assert len(post.to("elif@mail.example")) == Message.objects.filter(patient__given_name="Elif", state="sent").count()
    desk.sign_in()
    log = "\n".join(desk.read_the_messages("Yılmaz"))
    assert "Appointment cancelled" in log
    reminder = Message.objects.get(appointment__status__startswith="cancelled", kind="msg-24h")
    assert reminder.state == "suppressed"
    # And the audit log tells who did what and when
    lead = Staff(at_a_screen(), clinic.lead, looked)
    lead.sign_in()
    lead.click("Audit", "link")
    lead.look("audit-log")
    rows = lead.audit_rows("Yılmaz")
    for who, what in DEEDS:
        assert any(who in row and what in row for row in rows), (who, what, rows)


def kinds_of_sent(given_name: str) -> set[str]:
    return set(Message.objects.filter(patient__given_name=given_name, state="sent").values_list("kind", flat=True))


def text_of(pdf: bytes) -> str:
    assert pdf.startswith(b"%PDF")
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)


def check_the_sheet(pdf: bytes, ended_at: dt.datetime) -> None:
    """One page, in Turkish, with clock times counted from the end of this treatment in the site's zone."""
    assert len(PdfReader(BytesIO(pdf)).pages) == 1
    words = text_of(pdf)
    tomorrow = ended_at + dt.timedelta(hours=24)
    assert f"11 Mart Çrş, {tomorrow:%H:%M}" in words.replace("\n", " ")
    assert "Tedavi sonrası bilgi formu" in words
    assert "Sayfa 1 / 1" in words
    assert "HA26A" in words
