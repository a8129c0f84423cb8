"""The calendar: what its feed says to whom, ranges, clock changes, the poll, the page and the panel, query counts."""
from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from clinic.choices import Permission, Role
from clinic.models import Absence, AccessEvent, Closure, OutOfService, Room, Shift, User
from protocols import catalogue
from sessions import booking
from sessions.calendar_feed import COLUMNS, Asked, calendar_of, reading_of
from sessions.calendar_page import chosen_from, month_away
from sessions.calendar_range import Days, RangeError, days_of, gaps, wall_span, week_of
from sessions.choices import AppointmentStatus
from sessions.models import Appointment, Finding, Screening
from sessions.slots import Span
from tests import factories
from tests.factories import signed_in
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, make_clinic_day

STATUS = AppointmentStatus
POLL = {"X-Poll": "1", "HX-Request": "true"}
ROME = ZoneInfo("Europe/Rome")
FEED = "/calendar/feed/"


@pytest.fixture
def day(at, db) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


@pytest.fixture
def desk(client, day):
    return signed_in(client, day.desk)


def asked(first: str = "2026-03-12", last: str = "2026-03-12", **more: str) -> dict[str, str]:
    return {"first": first, "last": last} | more


# --- ranges and wall clocks -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [
        ("", "", "malformed"), ("2026-3-1", "2026-03-02", "malformed"), ("2026-02-30", "2026-03-02", "malformed"),
        ("2026-03-12T00:00", "2026-03-12", "malformed"), ("\x00", "x" * 500, "malformed"),
        ("２０２６-03-12", "2026-03-12", "malformed"), ("2026-03-13", "2026-03-12", "reversed"),
        ("2026-03-01", "2026-04-15", "too-long"), ("2016-03-12", "2026-03-12", "too-long"),
        ("0001-01-01", "0001-01-02", "too-far"), ("9999-12-30", "9999-12-31", "too-far"),
    ],
)  # fmt: skip
def test_only_a_sensible_range_is_read(first, last, reason):
    with pytest.raises(RangeError) as refused:
        days_of(first, last, today=THURSDAY)
    assert refused.value.reason == reason


def test_forty_five_days_are_the_longest_range():
    assert len(list(days_of("2026-03-01", "2026-04-14", today=THURSDAY))) == 45
    assert week_of(THURSDAY) == Days(dt.date(2026, 3, 9), dt.date(2026, 3, 15))
    assert month_away(dt.date(2026, 1, 31), 1) == dt.date(2026, 2, 28)
    assert month_away(dt.date(2026, 1, 31), -1) == dt.date(2025, 12, 31)


def test_nothing_ends_on_the_wall_before_it_begins():
    # 02:45 summer time to 02:15 winter time: thirty minutes in the night of 25 October
    start = dt.datetime(2026, 10, 25, 0, 45, tzinfo=dt.UTC)
    first, last = wall_span(start, start + dt.timedelta(minutes=30), ROME)
    assert (first.isoformat(), last.isoformat()) == ("2026-10-25T02:45:00", "2026-10-25T03:15:00")


def test_what_the_shifts_leave_over():
    def on(hour: int) -> dt.datetime:
        return dt.datetime(2026, 3, 12, hour, tzinfo=ROME)

    spans = [Span(on(9), on(12)), Span(on(13), on(17))]
    left = [(start.hour, end.hour) for start, end in gaps(THURSDAY, spans, ROME)]
    assert left == [(0, 9), (12, 13), (17, 0)]
    assert len(gaps(THURSDAY, [], ROME)) == 1


# --- the feed -------------------------------------------------------------------------------------------------------
def test_a_block_carries_its_wall_times_its_footprint_and_its_column(desk, day):
    visit = day.book("10:00")
    answer = desk.get(FEED, asked()).json()
    [block] = answer["blocks"]
    assert block["id"] == visit.public_id
    assert block["column"] == day.doctor.public_id
    assert (block["start"], block["end"]) == ("2026-03-12T10:00:00", "2026-03-12T10:45:00")
    assert block["strips"] == [
        ["2026-03-12T09:55:00", "2026-03-12T10:00:00"], ["2026-03-12T10:45:00", "2026-03-12T10:55:00"],
    ]  # fmt: skip
    assert visit.patient.name in block["html"]
    assert [one["title"] for one in answer["columns"]] == ["Dr Haddad", "Dr Weber"]
    assert answer["columns"][0]["note"] == "Room 1 · 1 booked"


