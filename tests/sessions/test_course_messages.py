"""Messages of a course: time to book, overdue, reviews; before a visit: preparation and test. Written, followed, stopped."""
from __future__ import annotations

import datetime as dt
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from patients import privacy
from protocols import catalogue
from sessions import booking, course_messages, coursework, letters, message_repair, messaging, outbox, sending, withholding
from sessions.choices import CourseStatus, MessageState
from sessions.message_texts import KINDS
from sessions.models import Appointment, Course, Message, PlannedSession
from sessions.planned import replan
from tests import factories as make
from tests.sessions.careday import MORNING, THURSDAY, CareDay, make_care_day
from tests.sessions.test_planned import after, book

pytestmark = pytest.mark.django_db
S = MessageState


@pytest.fixture
def day(at: Any) -> CareDay:
    at(MORNING)
    return make_care_day()


@pytest.fixture
def course(day: CareDay) -> Course:
    """Three sessions, the first given today; nothing is booked."""
    course = make.make_course(day.patient, day.doctor, site=day.site)
    PlannedSession.objects.filter(course=course, number=1).update(done_on=THURSDAY)
    replan(course)
    return course


def of(course: Course, *kinds: str) -> list[Message]:
    rows = outbox.messages_of(course)
    return list((rows.filter(kind__in=kinds) if kinds else rows).order_by("id"))


def due(message: Message) -> tuple[dt.date, str]:
    local = message.due_at.astimezone(message.site.zone)
    return local.date(), f"{local:%H:%M}"


def due_letter(message: Message) -> Any:
    return letters.rehearse(message)


class TestTimeToBook:
    def test_is_written_seven_days_before_the_next_date(self, course: Course) -> None:
        second = course.planned_sessions.get(number=2)
        (message,) = of(course, "msg-next")
        assert (message.state, message.cause_revision) == (S.SCHEDULED, 2)
        assert due(message) == (second.ideal - dt.timedelta(days=7), "10:00")

    def test_overdue_is_written_for_the_day_after_the_window(self, course: Course) -> None:
        second = course.planned_sessions.get(number=2)
        expected = [second.latest + dt.timedelta(days=1)] if second.latest else []
        assert [due(message)[0] for message in of(course, "msg-late")] == expected

    def test_is_withdrawn_by_a_booking_and_comes_back_with_its_cancellation(self, day: CareDay, course: Course) -> None:
        second = course.planned_sessions.get(number=2)
        visit = book(day, course, 2, second.ideal)
        assert {(m.state, m.reason) for m in of(course, "msg-next", "msg-late")} == {
            (S.SUPPRESSED, course_messages.FOLLOWS_THE_COURSE)
        }
        booking.cancel(appointment=visit, seen_version=visit.version, reason="Patient is ill", by=day.by)
        assert [m.state for m in of(course, "msg-next")] == [S.SCHEDULED]

    def test_follows_a_date_that_moves(self, course: Course) -> None:
        before = due(of(course, "msg-next")[0])[0]
        PlannedSession.objects.filter(course=course, number=1).update(done_on=THURSDAY + dt.timedelta(days=3))
        replan(course)
        (message,) = of(course, "msg-next")
        assert due(message)[0] > before

    def test_nothing_is_written_whose_moment_has_passed(self, day: CareDay) -> None:
        course = make.make_course(day.patient, day.doctor, site=day.site)
        replan(course)  # the first session stands on today
        assert not [m for m in of(course, "msg-next") if m.due_at <= timezone.now()]

    def test_a_stopped_course_asks_for_nothing_more(self, day: CareDay, course: Course) -> None:
        course.refresh_from_db()
        coursework.stop(course=course, seen_version=course.version, reason="Moved away", by=day.by)
        assert {(m.state, m.reason) for m in of(course)} == {(S.SUPPRESSED, course_messages.COURSE_ENDED)}

    def test_an_open_event_holds_it_back(self, day: CareDay, course: Course, monkeypatch: Any) -> None:
        monkeypatch.setattr(messaging, "stopped_by_event", lambda patient: True)
        Message.objects.filter(cause_kind="course").update(state=S.SUPPRESSED, reason="for the test")
        PlannedSession.objects.filter(course=course, number=1).update(done_on=THURSDAY + dt.timedelta(days=1))
        replan(course)
        assert not [m for m in of(course) if m.state == S.SCHEDULED]


