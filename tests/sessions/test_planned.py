"""Windows follow what really happens: bookings, moves, cancellations, the end of a treatment; what was chosen stays."""
from __future__ import annotations

import dataclasses
import datetime as dt
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.errors import Refused
from sessions import booking, coursework, proposing
from sessions.models import Appointment, Course, PlannedSession
from sessions.planned import replan
from tests import factories as make
from tests.healthy import answered
from tests.house.pages import post_forms
from tests.sessions.careday import MORNING, THURSDAY, CareDay, make_care_day
from tests.sessions.test_treatment_walk import wish_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Any) -> CareDay:
    at(MORNING)
    return make_care_day()


def proposed(day: CareDay, **rhythm: Any) -> Course:
    wish = dataclasses.replace(wish_for(day.site, day.doctor), **rhythm)
    return coursework.propose(patient=day.patient, wish=wish, by=day.by)


def rows(course: Course) -> list[PlannedSession]:
    return list(course.planned_sessions.order_by("number"))


def days_of(course: Course) -> list[int]:
    """Ideal days, counted from Thursday 12 March."""
    return [(row.ideal - THURSDAY).days for row in rows(course)]


def book(day: CareDay, course: Course, number: int, on: dt.date) -> Appointment:
    return booking.book(
        patient=day.patient, service=day.service, site=day.site, practitioner=day.doctor, room=day.room, course=course,
        planned_sessions=[course.planned_sessions.get(number=number)], by=day.by,
        starts_at=dt.datetime.combine(on, dt.time(15), day.site.zone),
    )  # fmt: skip


def after(days: int) -> dt.date:
    return THURSDAY + dt.timedelta(days=days)


def test_dates_go_on_by_the_calendar_while_nobody_has_shifts(day: CareDay) -> None:
    course = proposed(day)
    before = days_of(course)
    day.doctor.shifts.all().delete()
    assert replan(course) == []
    assert days_of(course) == before


def test_a_chosen_interval_is_kept_when_the_dates_move(day: CareDay) -> None:
    course = proposed(day, interval_days=21)
    assert days_of(course) == [0, 21, 42]
    PlannedSession.objects.filter(course=course, number=1).update(done_on=after(4))
    replan(course)
    assert [(row.ideal - THURSDAY).days for row in rows(course)[1:]] == [25, 46]
    assert [(row.earliest - THURSDAY).days for row in rows(course)[1:]] == [25, 46], "21 is the shortest of 21 to 28"


def test_a_plan_beyond_the_longest_interval_is_saved_and_late(day: CareDay) -> None:
    course = proposed(day, interval_days=35)
    second = rows(course)[1]
    assert ((second.ideal - THURSDAY).days, (second.latest - THURSDAY).days) == (35, 28)
    assert second.interval_days == 35


def test_the_next_window_counts_from_the_actual_day(day: CareDay) -> None:
    record = day.ended()  # on Thursday, planned for Thursday
    second, third = rows(record.course)[1:]
    assert [(one.earliest - THURSDAY).days for one in (second, third)] == [21, 49]
    assert [(one.ideal - THURSDAY).days for one in (second, third)] == [28, 56]


def test_a_booking_shifts_what_follows_and_a_cancellation_shifts_it_back(day: CareDay) -> None:
    course = day.course()
    assert days_of(course) == [0, 28, 56]
    visit = book(day, course, 1, after(5))
    assert days_of(course) == [5, 33, 61]
    moved = booking.move(
        appointment=visit, seen_version=visit.version, by=day.by,
        starts_at=dt.datetime.combine(after(7), dt.time(15), day.site.zone),
    )  # fmt: skip
    assert days_of(course) == [7, 35, 63]
    booking.cancel(appointment=moved, seen_version=moved.version, reason="Ill", by=day.by)
    assert days_of(course) == [0, 28, 56]


def test_moving_one_session_marks_the_booked_one_that_comes_too_close(day: CareDay) -> None:
    course = day.course()
    first = book(day, course, 1, after(0))
    second = book(day, course, 2, after(28))
    assert Appointment.objects.get(pk=second.pk).day_words == ""
    booking.move(
        appointment=first, seen_version=first.version, by=day.by,
        starts_at=dt.datetime.combine(after(9), dt.time(15), day.site.zone),
    )  # fmt: skip
    second.refresh_from_db()
    assert second.day_words.startswith("Session 2 is too close: 19 days")
    assert second.local_start.date() == after(28), "nothing booked moves by itself"
    first.refresh_from_db()
    booking.move(
        appointment=first, seen_version=first.version, by=day.by,
        starts_at=dt.datetime.combine(after(7), dt.time(15), day.site.zone),
    )  # fmt: skip
    assert Appointment.objects.get(pk=second.pk).day_words == ""


@pytest.mark.parametrize(("days", "code"), [(20, "too-early"), (21, None), (28, None)])
def test_the_minimum_holds_at_booking(day: CareDay, days: int, code: str | None) -> None:
    course = day.course()
    book(day, course, 1, after(0))
    if code is None:
        assert book(day, course, 2, after(days)).day_words == ""
        return
    with pytest.raises(Refused) as refused:
        book(day, course, 2, after(days))
    assert refused.value.code == code


@pytest.mark.parametrize(("days", "words"), [
    (29, "later than the usual 28"), (60, "later than the usual 28"), (61, "All health questions are asked again")])
def test_late_is_allowed_and_marked(day: CareDay, days: int, words: str) -> None:
    course = day.course()
    book(day, course, 1, after(0))
    on = after(days)
    while on.isoweekday() == 7:  # closed; 29, 60 and 61 days after a Thursday are none
        on += dt.timedelta(days=1)
    visit = book(day, course, 2, on)
    assert words in visit.day_words


