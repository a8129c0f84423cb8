"""Killed workers, a lost queue, several beats: nothing is lost, nothing is sent twice unseen."""
from __future__ import annotations

import datetime as dt
import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from mesoclinic.services import BASE_DIR
from sessions import booking, delivery, outbox, sending
from sessions.choices import MessageState
from sessions.models import Appointment, Message, MessageStep
from tests import factories
from tests.figures import scaled
from tests.sessions.clinicday import ClinicDay, make_clinic_day
from tests.sessions.worker.processes import QUICK, Workshop, kill, until, workshop
from tests.sinks import Sink, running_sink

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
S = MessageState


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as sink:
        yield sink


@pytest.fixture
def shop(sink: Sink, tmp_path: Path) -> Iterator[Workshop]:
    with workshop(sink, tmp_path) as shop:
        yield shop


@pytest.fixture
def day() -> ClinicDay:
    return make_clinic_day()


def write_many(day: ClinicDay, count: int, *, visits: int = 20, due_at: dt.datetime | None = None) -> None:
    """`count` confirmations that are due, spread over some visits of as many patients."""
    now = timezone.now()
    soon = (now + dt.timedelta(days=30)).replace(hour=9, minute=0, second=0, microsecond=0)
    appointments = [
        factories.make_appointment(
            factories.make_patient(day.site), practitioner=day.doctor, room=day.room, service=day.consultation,
            starts_at=soon + dt.timedelta(days=number),
        )
        for number in range(min(visits, count))
    ]  # fmt: skip
    Message.objects.bulk_create(
        Message(
            kind="msg-confirm", patient=appointment.patient, site=day.site, appointment=appointment,
            cause_kind="appointment", cause_public_id=appointment.public_id, cause_revision=1 + number // visits,
            recipient=appointment.patient.email, language="en", due_at=due_at or now,
            useful_until=appointment.starts_at,
            rfc_message_id=outbox.new_rfc_message_id(),
        )
        for number in range(count)
        for appointment in [appointments[number % len(appointments)]]
    )  # fmt: skip


def not_sent() -> int:
    return int(Message.objects.exclude(state=S.SENT).count())


def wait_until_all_sent(shop: Workshop, seconds: float) -> None:
    """Wake the worker as beat does, until every message is sent."""
    ends = time.monotonic() + seconds
    while not_sent():
        if time.monotonic() > ends:
            states = list(Message.objects.values_list("state", flat=True).distinct())
            raise AssertionError(f"{not_sent()} messages not sent within {seconds} seconds, in {states}\n{shop.logs()}")
        shop.wake("sweep")
        shop.wake()
        time.sleep(1)


