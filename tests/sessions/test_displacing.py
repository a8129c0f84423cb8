"""Bookings that lose their ground: marked in the same transaction, listed, placed anew together or one by one."""
from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic import day_plans, out_of_service, placing, shifts, staffing
from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Site, User
from clinic.week import WeekSpan
from protocols import giving
from sessions import booking
from sessions.choices import AppointmentStatus, Displaced
from sessions.message_texts import CONFIRM, MOVED
from sessions.models import Appointment, Message
from sessions.placing_anew import propose_anew
from tests import factories as make
from tests.clinic.test_places import post
from tests.sessions.clinicday import MORNING, ClinicDay, allow_screening, make_clinic_day
from tests.sessions.displacedday import FRIDAY, MONDAY, displaced_two, fields_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Any) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


@pytest.fixture
def manager(day: ClinicDay) -> User:
    return make.make_user(Role.MANAGER, name="Ines Moreau")


@pytest.fixture
def by(manager: User) -> Doer:
    return Doer.staff(manager)


@pytest.fixture
def desk(client: Client, day: ClinicDay) -> Client:
    return make.signed_in(client, day.desk)


def mark(visit: Appointment) -> str:
    visit.refresh_from_db()
    return visit.displaced


def week(starts: int, ends: int, days: str = "123456") -> list[WeekSpan]:
    return [WeekSpan(one, dt.time(starts), dt.time(ends)) for one in days]


# --- what takes the ground away, and gives it back --------------------------------------------------------------------
def test_a_closure_marks_what_is_booked_on_it_and_its_end_unmarks(day: ClinicDay, by: Doer) -> None:
    on_it, after = day.book("10:00", day=FRIDAY), day.book("10:00", day=MONDAY)
    placing.add_closure(site=day.site, first_day=FRIDAY, last_day=FRIDAY, reason="Strike", by=by)
    assert (mark(on_it), mark(after)) == (Displaced.CLOSED, "")
    placing.remove_closure(site=day.site, first_day=FRIDAY, by=by)
    assert mark(on_it) == ""


def test_shorter_hours_mark_what_reaches_past_them(day: ClinicDay, by: Doer) -> None:
    early, late = day.book("10:00", day=FRIDAY), day.book("16:30", day=FRIDAY)
    day_plans.set_special_hours(
        site=day.site, day=FRIDAY, spans=[(dt.time(9), dt.time(17))], reason="Fair", by=by
    )
    assert (mark(early), mark(late)) == ("", Displaced.HOURS)
    day_plans.remove_special_hours(site=day.site, day=FRIDAY, by=by)
    assert mark(late) == ""
    day.site.refresh_from_db()
    placing.set_opening_hours(site=day.site, seen_version=day.site.version, week=week(9, 17), by=by)
    assert (mark(early), mark(late)) == ("", Displaced.HOURS)


def test_an_absence_marks_one_practitioner_only(day: ClinicDay, by: Doer) -> None:
    theirs = day.book("10:00", day=FRIDAY)
    others = day.book("10:00", day=FRIDAY, practitioner=day.other_doctor, room=day.other_room)
    start = day.at("10:30", FRIDAY)
    shifts.add_absence(user=day.doctor, starts_at=start, ends_at=start + dt.timedelta(hours=1), by=by)
    assert (mark(theirs), mark(others)) == (Displaced.ABSENCE, "")
    shifts.end_absence(user=day.doctor, starts_at=start, by=by)
    assert mark(theirs) == ""


