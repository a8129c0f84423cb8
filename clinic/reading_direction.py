"""Numbers inside right-to-left text. Pure.

Without a mark the groups of a phone number and a figure with its unit change places among Arabic words: `+39 06 5555` would be
read as `5555 06 39+`. Each is put between the two signs that isolate it; what is stored never holds them.
"""
from __future__ import annotations

import re

from clinic.languages import RIGHT_TO_LEFT, short

START, END = "\u2066", "\u2069"
TAG = re.compile(r"(<style.*?</style>|<[^>]*>)", re.DOTALL)
LEFT_TO_RIGHT = re.compile(
    r"\+?\d{2,}(?:[ \u00a0]\d{2,})+|\+\d{4,}"  # phone numbers
    r"|\d[\d.,]*(?:[–-]\d[\d.,]*)?[ \u00a0]?(?:mg/ml|mg/g|U/ml|IU/ml|mmHg|mg|ml|mm|kg|IU|U|g|%|°C)(?![A-Za-z])"
)


def isolated(text: str, language: str) -> str:
    """The text with every phone number and every figure with its unit kept together, if it reads from the right."""
    if short(language) not in RIGHT_TO_LEFT:
        return text
    return LEFT_TO_RIGHT.sub(lambda found: f"{START}{found.group()}{END}", text)


def isolated_html(page: str, language: str) -> str:
    """The same for a page: tags and style sheets stay as they are."""
    if short(language) not in RIGHT_TO_LEFT:
        return page
    return "".join(part if TAG.fullmatch(part) else isolated(part, language) for part in TAG.split(page))
