"""Which fields of an entry can be edited, which way is looser, and which are hard limits (clinical reference, section 0).

Pure. A field is found by the pattern of its path (`protocols.leaves`). `cfg` of an entry is the whole range of a field:
outside is refused. Without a range tightening is free; loosening an absolute rule or a hard limit needs a reason and
prints on every plan it touches. Words for people stand in `protocols.field_words`.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from protocols import faults
from protocols.choices import CheckResult, InstructionSeverity, LooksAt, Status
from protocols.clauses import STRICTNESS
from protocols.faults import Fault, Written
from protocols.findings import Severity
from protocols.leaves import as_number, leaf, pattern_of, same


class Shape(StrEnum):
    """What a field holds, and so how it is asked for."""

    NUMBER = "number"
    WHOLE = "whole"
    RANGE = "range"
    FLAG = "flag"
    CHOICE = "choice"
    LINE = "line"
    TEXT = "text"
    WORDS = "words"


class Looser(StrEnum):
    """Which change lets more happen. `wider`: a range that reaches further on either side. `more` and `fewer`: words of
    a list; an empty list restricts nothing. `any`: whatever it becomes may let more happen. `never`: it has no looser side."""

    UP = "up"
    DOWN = "down"
    WIDER = "wider"
    MORE = "more"
    FEWER = "fewer"
    RANKED = "ranked"
    ANY = "any"
    NEVER = "never"


class Direction(StrEnum):
    TIGHTENED = "tightened"
    LOOSENED = "loosened"
    REWORDED = "reworded"
    CHANGED = "changed"


STATUSES = tuple(status.value for status in Status)
SEVERITIES = tuple(one.value for one in STRICTNESS)
RESULTS = tuple(result.value for result in CheckResult if result is not CheckResult.OK)
URGENCIES = tuple(reversed([severity.value for severity in InstructionSeverity]))
"""Closed words, each from the loosest to the strictest."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One editable field: its pattern, what it holds, its looser side. `hard` is a limit that may not be passed.
    `only_if_there`: asked only where the entry has it, for elsewhere nothing would read it."""

    pattern: str
    shape: Shape
    looser: Looser = Looser.NEVER
    hard: bool = False
    choices: tuple[str, ...] = ()
    required: bool = False
    only_if_there: bool = False


def _number(pattern: str, looser: Looser, *, hard: bool = False, shape: Shape = Shape.NUMBER) -> Spec:
    return Spec(pattern, shape, looser, hard)


def _whole(pattern: str, looser: Looser = Looser.NEVER, *, hard: bool = False, required: bool = False) -> Spec:
    return Spec(pattern, Shape.WHOLE, looser, hard, required=required)


def _there(pattern: str, looser: Looser, *, shape: Shape = Shape.WHOLE) -> Spec:
    """A hard figure of some entries of a kind; those that have it keep it."""
    return Spec(pattern, shape, looser, hard=True, required=shape is not Shape.FLAG, only_if_there=True)


def _texts(name: str, *, line: bool = False, required: bool = True) -> tuple[Spec, ...]:
    shape = Shape.LINE if line else Shape.TEXT
    return tuple(Spec(f"{name}.{language}", shape, required=required) for language in ("en", "tr"))


def _span(pattern: str, *, low_is_hard: bool = False) -> tuple[Spec, ...]:
    """A default inside min and max, in whole numbers."""
    return (_whole(f"{pattern}.default", required=True),
            _whole(f"{pattern}.min", Looser.DOWN, hard=low_is_hard, required=True), _whole(f"{pattern}.max", Looser.UP))


_NAME = _texts("name", line=True)
_BODY = _texts("text")
_ORIGIN = (Spec("source", Shape.LINE, required=True), Spec("mark", Shape.LINE), Spec("note", Shape.TEXT))
_STATUS = Spec("status", Shape.CHOICE, Looser.RANKED, True, STATUSES)
_NEVER_IN = Spec("never_in", Shape.WORDS, Looser.FEWER, True)

SPECS: Mapping[str, tuple[Spec, ...]] = {
    "substance": (
        *_NAME, *_texts("class", line=True), _STATUS,
        Spec("strength", Shape.RANGE), Spec("typical", Shape.RANGE, Looser.WIDER),
        _number("hard_max", Looser.UP, hard=True), _number("mg_per_kg", Looser.UP, hard=True),
        _number("final_strength_max", Looser.UP, hard=True), _number("max_ml_per_point", Looser.UP, hard=True),
        _number("max_per_cm2", Looser.UP, hard=True), _number("max_area_cm2", Looser.UP, hard=True),
        _whole("max_points", Looser.UP, hard=True), _whole("max_sessions", Looser.UP, hard=True),
        _whole("min_interval_days", Looser.DOWN, hard=True),
        _number("lidocaine_mg_per_g", Looser.DOWN, hard=True),
        _number("by_region.*.max_ml", Looser.UP, hard=True), Spec("by_region.*.depth_mm", Shape.RANGE, Looser.WIDER),
        Spec("by_region.*.typical", Shape.RANGE, Looser.WIDER),
        Spec("allowed.categories", Shape.WORDS, Looser.MORE, True),
        Spec("allowed.indications", Shape.WORDS, Looser.MORE, True),
        Spec("allowed.regions", Shape.WORDS, Looser.MORE, True),
        Spec("allowed.techniques", Shape.WORDS, Looser.MORE, True),
        Spec("allowed.sexes", Shape.WORDS, Looser.MORE, True),
        Spec("groups", Shape.WORDS, Looser.FEWER, True), Spec("no_allergy_test", Shape.FLAG, Looser.UP, True),
        _NEVER_IN, *_ORIGIN,
    ),
    "indication": (
        *_NAME, _STATUS, Spec("regions", Shape.WORDS, Looser.MORE), Spec("techniques", Shape.WORDS, Looser.MORE),
        Spec("only_substances", Shape.WORDS, Looser.MORE, True), Spec("evidence", Shape.LINE, required=True),
        *_texts("evidence_note", required=False), *_texts("effect"),
        *_span("sessions"), *_span("phases.#.sessions"), *_span("phases.#.interval_days", low_is_hard=True),
        _whole("maintenance.earliest_days", Looser.DOWN), _whole("maintenance.latest_days"),
        _whole("reviews.#.days", required=True), _whole("stop_if_vas_fell_less_than_percent", Looser.DOWN),
        _NEVER_IN, *_ORIGIN,
    ),
    "region": (
        *_NAME, Spec("depth_mm", Shape.RANGE, Looser.WIDER), _number("max_ml", Looser.UP, hard=True),
        _whole("slot_minutes", required=True), *_ORIGIN,
    ),
    "technique": (
        *_NAME, _STATUS, Spec("depth_mm", Shape.RANGE, Looser.WIDER), Spec("ml_per_point", Shape.RANGE, Looser.WIDER),
        _number("hard_depth_mm", Looser.UP, hard=True), Spec("only_substances", Shape.WORDS, Looser.MORE, True),
        Spec("spacing_mm", Shape.LINE, required=True), Spec("needle", Shape.LINE, required=True), *_ORIGIN,
    ),
    "delivery": (*_NAME, _STATUS, Spec("depth_mm", Shape.RANGE, Looser.WIDER), *_ORIGIN),
    "mixture": (
        *_NAME, Spec("indications", Shape.WORDS, Looser.MORE), Spec("technique", Shape.CHOICE, required=True),
        Spec("items.#.substance", Shape.CHOICE, required=True),
        _number("items.#.volume_ml", Looser.UP), _number("items.#.strength", Looser.UP),
        _number("total_ml_for.*", Looser.UP), Spec("sexes", Shape.WORDS, Looser.MORE),
        Spec("warns", Shape.WORDS), _NEVER_IN, *_ORIGIN,
    ),
    "mixing_rule": (
        *_NAME, *_BODY, *_texts("text_when_unknown", required=False),
        Spec("result", Shape.CHOICE, Looser.RANKED, True, RESULTS), _number("limits.*", Looser.UP, hard=True),
        Spec("substances", Shape.WORDS, Looser.FEWER, True), Spec("with_substances", Shape.WORDS, Looser.FEWER, True),
        Spec("forms", Shape.WORDS, Looser.FEWER, True), _whole("within_days", Looser.DOWN, hard=True), *_ORIGIN,
    ),
    "rule": (
        *_texts("title", line=True), *_texts("sentence", required=False), *_texts("explanation", required=False),
        *_texts("advice", required=False), Spec("scope", Shape.WORDS, Looser.FEWER),
        Spec("clauses.#.severity", Shape.CHOICE, Looser.RANKED, False, SEVERITIES, True),
        Spec("clauses.#.scope", Shape.WORDS, Looser.FEWER),
        _whole("clauses.#.wait.days", Looser.DOWN), _whole("clauses.#.wait.months", Looser.DOWN),
        *_texts("clauses.#.sentence", required=False), *_texts("clauses.#.lifted_by", required=False),
        *_texts("clauses.#.letter", required=False), _whole("clauses.#.labs.#.valid_days", Looser.UP),
        Spec("tests.#.waivable", Shape.FLAG, Looser.UP), *_ORIGIN,
    ),
    "medicine_class": (
        *_NAME, Spec("examples", Shape.WORDS),
        Spec("effects.#.severity", Shape.CHOICE, Looser.RANKED, False, ("info", "relative", "absolute"), True),
        Spec("effects.#.substances", Shape.WORDS, Looser.FEWER), *_texts("effects.#.sentence"), *_ORIGIN,
    ),
    "measurement": (
        *_NAME, _whole("valid_days", Looser.UP), _number("lowest", Looser.DOWN), _number("highest", Looser.UP),
        Spec("required_with", Shape.WORDS, Looser.FEWER), Spec("always", Shape.FLAG, Looser.DOWN, True), *_ORIGIN,
    ),
    "question": (
        *_texts("text"), *_texts("why", required=False), *_texts("help", required=False),
        *_texts("heading", line=True, required=False), *_ORIGIN,
    ),
    "aftercare": (
        *_NAME, *_BODY, Spec("severity", Shape.CHOICE, Looser.RANKED, False, URGENCIES, True),
        _whole("hours_from", Looser.UP, required=True), _whole("hours_until", Looser.DOWN),
        _whole("hours_until_with.*", Looser.DOWN), _whole("months_until_with.*", Looser.DOWN),
        Spec("regions", Shape.WORDS), Spec("substances", Shape.WORDS), *_texts("variants.#.text"),
        _whole("variants.#.hours_until", Looser.DOWN, required=True), *_ORIGIN,
    ),
    "reaction": (
        *_NAME, *_BODY, *_texts("onset"), *_texts("lasts"), _whole("grade_low", Looser.DOWN),
        _whole("grade_high", Looser.DOWN), *_ORIGIN,
    ),
    "message": (
        *_NAME, *_BODY, *_texts("when"),
        *(replace(_there(f"limits.{name}", Looser.NEVER), hard=False) for name in ("hours", "days", "body_days", "most_days")),
        *_ORIGIN,
    ),
    "house_rule": (
        *_NAME, *_BODY,
        *(_there(f"limits.{name}", Looser.UP)
          for name in ("inject_minutes", "never_after_hours", "opened_vial_days", "most_days")),
        _there("limits.look_back_days", Looser.DOWN),
        *(replace(_there(f"limits.{name}", looser), hard=False)
          for name, looser in (("quiet_from_hour", Looser.UP), ("quiet_until_hour", Looser.DOWN), ("usual_hour", Looser.NEVER))),
        *_ORIGIN,
    ),
    "consent_item": (*_NAME, *_BODY, *_ORIGIN),
    "start_gate": (
        *_NAME, *_BODY, _there("overridable", Looser.UP, shape=Shape.FLAG), _there("limits.least_hours", Looser.DOWN),
        _there("limits.read_hours", Looser.DOWN), _there("limits.positive_mm", Looser.UP),
        _there("limits.most_days", Looser.UP), _there("limits.most_months", Looser.UP),
        _there("limits.known_months", Looser.UP), *_ORIGIN,
    ),
    "refused": (*_NAME, *_BODY, *_ORIGIN),
    "combination": (
        *_NAME, *_BODY, _there("days_before", Looser.DOWN), _there("days_after", Looser.DOWN),
        _there("most_new", Looser.UP), *_ORIGIN,
    ),
    "planner_rule": (*_NAME, *_BODY, _there("days", Looser.UP), *_ORIGIN),
    "check_in": (*_NAME, *_BODY, *_ORIGIN),
}
"""Every kind with what can be edited in its form, in the order of the form."""

LOOKS = (LooksAt.MIX.value, LooksAt.AREA.value, LooksAt.DAY.value)
"""Where a mixing rule looks, from the narrowest: what is not together in one syringe may still be so on one day."""
REWORKED: Mapping[str, tuple[Spec, ...]] = {
    "mixing_rule": (Spec("looks_at", Shape.CHOICE, Looser.RANKED, True, LOOKS), Spec("shape", Shape.CHOICE, Looser.ANY, True)),
}
"""What only the form of a rule of the clinic's own changes."""

