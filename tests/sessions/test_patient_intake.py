"""The health questions from link to signature: drafts, follow-ups, what is missing, freezing, screening."""
from __future__ import annotations

import datetime as dt
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import DatabaseError, connections, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import AuditEvent
from patients import intake, links
from patients.asking import patient_questions
from patients.labels import LinkPurpose
from patients.models import Allergy, Medicine, Patient, PatientLink, QuestionnaireResponse
from patients.questionnaire import Kind
from protocols import catalogue
from sessions.models import Screening
from tests import factories
from tests.patients.forms import hidden_of
from tests.sessions.ownpages import wait_in_vain

pytestmark = pytest.mark.django_db
BORN = dt.date(1984, 8, 9)


def issue(patient: Patient) -> tuple[PatientLink, str]:
    desk = Doer.staff(factories.make_user(Role.FRONT_DESK), patient.registered_at)
    return links.issue(
        patient=patient, site=patient.registered_at, purpose=LinkPurpose.INTAKE,
        expires_at=timezone.now() + dt.timedelta(days=7), by=desk,
    )  # fmt: skip


@pytest.fixture
def patient() -> Patient:
    return factories.make_patient(birth_date=BORN, sex="female", given_name="Nadia", family_name="Rahman")


@pytest.fixture
def phone(client: Client, patient: Patient) -> Client:
    """A browser behind the gate."""
    enter(client, patient)
    return client


def enter(client: Client, patient: Patient) -> None:
    client.get(reverse("patient-link", args=[issue(patient)[1]]))
    assert client.post(reverse("patient-gate"), {"birth_date": patient.birth_date.isoformat()}).status_code == 302


def page(key: str) -> str:
    return reverse("patient-intake-question", args=[key])


def questions(sex: str = "female") -> list[Any]:
    return patient_questions(catalogue.questions_of(catalogue.current_questionnaire()), sex=sex)


def healthy(sex: str = "female") -> dict[str, Any]:
    return {one.key: ([one.healthy] if one.kind in (Kind.LIST, Kind.NAMES) else one.healthy) for one in questions(sex)}


def answer_everything(phone: Client, **changes: Any) -> None:
    for key, value in (healthy() | changes).items():
        assert phone.post(page(key), {key: value}).status_code == 302, key


def draft(patient: Patient) -> QuestionnaireResponse:
    return QuestionnaireResponse.objects.get(patient=patient, submitted_at=None)


def sign(phone: Client, name: str = "Nadia Rahman") -> Any:
    html = phone.get(reverse("patient-intake-overview")).content.decode()
    return phone.post(reverse("patient-intake-sign"), {**hidden_of(html), "signed_name": name})


def test_from_the_first_question_to_the_signature(phone: Client, patient: Patient) -> None:
    start = phone.get(reverse("patient-intake")).content.decode()
    assert "Hello Nadia" in start
    answer_everything(phone)
    answer = sign(phone)
    assert (answer.status_code, answer.url) == (302, reverse("patient-intake-thanks"))
    assert "Thank you" in phone.get(answer.url).content.decode()
    response = QuestionnaireResponse.objects.get(patient=patient)
    assert (response.submitted_kind, response.signed_name) == ("patient", "Nadia Rahman")
    assert response.wording["q-stroke"]["answered"] == "No"
    assert "stroke" in response.wording["q-stroke"]["asked"]
    assert Screening.objects.filter(patient=patient, stage="intake").count() == 1
    assert AuditEvent.objects.filter(action="intake-submitted", patient_public_id=patient.public_id).count() == 1
    patient.refresh_from_db()
    assert patient.no_known_allergies_on == patient.registered_at.today()


def test_opening_pages_writes_nothing(phone: Client, patient: Patient) -> None:
    for url in (reverse("patient-intake"), page("q-stroke"), reverse("patient-intake-overview")):
        assert phone.get(url).status_code == 200
    assert not QuestionnaireResponse.objects.exists()


def test_each_answer_is_a_draft_at_once_and_stays_after_reloading(phone: Client, patient: Patient) -> None:
    answer = phone.post(page("q-stroke"), {"q-stroke": "tia"}, headers={"X-Autosave": "1"})
    assert answer.json()["wrong"] == {}
    assert draft(patient).answers == {"q-stroke": "tia"}
    html = phone.get(page("q-stroke")).content.decode()
    assert 'value="tia" checked' in html


