"""The medical lead changes a figure of a gate or measurement in a draft; once it is in force the ready strip follows it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import Refused
from patients.models import Measurement
from protocols import catalogue, editing, versions
from protocols.models import CatalogueEntry
from sessions import before_the_first, clearing, consenting, gates, recording
from sessions.models import TreatmentSession
from tests import factories as make
from tests.sessions.careday import MORNING, CareDay, make_care_day

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Any) -> CareDay:
    at(MORNING)
    return make_care_day()


def put_in_force(day: CareDay, code: str, values: dict[str, Any]) -> None:
    lead = Doer.staff(make.make_user(Role.MEDICAL_LEAD), day.site)
    draft = versions.make_draft(based_on=catalogue.current(), note="Review", by=lead)
    seen = CatalogueEntry.objects.get(version=draft, code=code).edits
    editing.save_entry(version=draft, code=code, values=values, reason="Our own round", seen_edits=seen, by=lead)
    draft.refresh_from_db()
    catalogue.put_in_force(version=draft, by=lead)


def is_met(record: TreatmentSession, code: str) -> bool:
    record = TreatmentSession.objects.get(pk=record.pk)
    return next(one for one in gates.gates_of(record) if one.code == code).is_met


def test_time_to_think_follows_its_gate(day: CareDay) -> None:
    course = day.course()
    day.consent(course, informed_hours_ago=30)
    record = day.open_record(course)
    assert is_met(record, "gate-thinking")
    put_in_force(day, "gate-thinking", {"limits.least_hours": 48})
    assert not is_met(record, "gate-thinking")
    assert not consenting.thought_long_enough(course)


@pytest.mark.parametrize(("limit", "figure"), [("least_hours", 48), ("most_days", 1)])
def test_the_window_of_the_allergy_test_follows_its_gate(day: CareDay, limit: str, figure: int) -> None:
    course = day.course()
    day.tested(course.patient, hours_ago=47)
    record = day.open_record(course)
    assert is_met(record, "gate-test")
    put_in_force(day, "gate-test", {f"limits.{limit}": figure})
    assert not is_met(record, "gate-test")


def test_the_planner_places_the_test_by_the_same_figures(day: CareDay) -> None:
    course, today = day.course(), day.site.today()
    asked: dict[str, Any] = {
        "patient": course.patient, "site": day.site, "plan": gates.plan_of(course), "on": today + timedelta(days=40)}
    before = before_the_first.visit_for_testing(**asked)
    put_in_force(day, "gate-test", {"limits.least_hours": 72, "limits.most_days": 14})
    after = before_the_first.visit_for_testing(**asked)
    assert before is not None
    assert after is not None
    assert (before.first_day, before.last_day) == (today + timedelta(days=10), today + timedelta(days=39))
    assert (after.first_day, after.last_day) == (today + timedelta(days=26), today + timedelta(days=37))


@pytest.mark.parametrize(("valid_days", "met"), [(5, True), (4, False)])
def test_how_old_a_lab_value_may_be_follows_its_measurement(day: CareDay, valid_days: int, met: bool) -> None:
    record = day.ready()
    Measurement.objects.filter(code="m-cbc").update(taken_on=day.site.today() - timedelta(days=5))
    assert is_met(record, "gate-labs")
    put_in_force(day, "m-cbc", {"valid_days": valid_days})
    assert is_met(record, "gate-labs") is met


def test_a_gate_that_the_catalogue_closes_cannot_be_passed(day: CareDay) -> None:
    record = day.open_record()
    put_in_force(day, "gate-photos", {"overridable": False})
    with pytest.raises(Refused, match="cannot be passed"):
        recording.pass_gate(record=record, seen_version=record.version, gate="gate-photos", reason="Camera", by=day.by)


def test_the_full_round_follows_the_house(day: CareDay, at: Any) -> None:
    record = day.ready()
    put_in_force(day, "house-full-round", {"limits.most_days": 30})
    for days, met in ((30, True), (31, False)):
        at(datetime.fromisoformat(MORNING) + timedelta(days=days))
        assert ("older than 30 days" not in gates.full_rescreen_due(gates.case_of(record))) is met


def test_which_plan_needs_which_lab_follows_its_rule(day: CareDay) -> None:
    record = day.ready()
    Measurement.objects.filter(code="m-liver").update(taken_on=day.site.today() - timedelta(days=91))
    assert is_met(record, "gate-labs")
    scope = ["aesthetic", "hair", "body", "pain"]
    put_in_force(day, "lab-base", {"tests.3.when.plan": scope})
    assert not is_met(record, "gate-labs")


def test_a_lab_value_that_nobody_may_waive_any_more_is_asked_for(day: CareDay) -> None:
    record = day.ready()
    Measurement.objects.filter(code="m-cbc").update(taken_on=day.site.today() - timedelta(days=91))
    recording.pass_gate(record=record, seen_version=record.version, gate="gate-labs", reason="Known to us", by=day.by)
    assert is_met(record, "gate-labs")
    put_in_force(day, "lab-base", {"tests.1.waivable": None})
    assert not is_met(record, "gate-labs")


def test_a_clearance_holds_as_long_as_the_house_says(day: CareDay) -> None:
    def most_days() -> int:
        return (clearing.last_day(day.site, catalogue.in_force()) - day.site.today()).days

    assert most_days() == 180
    put_in_force(day, "house-clearance", {"limits.most_days": 30})
    assert most_days() == 30
