"""The short form of a free slot: who, what is filled in, what is said, booked once, and bad input to it."""
from __future__ import annotations

import datetime as dt

import pytest

from clinic.choices import Role
from clinic.idempotency import new_token
from patients.models import Patient
from sessions.models import Appointment
from tests import factories
from tests.factories import signed_in
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, allow_screening, make_clinic_day

HX = {"HX-Request": "true"}
FORECAST = HX | {"HX-Target": "slot-forecast"}
SLOT, PEOPLE = "/calendar/slot/", "/calendar/slot/people/"
NEW = {"given_name": "Alan", "family_name": "Turing", "birth_date": "1980-06-23", "sex": "male", "phone": "", "email": "",
       "language": "en"}  # fmt: skip


@pytest.fixture
def day(at, db) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


@pytest.fixture
def desk(client, day):
    return signed_in(client, day.desk)


@pytest.fixture
def grace(day) -> Patient:
    return factories.make_patient(day.site, given_name="Grace", family_name="Hopper")


def typed(day: ClinicDay, **more: str) -> dict[str, str]:
    return {
        "form_token": new_token(), "day": "2026-03-12", "time": "14:00", "service": day.consultation.public_id,
        "practitioner": day.doctor.public_id, "room": "", "minutes": "", "fold": "", "planned_session": "",
        "overbook_reason": "",
    } | more  # fmt: skip


def test_three_letters_find_somebody_and_two_do_not(desk, grace):
    assert "Grace" not in desk.get(PEOPLE, {"q": "Gr"}, headers=HX).content.decode()
    found = desk.get(PEOPLE, {"q": "Gra", "day": "2026-03-12"}, headers=HX).content.decode()
    assert "Grace" in found
    assert "day=2026-03-12" in found
    assert "Nobody fits" in desk.get(PEOPLE, {"q": "Zzz\x00"}, headers=HX).content.decode()


def test_the_slot_fills_in_time_column_and_the_next_session(desk, day, grace, monkeypatch):
    allow_screening(monkeypatch)
    course = factories.make_course(grace, day.doctor, first_day=THURSDAY)
    service = factories.make_service()
    query = {"patient": grace.public_id, "day": "2026-03-12", "time": "14:00", "by": "room", "column": day.other_room.public_id}
    form = desk.get(SLOT, query, headers=HX).context["form"]
    assert form["room"].value() == day.other_room.public_id
    assert form["planned_session"].value() == course.planned_sessions.get(number=1).public_id
    assert form["service"].value() == service.public_id
    assert form["time"].value() == "14:00"


def test_a_room_column_proposes_who_is_free(desk, day, grace):
    day.book("14:00")
    query = {"patient": grace.public_id, "day": "2026-03-12", "time": "14:00", "by": "room", "column": day.other_room.public_id}
    assert desk.get(SLOT, query, headers=HX).context["form"]["practitioner"].value() == day.other_doctor.public_id


def test_while_choosing_it_says_length_screening_interval_and_clash(desk, day, grace, monkeypatch):
    allow_screening(monkeypatch)
    course = factories.make_course(grace, day.doctor, first_day=THURSDAY + dt.timedelta(days=3))
    planned = course.planned_sessions.get(number=1)
    values = typed(day, patient=grace.public_id, planned_session=planned.public_id, service=factories.make_service().public_id)
    said = desk.get(SLOT, values, headers=FORECAST).content.decode()
    assert "45 min, from the protocol" in said
    assert "Too early" in said
    assert "not screened yet" in said
    assert "<form" not in said
    day.book("14:30")
    said = desk.get(SLOT, typed(day, patient=grace.public_id), headers=FORECAST).content.decode()
    assert "Dr Amina Haddad is taken" in said
    assert 'name="offer"' in said
    assert 'name="overbook_reason"' in said
    assert not Appointment.objects.filter(patient=grace).exists()


def test_saved_once_and_shown_in_the_calendar(desk, day, grace):
    values = typed(day, patient=grace.public_id, minutes="30")
    first = desk.post(SLOT, values, headers=HX)
    assert first.status_code == 302
    assert desk.post(SLOT, values, headers=HX)["Location"] == first["Location"]
    made = Appointment.objects.get(patient=grace)
    assert (made.local_start.hour, made.treatment_minutes, made.practitioner) == (14, 30, day.doctor)
    bar = desk.get(first["Location"], headers=HX)
    assert bar["HX-Retarget"] == "#calendar-done"
    assert "Grace" in bar.content.decode()


