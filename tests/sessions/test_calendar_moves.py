"""What the calendar's own acts answer: drops, taking back, the lock, series, swap, a freed time; and bad input to each."""
from __future__ import annotations

import datetime as dt
import re

import pytest
from django.urls import reverse

from clinic.choices import Role
from clinic.idempotency import new_token
from clinic.models import AuditEvent, Closure
from sessions import booking
from sessions.choices import AppointmentStatus
from sessions.models import Appointment
from tests import factories
from tests.factories import signed_in
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, allow_screening, make_clinic_day

STATUS = AppointmentStatus
HX = {"HX-Request": "true"}


@pytest.fixture
def day(at, db) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


@pytest.fixture
def desk(client, day):
    return signed_in(client, day.desk)


@pytest.fixture
def visit(day) -> Appointment:
    return day.book("10:00")


def again(visit: Appointment) -> Appointment:
    return Appointment.objects.get(pk=visit.pk)


def drop(desk, visit: Appointment, **asked: str):
    query = {"start": "2026-03-12T11:15", "seen": str(visit.version)} | asked
    return desk.get(reverse("appointment-drop", args=[visit.public_id]), query, headers=HX)


def hidden(page: str) -> dict[str, str]:
    """The fields of the form in the dialog, as a browser would send them."""
    found = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    return found | ({"tell": "on"} if 'name="tell" checked' in page else {})


# --- a drop ---------------------------------------------------------------------------------------------------------
def test_a_drop_is_a_question_first_and_moves_once(desk, visit):
    page = drop(desk, visit)
    assert page.status_code == 200
    assert "Move from 10:00 to 11:15?" in page.content.decode()
    assert again(visit).version == 1
    form = hidden(page.content.decode())
    url = reverse("appointment-drop", args=[visit.public_id])
    first = desk.post(url, form, headers=HX)
    assert first["Location"] == reverse("appointment-moved", args=[visit.public_id])
    assert desk.post(url, form, headers=HX)["Location"] == first["Location"], "a double drop"
    assert again(visit).version == 2
    assert AuditEvent.objects.filter(action="appointment-moved").count() == 1
    bar = desk.get(first["Location"], headers=HX)
    assert bar["HX-Trigger"] == "calendar-changed"
    assert "Take back" in bar.content.decode()
    assert desk.get(first["Location"])["Location"].startswith("/calendar/?day=2026-03-12")


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"start": "nonsense"}, "Say the time as day and clock time"),
        ({"start": "2026-03-12T25:00"}, "Say the time as day and clock time"),
        ({"start": "2026-03-12T11:15", "end": "\x00"}, "Say the time as day and clock time"),
        ({"start": "2026-03-12T11:15", "end": "2026-03-12T11:15"}, "greater than or equal to 5"),
        ({"start": "2026-03-12T11:15", "end": "2026-03-12T10:15"}, "greater than or equal to 5"),
        ({"start": "2026-03-12T11:15", "end": "2026-03-13T11:15"}, "less than or equal to 480"),
        ({"start": "2036-03-12T11:15"}, "within the next three years"),
        ({"start": "2026-03-29T02:30"}, "does not exist"),
        ({"start": "2026-10-25T02:30"}, "comes twice"),
        ({"start": "2026-03-12T11:15", "by": "room", "column": "nobody"}, "Select a valid choice"),
        ({"start": "2026-03-12T11:15", "by": "room", "column": "\x00"}, "Room"),
        ({"start": "2026-03-12T21:30"}, "from"),
        ({"start": "2026-03-11T11:15"}, "already passed"),
        ({"start": "2026-03-15T11:15"}, "does not open on"),
    ],
)  # fmt: skip
def test_a_drop_onto_nothing_possible_is_a_sentence(desk, visit, asked, sentence):
    answer = drop(desk, visit, **asked)
    if answer.status_code != 200:
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
    else:
        assert asked.get("column") == "\x00", "an empty column leaves the room as it is"
    assert again(visit).version == 1


def test_a_room_of_another_site_is_no_choice(desk, day, visit):
    elsewhere = factories.make_room(factories.make_site(), name="Far away")
    answer = drop(desk, visit, by="room", column=elsewhere.public_id)
    assert answer.status_code == 422
    form = hidden(drop(desk, visit).content.decode()) | {"room": elsewhere.public_id}
    assert desk.post(reverse("appointment-drop", args=[visit.public_id]), form, headers=HX).status_code == 422
    assert again(visit).version == 1


def test_in_the_hour_that_comes_twice_it_asks_which(desk, day, visit):
    answer = drop(desk, visit, start="2026-10-25T02:30")
    assert 'name="fold"' in answer.content.decode()
    assert "before the clocks go back" in answer.content.decode()


