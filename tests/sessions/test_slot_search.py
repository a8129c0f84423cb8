"""The search for free times: what is asked is honoured, pages go on where they stopped, a tap fills the booking form."""
from __future__ import annotations

import datetime as dt
import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from clinic import day_plans, out_of_service, shifts
from clinic.choices import Role
from clinic.doer import SYSTEM, Doer
from clinic.models import Site
from protocols import giving
from sessions.availability import next_free
from sessions.free_times import Liking
from sessions.slot_search import Asked, find
from tests import factories as make
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, make_clinic_day

pytestmark = pytest.mark.django_db
PAGE = "/appointments/free/"


@pytest.fixture
def day(at: Any) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


@pytest.fixture
def desk(client: Client, day: ClinicDay) -> Client:
    return make.signed_in(client, day.desk)


def starts(day: ClinicDay, **changes: Any) -> list[str]:
    asked = Asked(**{"service": day.consultation, "sites": [day.site], "practitioner": day.doctor} | changes)
    return [f"{offer.local_start:%a %H:%M}" for offer, _fit in find(asked, limit=4).offers]


# --- what is asked ----------------------------------------------------------------------------------------------------
def test_the_next_times_come_at_once(day: ClinicDay) -> None:
    assert starts(day) == ["Thu 09:00", "Thu 09:15", "Thu 09:30", "Thu 09:45"]


@pytest.mark.parametrize(
    ("liking", "found"),
    [
        (Liking(frozenset({6})), "Sat 09:00"), (Liking(arrive_from=dt.time(14)), "Thu 14:00"),
        (Liking(frozenset({1}), dt.time(16)), "Mon 16:00"), (Liking(leave_by=dt.time(9, 30)), ""),
        (Liking(frozenset({7})), ""),
    ],
)  # fmt: skip
def test_weekdays_and_the_time_of_day_are_liked(day: ClinicDay, liking: Liking, found: str) -> None:
    """A consultation of 45 minutes from 09:00 is over at 09:45; on Sundays the site is closed."""
    last = THURSDAY + dt.timedelta(days=10)
    assert starts(day, liking=liking, last_day=last)[:1] == ([found] if found else [])


def test_a_longer_visit_needs_a_longer_gap(day: ClinicDay) -> None:
    day.book("10:00")
    assert starts(day, minutes=60)[0] == "Thu 09:00"
    assert starts(day, minutes=75)[0] == "Thu 10:45"


def test_a_device_that_is_asked_for_is_free_at_the_time_that_is_found(desk: Client, day: ClinicDay) -> None:
    gun, other = make.make_device(day.site, name="Gun A"), make.make_device(day.site, name="Gun B")
    service = make.make_service("consultation", device_kind="dv-gun", device_wipe_minutes=10, treatment_minutes=30)
    taken = {"service": service, "practitioner": day.other_doctor, "room": day.other_room, "device": gun}
    day.book("09:00", **taken)
    asked: dict[str, Any] = {"service": service, "sites": [day.site], "practitioner": day.doctor}

    def first(**more: Any) -> tuple[str, str]:
        ((offer, _fit),) = find(Asked(**asked | more), limit=1).offers
        assert offer.device is not None
        return f"{offer.local_start:%H:%M}", offer.device.name

    assert first() == ("09:00", "Gun B"), "any device: the one that is free"
    assert first(device=gun) == ("09:45", "Gun A"), "until 09:30 it is used, until 09:40 wiped"
    out_of_service.take_out(thing=gun, starts_at=day.at("09:00"), ends_at=day.at("11:00"), reason="x", by=SYSTEM)
    assert first(device=gun) == ("11:00", "Gun A")
    out_of_service.take_out(thing=other, starts_at=day.at("09:00"), ends_at=day.at("12:00"), reason="x", by=SYSTEM)
    assert first() == ("11:00", "Gun A")
    page = desk.get(PAGE, {"service": service.public_id, "device": gun.public_id, "practitioner": day.doctor.public_id})
    (link, *_more) = links_of(page.content.decode())
    assert (parse_qs(urlsplit(link).query)["time"], parse_qs(urlsplit(link).query)["device"]) == (["11:00"], [gun.public_id])
    form = desk.get(link + f"&patient={make.make_patient(day.site).public_id}").context["form"]
    assert form["device"].value() == gun.public_id, "and the form of the booking begins with it"
    far = make.make_device(make.make_site())
    assert desk.get(PAGE, {"service": service.public_id, "device": far.public_id}).status_code in {200, 422}
    assert find(Asked(**asked, device=far), limit=1).offers == []