_WHEN_LOOSER = {"at_least": Looser.UP, "above": Looser.UP, "at_most": Looser.DOWN, "below": Looser.DOWN,
                "days": Looser.DOWN, "months": Looser.DOWN, "within_days": Looser.DOWN}  # fmt: skip
"""A bound inside a condition: a rule that fires for less is looser; inside a `not` it is the other way round."""

CONDITION_WORDS = frozenset({"is", "medicine", "item", "sex", "plan", "preserved"})
"""Lists of words inside a condition: with fewer of them the rule fires for less."""


def specs_of(kind: str, body: Mapping[str, Any], paths: Sequence[str]) -> list[tuple[str, Spec]]:
    """The editable fields of this very entry: patterns with positions and codes filled in, bounds of its conditions."""
    found: list[tuple[str, Spec]] = []
    for spec in SPECS[kind]:
        if spec.only_if_there and (leaf(body, spec.pattern) is None or is_information(kind, body)):
            continue
        found += [(path, spec) for path in _fill(spec.pattern.split("."), body, "")]
    if kind == "rule":
        parts = [(path, _in_condition(path)) for path in paths]
        found += [(path, part) for path, part in parts if part is not None]
    return found


READ_COMBINATIONS = frozenset({"combine-prp", "combine-spacing", "combine-new-products", "combine-same-area"})


