"""The page of an appointment: seen, moved, cancelled, arrived; a stale or second click changes nothing, roles hold."""
from __future__ import annotations

import pytest
from django.urls import reverse

from clinic.choices import Role
from clinic.idempotency import new_token
from clinic.models import AccessEvent, Room
from sessions import booking
from sessions.choices import AppointmentStatus
from tests import factories
from tests.factories import signed_in
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, allow_screening, make_clinic_day
from tests.sessions.visitpages import NEW, page_of

pytestmark = pytest.mark.django_db
STATUS = AppointmentStatus


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


# --- the page -------------------------------------------------------------------------------------------------------
def test_the_page_shows_when_where_who_and_is_logged(desk, day, patient):
    visit = day.book("10:45", patient=patient)
    page = page_of(desk, visit)
    for words in ("Thursday 12 March 2026, 10:45–11:30", "room held 10:40 to 11:40", "Dr Amina Haddad, Room 1"):
        assert words in page
    assert AccessEvent.objects.filter(page="appointment", patient_public_id=patient.public_id).exists()


def act(client, visit, name, **more):
    url = reverse(f"appointment-{name}", args=[visit.public_id])
    return client.post(url, {"form_token": new_token(), "seen_version": str(visit.version)} | more)


def test_arrive_undo_confirm_from_the_page(desk, day):
    visit = day.book("10:45")
    assert act(desk, visit, "arrive", **{"from": "board"}).url == "/?day=2026-03-12"
    visit.refresh_from_db()
    assert visit.status == STATUS.ARRIVED
    act(desk, visit, "undo")
    visit.refresh_from_db()
    act(desk, visit, "confirm")
    visit.refresh_from_db()
    assert visit.status == STATUS.CONFIRMED


def test_a_no_show_after_the_start_and_its_undo(desk, day, at):
    visit = day.book("10:45")
    url = reverse("appointment-no-show", args=[visit.public_id])
    said = {"why": "not-reached", "more": "", "seen_version": "1"}
    answer = desk.post(url, said | {"form_token": new_token()})
    assert answer.status_code == 422
    assert "from 10:45 on" in answer.content.decode(), "not before the start"
    at("2026-03-12T10:00+00:00")
    desk.logout()
    signed_in(desk, day.desk)
    assert act(desk, visit, "no-show").url == url, "a press alone leads to the question"
    for nothing in ({"why": ""}, {"why": "", "more": "  "}, {"why": "bored"}, {"why": "", "more": "x" * 201}):
        assert desk.post(url, said | nothing | {"form_token": new_token()}).status_code == 422
    visit.refresh_from_db()
    assert visit.status == STATUS.BOOKED
    assert desk.post(url, said | {"form_token": new_token()}).status_code == 302
    visit.refresh_from_db()
    assert (visit.status, visit.reason_words) == (STATUS.NO_SHOW, "Could not be reached")
    assert "Could not be reached" in page_of(desk, visit)
    act(desk, visit, "undo")
    visit.refresh_from_db()
    assert visit.status == STATUS.BOOKED


def test_acts_are_posted_only_and_need_version_and_token(desk, day):
    visit = day.book("10:45")
    for name in ("arrive", "confirm", "undo"):
        url = reverse(f"appointment-{name}", args=[visit.public_id])
        assert desk.get(url).status_code == 405
        for hostile in ("", "x", "-1", "9" * 40, "\u0661"):
            assert desk.post(url, {"form_token": new_token(), "seen_version": hostile}).status_code == 409
        assert desk.post(url, {"seen_version": "1"}).status_code == 409
    visit.refresh_from_db()
    assert visit.version == 1


def test_a_second_click_and_a_stale_one(desk, day):
    visit = day.book("10:45")
    url = reverse("appointment-arrive", args=[visit.public_id])
    form = {"form_token": new_token(), "seen_version": "1"}
    assert [desk.post(url, form).status_code for _ in range(3)] == [302, 302, 302]
    stale = desk.post(url, {"form_token": new_token(), "seen_version": "1"})
    assert stale.status_code == 409
    assert b"meanwhile" in stale.content
    visit.refresh_from_db()
    assert visit.version == 2


