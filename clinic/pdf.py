"""HTML to PDF: the only file that knows WeasyPrint.

Runs in a child of the renderer process (clinic/renderer.py), never in a web process. What the HTML may fetch is decided
here: our own static files by name (`static:img/logo.svg`) and pictures written into the page (`data:image/...`).
Nothing else exists for it: no network, no file of the machine, no redirect, no attachment.
"""
from __future__ import annotations

import base64
import binascii
import logging
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from django.contrib.staticfiles import finders
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

MOST_PAGES = 60
VARIANT = "pdf/a-3a"  # archival and tagged
MOST_DATA_BYTES = 2_000_000

STATIC_NAME = re.compile(r"static:((?:vendor/fonts|img)/[A-Za-z0-9][A-Za-z0-9._-]{0,80})")
STATIC_TYPES = {".woff2": "font/woff2", ".svg": "image/svg+xml", ".png": "image/png"}
DATA_PICTURE = re.compile(r"data:(image/(?:png|jpeg|svg\+xml))((?:;base64)?),(.*)", re.DOTALL)

# One family per file set, in the order in which a missing letter is looked for. Whole static files where they exist:
# WeasyPrint does not choose by unicode-range.
FONT_FAMILIES: dict[str, tuple[tuple[int, str], ...]] = {
    "Inter": tuple((weight, f"Inter-{weight}.woff2") for weight in (400, 500, 600, 700)),
    "Noto Sans Arabic": tuple((weight, f"NotoSansArabic-{weight}.woff2") for weight in (400, 500, 600, 700)),
    **{
        f"Noto Sans {subset}": tuple((weight, f"NotoSans-{subset}-{weight}.woff2") for weight in (400, 700))
        for subset in ("latin", "latin-ext", "cyrillic", "greek", "vietnamese", "devanagari")
    },
}
FONT_STACK = ", ".join(f'"{family}"' for family in FONT_FAMILIES)


class Reason(StrEnum):
    """Why a document could not be made; the words for people are in clinic/rendering.py."""

    TOO_LARGE = "too-large"
    TOO_SLOW = "too-slow"
    TOO_MUCH_MEMORY = "too-much-memory"
    TOO_MANY_PAGES = "too-many-pages"
    TOO_DEEP = "too-deep"
    ATTACHMENT = "attachment"
    BROKEN = "broken"


class CannotRender(Exception):
    """The page is beyond a limit, or broken. `reason` says which."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True)
class Pdf:
    content: bytes
    pages: int


class NotOurs(ValueError):
    """An address that does not exist for documents. WeasyPrint then leaves the picture or sheet out."""


class OwnFilesOnly(URLFetcher):
    """The whole world of a document. Overrides the one method through which WeasyPrint reaches anything."""

    def __init__(self) -> None:
        super().__init__(allowed_protocols=("static", "data"), allow_redirects=False)

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """The bytes behind `url`. Raises `NotOurs` for everything that is not ours."""
        if match := STATIC_NAME.fullmatch(url):
            return static_file(url, match[1])
        if match := DATA_PICTURE.fullmatch(url):
            return picture(url, kind=match[1], is_base64=bool(match[2]), payload=match[3])
        raise NotOurs("documents may use their own static files and pictures only")


def static_file(url: str, name: str) -> URLFetcherResponse:
    """A file under static/ that a document may use. The name has one folder and no dots that climb."""
    found = finders.find(name)
    kind = STATIC_TYPES.get(Path(name).suffix)
    if not found or kind is None or ".." in name:
        raise NotOurs("no such static file")
    return URLFetcherResponse(url, Path(found).read_bytes(), {"Content-Type": kind})


def picture(url: str, *, kind: str, is_base64: bool, payload: str) -> URLFetcherResponse:
    raw = unquote_to_bytes(payload)
    if is_base64:
        try:
            raw = base64.b64decode(raw, validate=True)
        except binascii.Error as error:
            raise NotOurs("a picture is not readable") from error
    if len(raw) > MOST_DATA_BYTES:
        raise NotOurs("a picture is too large")
    return URLFetcherResponse(url, raw, {"Content-Type": kind})


@dataclass(frozen=True)
class Engine:
    """WeasyPrint with the fonts read once; children of the renderer inherit it."""

    fonts: FontConfiguration
    sheet: CSS


def warm_up() -> Engine:
    """Read and unpack every font, and render one line so that all libraries are loaded before the first fork.

    Raises `FileNotFoundError` when a font is missing: a sheet with empty boxes for letters is worse than none."""
    files = [file for faces in FONT_FAMILIES.values() for _weight, file in faces]
    if missing := [file for file in files if not finders.find(f"vendor/fonts/{file}")]:
        raise FileNotFoundError(f"Fonts are missing: {', '.join(missing)}. Run `python -m mesoclinic.frontend`.")
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)  # its warnings quote the page, and pages name patients
    fonts = FontConfiguration()
    faces = "".join(
        f'@font-face {{ font-family: "{family}"; font-weight: {weight}; src: url("static:vendor/fonts/{file}") }}\n'
        for family, faces in FONT_FAMILIES.items()
        for weight, file in faces
    )
    sheet = CSS(string=f"{faces} html {{ font-family: {FONT_STACK} }}", font_config=fonts, url_fetcher=OwnFilesOnly())
    engine = Engine(fonts, sheet)
    render(engine, "<html lang='en'><title>-</title><p>Merhaba, Ağrı, şimdi <b>مرحبا</b></p></html>")
    return engine


def render(engine: Engine, html: str) -> Pdf:
    """One document. Raises `CannotRender`; limits of time and memory are those of the process it runs in."""
    try:
        page = HTML(string=html, base_url="static:", url_fetcher=OwnFilesOnly())
        laid_out = page.render(font_config=engine.fonts, stylesheets=[engine.sheet])
        if len(laid_out.pages) > MOST_PAGES:
            raise CannotRender(Reason.TOO_MANY_PAGES)
        laid_out.metadata.attachments = []
        content = laid_out.write_pdf(pdf_variant=VARIANT, finisher=refuse_attachments)
    except RecursionError as error:
        raise CannotRender(Reason.TOO_DEEP) from error
    except MemoryError as error:
        raise CannotRender(Reason.TOO_MUCH_MEMORY) from error
    return Pdf(content, len(laid_out.pages))


def refuse_attachments(_document: Any, pdf: Any) -> None:
    """Look through every object of the finished file, whichever way it may have got in."""
    for item in pdf.objects:
        kind = item.get("Type") if isinstance(item, dict) else getattr(item, "extra", {}).get("Type")
        if str(kind) in {"/EmbeddedFile", "/Filespec"}:
            raise CannotRender(Reason.ATTACHMENT)
