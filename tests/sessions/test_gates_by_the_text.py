"""Start gates by the letter of section 9: when everything is asked again, which tests nobody waives, whose weight counts."""
from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from clinic.models import User
from patients.models import Measurement, QuestionnaireResponse
from sessions import consenting, gates, recording
from sessions.models import Consent, Course, TreatmentSession
from tests import factories as make
from tests.healthy import answered, measured
from tests.sessions.careday import MORNING, THURSDAY, CareDay, make_care_day
from tests.sessions.test_gates import gate

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Any) -> CareDay:
    at(MORNING)
    return make_care_day()


def second_session(day: CareDay, at: Any, on: dt.date) -> TreatmentSession:
    first = day.ended()
    at(dt.datetime.combine(on, dt.time(9), dt.UTC).isoformat())
    measured(day.patient, day.doctor)
    record = recording.open_record(appointment=day.arrived(first.course, number=2), by=day.by)
    return recording.confirm_history(record=record, seen_version=record.version, changes="", by=day.by)


# --- everything asked again -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("days", "met"), [(28, True), (60, True), (61, False)])
def test_more_than_sixty_days_ask_everything_again(day: CareDay, at: Any, days: int, met: bool) -> None:
    record = second_session(day, at, THURSDAY + dt.timedelta(days=days))
    found = gate(record, "gate-history")
    assert found.is_met is met
    if not met:
        assert (found.state, found.mend) == (gates.MEND, "questions")
        answered(day.patient)
        assert gate(record, "gate-history").is_met


def test_a_short_round_is_not_everything(day: CareDay, at: Any) -> None:
    record = second_session(day, at, THURSDAY + dt.timedelta(days=61))
    day.patient.responses.create(
        questionnaire=QuestionnaireResponse.objects.first().questionnaire, purpose="again", language="en",
        answers={"q-reaction": "no"}, submitted_at=timezone.now(), submitted_kind="staff", signed_name="A",
    )  # fmt: skip
    assert not gate(record, "gate-history").is_met


@pytest.mark.parametrize(("days", "met"), [(180, True), (181, False)])
def test_the_full_round_holds_180_days(day: CareDay, at: Any, days: int, met: bool) -> None:
    at((dt.datetime.fromisoformat(MORNING) + dt.timedelta(days=days)).isoformat())
    measured(day.patient, day.doctor)
    record = day.open_record()
    record = recording.confirm_history(record=record, seen_version=record.version, changes="", by=day.by)
    assert gate(record, "gate-history").is_met is met


# --- laboratory values ------------------------------------------------------------------------------------------------
def labs_age(day: CareDay, code: str, days: int) -> None:
    Measurement.objects.filter(patient=day.patient, code=code).update(taken_on=THURSDAY - dt.timedelta(days=days))


def waived(record: TreatmentSession, day: CareDay) -> gates.Gate:
    record.refresh_from_db()
    recording.pass_gate(record=record, seen_version=record.version, gate="gate-labs", reason="known well", by=day.by)
    return gate(record, "gate-labs")


def test_a_test_that_a_rule_asks_for_is_never_waived(day: CareDay) -> None:
    """HbA1c with diabetes (scr-diabetes-other) on one side, a full blood count on the other."""
    record = day.open_record()
    labs_age(day, "m-cbc", 91)
    assert waived(record, day).is_met
    answered(day.patient, q_diabetes=["diet"])
    found = gate(record, "gate-labs")
    assert "HbA1c" in found.detail
    assert not waived(record, day).is_met


def test_heavy_weight_alone_asks_for_sugar_and_may_be_waived(day: CareDay) -> None:
    Measurement.objects.filter(patient=day.patient, code="m-weight").update(value=Decimal(100))
    record = day.open_record()
    assert "HbA1c" in gate(record, "gate-labs").detail
    assert waived(record, day).is_met


def test_an_abnormal_value_stays_red_until_it_is_noted(day: CareDay) -> None:
    Measurement.objects.filter(patient=day.patient, code="m-cbc").update(text="abnormal")
    record = day.open_record()
    assert not gate(record, "gate-labs").is_met
    assert waived(record, day).is_met


# --- weight -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("days", "met"), [(90, True), (91, False)])
def test_the_cream_needs_a_weight_too(day: CareDay, days: int, met: bool) -> None:
    """Its lidocaine counts in the limit by body weight (dose-kg)."""
    course = day.course()
    Course.objects.filter(pk=course.pk).update(numbing_cream_g=Decimal(10))
    labs_age(day, "m-weight", days)
    record = day.open_record(Course.objects.get(pk=course.pk))
    assert gate(record, "gate-weight").is_met is met


# --- consent ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("on", "holds"), [("2027-03-12", True), ("2027-03-13", False)])
def test_a_consent_is_not_older_than_twelve_months(day: CareDay, on: str, holds: bool) -> None:
    course = day.course()
    day.consent(course)
    at = dt.datetime.fromisoformat(f"{on}T12:00:00+00:00")
    assert consenting.state_of(course, at=at).holds is holds
    assert Consent.objects.get().signed_at is not None


# --- licence ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("country", "elsewhere", "met"), [
    ("", False, True), ("IT", True, True), ("TR", False, False), ("TR", True, False), ("", True, False)])
def test_a_licence_is_of_the_country_of_the_site(day: CareDay, country: str, elsewhere: bool, met: bool) -> None:
    """Without a country it counts only while there is but one."""
    if elsewhere:
        make.make_site(country="TR", time_zone="Europe/Istanbul")
    User.objects.filter(pk=day.doctor.pk).update(licence_country=country)
    found = gate(day.open_record(), "gate-licence")
    assert found.is_met is met
    if not met:
        assert (found.state, "IT" in found.detail) == (gates.BLOCKED, True)


# --- what may be passed -----------------------------------------------------------------------------------------------
def test_only_photos_a_late_interval_and_labs_may_be_passed() -> None:
    """Labs by lab-base ("a clinician may waive with a reason what no rule needs"), the others by section 9."""
    assert {"gate-photos", "gate-interval", "gate-labs"} == gates.OVERRIDABLE