def test_a_clash_says_who_when_and_what_is_free(desk, day, visit):
    day.book("11:30", patient=factories.make_patient(day.site, given_name="Tom"))
    answer = drop(desk, visit)
    words = answer.content.decode()
    assert answer.status_code == 422
    assert "Dr Amina Haddad is taken" in words
    assert "Tom" in words
    assert "Next free" in words
    assert 'name="offer"' in words
    assert 'name="overbook_reason"' in words, "only the practitioner is in the way: the other room is free"


def test_both_in_the_way_cannot_be_overbooked(desk, day, visit):
    day.book("11:15", patient=visit.patient, practitioner=day.other_doctor, room=day.other_room)
    assert 'name="overbook_reason"' not in drop(desk, visit).content.decode()


def test_overbooked_by_a_drop_with_its_reason(desk, day, visit):
    day.book("11:30", room=day.other_room)
    page = drop(desk, visit).content.decode()
    form = hidden(page)
    url = reverse("appointment-drop", args=[visit.public_id])
    assert desk.post(url, form, headers=HX).status_code == 409, "without a reason it is a clash"
    again_page = hidden(drop(desk, visit).content.decode())
    assert desk.post(url, again_page | {"overbook_reason": "Emergency"}, headers=HX).status_code == 302
    assert again(visit).overbooked_reason == "Emergency"


def test_a_taken_room_is_replaced_by_a_free_one_and_said(desk, day, visit):
    day.book("11:15", practitioner=day.other_doctor, room=day.room)
    answer = drop(desk, visit)
    assert answer.status_code == 200
    assert "Room 1 is taken then; Room 2 is free." in answer.content.decode()
    assert hidden(answer.content.decode())["room"] == day.other_room.public_id


def test_what_was_moved_meanwhile_or_has_ended_stays(desk, day, visit):
    booking.move(appointment=visit, seen_version=1, starts_at=day.at("14:00"), by=day.by)
    stale = drop(desk, visit)
    assert stale.status_code == 409
    assert stale["HX-Trigger"] == "calendar-changed"
    assert "Somebody changed this appointment" in stale.content.decode()
    Appointment.objects.filter(pk=visit.pk).update(status=STATUS.DONE)
    assert drop(desk, visit, seen="2").status_code == 422
    assert drop(desk, visit, seen="\x00").status_code == 409


def test_a_form_from_before_somebody_elses_move_moves_nothing(desk, day, visit):
    form = hidden(drop(desk, visit).content.decode())
    booking.move(appointment=visit, seen_version=1, starts_at=day.at("14:00"), by=day.by)
    answer = desk.post(reverse("appointment-drop", args=[visit.public_id]), form, headers=HX)
    assert answer.status_code == 409
    assert again(visit).starts_at == day.at("14:00")


def test_on_a_closed_day_it_goes_back(desk, day, visit):
    Closure.objects.create(site=day.site, first_day=dt.date(2026, 3, 13), last_day=dt.date(2026, 3, 13), reason="Holiday")
    answer = drop(desk, visit, start="2026-03-13T10:00")
    assert answer.status_code == 422
    assert "Holiday" in answer.content.decode()


@pytest.mark.parametrize("name", ["drop", "moved", "series", "swap", "freed", "booked"])
def test_the_manager_and_another_site_do_none_of_it(client, day, visit, name):
    url = reverse(f"appointment-{name}", args=[visit.public_id])
    assert signed_in(client, factories.make_user(Role.MANAGER)).get(url).status_code == 403
    elsewhere = factories.make_user(Role.FRONT_DESK, site=factories.make_site())
    assert signed_in(client.__class__(), elsewhere).get(url).status_code == 404


# --- taken back -----------------------------------------------------------------------------------------------------
def test_taken_back_from_the_bar_and_from_the_panel(desk, day, visit):
    moved = booking.move(appointment=visit, seen_version=1, starts_at=day.at("14:00"), by=day.by)
    assert "Take the move back" in desk.get(reverse("appointment-panel", args=[visit.public_id])).content.decode()
    url = reverse("appointment-take-back", args=[visit.public_id])
    form = {"form_token": new_token(), "seen_version": str(moved.version), "from": "calendar"}
    bar = HX | {"HX-Target": "calendar-done"}
    assert desk.post(url, form, headers=bar)["Location"] == reverse("appointment-moved", args=[visit.public_id])
    assert again(visit).starts_at == day.at("10:00")
    refused = desk.post(url, form | {"form_token": new_token(), "seen_version": "3"}, headers=bar)
    assert refused.status_code == 409
    assert "nothing to take back" in refused.content.decode()


