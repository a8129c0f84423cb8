"""The first word to the server, the disk and the next batch at once: what is where when, and what a fault leaves behind."""
from __future__ import annotations

import datetime as dt
import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, connections, transaction
from django.utils import timezone

from clinic.late_commit import LateCommit, is_under_way
from clinic.prepared import PreparedWords
from sessions import booking, claiming, sending
from sessions.choices import MessageState
from sessions.models import Appointment, Message
from tests import factories
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import NEXT_THURSDAY, MailDay, make_mail_day, only
from tests.sinks import Sink

pytestmark = pytest.mark.django_db(transaction=True)
S = MessageState


@pytest.fixture
def day(at: Callable[[str], Any]) -> MailDay:
    at(MORNING)
    return make_mail_day()


def book_many(day: MailDay, count: int) -> None:
    for number in range(count):
        week, hour = divmod(number, 8)
        day.book(
            f"{9 + hour:02}:00", day=NEXT_THURSDAY + dt.timedelta(weeks=week), patient=factories.make_patient(day.clinic.site)
        )


def asked_elsewhere(question: Callable[[], Any]) -> Any:
    """The answer on a connection of its own: what is committed by now."""

    def ask() -> Any:
        try:
            return question()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(ask).result()


def states() -> list[str]:
    return sorted(Message.objects.filter(kind="msg-confirm").values_list("state", flat=True))


def is_locked(visit: Appointment) -> bool:
    with transaction.atomic():
        rows = Appointment.objects.filter(pk=visit.pk).select_for_update(skip_locked=True, no_key=True, of=("self",))
        return not list(rows.values_list("pk", flat=True))


