"""What stands in a case file, with the place it stands at: every complaint names file, line and field. Pure.

Scalars are read as they are written: `yes` is a word, `2.50` an exact decimal, `2026-03-02` a date only where a date is
asked for. Nothing is ever a float.
"""
from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from difflib import get_close_matches
from zoneinfo import ZoneInfo

import yaml

try:
    from yaml import CSafeLoader as SafeLoader  # the same loader, several times faster
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader  # type: ignore[assignment]

Keys = Mapping[str, tuple[str, str]]
"""The fields a block may have: an example and what it means. The documentation is written from the same mapping."""

YEARS = range(1900, 2201)

_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,9})?", re.ASCII)
_QUANTITY = re.compile(r"(-?\d{1,12}(?:\.\d{1,9})?)\s*(\D.*)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(Z?)", re.ASCII)


class CaseError(ValueError):
    """A case that cannot be read. `field` is a path such as `plan.syringes[1].parts[2].volume`, counted from 1; `case`
    the name of the case, where one is known."""

    case = ""

    def __init__(self, *, file: str, line: int, field: str, sentence: str) -> None:
        self.file, self.line, self.field, self.sentence = file, line, field, sentence
        super().__init__(f"{file}, line {line}, {field}: {sentence}")


@dataclass(frozen=True, slots=True)
class Written:
    """One value of a case file. Every reader raises `CaseError` when the value is not what is asked for."""

    node: yaml.Node
    file: str
    field: str

    @property
    def line(self) -> int:
        return int(self.node.start_mark.line) + 1

    def fail(self, sentence: str) -> CaseError:
        return CaseError(file=self.file, line=self.line, field=self.field or "case", sentence=sentence)

    @property
    def is_nothing(self) -> bool:
        """`~`: left out on purpose."""
        return isinstance(self.node, yaml.ScalarNode) and self.node.tag == "tag:yaml.org,2002:null"

    @property
    def is_list(self) -> bool:
        return isinstance(self.node, yaml.SequenceNode)

    @property
    def is_block(self) -> bool:
        return isinstance(self.node, yaml.MappingNode)

    def text(self) -> str:
        if not isinstance(self.node, yaml.ScalarNode) or self.is_nothing:
            raise self.fail("one word or figure is expected here.")
        return str(self.node.value).strip()

    def one_of(self, allowed: Collection[str]) -> str:
        word = self.text()
        if word not in allowed:
            raise self.fail(f"“{word}” is not one of {', '.join(allowed)}.")
        return word

    def code(self, known: Collection[str], what: str) -> str:
        """A code of the catalogue; `what` says which kind ("substance")."""
        word = self.text()
        if word not in known:
            near = get_close_matches(word, list(known), n=1)
            raise self.fail(f"there is no {what} “{word}” in this catalogue." + (f" Is {near[0]} meant?" if near else ""))
        return word

    def number(self, *, least: Decimal | int, most: Decimal | int) -> Decimal:
        """A plain figure inside the limits, both included."""
        word = self.text()
        if not _NUMBER.fullmatch(word):
            raise self.fail(f"“{word}” is not a number.")
        return self._inside(Decimal(word), least, most, word)

    def whole(self, *, least: int, most: int) -> int:
        figure = self.number(least=least, most=most)
        if figure != int(figure):
            raise self.fail(f"“{self.text()}” is not a whole number.")
        return int(figure)

    def amount(self, unit: str, *, most: int, zero: bool = False) -> Decimal:
        """A figure with its unit ("2.5 ml"), above zero (or zero, where nothing is an answer) and up to `most`."""
        figure, found = self.quantity()
        if found != unit:
            raise self.fail(f"“{self.text()}” is not in {unit}.")
        if figure < 0 or (figure == 0 and not zero):
            raise self.fail(f"“{self.text()}” is not above zero.")
        return self._inside(figure, 0, most, self.text())

    def quantity(self) -> tuple[Decimal, str]:
        """A figure and the unit behind it, whatever it is: ("5", "mg/ml")."""
        found = _QUANTITY.fullmatch(self.text())
        if found is None:
            raise self.fail(f"“{self.text()}” is not a figure with its unit, such as “2 ml”.")
        return Decimal(found[1]), (found[2] or "").strip()

    def _inside(self, figure: Decimal, least: Decimal | int, most: Decimal | int, word: str) -> Decimal:
        if not least <= figure <= most:
            raise self.fail(f"“{word}” is not from {least} to {most}.")
        return figure

    def flag(self) -> bool:
        return self.one_of(("yes", "no")) == "yes"

    def day(self) -> date:
        word = self.text()
        try:
            day = date.fromisoformat(word) if _DAY.fullmatch(word) else None
        except ValueError:
            day = None
        if day is None:
            raise self.fail(f"“{word}” is not a date such as 2026-03-02.")
        return self._in_our_time(day)

    def _in_our_time(self, day: date) -> date:
        if day.year not in YEARS:
            raise self.fail(f"the year {day.year} is not from {YEARS[0]} to {YEARS[-1]}.")
        return day

    def clock(self) -> time:
        word = self.text()
        if not _CLOCK.fullmatch(word):
            raise self.fail(f"“{word}” is not a clock time such as 09:30.")
        return time.fromisoformat(word)

    def moment(self, zone: ZoneInfo) -> datetime:
        """A date and clock time of the site as UTC, or UTC itself with a Z behind it. A clock time that comes twice is
        the first one; one that the clocks skip is refused, for it is no moment at all."""
        word = self.text()
        found = _MOMENT.fullmatch(word)
        if found is None:
            raise self.fail(f"“{word}” is not a date and time such as 2026-03-02 14:30.")
        try:
            wall = datetime.fromisoformat(f"{found[1]}T{found[2]}:00")
        except ValueError:
            raise self.fail(f"“{word}” is not a date and time such as 2026-03-02 14:30.") from None
        self._in_our_time(wall.date())
        if found[3]:
            return wall.replace(tzinfo=UTC)
        moment = wall.replace(tzinfo=zone).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) != wall:
            raise self.fail(f"{word} does not exist in {zone.key}: the clocks go forward over it.")
        return moment

    def zone(self) -> ZoneInfo:
        word = self.text()
        try:
            return ZoneInfo(word)
        except (KeyError, ValueError, OSError):
            raise self.fail(f"“{word}” is not a time zone such as Europe/Istanbul.") from None

    def items(self) -> list[Written]:
        """The values of a list; one value alone is refused, so that a forgotten bracket is noticed."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.fail("a list is expected here: [one, two].")
        return [Written(node, self.file, f"{self.field}[{place}]") for place, node in enumerate(self.node.value, 1)]

    def pairs(self) -> list[tuple[str, Written]]:
        """The fields of a block in their order. Raises on a field written twice."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.fail("a block of fields is expected here.")
        found: dict[str, Written] = {}
        for key_node, node in self.node.value:
            key = Written(key_node, self.file, self.field).text()
            value = Written(node, self.file, f"{self.field}.{key}" if self.field else key)
            if key in found:
                raise Written(key_node, self.file, value.field).fail("this field stands twice.")
            found[key] = value
        return list(found.items())