def test_columns_are_rooms_or_devices_too(desk, day):
    gun = factories.make_device(day.site, name="Gun")
    day.book("10:00")
    rooms = desk.get(FEED, asked(by="room")).json()
    assert [one["title"] for one in rooms["columns"]] == ["Room 1", "Room 2"]
    assert rooms["blocks"][0]["column"] == day.room.public_id
    devices = desk.get(FEED, asked(by="device")).json()
    assert [one["title"] for one in devices["columns"]] == ["Gun"]
    assert devices["blocks"] == []
    service = factories.make_service("consultation", device_kind="dv-gun", device_wipe_minutes=15, treatment_minutes=30)
    day.book("12:00", service=service, device=gun)
    (block,) = desk.get(FEED, asked(by="device")).json()["blocks"]
    assert (block["column"], block["start"]) == (gun.public_id, "2026-03-12T12:00:00")
    assert block["strips"] == [["2026-03-12T12:30:00", "2026-03-12T12:45:00"]], "until it is wiped"


def test_filters_and_nonsense_among_them(desk, day):
    day.book("10:00")
    day.book("10:00", practitioner=day.other_doctor, room=day.other_room)

    def count(**filters) -> int:
        return len(desk.get(FEED, asked(**filters)).json()["blocks"])

    assert count() == 2
    assert count(practitioner=day.doctor.public_id) == 1
    assert count(room=[day.room.public_id, day.other_room.public_id]) == 2
    assert count(status="arrived") == 0
    device = factories.make_device(day.site, name="Gun")
    assert count(device=device.public_id) == 0
    Appointment.objects.filter(practitioner=day.doctor).update(device=device, device_span=F("practitioner_span"))
    assert count(device=device.public_id) == 1
    assert count(only=day.other_doctor.public_id) == 1
    assert count(practitioner=["\x00", "x" * 300, "<b>"]) == 2, "what is no identity is no filter"


def test_other_sites_and_other_days_stay_out(client, desk, day):
    day.book("10:00")
    day.book("10:00", day=dt.date(2026, 3, 13))
    assert len(desk.get(FEED, asked()).json()["blocks"]) == 1
    assert len(desk.get(FEED, asked(last="2026-03-13")).json()["blocks"]) == 2
    elsewhere = signed_in(client.__class__(), factories.make_user(Role.FRONT_DESK, site=factories.make_site()))
    answer = elsewhere.get(FEED, asked(practitioner=day.doctor.public_id, room=day.room.public_id)).json()
    assert answer["blocks"] == []
    assert elsewhere.get(reverse("appointment-panel", args=[Appointment.objects.first().public_id])).status_code == 404


def test_a_range_of_ten_years_is_a_sentence(desk, day):
    for first, last in (("2020-01-01", "2030-01-01"), ("2026-03-13", "2026-03-12"), ("x", ""), ("\x00", "2026-03-12")):
        answer = desk.get(FEED, asked(first, last))
        assert answer.status_code == 422
        assert answer.json()["error"].endswith(".")
    assert desk.get(FEED, asked(by="patient")).status_code == 422
    assert desk.get(FEED).status_code == 422


def test_headlines_for_the_desk_and_findings_for_nobody_here(client, day):
    patient = factories.make_patient(day.site)
    day.book("10:00", patient=patient)
    screening = Screening.objects.create(
        patient=patient, course=None, stage="plan", outcome="blocked", on_date=THURSDAY, facts={},
        catalogue=catalogue.current(), evaluated_at=timezone.now(), evaluated_by_label="test",
    )  # fmt: skip
    Finding.objects.create(
        screening=screening, position=1, rule_version="1", code="ci-fish", severity="absolute",
        title={"en": "Fish allergy"},
    )  # fmt: skip
    desk_sees = signed_in(client, day.desk).get(FEED, asked()).content.decode()
    assert "Safety" in desk_sees
    assert "Fish allergy" not in desk_sees
    manager = signed_in(client.__class__(), factories.make_user(Role.MANAGER))
    assert "Safety" not in manager.get(FEED, asked()).content.decode()
    assert client.__class__().get(FEED, asked()).status_code == 302


