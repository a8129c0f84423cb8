"""Booking sessions of a course: once each, in their window, as their screening allows, and a whole course or nothing."""
from __future__ import annotations

import datetime as dt

import pytest

from patients.choices import Text
from sessions import booking
from sessions.models import Fulfilment
from tests import factories
from tests.sessions.bookings import counts, refused, wish_for
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, allow_screening, make_clinic_day

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


# --- a planned session and its screening ----------------------------------------------------------------------------
@pytest.fixture
def course(day):
    patient = factories.make_patient(day.site)
    return factories.make_course(patient, day.doctor, first_day=THURSDAY)


@pytest.fixture
def treatment(day):
    return factories.make_service()


def test_a_planned_session_is_fulfilled_once(day, course, treatment, monkeypatch):
    allow_screening(monkeypatch)
    wish = wish_for(course, treatment, 1)
    appointment = day.book(**wish)
    assert appointment.fulfilments.get().active
    assert "Session 1 is already booked" in refused(day, "planned", "planned_session", time="14:00", **wish)


def test_not_before_the_window_opens(day, course, treatment, monkeypatch):
    allow_screening(monkeypatch)
    wish = wish_for(course, treatment, 2)
    assert "Thu 2 April 2026" in refused(day, "too-early", "starts_at", day=dt.date(2026, 4, 1), **wish)
    day.book(day=dt.date(2026, 4, 2), **wish)


def test_screening_blocks_a_treatment_and_never_a_consultation(day, course, treatment, monkeypatch):
    allow_screening(monkeypatch, allowed=False, reason=Text.of(en="Not possible with this plan: Fish allergy."))
    sentence = refused(day, "screening", "starts_at", patient=course.patient, service=treatment, course=course)
    assert "Fish allergy" in sentence
    assert day.book(patient=course.patient).flagged == ""


def test_a_marked_screening_books_and_flags(day, course, treatment, monkeypatch):
    allow_screening(monkeypatch, marked=True, reason=Text.of(en="A clinician's clearance is needed: Asthma."))
    assert "clearance" in day.book(patient=course.patient, service=treatment, course=course).flagged


def test_the_real_screening_is_asked(day, course, treatment):
    appointment = day.book(patient=course.patient, service=treatment, course=course)
    assert appointment.flagged, "nobody has answered the questions yet: booked, but marked"


def test_a_course_of_somebody_else_or_stopped(day, course, treatment, monkeypatch):
    allow_screening(monkeypatch)
    refused(day, "course", "planned_session", service=treatment, course=course)
    course.status = "stopped"
    course.save()
    refused(day, "course", None, patient=course.patient, service=treatment, course=course)


def test_a_service_for_another_indication(day, course, monkeypatch):
    allow_screening(monkeypatch)
    other = factories.make_service(indication="ind-aga")
    refused(day, "service", "service", patient=course.patient, service=other, course=course)


# --- a whole course -------------------------------------------------------------------------------------------------
def choices(day, course, service, times=("10:00", "10:00", "10:00"), room=None):
    return [
        booking.SlotChoice(
            planned, service, day.doctor, room or day.room, day.at(time, planned.ideal),
        )
        for planned, time in zip(course.planned_sessions.all(), times, strict=True)
    ]  # fmt: skip


def test_a_course_is_booked_whole(day, course, treatment, monkeypatch):
    allow_screening(monkeypatch)
    made = booking.book_course(course=course, slots=choices(day, course, treatment), by=day.by)
    assert [one.local_start.strftime("%m-%d %H:%M") for one in made] == ["03-12 10:00", "04-09 10:00", "05-07 10:00"]
    assert Fulfilment.objects.filter(active=True).count() == 3


def test_every_clash_of_a_course_is_reported_and_nothing_booked(day, course, treatment, monkeypatch):
    allow_screening(monkeypatch)
    clara = factories.make_patient(day.site, given_name="Clara", family_name="Jensen")
    day.book("10:00", day=dt.date(2026, 4, 9), patient=clara)
    before = counts()
    slots = choices(day, course, treatment, ("10:00", "10:15", "19:00"))
    with pytest.raises(booking.CourseClash) as clash:
        booking.book_course(course=course, slots=slots, by=day.by)
    first, second, third = clash.value.report
    assert first.fits
    assert "Clara Jensen" in second.sentence
    assert second.next_free[0].local_start.strftime("%H:%M") == "10:45", "in the second room"
    assert "09:00-18:00" in third.sentence
    assert counts() == before


def test_rows_of_one_list_must_not_overlap_or_swap_their_order(day, course, treatment, monkeypatch):
    allow_screening(monkeypatch)
    rows = choices(day, course, treatment)
    rows[1] = booking.SlotChoice(rows[1].planned_session, treatment, day.doctor, day.room, rows[2].starts_at)
    with pytest.raises(booking.CourseClash) as clash:
        booking.book_course(course=course, slots=rows, by=day.by)
    assert [row.fits for row in clash.value.report] == [True, False, False]