class Block:
    """The fields of one block. Each is taken by name; a field that nobody knows is refused at once."""

    def __init__(self, written: Written, keys: Keys) -> None:
        self.written = written
        self._keys = keys
        self._fields = dict(written.pairs())
        for key, value in self._fields.items():
            if key not in keys:
                near = get_close_matches(key, list(keys), n=1)
                meant = f" Is “{near[0]}” meant?" if near else ""
                raise value.fail(f"there is no field “{key}” here.{meant} Known are {', '.join(keys)}.")

    def take(self, key: str) -> Written | None:
        if key not in self._keys:
            raise KeyError(key)  # a mistake of ours: the documentation would not know the field
        return self._fields.get(key)

    def need(self, key: str) -> Written:
        found = self.take(key)
        if found is None:
            place = self.written
            field = f"{place.field}.{key}" if place.field else key
            raise CaseError(file=place.file, line=place.line, field=field, sentence=f"the field “{key}” is missing.")
        return found

    def each(self, key: str) -> list[Written]:
        """The values of a list field; none when it is left out."""
        found = self.take(key)
        return [] if found is None else found.items()

    def pairs(self, key: str) -> list[tuple[str, Written]]:
        """The entries of a block field; none when it is left out."""
        found = self.take(key)
        return [] if found is None else found.pairs()

    def __iter__(self) -> Iterator[tuple[str, Written]]:
        return iter(self._fields.items())

    def __contains__(self, key: str) -> bool:
        return key in self._fields


def compose(text: str, file: str) -> Written:
    """The whole file as one value. Raises `CaseError` when it is not readable as YAML."""
    try:
        node = yaml.compose(text, Loader=SafeLoader)  # only builds nodes, no objects
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        sentence = f"not readable as YAML: {getattr(error, 'problem', None) or error}."
        raise CaseError(file=file, line=mark.line + 1 if mark else 1, field="file", sentence=sentence) from error
    if node is None:
        raise CaseError(file=file, line=1, field="file", sentence="the file is empty.")
    return Written(node, file, "")