def test_the_first_booking_says_what_comes_before(day: CareDay) -> None:
    course = day.course()
    mark = book(day, course, 1, after(14)).day_words
    assert "Allergy test of" in mark
    assert "between Thu 12 March 2026 and Wed 25 March 2026" in mark
    assert "24 hours" in mark
    day.consent(course, informed_hours_ago=30)
    assert "24 hours" not in course.appointments.get().day_words
    day.tested(day.patient)
    assert course.appointments.get().day_words == "", "what is done is no longer asked for"


def test_a_test_too_old_by_then_is_asked_again(day: CareDay) -> None:
    course = day.course()
    day.consent(course)
    day.tested(day.patient, hours_ago=25)  # placed on Wednesday
    visit = book(day, course, 1, after(29))
    assert visit.day_words == ""
    later = dt.datetime.combine(after(30), dt.time(15), day.site.zone)
    moved = booking.move(appointment=visit, seen_version=visit.version, starts_at=later, by=day.by)
    assert "Allergy test" in moved.day_words


def test_proposed_times_keep_the_clock_time_of_the_last_appointment(day: CareDay) -> None:
    course = proposed(day, wall_time=dt.time(16, 30))
    coursework.approve(course=course, seen_version=course.version, by=day.by)
    course.refresh_from_db()
    assert proposing.usual_time_of(course) == dt.time(16, 30)
    book(day, course, 1, after(1))
    assert proposing.usual_time_of(course) == dt.time(15)
    offers = proposing.propose(course=course, service=day.service, sessions=rows(course)[1:])
    assert {one.offer.local_start.time() for one in offers if one.offer} == {dt.time(15)}


def test_phases_survive_a_new_date(day: CareDay) -> None:
    """Pattern hair loss: six at 14 days, then four at 28, also after session 6 was late."""
    course = make.make_course(
        day.patient, day.doctor, sessions=1, indication="ind-aga", category="hair", regions=["reg-scalp"],
        technique="tq-nappage",
    )  # fmt: skip
    for number in range(2, 11):
        PlannedSession.objects.create(
            course=course, patient=day.patient, number=number, phase=1 if number < 7 else 2,
            interval_days=14 if number < 7 else 28, earliest=after(number), ideal=after(number),
        )  # fmt: skip
    PlannedSession.objects.filter(course=course, number__lte=6).update(done_on=after(75))
    replan(course)
    found = [(row.ideal - after(75)).days for row in rows(course)[6:]]
    assert found[0] == 28
    assert [b - a for a, b in pairwise(found)] == [28, 28, 28]


def test_the_page_lists_what_came_too_close_for_a_decision(day: CareDay, client: Client) -> None:
    make.signed_in(client, day.doctor)
    course = day.course()
    first, second = book(day, course, 1, after(0)), book(day, course, 2, after(28))
    booking.move(
        appointment=first, seen_version=first.version, by=day.by,
        starts_at=dt.datetime.combine(after(9), dt.time(15), day.site.zone),
    )  # fmt: skip
    page = client.get(reverse("appointment", args=[first.public_id])).content.decode()
    assert "Session 2 is too close: 19 days" in page
    assert reverse("appointment", args=[second.public_id]) in page
    assert "Session 2 is too close" in client.get(reverse("course", args=[course.public_id])).content.decode()


def filled_in(client: Client, address: str, **typed: str) -> tuple[str, dict[str, Any]]:
    """The course form of a page as it is offered, with what somebody typed."""
    page = client.get(address).content.decode()
    form = next(one for one in post_forms(page, url=address) if "sessions" in one.fields)
    return address, {
        name: field.values for name, field in form.fields.items() if field.kind != "submit" and field.values
    } | {name: [value] for name, value in typed.items()}  # fmt: skip


@pytest.mark.parametrize(("typed", "phases"), [
    ({}, [6, 4]), ({"sessions": "8"}, [6, 2]), ({"phase_1": "8", "phase_2": "2"}, [8, 2]), ({"phase_1": "7"}, "phase_2"),
    ({"phase_1": "5", "phase_2": "4"}, "phase_1"), ({"phase_1": "12", "phase_2": "6"}, "sessions"),
    ({"interval_days": "10"}, "sessions"), ({"interval_days": "0"}, "interval_days"),
])
def test_a_clinician_sets_each_phase_on_the_page(
    day: CareDay, client: Client, typed: dict[str, str], phases: list[int] | str
) -> None:
    make.signed_in(client, day.doctor)
    day.patient.sex = "male"
    day.patient.save(update_fields=["sex"])
    answered(day.patient)
    address = reverse("course-new", args=[day.patient.public_id]) + "?indication=ind-aga&mixture=ck-hair-minox"
    answer = client.post(*filled_in(client, address, **typed))
    if isinstance(phases, str):
        assert answer.status_code == 422
        assert phases in answer.context["form"].errors
        assert not Course.objects.exists()
        return
    course = Course.objects.get()
    assert [course.planned_sessions.filter(phase=number).count() for number in (1, 2)] == phases


def test_the_planner_asks_for_the_allergy_test_and_the_time_to_think(day: CareDay, client: Client) -> None:
    make.signed_in(client, day.doctor)
    address = reverse("course-new", args=[day.patient.public_id]) + "?indication=ind-hydration&mixture=ck-face-hydra"
    judged = client.post(*filled_in(client, address, check="1", first_day="2026-03-26")).content.decode()
    assert "between Thu 12 March 2026 and Wed 25 March 2026" in judged
    assert "Give the consent text at least 24 hours before" in judged
    assert "Maintenance" in judged
    day.tested(day.patient)
    assert "Allergy test of" not in client.post(
        *filled_in(client, address, check="1", first_day="2026-03-26")).content.decode()