def test_breaks_absence_closure_and_hours_off_shift(desk, day):
    Shift.objects.filter(user=day.doctor).delete()
    for starts, ends in ((dt.time(9), dt.time(12, 30)), (dt.time(13, 15), dt.time(17))):
        Shift.objects.create(
            user=day.doctor, site=day.site, weekday="4", starts=starts, ends=ends, valid_from=dt.date(2026, 1, 1)
        )

    def words(first: str = "2026-03-12") -> dict[str, str]:
        stretches = desk.get(FEED, asked(first, first)).json()["stretches"]
        return {one["words"]: one["kind"] for one in stretches if one["column"] == day.doctor.public_id}

    assert words() == {"Starts 09:00": "off", "Break 12:30 to 13:15": "break", "Ends 17:00": "off"}
    factories.make_closure(day.site, dt.date(2026, 3, 19), reason="Holiday")
    stretches = desk.get(FEED, asked("2026-03-19", "2026-03-19")).json()["stretches"]
    assert {one["words"] for one in stretches} == {"Closed: Holiday"}


def test_who_is_at_another_site_that_day_is_shown_there(desk, day):
    quay = factories.make_site(name="Quay")
    Shift.objects.create(
        user=day.other_doctor, site=quay, weekday="4", starts=dt.time(13), ends=dt.time(17), valid_from=dt.date(2026, 1, 1)
    )
    words = {
        (one["column"], one["words"]) for one in desk.get(FEED, asked()).json()["stretches"] if one["kind"] == "elsewhere"
    }
    assert words == {(day.other_doctor.public_id, "At Quay, 13:00 to 17:00")}
    page = desk.get("/calendar/", {"view": "day"}).content.decode()
    assert "at Quay" in page
    assert "at Quay" not in desk.get("/calendar/", {"view": "day", "day": "2026-03-13"}).content.decode()


def test_who_does_not_work_is_a_column_only_when_asked_for(desk, day):
    Shift.objects.filter(user=day.other_doctor).delete()
    assert [one["title"] for one in desk.get(FEED, asked()).json()["columns"]] == ["Dr Haddad"]
    both = asked(practitioner=[day.doctor.public_id, day.other_doctor.public_id])
    assert [one["title"] for one in desk.get(FEED, both).json()["columns"]] == ["Dr Haddad", "Dr Weber"]


def test_the_grid_grows_for_what_lies_outside_opening_hours(desk, day):
    hours = desk.get(FEED, asked()).json()
    visit = day.book("10:00")
    early = day.at("05:30")
    Appointment.objects.filter(pk=visit.pk).update(starts_at=early, ends_at=early + dt.timedelta(minutes=45))
    grown = desk.get(FEED, asked()).json()
    assert hours["opens"] > grown["opens"] == "05:00"
    assert grown["closes"] == hours["closes"]


@pytest.mark.parametrize(("on", "hours"), [(dt.date(2026, 3, 29), 23), (dt.date(2026, 10, 25), 25)])
def test_clock_change_days_show_wall_times(desk, day, on, hours):
    start, end = day.site.day_bounds(on)
    assert (end.astimezone(dt.UTC) - start.astimezone(dt.UTC)) == dt.timedelta(hours=hours)
    patient = factories.make_patient(day.site)
    factories.make_appointment(patient, practitioner=day.doctor, room=day.room, starts_at=day.at("10:00", on))
    [block] = desk.get(FEED, asked(on.isoformat(), on.isoformat())).json()["blocks"]
    assert block["start"] == f"{on}T10:00:00"