def test_without_a_script_next_shows_what_follows(phone: Client, patient: Patient) -> None:
    answer = phone.post(page("q-mi"), {"q-mi": "yes", "go": "next"})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="q-mi-date"' in html
    assert "Please answer this question." in html
    assert draft(patient).answers == {"q-mi": "yes"}
    assert phone.post(page("q-mi"), {"q-mi": "yes", "q-mi-date": "2020-05-01"}).status_code == 302
    assert draft(patient).answers == {"q-mi": "yes", "q-mi-date": "2020-05-01"}


def test_a_changed_answer_takes_its_follow_up_away(phone: Client, patient: Patient) -> None:
    phone.post(page("q-mi"), {"q-mi": "yes", "q-mi-date": "2020-05-01"})
    phone.post(page("q-mi"), {"q-mi": "no", "q-mi-date": "2020-05-01"})
    assert draft(patient).answers == {"q-mi": "no"}


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("q-mi", {"q-mi": "yes", "q-mi-date": "2999-01-01"}),
        ("q-mi", {"q-mi": "yes", "q-mi-date": "1984-02-31"}),
        ("q-mi", {"q-mi": "yes", "q-mi-date": "01.02.2020"}),
        ("q-mi", {"q-mi": "yes", "q-mi-date": "\x00"}),
        ("q-heart", {"q-heart": "yes", "q-heart-medicines": "many"}),
        ("q-heart", {"q-heart": "yes", "q-heart-medicines": "21"}),
        ("q-heart", {"q-heart": "yes", "q-heart-medicines": "-1"}),
        ("q-heart", {"q-heart": "yes", "q-heart-medicines": "1e3"}),
        ("q-anticoagulant", {"q-anticoagulant": "yes", "q-anticoagulant-name": "x" * 201}),
        ("q-anticoagulant", {"q-anticoagulant": "yes", "q-anticoagulant-name": "war\u202efarin"}),
        ("q-anticoagulant", {"q-anticoagulant": "yes", "q-anticoagulant-name": "a\x00b"}),
        ("q-stroke", {"q-stroke": "perhaps"}),
        ("q-stroke", {"q-stroke": "<script>alert(1)</script>"}),
        ("q-allergy", {"q-allergy": ["none", "amide"]}),
        ("q-allergy", {"q-allergy": ["'; DROP TABLE patients_patient;--"]}),
        ("q-medicines", {"q-medicines.lines": "y" * 121}),
        ("q-medicines", {"q-medicines": "none", "q-medicines.lines": "aspirin"}),
        ("q-cancer", {"q-cancer": "now", "q-cancer-area": ["reg-moon"]}),
    ],
)
def test_bad_answers_are_refused_beside_the_field_and_not_stored(
    phone: Client, patient: Patient, key: str, values: dict[str, Any]
) -> None:
    answer = phone.post(page(key), values)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "field-error" in html
    assert "<script>alert" not in html
    wrong = list(values)[-1].removesuffix(".lines") if len(values) > 1 else key
    assert wrong not in draft(patient).answers


def test_what_was_typed_wrong_is_shown_again(phone: Client, patient: Patient) -> None:
    html = phone.post(page("q-heart"), {"q-heart": "yes", "q-heart-medicines": "about five"}).content.decode()
    assert 'value="about five"' in html
    assert 'value="yes" checked' in html


def test_answers_for_staff_and_foreign_keys_are_not_taken_from_a_patient(phone: Client, patient: Patient) -> None:
    phone.post(page("q-allergy"), {"q-allergy": ["other"], "q-allergy-other": "strawberries",
                                   "q-allergy-other-mapped": ["none"], "q-stroke": "no"})  # fmt: skip
    assert draft(patient).answers == {"q-allergy": ["other"], "q-allergy-other": "strawberries"}


def test_an_unknown_question_is_no_page(phone: Client) -> None:
    for key in ("q-nonsense", "q-partner", "x" * 500):
        assert phone.get(page(key)).status_code == 404


def test_the_overview_names_what_is_missing_and_refuses_to_sign(phone: Client, patient: Patient) -> None:
    answer_everything(phone)
    phone.post(page("q-stroke"), {})
    html = phone.get(reverse("patient-intake-overview")).content.decode()
    assert "1 answer is missing" in html
    assert page("q-stroke") in html
    answer = sign(phone)
    assert answer.status_code == 422
    assert draft(patient).submitted_at is None
    assert not Screening.objects.exists()


