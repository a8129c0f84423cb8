"""A mail on the wire: byte for byte what the library would write, whatever is in it."""
from __future__ import annotations

import re
import smtplib
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.core.mail.message import sanitize_address
from hypothesis import given
from hypothesis import strategies as st

from sessions.wire import ORDINARY, Invitation, Mail, as_email, envelope, header, header_by_the_library, packed

CALENDAR = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nSUMMARY:" + b"x" * 400 + b"\r\nEND:VCALENDAR\r\n"


def mail(**fields: Any) -> Mail:
    usual = {
        "to": "aisha.bello@example.org", "sender_name": "Halden", "reply_to": "desk@halden.example", "subject": "Your visit",
        "text": "Hello\n.\n..dots\nFrom here\n", "html": "<p>Hello</p>\n.\n", "message_id": "<a@halden.example>",
    }  # fmt: skip
    return Mail(**(usual | fields))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"subject": "Randevunuz: 19 Mart Perşembe, " + "çok uzun bir başlık " * 6, "sender_name": "Şifa Kliniği"},
        {"subject": "A plain subject that is much too long for a single line of a header " * 3},
        {"subject": "x" * 65}, {"subject": "x" * 66}, {"subject": "x" * 67}, {"subject": "  blanks  "}, {"subject": "tab\there"},
        {"html": "<p>" + "é" * 3000 + "</p>", "text": "x" * 2000},
        {"unsubscribe": "https://halden.example/stop/" + "t" * 120},
        {"invitation": Invitation("REQUEST", CALENDAR), "sender_name": "Dr. O'Neill, Partners \"and\" Co"},
        {"invitation": Invitation("CANCEL", CALENDAR), "text": "x" * 999, "html": ""}, {"text": "", "reply_to": ""},
        {"text": "no end", "html": "one\r\ntwo\rthree\n\n", "returns_to": "bounces+0f-ab12@halden.example"},
        {"text": "şçğı\u2028\x0b\x85", "html": "<p>مرحبا</p>", "reply_to": "Şifa <desk@şifa.example>"},
        {"to": "şifa@halden.example", "text": "x" * 998}, {"to": '"a b"@halden.example'}, {"to": "o'neill+x@Halden.example"},
    ],
)  # fmt: skip
def test_is_what_the_library_writes_but_for_the_boundaries(fields: dict[str, Any]) -> None:
    one = mail(**fields)
    payload = packed(one).payload
    theirs = by_the_library(one)
    assert alike(payload) == alike(theirs)
    assert read(payload) == read(theirs)
    assert b"\n" not in payload.replace(b"\r\n", b"")
    assert max(map(len, payload.split(b"\r\n"))) <= 998
    head = payload.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 78 or b"List-Unsubscribe" in head


def by_the_library(one: Mail) -> bytes:
    """With boundaries as long as ours: the library's own are longer, and so are their lines."""
    message: Any = as_email(one).message()
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"{number:024}")
    return bytes(message.as_bytes(linesep="\r\n"))


def alike(payload: bytes) -> bytes:
    """Without what is of this writing alone: boundaries, by the order in which they come, and the moment."""
    for number, found in enumerate(dict.fromkeys(re.findall(rb'boundary="([^"]+)"', payload))):
        payload = payload.replace(found, b"boundary-%d" % number)
    return re.sub(rb"\r\nDate: [^\r]+", b"\r\nDate:", payload)


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=90)
TEXTS = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("\r\n. ")), max_size=400)


@given(subject=WORDS, sender_name=WORDS, text=TEXTS, html=TEXTS, content=TEXTS)
def test_is_what_the_library_writes_of_any_words(subject: str, sender_name: str, text: str, html: str, content: str) -> None:
    invitation = Invitation("REQUEST", content.encode()) if content else None
    one = mail(subject=subject, sender_name=sender_name, text=text, html=html, invitation=invitation)
    theirs = outcome(lambda: by_the_library(one))
    assert outcome(lambda: packed(one).payload) == theirs


def outcome(write: Any) -> bytes | type[Exception]:
    try:
        return alike(write())
    except Exception as error:
        return type(error)


@given(st.text(st.sampled_from("ab Z9.-+_'%=?@<>\"(),:;[]\\é"), max_size=24))
def test_an_ordinary_address_is_one_the_library_leaves_alone(address: str) -> None:
    if ORDINARY.fullmatch(address):
        assert smtplib.quoteaddr(sanitize_address(address, "utf-8")) == f"<{address}>" == envelope(address)


@pytest.mark.parametrize(
    "address",
    ["a", "a@", "@b.c", "a@b..c", "a..b@c.d", "a@-b.c", "a@b-.c", f"a@{'b' * 64}.c", "a b@c.d", "a@b.c\n", "=?utf-8?q?a?=@b.c"],
)  # fmt: skip
def test_what_is_no_ordinary_address_is_left_to_the_library(address: str) -> None:
    assert not ORDINARY.fullmatch(address)


@given(st.text(st.sampled_from("ab ,.=?_<>@\tZ"), max_size=80))
def test_a_plain_header_is_one_the_library_leaves_alone(value: str) -> None:
    """But for its fear of lines that are a few characters too long."""
    ours, theirs = header("Subject", value), header_by_the_library("Subject", value)
    assert ours.replace("\r\n ", " ") == theirs.replace("\r\n ", " ")


def read(payload: bytes) -> list[Any]:
    """Headers and content of each part; of a multipart without its boundary, and without the date, which is of the moment."""
    parts = message_from_bytes(payload, policy=policy.default).walk()
    return [
        ([(name, str(value)) for name, value in part.items() if name not in {"Content-Type", "Date"}],
         part.get_content_type(), part.get_content_charset(), part.get_filename(),
         None if part.is_multipart() else part.get_payload(decode=True))
        for part in parts
    ]  # fmt: skip


def test_boundaries_are_of_this_mail_alone() -> None:
    one = mail(invitation=Invitation("REQUEST", CALENDAR))
    boundaries = [
        [part.get_boundary() for part in message_from_bytes(packed(one).payload).walk() if part.is_multipart()] for _ in range(2)
    ]
    assert len({*boundaries[0], *boundaries[1]}) == len(boundaries[0]) * 2 == 4


@pytest.mark.parametrize(
    ("field", "value"), [("subject", "x\r\nBcc: a@b.c"), ("reply_to", "a@b.c\nBcc: d@e.f"), ("to", "a@b.c\nx")]
)
def test_line_break_in_a_header_is_no_mail(field: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"newline|Invalid address"):
        packed(mail(**{field: value}))
