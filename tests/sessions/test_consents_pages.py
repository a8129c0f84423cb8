"""Paper consent: the text is given, the paper signed, the consent withdrawn; two stamps that keep their order."""
from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from sessions import consenting
from sessions.models import Consent, Course
from tests import factories as make
from tests.sessions.careday import MORNING, CareDay, hidden_of, make_care_day, send

pytestmark = pytest.mark.django_db

SIGNED = {"signed_at": "2026-03-12T09:45", "photos_record": "yes", "photos_teaching": "no", "photos_publicity": "no",
          "every_part": "on"}  # fmt: skip


@pytest.fixture
def day(at: Any, client: Client) -> CareDay:
    at(MORNING)
    care = make_care_day()
    make.signed_in(client, make.make_user(Role.FRONT_DESK))
    return care


@pytest.fixture
def course(day: CareDay) -> Course:
    return day.course()


def given(course: Course) -> str:
    return reverse("consent-given", args=[course.public_id])


def test_the_desk_records_text_and_signature(client: Client, day: CareDay, course: Course) -> None:
    answer = send(client, given(course), {"informed_at": "2026-03-11T09:00"})
    assert (answer.status_code, answer.url) == (302, reverse("patient", args=[day.patient.public_id]) + "?tab=forms")
    consent = Consent.objects.get()
    assert consent.informed_at.isoformat() == "2026-03-11T08:00:00+00:00", "the site's clock"
    assert "Not signed yet" in client.get(answer.url).content.decode()
    assert send(client, reverse("consent-record", args=[consent.public_id]), SIGNED).status_code == 302
    assert consenting.state_of(course).holds
    assert "Wed 11 Mar 2026, 09:00" in client.get(answer.url).content.decode()


@pytest.mark.parametrize(
    "value", ["2026-03-12T09:51", "2099-01-01T00:00", "", "today", "2026-02-30T10:00", "0001-01-01T00:00", "\x00",
              "2025-03-30T02:30", "9" * 400],
)  # fmt: skip
def test_a_moment_that_cannot_be_is_refused(client: Client, course: Course, value: str) -> None:
    """02:30 on 30 March 2025 does not exist in Rome: the clock went from 02:00 to 03:00."""
    answer = send(client, given(course), {"informed_at": value})
    assert answer.status_code == 422
    form = answer.context["form"]
    assert set(form.errors) == {"informed_at"}
    assert form["informed_at"].value() == value
    assert not Consent.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [("signed_at", "2026-03-11T01:00"), ("signed_at", "2026-03-12T11:00"), ("signed_at", "never"),
     ("photos_record", ""), ("photos_record", "perhaps"), ("photos_teaching", None), ("photos_publicity", "\x00"),
     ("every_part", None)],
)  # fmt: skip
def test_no_choice_is_assumed_and_no_stamp_out_of_order(
    client: Client, day: CareDay, course: Course, field: str, value: str | None
) -> None:
    consent = day.consent(course, signed=False)
    answer = send(client, reverse("consent-record", args=[consent.public_id]), SIGNED, **{field: value})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {field}
    consent.refresh_from_db()
    assert consent.signed_at is None


def test_nothing_is_chosen_beforehand(client: Client, day: CareDay, course: Course) -> None:
    consent = day.consent(course, signed=False)
    page = client.get(reverse("consent-record", args=[consent.public_id])).content.decode()
    assert " checked" not in page.replace('aria-checked', "")


def test_a_double_click_records_one_text(client: Client, course: Course) -> None:
    values = hidden_of(client.get(given(course)).content.decode()) | {"informed_at": "2026-03-11T09:00"}
    assert client.post(given(course), values).url == client.post(given(course), values).url
    assert Consent.objects.count() == 1


def test_a_second_signature_is_refused(client: Client, day: CareDay, course: Course) -> None:
    consent = day.consent(course, signed=False)
    address = reverse("consent-record", args=[consent.public_id])
    page = hidden_of(client.get(address).content.decode())
    assert send(client, address, SIGNED).status_code == 302
    answer = client.post(address, page | SIGNED)
    assert answer.status_code == 422
    assert "signed or withdrawn already" in answer.content.decode()


@pytest.mark.parametrize("value", ["", "x" * 201, "a\x00b", "a\u202eb"])
def test_a_withdrawal_says_how_we_learned_of_it(client: Client, day: CareDay, course: Course, value: str) -> None:
    consent = day.consent(course)
    answer = send(client, reverse("consent-withdraw", args=[consent.public_id]), {"reason": value})
    assert answer.status_code == 422
    assert consenting.state_of(course).holds
    assert send(client, reverse("consent-withdraw", args=[consent.public_id]), {"reason": "By phone"}).status_code == 302
    assert not consenting.state_of(course).holds


def test_a_manager_records_no_consent(client: Client, day: CareDay, course: Course) -> None:
    consent = day.consent(course, signed=False)
    make.signed_in(client, make.make_user(Role.MANAGER))
    assert client.get(given(course)).status_code == 403
    for name in ("consent-record", "consent-withdraw"):
        assert client.post(reverse(name, args=[consent.public_id]), SIGNED).status_code == 403
