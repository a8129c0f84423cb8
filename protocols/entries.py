"""Reading one catalogue entry field by field, with an error that names the field.

Pure. An entry body is JSON-shaped: strings, whole numbers, booleans, lists, mappings; decimals arrive as strings, so
that no amount ever passes through a float. A reader that finds a fault notes it and answers with something harmless of
the right type, so that the rest is looked at too; `CommonFields.complete` then raises `EntryError` with all of them.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Self, TypeVar

from clinic.languages import NAMES
from patients.choices import Text
from protocols import faults
from protocols.definitions import DecimalRange, Definition, Texts, WholeRange
from protocols.faults import EntryError, Fault, Written

E = TypeVar("E", bound=StrEnum)
D = TypeVar("D", bound=Definition)
Figure = TypeVar("Figure", int, Decimal)

CODE = re.compile(r"^[a-z][a-z0-9-]*$")
SOURCE_WORD = re.compile(r"^(S[0-4]|E[1-9][0-9]?|bg|check|dec)$")
REQUIRED_LANGUAGES = ("en", "tr")
MARKS = frozenset({"bg", "check", "dec"})
MOST = Decimal(100_000)
MOST_DAYS, MOST_MONTHS = 36_500, 600
"""A hundred years of days, fifty of months: what is longer is a slip of the finger."""
NO_TEXTS: Texts = dict.fromkeys(REQUIRED_LANGUAGES, "")


def most_of(path: str) -> int:
    """The largest whole number a field may hold: days and months are known by their names."""
    words = {word for step in path.split(".") for word in step.split("_")}
    return MOST_DAYS if "days" in words else MOST_MONTHS if "months" in words else int(MOST)


def jsonable(value: object) -> object:
    """The same value as JSON can hold it: decimals and dates as strings, tuples as lists."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    return str(value)


class Part:
    """One mapping of an entry: the entry itself, or something inside it. `path` is where it stands; `found` collects the
    faults of the whole entry. What is no mapping has that one fault only."""

    def __init__(self, body: object, path: str = "", found: list[Fault] | None = None) -> None:
        self.path = path
        self.found: list[Fault] = [] if found is None else found
        self.is_mapping = isinstance(body, Mapping)
        if not self.is_mapping:
            self.found.append(Fault(faults.MAPPING, path, {"value": Written(body)}))

    def at(self, key: str) -> str:
        """The field's full path inside the entry, for messages."""
        return f"{self.path}.{key}" if self.path else key

    def wrong(self, sentence: Text, key: str = "", **values: object) -> None:
        """Note a fault of this field; of the whole where no key is given."""
        if self.is_mapping:
            self.found.append(Fault(sentence, self.at(key) if key else self.path, values))

    def sound(self, *keys: str) -> bool:
        """Whether none of these fields has a fault: only then do they say anything together."""
        paths = [self.at(key) for key in keys]
        return self.is_mapping and not any(
            fault.field == path or fault.field.startswith(f"{path}.") for fault in self.found for path in paths)

    def part(self, body: object, key: str) -> Self:
        """A mapping inside this one; of what is no mapping itself, nothing more is said."""
        return type(self)(body, self.at(key), self.found if self.is_mapping else [])

    def parts(self, value: object, key: str) -> Iterator[Self]:
        """The mappings of a list that may be absent."""
        if value is not None and not isinstance(value, list):
            self.wrong(faults.LIST, key, value=Written(value))
        elif value:
            for number, one in enumerate(value, start=1):
                yield self.part(one, f"{key}.{number}")

    def as_whole(self, value: object, key: str, *, least: int = 0, most: int | None = None) -> int:
        """A whole number inside its limits; a fault answers with the least."""
        most = most_of(self.at(key)) if most is None else most
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(faults.WHOLE, key, value=Written(value))
            return least
        return self._inside(value, key, least, most)

    def as_decimal(self, value: object, key: str, *, least: Decimal = Decimal(0), most: Decimal = MOST) -> Decimal:
        """An exact number inside its limits, never through a float; a fault answers with the least."""
        try:
            if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
                raise InvalidOperation
            number = Decimal(value)
            if not number.is_finite():
                raise InvalidOperation
        except InvalidOperation:
            self.wrong(faults.NUMBER, key, value=Written(value))
            return least
        return self._inside(number, key, least, most)

    def _inside(self, value: Figure, key: str, least: Figure, most: Figure) -> Figure:
        if not least <= value <= most:
            self.wrong(faults.OUTSIDE, key, value=value, low=least, high=most)
            return least
        return value


