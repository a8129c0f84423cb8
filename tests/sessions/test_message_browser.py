"""The message log and the patient's appointment page in a real browser, looked at and checked with axe."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from patients import links
from sessions import messaging, sending
from sessions.models import Message
from tests import factories
from tests.sessions.mailday import MailDay, make_mail_day
from tests.sinks import Sink

pytestmark = pytest.mark.django_db(transaction=True)
Picture = Callable[[Page, str], None]
Check = Callable[[Page], None]


@pytest.fixture
def day(sink: Sink) -> MailDay:
    """Messages in every state around now."""
    day = make_mail_day()
    sink.say("aisha.bello@example.org", rcpt="550 5.1.1 no such user here")
    book(day, days=3)
    sending.send_due()
    for number, (given, family, language) in enumerate(
        [("Marek", "Nowak", "en"), ("Nadia", "Rahman", "tr"), ("Lucía", "Moreno", "es"), ("Erik", "Lund", "de")]
    ):
        day.patient = factories.make_patient(day.clinic.site, given_name=given, family_name=family, language=language)
        book(day, days=2 + number, time="11:00")
    day.patient = factories.make_patient(day.clinic.site, given_name="Joana", family_name="Silva", language="tr")
    day.treat()
    sending.send_due()
    sink.say(drop=True)
    day.patient = factories.make_patient(day.clinic.site, given_name="Tom", family_name="Okafor")
    messaging.intake_requested(patient=day.patient, site=day.clinic.site, by=day.by)
    sending.send_due()
    day.patient = factories.make_patient(day.clinic.site, given_name="Grace", family_name="Whitfield", email="")
    book(day, days=5, time="12:00")
    return day


def book(day: MailDay, *, days: int, time: str = "10:00") -> Any:
    """On a weekday so many days from now, straight into the table: the rules of booking are tested elsewhere."""
    starts_at = day.clinic.at(time, day.clinic.site.today() + dt.timedelta(days=days))
    appointment = factories.make_appointment(
        day.patient, practitioner=day.clinic.doctor, room=day.clinic.room, service=day.clinic.consultation,
        starts_at=starts_at,
    )  # fmt: skip
    messaging.appointment_booked(appointment=appointment, by=day.by)
    return appointment


def sign_in(page: Page, day: MailDay, address: str) -> None:
    """A session of the server's own, so that these tests are not about the sign-in page."""
    client = factories.signed_in(Client(), day.clinic.desk)
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": address}])


def test_desk_repairs_a_mail_that_came_back(
    page: Page, live_server: Any, day: MailDay, sink: Sink, picture: Picture, no_axe_findings: Check
) -> None:
    # given a mail that came back
    sign_in(page, day, live_server.url)
    page.goto("/messages/")
    picture(page, "messages-all")
    no_axe_findings(page)
    page.get_by_role("link", name="Failed").click()
    page.get_by_role("link", name="Aisha Bello").click()
    expect(page.get_by_text("no such user here").first).to_be_visible()
    expect(page.frame_locator(".mail-frame").get_by_text("Hello Aisha,")).to_be_visible()
    picture(page, "messages-bounced")
    no_axe_findings(page)
    # when the desk corrects the address
    sink.answers.clear()
    page.get_by_label("Address", exact=True).fill("aisha.bello@example.com")
    page.get_by_role("button", name="Fix and send again").click()
    # then it goes out to the new one, and nothing is left to repair
    expect(page.get_by_text("aisha.bello@example.com").first).to_be_visible()
    sending.send_due()
    assert sink.received[-1].to == "aisha.bello@example.com"
    page.goto("/messages/?tab=failed")
    expect(page.get_by_role("link", name="Aisha Bello")).to_have_count(0)


