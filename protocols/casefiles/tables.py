"""The tables of docs/case-files.md, written from the catalogue and from what the readers accept. Pure.

The document holds marks `<!-- table: name -->` … `<!-- end -->`; what stands between them is written here.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from patients.questionnaire import UNSURE, Field, FollowUp, Kind, Question
from protocols.casefiles import course, patients, plans, screening
from protocols.casefiles.expecting import keys_of
from protocols.casefiles.kinds import COMMON
from protocols.casefiles.reading import KINDS
from protocols.casefiles.written import Keys
from protocols.definitions import Catalogue, Definition
from protocols.rules import MeasurementDefinition

_MARKED = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

BLOCKS: Mapping[str, Keys] = {
    "common": COMMON, "patient": patients.PATIENT, "measured": patients.MEASURED, "medicine": patients.MEDICINE,
    "event": patients.EVENT, "session": patients.SESSION, "plan": plans.PLAN, "syringe": plans.SYRINGE,
    "part": plans.PART, "clearance": screening.CLEARANCE, "on-day": course.ON_DAY, "pain": course.PAIN,
}


def with_tables(document: str, catalogue: Catalogue) -> str:
    """The document with every table written anew. Raises `KeyError` for a mark that names no table."""
    tables = all_tables(catalogue)
    return _MARKED.sub(lambda found: f"{found[1]}\n{tables[found[2]]()}\n\n{found[3]}", document)


def tables_in(document: str) -> list[str]:
    """The names of the tables a document holds, in its order."""
    return [found[2] for found in _MARKED.finditer(document)]


def all_tables(catalogue: Catalogue) -> dict[str, Callable[[], str]]:
    """Every table by name."""
    tables: dict[str, Callable[[], str]] = {name: _keys(keys) for name, keys in BLOCKS.items()}
    for kind in KINDS.values():
        tables[f"{kind.name}-fields"] = _keys(kind.fields)
        tables[f"{kind.name}-expectations"] = _keys(keys_of(kind.expectations))
    tables["questions"] = lambda: questions(catalogue)
    tables["measurements"] = lambda: measurements(catalogue)
    tables["codes"] = lambda: codes(catalogue)
    return tables


def _keys(keys: Keys) -> Callable[[], str]:
    rows = [(_code(key), _code(f"{key}: {example}"), means) for key, (example, means) in keys.items()]
    return lambda: _table(("Field", "Example", "Meaning"), rows)


# --- questions -------------------------------------------------------------------------------------------------------
def questions(catalogue: Catalogue) -> str:
    """Every question and follow-up with its allowed answers, in the order of the intake form."""
    rows: list[tuple[str, ...]] = []
    for question in catalogue.questions.values():
        rows.append((_code(question.key), _allowed(question), _asked(question), question.text.get("en")))
        rows += [
            (_code(follow_up.key), _allowed(follow_up), _asked_after(follow_up), follow_up.text.get("en"))
            for follow_up in question.follow_ups]
    return _table(("Answer", "Allowed, the healthy one first", "Asked", "Words for the patient"), rows)


def _allowed(field: Field) -> str:
    if field.kind is Kind.NUMBER:
        return f"a whole number from {field.lowest} to {field.highest}"
    if field.kind is Kind.DATE:
        return "a date not after the day of the case, or `unknown`"
    if field.kind is Kind.TEXT:
        return f"words, at most {field.max_length} letters"
    if field.kind is Kind.REGIONS:
        return "a list of regions; left out: everywhere"
    if field.kind is Kind.NAMES:
        return "`[none]` or a list of words"
    values = list(field.values)
    if isinstance(field, Question) and UNSURE not in values:
        values.append(UNSURE)
    listed = ", ".join(_code(value) for value in values)
    coded = f", any `{field.code_prefix}` code" if field.code_prefix else ""
    return f"list of {listed}{coded}" if field.kind is Kind.LIST else listed + coded


def _asked(question: Question) -> str:
    parts = [f"sex {' or '.join(question.sexes)}"] if question.sexes else []
    parts += [f"with {', '.join(question.only_with)}"] if question.only_with else []
    parts += ["again at every session"] if question.again else []
    parts += ["not required"] if question.optional else []
    return "; ".join(parts) or "always"


def _asked_after(follow_up: FollowUp) -> str:
    conditions = follow_up.when or follow_up.offered_when
    held = " and ".join(f"{one.key} is {' or '.join(one.values)}" for one in conditions)
    return f"when {held}" + ("; not required" if follow_up.optional or not follow_up.when else "")


# --- measurements and codes ------------------------------------------------------------------------------------------
def measurements(catalogue: Catalogue) -> str:
    rows = [
        (_code(code), one.name.get("en"), _accepted(one), _healthy(code))
        for code, one in catalogue.measurements.items()]
    return _table(("Measurement", "What", "Accepted", "Healthy person"), rows)


def _accepted(one: MeasurementDefinition) -> str:
    if one.values:
        return ", ".join(_code(value) for value in one.values)
    span = f"{one.lowest} to {one.highest} {one.unit}".strip()
    if one.second_lowest is None:
        return span
    return f"{span} / {one.second_lowest} to {one.second_highest}, the first above the second"


def _healthy(code: str) -> str:
    return _code(patients.HEALTHY[code]) if code in patients.HEALTHY else "not taken"


def codes(catalogue: Catalogue) -> str:
    """What a case may name, kind by kind."""
    kinds: Iterable[tuple[str, Mapping[str, Definition]]] = (
        ("indication", catalogue.indications), ("region", catalogue.regions), ("technique", catalogue.techniques),
        ("delivery", catalogue.deliveries), ("mixture", catalogue.mixtures), ("mixing rule", catalogue.mixing_rules),
        ("aftercare instruction", catalogue.aftercare), ("message", catalogue.messages))
    rows = [(kind, ", ".join(_code(code) for code in entries)) for kind, entries in kinds]
    rows += [("substance, by the unit of its dose", "; ".join(_substances(catalogue)))]
    rows += [("screening rule", ", ".join(_code(code) for code, rule in catalogue.rules.items() if rule.clauses)),
             ("medicine class", ", ".join(_code(code) for code in catalogue.medicine_classes))]
    return _table(("Kind", "Codes"), rows)


def _substances(catalogue: Catalogue) -> Iterator[str]:
    by_unit: dict[str, list[str]] = {}
    for code, substance in catalogue.substances.items():
        by_unit.setdefault(substance.dose_unit.value, []).append(code)
    for unit, found in by_unit.items():
        yield f"{unit}: " + ", ".join(_code(code) for code in found)


def _code(words: str) -> str:
    return f"`{words}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
