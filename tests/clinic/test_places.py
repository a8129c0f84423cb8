"""Sites, rooms, devices, opening hours and closed days: works, hostile values, wrong role, stale, nothing half done."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic import placing
from clinic.choices import Role, Weekday
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.models import AuditEvent, Closure, Device, OpeningHours, Room, Site, User
from clinic.placing import SiteDetails
from clinic.week import WeekSpan, clash, field_name
from tests import factories as make

pytestmark = pytest.mark.django_db
ROME = {"name": "Trastevere", "country": "IT", "time_zone": "Europe/Rome", "address": "Via della Lungaretta 40",
        "phone": "06 6982 1234", "email": "roma@halden.example", "emergency_number": "112", "page_size": "A4"}  # fmt: skip
NOON, MORNING, EVENING = dt.time(12), dt.time(8), dt.time(19)


@pytest.fixture
def manager() -> User:
    make.make_organisation()
    return make.make_user(Role.MANAGER, name="Mira Manager")


@pytest.fixture
def site(manager: User) -> Site:
    return make.make_site(name="Nomentano")


@pytest.fixture
def desk(client: Client, manager: User) -> Client:
    return make.signed_in(client, manager)


def post(client: Client, url: str, page: str | None = None, **values: Any) -> Any:
    """Send the form of a page with the hidden token and version it carries."""
    html = client.get(page or url).content.decode()
    hidden = dict(re.findall(r'name="(form_token|seen_version)" value="([^"]*)"', html))
    return client.post(url, {**hidden, **values})


def deeds() -> list[str]:
    """What was done, beside publishing the catalogue that every test begins with."""
    actions = AuditEvent.objects.exclude(action="catalogue-published").order_by("pk")
    return list(actions.values_list("action", flat=True))


def week(*days: str, starts: dt.time = MORNING, ends: dt.time = EVENING) -> list[WeekSpan]:
    return [WeekSpan(day, starts, ends) for day in days]


def times(*spans: tuple[str, int, str, str]) -> dict[str, str]:
    """The fields of a week as a browser sends them."""
    values = {field_name(day, number, edge): "" for day in Weekday for number in (1, 2) for edge in ("starts", "ends")}
    for day, number, starts, ends in spans:
        values |= {field_name(day, number, "starts"): starts, field_name(day, number, "ends"): ends}
    return values


# --- sites ------------------------------------------------------------------------------------------------------------
def test_a_manager_without_any_site_is_led_to_making_one(desk: Client) -> None:
    for page in ("board", "patients"):
        answer = desk.get(reverse(page), follow=True)
        assert answer.redirect_chain == [(reverse("sites"), 302)]
        assert "Open a site first" in answer.content.decode()
        assert "No site yet" in answer.content.decode()


def test_who_cannot_open_a_site_is_told_who_can(client: Client, manager: User) -> None:
    make.signed_in(client, make.make_user(Role.FRONT_DESK))
    answer = client.get(reverse("board"))
    assert answer.status_code == 403
    assert "A manager opens one" in answer.content.decode()


def test_a_site_is_made_and_opened(desk: Client, manager: User) -> None:
    assert post(desk, reverse("site-new"), **ROME).status_code == 302
    site = Site.objects.get()
    assert (site.phone, site.is_open, site.zone.key) == ("+39 06 6982 1234", False, "Europe/Rome")
    page = reverse("site-edit", args=[site.public_id])
    assert post(desk, page, **ROME, is_open="on").status_code == 302
    site.refresh_from_db()
    assert site.is_open
    assert desk.get(reverse("board")).status_code == 200
    assert deeds() == ["site-added", "site-changed"]
    assert AuditEvent.objects.get(action="site-changed").detail == {"is_open": [False, True]}


def test_without_its_emergency_number_a_site_does_not_open(desk: Client) -> None:
    answer = post(desk, reverse("site-new"), **{**ROME, "emergency_number": "", "is_open": "on"})
    assert answer.status_code == 422
    assert "emergency number before it can be opened" in str(answer.context["form"].errors["emergency_number"])
    assert 'value="Trastevere"' in answer.content.decode()
    assert not Site.objects.exists()
    assert deeds() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "x" * 81), ("name", "Ro\x00me"), ("name", "Ro\u202eme"), ("country", "Italy"),
        ("country", ""), ("time_zone", "Rome"), ("time_zone", "../etc/passwd"), ("phone", "call us"), ("phone", "12"),
        ("email", "nobody"), ("emergency_number", "one one two"), ("emergency_number", "1" * 17), ("page_size", "A3"),
        ("address", "x" * 201),
    ],
)  # fmt: skip
def test_hostile_values_stay_beside_their_field(desk: Client, field: str, value: str) -> None:
    answer = post(desk, reverse("site-new"), **{**ROME, field: value})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not Site.objects.exists()


def test_markup_in_a_name_is_a_name(desk: Client) -> None:
    assert post(desk, reverse("site-new"), **{**ROME, "name": "<b>Rome</b>' OR 1=1 --"}).status_code == 302
    assert "<b>Rome" not in desk.get(reverse("sites")).content.decode()


def test_two_sites_never_share_a_name(desk: Client, site: Site) -> None:
    answer = post(desk, reverse("site-new"), **{**ROME, "name": "nomentano"})
    assert answer.status_code == 422
    assert "of this name already" in str(answer.context["form"].errors["name"])


def test_the_clock_of_an_open_site_stays(site: Site, manager: User) -> None:
    details = SiteDetails(name="X", country="IT", time_zone="Europe/Paris", emergency_number="112", is_open=True)
    with pytest.raises(Refused) as refusal:
        placing.change_site(site=site, seen_version=1, details=details, by=Doer.staff(manager))
    assert refusal.value.field == "time_zone"
    site.refresh_from_db()
    assert (site.name, site.version) == ("Nomentano", 1)


def test_a_stale_change_is_refused_with_what_is_saved_and_can_be_sent_again(desk: Client, site: Site) -> None:
    page = reverse("site-edit", args=[site.public_id])
    html = desk.get(page).content.decode()
    hidden = dict(re.findall(r'name="(form_token|seen_version)" value="([^"]*)"', html))
    assert post(desk, page, **{**ROME, "name": "Parioli", "is_open": "on"}).status_code == 302
    answer = desk.post(page, {**hidden, **ROME, "name": "Prati", "is_open": "on"})
    assert answer.status_code == 409
    assert "Parioli" in answer.content.decode()
    assert 'value="Prati"' in answer.content.decode()
    assert Site.objects.get().name == "Parioli"
    again = dict(re.findall(r'name="(form_token|seen_version)" value="([^"]*)"', answer.content.decode()))
    assert again["seen_version"] == "2"


def test_a_double_click_makes_one_site(desk: Client) -> None:
    hidden = dict(re.findall(r'name="(form_token)" value="([^"]*)"', desk.get(reverse("site-new")).content.decode()))
    for _click in range(2):
        assert desk.post(reverse("site-new"), {**hidden, **ROME}).status_code == 302
    assert Site.objects.count() == 1


def test_a_manager_of_one_site_changes_that_one_alone(client: Client, site: Site) -> None:
    other = make.make_site()
    local = make.make_user(Role.MANAGER, site=other)
    by = Doer.staff(local, other)
    details = SiteDetails(**{**ROME, "phone": ""})
    for deed in (
        lambda: placing.make_site(details=details, by=by),
        lambda: placing.change_site(site=site, seen_version=1, details=details, by=by),
        lambda: placing.add_room(site=site, name="Room 9", by=by),
        lambda: placing.set_opening_hours(site=site, seen_version=1, week=[], by=by),
    ):
        with pytest.raises(NotPermitted):
            deed()
    assert placing.add_room(site=other, name="Room 9", by=by).site == other
    make.signed_in(client, local)
    assert post(client, reverse("room-new", args=[site.public_id]), name="X", kind="treatment").status_code == 403


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.PRACTITIONER, Role.MEDICAL_LEAD])
def test_other_roles_see_and_do_not_change(client: Client, site: Site, role: str) -> None:
    room = make.make_room(site)
    user = make.make_user(role)
    make.signed_in(client, user)
    page = client.get(reverse("site", args=[site.public_id])).content.decode()
    assert room.name in page
    assert "New room" not in page
    for name, thing in (("site-edit", site), ("site-hours", site), ("room-new", site), ("room-edit", room),
                        ("closure-new", site)):  # fmt: skip
        assert client.get(reverse(name, args=[thing.public_id])).status_code == 403
    with pytest.raises(NotPermitted):
        placing.add_room(site=site, name="Room 9", by=Doer.staff(user))
    with pytest.raises(NotPermitted):
        placing.add_closure(site=site, first_day=site.today(), last_day=site.today(), reason="x",
                            by=Doer.patient("p", "A patient"))  # fmt: skip
    assert deeds() == []


# --- rooms and devices --------------------------------------------------------------------------------------------------
def test_a_room_is_added_renamed_and_taken_out_of_service(desk: Client, site: Site) -> None:
    assert post(desk, reverse("room-new", args=[site.public_id]), name="Room 1", kind="treatment").status_code == 302
    room = Room.objects.get()
    page = reverse("room-edit", args=[room.public_id])
    assert post(desk, page, name="Blue room", kind="consultation").status_code == 302
    room.refresh_from_db()
    assert (room.name, room.kind, room.in_service, room.version) == ("Blue room", "consultation", False, 2)
    assert "Out of service" in desk.get(reverse("site", args=[site.public_id])).content.decode()


def test_a_device_is_added_and_taken_out_of_service(desk: Client, site: Site) -> None:
    assert post(desk, reverse("device-new", args=[site.public_id]), name="Gun 1", kind="dv-gun").status_code == 302
    device = Device.objects.get()
    assert post(desk, reverse("device-edit", args=[device.public_id]), name="Gun 1", kind="dv-gun").status_code == 302
    device.refresh_from_db()
    assert not device.in_service
    assert post(desk, reverse("device-new", args=[site.public_id]), name="gun 1", kind="dv-gun").status_code == 422


def test_a_room_keeps_its_own_name(desk: Client, site: Site) -> None:
    first, second = make.make_room(site, name="Room 1"), make.make_room(site, name="Room 2")
    make.make_room(make.make_site(), name="Room 3")
    page = reverse("room-edit", args=[second.public_id])
    answer = post(desk, page, name="room 1", kind="treatment", in_service="on")
    assert answer.status_code == 422
    assert "name" in answer.context["form"].errors
    assert post(desk, page, name="Room 3", kind="treatment", in_service="on").status_code == 302
    with pytest.raises(Stale) as stale:
        placing.change_room(room=second, seen_version=1, name="X", kind="treatment", in_service=True,
                            by=Doer.staff(User.objects.get()))  # fmt: skip
    assert stale.value.theirs == (("Name", "Room 3"),)
    first.refresh_from_db()
    assert first.name == "Room 1"


# --- opening hours --------------------------------------------------------------------------------------------------------
def test_the_week_is_replaced_and_rows_that_stay_are_not_touched(desk: Client, site: Site) -> None:
    monday = site.opening_hours.get(weekday="1")
    answer = post(
        desk, reverse("site-hours", args=[site.public_id]),
        **times(("1", 1, "08:00", "20:00"), ("2", 1, "08:00", "13:00"), ("2", 2, "14:30", "19:00")),
    )  # fmt: skip
    assert answer.status_code == 302
    assert [(row.weekday, row.opens.hour, row.closes.hour) for row in site.opening_hours.all()] == [
        ("1", 8, 20), ("2", 8, 13), ("2", 14, 19)
    ]  # fmt: skip
    assert OpeningHours.objects.filter(pk=monday.pk).exists()
    page = desk.get(reverse("site", args=[site.public_id])).content.decode()
    assert "14:30–19:00" in page
    assert "closed" in page


@pytest.mark.parametrize(
    ("spans", "field"),
    [
        ([("1", 1, "20:00", "08:00")], "ends_1_1"), ([("1", 1, "08:00", "08:00")], "ends_1_1"),
        ([("3", 1, "08:00", "")], "ends_3_1"), ([("3", 1, "", "12:00")], "starts_3_1"),
        ([("5", 1, "08:00", "13:00"), ("5", 2, "12:00", "19:00")], "starts_5_2"),
        ([("5", 1, "08:00", "13:00"), ("5", 2, "13:00", "19:00")], "starts_5_2"),
        ([("7", 1, "25:61", "26:00")], "starts_7_1"), ([("7", 1, "8\x00:00", "12:00")], "starts_7_1"),
    ],
)  # fmt: skip
def test_impossible_hours_are_refused_beside_their_field(
    desk: Client, site: Site, spans: list[tuple[str, int, str, str]], field: str
) -> None:
    before = placing.opening_week(site)
    answer = post(desk, reverse("site-hours", args=[site.public_id]), **times(*spans))
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    site.refresh_from_db()
    assert (placing.opening_week(site), site.version) == (before, 1)


def test_a_week_has_two_times_a_day_at_most(site: Site, manager: User) -> None:
    three = [WeekSpan("1", dt.time(hour), dt.time(hour + 1)) for hour in (8, 10, 12)]
    with pytest.raises(Refused):
        placing.set_opening_hours(site=site, seen_version=1, week=three, by=Doer.staff(manager))
    assert site.opening_hours.count() == 6


def test_stale_hours_are_refused(site: Site, manager: User) -> None:
    by = Doer.staff(manager)
    placing.set_opening_hours(site=site, seen_version=1, week=week("1"), by=by)
    with pytest.raises(Stale) as stale:
        placing.set_opening_hours(site=site, seen_version=1, week=week("2"), by=by)
    assert stale.value.theirs == (("Opening hours", "1 08:00–19:00"),)
    assert site.opening_hours.get().weekday == "1"


def test_weeks_on_two_clocks_are_compared_as_instants() -> None:
    from zoneinfo import ZoneInfo

    rome, istanbul = ZoneInfo("Europe/Rome"), ZoneInfo("Europe/Istanbul")
    mine, theirs = WeekSpan("1", dt.time(8), dt.time(12)), WeekSpan("1", dt.time(12), dt.time(15))
    monday = dt.date(2026, 3, 9)  # Rome is two hours behind Istanbul
    assert clash([mine], rome, [(theirs, rome)], monday=monday) is None
    assert clash([mine], rome, [(theirs, istanbul)], monday=monday) == (mine, theirs)


# --- closed days -----------------------------------------------------------------------------------------------------------
def test_a_closure_is_added_and_removed(desk: Client, site: Site, at: Any) -> None:
    at("2026-03-12T09:00:00+00:00")
    page = reverse("closure-new", args=[site.public_id])
    answer = post(desk, page, first_day="2026-08-10", last_day="2026-08-21", reason="Ferragosto")
    assert answer.status_code == 302
    html = desk.get(reverse("site", args=[site.public_id])).content.decode()
    assert "Mon 10 Aug 2026" in html
    assert "Remove the closure “Ferragosto”" in html
    act = reverse("closure-remove", args=[site.public_id])
    assert post(desk, act, reverse("site", args=[site.public_id]), first_day="2026-08-10").status_code == 302
    assert not Closure.objects.exists()
    assert AuditEvent.objects.filter(action="closure-removed").exists()
    assert post(desk, act, page, first_day="2026-08-10").status_code == 409


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"first_day": "2026-08-21", "last_day": "2026-08-10"}, "last_day"),
        ({"first_day": "2026-02-30"}, "first_day"), ({"reason": ""}, "reason"), ({"reason": "x" * 121}, "reason"),
        ({"first_day": "2026-01-01", "last_day": "2026-01-02"}, "last_day"),
        ({"first_day": "2026-08-12", "last_day": "9999-12-31"}, "last_day"),
        ({"first_day": "9999-12-31", "last_day": "9999-12-31"}, "first_day"),
        ({"first_day": "2026-12-24", "last_day": "2026-12-26"}, "first_day"),
    ],
)  # fmt: skip
def test_impossible_closures_are_refused(
    desk: Client, site: Site, at: Any, values: dict[str, str], field: str
) -> None:
    at("2026-03-12T09:00:00+00:00")
    make.make_closure(site, dt.date(2026, 12, 25), dt.date(2026, 12, 31))
    chosen = {"first_day": "2026-08-10", "last_day": "2026-08-21", "reason": "Ferragosto"} | values
    answer = post(desk, reverse("closure-new", args=[site.public_id]), **chosen)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert Closure.objects.count() == 1


def test_a_closure_that_has_passed_stays(site: Site, manager: User, at: Any) -> None:
    make.make_closure(site, dt.date(2026, 1, 1))
    at("2026-03-12T09:00:00+00:00")
    with pytest.raises(Refused):
        placing.remove_closure(site=site, first_day=dt.date(2026, 1, 1), by=Doer.staff(manager))
    assert Closure.objects.exists()
