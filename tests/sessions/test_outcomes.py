"""Scores and the stop rule for pain: recorded, withdrawn, stopping further sessions until somebody decides."""
from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import AuditEvent
from protocols import catalogue
from protocols.stop_rules import StopState
from sessions import gates, outcomes
from sessions.availability import Wish
from sessions.booking_rules import obstacles
from sessions.models import Course, CourseDecision, OutcomeScore, TreatmentSession
from tests import factories as make
from tests.sessions.careday import HOSTILE_TEXT, MORNING, CareDay, make_care_day, send

pytestmark = pytest.mark.django_db
WEEK = dt.timedelta(days=7)
NOW = dt.datetime.fromisoformat(MORNING)


@pytest.fixture
def day(at: Any, client: Client) -> CareDay:
    at(MORNING)
    care = make_care_day()
    make.signed_in(client, care.doctor)
    return care


def pain_course(day: CareDay, *, done: int = 3) -> Course:
    """Sessions a week apart, the last one a week ago."""
    first = NOW - done * WEEK
    course = make.make_course(
        day.patient, day.doctor, sessions=6, indication="ind-msk-pain", category="pain", regions=["reg-lumbar"],
        technique="tq-sim-pain", first_day=first.date(),
    )  # fmt: skip
    for number in range(1, done + 1):
        ended = first + (number - 1) * WEEK
        planned = course.planned_sessions.get(number=number)
        visit = make.make_appointment(
            day.patient, practitioner=day.doctor, room=day.room, course=course, status="done", planned_session=planned,
            starts_at=ended - dt.timedelta(minutes=30),
        )  # fmt: skip
        TreatmentSession.objects.create(
            appointment=visit, patient=day.patient, course=course, planned_session=planned, status="ended",
            catalogue=catalogue.current(), opened_at=ended, opened_by=day.doctor, practitioner=day.doctor,
            history_confirmed_at=ended, begun_at=ended - dt.timedelta(minutes=20), ended_at=ended,
            technique="tq-sim-pain", delivery="dv-manual",
        )  # fmt: skip
        planned.done_on = ended.date()
        planned.save(update_fields=["done_on"])
    return course


def score(day: CareDay, course: Course, value: str, weeks_ago: float, scale: str = "VAS") -> OutcomeScore:
    return outcomes.record_score(
        course=course, scale=scale, value=Decimal(value), taken_at=NOW - weeks_ago * WEEK, by=day.by
    )


def state(course: Course) -> StopState | None:
    verdict = outcomes.stop_rule_of(course)
    return verdict.state if verdict else None


def booking_codes(day: CareDay, course: Course) -> list[str]:
    wish = Wish(
        patient=day.patient, site=day.site, service=make.make_service(indication="ind-msk-pain"), practitioner=day.doctor,
        room=day.room, starts_at=NOW + WEEK, course=course, planned_sessions=(course.planned_sessions.get(number=4),),
    )  # fmt: skip
    return [one.code for one in obstacles(wish)]


def test_pain_that_fell_too_little_stops_booking_until_somebody_decides(day: CareDay) -> None:
    course = pain_course(day)
    score(day, course, "8", 3.1)
    score(day, course, "6", 0.5)
    assert state(course) is StopState.TOO_LITTLE
    assert "stop-pain" in booking_codes(day, course)
    decision = outcomes.go_on(course=course, reason="sleeps better, asked for it", by=day.by)
    assert (decision.sessions_done, decision.detail["latest"]) == (3, "6.00")
    assert state(course) is StopState.GOES_ON
    assert "stop-pain" not in booking_codes(day, course)
    assert AuditEvent.objects.filter(action="course-goes-on").count() == 1


def test_enough_relief_stops_nothing(day: CareDay) -> None:
    course = pain_course(day)
    score(day, course, "8", 3.1)
    score(day, course, "5.6", 0.5)
    assert state(course) is StopState.ENOUGH
    assert "stop-pain" not in booking_codes(day, course)
    with pytest.raises(Refused, match="No stop rule"):
        outcomes.go_on(course=course, reason="why not", by=day.by)


def test_a_missing_score_is_recorded_not_waved_through(day: CareDay) -> None:
    course = pain_course(day)
    score(day, course, "8", 3.1)
    assert "stop-pain" in booking_codes(day, course)
    with pytest.raises(Refused, match="Record the pain score"):
        outcomes.go_on(course=course, reason="no time", by=day.by)
    assert not CourseDecision.objects.exists()


def test_without_a_baseline_somebody_decides(day: CareDay) -> None:
    course = pain_course(day)
    with pytest.raises(Refused, match="Record the pain score of today"):
        outcomes.go_on(course=course, reason="new here", by=day.by)
    score(day, course, "3", 0.5)
    assert state(course) is StopState.NO_BASELINE
    outcomes.go_on(course=course, reason="baseline in the old paper file", by=day.by)
    assert state(course) is StopState.GOES_ON


def test_a_withdrawn_score_counts_for_nothing(day: CareDay) -> None:
    course = pain_course(day)
    score(day, course, "8", 3.1)
    wrong = score(day, course, "1", 0.5)
    assert state(course) is StopState.ENOUGH
    outcomes.withdraw_score(score=wrong, reason="another patient's", by=day.by)
    assert state(course) is StopState.NO_SCORE
    with pytest.raises(Refused, match="withdrawn already"):
        outcomes.withdraw_score(score=wrong, reason="again", by=day.by)