def test_somebody_new_is_registered_with_the_booking_or_not_at_all(desk, day):
    day.book("14:00", room=day.other_room)
    refused = desk.post(SLOT, typed(day, **NEW), headers=HX)
    assert refused.status_code == 409
    page = refused.content.decode()
    assert "is taken" in page
    assert 'name="overbook_reason"' in page
    assert 'name="offer"' in page
    assert 'value="Turing"' in page, "what was typed stays"
    assert not Patient.objects.filter(family_name="Turing").exists()
    assert desk.post(SLOT, typed(day, **NEW, time="16:00"), headers=HX).status_code == 302
    assert Appointment.objects.get(patient__family_name="Turing").local_start.hour == 16


def test_somebody_alike_is_shown_first(desk, day):
    factories.make_patient(day.site, given_name="Alan", family_name="Turing", birth_date=dt.date(1980, 6, 23))
    refused = desk.post(SLOT, typed(day, **NEW), headers=HX)
    assert refused.status_code == 409
    assert 'name="different_person"' in refused.content.decode()
    assert not Appointment.objects.exists()
    assert desk.post(SLOT, typed(day, **NEW, different_person="on"), headers=HX).status_code == 302
    assert Patient.objects.filter(family_name="Turing").count() == 2


def test_overbooked_with_a_reason_only(desk, day, grace):
    day.book("14:00")
    refused = desk.post(SLOT, typed(day, patient=grace.public_id), headers=HX)
    assert refused.status_code == 409
    assert 'name="overbook_reason"' in refused.content.decode()
    assert desk.post(SLOT, typed(day, patient=grace.public_id, overbook_reason="In pain"), headers=HX).status_code == 302
    assert Appointment.objects.get(patient=grace).overbooked_by == day.desk


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"day": "x"}, "valid date"), ({"day": "2036-03-12"}, "three years"), ({"time": "25:00"}, "valid time"),
        ({"day": "2026-03-29", "time": "02:30"}, "does not exist"), ({"day": "2026-10-25", "time": "02:30"}, "comes twice"),
        ({"minutes": "0"}, "greater than or equal to 5"), ({"minutes": "1440"}, "less than or equal to 480"),
        ({"minutes": "x"}, "whole number"), ({"room": "nobody"}, "valid choice"), ({"practitioner": ""}, "required"),
        ({"service": "\x00"}, ""), ({"day": "2026-03-11"}, "already passed"), ({"form_token": ""}, "lost its token"),
    ],
)  # fmt: skip
def test_bad_input_is_a_sentence_and_books_nothing(desk, day, grace, wrong, sentence):
    answer = desk.post(SLOT, typed(day, patient=grace.public_id) | wrong, headers=HX)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Appointment.objects.exists()
    assert desk.get(SLOT, {"patient": grace.public_id} | wrong, headers=FORECAST).status_code == 200
    assert desk.get(SLOT, {"patient": grace.public_id, "by": "\x00", "column": "x" * 300} | wrong, headers=HX).status_code == 200


def test_a_room_of_another_site_is_no_choice(desk, day, grace):
    far = factories.make_room(factories.make_site(), name="Far")
    assert desk.post(SLOT, typed(day, patient=grace.public_id, room=far.public_id), headers=HX).status_code == 422
    assert not Appointment.objects.exists()


def test_without_a_script_it_is_the_full_form(desk, day):
    answer = desk.get(SLOT, {"day": "2026-03-12", "time": "14:00"})
    assert answer["Location"] == "/appointments/new/?day=2026-03-12&time=14%3A00"


def test_who_may_not_book_sees_none_of_it(client, day, grace):
    manager = signed_in(client, factories.make_user(Role.MANAGER))
    assert manager.get(SLOT, headers=HX).status_code == 403
    assert manager.get(PEOPLE, {"q": "Grace"}, headers=HX).status_code == 403
    assert manager.post(SLOT, typed(day, patient=grace.public_id), headers=HX).status_code == 403
    elsewhere = signed_in(client.__class__(), factories.make_user(Role.FRONT_DESK, site=factories.make_site()))
    assert elsewhere.get(SLOT, {"patient": grace.public_id}, headers=HX).status_code == 404
    assert not Appointment.objects.exists()
