"""In a real browser: the day, the week, the list, the panel, keys, a booking from free time; nothing serious for axe."""
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from sessions.choices import AppointmentStatus
from sessions.models import Appointment
from tests import factories
from tests.sessions.clinicday import ClinicDay, make_clinic_day

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Check = Callable[[Page], None]
Picture = Callable[[Page, str], Any]
STATUS = AppointmentStatus
DESK = {"viewport": {"width": 1440, "height": 900}}
TABLET = {"viewport": {"width": 1024, "height": 768}, "has_touch": True}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
PATIENCE = 30_000
# Given name, time, who, status; a weekday to come, so that every one of them can still be moved.
VISITS = (
    ("Rosa", "09:00", 0, STATUS.DONE), ("Hana", "10:00", 0, STATUS.IN_TREATMENT), ("Nadia", "11:00", 0, STATUS.ARRIVED),
    ("Mei", "13:15", 0, STATUS.CONFIRMED), ("Tom", "15:00", 0, STATUS.BOOKED), ("Daniel", "09:00", 1, STATUS.CANCELLED),
    ("Ben", "10:15", 1, STATUS.NO_SHOW), ("Clara", "11:30", 1, STATUS.BOOKED),
)  # fmt: skip


@pytest.fixture
def day() -> ClinicDay:
    return make_clinic_day()


@pytest.fixture
def busy(day: ClinicDay) -> dict[str, Appointment]:
    """A day to come with every status; two practitioners in two rooms."""
    on = day.site.today() + dt.timedelta(days=7 + (day.site.today().weekday() == 6))
    made = {}
    for name, time, who, status in VISITS:
        doctor, room = ((day.doctor, day.room), (day.other_doctor, day.other_room))[who]
        patient = factories.make_patient(day.site, given_name=name)
        visit = day.book(time, day=on, patient=patient, practitioner=doctor, room=room)
        stamps = {"arrived_at": timezone.now()} if status == STATUS.ARRIVED else {}
        if status == STATUS.CANCELLED:
            stamps = {"cancelled_at": timezone.now(), "cancel_reason": "Ill"}
        Appointment.objects.filter(pk=visit.pk).update(status=status, **stamps)
        visit.refresh_from_db()
        made[name] = visit
    return made


def open_calendar(page: Page, day: ClinicDay, address: str, query: str) -> None:
    client = factories.signed_in(Client(), day.desk)
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": address}])
    page.set_default_timeout(PATIENCE)
    page.goto(f"/calendar/?{query}")


def on_of(busy: dict[str, Appointment]) -> str:
    return busy["Tom"].local_start.date().isoformat()


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"))


def block(page: Page, name: str) -> Any:
    return page.get_by_role("button", name=re.compile(rf"\d\d:\d\d.*{name}"))


def beside(left: Any, right: Any) -> bool:
    first, second = left.bounding_box(), right.bounding_box()
    return bool(first["x"] + first["width"] <= second["x"])


def test_a_day_is_read_opened_and_booked(
    new_page: Callable[..., Page], live_server: Any, day: ClinicDay, busy: dict[str, Appointment],
    no_axe_findings: Check, picture: Picture,
) -> None:  # fmt: skip
    # given the day of two practitioners on a desk screen
    page = new_page(**DESK)
    open_calendar(page, day, live_server.url, f"day={on_of(busy)}&view=day")
    expect(block(page, "Tom")).to_be_visible()
    assert page.locator(".strip-hatched").count() == 12, "before and after each of the six that hold their room"
    expect(page.get_by_role("group", name=re.compile("Dr Haddad"))).to_be_visible()
    picture(page, "calendar-day")
    no_axe_findings(page)
    # when one is opened by keyboard, its panel says everything and offers its acts
    block(page, "Tom").focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name="Appointment", exact=True)
    expect(panel.get_by_role("link", name="Open patient page")).to_be_visible()
    expect(panel.get_by_role("link", name="Move", exact=True)).to_be_visible()
    assert beside(block(page, "Clara"), panel), "the panel covers no column"
    picture(page, "calendar-panel")
    no_axe_findings(page)
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    # when an act is done in it, the calendar comes back with the panel open
    block(page, "Tom").click()
    panel.get_by_role("button", name="Confirmed by the patient").click()
    expect(panel.get_by_text("Confirmed", exact=True)).to_be_visible()
    assert Appointment.objects.get(pk=busy["Tom"].pk).status == STATUS.CONFIRMED
    # when somebody else changes the day, it shows without a reload
    Appointment.objects.filter(pk=busy["Clara"].pk).update(status=STATUS.CONFIRMED, version=9)
    page.evaluate(
        "htmx.ajax('GET', document.getElementById('calendar-poll').getAttribute('hx-get'),"
        " {source: '#calendar-poll', swap: 'none'})"
    )
    expect(page.locator(".block-confirmed", has_text="Clara")).to_be_visible()


