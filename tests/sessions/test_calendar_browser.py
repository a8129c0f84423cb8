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


def test_a_day_is_read_opened_and_booked(
    new_page: Callable[..., Page], live_server: Any, day: ClinicDay, busy: dict[str, Appointment],
    no_axe_findings: Check, picture: Picture,
) -> None:  # fmt: skip
    # given the day of two practitioners on a desk screen
    page = new_page(**DESK)
    open_calendar(page, day, live_server.url, f"day={on_of(busy)}&view=day")
    expect(block(page, "Tom")).to_be_visible()
    picture(page, "calendar-day")
    no_axe_findings(page)
