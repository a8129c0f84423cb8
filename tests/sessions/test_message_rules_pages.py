"""The pages of message rules: what they show, what they refuse beside the field, what two presses do."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.errors import Refused
from clinic.models import AccessEvent
from patients.models import PatientLink
from sessions import ruling
from sessions.message_places import PLACES
from sessions.message_texts import LANGUAGES
from sessions.models import Message, MessageRule, MessageRuleVersion
from tests import factories
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import MailDay, make_mail_day

pytestmark = pytest.mark.django_db
TOKEN = "t" * 32
OWN = {"subject": "See you on {day}", "lead": "Come on {day} at {time}.", "text": "{advice}\n{link}", "seen_version": "1"}

OWN_TEXTS = {"subject": "See you", "lead": "Come.", "text": "{advice}\n{link}"}


@pytest.fixture
def day(at: Callable[[str], Any]) -> MailDay:
    at(MORNING)
    return make_mail_day()


@pytest.fixture
def manager(day: MailDay, client: Client) -> Client:
    return factories.signed_in(client, factories.make_user(Role.MANAGER, name="Ines Prado"))


def address(name: str, kind: str = "msg-24h", *more: str, where: str = "everywhere") -> str:
    return reverse(name, args=[kind, where, *more])


def page(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.content.decode()[:2000]
    return str(response.content.decode())


def press(client: Client, url: str, **data: str) -> Any:
    return client.post(url, {"form_token": TOKEN, **data})


def twice(client: Client, url: str, **data: str) -> tuple[str, Any]:
    """Look, then save what was looked at."""
    first = press(client, url, **data)
    return page(first), press(client, url, **data, looked=looked_at(first))


def looked_at(response: Any) -> str:
    """The mark of what this page shows the effect of."""
    found = re.search(r'name="looked" value="([0-9a-f]{64})"', page(response))
    assert found is not None
    return found.group(1)


class TestLooking:
    def test_lists_every_kind_with_whether_and_when(self, manager: Client) -> None:
        MessageRule.objects.create(kind="msg-4h", is_sent=False, figures={"hours": 5}, words={"tr": OWN})
        listed = page(manager.get(reverse("mail-rules")))
        assert listed.count('class="row-link"') == len(PLACES)
        for words in ("Switched off", "Hours after the end of the session: 5", ">tr</span>"):
            assert words in listed, words

    @pytest.mark.parametrize("kind", PLACES)
    def test_every_kind_has_its_page_and_its_mail_in_every_language(self, manager: Client, kind: str) -> None:
        shown = page(manager.get(address("mail-rule", kind)))
        assert shown.count("As shipped") == len(LANGUAGES)
        for language in LANGUAGES:
            mail = page(manager.get(address("mail-rule-mail", kind, language)))
            assert f'lang="{language}"' in mail
            assert "{" not in re.sub(r"<style>.*?</style>", "", mail, flags=re.DOTALL)
        assert "prefers-color-scheme" not in page(manager.get(address("mail-rule-mail", kind, "ar") + "?show=dark"))
        assert "<pre>" in page(manager.get(address("mail-rule-mail", kind, "ar") + "?show=text"))

    def test_pages_ask_a_fixed_number_of_queries(self, manager: Client, django_assert_max_num_queries: Any) -> None:
        for number in range(8):
            site = factories.make_site()
            MessageRule.objects.create(kind="msg-24h", site=site, words={"en": OWN})
            rule = MessageRule.objects.first()
            MessageRuleVersion.objects.create(
                rule=rule, number=number + 2, at="2026-03-01T00:00Z", is_active=True, is_sent=True, changes=[]
            )
        for name in ("mail-rules", "mail-rule"):
            url = reverse(name) if name == "mail-rules" else address(name)
            manager.get(url)
            with django_assert_max_num_queries(12):
                manager.get(url)

    def test_other_roles_see_and_do_not_change(self, day: MailDay, client: Client) -> None:
        desk = factories.signed_in(client, day.clinic.desk)
        shown = page(desk.get(address("mail-rule")))
        assert "Write" not in shown
        for name, more in (("mail-rule-change", ()), ("mail-rule-words", ("en",))):
            assert desk.get(address(name, "msg-24h", *more)).status_code == 403
        for name, more in (("mail-rule-preview", ("en",)), ("mail-rule-test", ("en",)), ("mail-rule-end", ())):
            assert press(desk, address(name, "msg-24h", *more), **OWN).status_code == 403
        assert not MessageRule.objects.exists()
        assert not Message.objects.filter(is_test=True).exists()

    @pytest.mark.parametrize(("kind", "where", "language"), [("msg-alert", "everywhere", "en"), ("x", "everywhere", "en"),
                                                             ("msg-24h", "nowhere", "en"), ("msg-24h", "everywhere", "xx")])
    def test_what_does_not_exist_is_not_found(self, manager: Client, kind: str, where: str, language: str) -> None:
        assert manager.get(reverse("mail-rule-words", args=[kind, where, language])).status_code == 404
        assert manager.get(reverse("mail-rule-mail", args=[kind, where, language])).status_code == 404


class TestChanging:
    def test_shows_what_it_would_do_before_and_after(self, day: MailDay, manager: Client) -> None:
        day.book()
        looked, saved = twice(manager, address("mail-rule-change"), days="2", seen_version="1")
        assert "1 message changes" in looked
        assert "Nothing is saved so far." in looked
        assert saved.status_code == 302
        after = page(manager.get(saved.url))
        for words in ("Saved. 1 message changes, 0 messages are added, 0 messages are withdrawn.", "Days: – → 2", "Ines Prado"):
            assert words in after, words

    def test_saves_only_what_was_looked_at(self, day: MailDay, manager: Client) -> None:
        url = address("mail-rule-change")
        looked = page(press(manager, url, days="2", seen_version="1"))
        seen = re.search(r'name="looked" value="([0-9a-f]{64})"', looked).group(1)  # type: ignore[union-attr]
        again = page(press(manager, url, days="3", seen_version="1", looked=seen))
        assert "If you save this" in again
        assert not MessageRule.objects.exists()

    @pytest.mark.parametrize("days", ["0", "4", "-1", "x", "1.5", "99999999999999999999"])
    def test_a_wrong_figure_stays_with_its_reason(self, manager: Client, days: str) -> None:
        shown = page(press(manager, address("mail-rule-change"), days=days, seen_version="1"), 422)
        assert f'value="{days}"' in shown
        assert "invalid-feedback" in shown or "field-error" in shown
        assert not MessageRule.objects.exists()

    def test_essential_kinds_have_no_switch(self, manager: Client) -> None:
        assert "is_sent" not in page(manager.get(address("mail-rule-change")))
        assert "is_sent" in page(manager.get(address("mail-rule-change", "msg-4h")))

    def test_somebody_who_was_faster_is_said(self, manager: Client) -> None:
        url = address("mail-rule-change", "msg-4h")
        _looked, saved = twice(manager, url, is_sent="on", hours="5", seen_version="1")
        assert saved.status_code == 302
        looked = page(manager.post(url, {"form_token": "u" * 32, "is_sent": "on", "hours": "6", "seen_version": "1"}))
        seen = re.search(r'name="looked" value="([0-9a-f]{64})"', looked).group(1)  # type: ignore[union-attr]
        stale = manager.post(url, {"form_token": "u" * 32, "is_sent": "on", "hours": "6", "seen_version": "1", "looked": seen})
        assert "Somebody else changed this" in page(stale, 409)
        assert MessageRule.objects.get().figures == {"hours": 5}

    def test_a_rule_of_its_own_is_made_and_given_up(self, day: MailDay, manager: Client) -> None:
        made = press(manager, reverse("mail-rule-new", args=["msg-24h"]), site=day.clinic.site.public_id, indication="")
        assert made.status_code == 302
        shown = page(manager.get(made.url))
        assert day.clinic.site.name in shown
        rule = MessageRule.objects.get()
        over = manager.post(
            address("mail-rule-end", where=rule.public_id), {"form_token": "v" * 32, "seen_version": rule.version}
        )
        assert over.status_code == 302
        assert not MessageRule.objects.in_force().exists()
        assert "Choose a site" in page(
            manager.post(reverse("mail-rule-new", args=["msg-24h"]), {"form_token": "w" * 32}), 422
        )


class TestWords:
    def test_own_words_are_looked_at_then_saved(self, day: MailDay, manager: Client) -> None:
        day.book()
        looked, saved = twice(manager, address("mail-rule-words", "msg-24h", "en"), **OWN)
        assert "1 message changes" in looked
        assert saved.status_code == 302
        assert MessageRule.objects.get().words["en"]["subject"] == "See you on {day}"
        given_back = manager.post(
            address("mail-rule-words", "msg-24h", "en"), {"form_token": "x" * 32, "seen_version": "2", "shipped": "1"}
        )
        assert given_back.status_code == 302
        assert MessageRule.objects.get().words == {}

    @pytest.mark.parametrize(
        ("field", "written", "said"),
        [("subject", "Dear {name}", "You may use {day}, {clinic}, {site}"), ("lead", "On {day}", "{time} must stand in it"),
         ("text", "{advice}", "{link} must stand in it"), ("subject", "Your mesotherapy", "locked phone"),
         ("subject", "\u202eevil", "right-to-left")],
    )  # fmt: skip
    def test_what_does_not_do_stands_beside_its_field(self, manager: Client, field: str, written: str, said: str) -> None:
        for name, status in (("mail-rule-words", 422), ("mail-rule-preview", 422), ("mail-rule-test", 422)):
            shown = page(press(manager, address(name, "msg-24h", "en"), **{**OWN, field: written}), status)
            assert said in shown, name
        assert not MessageRule.objects.exists()
        assert not Message.objects.exists()

    def test_preview_shows_a_real_visit_and_says_who_looked(self, day: MailDay, manager: Client) -> None:
        visit = day.book()
        links = PatientLink.objects.count()
        shown = page(press(manager, address("mail-rule-preview", "msg-24h", "en"), **OWN, about=visit.public_id))
        assert "Come on Thursday 19 March at 10:00." in shown
        assert "Aisha" in shown
        assert "link-not-kept" in shown
        assert PatientLink.objects.count() == links
        assert AccessEvent.objects.filter(patient_public_id=day.patient.public_id).exists()

    def test_preview_of_somebody_elses_visit_is_invented(self, day: MailDay, manager: Client) -> None:
        elsewhere = factories.make_site()
        stranger = factories.make_patient(elsewhere, given_name="Zelda")
        visit = factories.make_appointment(stranger, practitioner=day.clinic.doctor, room=factories.make_room(elsewhere))
        shown = page(press(manager, address("mail-rule-preview", "msg-24h", "en"), **OWN, about=visit.public_id))
        assert "Zelda" not in shown

    def test_a_test_goes_to_oneself_and_what_was_typed_stays(self, day: MailDay, manager: Client) -> None:
        shown = page(press(manager, address("mail-rule-test", "msg-24h", "en"), **OWN))
        assert "A test is on its way to" in shown
        assert 'value="See you on {day}"' in shown
        message = Message.objects.get()
        assert (message.is_test, message.patient) == (True, None)
        log = page(manager.get(reverse("messages")))
        assert "Test: Reminder" in log
        assert message.recipient in page(manager.get(reverse("message", args=[message.public_id])))
        assert "This is a test" in page(manager.get(reverse("message-mail", args=[message.public_id])))

    def test_hostile_words_are_text_on_every_page(self, manager: Client) -> None:
        hostile = "<script>alert(1)</script>"
        words = {"subject": hostile, "lead": f"{hostile} {{day}} {{time}}", "text": f"{hostile}\n{{advice}}\n{{link}}"}
        _looked, saved = twice(manager, address("mail-rule-words", "msg-24h", "en"), **words, seen_version="1")
        for url in (saved.url, address("mail-rule-words", "msg-24h", "en"), address("mail-rule-mail", "msg-24h", "en"),
                    address("mail-rule-mail", "msg-24h", "en") + "?show=text"):  # fmt: skip
            assert "<script>alert" not in page(manager.get(url))


class TestNarrower:
    """A rule of its own says what it takes from wider ones, and before which others it goes."""

    @pytest.fixture
    def here(self, day: MailDay) -> MessageRule:
        MessageRule.objects.create(kind="msg-4h", is_sent=False, figures={"hours": 6}, words={"en": OWN_TEXTS})
        rule = MessageRule.objects.create(kind="msg-4h", is_sent=None, site=day.clinic.site)
        assert isinstance(rule, MessageRule)
        return rule

    def test_shows_what_it_takes_from_the_wider_rule(self, manager: Client, here: MessageRule) -> None:
        shown = page(manager.get(address("mail-rule", "msg-4h", where=here.public_id)))
        for words in ("Switched off", "as the rule says: Everywhere", "Hours after the end of the session: 6 (Everywhere)",
                      "Everywhere (switched off)"):  # fmt: skip
            assert words in shown, words
        form = page(manager.get(address("mail-rule-change", "msg-4h", where=here.public_id)))
        assert "2 to 8; empty: 6 (Everywhere)." in form
        words = page(manager.get(address("mail-rule-words", "msg-4h", "en", where=here.public_id)))
        assert 'value="See you"' in words
        assert "those of the rule “Everywhere” are sent" in words

    def test_a_rule_of_a_protocol_says_before_which_sites_it_goes(
        self, day: MailDay, manager: Client, here: MessageRule
    ) -> None:
        MessageRule.objects.filter(pk=here.pk).update(is_sent=True)
        protocol = MessageRule.objects.create(kind="msg-4h", is_sent=None, indication="ind-face")
        both = MessageRule.objects.create(kind="msg-4h", is_sent=None, site=day.clinic.site, indication="ind-face")
        name = day.clinic.site.name
        shown = page(manager.get(address("mail-rule", "msg-4h", where=protocol.public_id)))
        for words in (f"as the rule says: {name}", "as the rule says: Everywhere",
                      f"{name} (goes out); Everywhere (switched off)", "The narrowest rule counts"):  # fmt: skip
            assert words in shown, words
        assert f", {name}" in page(manager.get(address("mail-rule-change", "msg-4h", where=protocol.public_id)))
        MessageRule.objects.filter(pk=protocol.pk).update(is_sent=True)
        assert "Goes out" in page(manager.get(address("mail-rule", "msg-4h", where=both.public_id)))

    @pytest.mark.parametrize(("said", "stored"), [("", None), ("sent", True), ("off", False)])
    def test_is_left_open_or_says_itself(self, manager: Client, here: MessageRule, said: str, stored: bool | None) -> None:
        MessageRule.objects.filter(pk=here.pk).update(is_sent=not stored)
        _looked, saved = twice(
            manager, address("mail-rule-change", "msg-4h", where=here.public_id), is_sent=said, hours="", seen_version="1"
        )
        assert saved.status_code == 302
        here.refresh_from_db()
        assert here.is_sent is stored

    def test_a_switch_that_does_not_exist_is_refused(self, manager: Client, here: MessageRule) -> None:
        url = address("mail-rule-change", "msg-4h", where=here.public_id)
        assert "is_sent" in page(press(manager, url, is_sent="maybe", seen_version="1"), 422)
        here.refresh_from_db()
        assert (here.is_sent, here.version) == (None, 1)


class TestNothingTypedIsLost:
    def test_a_refusal_while_counting_stands_beside_its_field(self, manager: Client, monkeypatch: Any) -> None:
        def refuse(**_what: Any) -> None:
            raise Refused("Not now.", field="days")

        monkeypatch.setattr(ruling, "foresee", refuse)
        shown = page(press(manager, address("mail-rule-change"), days="2", seen_version="1"), 422)
        assert "Not now." in shown
        assert 'value="2"' in shown

    def test_somebody_who_was_faster_is_shown_beside_what_was_typed(self, manager: Client) -> None:
        url = address("mail-rule-words", "msg-24h", "en")
        seen = looked_at(press(manager, url, **OWN))
        rule = MessageRule.objects.create(kind="msg-24h", version=2, words={"en": {**OWN_TEXTS, "subject": "Their words"}})
        stale = page(press(manager, url, **OWN, looked=seen), 409)
        assert "Their words" in stale
        assert 'value="See you on {day}"' in stale
        assert looked_at(press(manager, url, **{**OWN, "seen_version": "2"}, looked=seen)) != seen
        rule.refresh_from_db()
        assert rule.words["en"]["subject"] == "Their words"

    def test_after_a_test_to_oneself_the_effect_is_looked_at_again(self, day: MailDay, manager: Client) -> None:
        seen = looked_at(press(manager, address("mail-rule-words", "msg-24h", "en"), **OWN))
        tested = page(press(manager, address("mail-rule-test", "msg-24h", "en"), **OWN, looked=seen))
        assert "See what changes" in tested
        assert seen not in tested
        assert not MessageRule.objects.exists()


class TestBeforeTheFirstSiteIsOpen:
    @pytest.fixture
    def founder(self, client: Client) -> Client:
        return factories.signed_in(client, factories.make_user(Role.MANAGER))

    @pytest.mark.parametrize("there_is_one", [True, False])
    def test_every_page_answers(self, founder: Client, there_is_one: bool) -> None:
        if there_is_one:
            site = factories.make_site()
            type(site).objects.filter(pk=site.pk).update(is_open=False)
        for name, more in (("mail-rule", ()), ("mail-rule-change", ()), ("mail-rule-words", ("en",))):
            page(founder.get(address(name, "msg-24h", *more)))
        page(founder.get(reverse("mail-rules")))
        page(founder.get(reverse("mail-rule-new", args=["msg-24h"])))
        status = 200 if there_is_one else 422
        for name in ("mail-rule-preview", "mail-rule-test"):
            shown = page(press(founder, address(name, "msg-24h", "en"), **OWN), status)
            assert there_is_one or "There is no site yet" in shown
        framed = page(founder.get(address("mail-rule-mail", "msg-24h", "en")), status)
        assert there_is_one or "There is no site yet" in framed
        assert Message.objects.count() == there_is_one


def test_alerts_to_the_clinic_stand_in_the_log(day: MailDay, client: Client) -> None:
    message = Message.objects.create(
        kind="msg-alert", site=day.clinic.site, cause_kind="checkin", cause_public_id="c" * 22, recipient="desk@halden.example",
        language="en", due_at="2026-03-12T07:00Z", state="failed", reason="550 no", rfc_message_id="<a@b>",
        html="<p>An answer needs you</p>",
    )  # fmt: skip
    desk = factories.signed_in(client, day.clinic.desk)
    for tab in ("all", "failed"):
        assert "desk@halden.example" in page(desk.get(reverse("messages"), {"tab": tab}))
    opened = page(desk.get(reverse("message", args=[message.public_id])))
    assert "It was not sent: 550 no" in opened
    assert "This message has no patient." in opened
    assert "An answer needs you" in page(desk.get(reverse("message-mail", args=[message.public_id])))
    elsewhere = factories.signed_in(Client(), factories.make_user(Role.FRONT_DESK, site=factories.make_site()))
    assert elsewhere.get(reverse("message", args=[message.public_id])).status_code == 404
