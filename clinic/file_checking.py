"""Looks at an uploaded file before anything is kept of it: what it is by its content, and what of it may be stored.

The file is opened in a child of its own (clinic/file_reading.py), so the memory of the web process stays as it is. A
picture comes back drawn anew, without anything but its pixels; a PDF stays byte for byte what it was.
"""
from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import weakref
from dataclasses import dataclass
from tempfile import TemporaryFile, mkstemp
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clinic.errors import Refused
from clinic.file_names import clean_name
from clinic.file_reading import LONGEST_SIGNATURE, Problem, type_of
from clinic.file_receiving import LARGEST_BYTES

WALL_SECONDS = 30  # a child that sleeps uses no CPU time
AT_ONCE = 2  # in each web process; one child may need 512 MB
WAIT_SECONDS = 20
LARGEST_VERDICT_BYTES = 4_096
ENDINGS = {"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png"}
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}  # no password of ours gets near the file

WHY: dict[Problem, str | Promise] = {
    Problem.UNKNOWN_TYPE: _("Only PDF, JPEG and PNG are taken. This file is something else, whatever its name says."),
    Problem.TOO_MANY_PIXELS: _("This picture has more than 40 million pixels. Save it smaller and choose it again."),
    Problem.DAMAGED: _("This file is damaged and cannot be opened. Scan or save it again."),
    Problem.LOCKED: _("This PDF asks for a password, so nobody could read it here. Save it without one."),
    Problem.TOO_HEAVY: _("This file takes too much time or memory to open. Print it to a new PDF, or take a picture of it."),
}
EMPTY = _("This file is empty.")
TOO_LARGE = _("At most %(most)s; this file has %(size)s. Scan it with fewer dots per inch, or split it.")
BUSY = _("Several files are being looked at right now. Please send it again.")

places = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What may be stored: `content` holds exactly these bytes. A PDF has `pages`, a picture its size in pixels."""

    content: File[bytes]
    content_type: str
    size_bytes: int
    sha256: str
    name: str
    pages: int | None = None
    width_px: int | None = None
    height_px: int | None = None


class DrawnFile(File):
    """Room for a picture drawn anew: a nameless file that goes when nobody holds it any more."""

    def __init__(self) -> None:
        descriptor, path = mkstemp()
        os.unlink(path)
        super().__init__(os.fdopen(descriptor, "rb+", closefd=False))
        weakref.finalize(self, os.close, descriptor)


def check_file(received: UploadedFile) -> CheckedFile:
    """The file as it may be stored. Raises `Refused` with the sentence for beside the field. No database is needed, and
    none should be held open: this can take seconds."""
    check_size(received)
    received.seek(0)
    kind = type_of(received.read(LONGEST_SIGNATURE))
    if not kind:
        raise Refused(str(WHY[Problem.UNKNOWN_TYPE]), code=Problem.UNKNOWN_TYPE)
    drawn = DrawnFile()
    if not places.acquire(timeout=WAIT_SECONDS):
        raise Refused(str(BUSY), code="busy")
    try:
        found = ask_child(received, drawn.fileno())
    finally:
        places.release()
    problem = found.get("problem")
    if problem is not None:
        raise Refused(str(WHY[Problem(problem)]), code=str(problem))
    kept: Any = received if kind == "application/pdf" else drawn
    size_bytes, sha256 = digest_of(kept)
    return CheckedFile(
        content=kept,
        content_type=kind,
        size_bytes=size_bytes,
        sha256=sha256,
        name=clean_name(received.name or "", ending=ENDINGS[kind]),
        pages=found.get("pages"),
        width_px=found.get("width_px"),
        height_px=found.get("height_px"),
    )


def check_size(received: UploadedFile) -> None:
    size = received.size or 0
    if size == 0:
        raise Refused(str(EMPTY), code="empty")
    if size > LARGEST_BYTES:
        words = {"most": filesizeformat(LARGEST_BYTES), "size": filesizeformat(size)}
        raise Refused(str(TOO_LARGE) % words, code="too-large")


def ask_child(received: UploadedFile, descriptor: int) -> dict[str, Any]:
    """The child's own word if it finished, else what its death tells. Its answer goes to a file, so that an endless one
    meets the limit on files."""
    received.seek(0)
    with TemporaryFile() as source, TemporaryFile() as answer:
        for chunk in received.chunks():
            source.write(chunk)
        source.seek(0)
        command = [sys.executable, "-B", "-m", "clinic.file_reading", str(descriptor)]
        try:
            ended = subprocess.run(
                command, stdin=source, stdout=answer, stderr=subprocess.DEVNULL, pass_fds=(descriptor,),
                cwd=settings.BASE_DIR, env=ENVIRONMENT, timeout=WALL_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {"problem": Problem.TOO_HEAVY}
        answer.seek(0)
        said = answer.read(LARGEST_VERDICT_BYTES)
    if ended.returncode != 0:
        return {"problem": Problem.TOO_HEAVY if ended.returncode < 0 else Problem.DAMAGED}
    try:
        found: dict[str, Any] = json.loads(said)
    except ValueError:
        return {"problem": Problem.DAMAGED}
    return found


def digest_of(content: Any) -> tuple[int, str]:
    """Number of bytes and SHA-256, a chunk at a time."""
    digest, size = hashlib.sha256(), 0
    content.seek(0)
    while chunk := content.read(1 << 20):
        digest.update(chunk)
        size += len(chunk)
    content.seek(0)
    return size, digest.hexdigest()
