"""What every printed paper shares: its head, its foot, its dates, and how content becomes HTML.

A paper is made from content alone: frozen values in the patient's language, stored with the document, so that the same
bytes can be made again and nothing on a paper changes because a record did.
"""
from __future__ import annotations

import datetime as dt
import hashlib
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import segno
from django.conf import settings
from django.utils import translation
from django.utils.formats import number_format
from django.utils.safestring import SafeString, mark_safe

from clinic import day_words
from clinic.audit import canonical
from clinic.choices import PageSize
from clinic.forms import DIRECTION_MARKS
from clinic.languages import direction
from clinic.models import Site, User
from clinic.reading_direction import isolated_html
from clinic.strict_templates import render_strictly
from sessions.paper_words import words_in

PAPER: dict[str, str] = {PageSize.A4: "A4", PageSize.LETTER: "letter"}


@dataclass(frozen=True)
class Head:
    """Who issues the paper."""

    clinic: str
    address_line: str
    clinician: str
    licence: str

    @classmethod
    def of(cls, site: Site, clinician: User | None) -> Head:
        return cls(
            clinic=site.name,
            address_line=" · ".join(part for part in (site.address, site.phone, site.email) if part),
            clinician=clinician.name if clinician else "",
            licence=clinician.licence_number if clinician else "",
        )


@dataclass(frozen=True)
class Foot:
    """What proves the paper: which text, for whom, printed by whom and when, the code behind the QR."""

    label: str
    printed: str
    verify: str
    code: str
    address: str


# ------------------------------------------------------------------------------------------------------ days and hours
def day_and_time(moment: dt.datetime, zone: ZoneInfo, language: str, *, year: bool = False) -> str:
    """`Thu 12 March, 11:20` on the clock of `zone`; in the hour that comes twice in autumn, with its offset."""
    local = moment.astimezone(zone)
    text = day_words.at(day_words.day(local, language, year=year), f"{local:%H:%M}", language)
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        text += f" ({offset_of(local)})"
    return text


def day(date: dt.date, language: str, *, year: bool = True) -> str:
    """`Thu 12 March 2026`."""
    return day_words.day(date, language, year=year)


def birth_day(date: dt.date, language: str) -> str:
    """`9 Aug 1984`, the month in letters: nobody takes it for the day."""
    return day_words.birth_day(date, language)


def money_figure(amount: Decimal, language: str) -> str:
    """`120` or `120.50`, with the mark of the language: half a price never looks like a typing error."""
    with translation.override(language):
        return number_format(amount, 0 if amount == amount.to_integral_value() else 2, use_l10n=True)


def offset_of(local: dt.datetime) -> str:
    minutes = int((local.utcoffset() or dt.timedelta()).total_seconds() // 60)
    sign = "+" if minutes >= 0 else "−"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{sign}{hours}" + (f":{rest:02d}" if rest else "")


def place_of(zone: ZoneInfo) -> str:
    """`Europe/Istanbul` -> `Istanbul`, for saying whose clock a time is on."""
    return zone.key.rsplit("/", 1)[-1].replace("_", " ")


# ------------------------------------------------------------------------------------------------------- from content
def readable(value: Any) -> Any:
    """The same values with every text freed of marks that turn the reading direction and of control characters: a name
    on a paper reads as it was typed, letter by letter, and cannot turn what stands beside it."""
    if isinstance(value, str):
        return "".join(sign for sign in value if sign not in DIRECTION_MARKS and unicodedata.category(sign) != "Cc")
    if isinstance(value, dict):
        return {key: readable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [readable(one) for one in value]
    return value


def digest_of(content: Any) -> str:
    """SHA-256 over what a paper says (JSON values), printed short in its foot; the foot itself does not count."""
    return hashlib.sha256(canonical(content)).hexdigest()


def verification_address(code: str) -> str:
    return f"{settings.BASE_URL}/verify/{code}/"


def short_digest(digest: str) -> str:
    return f"{digest[:4]}…{digest[-4:]}"


def html_of(source: dict[str, Any], *, language: str, density: str = "") -> str:
    """The page of a document from its frozen `source`. The same source always gives the same page."""
    content = {
        "note": "",
        **source,
        "words": words_in(language),
        "language": language,
        "density": density,
        "direction": direction(language),
        "qr": qr_of(source["foot"]["address"]),
    }
    with translation.override(language):
        return isolated_html(render_strictly(f"{source['template']}.html", content), language)


def qr_of(address: str) -> SafeString:
    """The QR code as inline SVG; only digits and our own address go in."""
    drawing = segno.make(address, error="m", micro=False).svg_inline(omitsize=True, border=0, lineclass=None)
    return mark_safe(drawing)  # noqa: S308 - drawn by segno from an address of ours, holds paths only
