"""Handing a mail over: a small interface with SMTP as its one channel.

A channel answers in four ways: it returns (accepted), or raises `Temporary`, `Permanent` or `Unknown`. `begin` is
entered at the last moment, with the connection open: whoever wants to stop the mail has until then.
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from email.mime.text import MIMEText
from email.utils import formataddr, parseaddr
from typing import Any, Protocol

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import sanitize_address
from django.utils.translation import gettext_noop

Begin = Callable[[], AbstractContextManager[None]]

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


@dataclass(frozen=True, slots=True)
class Invitation:
    """An entry for the recipient's calendar that travels with a mail (RFC 6047); `method` is REQUEST or CANCEL."""

    method: str
    content: bytes

    def as_part(self) -> MIMEText:
        part = MIMEText(self.content.decode(), "calendar", "utf-8")
        part.set_param("method", self.method)
        part.add_header("Content-Disposition", "attachment", filename="appointment.ics")
        return part


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person. `message_id` with its angle brackets stays the same however often it is tried;
    `unsubscribe` is the address that stops its kind, empty where nobody can do without it; `returns_to` the signed
    envelope sender, empty: the sender itself."""

    to: str
    sender_name: str
    reply_to: str
    subject: str
    text: str
    html: str
    message_id: str
    invitation: Invitation | None = None
    unsubscribe: str = ""
    returns_to: str = ""


class Channel(Protocol):
    def send(self, mail: Mail, *, begin: Begin) -> None: ...

    def close(self) -> None: ...


def as_email(mail: Mail) -> EmailMultiAlternatives:
    """Through Django's own API, which refuses line breaks in headers. The patient's name is in no header."""
    name = " ".join(mail.sender_name.split())
    address = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    headers = {"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"}
    if mail.unsubscribe:
        headers |= {"List-Unsubscribe": f"<{mail.unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    email = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text,
        from_email=formataddr((name, address)),
        to=[mail.to],
        reply_to=[mail.reply_to] if mail.reply_to else None,
        headers=headers,
    )
    email.attach_alternative(mail.html, "text/html")
    if mail.invitation is not None:
        email.attach(mail.invitation.as_part())
    return email


class EmailChannel:
    """Keeps one SMTP connection for a round of mails; any fault closes it, the next mail opens a new one."""

    def __init__(self) -> None:
        self.backend: Any = None

    def send(self, mail: Mail, *, begin: Begin) -> None:
        try:
            email = as_email(mail)
            payload = email.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]  # Django's own class takes it
            sender, recipient = (sanitize_address(one, "utf-8") for one in (mail.returns_to or email.from_email, mail.to))
        except ValueError as error:  # BadHeaderError is one
            raise Permanent(CANNOT_BE_WRITTEN, address=False) from error
        self.open()
        try:
            if isinstance(self.backend, EmailBackend) and self.backend.connection is not None:
                converse(self.backend.connection, sender, recipient, payload, begin)
            elif settings.EMAIL_PROVIDER:
                from sessions.providers import hand_to  # anymail is set up only where a provider is

                with begin():
                    hand_to(self.backend, email)
            else:  # a backend that keeps mails in memory or in files: the whole hand-over is one call
                with begin():
                    self.backend.send_messages([email])
        except Exception:
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


def converse(smtp: smtplib.SMTP, sender: str, recipient: str, payload: bytes, begin: Begin) -> None:
    """One SMTP transaction, step by step, because what a broken connection means depends on the step.

    1. MAIL is put on the wire inside `begin`, so that a cancelled visit sends no mail afterwards; the answer is awaited
       outside it, so that a slow server holds no lock.
    2. RCPT refused for good: the address is bad. MAIL or DATA refused for good: the mail is.
    3. Before the last dot a broken connection is temporary. After it nobody knows.
    """
    handed_over = False
    try:
        smtp.ehlo_or_helo_if_needed()
        body = " BODY=8BITMIME" if smtp.has_extn("8bitmime") else ""
        with begin():
            smtp.putcmd("MAIL", f"FROM:{smtplib.quoteaddr(sender)}{body}")
        expect(smtp.getreply(), 250)
        expect(smtp.docmd("RCPT", f"TO:{smtplib.quoteaddr(recipient)}"), 250, 251, address=True)
        expect(smtp.docmd("DATA"), 354)
        handed_over = True
        smtp.send(re.sub(rb"(?m)^\.", b"..", payload).rstrip(b"\r\n") + b"\r\n.\r\n")
        expect(smtp.getreply(), 250)
    except (OSError, smtplib.SMTPException) as error:
        if handed_over:
            raise Unknown(LOST_ANSWER) from error
        raise Temporary(NO_ANSWER) from error


def expect(reply: tuple[int, bytes], *good: int, address: bool = False) -> None:
    """Raise what the server's answer means: 4xx temporary, 5xx permanent."""
    code, words = reply
    if code in good:
        return
    said = f"{code} {words.decode('ascii', 'replace')}"
    said = " ".join(said.split())
    if code == -1:  # the connection broke instead of answering
        raise smtplib.SMTPServerDisconnected(said)
    if 500 <= code < 600:
        raise Permanent(said, address=address)
    raise Temporary(said, server=code == 421)
