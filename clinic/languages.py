"""The languages of the house. Pure. Staff screens speak two; everything a patient sees speaks all of them.

What exactly a patient sees is listed in `mesoclinic.patient_facing`; a test keeps every language complete.
"""
from __future__ import annotations

from collections.abc import Mapping

NAMES: Mapping[str, str] = {
    "en": "English", "tr": "Türkçe", "it": "Italiano", "fr": "Français", "es": "Español", "de": "Deutsch",
    "ar": "العربية", "ru": "Русский",
}  # fmt: skip
"""Every language a patient can be spoken to in, by its own name."""

STAFF = ("en", "tr")
"""What staff screens speak, and what a catalogue entry is written in: its texts are published with the version."""

TRANSLATED = tuple(code for code in NAMES if code not in STAFF)
"""Languages whose clinical texts are rows of their own, approved one by one (protocols.texts)."""

RIGHT_TO_LEFT = frozenset({"ar"})


def short(language: str) -> str:
    """`tr` for `tr-TR` and `TR`."""
    return language.split("-")[0].lower()


def spoken(wanted: str) -> str:
    """The language a patient is really spoken to in: the wanted one, or English where there are no words in it."""
    return short(wanted) if short(wanted) in NAMES else "en"


def direction(language: str) -> str:
    return "rtl" if short(language) in RIGHT_TO_LEFT else "ltr"