def test_everything_under_the_time_is_honoured(day: ClinicDay) -> None:
    """The one timetable: a single day, a stretch out of service, an absence, who gives the service, the licence."""
    noon = [(dt.time(12), dt.time(15))]
    day_plans.set_day_shift(user=day.doctor, site=day.site, day=THURSDAY, spans=noon, reason="", by=SYSTEM)
    assert starts(day)[0] == "Thu 12:00"
    day_plans.set_special_hours(site=day.site, day=THURSDAY, spans=[(dt.time(13), dt.time(20))], reason="", by=SYSTEM)
    assert starts(day)[0] == "Thu 13:00"
    for room in (day.room, day.other_room):
        out_of_service.take_out(thing=room, starts_at=day.at("12:00"), ends_at=day.at("13:30"), reason="x", by=SYSTEM)
    assert starts(day)[0] == "Thu 13:45", "the room is made ready for five minutes before"
    away = day.at("13:00")
    shifts.add_absence(user=day.doctor, starts_at=away, ends_at=away + dt.timedelta(hours=1, minutes=7), by=SYSTEM)
    assert starts(day)[0] == "Thu 14:15"
    giving.set_givers(service=day.consultation, seen_version=1, named_only=True, givers=[(day.other_doctor, None)], by=SYSTEM)
    day.consultation.refresh_from_db()
    assert starts(day) == []
    assert starts(day, practitioner=None)[0] == "Thu 13:45"


def test_nobody_is_offered_past_the_licence(day: ClinicDay) -> None:
    day.doctor.licence_valid_until = THURSDAY
    day.doctor.save()
    found = starts(day, first_day=THURSDAY, liking=Liking(arrive_from=dt.time(17)))
    assert found == ["Thu 17:00", "Thu 17:15"], "Friday and later are past the licence"


def test_a_session_of_a_course_is_looked_for_in_its_window(day: ClinicDay) -> None:
    course = make.make_course(make.make_patient(day.site), day.doctor, first_day=THURSDAY)
    second = course.planned_sessions.get(number=2)
    found = find(Asked(service=day.consultation, sites=[day.site], planned=second, practitioner=day.doctor), limit=1)
    ((offer, fit),) = found.offers
    assert (offer.local_start.date(), fit) == (second.earliest, "ideal")


def test_a_practitioner_at_two_sites_is_never_in_both(day: ClinicDay) -> None:
    """London is an hour behind: a booking there from 09:00 to 09:45 takes 10:00 to 10:45 here."""
    london = make.make_site(name="London", time_zone="Europe/London")
    make.make_shift(day.doctor, london, "4", starts=dt.time(8), ends=dt.time(12))
    room = make.make_room(london)
    day.book(site=london, room=room, starts_at=day.at("10:00"), by=Doer.staff(day.desk, london))
    assert starts(day)[:2] == ["Thu 09:00", "Thu 09:15"]
    assert starts(day, first_day=THURSDAY, liking=Liking(arrive_from=dt.time(9, 30)))[0] == "Thu 10:45"
    both = find(Asked(service=day.consultation, sites=[day.site, london], practitioner=day.doctor), limit=3).offers
    assert [(offer.room.site.name, f"{offer.local_start:%H:%M}") for offer, _fit in both] == [
        ("Marylebone", "09:00"), ("London", "08:00"), ("Marylebone", "09:15")
    ]  # fmt: skip


