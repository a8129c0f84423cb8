"""Redis is gone: signing in, booking, recording and printing work all the same, and the messages wait in the database."""
from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import redis
from django.test import Client
from django.urls import reverse

from mesoclinic.celery import app
from sessions import booking, consenting
from sessions.models import Appointment, Document, Message
from tests import factories as make
from tests.sessions.careday import MORNING, make_care_day, press
from tests.sessions.worker.processes import Queue

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a queue that ran and was killed."""
    queue = Queue(tmp_path)
    queue.start()
    assert queue.client().ping()
    queue.kill()
    with pytest.raises(redis.ConnectionError):
        queue.client().ping()
    monkeypatch.setattr(app.conf, "broker_url", queue.url)
    return queue.url


@pytest.mark.prove
def test_a_day_at_the_clinic_without_redis(queue_killed: str, client: Client, at: Any, renderer: Any) -> None:
    at(MORNING)
    day = make_care_day()
    day.doctor.set_password(make.PASSWORD)
    day.doctor.save(update_fields=["password"])

    signed_in = client.post(reverse("account_login"), {"login": day.doctor.email, "password": make.PASSWORD})
    assert signed_in.status_code == 302
    assert client.get(reverse("board")).status_code == 200

    course = day.course()
    booked = booking.book(
        patient=day.patient, service=day.service, site=day.site, practitioner=day.doctor, room=day.room, by=day.by,
        starts_at=dt.datetime(2026, 4, 9, 9, tzinfo=dt.UTC), course=course,
        planned_sessions=[course.planned_sessions.get(number=2)],
    )  # fmt: skip
    assert client.get(reverse("appointment", args=[booked.public_id])).status_code == 200
    assert Message.objects.filter(appointment=booked, state="scheduled").exists()

    record = day.begun()
    page, end = (reverse(name, args=[record.appointment.public_id]) for name in ("record", "record-end"))
    assert press(client, page, end).status_code == 302
    assert Appointment.objects.get(pk=record.appointment_id).status == "done"
    assert consenting.state_of(record.course).holds

    sheet = Document.objects.get(appointment=record.appointment, kind="aftercare")
    printed = client.get(reverse("document-pdf", args=[sheet.public_id]))
    assert printed.status_code == 200
    assert b"".join(printed.streaming_content if printed.streaming else [printed.content]).startswith(b"%PDF")
    kinds = set(Message.objects.filter(patient=day.patient).values_list("kind", flat=True))
    assert {"msg-after-0", "msg-48h"} <= kinds
