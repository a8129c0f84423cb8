"""Sending to a real SMTP server: what arrives, and what every fault of the server leads to."""
from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from patients import records
from patients.models import Patient, PatientLink
from sessions import booking, delivery, letter_parts, letters, message_repair, messaging, outbox, sending
from sessions.choices import MessageState
from sessions.models import Appointment, Message, Screening
from tests import factories
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import MailDay, make_mail_day
from tests.sinks import Received, Sink, closed_port, running_sink

pytestmark = pytest.mark.django_db
S = MessageState


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    with running_sink() as sink:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        yield sink


@pytest.fixture
def day(at: Callable[[str], Any]) -> MailDay:
    at(MORNING)
    return make_mail_day()


def plain(mail: Received) -> str:
    return mail.part("plain").replace("\r\n", "\n")


def only(day: MailDay, kind: str = "msg-confirm") -> Message:
    (message,) = day.messages(kind)
    return message


class TestOneThatArrives:
    def test_is_sent_once_with_its_message_id_and_recorded_as_sent(self, day: MailDay, sink: Sink) -> None:
        day.book()
        assert sending.send_due() == 1
        assert sending.send_due() == 0
        message, (mail,) = only(day), sink.received
        assert (message.state, message.sent_at, message.attempts) == (S.SENT, timezone.now(), 1)
        assert mail.to == "aisha.bello@example.org"
        assert mail.message_id == message.rfc_message_id
        assert [step.state for step in message.steps.all()] == [S.SCHEDULED, S.SENDING, S.SENT]

    def test_names_day_and_time_in_the_sites_zone_and_nothing_of_health_in_its_subject(
        self, day: MailDay, sink: Sink
    ) -> None:
        appointment = day.book("10:00")
        sending.send_due()
        mail = sink.received[0].email
        assert mail["Subject"] == "Your appointment on Thursday 19 March"
        assert str(mail["From"]) == "Halden Clinic <clinic@localhost>"
        assert "List-Unsubscribe" not in mail
        for kind in ("plain", "html"):
            body = sink.received[0].part(kind)
            assert "Thursday 19 March 2026, 10:00" in body
            assert "Marylebone" in body
            assert "Do not stop any prescribed medicine yourself; ask the doctor who prescribed it." in body
            assert appointment.service.name not in body
        assert only(day).told_start == "2026-03-19T10:00"

    def test_is_written_in_the_patients_language(self, day: MailDay, sink: Sink) -> None:
        day.patient.language = "tr"
        day.patient.save()
        day.book("10:00")
        sending.send_due()
        assert sink.received[0].email["Subject"] == "Randevunuz: 19 Mart Perşembe"
        assert "saat 10:00 için bekliyoruz" in sink.received[0].part("plain")

    def test_names_the_zone_when_the_patient_lives_elsewhere(self, day: MailDay, sink: Sink) -> None:
        day.patient.country = "TR"
        day.patient.save()
        day.book("10:00")
        sending.send_due()
        assert "10:00 (Rome time)" in sink.received[0].part("plain")

    def test_carries_a_working_link_that_the_stored_copy_does_not_keep(self, day: MailDay, sink: Sink) -> None:
        appointment = day.book()
        sending.send_due()
        body = sink.received[0].part("plain")
        token = body.split("/p/")[1].split("/")[0]
        link = PatientLink.objects.get(patient=day.patient)
        assert (link.purpose, link.subject_public_id) == ("appointment", appointment.public_id)
        message = only(day)
        assert token not in message.text + message.html
        assert f"/p/{letter_parts.HIDDEN}/" in message.text
        assert f"/p/{letter_parts.HIDDEN}/" in message.html

    def test_is_small(self, day: MailDay, sink: Sink) -> None:
        day.treat()
        day.book()
        sending.send_due()
        assert {len(mail.raw) < 30_000 for mail in sink.received} == {True}
        assert len(sink.received) == 2


