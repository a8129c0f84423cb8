"""What a manager sees of requests about data, and what patients see of pages that came too late: at every size."""
from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from patients.models import DataRequest
from tests import factories
from tests.browser import PHONE
from tests.house.world import behind_link, make_world, set_fields
from tests.screens import enter

SIZES = {"desk": {"viewport": {"width": 1280, "height": 800}}, "tablet": {"viewport": {"width": 820, "height": 1180}},
         "phone": PHONE}  # fmt: skip
PATIENCE_MS = 30_000


@pytest.fixture
def world() -> SimpleNamespace:
    return make_world(given_name="Nadia", family_name="Rahman", email="")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("size", SIZES)
def test_a_manager_is_led_from_the_board_to_an_answer_by_hand(
    new_page: Callable[..., Page], live_server: Any, world: SimpleNamespace, size: str, picture: Any,
    no_axe_findings: Callable[[Page], None],
) -> None:  # fmt: skip
    boss = factories.make_user("manager")
    set_fields(boss, current_site=world.site)
    page = new_page(**SIZES[size])
    page.set_default_timeout(PATIENCE_MS)
    page.set_default_navigation_timeout(PATIENCE_MS)
    enter(page, live_server.url, boss)
    page.goto("/")
    line = page.locator(".needs li", has_text="about data to answer")
    expect(line).to_be_visible()
    no_axe_findings(page)
    picture(page, f"data-board-{size}")
    line.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Requests about data", level=1)).to_be_visible()
    page.get_by_role("link", name="Answer", exact=True).first.click()
    expect(page.get_by_text("no mail goes out. Tell them yourself")).to_be_visible()
    page.get_by_label("Done", exact=True).check()
    page.get_by_label("What was done, or why not").fill("Copy of the record, 12 pages.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Tell the patient yourself, then say how.")).to_be_visible()
    expect(page.get_by_label("What was done, or why not")).to_have_value("Copy of the record, 12 pages.")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]
    no_axe_findings(page)
    picture(page, f"data-settle-{size}")
    page.get_by_label("handed over in person").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("No mail goes out. How the patient was told: handed over in person.")).to_be_visible()
    assert DataRequest.objects.get(pk=world.data_request.pk).told_by == "person"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", ["en", "ar", "de"])
def test_pages_that_came_too_late_are_read_on_a_phone(
    phone: Page, live_server: Any, world: SimpleNamespace, language: str, picture: Any,
    no_axe_findings: Callable[[Page], None],
) -> None:  # fmt: skip
    set_fields(world.patient, language=language)
    client = behind_link(world, "intake")
    phone.context.add_cookies(
        [{"name": name, "value": morsel.value, "url": live_server.url} for name, morsel in client.cookies.items()]
    )
    phone.set_default_timeout(PATIENCE_MS)
    phone.set_default_navigation_timeout(PATIENCE_MS)
    phone.goto(reverse("patient-intake-question", args=["q-stroke"]))

    def look(name: str) -> None:
        expect(phone.locator("html")).to_have_attribute("lang", language)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
        no_axe_findings(phone)
        picture(phone, f"late-{name}-{language}")

    # the session is forgotten while the page is open, as after two idle hours
    browser = Client()
    browser.cookies = client.cookies
    session = browser.session
    kept = dict(session.items())
    del session["patient_links"]
    session.save()
    send_answer(phone)
    expect(phone.locator("form#gate input[name=q-stroke]")).to_have_value("tia")
    look("gate")
    # signed from another page while this one is open
    for key, value in kept.items():
        session[key] = value
    session.save()
    phone.goto(reverse("patient-intake-question", args=["q-stroke"]))
    session["patient_done"], session["patient_thanked_in"] = {"intake": "0"}, language
    session["patient_done_link"] = {"intake": kept["patient_links"]["intake"]["link"]}
    session.save()
    world.patient.links.update(spent_at=timezone.now())
    send_answer(phone)
    expect(phone.locator("dl.intake-answers dt")).to_have_count(1)
    look("not-taken")


def send_answer(phone: Page) -> None:
    phone.locator("input[name=q-stroke][value=tia]").check()
    phone.locator("button[form=answer][value=next]").click()
