"""The form that books a visit: it offers free times, keeps what was typed, and bad input stays beside its field."""
from __future__ import annotations

import pytest
from django.urls import reverse

from clinic.idempotency import new_token
from clinic.models import AuditEvent
from sessions.models import Appointment
from tests import factories
from tests.factories import signed_in
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, allow_screening, make_clinic_day
from tests.sessions.visitpages import HOSTILE, NEW, page_of

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


def filled(day, patient, /, **changes) -> dict[str, str]:
    return {
        "form_token": new_token(), "patient": patient.public_id, "service": day.consultation.public_id,
        "practitioner": day.doctor.public_id, "room": "", "day": "2026-03-12", "time": "10:45", "note": "",
        "overbook_reason": "", "planned_session": "", "fold": "",
    } | changes  # fmt: skip


def test_without_a_patient_one_is_looked_for(desk, patient):
    assert b"Rahman" not in desk.get(NEW).content
    page = desk.get(NEW, {"q": "rahm", "day": "2026-03-20"})
    assert f"?patient={patient.public_id}&amp;day=2026-03-20" in page.content.decode()


def test_the_form_offers_the_next_free_times(desk, day, patient):
    page = desk.get(NEW, {"patient": patient.public_id}).content.decode()
    assert "Thu 12 Mar <time>09:00</time>" in page
    fragment = desk.get(
        NEW, {"patient": patient.public_id, "practitioner": day.other_doctor.public_id, "day": "2026-03-13"},
        headers={"HX-Request": "true"},
    ).content.decode()  # fmt: skip
    assert fragment.lstrip().startswith('<div id="suggestions"')
    assert "Fri 13 Mar" in fragment


def test_a_course_session_is_guessed_first(desk, day, patient):
    factories.make_service(name="Hydration")
    course = factories.make_course(patient, day.doctor, first_day=THURSDAY)
    page = desk.get(NEW, {"patient": patient.public_id})
    assert page.context["form"]["planned_session"].value() == course.planned_sessions.get(number=1).public_id


def test_no_time_is_proposed_before_the_window_of_the_session_opens(desk, day, patient, monkeypatch):
    allow_screening(monkeypatch)
    service = factories.make_service(name="Hydration")
    course = factories.make_course(patient, day.doctor, first_day=THURSDAY)
    first, second = course.planned_sessions.order_by("number")[:2]
    day.book("10:00", day=first.ideal, patient=patient, course=course, service=service, planned_sessions=[first])
    chosen = {"patient": patient.public_id, "service": service.public_id, "planned_session": second.public_id}
    page = desk.get(NEW, chosen | {"practitioner": day.doctor.public_id, "day": str(first.ideal)}, headers={"HX-Request": "true"})
    days = [offer.local_start.date() for offer, _value in page.context["offers"]]
    assert days
    assert min(days) >= second.earliest


def test_booking_from_the_form(desk, day, patient):
    answer = desk.post(NEW, filled(day, patient))
    made = Appointment.objects.get()
    assert answer.url == reverse("appointment", args=[made.public_id])
    assert (made.agreed_start, made.room) == ("2026-03-12T10:45", day.room)
    assert AuditEvent.objects.filter(action="appointment-booked", patient_public_id=patient.public_id).count() == 1


def test_an_open_room_takes_the_free_one(desk, day, patient):
    day.book("10:45", practitioner=day.other_doctor)
    desk.post(NEW, filled(day, patient))
    assert Appointment.objects.get(patient=patient).room == day.other_room


def test_an_offer_books_in_one_tap(desk, day, patient):
    offer = f"2026-03-13|09:15|{day.other_doctor.public_id}|{day.other_room.public_id}"
    desk.post(NEW, filled(day, patient, day="", time="", offer=offer))
    made = Appointment.objects.get()
    assert (made.agreed_start, made.practitioner, made.room) == ("2026-03-13T09:15", day.other_doctor, day.other_room)


