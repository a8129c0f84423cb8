"""In a real browser: asking for a consultation on a phone without scripts, the lists of the desk, one click from a free time."""
from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from sessions import call_list, public_booking, waiting
from sessions.models import Appointment, BookingRequest, Message, PublicBooking, WaitEntry
from sessions.request_links import token_for
from sessions.waiting import WaitWish
from sessions.waiting_page import slot_link
from tests import factories as make
from tests.browser import PHONE, check_accessibility
from tests.screens import enter, fits, readable_at_every_size
from tests.sessions.clinicday import ClinicDay, make_clinic_day

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SIZES = ((1280, 800), (820, 1180), (390, 844))
PATIENCE = 30_000
MOST_BYTES = 100_000


@pytest.fixture
def day() -> ClinicDay:
    made = make_clinic_day()
    made.consultation.is_public = True
    made.consultation.save(update_fields=["is_public"])
    return made


def coming(day: ClinicDay) -> dt.date:
    """A working day a week ahead, whatever today is."""
    found = day.site.today() + dt.timedelta(days=7)
    return found + dt.timedelta(days=1) if found.isoweekday() == 7 else found


def wait(day: ClinicDay, **more: Any) -> WaitEntry:
    values = {"sites": [day.site], "service": day.consultation} | more
    return waiting.add(patient=make.make_patient(day.site), wish=WaitWish(**values), by=day.by)


# --- from outside ---------------------------------------------------------------------------------------------------
def test_a_consultation_is_asked_for_on_a_phone_without_scripts(
    day: ClinicDay, new_page: Callable[..., Page], picture: Callable[[Page, str], Any], live_server: Any
) -> None:
    PublicBooking.objects.create(site=day.site, is_on=True)
    page = new_page(**PHONE, java_script_enabled=False)
    page.set_default_timeout(PATIENCE)
    weight = loaded_bytes(page)
    page.goto("/book/")
    expect(page.get_by_role("heading", name="Ask for a consultation")).to_be_visible()
    assert weight() < MOST_BYTES, weight()
    picture(page, "public-booking-week")
    page.locator(".book-times a").first.click()
    picture(page, "public-booking-details")
    page.get_by_label("Given name").fill("Ayşe")
    page.get_by_label("Family name").fill("Yılmaz")
    page.get_by_label("Birth date").fill("1990-05-17")
    page.get_by_label("E-mail").fill("nobody")
    page.get_by_label("Phone").fill("06 5555 0199")
    page.wait_for_timeout(3_200)
    page.get_by_role("button", name="Hold this time for me").click()
    expect(page.get_by_label("Given name")).to_have_value("Ayşe")
    picture(page, "public-booking-refused")
    page.get_by_label("E-mail").fill("ayse@example.org")
    page.get_by_role("button", name="Hold this time for me").click()
    expect(page.get_by_role("heading", name="Now read your mail")).to_be_visible()
    picture(page, "public-booking-sent")
    request = BookingRequest.objects.get()
    page.goto(reverse("public-booking-link", args=[token_for(request)]))
    picture(page, "public-booking-request")
    assert Appointment.objects.get().status == "held"
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Your appointment")).to_be_visible()
    picture(page, "public-booking-booked")
    assert Appointment.objects.get().status == "booked"
    assert Message.objects.filter(kind="msg-intake").exists()


def loaded_bytes(page: Page) -> Callable[[], int]:
    """What a visit costs, compressed, with every style and icon; the font comes once and is kept for a year."""
    seen: dict[str, int] = {}

    def count(response: Any) -> None:
        if response.status == 200 and not response.url.endswith(".woff2"):
            seen[response.url] = len(gzip.compress(response.body()))

    page.on("response", count)
    return lambda: sum(seen.values())


def test_the_public_pages_at_every_size_and_in_turkish(day: ClinicDay, page: Page, picture: Callable[[Page, str], Any]) -> None:
    PublicBooking.objects.create(site=day.site, is_on=True)
    page.set_default_timeout(PATIENCE)
    week = reverse("public-booking", args=[day.site.public_id])
    readable_at_every_size(page, week, SIZES, look=lambda width: picture(page, f"public-booking-week-{width}"))
    first = page.locator(".book-times a").first.get_attribute("href")
    readable_at_every_size(page, str(first), SIZES, look=lambda width: picture(page, f"public-booking-details-{width}"))
    readable_at_every_size(page, reverse("public-booking-sent", args=[day.site.public_id]), SIZES[2:])
    page.goto(week)
    page.locator(".sheet-languages summary").click()
    page.get_by_role("button", name="Türkçe").click()
    expect(page.get_by_role("heading", name="Görüşme isteyin")).to_be_visible()


