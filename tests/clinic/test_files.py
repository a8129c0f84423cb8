"""Uploaded files: received under a cap, known by their content, opened behind a fence, their names made harmless."""
from __future__ import annotations

import io
import random
import resource
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import StopUpload
from django.test import RequestFactory
from PIL import Image

from clinic import file_receiving
from clinic.errors import Refused
from clinic.file_checking import CheckedFile, check_file
from clinic.file_fields import CheckedFileField
from clinic.file_names import clean_name
from clinic.file_reading import MOST_PIXELS, Problem
from clinic.file_receiving import LARGEST_BYTES
from tests.figures import scaled
from tests.papers import MARKERS, checked, pdf, picture, sent, with_notes


def refused(name: str, content: bytes) -> str:
    with pytest.raises(Refused) as refusal:
        check_file(sent(name, content))
    return refusal.value.code


def bytes_of(file: CheckedFile) -> bytes:
    file.content.seek(0)
    content: bytes = file.content.read()
    return content


# --- what is taken ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_comes_back_as_plain_pixels(mode: str) -> None:
    content = picture("PNG", mode=mode) if mode != "I;16" else sixteen_bits()
    file = checked("scan.png", content)
    assert (file.content_type, file.width_px, file.height_px, file.pages) == ("image/png", 64, 48, None)
    again = Image.open(io.BytesIO(bytes_of(file)))
    assert again.mode in {"L", "RGB"}
    assert again.info == {}


def sixteen_bits() -> bytes:
    made = io.BytesIO()
    Image.new("I;16", (64, 48), 0x8000).save(made, "PNG")
    return made.getvalue()


def test_sixteen_bits_keep_their_tone() -> None:
    again = Image.open(io.BytesIO(bytes_of(checked("x.png", sixteen_bits()))))
    assert again.getpixel((0, 0)) == 128


def test_what_was_transparent_is_white_paper() -> None:
    made = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(made, "PNG")
    again = Image.open(io.BytesIO(bytes_of(checked("x.png", made.getvalue()))))
    assert again.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_kind_of_jpeg_is_drawn_anew(mode: str) -> None:
    file = checked("scan.jpg", picture("JPEG", mode=mode))
    assert file.content_type == "image/jpeg"
    assert Image.open(io.BytesIO(bytes_of(file))).size == (64, 48)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_picture_is_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = checked("phone.jpg", picture("JPEG", size=(64, 32), exif=exif))
    again = Image.open(io.BytesIO(bytes_of(file))).convert("RGB")
    assert again.size == ((64, 32) if orientation == 3 else (32, 64))
    red = {3: (60, 16), 6: (16, 4), 8: (16, 60)}[orientation]
    assert again.getpixel(red)[1] < 90, "the red half has turned with the camera"


@pytest.mark.parametrize("pages", [1, 3])
def test_a_pdf_stays_as_it_is(pages: int) -> None:
    content = pdf(pages)
    file = checked("report.pdf", content)
    assert (file.pages, file.width_px, bytes_of(file)) == (pages, None, content)


def test_a_pdf_that_opens_without_a_password_is_taken() -> None:
    assert checked("owner.pdf", pdf(password="", owner_password="owner")).pages == 1