def is_information(kind: str, body: Mapping[str, Any]) -> bool:
    """Whether the figures of an entry only inform. Days around another treatment are decided by the screening rule and the
    aftercare instruction that name it; the answers of the check-in are read by staff."""
    return kind == "check_in" or (kind == "combination" and body.get("code") not in READ_COMBINATIONS)


def _fill(steps: Sequence[str], body: Any, path: str) -> list[str]:
    """Paths of one pattern: a position or a code must exist, a plain key may still be missing.

    Parts that hang on something optional (a wait, a phase's interval) are offered only where that is there."""
    if not steps:
        return [path]
    step, rest = steps[0], steps[1:]
    if step == "#":
        inner = body if isinstance(body, list) else []
        return [one for place, value in enumerate(inner, 1) for one in _fill(rest, value, _join(path, str(place)))]
    if step == "*":
        codes = body if isinstance(body, Mapping) else {}
        return [one for code, value in codes.items() for one in _fill(rest, value, _join(path, code))]
    if body is not None and not isinstance(body, Mapping):
        return []
    inside = (body or {}).get(step)
    needs_it = rest and rest[0] not in ("en", "tr") and step not in ("allowed", "maintenance")
    return [] if needs_it and inside is None else _fill(rest, inside, _join(path, step))


def _join(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


_OTHER_WAY = {Looser.UP: Looser.DOWN, Looser.DOWN: Looser.UP, Looser.FEWER: Looser.MORE}


def _in_condition(path: str) -> Spec | None:
    """What can be edited inside a condition: its bounds, and the words it asks for (answers, values, classes, parts of a
    plan). Which question or measurement it looks at stays."""
    steps = path.split(".")
    if not {"when", "only_if"} & set(steps):
        return None
    looser = Looser.FEWER if steps[-1] in CONDITION_WORDS else _WHEN_LOOSER.get(steps[-1])
    if looser is None:
        return None
    if steps.count("not") % 2:
        looser = _OTHER_WAY[looser]
    words = steps[-1] in CONDITION_WORDS
    return Spec(pattern_of(path), Shape.WORDS if words else Shape.NUMBER, looser, required=words)


def spec_of(kind: str, path: str) -> Spec | None:
    """The field at this path, None where nothing is known of it (a condition's words, a list that is not edited)."""
    steps = path.split(".")
    for spec in (*SPECS.get(kind, ()), *REWORKED.get(kind, ())):
        pattern = spec.pattern.split(".")
        if len(pattern) == len(steps) and all(
            wanted == step or wanted == "*" or (wanted == "#" and step.isdigit())
            for wanted, step in zip(pattern, steps, strict=True)
        ):
            return spec
    return _in_condition(path) if kind == "rule" else None


def direction_of(kind: str, path: str, before: Any, after: Any) -> Direction:
    """What a change of this field means. Unknown fields are `changed`: nobody claims that they are harmless."""
    spec = spec_of(kind, path)
    last = path.rpartition(".")[2]
    if pattern_of(path).startswith("clauses.#.letter.") and bool(before) != bool(after):
        return Direction.TIGHTENED if after else Direction.LOOSENED  # without a letter nobody else has to agree
    if (spec is not None and spec.shape in (Shape.LINE, Shape.TEXT)) or last in ("en", "tr", "note", "source", "mark"):
        return Direction.REWORDED
    if spec is None or spec.looser is Looser.NEVER:
        return Direction.CHANGED
    looser = _is_looser(spec, path, before, after)
    return Direction.CHANGED if looser is None else Direction.LOOSENED if looser else Direction.TIGHTENED


def _is_looser(spec: Spec, path: str, before: Any, after: Any) -> bool | None:
    match spec.looser:
        case Looser.UP | Looser.DOWN if spec.shape is Shape.FLAG:
            return bool(after) == (spec.looser is Looser.UP)
        case Looser.UP | Looser.DOWN:
            return _number_is_looser(spec, path, before, after)
        case Looser.ANY:
            return True
        case Looser.WIDER:
            return _range_is_looser(before, after)
        case Looser.MORE | Looser.FEWER:
            return _words_are_looser(spec.looser, before, after, is_scope=path.rpartition(".")[2] == "scope")
        case _:
            return _rank_is_looser(spec.choices, before, after, status=path == "status")


def _number_is_looser(spec: Spec, path: str, before: Any, after: Any) -> bool | None:
    old, new = as_number(before), as_number(after)
    if old is None or new is None:  # a limit that is not there limits nothing; hours that never end are the strictest
        gone_is_looser = path.rpartition(".")[2] != "hours_until"
        return (new is None) == gone_is_looser
    return (new > old) == (spec.looser is Looser.UP)


def _range_is_looser(before: Any, after: Any) -> bool:
    if not before or not after:
        return not after
    (low, high), (new_low, new_high) = ([as_number(end) or Decimal(0) for end in span] for span in (before, after))
    return new_low < low or new_high > high


def _words_are_looser(looser: Looser, before: Any, after: Any, *, is_scope: bool) -> bool:
    """Where words allow (`more`), an empty list allows everything; where they restrict or name, more is stricter.
    A rule's scope without words is every plan, so emptying it is the strictest."""
    old, new = set(_listed(before)), set(_listed(after))
    if looser is Looser.MORE:
        return not new if not (old and new) else bool(new - old)
    if is_scope and not (old and new):
        return not old
    return bool(old - new)


def _listed(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)] if value else []