def test_moving_by_form_and_the_stale_second(desk, day):
    visit = day.book("10:45")
    url = reverse("appointment-move", args=[visit.public_id])
    assert "10:45" in desk.get(url).content.decode()
    form = {"practitioner": day.doctor.public_id, "room": "", "day": "2026-03-12", "time": "11:30",
            "overbook_reason": "", "fold": "", "seen_version": "1"}  # fmt: skip
    once = form | {"form_token": new_token()}
    assert [desk.post(url, once).status_code for _ in range(3)] == [302, 302, 302]
    visit.refresh_from_db()
    assert visit.version == 2, "a double click and a request that is sent again move once"
    stale = desk.post(url, form | {"form_token": new_token(), "time": "15:00"})
    assert stale.status_code == 409
    assert "15:00" in stale.content.decode(), "what was typed stays"
    assert "Thu 12 March 2026 11:30" in stale.content.decode(), "beside it what is there now"
    visit.refresh_from_db()
    assert visit.agreed_start == "2026-03-12T11:30"


def test_a_move_that_finds_no_room_says_so_while_it_is_filled_in(desk, day):
    """The forecast beside the form, before anything is sent."""
    day.book("12:00")
    visit = day.book("10:45")
    Room.objects.filter(site=day.site).update(in_service=False)
    form = {"practitioner": day.doctor.public_id, "room": "", "day": "2026-03-12", "time": "12:15", "overbook_reason": "",
            "fold": "", "seen_version": "1"}  # fmt: skip
    url = reverse("appointment-move", args=[visit.public_id])
    answer = desk.get(url, form, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert desk.post(url, form | {"form_token": new_token()}).status_code == 422
    visit.refresh_from_db()
    assert (visit.agreed_start, visit.version) == ("2026-03-12T10:45", 1)


def test_moving_onto_a_taken_time(desk, day):
    day.book("12:00")
    visit = day.book("10:45")
    form = {"practitioner": day.doctor.public_id, "room": day.room.public_id, "day": "2026-03-12", "time": "12:15",
            "overbook_reason": "", "fold": "", "seen_version": "1", "form_token": new_token()}  # fmt: skip
    answer = desk.post(reverse("appointment-move", args=[visit.public_id]), form)
    assert answer.status_code == 409
    assert "taken" in answer.content.decode()


def test_cancelling_needs_a_reason(desk, day):
    visit = day.book("10:45")
    url = reverse("appointment-cancel", args=[visit.public_id])
    assert desk.get(url).status_code == 200
    form = {"form_token": new_token(), "seen_version": "1"}
    assert desk.post(url, form | {"reason": ""}).status_code == 422
    assert desk.post(url, form | {"reason": "\u202eill"}).status_code == 422
    assert desk.post(url, form | {"reason": "Patient is ill"}).status_code == 302
    assert "Patient is ill" in page_of(desk, visit)
    assert desk.post(url, {"form_token": new_token(), "seen_version": "1", "reason": "again"}).status_code == 409


def test_a_desk_left_alone_is_signed_out_and_told_why(desk, day, at):
    at("2026-03-12T12:00+00:00")
    desk.get("/")
    at("2026-03-12T20:00+00:00")
    answer = desk.get("/", follow=True)
    assert b"signed out because nothing happened" in answer.content


# --- roles ----------------------------------------------------------------------------------------------------------
def test_the_manager_sees_and_changes_nothing(client, day, patient):
    visit = day.book("10:45", patient=patient)
    manager = signed_in(client, factories.make_user(Role.MANAGER))
    page = page_of(manager, visit)
    assert "Before the needle" not in page
    assert "Cancel the appointment" not in page
    assert manager.get(NEW).status_code == 403
    for name in ("arrive", "confirm", "no-show", "undo", "move", "cancel"):
        assert manager.post(reverse(f"appointment-{name}", args=[visit.public_id])).status_code == 403
    visit.refresh_from_db()
    assert visit.version == 1


def test_another_site_is_no_page(client, day, patient):
    visit = day.book("10:45", patient=patient)
    elsewhere = factories.make_site()
    stranger = signed_in(client, factories.make_user(Role.FRONT_DESK, site=elsewhere))
    assert stranger.get(reverse("appointment", args=[visit.public_id])).status_code == 404
    assert act(stranger, visit, "arrive").status_code == 404


def test_the_practitioner_may_start_a_session_for_a_course(client, day, patient, monkeypatch):
    allow_screening(monkeypatch)
    course = factories.make_course(patient, day.doctor, first_day=THURSDAY)
    visit = day.book("10:45", patient=patient, service=factories.make_service(), course=course,
                     planned_sessions=[course.planned_sessions.get(number=1)])  # fmt: skip
    booking.change_status(appointment=visit, to=STATUS.ARRIVED, seen_version=1, by=day.by)
    assert "Start session" in page_of(signed_in(client, day.doctor), visit)
    assert "Start session" not in page_of(signed_in(client, day.desk), visit)
