"""Another time, chosen on a phone; the calendar address and the site's rules at a desk."""
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinic.choices import Role
from patients import links
from sessions.models import Appointment, SelfServiceRules
from tests import factories
from tests.screens import enter, readable_at_every_size
from tests.sessions.mailday import MailDay, make_mail_day

pytestmark = pytest.mark.django_db(transaction=True)
Picture = Callable[[Page, str], None]
SIZES = ((390, 844), (820, 1180), (1280, 800))


@pytest.fixture
def day() -> MailDay:
    day = make_mail_day(language="en")
    SelfServiceRules.objects.create(site=day.clinic.site, any_practitioner=True)
    return day


def open_appointment(page: Page, day: MailDay, address: str) -> Appointment:
    """The patient opens the link of a visit in six days and gives the birth date."""
    starts_at = day.clinic.at("10:00", day.clinic.site.today() + dt.timedelta(days=6))
    visit = factories.make_appointment(
        day.patient, practitioner=day.clinic.doctor, room=day.clinic.room, service=day.clinic.consultation, starts_at=starts_at
    )  # fmt: skip
    _link, token = links.issue(
        patient=day.patient, site=day.clinic.site, purpose="appointment", subject=visit, by=day.by,
        expires_at=timezone.now() + dt.timedelta(days=7),
    )  # fmt: skip
    page.goto(f"{address}{reverse('patient-link', args=[token])}")
    page.get_by_label("Birth date").fill(day.patient.birth_date.isoformat())
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Your appointment")).to_be_visible()
    return visit


def test_patient_chooses_another_time_on_the_phone(
    phone: Page, live_server: Any, day: MailDay, picture: Picture, no_axe_findings: Callable[[Page], None]
) -> None:
    visit = open_appointment(phone, day, live_server.url)
    no_axe_findings(phone)
    picture(phone, "patient-appointment-phone")
    phone.get_by_role("link", name="Choose another time").click()
    no_axe_findings(phone)
    picture(phone, "patient-move-phone")
    phone.locator(".free-times label").nth(2).click()
    phone.get_by_role("button", name="Move my appointment").click()
    expect(phone.get_by_text("Your appointment has moved.")).to_be_visible()
    was = visit.starts_at
    visit.refresh_from_db()
    assert visit.starts_at != was
    with phone.expect_download() as started:
        phone.get_by_role("link", name="Add to my calendar").click()
    assert started.value.suggested_filename == "appointment.ics"
    assert visit.public_id in Path(started.value.path()).read_text()


def test_the_pages_fit_every_screen_and_work_with_the_keyboard(
    page: Page, live_server: Any, day: MailDay, picture: Picture
) -> None:
    visit = open_appointment(page, day, live_server.url)
    for name in ("patient-appointment", "patient-appointment-move"):
        readable_at_every_size(
            page, live_server.url + reverse(name), SIZES, lambda width, name=name: picture(page, f"{name}-{width}")
        )
    page.goto(live_server.url + reverse("patient-appointment-move") + "?who=any")
    expect(page.get_by_text(day.clinic.doctor.name).first).to_be_visible()
    picture(page, "patient-move-anybody")
    page.locator(".free-times input").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Move my appointment").press("Enter")
    expect(page.get_by_text("Your appointment has moved.")).to_be_visible()
    assert Appointment.objects.get(pk=visit.pk).revision == 2


def test_a_practitioner_makes_a_calendar_address(page: Page, live_server: Any, day: MailDay, picture: Picture) -> None:
    enter(page, live_server.url, day.clinic.doctor)
    readable_at_every_size(page, live_server.url + reverse("own-calendar"), SIZES)
    page.get_by_role("button", name="Make an address").click()
    address = page.get_by_label("Address", exact=True).input_value()
    assert re.fullmatch(r"https?://.+/calendar-file/[0-9a-f]{64}\.ics", address)
    picture(page, "own-calendar-made")
    page.goto(live_server.url + reverse("own-calendar"))
    picture(page, "own-calendar")
    assert address not in page.content()
    page.get_by_role("button", name="End the address").click()
    expect(page.get_by_text("You have no calendar address yet.")).to_be_visible()


def test_the_medical_lead_sets_the_rules_of_a_site(page: Page, live_server: Any, day: MailDay, picture: Picture) -> None:
    enter(page, live_server.url, factories.make_user(Role.MEDICAL_LEAD))
    page.goto(live_server.url + reverse("site", args=[day.clinic.site.public_id]))
    page.locator("main").get_by_role("link", name="Set").click()
    picture(page, "site-self-service")
    page.get_by_label("Until how many hours before the visit").fill("36")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name=day.clinic.site.name)).to_be_visible()
    assert SelfServiceRules.objects.get().cut_off_hours == 36
    readable_at_every_size(page, live_server.url + reverse("site-self-service", args=[day.clinic.site.public_id]), SIZES)