# --- the desk -------------------------------------------------------------------------------------------------------
def test_the_lists_of_the_desk_at_every_size(
    day: ClinicDay, page: Page, live_server: Any, picture: Callable[[Page, str], Any]
) -> None:
    page.set_default_timeout(PATIENCE)
    enter(page, live_server.url, day.desk)
    readable_at_every_size(page, reverse("wait-list"), SIZES[:1], look=lambda width: picture(page, "wait-list-empty"))
    readable_at_every_size(page, reverse("call-list"), SIZES[:1], look=lambda width: picture(page, "call-list-empty"))
    wait(day, urgency="urgent", weekdays="135", from_time=dt.time(9), until_time=dt.time(12), note="Flies out on the 20th")
    wait(day, practitioner=day.doctor)
    entry = wait(day, urgency="soon", latest=day.site.today() + dt.timedelta(days=30))
    late = make.make_course(make.make_patient(day.site), day.doctor, first_day=day.site.today() - dt.timedelta(days=12))
    make.make_course(make.make_patient(day.site), day.doctor, first_day=day.site.today() + dt.timedelta(days=9))
    planned = late.planned_sessions.get(number=1)
    call_list.log(
        patient=late.patient, site=day.site, reason="late", subject=f"session:{planned.public_id}", outcome="no-answer",
        note="Mailbox", by=day.by,
    )  # fmt: skip
    readable_at_every_size(page, reverse("wait-list"), SIZES, look=lambda width: picture(page, f"wait-list-{width}"))
    readable_at_every_size(page, reverse("call-list"), SIZES, look=lambda width: picture(page, f"call-list-{width}"))
    log = f"{reverse('call-log', args=[late.patient.public_id])}?reason=late&subject=session:{planned.public_id}"
    readable_at_every_size(page, log, SIZES[:1], look=lambda width: picture(page, "call-log"))
    readable_at_every_size(
        page, reverse("wait-entry-edit", args=[entry.public_id]), SIZES, look=lambda width: picture(page, f"wait-entry-{width}")
    )
    PublicBooking.objects.create(site=day.site, is_on=True)
    asked = public_booking.hold(
        site=day.site, service=day.consultation, practitioner=None, starts_at=day.at("11:00", coming(day)), source="a",
        person=public_booking.Person(
            given_name=late.patient.given_name, family_name=late.patient.family_name, birth_date=late.patient.birth_date,
            phone="+390655550199", email="a@example.org", language="en",
        ),
    )  # fmt: skip
    held = reverse("appointment", args=[asked.appointment.public_id])
    readable_at_every_size(page, held, SIZES[:1], look=lambda width: picture(page, "held-appointment"))
    public_booking.confirm(request=asked)
    readable_at_every_size(page, reverse("online-requests"), SIZES, look=lambda width: picture(page, f"online-requests-{width}"))
    decide = reverse("online-request-decide", args=[asked.public_id])
    readable_at_every_size(page, decide, SIZES[:1], look=lambda width: picture(page, "online-request-decide"))


def test_a_freed_time_is_filled_with_one_click(
    day: ClinicDay, page: Page, live_server: Any, picture: Callable[[Page, str], Any]
) -> None:
    page.set_default_timeout(PATIENCE)
    on = coming(day)
    visit = day.book("10:00", day=on)
    entry, other = wait(day, urgency="urgent"), wait(day)
    old = day.book("15:00", patient=other.patient, day=on + dt.timedelta(days=7 + (on.isoweekday() == 7)))
    enter(page, live_server.url, day.desk)
    page.goto(reverse("appointment-cancel", args=[visit.public_id]))
    page.get_by_label("Why is it cancelled?").fill("Ill")
    page.get_by_role("button", name="Cancel the appointment").click()
    expect(page.get_by_text("2 people on the wait list fit this time.")).to_be_visible()
    picture(page, "freed-appointment")
    page.goto("/")
    expect(page.get_by_text("2 waiting fit")).to_be_visible()
    picture(page, "freed-board")
    page.get_by_text("2 waiting fit").click()
    readable_at_every_size(
        page, slot_link(day.doctor, day.at("10:00", on), day.at("10:45", on)), SIZES,
        look=lambda width: picture(page, f"wait-slot-{width}"),
    )  # fmt: skip
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(page.locator(".fitting > li").first).to_contain_text(entry.patient.family_name)
    page.get_by_role("button", name=f"Book 10:00 for {other.patient.name}").click()
    expect(page.get_by_text("is booked; the entry on the wait list has ended")).to_be_visible()
    old.refresh_from_db()
    assert old.status in {"cancelled", "late-cancelled"}
    assert Appointment.objects.occupying().get(patient=other.patient).starts_at == day.at("10:00", on)
    fits(page)


def test_the_calendar_shows_where_somebody_fits(
    day: ClinicDay, page: Page, live_server: Any, picture: Callable[[Page, str], Any]
) -> None:
    page.set_default_timeout(PATIENCE)
    on = coming(day)
    entry = wait(day, urgency="urgent", from_time=dt.time(13), until_time=dt.time(15))
    day.book("10:00", day=on)
    enter(page, live_server.url, day.desk)
    readable_at_every_size(page, f"{reverse('calendar')}?day={on}&view=day&by=practitioner", SIZES[:1])
    block = page.locator(".opening").first
    expect(block).to_contain_text("1 waiting fits")
    picture(page, "calendar-openings")
    block.click()
    panel = page.locator("#visit-panel-body")
    expect(panel.get_by_role("button", name=f"Book 13:00 for {entry.patient.name}")).to_be_visible()
    check_accessibility(page)
    picture(page, "calendar-openings-panel")
    panel.get_by_role("button", name=f"Book 13:00 for {entry.patient.name}").click()
    expect(page.get_by_text("is booked; the entry on the wait list has ended")).to_be_visible()