class TestReviewsAndMaintenance:
    def test_a_review_is_written_for_each_date_of_the_indication(self, course: Course) -> None:
        indication = catalogue.in_force().indications[course.indication]
        kinds = sorted("msg-review-1m" if one.days <= 90 else "msg-review-6m" for one in indication.reviews if one.days)
        assert sorted(m.kind for m in of(course) if m.kind.startswith("msg-review")) == kinds
        assert kinds, "the indication of these tests has reviews"

    def test_after_the_last_session_the_maintenance_is_what_comes_next(self, day: CareDay, course: Course) -> None:
        Course.objects.filter(pk=course.pk).update(status=CourseStatus.COMPLETED)
        PlannedSession.objects.filter(course=course).update(done_on=THURSDAY)
        course.refresh_from_db()
        course_messages.follow(course)
        maintenance = catalogue.in_force().indications[course.indication].maintenance
        scheduled = [m for m in of(course, "msg-next") if m.state == S.SCHEDULED]
        if maintenance is None:
            assert not scheduled
        else:
            assert [due(m)[0] for m in scheduled] == [after(maintenance.latest_days - 7)]
            assert "Possible days" in due_letter(scheduled[0]).text


class TestSentAgain:
    """A repeat speaks of the same session or review, whatever is written for the course before and after it."""

    def gone_wrong(self, message: Message) -> Message:
        outbox.move(message, S.SENDING, claimed_at=timezone.now())
        outbox.move(message, S.FAILED, reason="550 no")
        return message

    def again(self, message: Message, day: CareDay) -> Message:
        return message_repair.send_again(message=message, seen_state=message.state, by=day.by)

    def test_every_kind_says_what_it_said(self, day: CareDay, course: Course, at: Any, mailoutbox: Any) -> None:
        for message in sorted(of(course), key=lambda one: one.due_at):
            said = due_letter(message).text
            at(message.due_at.isoformat())
            again = self.again(self.gone_wrong(message), day)
            assert (again.number, again.pk == message.pk) == (message.number, False)
            assert due_letter(again).text.split("http")[0] == said.split("http")[0], message.kind
            third = self.again(self.gone_wrong(again), day)
            assert (third.number, third.cause_revision) == (message.number, message.number + 2000)

    def test_repeats_of_before_get_the_number_of_what_they_repeat(self, day: CareDay, course: Course) -> None:
        """They had taken the next free number, as if they were the mails of later sessions."""
        (message,) = of(course, "msg-next")
        first = self.again(self.gone_wrong(message), day)
        second = self.again(self.gone_wrong(first), day)
        (late,) = of(course, "msg-late")
        beside = self.again(self.gone_wrong(late), day)
        for row, before in ((first, 3), (second, 4), (beside, 3)):
            Message.objects.filter(pk=row.pk).update(cause_revision=before)
        third = self.again(Message.objects.get(pk=message.pk), day)  # sent again by today's code, before the old ones moved
        wanted = {message.pk: 2, first.pk: 1002, second.pk: 2002, third.pk: 3002, late.pk: 2, beside.pk: 1002}
        migration = import_module("sessions.migrations.0014_numbers_of_repeats")
        editor = SimpleNamespace(connection=connection)
        for _time in range(2):  # a second time changes nothing
            migration.renumber(apps, editor)
            assert {row.pk: row.cause_revision for row in of(course, "msg-next", "msg-late")} == wanted
        replan(course)
        assert {row.state for row in of(course, "msg-next") if row.pk in {second.pk, third.pk}} == {S.SCHEDULED}
        migration.number_on(apps, editor)
        back = {row.pk: row.cause_revision for row in of(course, "msg-next", "msg-late")}
        assert [back[one.pk] for one in (message, first, second, third, late, beside)] == [2, 3, 4, 5, 2, 3]
        migration.renumber(apps, editor)
        assert {row.pk: row.cause_revision for row in of(course, "msg-next", "msg-late")} == wanted

    def test_does_not_become_the_mail_of_the_next_session(self, day: CareDay, course: Course) -> None:
        (message,) = of(course, "msg-next")
        again = self.again(self.gone_wrong(message), day)
        PlannedSession.objects.filter(course=course, number=2).update(done_on=THURSDAY + dt.timedelta(days=1))
        replan(course)
        again.refresh_from_db()
        assert again.state == S.SCHEDULED, "a person asked for it: what the course wants does not withdraw it"
        assert sorted(one.number for one in of(course, "msg-next")) == [2, 2, 3]

    def test_a_failed_one_needs_somebody_until_it_is_repeated(self, day: CareDay, course: Course) -> None:
        """The mail of the next session is no repeat of it."""
        (message,) = of(course, "msg-next")
        self.gone_wrong(message)
        PlannedSession.objects.filter(course=course, number=2).update(done_on=THURSDAY + dt.timedelta(days=1))
        replan(course)
        assert len(of(course, "msg-next")) == 2
        assert list(Message.objects.needing_somebody()) == [message]
        self.again(message, day)
        assert not Message.objects.needing_somebody().exists()


