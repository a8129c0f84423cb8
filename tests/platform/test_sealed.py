"""Tests stay on this machine, in Python and in the browser; the browser tells on a page that breaks its own policy."""
from __future__ import annotations

import datetime as dt
import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Error, Page

from tests.browser import breach


def test_a_connection_to_elsewhere_is_refused() -> None:
    with socket.socket() as talk, pytest.raises(AssertionError, match=r"tried to reach 192\.0\.2\.1"):
        talk.connect(("192.0.2.1", 80))


def test_the_sign_in_page_opens_without_findings(page: Page, no_axe_findings: Callable[[Page], None]) -> None:
    page.goto("/account/login/")
    assert page.locator("input[type=password]").is_visible()
    no_axe_findings(page)


def test_the_accessibility_check_can_fail(page: Page, no_axe_findings: Callable[[Page], None]) -> None:
    page.goto("/account/login/")
    page.locator("input[type=password]").evaluate("() => document.querySelectorAll('label').forEach(l => l.remove())")
    with pytest.raises(AssertionError, match="label"):
        no_axe_findings(page)


@pytest.mark.parametrize("elsewhere", ["http://192.0.2.1/", "https://halden.example/"])
def test_the_browser_reaches_nothing_else(page: Page, elsewhere: str) -> None:
    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        page.goto(elsewhere)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("error", "Refused to load: violates the following Content Security Policy directive", True),
        ("error", "Failed to load resource: the server responded with a status of 422", False),
        ("log", "Content Security Policy", False),
    ],
)
def test_only_breaches_of_the_policy_count(kind: str, text: str, expected: bool) -> None:
    assert breach(SimpleNamespace(type=kind, text=text)) is expected


def test_frozen_time_is_frozen_and_moves_on_when_told(at: Callable[..., Any]) -> None:
    at("2026-03-29T00:30:00+00:00")
    assert timezone.now() == timezone.now() == dt.datetime(2026, 3, 29, 0, 30, tzinfo=dt.UTC)
    at("2026-03-29T01:30:00+00:00")
    assert timezone.now() == dt.datetime(2026, 3, 29, 1, 30, tzinfo=dt.UTC)
    with pytest.raises(ValueError, match="zone"):
        at("2026-03-29T00:30:00")
