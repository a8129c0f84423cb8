"""Single days of a site and of a person, and rooms and devices out of service for a while."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from clinic import day_plans, out_of_service
from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import DayShift, OutOfService, Room, Site, SpecialHours, User
from tests import factories as make
from tests.clinic.test_places import deeds, post

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 3, 12)  # a Thursday
FRIDAY = dt.date(2026, 3, 13)
SUNDAY = dt.date(2026, 3, 15)


def clock(text: str) -> tuple[dt.time, dt.time]:
    starts, ends = text.split("-")
    return dt.time.fromisoformat(starts), dt.time.fromisoformat(ends)


@pytest.fixture(autouse=True)
def thursday(at: Any) -> None:
    at("2026-03-12T09:00:00+00:00")


@pytest.fixture
def site() -> Site:
    return make.make_site(name="Rome")


@pytest.fixture
def manager(site: Site) -> User:
    return make.make_user(Role.MANAGER)


@pytest.fixture
def by(manager: User) -> Doer:
    return Doer.staff(manager)


@pytest.fixture
def doctor(site: Site) -> User:
    doctor = make.make_user(Role.PRACTITIONER, name="Dr Ada Lund")
    make.make_shift(doctor, site, "12345")
    return doctor


@pytest.fixture
def office(client: Client, manager: User) -> Client:
    return make.signed_in(client, manager)


def times(*spans: str) -> dict[str, str]:
    values = {"starts_1": "", "ends_1": "", "starts_2": "", "ends_2": "", "reason": ""}
    for number, text in enumerate(spans, start=1):
        values[f"starts_{number}"], values[f"ends_{number}"] = text.split("-")
    return values


# --- hours of one day -------------------------------------------------------------------------------------------------
def test_hours_of_one_day_are_set_changed_and_removed(office: Client, site: Site) -> None:
    page = reverse("special-hours-new", args=[site.public_id])
    assert post(office, page, day="2026-03-15", **times("10:00-12:00", "13:00-15:00")).status_code == 302
    assert day_plans.hours_on(site, SUNDAY) == [clock("10:00-12:00"), clock("13:00-15:00")]
    assert post(office, page, day="2026-03-15", **times("10:00-11:00") | {"reason": "Fair"}).status_code == 302
    assert day_plans.hours_on(site, SUNDAY) == [clock("10:00-11:00")]
    shown = office.get(reverse("site", args=[site.public_id])).content.decode()
    assert "Sun 15 Mar 2026" in shown
    assert "Fair" in shown
    act = reverse("special-hours-remove", args=[site.public_id])
    assert post(office, act, reverse("site", args=[site.public_id]), day="2026-03-15").status_code == 302
    assert day_plans.hours_on(site, SUNDAY) == []
    assert deeds() == ["special-hours-set", "special-hours-set", "special-hours-removed"]


def test_the_form_begins_with_the_hours_that_hold(office: Client, site: Site) -> None:
    html = office.get(reverse("special-hours-new", args=[site.public_id]), {"day": "2026-03-13"}).content.decode()
    assert 'value="08:00"' in html
    assert 'value="20:00"' in html
    for day in ("9999-12-31", "soon", "2026-02-30", "\x00"):
        assert office.get(reverse("special-hours-new", args=[site.public_id]), {"day": day}).status_code == 200


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (times(), "starts_1"), (times("12:00-10:00"), "ends_1"), (times("10:00-10:00"), "ends_1"),
        (times("10:00-12:00", "11:00-13:00"), "starts_2"), (times("10:00-12:00", "12:00-13:00"), "starts_2"),
        (times("10:00-"), "ends_1"), (times("-10:00"), "starts_1"), (times("25:00-26:00"), "starts_1"),
        ({**times("10:00-11:00"), "day": "2026-03-11"}, "day"), ({**times("10:00-11:00"), "day": "2031-01-01"}, "day"),
        ({**times("10:00-11:00"), "day": "2026-02-30"}, "day"), ({**times("10:00-11:00"), "reason": "x" * 121}, "reason"),
        ({**times("10:00-11:00"), "day": "2026-03-20"}, "day"),
    ],
)  # fmt: skip
def test_hours_that_cannot_be_are_refused(office: Client, site: Site, values: dict[str, str], field: str) -> None:
    make.make_closure(site, dt.date(2026, 3, 20))
    answer = post(office, reverse("special-hours-new", args=[site.public_id]), **{"day": "2026-03-15"} | values)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not SpecialHours.objects.exists()
    assert deeds() == []


# --- one day of one person --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("day", "values", "kind", "holds"),
    [
        ("2026-03-13", {**times("12:00-15:00")}, "other", ["12:00-15:00"]),
        ("2026-03-15", {**times("09:00-11:00", "12:00-14:00")}, "extra", ["09:00-11:00", "12:00-14:00"]),
        ("2026-03-13", {**times(), "is_free": "on"}, "free", []),
    ],
)
def test_a_day_stands_in_the_place_of_the_week(
    office: Client, site: Site, doctor: User, day: str, values: dict[str, str], kind: str, holds: list[str]
) -> None:
    page = reverse("day-shift-new", args=[doctor.public_id, site.public_id])
    assert post(office, page, day=day, **values).status_code == 302
    when = dt.date.fromisoformat(day)
    assert day_plans.working_on(doctor, site, when) == [clock(text) for text in holds]
    assert [(one, what) for one, what, _times, _why in day_plans.day_shifts_of(doctor, site)] == [(when, kind)]
    shown = office.get(reverse("shifts", args=[doctor.public_id])).content.decode()
    assert {"free": "Free", "extra": "Extra shift", "other": "Other hours"}[kind] in shown
    act = reverse("day-shift-remove", args=[doctor.public_id, site.public_id])
    assert post(office, act, reverse("shifts", args=[doctor.public_id]), day=day).status_code == 302
    assert day_plans.working_on(doctor, site, when) == day_plans.weekly_on(doctor, site, when)
    assert deeds() == ["day-shift-set", "day-shift-removed"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (times(), "starts_1"), ({**times("09:00-10:00"), "is_free": "on"}, "is_free"), (times("10:00-09:00"), "ends_1"),
        ({**times("09:00-10:00"), "day": "2026-03-01"}, "day"), ({**times("09:00-10:00"), "day": "x"}, "day"),
    ],
)  # fmt: skip
def test_days_that_cannot_be_are_refused(
    office: Client, site: Site, doctor: User, values: dict[str, str], field: str
) -> None:
    page = reverse("day-shift-new", args=[doctor.public_id, site.public_id])
    answer = post(office, page, **{"day": "2026-03-13"} | values)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not DayShift.objects.exists()


def test_nobody_works_at_two_sites_at_one_time(site: Site, doctor: User, by: Doer) -> None:
    """09:00 to 18:00 in Rome is 08:00 to 17:00 in London."""
    london = make.make_site(name="London", time_zone="Europe/London", country="GB")
    for spans in (["07:00-08:30"], ["16:59-18:00"]):
        with pytest.raises(Refused, match="works at Rome then"):
            day_plans.set_day_shift(user=doctor, site=london, day=FRIDAY, spans=[clock(one) for one in spans], reason="", by=by)
    day_plans.set_day_shift(user=doctor, site=london, day=FRIDAY, spans=[clock("17:00-19:00")], reason="", by=by)
    day_plans.set_day_shift(user=doctor, site=site, day=TODAY, spans=[], reason="", by=by)
    day_plans.set_day_shift(user=doctor, site=london, day=TODAY, spans=[clock("08:00-17:00")], reason="", by=by)
    with pytest.raises(Refused, match="works at London then"):
        day_plans.remove_day_shift(user=doctor, site=site, day=TODAY, by=by)
    assert day_plans.working_on(doctor, site, TODAY) == []


def test_who_does_not_treat_there_gets_no_shift_but_may_be_free(site: Site, by: Doer) -> None:
    desk = make.make_user(Role.FRONT_DESK)
    with pytest.raises(Refused, match="does not treat"):
        day_plans.set_day_shift(user=desk, site=site, day=FRIDAY, spans=[clock("09:00-10:00")], reason="", by=by)


# --- out of service ---------------------------------------------------------------------------------------------------
@pytest.fixture
def room(site: Site) -> Room:
    return make.make_room(site, name="Room 1")


SPAN = {"first_day": "2026-03-16", "from_time": "", "last_day": "2026-03-17", "until_time": "12:00", "reason": "Painted"}


def test_a_room_is_out_for_a_while_and_back_again(office: Client, site: Site, room: Room) -> None:
    assert post(office, reverse("room-out", args=[room.public_id]), **SPAN).status_code == 302
    row = OutOfService.objects.get()
    assert (row.room, row.span.lower, row.span.upper) == (
        room, dt.datetime(2026, 3, 15, 23, tzinfo=dt.UTC), dt.datetime(2026, 3, 17, 11, tzinfo=dt.UTC)
    )  # fmt: skip
    page = reverse("site", args=[site.public_id])
    assert "Painted" in office.get(page).content.decode()
    back = reverse("room-back", args=[room.public_id])
    assert post(office, back, page, starts_at=row.span.lower.isoformat()).status_code == 302
    assert not OutOfService.objects.exists()
    assert post(office, back, reverse("room-out", args=[room.public_id]), starts_at=row.span.lower.isoformat()).status_code == 409
    assert deeds() == ["out-of-service", "back-in-service"]


def test_a_device_that_is_out_already_is_put_back_now(office: Client, site: Site, at: Any, by: Doer) -> None:
    device = make.make_device(site)
    assert post(office, reverse("device-out", args=[device.public_id]), **SPAN).status_code == 302
    at("2026-03-16T10:00:00+00:00")
    row = OutOfService.objects.get()
    out_of_service.put_back(thing=device, starts_at=row.span.lower, by=by)
    row.refresh_from_db()
    assert row.span.upper == dt.datetime(2026, 3, 16, 10, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"last_day": "2026-03-15"}, "last_day"), ({"reason": ""}, "reason"), ({"first_day": "2026-02-30"}, "first_day"),
        ({"first_day": "2026-03-01", "last_day": "2026-03-02"}, "last_day"), ({"last_day": "2027-12-01"}, "last_day"),
        ({"first_day": "2026-03-20", "last_day": "2026-03-21"}, "first_day"), ({"from_time": "99:00"}, "from_time"),
    ],
)  # fmt: skip
def test_impossible_stretches_are_refused(
    office: Client, room: Room, by: Doer, values: dict[str, str], field: str
) -> None:
    there = dt.datetime(2026, 3, 21, 8, tzinfo=dt.UTC)
    out_of_service.take_out(thing=room, starts_at=there, ends_at=there + dt.timedelta(hours=3), reason="Lift", by=by)
    answer = post(office, reverse("room-out", args=[room.public_id]), **SPAN | values)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert OutOfService.objects.count() == 1


def test_only_managers_change_days(client: Client, site: Site, doctor: User, room: Room) -> None:
    desk = make.signed_in(client, doctor)
    for name, args in (
        ("special-hours-new", [site.public_id]), ("day-shift-new", [doctor.public_id, site.public_id]),
        ("room-out", [room.public_id]),
    ):  # fmt: skip
        assert desk.get(reverse(name, args=args)).status_code == 403
    with pytest.raises(NotPermitted):
        out_of_service.take_out(
            thing=room, starts_at=dt.datetime(2026, 3, 21, tzinfo=dt.UTC), ends_at=dt.datetime(2026, 3, 22, tzinfo=dt.UTC),
            reason="x", by=Doer.staff(doctor),
        )  # fmt: skip
    with pytest.raises(NotPermitted):
        day_plans.set_day_shift(user=doctor, site=site, day=FRIDAY, spans=[], reason="", by=Doer.staff(doctor))
    assert not OutOfService.objects.exists()


MARCH = [dt.datetime(2026, 3, day, tzinfo=dt.UTC) for day in (1, 2)]


@pytest.mark.parametrize(
    "row",
    [
        lambda it: DayShift.objects.create(**it("user", "site"), day=FRIDAY, starts=dt.time(9), ends=None),
        lambda it: DayShift.objects.create(**it("user", "site"), day=FRIDAY, starts=dt.time(9), ends=dt.time(9)),
        lambda it: [DayShift.objects.create(**it("user", "site"), day=FRIDAY) for _ in range(2)],
        lambda it: SpecialHours.objects.create(**it("site"), day=FRIDAY, opens=dt.time(9), closes=dt.time(8)),
        lambda it: OutOfService.objects.create(**it("room"), span=(MARCH[0], None), reason="x"),
        lambda it: OutOfService.objects.create(span=MARCH, reason="of nothing"),
        lambda it: [OutOfService.objects.create(**it("room"), span=MARCH, reason="x") for _ in range(2)],
    ],
)
def test_the_database_refuses_nonsense(site: Site, doctor: User, room: Room, row: Any) -> None:
    known = {"site": site, "user": doctor, "room": room}
    with pytest.raises(IntegrityError), transaction.atomic():
        row(lambda *names: {name: known[name] for name in names})