@pytest.mark.parametrize("name", ["", "   ", "12345", "x" * 161, "Na\x00dia", "Na\u202edia"])
def test_a_signature_is_a_typed_name(phone: Client, patient: Patient, name: str) -> None:
    answer_everything(phone)
    assert sign(phone, name).status_code == 422
    assert draft(patient).submitted_at is None


def test_an_answer_changed_in_another_tab_is_shown_before_signing(phone: Client, patient: Patient) -> None:
    answer_everything(phone)
    seen = hidden_of(phone.get(reverse("patient-intake-overview")).content.decode())
    phone.post(page("q-stroke"), {"q-stroke": "tia"})
    answer = phone.post(reverse("patient-intake-sign"), {**seen, "signed_name": "Nadia Rahman"})
    assert answer.status_code == 409
    again = hidden_of(answer.content.decode())
    assert phone.post(reverse("patient-intake-sign"), {**again, "signed_name": "Nadia Rahman"}).status_code == 302
    assert QuestionnaireResponse.objects.get(patient=patient).answers["q-stroke"] == "tia"


def test_a_second_click_on_sign_thanks_again_and_signs_once(phone: Client, patient: Patient) -> None:
    answer_everything(phone)
    values = {**hidden_of(phone.get(reverse("patient-intake-overview")).content.decode()), "signed_name": "Nadia"}
    for _click in range(2):
        answer = phone.post(reverse("patient-intake-sign"), values)
        assert (answer.status_code, answer.url) == (302, reverse("patient-intake-thanks"))
    assert AuditEvent.objects.filter(action="intake-submitted").count() == 1


def test_what_another_tab_sends_after_signing_is_told_and_shown_not_thanked(phone: Client, patient: Patient) -> None:
    answer_everything(phone)
    assert sign(phone).status_code == 302
    late = phone.post(page("q-stroke"), {"q-stroke": "tia", "go": "next"})
    html = late.content.decode()
    assert late.status_code == 409
    assert "did not reach us" in html
    assert "Thank you" not in html
    assert "stroke" in html.partition("What you typed on this page")[2]
    assert QuestionnaireResponse.objects.get(patient=patient).answers["q-stroke"] == "no"
    assert phone.post(page("q-stroke"), {"q-stroke": "\x00<b>", "go": "next"}).status_code == 409
    other = phone.post(reverse("patient-intake-sign"), {"signed_name": "Somebody Else", "form_token": "another-token-01"})
    assert other.status_code == 409