@pytest.mark.parametrize(("fields", "field"), [
    ({"value": Decimal("10.1")}, "value"), ({"value": Decimal(-1)}, "value"), ({"scale": "GAIS"}, "scale"),
    ({"taken_at": NOW + WEEK}, "taken_at"), ({"taken_at": dt.datetime(1980, 1, 1, tzinfo=dt.UTC)}, "taken_at"),
])
def test_an_impossible_score_is_refused(day: CareDay, fields: dict[str, Any], field: str) -> None:
    course = pain_course(day, done=1)
    with pytest.raises(Refused) as refused:
        outcomes.record_score(**{"course": course, "scale": "VAS", "value": Decimal(5), "taken_at": NOW, "by": day.by} | fields)
    assert refused.value.field == field
    assert not OutcomeScore.objects.exists()


def test_other_scales_may_be_scored_too(day: CareDay) -> None:
    course = day.course()
    assert outcomes.scales_of(course, catalogue.in_force()) == ("GAIS",)
    assert score(day, course, "2", 0, scale="GAIS").value == 2
    assert state(course) is None


def test_the_desk_neither_scores_nor_decides(day: CareDay) -> None:
    course = pain_course(day)
    by = Doer.staff(make.make_user(Role.FRONT_DESK), day.site)
    with pytest.raises(NotPermitted):
        outcomes.record_score(course=course, scale="VAS", value=Decimal(5), taken_at=NOW, by=by)
    with pytest.raises(NotPermitted):
        outcomes.go_on(course=course, reason="why not", by=by)


def test_the_strip_holds_the_needle_until_it_is_decided(day: CareDay) -> None:
    course = pain_course(day)
    visit = make.make_appointment(
        day.patient, practitioner=day.doctor, room=day.room, course=course, status="arrived", starts_at=NOW,
        planned_session=course.planned_sessions.get(number=4),
    )  # fmt: skip
    record = TreatmentSession.objects.create(
        appointment=visit, patient=day.patient, course=course, planned_session=course.planned_sessions.get(number=4),
        catalogue=catalogue.current(), opened_at=NOW, opened_by=day.doctor, practitioner=day.doctor,
        technique="tq-sim-pain", delivery="dv-manual",
    )  # fmt: skip
    gate = next(one for one in gates.gates_of(record) if one.code == "gate-stop-rule")
    assert (gate.state, gate.mend) == (gates.MEND, "stop-rule")
    score(day, course, "8", 3.1)
    score(day, course, "4", 0.1)
    assert next(one for one in gates.gates_of(record) if one.code == "gate-stop-rule").is_met


# --- pages ------------------------------------------------------------------------------------------------------------
def typed(**changes: Any) -> dict[str, Any]:
    return {"scale": "VAS", "value": "7", "taken_at": "2026-03-12T09:00"} | changes


def test_scores_and_the_decision_through_the_pages(client: Client, day: CareDay) -> None:
    course = pain_course(day)
    page = reverse("course-scores", args=[course.public_id])
    send(client, page, typed(value="8", taken_at="2026-02-18T09:00"))
    assert send(client, page, typed(value="7.5")).url == page
    assert "less than 30" in client.get(page).content.decode()
    answer = send(client, reverse("course-go-on", args=[course.public_id]), {"reason": "Walks again"})
    assert answer.url == page
    assert "Walks again" in client.get(page).content.decode()
    wrong = OutcomeScore.objects.get(value=Decimal("7.5"))
    assert send(client, reverse("score-withdraw", args=[wrong.public_id]), {"reason": "Slip"}).url == page


@pytest.mark.parametrize(("changes", "field"), [
    ({"value": "11"}, "value"), ({"value": "-1"}, "value"), ({"value": "much"}, "value"), ({"value": ""}, "value"),
    ({"scale": "GAIS"}, "scale"), ({"taken_at": "2027-01-01T10:00"}, "taken_at"), ({"taken_at": "soon"}, "taken_at"),
])
def test_a_wrong_score_comes_back_beside_its_field(
    client: Client, day: CareDay, changes: dict[str, Any], field: str
) -> None:
    course = pain_course(day)
    answer = send(client, reverse("course-scores", args=[course.public_id]), typed(**changes))
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not OutcomeScore.objects.exists()


@pytest.mark.parametrize(("why", "words"), HOSTILE_TEXT)
def test_a_hostile_reason_is_refused(client: Client, day: CareDay, why: str, words: str) -> None:
    course = pain_course(day)
    score(day, course, "8", 3.1)
    score(day, course, "8", 0.1)
    answer = send(client, reverse("course-go-on", args=[course.public_id]), {"reason": words})
    assert answer.status_code == 422, why
    assert not CourseDecision.objects.exists()


@pytest.mark.parametrize("count", [1, 6])
def test_the_number_of_queries_does_not_grow_with_the_scores(
    client: Client, day: CareDay, count: int, django_assert_num_queries: Any
) -> None:
    course = pain_course(day)
    for number in range(count):
        score(day, course, "8", 0.1 + number / 10)
    page = reverse("course-scores", args=[course.public_id])
    client.get(page)
    with django_assert_num_queries(17):
        client.get(page)
