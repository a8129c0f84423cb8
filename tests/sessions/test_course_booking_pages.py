"""The page that books a whole course: a free time in each window, every clash at its own row, all or nothing."""
from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse

from clinic.choices import Role
from clinic.idempotency import new_token
from sessions.models import Appointment, Fulfilment
from tests import factories
from tests.factories import signed_in
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, allow_screening, make_clinic_day
from tests.sessions.visitpages import HOSTILE

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


@pytest.fixture
def desk(client, day):
    return signed_in(client, day.desk)


@pytest.fixture
def patient(day):
    return factories.make_patient(day.site, given_name="Nadia", family_name="Rahman")


@pytest.fixture
def course(day, patient, monkeypatch):
    allow_screening(monkeypatch)
    factories.make_service(name="Hydration")
    return factories.make_course(patient, day.doctor, first_day=THURSDAY)


def rows_of(day, course, times=("10:00", "10:00", "10:00")) -> dict[str, str]:
    form = {"form_token": new_token(), "seen_version": str(course.version)}
    for planned, time in zip(course.planned_sessions.all(), times, strict=True):
        n = planned.number
        form |= {f"day_{n}": planned.ideal.isoformat(), f"time_{n}": time, f"fold_{n}": "",
                 f"practitioner_{n}": day.doctor.public_id, f"room_{n}": day.room.public_id}  # fmt: skip
    return form


def test_the_course_page_proposes_a_free_time_in_each_window(desk, day, course):
    day.book("10:00", day=dt.date(2026, 4, 9))
    url = reverse("course-book", args=[course.public_id])
    form = desk.get(url).context["form"]
    assert [str(form.initial[f"day_{n}"]) for n in (1, 2, 3)] == ["2026-03-12", "2026-04-09", "2026-05-07"]
    assert form.initial["time_1"] == dt.time(10)
    assert form.initial["time_2"] == dt.time(9, 15), "taken at ten: the nearest free time"
    page = desk.get(url).content.decode()
    assert page.count("In the window") == 3
    rows = desk.get(url).context["rows"]
    assert all(row["fits"] for row in rows), "clash or no clash stands beside each before anybody presses"


def test_the_proposals_avoid_closures_and_say_late(desk, day, course):
    factories.make_closure(day.site, dt.date(2026, 4, 7), dt.date(2026, 4, 12))
    page = desk.get(reverse("course-book", args=[course.public_id]))
    assert str(page.context["form"].initial["day_2"]) == "2026-04-02", "the window still has room before its ideal day"
    factories.make_closure(day.site, dt.date(2026, 3, 30), dt.date(2026, 4, 12))
    page = desk.get(reverse("course-book", args=[course.public_id]))
    assert str(page.context["form"].initial["day_2"]) == "2026-04-13"
    assert "Late" in page.content.decode()


def test_booking_the_course_from_the_page(desk, day, course):
    url = reverse("course-book", args=[course.public_id])
    form = rows_of(day, course)
    answers = [desk.post(url, form) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [302, 302, 302]
    assert Fulfilment.objects.filter(active=True).count() == 3
    assert "Every session is booked" in desk.get(url).content.decode()


def test_one_clash_books_nothing_and_each_row_says_its_own(desk, day, course):
    clara = factories.make_patient(day.site, given_name="Clara", family_name="Jensen")
    day.book("10:00", day=dt.date(2026, 4, 9), patient=clara)
    url = reverse("course-book", args=[course.public_id])
    form = rows_of(day, course, ("10:00", "10:15", "19:00"))
    answer = desk.post(url, form)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Clara Jensen" in page
    assert "09:00-18:00 only" in page
    assert page.count("Does not fit") == 2
    assert Appointment.objects.filter(patient=course.patient).count() == 0
    offer = next(value for row in answer.context["rows"] for _offer, value in row["offers"])
    mended = desk.post(url, form | {"offer": offer})
    assert mended.context["form"]["time_2"].value() == "10:45"
    assert [(row["fits"], bool(row["clash"])) for row in mended.context["rows"]] == [
        (True, False), (True, False), (False, True)
    ], "a row that was mended says so at once"  # fmt: skip
    assert desk.post(url, form | {"time_2": "10:45", "room_2": "", "time_3": "09:00"}).status_code == 302


def test_a_row_without_a_day_is_left_for_later(desk, day, course):
    form = rows_of(day, course) | {"day_3": ""}
    assert desk.post(reverse("course-book", args=[course.public_id]), form).status_code == 302
    assert Appointment.objects.filter(patient=course.patient).count() == 2


def test_a_late_first_session_shifts_the_windows_after_it(desk, day, course):
    form = rows_of(day, course) | {"day_1": "2026-03-26", "day_2": "2026-04-09"}
    answer = desk.post(reverse("course-book", args=[course.public_id]), form)
    assert answer.status_code == 409
    assert "Too early for session 2: possible on or after Thu 16 April 2026" in answer.content.decode()


@pytest.mark.parametrize("name", ["day_2", "time_2", "practitioner_2", "room_2", "fold_2", "seen_version"])
@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_rows(desk, day, course, name, value):
    answer = desk.post(reverse("course-book", args=[course.public_id]), rows_of(day, course) | {name: value})
    assert answer.status_code == 422
    assert Appointment.objects.count() == 0


def test_a_changed_plan_is_told(desk, day, course):
    form = rows_of(day, course)
    course.version += 1
    course.save()
    assert desk.post(reverse("course-book", args=[course.public_id]), form).status_code == 409
    assert Appointment.objects.count() == 0


def test_the_manager_may_not_book_a_course(client, day, course):
    manager = signed_in(client, factories.make_user(Role.MANAGER))
    assert manager.get(reverse("course-book", args=[course.public_id])).status_code == 403
