"""The page “What can this patient have?”: sorted, with reasons in words, and a way into the plan."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.choices import AccessCategory, Role
from clinic.models import AccessEvent, User
from patients.models import Patient, QuestionnaireResponse
from protocols import catalogue
from protocols.models import Enablement
from tests import factories
from tests.healthy import answered, healthy_answers, make_healthy, measured

pytestmark = pytest.mark.django_db


@pytest.fixture
def doctor() -> User:
    return factories.make_user(Role.PRACTITIONER, name="Dr Amina Haddad")


@pytest.fixture
def patient(doctor: User) -> Patient:
    """Healthy, but allergic to lidocaine's kind and inclined to thick scars."""
    patient = factories.make_patient(factories.make_site(name="Halden Clinic"))
    answered(patient, q_allergy=["amide"], q_keloid="yes")
    measured(patient, doctor)
    return patient


def address(patient: Patient, query: str = "") -> str:
    return reverse("patient-options", args=[patient.public_id]) + query


def words_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def groups_of(page: str) -> list[str]:
    return re.findall(r'id="is-([a-z-]+)"', page)


def row_of(page: str, title: str) -> str:
    [row] = [one for one in page.split('<li class="option"')[1:] if f"<h3>{title}</h3>" in one]
    return row


def test_outcomes_stand_best_first_with_what_holds_for_all_said_once(client: Client, patient: Patient, doctor: User) -> None:
    page = words_of(factories.signed_in(client, doctor).get(address(patient)))
    assert groups_of(page) == ["needs-clearance", "incomplete", "not-usable", "blocked"]
    assert page.count("Needle marks could scar.") == 1
    assert "For every treatment: 1 finding" in page
    assert reverse("patient-explanation", args=[patient.public_id, "scr-keloid"]) in page


def test_a_healthy_patient_can_have_most_things(client: Client, doctor: User) -> None:
    healthy = make_healthy(factories.make_patient(factories.make_site()), doctor)
    page = words_of(factories.signed_in(client, doctor).get(address(healthy)))
    assert groups_of(page)[0] == "cleared"
    assert "For every treatment" not in page
    assert "Nothing found." in row_of(page, "Dry, dehydrated skin")


def test_a_blocked_mixture_names_its_reason_and_the_permitted_substitutes(
    client: Client, patient: Patient, doctor: User
) -> None:
    row = row_of(words_of(factories.signed_in(client, doctor).get(address(patient))), "Diffuse shedding, cause treated")
    assert "The plan contains something the patient is allergic to." in row
    assert "<code>scr-allergy</code>" in row
    assert "<b>Concerns</b> Lidocaine without adrenaline" in row
    assert "Procaine 20 mg/ml, 0.5 ml instead of: Lidocaine without adrenaline" in row
    assert "The same mixture without: Lidocaine without adrenaline" in row
    assert "Plan this" not in row


def test_from_a_permitted_row_the_course_opens_with_indication_and_mixture_chosen(
    client: Client, patient: Patient, doctor: User
) -> None:
    browser = factories.signed_in(client, doctor)
    row = row_of(words_of(browser.get(address(patient))), "Dry, dehydrated skin")
    [link] = re.findall(r'href="([^"]+courses/new/[^"]+)"', row)
    course = browser.get(link.replace("&amp;", "&")).content.decode()
    assert 'value="ind-hydration" selected' in course
    assert "ck-face-hydra" in course


def test_what_is_locked_says_who_can_open_it_and_opens_when_they_did(client: Client, patient: Patient, doctor: User) -> None:
    browser = factories.signed_in(client, doctor)
    locked = row_of(words_of(browser.get(address(patient))), "Vitiligo")
    assert "locked until the medical lead records the legal basis" in locked
    assert "The medical lead records the legal basis for this country." in locked
    lead = factories.make_user(Role.MEDICAL_LEAD)
    Enablement.objects.create(
        code="ind-vitiligo", site=patient.registered_at, legal_basis="National licence 12", country="IT", enabled_by=lead,
        enabled_at=timezone.now(), reason="Trial of the university",
    )  # fmt: skip
    opened = row_of(words_of(browser.get(address(patient))), "Vitiligo")
    assert "locked until" not in opened


