"""The patient page: what each role sees, headlines that are never stale, and as many queries for a long history."""
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinic.choices import Role
from clinic.models import AccessEvent
from patients.models import Allergy
from sessions.charting import TABS
from tests import factories as make
from tests.healthy import answered
from tests.sessions.careday import MORNING, CareDay, make_care_day

pytestmark = pytest.mark.django_db

# Session, user, roles, site and frame are among them; a change of this figure is a decision.
QUERIES = {"timeline": 35, "plan": 26, "forms": 30, "messages": 27, "documents": 27}


@pytest.fixture
def day(at: Any, client: Client) -> CareDay:
    at(MORNING)
    care = make_care_day()
    make.signed_in(client, care.doctor)
    return care


def page(client: Client, day: CareDay, tab: str = "timeline") -> str:
    answer = client.get(reverse("patient", args=[day.patient.public_id]) + f"?tab={tab}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def queries(client: Client, day: CareDay, tab: str) -> int:
    page(client, day, tab)  # catalogue and content types are kept from here on
    with CaptureQueriesContext(connection) as captured:
        page(client, day, tab)
    return len(captured)


@pytest.mark.parametrize("tab", TABS)
def test_a_long_history_costs_no_more_queries(client: Client, day: CareDay, tab: str) -> None:
    first = day.signed()
    day.consent(first.course)
    short = queries(client, day, tab)
    room = make.make_room(day.site)
    for number in range(6):
        course = make.make_course(day.patient, day.doctor)
        day.consent(course)
        make.make_appointment(
            day.patient, practitioner=make.make_user(), room=room, service=day.service, course=course,
            planned_session=course.planned_sessions.first(), starts_at=timezone.now() + dt.timedelta(days=number + 1),
        )  # fmt: skip
        answered(day.patient)
    assert (short, queries(client, day, tab)) == (QUERIES[tab], QUERIES[tab])


@pytest.mark.parametrize("tab", [*TABS, "invented", "<script>", "%00"])
def test_every_tab_opens_for_an_empty_record(client: Client, day: CareDay, tab: str) -> None:
    empty = make.make_patient(day.site)
    answer = client.get(reverse("patient", args=[empty.public_id]), {"tab": tab})
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "Not screened yet: the health questions are still open." in text
    assert "Allergies not asked yet" in text
    assert "No course yet" in text


def test_a_new_answer_is_on_the_page_at_once(client: Client, day: CareDay) -> None:
    assert "Pregnancy" not in page(client, day)
    answered(day.patient, q_pregnant="yes")
    text = page(client, day)
    assert "Blocked" in text
    assert "Are you pregnant, or could you be? Yes" in text


def test_a_wait_ends_on_its_day_without_anybody_doing_anything(client: Client, day: CareDay, at: Any) -> None:
    answered(day.patient, q_vaccine="yes", q_vaccine_date="2026-03-10")
    if "Wait until" not in page(client, day):
        pytest.fail("a vaccination two days ago should make a wait")
    at("2026-04-30T08:00:00+00:00")
    make.signed_in(client, day.doctor)
    assert "Wait until" not in page(client, day)


def test_an_allergy_stands_above_everything(client: Client, day: CareDay) -> None:
    Allergy.objects.create(patient=day.patient, allergen="sub-lidocaine", note="hives", recorded_at=timezone.now())
    text = page(client, day)
    assert text.index("Allergy: lidocaine") < text.index("Timeline")
    assert "hives" in text


def test_unsure_and_places_are_said_in_words(client: Client, day: CareDay) -> None:
    answered(day.patient, q_pregnant="unsure", q_skin=["rash"], q_skin__rash__state="active")
    text = page(client, day)
    assert "I am not sure" in text
    assert "unsure" not in text
    assert "reg-face" not in text


def test_the_desk_sees_the_headline_and_no_answers(client: Client, day: CareDay) -> None:
    day.signed()
    answered(day.patient, q_keloid="yes")
    make.signed_in(client, make.make_user(Role.FRONT_DESK))
    answer = client.get(reverse("patient", args=[day.patient.public_id]))
    text = answer.content.decode()
    assert "Needs clearance" in text
    assert "Do your scars grow thick?" not in text
    assert "Non-cross-linked hyaluronic acid" not in text
    assert "findings" not in answer.context
    assert "missing" not in answer.context


def test_a_manager_sees_no_word_about_health(client: Client, day: CareDay) -> None:
    answered(day.patient, q_keloid="yes")
    make.signed_in(client, make.make_user(Role.MANAGER))
    answer = client.get(reverse("patient", args=[day.patient.public_id]))
    assert "Screening" not in answer.content.decode()
    assert "pill" not in answer.context
    assert "alerts" not in answer.context


def test_whoever_arrived_is_one_press_from_the_session(client: Client, day: CareDay) -> None:
    appointment = day.arrived(day.course())
    assert reverse("record-open", args=[appointment.public_id]) in page(client, day)
    client.post(reverse("record-open", args=[appointment.public_id]))
    text = page(client, day)
    assert "Go on with the session" in text
    assert reverse("record-open", args=[appointment.public_id]) not in text


def test_times_are_those_of_the_site_of_the_visit(client: Client, day: CareDay) -> None:
    """Treated in Rome at 09:50, looked at from Istanbul, where it was 11:50."""
    record = day.signed()
    istanbul = make.make_site(time_zone="Europe/Istanbul", country="TR")
    day.doctor.current_site = istanbul
    day.doctor.save(update_fields=["current_site"])
    for address in (
        reverse("patient", args=[day.patient.public_id]), reverse("record", args=[record.appointment.public_id]),
        reverse("course", args=[record.course.public_id]),
    ):  # fmt: skip
        text = client.get(address).content.decode()
        assert "09:50" in text, address
        assert "11:50" not in text, address


def test_a_look_is_logged(client: Client, day: CareDay) -> None:
    page(client, day)
    event = AccessEvent.objects.get(page="patient")
    assert (event.patient_public_id, event.doer_public_id) == (day.patient.public_id, day.doctor.public_id)
