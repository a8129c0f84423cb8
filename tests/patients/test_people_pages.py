"""The register, change and ask-to-open pages: bad input, lookalikes, double clicks, stale saves, roles."""
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.choices import AccessCategory, Role
from clinic.models import AccessEvent, AuditEvent, Site, User
from patients.models import Patient
from tests import factories
from tests.patients.forms import hidden_of, send

pytestmark = pytest.mark.django_db

GOOD = {
    "given_name": "Ayşe", "family_name": "Yılmaz", "birth_date": "1984-08-09", "sex": "female",
    "phone": "06 5555 0142", "email": "ayse@example.org", "language": "tr", "address": "Via Larga 2", "country": "IT",
}  # fmt: skip


@pytest.fixture
def site() -> Site:
    return factories.make_site()


@pytest.fixture
def desk(site: Site, client: Client) -> User:
    user = factories.make_user(Role.FRONT_DESK)
    factories.signed_in(client, user)
    return user


def test_registering_reads_the_phone_in_the_sites_country(client: Client, desk: User) -> None:
    answer = send(client, reverse("patient-new"), GOOD)
    patient = Patient.objects.get()
    assert (answer.status_code, answer.url) == (302, reverse("patient", args=[patient.public_id]))
    assert (str(patient.phone), patient.name, patient.language) == ("+390655550142", "Ayşe Yılmaz", "tr")


def test_a_double_click_registers_once(client: Client, desk: User) -> None:
    html = client.get(reverse("patient-new")).content.decode()
    values = {**hidden_of(html), **GOOD}
    first = client.post(reverse("patient-new"), values)
    second = client.post(reverse("patient-new"), values)
    assert first.url == second.url
    assert Patient.objects.count() == 1


HOSTILE = [
    ("given_name", "x" * 81), ("given_name", ""), ("given_name", "12345"), ("given_name", "Ann\x00a"),
    ("given_name", "\u202eesyA"), ("given_name", "<script>alert(1)</script>"),
    ("family_name", "Robert'); DROP TABLE patients_patient;--"), ("family_name", "{{ 7*7 }}"), ("family_name", "  "),
    ("birth_date", "1984-02-30"), ("birth_date", "2126-01-01"), ("birth_date", "1884-01-01"),
    ("birth_date", "tomorrow"), ("birth_date", ""), ("birth_date", "0000-00-00"), ("birth_date", "1984-08-09\x00"),
    ("sex", "robot"), ("sex", ""),
    ("phone", "12"), ("phone", "call me"), ("phone", "+999 999 999 999"), ("phone", "9" * 200), ("phone", "\x00"),
    ("email", "ayse@"), ("email", "a" * 250 + "@example.org"), ("email", "a@b.example\nBcc: all@example.org"),
    ("email", "\u202e@example.org"), ("language", "xx"), ("address", "x" * 301), ("address", "a\x00b"),
    ("address", "a\u2066b"), ("country", "Atlantis"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), HOSTILE)
def test_bad_input_is_refused_beside_its_field(client: Client, desk: User, field: str, value: str) -> None:
    answer = send(client, reverse("patient-new"), GOOD, **{field: value})
    assert answer.status_code == 422
    form = answer.context["form"]
    assert set(form.errors) == {field}
    assert form[field].value() == value  # what was typed is kept
    assert form["address"].value() == (value if field == "address" else GOOD["address"])
    assert "<script>alert" not in answer.content.decode()
    assert not Patient.objects.exists()
    assert not AuditEvent.objects.filter(action="patient-registered").exists()


@pytest.mark.parametrize("name", ["O'Neill", "Nguyễn-Đỗ", "de la Cruz", "李", "محمد", "Müller-Lüdenscheidt", "D’Angelo"])
def test_names_of_the_world_are_names(client: Client, desk: User, name: str) -> None:
    assert send(client, reverse("patient-new"), GOOD, family_name=name).status_code == 302
    assert Patient.objects.get().family_name == name


def test_a_lookalike_is_shown_and_the_tick_saves(client: Client, desk: User) -> None:
    send(client, reverse("patient-new"), GOOD)
    known = Patient.objects.get()
    again = GOOD | {"given_name": "Ayse", "family_name": "Yilmaz", "email": "other@example.org"}
    answer = send(client, reverse("patient-new"), again)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert known.record_number in html
    assert "same name, same phone" in html
    assert 'name="different_person"' in html
    assert Patient.objects.count() == 1
    answer = client.post(reverse("patient-new"), {**hidden_of(html), **again, "different_person": "on"})
    assert answer.status_code == 302
    assert Patient.objects.count() == 2
    assert AuditEvent.objects.filter(action="patient-registered").first().detail == {"not_the_same_as": [known.record_number]}


def test_a_lookalike_of_another_site_shows_only_name_and_year_to_a_limited_role(client: Client, site: Site) -> None:
    factories.make_patient(site, given_name="Ayşe", family_name="Yılmaz", phone="+390655550142", email="secret@example.org")
    other = factories.make_site()
    factories.signed_in(client, factories.make_user(Role.FRONT_DESK, site=other))
    html = send(client, reverse("patient-new"), GOOD, email="").content.decode()
    assert "Ask to open" in html
    assert "secret@example.org" not in html
    assert "9 Aug 1984" not in html


