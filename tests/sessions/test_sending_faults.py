"""What every fault leads to: of the server, of the line after a mail, and of a text that cannot be sent."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from patients.models import Patient
from sessions import claiming, delivery, letters, message_repair, messaging, sending
from sessions.choices import MessageState
from sessions.models import Message
from tests import factories
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import MailDay, make_mail_day, only
from tests.sinks import Sink, closed_port

pytestmark = pytest.mark.django_db
S = MessageState


@pytest.fixture
def day(at: Callable[[str], Any]) -> MailDay:
    at(MORNING)
    return make_mail_day()


class TestFaultsOfTheServer:
    def test_nobody_listens_puts_it_off_and_ends_the_round(self, day: MailDay, settings: Any, sink: Sink) -> None:
        day.book()
        day.treat()
        settings.EMAIL_PORT = closed_port()
        assert sending.send_due() == 0
        tried = [m for m in day.messages() if m.attempts]
        assert [(m.state, m.reason, m.due_at - timezone.now()) for m in tried] == [
            (S.SCHEDULED, delivery.NO_ANSWER, dt.timedelta(minutes=1))
        ]
        settings.EMAIL_PORT = sink.port

    def test_goes_out_when_the_server_is_back(
        self, day: MailDay, settings: Any, sink: Sink, at: Callable[[str], Any]
    ) -> None:
        day.book()
        settings.EMAIL_PORT = closed_port()
        sending.send_due()
        settings.EMAIL_PORT = sink.port
        at("2026-03-12T07:01+00:00")
        assert sending.send_due() == 1
        assert only(day).state == S.SENT

    @pytest.mark.parametrize(
        ("answers", "state", "reason"),
        [
            ({"rcpt": "450 greylisted"}, S.SCHEDULED, "450 greylisted"),
            ({"mail": "451 later"}, S.SCHEDULED, "451 later"),
            ({"mail": "421 closing"}, S.SCHEDULED, "421 closing"),
            ({"data": "452 no room"}, S.SCHEDULED, "452 no room"),
            ({"rcpt": "550 no such user"}, S.BOUNCED, "550 no such user"),
            ({"rcpt": "553 bad address"}, S.BOUNCED, "553 bad address"),
            ({"rcpt": "550 5.1.1 no such user"}, S.BOUNCED, "550 5.1.1 no such user"),
            ({"rcpt": "552 5.2.2 mailbox full"}, S.BOUNCED, "552 5.2.2 mailbox full"),
            ({"rcpt": "501 5.5.4 bad parameter"}, S.FAILED, "501 5.5.4 bad parameter"),
            ({"rcpt": "554 5.7.1 relay access denied"}, S.SCHEDULED, "554 5.7.1 relay access denied"),
            ({"rcpt": "550 5.7.1 blocked"}, S.SCHEDULED, "550 5.7.1 blocked"),
            ({"rcpt": "530 authentication required"}, S.SCHEDULED, "530 authentication required"),
            ({"rcpt": "554 not from you"}, S.SCHEDULED, "554 not from you"),
            ({"mail": "550 sender refused"}, S.SCHEDULED, "550 sender refused"),
            ({"mail": "530 5.7.0 account ended"}, S.SCHEDULED, "530 5.7.0 account ended"),
            ({"data": "554 looks like spam"}, S.FAILED, "554 looks like spam"),
            ({"drop": True}, S.UNKNOWN, delivery.LOST_ANSWER),
        ],
    )
    def test_answer_of_the_server_decides(
        self, day: MailDay, sink: Sink, answers: dict[str, Any], state: str, reason: str
    ) -> None:
        sink.say(**answers)
        day.book()
        sending.send_due()
        assert (only(day).state, only(day).reason) == (state, reason)
        day.patient.refresh_from_db()
        assert bool(day.patient.email_problem) == (state == S.BOUNCED)

    def test_slow_server_after_the_mail_leaves_its_fate_unknown(self, day: MailDay, sink: Sink, settings: Any) -> None:
        settings.EMAIL_TIMEOUT = 0.3
        sink.say(wait=1.0)
        day.book()
        sending.send_due()
        assert only(day).state == S.UNKNOWN

    @pytest.mark.parametrize("answers", [{"rcpt": "554 5.7.1 relay access denied"}, {"mail": "550 account ended"}])
    def test_a_server_that_refuses_us_costs_no_mail_and_no_address(
        self, day: MailDay, sink: Sink, at: Callable[[str], Any], answers: dict[str, str]
    ) -> None:
        """Every mail would be refused alike: the round ends, and all go out when the server lets us in again."""
        sink.say(**answers)
        other = make_other_patient(day)
        day.book("10:00")
        day.book("11:00", patient=other)
        assert sending.send_due() == 0
        assert set(Message.objects.values_list("state", flat=True)) == {S.SCHEDULED}
        assert not Patient.objects.exclude(email_problem="").exists()
        sink.say(**dict.fromkeys(answers, ""))
        at("2026-03-12T07:05+00:00")
        assert sending.send_due() == 2

    def test_one_that_the_library_stumbles_over_does_not_keep_the_others(
        self, day: MailDay, sink: Sink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other, packed = make_other_patient(day), delivery.packed

        def stumbles(mail: delivery.Mail) -> delivery.Packed:
            if mail.to == other.email:
                raise TypeError("crooked")
            return packed(mail)

        monkeypatch.setattr(delivery, "packed", stumbles)
        day.book("10:00", patient=other)
        day.book("11:00")
        sending.send_due()
        states = dict(Message.objects.values_list("recipient", "state"))
        assert states[other.email] == S.FAILED
        assert states[day.patient.email] == S.SENT

    def test_one_that_the_database_does_not_take_does_not_keep_the_others(
        self, day: MailDay, sink: Sink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other, begin = make_other_patient(day), claiming.begin

        def too_long(ready: claiming.Ready, **options: Any) -> Any:
            if ready.message.recipient == other.email:
                ready = replace(ready, written=replace(ready.written, subject="x" * 500))
            return begin(ready, **options)

        monkeypatch.setattr(claiming, "begin", too_long)
        day.book("10:00", patient=other)
        day.book("11:00")
        sending.send_due()
        rows = {row.recipient: row for row in Message.objects.all()}
        assert rows[day.patient.email].state == S.SENT
        later = rows[other.email]
        assert (later.state, later.reason, later.held_until) == (S.SCHEDULED, claiming.NOT_WRITTEN, None)
        assert later.due_at > timezone.now()

    def test_what_may_not_begin_costs_no_connection(self, day: MailDay, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
        opened: list[int] = []
        real = delivery.EmailChannel.open
        monkeypatch.setattr(
            delivery.EmailChannel, "open", lambda channel: (opened.append(channel.backend is None), real(channel))[1]
        )
        begin = claiming.begin
        monkeypatch.setattr(
            claiming, "begin",
            lambda ready, **options: None if ready.message.appointment.starts_at.minute else begin(ready, **options),
        )  # fmt: skip
        for time in ("10:00", "11:15", "12:30", "14:00"):
            day.book(time)
        sending.send_due()
        assert len(sink.received) == 2
        assert sum(opened) == 1

    def test_one_refused_mail_does_not_keep_the_others(self, day: MailDay, sink: Sink) -> None:
        sink.say("aisha.bello@example.org", rcpt="550 no such user")
        day.book("10:00")
        other = make_other_patient(day)
        day.book("11:00", patient=other)
        sending.send_due()
        assert [mail.to for mail in sink.received] == [other.email]

    def test_ladder_grows_until_it_would_come_too_late(
        self, day: MailDay, sink: Sink, at: Callable[[str], Any]
    ) -> None:
        sink.say(rcpt="450 greylisted")
        day.book("15:00", day=dt.date(2026, 3, 12))
        waits = []
        while (message := only(day)).state == S.SCHEDULED:
            at(message.due_at)  # type: ignore[arg-type]
            sending.send_due()
            waits.append((only(day).due_at - timezone.now()).total_seconds() / 60)
        assert waits[:6] == [1, 5, 15, 30, 60, 60]
        assert (message.state, message.reason) == (S.FAILED, "450 greylisted")
        assert timezone.now() < day.clinic.at("15:00")


class TestUnknown:
    def lose(self, day: MailDay, sink: Sink, kind: str = "msg-confirm") -> Message:
        sink.say(drop=True)
        if kind == "msg-intake":
            messaging.intake_requested(patient=day.patient, site=day.clinic.site, by=day.by)
        else:
            day.book()
        sending.send_due()
        sink.answers.clear()
        return only(day, kind)

    def test_goes_once_more_after_fifteen_minutes_with_the_same_message_id(
        self, day: MailDay, sink: Sink, at: Callable[[str], Any]
    ) -> None:
        self.lose(day, sink)
        sending.sweep()
        assert only(day).state == S.UNKNOWN
        at("2026-03-12T07:16+00:00")
        sending.sweep()
        assert only(day).state == S.SENT
        assert list(sink.ids().values()) == [2]

    def test_only_once_then_it_waits_for_a_person(self, day: MailDay, sink: Sink, at: Callable[[str], Any]) -> None:
        self.lose(day, sink)
        sink.say(drop=True)
        at("2026-03-12T07:16+00:00")
        sending.sweep()
        at("2026-03-12T08:16+00:00")
        sending.sweep()
        assert only(day).state == S.UNKNOWN
        assert len(sink.received) == 2

    def test_intake_waits_for_a_person(self, day: MailDay, sink: Sink, at: Callable[[str], Any]) -> None:
        message = self.lose(day, sink, "msg-intake")
        at("2026-03-12T07:16+00:00")
        sending.sweep()
        assert only(day, "msg-intake").state == S.UNKNOWN
        assert list(Message.objects.needing_somebody()) == [message]
        message_repair.send_again(message=message, seen_state=S.UNKNOWN, by=day.by)
        sending.send_due()
        assert len(sink.ids()) == 2  # a person asked for it: a mail of its own
        assert not Message.objects.needing_somebody().exists()

    def test_visit_over_meanwhile_is_not_repeated(self, day: MailDay, sink: Sink, at: Callable[[str], Any]) -> None:
        self.lose(day, sink)
        at("2026-03-19T11:00+01:00")
        sending.sweep()
        assert only(day).state == S.SUPPRESSED
        assert len(sink.received) == 1

    def test_claim_of_a_killed_worker_becomes_unknown(
        self, day: MailDay, sink: Sink, at: Callable[[str], Any]
    ) -> None:
        day.book()
        claim = sending.claim_next()
        assert sending.settle_expired_claims() == {}
        at("2026-03-12T07:05+00:00")
        assert sending.settle_expired_claims() == {S.UNKNOWN: 1}
        assert (only(day).state, only(day).reason) == (S.UNKNOWN, sending.INTERRUPTED)
        assert claim is not None
        # The worker was only slow: what it says now still counts.
        assert sending.record_sent(claim)
        assert only(day).state == S.SENT


class TestHostileText:
    @pytest.mark.parametrize(
        "name",
        ["Aisha\r\nBcc: spy@example.org", "<script>alert(1)</script>", "{{ settings.SECRET_KEY }}", "{day}", "%(x)s"],
    )
    def test_names_stay_text(self, day: MailDay, sink: Sink, name: str) -> None:
        day.patient.given_name = name
        day.patient.save()
        day.book()
        sending.send_due()
        (mail,) = sink.received
        assert mail.to == "aisha.bello@example.org"
        assert mail.email["Bcc"] is None
        assert "<script>" not in mail.part("html")

    def test_address_with_a_line_break_is_refused_for_good(self, day: MailDay, sink: Sink) -> None:
        day.book()
        hostile = "a@example.org\r\nBcc: spy@example.org"
        Message.objects.update(recipient=hostile)
        day.patient.email = hostile
        day.patient.save()
        sending.send_due()
        assert (only(day).state, only(day).reason) == (S.FAILED, delivery.CANNOT_BE_WRITTEN)
        assert not sink.begun

    def test_clinic_name_with_a_line_break_stays_one_header(self, day: MailDay, sink: Sink) -> None:
        from clinic.models import Organisation

        Organisation.objects.update(name="Halden\r\nBcc: spy@example.org")
        day.book()
        sending.send_due()
        assert sink.received[0].email["Bcc"] is None
        assert sink.received[0].to == "aisha.bello@example.org"

    def test_mail_that_cannot_be_written_waits_alone_until_the_fault_is_mended(
        self, day: MailDay, sink: Sink, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], Any]
    ) -> None:
        messaging.intake_requested(patient=day.patient, site=day.clinic.site, by=day.by)
        day.book()
        with monkeypatch.context() as broken:
            broken.setitem(letters.COMPOSERS, "msg-confirm", lambda message, language: 1 / 0)
            sending.send_due()
        assert (only(day).state, only(day).reason) == (S.SCHEDULED, claiming.NOT_WRITTEN)
        assert only(day, "msg-intake").state == S.SENT
        at("2026-03-12T07:01+00:00")
        sending.send_due()
        assert only(day).state == S.SENT


def make_other_patient(day: MailDay) -> Any:
    return factories.make_patient(day.clinic.site)