class TestAfterATreatment:
    def test_says_until_when_in_clock_times_and_when_to_call(self, day: MailDay, sink: Sink) -> None:
        day.treat(ended_at=dt.datetime.fromisoformat("2026-03-12T07:00+00:00"))  # 08:00 in Rome
        sending.send_due()
        body = plain(sink.received[0])
        assert "Until Thursday 12 March, 23:00:\n- Keep the treated area dry." in body
        assert "Until Saturday 14 March, 08:00" in body  # no sport for 48 hours
        assert "Call 112 now if you have" in body
        assert "38 °C" in body

    def test_counts_elapsed_hours_across_the_clock_change(
        self, day: MailDay, sink: Sink, at: Callable[[str], Any]
    ) -> None:
        at("2026-03-28T17:00+01:00")  # the night before the clocks go forward
        day.treat()
        sending.send_due()
        assert "Until Sunday 29 March, 09:00:\n- Keep the treated area dry." in plain(sink.received[0])

    def test_says_that_times_were_corrected_to_who_has_the_old_ones(
        self, day: MailDay, sink: Sink, at: Callable[[str], Any]
    ) -> None:
        at("2026-03-12T12:00+01:00")
        treatment_session = day.treat()
        sending.send_due()
        treatment_session.ended_at -= dt.timedelta(minutes=20)
        treatment_session.save()
        messaging.end_corrected(treatment_session=treatment_session, by=day.clinic.by_doctor)
        sending.send_due()
        assert len(sink.received) == 1  # the hold
        at("2026-03-12T12:03+01:00")
        sending.send_due()
        assert "we have corrected the end time" in sink.received[1].part("plain")
        assert "count from 11:40" in sink.received[1].part("plain")

    def test_uses_what_was_really_given(self, day: MailDay) -> None:
        treatment_session = day.treat()
        treatment_session.areas.create(
            patient=day.patient, region="reg-scalp", points=10, ml_per_point="0.05", depth_mm="2"
        )
        codes = {line.code for line in letters.instructions_of(treatment_session)}
        assert "ac-hair-wash" in codes
        assert "ac-no-makeup" not in codes  # the planned face was not treated


class TestWhatMustNotGoOut:
    def test_reminder_of_a_visit_cancelled_behind_our_back_is_suppressed(
        self, day: MailDay, sink: Sink, at: Callable[[str], Any]
    ) -> None:
        appointment = day.book()
        sending.send_due()
        Appointment.objects.filter(pk=appointment.pk).update(
            status="cancelled", cancelled_at=timezone.now(), cancel_reason="x"
        )
        at("2026-03-18T11:00+01:00")
        sending.send_due()
        assert (only(day, "msg-24h").state, only(day, "msg-24h").reason) == (S.SUPPRESSED, messaging.CALLED_OFF)
        assert len(sink.received) == 1

    def test_cancelled_between_claim_and_hand_over_sends_nothing(self, day: MailDay, sink: Sink) -> None:
        appointment = day.book()
        claim = sending.claim_next()
        assert claim is not None
        Appointment.objects.filter(pk=appointment.pk).update(
            status="cancelled", cancelled_at=timezone.now(), cancel_reason="x"
        )
        sending.hand_over(claim, delivery.EmailChannel())
        assert only(day).state == S.SUPPRESSED
        assert not sink.received
        assert not sink.begun

    def test_late_reminder_after_an_outage_is_missed_not_sent(
        self, day: MailDay, sink: Sink, at: Callable[[str], Any]
    ) -> None:
        day.book("10:00")
        at("2026-03-19T10:05+01:00")
        sending.send_due()
        assert {(m.kind, m.state) for m in day.messages()} == {("msg-confirm", S.MISSED), ("msg-24h", S.MISSED)}
        assert not sink.received

    def test_at_night_a_late_reminder_waits_for_the_morning(
        self, day: MailDay, sink: Sink, at: Callable[[str], Any]
    ) -> None:
        day.book("10:00")
        sending.send_due()
        at("2026-03-18T22:00+01:00")
        assert sending.send_due() == 0
        assert only(day, "msg-24h").due_at.isoformat() == "2026-03-19T07:00:00+00:00"
        at("2026-03-19T08:00+01:00")
        assert sending.send_due() == 1

    def test_blocked_screening_stops_the_reminder_but_not_aftercare(
        self, day: MailDay, sink: Sink, at: Callable[[str], Any]
    ) -> None:
        visit_of_a_course(day, outcome="blocked")
        at("2026-03-17T10:00+01:00")
        day.treat()
        sending.send_due()
        assert only(day, "msg-after-0").state == S.SENT
        at("2026-03-18T10:00+01:00")
        sending.send_due()
        assert (only(day, "msg-24h").state, only(day, "msg-24h").reason) == (S.SUPPRESSED, sending.BLOCKED)

    def test_cleared_screening_stops_nothing(self, day: MailDay, sink: Sink, at: Callable[[str], Any]) -> None:
        visit_of_a_course(day, outcome="cleared")
        at("2026-03-18T10:00+01:00")
        sending.send_due()
        assert only(day, "msg-24h").state == S.SENT

    def test_withdrawn_consent_stops_every_message_but_the_cancellation(
        self, day: MailDay, sink: Sink, at: Callable[[str], Any]
    ) -> None:
        appointment = visit_of_a_course(day, outcome="cleared")
        sending.send_due()
        appointment.course.consents.create(
            patient=day.patient, plan_version=1, language="en", informed_at=timezone.now(), withdrawn_at=timezone.now(),
            withdrawn_reason="asked by phone", informed_by=day.clinic.doctor,
        )  # fmt: skip
        at("2026-03-18T10:00+01:00")
        sending.send_due()
        assert (only(day, "msg-24h").state, only(day, "msg-24h").reason) == (S.SUPPRESSED, sending.CONSENT_WITHDRAWN)
        booking.cancel(appointment=appointment, seen_version=appointment.version, reason="withdrawn", by=day.by)
        at("2026-03-18T10:03+01:00")
        sending.send_due()
        assert only(day, "msg-cancelled").state == S.SENT

    def test_address_that_bounced_before_is_not_written_to_again(self, day: MailDay, sink: Sink) -> None:
        day.patient.email_problem = "550 no such user"
        day.patient.save()
        day.book()
        sending.send_due()
        assert (only(day).state, only(day).reason) == (S.SUPPRESSED, messaging.ADDRESS_FAILS)

    def test_address_corrected_meanwhile_is_used(self, day: MailDay, sink: Sink) -> None:
        day.book()
        day.patient.email = "new@example.org"
        day.patient.save()
        sending.send_due()
        assert [mail.to for mail in sink.received] == ["new@example.org"]


