"""A mail as it goes over the wire: what Django and the library would write, byte for byte, for a tenth of the work.

The library builds a tree of objects for each mail and looks through each header a dozen times. Ours are all built alike, so
they are written from their pieces. Whatever is not plain is written by the library itself: a header that is long or has
other letters than ASCII, an unusual address, a whole mail with a line too long for the wire or without one of its texts.
`tests/sessions/test_wire.py` compares the two byte by byte.
"""

from __future__ import annotations

import re
import secrets
import smtplib
from base64 import encodebytes
from collections.abc import Iterator
from dataclasses import dataclass
from email.generator import BytesGenerator
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import formataddr, formatdate, parseaddr
from functools import lru_cache
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import forbid_multi_line_headers, sanitize_address

WIRE = compat32.clone(linesep="\r\n")
LONGEST_LINE = 998  # bytes (RFC 5322, 2.1.1)
FITS = 74  # characters of name and value: with colon and blank two fewer than RFC 5322 likes a line to have
PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")  # words of ASCII with single blanks between them: no line break, nothing to fold
# An address the library leaves exactly as it is: no quotes, no comments, no encoded words, and labels that a name can have.
ORDINARY = re.compile(
    r"[\w!#$%&'*+/=^{|}~-]+(?:\.[\w!#$%&'*+/=^{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*"
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII | re.IGNORECASE,
)  # fmt: skip


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


@dataclass(frozen=True, slots=True)
class Packed:
    """A mail as it goes over the wire, with the two addresses of its envelope in their angle brackets."""

    payload: bytes
    sender: str
    recipient: str


def packed(mail: Mail) -> Packed:
    """Raises ValueError (BadHeaderError is one), or whatever the library stumbles over, for what is no mail."""
    sender = envelope(mail.returns_to or sender_of(mail.sender_name, settings.DEFAULT_FROM_EMAIL))
    recipient = envelope(mail.to)
    bodies = [on_lines(mail.text), on_lines(mail.html)]
    if not all(bodies) or any(len(line) > LONGEST_LINE for body in bodies for line in body.split(b"\r\n")):
        return Packed(by_the_library(mail), sender, recipient)
    return Packed(b"".join(pieces(mail, *bodies)), sender, recipient)


def pieces(mail: Mail, text: bytes, html: bytes) -> Iterator[bytes]:
    """The two bodies to choose from and, beside them, the calendar entry if there is one."""
    inner, outer = boundary(), boundary()
    alternative = multipart("alternative", inner)
    yield multipart("mixed", outer) if mail.invitation is not None else alternative
    yield "".join(header(name, value) for name, value in headers(mail)).encode("ascii")
    yield b"\r\n"
    if mail.invitation is not None:
        yield b"--%b\r\n%b\r\n" % (outer, alternative)
    yield b"--%b\r\n%b\r\n--%b\r\n%b\r\n--%b--\r\n" % (inner, body("plain", text), inner, body("html", html), inner)
    if mail.invitation is not None:
        yield b"\r\n--%b\r\n%b\r\n--%b--\r\n" % (outer, attached(mail.invitation), outer)


def boundary() -> bytes:
    return secrets.token_hex(12).encode()  # 96 bits drawn by lot stand in no text, so nobody need look for them there


def multipart(kind: str, boundary: bytes) -> bytes:
    return b'Content-Type: multipart/%b; boundary="%b"\r\nMIME-Version: 1.0\r\n' % (kind.encode(), boundary)


def body(kind: str, content: bytes) -> bytes:
    return b'Content-Type: text/%b; charset="utf-8"\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: %b\r\n\r\n%b' % (
        kind.encode(), b"7bit" if content.isascii() else b"8bit", content,
    )  # fmt: skip


def attached(invitation: Invitation) -> bytes:
    return (
        b'MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\nContent-Type: text/calendar; charset="utf-8"; method="%b"\r\n'
        b'Content-Disposition: attachment; filename="appointment.ics"\r\n\r\n%b'
    ) % (invitation.method.encode("ascii"), encodebytes(invitation.content).replace(b"\n", b"\r\n"))


def on_lines(content: str) -> bytes:
    return content.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode()


# --- headers --------------------------------------------------------------------------------------------------------
def headers(mail: Mail) -> list[tuple[str, str]]:
    """The patient's name is in none of them."""
    start = [("Subject", mail.subject), ("From", sender_of(mail.sender_name, settings.DEFAULT_FROM_EMAIL)), ("To", mail.to)]
    if mail.reply_to:
        start.append(("Reply-To", mail.reply_to))
    return [*start, ("Date", formatdate(localtime=settings.EMAIL_USE_LOCALTIME)), *more_headers(mail).items()]


def more_headers(mail: Mail) -> dict[str, str]:
    more = {"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"}
    if mail.unsubscribe:
        more |= {"List-Unsubscribe": f"<{mail.unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return more


@lru_cache(maxsize=16)
def sender_of(name: str, address: str) -> str:
    return formataddr((" ".join(name.split()), own_address(address)))


@lru_cache(maxsize=16)
def own_address(written: str) -> str:
    """The address in a setting such as `Clinic <desk@clinic.example>`."""
    return parseaddr(written)[1]


def header(name: str, value: str) -> str:
    if len(name) + len(value) <= FITS and PLAIN.fullmatch(value):
        return f"{name}: {value}\r\n"
    return header_by_the_library(name, value)


@lru_cache(maxsize=64)  # a subject comes back on the same day, the clinic's own addresses in each mail
def header_by_the_library(name: str, value: str) -> str:
    """Django refuses line breaks."""
    return WIRE.fold_binary(*forbid_multi_line_headers(name, value, "utf-8")).decode("ascii")


def envelope(address: str) -> str:
    """An address as it stands in MAIL and RCPT."""
    return f"<{address}>" if ORDINARY.fullmatch(address) else envelope_by_the_library(address)


@lru_cache(maxsize=64)
def envelope_by_the_library(address: str) -> str:
    return smtplib.quoteaddr(sanitize_address(address, "utf-8"))


# --- by the library -------------------------------------------------------------------------------------------------
def as_email(mail: Mail) -> EmailMultiAlternatives:
    """Through Django's own API, which refuses line breaks in headers: for providers, and for what is not written here."""
    email = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text,
        from_email=sender_of(mail.sender_name, settings.DEFAULT_FROM_EMAIL),
        to=[mail.to],
        reply_to=[mail.reply_to] if mail.reply_to else None,
        headers=more_headers(mail),
    )
    email.attach_alternative(mail.html, "text/html")
    if mail.invitation is not None:
        email.attach(mail.invitation.as_part())
    return email


def by_the_library(mail: Mail) -> bytes:
    written, message = BytesIO(), as_email(mail).message()
    part: Any
    for part in message.walk():
        if part.is_multipart():
            part.set_boundary(boundary().decode())
    BytesGenerator(written, mangle_from_=False, policy=WIRE).flatten(message)
    return written.getvalue()
