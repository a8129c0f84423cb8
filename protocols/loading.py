"""Reads the reference catalogue from YAML, and rebuilds any stored version from its rows, by the same checks.

Pure: no Django. `python -m protocols.loading [FOLDER]` checks the files and prints every problem.

A file is a list of entries; each has `code`, `source` (words such as S2, E45, bg, dec), maybe `mark` and `note`, and
the fields of its kind. Numbers with a decimal point stay exact (`Decimal`, never float), and the words on, off, yes and
no stay words. It is all or nothing: one wrong entry and no catalogue is built, but every problem is reported.
"""
from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import yaml

from protocols import faults
from protocols.definitions import Catalogue
from protocols.entries import CODE, jsonable
from protocols.faults import EntryError, Fault
from protocols.limits import cfg_faults
from protocols.parsing import PARSERS
from protocols.resolving import reference_faults, resolve_groups
from protocols.rules import parse_measurement, parse_medicine_class, parse_question, parse_rule

try:
    from yaml import CSafeLoader as SafeLoader  # the same loader, several times faster
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader  # type: ignore[assignment]

REFERENCE = Path(__file__).resolve().parent / "reference"
VERSION = "reference-1"

KIND_BY_PREFIX: Mapping[str, str] = {
    "ind-": "indication", "reg-": "region", "tq-": "technique", "dv-": "delivery", "sub-": "substance",
    "ck-": "mixture", "ix-": "mixing_rule", "dose-": "mixing_rule", "vol-": "mixing_rule", "depth-": "mixing_rule",
    "ac-": "aftercare", "exp-": "reaction", "ae-": "reaction", "rf-": "reaction", "msg-": "message",
    "consent-": "consent_item", "gate-": "start_gate", "q-": "question", "m-": "measurement", "scr-": "rule",
    "wo-": "rule", "lab-": "rule", "med-": "medicine_class", "no-": "refused",
    "combine-": "combination", "plan-": "planner_rule", "ci-": "check_in",
    "house-": "house_rule",
}
"""The kind of an entry follows from its code."""

FIELD_BY_KIND: Mapping[str, str] = {
    "indication": "indications", "region": "regions", "technique": "techniques", "delivery": "deliveries",
    "substance": "substances", "mixture": "mixtures", "mixing_rule": "mixing_rules", "aftercare": "aftercare",
    "reaction": "reactions", "message": "messages", "consent_item": "consent_items", "start_gate": "start_gates",
    "question": "questions", "measurement": "measurements", "rule": "rules", "medicine_class": "medicine_classes",
    "refused": "refused", "combination": "combinations", "planner_rule": "planner_rules", "check_in": "check_ins",
    "house_rule": "house",
}
"""Where each kind stands in the `Catalogue`."""

_OTHER_PARSERS = {
    "question": parse_question, "measurement": parse_measurement, "rule": parse_rule,
    "medicine_class": parse_medicine_class,
}


class Problem(NamedTuple):
    """One thing wrong with the catalogue: where it stands and what it is. `str` says it in English."""

    file: str
    entry: str
    fault: Fault

    @property
    def problem(self) -> str:
        return str(self.fault)

    def __str__(self) -> str:
        return f"{self.file}: {self.entry}: {self.problem}"