class TestAnAddressThatChangesMeanwhile:
    """A mail under way to the old address must leave no open link behind, nor go to who is no longer the patient."""

    def correct(self, day: MailDay, address: str) -> None:
        patient = Patient.objects.get(pk=day.patient.pk)
        values = {name: getattr(patient, name) for name in records.PERSON_FIELDS} | {"email": address}
        records.amend(patient=patient, values=values, seen_version=patient.version, by=day.by)

    def test_is_put_off_and_goes_to_the_new_one(
        self, day: MailDay, sink: Sink, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], Any]
    ) -> None:
        day.book()
        look, changes = sending.why_not, [lambda: self.correct(day, "new@example.org")]

        def look_while_the_desk_types(message: Message, now: dt.datetime) -> Any:
            stop = look(message, now)
            if changes:
                changes.pop()()
            return stop

        monkeypatch.setattr(sending, "why_not", look_while_the_desk_types)
        sending.send_due()
        message = only(day)
        assert (message.state, message.reason) == (S.SCHEDULED, sending.ADDRESS_MOVES)
        assert (sink.received, PatientLink.objects.count()) == ([], 0)
        at("2026-03-12T07:01+00:00")
        sending.send_due()
        assert [mail.to for mail in sink.received] == ["new@example.org"]
        assert only(day).state == S.SENT
        assert PatientLink.objects.get().revoked_at is None

    @pytest.mark.django_db(transaction=True)
    def test_who_is_changing_it_is_not_waited_for(self, day: MailDay) -> None:
        """They may be waiting for this very row."""
        day.book()
        changed, looked = threading.Event(), threading.Event()

        def change() -> None:
            try:
                with transaction.atomic():
                    self.correct(day, "new@example.org")
                    changed.set()
                    assert looked.wait(60)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(1) as pool:
            desk = pool.submit(change)
            assert changed.wait(60)
            try:
                with pytest.raises(sending.AddressMoves), transaction.atomic():
                    sending.hold_address(only(day))
            finally:
                looked.set()
            desk.result()

    def test_two_mails_to_one_patient_do_not_hinder_each_other(self, day: MailDay, sink: Sink) -> None:
        day.book()
        day.treat()
        assert sending.send_due() == 2

    def test_letters_case_is_no_other_mailbox(self, day: MailDay, sink: Sink) -> None:
        day.book()
        claim = sending.claim_next()
        assert claim is not None
        assert PatientLink.objects.filter(revoked_at=None).count() == 1
        self.correct(day, "Aisha.Bello@Example.org")
        assert PatientLink.objects.filter(revoked_at=None).count() == 1
        self.correct(day, "other@example.org")
        assert PatientLink.objects.filter(revoked_at=None).count() == 0

    def test_one_whose_twin_to_the_right_address_is_there_does_not_go_to_the_old_one(self, day: MailDay, sink: Sink) -> None:
        day.book()
        old = only(day)
        self.correct(day, "new@example.org")
        day.patient.refresh_from_db()
        outbox.write(
            old.kind, cause=outbox.origin_of(old), patient=day.patient, site=old.site, appointment=old.appointment,
            by=day.by, due_at=old.due_at, revision=old.cause_revision,
        )  # fmt: skip
        sending.send_due()
        assert [mail.to for mail in sink.received] == ["new@example.org"]
        old.refresh_from_db()
        assert (old.state, old.reason) == (S.SUPPRESSED, messaging.SUPERSEDED)


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
            ({"mail": "550 sender refused"}, S.FAILED, "550 sender refused"),
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
        assert (only(day).state, only(day).reason) == (S.SCHEDULED, sending.NOT_WRITTEN)
        assert only(day, "msg-intake").state == S.SENT
        at("2026-03-12T07:01+00:00")
        sending.send_due()
        assert only(day).state == S.SENT


