"""Message rules: what the manager decides holds for every message not sent yet, and is counted before it is saved."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import Refused
from protocols import catalogue
from sessions import message_rules, messaging, outbox, rule_following, ruling, sending
from sessions.choices import MessageState
from sessions.models import Course, Message, MessageRule, MessageRuleVersion, PlannedSession
from sessions.own_words import Words
from sessions.planned import replan
from sessions.rule_following import Effect
from sessions.ruling import Wish
from tests import factories
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import NEXT_THURSDAY, MailDay, make_mail_day
from tests.sessions.ruleday import AS_SHIPPED, OWN, decide, due, rule_for, the
from tests.sinks import Sink

pytestmark = pytest.mark.django_db
S = MessageState


@pytest.fixture
def day(at: Callable[[str], Any]) -> MailDay:
    at(MORNING)
    return make_mail_day()


@pytest.fixture
def by(day: MailDay) -> Doer:
    return Doer.staff(factories.make_user(Role.MANAGER, name="Ines Prado"), day.clinic.site)


class TestWhen:
    def test_a_figure_moves_what_waits_and_what_is_written_later(self, day: MailDay, by: Doer) -> None:
        day.book()
        assert due(the(day, "msg-24h")) == (NEXT_THURSDAY - dt.timedelta(days=1), "10:00")
        assert ruling.foresee(rule=rule_for("msg-24h"), wish=Wish(True, {"days": 3}, {})) == Effect(changed=1)
        assert due(the(day, "msg-24h"))[0] == NEXT_THURSDAY - dt.timedelta(days=1)  # looking changes nothing
        assert decide("msg-24h", Wish(True, {"days": 3}, {}), by) == Effect(changed=1)
        message = the(day, "msg-24h")
        assert due(message) == (NEXT_THURSDAY - dt.timedelta(days=3), "10:00")
        assert message.steps.last().reason == rule_following.RULE_CHANGED
        day.patient = factories.make_patient(day.clinic.site)
        day.book("11:00")
        assert due(the(day, "msg-24h"))[0] == NEXT_THURSDAY - dt.timedelta(days=3)

    def test_a_moment_that_has_passed_means_now(self, day: MailDay, by: Doer, at: Any) -> None:
        day.book()
        at("2026-03-17T12:00+00:00")  # two days before
        assert decide("msg-24h", Wish(True, {"days": 3}, {}), by) == Effect(changed=1)
        assert the(day, "msg-24h").due_at == timezone.now()

    def test_one_that_came_too_late_by_the_old_rule_comes_back(self, day: MailDay, by: Doer, at: Any) -> None:
        decide("msg-24h", Wish(True, {"days": 3}, {}), by)
        at("2026-03-17T12:00+00:00")
        day.book()
        assert the(day, "msg-24h").reason == messaging.TOO_LATE_TO_REMIND
        assert decide("msg-24h", AS_SHIPPED, by) == Effect(added=1)
        message = the(day, "msg-24h")
        assert (message.state, due(message)[0]) == (S.SCHEDULED, NEXT_THURSDAY - dt.timedelta(days=1))

    def test_hours_after_a_session_move_with_their_usefulness(self, day: MailDay, by: Doer) -> None:
        record = day.treat()
        assert decide("msg-48h", Wish(True, {"hours": 72}, {}), by) == Effect(changed=1)
        message = the(day, "msg-48h")
        assert message.due_at == record.ended_at + dt.timedelta(hours=72)  # type: ignore[operator]
        assert message.useful_until == message.due_at + dt.timedelta(hours=48)

    def test_what_was_sent_and_what_is_tried_again_stay(self, day: MailDay, by: Doer) -> None:
        day.book()
        message = the(day, "msg-24h")
        Message.objects.filter(pk=message.pk).update(attempts=1)
        assert decide("msg-24h", Wish(True, {"days": 2}, {}), by) == Effect()
        assert the(day, "msg-24h").due_at == message.due_at

    @pytest.mark.parametrize(
        ("kind", "figures"), [("msg-24h", {"days": 4}), ("msg-prep-7d", {"days": 6}), ("msg-24h-after", {"hours": 23}),
                              ("msg-confirm", {"days": 1}), ("msg-24h", {"hours": 1})]
    )  # fmt: skip
    def test_a_figure_outside_its_range_is_refused_and_nothing_changes(
        self, by: Doer, kind: str, figures: dict[str, int]
    ) -> None:
        with pytest.raises(Refused) as refusal:
            decide(kind, Wish(True, figures, {}), by)
        assert refusal.value.field in figures
        assert not MessageRuleVersion.objects.exists()


class TestWhether:
    def test_switched_off_is_withdrawn_with_the_reason_and_comes_back(self, day: MailDay, by: Doer) -> None:
        day.treat()
        assert decide("msg-4h", Wish(False, {}, {}), by) == Effect(withdrawn=1)
        assert (the(day, "msg-4h").state, the(day, "msg-4h").reason) == (S.SUPPRESSED, message_rules.SWITCHED_OFF)
        assert decide("msg-4h", AS_SHIPPED, by) == Effect(added=1)
        assert (the(day, "msg-4h").state, the(day, "msg-4h").reason) == (S.SCHEDULED, "")

    def test_what_is_written_while_it_is_off_says_so(self, day: MailDay, by: Doer) -> None:
        decide("msg-15h", Wish(False, {}, {}), by)
        day.treat()
        assert (the(day, "msg-15h").state, the(day, "msg-15h").reason) == (S.SUPPRESSED, message_rules.SWITCHED_OFF)

    def test_one_that_slipped_through_is_stopped_when_it_falls_due(self, day: MailDay, by: Doer, at: Any, sink: Sink) -> None:
        day.treat()
        MessageRule.objects.create(kind="msg-4h", is_sent=False)
        at("2026-03-12T11:30+00:00")
        sending.send_due()
        assert the(day, "msg-4h").reason == message_rules.SWITCHED_OFF

    @pytest.mark.parametrize("kind", ["msg-confirm", "msg-24h", "msg-after-0", "msg-48h", "msg-ntm-6w", "msg-prep-7d"])
    def test_what_safety_depends_on_cannot_be_switched_off(self, by: Doer, kind: str) -> None:
        with pytest.raises(Refused) as refusal:
            decide(kind, Wish(False, {}, {}), by)
        assert refusal.value.field == "is_sent"

    def test_a_narrower_rule_wins_and_given_up_it_no_longer_does(self, day: MailDay, by: Doer) -> None:
        record = day.treat()
        own = ruling.open_rule(kind="msg-4h", site=None, indication=record.course.indication, by=by)
        assert decide("msg-4h", Wish(False, {}, {}), by, own) == Effect(withdrawn=1)
        elsewhere = ruling.open_rule(kind="msg-4h", site=factories.make_site(), indication="", by=by)
        assert decide("msg-4h", Wish(False, {}, {}), by, elsewhere) == Effect()
        own.refresh_from_db()
        _ended, effect = ruling.end_rule(rule=own, seen_version=own.version, by=by)
        assert effect == Effect(added=1)
        again = ruling.open_rule(kind="msg-4h", site=None, indication=record.course.indication, by=by)
        assert (again.pk, again.is_sent, again.is_active) == (own.pk, None, True)


class TestOfACourse:
    @pytest.fixture
    def course(self, day: MailDay) -> Course:
        course = factories.make_course(day.patient, day.clinic.doctor, site=day.clinic.site)
        PlannedSession.objects.filter(course=course, number=1).update(done_on=day.clinic.site.today())
        replan(course)
        return course

    def of(self, course: Course) -> Message:
        (message,) = outbox.messages_of(course).filter(kind="msg-next")
        return message  # type: ignore[no-any-return]

    def test_follows_figure_and_switch(self, course: Course, by: Doer) -> None:
        ideal = course.planned_sessions.get(number=2).ideal
        assert decide("msg-next", Wish(True, {"days": 3}, {}), by) == Effect(changed=1)
        assert due(self.of(course)) == (ideal - dt.timedelta(days=3), "10:00")
        assert decide("msg-next", Wish(False, {"days": 3}, {}), by) == Effect(withdrawn=1)
        assert self.of(course).reason == message_rules.SWITCHED_OFF
        replan(course)
        assert self.of(course).state == S.SUPPRESSED
        assert decide("msg-next", AS_SHIPPED, by) == Effect(added=1)
        assert (self.of(course).state, due(self.of(course))[0]) == (S.SCHEDULED, ideal - dt.timedelta(days=7))


class TestMany:
    def test_follow_in_the_background_and_say_so(self, day: MailDay, by: Doer, monkeypatch: Any) -> None:
        monkeypatch.setattr(rule_following, "AT_ONCE", 2)
        monkeypatch.setattr(rule_following, "CHUNK", 2)
        for number in range(5):
            day.patient = factories.make_patient(day.clinic.site)
            day.book(f"{9 + number:02}:00")
        effect = decide("msg-24h", Wish(True, {"days": 2}, {}), by)
        rule = rule_for("msg-24h")
        before = set(Message.objects.filter(kind="msg-24h").values_list("due_at", flat=True))
        assert (effect, rule.is_followed) == (Effect(changed=5), False)
        assert rule_following.work() == 5
        rule.refresh_from_db()
        assert (rule.is_followed, rule.followed_changed) == (True, 5)
        after = set(Message.objects.filter(kind="msg-24h").values_list("due_at", flat=True))
        assert after == {moment - dt.timedelta(days=1) for moment in before}
        assert rule_following.work() == 0

    def test_one_written_by_the_rule_before_is_caught_up_with(self, day: MailDay, by: Doer, at: Any) -> None:
        """A booking that was under way while the manager saved."""
        day.book()
        before = the(day, "msg-24h").due_at
        decide("msg-24h", Wish(True, {"days": 2}, {}), by)
        Message.objects.filter(kind="msg-24h").update(due_at=before)
        assert rule_following.work() == 1
        assert the(day, "msg-24h").due_at == before - dt.timedelta(days=1)
        Message.objects.filter(kind="msg-24h").update(due_at=before)
        at("2026-03-12T07:10+00:00")
        assert rule_following.work() == 0  # long settled: nobody looks any more

    def test_counting_asks_the_same_number_of_queries_for_many(
        self, day: MailDay, by: Doer, django_assert_num_queries: Any
    ) -> None:
        for number in range(6):
            day.patient = factories.make_patient(day.clinic.site)
            day.book(f"{9 + number:02}:00")
        rule = rule_for("msg-24h")
        with django_assert_num_queries(6):
            assert ruling.foresee(rule=rule, wish=Wish(True, {"days": 2}, {})).changed == 6
        with django_assert_num_queries(7):
            assert ruling.foresee(rule=rule, wish=AS_SHIPPED.with_words("en", OWN)).changed == 6

    def test_words_of_one_protocol_change_its_messages_alone(self, day: MailDay, by: Doer) -> None:
        record = day.treat()
        own = ruling.open_rule(kind="msg-48h", site=None, indication=record.course.indication, by=by)
        words = Words("Well?", "How are you?", "{advice}\n{link}")
        assert ruling.foresee(rule=own, wish=AS_SHIPPED.with_words("en", words)) == Effect(changed=1)
        other = next(code for code in catalogue.in_force().indications if code != record.course.indication)
        elsewhere = ruling.open_rule(kind="msg-48h", site=None, indication=other, by=by)
        assert ruling.foresee(rule=elsewhere, wish=AS_SHIPPED.with_words("en", words)) == Effect()
