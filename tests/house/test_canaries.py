"""Canary names, addresses, phones and tokens go through the whole house; none comes out where nobody may read them."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from celery.app.task import Task
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.doer import Doer
from patients import links
from sessions import messaging, sending, tasks
from sessions.models import Message
from sessions.wire import Mail, as_email
from tests import factories as make
from tests.house.world import address, behind_link, make_world, our_urls

pytestmark = pytest.mark.django_db
CANARIES = ("Zerynthia", "Quexbury", "zq.canary", "+390655571717", "0655571717", "Vicolo Quexo", "1984-08-09", "Xylodont")
CANARY_FIELDS = {
    "given_name": "Zerynthia", "family_name": "Quexbury", "email": "zq.canary@example.org", "phone": "+390655571717",
    "address": "Vicolo Quexo 7",
}  # fmt: skip


class Kept(logging.Handler):
    """What would be printed, with the formatter that prints."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.getLogger().handlers[0].formatter)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def printed() -> Iterator[Kept]:
    handler, root = Kept(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


class Mailbox:
    """Takes every mail in one call, as a provider would."""

    in_steps = False

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    def send(self, mail: Mail, *, begin) -> None:
        with begin():
            self.mails.append(mail)

    def pack(self, mail: Mail) -> None:
        pass

    def close(self) -> None:
        pass


def found_in(words: str, more: tuple[str, ...] = ()) -> list[str]:
    return [canary for canary in (*CANARIES, *more) if canary.lower() in words.lower()]


def walk(world: SimpleNamespace) -> list[str]:
    """Open every page, search, type, fail; returns the tokens that were handed out."""
    for who in ("medical-lead", "front-desk"):
        client = make.signed_in(Client(raise_request_exception=False), world.people[who])
        for pattern in our_urls("staff"):
            client.get(address(pattern, world))
        client.get(reverse("patients"), {"q": "Zerynthia Quexbury 1984-08-09"})
        client.post(reverse("patient-new"), {**CANARY_FIELDS, "birth_date": "1984-08-09"})
        client.post(reverse("medicine-add", args=[world.patient.public_id]), {"name": "Xylodont"})
        client.get("/no/such/Zerynthia/Quexbury/?q=zq.canary")
    Client().post(reverse("account_login"), {"login": "zq.canary@example.org", "password": "Xylodont"})
    by = Doer.staff(world.doctor, world.site)
    _link, token = links.issue(
        patient=world.patient, site=world.site, purpose="intake", expires_at=timezone.now() + dt.timedelta(days=1), by=by
    )
    Client().get(reverse("patient-link", args=[token]))
    behind_link(world, "appointment").get(reverse("patient-appointment"))
    return [token]


def test_no_canary_in_what_is_printed(printed, monkeypatch):
    world = make_world(**CANARY_FIELDS)
    tokens = walk(world)

    def explode(*_args, **_more):
        raise IntegrityError("Key (email)=(zq.canary@example.org) of Zerynthia Quexbury already exists")

    monkeypatch.setattr("patients.views.search.finding.visible", explode)
    client = make.signed_in(Client(raise_request_exception=False), world.people["front-desk"])
    assert client.get(reverse("patients"), {"q": "Quexbury"}).status_code == 500
    logging.getLogger("django.request").error("failed for %s", "Zerynthia Quexbury", extra={"patient": "zq.canary"})
    assert len(printed.lines) > 100
    told = [line[:200] for line in printed.lines if found_in(line, tuple(tokens))]
    assert not told


def test_no_canary_in_subjects_headers_and_what_tasks_are_given(monkeypatch, printed):
    world = make_world(**CANARY_FIELDS)
    given: list[str] = []
    monkeypatch.setattr(
        Task,
        "apply_async",
        lambda self, args=None, kwargs=None, **options: given.append(f"{self.name} {args} {kwargs} {options}"),
    )
    by = Doer.staff(world.people["front-desk"], world.site)
    messaging.appointment_booked(appointment=world.appointment, by=by)
    messaging.intake_requested(patient=world.patient, site=world.site, by=by)
    Message.objects.filter(state="scheduled").update(due_at=timezone.now() - dt.timedelta(minutes=1))
    mailbox = Mailbox()
    sending.send_due(channel=mailbox)
    tasks.sweep_at_start()
    assert mailbox.mails
    for mail in mailbox.mails:
        email = as_email(mail).message()
        headers = "\n".join(f"{name}: {value}" for name, value in email.items() if name != "To")
        assert not found_in(headers), headers
        assert "hydrat" not in headers.lower(), "no clinical word in a subject"
    assert not [one for one in given if found_in(one)]
    assert not [line for line in printed.lines if found_in(line)]
    for message in Message.objects.exclude(text=""):
        assert "/p/link-not-kept" in message.text or "/p/" not in message.text, "the stored copy masks the token"
