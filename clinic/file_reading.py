"""The child that opens an uploaded file: `python -m clinic.file_reading FD`, file on standard input, verdict on standard
output as one line of JSON. A picture is drawn anew into the open file descriptor FD; a PDF is only looked at.

It runs with an empty environment behind a fence and ends with its one file, so that whatever a hostile file does, it
does to nothing. Knows neither Django nor the clinic's data.
"""
from __future__ import annotations

import json
import os
import sys
import warnings
from contextlib import suppress
from enum import StrEnum
from typing import IO, TYPE_CHECKING

from clinic.fencing import Limits, fence

if TYPE_CHECKING:
    from PIL.Image import Image  # loaded behind the fence only

MOST_PIXELS = 40_000_000
LIMITS = Limits(cpu_seconds=20, memory_bytes=512 << 20)
JPEG_QUALITY = 90
ORIENTATION = 0x0112  # the EXIF tag

# What a file of each type starts with; anything else is none of them, whatever its name says.
SIGNATURES = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
LONGEST_SIGNATURE = max(map(len, SIGNATURES))

Verdict = dict[str, str | int]


class Problem(StrEnum):
    """Why a file is not taken; the words for people are in clinic/file_checking.py."""

    UNKNOWN_TYPE = "unknown-type"
    TOO_MANY_PIXELS = "too-many-pixels"
    DAMAGED = "damaged"
    LOCKED = "locked"
    TOO_HEAVY = "too-heavy"


class CannotTake(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


def type_of(start: bytes) -> str:
    """The content type by the first bytes; empty when it is none of ours."""
    return next((kind for signature, kind in SIGNATURES.items() if start.startswith(signature)), "")


def look_at_pdf(source: IO[bytes]) -> Verdict:
    """Count the pages. A PDF that asks for a password is of no use to the next reader."""
    from pypdf import PdfReader

    reader = PdfReader(source)
    if reader.is_encrypted and not reader.decrypt(""):
        raise CannotTake(Problem.LOCKED)
    pages = len(reader.pages)
    if pages == 0:
        raise CannotTake(Problem.DAMAGED)
    return {"pages": pages}


def draw_anew(source: IO[bytes], target: IO[bytes]) -> Verdict:
    """Decode, turn upright, copy the pixels to an empty canvas, encode: nothing but pixels comes through. The size is
    looked at before anything is decoded."""
    from PIL import Image as Pillow

    Pillow.MAX_IMAGE_PIXELS = MOST_PIXELS
    warnings.simplefilter("error", Pillow.DecompressionBombWarning)
    try:
        picture = Pillow.open(source, formats=("JPEG", "PNG"))
    except (Pillow.DecompressionBombWarning, Pillow.DecompressionBombError) as bomb:
        raise CannotTake(Problem.TOO_MANY_PIXELS) from bomb
    kind = "PNG" if picture.format == "PNG" else "JPEG"  # a phone's two-picture JPEG calls itself MPO
    picture.load()
    canvas = on_canvas(upright(picture))
    if kind == "PNG":
        canvas.save(target, "PNG")
    else:
        canvas.save(target, "JPEG", quality=JPEG_QUALITY)
    target.flush()
    return {"width_px": canvas.width, "height_px": canvas.height}


def upright(picture: Image) -> Image:
    """As the camera was held. A picture whose EXIF makes no sense stays as it is."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT, 3: Transpose.ROTATE_180, 4: Transpose.FLIP_TOP_BOTTOM, 5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270, 7: Transpose.TRANSVERSE, 8: Transpose.ROTATE_90,
    }  # fmt: skip
    orientation = None
    with suppress(Exception):
        orientation = picture.getexif().get(ORIENTATION)
    return picture.transpose(turns[orientation]) if orientation in turns else picture


def on_canvas(picture: Image) -> Image:
    """Grey stays grey, all else becomes RGB; what was transparent becomes white, like paper."""
    from PIL.Image import new

    if picture.mode.startswith("I"):  # 16 bits a pixel
        picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if "transparency" in picture.info:
        picture = picture.convert("RGBA")
    grey = picture.mode in {"1", "L", "LA"}
    canvas = new("L" if grey else "RGB", picture.size, "white")
    canvas.paste(picture, mask=picture if picture.mode in {"LA", "RGBA"} else None)
    return canvas


def read(source: IO[bytes], target: IO[bytes]) -> Verdict:
    kind = type_of(source.read(LONGEST_SIGNATURE))
    source.seek(0)
    if not kind:
        raise CannotTake(Problem.UNKNOWN_TYPE)
    return look_at_pdf(source) if kind == "application/pdf" else draw_anew(source, target)


def verdict(source: IO[bytes], target: IO[bytes]) -> Verdict:
    try:
        return read(source, target)
    except CannotTake as found:
        return {"problem": found.problem.value}
    except (MemoryError, RecursionError):
        return {"problem": Problem.TOO_HEAVY.value}
    except Exception:  # whatever a decoder says about a hostile file, it is damaged
        return {"problem": Problem.DAMAGED.value}


def main() -> None:
    descriptor = int(sys.argv[1])
    fence(LIMITS, keep={descriptor})
    with os.fdopen(descriptor, "wb") as target:
        print(json.dumps(verdict(sys.stdin.buffer, target)))


if __name__ == "__main__":
    main()
