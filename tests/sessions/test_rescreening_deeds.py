"""Whatever changes what is known screens the running courses again and marks or unmarks their future bookings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.choices import Role
from patients import records
from patients.models import Allergy, Medicine
from protocols import catalogue
from sessions import clearing, coursework, screenings
from sessions.models import Appointment, Course, Screening
from tests import factories as make
from tests.house.world import behind_link
from tests.sessions.careday import MORNING, CareDay, hidden_of, make_care_day

pytestmark = pytest.mark.django_db


@dataclass
class Booked:
    day: CareDay
    course: Course
    booking: Appointment
    client: Client

    @property
    def flag(self) -> str:
        return str(Appointment.objects.values_list("flagged", flat=True).get(pk=self.booking.pk))

    @property
    def newest(self) -> Screening:
        found = Screening.objects.filter(course=self.course).first()
        assert found is not None
        return found

    def url(self, name: str, *more: str) -> str:
        return reverse(name, args=[self.day.patient.public_id, *more])

    def send(self, page: str, to: str, **values: Any) -> None:
        """Fill in the form that posts to `to` on this page."""
        html = self.client.get(page).content.decode()
        hidden = hidden_of(html, to if f'action="{to}"' in html else "")
        answer = self.client.post(to, {**hidden, **values})
        assert answer.status_code == 302, answer.content.decode()[:3000]


@pytest.fixture
def booked(at: Callable[[str], Any], client: Client) -> Booked:
    """A healthy patient with an approved course and a booking in a week, and a clinician at the desk."""
    at(MORNING)
    day = make_care_day()
    course = day.course()
    booking = make.make_appointment(
        day.patient, practitioner=day.doctor, room=day.room, service=day.service, course=course,
        starts_at=timezone.now() + dt.timedelta(days=7), planned_session=course.planned_sessions.get(number=1),
    )  # fmt: skip
    make.signed_in(client, day.doctor)
    return Booked(day, course, booking, client)


def test_a_measurement_and_its_withdrawal(booked: Booked) -> None:
    page = booked.url("measurements")
    before = booked.newest
    booked.send(page, page, taken_on=booked.day.site.today().isoformat(), **{"m-platelets": "40"})
    reading = booked.day.patient.measurements.get(code="m-platelets", value=Decimal(40))
    assert booked.newest.pk != before.pk
    assert booked.newest.outcome == "needs-clearance"
    assert "clearance" in booked.flag
    withdraw = booked.url("measurement-withdraw", reading.public_id)
    booked.send(withdraw, withdraw, reason="other patient")
    assert (booked.newest.outcome, booked.flag) == ("cleared", "")


def test_an_allergy_and_its_end(booked: Booked) -> None:
    page = booked.url("medicines")
    booked.send(page, booked.url("allergy-add"), allergen="sub-ha-nc", note="rash")
    assert booked.newest.outcome == "blocked"
    assert "Not possible" in booked.flag
    allergy = Allergy.objects.get(patient=booked.day.patient)
    end = booked.url("allergy-end", allergy.public_id)
    booked.send(end, end, reason="It was another product")
    assert (booked.newest.outcome, booked.flag) == ("cleared", "")


def test_a_medicine_that_is_added_classed_and_ended(booked: Booked) -> None:
    page = booked.url("medicines")
    before = booked.newest
    booked.send(page, booked.url("medicine-add"), name="Warfarin 5 mg")
    assert booked.newest.pk != before.pk, "an unclassed medicine is a note until the start"
    medicine = Medicine.objects.get(patient=booked.day.patient)
    classing = booked.url("medicine-class", medicine.public_id)
    booked.send(classing, classing, classes=["med-anticoagulant"])
    assert booked.newest.outcome == "needs-clearance"
    assert "clearance" in booked.flag
    booked.send(page, booked.url("medicine-end", medicine.public_id))
    assert (booked.newest.outcome, booked.flag) == ("cleared", "")


def test_a_clearance_that_is_granted_and_taken_back(booked: Booked, at: Callable[[Any], Any]) -> None:
    from tests.healthy import answered

    at("2026-03-12T08:55:00+00:00")
    answered(booked.day.patient, q_keloid="yes")
    screenings.rescreen(patient=booked.day.patient, by=booked.day.by)
    assert (booked.newest.outcome, "clearance" in booked.flag) == ("needs-clearance", True)
    clearance = clearing.grant(
        patient=booked.day.patient, course=booked.course, rule_code="scr-keloid", reason="one small old scar", by=booked.day.by
    )
    assert (booked.newest.outcome, booked.flag) == ("cleared", "")
    clearing.end(clearance=clearance, reason="a second scar", by=booked.day.by)
    assert booked.newest.outcome == "needs-clearance"
    assert "clearance" in booked.flag


def test_answers_of_the_patients_own_link(booked: Booked) -> None:
    """Signing on the phone screens the course in the same transaction."""
    from types import SimpleNamespace

    from patients import intake
    from patients.labels import LinkPurpose
    from tests.healthy import healthy_answers

    world = SimpleNamespace(patient=booked.day.patient, site=booked.day.site, appointment=booked.booking)
    phone = behind_link(world, LinkPurpose.INTAKE)
    draft = intake.start(
        patient=booked.day.patient, questionnaire=catalogue.current_questionnaire(), language="en"
    )
    draft.answers = {**healthy_answers("female"), "q-pregnant": "yes"}
    draft.save()
    hidden = hidden_of(phone.get(reverse("patient-intake-overview")).content.decode())
    answer = phone.post(reverse("patient-intake-sign"), {**hidden, "signed_name": booked.day.patient.name})
    assert answer.status_code == 302, answer.content.decode()[:2000]
    assert booked.newest.outcome == "blocked"
    assert "Not possible" in booked.flag


def test_answers_that_staff_write_down(booked: Booked) -> None:
    from sessions import asking_again

    asked = asking_again.round_of(booked.course, asking_again.BEFORE_SESSION)
    asking_again.answer(course=booked.course, asked=asked, given={**asked.known, "q-pregnant": "yes"}, by=booked.day.by)
    assert booked.newest.outcome == "blocked"
    assert "Not possible" in booked.flag


def test_a_change_that_is_refused_leaves_screenings_and_marks(booked: Booked) -> None:
    before = booked.newest
    medicine = booked.url("medicine-add")
    answer = booked.client.post(medicine, {"form_token": "x1", "name": ""})
    assert answer.status_code == 422
    assert (booked.newest.pk, booked.flag) == (before.pk, "")


def test_a_booking_of_a_stopped_course_stays_marked_whatever_else_changes(booked: Booked) -> None:
    coursework.stop(course=booked.course, seen_version=booked.course.version, reason="moved away", by=booked.day.by)
    screenings.rescreen(patient=booked.day.patient, by=booked.day.by)
    assert booked.flag == "The course was stopped."


def test_a_new_screening_says_what_changed_since_the_one_before(booked: Booked) -> None:
    Medicine.objects.create(patient=booked.day.patient, name="Ibuprofen", recorded_at=timezone.now())
    before = booked.newest
    screenings.rescreen(patient=booked.day.patient, by=booked.day.by)
    assert booked.newest.since_id == before.pk
    assert ("medicine-new", "Ibuprofen") in [(one["kind"], one["code"]) for one in booked.newest.changes]


def test_another_practitioner_sees_the_marked_booking_on_the_board(booked: Booked, at: Callable[[Any], Any]) -> None:
    from tests.healthy import answered

    at("2026-03-12T08:55:00+00:00")
    answered(booked.day.patient, q_keloid="yes")
    screenings.rescreen(patient=booked.day.patient, by=booked.day.by)
    client = make.signed_in(Client(), make.make_user(Role.FRONT_DESK))
    day = (booked.day.site.today() + dt.timedelta(days=7)).isoformat()
    html = client.get(reverse("board"), {"day": day}).content.decode()
    assert "Needs a look" in html
    assert "keloid" not in html, "the desk sees that, not why"
    doctor = booked.client.get(reverse("board"), {"day": day, "practitioner": "all"}).content.decode()
    assert "Thick scars (keloid)" in doctor


def test_another_birth_date_screens_again(booked: Booked) -> None:
    patient, before = booked.day.patient, booked.newest.pk
    values = {name: getattr(patient, name) for name in records.PERSON_FIELDS}
    records.amend(patient=patient, values=values | {"address": "Via Nuova 2"}, seen_version=patient.version, by=booked.day.by)
    assert booked.newest.pk == before, "an address is no clinical fact"
    patient.refresh_from_db()
    minor = values | {"address": "Via Nuova 2", "birth_date": dt.date(2012, 5, 1)}
    records.amend(patient=patient, values=minor, seen_version=patient.version, by=booked.day.by)
    assert booked.newest.outcome == "blocked"
    assert booked.flag
