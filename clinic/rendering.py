"""How the clinic asks the renderer process for a PDF: the frames on the local socket, and the client.

A question is one frame (JSON: `html`, `wait`), the answer one frame (JSON: `state`, `reason`, `pages`) and one frame
with the PDF, empty unless the state is done. A frame is its length in four bytes, then its bytes. The renderer knows a
job by the hash of its HTML: asking again for the same page joins the running job or gets its kept result, so nobody has
to hold a connection while a long document is being made.
"""
from __future__ import annotations

import hashlib
import json
import socket
import struct
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LENGTH = struct.Struct(">I")
LARGEST_QUESTION = 6_000_000
LARGEST_PDF = 30_000_000
CONNECT_SECONDS = 2.0
# Beyond the agreed wait: time for the answer itself to arrive.
GRACE_SECONDS = 5.0

WHY: dict[str, str | Promise] = {
    "too-large": _("The document is too large."),
    "too-slow": _("Making the document took too long."),
    "too-much-memory": _("The document needs too much memory."),
    "too-many-pages": _("The document has too many pages."),
    "too-deep": _("The document is nested too deeply."),
    "attachment": _("The document tries to carry another file."),
    "broken": _("The document could not be made."),
    "seal": _("The document could not be sealed. Tell your technician."),
}


class State(StrEnum):
    DONE = "done"
    WORKING = "working"
    FAILED = "failed"


@dataclass(frozen=True)
class Rendered:
    """The finished bytes."""

    pdf: bytes
    pages: int

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.pdf).hexdigest()


class RenderProblem(Exception):
    """No PDF this time. `sentence` is for people."""

    sentence: str | Promise = ""


class StillWorking(RenderProblem):
    """The renderer goes on; ask again with the same HTML."""

    sentence = _("The document is being made.")


class RendererAway(RenderProblem):
    """Nobody answers on the socket. The request can simply be repeated."""

    sentence = _("The document service is not running. The document stays in the queue; please tell your technician.")


class NotRenderable(RenderProblem):
    """This HTML will not become a PDF; `code` is one of `WHY`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code if code in WHY else "broken"
        self.sentence = WHY[self.code]


def render(html: str, *, wait_seconds: float) -> Rendered:
    """Ask for the PDF of `html` and wait at most `wait_seconds`. Raises a `RenderProblem`."""
    question = json.dumps({"html": html, "wait": wait_seconds}).encode()
    if len(question) > LARGEST_QUESTION:
        raise NotRenderable("too-large")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(CONNECT_SECONDS)
            line.connect(settings.RENDERER_SOCKET)
            line.sendall(LENGTH.pack(len(question)) + question)
            line.settimeout(wait_seconds + GRACE_SECONDS)
            answer = json.loads(read_frame(line, most=10_000))
            pdf = read_frame(line, most=LARGEST_PDF)
            state, pages, reason = State(answer["state"]), int(answer["pages"]), str(answer["reason"])
    except TimeoutError as error:
        raise StillWorking from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RendererAway from error  # it hung up, or something else answers there
    if state == State.DONE:
        return Rendered(pdf=pdf, pages=pages)
    if state == State.WORKING:
        raise StillWorking
    raise NotRenderable(reason)


def read_frame(line: socket.socket, *, most: int) -> bytes:
    """One frame. Raises `ConnectionError` when the other side leaves early, `ValueError` when it is too long."""
    (length,) = LENGTH.unpack(read_exactly(line, LENGTH.size))
    if length > most:
        raise ValueError("the answer is too long")
    return read_exactly(line, length)


def read_exactly(line: socket.socket, length: int) -> bytes:
    parts, missing = [], length
    while missing:
        part = line.recv(min(missing, 1 << 16))
        if not part:
            raise ConnectionError("the renderer hung up")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