def test_what_is_refused_stands_there_with_its_reason(client: Client, patient: Patient, doctor: User) -> None:
    page = words_of(factories.signed_in(client, doctor).get(address(patient)))
    refused = page.split("Not done here")[1]
    assert "<b>Ringworm.</b>" in refused
    assert "needles would spread it" in refused


def test_the_filter_shows_one_category_and_an_unknown_one_shows_all(client: Client, patient: Patient, doctor: User) -> None:
    browser = factories.signed_in(client, doctor)
    hair = words_of(browser.get(address(patient, "?category=hair")))
    assert set(re.findall(r'data-category="([^"]+)"', hair)) == {"hair"}
    everything = words_of(browser.get(address(patient, "?category=%00nonsense")))
    assert len(set(re.findall(r'data-category="([^"]+)"', everything))) > 4


def test_an_unanswered_question_makes_only_its_plans_incomplete(client: Client, doctor: User) -> None:
    site = factories.make_site()
    patient = factories.make_patient(site)
    given = {key: value for key, value in healthy_answers().items() if key != "q-hairloss"}
    QuestionnaireResponse.objects.create(
        patient=patient, questionnaire=catalogue.current_questionnaire(), language="en", answers=given,
        submitted_at=timezone.now(), submitted_kind="patient", signed_name=patient.name,
    )  # fmt: skip
    measured(patient, doctor)
    page = words_of(factories.signed_in(client, doctor).get(address(patient)))
    assert "Still to ask for this plan:" in row_of(page, "Diffuse shedding, cause treated")
    assert "Still to ask" not in row_of(page, "Stretch marks")


def test_a_follow_up_still_open_stands_behind_its_question(client: Client, doctor: User) -> None:
    patient = factories.make_patient(factories.make_site())
    answered(patient, q_anticoagulant="yes")
    measured(patient, doctor)
    row = row_of(words_of(factories.signed_in(client, doctor).get(address(patient))), "Stretch marks")
    assert "Do you take a blood thinner (warfarin, apixaban, rivaroxaban, heparin…)? Which one?" in row


def test_it_speaks_the_readers_turkish(client: Client, patient: Patient) -> None:
    reader = factories.make_user(Role.MEDICAL_LEAD, language="tr")
    page = words_of(factories.signed_in(client, reader).get(address(patient)))
    assert "Bu hastaya ne uygulanabilir?" in page
    assert "Bunun yerine izin verilenler" in page
    assert "şunun yerine: " in page


def test_only_clinical_roles_see_it_and_the_look_is_in_the_log(client: Client, patient: Patient, doctor: User) -> None:
    for role in (Role.FRONT_DESK, Role.MANAGER):
        assert factories.signed_in(client, factories.make_user(role)).get(address(patient)).status_code == 403
    elsewhere = factories.make_user(Role.PRACTITIONER, site=factories.make_site())
    assert factories.signed_in(client, elsewhere).get(address(patient)).status_code == 404
    factories.signed_in(client, doctor).get(address(patient))
    look = AccessEvent.objects.get(category=AccessCategory.VIEW, page="patient-options")
    assert look.patient_public_id == patient.public_id


def test_the_page_takes_the_same_queries_whoever_the_patient_is(
    client: Client, patient: Patient, doctor: User, django_assert_num_queries: Callable[..., Any]
) -> None:
    browser = factories.signed_in(client, doctor)
    browser.get(address(patient))
    healthy = make_healthy(factories.make_patient(patient.registered_at), doctor)
    for one in (patient, healthy):
        with django_assert_num_queries(15):
            assert browser.get(address(one)).status_code == 200
