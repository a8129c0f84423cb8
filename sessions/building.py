"""What stands in the mixture builder while somebody builds: syringes and lines as typed, and the edits of them.

No database, no Django: the form's fields go in as text and come out as text. A line is dosed by ml or by dose; the other
figure is computed, and `seen` remembers which pair was on the screen, so that the one that was changed counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, Decimal

from protocols.choices import DoseUnit
from protocols.definitions import Catalogue, Substance
from protocols.plan import Component, Syringe

SHAPE = "shape"
MOST_SYRINGES, MOST_LINES = 6, 12
ML_STEP = Decimal("0.001")
FIGURE = re.compile(r"\d{1,6}([.,]\d{1,4})?", re.ASCII)
LINE_FIELDS = ("substance", "strength", "ml", "dose", "seen")
SYRINGE_FIELDS = ("region", "technique", "points", "depth_mm", "area_cm2")


@dataclass(frozen=True, slots=True)
class TypedLine:
    """One component as it stands in its fields."""

    substance: str
    strength: str = ""
    ml: str = ""
    dose: str = ""
    seen: str = ""


@dataclass(frozen=True, slots=True)
class TypedSyringe:
    """One syringe as it stands in its fields; an empty region or technique means that of the plan."""

    region: str = ""
    technique: str = ""
    points: str = ""
    depth_mm: str = ""
    area_cm2: str = ""
    lines: tuple[TypedLine, ...] = field(default=())


Typed = tuple[TypedSyringe, ...]


# ------------------------------------------------------------------------------------------------- fields, there and back
def read(data: Mapping[str, str]) -> Typed:
    """The syringes of a sent form. `shape` says how many lines each has ("3,1"); a shape that means nothing is one
    empty syringe."""
    counts = [int(part) for part in data.get(SHAPE, "").split(",") if part.isascii() and part.isdigit() and len(part) < 3]
    counts = [min(count, MOST_LINES) for count in counts[:MOST_SYRINGES]] or [0]
    return tuple(
        TypedSyringe(
            **{name: data.get(f"s{number}-{name}", "") for name in SYRINGE_FIELDS},
            lines=tuple(
                TypedLine(**{name: data.get(f"s{number}-l{place}-{name}", "") for name in LINE_FIELDS})
                for place in range(1, count + 1)
            ),
        )
        for number, count in enumerate(counts, start=1)
    )


def written(typed: Typed) -> dict[str, str]:
    """The fields these syringes stand in."""
    fields = {SHAPE: ",".join(str(len(syringe.lines)) for syringe in typed)}
    for number, syringe in enumerate(typed, start=1):
        fields |= {f"s{number}-{name}": getattr(syringe, name) for name in SYRINGE_FIELDS}
        for place, line in enumerate(syringe.lines, start=1):
            fields |= {f"s{number}-l{place}-{name}": getattr(line, name) for name in LINE_FIELDS}
    return fields


def typed_of(syringes: Sequence[Syringe], rules: Catalogue) -> Typed:
    """What a plan holds, as fields. An empty plan is one empty syringe."""
    return tuple(
        TypedSyringe(
            region=syringe.region or "",
            technique=syringe.technique or "",
            points=str(syringe.points or ""),
            depth_mm=plain(syringe.depth_mm) if syringe.depth_mm is not None else "",
            area_cm2=plain(syringe.area_cm2) if syringe.area_cm2 is not None else "",
            lines=tuple(_line_of(one, rules) for one in syringe.components),
        )
        for syringe in syringes
    ) or (TypedSyringe(),)


def _line_of(component: Component, rules: Catalogue) -> TypedLine:
    line = TypedLine(
        substance=component.substance,
        strength=plain(component.strength) if component.strength is not None else "",
        ml=plain(component.volume_ml),
    )
    substance = rules.substances.get(component.substance)
    return completed(line, substance).line if substance else line


def plain(amount: Decimal) -> str:
    """Without zeros at the end, never as an exponent, with a point: what stands in a field."""
    shown = f"{amount:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def figure_of(text: str) -> Decimal | None:
    """A figure with point or comma, at most six digits before and four after it; None when it is none."""
    return Decimal(text.strip().replace(",", ".")) if FIGURE.fullmatch(text.strip()) else None


# ------------------------------------------------------------------------------------------------------------- figures
@dataclass(frozen=True, slots=True)
class Completed:
    """A line with the figure that follows from the other. `problems` are (field, code); `computed` names the field that
    was filled in."""

    line: TypedLine
    strength: Decimal | None
    ml: Decimal | None
    problems: tuple[tuple[str, str], ...]
    computed: str = ""


def is_dosed(substance: Substance) -> bool:
    """Whether its dose is another figure than its ml."""
    return substance.dose_unit is not DoseUnit.ML


def completed(line: TypedLine, substance: Substance) -> Completed:
    """The line with ml and dose agreeing. From a typed dose the ml are rounded down to 0.001, never up, and the dose
    that is shown is the one those ml hold."""
    problems = [
        (name, "not-a-figure")
        for name in ("strength", "ml", "dose")
        if getattr(line, name).strip() and figure_of(getattr(line, name)) is None
    ]
    strength, ml, dose = (figure_of(getattr(line, name)) for name in ("strength", "ml", "dose"))
    problems += [(name, "zero") for name, value in (("strength", strength), ("ml", ml), ("dose", dose)) if value == 0]
    if problems:
        return Completed(line, None, None, tuple(problems))
    if not is_dosed(substance):
        return _settled(line, strength, ml, None, "")
    by = _counts(line, ml, dose)
    if by == "both" and strength is not None and ml is not None and strength * ml != dose:
        return Completed(line, strength, None, (("dose", "both"),))
    if by == "dose" and dose is not None:
        if strength is None:
            return Completed(line, None, None, (("strength", "needed"),))
        ml = (dose / strength).quantize(ML_STEP, ROUND_DOWN)
        if not ml:
            return Completed(line, strength, None, (("dose", "too-small"),))
        return _settled(line, strength, ml, strength * ml, "ml")
    return _settled(line, strength, ml, strength * ml if strength is not None and ml is not None else None, "dose")


def _counts(line: TypedLine, ml: Decimal | None, dose: Decimal | None) -> str:
    """Which figure somebody has typed: the one that differs from what was on the screen."""
    seen_ml, _bar, seen_dose = line.seen.partition("|")
    ml_changed, dose_changed = ml != figure_of(seen_ml), dose != figure_of(seen_dose)
    if dose is None:
        return "ml" if ml_changed or ml is not None else ""
    if ml is None or (dose_changed and not ml_changed):
        return "dose"
    return "both" if dose_changed and ml_changed else "ml"


def _settled(line: TypedLine, strength: Decimal | None, ml: Decimal | None, dose: Decimal | None, computed: str) -> Completed:
    shown_ml = line.ml if computed != "ml" else plain(ml) if ml is not None else ""
    shown_dose = plain(dose) if dose is not None else ""
    seen = f"{plain(ml) if ml is not None else ''}|{shown_dose}"
    return Completed(replace(line, ml=shown_ml, dose=shown_dose, seen=seen), strength, ml, (), computed)


def completed_lines(typed: Typed, rules: Catalogue) -> Typed:
    """Every line with its other figure filled in; lines of unknown substances fall away."""
    return tuple(
        replace(
            syringe,
            lines=tuple(
                completed(line, rules.substances[line.substance]).line
                for line in syringe.lines
                if line.substance in rules.substances
            ),
        )
        for syringe in typed
    )


# --------------------------------------------------------------------------------------------------------------- edits
def edited(typed: Typed, act: str, data: Mapping[str, str], rules: Catalogue) -> Typed:
    """One edit by the name of its button: `line-1` adds what syringe 1 has chosen, `drop-1-2` takes line 2 out of
    syringe 1, `syringe` adds an empty one, `empty-2` takes syringe 2 away. What means nothing changes nothing."""
    name, *numbers = act.split("-")
    places = [int(one) - 1 for one in numbers if one.isascii() and one.isdigit() and 0 < len(one) < 3]
    if len(places) != len(numbers) or (places and not 0 <= places[0] < len(typed)):
        return typed
    match name, places:
        case "syringe", [] if len(typed) < MOST_SYRINGES:
            return (*typed, TypedSyringe())
        case "empty", [place] if len(typed) > 1:
            return typed[:place] + typed[place + 1 :]
        case "line", [place] if len(typed[place].lines) < MOST_LINES:
            return _with_line(typed, place, data.get(f"s{place + 1}-add", ""), rules)
        case "drop", [place, line] if 0 <= line < len(typed[place].lines):
            kept = typed[place].lines[:line] + typed[place].lines[line + 1 :]
            return _with(typed, place, replace(typed[place], lines=kept))
    return typed


def _with_line(typed: Typed, place: int, code: str, rules: Catalogue) -> Typed:
    substance = rules.substances.get(code)
    if substance is None:
        return typed
    strength = plain(substance.strength.low) if substance.strength else ""
    line = TypedLine(substance=code, strength=strength, seen="|")
    return _with(typed, place, replace(typed[place], lines=(*typed[place].lines, line)))


def _with(typed: Typed, place: int, syringe: TypedSyringe) -> Typed:
    return (*typed[:place], syringe, *typed[place + 1 :])
