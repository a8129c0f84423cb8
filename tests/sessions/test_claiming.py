"""A worker's batch: what is held but not begun, and what may happen to it meanwhile."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from patients.models import PatientLink
from sessions import booking, claiming, letters, outbox, sending
from sessions.choices import MessageState
from sessions.models import Appointment, Consent, Message
from tests import factories
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import NEXT_THURSDAY, MailDay, make_mail_day, only
from tests.sinks import Sink

pytestmark = pytest.mark.django_db
S = MessageState


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

    def test_worker_takes_a_share_of_what_is_due_so_that_others_have_work_too(
        self, day: MailDay, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(claiming, "TOGETHER", 5)
        monkeypatch.setattr(claiming, "FEWEST", 2)
        for number in range(28):
            day.book(
                f"{9 + number % 8:02}:00", day=NEXT_THURSDAY + dt.timedelta(weeks=number // 8),
                patient=factories.make_patient(day.clinic.site),
            )  # fmt: skip
        batches = [claiming.take_batch() for _ in range(9)]
        assert [batch.seen for batch in batches] == [5, 5, 4, 3, 2, 2, 2, 2, 2]
        assert [batch.more for batch in batches] == [True] * 9
        last = claiming.take_batch()
        assert (last.seen, last.more) == (1, False)
        assert len({ready.message.pk for batch in [*batches, last] for ready in batch.ready}) == 28

    def test_holds_exactly_what_is_due_in_its_order(self, day: MailDay) -> None:
        now = timezone.now()
        for number, (state, due, held) in enumerate(
            (state, due, held) for state in S.values for due in (-60, 0, 1) for held in (None, -1, 0, 1)
        ):
            Message.objects.create(
                kind="msg-intake", site=day.clinic.site, cause_kind="patient", cause_public_id=f"x{number}", language="en",
                recipient="a@b.example", rfc_message_id=f"<{number}@b.example>", state=state, reason="said", claimed_at=now,
                sent_at=now, due_at=now + dt.timedelta(seconds=due - number % 2),
                held_until=None if held is None else now + dt.timedelta(seconds=held),
            )  # fmt: skip
        due = list(Message.objects.due(now).values_list("pk", flat=True))
        held = claiming.hold(100, unknown=False)
        assert held is not None
        assert held.keys == due
        assert set(Message.objects.filter(pk__in=due).values_list("held_until", flat=True)) == {held.until}
        assert claiming.hold(100, unknown=False) is None

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

    def test_one_that_cannot_even_be_judged_leaves_the_others_to_go(
        self, day: MailDay, sink: Sink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        day.book("10:00")
        other = day.book("11:00", patient=factories.make_patient(day.clinic.site))
        judged = claiming.withholding.why_not

        def broken(message: Message, now: Any) -> Any:
            if message.appointment_id == other.pk:
                raise RuntimeError("a fault of ours")
            return judged(message, now)

        monkeypatch.setattr(claiming.withholding, "why_not", broken)
        assert sending.send_due() == 1
        assert only(day).state == S.SENT
        assert Message.objects.get(appointment=other, kind="msg-confirm").state == S.SCHEDULED


class TestWhatChangesOnTheWay:
    def test_one_withdrawn_between_holding_and_writing_is_left_alone(self, day: MailDay) -> None:
        day.book()
        held = claiming.hold(10, unknown=False)
        assert held is not None
        outbox.withdraw(Message.objects.filter(kind="msg-confirm"), reason="made again", by=day.clinic.by)
        assert claiming.prepare(held, carefully=False) == []
        assert (only(day).state, only(day).reason) == (S.SUPPRESSED, "made again")

    def test_of_two_that_come_to_one_address_one_goes(self, day: MailDay, sink: Sink) -> None:
        """An address was corrected twice while nobody looked: both rows of one mail would go to the third."""
        day.book()
        first = only(day)
        twin = Message.objects.get(pk=first.pk)
        twin.pk, twin.public_id = None, "t" * 22
        twin.recipient, twin.rfc_message_id = "second@example.org", "<second@halden.example>"
        twin.save(force_insert=True)
        type(day.patient).objects.filter(pk=day.patient.pk).update(email="third@example.org")
        assert sending.send_due() == 1
        states = sorted(Message.objects.filter(kind="msg-confirm").values_list("state", "recipient"))
        assert [state for state, _to in states] == [S.SENT, S.SUPPRESSED]
        assert (S.SENT, "third@example.org") in states
        assert len(sink.received) == 1

    def test_what_stops_it_while_the_server_is_reached_stops_it(self, day: MailDay) -> None:
        day.book()
        claim = claiming.begin(taken())
        assert claim is not None
        type(day.patient).objects.filter(pk=day.patient.pk).update(email_problem="unknown here")
        with pytest.raises(sending.Withdrawn), sending.still_wanted(claim):
            pytest.fail("a byte would have gone out")

    def test_its_time_may_pass_while_the_server_is_reached(self, day: MailDay, at: Callable[[str], Any]) -> None:
        visit = day.book()
        claim = claiming.begin(taken())
        assert claim is not None
        at((visit.starts_at).isoformat())
        with pytest.raises(sending.Withdrawn), sending.still_wanted(claim):
            pytest.fail("a byte would have gone out")

    def test_the_consent_of_a_course_is_part_of_the_mark_of_its_mails(self, day: MailDay) -> None:
        course = factories.make_course(day.patient, day.clinic.doctor, site=day.clinic.site)
        message = outbox.write(
            "msg-next", cause=course, patient=day.patient, site=day.clinic.site, by=day.clinic.by, due_at=timezone.now(),
            revision=1,
        )  # fmt: skip
        before = claiming.marks_of([message.pk])
        assert claiming.marks_of([message.pk]) == before
        Consent.objects.create(
            patient=day.patient, course=course, plan_version=course.plan_version, language="en", informed_at=timezone.now(),
            informed_by=day.clinic.doctor, withdrawn_at=timezone.now(),
        )  # fmt: skip
        assert claiming.marks_of([message.pk]) != before

    def test_what_was_accepted_is_recorded_when_the_next_cannot_begin(
        self, day: MailDay, sink: Sink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        day.book("10:00")
        day.book("11:00", patient=factories.make_patient(day.clinic.site))
        begin = claiming.begin

        def broken(ready: claiming.Ready, *, done: Any = None, **late: Any) -> Any:
            if done is not None:
                raise DatabaseError("lock time-out")
            return begin(ready, done=done, **late)

        monkeypatch.setattr(claiming, "begin", broken)
        with pytest.raises(DatabaseError):
            sending.send_due()
        assert sorted(Message.objects.filter(kind="msg-confirm").values_list("state", flat=True)) == [S.SCHEDULED, S.SENT]
        assert len(sink.received) == 1
