"""The door of the patient pages as a browser and a stranger see it."""
from __future__ import annotations

import datetime as dt
import re
import secrets
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import Doer
from clinic.models import AuditEvent
from patients import links
from patients.labels import LinkPurpose
from patients.models import LinkAttempt, PatientLink
from patients.views import opened
from tests import factories

pytestmark = pytest.mark.django_db
BORN = dt.date(1984, 8, 9)


@pytest.fixture
def issued() -> tuple[PatientLink, str]:
    patient = factories.make_patient(birth_date=BORN, given_name="Nadia", family_name="Rahman", language="en")
    desk = Doer.staff(factories.make_user(Role.FRONT_DESK), patient.registered_at)
    return links.issue(
        patient=patient, site=patient.registered_at, purpose=LinkPurpose.INTAKE,
        expires_at=timezone.now() + dt.timedelta(days=7), by=desk,
    )  # fmt: skip


def url_of(token: str) -> str:
    return reverse("patient-link", args=[token])


def test_opening_cleans_the_address_and_asks_for_the_birth_date(client: Client, issued: Any) -> None:
    _link, token = issued
    answer = client.get(url_of(token))
    assert (answer.status_code, answer.url) == (302, reverse("patient-gate"))
    assert token not in client.cookies[opened.COOKIE].value
    html = client.get(answer.url).content.decode()
    assert 'name="birth_date"' in html
    assert "Nadia" not in html
    assert "Rahman" not in html


