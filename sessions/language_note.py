"""What a patient is told where English stands in for a language the clinic has not wholly approved."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from clinic.languages import STAFF, short
from protocols import catalogue as catalogues
from protocols.definitions import Catalogue
from sessions.paper_words import SHARED, word


def language_note(language: str, rules: Catalogue | None = None) -> str:
    """One sentence in the patient's language, empty where nothing is lacking. Without `rules` the catalogue in force."""
    if short(language) in STAFF:
        return ""
    return word(SHARED["not_approved"], language) if lacking_in(language, rules or catalogues.in_force()) else ""


def lacking_in(language: str, rules: Catalogue) -> int:
    """How many texts a patient of this language reads in English, for staff."""
    return 0 if short(language) in STAFF else rules.lacking.get(short(language), 0)


def context(_request: HttpRequest) -> dict[str, Any]:
    """For pages that show clinical texts; asked for only where a template does."""
    return {"language_note": SimpleLazyObject(lambda: language_note(get_language() or "en"))}
