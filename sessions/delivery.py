"""Handing a mail over: a small interface with SMTP as its one channel.

A channel answers in four ways: it returns (accepted), or raises `Temporary`, `Permanent` or `Unknown`. `begin` is
entered at the last moment, with the connection open: whoever wants to stop the mail has until then. What it yields is
called before the mail itself leaves, and returns when it is on disk that it does.
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Any, Protocol

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.utils.module_loading import import_string
from django.utils.translation import gettext_noop

from sessions.wire import Mail, Packed, as_email, packed

Begin = Callable[[], AbstractContextManager[Callable[[], None]]]

NO_ANSWER = gettext_noop("The mail server does not answer")
LOST_ANSWER = gettext_noop("The connection broke after the mail was handed over")
CANNOT_BE_WRITTEN = gettext_noop("The address or the text cannot be put into a mail")


class NotAccepted(Exception):
    """`reason` is shown in the message log: one of our sentences, or what the other mail server said."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason[:300]


class Temporary(NotAccepted):
    """Nothing was handed over; later may go better. `server` says that no mail at all can go now."""

    def __init__(self, reason: str, *, server: bool = False) -> None:
        super().__init__(reason)
        self.server = server


class Permanent(NotAccepted):
    """Refused for good. `address` says that the mailbox is to blame, not the mail."""

    def __init__(self, reason: str, *, address: bool = False) -> None:
        super().__init__(reason)
        self.address = address


class Unknown(NotAccepted):
    """Everything was handed over, the answer never came: nobody knows whether it was accepted."""


class Channel(Protocol):
    """`in_steps`: a first word goes out inside `begin`, the mail only after what it yields was called. Where the hand-over is
    one call, all of it happens inside. `pack` may be called ahead of `send`, by another thread."""

    @property
    def in_steps(self) -> bool: ...

    def pack(self, mail: Mail) -> None: ...

    def send(self, mail: Mail, *, begin: Begin) -> None: ...

    def close(self) -> None: ...


class EmailChannel:
    """Keeps one SMTP connection for a round of mails; any fault closes it, the next mail opens a new one."""

    def __init__(self) -> None:
        self.backend: Any = None
        self.packed: dict[str, tuple[Mail, Packed]] = {}

    @property
    def in_steps(self) -> bool:
        return not settings.EMAIL_PROVIDER and issubclass(import_string(settings.EMAIL_BACKEND), EmailBackend)

    def pack(self, mail: Mail) -> None:
        with suppress(Exception):  # `send` says so, of this mail alone
            self.packed[mail.message_id] = (mail, packed(mail))

    def unpack(self, mail: Mail) -> Packed:
        """What was packed ahead, of this very mail and not of another that was written for the same row."""
        known, ahead = self.packed.pop(mail.message_id, (None, None))
        if ahead is not None and known is mail:
            return ahead
        try:
            return packed(mail)
        except Exception as error:  # a crooked address makes the library fail in ways of its own; other mails must go on
            raise Permanent(CANNOT_BE_WRITTEN, address=False) from error

    def send(self, mail: Mail, *, begin: Begin) -> None:
        ready, beginning = self.unpack(mail), Beginning(begin)
        self.open()
        try:
            if self.in_steps:
                converse(self.backend.connection, ready, beginning.said)
            elif settings.EMAIL_PROVIDER:
                from sessions.providers import hand_to  # anymail is set up only where a provider is

                email = as_email(mail)
                with beginning.said():
                    hand_to(self.backend, email)
            else:  # a backend that keeps mails in memory or in files: the whole hand-over is one call
                email = as_email(mail)
                with beginning.said():
                    self.backend.send_messages([email])
        except Exception:
            if not beginning.was_refused:  # then nothing was said on the line, and it is good for the next mail
                self.close()
            raise

    def open(self) -> None:
        if self.backend is None:
            self.backend = get_connection()
        try:
            self.backend.open()
        except (OSError, smtplib.SMTPException) as error:
            self.backend = None
            raise Temporary(NO_ANSWER, server=True) from error

    def close(self) -> None:
        backend, self.backend = self.backend, None
        if backend is not None:
            # A server that hangs up first has still kept what it accepted.
            with suppress(OSError, smtplib.SMTPException):
                backend.close()