def test_an_act_in_the_panel_leaves_the_calendar_where_it_is(desk, day, visit):
    form = {"form_token": new_token(), "seen_version": "1", "from": "calendar"}
    answer = desk.post(reverse("appointment-confirm", args=[visit.public_id]), form, headers=HX)
    assert answer["Location"] == reverse("appointment-panel", args=[visit.public_id]) + "?changed=1"
    assert desk.get(answer["Location"], headers=HX)["HX-Trigger"] == "calendar-changed"
    stale = desk.post(
        reverse("appointment-confirm", args=[visit.public_id]), form | {"form_token": new_token()}, headers=HX
    )
    assert (stale.status_code, stale["HX-Retarget"]) == (409, "#calendar-done")
    assert "Somebody changed this appointment" in stale.content.decode()


def test_the_lock_is_kept_with_the_person(desk, day):
    assert "data-drag" in desk.get("/calendar/?view=day").content.decode()
    desk.post(reverse("calendar-dragging"), {"locked": "1"})
    day.desk.refresh_from_db()
    assert day.desk.drag_locked
    assert "data-drag" not in desk.get("/calendar/?view=day").content.decode()
    assert AuditEvent.objects.filter(action="dragging-locked").count() == 1
    desk.post(reverse("calendar-dragging"), {"locked": "nonsense"})
    day.desk.refresh_from_db()
    assert not day.desk.drag_locked


# --- series ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def course(day, monkeypatch) -> list[Appointment]:
    allow_screening(monkeypatch)
    patient = factories.make_patient(day.site)
    made = factories.make_course(patient, day.doctor, first_day=THURSDAY + dt.timedelta(days=7))
    service = factories.make_service()
    return [
        day.book("10:00", day=one.ideal, patient=patient, course=made, service=service, planned_sessions=[one])
        for one in made.planned_sessions.order_by("number")
    ]


def rows_of(page) -> dict[str, str]:
    form = page.context["form"]
    return {field.html_name: str(field.value() if field.value() is not None else "") for field in form} | {"tell": "on"}


def test_this_and_later_row_by_row(desk, day, course):
    url = reverse("appointment-series", args=[course[0].public_id])
    page = desk.get(url, {"days": "7"})
    form = rows_of(page)
    assert form["day_2"] == str(course[1].local_start.date() + dt.timedelta(days=7))
    answer = desk.post(url, form)
    assert answer.status_code == 302
    assert [again(row).starts_at - row.starts_at for row in course] == [dt.timedelta(days=7)] * len(course)
    assert desk.post(url, form)["Location"] == answer["Location"]
    assert again(course[1]).version == 2


def test_a_clash_in_the_series_is_said_in_its_row(desk, day, course):
    day.book("10:00", day=course[1].local_start.date() + dt.timedelta(days=7))
    url = reverse("appointment-series", args=[course[0].public_id])
    answer = desk.post(url, rows_of(desk.get(url, {"days": "7"})))
    assert answer.status_code == 409
    assert answer.content.decode().count("row-clash") == 1
    assert "is taken on" in answer.content.decode()
    assert [again(row).version for row in course] == [1] * len(course)


def test_after_a_move_the_rest_is_offered_by_the_same_days(desk, day, course):
    first = course[0]
    booking.move(appointment=first, seen_version=1, starts_at=first.starts_at + dt.timedelta(days=2), by=day.by)
    bar = desk.get(reverse("appointment-moved", args=[first.public_id]), headers=HX).content.decode()
    assert "Move the 2 later sessions too" in bar
    page = desk.get(reverse("appointment-series", args=[first.public_id]), {"rest": "1"})
    form = rows_of(page)
    assert form["day_1"] == str(course[1].local_start.date() + dt.timedelta(days=2))
    assert "day_3" not in form
    url = reverse("appointment-series", args=[first.public_id]) + "?rest=1"
    assert desk.post(url, form).status_code == 302
    assert again(course[2]).starts_at == course[2].starts_at + dt.timedelta(days=2)


@pytest.mark.parametrize("wrong", [{"day_1": "x"}, {"time_1": ""}, {"day_2": "2036-01-01"}, {"version_1": "\x00"}, {"row_1": "x"},
                                   {"room_1": "x"}, {"day_1": "2026-03-29", "time_1": "02:30"}])  # fmt: skip
def test_crooked_rows_move_nothing(desk, day, course, wrong):
    url = reverse("appointment-series", args=[course[0].public_id])
    answer = desk.post(url, rows_of(desk.get(url, {"days": "7"})) | wrong)
    assert answer.status_code in {409, 422}
    assert [again(row).version for row in course] == [1] * len(course)
    for days in ("x", "99999", "-", "\x00", "--3"):
        assert desk.get(url, {"days": days, "day": "\x00", "time": "25:99"}).status_code == 200