# --- the poll -------------------------------------------------------------------------------------------------------
def test_an_unchanged_poll_is_empty_and_no_activity(desk, day, at):
    visit = day.book("10:00")
    desk.get(FEED, asked())
    at("2026-03-12T07:02+00:00")  # activity is written down once a minute
    seen = desk.get(FEED, asked()).json()["revision"]
    looks, last = AccessEvent.objects.count(), desk.session["last_activity"]
    assert last == timezone.now().timestamp(), "a look is activity"
    at("2026-03-12T07:04+00:00")
    assert desk.get(FEED, asked(seen=seen), headers=POLL).status_code == 204
    assert AccessEvent.objects.count() == looks, "a poll writes no access row"
    assert desk.session["last_activity"] == last
    booking.change_status(appointment=visit, to=STATUS.ARRIVED, seen_version=visit.version, by=day.by)
    answer = desk.get(FEED, asked(seen=seen), headers=POLL)
    assert answer.status_code == 200
    assert answer.json()["blocks"][0]["status"] == "arrived"
    assert AccessEvent.objects.count() == looks


def test_what_others_do_shows_within_half_a_minute(desk, day, settings):
    assert settings.CALENDAR_POLL_SECONDS <= 30
    page = desk.get("/calendar/?day=2026-03-12&view=day").content.decode()
    assert f"every {settings.CALENDAR_POLL_SECONDS}s" in page
    waits = [int(seconds) for seconds in re.findall(r'id="lanes"[^>]*hx-trigger="every (\d+)s"', desk.get("/").content.decode())]
    assert waits
    assert max(waits) <= 30


def test_another_range_filter_or_role_has_another_revision(desk, client, day):
    seen = {
        desk.get(FEED, query).json()["revision"]
        for query in (asked(), asked(by="room"), asked("2026-03-13", "2026-03-13"), asked(status="booked"))
    }
    manager = signed_in(client.__class__(), factories.make_user(Role.MANAGER))
    assert len({*seen, manager.get(FEED, asked()).json()["revision"]}) == 5


@pytest.mark.parametrize("count", [1, 12])
def test_the_number_of_queries_does_not_grow(desk, day, count, django_assert_num_queries):
    for number in range(count):
        doctor, room = ((day.doctor, day.room), (day.other_doctor, day.other_room))[number % 2]
        patient = factories.make_patient(day.site)
        course = factories.make_course(patient, doctor, first_day=THURSDAY)
        day.book(
            f"{9 + number // 2:02}:00", patient=patient, practitioner=doctor, room=room, course=course,
            service=factories.make_service(), planned_sessions=[course.planned_sessions.get(number=1)],
        )  # fmt: skip
    seen = desk.get(FEED, asked()).json()["revision"]
    with django_assert_num_queries(4):
        assert len(desk.get(FEED, asked(), headers=POLL).json()["blocks"]) == count
    with django_assert_num_queries(4):
        assert desk.get(FEED, asked(seen=seen), headers=POLL).status_code == 204
    desk.get("/calendar/?view=day")
    with django_assert_num_queries(12):
        desk.get("/calendar/")
    desk.get("/calendar/?view=list")
    with django_assert_num_queries(13):
        assert desk.get("/calendar/").content.decode().count("row-link") == count


@pytest.mark.parametrize("by", COLUMNS)
def test_nothing_is_drawn_that_the_mark_does_not_cover(day, by, django_assert_num_queries):
    course = factories.make_course(factories.make_patient(day.site), day.doctor, first_day=THURSDAY)
    day.book("10:00", patient=course.patient, service=factories.make_service(), course=course,
             planned_sessions=[course.planned_sessions.get(number=1)])  # fmt: skip
    reading = reading_of(
        site=day.site, asked=Asked(days=Days(THURSDAY, THURSDAY), by=by), reader=day.desk, permissions=frozenset(Permission),
        now=timezone.now(),
    )  # fmt: skip
    with reading.questions.ahead() as mark, django_assert_num_queries(0):
        shown = calendar_of(reading, catalogue.in_force())
    assert bool(shown.blocks) is (by != "device"), "no device is booked"
    assert mark == reading.questions.mark(), "ahead of a page and for a poll it is the same"