def test_a_clash_keeps_what_was_typed_and_offers_times(desk, day, patient):
    day.book("10:00", patient=factories.make_patient(day.site, given_name="Clara", family_name="Jensen"))
    answer = desk.post(NEW, filled(day, patient, time="10:15", room=day.room.public_id, note="Prefers mornings"))
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Dr Amina Haddad is taken on Thu 12 March 2026 from 10:00 to 10:45 (Clara Jensen)." in page
    assert "Prefers mornings" in page
    assert f'value="2026-03-12|10:45|{day.doctor.public_id}|' in page
    assert Appointment.objects.count() == 1


def test_five_copies_book_once(desk, day, patient):
    form = filled(day, patient)
    urls = {desk.post(NEW, form).url for _ in range(5)}
    assert len(urls) == 1
    assert Appointment.objects.count() == 1


def test_a_token_is_not_for_another_content(desk, day, patient):
    form = filled(day, patient)
    desk.post(NEW, form)
    assert desk.post(NEW, form | {"time": "14:00"}).status_code == 422
    assert Appointment.objects.count() == 1


@pytest.mark.parametrize("field", ["service", "practitioner", "room", "day", "time", "planned_session", "fold"])
@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_choices_are_refused_beside_their_field(desk, day, patient, field, value):
    answer = desk.post(NEW, filled(day, patient, **{field: value}))
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert Appointment.objects.count() == 0


@pytest.mark.parametrize("field", ["note", "overbook_reason"])
@pytest.mark.parametrize("value", HOSTILE[:3])
def test_hostile_texts_are_refused_beside_their_field(desk, day, patient, field, value):
    answer = desk.post(NEW, filled(day, patient, **{field: value}))
    assert answer.status_code == 422
    assert field in answer.context["form"].errors


@pytest.mark.parametrize("value", HOSTILE[3:])
def test_markup_in_a_note_is_only_text(desk, day, patient, value):
    desk.post(NEW, filled(day, patient, note=value))
    assert Appointment.objects.get().note == value
    assert "<script>alert" not in page_of(desk, Appointment.objects.get())


@pytest.mark.parametrize("value", HOSTILE)
def test_a_crooked_offer_changes_nothing(desk, day, patient, value):
    desk.post(NEW, filled(day, patient, offer=value))
    assert Appointment.objects.get().agreed_start == "2026-03-12T10:45"


@pytest.mark.parametrize("value", ["", "\x00", "x" * 65])
def test_a_form_without_its_token_is_sent_back(desk, day, patient, value):
    assert desk.post(NEW, filled(day, patient, form_token=value)).status_code == 422
    assert Appointment.objects.count() == 0


@pytest.mark.parametrize("value", ["\x00", "x" * 23, "aaaaaaaaaaaaaaaaaaaaaa"])
def test_an_unknown_patient_is_no_page(desk, day, patient, value):
    assert desk.post(NEW, filled(day, patient, patient=value)).status_code == 404


def test_missing_fields_are_named(desk, day, patient):
    answer = desk.post(NEW, filled(day, patient, day="", time=""))
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"day", "time"}


def test_a_room_of_another_site_is_no_choice(desk, day, patient):
    other = factories.make_room(factories.make_site())
    answer = desk.post(NEW, filled(day, patient, room=other.public_id))
    assert "room" in answer.context["form"].errors


def test_a_start_in_the_gap_of_the_clock_change(desk, day, patient):
    answer = desk.post(NEW, filled(day, patient, day="2026-03-29", time="02:30"))
    assert answer.status_code == 422
    assert "does not exist" in answer.context["form"].errors["time"][0]
    assert "03:00" in answer.context["form"].errors["time"][0]


def test_a_start_that_comes_twice_is_asked_about(desk, day, patient):
    form = filled(day, patient, day="2026-10-25", time="02:30")
    answer = desk.post(NEW, form)
    assert "comes twice" in answer.context["form"].errors["time"][0]
    assert "the second one, after it" in answer.content.decode()
    chosen = desk.post(NEW, form | {"fold": "1"})
    assert "comes twice" not in chosen.content.decode(), "answered; what stands against it now are the opening hours"
    assert "does not open" in chosen.content.decode()


def test_too_far_away(desk, day, patient):
    assert "day" in desk.post(NEW, filled(day, patient, day="2099-01-01")).context["form"].errors