def test_another_shift_a_free_day_and_a_new_week_mark_what_they_leave_out(day: ClinicDay, by: Doer) -> None:
    friday, monday = day.book("10:00", day=FRIDAY), day.book("10:00", day=MONDAY)
    day_plans.set_day_shift(user=day.doctor, site=day.site, day=FRIDAY, spans=[], reason="", by=by)
    assert (mark(friday), mark(monday)) == (Displaced.SHIFT, "")
    day_plans.set_day_shift(
        user=day.doctor, site=day.site, day=FRIDAY, spans=[(dt.time(10), dt.time(11))], reason="", by=by
    )
    assert mark(friday) == ""
    day.doctor.refresh_from_db()
    shifts.set_working_times(
        user=day.doctor, site=day.site, seen_version=day.doctor.version, from_day=MONDAY, week=week(14, 18), by=by
    )
    assert (mark(friday), mark(monday)) == ("", Displaced.SHIFT)


def test_a_room_out_of_service_marks_also_what_only_cleans_up_in_it(day: ClinicDay, by: Doer) -> None:
    visit = day.book("10:00", day=FRIDAY)  # the room is cleaned until 10:55
    out_of_service.take_out(
        thing=day.room, starts_at=day.at("10:50", FRIDAY), ends_at=day.at("12:00", FRIDAY), reason="Lamp", by=by
    )
    assert mark(visit) == Displaced.ROOM
    out_of_service.put_back(thing=day.room, starts_at=day.at("10:50", FRIDAY), by=by)
    assert mark(visit) == ""
    placing.change_room(room=day.room, seen_version=1, name="Room 1", kind=day.room.kind, in_service=False, by=by)
    assert mark(visit) == Displaced.ROOM


def test_a_licence_that_ends_a_role_that_is_gone_and_a_service_for_others(day: ClinicDay, by: Doer) -> None:
    visit = day.book("10:00", day=MONDAY)

    def amend(**values: Any) -> None:
        day.doctor.refresh_from_db()
        known = {
            "name": day.doctor.name, "language": "en", "licence_number": "L", "licence_valid_until": dt.date(2099, 1, 1),
            "roles": [(Role.PRACTITIONER, None)], "is_active": True, "licence_country": "IT",
        }  # fmt: skip
        staffing.amend_member(member=day.doctor, seen_version=day.doctor.version, by=by, **known | values)

    amend(licence_valid_until=FRIDAY)
    assert mark(visit) == Displaced.LICENCE
    amend(licence_country="GB")
    assert mark(visit) == Displaced.LICENCE
    amend(roles=[(Role.FRONT_DESK, None)])
    assert mark(visit) == Displaced.PRACTITIONER
    amend()
    assert mark(visit) == ""
    giving.set_givers(service=day.consultation, seen_version=1, named_only=True, givers=[(day.other_doctor, None)], by=by)
    assert mark(visit) == Displaced.SERVICE
    with pytest.raises(Refused, match="does not give"):
        day.book("12:00", day=MONDAY)
    day.book("12:00", day=MONDAY, practitioner=day.other_doctor)


def test_what_is_over_cancelled_or_moved_is_not_marked(day: ClinicDay, by: Doer, at: Any) -> None:
    gone, moved = day.book("10:00", day=FRIDAY), day.book("12:00", day=FRIDAY)
    booking.cancel(appointment=gone, seen_version=1, reason="ill", by=day.by)
    placing.add_closure(site=day.site, first_day=FRIDAY, last_day=FRIDAY, reason="Strike", by=by)
    assert (mark(gone), mark(moved)) == ("", Displaced.CLOSED)
    booking.move(appointment=moved, seen_version=moved.version, starts_at=day.at("12:00", MONDAY), by=day.by)
    assert mark(moved) == ""
    with pytest.raises(Refused, match="closed"):
        booking.take_back(appointment=moved, seen_version=moved.version, by=day.by)
    assert mark(moved) == ""


def test_a_cancellation_taken_back_stands_on_the_ground_of_now(day: ClinicDay, by: Doer) -> None:
    visit = day.book("10:00", day=FRIDAY)
    placing.add_closure(site=day.site, first_day=FRIDAY, last_day=FRIDAY, reason="Strike", by=by)
    visit.refresh_from_db()
    booking.cancel(appointment=visit, seen_version=visit.version, reason="closed", by=day.by)
    visit.refresh_from_db()
    with pytest.raises(Refused, match="closed"):
        booking.undo(appointment=visit, seen_version=visit.version, by=day.by)
    placing.remove_closure(site=day.site, first_day=FRIDAY, by=by)
    booking.undo(appointment=visit, seen_version=visit.version, by=day.by)
    assert mark(visit) == ""