def test_free_time_leads_to_the_booking_form(
    new_page: Callable[..., Page], live_server: Any, day: ClinicDay, busy: dict[str, Appointment]
) -> None:
    page = new_page(**DESK)
    open_calendar(page, day, live_server.url, f"day={on_of(busy)}&view=day")
    expect(block(page, "Tom")).to_be_visible()
    # when the free time between Clara (until 12:15) and the end of the day is clicked, in the second column
    below = block(page, "Clara").bounding_box()
    assert below is not None
    page.mouse.click(below["x"] + 90, below["y"] + 23 * 10 + 4)
    panel = page.get_by_role("complementary", name="New appointment", exact=True)
    panel.get_by_label("Patient", exact=True).press_sequentially("Tom", delay=20)
    panel.get_by_role("button", name=re.compile("Tom")).click()
    expect(panel.get_by_label("Time of arrival")).to_have_value("14:00")
    expect(panel.locator("select[name=practitioner]")).to_have_value(day.other_doctor.public_id)
    expect(panel.get_by_text("45 min, from the protocol")).to_be_visible()  # what is said below has come: it moves no more
    # "more" opens the full form with all of it
    panel.get_by_role("link", name="More: the full form").click()
    page.wait_for_url(re.compile("/appointments/new/"))
    expect(page.get_by_label("Time of arrival")).to_have_value("14:00")
    expect(page.locator("select[name=practitioner]")).to_have_value(day.other_doctor.public_id)
    expect(page.get_by_text("45 min, from the protocol")).to_be_visible()


def test_a_visit_is_booked_with_the_keyboard_alone(
    new_page: Callable[..., Page], live_server: Any, day: ClinicDay, busy: dict[str, Appointment]
) -> None:
    page = new_page(**DESK)
    open_calendar(page, day, live_server.url, f"day={on_of(busy)}&view=day")
    expect(block(page, "Tom")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog").get_by_text("New appointment")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.wait_for_url(re.compile("/appointments/new/"))
    # the search has the focus; the found patient and the form are reached by Tab and Enter
    page.keyboard.type("Clara")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q=Clara"))
    page.get_by_role("main").get_by_role("link", name=re.compile("Clara")).focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("patient="))
    page.get_by_label("Time of arrival").focus()
    page.keyboard.type("1600" if page.evaluate("navigator.language").startswith("en-GB") else "0400P")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/appointments/[^/]{20,}/$"))
    assert Appointment.objects.filter(patient__given_name="Clara").count() == 2


def test_keys_turn_days_and_views(
    new_page: Callable[..., Page], live_server: Any, day: ClinicDay, busy: dict[str, Appointment],
    no_axe_findings: Check, picture: Picture,
) -> None:  # fmt: skip
    page = new_page(**DESK)
    open_calendar(page, day, live_server.url, f"day={on_of(busy)}&view=day")
    expect(block(page, "Tom")).to_be_visible()
    # D, W, L change the view
    page.keyboard.press("w")
    page.wait_for_url(re.compile("view=week"))
    expect(block(page, "Tom")).to_be_visible()
    expect(block(page, "Clara")).to_have_count(0)
    picture(page, "calendar-week")
    no_axe_findings(page)
    page.get_by_label("Week of").select_option(label="Dr Weber")
    expect(block(page, "Clara")).to_be_visible()
    page.keyboard.press("l")
    page.wait_for_url(re.compile("view=list"))
    expect(page.get_by_role("link", name=re.compile("^Clara"))).to_be_visible()
    picture(page, "calendar-list")
    no_axe_findings(page)
    page.get_by_role("link", name=re.compile("^Clara")).click()
    expect(page.get_by_role("link", name="Open patient page")).to_be_visible()
    page.keyboard.press("Escape")
    # off while typing
    page.get_by_role("searchbox").first.fill("dwt")
    assert "view=list" in page.url
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("d")
    page.wait_for_url(re.compile("view=day"))
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile(rf"day=(?!{on_of(busy)})"))
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile(rf"day={on_of(busy)}"))
    expect(block(page, "Tom")).to_be_visible()
    # the privacy switch leaves initials where names stood, at once and on the next day
    name = page.locator(".ec-event.block .private > span", has_text="Tom")
    expect(name).to_be_visible()
    page.get_by_role("switch", name="Hide names").click()
    expect(name).to_be_hidden()
    page.reload()
    expect(page.locator(".ec-event.block").first).to_be_visible()
    expect(name).to_be_hidden()
    page.keyboard.press("t")
    page.wait_for_url(re.compile(r"/calendar/\?(?!.*day=\d)"))
    page.keyboard.press("n")
    page.wait_for_url(re.compile("/appointments/new/"))


def test_the_current_time_stands_beside_its_line(
    new_page: Callable[..., Page], live_server: Any, day: ClinicDay, picture: Picture
) -> None:
    # given a site whose clock shows noon or so, wherever the reader sits
    now = timezone.now()
    day.site.time_zone = f"Etc/GMT{now.hour - 12:+d}" if now.hour != 12 else "UTC"
    day.site.save(update_fields=["time_zone"])
    page = new_page(**DESK, timezone_id="Asia/Tokyo")
    open_calendar(page, day, live_server.url, "view=day")
    line = page.locator(".ec-now-indicator").first
    expect(line).to_be_visible()
    assert (line.get_attribute("data-time") or "").startswith("12:")
    picture(page, "calendar-now")


@pytest.mark.parametrize(("screen", "name"), [(TABLET, "tablet"), (PHONE, "phone")])
def test_it_fits_a_tablet_and_a_phone_in_turkish(
    new_page: Callable[..., Page], live_server: Any, day: ClinicDay, busy: dict[str, Appointment],
    no_axe_findings: Check, picture: Picture, screen: dict[str, Any], name: str,
) -> None:  # fmt: skip
    day.desk.language = "tr"
    day.desk.save(update_fields=["language"])
    page = new_page(**screen)
    open_calendar(page, day, live_server.url, f"day={on_of(busy)}&view=day")
    expect(block(page, "Tom")).to_be_visible()
    assert fits(page)
    picture(page, f"calendar-{name}-tr")
    no_axe_findings(page)
    page.goto("/calendar/?view=list")
    assert fits(page)
    picture(page, f"calendar-list-{name}-tr")
