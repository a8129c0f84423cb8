"""Asking for answers, measurements, medicines and allergies: the staff's pages."""
from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.choices import Role
from clinic.models import AuditEvent
from patients.models import Allergy, Measurement, Medicine, Patient, PatientLink
from sessions.models import Message, Screening
from tests import factories
from tests.patients.forms import hidden_of, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient() -> Patient:
    return factories.make_patient(given_name="Nadia", family_name="Rahman")


@pytest.fixture
def desk(client: Client, patient: Patient) -> Client:
    return factories.signed_in(client, factories.make_user(Role.FRONT_DESK))


@pytest.fixture
def doctor(client: Client, patient: Patient) -> Client:
    return factories.signed_in(client, factories.make_user(Role.PRACTITIONER))


def url(name: str, patient: Patient, *more: str) -> str:
    return reverse(name, args=[patient.public_id, *more])


# --- asking -------------------------------------------------------------------------------------------------------------
def test_sending_puts_one_mail_into_the_outbox_however_often_one_clicks(desk: Client, patient: Patient) -> None:
    page = url("intake-send", patient)
    values = hidden_of(desk.get(page).content.decode())
    assert [desk.post(page, values).status_code for _click in range(2)] == [302, 302]
    message = Message.objects.get(patient=patient)
    assert message.recipient == patient.email
    assert patient.email in desk.get(page).content.decode()


def test_a_patient_without_address_gets_a_code_instead(desk: Client, patient: Patient) -> None:
    Patient.objects.filter(pk=patient.pk).update(email="")
    assert "There is no e-mail address" in desk.get(url("intake-send", patient)).content.decode()
    html = desk.post(url("intake-qr", patient), {"form_token": "qr-1"}).content.decode()
    assert "<svg" in html
    assert "/p/" not in html  # the address is in the code alone
    link = PatientLink.objects.get(patient=patient)
    assert link.expires_at < timezone.now() + timezone.timedelta(days=1, minutes=1)


def test_the_code_leads_to_the_gate(desk: Client, patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    from sessions.views import intake

    monkeypatch.setattr(intake, "render", lambda request, name, context: shown.append(context["address"]) or intake.redirect("/"))
    desk.post(url("intake-qr", patient), {"form_token": "qr-1"})
    assert shown[0].startswith(f"{settings.BASE_URL}/p/")
    assert Client().get(shown[0].removeprefix(settings.BASE_URL)).status_code == 302


def test_a_double_click_makes_one_link_and_shows_the_same_code(desk: Client, patient: Patient) -> None:
    pages = [desk.post(url("intake-qr", patient), {"form_token": "qr-1"}).content.decode() for _ in range(2)]
    codes = [re.search(r"<svg.*?</svg>", page[page.index("<main") :], re.DOTALL).group() for page in pages]
    assert codes[0] == codes[1]
    assert PatientLink.objects.filter(patient=patient).count() == 1
    desk.post(url("intake-qr", patient), {"form_token": "qr-2"})
    assert PatientLink.objects.filter(patient=patient).count() == 2
    assert desk.post(url("intake-qr", patient)).status_code == 409  # a form without its token does nothing
    assert PatientLink.objects.filter(patient=patient).count() == 2


def test_handing_the_device_over_signs_the_staff_out(desk: Client, patient: Patient) -> None:
    answer = desk.post(url("intake-desk", patient), {"form_token": "desk-1"})
    assert re.fullmatch(r"/p/[A-Za-z0-9_-]{43}/", answer.url)
    assert "_auth_user_id" not in desk.session
    assert desk.get(reverse("patients")).status_code == 302
    assert "birth_date" in desk.get(answer.url, follow=True).content.decode()


def test_looking_at_the_page_issues_nothing(desk: Client, patient: Patient) -> None:
    for name in ("intake-send", "intake-qr", "intake-desk"):
        assert desk.get(url(name, patient), follow=True).status_code == 200
    assert not PatientLink.objects.exists()
    assert not Message.objects.exists()


# --- measurements -------------------------------------------------------------------------------------------------------
def test_several_readings_are_saved_at_once_and_screened(doctor: Client, patient: Patient) -> None:
    answer = send(doctor, url("measurements", patient), {
        "taken_on": patient.registered_at.today().isoformat(), "m-bp": "120", "m-bp-second": "75", "m-weight": "62,5",
        "m-asa": "I", "m-fitzpatrick": "III", "m-cops": "8", "m-pregnancy-test": "negative",
    })  # fmt: skip
    assert answer.status_code == 302
    rows = {row.code: row for row in Measurement.objects.filter(patient=patient)}
    assert set(rows) == {"m-bp", "m-weight", "m-asa", "m-fitzpatrick", "m-cops", "m-pregnancy-test"}
    assert (rows["m-weight"].value, rows["m-bp"].second, rows["m-asa"].text) == (Decimal("62.5"), 75, "I")
    assert Screening.objects.filter(patient=patient).count() == 1
    html = doctor.get(url("measurements", patient)).content.decode()
    assert "120/75 mmHg" in html
    assert "62.5 kg" in html


def test_a_slip_is_refused_with_the_one_tap_correction_and_nothing_saved(doctor: Client, patient: Patient) -> None:
    answer = send(doctor, url("measurements", patient), {
        "taken_on": patient.registered_at.today().isoformat(), "m-weight": "620", "m-cops": "8",
    })  # fmt: skip
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "620 kg is above 250 kg. Did you mean 62.0 kg?" in html
    assert 'data-use="62.0" data-for="id_m-weight"' in html
    assert 'value="620"' in html
    assert not Measurement.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("m-weight", "-5"), ("m-weight", "heavy"), ("m-weight", "6" * 13), ("m-weight", "1e3"), ("m-weight", "\x00"),
        ("m-weight", "\u202e26"), ("m-weight", "<b>62</b>"), ("m-weight", "62; DROP TABLE"), ("m-weight", "٦٢"),
        ("m-weight", "NaN"), ("m-bp", "120"), ("m-bp-second", "75"), ("m-asa", "IX"), ("m-cops", "73"),
        ("m-hba1c", "53"), ("m-inr", "0.4"), ("m-platelets", "2001"), ("m-pregnancy-test", "maybe"),
        ("taken_on", "2999-01-01"), ("taken_on", "1960-01-01"), ("taken_on", "2026-02-30"), ("taken_on", ""),
    ],
)  # fmt: skip
def test_bad_readings_are_refused_beside_their_field(doctor: Client, patient: Patient, field: str, value: str) -> None:
    good = {"taken_on": patient.registered_at.today().isoformat(), "m-height": "172"}
    answer = send(doctor, url("measurements", patient), good | {field: value})
    assert answer.status_code == 422
    errors = answer.context["form"].errors
    assert set(errors) <= {field, f"{field}-second", field.removesuffix("-second")}
    assert errors
    assert answer.context["form"][field].value() == value
    assert not Measurement.objects.exists()


