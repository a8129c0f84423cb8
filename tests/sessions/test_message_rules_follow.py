"""What follows a message rule, and what must not: older rows of one session, an open event, a figure nobody changed."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import Doer
from patients.models import Patient
from sessions import (
    before_the_first,
    letters,
    message_rules,
    messaging,
    outbox,
    reactions,
    rule_following,
    ruling,
    sending,
)
from sessions.choices import MessageState
from sessions.models import Appointment, Message, PlannedSession, TreatmentSession
from sessions.own_words import Words
from sessions.planned import replan
from sessions.reactions import Report
from sessions.rule_following import Effect
from sessions.ruling import Wish
from tests import factories as make
from tests.healthy import make_healthy
from tests.sessions.careday import CareDay, make_care_day
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import MailDay, make_mail_day
from tests.sessions.ruleday import AS_SHIPPED, OWN, decide, due, rule_for, the
from tests.sessions.test_edited_gates import put_in_force

pytestmark = pytest.mark.django_db
S = MessageState
OFF = Wish(False, {}, {})


@pytest.fixture
def day(at: Callable[[str], Any]) -> MailDay:
    at(MORNING)
    return make_mail_day()


@pytest.fixture
def by(day: MailDay) -> Doer:
    return Doer.staff(make.make_user(Role.MANAGER, name="Ines Prado"), day.clinic.site)


def stamp(record: TreatmentSession, day: MailDay, ended_at: dt.datetime | None) -> None:
    """The end is corrected, or taken back."""
    record.ended_at = ended_at
    record.save()
    messaging.end_corrected(treatment_session=record, by=day.by)


def something_happened(day: MailDay, grade: int = 2) -> None:
    reactions.report(
        patient=day.patient, site=day.clinic.site, event=Report(grade=grade, reaction="ae-haematoma"),
        by=day.clinic.by_doctor,
    )  # fmt: skip


@pytest.fixture
def care(at: Callable[[str], Any]) -> CareDay:
    at(MORNING)
    return make_care_day()


def silent_visit(care: CareDay, patient: Patient | None = None, days: int = 14) -> Appointment:
    """A treatment without any mail written yet."""
    course = care.course(patient)
    starts_at = timezone.now() + dt.timedelta(days=days, hours=Appointment.objects.count())
    return make.make_appointment(
        course.patient, practitioner=care.doctor, room=care.room, service=care.service, course=course,
        planned_session=course.planned_sessions.get(number=1), starts_at=starts_at,
    )  # fmt: skip


class TestOneSessionStampedAgain:
    """Each time an end is stamped it gets rows of its own: only the newest is judged."""

    def test_corrected_while_switched_off_comes_back_once(self, day: MailDay, by: Doer) -> None:
        record = day.treat()
        decide("msg-4h", OFF, by)
        stamp(record, day, timezone.now() + dt.timedelta(minutes=10))
        assert decide("msg-4h", AS_SHIPPED, by) == Effect(added=1)
        first, second = day.messages("msg-4h")
        assert (first.state, second.state) == (S.SUPPRESSED, S.SCHEDULED)
        assert rule_following.work() == 0

    def test_switched_on_while_the_end_is_taken_back(self, day: MailDay, by: Doer) -> None:
        record = day.treat()
        decide("msg-4h", OFF, by)
        stamp(record, day, None)
        assert decide("msg-4h", AS_SHIPPED, by) == Effect()
        stamp(record, day, timezone.now() + dt.timedelta(minutes=10))
        assert rule_following.work() == 0
        assert [message.state for message in day.messages("msg-4h")] == [S.SUPPRESSED, S.SCHEDULED]

    def test_one_that_was_sent_has_no_earlier_one_come_back(self, day: MailDay, by: Doer) -> None:
        record = day.treat()
        decide("msg-4h", OFF, by)
        stamp(record, day, timezone.now() + dt.timedelta(minutes=10))
        newest = day.messages("msg-4h")[-1]
        Message.objects.filter(pk=newest.pk).update(state=S.SENT, sent_at=timezone.now(), reason="")
        assert decide("msg-4h", AS_SHIPPED, by) == Effect()


class TestWhileAnEventIsOpen:
    def test_switching_on_adds_nothing_after_a_session(self, day: MailDay, by: Doer) -> None:
        day.treat()
        decide("msg-4h", OFF, by)
        something_happened(day)
        assert ruling.foresee(rule=rule_for("msg-4h"), wish=AS_SHIPPED) == Effect()
        assert decide("msg-4h", AS_SHIPPED, by) == Effect()
        assert the(day, "msg-4h").state == S.SUPPRESSED

    def test_nor_for_a_course(self, day: MailDay, by: Doer) -> None:
        course = make.make_course(day.patient, day.clinic.doctor, site=day.clinic.site)
        PlannedSession.objects.filter(course=course, number=1).update(done_on=day.clinic.site.today())
        replan(course)
        assert decide("msg-next", OFF, by) == Effect(withdrawn=1)
        something_happened(day)
        assert decide("msg-next", AS_SHIPPED, by) == Effect()

    def test_grade_one_stops_nothing(self, day: MailDay, by: Doer) -> None:
        day.treat()
        decide("msg-4h", OFF, by)
        something_happened(day, grade=1)
        assert decide("msg-4h", AS_SHIPPED, by) == Effect(added=1)

    def test_one_that_slipped_through_is_stopped_when_it_falls_due(self, day: MailDay, at: Any) -> None:
        day.treat()
        something_happened(day)
        message = the(day, "msg-4h")
        Message.objects.filter(patient=day.patient, kind="msg-4h").update(state=S.SCHEDULED, reason="")
        at(message.due_at.isoformat())
        sending.send_due()
        message.refresh_from_db()
        assert (message.state, message.reason) == (S.SUPPRESSED, messaging.EVENT_OPEN)

    def test_what_answers_a_deed_still_goes(self, day: MailDay, mailoutbox: Any) -> None:
        day.book()
        something_happened(day)
        sending.send_due()
        assert the(day, "msg-confirm").state == S.SENT


class TestMomentsStay:
    """A later catalogue has other figures. What waits keeps its moment until somebody changes a figure of its rule."""

    def test_other_words_move_nothing(self, day: MailDay, by: Doer) -> None:
        day.book()
        record = day.treat()
        before = {kind: the(day, kind).due_at for kind in ("msg-24h", "msg-15h", "msg-48h")}
        put_in_force(day.clinic, "ac-no-water", {"hours_until": 12})
        put_in_force(day.clinic, "msg-24h", {"limits.days": 2})
        put_in_force(day.clinic, "msg-48h", {"limits.hours": 60})
        words = {
            "msg-24h": OWN, "msg-15h": Words("Washing", "On {day}.", "{advice}"),
            "msg-48h": Words("Well?", "How are you?", "{advice}\n{link}"),
        }  # fmt: skip
        for kind, one in words.items():
            assert decide(kind, AS_SHIPPED.with_words("en", one), by) == Effect(changed=1), kind
            assert rule_following.work() == 0
            assert the(day, kind).due_at == before[kind], kind
        assert letters.rehearse(the(day, "msg-24h")).subject == "We see you on Thursday 19 March"
        assert decide("msg-48h", Wish(True, {"hours": 72}, {}), by) == Effect(changed=1)
        assert the(day, "msg-48h").due_at == record.ended_at + dt.timedelta(hours=72)  # type: ignore[operator]

    def test_washing_comes_back_at_the_time_on_the_printed_sheet(self, day: MailDay, by: Doer) -> None:
        day.treat()
        before = the(day, "msg-15h").due_at
        decide("msg-15h", OFF, by)
        put_in_force(day.clinic, "ac-no-water", {"hours_until": 12})
        assert decide("msg-15h", AS_SHIPPED, by) == Effect(added=1)
        assert the(day, "msg-15h").due_at == before

    def test_a_rule_given_up_takes_its_figures_with_it(self, day: MailDay, by: Doer, monkeypatch: Any) -> None:
        monkeypatch.setattr(rule_following, "AT_ONCE", 0)
        day.book()
        here = ruling.open_rule(kind="msg-24h", site=day.clinic.site, indication="", by=by)
        decide("msg-24h", Wish(None, {"days": 2}, {}), by, here)
        assert rule_following.work() == 1
        here.refresh_from_db()
        ruling.end_rule(rule=here, seen_version=here.version, by=by)
        assert rule_following.work() == 1
        assert due(the(day, "msg-24h"))[0] == dt.date(2026, 3, 18)


class TestAnotherHandMeanwhile:
    def steps(self) -> list[rule_following.Step]:
        rules = message_rules.in_force(["msg-prep-7d"])
        return list(rule_following.steps_for(rule_for("msg-prep-7d"), rules, retime=True))

    def test_a_visit_that_is_as_seen_gets_its_mail(self, care: CareDay) -> None:
        visit = silent_visit(care)
        assert rule_following.take(self.steps()) == Effect(added=1)
        assert outbox.messages_of(visit).get().kind == "msg-prep-7d"

    @pytest.mark.parametrize("changed", [{"version": 7}, {"status": "arrived"}])
    def test_a_visit_that_changed_is_left_to_the_next_look(self, care: CareDay, changed: dict[str, Any]) -> None:
        visit = silent_visit(care)
        steps = self.steps()
        Appointment.objects.filter(pk=visit.pk).update(**changed)
        assert rule_following.take(steps) == Effect()
        assert not outbox.messages_of(visit).exists()

    def test_a_mail_written_meanwhile_is_the_only_one(self, care: CareDay) -> None:
        visit = silent_visit(care)
        steps = self.steps()
        messaging.write_visit("msg-prep-7d", visit, by=care.by, due_at=steps[0].due_at)
        Message.objects.update(state=S.SENT, sent_at=timezone.now())
        assert rule_following.take(steps) == Effect()
        assert outbox.messages_of(visit).count() == 1

    def test_a_session_stamped_again_meanwhile(self, day: MailDay, by: Doer) -> None:
        record = day.treat()
        decide("msg-4h", OFF, by)
        without = message_rules.as_rules([], message_rules.in_force().base)
        steps = list(rule_following.steps_for(rule_for("msg-4h"), without, retime=False))
        assert [step.act for step in steps] == ["added"]
        stamp(record, day, timezone.now() + dt.timedelta(minutes=10))
        assert rule_following.take(steps) == Effect()


class TestAllergyTest:
    def test_asks_as_many_queries_for_many_visits_as_for_one(self, care: CareDay) -> None:
        asked = []
        for patients in (1, 5):
            for _number in range(patients):
                silent_visit(care, make_healthy(make.make_patient(care.site), care.doctor))
            with CaptureQueriesContext(connection) as queries:
                effect = ruling.foresee(rule=rule_for("msg-allergy-test"), wish=Wish(True, {"days": 6}, {}))
            asked.append((effect, len(queries)))
        assert [effect.added for effect, _count in asked] == [1, 6]
        assert asked[0][1] == asked[1][1] <= 16

    def test_says_the_same_for_many_as_for_each(self, care: CareDay) -> None:
        visits = [silent_visit(care, make_healthy(make.make_patient(care.site), care.doctor), days=4) for _ in range(3)]
        care.tested(visits[1].patient, hours_ago=24 * 100)
        care.tested(visits[2].patient, hours_ago=25)
        each = {one.pk for one in visits if messaging.needs_test(one)}
        assert before_the_first.visits_to_test_for(visits) == each
        assert visits[0].pk in each
        assert before_the_first.visits_to_test_for([]) == set()


class TestTheLateCheckOfTheSessionBefore:
    """It counts from the latest session of the course. A session whose end is taken back is none."""

    @pytest.fixture
    def first(self, day: MailDay, at: Any) -> TreatmentSession:
        return day.treat()

    def second(self, day: MailDay, first: TreatmentSession) -> TreatmentSession:
        now = timezone.now()
        visit = make.make_appointment(
            day.patient, practitioner=day.clinic.doctor, room=day.clinic.room, starts_at=now - dt.timedelta(minutes=30),
            course=first.course, status="done",
        )  # fmt: skip
        fields = {"catalogue": first.catalogue, "opened_by": first.opened_by, "practitioner": first.practitioner}
        record = TreatmentSession.objects.create(
            appointment=visit, patient=day.patient, course=first.course, status="ended", opened_at=now,
            history_confirmed_at=now, begun_at=now - dt.timedelta(minutes=20), ended_at=now, technique=first.technique,
            delivery=first.delivery, **fields,
        )  # fmt: skip
        messaging.treatment_ended(treatment_session=record, by=day.by)
        return record

    def check_of(self, record: TreatmentSession) -> Message:
        newest = outbox.messages_of(record).filter(kind="msg-ntm-6w").order_by("id").last()
        assert isinstance(newest, Message)
        return newest

    def test_comes_back_with_the_end_taken_back_and_goes_with_the_next(
        self, day: MailDay, first: TreatmentSession, at: Any
    ) -> None:
        moment = self.check_of(first).due_at
        at("2026-03-26T07:50:00+00:00")
        record = self.second(day, first)
        assert (self.check_of(first).state, self.check_of(first).reason) == (S.SUPPRESSED, messaging.LATER_SESSION)
        stamp(record, day, None)
        assert (self.check_of(first).state, self.check_of(first).due_at) == (S.SCHEDULED, moment)
        stamp(record, day, timezone.now())
        assert (self.check_of(first).state, self.check_of(first).reason) == (S.SUPPRESSED, messaging.LATER_SESSION)
        waiting = Message.objects.filter(kind="msg-ntm-6w", state=S.SCHEDULED)
        assert [one.cause_public_id for one in waiting] == [record.public_id]

    def test_one_withdrawn_for_another_reason_stays_so(self, day: MailDay, first: TreatmentSession, at: Any) -> None:
        at("2026-03-26T07:50:00+00:00")
        record = self.second(day, first)
        Message.objects.filter(pk=self.check_of(first).pk).update(reason=messaging.NOT_WANTED)
        stamp(record, day, None)
        assert self.check_of(first).state == S.SUPPRESSED

    def test_not_while_an_event_is_open(self, day: MailDay, first: TreatmentSession, at: Any) -> None:
        at("2026-03-26T07:50:00+00:00")
        record = self.second(day, first)
        something_happened(day)
        stamp(record, day, None)
        assert self.check_of(first).state == S.SUPPRESSED

    def test_one_that_would_come_too_late_stays_away(self, day: MailDay, first: TreatmentSession, at: Any) -> None:
        at("2026-06-26T07:50:00+00:00")
        record = self.second(day, first)
        Message.objects.filter(pk=self.check_of(first).pk).update(state=S.SUPPRESSED, reason=messaging.LATER_SESSION)
        stamp(record, day, None)
        assert self.check_of(first).state == S.SUPPRESSED
