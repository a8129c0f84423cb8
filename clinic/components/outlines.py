"""What a list draws eighty times differs in a few words. A macro is drawn once for everything else, with gaps where those
words go, and each row only fills them in, escaped as the template would:

    row = outline("board_card", "components/board_card.jinja", ("name", "time"), category="face")
    row.filled(name, time)

What decides the look (`category`) are our own words; what people typed is only ever put into a gap. A macro may ask nothing of
a gap but to be written, or whether it is there: no other condition, no filter. `ids` are gaps for parts of addresses.
"""
from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.template import TemplateSyntaxError
from django.utils.translation import get_language
from markupsafe import Markup, escape

from clinic.components.drawing import LEAN, macro
from clinic.converters import PublicIdConverter

PUBLIC_ID = re.compile(PublicIdConverter.regex)
ANY_ID = "0" * 22  # an id that nothing has
FIRST = 0xE000  # of the characters that Unicode leaves to whoever needs some; no text of ours has one
UNSAFE = re.compile("[&<>'\"]")
GAP = re.compile("([\ue000-\uf8ff]|0{20}[0-9]{2})")


class Outline:
    """Markup with gaps. Raises TemplateSyntaxError if the macro left one of them out, or wrote it as something else."""

    def __init__(self, drawn: str, gaps: int, ids: int) -> None:
        pieces = GAP.split(drawn)
        self.text = "%s".join(piece.replace("%", "%%") for piece in pieces[::2])
        self.order = [gaps + int(gap) if gap.isdecimal() else ord(gap) - FIRST for gap in pieces[1::2]]
        self.gaps = gaps
        if {*self.order} != {*range(gaps + ids)}:
            raise TemplateSyntaxError(f"Not every gap is written as it is: {drawn}")

    def filled(self, *words: object) -> Markup:
        """First the gaps, then the ids, in their order."""
        said = [written(word) for word in words[: self.gaps]]
        said += [safe_id(str(one)) for one in words[self.gaps :]]
        return Markup(self.text % tuple([said[number] for number in self.order]))  # noqa: S704 - each word is escaped


def outline(name: str, file: str, gaps: tuple[str, ...], ids: tuple[str, ...] = (), /, **decides: Any) -> Outline:
    """This macro drawn for what decides its look, in the reader's language; `gaps` and `ids` are parameters of it that differ."""
    return _outline(name, file, gaps, ids, tuple(decides.items()), get_language(), LEAN.get())


def _made(
    name: str, file: str, gaps: tuple[str, ...], ids: tuple[str, ...], decides: tuple[tuple[str, Any], ...],
    _language: str | None, _lean: bool,
) -> Outline:  # fmt: skip
    places = {gap: Markup(chr(FIRST + number)) for number, gap in enumerate(gaps)}  # noqa: S704 - our own characters
    places |= {one: Markup(f"{number:022}") for number, one in enumerate(ids)}  # noqa: S704 - digits
    return Outline(str(macro(name, file)(**places, **dict(decides))), len(gaps), len(ids))


# Some dozens for each language: the looks of a card and of a block. While somebody works on a template, it is read anew.
_outline = _made if settings.DEBUG else lru_cache(maxsize=2048)(_made)


def written(word: object) -> str:
    """As `escape` writes it. Most words have nothing to escape, and making a Markup of them costs more than to look."""
    if isinstance(word, Markup) or (type(word) is str and not UNSAFE.search(word)):
        return word
    return escape(word)


def safe_id(public_id: str) -> str:
    """An id as part of an address, whatever it is."""
    return public_id if PUBLIC_ID.fullmatch(public_id) else quote(public_id, safe="")
