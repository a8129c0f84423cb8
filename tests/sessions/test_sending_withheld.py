"""What must not go out, and to whom: visits called off, screenings that block, addresses that change meanwhile."""
from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from patients import records
from patients.models import Patient, PatientLink
from sessions import addressing, booking, delivery, messaging, outbox, sending, withholding
from sessions.choices import MessageState
from sessions.models import Appointment, Message, Screening
from tests import factories
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import MailDay, make_mail_day, only
from tests.sinks import Sink

pytestmark = pytest.mark.django_db
S = MessageState


@pytest.fixture
def day(at: Callable[[str], Any]) -> MailDay:
    at(MORNING)
    return make_mail_day()


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
        with closing(delivery.EmailChannel()) as channel:
            sending.hand_over(claim, channel)
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
        assert (only(day, "msg-24h").state, only(day, "msg-24h").reason) == (S.SUPPRESSED, withholding.BLOCKED)

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
        assert (only(day, "msg-24h").state, only(day, "msg-24h").reason) == (S.SUPPRESSED, withholding.CONSENT_WITHDRAWN)
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
        look, changes = withholding.why_not, [lambda: self.correct(day, "new@example.org")]

        def look_while_the_desk_types(message: Message, now: dt.datetime) -> Any:
            stop = look(message, now)
            if changes:
                changes.pop()()
            return stop

        monkeypatch.setattr(withholding, "why_not", look_while_the_desk_types)
        sending.send_due()
        message = only(day)
        assert (message.state, message.reason) == (S.SCHEDULED, addressing.ADDRESS_MOVES)
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
                with transaction.atomic():
                    assert addressing.hold_addresses([only(day)]) == set()
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