def test_an_empty_form_says_what_to_do(doctor: Client, patient: Patient) -> None:
    answer = send(doctor, url("measurements", patient), {"taken_on": patient.registered_at.today().isoformat()})
    assert answer.status_code == 422
    assert "Enter at least one reading." in answer.content.decode()


def test_a_withdrawn_reading_stays_struck_with_its_reason(doctor: Client, patient: Patient) -> None:
    send(doctor, url("measurements", patient), {"taken_on": patient.registered_at.today().isoformat(), "m-weight": "62"})
    one = Measurement.objects.get()
    page = url("measurement-withdraw", patient, one.public_id)
    assert send(doctor, page, {"reason": ""}).status_code == 422
    assert send(doctor, page, {"reason": "the other Nadia"}).status_code == 302
    html = doctor.get(url("measurements", patient)).content.decode()
    assert "<s>62 kg</s>" in html
    assert "the other Nadia" in html


# --- medicines and allergies ----------------------------------------------------------------------------------------------
def test_a_medicine_is_added_classed_and_ended(doctor: Client, patient: Patient) -> None:
    page = url("medicines", patient)
    assert send(doctor, page, {}).status_code == 405
    values = {**hidden_of(doctor.get(page).content.decode()), "name": "Bisoprolol 5 mg"}
    form = doctor.get(page).context["medicine_form"]
    values["form_token"] = form["form_token"].value()
    assert doctor.post(url("medicine-add", patient), values).status_code == 302
    medicine = Medicine.objects.get(patient=patient)
    assert "Not classed" in doctor.get(page).content.decode()
    class_page = url("medicine-class", patient, medicine.public_id)
    assert send(doctor, class_page, {}).status_code == 422
    assert send(doctor, class_page, {"classes": ["med-anticoagulant"], "none_of_these": "on"}).status_code == 422
    assert send(doctor, class_page, {"classes": ["med-nonsense"]}).status_code == 422
    assert send(doctor, class_page, {"none_of_these": "on"}).status_code == 302
    medicine.refresh_from_db()
    assert (medicine.classes, medicine.version) == ([], 2)
    stale = {"form_token": form["form_token"].value() + "x", "seen_version": "1"}
    assert doctor.post(url("medicine-end", patient, medicine.public_id), stale).status_code == 409
    fresh = {"form_token": "another", "seen_version": "2"}
    assert doctor.post(url("medicine-end", patient, medicine.public_id), fresh).status_code == 302
    assert AuditEvent.objects.filter(action__startswith="medicine-").count() == 3