@pytest.mark.parametrize(("night", "hours"), [(dt.date(2026, 3, 29), 5), (dt.date(2026, 10, 25), 7)])
def test_both_clock_change_nights_offer_each_moment_once(day: ClinicDay, night: dt.date, hours: int) -> None:
    """Open and on shift from midnight to six: five hours in spring, seven in autumn, and no start twice or in the gap."""
    day_plans.set_special_hours(site=day.site, day=night, spans=[(dt.time(0), dt.time(6))], reason="", by=SYSTEM)
    day_plans.set_day_shift(user=day.doctor, site=day.site, day=night, spans=[(dt.time(0), dt.time(6))], reason="", by=SYSTEM)
    offers = next_free(
        site=day.site, service=day.consultation, practitioners=[day.doctor], first_day=night, last_day=night, limit=99
    )
    moments = [offer.starts_at for offer in offers]
    assert len(set(moments)) == len(moments) == hours * 4 - 2
    assert moments == sorted(moments)
    assert not any(offer.local_start.hour == 2 for offer in offers if night.month == 3)


def test_a_shift_that_begins_in_the_gap_begins_when_the_clock_has_jumped(day: ClinicDay) -> None:
    night = dt.date(2026, 3, 29)
    day_plans.set_special_hours(site=day.site, day=night, spans=[(dt.time(0), dt.time(8))], reason="", by=SYSTEM)
    day_plans.set_day_shift(user=day.doctor, site=day.site, day=night, spans=[(dt.time(2, 30), dt.time(8))], reason="", by=SYSTEM)
    assert starts(day, first_day=night, last_day=night)[0] == "Sun 03:00"


# --- the page ---------------------------------------------------------------------------------------------------------
def links_of(html: str) -> list[str]:
    return [unescape(link) for link in re.findall(r'class="offer" href="([^"]+)"', html)]


