"""In a real browser: a shift with an exception, a closure over booked time with its move, the search by keyboard, the board."""
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinic import day_plans, out_of_service, placing
from clinic.choices import Role
from clinic.doer import SYSTEM
from sessions.choices import AppointmentStatus
from sessions.models import Appointment
from tests import factories as make
from tests.browser import settled
from tests.screens import enter, fits, readable_at_every_size
from tests.sessions.clinicday import ClinicDay, make_clinic_day

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Check = Callable[[Page], None]
Picture = Callable[[Page, str], Any]
SIZES = ((1280, 800), (820, 1180), (390, 844))
PATIENCE = 30_000


@pytest.fixture
def day() -> ClinicDay:
    return make_clinic_day()


def workday(day: ClinicDay, ahead: int = 7) -> dt.date:
    """A day to come on which the clinic is open, whatever today is; never one beside a Sunday."""
    today = day.site.today()
    return today + dt.timedelta(days=(1 - today.weekday()) % 7 + ahead)


def patient_screen(page: Page) -> Page:
    page.set_default_timeout(PATIENCE)
    return page


def looks(page: Page, picture: Picture, name: str) -> Callable[[int], object]:
    return lambda width: picture(page, f"{name}-{width}")


def test_a_manager_gives_a_day_its_own_shift(
    page: Page, live_server: Any, day: ClinicDay, no_axe_findings: Check, picture: Picture
) -> None:
    """Given a weekly pattern, when one day gets other times with a break and another is free, then both are listed."""
    patient_screen(page)
    manager = make.make_user(Role.MANAGER)
    enter(page, live_server.url, manager)
    tuesday = workday(day)
    page.goto(reverse("shifts", args=[day.doctor.public_id]))
    page.get_by_role("link", name="One day at Marylebone").click()
    page.locator("#id_day").fill(tuesday.isoformat())
    page.get_by_label("From", exact=True).fill("10:00")
    page.get_by_label("Until").first.fill("12:00")
    page.get_by_label("After a break from").fill("11:00")
    page.get_by_label("Until").last.fill("15:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The second time must begin after the first has ended.").first).to_be_visible()
    expect(page.get_by_label("Until").last).to_have_value("15:00")
    no_axe_findings(page)
    page.get_by_label("After a break from").fill("13:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Other hours").first).to_be_visible()
    expect(page.get_by_text("10:00–12:00, 13:00–15:00")).to_be_visible()
    page.get_by_role("link", name="One day at Marylebone").click()
    page.locator("#id_day").fill((tuesday + dt.timedelta(days=1)).isoformat())
    page.get_by_label("Free on this day").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("cell", name="Free", exact=True)).to_be_visible()
    readable_at_every_size(
        page, reverse("shifts", args=[day.doctor.public_id]), SIZES, looks(page, picture, "res-shifts")
    )


def test_a_closure_over_booked_time_is_listed_and_moved_together(
    page: Page, new_page: Callable[..., Page], live_server: Any, day: ClinicDay, no_axe_findings: Check, picture: Picture
) -> None:
    """Given three bookings on a day, when a manager closes it, then the desk moves all of them in one act."""
    tuesday = workday(day)
    visits = [day.book(time, day=tuesday) for time in ("09:00", "10:30", "14:00")]
    patient_screen(page)
    enter(page, live_server.url, make.make_user(Role.MANAGER))
    page.goto(reverse("closure-new", args=[day.site.public_id]))
    page.get_by_label("First day").fill(tuesday.isoformat())
    page.get_by_label("Last day").fill(tuesday.isoformat())
    page.get_by_label("Reason").fill("Water damage")
    page.get_by_role("button", name="Add the closure").click()
    expect(page.get_by_role("heading", name="To place anew")).to_be_visible()
    expect(page.get_by_text("The site is closed on that day")).to_have_count(3)
    desk = patient_screen(new_page())
    enter(desk, live_server.url, day.desk)
    desk.goto("/")
    expect(desk.get_by_text("3 appointments to place anew")).to_be_visible()
    desk.get_by_role("link", name="Look").click()
    readable_at_every_size(desk, reverse("displaced"), SIZES, looks(desk, picture, "res-displaced"))
    desk.set_viewport_size({"width": 1280, "height": 800})
    desk.goto(reverse("displaced"))
    desk.get_by_role("link", name="Propose new times").click()
    expect(desk.get_by_label("Day", exact=True)).to_have_count(3)
    first = desk.get_by_label("Day", exact=True).first
    proposed = first.input_value()
    first.fill(tuesday.isoformat())
    desk.get_by_role("button", name="Move all").click()
    expect(desk.get_by_text("is closed on").first).to_be_visible()
    assert {visit.displaced for visit in Appointment.objects.all()} == {"closed"}, "one row that clashes moves nobody"
    no_axe_findings(desk)
    picture(desk, "res-displaced-clash")
    desk.get_by_label("Day", exact=True).first.fill(proposed)
    desk.get_by_role("button", name="Move all").click()
    expect(desk.get_by_text("3 appointments moved.")).to_be_visible()
    expect(desk.get_by_text("Every booking stands on open hours")).to_be_visible()
    for visit in visits:
        visit.refresh_from_db()
        assert visit.local_start.date() == tuesday + dt.timedelta(days=1)


def test_rows_to_place_fit_every_screen(page: Page, live_server: Any, day: ClinicDay, picture: Picture) -> None:
    tuesday = workday(day)
    for time in ("09:00", "10:30"):
        day.book(time, day=tuesday)
    placing.add_closure(site=day.site, first_day=tuesday, last_day=tuesday, reason="Water", by=SYSTEM)
    patient_screen(page)
    enter(page, live_server.url, day.desk)
    readable_at_every_size(page, reverse("displaced-move"), SIZES, looks(page, picture, "res-displaced-move"))


