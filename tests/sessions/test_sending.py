"""Sending to a real SMTP server: what arrives, what it says, and what one mail costs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from patients.models import PatientLink
from sessions import booking, letter_parts, letters, messaging, sending
from sessions.choices import MessageState
from sessions.models import Message
from tests import factories
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import NEXT_THURSDAY, MailDay, make_mail_day, only
from tests.sinks import Received, Sink

pytestmark = pytest.mark.django_db
S = MessageState


@pytest.fixture
def day(at: Callable[[str], Any]) -> MailDay:
    at(MORNING)
    return make_mail_day()


def plain(mail: Received) -> str:
    return mail.part("plain").replace("\r\n", "\n")


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

    def test_names_day_and_time_in_the_sites_zone_and_nothing_of_health_in_its_subject(self, day: MailDay, sink: Sink) -> None:
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

    def test_counts_elapsed_hours_across_the_clock_change(self, day: MailDay, sink: Sink, at: Callable[[str], Any]) -> None:
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
        treatment_session.areas.create(patient=day.patient, region="reg-scalp", points=10, ml_per_point="0.05", depth_mm="2")
        codes = {line.code for line in letters.instructions_of(treatment_session)}
        assert "ac-hair-wash" in codes
        assert "ac-no-makeup" not in codes  # the planned face was not treated


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


def test_cancelled_visit_names_the_time_the_patient_knows(day: MailDay, sink: Sink, at: Callable[[str], Any]) -> None:
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
    """What is asked for one mail, without what begins and ends a transaction. Each is a journey while others wait."""

    def asked(self, deed: Callable[[], Any]) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            deed()
        return [one["sql"] for one in queries if "SAVEPOINT" not in one["sql"]]

    def test_a_mail_costs_one_journey_and_its_batch_the_same_whatever_its_size(self, day: MailDay, sink: Sink) -> None:
        """Two statements on it: one locks its visit while the first word goes out, one begins it and records the one before."""
        asked: dict[int, list[str]] = {}
        for count, week in ((1, 0), (1, 1), (6, 2)):  # the first of all reads the catalogue
            for number in range(count):
                hour = 9 + number
                day.book(
                    f"{hour:02}:00", day=NEXT_THURSDAY + dt.timedelta(weeks=week), patient=factories.make_patient(day.clinic.site)
                )
            asked[count] = self.asked(sending.send_due)
        fixed = len(asked[1]) - 1
        assert len(asked[6]) == fixed + 6, asked[6]
        assert fixed <= 12, asked[1]
        assert len(sink.received) == Message.objects.filter(kind="msg-confirm", state=S.SENT).count() == 8
        assert PatientLink.objects.count() == 8

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
