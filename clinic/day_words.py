"""Dates as people say them in each language: weekday always beside the date, in the order and the case the language asks.

One table for pages, mails and papers. A datetime must already be in the zone it is to be read in. Digits are the western
ones in every language, so that a time on a sheet reads like the one on the wall clock.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache

from django.utils import translation
from django.utils.dateformat import format as date_format

from clinic.languages import spoken

# Short and long weekday, each without and with the year; `E` is the month as it stands behind a day in Russian.
FORMATS: Mapping[str, tuple[str, str, str, str]] = {
    "en": ("D j F", "D j F Y", "l j F", "l j F Y"),
    "tr": ("j F D", "j F Y D", "j F l", "j F Y l"),
    "it": ("D j F", "D j F Y", "l j F", "l j F Y"),
    "fr": ("D j F", "D j F Y", "l j F", "l j F Y"),
    "es": (r"D j \d\e F", r"D j \d\e F \d\e Y", r"l j \d\e F", r"l j \d\e F \d\e Y"),
    "de": ("D, j. F", "D, j. F Y", "l, j. F", "l, j. F Y"),
    "ar": ("l j F", "l j F Y", "l j F", "l j F Y"),
    "ru": ("D, j E", "D, j E Y", "l, j E", "l, j E Y"),
}
BIRTH: Mapping[str, str] = {"de": "j. M Y", "ru": "j E Y"}
CAPITALS = frozenset({"en", "tr", "de", "ar"})
"""Languages that write weekday and month as Django spells them; the others write both small inside a sentence."""
COMMA: Mapping[str, str] = {"ar": "، "}
SEMICOLON: Mapping[str, str] = {"ar": "؛ "}


def day(date: dt.date, language: str, *, year: bool = False, long: bool = False) -> str:
    """`Thu 12 March`, `12 Mart Perşembe`, `чт, 12 марта`."""
    known = spoken(language)
    return _day(date.year, date.month, date.day, FORMATS[known][2 * long + year], known)


@lru_cache(maxsize=4096)  # the visits of a clinic are on the same few days
def _day(year: int, month: int, day: int, how: str, known: str) -> str:
    weekday = dt.date(year, month, day).weekday()
    return _frame(weekday, month, how, known).replace("{day}", str(day)).replace("{year}", f"{year:04}")


@lru_cache(maxsize=2048)  # seven weekdays in twelve months, in each language and format that is used
def _frame(weekday: int, month: int, how: str, known: str) -> str:
    """A day as Django writes it, with places for its number and the year: these are digits in every language."""
    example = next(one for one in (dt.date(2001, month, day) for day in range(1, 8)) if one.weekday() == weekday)
    with translation.override(known):
        text = date_format(example, how.replace("j", r"\{\d\a\y\}").replace("Y", r"\{\y\e\a\r\}"))
    return text if known in CAPITALS else text.lower()


def birth_day(date: dt.date, language: str) -> str:
    """`9 Aug 1984`, the month in letters: nobody takes it for the day."""
    known = spoken(language)
    with translation.override(known):
        text = date_format(date, BIRTH.get(known, "j M Y"))
    return text if known in CAPITALS else text.lower()


def at(date: str, time: str, language: str) -> str:
    """Date and clock time as one phrase."""
    return f"{date}{COMMA.get(spoken(language), ', ')}{time}"


def listed(parts: list[str] | tuple[str, ...], language: str, *, semicolon: bool = False) -> str:
    marks, usual = (SEMICOLON, "; ") if semicolon else (COMMA, ", ")
    return marks.get(spoken(language), usual).join(parts)
