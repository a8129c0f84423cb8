"""The pages of an appointment: made, moved, cancelled, arrived; bad input stays beside its field, roles hold."""
from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse

from clinic.choices import Role
from clinic.idempotency import new_token
from clinic.models import AccessEvent, AuditEvent, Room
from sessions import booking
from sessions.choices import AppointmentStatus
from sessions.models import Appointment, Fulfilment
from tests import factories
from tests.factories import signed_in
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, allow_screening, make_clinic_day

pytestmark = pytest.mark.django_db
STATUS = AppointmentStatus
HOSTILE = [
    "\x00", "x" * 5_000, "\u202ecod", "'; DROP TABLE x;--", "<script>alert(1)</script>", "2026-02-30", "-1", "99:99",
]  # fmt: skip


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


NEW = "/appointments/new/"


# --- new ------------------------------------------------------------------------------------------------------------
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


# --- the page -------------------------------------------------------------------------------------------------------
def page_of(client, appointment) -> str:
    answer = client.get(reverse("appointment", args=[appointment.public_id]))
    assert answer.status_code == 200
    return answer.content.decode()


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
    assert desk.post(url, form | {"form_token": new_token()}).status_code == 302
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


# --- a whole course -------------------------------------------------------------------------------------------------
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
