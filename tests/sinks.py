"""A real SMTP server to send to, with every way of failing: refuses, puts off, hangs, drops the line after the mail."""
from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Received:
    """One accepted mail. `begun` is when its MAIL command came, both in seconds of `time.monotonic`."""

    to: str
    raw: bytes
    begun: float
    accepted: float

    @property
    def email(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)  # type: ignore[return-value]

    @property
    def message_id(self) -> str:
        return str(self.email["Message-ID"])

    def part(self, kind: str) -> str:
        return self.email.get_body((kind,)).get_content()


@dataclass
class Sink:
    """`answers` holds what to say at each step, by recipient or for all under "*": `rcpt`, `data` or `mail` with a line
    such as "550 no such user"; `drop` hangs up after the mail was taken; `wait` seconds before the last answer."""

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    begun: list[float] = field(default_factory=list)
    on_received: Callable[[int], None] | None = None  # called with the count, before the mail is answered
    on_begun: Callable[[int], None] | None = None  # the same at the first word of a mail
    port: int = 0

    def say(self, recipient: str = "*", **answer: Any) -> None:
        self.answers.setdefault(recipient, {}).update(answer)

    def answer(self, step: str, recipient: str = "*") -> Any:
        return self.answers.get(recipient, {}).get(step) or self.answers.get("*", {}).get(step)

    def ids(self) -> Counter[str]:
        return Counter(mail.message_id for mail in self.received)

    # --- what aiosmtpd calls
    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.begun.append(time.monotonic())
        envelope.begun = self.begun[-1]  # type: ignore[attr-defined]
        if self.on_begun is not None:
            self.on_begun(len(self.begun))
        if self.answer("mail"):
            return str(self.answer("mail"))
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answer("rcpt", address):
            return str(self.answer("rcpt", address))
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        to = envelope.rcpt_tos[0]
        if self.answer("data", to):
            return str(self.answer("data", to))
        begun = envelope.begun  # type: ignore[attr-defined]
        self.received.append(Received(to, envelope.original_content or b"", begun, time.monotonic()))
        if self.on_received is not None:
            self.on_received(len(self.received))
        if self.answer("wait", to):
            await asyncio.sleep(self.answer("wait", to))
        if self.answer("drop", to):
            server.transport.abort()
        return "250 kept"


@contextmanager
def running_sink(port: int = 0) -> Iterator[Sink]:
    """The sink in a thread of its own, on a free port of this machine unless `port` names one."""
    sink = Sink()
    loop = asyncio.new_event_loop()
    started = threading.Event()
    servers: list[Any] = []

    async def start() -> None:
        servers.append(
            await loop.create_server(lambda: SMTP(sink, hostname="sink", loop=loop, timeout=60), "127.0.0.1", port)
        )
        sink.port = servers[0].sockets[0].getsockname()[1]
        started.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(10), "the sink did not start"
    try:
        yield sink
    finally:
        loop.call_soon_threadsafe(stop, loop, servers[0])
        thread.join(10)
        loop.close()


@contextmanager
def mail_to_sink(settings: Any) -> Iterator[Sink]:
    """The sink, and the mails of one test go to it. `settings` is pytest-django's, which puts everything back."""
    with running_sink() as sink:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        yield sink


def stop(loop: asyncio.AbstractEventLoop, server: Any) -> None:
    server.close()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    closing = asyncio.gather(*tasks, return_exceptions=True)
    closing.add_done_callback(lambda _: loop.call_later(0.05, loop.stop))


def closed_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
