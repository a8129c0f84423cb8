"""Message rules: what the manager decides holds for every message not sent yet, and is counted before it is saved."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from clinic.choices import Permission, Role
from clinic.context import BADGES
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.models import AuditEvent
from protocols import catalogue
from sessions import letters, message_rules, messaging, outbox, rule_following, ruling, sending, testing_mails
from sessions.board_revision import revision_of
from sessions.choices import MessageState
from sessions.letter_parts import Letter
from sessions.message_places import PLACES
from sessions.message_texts import LANGUAGES, say
from sessions.models import Course, Message, MessageRule, MessageRuleVersion, PlannedSession
from sessions.own_words import Words
from sessions.planned import replan
from sessions.previewing import preview
from sessions.rule_following import Effect
from sessions.ruling import Wish
from sessions.sample_letters import sample_letter
from sessions.today import needs_of
from tests import factories
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import NEXT_THURSDAY, MailDay, make_mail_day
from tests.sinks import Sink, running_sink

pytestmark = pytest.mark.django_db
S = MessageState
AS_SHIPPED = Wish(True, {}, {})
OWN = Words("We see you on {day}", "Come on {day} at {time}.", "Dear all,\n\n{advice}\n\n{link}\n\nYours, {clinic}")


@pytest.fixture
def day(at: Callable[[str], Any]) -> MailDay:
    at(MORNING)
    return make_mail_day()


@pytest.fixture
def by(day: MailDay) -> Doer:
    return Doer.staff(factories.make_user(Role.MANAGER, name="Ines Prado"), day.clinic.site)


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    with running_sink() as sink:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        yield sink


def rule_for(kind: str) -> MessageRule:
    return MessageRule.objects.filter(kind=kind, site=None, indication="").first() or MessageRule(kind=kind)


def decide(kind: str, wish: Wish, by: Doer, rule: MessageRule | None = None) -> Effect:
    rule = rule or rule_for(kind)
    _saved, effect = ruling.set_rule(rule=rule, seen_version=rule.version, wish=wish, by=by)
    return effect


def due(message: Message) -> tuple[dt.date, str]:
    local = message.due_at.astimezone(message.site.zone)
    return local.date(), f"{local:%H:%M}"


def the(day: MailDay, kind: str) -> Message:
    (message,) = day.messages(kind)
    return message


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


class TestWords:
    def test_are_sent_with_their_version_and_the_rest_of_the_mail_stays(self, day: MailDay, by: Doer, sink: Sink) -> None:
        assert decide("msg-confirm", AS_SHIPPED.with_words("en", OWN), by) == Effect()
        day.book()
        sending.send_due()
        message = the(day, "msg-confirm")
        assert message.subject == "We see you on Thursday 19 March"
        assert message.rule_version is not None
        assert message.rule_version.number == 2
        for said in ("Come on Thursday 19 March at 10:00.", "Dear all,", "Please bring a list of all medicines", "Confirm: http",
                     "Do not stop any prescribed medicine", "Yours, "):  # fmt: skip
            assert said in sink.received[0].part("plain"), said
        decide("msg-confirm", AS_SHIPPED, by)
        message.refresh_from_db()
        assert message.rule_version.number == 2  # what was sent keeps the version it was written with

    def test_change_what_waits_and_are_counted(self, day: MailDay, by: Doer) -> None:
        day.book()
        wish = AS_SHIPPED.with_words("en", OWN)
        assert ruling.foresee(rule=rule_for("msg-24h"), wish=wish) == Effect(changed=1)
        decide("msg-24h", wish, by)
        assert letters.rehearse(the(day, "msg-24h")).subject == "We see you on Thursday 19 March"
        german = AS_SHIPPED.with_words("de", replace(OWN, subject="Am {day}"))
        assert decide("msg-24h", german, by) == Effect(changed=1)  # the English ones are taken back
        assert letters.rehearse(the(day, "msg-24h")).subject.startswith("Reminder")

    def test_a_language_without_words_takes_the_wider_rule_then_the_shipped_text(self, day: MailDay, by: Doer) -> None:
        decide("msg-24h", AS_SHIPPED.with_words("en", OWN), by)
        here = ruling.open_rule(kind="msg-24h", site=day.clinic.site, indication="", by=by)
        decide("msg-24h", AS_SHIPPED.with_words("tr", replace(OWN, subject="Görüşürüz {day}")), by, here)
        rules = message_rules.in_force(["msg-24h"])
        where = {"site": day.clinic.site, "indication": ""}
        found = {language: rules.words("msg-24h", language, **where) for language in ("en", "tr", "de")}
        assert [found["en"].rule.site, found["tr"].rule.site, found["de"]] == [None, day.clinic.site, None]  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        ("field", "written"),
        [("subject", "Hi {name}"), ("subject", "Your mesotherapy"), ("lead", "On {day}."), ("text", "{advice}"),
         ("text", "{link}"), ("text", "{link} {advice}"), ("subject", ""), ("subject", "x" * 121),
         ("text", "{link}\n{advice}" + "x" * 2000)],
    )  # fmt: skip
    def test_words_that_do_not_do_are_refused_beside_their_field(self, by: Doer, field: str, written: str) -> None:
        with pytest.raises(Refused) as refusal:
            decide("msg-confirm", AS_SHIPPED.with_words("en", replace(OWN, **{field: written})), by)
        assert refusal.value.field == field
        assert not MessageRuleVersion.objects.exists()

    def test_a_name_of_what_is_treated_is_refused_in_every_language(self, by: Doer) -> None:
        for language in LANGUAGES:
            name = next(iter(catalogue.in_force().indications.values())).name_in(language)
            with pytest.raises(Refused):
                decide("msg-confirm", AS_SHIPPED.with_words(language, replace(OWN, subject=f"{name}: {{day}}")), by)

    def test_a_corrected_end_keeps_its_own_first_sentence(self, day: MailDay, by: Doer, sink: Sink) -> None:
        words = replace(OWN, lead="All from {day} {time}.", text="{link}", subject="Yours")
        decide("msg-after-0", AS_SHIPPED.with_words("en", words), by)
        record = day.treat()
        sending.send_due()
        record.ended_at -= dt.timedelta(minutes=10)  # type: ignore[operator]
        record.save()
        messaging.end_corrected(treatment_session=record, by=day.by)
        first, second = day.messages("msg-after-0")
        assert "All from" in first.text
        assert "corrected the end time" in letters.rehearse(second).text

    @pytest.mark.parametrize(
        "hostile", ["<script>alert(1)</script>", "{{ settings.SECRET_KEY }}", "%(x)s", "\u202eevil", "a\x00b"]
    )
    def test_hostile_words_are_text_or_refused(self, day: MailDay, by: Doer, hostile: str) -> None:
        words = Words(f"{hostile} {{day}}", f"{hostile} {{day}} {{time}}", f"{hostile}\n{{advice}}\n{{link}}")
        try:
            decide("msg-24h", AS_SHIPPED.with_words("en", words), by)
        except Refused:
            return
        day.book()
        written = letters.rehearse(the(day, "msg-24h"))
        assert "<script>" not in written.html
        assert hostile in written.text


class TestKept:
    def test_each_change_is_a_version_with_who_when_and_what(self, by: Doer) -> None:
        decide("msg-4h", Wish(True, {"hours": 5}, {}), by)
        decide("msg-4h", Wish(False, {"hours": 5}, {}), by)
        second, first = MessageRuleVersion.objects.all()
        assert (first.number, first.changes, first.by) == (2, [["hours", None, 5]], by.user)
        assert (second.number, second.changes, second.is_sent) == (3, [["is_sent", True, False]], False)
        assert AuditEvent.objects.filter(action="message-rule-changed").count() == 2

    def test_saving_what_is_there_already_makes_no_version(self, by: Doer) -> None:
        assert decide("msg-4h", AS_SHIPPED, by) == Effect()
        assert not MessageRuleVersion.objects.exists()

    def test_somebody_who_was_faster_wins(self, by: Doer) -> None:
        stale = rule_for("msg-4h")
        decide("msg-4h", Wish(True, {"hours": 5}, {}), by)
        with pytest.raises(Stale):
            ruling.set_rule(rule=stale, seen_version=1, wish=Wish(False, {}, {}), by=by)
        assert rule_for("msg-4h").is_sent

    @pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.PRACTITIONER, Role.MEDICAL_LEAD])
    def test_other_roles_may_not(self, day: MailDay, role: str) -> None:
        with pytest.raises(NotPermitted):
            decide("msg-4h", Wish(False, {}, {}), Doer.staff(factories.make_user(role), day.clinic.site))
        assert not MessageRule.objects.filter(is_sent=False).exists()

    def test_a_manager_of_one_site_sets_its_rules_and_no_others(self, day: MailDay) -> None:
        local = Doer.staff(factories.make_user(Role.MANAGER, site=day.clinic.site), day.clinic.site)
        here = ruling.open_rule(kind="msg-4h", site=day.clinic.site, indication="", by=local)
        decide("msg-4h", Wish(False, {}, {}), local, here)
        with pytest.raises(NotPermitted):
            decide("msg-4h", Wish(False, {}, {}), local)
        with pytest.raises(NotPermitted):
            ruling.open_rule(kind="msg-4h", site=None, indication="ind-face", by=local)

    def test_one_rule_a_scope(self, day: MailDay, by: Doer) -> None:
        MessageRule.objects.create(kind="msg-4h")
        with pytest.raises(IntegrityError), transaction.atomic():
            MessageRule.objects.create(kind="msg-4h")
        ruling.open_rule(kind="msg-4h", site=day.clinic.site, indication="", by=by)
        for scope in ({"site": day.clinic.site, "indication": ""}, {"site": None, "indication": ""},
                      {"site": None, "indication": "ind-nothing"}):  # fmt: skip
            with pytest.raises(Refused):
                ruling.open_rule(kind="msg-4h", by=by, **scope)  # type: ignore[arg-type]


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


class TestSamples:
    def test_have_the_shape_of_the_mails_that_are_sent(self, day: MailDay) -> None:
        """What the preview shows with invented data differs from the real mail in its data alone."""
        visit = day.book()
        day.treat()
        messaging.intake_requested(patient=day.patient, site=day.clinic.site, by=day.by)
        real = [*day.messages(), *(Message(kind=kind, patient=day.patient, site=day.clinic.site, appointment=visit,
                                           cause_kind="appointment", cause_public_id=visit.public_id)
                                   for kind in ("msg-moved", "msg-cancelled", "msg-prep-7d"))]  # fmt: skip
        seen = set()
        for message in real:
            for language in ("en", "ar"):
                composed = letters.COMPOSERS[message.kind](message, language)
                sample = sample_letter(message.kind, language, message.site)
                assert shape_of(composed) == shape_of(sample), message.kind
                assert bool(composed.sections) == bool(sample.sections), message.kind
                if message.pk is not None and language == message.language:
                    sent, previewed = letters.rehearse(message), preview(message.kind, language, site=message.site, words=None)
                    for line in ("own-data", "stop-these"):
                        said = say(line, language)
                        assert (said in sent.text, said in sent.html) == (said in previewed.text, said in previewed.html), line
                assert set(sample.values) >= set(composed.values)
                assert set(composed.values) >= set(PLACES[message.kind].values), message.kind
            seen.add(message.kind)
        assert len(seen) == 12


def shape_of(letter: Letter) -> tuple[Any, ...]:
    return (
        [label for label, _where in letter.buttons], [label for label, _what in letter.facts], letter.opening,
        len(letter.paragraphs),
    )  # fmt: skip


class TestTestMails:
    def test_goes_to_oneself_marked_without_a_name_and_with_dead_links(self, day: MailDay, by: Doer, sink: Sink) -> None:
        day.book()
        sending.send_due()
        sink.received.clear()
        real = Message(kind="msg-24h", patient=day.patient, site=day.clinic.site, appointment=day.messages()[0].appointment,
                       cause_kind="appointment", cause_public_id=day.messages()[0].cause_public_id)  # fmt: skip
        message = testing_mails.send_test(kind="msg-24h", language="en", site=day.clinic.site, words=OWN, by=by, real=real)
        sending.send_due()
        (mail,) = sink.received
        assert mail.to == by.user.email  # type: ignore[union-attr]
        assert str(mail.email["Subject"]).startswith("[Test] We see you on Thursday 19 March")
        for part in ("plain", "html"):
            assert "Aisha" not in mail.part(part)
            assert "This is a test" in mail.part(part)
            assert "link-not-kept" in mail.part(part)
        message.refresh_from_db()
        assert (message.state, message.patient, message.is_test) == (S.SENT, None, True)

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_kind_can_be_tested_in_every_language(self, day: MailDay, by: Doer, language: str, monkeypatch: Any) -> None:
        monkeypatch.setattr(testing_mails, "AN_HOUR", 100)
        for kind in PLACES:
            message = testing_mails.send_test(kind=kind, language=language, site=day.clinic.site, words=None, by=by)
            assert message.subject
            assert "{" not in message.subject + message.text

    def test_at_most_ten_an_hour_and_a_double_click_is_one(self, day: MailDay, by: Doer, at: Any) -> None:
        send = {"kind": "msg-24h", "language": "en", "site": day.clinic.site, "by": by}
        first = testing_mails.send_test(words=None, **send)
        assert testing_mails.send_test(words=None, **send) == first
        for number in range(testing_mails.AN_HOUR - 1):
            testing_mails.send_test(words=replace(OWN, subject=f"{number} {{day}}"), **send)
        with pytest.raises(Refused):
            testing_mails.send_test(words=replace(OWN, subject="one more {day}"), **send)
        assert Message.objects.filter(is_test=True).count() == testing_mails.AN_HOUR
        at("2026-03-12T08:30+00:00")
        testing_mails.send_test(words=replace(OWN, subject="later {day}"), **send)

    def test_one_that_fails_is_nobodys_work(self, day: MailDay, by: Doer) -> None:
        site = day.clinic.site
        before = revision_of(site, site.today())
        message = testing_mails.send_test(kind="msg-24h", language="en", site=site, words=None, by=by)
        for state in (S.FAILED, S.BOUNCED, S.UNKNOWN):
            Message.objects.filter(pk=message.pk).update(state=state, reason="550 no")
            assert not Message.objects.needing_somebody().exists()
            assert BADGES["messages"](site) == 0
            held = frozenset({Permission.SEE_HEADLINE})
            assert needs_of(site, catalogue.in_force(), held).message_count == 0
            assert revision_of(site, site.today()) == before
        Message.objects.filter(pk=message.pk).update(is_test=False)
        assert Message.objects.needing_somebody().count() == BADGES["messages"](site) == 1
        assert needs_of(site, catalogue.in_force(), held).message_count == 1
        assert revision_of(site, site.today()) != before

    def test_only_managers(self, day: MailDay) -> None:
        with pytest.raises(NotPermitted):
            testing_mails.send_test(kind="msg-24h", language="en", site=day.clinic.site, words=None, by=day.by)


class TestLeftOpen:
    """A narrower rule decides what it says; the rest is decided by the wider ones, at each site by those of that site."""

    def test_opening_one_for_a_protocol_changes_nothing_at_a_site_that_switched_off(self, day: MailDay, by: Doer) -> None:
        record = day.treat()
        here = ruling.open_rule(kind="msg-4h", site=day.clinic.site, indication="", by=by)
        decide("msg-4h", Wish(False, {"hours": 5}, {}), by, here)
        protocol = ruling.open_rule(kind="msg-4h", site=None, indication=record.course.indication, by=by)
        assert (protocol.is_sent, rule_following.work()) == (None, 0)
        assert decide("msg-4h", Wish(None, {"hours": 6}, {}), by, protocol) == Effect()
        rules = message_rules.in_force(["msg-4h"])
        where = {"site": day.clinic.site, "indication": record.course.indication}
        assert not rules.is_sent("msg-4h", **where)
        assert rules.hours("msg-4h", **where).figures["msg-4h"]["hours"] == 6
        protocol.refresh_from_db()
        assert decide("msg-4h", Wish(True, {}, {}), by, protocol) == Effect(added=1)

    def test_opened_again_it_is_as_open_as_at_first(self, day: MailDay, by: Doer) -> None:
        day.treat()
        here = ruling.open_rule(kind="msg-4h", site=day.clinic.site, indication="", by=by)
        decide("msg-4h", Wish(False, {"hours": 5}, {}), by, here)
        here.refresh_from_db()
        ruling.end_rule(rule=here, seen_version=here.version, by=by)
        again = ruling.open_rule(kind="msg-4h", site=day.clinic.site, indication="", by=by)
        assert (again.is_sent, again.figures, again.words, the(day, "msg-4h").state) == (None, {}, {}, S.SCHEDULED)

    def test_the_rule_for_all_leaves_nothing_open(self, by: Doer) -> None:
        with pytest.raises(Refused) as refusal:
            decide("msg-4h", Wish(None, {"hours": 5}, {}), by)
        assert refusal.value.field == "is_sent"
        assert not MessageRule.objects.exists()
        with pytest.raises(IntegrityError), transaction.atomic():
            MessageRule.objects.create(kind="msg-4h", is_sent=None)


class TestWhatIsJudged:
    def test_words_saved_long_ago_do_not_stand_in_the_way_of_a_figure(self, day: MailDay, by: Doer) -> None:
        """A catalogue that came later may know a word about health that was none when they were written."""
        stored = {"en": {"subject": "Your mesotherapy", "lead": "", "text": ""}}
        rule = MessageRule.objects.create(kind="msg-24h", words=stored)
        assert ruling.foresee(rule=rule, wish=Wish(True, {"days": 2}, stored)) == Effect()
        decide("msg-24h", Wish(True, {"days": 2}, stored), by)
        rule.refresh_from_db()
        assert (rule.figures, rule.words) == ({"days": 2}, stored)
        worse = {"en": {**stored["en"], "lead": "On {day}."}}
        with pytest.raises(Refused) as refusal:
            decide("msg-24h", Wish(True, {"days": 2}, worse), by)
        assert refusal.value.field == "subject"

    def test_somebody_who_was_faster_is_shown_with_what_they_saved(self, by: Doer) -> None:
        decide("msg-24h", Wish(True, {"days": 2}, {"en": OWN.stored()}), by)
        with pytest.raises(Stale) as stale:
            ruling.set_rule(rule=rule_for("msg-24h"), seen_version=1, wish=Wish(True, {"days": 3}, {}), by=by)
        theirs = dict(stale.value.theirs)
        assert theirs == {
            "Days": "2", "English: Subject": OWN.subject, "English: First sentence": OWN.lead, "English: Text": OWN.text,
        }  # fmt: skip
        with pytest.raises(Stale) as stale:
            ruling.set_rule(rule=rule_for("msg-24h"), seen_version=1, wish=AS_SHIPPED.with_words("de", OWN), by=by)
        assert dict(stale.value.theirs)["Deutsch: Text"] == "As shipped"
        assert rule_for("msg-24h").figures == {"days": 2}