def test_the_address_leaks_nowhere(client: Client, issued: Any) -> None:
    answer = client.get(url_of(issued[1]))
    assert answer.headers["Referrer-Policy"] == "same-origin"
    cookie = client.cookies[opened.COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_mail_scanners_change_nothing(issued: Any) -> None:
    link, token = issued
    before = PatientLink.objects.filter(pk=link.pk).values().get()
    for number in range(20):
        scanner = Client()
        (scanner.head if number % 2 else scanner.get)(url_of(token), follow=True)
    assert PatientLink.objects.filter(pk=link.pk).values().get() == before
    assert not AuditEvent.objects.filter(patient_public_id=link.patient.public_id).exclude(action="link-issued").exists()
    assert not LinkAttempt.objects.exists()


def test_the_right_birth_date_opens_and_binds_this_browser_only(client: Client, issued: Any) -> None:
    client.get(url_of(issued[1]))
    answer = client.post(reverse("patient-gate"), {"birth_date": "1984-08-09"})
    assert (answer.status_code, answer.url) == (302, reverse("patient-intake"))
    assert client.get(answer.url).status_code == 200
    assert Client().get(answer.url).status_code == 404


def test_a_wrong_birth_date_says_how_many_tries_are_left_and_the_sixth_is_dead(client: Client, issued: Any) -> None:
    client.get(url_of(issued[1]))
    for left in (4, 3, 2, 1):
        answer = client.post(reverse("patient-gate"), {"birth_date": "1990-01-01"})
        assert answer.status_code == 422
        assert f"{left} tr" in answer.content.decode()
    assert client.post(reverse("patient-gate"), {"birth_date": "1990-01-01"}).status_code == 404
    assert client.post(reverse("patient-gate"), {"birth_date": "1984-08-09"}).status_code == 404
    assert client.get(url_of(issued[1])).status_code == 404


@pytest.mark.parametrize("typed", ["", "yesterday", "1984-02-31", "\x00", "<b>", "9" * 400])
def test_a_malformed_birth_date_costs_no_try(client: Client, issued: Any, typed: str) -> None:
    link, token = issued
    client.get(url_of(token))
    answer = client.post(reverse("patient-gate"), {"birth_date": typed})
    assert answer.status_code == 422
    link.refresh_from_db()
    assert link.wrong_tries == 0


def page_of(token: str) -> str:
    """The page of a dead link, without what differs between any two requests."""
    answer = Client().get(url_of(token))
    assert answer.status_code == 404
    html = answer.content.decode()
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"|"X-CSRFToken": "[^"]*"|value="/p/[^"]*"', "", html)


def test_every_dead_link_gives_one_and_the_same_page(issued: Any) -> None:
    link, token = issued
    pages = {page_of(secrets.token_urlsafe(32)), page_of("x")}
    for change in ("expires_at", "revoked_at", "spent_at"):
        kept = getattr(link, change)
        PatientLink.objects.filter(pk=link.pk).update(**{change: timezone.now()})
        pages.add(page_of(token))
        PatientLink.objects.filter(pk=link.pk).update(**{change: kept})
    assert len(pages) == 1


def test_guessing_from_one_address_is_throttled(client: Client, issued: Any) -> None:
    for _guess in range(links.MOST_FAILURES_AN_HOUR):
        client.get(url_of(secrets.token_urlsafe(32)))
    assert client.get(url_of(issued[1])).status_code == 404
    assert Client(REMOTE_ADDR="192.0.2.9").get(url_of(issued[1])).status_code == 302


def test_a_link_of_another_purpose_opens_no_health_questions(client: Client) -> None:
    patient = factories.make_patient(birth_date=BORN)
    desk = Doer.staff(factories.make_user(Role.FRONT_DESK), patient.registered_at)
    link, token = links.issue(
        patient=patient, site=patient.registered_at, purpose=LinkPurpose.AFTERCARE,
        expires_at=timezone.now() + dt.timedelta(days=7), by=desk,
    )  # fmt: skip
    client.get(url_of(token))
    answer = client.post(reverse("patient-gate"), {"birth_date": "1984-08-09"})
    assert (answer.status_code, answer.url) == (302, reverse("patient-aftercare"))
    assert links.pass_gate(link, BORN) == links.Gate.PASSED
    assert client.get(reverse("patient-intake")).status_code == 404
    assert client.get(reverse("patient-appointment")).status_code == 404


def test_after_two_idle_hours_the_birth_date_is_asked_again(client: Client, issued: Any, at: Any) -> None:
    at("2026-03-12T10:00+00:00")
    PatientLink.objects.update(expires_at=dt.datetime(2026, 3, 20, tzinfo=dt.UTC))
    client.get(url_of(issued[1]))
    client.post(reverse("patient-gate"), {"birth_date": "1984-08-09"})
    assert client.get(reverse("patient-intake")).status_code == 200
    at("2026-03-12T12:01+00:00")
    answer = client.get(reverse("patient-intake"))
    assert (answer.status_code, answer.url) == (302, reverse("patient-gate"))


def test_the_next_patient_at_the_tablet_has_to_show_their_own_birth_date(client: Client, issued: Any) -> None:
    client.get(url_of(issued[1]))
    client.post(reverse("patient-gate"), {"birth_date": "1984-08-09"})
    other = factories.make_patient(birth_date=dt.date(1990, 5, 5), given_name="Zoe")
    desk = Doer.staff(factories.make_user(Role.FRONT_DESK), other.registered_at)
    _link, token = links.issue(
        patient=other, site=other.registered_at, purpose=LinkPurpose.INTAKE,
        expires_at=timezone.now() + dt.timedelta(days=7), by=desk,
    )  # fmt: skip
    client.get(url_of(token))
    assert client.get(reverse("patient-intake")).status_code == 302
    client.post(reverse("patient-gate"), {"birth_date": "1990-05-05"})
    assert "Zoe" in client.get(reverse("patient-intake")).content.decode()


def test_pages_speak_the_patients_language_until_they_choose_another(client: Client, issued: Any) -> None:
    link, token = issued
    link.patient.language = "tr"
    link.patient.save(update_fields=["language"])
    client.cookies["language"] = "en"  # left by whoever used the tablet before
    client.get(url_of(token))
    assert 'lang="tr"' in client.get(reverse("patient-gate")).content.decode()
    client.post(reverse("set_language"), {"language": "en", "next": reverse("patient-gate")})
    assert '<html lang="en"' in client.get(reverse("patient-gate")).content.decode()