class Fields(Part):
    """The fields of one entry (or of a mapping inside it). Remembers what was read: `finish` refuses the rest."""

    def __init__(self, body: object, path: str = "", found: list[Fault] | None = None) -> None:
        super().__init__(body, path, found)
        self._read: set[str] = set()
        self._body: Mapping[str, object] = body if isinstance(body, Mapping) else {}

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
            self.found.append(Fault(
                faults.UNKNOWN_FIELD, self.at(unknown[0]), {"names": ", ".join(self.at(key) for key in unknown)}))

    def text(self, key: str, default: str | None = None) -> str:
        value = self.raw(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value.strip():
            self.wrong(faults.TEXT, key, value=Written(value))
            return ""
        return value.strip()

    def texts(self, key: str, *, languages: Sequence[str] = REQUIRED_LANGUAGES) -> Texts:
        """A text per language; every language in `languages` is required."""
        value = self.raw(key)
        if not isinstance(value, Mapping):
            self.wrong(faults.TEXT_PER_LANGUAGE, key, languages=", ".join(languages))
            return NO_TEXTS
        for lang in languages:
            if not isinstance(value.get(lang), str) or not str(value[lang]).strip():
                self.wrong(faults.NO_TEXT_IN, key, language=lang)
        if any(not isinstance(text, str) for lang, text in value.items() if lang not in languages):
            self.wrong(faults.TEXTS_ONLY, key)
        if strange := sorted({str(lang) for lang in value} - set(NAMES)):
            self.wrong(faults.NO_LANGUAGE, key, names=", ".join(strange))
        return {**NO_TEXTS, **{str(lang): " ".join(str(text).split()) for lang, text in value.items()}}

    def code(self, key: str) -> str:
        value = self.text(key)
        if value and not CODE.match(value):
            self.wrong(faults.CODE, key, value=Written(value))
        return value

    def words(self, key: str) -> tuple[str, ...]:
        """A list of words without repetition; absent means empty."""
        value = self.raw(key)
        if value is None:
            return ()
        if not isinstance(value, list) or any(not isinstance(item, str) for item in value):
            self.wrong(faults.WORDS, key, value=Written(value))
            return ()
        repeated = sorted({item for item in value if value.count(item) > 1})
        if repeated:
            self.wrong(faults.TWICE, key, names=", ".join(repeated))
        return tuple(value)

    def choice(self, key: str, kind: type[E], default: E | None = None) -> E:
        value = self.raw(key)
        if value is None and default is not None:
            return default
        return self._choice(value, kind, key)

    def choices(self, key: str, kind: type[E]) -> tuple[E, ...]:
        return tuple(self._choice(word, kind, key) for word in self.words(key))

    def _choice(self, value: object, kind: type[E], key: str) -> E:
        try:
            return kind(str(value))
        except ValueError:
            self.wrong(
                faults.NOT_ONE_OF, key, value=Written(value), allowed=", ".join(member.value for member in kind))
            return next(iter(kind))

    def one_of(self, key: str, allowed: Sequence[str]) -> str:
        """One of these words."""
        value = self.text(key)
        if value and value not in allowed:
            self.wrong(faults.NOT_ONE_OF, key, value=Written(value), allowed=", ".join(allowed))
        return value

    def flag(self, key: str) -> bool:
        value = self.raw(key)
        if value is None:
            return False
        if not isinstance(value, bool):
            self.wrong(faults.TRUE_OR_FALSE, key, value=Written(value))
            return False
        return value

    def whole(self, key: str, *, least: int = 0, most: int | None = None) -> int:
        return self.as_whole(self.raw(key), key, least=least, most=most)

    def whole_or_none(self, key: str, *, least: int = 0, most: int | None = None) -> int | None:
        return self.whole(key, least=least, most=most) if self.has(key) else None

    def decimal(self, key: str, *, least: Decimal = Decimal(0), most: Decimal = MOST) -> Decimal:
        return self.as_decimal(self.raw(key), key, least=least, most=most)

    def decimal_or_none(self, key: str) -> Decimal | None:
        return self.decimal(key) if self.has(key) else None

    def decimal_range(self, key: str) -> DecimalRange:
        """`[low, high]`, low not above high."""
        value = self.raw(key)
        if not isinstance(value, list) or len(value) != 2:
            self.wrong(faults.RANGE, key, value=Written(value))
            return DecimalRange(Decimal(0), Decimal(0))
        low, high = (self.as_decimal(end, key) for end in value)
        if self.sound(key) and low > high:
            self.wrong(faults.RANGE_DOWN, key, low=low, high=high)
        return DecimalRange(low, high)

    def decimal_range_or_none(self, key: str) -> DecimalRange | None:
        return self.decimal_range(key) if self.has(key) else None

    def whole_range(self, key: str) -> WholeRange:
        """`{default, min, max}`; `max` may be left out where the source gives none."""
        inner = self.inner(key)
        least, default, most = inner.whole("min"), inner.whole("default"), inner.whole_or_none("max")
        inner.finish()
        span = WholeRange(default, least, most)
        if self.sound(key) and default not in span:
            self.wrong(faults.DEFAULT_OUTSIDE, key, value=default, low=least, high=most)
        return span

    def inner(self, key: str) -> Fields:
        return self.part(self.raw(key), key)

    def inner_list(self, key: str) -> tuple[Fields, ...]:
        return tuple(self.parts(self.raw(key), key))

    def inner_by_code(self, key: str) -> dict[str, Fields]:
        """A mapping whose keys are codes and whose values are mappings of fields."""
        return {code: self.part(item, f"{key}.{code}") for code, item in self._mapping(key)}

    def numbers_by_code(self, key: str) -> dict[str, int]:
        return {code: self.as_whole(item, f"{key}.{code}") for code, item in self._mapping(key)}

    def decimals_by_code(self, key: str) -> dict[str, Decimal]:
        return {code: self.as_decimal(item, f"{key}.{code}") for code, item in self._mapping(key)}

    def _mapping(self, key: str) -> Iterator[tuple[str, object]]:
        value = self.raw(key)
        if value is None:
            return
        if not isinstance(value, Mapping):
            self.wrong(faults.PLAIN_MAPPING, key, value=Written(value))
            return
        for code, item in value.items():
            yield str(code), item


class CommonFields:
    """The fields every entry has: code, source, mark, note, and a name. `fields` reads the others."""

    def __init__(self, code: str, body: object) -> None:
        self.fields = Fields(body)
        written = self.fields.text("code", default=code)
        if written != code:
            self.fields.wrong(faults.OTHER_CODE, "code", written=Written(written), code=Written(code))
        self.code = code
        self.source = self.fields.text("source")
        self.mark = self.fields.text("mark", default="")
        self.note = self.fields.text("note", default="")
        wrong = [word for word in self.source.replace(",", " ").split() if not SOURCE_WORD.match(word)]
        if wrong:
            self.fields.wrong(faults.SOURCE, "source", value=Written(" ".join(wrong)))
        unknown = set(self.mark.split()) - MARKS
        if unknown:
            self.fields.wrong(faults.MARK, "mark", value=Written(" ".join(sorted(unknown))))

    def name(self) -> Texts:
        return self.fields.texts("name")

    def complete(self, definition: D) -> D:
        """The definition, when the entry holds nothing else and nothing in it is wrong; else raises `EntryError`."""
        self.fields.finish()
        if self.fields.found:
            raise EntryError(*self.fields.found, definition=definition)
        return definition
