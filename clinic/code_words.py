"""Words that stand in code (`Text.of(en=..., tr=...)`) in the languages they are not written down in there. Pure.

They stand in the same catalogues as the words of templates (locale/fr and so on), so that a translator finds all in one
place; read with the standard library, because pure modules know no Django. A test keeps every word complete.
"""
from __future__ import annotations

import gettext
from functools import lru_cache
from pathlib import Path

LOCALE = Path(__file__).resolve().parent.parent / "locale"


class _Silent(gettext.NullTranslations):
    """Says nothing for what it does not know, so that a missing word is never taken for a translated one."""

    def gettext(self, message: str) -> str:
        return ""

    def pgettext(self, context: str, message: str) -> str:
        return ""


@lru_cache(maxsize=32)
def book(language: str, domain: str = "django") -> gettext.NullTranslations:
    """The compiled catalogue of a language; an empty one where there is none."""
    found = gettext.find(domain, str(LOCALE), [language])
    if found is None:
        return _Silent()
    with Path(found).open("rb") as binary:
        read = gettext.GNUTranslations(binary)
    read.add_fallback(_Silent())
    return read


def translated(english: str, language: str) -> str:
    """The words in `language`, empty where there are none."""
    return book(language).gettext(english) if english else ""
