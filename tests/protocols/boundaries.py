"""Every figure of the reference moved by one unit either way, and the clinical cases that notice it.

A figure whose boundary (a day before, on it; equal, one unit over) stands in a case cannot be moved without that case
failing. So a moved figure that no case notices has no boundary case. Pure; read by test_casefiles_boundaries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from protocols.casefiles.reading import case_files, read_case
from protocols.casefiles.running import run
from protocols.casefiles.written import CaseError, Written, compose
from protocols.definitions import Catalogue
from protocols.leaves import as_number, leaf, leaves, with_leaf
from protocols.limits import SPECS, Shape, specs_of
from protocols.loading import FIELD_BY_KIND, entries_of_reference, load_reference

CLINICAL = Path(__file__).resolve().parents[1] / "clinical"
KINDS_OF_CASE: Mapping[str, tuple[str, ...]] = dict.fromkeys(SPECS, ()) | {
    "rule": ("screening",), "mixing_rule": ("mixture",), "region": ("mixture", "course"), "substance": ("mixture", "course"),
    "technique": ("mixture",), "delivery": ("mixture",), "mixture": ("mixture",), "indication": ("course",),
    "measurement": ("screening", "mixture"), "combination": ("mixture",), "planner_rule": ("course",),
    "aftercare": ("aftercare",), "message": ("messages", "course"), "house_rule": ("messages", "screening"),
}  # fmt: skip
"""The kinds of case that judge each kind of entry; of the others no case file speaks."""
EXCEPTIONS = Path(__file__).with_name("boundary_exceptions.yaml")
OTHER = {"at_least": "above", "above": "at_least", "at_most": "below", "below": "at_most"}


@dataclass(frozen=True)
class Moved:
    """One figure, moved: where it stands, what it was, what it is for once."""

    kind: str
    code: str
    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.code} {self.path} {self.before} → {self.after}"


@cache
def rows() -> Mapping[str, tuple[str, dict[str, Any]]]:
    return {row.code: (row.kind, row.body) for row in entries_of_reference()}


def step_of(figure: Decimal) -> Decimal:
    """One unit of a figure: 1 mg of 300, 0.1 ml of 3, 0.01 ml of 0.1."""
    return Decimal(1) if figure >= 20 else Decimal("0.1") if figure > Decimal("0.3") else Decimal("0.01")


def figures_of(kinds: tuple[str, ...]) -> Iterator[Moved]:
    """Every figure a medical lead may set in entries of these kinds, up and down by one unit; the ends of ranges too, and
    of every bound of a condition whether it counts when equal."""
    for code, (kind, body) in rows().items():
        if kind not in kinds:
            continue
        for path, spec in specs_of(kind, body, list(leaves(body))):
            value = leaf(body, path)
            if spec.shape in (Shape.NUMBER, Shape.WHOLE) and value is not None:
                yield from _moved(kind, code, path, value, whole=spec.shape is Shape.WHOLE or isinstance(value, int))
            elif spec.shape is Shape.RANGE and value:
                for place in (0, 1):
                    for one in _moved(kind, code, path, value[place], whole=False):
                        both = [one.after if at == place else end for at, end in enumerate(value)]
                        if Decimal(str(both[0])) <= Decimal(str(both[1])):
                            yield replace(one, before=value, after=both)
        for path in leaves(body):
            last = path.rpartition(".")[2]
            if kind == "rule" and last in OTHER and not path.startswith("cfg"):
                yield Moved(kind, code, path, last, OTHER[last])


def _moved(kind: str, code: str, path: str, value: Any, *, whole: bool) -> Iterator[Moved]:
    figure = as_number(value)
    if figure is None:
        return
    step = Decimal(1) if whole else step_of(figure)
    for after in (figure + step, figure - step):
        if after > 0 or (after == 0 and not whole):
            yield Moved(kind, code, path, value, int(after) if whole else format(after, "f"))


def with_moved(one: Moved) -> Catalogue | None:
    """The reference with this one figure moved; None where the loader refuses that (a range that would end before it
    begins): the loader is then the boundary."""
    kind, body = rows()[one.code]
    if isinstance(one.before, str) and one.before in OTHER:
        outer = one.path.rpartition(".")[0]
        changed = with_leaf(with_leaf(body, one.path, None), f"{outer}.{one.after}", leaf(body, one.path))
    else:
        changed = with_leaf(body, one.path, one.after)
    changed.pop("cfg", None)
    try:
        alone = _parsed(kind, one.code, changed)
    except ValueError:
        return None
    field = FIELD_BY_KIND[kind]
    reference = load_reference()
    old = getattr(reference, field)
    if kind == "mixing_rule":  # its groups were resolved when the reference was built
        alone = replace(alone, substances=old[one.code].substances, with_substances=old[one.code].with_substances)
    return replace(reference, **{field: MappingProxyType({**old, one.code: alone})})


def _parsed(kind: str, code: str, body: dict[str, Any]) -> Any:
    from protocols.loading import _OTHER_PARSERS
    from protocols.parsing import PARSERS

    parser = PARSERS.get(kind)
    return parser(code, body) if parser else _OTHER_PARSERS[kind](body)


@cache
def exceptions() -> Mapping[str, str]:
    """Figures that no case notices by their names, and why. Raises `ValueError` for one that is named twice."""
    named: dict[str, str] = {}
    for one in yaml.safe_load(EXCEPTIONS.read_text(encoding="utf-8")):
        for figure in one["figures"]:
            if figure in named:
                raise ValueError(f"{figure} is named twice")
            named[figure] = one["why"]
    return named


@cache
def written_cases() -> tuple[tuple[str, str, Written], ...]:
    """Every case: its kind, all its words, its nodes; read once."""
    found: list[tuple[str, str, Written]] = []
    for file in case_files([CLINICAL]):
        name = file.as_posix()
        for case in compose(file.read_text(encoding="utf-8"), name).items():
            kind = dict(case.pairs())["kind"].text()
            found.append((kind, str(_plain(case.node)), Written(case.node, name, "")))
    return tuple(found)


def _plain(node: Any) -> Any:
    if isinstance(node.value, list):
        return [[_plain(part) for part in one] if isinstance(one, tuple) else _plain(one) for one in node.value]
    return node.value


def noticed(one: Moved, *, only_near: bool = False) -> bool:
    """Whether a clinical case fails with the figure moved. Those that name the entry, or a question, measurement or class
    of medicines it asks for, are tried first, or alone."""
    changed = with_moved(one)
    if changed is None:
        return True
    asked = re.findall(r"'((?:q|m|med)-[a-z0-9-]+)", str(rows()[one.code][1]))
    words = {one.code, *asked}
    cases = [(text, case) for kind, text, case in written_cases() if kind in KINDS_OF_CASE[one.kind]]
    near = [case for text, case in cases if any(word in text for word in words)]
    far = [] if only_near else [case for text, case in cases if not any(word in text for word in words)]
    return any(fails(case, changed) for case in (*near, *far))


def fails(case: Written, catalogue: Catalogue) -> bool:
    try:
        return not run(read_case(case, catalogue)).passed
    except CaseError:
        return True