class CatalogueError(ValueError):
    """The catalogue cannot be built. `problems` holds every problem found, in file order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Entry(NamedTuple):
    """One catalogue row as the database stores it. `body` is JSON-shaped and holds code, source and mark as well."""

    kind: str
    code: str
    position: int
    body: dict[str, Any]
    source: str
    mark: str


@dataclass(frozen=True, slots=True)
class _Written:
    """An entry together with the place it was read from."""

    file: str
    code: str
    kind: str
    body: dict[str, Any]


@lru_cache(maxsize=1)
def _default_reference() -> Catalogue:
    return _catalogue(_read_folder(REFERENCE), version=VERSION)


def load_reference(path: Path | None = None) -> Catalogue:
    """The catalogue of a folder of YAML files, by default the one shipped with the application (read once).

    Raises `CatalogueError` naming file, entry and problem for everything that is wrong."""
    return _default_reference() if path is None else _catalogue(_read_folder(Path(path)), version=VERSION)


def entries_of_reference(path: Path | None = None) -> list[Entry]:
    """The same entries as rows: kind, code, position in the whole, JSON body (decimals as strings), source, mark."""
    written = _read_folder(REFERENCE if path is None else Path(path))
    _catalogue(written, version=VERSION)
    return [
        Entry(one.kind, one.code, position, one.body, str(one.body.get("source", "")), str(one.body.get("mark") or ""))
        for position, one in enumerate(written, start=1)
    ]


@lru_cache(maxsize=1)
def _reference_codes() -> frozenset[str]:
    return frozenset(one.code for one in entries_of_reference())


def is_of_reference(code: str) -> bool:
    """Whether the shipped reference has this entry; what it has not, a clinic added itself."""
    return code in _reference_codes()


def catalogue_from_entries(
    entries: Iterable[tuple[str, str, Mapping[str, Any]]], *, version: str = VERSION
) -> Catalogue:
    """The catalogue of stored rows `(kind, code, body)` in their order; the checks are those of the files.

    Raises `CatalogueError`; its "file" is then the kind of the entry."""
    written = [
        _Written(kind, code, kind, cast("dict[str, Any]", jsonable(body))) for kind, code, body in entries
    ]
    return _catalogue(written, version=version)


def _catalogue(written: list[_Written], *, version: str) -> Catalogue:
    """Builds it, or raises `CatalogueError` with everything that is wrong at once: what single entries say, and how they
    fit each other. A faulty entry is kept as far as it could be read, so that its references are looked at too; what
    only follows from a fault is not reported a second time."""
    problems: list[Problem] = []
    parsed: dict[str, dict[str, Any]] = {field: {} for field in FIELD_BY_KIND.values()}
    place: dict[str, str] = {}
    for one in written:
        definition, found = _read_entry(one, place)
        problems += [Problem(one.file, one.code, fault) for fault in found]
        if definition is not None:
            parsed[FIELD_BY_KIND[one.kind]][one.code] = definition
    group_faults = resolve_groups(parsed)
    catalogue = Catalogue(version=version, **{field: MappingProxyType(found) for field, found in parsed.items()})
    of_entries = tuple(problems)
    for code, fault in (*group_faults, *reference_faults(catalogue)):
        if not _follows_from(code, fault, of_entries):
            problems.append(Problem(place.get(code, "catalogue"), code, fault))
    if problems:
        raise CatalogueError(problems)
    return catalogue


def _follows_from(code: str, fault: Fault, found: tuple[Problem, ...]) -> bool:
    """Whether a reference fails only because an entry could not be read: the field that refers is faulty itself, or what
    it names (the entry, one of its answers, its group) is."""
    if not found:
        return False
    if any(one.entry == code and f"{fault.field}.".startswith(f"{one.fault.field}." if one.fault.field else "") for one in found):
        return True
    others = {one.entry for one in found if one.entry != code}
    word = str(fault.values.get("word", ""))
    return bool(others) and (
        fault.sentence is faults.EMPTY_GROUP or any(word == other or word.startswith(f"{other}-") for other in others))


def _read_entry(one: _Written, place: dict[str, str]) -> tuple[object, tuple[Fault, ...]]:
    """What could be made of the entry (None: nothing), and everything that is wrong with it."""
    if one.code in place:
        return None, (Fault(faults.CODE_TWICE, values={"place": place[one.code]}),)
    place[one.code] = one.file
    if misfiled := _kind_faults(one):
        return None, misfiled
    ranges = tuple(cfg_faults(one.body))  # about the fields, not one of them, so judged here for every kind
    body = {key: value for key, value in one.body.items() if key != "cfg"}
    parser = PARSERS.get(one.kind)
    try:
        return (parser(one.code, body) if parser else _OTHER_PARSERS[one.kind](body)), ranges
    except EntryError as error:
        return error.definition, (*ranges, *error.faults)
    except (KeyError, TypeError, ValueError) as error:
        return None, (*ranges, Fault(faults.WRONG_TYPE, values={"what": error}))


def _kind_faults(one: _Written) -> tuple[Fault, ...]:
    expected = kind_of(one.code)
    if expected is None or not CODE.match(one.code):
        return (Fault(faults.NO_PREFIX, values={"prefixes": ", ".join(sorted(KIND_BY_PREFIX))}),)
    if one.kind != expected:
        return (Fault(faults.FILED_AS, values={"kind": one.kind, "expected": expected}),)
    return ()


def kind_of(code: str) -> str | None:
    """The kind of entry a code belongs to; None when the prefix is unknown."""
    return next((kind for prefix, kind in KIND_BY_PREFIX.items() if code.startswith(prefix)), None)


def _read_folder(folder: Path) -> list[_Written]:
    """Every entry of every YAML file in the folder and its subfolders, in a fixed order of files.

    Raises `CatalogueError` when a file cannot be read as a list of coded entries."""
    written: list[_Written] = []
    problems: list[Problem] = []
    files = sorted(folder.rglob("*.yaml"))
    if not files:
        raise CatalogueError([Problem(str(folder), "-", Fault(faults.NO_FILES))])
    for file in files:
        name = file.relative_to(folder).as_posix()
        try:
            entries = yaml.load(file.read_text(encoding="utf-8"), Loader=_ExactLoader)  # noqa: S506 (a SafeLoader)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            problems.append(Problem(name, _line_of(error), Fault(faults.NOT_YAML, values={"what": _reason(error)})))
            continue
        if not isinstance(entries, list):
            problems.append(Problem(name, "-", Fault(faults.NO_LIST)))
            continue
        for number, entry in enumerate(entries, start=1):
            code = entry.get("code") if isinstance(entry, Mapping) else None
            if not isinstance(code, str):
                problems.append(Problem(name, f"entry {number}", Fault(faults.NO_CODE)))
                continue
            body = cast("dict[str, Any]", jsonable(entry))
            written.append(_Written(name, code, kind_of(code) or "unknown", body))
    if problems:
        raise CatalogueError(problems)
    return written


class _ExactLoader(SafeLoader):
    """YAML without surprises: decimals stay text until they become `Decimal`, only true and false are booleans, dates
    stay text, and a key written twice is an error."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers
                if tag not in ("tag:yaml.org,2002:float", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")]
        for first, resolvers in SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys: set[Any] = set()
        for key_node, _value in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in keys:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", key_node.start_mark)
            keys.add(key)
        return cast("dict[Any, Any]", super().construct_mapping(node, deep))


_ExactLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def _line_of(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}" if mark else "-"


def _reason(error: Exception) -> str:
    return str(getattr(error, "problem", None) or error)


def main(arguments: list[str]) -> int:
    """Checks a folder (default: the shipped reference); prints each problem or a count per kind. 0 means valid."""
    try:
        catalogue = load_reference(Path(arguments[0]) if arguments else None)
    except CatalogueError as error:
        print(error)
        print(f"{len(error.problems)} problems; nothing was loaded")
        return 1
    for field in FIELD_BY_KIND.values():
        print(f"{len(getattr(catalogue, field)):4d} {field.replace('_', ' ')}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
