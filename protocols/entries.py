"""Reading one catalogue entry field by field, with an error that names the field.

Pure. An entry body is JSON-shaped: strings, whole numbers, booleans, lists, mappings; decimals arrive as strings, so
that no amount ever passes through a float. Every reader raises `EntryError` with a sentence about the first problem.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from protocols.definitions import DecimalRange, Texts, WholeRange

E = TypeVar("E", bound=StrEnum)

CODE = re.compile(r"^[a-z][a-z0-9-]*$")
SOURCE_WORD = re.compile(r"^(S[0-4]|E[1-9][0-9]?|bg|check|dec)$")
REQUIRED_LANGUAGES = ("en", "tr")
MARKS = frozenset({"bg", "check", "dec"})
MOST = Decimal(100_000)


class EntryError(ValueError):
    """One entry is wrong; the message says which field and why, in a sentence."""


def jsonable(value: object) -> object:
    """The same value as JSON can hold it: decimals and dates as strings, tuples as lists."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    return str(value)


class Fields:
    """The fields of one entry (or of a mapping inside it). Remembers what was read: `finish` refuses the rest."""

    def __init__(self, body: object, path: str = "") -> None:
        if not isinstance(body, Mapping):
            raise EntryError(f"{path or 'the entry'} must be a mapping of fields, not {_shown(body)}")
        self._body: Mapping[str, object] = body
        self._path = path
        self._read: set[str] = set()

    def at(self, key: str) -> str:
        """The field's full path inside the entry, for messages."""
        return f"{self._path}.{key}" if self._path else key

    def raw(self, key: str) -> object:
        self._read.add(key)
        return self._body.get(key)

    def has(self, key: str) -> bool:
        """Whether the field is given; asking counts as reading it."""
        return self.raw(key) is not None

    def finish(self) -> None:
        """Refuses every field that nobody asked for: a misspelt limit must not be a missing one."""
        unknown = sorted(set(self._body) - self._read)
        if unknown:
            raise EntryError(f"unknown field {', '.join(self.at(key) for key in unknown)}")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.raw(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value.strip():
            raise EntryError(f"{self.at(key)} must be a text, not {_shown(value)}")
        return value.strip()

    def texts(self, key: str, *, languages: Sequence[str] = REQUIRED_LANGUAGES) -> Texts:
        """A text per language; every language in `languages` is required."""
        value = self.raw(key)
        if not isinstance(value, Mapping):
            raise EntryError(f"{self.at(key)} must hold a text per language ({', '.join(languages)})")
        for lang in languages:
            if not isinstance(value.get(lang), str) or not str(value[lang]).strip():
                raise EntryError(f"{self.at(key)} has no text in language {lang}")
        if any(not isinstance(text, str) for text in value.values()):
            raise EntryError(f"{self.at(key)} must hold texts only")
        return {str(lang): " ".join(str(text).split()) for lang, text in value.items()}

    def code(self, key: str) -> str:
        value = self.text(key)
        if not CODE.match(value):
            raise EntryError(f"{self.at(key)} {value!r} is not a code (small letters, digits, hyphens)")
        return value

    def words(self, key: str) -> tuple[str, ...]:
        """A list of words without repetition; absent means empty."""
        value = self.raw(key)
        if value is None:
            return ()
        if not isinstance(value, list) or any(not isinstance(item, str) for item in value):
            raise EntryError(f"{self.at(key)} must be a list of words, not {_shown(value)}")
        repeated = sorted({item for item in value if value.count(item) > 1})
        if repeated:
            raise EntryError(f"{self.at(key)} names {', '.join(repeated)} twice")
        return tuple(value)

    def choice(self, key: str, kind: type[E], default: E | None = None) -> E:
        value = self.raw(key)
        if value is None and default is not None:
            return default
        return _choice(value, kind, self.at(key))

    def choices(self, key: str, kind: type[E]) -> tuple[E, ...]:
        return tuple(_choice(word, kind, self.at(key)) for word in self.words(key))

    def flag(self, key: str) -> bool:
        value = self.raw(key)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise EntryError(f"{self.at(key)} must be true or false, not {_shown(value)}")
        return value

    def whole(self, key: str, *, least: int = 0, most: int = int(MOST)) -> int:
        value = self.raw(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise EntryError(f"{self.at(key)} must be a whole number, not {_shown(value)}")
        if not least <= value <= most:
            raise EntryError(f"{self.at(key)} {value} is outside {least}–{most}")
        return value

    def whole_or_none(self, key: str, *, least: int = 0, most: int = int(MOST)) -> int | None:
        return self.whole(key, least=least, most=most) if self.has(key) else None

    def decimal(self, key: str, *, least: Decimal = Decimal(0), most: Decimal = MOST) -> Decimal:
        return _decimal(self.raw(key), self.at(key), least, most)

    def decimal_or_none(self, key: str) -> Decimal | None:
        return self.decimal(key) if self.has(key) else None

    def decimal_range(self, key: str) -> DecimalRange:
        """`[low, high]`, low not above high."""
        value = self.raw(key)
        if not isinstance(value, list) or len(value) != 2:
            raise EntryError(f"{self.at(key)} must be a range [low, high], not {_shown(value)}")
        low, high = (_decimal(end, self.at(key), Decimal(0), MOST) for end in value)
        if low > high:
            raise EntryError(f"{self.at(key)} is a range from {low} down to {high}")
        return DecimalRange(low, high)

    def decimal_range_or_none(self, key: str) -> DecimalRange | None:
        return self.decimal_range(key) if self.has(key) else None

    def whole_range(self, key: str) -> WholeRange:
        """`{default, min, max}`; `max` may be left out where the source gives none."""
        inner = Fields(self.raw(key), self.at(key))
        least, default, most = inner.whole("min"), inner.whole("default"), inner.whole_or_none("max")
        inner.finish()
        span = WholeRange(default, least, most)
        if default not in span:
            raise EntryError(f"{self.at(key)} default {default} is outside its range {least}–{most}")
        return span

    def inner(self, key: str) -> Fields:
        return Fields(self.raw(key), self.at(key))

    def inner_list(self, key: str) -> tuple[Fields, ...]:
        value = self.raw(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise EntryError(f"{self.at(key)} must be a list, not {_shown(value)}")
        return tuple(Fields(item, f"{self.at(key)}[{number}]") for number, item in enumerate(value, start=1))

    def inner_by_code(self, key: str) -> dict[str, Fields]:
        """A mapping whose keys are codes and whose values are mappings of fields."""
        return {code: Fields(item, f"{self.at(key)}.{code}") for code, item in self._mapping(key)}

    def numbers_by_code(self, key: str) -> dict[str, int]:
        return {code: Fields({code: item}, self.at(key)).whole(code) for code, item in self._mapping(key)}

    def decimals_by_code(self, key: str) -> dict[str, Decimal]:
        return {code: _decimal(item, f"{self.at(key)}.{code}", Decimal(0), MOST) for code, item in self._mapping(key)}

    def _mapping(self, key: str) -> Iterator[tuple[str, object]]:
        value = self.raw(key)
        if value is None:
            return
        if not isinstance(value, Mapping):
            raise EntryError(f"{self.at(key)} must be a mapping, not {_shown(value)}")
        for code, item in value.items():
            yield str(code), item


class CommonFields:
    """The fields every entry has: code, source, mark, note, and a name. `fields` reads the others."""

    def __init__(self, code: str, body: object) -> None:
        self.fields = Fields(body)
        written = self.fields.text("code", default=code)
        if written != code:
            raise EntryError(f"code {written!r} differs from the entry's code {code!r}")
        self.code = code
        self.source = self.fields.text("source")
        self.mark = self.fields.text("mark", default="")
        self.note = self.fields.text("note", default="")
        wrong = [word for word in self.source.replace(",", " ").split() if not SOURCE_WORD.match(word)]
        if wrong:
            raise EntryError(f"source {' '.join(wrong)!r} is not a seed (S0–S4), a source (E1–E99), bg, check or dec")
        unknown = set(self.mark.split()) - MARKS
        if unknown:
            raise EntryError(f"mark {' '.join(sorted(unknown))!r} is not one of: bg, check, dec")

    def name(self) -> Texts:
        return self.fields.texts("name")


def _choice(value: object, kind: type[E], at: str) -> E:
    try:
        return kind(str(value))
    except ValueError:
        allowed = ", ".join(member.value for member in kind)
        raise EntryError(f"{at} {_shown(value)} is not one of: {allowed}") from None


def _decimal(value: object, at: str, least: Decimal, most: Decimal) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise EntryError(f"{at} must be a number, not {_shown(value)}")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise EntryError(f"{at} must be a number, not {_shown(value)}") from None
    if not number.is_finite() or not least <= number <= most:
        raise EntryError(f"{at} {number} is outside {least}–{most}")
    return number


def _shown(value: object) -> str:
    return "nothing" if value is None else repr(value)[:60]
