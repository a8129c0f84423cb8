"""The audit log: who, when, what; its filters; a practitioner reads about their own patients only."""
from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic import audit
from clinic.choices import Role
from clinic.doer import Doer
from clinic.models import AuditEvent, Site, User
from patients.models import Patient
from tests import factories

pytestmark = pytest.mark.django_db
URL = "/audit/"


@pytest.fixture
def site() -> Site:
    return factories.make_site()


def note(user: User, patient: Patient, action: str, sentence: str, **detail: Any) -> None:
    audit.record(
        by=Doer.staff(user, patient.registered_at), action=action, sentence=sentence, of=patient, patient=patient,
        detail=detail,
    )  # fmt: skip


@pytest.fixture
def two_patients(site: Site) -> tuple[User, User, Patient, Patient]:
    ada = factories.make_user(Role.PRACTITIONER, name="Dr Ada", site=None)
    bea = factories.make_user(Role.PRACTITIONER, name="Dr Bea")
    nadia = factories.make_patient(site, given_name="Nadia", family_name="Rahman")
    zoe = factories.make_patient(site, given_name="Zoe", family_name="Kirk")
    note(ada, nadia, "measurement-recorded", "recorded Weight", value="62.5")
    note(bea, zoe, "patient-amended", "changed phone")
    note(bea, nadia, "patient-amended", "changed address")
    return ada, bea, nadia, zoe


def sentences(answer: Any) -> list[str]:
    return [row.sentence for row, _patient in answer.context["rows"]]


def test_it_says_who_did_what_to_whom_and_when(client: Client, two_patients: Any) -> None:
    factories.signed_in(client, factories.make_user(Role.MEDICAL_LEAD))
    html = client.get(URL).content.decode()
    for words in ("Dr Ada", "recorded Weight", "Nadia Rahman", "62.5", "Dr Bea"):
        assert words in html


def test_a_practitioner_reads_about_patients_they_acted_on(client: Client, two_patients: Any) -> None:
    ada, bea, _nadia, _zoe = two_patients
    factories.signed_in(client, ada)
    assert sentences(client.get(URL)) == ["changed address", "recorded Weight"]
    factories.signed_in(client, bea)
    assert len(sentences(client.get(URL))) == 3


def test_a_manager_reads_everything_but_no_clinical_content(client: Client, two_patients: Any) -> None:
    factories.signed_in(client, factories.make_user(Role.MANAGER))
    html = client.get(URL).content.decode()
    assert "recorded Weight" in html
    assert "62.5" not in html


def test_the_front_desk_reads_no_log(client: Client, site: Site) -> None:
    factories.signed_in(client, factories.make_user(Role.FRONT_DESK))
    assert client.get(URL).status_code == 403


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"who": "bea"}, ["changed address", "changed phone"]),
        ({"whom": "kirk"}, ["changed phone"]),
        ({"whom": "nobody at all"}, []),
        ({"action": "patient-amended", "whom": "nadia"}, ["changed address"]),
        ({"last_day": "2020-01-01"}, []),
        ({"first_day": "2999-01-01"}, []),
    ],
)
def test_filters_narrow(client: Client, two_patients: Any, asked: dict[str, str], found: list[str]) -> None:
    factories.signed_in(client, factories.make_user(Role.MEDICAL_LEAD))
    assert [one for one in sentences(client.get(URL, asked)) if one.startswith("changed")] == found


def test_days_are_the_sites_days(client: Client, site: Site, at: Any) -> None:
    at("2026-03-12T23:30+00:00")  # the 13th in Rome
    lead = factories.make_user(Role.MEDICAL_LEAD)
    patient = factories.make_patient(site)
    note(lead, patient, "patient-amended", "changed phone")
    factories.signed_in(client, lead)
    assert "changed phone" in sentences(client.get(URL, {"first_day": "2026-03-13", "last_day": "2026-03-13"}))
    assert "changed phone" not in sentences(client.get(URL, {"last_day": "2026-03-12"}))
    assert "Fri 13 Mar 2026, 00:30:00" in client.get(URL).content.decode()


@pytest.mark.parametrize(
    "asked",
    [
        {"first_day": "2026-02-30"}, {"first_day": "x"}, {"first_day": "2026-03-02", "last_day": "2026-03-01"},
        {"who": "\x00"}, {"whom": "\u202e"}, {"who": "x" * 500},
    ],
)  # fmt: skip
def test_a_bad_filter_says_so_and_shows_nothing(client: Client, two_patients: Any, asked: dict[str, str]) -> None:
    factories.signed_in(client, factories.make_user(Role.MEDICAL_LEAD))
    answer = client.get(URL, asked)
    assert answer.status_code == 422
    assert "field-error" in answer.content.decode()
    assert answer.context["rows"] == []


def test_looks_are_listed_too(client: Client, two_patients: Any) -> None:
    ada, _bea, nadia, _zoe = two_patients
    factories.signed_in(client, ada)
    client.get(reverse("patient-edit", args=[nadia.public_id]))
    html = client.get(URL, {"kind": "looks"}).content.decode()
    assert "Viewed" in html
    assert "patient-edit" in html


def test_a_role_limited_to_a_site_reads_its_rows(client: Client, two_patients: Any) -> None:
    other = factories.make_site()
    lead = factories.make_user(Role.MEDICAL_LEAD, site=other)
    factories.signed_in(client, lead)
    assert sentences(client.get(URL)) == []
    assert AuditEvent.objects.count() >= 3