def test_the_page_shows_times_at_once_and_more_goes_on_behind_them(desk: Client, day: ClinicDay) -> None:
    patient = make.make_patient(day.site)
    asked = {"patient": patient.public_id, "service": day.consultation.public_id, "practitioner": day.doctor.public_id}
    answer = desk.get(PAGE, asked)
    seen = links_of(answer.content.decode())
    assert len(seen) == 24
    times = [parse_qs(urlsplit(link).query) for link in seen]
    assert (times[0]["day"], times[0]["time"]) == (["2026-03-12"], ["09:00"])
    further = desk.get(PAGE, asked | {"after": answer.context["after"]}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in further
    more = links_of(further)
    assert not set(more) & set(seen)
    assert parse_qs(urlsplit(more[0]).query)["time"] == ["15:00"], "the twenty-fifth quarter of an hour"


def test_a_tap_leads_to_booking_with_everything_filled(desk: Client, day: ClinicDay) -> None:
    patient = make.make_patient(day.site)
    page = desk.get(PAGE, {"patient": patient.public_id, "service": day.consultation.public_id, "minutes": "60"})
    form = desk.get(links_of(page.content.decode())[0])
    assert form.status_code == 200
    shown = form.context["form"]
    assert str(shown["day"].value()) == "2026-03-12"
    assert str(shown["time"].value()) == "09:00"
    assert shown["service"].value() == day.consultation.public_id
    assert form.context["patient"] == patient


def test_another_sites_time_is_booked_at_that_site(desk: Client, day: ClinicDay) -> None:
    other = make.make_site(name="Ostia")
    make.make_shift(day.other_doctor, other, "4")
    make.make_room(other, name="Ostia 1")
    patient = make.make_patient(day.site)
    asked = {"patient": patient.public_id, "service": day.consultation.public_id, "site": [other.public_id]}
    link = links_of(desk.get(PAGE, asked).content.decode())[0]
    form = desk.get(link)
    assert form.context["site"] == other
    assert "Ostia 1" in form.content.decode()


def test_it_begins_with_the_next_session_of_a_running_course(desk: Client, day: ClinicDay) -> None:
    patient = make.make_patient(day.site)
    course = make.make_course(patient, day.doctor, first_day=THURSDAY)
    make.make_service()
    page = desk.get(PAGE, {"patient": patient.public_id})
    assert page.context["form"].data["planned_session"] == course.planned_sessions.get(number=1).public_id
    assert page.context["days"]
    assert "In the window" in page.content.decode()


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("minutes", "0"), ("minutes", "1440"), ("minutes", "-5"), ("minutes", "x"), ("first_day", "2026-02-30"),
        ("first_day", "9999-12-31"), ("last_day", "2026-03-01"), ("last_day", "2028-01-01"), ("weekday", "9"),
        ("arrive_from", "25:00"), ("room", "nobody"), ("practitioner", "\x00"), ("service", "x"), ("site", "x"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_beside_its_field(desk: Client, day: ClinicDay, field: str, typed: str) -> None:
    make.make_site()
    answer = desk.get(PAGE, {"service": day.consultation.public_id} | {field: typed})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not answer.context["days"]


@pytest.mark.parametrize("after", ["yesterday", "2026-03-12", "\x00", "9999-12-31T00:00+00:00", "2026-03-12T10:00"])
def test_a_crooked_place_to_go_on_begins_at_the_beginning(desk: Client, day: ClinicDay, after: str) -> None:
    answer = desk.get(PAGE, {"service": day.consultation.public_id, "after": after})
    assert answer.status_code == 200
    assert answer.context["days"][0]["day"] == THURSDAY


def test_a_room_of_another_site_finds_nothing(desk: Client, day: ClinicDay) -> None:
    far: Site = make.make_site()
    room = make.make_room(far)
    assert starts(day, room=room) == []
    elsewhere = make.signed_in(Client(), make.make_user(Role.FRONT_DESK, site=far))
    answer = elsewhere.get(PAGE, {"service": day.consultation.public_id, "room": day.room.public_id})
    assert answer.status_code == 422, "a room they do not know"


def test_the_search_knows_its_roles(client: Client, day: ClinicDay) -> None:
    assert make.signed_in(client, make.make_user(Role.MANAGER)).get(PAGE).status_code == 403


@pytest.mark.parametrize("count", [1, 14])
def test_the_queries_of_a_page_do_not_grow(desk: Client, day: ClinicDay, count: int, django_assert_max_num_queries: Any) -> None:
    for number in range(count):
        people = ((day.doctor, day.room), (day.other_doctor, day.other_room))[number % 2]
        day.book(f"{9 + number // 2:02}:00", practitioner=people[0], room=people[1])
    desk.get(PAGE)
    with django_assert_max_num_queries(28):
        assert desk.get(PAGE, {"service": day.consultation.public_id}).status_code == 200


@pytest.mark.parametrize("count", [1, 14])
def test_three_months_are_read_with_as_many_queries_whatever_is_booked(
    day: ClinicDay, count: int, django_assert_num_queries: Any
) -> None:
    """Two weeks, then four, then what is left; the first times need the first of these alone."""
    for number in range(count):
        people = ((day.doctor, day.room), (day.other_doctor, day.other_room))[number % 2]
        day.book(f"{9 + number // 2:02}:00", practitioner=people[0], room=people[1])
    asked = {
        "site": day.site, "service": day.consultation, "practitioners": [day.doctor, day.other_doctor],
        "patient": make.make_patient(day.site), "last_day": THURSDAY + dt.timedelta(days=92),
    }  # fmt: skip
    next_free(**asked)
    with django_assert_num_queries(4):
        assert len(next_free(**asked)) == 3
    with django_assert_num_queries(6):
        assert next_free(**asked, liking=Liking(frozenset({7}))) == [], "closed on Sundays"


# --- two sites side by side in forms: an unknown or foreign room -----------------------------------------------------------
def test_a_foreign_sites_room_is_no_choice_when_booking(desk: Client, day: ClinicDay) -> None:
    room = make.make_room(make.make_site())
    patient = make.make_patient(day.site)
    url = reverse("appointment-new")
    token = re.search(r'name="form_token" value="([^"]+)"', desk.get(url, {"patient": patient.public_id}).content.decode())
    assert token
    values = {
        "form_token": token[1], "patient": patient.public_id, "service": day.consultation.public_id,
        "practitioner": day.doctor.public_id, "room": room.public_id, "day": "2026-03-12", "time": "10:00",
    }  # fmt: skip
    answer = desk.post(url, values)
    assert answer.status_code == 422
    assert "room" in answer.context["form"].errors