class TestOrder:
    def test_visit_is_locked_while_the_first_word_goes_out_and_all_is_committed_before_the_mail(
        self, day: MailDay, sink: Sink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        visit = day.book()
        seen: list[tuple[str, bool, list[str]]] = []

        def looked_at(name: str) -> None:
            seen.append((name, asked_elsewhere(lambda: is_locked(visit)), asked_elsewhere(states)))

        monkeypatch.setattr("smtplib.SMTP.putcmd", telling(looked_at))
        sink.on_received = lambda _count: looked_at("mail")
        assert sending.send_due() == 1
        told = {name: (locked, rows) for name, locked, rows in seen if name in {"MAIL", "mail"}}
        assert told["MAIL"] == (True, [S.SCHEDULED])
        assert told["mail"] == (False, [S.SENDING])
        assert states() == [S.SENT]

    def test_slow_answer_to_the_first_word_holds_no_lock(
        self, day: MailDay, sink: Sink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Cancelling goes through while the server thinks about MAIL; that mail was begun before."""
        visit = day.book()
        cancelled: list[str] = []

        def cancel() -> str:
            booking.cancel(appointment=visit, seen_version=visit.version, reason="ill", by=day.clinic.by)
            return only(day).state

        def answered(name: str) -> None:
            if name == "RCPT":  # the answer to MAIL is there; the commit is not waited for yet
                cancelled.append(asked_elsewhere(cancel))

        monkeypatch.setattr("smtplib.SMTP.putcmd", telling(answered))
        sending.send_due()
        assert cancelled == [S.SENDING]

    def test_cancelled_before_the_first_word_sends_none(self, day: MailDay, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
        visit = day.book()
        opened = sending.EmailChannel.open

        def slowly(self: Any) -> None:
            opened(self)
            if visit.status == "booked":
                booking.cancel(appointment=visit, seen_version=visit.version, reason="ill", by=day.clinic.by)

        monkeypatch.setattr(sending.EmailChannel, "open", slowly)
        sending.send_due()
        assert only(day).state == S.SUPPRESSED
        assert only(day).rfc_message_id not in sink.ids()

    def test_what_changed_while_the_visit_was_in_other_hands_is_seen(self, day: MailDay, sink: Sink) -> None:
        """The lock is waited for, and only then compared: the mail that was written before does not begin."""
        visit = day.book()
        with claimed(day) as ready, ThreadPoolExecutor(1) as disk:
            first_word = sending.FirstWord(ready, done=None, disk=disk)

            def change() -> None:
                Appointment.objects.filter(pk=visit.pk).update(note="wheelchair")

            with held_elsewhere(visit.pk, then=change) as let_go:
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(let_go_when_waited_for, let_go)
                    with pytest.raises(sending.NotBegun), first_word.said():
                        raise AssertionError("the first word went out")
                first_word.wait()
        assert Appointment.objects.get().note == "wheelchair"
        assert states() == [S.SCHEDULED]

    def test_a_mail_whose_time_ran_out_in_other_hands_does_not_begin(
        self, day: MailDay, sink: Sink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        visit = day.book()
        with claimed(day) as ready, ThreadPoolExecutor(1) as disk:
            timely = iter([True, False])
            monkeypatch.setattr(claiming, "is_timely", lambda _ready, _now: next(timely))
            with pytest.raises(sending.NotBegun), sending.FirstWord(ready, done=None, disk=disk).said():
                raise AssertionError("the first word went out")
        assert not asked_elsewhere(lambda: is_locked(visit))
        assert states() == [S.SCHEDULED]
        assert connection.get_autocommit()


def telling(tell: Callable[[str], None]) -> Any:
    """`putcmd` that says what it is about to put on the wire."""
    put = smtplib.SMTP.putcmd

    def putcmd(self: smtplib.SMTP, cmd: str, args: str = "") -> None:
        tell(cmd.upper())
        put(self, cmd, args)

    return putcmd


@contextmanager
def claimed(day: MailDay) -> Iterator[claiming.Ready]:
    (ready,) = claiming.take_batch().ready
    yield ready
    claiming.release([ready.message.pk], held_until=ready.held_until)


def let_go_when_waited_for(let_go: threading.Event) -> None:
    """As soon as somebody in the database waits for a lock."""
    try:
        for _ in range(600):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
                )
                if cursor.fetchone() != (0,):
                    break
            time.sleep(0.01)
    finally:
        connections.close_all()
        let_go.set()


class TestFaults:
    def test_what_did_not_reach_the_disk_is_not_handed_over(
        self, day: MailDay, sink: Sink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And the one before, which was accepted, is recorded all the same."""
        book_many(day, 3)
        commit, count = LateCommit.commit, 0

        def broken(self: LateCommit) -> None:
            nonlocal count
            count += 1
            if count == 2:
                raw, thread = connection.connection, self.thread
                self.journey = thread.submit(lost, raw)
            else:
                commit(self)

        monkeypatch.setattr(LateCommit, "commit", broken)
        with pytest.raises(OperationalError):
            sending.send_due()
        assert states() == [S.SCHEDULED, S.SCHEDULED, S.SENT]
        assert (len(sink.begun), len(sink.received)) == (2, 1)
        assert connection.get_autocommit()
        monkeypatch.undo()
        assert sending.send_due() == 2
        assert states() == [S.SENT] * 3
        assert set(sink.ids().values()) == {1}

    def test_first_word_that_cannot_be_said_leaves_the_row_to_be_put_off(
        self, day: MailDay, sink: Sink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        day.book()

        def gone(name: str) -> None:
            if name == "MAIL":
                raise BrokenPipeError

        monkeypatch.setattr("smtplib.SMTP.putcmd", telling(gone))
        assert sending.send_due() == 0
        assert (only(day).state, only(day).attempts) == (S.SCHEDULED, 1)
        assert [step.state for step in only(day).steps.all()] == [S.SCHEDULED, S.SENDING, S.SCHEDULED]
        assert connection.get_autocommit()

    def test_visit_in_other_hands_puts_the_mail_off_and_records_the_one_before(self, day: MailDay, sink: Sink) -> None:
        book_many(day, 2)
        second = Message.objects.filter(kind="msg-confirm").order_by("due_at", "id").last()
        assert second is not None
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout TO '200ms'")
        try:
            with held_elsewhere(second.appointment_id):
                assert sending.send_due() == 1
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout TO '3s'")
        second.refresh_from_db()
        assert (second.state, second.reason) == (S.SCHEDULED, sending.BUSY)
        assert states() == [S.SCHEDULED, S.SENT]
        assert len(sink.received) == 1


def lost(raw: Any) -> None:
    raw.rollback()
    raise OperationalError("the disk is full")


@contextmanager
def held_elsewhere(visit: int | None, then: Callable[[], None] = lambda: None) -> Iterator[threading.Event]:
    """Somebody has this visit locked until the end or the event that is yielded, and does something `then`."""
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                list(Appointment.objects.filter(pk=visit).select_for_update(no_key=True, of=("self",)).values_list("pk"))
                held.set()
                assert let_go.wait(60)
                then()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        assert held.wait(60)
        try:
            yield let_go
        finally:
            let_go.set()
        holding.result()


def test_a_row_somebody_has_in_hand_is_not_held(day: MailDay) -> None:
    day.book("10:00")
    day.book("11:00", patient=factories.make_patient(day.clinic.site))
    first, second = Message.objects.due(timezone.now())
    with transaction.atomic():
        Message.objects.select_for_update(no_key=True, of=("self",)).get(pk=first.pk)
        held = asked_elsewhere(lambda: claiming.hold(10, unknown=False))
    assert held.keys == [second.pk]
    assert claiming.hold(10, unknown=False).keys == [first.pk]  # type: ignore[union-attr]


class TestNextBatch:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Batches of six, and the threads in which they are written."""
        written: list[str] = []
        take = claiming.take_batch

        def taken() -> claiming.Batch:
            written.append(threading.current_thread().name.partition("_")[0])
            return take(size=6)

        monkeypatch.setattr(claiming, "TOGETHER", 6)
        monkeypatch.setattr(claiming, "take_batch", taken)
        return written

    def test_is_written_by_another_thread_and_each_mail_goes_once(self, day: MailDay, sink: Sink, small: list[str]) -> None:
        book_many(day, 15)
        assert sending.send_due() == 15
        assert small[:3] == ["MainThread", "desk", "desk"]
        assert set(sink.ids().values()) == {1}
        assert states() == [S.SENT] * 15

    def test_is_given_back_when_the_server_goes_away(self, day: MailDay, sink: Sink, small: list[str]) -> None:
        book_many(day, 15)
        sink.on_received = lambda count: sink.say(mail="421 closing") if count == 5 else None
        assert sending.send_due() == 5
        assert small == ["MainThread", "desk"]
        assert not Message.objects.exclude(held_until=None).exists()
        assert states() == [S.SCHEDULED] * 10 + [S.SENT] * 5

    def test_a_fault_in_it_is_heard_and_what_was_accepted_is_recorded(
        self, day: MailDay, sink: Sink, small: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        book_many(day, 15)
        take = claiming.take_batch

        def broken() -> claiming.Batch:
            if small:
                raise OperationalError("the database is gone")
            return take()

        monkeypatch.setattr(claiming, "take_batch", broken)
        with pytest.raises(OperationalError):
            sending.send_due()
        assert states() == [S.SCHEDULED] * 9 + [S.SENT] * 6

    def test_is_not_written_ahead_for_a_slow_server(
        self, day: MailDay, sink: Sink, small: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It would be stale before its turn."""
        monkeypatch.setattr(claiming, "FRESH", dt.timedelta(seconds=1))
        sink.say(wait=0.1)
        book_many(day, 8)
        sending.send_due()
        assert set(small) == {"MainThread"}


ONE = PreparedWords("SELECT %(one)s + 1", named="one_more", one="int")


class TestLateCommit:
    def test_inside_another_transaction_it_is_a_part_of_that(self, day: MailDay) -> None:
        with ThreadPoolExecutor(1) as thread:
            with transaction.atomic():
                late = LateCommit(thread)
                assert late.begin(ONE.of(one=1)) == [(2,)]
                day.book()
                late.commit()
                late.wait()
                transaction.set_rollback(True)
            assert not Appointment.objects.exists()

    def test_rolled_back_leaves_nothing_and_each_statement_by_itself(self, day: MailDay) -> None:
        with ThreadPoolExecutor(1) as thread:
            late = LateCommit(thread)
            late.begin(ONE.of(one=1))
            Message.objects.create(
                kind="msg-intake", site=day.clinic.site, cause_kind="patient", cause_public_id="x", language="en",
                due_at=dt.datetime.now(dt.UTC), rfc_message_id="<x@halden.example>",
            )  # fmt: skip
            late.roll_back(ValueError())
            assert not Message.objects.exists()
            assert connection.get_autocommit()

    def test_ends_no_transaction_that_it_did_not_begin(self, day: MailDay) -> None:
        with ThreadPoolExecutor(1) as thread, transaction.atomic():
            day.book()
            late = LateCommit(thread)
            late.roll_back(ValueError())
            late.commit()
            late.wait()
            assert Appointment.objects.count() == 1
        assert Appointment.objects.count() == 1

    @pytest.mark.parametrize("words", ["SELECT %(one)s / 0", "SELECT pg_terminate_backend(pg_backend_pid()) AND %(one)s > 0"])
    def test_a_statement_that_breaks_leaves_a_connection_that_works(self, day: MailDay, words: str) -> None:
        broken = PreparedWords(words, named="broken", one="int")
        with ThreadPoolExecutor(1) as thread:
            late = LateCommit(thread)
            with pytest.raises(DatabaseError) as found:
                late.begin(ONE.of(one=1), broken.of(one=1))
            late.roll_back(found.value)
            late.wait()
        assert not is_under_way(connection)
        assert Appointment.objects.count() == 0

    def test_a_transaction_that_failed_is_not_taken_for_one_on_disk(self, day: MailDay) -> None:
        with ThreadPoolExecutor(1) as thread:
            late = LateCommit(thread)
            late.begin(ONE.of(one=1))
            with pytest.raises(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
            late.commit()
            with pytest.raises(DatabaseError, match="could not be committed"):
                late.wait()
        assert not is_under_way(connection)

    def test_a_connection_that_breaks_on_the_way_to_the_disk_is_an_error_and_replaced(self, day: MailDay) -> None:
        with ThreadPoolExecutor(1) as thread:
            late = LateCommit(thread)
            late.begin(ONE.of(one=1))
            with connection.connection.cursor() as cursor:
                own = cursor.connection.info.backend_pid
            asked_elsewhere(lambda: end_of_server(own))
            late.commit()
            with pytest.raises(OperationalError):
                late.wait()
        assert Appointment.objects.count() == 0
        assert connection.get_autocommit()


def end_of_server(process: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [process])
