"""Somebody holds a row for longer than anybody waits: on real PostgreSQL the booking gives up, says so and leaves nothing."""
from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import reverse

from clinic.errors import Refused
from clinic.idempotency import new_token
from clinic.models import AuditEvent, User
from sessions import booking
from sessions.models import Appointment, Message
from tests import factories
from tests.sessions.clinicday import ClinicDay, make_clinic_day
from tests.sessions.race.desks import Desk
from tests.sessions.race.test_one_slot import next_thursday

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
WAITS = "300ms"
PATIENCE_SECONDS = 20


@pytest.fixture
def day() -> Iterator[ClinicDay]:
    """The connection of the test waits a tenth of what the project's do."""
    made = make_clinic_day()
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone()[0] == "3s", "the app role never waits without an end"
        cursor.execute(f"SET lock_timeout = '{WAITS}'")
    yield made
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '3s'")


@contextmanager
def held(user: User) -> Iterator[None]:
    """Another connection keeps this practitioner's row until the block ends."""
    has, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                User.objects.select_for_update().get(pk=user.pk)
                has.set()
                may_go.wait(timeout=PATIENCE_SECONDS)
        finally:
            connection.close()

    keeper = threading.Thread(target=hold)
    keeper.start()
    try:
        assert has.wait(timeout=PATIENCE_SECONDS)
        yield
    finally:
        may_go.set()
        keeper.join(timeout=PATIENCE_SECONDS)


def counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Appointment, Message, AuditEvent))


def waits_in_vain(deed: Callable[[], Any]) -> None:
    before, started = counts(), time.monotonic()
    with pytest.raises(Refused) as refusal:
        deed()
    assert refusal.value.code == "busy"
    assert "Nothing was changed; please send it again" in refusal.value.sentence
    assert time.monotonic() - started < PATIENCE_SECONDS / 2, "twice the time-out, not until the other is done"
    assert counts() == before


def test_booking_moving_and_cancelling_give_up_and_hold_afterwards(day: ClinicDay) -> None:
    thursday = next_thursday(day)
    patient = factories.make_patient(day.site)
    visit = day.book("12:00", day=thursday)
    deeds = [
        partial(day.book, "10:00", day=thursday, patient=patient),
        partial(booking.move, appointment=visit, seen_version=1, starts_at=day.at("14:00", thursday), by=day.by),
        partial(booking.cancel, appointment=visit, seen_version=2, reason="ill", by=day.by),
    ]
    with held(day.doctor):
        for deed in deeds:
            waits_in_vain(deed)
    for deed in deeds:
        deed()
    visit.refresh_from_db()
    assert visit.status == "cancelled"
    assert Appointment.objects.get(patient=patient).starts_at == day.at("10:00", thursday)


def test_the_page_keeps_what_was_typed_and_the_same_form_can_be_sent_again(day: ClinicDay) -> None:
    thursday, url = next_thursday(day), reverse("appointment-new")
    desk = factories.signed_in(Desk(), day.desk)
    form = {
        "form_token": new_token(), "patient": factories.make_patient(day.site).public_id, "time": "10:00", "fold": "",
        "service": day.consultation.public_id, "practitioner": day.doctor.public_id, "room": day.room.public_id,
        "day": thursday.isoformat(), "note": "Prefers mornings", "overbook_reason": "", "planned_session": "",
    }  # fmt: skip
    with held(day.doctor):
        answer = desk.post(url, form)
        assert answer.status_code in {409, 422}, "a refusal like others"
        html = answer.content.decode()
        assert "please send it again" in html
        assert "Prefers mornings" in html
        assert not Appointment.objects.exists()
    assert desk.post(url, form).status_code == 302
    assert Appointment.objects.count() == 1
