"""Time that goes on and can be moved, a mailbox that takes real mail, and pages that are checked as they are walked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from playwright.sync_api import Page

from sessions import tasks
from tests.browser import check_accessibility, keep_picture
from tests.sinks import Received, Sink, running_sink

PATIENCE = 30_000  # milliseconds; a busy machine is no fault of the page


class Clock:
    """The clinic's clock. It ticks; the server runs in this process and sees the same one."""

    def __init__(self) -> None:
        self._travel: time_machine.travel | None = None

    def to(self, moment: str | dt.datetime) -> None:
        self.stop()
        aware = dt.datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        if aware.tzinfo is None:
            raise ValueError("Say the time zone.")
        self._travel = time_machine.travel(aware, tick=True)
        self._travel.start()

    def on(self, **more: float) -> None:
        """So much later: `on(minutes=5)`."""
        self.to(dt.datetime.now(dt.UTC) + dt.timedelta(**more))

    def stop(self) -> None:
        if self._travel is not None:
            self._travel.stop()
            self._travel = None


class Post:
    """What the worker does when beat wakes it, and the mails that came of it."""

    def __init__(self, sink: Sink, clock: Clock) -> None:
        self.sink, self.clock = sink, clock

    def goes_out(self) -> None:
        self.clock.on(minutes=4)  # changes by staff rest three minutes, so that they can be undone
        tasks.send_due_messages()

    def to(self, address: str) -> list[Received]:
        return [mail for mail in self.sink.received if mail.to == address]


class Looked:
    """Each page of a journey is checked once, by the name given to it."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def at(self, page: Page, name: str) -> None:
        if name not in self.names:
            self.names.add(name)
            rest(page)
            try:
                check_accessibility(page)
            except AssertionError as findings:
                raise AssertionError(f"{name} ({page.url}): {findings}") from None


def rest(page: Page) -> None:
    """No pointer over a button, no colour half-way to another: what is measured is the page at rest."""
    page.mouse.move(0, 0)
    page.wait_for_load_state("load")
    page.evaluate(
        "Promise.all(document.getAnimations().filter(a => a instanceof CSSTransition).map(a => a.finished.catch(() => 0)))"
    )


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    yield clock
    clock.stop()


@pytest.fixture
def post(settings: Any, clock: Clock, live_server: Any) -> Iterator[Post]:
    with running_sink() as sink:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        settings.BASE_URL = live_server.url
        settings.REQUIRE_MFA = False
        yield Post(sink, clock)


@pytest.fixture
def looked() -> Looked:
    return Looked()


@pytest.fixture
def at_a_screen(new_page: Callable[..., Page], request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """`at_a_screen(**context options)`: a patient browser for one person; where each of them ended is kept to look at."""
    pages: list[Page] = []

    def open_page(**options: Any) -> Page:
        page = new_page(**options)
        page.context.set_default_timeout(PATIENCE)
        pages.append(page)
        return page

    yield open_page
    for number, page in enumerate(pages, start=1):
        keep_picture(page, f"{request.node.name}-{number}")
