"""The pages of message rules in a real browser: the preview in its frame, a test to oneself, at every size, with axe."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from clinic.choices import Role
from clinic.models import User
from protocols import catalogue
from sessions.message_places import PLACES
from sessions.message_texts import LANGUAGES
from sessions.models import Message, MessageRule
from sessions.previewing import preview
from tests import factories
from tests.browser import check_accessibility
from tests.screens import enter, fits, readable_at_every_size
from tests.sessions.mailday import MailDay, make_mail_day

pytestmark = pytest.mark.django_db(transaction=True)
Picture = Callable[[Page, str], None]
OWN = {"subject": "How are you?", "lead": "About {day}.", "text": "{advice}"}
SIZES = ((1280, 900), (820, 1180), (390, 844))


@pytest.fixture
def day() -> MailDay:
    return make_mail_day()


@pytest.fixture
def manager(day: MailDay) -> User:
    return factories.make_user(Role.MANAGER, name="Ines Prado")


def address(name: str, *more: str, kind: str = "msg-24h", where: str = "everywhere") -> str:
    return reverse(name, args=[kind, where, *more])


@pytest.mark.parametrize("language", ["en", "tr"])
def test_rules_are_readable_at_every_size(
    live_server: Any, page: Page, day: MailDay, manager: User, picture: Picture, language: str
) -> None:
    User.objects.filter(pk=manager.pk).update(language=language)
    day.book(day=day.clinic.site.today().replace(year=day.clinic.site.today().year + 1))
    MessageRule.objects.create(kind="msg-24h", site=day.clinic.site)
    MessageRule.objects.create(kind="msg-4h", is_sent=False, figures={"hours": 5}, words={"en": OWN})
    indication = next(iter(catalogue.in_force().indications))
    protocol = MessageRule.objects.create(kind="msg-4h", is_sent=None, indication=indication)
    MessageRule.objects.create(kind="msg-4h", site=day.clinic.site, is_sent=True)
    enter(page, live_server.url, manager)
    pages = {
        "list": reverse("mail-rules"), "rule": address("mail-rule"), "change": address("mail-rule-change", kind="msg-4h"),
        "words": address("mail-rule-words", "en"), "words-ar": address("mail-rule-words", "ar"),
        "new": reverse("mail-rule-new", args=["msg-24h"]),
        "protocol": address("mail-rule", kind="msg-4h", where=protocol.public_id),
        "protocol-change": address("mail-rule-change", kind="msg-4h", where=protocol.public_id),
        "protocol-words": address("mail-rule-words", "en", kind="msg-4h", where=protocol.public_id),
    }  # fmt: skip
    for name, url in pages.items():
        readable_at_every_size(
            page, live_server.url + url, SIZES, look=lambda width, name=name: picture(page, f"rules-{name}-{language}-{width}")
        )
    page.goto(live_server.url + pages["protocol"])
    page.locator("iframe").scroll_into_view_if_needed()
    expect(page.frame_locator("iframe").get_by_text("Halden Clinic").first).to_be_visible()


def test_words_are_written_looked_at_tested_and_saved(
    live_server: Any, page: Page, manager: User, day: MailDay, picture: Picture, no_axe_findings: Callable[[Page], None]
) -> None:
    enter(page, live_server.url, manager)
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.goto(live_server.url + address("mail-rule-words", "en"))
    mail = page.frame_locator("iframe[name=mail-preview]")
    expect(mail.get_by_text("we expect you on")).to_be_visible()
    page.get_by_label("First sentence").fill("Come and see us on {day} at {time}.")
    page.get_by_role("button", name="By night").click()
    expect(mail.get_by_text("Come and see us on")).to_be_visible()
    picture(page, "rules-words-by-night")
    page.get_by_role("button", name="As text").click()
    expect(mail.locator("pre")).to_contain_text("Come and see us on")
    page.get_by_label("First sentence").fill("Come and see us.")
    page.get_by_role("button", name="By day").click()
    expect(mail.get_by_text("No preview yet.")).to_be_visible()
    page.get_by_role("button", name="See what changes").click()
    expect(page.get_by_text("{day} must stand in it").first).to_be_visible()
    no_axe_findings(page)
    picture(page, "rules-words-refused")
    page.get_by_label("First sentence").fill("Come and see us on {day} at {time}.")
    page.get_by_role("button", name="Send a test to myself").click()
    expect(page.get_by_text(f"A test is on its way to {manager.email}.")).to_be_visible()
    assert Message.objects.get().is_test
    page.get_by_role("button", name="See what changes").click()
    expect(page.get_by_text("Nothing is saved so far.")).to_be_visible()
    no_axe_findings(page)
    fits(page)
    picture(page, "rules-words-counted")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_text("English: own words")).to_be_visible()
    no_axe_findings(page)
    picture(page, "rules-saved")


def test_every_mail_fits_a_phone_by_day_and_by_night(page: Page, day: MailDay, picture: Picture) -> None:
    """Each kind in each language, as wide as a phone; pictures of some, axe on those."""
    page.set_viewport_size({"width": 390, "height": 844})
    pictured = {("msg-confirm", "en"), ("msg-after-0", "ar"), ("msg-48h", "de"), ("msg-next", "ru"), ("msg-request", "ar")}
    for kind in PLACES:
        for language in LANGUAGES:
            for scheme in ("light", "dark"):
                shown = preview(kind, language, site=day.clinic.site, words=None, scheme=scheme)
                page.set_content(shown.html)
                wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert wider <= 0, f"{kind} {language} is {wider} px wider than a phone"
                if (kind, language) in pictured:
                    check_accessibility(page)
                    picture(page, f"mail-{kind}-{language}-{scheme}")
