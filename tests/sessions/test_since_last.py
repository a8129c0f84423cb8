"""What changed since last time: compared with the start before, shown on the session screen, stored with the record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from patients.models import Medicine
from sessions import recording, screenings
from sessions.models import Screening, TreatmentSession
from sessions.since_last import since_last
from tests import factories as make
from tests.healthy import answered, measured
from tests.sessions.careday import MORNING, CareDay, make_care_day

pytestmark = pytest.mark.django_db
NEXT = "2026-04-09T08:50:00+00:00"  # 28 days later


@pytest.fixture
def day(at: Callable[[str], Any]) -> CareDay:
    at(MORNING)
    return make_care_day()


def second_session(day: CareDay, at: Callable[[str], Any]) -> TreatmentSession:
    """The next visit of a course whose first session has ended."""
    first = day.ended()
    at(NEXT)
    appointment = day.arrived(first.course, number=2)
    return recording.open_record(appointment=appointment, by=day.by)


def test_nothing_changed_is_said_as_such(day: CareDay) -> None:
    record = day.open_record()
    found = since_last(record)
    assert found is not None
    assert (found.is_empty, found.is_session) == (True, False)


def test_the_first_session_is_compared_with_the_plan_as_it_was_approved(day: CareDay, at: Callable[[str], Any]) -> None:
    course = day.course()
    at("2026-03-12T09:30:00+00:00")
    Medicine.objects.create(patient=day.patient, name="Ramipril 5 mg", recorded_at=timezone.now())
    screenings.rescreen(patient=day.patient, by=day.by)
    found = since_last(day.open_record(course))
    assert found is not None
    assert "New medicine: Ramipril 5 mg" in found.facts


def test_a_later_session_is_compared_with_the_start_before(day: CareDay, at: Callable[[str], Any]) -> None:
    record = second_session(day, at)
    answered(day.patient, q_keloid="yes")
    measured(day.patient, day.doctor)
    day.patient.measurements.filter(code="m-weight", taken_on=day.site.today()).update(value=68)
    screenings.rescreen(patient=day.patient, by=day.by)
    found = since_last(record)
    assert found is not None
    assert found.is_session
    assert "Thick scars (keloid): is new and needs clearance." in found.findings
    assert found.facts == ["Do your scars grow thick? Yes (before: No)", "Weight: 68 kg (before: 65)"]


def test_confirming_the_history_stores_what_changed(day: CareDay, at: Callable[[str], Any]) -> None:
    record = second_session(day, at)
    answered(day.patient, q_keloid="yes")
    record.refresh_from_db()
    recording.confirm_history(record=record, seen_version=record.version, changes="a new scar", by=day.by)
    stored = TreatmentSession.objects.get(pk=record.pk).screening
    assert stored is not None
    assert stored.since is not None
    assert (stored.since.stage, stored.stage) == ("start", "start")
    assert ("new", "scr-keloid") in [(one["kind"], one["code"]) for one in stored.changes]


def test_what_was_stored_is_what_a_begun_record_shows(day: CareDay) -> None:
    record = day.begun()
    before = since_last(record)
    Medicine.objects.create(patient=day.patient, name="Ramipril 5 mg", recorded_at=timezone.now())
    assert since_last(record) == before


def test_a_screening_says_what_it_was_compared_with_and_of_this_patient_only(day: CareDay) -> None:
    other = make.make_patient(day.site)
    screenings.rescreen(patient=other, by=day.by)
    screenings.rescreen(patient=day.patient, by=day.by)
    assert not Screening.objects.filter(patient=day.patient, since__patient=other).exists()


def test_it_stands_on_the_session_screen(day: CareDay, client: Client, at: Callable[[str], Any]) -> None:
    record = second_session(day, at)
    answered(day.patient, q_keloid="yes")
    html = make.signed_in(client, day.doctor).get(reverse("record", args=[record.appointment.public_id])).content.decode()
    assert "What changed since Thu 12 Mar 2026" in html
    assert "Thick scars (keloid): is new and needs clearance." in html
    assert (dt.date(2026, 4, 9) - dt.date(2026, 3, 12)).days == 28
