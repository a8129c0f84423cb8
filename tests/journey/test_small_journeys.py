"""Two shorter ways: a patient without e-mail, and one whom a rule keeps from what was wished."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from patients.models import Allergy, PatientLink
from sessions.models import Course
from tests import factories
from tests.healthy import answered
from tests.journey.clinic import MONDAY, a_clinic_in_istanbul
from tests.journey.conftest import Clock, Looked
from tests.journey.steps import FrontDesk, PatientAtAPhone, Practitioner

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


@pytest.fixture(autouse=True)
def _without_second_factor(settings: Any) -> None:
    settings.REQUIRE_MFA = False


def test_without_an_address_a_code_is_shown_or_the_tablet_is_handed_over(
    at_a_screen: Callable[..., Page], clock: Clock, looked: Looked
) -> None:
    # Given a patient without e-mail
    clock.to(MONDAY)
    clinic = a_clinic_in_istanbul()
    factories.make_patient(
        clinic.site, given_name="Işıl", family_name="Kılıç", email="", language="tr", birth_date=clinic.birth_date
    )
    desk = FrontDesk(at_a_screen(), clinic.desk, looked)
    desk.sign_in()
    # When the desk asks for her answers, mail is not offered; a code is
    desk.find("isil kilic")  # any of the four Turkish i finds her
    desk.open_the_health_questions()
    desk.see("There is no e-mail address on this record.")
    desk.show_the_code()
    expect(desk.page.get_by_role("img", name="Code of the patient's link")).to_be_visible()
    assert PatientLink.objects.count() == 1
    # Or the tablet is handed over: the desk is signed out on it, and the birth date is asked first
    desk.page.go_back()
    desk.hand_over_the_tablet()
    tablet = PatientAtAPhone(desk.page, looked, birth_date=clinic.birth_date.isoformat())
    tablet.say_the_birth_date()
    tablet.press("Start")
    assert tablet.at_question()
    desk.page.goto("/patients/")
    expect(desk.page.get_by_label("Password")).to_be_visible()


def test_a_fish_allergy_closes_a_course_with_polynucleotides(
    at_a_screen: Callable[..., Page], clock: Clock, looked: Looked
) -> None:
    # Given a patient who is allergic to fish
    clock.to(MONDAY)
    clinic = a_clinic_in_istanbul()
    marta = factories.make_patient(clinic.site, given_name="Marta", family_name="Ruiz")
    answered(marta, q_allergy=["fish"])
    Allergy.objects.create(patient=marta, allergen="fish", recorded_at=timezone.now())
    doctor = Practitioner(at_a_screen(), clinic.doctor, looked)
    doctor.sign_in()
    doctor.find("Marta Ruiz")
    # When a mixture with polynucleotides is chosen
    doctor.plan("Dark circles, fine lines around the eyes", clinic.in_a_week, "10:00")
    # Then the finding says why, and Propose is closed with that sentence
    doctor.see("Blocked")
    propose = doctor.page.get_by_role("button", name="Propose this course")
    expect(propose).to_be_disabled()
    expect(doctor.page.locator("#propose .refusal")).to_contain_text("allerg", ignore_case=True)
    doctor.look("course-new, blocked")
    assert not Course.objects.exists()
