"""The main job, from registration to the check-in mail, as the people of a clinic do it in a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import PHONE
from tests.journey.clinic import MONDAY, a_clinic_in_istanbul, somebody_of_the_same_name
from tests.journey.conftest import Clock, Looked, Post
from tests.journey.steps import FrontDesk, PatientAtAPhone, in_turkish, link_in

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
ELIF = {
    "Given name": "Elif", "Family name": "Yılmaz", "Birth date": "1984-08-09", "Phone": "0532 555 01 77",
    "E-mail": "elif@mail.example", "Address": "Bağdat Cd. 4", "Sex": "Female", "Language": "Türkçe",
}  # fmt: skip


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
    phone.answer_until("q-vaccine", q_allergy="fish", q_cold_sores="yes", q_vaccine="yes")
    print(in_turkish("Next"))
