"""Small letters and reports to upload: real PDFs and pictures, made in memory."""
from __future__ import annotations

import io
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from pypdf import PdfWriter

from clinic.file_checking import CheckedFile, check_file
from sessions.models import UploadKind
from sessions.uploading import NewFile


def pdf(pages: int = 1, *, password: str | None = None, owner_password: str | None = None) -> bytes:
    writer = PdfWriter()
    for _page in range(pages):
        writer.add_blank_page(width=595, height=842)
    if password is not None:
        writer.encrypt(password, owner_password)
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def picture(kind: str = "JPEG", *, size: tuple[int, int] = (64, 48), mode: str = "RGB", **saved: Any) -> bytes:
    """A picture with a red left half, so that turning it shows."""
    drawn = Image.new("RGB", size, "white")
    drawn.paste((200, 30, 30), (0, 0, size[0] // 2, size[1]))
    made = io.BytesIO()
    drawn.convert(mode).save(made, kind, **saved)
    return made.getvalue()


def sent(name: str, content: bytes, content_type: str = "application/octet-stream") -> SimpleUploadedFile:
    """As the browser sends it; what the browser says it is counts for nothing."""
    return SimpleUploadedFile(name, content, content_type)


def checked(name: str = "letter.pdf", content: bytes | None = None) -> CheckedFile:
    return check_file(sent(name, content or pdf()))


def new_letter(kind: str = UploadKind.LETTER, **fields: Any) -> NewFile:
    return NewFile(checked(), kind=kind, **fields)