def _rank_is_looser(ranks: Sequence[str], before: Any, after: Any, *, status: bool) -> bool | None:
    """A clause that is not there fires for nobody: taking one out is the loosest change there is."""
    if ranks == SEVERITIES and None in (before, after):
        return after is None
    default = "on" if status else "incompatible"
    places = [ranks.index(str(value or default)) for value in (before, after) if str(value or default) in ranks]
    return places[1] < places[0] if len(places) == 2 and places[0] != places[1] else None


def is_hard(kind: str, path: str, body: Mapping[str, Any]) -> bool:
    """An absolute rule or a hard limit, judged by what stood there before: loosening it prints on plans."""
    spec = spec_of(kind, path)
    if kind in ("rule", "medicine_class"):
        part = path.split(".")
        severities = [leaf(body, f"{'.'.join(part[:2])}.severity")] if len(part) > 1 and part[1].isdigit() else [
            clause.get("severity") for clause in body.get("clauses", body.get("effects", []))]
        return Severity.ABSOLUTE.value in severities
    if kind == "mixing_rule" and spec is not None and spec.hard:
        return str(body.get("result") or "incompatible") != CheckResult.WARNING.value
    return spec is not None and spec.hard


def outside_cfg(body: Mapping[str, Any], path: str, value: Any) -> tuple[str, str] | None:
    """The whole range (`cfg`) of this field when the value lies outside it, else None."""
    span = cfg_of(body).get(path)
    if span is None:
        return None
    number = as_number(value)
    if number is not None:
        low, high = as_number(span[0]), as_number(span[1])
        inside = low is not None and high is not None and low <= number <= high
    else:
        inside = any(same(value, word) for word in span)
    return None if inside else (str(span[0]), str(span[-1]))