@pytest.mark.parametrize(("by", "change"), [
    ("practitioner", "hours"), ("practitioner", "away"), ("practitioner", "name"), ("room", "name"), ("room", "out"),
    ("practitioner", "closed"),
])  # fmt: skip
def test_what_lies_under_the_appointments_does_not_change_unseen(desk, day, by, change):
    seen = desk.get(FEED, asked(by=by)).json()["revision"]
    assert desk.get(FEED, asked(by=by, seen=seen), headers=POLL).status_code == 204
    bounds = day.site.day_bounds(THURSDAY)
    if change == "hours":
        Shift.objects.filter(user=day.doctor).update(starts=dt.time(8, 30))
    elif change == "away":
        Absence.objects.create(user=day.doctor, span=bounds, reason="x")
    elif change == "name":
        model, row = (User, day.doctor) if by == "practitioner" else (Room, day.room)
        model.objects.filter(pk=row.pk).update(name="A B")
    elif change == "out":
        OutOfService.objects.create(room=day.room, span=bounds, reason="paint")
    else:
        Closure.objects.create(site=day.site, first_day=THURSDAY, last_day=THURSDAY, reason="holiday")
    assert desk.get(FEED, asked(by=by, seen=seen), headers=POLL).status_code == 200


# --- page and panel -------------------------------------------------------------------------------------------------
def test_view_columns_and_filters_stay_as_left(desk, day):
    desk.get("/calendar/", {"view": "list", "by": "room"})
    desk.get("/calendar/", {"filtered": "1", "practitioner": day.doctor.public_id, "status": ["booked", "\x00"]})
    chosen = desk.get("/calendar/").context["chosen"]
    assert (chosen.view, chosen.by) == ("list", "room")
    assert chosen.shown("practitioner") == (day.doctor.public_id,)
    assert chosen.shown("status") == ("booked",)
    assert not desk.get("/calendar/", {"filtered": "1"}).context["chosen"].is_filtered


def test_crooked_addresses_show_today(desk, day):
    for crooked in ("2026-02-30", "x", "\x00", "9999-12-31", "0001-01-01", "-1"):
        answer = desk.get("/calendar/", {"day": crooked, "view": "<b>", "by": "\x00", "of": "x" * 99, "open": "\x00"})
        assert answer.status_code == 200
        assert answer.context["chosen"].day == THURSDAY


def test_the_list_has_the_week_and_an_empty_state(desk, day):
    day.book("10:00", patient=factories.make_patient(day.site, given_name="Rosa"))
    page = desk.get("/calendar/", {"view": "list"}).content.decode()
    assert "Rosa" in page
    assert "Thursday 12 March" in page
    empty = desk.get("/calendar/", {"view": "list", "day": "2026-06-01"}).content.decode()
    assert "Nothing is booked in this week" in empty


def test_a_week_is_of_one_practitioner(client, desk, day):
    answer = desk.get("/calendar/", {"view": "week"})
    assert answer.context["chosen"].of == day.doctor.public_id, "the desk begins with the first by name"
    doctor = signed_in(client.__class__(), day.other_doctor)
    assert doctor.get("/calendar/", {"view": "week"}).context["chosen"].of == day.other_doctor.public_id


def test_the_panel_has_the_appointment_and_its_acts(client, desk, day):
    visit = day.book("10:00")
    panel = reverse("appointment-panel", args=[visit.public_id])
    page = desk.get(panel).content.decode()
    assert visit.patient.name in page
    assert reverse("appointment-move", args=[visit.public_id]) in page
    assert AccessEvent.objects.filter(patient_public_id=visit.patient.public_id).exists()
    manager = signed_in(client.__class__(), factories.make_user(Role.MANAGER))
    assert reverse("appointment-move", args=[visit.public_id]) not in manager.get(panel).content.decode()
    confirm = reverse("appointment-confirm", args=[visit.public_id])
    token = page.split('name="form_token" value="')[1].split('"')[0]
    answer = desk.post(confirm, {"form_token": token, "seen_version": visit.version, "from": "calendar"})
    assert answer["Location"] == f"/calendar/?day=2026-03-12&open={visit.public_id}"


def test_what_was_left_never_overrules_the_address():
    from django.http import QueryDict

    left = {"view": "week", "by": "room", "of": "abc", "status": ["booked"]}
    chosen = chosen_from(QueryDict("view=day&by=device&filtered=1"), left, today=THURSDAY)
    assert (chosen.view, chosen.by, chosen.is_filtered) == ("day", "device", False)