def test_desk_settles_an_unknown_mail(
    page: Page, live_server: Any, day: MailDay, picture: Picture, no_axe_findings: Check
) -> None:
    sign_in(page, day, live_server.url)
    page.goto("/messages/?tab=failed")
    page.get_by_role("link", name="Tom Okafor").click()
    expect(page.get_by_text("Ask the patient, then settle it here.")).to_be_visible()
    expect(page.frame_locator(".mail-frame").get_by_text("Hello Tom,")).to_be_visible()
    picture(page, "messages-unknown")
    no_axe_findings(page)
    page.get_by_role("button", name="It arrived").click()
    expect(page.get_by_text("Accepted by the mail server")).to_be_visible()
    assert Message.objects.get(patient=day.patient.__class__.objects.get(family_name="Okafor")).state == "sent"


def test_log_on_a_narrow_screen(
    new_page: Callable[..., Page], live_server: Any, day: MailDay, picture: Picture, no_axe_findings: Check
) -> None:
    page = new_page(viewport={"width": 390, "height": 844})
    sign_in(page, day, live_server.url)
    page.goto("/messages/")
    picture(page, "messages-phone")
    no_axe_findings(page)
    page.get_by_role("link", name="Joana Silva").first.click()
    expect(page.get_by_role("heading", name="Joana Silva")).to_be_visible()
    picture(page, "messages-phone-open")


def test_patient_confirms_and_another_cannot_come(
    phone: Page, day: MailDay, picture: Picture, no_axe_findings: Check
) -> None:
    for name, language in (("Nowak", "en"), ("Rahman", "tr")):
        appointment = day.patient.__class__.objects.get(family_name=name).appointments.get()
        _link, token = links.issue(
            patient=appointment.patient, site=appointment.site, purpose="appointment", subject=appointment, by=day.by,
            expires_at=appointment.ends_at,
        )  # fmt: skip
        phone.goto(f"/p/{token}/")
        phone.locator("input[type=date]").fill(appointment.patient.birth_date.isoformat())
        phone.locator("footer button").click()
        phone.wait_for_url("**/p/appointment/")
        picture(phone, f"appointment-{language}")
        no_axe_findings(phone)
        if language == "en":
            phone.get_by_role("button", name="Confirm").click()
            expect(phone.get_by_text("Thank you. We expect you.")).to_be_visible()
            status = "confirmed"
        else:
            phone.get_by_text("Gelemiyorum").click()
            phone.locator("input[value=time]").check()
            picture(phone, "appointment-cannot-come-tr")
            phone.get_by_role("button", name="Randevumu iptal et").click()
            phone.wait_for_load_state()
            status = "cancelled"
        appointment.refresh_from_db()
        assert appointment.status == status
        picture(phone, f"appointment-answered-{language}")


def test_mails_on_a_phone_and_a_screen(
    new_page: Callable[..., Page], day: MailDay, sink: Sink, picture: Callable[[Page, str], None]
) -> None:
    """Every kind in both languages, light and dark: pictures to look at, and nothing wider than the screen."""
    sink.answers.clear()
    for language in ("en", "tr"):
        write_one_of_each(day, language)
    sending.send_due()
    kinds = {message.rfc_message_id: f"{message.kind}-{message.language}" for message in Message.objects.all()}
    for width, scheme in ((390, "light"), (390, "dark"), (1024, "light")):
        page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        for mail in sink.received:
            name = kinds[mail.message_id]
            page.set_content(mail.part("html"))
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            assert len(mail.raw) < 30_000
            picture(page, f"mail-{name}-{width}-{scheme}")


def write_one_of_each(day: MailDay, language: str) -> None:
    country = "TR" if language == "tr" else ""
    day.patient = factories.make_patient(day.clinic.site, given_name="Ayşe", language=language, country=country)
    hours = 14 if language == "en" else 16
    appointment = book(day, days=6, time=f"{hours}:00")
    day.treat(ended_at=timezone.now() - dt.timedelta(hours=2 if language == "en" else 4))
    messaging.intake_requested(patient=day.patient, site=day.clinic.site, by=day.by)
    for kind in ("msg-moved", "msg-cancelled"):
        messaging.write_visit(kind, appointment, by=day.by, due_at=timezone.now())
    Message.objects.filter(patient=day.patient, state="scheduled").update(due_at=timezone.now())
    if language == "en":
        return
    appointment.status, appointment.cancelled_at, appointment.cancel_reason = "cancelled", timezone.now(), "ill"
    appointment.save()