class TestSending:
    def send_at(self, at: Any, message: Message) -> Message:
        at(message.due_at.isoformat())
        sending.send_due()
        message.refresh_from_db()
        return message

    def test_each_mail_is_written_with_its_days_and_names_no_treatment_in_its_subject(
        self, course: Course, at: Any, mailoutbox: Any
    ) -> None:
        for message in sorted(of(course), key=lambda one: one.due_at):
            sent = self.send_at(at, message)
            assert sent.state == S.SENT, (sent.kind, sent.reason)
            assert sent.subject
            assert "ydrat" not in sent.subject
            assert "2026" not in sent.subject
            assert sent.text.count("Do not stop any prescribed medicine yourself") == 1

    def test_a_booking_made_meanwhile_stops_it(self, day: CareDay, course: Course, at: Any) -> None:
        (message,) = of(course, "msg-next")
        Appointment.objects.filter(course=course).delete()
        second = course.planned_sessions.get(number=2)
        book(day, course, 2, second.ideal)
        Message.objects.filter(pk=message.pk).update(state=S.SCHEDULED, reason="")  # as if nobody had withdrawn it
        assert self.send_at(at, message).reason == course_messages.NEXT_IS_BOOKED

    def test_a_block_stops_the_mails_of_the_course(self, course: Course, at: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(withholding, "newest_says_no", lambda course: True)
        (message,) = of(course, "msg-next")
        assert self.send_at(at, message).reason == withholding.BLOCKED

    def test_who_does_without_a_kind_does_not_get_it(self, day: CareDay, course: Course, at: Any) -> None:
        privacy.choose(patient=day.patient, kind="msg-next", allowed=False, source="page", by=day.by)
        (message,) = of(course, "msg-next")
        assert self.send_at(at, message).reason == withholding.NOT_WANTED


class TestBeforeAVisit:
    def visit(self, day: CareDay, course: Course, days: int) -> Appointment:
        return book(day, course, 1, after(days))

    def test_preparation_is_written_a_week_ahead_at_ten(self, day: CareDay) -> None:
        course = make.make_course(day.patient, day.doctor, site=day.site, first_day=after(14))
        visit = self.visit(day, course, 14)
        (message,) = outbox.messages_of(visit).filter(kind="msg-prep-7d")
        assert due(message) == (after(7), "10:00")
        assert "painkillers" in due_letter(message).text

    def test_less_than_a_week_ahead_its_words_stand_in_the_confirmation(self, day: CareDay) -> None:
        course = make.make_course(day.patient, day.doctor, site=day.site, first_day=after(5))
        visit = self.visit(day, course, 5)
        assert not outbox.messages_of(visit).filter(kind="msg-prep-7d").exists()
        confirmation = outbox.messages_of(visit).get(kind="msg-confirm")
        assert "painkillers" in due_letter(confirmation).text

    def test_the_test_is_asked_for_while_a_new_product_has_none(self, day: CareDay, at: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(messaging, "needs_test", lambda appointment: True)
        course = make.make_course(day.patient, day.doctor, site=day.site, first_day=after(14))
        visit = self.visit(day, course, 14)
        (message,) = outbox.messages_of(visit).filter(kind="msg-allergy-test")
        assert due(message) == (after(9), "10:00")
        monkeypatch.setattr(messaging, "needs_test", lambda appointment: False)
        at(message.due_at.isoformat())
        sending.send_due()
        message.refresh_from_db()
        assert (message.state, message.reason) == (S.SUPPRESSED, withholding.NO_TEST_NEEDED)

    def test_no_preparation_for_a_consultation(self, day: CareDay) -> None:
        visit = booking.book(
            patient=day.patient, service=make.make_service(kind="consultation", code="consult-x", indication=""),
            site=day.site, practitioner=day.doctor, room=day.room,
            starts_at=dt.datetime.combine(after(14), dt.time(15), day.site.zone), by=day.by,
        )  # fmt: skip
        assert not outbox.messages_of(visit).filter(kind__in=["msg-prep-7d", "msg-allergy-test"]).exists()


def test_only_mails_a_patient_can_do_without_may_be_declined() -> None:
    kept = {kind.code for kind in KINDS.values() if not kind.optional}
    assert {"msg-confirm", "msg-24h", "msg-moved", "msg-cancelled", "msg-after-0", "msg-48h", "msg-ntm-6w"} <= kept
