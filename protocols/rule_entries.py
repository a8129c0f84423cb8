"""Reading one entry of a screening file: every key is taken by name, what is left over is a mistake.

Pure. Like `protocols.entries`, a fault is noted and something harmless answered, so that one look finds all of them;
`complete` raises `EntryError` with everything.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from clinic.languages import NAMES
from patients.choices import Text
from protocols import faults
from protocols.entries import SOURCE_WORD, Part
from protocols.faults import EntryError, Fault, Written

LANGUAGES = ("en", "tr")
MARKS = ("check", "bg", "dec")
SEXES = ("female", "male", "other")
NO_TEXT = Text.of(en="")
D = TypeVar("D")


class Entry(Part):
    """One mapping of a screening file, taken apart key by key."""

    def __init__(self, data: object, path: str = "", found: list[Fault] | None = None) -> None:
        super().__init__(data, path, found)
        self.data = {_word(key): value for key, value in data.items()} if isinstance(data, Mapping) else {}

    def inner_list(self, key: str) -> Iterator[Entry]:
        """The mappings of a list that may be absent."""
        return self.parts(self.take(key), key)

    def take(self, key: str, default: Any = None) -> Any:
        return self.data.pop(key, default)

    def need(self, key: str) -> Any:
        if key not in self.data:
            self.wrong(faults.MISSING, key)
        return self.data.pop(key, None)

    def word(self, key: str) -> str:
        """A single word that must be there."""
        value = self.need(key)
        return "" if value is None else str(value)

    def code(self, *prefixes: str) -> str:
        code = self.word("code")
        if self.sound("code") and not code.startswith(prefixes):
            self.wrong(faults.CODE_START, "code", prefix=", ".join(f"“{one}”" for one in prefixes))
        return code

    def text(self, key: str) -> Text:
        if key not in self.data:
            self.wrong(faults.MISSING, key)
            return NO_TEXT
        return self.as_text(self.data.pop(key), key)

    def maybe_text(self, key: str) -> Text | None:
        return self.as_text(self.data.pop(key), key) if key in self.data else None

    def as_text(self, value: object, key: str) -> Text:
        """A mapping of languages, complete in every language the clinic shows."""
        if not isinstance(value, Mapping) or not all(isinstance(one, str) and one.strip() for one in value.values()):
            self.wrong(faults.TEXT_PER_LANGUAGE, key, languages=", ".join(LANGUAGES))
            return NO_TEXT
        missing = [language for language in LANGUAGES if language not in value]
        if missing:
            self.wrong(faults.LACKS_LANGUAGE, key, languages=", ".join(missing))
        if strange := sorted({str(one) for one in value} - set(NAMES)):
            self.wrong(faults.NO_LANGUAGE, key, names=", ".join(strange))
        return Text.of(**{"en": "", **{str(language): str(text) for language, text in value.items()}})

    def words(self, key: str) -> tuple[str, ...]:
        """One word or a list of them; empty when the key is absent."""
        value = self.data.pop(key, ())
        return tuple(_word(one) for one in (value if isinstance(value, list | tuple) else [value]))

    def some(self, key: str) -> tuple[str, ...]:
        """Words, at least one: an empty list would never fire, or always."""
        words = self.words(key)
        if not words:
            self.wrong(faults.AT_LEAST_ONE, key)
        return words

    def flag(self, key: str) -> bool:
        value = self.data.pop(key, False)
        if not isinstance(value, bool):
            self.wrong(faults.TRUE_OR_FALSE, key, value=Written(value))
        return value is True

    def whole(self, key: str, default: int = 0) -> int:
        return self.as_whole(self.data.pop(key, default), key)

    def maybe_whole(self, key: str) -> int | None:
        """A whole number; None where there is none (which is not zero)."""
        return self.whole(key) if self.data.get(key) is not None else self.data.pop(key, None)

    def decimal(self, key: str) -> Decimal | None:
        """A figure; None when absent."""
        value = self.data.pop(key, None)
        return None if value is None else self.as_decimal(value, key)

    def choice(self, key: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """One of the words; a fault answers with the first of them."""
        value = _word(self.take(key, default))
        if value not in allowed:
            names = ", ".join(one or "–" for one in allowed)
            self.wrong(faults.MUST_BE_ONE_OF, key, allowed=names, value=f"“{value}”")
            return allowed[0]
        return value

    def source(self) -> tuple[str, ...]:
        """Sources are words, "S2 E53 dec"; every entry names at least one."""
        value = self.need("source")
        parts = value if isinstance(value, list) else re.split(r"[;,\s]+", str(value or ""))
        sources = tuple(str(part).strip() for part in parts if str(part).strip())
        if not sources and self.sound("source"):
            self.wrong(faults.NO_SOURCE, "source")
        if unknown := [one for one in sources if not SOURCE_WORD.match(one)]:
            self.wrong(faults.SOURCE, "source", value=Written(" ".join(unknown)))
        return sources

    def mark(self) -> str:
        mark = str(self.take("mark", "") or "")
        if unknown := set(mark.split()) - set(MARKS):
            self.wrong(faults.MARK_MAY_HOLD, "mark", allowed=", ".join(MARKS), names=", ".join(sorted(unknown)))
        return mark

    def done(self) -> None:
        """Every entry may carry a note for its editors; anything else left over is a mistake."""
        self.data.pop("note", None)
        if self.data:
            names = sorted(self.data)
            self.wrong(faults.UNKNOWN_KEY, names[0], names=", ".join(names))

    def complete(self, definition: D) -> D:
        """The definition, when nothing is left over and nothing is wrong; else raises `EntryError` with every fault."""
        self.done()
        if self.found:
            raise EntryError(*self.found, definition=definition)
        return definition


def _word(value: object) -> str:
    """YAML reads a bare yes or no as a truth value; in this catalogue they are answers."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