def test_a_change_is_saved_with_its_version(client: Client, desk: User) -> None:
    patient = factories.make_patient(phone="")
    answer = send(client, reverse("patient-edit", args=[patient.public_id]), GOOD)
    assert answer.status_code == 302
    patient.refresh_from_db()
    assert (patient.name, patient.version) == ("Ayşe Yılmaz", 2)
    assert list(Patient.objects.matching("yilmaz")) == [patient]


def test_a_stale_save_shows_both_texts_and_the_next_one_holds(client: Client, desk: User) -> None:
    patient = factories.make_patient(phone="")
    url = reverse("patient-edit", args=[patient.public_id])
    mine = hidden_of(client.get(url).content.decode())
    send(client, url, GOOD, address="Theirs 1")
    answer = client.post(url, {**mine, **GOOD, "address": "Mine 2"})
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "Theirs 1" in html
    assert "Mine 2" in html
    patient.refresh_from_db()
    assert patient.address == "Theirs 1"
    assert client.post(url, {**hidden_of(html), **GOOD, "address": "Mine 2"}).status_code == 302
    patient.refresh_from_db()
    assert (patient.address, patient.version) == ("Mine 2", 3)


@pytest.mark.parametrize("version", ["", "x", "0", "-1", "9" * 30])
def test_a_forged_version_saves_nothing(client: Client, desk: User, version: str) -> None:
    patient = factories.make_patient()
    url = reverse("patient-edit", args=[patient.public_id])
    assert send(client, url, GOOD, seen_version=version).status_code in {409, 422}
    patient.refresh_from_db()
    assert patient.version == 1


def test_a_form_without_its_token_is_refused(client: Client, desk: User) -> None:
    assert client.post(reverse("patient-new"), GOOD).status_code == 422
    assert not Patient.objects.exists()


@pytest.mark.parametrize(
    ("role", "status"), [(Role.FRONT_DESK, 200), (Role.PRACTITIONER, 200), (Role.MEDICAL_LEAD, 200), (Role.MANAGER, 403)]
)
def test_who_may_register(client: Client, site: Site, role: str, status: int) -> None:
    factories.signed_in(client, factories.make_user(role))
    assert client.get(reverse("patient-new")).status_code == status


def test_strangers_are_sent_to_sign_in(client: Client, site: Site) -> None:
    for name in ("patients", "patient-new", "patient-search", "audit-log"):
        assert client.get(reverse(name)).status_code == 302


def test_a_patient_of_another_site_is_not_found_under_a_limited_role(client: Client, site: Site) -> None:
    patient = factories.make_patient(site)
    factories.signed_in(client, factories.make_user(Role.FRONT_DESK, site=factories.make_site()))
    url = reverse("patient-edit", args=[patient.public_id])
    assert client.get(url).status_code == 404
    assert client.post(url, GOOD).status_code == 404
    assert client.get(reverse("patient-edit", args=["A" * 22])).status_code == 404


def test_asking_to_open_needs_a_reason_and_is_logged(client: Client, site: Site) -> None:
    patient = factories.make_patient(site)
    own = factories.make_site()
    factories.signed_in(client, factories.make_user(Role.FRONT_DESK, site=own))
    url = reverse("patient-open", args=[patient.public_id])
    page = client.get(url).content.decode()
    assert patient.name in page
    assert "1984" in page
    assert patient.email not in page
    assert send(client, url, {"reason": ""}).status_code == 422
    assert send(client, url, {"reason": "moved to our town"}).status_code == 302
    assert patient.sites.filter(site=own).exists()
    assert AuditEvent.objects.filter(action="patient-opened-at-site", patient_public_id=patient.public_id).exists()
    assert client.get(reverse("patient-edit", args=[patient.public_id])).status_code == 200


def test_looking_at_the_details_is_logged(client: Client, desk: User) -> None:
    patient = factories.make_patient()
    client.get(reverse("patient-edit", args=[patient.public_id]))
    seen = AccessEvent.objects.get(category=AccessCategory.VIEW)
    assert (seen.patient_public_id, seen.doer_public_id) == (patient.public_id, desk.public_id)


def test_what_was_typed_into_the_search_is_not_typed_twice(client: Client, desk: User) -> None:
    form = client.get(reverse("patient-new"), {"name": "Ayşe Nur Yılmaz"}).context["form"]
    assert (form["given_name"].value(), form["family_name"].value()) == ("Ayşe Nur", "Yılmaz")
    assert form["birth_date"].value() is None


def test_a_birth_date_of_today_is_a_newborn_in_the_sites_zone(client: Client, desk: User, at: Any) -> None:
    at("2026-03-12T23:30+00:00")  # already the 13th in Rome
    assert send(client, reverse("patient-new"), GOOD, birth_date="2026-03-13").status_code == 302
    assert Patient.objects.get().birth_date == dt.date(2026, 3, 13)
