"""Small letters and reports to upload: real PDFs and pictures, made in memory."""
from __future__ import annotations

import io
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pypdf import PdfWriter

from clinic.file_checking import CheckedFile, check_file
from sessions.models import UploadKind
from sessions.uploading import NewFile

# What no stored picture may contain: the beginnings of every kind of note that cameras and programs leave.
MARKERS = (b"Exif", b"GPS", b"http://ns.adobe.com", b"xpacket", b"ICC_PROFILE", b"iCCP", b"eXIf", b"tEXt", b"iTXt",
           b"zTXt", b"tIME", b"Photoshop", b"8BIM", b"Ducky", b"Secret", b"<script", b"<svg", b"<html")  # fmt: skip


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


def with_notes(kind: str) -> bytes:
    """A picture that says in every way it can where, when and with what it was taken."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0131] = "Secret maker", "Secret program"
    exif.get_ifd(0x8825).update({1: "N", 2: (41.0, 54.0, 10.0), 3: "E", 4: (12.0, 29.0, 32.0)})
    notes: dict[str, Any] = {"exif": exif, "icc_profile": b"Secret ICC_PROFILE" * 20}
    if kind == "JPEG":
        notes |= {"comment": b"Secret comment", "xmp": b"<?xpacket begin?><x:xmpmeta>Secret GPS</x:xmpmeta>"}
    else:
        text = PngInfo()
        text.add_text("Author", "Secret author")
        text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>Secret GPS</x:xmpmeta>")
        text.add_text("Comment", "Secret " * 50, zip=True)
        notes["pnginfo"] = text
    return picture(kind, **notes)


def sent(name: str, content: bytes, content_type: str = "application/octet-stream") -> SimpleUploadedFile:
    """As the browser sends it; what the browser says it is counts for nothing."""
    return SimpleUploadedFile(name, content, content_type)


def checked(name: str = "letter.pdf", content: bytes | None = None) -> CheckedFile:
    return check_file(sent(name, content or pdf()))


def new_letter(kind: str = UploadKind.LETTER, **fields: Any) -> NewFile:
    return NewFile(checked(), kind=kind, **fields)