# --- what is not -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("nothing.pdf", b"", "empty"),
        ("letter.pdf", pdf(password="secret"), Problem.LOCKED),
        ("letter.pdf", b"%PDF-1.7\n" + bytes(400), Problem.DAMAGED),
        ("letter.pdf", pdf()[: len(pdf()) // 2], Problem.DAMAGED),
        ("letter.pdf", b"\n" + pdf(), Problem.UNKNOWN_TYPE),
        ("letter.pdf", b"<html><script>alert(1)</script></html>", Problem.UNKNOWN_TYPE),
        ("drawing.png", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", Problem.UNKNOWN_TYPE),
        ("drawing.svg", b"<?xml version='1.0'?><svg/>", Problem.UNKNOWN_TYPE),
        ("moving.gif", b"GIF89a" + bytes(40), Problem.UNKNOWN_TYPE),
        ("scan.tiff", b"II*\x00" + bytes(40), Problem.UNKNOWN_TYPE),
        ("run.exe", b"MZ" + bytes(90), Problem.UNKNOWN_TYPE),
        ("letter.docx", b"PK\x03\x04" + bytes(90), Problem.UNKNOWN_TYPE),
        ("photo.jpg", b"\xff\xd8\xff", Problem.DAMAGED),
        ("photo.jpg", picture()[:-200], Problem.DAMAGED),
        ("photo.png", picture("PNG")[:60], Problem.DAMAGED),
        ("photo.png", b"\x89PNG\r\n\x1a\n<script>alert(1)</script>", Problem.DAMAGED),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(name: str, content: bytes, problem: str) -> None:
    assert refused(name, content) == problem


def test_a_wrong_ending_does_not_matter_the_content_does() -> None:
    assert checked("photo.pdf", picture("PNG")).name == "photo.png"
    assert checked("report.jpg", pdf()).content_type == "application/pdf"
    assert checked("run.exe", picture()).name == "run.jpg"


def test_a_child_that_dies_is_a_file_that_is_too_heavy(monkeypatch: Any) -> None:
    monkeypatch.setattr("clinic.file_checking.WALL_SECONDS", 0.001)
    assert refused("photo.jpg", picture()) == Problem.TOO_HEAVY


def test_busy_is_said_not_waited_for_ever(monkeypatch: Any) -> None:
    from clinic import file_checking

    monkeypatch.setattr(file_checking, "WAIT_SECONDS", 0.01)
    for _place in range(file_checking.AT_ONCE):
        assert file_checking.places.acquire(timeout=5)
    try:
        assert refused("photo.jpg", picture()) == "busy"
    finally:
        for _place in range(file_checking.AT_ONCE):
            file_checking.places.release()
    assert checked("photo.jpg", picture()).content_type == "image/jpeg"


# --- nothing but pixels (T23, T24) -------------------------------------------------------------------------------------
POLYGLOTS = (b"<html><script>alert(1)</script></html>", b"<?php system($_GET[0]); ?>", b"PK\x03\x04Secret archive",
             b"%PDF-1.7 Secret", b"<svg onload=alert(1)>", b"#!/bin/sh\nSecret", b"GIF89aSecret")  # fmt: skip


def hidden_in(kind: str, words: bytes) -> list[bytes]:
    """The words behind the picture, in a comment, and in a chunk of its own."""
    plain = picture(kind)
    if kind == "JPEG":
        segment = struct.pack(">H", len(words) + 2) + words
        return [plain + words, plain[:2] + b"\xff\xfe" + segment + plain[2:], plain[:2] + b"\xff\xed" + segment + plain[2:]]
    chunk = lambda name: struct.pack(">I", len(words)) + name + words + struct.pack(">I", zlib.crc32(name + words))  # noqa: E731
    return [plain + words, plain[:33] + chunk(b"tEXt") + plain[33:], plain[:33] + chunk(b"prVt") + plain[33:]]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_no_note_of_camera_or_program_is_stored(kind: str) -> None:
    content = with_notes(kind)
    assert b"Secret" in content
    stored = bytes_of(checked("photo", content))
    assert [marker for marker in MARKERS if marker in stored] == []
    again = Image.open(io.BytesIO(stored))
    assert not again.getexif()
    assert set(again.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def corpus(number: int) -> list[bytes]:
    """Hostile files, always the same: polyglots, notes, cut, mangled and mixed up ones."""
    order = random.Random(24)
    base = [one for kind in ("JPEG", "PNG") for words in POLYGLOTS for one in hidden_in(kind, words)]
    base += [with_notes("JPEG"), with_notes("PNG"), pdf() + POLYGLOTS[0], picture() + pdf(), pdf() + picture("PNG")]
    made = order.sample(base, min(number // 2, len(base)))
    while len(made) < number:
        mangled = bytearray(order.choice(base))
        for _blow in range(order.choice((1, 4, 40))):
            mangled[order.randrange(len(mangled))] = order.randrange(256)
        made.append(bytes(mangled[: order.randrange(8, len(mangled))] if order.random() < 0.5 else mangled))
    return made


@pytest.mark.prove
def test_of_a_hostile_corpus_only_pixels_are_stored(record_property: Any) -> None:
    """300 files: each is refused, or comes back as pixels alone; a PDF comes back as it was."""
    taken = 0
    files = corpus(scaled(300))
    for content in files:
        try:
            file = check_file(sent("x", content))
        except Refused:
            continue
        taken += 1
        stored = bytes_of(file)
        if file.content_type == "application/pdf":
            assert stored == content
        else:
            assert [marker for marker in MARKERS if marker in stored] == []
            assert [words for words in POLYGLOTS if words in stored] == []
    assert 0 < taken < len(files)
    record_property("files", len(files))
    record_property("taken", taken)


# --- bombs (T22) --------------------------------------------------------------------------------------------------------
def png_bomb(width: int, height: int) -> bytes:
    """A small file that becomes `width` x `height` white pixels; the head alone says how many."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    row = b"\x00" + b"\xff" * ((width + 7) // 8)
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(row) for _row in range(min(height, 2_000))) + packer.flush()
    chunks = ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def jpeg_bomb(width: int, height: int) -> bytes:
    plain = bytearray(picture("JPEG"))
    frame = plain.index(b"\xff\xc0")
    plain[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(plain)


def pdf_bomb() -> bytes:
    """An object stream of 400 MB of blanks in less than half a megabyte, where the page tree should be."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * (1 << 20)) for _part in range(400)) + packer.flush()
    body = b"%PDF-1.5\n1 0 obj<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length " + str(len(packed)).encode()
    return body + b">>stream\n" + packed + b"\nendstream endobj\ntrailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF"


def bombs(number: int) -> list[bytes]:
    order = random.Random(22)
    made: list[bytes] = [png_bomb(13_000, 13_000), jpeg_bomb(65_000, 65_000), pdf_bomb()]
    while len(made) < number:
        width = order.randrange(7_000, 60_000)
        height = order.randrange(MOST_PIXELS // width + 1, 65_000)
        made.append(order.choice((png_bomb, jpeg_bomb))(width, height))
    return made


@pytest.mark.prove
def test_bombs_are_refused_and_leave_the_web_process_as_it_was(record_property: Any) -> None:
    check_file(sent("warm.jpg", picture()))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    files = bombs(scaled(50))
    before = max(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # making them costs memory too
    codes = {refused("bomb", content) for content in files}
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    assert codes <= {Problem.TOO_MANY_PIXELS, Problem.TOO_HEAVY, Problem.DAMAGED}
    assert grown < 20 << 10, f"the web process grew by {grown} kB"
    record_property("bombs", len(files))
    record_property("web process grew, kB", grown)
    record_property("largest child so far, MB", child)


def test_the_largest_picture_that_is_allowed_passes() -> None:
    """6324 x 6324 are just under 40 million pixels, one row more are too many."""
    assert checked("big.jpg", picture("JPEG", size=(6_324, 6_324))).width_px == 6_324
    assert refused("big.jpg", picture("JPEG", size=(6_325, 6_325))) == Problem.TOO_MANY_PIXELS


# --- receiving ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def posted() -> Iterator[Callable[..., Any]]:
    """`posted(file, field=value)`: the request as a form sends it; its files go with it."""
    requests: list[Any] = []

    def post(*files: UploadedFile, **fields: str) -> Any:
        data = dict(fields) | {f"file{number}": file for number, file in enumerate(files)}
        requests.append(RequestFactory().post("/", data))
        return requests[-1]

    yield post
    for request in requests:
        request.close()


def test_a_small_file_arrives_whole_and_on_disk(posted: Any) -> None:
    request = posted(sent("a.pdf", b"x" * 300_000), reason="Seen")
    file = request.FILES["file0"]
    assert (file.size, request.POST["reason"]) == (300_000, "Seen")
    assert file.temporary_file_path()


def test_what_is_too_large_is_not_kept_and_the_fields_beside_it_arrive(posted: Any) -> None:
    request = posted(sent("a.pdf", b"x" * (LARGEST_BYTES + 1)), reason="Seen", zz_after="kept")
    file = request.FILES["file0"]
    assert (request.POST["reason"], request.POST["zz_after"]) == ("Seen", "kept")
    assert (file.size, file.read()) == (LARGEST_BYTES + 1, b"")
    with pytest.raises(Refused, match="At most 20") as refusal:
        check_file(file)
    assert refusal.value.code == "too-large"


def test_exactly_twenty_megabytes_are_taken(posted: Any) -> None:
    assert posted(sent("a.pdf", b"x" * LARGEST_BYTES)).FILES["file0"].size == LARGEST_BYTES


def test_several_files_share_the_cap(posted: Any) -> None:
    half = sent("a.pdf", b"x" * (LARGEST_BYTES // 2 + 1))
    request = posted(half, sent("b.pdf", b"x" * (LARGEST_BYTES // 2 + 1)))
    sizes = sorted(file.size for file in request.FILES.values())
    assert sizes == [LARGEST_BYTES // 2 + 1, LARGEST_BYTES + 1]


def test_what_never_ends_is_cut_off(monkeypatch: Any) -> None:
    monkeypatch.setattr(file_receiving, "ENDLESS_BYTES", 1 << 20)
    handler = file_receiving.CappedFileHandler(RequestFactory().get("/"))
    handler.new_file("file", "a.pdf", "application/pdf", None)
    for start in range(16):
        handler.receive_data_chunk(bytes(1 << 16), start)
    with pytest.raises(StopUpload) as stopped:
        handler.receive_data_chunk(b"x", 16)
    assert stopped.value.connection_reset


# --- the form field -----------------------------------------------------------------------------------------------------
class OneFile(forms.Form):
    file = CheckedFileField()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "Choose a file."),
        (b"", "This file is empty."),
        (b"hello", "Only PDF, JPEG and PNG are taken."),
        (pdf(password="x"), "asks for a password"),
    ],
)
def test_every_complaint_stands_beside_the_field(content: bytes | None, sentence: str) -> None:
    form = OneFile({}, {} if content is None else {"file": sent("a.pdf", content)})
    assert not form.is_valid()
    assert sentence in str(form.errors["file"])


# --- names --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("letter.pdf", "letter.pdf"),
        ("Ärztebrief Müller.PDF", "Ärztebrief Müller.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\ada\\scan.jpg", "scan.pdf"),
        ("a\x00b\r\nSet-Cookie: x.pdf", "abSet-Cookie_ x.pdf"),
        ("\u202efdp.exe", "fdp.pdf"),
        ("brief\u200b.pdf", "brief.pdf"),
        ("...", "file.pdf"),
        ("", "file.pdf"),
        ("   .pdf", "file.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ("lpt1.txt.pdf", "_lpt1.txt.pdf"),
        ('a"b<c>d|e?f*.pdf', "a_b_c_d_e_f_.pdf"),
        ("x" * 300 + ".pdf", "x" * 100 + ".pdf"),
        ("e\u0301.pdf", "é.pdf"),
    ],
)
def test_names_are_made_harmless(raw: str, clean: str) -> None:
    assert clean_name(raw, ending=".pdf") == clean