@pytest.mark.prove
def test_worker_killed_in_mid_send_loses_nothing_and_repeats_at_most_once_a_kill(
    day: ClinicDay, sink: Sink, shop: Workshop, record_property: Any
) -> None:
    messages, kills = scaled(10_000), max(scaled(50), 10)
    write_many(day, messages)
    at = [messages * (number + 1) // (kills + 2) for number in range(kills)]  # after how many mails each kill falls
    stopped = threading.Event()

    def in_the_middle(count: int) -> None:
        """The mail has just been accepted; the answer never reaches the worker."""
        if at and count >= at[0] and shop.running[-1].poll() is None:
            at.pop(0)
            kill(shop.running[-1])
            stopped.set()

    sink.on_received = in_the_middle
    shop.worker()
    while at:
        shop.wake()
        if not stopped.wait(2):
            continue
        stopped.clear()
        assert Message.objects.filter(state=S.SENDING).count() <= kills  # in doubt, and visible
        shop.worker()
    sink.on_received = None
    wait_until_all_sent(shop, 60 + messages / 10)
    copies = sink.ids()
    known = set(Message.objects.values_list("rfc_message_id", flat=True))
    lost, repeated = len(known - set(copies)), sum(copies.values()) - len(copies)
    in_doubt = MessageStep.objects.filter(state=S.UNKNOWN).count()
    for name, figure in (
        ("messages", messages), ("kills", kills), ("lost", lost), ("sent twice", repeated), ("were unknown", in_doubt),
    ):  # fmt: skip
        record_property(name, figure)
    assert set(copies) == known
    assert repeated <= kills
    assert max(copies.values()) <= 2
    assert repeated <= in_doubt <= kills  # each one that was repeated says so in the log


def test_worker_killed_at_the_first_word_leaves_one_in_doubt(day: ClinicDay, sink: Sink, shop: Workshop) -> None:
    """The one before, whose end was to be recorded with it, or this one, of which the server has no byte yet: never both."""
    write_many(day, 60)
    at = [5, 25, 50]  # at which first words a kill falls
    stopped = threading.Event()

    def at_once(count: int) -> None:
        if at and count >= at[0] and shop.running[-1].poll() is None:
            at.pop(0)
            kill(shop.running[-1])
            stopped.set()

    sink.on_begun = at_once
    shop.worker()
    while at:
        shop.wake()
        if stopped.wait(2):
            stopped.clear()
            shop.worker()
    wait_until_all_sent(shop, 90)
    assert set(sink.ids()) == set(Message.objects.values_list("rfc_message_id", flat=True))
    repeated, in_doubt = sum(sink.ids().values()) - 60, MessageStep.objects.filter(state=S.UNKNOWN).count()
    assert repeated <= in_doubt <= 3
    assert max(sink.ids().values()) <= 2
    assert len(sink.begun) >= 63


@pytest.mark.parametrize(("beats", "workers", "processes"), [(3, 2, 2), (2, 4, 1)])
def test_beats_and_workers_at_once_send_each_message_once(
    day: ClinicDay, sink: Sink, shop: Workshop, beats: int, workers: int, processes: int
) -> None:
    write_many(day, 300)
    for _ in range(beats):
        shop.beat()
    for _ in range(workers):
        shop.worker(processes)
    until(lambda: not not_sent(), 90, f"all are sent\n{shop.logs()}")
    time.sleep(6)  # another tick of each beat
    assert set(sink.ids().values()) == {1}
    assert len(sink.received) == 300


def test_queue_flushed_and_killed_in_the_middle_loses_nothing(day: ClinicDay, sink: Sink, shop: Workshop) -> None:
    write_many(day, 300)
    shop.beat()
    shop.worker()
    until(lambda: len(sink.received) > 20, 60, f"the first mails arrive\n{shop.logs()}")
    shop.queue.client().flushall()
    shop.queue.kill()
    written_meanwhile = timezone.now() + dt.timedelta(seconds=1)
    write_many(make_clinic_day_elsewhere(), 100, due_at=written_meanwhile)  # deeds go on without the queue
    time.sleep(3)
    shop.queue.start()
    until(lambda: not not_sent(), 90, f"all are sent after the queue is back\n{shop.logs()}")
    assert len(sink.received) == 400
    assert set(sink.ids().values()) == {1}


def make_clinic_day_elsewhere() -> ClinicDay:
    site = factories.make_site(name="Elsewhere")
    doctor = factories.make_user()
    room = factories.make_room(site)
    return ClinicDay(site, doctor, doctor, doctor, room, room, factories.make_service("review"))


def test_send_due_does_it_without_any_queue(day: ClinicDay, sink: Sink, shop: Workshop) -> None:
    write_many(day, 5)
    shop.queue.kill()
    words = [sys.executable, str(BASE_DIR / "manage.py"), "send_due"]
    done = subprocess.run(words, env=shop.env(), capture_output=True, text=True, timeout=60, check=True)
    assert "5 messages handed over" in done.stdout
    assert len(sink.received) == 5


@pytest.mark.prove
def test_no_mail_begins_after_the_visit_was_cancelled(
    day: ClinicDay, sink: Sink, settings: Any, monkeypatch: pytest.MonkeyPatch, record_property: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
    begun: list[float] = []
    put = smtplib.SMTP.putcmd

    def watched(self: smtplib.SMTP, cmd: str, args: str = "") -> None:
        if cmd == "MAIL":
            begun.append(time.monotonic())
        put(self, cmd, args)

    monkeypatch.setattr(smtplib.SMTP, "putcmd", watched)
    rounds, sent = scaled(1_000), 0
    for number in range(rounds):
        begun.clear()
        appointment = day.book("10:00", day=working_day(day, number))
        canceller = Canceller(day, appointment, after=(number % 10) / 1000)  # each round another moment of the sending
        canceller.start()
        canceller.gate.wait()
        sending.send_due()
        canceller.join()
        assert all(moment <= canceller.committed for moment in begun), f"round {number}"
        message = Message.objects.get(appointment=appointment, kind="msg-confirm")
        assert message.state == (S.SENT if begun else S.SUPPRESSED)
        sent += len(begun)
        Message.objects.filter(state=S.SCHEDULED).update(due_at=timezone.now() + dt.timedelta(days=1))
    record_property("rounds", rounds)
    record_property("sent before the cancellation", sent)


class Canceller(threading.Thread):
    """Cancels a visit while its mail is being sent. `committed`: when the cancellation was certainly in force."""

    def __init__(self, day: ClinicDay, appointment: Appointment, *, after: float) -> None:
        super().__init__()
        self.day, self.appointment, self.after = day, appointment, after
        self.gate = threading.Barrier(2)
        self.committed = 0.0

    def run(self) -> None:
        self.gate.wait()
        time.sleep(self.after)
        version = self.appointment.version
        booking.cancel(appointment=self.appointment, seen_version=version, reason="ill", by=self.day.by)
        self.committed = time.monotonic()
        connections.close_all()


def working_day(day: ClinicDay, number: int) -> dt.date:
    """The Monday to Friday of this round, from next week on, so that the site is open."""
    today = day.site.today()
    return today + dt.timedelta(days=7 + 7 * (number // 5) + (number % 5 - today.weekday()) % 7)


def test_quick_figures_are_settings_that_exist(settings: Any) -> None:
    for name in QUICK:
        assert hasattr(settings, name)


def test_deeds_touch_no_queue(day: ClinicDay, settings: Any, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signing in and booking write rows only: any way to the broker would fail here."""
    from celery import Celery

    def unreachable(*_: Any, **__: Any) -> Any:
        raise AssertionError("a request reached for the queue")

    for name in ("send_task", "connection_for_write", "connection"):
        monkeypatch.setattr(Celery, name, unreachable)
    answer = client.post("/account/login/", {"login": day.desk.email, "password": factories.PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    day.book("10:00", day=working_day(day, 0))
    assert Message.objects.filter(state=S.SCHEDULED).exists()
    assert delivery.EmailChannel().backend is None