@pytest.mark.parametrize("name", ["", "x" * 121, "a\x00b", "\u202ebisoprolol"])
def test_a_bad_medicine_name_is_refused(doctor: Client, patient: Patient, name: str) -> None:
    answer = doctor.post(url("medicine-add", patient), {"form_token": "t", "name": name})
    assert answer.status_code == 422
    assert "name" in answer.context["medicine_form"].errors
    assert not Medicine.objects.exists()


def test_two_classing_at_once_the_second_is_told(doctor: Client, patient: Patient) -> None:
    medicine = Medicine.objects.create(patient=patient, name="Warfarin", recorded_at=timezone.now())
    page = url("medicine-class", patient, medicine.public_id)
    mine = hidden_of(doctor.get(page).content.decode())
    send(doctor, page, {"classes": ["med-anticoagulant"]})
    answer = doctor.post(page, {**mine, "none_of_these": "on"})
    assert answer.status_code == 422
    assert "Somebody else changed this medicine" in answer.content.decode()
    medicine.refresh_from_db()
    assert medicine.classes == ["med-anticoagulant"]


def test_no_known_allergies_is_an_entry_of_its_own(doctor: Client, patient: Patient) -> None:
    page = url("medicines", patient)
    assert "Nobody has said yet" in doctor.get(page).content.decode()
    assert doctor.post(url("allergy-none", patient), {"form_token": "one"}).status_code == 302
    assert "No known allergies, stated on" in doctor.get(page).content.decode()
    assert "No known allergies" in doctor.get(url("patient", patient)).content.decode()
    values = {"form_token": "two", "allergen": "amide", "note": "hives after the dentist", "severe": "on"}
    assert doctor.post(url("allergy-add", patient), values).status_code == 302
    patient.refresh_from_db()
    assert patient.no_known_allergies_on is None
    assert doctor.post(url("allergy-none", patient), {"form_token": "three"}).status_code == 409
    allergy = Allergy.objects.get(patient=patient)
    end = url("allergy-end", patient, allergy.public_id)
    assert send(doctor, end, {"reason": ""}).status_code == 422
    assert send(doctor, end, {"reason": "tested negative"}).status_code == 302
    assert not patient.allergies.filter(ended_at=None).exists()


@pytest.mark.parametrize(
    ("field", "value"), [("allergen", "moon dust"), ("allergen", ""), ("note", "x" * 201), ("note", "a\x00")]
)
def test_a_bad_allergy_is_refused_beside_its_field(doctor: Client, patient: Patient, field: str, value: Any) -> None:
    values = {"form_token": "t", "allergen": "amide", "note": "", field: value}
    answer = doctor.post(url("allergy-add", patient), values)
    assert answer.status_code == 422
    assert field in answer.context["allergy_form"].errors
    assert not Allergy.objects.exists()


# --- who may ----------------------------------------------------------------------------------------------------------
CLINICAL = ("measurements", "medicines")


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.MANAGER])
def test_clinical_pages_are_closed_to_desk_and_manager(client: Client, patient: Patient, role: str) -> None:
    factories.signed_in(client, factories.make_user(role))
    for name in CLINICAL:
        assert client.get(url(name, patient)).status_code == 403
    assert client.post(url("medicine-add", patient), {"name": "x"}).status_code == 403


def test_a_patient_of_another_site_is_not_found(client: Client, patient: Patient) -> None:
    factories.signed_in(client, factories.make_user(Role.PRACTITIONER, site=factories.make_site()))
    for name in (*CLINICAL, "intake-send"):
        assert client.get(url(name, patient)).status_code == 404
    for name in ("intake-qr", "intake-desk", "medicine-add", "allergy-add", "allergy-none"):
        assert client.post(url(name, patient), {"form_token": "t"}).status_code == 404


def test_a_medicine_of_another_patient_is_not_found(doctor: Client, patient: Patient) -> None:
    other = factories.make_patient()
    medicine = Medicine.objects.create(patient=other, name="Warfarin", recorded_at=timezone.now())
    assert doctor.get(url("medicine-class", patient, medicine.public_id)).status_code == 404