def visit_of_a_course(day: MailDay, *, outcome: str) -> Appointment:
    """A booked treatment next Thursday at 10:00 whose course was screened with this outcome."""
    course = factories.make_course(day.patient, day.clinic.doctor, site=day.clinic.site)
    appointment = factories.make_appointment(
        day.patient, practitioner=day.clinic.doctor, room=day.clinic.room, course=course,
        starts_at=day.clinic.at("10:00", dt.date(2026, 3, 19)),
    )  # fmt: skip
    messaging.appointment_booked(appointment=appointment, by=day.by)
    Screening.objects.create(
        patient=day.patient, course=course, stage="plan", outcome=outcome, on_date=dt.date(2026, 3, 12), facts={},
        catalogue=course.catalogue, evaluated_at=timezone.now(), evaluated_by_label="Dr Amina Haddad",
    )  # fmt: skip
    return appointment


def make_other_patient(day: MailDay) -> Any:
    return factories.make_patient(day.clinic.site)


def test_moved_visit_tells_the_new_time(day: MailDay, sink: Sink, at: Callable[[str], Any]) -> None:
    appointment = day.book("10:00")
    sending.send_due()
    booking.move(
        appointment=appointment, seen_version=appointment.version,
        starts_at=day.clinic.at("12:00", dt.date(2026, 3, 20)), by=day.by,
    )  # fmt: skip
    at("2026-03-12T07:03+00:00")
    sending.send_due()
    mail = sink.received[1]
    assert mail.email["Subject"] == "Your appointment has moved to Friday 20 March"
    assert "Friday 20 March at 12:00" in mail.part("plain")


def test_cancelled_visit_names_the_time_the_patient_knows(
    day: MailDay, sink: Sink, at: Callable[[str], Any]
) -> None:
    appointment = day.book("10:00")
    sending.send_due()
    moved = booking.move(
        appointment=appointment, seen_version=appointment.version,
        starts_at=day.clinic.at("12:00", dt.date(2026, 3, 20)), by=day.by,
    )  # fmt: skip
    booking.cancel(appointment=moved, seen_version=moved.version, reason="ill", by=day.by)
    at("2026-03-12T07:03+00:00")
    sending.send_due()
    subjects = [mail.email["Subject"] for mail in sink.received]
    assert subjects[1:] == ["Your appointment on Thursday 19 March is cancelled"]


class TestCost:
    """Statements of one mail, without those that begin and end a transaction. Each is a round trip while others wait."""

    def asked(self, deed: Callable[[], Any]) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            deed()
        return [one["sql"] for one in queries if "SAVEPOINT" not in one["sql"]]

    def test_a_confirmation_is_claimed_written_handed_over_and_recorded_in_thirteen(self, day: MailDay, sink: Sink) -> None:
        day.book()
        channel = delivery.EmailChannel()
        claims: list[Any] = []
        claimed = self.asked(lambda: claims.append(sending.claim_next()))
        handed = self.asked(lambda: sending.hand_over(claims[0], channel))
        channel.close()
        assert len(claimed) <= 10, claimed  # the last of them holds the address: a link to an old one would stay open
        assert len(handed) <= 3, handed
        assert only(day).state == S.SENT

    def test_a_row_that_was_given_up_is_not_recorded_as_sent(self, day: MailDay, sink: Sink) -> None:
        """The sweep took the claim away and somebody else sends it now: this worker's word comes too late."""
        day.book()
        claim = sending.claim_next()
        assert claim is not None
        later = claim.at + dt.timedelta(minutes=30)
        Message.objects.filter(pk=claim.message.pk).update(claimed_at=later)
        assert not sending.record_sent(claim)
        assert only(day).state == S.SENDING
        Message.objects.filter(pk=claim.message.pk).update(claimed_at=claim.at, state=S.SUPPRESSED, reason="by hand")
        assert not sending.record_sent(claim)
        Message.objects.filter(pk=claim.message.pk).update(state=S.UNKNOWN)
        assert sending.record_sent(claim)
        assert (only(day).state, only(day).reason) == (S.SENT, "")
        assert [step.state for step in only(day).steps.all()] == [S.SCHEDULED, S.SENDING, S.SENT]
