"""Words of one's own in a message rule: sent with their version, refused beside their field, previewed and tested."""
from __future__ import annotations

import datetime as dt
import html
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from clinic.choices import Permission, Role
from clinic.context import BADGES
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.languages import TRANSLATED
from clinic.together import Mark
from protocols import catalogue
from sessions import letters, message_rules, messaging, ruling, sending, testing_mails
from sessions.choices import MessageState
from sessions.letter_parts import Letter
from sessions.message_places import PLACES
from sessions.message_texts import LANGUAGES, say
from sessions.models import Message, MessageRuleVersion
from sessions.needs import needs_of
from sessions.own_words import Words
from sessions.paper_words import SHARED, word
from sessions.previewing import preview
from sessions.rule_following import Effect
from sessions.sample_letters import sample_letter
from sessions.today import asked_of
from tests import factories
from tests.sessions.clinicday import MORNING
from tests.sessions.every_paper import approve
from tests.sessions.mailday import MailDay, make_mail_day
from tests.sessions.ruleday import AS_SHIPPED, OWN, decide, rule_for, the
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


class TestWhatIsNotApproved:
    @pytest.mark.parametrize("language", TRANSLATED)
    def test_a_mail_with_an_english_sentence_says_so_and_no_other_does(self, day: MailDay, language: str) -> None:
        """English stands in for what the medical lead has not approved: never silently, however short the mail."""
        note, rules, kinds_in_english = word(SHARED["not_approved"], language), catalogue.in_force(), set()
        sentences = {kind: entry.text("en") for kind, entry in rules.messages.items()}
        for kind in PLACES:
            shown = html.unescape(preview(kind, language, site=day.clinic.site, words=None, scheme="light").html)
            if sentences.get(kind, note) in shown:
                kinds_in_english.add(kind)
                assert note in shown, kind
        assert {"msg-next", "msg-late"} <= kinds_in_english
        approve(language)
        for kind in PLACES:
            assert note not in html.unescape(preview(kind, language, site=day.clinic.site, words=None, scheme="light").html), kind


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
        site, held = day.clinic.site, frozenset({Permission.SEE_HEADLINE})

        def mark() -> Mark:
            return asked_of(site=site, visits=[], permissions=held, now=timezone.now()).mark()

        before = mark()
        message = testing_mails.send_test(kind="msg-24h", language="en", site=site, words=None, by=by)
        for state in (S.FAILED, S.BOUNCED, S.UNKNOWN):
            Message.objects.filter(pk=message.pk).update(state=state, reason="550 no")
            assert not Message.objects.needing_somebody().exists()
            assert BADGES["messages"](site) == 0
            assert needs_of(site, catalogue.in_force(), held, timezone.now()).message_count == 0
            assert mark() == before
        Message.objects.filter(pk=message.pk).update(is_test=False)
        assert Message.objects.needing_somebody().count() == BADGES["messages"](site) == 1
        assert needs_of(site, catalogue.in_force(), held, timezone.now()).message_count == 1
        assert mark() != before

    def test_only_managers(self, day: MailDay) -> None:
        with pytest.raises(NotPermitted):
            testing_mails.send_test(kind="msg-24h", language="en", site=day.clinic.site, words=None, by=day.by)