@pytest.mark.parametrize("verb", ["save_draft", "submit"])
def test_a_busy_moment_loses_nothing_typed(
    phone: Client, patient: Patient, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    answer_everything(phone)
    monkeypatch.setattr(intake, verb, wait_in_vain)
    answer = phone.post(page("q-stroke"), {"q-stroke": "tia"}) if verb == "save_draft" else sign(phone)
    html = answer.content.decode()
    assert answer.status_code in {409, 422}
    assert "Nothing was changed; please send it again." in html
    assert re.search(r'value="tia"[^>]* checked' if verb == "save_draft" else 'value="Nadia Rahman"', html)


def test_after_signing_the_link_is_spent_and_the_answers_are_frozen(phone: Client, patient: Patient) -> None:
    _other_link, other_token = issue(patient)
    answer_everything(phone)
    sign(phone)
    assert Client().get(reverse("patient-link", args=[other_token])).status_code == 404
    assert phone.get(page("q-stroke")).status_code == 302  # to the thanks
    response = QuestionnaireResponse.objects.get(patient=patient)
    with pytest.raises(DatabaseError), transaction.atomic():
        QuestionnaireResponse.objects.filter(pk=response.pk).update(answers={})


def test_named_allergies_and_medicines_reach_the_record_unclassed(phone: Client, patient: Patient) -> None:
    answer_everything(phone, **{"q-allergy": ["amide", "latex"]})
    phone.post(page("q-medicines"), {"q-medicines.lines": "Bisoprolol 5 mg\n nettle tea \n\nbisoprolol 5 MG"})
    phone.post(page("q-anticoagulant"), {"q-anticoagulant": "yes", "q-anticoagulant-name": "Warfarin"})
    sign(phone)
    assert set(Allergy.objects.filter(patient=patient).values_list("allergen", flat=True)) == {"amide", "latex"}
    medicines = {medicine.name: medicine.classes for medicine in Medicine.objects.filter(patient=patient)}
    assert medicines == {"Bisoprolol 5 mg": None, "nettle tea": None, "Warfarin": None}
    patient.refresh_from_db()
    assert patient.no_known_allergies_on is None


def test_an_answer_takes_no_allergy_away(phone: Client, patient: Patient) -> None:
    Allergy.objects.create(patient=patient, allergen="amide", recorded_at=timezone.now())
    answer_everything(phone)
    sign(phone)
    assert patient.allergies.filter(ended_at=None).count() == 1
    patient.refresh_from_db()
    assert patient.no_known_allergies_on is None


def test_what_was_typed_on_a_page_that_ran_out_travels_through_the_gate(
    client: Client, patient: Patient, at: Any
) -> None:
    at("2026-03-12T10:00+00:00")
    enter(client, patient)
    at("2026-03-12T12:30+00:00")
    answer = client.post(page("q-stroke"), {"q-stroke": "tia", "go": "next"})
    html = answer.content.decode()
    assert answer.status_code == 403
    assert 'name="q-stroke" value="tia"' in html
    kept = {"birth_date": "1984-08-09", "q-stroke": "tia", "go": "next", "back": page("q-stroke")}
    answer = client.post(reverse("patient-gate"), kept)
    assert (answer.status_code, answer.url) == (307, page("q-stroke"))
    assert client.post(answer.url, kept).status_code == 302
    assert draft(patient).answers == {"q-stroke": "tia"}


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/my/intake/", "/staff/"])
def test_the_gate_sends_answers_nowhere_else(client: Client, patient: Patient, back: str) -> None:
    client.get(reverse("patient-link", args=[issue(patient)[1]]))
    answer = client.post(reverse("patient-gate"), {"birth_date": "1984-08-09", "q-stroke": "no", "back": back})
    assert (answer.status_code, answer.url) == (302, reverse("patient-intake"))


def test_the_questions_are_asked_and_kept_in_turkish(client: Client, patient: Patient) -> None:
    Patient.objects.filter(pk=patient.pk).update(language="tr")
    enter(client, patient)
    html = client.get(page("q-stroke")).content.decode()
    assert '<html lang="tr"' in html
    assert "inme" in html.lower() or "felç" in html.lower()
    answer_everything(client)
    sign(client)
    assert QuestionnaireResponse.objects.get(patient=patient).wording["q-stroke"]["answered"] == "Hayır"


def test_a_man_is_not_asked_about_pregnancy() -> None:
    assert "q-pregnant" not in {question.key for question in questions("male")}
    assert "q-pregnant" in {question.key for question in questions("other")}


def test_two_open_pages_lose_nothing(patient: Patient) -> None:
    every = catalogue.questions_of(catalogue.current_questionnaire())
    response = intake.start(patient=patient, questionnaire=catalogue.current_questionnaire(), language="en")
    today = patient.registered_at.today()
    for key in ("q-stroke", "q-clot"):  # both pages were opened before either saved
        intake.save_draft(response=response, question=every[key], given={key: "no"}, questions=every, today=today)
    assert draft(patient).answers == {"q-stroke": "no", "q-clot": "no"}


@pytest.mark.django_db(transaction=True)
def test_signing_looks_only_when_nobody_else_writes_answers(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what is signed later would be stamped earlier, or say something about answers that are no longer the last."""
    questionnaire = catalogue.current_questionnaire()
    response = intake.start(patient=patient, questionnaire=questionnaire, language="en")
    looked = threading.Event()

    def look(*_args: object) -> None:
        looked.set()
        raise Refused("that is enough")

    def sign_it() -> None:
        try:
            intake.submit(
                response=response, questions=catalogue.questions_of(questionnaire), seen_version=response.version,
                signed_name="Nadia", language="en", today=patient.registered_at.today(),
                by=Doer.patient(patient.public_id, "patient by link"),
            )  # fmt: skip
        finally:
            connections.close_all()

    monkeypatch.setattr(intake, "missing", look)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Patient.objects.select_for_update().get(pk=patient.pk)  # as `changes_before.answer` does
            signing = pool.submit(sign_it)
            assert not looked.wait(1)
        with pytest.raises(Refused, match="that is enough"):
            signing.result()
    assert looked.is_set()
