"""One click in a mail stops its kind: the header, the page, what it withdraws, and what it can never do."""
from __future__ import annotations

from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse

from clinic.models import AuditEvent
from patients import privacy
from sessions import messaging, sending, unsubscribing
from sessions.choices import MessageState
from sessions.message_texts import KINDS
from sessions.models import Course, Message
from tests.sessions.careday import MORNING, CareDay, make_care_day
from tests.sessions.test_course_messages import course, of  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db
S = MessageState


@pytest.fixture
def day(at: Any) -> CareDay:
    at(MORNING)
    return make_care_day()


def the_mail(course: Course) -> Message:  # noqa: F811
    return of(course, "msg-next")[0]


def page_of(message: Message) -> str:
    return unsubscribing.address_in(message).removeprefix("http://localhost:8000")


def test_a_mail_one_can_do_without_carries_the_header_and_the_line(course: Course, at: Any, mailoutbox: Any) -> None:  # noqa: F811
    message = the_mail(course)
    at(message.due_at.isoformat())
    sending.send_due()
    (mail,) = [one for one in mailoutbox if one.extra_headers["Message-ID"] == message.rfc_message_id]
    address = unsubscribing.address_in(message)
    assert mail.extra_headers["List-Unsubscribe"] == f"<{address}>"
    assert mail.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert address in mail.body
    assert address in mail.alternatives[0][0]


def test_a_mail_about_a_visit_has_neither(day: CareDay, mailoutbox: Any) -> None:
    messaging.intake_requested(patient=day.patient, site=day.site, by=day.by)
    sending.send_due()
    assert mailoutbox
    assert not [one for one in mailoutbox if "List-Unsubscribe" in one.extra_headers]


def test_opening_changes_nothing_and_the_button_stops_the_kind(day: CareDay, course: Course) -> None:  # noqa: F811
    message, browser = the_mail(course), Client(enforce_csrf_checks=True)
    answer = browser.get(page_of(message))
    assert answer.status_code == 200
    assert not privacy.declined(day.patient, "msg-next")
    assert day.patient.family_name not in answer.content.decode()
    one_click = browser.post(page_of(message), {"List-Unsubscribe": "One-Click"})
    assert one_click.status_code == 200
    assert privacy.declined(day.patient, "msg-next")
    message.refresh_from_db()
    assert (message.state, message.reason) == (S.SUPPRESSED, messaging.NOT_WANTED)
    assert not privacy.declined(day.patient, "msg-late"), "this kind alone"
    assert AuditEvent.objects.filter(action="privacy-choice").count() == 1
    browser.post(page_of(message))
    assert AuditEvent.objects.filter(action="privacy-choice").count() == 1, "twice is once"


def test_the_page_speaks_the_language_of_the_mail(day: CareDay, course: Course) -> None:  # noqa: F811
    message = the_mail(course)
    Message.objects.filter(pk=message.pk).update(language="tr")
    words = Client().get(page_of(message)).content.decode()
    assert "Bu tür e-postalar durdurulsun mu?" in words


@pytest.mark.parametrize("token", ["x", "abc:def", "x" * 500, "\u202e:x", "' OR 1=1 --:x"])
def test_a_made_up_address_opens_nothing(token: str) -> None:
    answer = Client().post(reverse("mail-stop", args=[token]))
    assert answer.status_code == 404
    assert not Message.objects.filter(state=S.SUPPRESSED).exists()


def test_an_address_of_another_kind_of_proof_or_of_a_visit_opens_nothing(day: CareDay) -> None:
    message = messaging.intake_requested(patient=day.patient, site=day.site, by=day.by)
    assert unsubscribing.address_in(message) == ""
    for salt in ("another", unsubscribing.SALT):
        token = signing.Signer(salt=salt).sign(message.public_id)
        assert Client().post(reverse("mail-stop", args=[token])).status_code == 404
    assert not KINDS["msg-intake"].optional
