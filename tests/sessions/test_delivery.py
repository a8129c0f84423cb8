"""A mail on the wire: what the library would write, whatever is in it."""
from __future__ import annotations

from email import message_from_bytes, policy
from typing import Any

import pytest

from sessions.delivery import Invitation, Mail, as_email, packed

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
    ],
)  # fmt: skip
def test_is_what_the_library_writes_but_for_the_boundaries(fields: dict[str, Any]) -> None:
    one = mail(**fields)
    payload = packed(one).payload
    theirs = as_email(one).message().as_bytes(linesep="\r\n")
    assert read(payload) == read(theirs)
    assert b"\n" not in payload.replace(b"\r\n", b"")
    assert max(map(len, payload.split(b"\r\n"))) <= 998
    head = payload.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 78 or b"List-Unsubscribe" in head


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
