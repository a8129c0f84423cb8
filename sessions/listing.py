"""What a paper made of facts, tables and paragraphs says: plain values, frozen with the paper. Pure."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A titled part: paragraphs, then a table, then a list, then `lines` empty lines to write on, then an `options` row of
    boxes to tick. `plain` columns are words; the others hold figures and are aligned as such."""

    title: str = ""
    paragraphs: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    bullets: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    lines: int = 0
    boxed: bool = False


@dataclass(frozen=True)
class ListingContent:
    """The whole paper, word for word. `dense` papers are long forms: their parts stand close together."""

    title: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    closing: tuple[str, ...] = ()
    dense: bool = False
