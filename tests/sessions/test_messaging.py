"""The outbox verbs: what each deed writes, withdraws and rewrites, in its own transaction."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from clinic.doer import Doer
from clinic.errors import Refused, Stale
from protocols import catalogue
from sessions import booking, message_repair, messaging, outbox, reactions
from sessions.choices import MessageState
from sessions.models import AdverseEvent, Message, MessageStep, TreatmentSession
from sessions.reactions import Report
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import MailDay, make_mail_day

pytestmark = pytest.mark.django_db
S = MessageState


@pytest.fixture
def day(at: Callable[[str], Any]) -> MailDay:
    at(MORNING)
    return make_mail_day()


def pretend_sent(*messages: Message) -> None:
    for message in messages:
        told = message.appointment.agreed_start if message.appointment else ""
        outbox.move(message, S.SENDING, claimed_at=timezone.now())
        outbox.move(message, S.SENT, sent_at=timezone.now(), told_start=told)


def rome(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat()


class TestBooking:
    def test_writes_a_confirmation_now_and_a_reminder_one_calendar_day_before_at_the_same_clock_time(
        self, day: MailDay
    ) -> None:
        appointment = day.book("10:00")
        confirmation, reminder = day.messages()
        assert (confirmation.kind, confirmation.due_at) == ("msg-confirm", timezone.now())
        assert (reminder.kind, reminder.due_at) == ("msg-24h", appointment.starts_at - dt.timedelta(days=1))
        assert {confirmation.state, reminder.state} == {S.SCHEDULED}
        assert confirmation.recipient == "aisha.bello@example.org"
        assert confirmation.rfc_message_id != reminder.rfc_message_id

    def test_keeps_the_clock_time_across_the_clock_change(self, day: MailDay) -> None:
        day.book("10:00", dt.date(2026, 3, 30))  # clocks go forward in the night to Sunday 29 March
        assert [rome(m.due_at) for m in day.messages("msg-24h")] == ["2026-03-29T08:00:00+00:00"]

    def test_shows_a_reminder_that_comes_too_late_with_its_reason(self, day: MailDay) -> None:
        day.book("15:00", day=dt.date(2026, 3, 12))
        (reminder,) = day.messages("msg-24h")
        assert (reminder.state, reminder.reason) == (S.SUPPRESSED, messaging.TOO_LATE_TO_REMIND)

    def test_shows_a_patient_without_an_address(self, day: MailDay) -> None:
        day.patient.email = ""
        day.patient.save()
        day.book()
        assert {(m.state, m.reason) for m in day.messages()} == {(S.SUPPRESSED, outbox.NO_ADDRESS)}

    def test_writes_nothing_when_the_deed_is_rolled_back(self, day: MailDay) -> None:
        with transaction.atomic():
            day.book()
            assert Message.objects.count() == 2
            transaction.set_rollback(True)
        assert not Message.objects.exists()

    def test_notes_each_change_as_a_step_with_who_did_it(self, day: MailDay) -> None:
        appointment = day.book()
        booking.cancel(appointment=appointment, seen_version=appointment.version, reason="ill", by=day.by)
        steps = MessageStep.objects.filter(message=day.messages("msg-24h")[0])
        assert [(step.state, step.by) for step in steps] == [
            (S.SCHEDULED, day.clinic.desk), (S.SUPPRESSED, day.clinic.desk),
        ]  # fmt: skip


class TestMoving:
    def move(self, day: MailDay, appointment: Any, time: str, by: Doer | None = None) -> Any:
        return booking.move(
            appointment=appointment, seen_version=appointment.version, by=by or day.by,
            starts_at=day.clinic.at(time, dt.date(2026, 3, 19)),
        )  # fmt: skip

    def test_before_anything_was_sent_rewrites_confirmation_and_reminder(self, day: MailDay) -> None:
        moved = self.move(day, day.book("10:00"), "11:00")
        assert day.states() == [
            ("msg-confirm", S.SUPPRESSED), ("msg-24h", S.SUPPRESSED),
            ("msg-confirm", S.SCHEDULED), ("msg-24h", S.SCHEDULED),
        ]  # fmt: skip
        assert day.messages("msg-24h")[1].due_at == moved.starts_at - dt.timedelta(days=1)
        assert {m.reason for m in day.messages() if m.state == S.SUPPRESSED} == {messaging.MOVED_AWAY}

    def test_tells_a_patient_who_was_told_another_time_after_three_minutes(self, day: MailDay) -> None:
        appointment = day.book("10:00")
        pretend_sent(*day.messages("msg-confirm"))
        self.move(day, appointment, "11:00")
        (notice,) = day.messages("msg-moved")
        assert (notice.state, notice.due_at - timezone.now()) == (S.SCHEDULED, dt.timedelta(minutes=3))

    def test_undone_within_the_hold_tells_nobody(self, day: MailDay) -> None:
        appointment = day.book("10:00")
        pretend_sent(*day.messages("msg-confirm"))
        back = self.move(day, self.move(day, appointment, "11:00"), "10:00")
        scheduled = [m for m in day.messages() if m.state == S.SCHEDULED]
        assert [m.kind for m in scheduled] == ["msg-24h"]
        assert scheduled[0].due_at == back.starts_at - dt.timedelta(days=1)

    def test_twice_sends_one_notice_of_the_last_time(self, day: MailDay) -> None:
        appointment = day.book("10:00")
        pretend_sent(*day.messages("msg-confirm"))
        self.move(day, self.move(day, appointment, "11:00"), "12:00")
        assert [m.state for m in day.messages("msg-moved")].count(S.SCHEDULED) == 1

    def test_counts_what_may_have_been_read_as_told(self, day: MailDay) -> None:
        appointment = day.book("10:00")
        (confirmation,) = day.messages("msg-confirm")
        outbox.move(confirmation, S.SENDING, claimed_at=timezone.now(), told_start=appointment.agreed_start)
        outbox.move(confirmation, S.UNKNOWN)
        self.move(day, appointment, "11:00")
        assert [m.kind for m in day.messages() if m.state == S.SCHEDULED] == ["msg-moved", "msg-24h"]


class TestCancelling:
    def cancel(self, day: MailDay, appointment: Any, by: Doer | None = None) -> Any:
        return booking.cancel(
            appointment=appointment, seen_version=appointment.version, reason="patient is ill", by=by or day.by
        )

    def test_withdraws_and_tells_nobody_who_was_not_told_to_come(self, day: MailDay) -> None:
        self.cancel(day, day.book())
        assert day.states() == [("msg-confirm", S.SUPPRESSED), ("msg-24h", S.SUPPRESSED)]
        assert {m.reason for m in day.messages()} == {messaging.CALLED_OFF}

    def test_tells_who_was_told_to_come_after_the_hold(self, day: MailDay) -> None:
        appointment = day.book()
        pretend_sent(*day.messages("msg-confirm"))
        self.cancel(day, appointment)
        (notice,) = day.messages("msg-cancelled")
        assert (notice.state, notice.due_at - timezone.now()) == (S.SCHEDULED, dt.timedelta(minutes=3))

    def test_by_the_patient_is_answered_at_once(self, day: MailDay) -> None:
        appointment = day.book()
        pretend_sent(*day.messages("msg-confirm"))
        self.cancel(day, appointment, by=Doer.patient(day.patient.public_id, day.patient.name))
        assert day.messages("msg-cancelled")[0].due_at == timezone.now()

    def test_taken_back_within_the_hold_tells_nobody_and_reminds_again(self, day: MailDay) -> None:
        appointment = day.book()
        pretend_sent(*day.messages("msg-confirm"))
        cancelled = self.cancel(day, appointment)
        booking.undo(appointment=cancelled, seen_version=cancelled.version, by=day.by)
        assert [m.kind for m in day.messages() if m.state == S.SCHEDULED] == ["msg-24h"]

    def test_taken_back_after_the_notice_went_out_confirms_anew(self, day: MailDay) -> None:
        appointment = day.book()
        pretend_sent(*day.messages("msg-confirm"))
        cancelled = self.cancel(day, appointment)
        pretend_sent(*day.messages("msg-cancelled"))
        booking.undo(appointment=cancelled, seen_version=cancelled.version, by=day.by)
        assert [m.kind for m in day.messages() if m.state == S.SCHEDULED] == ["msg-confirm", "msg-24h"]


class TestEndOfTreatment:
    def test_writes_aftercare_at_once_and_what_follows_after_its_elapsed_hours(
        self, day: MailDay, at: Callable[[str], Any]
    ) -> None:
        at("2026-03-12T16:00+01:00")
        treatment_session = day.treat()
        assert rome(day.messages("msg-ntm-6w")[0].due_at) == "2026-04-09T08:00:00+00:00", "28 days on, ten in the morning"
        after = {message.kind: message.due_at - treatment_session.ended_at for message in day.messages()}
        hours = {kind: span // dt.timedelta(hours=1) for kind, span in after.items() if kind != "msg-ntm-6w"}
        assert hours == {"msg-after-0": 0, "msg-4h": 4, "msg-15h": 16, "msg-24h-after": 24, "msg-48h": 48}
        assert rome(day.messages("msg-15h")[0].due_at).startswith("2026-03-13T07:00"), "seven in the morning is quiet"

    def test_a_mail_of_washing_follows_the_dry_time_as_the_clinic_set_it(
        self, day: MailDay, at: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        at("2026-03-12T10:00+01:00")
        rules = catalogue.in_force()
        longer = {**rules.aftercare, "ac-no-water": replace(rules.aftercare["ac-no-water"], hours_until=24)}
        monkeypatch.setattr(catalogue, "in_force", lambda: replace(rules, aftercare=longer))
        treatment_session = day.treat()
        assert day.messages("msg-15h")[0].due_at == treatment_session.ended_at + dt.timedelta(hours=24)

    def test_the_late_check_counts_from_the_latest_session_of_the_course(
        self, day: MailDay, at: Callable[[str], Any]
    ) -> None:
        at("2026-03-12T10:00+01:00")
        first = day.treat()
        at("2026-03-26T10:00+01:00")
        second = day.treat()
        TreatmentSession.objects.filter(pk=second.pk).update(course=first.course)
        second.refresh_from_db()
        messaging.end_corrected(treatment_session=second, by=day.clinic.by_doctor)
        old, *_others, new = day.messages("msg-ntm-6w")
        assert (old.state, old.reason) == (S.SUPPRESSED, messaging.LATER_SESSION)
        assert (new.state, rome(new.due_at)[:10]) == (S.SCHEDULED, "2026-04-23")

    def test_check_in_that_falls_into_the_night_waits_for_the_morning(
        self, day: MailDay, at: Callable[[str], Any]
    ) -> None:
        at("2026-03-12T21:30+01:00")
        day.treat()
        assert rome(day.messages("msg-48h")[0].due_at) == "2026-03-15T07:00:00+00:00"  # Sunday 08:00 in Rome

    def test_corrected_end_rewrites_what_is_not_sent_and_sends_the_right_times_to_who_has_the_old_ones(
        self, day: MailDay, at: Callable[[str], Any]
    ) -> None:
        at("2026-03-12T12:00+01:00")
        treatment_session = day.treat()
        pretend_sent(*day.messages("msg-after-0"))
        treatment_session.ended_at -= dt.timedelta(minutes=20)
        treatment_session.save()
        messaging.end_corrected(treatment_session=treatment_session, by=day.clinic.by_doctor)
        told = [state for state in day.states() if state[0] in {"msg-after-0", "msg-48h"}]
        assert told == [
            ("msg-after-0", S.SENT), ("msg-48h", S.SUPPRESSED), ("msg-after-0", S.SCHEDULED), ("msg-48h", S.SCHEDULED),
        ]  # fmt: skip
        assert day.messages("msg-48h")[1].due_at == treatment_session.ended_at + dt.timedelta(hours=48)

    def test_end_taken_back_withdraws(self, day: MailDay) -> None:
        treatment_session = day.treat()
        treatment_session.ended_at = None
        messaging.end_corrected(treatment_session=treatment_session, by=day.clinic.by_doctor)
        assert {(m.state, m.reason) for m in day.messages()} == {(S.SUPPRESSED, messaging.END_TAKEN_BACK)}


class TestIntake:
    def test_request_writes_one_mail_and_a_second_request_waits_for_it(self, day: MailDay) -> None:
        first = messaging.intake_requested(patient=day.patient, site=day.clinic.site, by=day.by)
        second = messaging.intake_requested(patient=day.patient, site=day.clinic.site, by=day.by)
        assert first == second
        pretend_sent(first)
        third = messaging.intake_requested(patient=day.patient, site=day.clinic.site, by=day.by)
        assert (third.kind, third.cause_revision) == ("msg-intake", 2)


class TestSendingAgain:
    def bounced(self, day: MailDay) -> Message:
        day.book()
        (message,) = day.messages("msg-confirm")
        outbox.move(message, S.SENDING, claimed_at=timezone.now())
        outbox.move(message, S.BOUNCED, reason="550 no such user")
        day.patient.email_problem = "550 no such user"
        day.patient.save()
        return message

    def test_with_a_corrected_address_writes_it_anew_and_keeps_the_old_row(self, day: MailDay) -> None:
        old = self.bounced(day)
        new = message_repair.send_again(message=old, seen_state=S.BOUNCED, by=day.by, address="aisha@example.com")
        day.patient.refresh_from_db()
        assert (day.patient.email, day.patient.email_problem) == ("aisha@example.com", "")
        assert "aisha@example.com" in day.patient.search_key
        assert (new.recipient, new.state, new.due_at) == ("aisha@example.com", S.SCHEDULED, timezone.now())
        old.refresh_from_db()
        assert (old.state, old.recipient) == (S.BOUNCED, "aisha.bello@example.org")
        assert not Message.objects.needing_somebody().exists()

    def test_refuses_what_changed_meanwhile(self, day: MailDay) -> None:
        with pytest.raises(Stale, match="it is now"):
            message_repair.send_again(message=self.bounced(day), seen_state=S.FAILED, by=day.by)
        assert len(day.messages("msg-confirm")) == 1

    def test_refuses_a_reminder_of_a_cancelled_visit_and_changes_nothing(self, day: MailDay) -> None:
        message = self.bounced(day)
        appointment = message.appointment
        assert appointment is not None
        booking.cancel(appointment=appointment, seen_version=appointment.version, reason="ill", by=day.by)
        with pytest.raises(Refused, match="cancelled"):
            message_repair.send_again(message=message, seen_state=S.BOUNCED, by=day.by, address="new@example.com")
        day.patient.refresh_from_db()
        assert day.patient.email == "aisha.bello@example.org"

    @pytest.mark.parametrize("kind", ["msg-24h", "msg-48h"])
    def test_refuses_what_an_open_event_would_hold_back_and_changes_nothing(self, day: MailDay, kind: str) -> None:
        if kind == "msg-48h":
            day.treat()
        else:
            day.book()
        (message,) = day.messages(kind)
        outbox.move(message, S.SENDING, claimed_at=timezone.now())
        outbox.move(message, S.BOUNCED, reason="550 no such user")
        event = reactions.report(
            patient=day.patient, site=day.clinic.site, event=Report(grade=2, reaction="ae-haematoma"), by=day.clinic.by_doctor
        )
        with pytest.raises(Refused, match="An adverse event is open: a clinician writes instead"):
            message_repair.send_again(message=message, seen_state=S.BOUNCED, by=day.by, address="new@example.com")
        assert [one.state for one in day.messages(kind)] == [S.BOUNCED]
        assert list(Message.objects.needing_somebody()) == [message]
        day.patient.refresh_from_db()
        assert day.patient.email == "aisha.bello@example.org"
        AdverseEvent.objects.filter(pk=event.pk).delete()  # as if there had been none
        again = message_repair.send_again(message=message, seen_state=S.BOUNCED, by=day.by, address="new@example.com")
        assert again.state == S.SCHEDULED

    def test_what_answers_a_deed_is_sent_again_beside_an_open_event(self, day: MailDay) -> None:
        message = self.bounced(day)
        reactions.report(
            patient=day.patient, site=day.clinic.site, event=Report(grade=2, reaction="ae-haematoma"), by=day.clinic.by_doctor
        )
        assert message_repair.send_again(message=message, seen_state=S.BOUNCED, by=day.by).state == S.SCHEDULED

    def test_says_that_an_unknown_one_arrived(self, day: MailDay) -> None:
        message = messaging.intake_requested(patient=day.patient, site=day.clinic.site, by=day.by)
        outbox.move(message, S.SENDING, claimed_at=timezone.now())
        outbox.move(message, S.UNKNOWN)
        message_repair.mark_arrived(message=message, seen_state=S.UNKNOWN, by=day.by)
        message.refresh_from_db()
        assert (message.state, message.sent_at) == (S.SENT, timezone.now())


def test_a_state_changes_only_along_the_table(day: MailDay) -> None:
    day.book()
    (message,) = day.messages("msg-confirm")
    with pytest.raises(ValueError, match="cannot go"):
        outbox.move(message, S.SENT, sent_at=timezone.now())