def test_the_move_form_moves_only_this_or_this_and_later(desk, day, course):
    url = reverse("appointment-move", args=[course[0].public_id])
    page = desk.get(url)
    assert "This and the 2 later ones" in page.content.decode()
    week_later = course[0].local_start.date() + dt.timedelta(days=7)
    form = rows_of(page) | {"day": str(week_later), "scope": "later", "overbook_reason": ""}
    assert desk.post(url, form).status_code == 302
    assert [again(row).starts_at - row.starts_at for row in course] == [dt.timedelta(days=7)] * len(course)


def test_the_move_form_says_how_the_day_sits_in_the_course(desk, day, course):
    url = reverse("appointment-move", args=[course[1].public_id])
    page = desk.get(url)
    assert "In the window" in page.content.decode()

    def beside(**chosen: str) -> str:
        return desk.get(url, rows_of(page) | chosen, headers=HX).content.decode()

    early = beside(day=str(course[0].local_start.date() + dt.timedelta(days=1)))
    assert early.lstrip().startswith('<div id="suggestions"')
    assert "Too early" in early
    assert 'role="alert"' in early, "what stands against it"
    late = beside(day=str(course[1].local_start.date() + dt.timedelta(days=40)))
    assert "Late" in late
    assert "session 3" in late.lower(), "and the one after is left too close"
    for wrong in ({"day": "x"}, {"day": "\x00"}, {"time": "25:99"}, {"practitioner": "nobody"}, {"minutes": "-1"}):
        assert beside(**wrong), "nothing breaks on what is half typed"
    assert [again(row).version for row in course] == [1] * len(course)


def test_a_single_appointment_has_no_later_ones(desk, visit):
    page = desk.get(reverse("appointment-series", args=[visit.public_id]))
    assert "Nothing later can be moved" in page.content.decode()
    assert desk.post(reverse("appointment-series", args=[visit.public_id]), {"form_token": new_token()}).status_code == 200


# --- two of them ----------------------------------------------------------------------------------------------------
def other_form(visit: Appointment, other: Appointment, **more: str) -> dict[str, str]:
    return {
        "form_token": new_token(), "seen_version": str(visit.version), "other": other.public_id,
        "other_version": str(other.version), "tell": "on",
    } | more  # fmt: skip


def test_two_are_swapped_in_one_act(desk, day, visit):
    other = day.book("14:00", practitioner=day.other_doctor, room=day.other_room)
    url = reverse("appointment-swap", args=[visit.public_id])
    assert other.patient.name in desk.get(url).content.decode()
    form = other_form(visit, other)
    assert desk.post(url, form).status_code == 302
    assert desk.post(url, form).status_code == 302, "a copy of the form swaps nothing back"
    assert (again(visit).starts_at, again(other).starts_at) == (day.at("14:00"), day.at("10:00"))


@pytest.mark.parametrize(
    "wrong",
    [{"other": "nobody"}, {"other": "\x00"}, {"other_version": "9"}, {"seen_version": "9"}, {"other_version": ""}],
)  # fmt: skip
def test_a_crooked_swap_changes_nothing(desk, day, visit, wrong):
    other = day.book("14:00")
    url = reverse("appointment-swap", args=[visit.public_id])
    assert desk.post(url, other_form(visit, other) | wrong).status_code in {404, 409, 422}
    assert desk.post(url, other_form(visit, visit)).status_code == 422
    assert (again(visit).version, again(other).version) == (1, 1)


def test_a_freed_time_goes_to_a_later_one(desk, day, visit):
    later = day.book("15:00")
    url = reverse("appointment-freed", args=[visit.public_id])
    assert desk.post(url, other_form(visit, later)).status_code == 422, "it still holds its time"
    cancelled = booking.cancel(appointment=visit, seen_version=1, reason="Ill", by=day.by)
    assert reverse("appointment-freed", args=[visit.public_id]) in desk.get(
        reverse("appointment-panel", args=[visit.public_id])
    ).content.decode()
    assert later.patient.name in desk.get(url).content.decode()
    assert desk.post(url, other_form(cancelled, later)).status_code == 302
    assert again(later).starts_at == day.at("10:00")


def test_cancelled_and_booked_anew(desk, day, visit):
    page = desk.get(reverse("appointment-cancel", args=[visit.public_id]), {"then": "rebook"})
    form = {"form_token": new_token(), "seen_version": "1", "reason": "Ill", "rebook": "1"}
    answer = desk.post(reverse("appointment-cancel", args=[visit.public_id]), form)
    assert "Cancel and book anew" in page.content.decode()
    assert answer["Location"].startswith(f"/appointments/new/?patient={visit.patient.public_id}&service=")
    assert again(visit).status == STATUS.LATE_CANCELLED
    assert desk.get(answer["Location"]).status_code == 200
