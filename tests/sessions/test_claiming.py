"""A worker's batch: what is held but not begun, and what may happen to it meanwhile."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from patients.models import PatientLink
from sessions import booking, claiming, letters, sending
from sessions.choices import MessageState
from sessions.models import Appointment, Message
from tests import factories
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import MailDay, make_mail_day, only
from tests.sinks import Sink, mail_to_sink

pytestmark = pytest.mark.django_db
S = MessageState


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    with mail_to_sink(settings) as sink:
        yield sink


@pytest.fixture
def day(at: Callable[[str], Any]) -> MailDay:
    at(MORNING)
    return make_mail_day()


def taken(count: int = 1) -> claiming.Ready:
    batch = claiming.take_batch()
    assert len(batch.ready) == count
    return batch.ready[0]


class TestHeld:
    def test_row_is_still_scheduled_and_nobody_else_takes_it(self, day: MailDay) -> None:
        day.book()
        taken()
        assert (only(day).state, only(day).attempts) == (S.SCHEDULED, 0)
        assert claiming.take_batch().seen == 0

    def test_what_a_killed_worker_held_goes_out_later_and_was_never_in_doubt(
        self, day: MailDay, sink: Sink, at: Callable[[str], Any], settings: Any
    ) -> None:
        day.book()
        taken()
        at("2026-03-12T07:03:59+00:00")
        assert sending.send_due() == 0
        at("2026-03-12T07:04+00:00")
        sending.sweep()
        assert sending.send_due() == 1
        assert [step.state for step in only(day).steps.all()] == [S.SCHEDULED, S.SENDING, S.SENT]
        assert len(sink.received) == 1

    def test_slow_worker_begins_nothing_that_another_holds_by_now(self, day: MailDay, at: Callable[[str], Any]) -> None:
        day.book()
        slow = taken()
        at("2026-03-12T07:04+00:00")
        other = taken()
        assert claiming.begin(slow) is None
        assert claiming.begin(other) is not None

    def test_round_that_ends_gives_back_what_it_did_not_begin(self, day: MailDay, settings: Any, sink: Sink) -> None:
        day.book()
        day.treat()
        sink.say(mail="421 closing")
        sending.send_due()
        assert sorted(message.attempts for message in day.messages() if message.due_at <= timezone.now()) == [0]
        assert not Message.objects.exclude(held_until=None).exists()

    def test_only_one_of_a_batch_is_ever_in_doubt(
        self, day: MailDay, sink: Sink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each time one begins, all others are sent or not begun."""
        for hour in range(9, 14):
            day.book(f"{hour:02}:00", patient=factories.make_patient(day.clinic.site))
        seen: list[list[str]] = []
        begin = claiming.begin

        def looked_at(*args: Any, **more: Any) -> Any:
            claim = begin(*args, **more)
            seen.append(sorted(Message.objects.filter(kind="msg-confirm").values_list("state", flat=True)))
            return claim

        monkeypatch.setattr(claiming, "begin", looked_at)
        assert sending.send_due() == 5
        assert seen == [[S.SCHEDULED] * (4 - done) + [S.SENDING] + [S.SENT] * done for done in range(5)]


class TestWhatChangesMeanwhile:
    def test_withdrawn_row_is_not_begun(self, day: MailDay) -> None:
        appointment = day.book()
        ready = taken()
        booking.cancel(appointment=appointment, seen_version=appointment.version, reason="ill", by=day.by)
        assert claiming.begin(ready) is None
        assert only(day).state == S.SUPPRESSED

    @pytest.mark.parametrize("what", ["visit", "patient", "consent", "choice"])
    def test_mail_is_written_anew(self, day: MailDay, sink: Sink, what: str) -> None:
        """Whatever it hangs on: the row stays in the queue and the next round decides afresh."""
        course = factories.make_course(day.patient, day.clinic.doctor, site=day.clinic.site)
        appointment = day.book(course=course, service=factories.make_service("treatment"))
        ready = taken()
        self.change(what, day, appointment)
        assert claiming.begin(ready) is None
        assert (only(day).state, only(day).attempts) == (S.SCHEDULED, 0)
        claiming.release([ready.message.pk], held_until=ready.held_until)
        sending.send_due()
        assert only(day).state == (S.SUPPRESSED if what == "consent" else S.SENT)

    def change(self, what: str, day: MailDay, appointment: Appointment) -> None:
        if what == "visit":
            Appointment.objects.filter(pk=appointment.pk).update(note="wheelchair")
        elif what == "patient":
            day.patient.given_name = "Aysha"
            day.patient.save()
        elif what == "consent":
            appointment.course.consents.create(
                patient=day.patient, plan_version=1, language="en", informed_at=timezone.now(), withdrawn_at=timezone.now(),
                withdrawn_reason="asked by phone", informed_by=day.clinic.doctor,
            )  # fmt: skip
        else:
            day.patient.privacy_choices.create(kind="msg-next", allowed=False, source="page", chosen_at=timezone.now())

    def test_mail_that_waited_too_long_for_a_slow_server_is_not_begun(self, day: MailDay, at: Callable[[str], Any]) -> None:
        day.book()
        ready = taken()
        at("2026-03-12T07:00:31+00:00")
        assert claiming.begin(ready) is None
        assert only(day).state == S.SCHEDULED

    def test_timed_mail_is_not_begun_in_the_quiet_hours(self, day: MailDay, at: Callable[[str], Any]) -> None:
        day.book()
        Message.objects.filter(kind="msg-confirm").update(state=S.SUPPRESSED, reason="x")
        Message.objects.filter(kind="msg-24h").update(due_at=timezone.now())
        at("2026-03-12T20:59:50+01:00")
        ready = taken()
        at("2026-03-12T21:00+01:00")
        assert claiming.begin(ready) is None


class TestOneThatBreaksTheOthers:
    def test_fault_in_the_database_hits_the_mail_alone_that_caused_it(
        self, day: MailDay, sink: Sink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        day.book("10:00")
        other = day.book("11:00", patient=factories.make_patient(day.clinic.site))
        compose = letters.COMPOSERS["msg-confirm"]

        def broken(message: Message, language: str) -> Any:
            if message.appointment_id == other.pk:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1 / 0")
            return compose(message, language)

        monkeypatch.setitem(letters.COMPOSERS, "msg-confirm", broken)
        held = claiming.hold(10, unknown=False)
        assert held is not None
        with pytest.raises(DatabaseError):
            claiming.prepare(held, carefully=False)
        claiming.release(held.keys, held_until=held.until)
        assert sending.send_due() == 1
        assert only(day).state == S.SENT
        alone = Message.objects.get(appointment=other, kind="msg-confirm")
        assert (alone.state, alone.reason, alone.held_until) == (S.SCHEDULED, claiming.NOT_WRITTEN, None)
        assert PatientLink.objects.count() == 1  # none of a mail that does not exist
