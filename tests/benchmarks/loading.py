"""Asking an application on this machine, one after the other or eight at once, and how long its answers took.

Two applications are judged by the ratio of their figures, so they are asked in turns, some of one, some of the other:
whatever else this machine does then slows both.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from urllib.parse import urlencode


class Refused(AssertionError):
    """An answer that is not the page that was to be measured."""


@dataclass
class Application:
    """Where it listens, and the cookies of whoever signed in."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(
        self, connection: HTTPConnection, path: str, *, form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:  # fmt: skip
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **(headers or {})}
        if form is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request("GET" if form is None else "POST", path, None if form is None else urlencode(form), sent)
        answer = connection.getresponse()
        body = answer.read()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(cookie).items()}
        return answer.status, body


@dataclass(frozen=True)
class Page:
    """One kind of request: `path` makes the next address; an answer shorter than `least` bytes is no page."""

    of: Application
    path: Callable[[], str]
    least: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Figures:
    """Milliseconds."""

    p50: float
    p95: float
    count: int

    @classmethod
    def of(cls, seconds: list[float]) -> Figures:
        cuts = statistics.quantiles([1000 * one for one in seconds], n=20, method="inclusive")
        return cls(cuts[9], cuts[18], len(seconds))

    def __str__(self) -> str:
        return f"{self.p50:.1f} ms (p95 {self.p95:.1f})"


def in_turns(pages: Mapping[str, Page], *, clients: int, rounds: int, requests: int) -> dict[str, Figures]:
    """Every page `requests` times by each client, in so many rounds over all pages; the first round is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in pages}
    for number in range(rounds + 1):
        for name, page in pages.items():
            found = _asked(page, clients, requests)
            if number:
                taken[name] += found
    return {name: Figures.of(seconds) for name, seconds in taken.items()}


def _asked(page: Page, clients: int, requests: int) -> list[float]:
    paths = [[page.path() for _ in range(requests)] for _ in range(clients)]
    found: list[float] = []
    failed: list[BaseException] = []

    def client(mine: list[str]) -> None:
        connection = page.of.connection()
        try:
            for path in mine:
                begun = time.perf_counter()
                status, body = page.of.ask(connection, path, headers=page.headers)
                found.append(time.perf_counter() - begun)
                if status != 200 or len(body) < page.least:
                    raise Refused(f"{path}: {status}, {len(body)} bytes")
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=client, args=[mine]) for mine in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return found
