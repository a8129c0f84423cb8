"""Plans beside plans (section 14): what is refused at booking and before the needle, what proposing warns of."""
from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from clinic.errors import Refused
from protocols.plan import Component, Plan, Syringe
from sessions import booking, coursework, gates
from sessions.availability import Wish
from sessions.booking_rules import obstacles
from sessions.models import Appointment, Course, PlannedSession
from sessions.plans import store_syringes
from tests import factories as make
from tests.sessions.careday import MORNING, THURSDAY, CareDay, make_care_day
from tests.sessions.test_treatment_walk import wish_for

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def day(at: Any) -> CareDay:
    at(MORNING)
    return make_care_day()


def plan(indication: str, category: str, region: str, *lines: tuple[str, str, str], technique: str = "tq-papule") -> Plan:
    components = tuple(Component(code, D(ml), D(strength), "mg/ml") for code, strength, ml in lines)
    return Plan(
        indication=indication, category=category, regions=(region,), technique=technique, delivery="dv-manual",
        syringes=(Syringe(components),), antiseptic="chlorhexidine",
    )  # fmt: skip


LIPS = plan("ind-lips", "aesthetic", "reg-lips", ("sub-ha-nc", "10", "1"))
HANDS = plan("ind-hands", "aesthetic", "reg-hands", ("sub-ha-nc", "10", "2"))


def other_course(day: CareDay, given: Plan) -> Course:
    course = make.make_course(
        day.patient, day.doctor, indication=given.indication, category=given.category, regions=list(given.regions),
        technique=given.technique, mixture="",
    )  # fmt: skip
    course.items.all().delete()
    course.syringes.all().delete()
    store_syringes(course=course, syringes=given.syringes)
    return course


def booked(day: CareDay, course: Course, on: dt.date, hour: int = 12) -> Appointment:
    starts = dt.datetime.combine(on, dt.time(hour), day.site.zone)
    return make.make_appointment(
        day.patient, practitioner=day.doctor, room=day.room, service=make.make_service(indication=course.indication),
        course=course, starts_at=starts, planned_session=course.planned_sessions.get(number=1),
    )  # fmt: skip


def wish(day: CareDay, course: Course, on: dt.date, *, hour: int = 15, **more: Any) -> Wish:
    number: PlannedSession = course.planned_sessions.get(number=1)
    return Wish(
        patient=day.patient, site=day.site, service=day.service, practitioner=day.doctor, room=day.room,
        starts_at=dt.datetime.combine(on, dt.time(hour), day.site.zone), course=course, planned_sessions=(number,), **more,
    )  # fmt: skip


def codes(day: CareDay, course: Course, on: dt.date) -> list[str]:
    return [one.code for one in obstacles(wish(day, course, on))]


NEXT = THURSDAY + dt.timedelta(days=14)


def test_the_same_area_is_not_treated_twice_on_one_day(day: CareDay) -> None:
    booked(day, other_course(day, LIPS), NEXT)
    found = [one for one in obstacles(wish(day, day.course(), NEXT)) if one.code.startswith("combine")]
    assert [(one.code, one.source, one.field) for one in found] == [("combine-same-area", "dec", "starts_at")]
    assert "one mixture" in found[0].sentence


@pytest.mark.parametrize(("days", "refused"), [(-7, False), (-6, True), (6, True), (7, False)])
def test_two_plans_of_one_area_stand_seven_days_apart(day: CareDay, days: int, refused: bool) -> None:
    booked(day, other_course(day, LIPS), NEXT)
    assert ("combine-spacing" in codes(day, day.course(), NEXT + dt.timedelta(days=days))) is refused


def test_different_areas_share_a_day_when_the_sums_pass(day: CareDay) -> None:
    booked(day, other_course(day, HANDS), NEXT)
    assert codes(day, day.course(), NEXT) == []


def test_the_sums_of_the_day_run_over_both_plans(day: CareDay) -> None:
    """2 ml and 2 ml of hyaluronic acid are within 5 ml; with 4 ml it is too much."""
    heavy = plan("ind-hands", "aesthetic", "reg-hands", ("sub-ha-nc", "10", "4"))
    booked(day, other_course(day, heavy), NEXT)
    found = [one for one in obstacles(wish(day, day.course(), NEXT)) if one.code == "mixture-day"]
    assert len(found) == 1
    assert "5 ml" in found[0].sentence or "hyaluronic" in found[0].sentence


def test_two_new_products_on_one_day_are_refused(day: CareDay) -> None:
    booked(day, other_course(day, plan("ind-hands", "aesthetic", "reg-hands", ("sub-biotin", "5", "1"))), NEXT)
    assert codes(day, day.course(), NEXT) == ["combine-new-products"]


def test_a_move_is_judged_like_a_booking_and_its_own_time_does_not_count(day: CareDay) -> None:
    course = day.course()
    booked(day, other_course(day, LIPS), NEXT + dt.timedelta(days=10))
    visit = booking.book(
        patient=day.patient, service=day.service, site=day.site, practitioner=day.doctor, room=day.room, course=course,
        planned_sessions=[course.planned_sessions.get(number=1)], by=day.by,
        starts_at=dt.datetime.combine(NEXT, dt.time(15), day.site.zone),
    )  # fmt: skip
    near = dt.datetime.combine(NEXT + dt.timedelta(days=5), dt.time(15), day.site.zone)
    with pytest.raises(Refused) as refused:
        booking.move(appointment=visit, seen_version=visit.version, starts_at=near, by=day.by)
    assert refused.value.code == "combine-spacing"
    assert "Possible from" in refused.value.sentence
    later = booking.move(
        appointment=visit, seen_version=visit.version, by=day.by,
        starts_at=dt.datetime.combine(NEXT + dt.timedelta(days=1), dt.time(15), day.site.zone),
    )  # fmt: skip
    assert later.local_start.date() == NEXT + dt.timedelta(days=1)


def test_no_needle_beside_another_plan_of_the_area(day: CareDay) -> None:
    record = day.ready()
    assert not [gate for gate in gates.open_gates(record) if gate.code == "gate-interval"]
    booked(day, other_course(day, LIPS), THURSDAY + dt.timedelta(days=3))
    gate = next(gate for gate in gates.open_gates(record) if gate.code == "gate-interval")
    assert gate.state == gates.BLOCKED
    assert "3 days" in gate.detail


def test_a_session_that_was_given_counts_by_what_was_drawn_up(day: CareDay) -> None:
    day.ended()
    lips = other_course(day, LIPS)
    assert "combine-spacing" in codes(day, lips, THURSDAY + dt.timedelta(days=5))


def test_proposing_warns_of_the_days_that_collide(day: CareDay) -> None:
    booked(day, other_course(day, LIPS), THURSDAY + dt.timedelta(days=4))
    judgement = coursework.judge(patient=day.patient, wish=wish_for(day.site, day.doctor))
    (near,) = judgement.near
    assert (near.number, near.problem.code, near.problem.source) == (1, "combine-spacing", "dec")
    coursework.check_proposable(judgement, on=THURSDAY)


def test_another_course_of_the_same_indication_is_another_plan(day: CareDay) -> None:
    booked(day, other_course(day, dataclasses.replace(LIPS, indication="ind-hydration", regions=("reg-face",))), NEXT)
    assert "combine-spacing" in codes(day, day.course(), NEXT + dt.timedelta(days=3))
