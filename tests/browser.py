"""Debian's Chromium for journeys: `page` is a desk screen, `phone` a patient's phone, both on the live server.

Nothing but this machine is reachable; a script error or a breach of the content security policy fails the test.
"""
from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIRequest, get_path_info
from playwright.sync_api import Browser, BrowserContext, Error, Page, Request, sync_playwright
from pytest_django.live_server_helper import LiveServer

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
AGES = 100 * 366 * 86_400  # seconds
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


class KeptStatic(StaticFilesHandler):
    """Static files out of memory, and the browser keeps them too, however old a frozen clock makes them. Without a word about
    that it judges by their age: those of a fresh clone are so young that it would ask after all twenty-five on every page."""

    def __init__(self, application: Any) -> None:
        super().__init__(application)
        self.kept: dict[str, tuple[list[tuple[str, str]], bytes]] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        path = get_path_info(environ)
        if not self._should_handle(path):
            return self.application(environ, start_response)
        if path not in self.kept:
            answer = self.get_response(WSGIRequest({**environ, "HTTP_IF_MODIFIED_SINCE": ""}))
            if answer.status_code != 200:
                return super().__call__(environ, start_response)
            headers = {**answer.headers, "Cache-Control": f"max-age={AGES}"}
            self.kept[path] = list(headers.items()), answer.getvalue()
            answer.close()
        headers, content = self.kept[path]
        start_response("200 OK", headers)
        return [content]


@pytest.fixture(scope="session")
def live_server() -> Iterator[LiveServer]:
    server = LiveServer("localhost", start=False)
    server.thread.static_handler = KeptStatic
    server.start()
    yield server
    server.stop()


@pytest.fixture
def new_page(browser: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """`new_page(**context options)`: another person at another screen, with cookies of their own."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def open_page(**options: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, **{**DESK, **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        watch(context)
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


# --- a page that is still -------------------------------------------------------------------------------------------
on_their_way: WeakKeyDictionary[BrowserContext, dict[Request, float]] = WeakKeyDictionary()
STILL = """async () => {
    await document.fonts.ready;
    const moving = document.getAnimations().filter(
        one => one.playState === "running" && one.effect.getComputedTiming().endTime !== Infinity);
    await Promise.all(moving.map(one => one.finished.catch(() => null)));
    for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
    return document.querySelectorAll(".htmx-request, .htmx-swapping, .htmx-settling").length;
}"""


def watch(context: BrowserContext) -> None:
    """Remember what its pages have asked for and not got yet."""
    waiting = on_their_way[context] = {}
    context.on("request", lambda request: waiting.__setitem__(request, time.monotonic()))
    for end in ("requestfinished", "requestfailed"):
        context.on(end, lambda request: waiting.pop(request, None))  # type: ignore[call-overload]


def settled(page: Page, seconds: float = 30) -> None:
    """Waits until the page is loaded, nothing it asked for is on its way, nothing moves, and htmx is done with what came.

    Playwright's `networkidle` waits half a second of silence each time, however still the page is."""
    waiting, ends = on_their_way[page.context], time.monotonic() + seconds
    still = 0
    while still < 2:  # twice: what has just come may ask for more
        page.wait_for_load_state("load")
        try:
            busy = page.evaluate(STILL)
        except Error:  # the page gave way to another one
            busy = -1
        still = 0 if busy or waiting else still + 1
        assert time.monotonic() < ends, f"{page.url} is not still: {busy} parts, {[one.url for one in waiting]}"


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
    # Through the debugger, because the page's own policy rightly forbids a script from elsewhere. Once for each document: it
    # takes a third of the time, and axe itself is faster the second time.
    debugger = page.context.new_cdp_session(page)
    there = debugger.send("Runtime.evaluate", {"expression": "typeof axe"})["result"]["value"]
    if there == "undefined":
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