class Beginning:
    """Knows whether it was `begin` itself that stopped the mail."""

    def __init__(self, begin: Begin) -> None:
        self.begin = begin
        self.was_refused = False

    @contextmanager
    def said(self) -> Iterator[Callable[[], None]]:
        with ExitStack() as stack:
            try:
                is_on_disk = stack.enter_context(self.begin())
            except BaseException:
                self.was_refused = True
                raise
            yield is_on_disk


def converse(smtp: smtplib.SMTP, ready: Packed, begin: Begin) -> None:
    """One SMTP transaction, step by step, because what a broken connection means depends on the step.

    1. MAIL is put on the wire inside `begin`, so that a cancelled visit sends no mail afterwards; the answer is awaited
       outside it, so that a slow server holds no lock. It is no mail yet: a server forgets it when the line breaks.
    2. MAIL refused for good: no mail of ours can go, whatever the server has against us. RCPT refused for good: the address is
       bad, if the server says that it is the address. DATA or what follows refused for good: the mail is.
    3. Before the mail itself leaves, it is on disk that it does: `is_on_disk` waits for that.
    4. Until the mail itself leaves a broken connection is temporary. From then on nobody knows.
    """
    handed_over = False
    try:
        smtp.ehlo_or_helo_if_needed()
        body = " BODY=8BITMIME" if smtp.has_extn("8bitmime") else ""
        with begin() as is_on_disk:
            smtp.putcmd("MAIL", f"FROM:{ready.sender}{body}")
        expect(smtp.getreply(), 250, blames=blames_us)
        expect(smtp.docmd("RCPT", f"TO:{ready.recipient}"), 250, 251, blames=blames_recipient)
        expect(smtp.docmd("DATA"), 354)
        try:
            is_on_disk()
        except BaseException:
            smtp.close()  # without a farewell, which the server would take for the first line of the mail
            raise
        handed_over = True
        smtp.send(re.sub(rb"(?m)^\.", b"..", ready.payload).rstrip(b"\r\n") + b"\r\n.\r\n")
        expect(last_answer(smtp), 250)
    except (OSError, smtplib.SMTPException) as error:
        if handed_over:
            raise Unknown(LOST_ANSWER) from error
        raise Temporary(NO_ANSWER) from error


def last_answer(smtp: smtplib.SMTP) -> tuple[int, bytes]:
    """Servers look through a mail before they take it: who waits too short for that sends it again."""
    line, patience = smtp.sock, settings.EMAIL_TIMEOUT
    if line is not None and patience:
        line.settimeout(LAST_ANSWER * patience)
    answer = smtp.getreply()
    if smtp.sock is not None and patience:
        smtp.sock.settimeout(patience)
    return answer


Blame = Callable[[int, str], NotAccepted]
LAST_ANSWER = 3  # times as long as for any other
ENHANCED = re.compile(r"\b5\.(\d{1,3})\.\d{1,3}\b")  # RFC 3463
NO_MAILBOX = {550, 551, 553}  # without an enhanced code (RFC 5321); 554 and 530 mean us


def blames_the_mail(_code: int, said: str) -> NotAccepted:
    return Permanent(said)


def blames_us(_code: int, said: str) -> NotAccepted:
    """An account that ended, a server that does not let us in: it says the same to every mail, and none is lost for it."""
    return Temporary(said, server=True)


def blames_recipient(code: int, said: str) -> NotAccepted:
    """Only what speaks of the address (5.1) or its mailbox (5.2) marks the patient's address; a relay that refuses to relay, or
    asks who we are, speaks of us."""
    subject = ENHANCED.search(said)
    if subject is not None and subject[1] not in {"1", "2", "7"}:
        return Permanent(said)
    about_address = subject[1] in {"1", "2"} if subject is not None else code in NO_MAILBOX
    return Permanent(said, address=True) if about_address else Temporary(said, server=True)


def expect(reply: tuple[int, bytes], *good: int, blames: Blame = blames_the_mail) -> None:
    """Raise what the server's answer means: 4xx temporary, 5xx as `blames` reads it."""
    code, words = reply
    if code in good:
        return
    said = f"{code} {words.decode('ascii', 'replace')}"
    said = " ".join(said.split())
    if code == -1:  # the connection broke instead of answering
        raise smtplib.SMTPServerDisconnected(said)
    if 500 <= code < 600:
        raise blames(code, said)
    raise Temporary(said, server=code == 421)
