"""Debian's Chromium for journeys: `page` is a desk screen, `phone` a patient's phone, both on the live server.

Nothing but this machine is reachable; a script error or a breach of the content security policy fails the test.
"""
from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

# Playwright keeps an event loop running in this thread; Django would take that for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

ROOT = Path(__file__).resolve().parent.parent
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / "test-artifacts"
DESK = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB"}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
QUIET = [
    "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run", "--disable-sync",
]  # fmt: skip
# A rule of the resolver, not a handler of every request: with one, Chromium keeps no style and no script from page to page.
ONLY_THIS_MACHINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"


def chromium() -> str:
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.fail("Browser tests need Chromium: run `apt install chromium`, or name yours in CHROMIUM.")
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=[*QUIET, ONLY_THIS_MACHINE])
        yield running
        running.close()


@pytest.fixture
def new_page(browser: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """`new_page(**context options)`: another person at another screen, with cookies of their own."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def open_page(**options: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, **{**DESK, **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(f"{page.url}: {error}"))
        page.on("console", lambda message: troubles.append(f"{page.url}: {message.text}") if breach(message) else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not troubles, "\n".join(troubles)


def breach(message: Any) -> bool:
    return message.type == "error" and "Content Security Policy" in message.text


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


@pytest.fixture
def phone(new_page: Callable[..., Page]) -> Page:
    return new_page(**PHONE)


@pytest.fixture
def no_axe_findings() -> Callable[[Page], None]:
    """`no_axe_findings(page)`: nothing serious or critical on the page as it stands."""
    return check_accessibility


def check_accessibility(page: Page) -> None:
    # Through the debugger, because the page's own policy rightly forbids a script from elsewhere.
    debugger = page.context.new_cdp_session(page)
    debugger.send("Runtime.evaluate", {"expression": AXE.read_text()})
    answer = debugger.send(
        "Runtime.evaluate",
        {
            "expression": "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => "
            "({id: v.id, impact: v.impact, help: v.help, where: v.nodes.map(n => n.target.join(' ')).slice(0, 5)})))",
            "awaitPromise": True,
            "returnByValue": True,
        },
    )
    debugger.detach()
    assert "exceptionDetails" not in answer, answer
    serious = [f for f in answer["result"]["value"] if f["impact"] in {"serious", "critical"}]
    assert not serious, "\n".join(f"{f['id']} ({f['impact']}): {f['help']}: {f['where']}" for f in serious)


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """`picture(page, "board")`: a screenshot to look at (`keep_picture`)."""
    return keep_picture


def keep_picture(page: Page, name: str) -> None:
    """The whole page under test-artifacts/ if PICTURES=1 asks for it: eight hundred of them take minutes."""
    if os.environ.get("PICTURES") != "1":
        return
    PICTURES.mkdir(exist_ok=True)
    for frame in page.locator("iframe").all():  # Chromium paints what is inside only once it was in sight
        frame.scroll_into_view_if_needed()
    try:
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
    except Error:  # Chromium has no surface to read from now and then, while another process has the processor
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
