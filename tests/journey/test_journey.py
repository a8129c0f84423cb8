"""The main job, from registration to the check-in mail, as the people of a clinic do it in a browser."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sessions.models import Appointment
from tests.browser import PHONE
from tests.journey.clinic import MONDAY, a_clinic_in_istanbul, somebody_else_booked, somebody_of_the_same_name
from tests.journey.conftest import Clock, Looked, Post
from tests.journey.steps import FrontDesk, PatientAtAPhone, Practitioner, link_in

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
ELIF = {
    "Given name": "Elif", "Family name": "Yılmaz", "Birth date": "1984-08-09", "Phone": "0532 555 01 77",
    "E-mail": "elif@mail.example", "Address": "Bağdat Cd. 4", "Sex": "Female", "Language": "Türkçe",
}  # fmt: skip
VACCINATED = dt.date(2026, 2, 20)  # so no needle before 6 March
FIRST_DAY = dt.date(2026, 3, 10)


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
    doctor.measure(Weight="65", Height="168", **{"ASA class": "I", "Skin type": "III"})
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
    desk.see("Next window")
    assert Appointment.objects.filter(patient__given_name="Elif").count() == 3
