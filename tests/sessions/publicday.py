"""A clinic at which strangers book from outside: what they type, hold and open."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.idempotency import new_token
from sessions import public_booking
from sessions.forms.public_booking import shown_now
from sessions.letters import write_mail
from sessions.models import BookingRequest, Message, PublicBooking
from sessions.public_booking import Person
from sessions.waiting_page import stamp
from tests.sessions.clinicday import THURSDAY, ClinicDay, make_clinic_day

FRIDAY = THURSDAY + dt.timedelta(days=1)
At = Callable[[Any], Any]


def make_public_day() -> ClinicDay:
    """Call it with the clock frozen at MORNING."""
    made = make_clinic_day()
    open_to_all(made)
    return made


def open_to_all(day: ClinicDay, **more: Any) -> PublicBooking:
    day.consultation.is_public = True
    day.consultation.save(update_fields=["is_public"])
    return PublicBooking.objects.create(**{"site": day.site, "is_on": True} | more)


def later(at: At, **more: float) -> None:
    at(timezone.now() + dt.timedelta(**more))


def person(**more: Any) -> Person:
    values = {
        "given_name": "Ayşe", "family_name": "Yılmaz", "birth_date": dt.date(1990, 5, 17), "phone": "+390655550199",
        "email": "ayse@example.org", "language": "en",
    }  # fmt: skip
    return Person(**values | more)


def hold(day: ClinicDay, time: str = "10:00", *, on: dt.date = FRIDAY, source: str = "a", **more: Any) -> BookingRequest:
    return public_booking.hold(
        site=day.site, service=day.consultation, practitioner=None, starts_at=day.at(time, on), source=source,
        person=person(**more),
    )  # fmt: skip


def fields(day: ClinicDay, time: str = "10:00", *, on: dt.date = FRIDAY, **more: Any) -> dict[str, Any]:
    return {
        "form_token": new_token(), "shown": shown_now(), "service": day.consultation.public_id, "practitioner": "",
        "start": stamp(day.at(time, on)), "given_name": "Ayşe", "family_name": "Yılmaz", "birth_date": "1990-05-17",
        "phone": "06 5555 0199", "email": "ayse@example.org", "language": "tr", "website": "",
    } | more  # fmt: skip


def details(day: ClinicDay) -> str:
    return reverse("public-booking-details", args=[day.site.public_id])


def link_in(request: BookingRequest) -> str:
    """The address in the mail, as path."""
    written = write_mail(Message.objects.get(cause_public_id=request.public_id))
    found = re.search(r"/book/confirm/[\w-]+/", written.mail.text)
    assert found is not None
    return found[0]


def confirmed(browser: Client) -> Any:
    """The answer to Confirm, pressed on the page as it is shown now."""
    shown = browser.get(reverse("public-booking-request")).content.decode()
    seen = re.search(r'name="seen" value="([^"]*)"', shown)
    return browser.post(reverse("public-booking-confirm"), {"seen": seen[1] if seen else ""})


def opened(request: BookingRequest) -> Client:
    """A browser that has followed the link."""
    client = Client()
    assert client.get(link_in(request)).status_code == 302
    return client
