"""Working times and absences: replaced from a day on, never at two sites at once, never half done."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic import shifts
from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.models import Absence, AuditEvent, Shift, Site, User
from clinic.week import WeekSpan
from tests import factories as make
from tests.clinic.test_places import deeds, post, times

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 3, 12)  # a Thursday
MORNINGS = [WeekSpan("1", dt.time(9), dt.time(13)), WeekSpan("2", dt.time(9), dt.time(13))]


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
def doctor(site: Site) -> User:
    return make.make_user(Role.PRACTITIONER, name="Dr Ada Lund")


def test_working_times_hold_from_a_day_on_and_the_former_end_before(
    client: Client, manager: User, doctor: User, site: Site
) -> None:
    make.make_shift(doctor, site, "12345")
    make.make_shift(doctor, site, "6", valid_from=dt.date(2026, 6, 1))  # planned, and replaced
    make.signed_in(client, manager)
    page = reverse("shifts-change", args=[doctor.public_id, site.public_id])
    answer = post(client, page, from_day="2026-04-01", **times(("1", 1, "09:00", "13:00"), ("1", 2, "14:00", "18:00")))
    assert answer.status_code == 302
    former = Shift.objects.filter(valid_from=dt.date(2020, 1, 1))
    assert {shift.valid_until for shift in former} == {dt.date(2026, 3, 31)}
    assert shifts.week_on(doctor, site, dt.date(2026, 4, 1)) == [
        WeekSpan("1", dt.time(9), dt.time(13)), WeekSpan("1", dt.time(14), dt.time(18))
    ]  # fmt: skip
    assert len(shifts.week_on(doctor, site, TODAY)) == 5
    assert not Shift.objects.filter(weekday="6").exists()
    html = client.get(reverse("shifts", args=[doctor.public_id])).content.decode()
    assert "From Wed 1 Apr 2026 on" in html
    assert "14:00–18:00" in html
    event = AuditEvent.objects.get(action="working-times-set")
    assert event.detail["after"] == "1 09:00–13:00, 1 14:00–18:00"


def test_an_empty_week_ends_the_work_at_a_site(manager: User, doctor: User, site: Site) -> None:
    make.make_shift(doctor, site)
    shifts.set_working_times(user=doctor, site=site, seen_version=1, from_day=TODAY, week=[], by=Doer.staff(manager))
    assert shifts.week_on(doctor, site, TODAY) == []
    assert shifts.patterns_of(doctor) == []
    assert Shift.objects.count() == 6  # what was worked stays


@pytest.mark.parametrize("from_day", ["2026-03-11", "1999-01-01", "9999-12-31", "0001-01-01", "2026-02-30", "soon", ""])
def test_a_day_that_cannot_be_is_refused(client: Client, manager: User, doctor: User, site: Site, from_day: str) -> None:
    make.signed_in(client, manager)
    page = reverse("shifts-change", args=[doctor.public_id, site.public_id])
    answer = post(client, page, from_day=from_day, **times(("1", 1, "09:00", "13:00")))
    assert answer.status_code == 422
    assert "from_day" in answer.context["form"].errors
    assert 'value="09:00"' in answer.content.decode()
    assert not Shift.objects.exists()
    doctor.refresh_from_db()
    assert doctor.version == 1


def test_only_who_treats_there_gets_working_times(manager: User, site: Site) -> None:
    desk = make.make_user(Role.FRONT_DESK)
    elsewhere = make.make_user(Role.PRACTITIONER, site=make.make_site())
    for person in (desk, elsewhere):
        with pytest.raises(Refused, match="does not treat"):
            shifts.set_working_times(
                user=person, site=site, seen_version=1, from_day=TODAY, week=MORNINGS, by=Doer.staff(manager)
            )
    assert not Shift.objects.exists()


def test_nobody_works_at_two_sites_at_one_time(manager: User, doctor: User, site: Site) -> None:
    istanbul = make.make_site(name="Istanbul", time_zone="Europe/Istanbul", country="TR")
    make.make_shift(doctor, istanbul, "1", starts=dt.time(12), ends=dt.time(15))  # 10:00 to 13:00 in Rome, March
    wish = {"user": doctor, "site": site, "seen_version": 1, "from_day": TODAY, "by": Doer.staff(manager)}
    with pytest.raises(Refused, match="works at Istanbul then"):
        shifts.set_working_times(**wish, week=MORNINGS)  # type: ignore[arg-type]
    assert not Shift.objects.filter(site=site).exists()
    evenings = [WeekSpan("1", dt.time(14), dt.time(18))]
    shifts.set_working_times(**wish, week=evenings)  # type: ignore[arg-type]
    assert shifts.week_on(doctor, site, TODAY) == evenings


def test_a_stale_pattern_is_refused_with_what_is_saved(manager: User, doctor: User, site: Site) -> None:
    wish = {"user": doctor, "site": site, "seen_version": 1, "from_day": TODAY, "by": Doer.staff(manager)}
    shifts.set_working_times(**wish, week=MORNINGS)  # type: ignore[arg-type]
    with pytest.raises(Stale) as stale:
        shifts.set_working_times(**wish, week=[])  # type: ignore[arg-type]
    assert stale.value.theirs == (("Working times", "1 09:00–13:00, 2 09:00–13:00"),)
    assert Shift.objects.count() == 2


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.PRACTITIONER, Role.MEDICAL_LEAD])
def test_other_roles_see_and_do_not_change(client: Client, doctor: User, site: Site, role: str) -> None:
    user = make.make_user(role)
    make.signed_in(client, user)
    html = client.get(reverse("shifts", args=[doctor.public_id])).content.decode()
    assert "Dr Ada Lund" in html
    assert "Change working times" not in html
    assert client.get(reverse("shifts-change", args=[doctor.public_id, site.public_id])).status_code == 403
    assert client.get(reverse("absence-new", args=[doctor.public_id])).status_code == 403
    by = Doer.staff(user, site)
    with pytest.raises(NotPermitted):
        shifts.set_working_times(user=doctor, site=site, seen_version=1, from_day=TODAY, week=MORNINGS, by=by)
    now = dt.datetime(2026, 3, 20, tzinfo=dt.UTC)
    with pytest.raises(NotPermitted):
        shifts.add_absence(user=doctor, starts_at=now, ends_at=now + dt.timedelta(hours=1), by=by)
    assert not Shift.objects.exists()
    assert deeds() == []


def test_who_has_no_valid_licence_is_marked(client: Client, manager: User, site: Site) -> None:
    doctor = make.make_user(Role.PRACTITIONER, licence_number="", licence_valid_until=None)
    make.signed_in(client, manager)
    assert "Cannot be booked" in client.get(reverse("shifts", args=[doctor.public_id])).content.decode()
    doctor.licence_number, doctor.licence_valid_until = "L-1", TODAY
    doctor.save()
    assert "Cannot be booked" not in client.get(reverse("shifts", args=[doctor.public_id])).content.decode()


# --- absences ---------------------------------------------------------------------------------------------------------
def test_an_absence_of_whole_days_counts_the_clock_change(client: Client, manager: User, doctor: User) -> None:
    make.signed_in(client, manager)
    answer = post(client, reverse("absence-new", args=[doctor.public_id]), first_day="2026-03-28", last_day="2026-03-29",
                  from_time="", until_time="", reason="Congress")  # fmt: skip
    assert answer.status_code == 302
    span = Absence.objects.get().span
    assert span.upper - span.lower == dt.timedelta(hours=47)  # the night of 29 March is an hour short in Rome
    html = client.get(reverse("shifts", args=[doctor.public_id])).content.decode()
    assert "Congress" in html
    assert "Sat 28 Mar 2026, 00:00" in html


def test_an_absence_of_part_of_a_day(client: Client, manager: User, doctor: User) -> None:
    make.signed_in(client, manager)
    answer = post(client, reverse("absence-new", args=[doctor.public_id]), first_day="2026-03-13", last_day="2026-03-13",
                  from_time="14:00", until_time="16:30", reason="")  # fmt: skip
    assert answer.status_code == 302
    assert Absence.objects.get().span.lower == dt.datetime(2026, 3, 13, 13, tzinfo=dt.UTC)


def test_an_absence_over_the_hour_that_comes_twice_lasts_until_the_second(
    client: Client, manager: User, doctor: User
) -> None:
    make.signed_in(client, manager)
    night = {"first_day": "2026-10-25", "last_day": "2026-10-25", "reason": ""}
    page = reverse("absence-new", args=[doctor.public_id])
    assert post(client, page, **night, from_time="02:15", until_time="02:45").status_code == 302
    span = Absence.objects.get().span
    assert (span.lower, span.upper) == (
        dt.datetime(2026, 10, 25, 0, 15, tzinfo=dt.UTC), dt.datetime(2026, 10, 25, 1, 45, tzinfo=dt.UTC)
    )  # fmt: skip
    gap = {"first_day": "2026-03-29", "last_day": "2026-03-29", "reason": ""}
    for typed in ({"from_time": "02:30", "until_time": "08:00"}, {"from_time": "01:00", "until_time": "02:30"}):
        answer = post(client, page, **gap, **typed)
        assert answer.status_code == 422
        assert "does not exist" in answer.content.decode()
    assert Absence.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"last_day": "2026-03-19"}, "last_day"), ({"first_day": "2026-02-30"}, "first_day"),
        ({"first_day": "2026-03-01", "last_day": "2026-03-02"}, "last_day"),
        ({"first_day": "0001-01-01"}, "first_day"), ({"last_day": "9999-12-31"}, "last_day"),
        ({"from_time": "16:00", "until_time": "16:00", "last_day": "2026-03-20"}, "last_day"),
        ({"from_time": "noon"}, "from_time"), ({"reason": "x" * 121}, "reason"), ({"reason": "a\x00b"}, "reason"),
        ({"first_day": "2026-04-01", "last_day": "2026-04-05"}, "first_day"),
        ({"first_day": "2026-04-06", "last_day": "2027-06-01"}, "last_day"),
    ],
)  # fmt: skip
def test_impossible_absences_are_refused(
    client: Client, manager: User, doctor: User, values: dict[str, str], field: str
) -> None:
    there = dt.datetime(2026, 4, 3, tzinfo=dt.UTC)
    shifts.add_absence(user=doctor, starts_at=there, ends_at=there + dt.timedelta(days=1), by=Doer.staff(manager))
    make.signed_in(client, manager)
    chosen = {"first_day": "2026-03-20", "last_day": "2026-03-21", "from_time": "", "until_time": "", "reason": ""} | values
    answer = post(client, reverse("absence-new", args=[doctor.public_id]), **chosen)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert Absence.objects.count() == 1


def test_an_absence_is_taken_back_before_and_ended_while_it_lasts(
    client: Client, manager: User, doctor: User, at: Any
) -> None:
    make.signed_in(client, manager)
    starts = dt.datetime(2026, 3, 20, 8, tzinfo=dt.UTC)
    act, page = reverse("absence-end", args=[doctor.public_id]), reverse("shifts", args=[doctor.public_id])
    for moment, left in (("2026-03-19T08:00:00+00:00", 0), ("2026-03-21T08:00:00+00:00", 1)):
        at("2026-03-18T08:00:00+00:00")
        shifts.add_absence(user=doctor, starts_at=starts, ends_at=starts + dt.timedelta(days=5), by=Doer.staff(manager))
        at(moment)
        make.signed_in(client, manager)
        assert post(client, act, page, starts_at=starts.isoformat()).status_code == 302
        assert Absence.objects.count() == left
    assert Absence.objects.get().span.upper == dt.datetime(2026, 3, 21, 8, tzinfo=dt.UTC)
    at("2026-03-21T08:10:00+00:00")
    absence_page = reverse("absence-new", args=[doctor.public_id])
    for wrong in (starts.isoformat(), "yesterday", "2026-03-20T08:00", ""):
        assert post(client, act, absence_page, starts_at=wrong).status_code == 409
