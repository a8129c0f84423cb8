"""The gallery and the sign-in page in a real browser: they stand in the frame and axe finds nothing serious."""
from __future__ import annotations

import pytest
from django.test import Client

from clinic.choices import Role
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


def sign_in(page, user) -> None:
    page.goto("/account/login/?next=/gallery/")
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/gallery/")


@pytest.fixture
def clerk(settings):
    settings.REQUIRE_MFA = False
    factories.make_site(name="Roma")
    return factories.make_user(Role.FRONT_DESK)


def test_gallery_needs_a_member_of_staff():
    assert Client().get("/gallery/").status_code == 302


def test_sign_in_page_is_for_demonstration_and_accessible(page, no_axe_findings, picture):
    page.goto("/account/login/")
    assert page.get_by_text("not for real patients").is_visible()
    no_axe_findings(page)
    picture(page, "sign-in")


def test_wrong_password_is_amber_and_keeps_the_address(page, clerk, no_axe_findings):
    page.goto("/account/login/")
    page.get_by_label("Email").fill(clerk.email)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.locator(".form-refusal").wait_for()
    assert page.get_by_label("Email").input_value() == clerk.email
    no_axe_findings(page)


def test_gallery_is_accessible_on_desk_and_phone(page, clerk, no_axe_findings, picture):
    sign_in(page, clerk)
    no_axe_findings(page)
    picture(page, "gallery")
    page.set_viewport_size({"width": 390, "height": 844})
    no_axe_findings(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture(page, "gallery-phone")


def test_keys_menu_panel_and_hidden_names(page, clerk):
    sign_in(page, clerk)
    page.keyboard.press("?")
    assert page.locator("#key-help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#key-help").is_visible()

    page.get_by_role("button", name="Open the panel").click()
    assert page.locator("#sample-panel").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#sample-panel").is_visible()

    page.get_by_role("switch", name="Hide names").click()
    page.reload()
    assert page.locator("html.hide-names").count() == 1
    assert not page.locator(".private > span").first.is_visible()
