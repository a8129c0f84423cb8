"""What a paper is called, in the language of whoever reads the page. Pure words: no labels of the staff."""

from __future__ import annotations

from collections.abc import Mapping

from patients.choices import Text
from sessions.choices import DocumentKind
from sessions.explanation_words import EXPLANATION
from sessions.listing_words import LISTING
from sessions.paper_words import AFTERCARE, CONSENT, word
from sessions.worksheet_words import WORKSHEET

NAMES: Mapping[str, Text] = {
    DocumentKind.AFTERCARE: AFTERCARE["document"],
    DocumentKind.CONSENT: CONSENT["document"],
    DocumentKind.BLANK_CONSENT: CONSENT["document"],
    DocumentKind.SIGNED_CONSENT: CONSENT["document_signed"],
    DocumentKind.EXPLANATION: EXPLANATION["document"],
    DocumentKind.WORKSHEET: WORKSHEET["document"],
    DocumentKind.SUMMARY: LISTING["summary"],
    DocumentKind.PLAN: LISTING["plan"],
    DocumentKind.PASSPORT: LISTING["passport"],
    DocumentKind.LETTER: LISTING["letter"],
    DocumentKind.RECALL: LISTING["recall"],
    DocumentKind.DAY_LIST: LISTING["day_list"],
}


def name_of(kind: str, language: str) -> str:
    """Empty for a kind nobody outside the clinic holds."""
    text = NAMES.get(kind)
    return word(text, language) if text is not None else ""