def test_a_free_time_is_found_and_booked_by_keyboard(
    page: Page, live_server: Any, day: ClinicDay, no_axe_findings: Check, picture: Picture
) -> None:
    """Given a patient, when the desk asks for Fridays after four by keyboard alone, then Enter leads to booking."""
    patient = make.make_patient(day.site)
    patient_screen(page)
    enter(page, live_server.url, day.desk)
    page.goto(reverse("slot-search") + f"?patient={patient.public_id}")
    expect(page.locator("#found .offer").first).to_be_visible()
    page.get_by_label("Friday").focus()
    page.keyboard.press("Space")
    page.get_by_label("Not before").focus()
    page.keyboard.type("1600")
    page.keyboard.press("Tab")
    expect(page.locator("#found h2").first).to_contain_text("Friday")  # by itself, a moment after the change
    expect(page.locator("#found .offer").first).to_contain_text("16:00")
    page.get_by_role("button", name="Search").focus()
    with page.expect_response(lambda answer: reverse("slot-search") in answer.url):
        page.keyboard.press("Enter")
    settled(page)
    expect(page.locator("#found h2").first).to_contain_text("Friday")
    expect(page.locator("#found .offer").first).to_contain_text("16:00")
    before = page.locator("#found .offer").count()
    page.get_by_role("link", name="More free times").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#found .offer").nth(before)).to_be_visible()
    no_axe_findings(page)
    page.locator("#found .offer").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="New appointment")).to_be_visible()
    expect(page.get_by_label("Time of arrival")).to_have_value("16:00")
    page.get_by_role("button", name="Book", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/appointments/[\w-]{22}/$"))
    visit = Appointment.objects.get()
    assert (visit.patient, visit.local_start.weekday(), visit.local_start.hour) == (patient, 4, 16)
    readable_at_every_size(
        page, reverse("slot-search") + f"?patient={patient.public_id}", SIZES, looks(page, picture, "res-search")
    )


def test_places_and_services_are_readable(page: Page, live_server: Any, day: ClinicDay, picture: Picture) -> None:
    tuesday = workday(day)
    make.make_device(day.site, name="Gun 1")
    start = day.at("08:00", tuesday)
    out_of_service.take_out(
        thing=day.room, starts_at=start, ends_at=start + dt.timedelta(hours=5), reason="New lamp", by=SYSTEM
    )
    day_plans.set_special_hours(
        site=day.site, day=tuesday, spans=[(dt.time(9), dt.time(12)), (dt.time(13), dt.time(15))], reason="Fair", by=SYSTEM
    )
    patient_screen(page)
    enter(page, live_server.url, make.make_user(Role.MANAGER))
    for name, address in (
        ("site", reverse("site", args=[day.site.public_id])), ("services", reverse("services")),
        ("people", reverse("service-people", args=[day.consultation.public_id])),
        ("out", reverse("room-out", args=[day.room.public_id])),
    ):  # fmt: skip
        readable_at_every_size(page, address, SIZES, looks(page, picture, f"res-{name}"))


# Minutes from now, status: thirty visits of an ordinary day, whatever the hour the test runs at.
def fill_board(day: ClinicDay) -> None:
    now = timezone.now().replace(second=0, microsecond=0)
    start, end = day.site.day_bounds(day.site.today())
    doctors, rooms = [day.doctor, day.other_doctor], [day.room, day.other_room]
    for number in range(2):
        doctors.append(make.make_user(name=f"Dr Ada Extra{number}"))
        rooms.append(make.make_room(day.site, name=f"Room {number + 3}"))
    step = (end - start) / 8.5
    for number in range(30):
        which, place = number % 4, number // 4
        at = (start + step * place + dt.timedelta(minutes=5)).replace(second=0, microsecond=0)
        past = at + dt.timedelta(minutes=45) < now
        status = AppointmentStatus.DONE if past else AppointmentStatus.BOOKED
        stamps: dict[str, Any] = {}
        if number in {12, 13, 14}:
            status, stamps = AppointmentStatus.ARRIVED, {"arrived_at": now - dt.timedelta(minutes=(4, 9, 22)[number - 12])}
        elif number in {8, 9}:
            status = AppointmentStatus.IN_TREATMENT
        elif number == 4:
            status = AppointmentStatus.NO_SHOW
        make.make_appointment(
            make.make_patient(day.site), practitioner=doctors[which], room=rooms[which], service=day.consultation,
            starts_at=at, status=status, **stamps,
        )  # fmt: skip


def test_a_day_of_thirty_fits_one_screen(page: Page, live_server: Any, day: ClinicDay, picture: Picture) -> None:
    """At 1280 by 800 the page itself does not scroll: each lane does, and what needs somebody stays in sight."""
    fill_board(day)
    patient_screen(page)
    enter(page, live_server.url, day.desk)
    page.goto("/")
    expect(page.get_by_text("longest 22 min")).to_be_visible(timeout=PATIENCE)
    fits(page)
    picture(page, "res-board-1280")
    taller = page.evaluate("document.documentElement.scrollHeight - innerHeight")
    assert taller <= 0, f"the page is {taller} px taller than the screen"
    expect(page.get_by_role("heading", name="Rooms now")).to_be_in_viewport()
    expect(page.locator(".wait-long", has_text="22 min")).to_be_visible()
    expect(page.locator("#lane-waiting .wait-long")).to_have_count(1)
    readable_at_every_size(page, "/", SIZES, looks(page, picture, "res-board"))