def cfg_of(body: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
    """The ranges of an entry by path; an aftercare instruction names its own as `settable_hours`."""
    own = body.get("cfg")
    ranges: dict[str, Sequence[Any]] = dict(own) if isinstance(own, Mapping) else {}
    if body.get("settable_hours"):
        ranges["hours_until"] = body["settable_hours"]
    return ranges


def cfg_faults(body: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with the ranges of an entry: a field that is not there, a range from high to low, or a value that
    lies outside its own range."""
    own = body.get("cfg")
    if own is not None and not isinstance(own, Mapping):
        yield Fault(faults.CFG_SHAPE, "cfg", {"value": Written(str(own))})
        return
    for path, span in (own or {}).items():
        number = as_number(leaf(body, path)) is not None
        if not isinstance(span, list) or len(span) < 2 or (number and None in (as_number(span[0]), as_number(span[-1]))):
            yield Fault(faults.CFG_RANGE, "cfg", {"path": path})
        elif leaf(body, path) is None:
            yield Fault(faults.CFG_NO_FIELD, "cfg", {"path": path})
        elif _from_high_to_low(span):
            yield Fault(faults.CFG_DOWN, "cfg", {"path": path, "low": span[0], "high": span[-1]})
        elif outside_cfg(body, path, leaf(body, path)):
            yield Fault(faults.CFG_OUTSIDE, path, {"value": leaf(body, path), "low": span[0], "high": span[-1]})


def _from_high_to_low(span: Sequence[Any]) -> bool:
    low, high = as_number(span[0]), as_number(span[-1])
    return low is not None and high is not None and low > high
