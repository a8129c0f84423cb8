"""Courses as deeds: what closes approval, who may clear what, and that a clearance ends with the answer it was given for."""
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from protocols import catalogue
from protocols.findings import Severity
from protocols.screening import Stage
from sessions import clearing, coursework, screenings
from sessions.choices import CourseStatus
from sessions.models import Clearance, Course, Screening
from tests import factories as make
from tests.healthy import answered, measured
from tests.sessions.careday import MORNING, THURSDAY, CareDay, make_care_day

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Any) -> CareDay:
    at(MORNING)
    return make_care_day()


def clear(day: CareDay, course: Course, code: str = "scr-keloid", **fields: Any) -> Clearance:
    values = {"reason": "Old scar, far from the face.", "evidence": "", "by": day.by} | fields
    return clearing.grant(patient=course.patient, course=course, rule_code=code, **values)


def uncleared(course: Course) -> set[str]:
    evaluated = screenings.evaluate(patient=course.patient, stage=Stage.PLAN, on=THURSDAY, course=course)
    return {finding.code for finding in evaluated.uncleared}


def test_a_clearance_holds_180_days_and_ends_with_the_answer(day: CareDay) -> None:
    answered(day.patient, q_keloid="yes")
    course = day.course(approved=False)
    clearance = clear(day, course)
    assert clearance.valid_until == THURSDAY + dt.timedelta(days=180)
    assert "scr-keloid" not in uncleared(course)
    answered(day.patient, q_keloid="unsure")
    assert "scr-keloid" in uncleared(course), "given for another answer"


def test_a_clearance_of_one_course_does_not_clear_another(day: CareDay) -> None:
    answered(day.patient, q_keloid="yes")
    first, second = day.course(approved=False), day.course(approved=False)
    clear(day, first)
    assert "scr-keloid" not in uncleared(first)
    assert "scr-keloid" in uncleared(second)


@pytest.mark.parametrize("code", ["scr-pregnancy", "scr-invented"])
def test_only_a_standing_finding_that_asks_for_it_is_cleared(day: CareDay, code: str) -> None:
    course = day.course(approved=False)
    answered(day.patient, q_pregnant="yes")
    with pytest.raises(Refused):
        clear(day, course, code)
    assert not Clearance.objects.exists()


def letter_rules() -> list[str]:
    rules = catalogue.in_force().rules.values()
    return [rule.code for rule in rules if any(c.letter and c.severity is Severity.RELATIVE for c in rule.clauses)]


def test_some_rules_ask_for_a_letter() -> None:
    assert letter_rules()


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.MANAGER])
def test_who_may_not_treat_may_not_clear_stop_or_approve(day: CareDay, role: str) -> None:
    answered(day.patient, q_keloid="yes")
    course = day.course(approved=False)
    by = Doer.staff(make.make_user(role), day.site)
    with pytest.raises(NotPermitted):
        clear(day, course, by=by)
    with pytest.raises(NotPermitted):
        coursework.approve(course=course, seen_version=course.version, by=by)
    with pytest.raises(NotPermitted):
        coursework.stop(course=course, seen_version=course.version, reason="x", by=by)
    course.refresh_from_db()
    assert (course.status, Clearance.objects.count()) == (CourseStatus.PROPOSED, 0)


def test_what_is_not_asked_yet_closes_approval_but_not_the_proposal(day: CareDay) -> None:
    """Unknown never counts as fine."""
    stranger = make.make_patient(day.site)
    course = day.course(stranger, approved=False)
    with pytest.raises(Refused, match="unanswered or unclarified"):
        coursework.approve(course=course, seen_version=course.version, by=day.by)
    answered(stranger)
    measured(stranger, day.doctor)
    approved = coursework.approve(course=course, seen_version=course.version, by=day.by)
    assert approved.status == CourseStatus.APPROVED


def test_a_course_is_judged_for_its_next_session_and_never_for_a_day_gone_by(day: CareDay, at: Any) -> None:
    course = day.course(approved=False)
    assert coursework.next_day(course) == THURSDAY
    at("2026-03-20T08:00:00+00:00")
    assert coursework.next_day(course) == dt.date(2026, 3, 20)
    course.planned_sessions.filter(number=1).update(done_on=THURSDAY)
    assert coursework.next_day(course) == course.planned_sessions.get(number=2).ideal


def test_stopping_marks_the_bookings_that_stand(day: CareDay) -> None:
    course = day.course()
    booked = day.arrived(course, number=2, status="booked", starts_at=timezone.now() + dt.timedelta(days=28))
    done = day.arrived(course, number=1, status="done", starts_at=timezone.now() - dt.timedelta(days=1))
    coursework.stop(course=course, seen_version=course.version, reason="Moved away", by=day.by)
    booked.refresh_from_db()
    done.refresh_from_db()
    assert booked.flagged == "The course was stopped."
    assert done.flagged == ""
    with pytest.raises(Refused):
        coursework.stop(course=course, seen_version=course.version, reason="again", by=day.by)


def test_a_stale_stop_changes_nothing(day: CareDay) -> None:
    course = day.course()
    with pytest.raises(Stale):
        coursework.stop(course=course, seen_version=course.version - 1, reason="x", by=day.by)
    assert Course.objects.get().status == CourseStatus.APPROVED


def test_screening_again_covers_the_patient_and_every_running_course(day: CareDay) -> None:
    running, stopped = day.course(), day.course()
    coursework.stop(course=stopped, seen_version=stopped.version, reason="x", by=day.by)
    before = Screening.objects.count()
    results = screenings.rescreen(patient=day.patient, by=day.by)
    assert [one.course for one in results] == [None, running]
    assert Screening.objects.count() == before + 2