def test_a_refused_change_of_the_ground_marks_nothing(day: ClinicDay, by: Doer) -> None:
    visit = day.book("10:00", day=FRIDAY)
    with pytest.raises(Refused):
        placing.add_closure(site=day.site, first_day=FRIDAY, last_day=dt.date(2026, 3, 1), reason="x", by=by)
    assert mark(visit) == ""


@pytest.mark.parametrize("count", [1, 12])
def test_looking_again_asks_as_often_for_many_as_for_one(
    day: ClinicDay, by: Doer, count: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(count):
        people = (day.doctor, day.other_doctor)[number % 2], (day.room, day.other_room)[number % 2]
        day.book(f"{9 + number // 2:02}:00", day=FRIDAY, practitioner=people[0], room=people[1])
    with django_assert_max_num_queries(26):
        placing.add_closure(site=day.site, first_day=FRIDAY, last_day=FRIDAY, reason="Strike", by=by)
    assert Appointment.objects.displaced().count() == count


# --- proposals --------------------------------------------------------------------------------------------------------
def test_each_gets_a_time_of_its_own_with_the_same_practitioner_at_the_same_hour(day: ClinicDay, by: Doer) -> None:
    visits = [day.book("10:00", day=FRIDAY), day.book("11:00", day=FRIDAY)]
    for hour in range(9, 17):  # the next day of work is full but for two gaps
        if hour not in {10, 14}:
            day.book(f"{hour:02}:00", day=dt.date(2026, 3, 14))
    placing.add_closure(site=day.site, first_day=FRIDAY, last_day=FRIDAY, reason="Strike", by=by)
    found = propose_anew(visits)
    assert [one.offer.starts_at for one in found if one.offer] == [
        day.at("10:00", dt.date(2026, 3, 14)), day.at("13:45", dt.date(2026, 3, 14))
    ]  # fmt: skip
    assert {one.offer.practitioner for one in found if one.offer} == {day.doctor}


def test_a_session_of_a_course_stays_in_its_window(day: ClinicDay, by: Doer, monkeypatch: Any) -> None:
    allow_screening(monkeypatch)
    patient = make.make_patient(day.site)
    course = make.make_course(patient, day.doctor, first_day=FRIDAY)
    planned = course.planned_sessions.get(number=1)
    service = make.make_service()
    visit = day.book("10:00", day=FRIDAY, patient=patient, service=service, course=course, planned_sessions=[planned])
    planned.earliest = planned.ideal = dt.date(2026, 3, 18)
    planned.latest = dt.date(2026, 3, 20)
    planned.save()
    placing.add_closure(site=day.site, first_day=FRIDAY, last_day=FRIDAY, reason="Strike", by=by)
    visit.refresh_from_db()
    (found,) = propose_anew([visit])
    assert found.offer is not None
    assert found.offer.starts_at == day.at("10:00", dt.date(2026, 3, 18))
    assert found.fit == "ideal"


def test_who_is_away_for_long_is_stood_in_for(day: ClinicDay, by: Doer) -> None:
    visit = day.book("10:00", day=FRIDAY)
    start = day.at("00:00", FRIDAY)
    shifts.add_absence(user=day.doctor, starts_at=start, ends_at=start + dt.timedelta(days=200), by=by)
    (found,) = propose_anew([visit])
    assert found.offer is not None
    assert (found.offer.practitioner, found.offer.starts_at) == (day.other_doctor, day.at("10:00", FRIDAY))


def test_a_patient_is_not_proposed_two_places_at_once(day: ClinicDay, by: Doer) -> None:
    patient = make.make_patient(day.site)
    visits = [day.book("10:00", day=FRIDAY, patient=patient), day.book("12:00", day=FRIDAY, patient=patient)]
    day.book("10:00", day=dt.date(2026, 3, 14), patient=patient, practitioner=day.other_doctor, room=day.other_room)
    placing.add_closure(site=day.site, first_day=FRIDAY, last_day=FRIDAY, reason="Strike", by=by)
    starts = [one.offer.starts_at for one in propose_anew(visits) if one.offer]
    assert len(starts) == 2
    gaps = sorted([*starts, day.at("10:00", dt.date(2026, 3, 14))])
    assert all(two - one >= dt.timedelta(minutes=45) for one, two in pairwise(gaps))


# --- the pages --------------------------------------------------------------------------------------------------------
def test_a_closure_over_booked_time_leads_to_the_list(client: Client, day: ClinicDay, manager: User) -> None:
    visit = day.book("10:00", day=FRIDAY)
    office = make.signed_in(client, manager)
    answer = post(
        office, reverse("closure-new", args=[day.site.public_id]), first_day="2026-03-13", last_day="2026-03-13",
        reason="Strike",
    )  # fmt: skip
    assert (answer.status_code, answer.url) == (302, reverse("displaced"))
    html = office.get(answer.url).content.decode()
    assert visit.patient.name in html
    assert "The site is closed on that day" in html
    assert reverse("appointment-move", args=[visit.public_id]) not in html, "a manager sees, the desk moves"
    answer = post(
        office, reverse("closure-new", args=[day.site.public_id]), first_day="2026-04-13", last_day="2026-04-13",
        reason="Easter",
    )  # fmt: skip
    assert answer.url == reverse("site", args=[day.site.public_id]), "nothing is booked under this one"


def told_at(visit: Appointment) -> dt.datetime:
    """When the patient is told of the new time."""
    return Message.objects.get(appointment=visit, kind=MOVED, state="scheduled").due_at


MOVE = "/appointments/displaced/move/"


def test_all_are_moved_in_one_act_and_told_after_three_minutes(desk: Client, day: ClinicDay, by: Doer) -> None:
    visits = displaced_two(day, by)
    for visit in visits:
        Message.objects.filter(kind=CONFIRM, appointment=visit).update(
            state="sent", sent_at=timezone.now(), claimed_at=timezone.now(), told_start=visit.agreed_start
        )
    page = desk.get(MOVE).content.decode()
    assert desk.get(reverse("displaced")).content.decode().count("Cancel Nadia") == 2
    values = fields_of(page) | {"tell": "on"}
    answer = desk.post(MOVE, values)
    assert (answer.status_code, answer.url) == (302, reverse("displaced"))
    for visit in visits:
        assert mark(visit) == ""
        assert visit.starts_at.astimezone(day.site.zone).date() == dt.date(2026, 3, 14)
        assert told_at(visit) >= dt.datetime.fromisoformat(MORNING) + dt.timedelta(minutes=3)
    again = desk.post(MOVE, values)
    assert (again.status_code, again.url) == (302, reverse("displaced")), "a second click has no second effect"
    assert "Nothing is left to place" in desk.get(MOVE).content.decode()


def test_one_row_that_clashes_moves_nobody_and_says_why(desk: Client, day: ClinicDay, by: Doer) -> None:
    visits = displaced_two(day, by)
    values = fields_of(desk.get(MOVE).content.decode())
    one, two = (visit.public_id for visit in visits)
    values |= {f"day_{two}": "2026-03-13", f"time_{two}": "12:00"}
    answer = desk.post(MOVE, values)
    assert answer.status_code == 409
    html = answer.content.decode()
    assert "is closed on" in html
    assert f'value="{values[f"time_{one}"]}"' in html
    assert [mark(visit) for visit in visits] == [Displaced.CLOSED] * 2
    assert all(visit.came_from is None for visit in Appointment.objects.all())


@pytest.mark.parametrize(
    ("field", "typed"),
    [("day", "2026-02-30"), ("day", "9999-12-31"), ("time", "25:00"), ("time", ""), ("practitioner", "x"), ("room", "\x00"),
     ("version", "0"), ("version", "9" * 30), ("fold", "7")],
)  # fmt: skip
def test_crooked_rows_change_nothing(desk: Client, day: ClinicDay, by: Doer, field: str, typed: str) -> None:
    visits = displaced_two(day, by)
    values = fields_of(desk.get(MOVE).content.decode())
    answer = desk.post(MOVE, values | {f"{field}_{visits[0].public_id}": typed})
    assert answer.status_code == 422
    assert [mark(visit) for visit in visits] == [Displaced.CLOSED] * 2


def test_a_start_in_the_gap_is_refused_beside_its_row(desk: Client, day: ClinicDay, by: Doer) -> None:
    visits = displaced_two(day, by)
    values = fields_of(desk.get(MOVE).content.decode())
    key = visits[0].public_id
    answer = desk.post(MOVE, values | {f"day_{key}": "2026-03-29", f"time_{key}": "02:30"})
    assert answer.status_code == 422
    assert "does not exist" in answer.context["form"].errors[f"time_{key}"][0]


def test_a_row_that_somebody_moved_meanwhile_is_stale(desk: Client, day: ClinicDay, by: Doer) -> None:
    visits = displaced_two(day, by)
    values = fields_of(desk.get(MOVE).content.decode())
    Appointment.objects.filter(pk=visits[0].pk).update(version=5)
    answer = desk.post(MOVE, values)
    assert answer.status_code == 409
    assert [mark(visit) for visit in visits] == [Displaced.CLOSED] * 2


def test_all_rows_left_empty_is_no_move(desk: Client, day: ClinicDay, by: Doer) -> None:
    visits = displaced_two(day, by)
    values = fields_of(desk.get(MOVE).content.decode())
    values |= {f"day_{visit.public_id}": "" for visit in visits}
    assert desk.post(MOVE, values).status_code == 422


def test_the_board_and_the_appointment_say_it(desk: Client, day: ClinicDay, by: Doer) -> None:
    visit = displaced_two(day, by)[0]
    board = desk.get("/", {"day": "2026-03-13"}).content.decode()
    assert "The site is closed on that day" in board
    assert "2 appointments to place anew" in desk.get("/").content.decode()
    assert "The site is closed on that day" in desk.get(reverse("appointment", args=[visit.public_id])).content.decode()


def test_the_pages_know_their_roles(client: Client, day: ClinicDay, manager: User, by: Doer) -> None:
    displaced_two(day, by)
    office = make.signed_in(client, manager)
    assert office.get(reverse("displaced")).status_code == 200
    assert office.get(MOVE).status_code == 403
    assert office.post(MOVE, {}).status_code == 403
    elsewhere = make.make_user(Role.FRONT_DESK, site=make.make_site())
    far = make.signed_in(Client(), elsewhere)
    assert not far.get(reverse("displaced")).context["rows"]


def test_statuses_of_the_day_are_not_touched(day: ClinicDay, by: Doer) -> None:
    visit = day.book("10:00")
    booking.change_status(appointment=visit, to=AppointmentStatus.ARRIVED, seen_version=1, by=day.by)
    placing.change_room(room=day.room, seen_version=1, name="Room 1", kind=day.room.kind, in_service=False, by=by)
    assert mark(visit) == "", "who is here already is not placed anew"


def test_another_sites_bookings_stay(day: ClinicDay, by: Doer) -> None:
    visit = day.book("10:00", day=FRIDAY)
    other: Site = make.make_site()
    placing.add_closure(site=other, first_day=FRIDAY, last_day=FRIDAY, reason="x", by=by)
    assert mark(visit) == ""
