"""What the pages of a catalogue version show: entries by kind in words, one entry field by field, differences, refusals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from protocols import catalogue, loosened
from protocols.choices import Status
from protocols.clause_forms import initial_of
from protocols.clauses import sign_of
from protocols.comparing import EntryDifference, FieldDifference, compare
from protocols.field_words import KINDS, ONE, label_of, shown, shown_pair, with_unit, word
from protocols.leaves import leaf, leaves
from protocols.limits import Direction, cfg_of
from protocols.models import CatalogueChange, CatalogueVersion
from protocols.plan_problems import capitalised
from protocols.sources import cited

Row = tuple[str, str, dict[str, Any]]
LABS = ("lab-", "wo-")
UNIT_OF = ("typical", "hard_max")
SUMMARY: Mapping[str, Sequence[str]] = {
    "indication": ("category", "evidence", "phases.1.sessions", "phases.1.interval_days", "never_in"),
    "substance": ("typical", "hard_max", "mg_per_kg", "min_interval_days", "max_sessions", "never_in"),
    "mixture": ("items", "total_ml"), "region": ("depth_mm", "max_ml", "slot_minutes"),
    "technique": ("depth_mm", "ml_per_point", "hard_depth_mm", "spacing_mm", "needle"), "delivery": ("depth_mm",),
    "mixing_rule": ("result", "limits"), "rule": ("severities",), "measurement": ("valid_days", "lowest", "highest"),
    "aftercare": ("severity", "hours_from", "hours_until"), "reaction": ("grade_low", "grade_high", "onset", "lasts"),
    "message": ("when", "limits"), "house_rule": ("limits",),
    "start_gate": ("overridable", "limits"), "refused": ("about", "words"), "medicine_class": ("examples",),
    "combination": ("days_before", "months_before", "days_after", "same_day", "most_new"), "planner_rule": ("days",),
    "check_in": ("urgency", "at_least", "from_day", "until_day"),
}  # fmt: skip
PLACE = re.compile(r"\{\w+\}")
"""What the application fills in: {amount}, {unit}."""
SENTENCES = ("text", "sentence", "effect", "why")
PILLS = {Direction.LOOSENED: "caution", Direction.TIGHTENED: "ok", "added": "info", "removed": "neutral"}


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """One line of the list: what it is called, what it says, where it comes from, what may be set."""

    code: str
    name: str
    status: str
    sentence: str
    facts: list[tuple[str, str]]
    source: str
    ranges: list[tuple[str, str]]

    @property
    def status_words(self) -> str:
        return word(self.status)


def language() -> str:
    return get_language() or "en"


def said(texts: Any) -> str:
    """A text of a body in the reader's language."""
    return str(texts.get(language()) or texts.get("en") or "") if isinstance(texts, Mapping) else str(texts or "")


def name_of(body: Mapping[str, Any]) -> str:
    return capitalised(said(body.get("name") or body.get("title") or body.get("text") or body.get("code", "")), language())


def part_of(kind: str, code: str) -> str:
    """The tab an entry stands under: wash-outs and labs have their own."""
    return "lab" if kind == "rule" and code.startswith(LABS) else kind


def tabs(rows: Iterable[Row], part: str, *, query: str = "") -> list[dict[str, Any]]:
    counts: dict[str, int] = dict.fromkeys(KINDS, 0)
    for kind, code, _body in rows:
        counts[part_of(kind, code)] = counts.get(part_of(kind, code), 0) + 1
    more = f"&q={query}" if query else ""
    return [{"label": words, "url": f"?part={kind}{more}", "active": kind == part, "count": counts[kind]}
            for kind, words in KINDS.items()]  # fmt: skip


def shown_entries(rows: Iterable[Row], part: str, *, query: str = "") -> list[ShownEntry]:
    """The entries of one tab, or of all whose name, code or sentence has the words of the search."""
    wanted = query.casefold().strip()
    return [shown_entry(kind, code, body) for kind, code, body in rows
            if part_of(kind, code) == part and (not wanted or wanted in searched(code, body))]  # fmt: skip


def searched(code: str, body: Mapping[str, Any]) -> str:
    own = [code, name_of(body), *(said(body.get(key)) for key in SENTENCES), *body.get("words", [])]
    return " ".join([*own, *((body.get("name") or {}).values() if isinstance(body.get("name"), Mapping) else ())]).casefold()


def refusals(rows: Iterable[Row], query: str) -> list[tuple[str, str]]:
    """What somebody who looks for this is told: name and reason of everything refused that goes by these words."""
    wanted = query.casefold().strip()
    if len(wanted) < 3:
        return []
    return [(name_of(body), said(body.get("text"))) for kind, code, body in rows
            if kind == "refused" and any(wanted in words or words in wanted for words in names_of(code, body))]  # fmt: skip


def names_of(code: str, body: Mapping[str, Any]) -> Iterator[str]:
    yield code
    yield from (str(one).casefold() for one in body.get("name", {}).values())
    yield from (str(one).casefold() for one in body.get("words", []))


def shown_entry(kind: str, code: str, body: Mapping[str, Any]) -> ShownEntry:
    status = str(body.get("status", "")) or ("on" if kind in ("substance", "indication", "technique", "delivery") else "")
    return ShownEntry(
        code=code, name=name_of(body), status="" if status == Status.ON else status,
        sentence=next((_sentence(kind, key, said(body[key])) for key in SENTENCES
                       if body.get(key) and capitalised(said(body[key]), language()) != name_of(body)), ""),
        facts=list(_summary(kind, body)), source=cited(str(body.get("source", "")), str(body.get("mark") or ""), language()),
        ranges=[(label_of(kind, path), _span(span)) for path, span in cfg_of(body).items()],
    )  # fmt: skip


def _sentence(kind: str, key: str, text: str) -> str:
    """Read, not edited: what is filled in later is "…"; "2–4 weeks" says nothing by itself and gets its label."""
    text = PLACE.sub("…", text)
    return f"{label_of(kind, key)}: {text}" if key == "effect" else text


def _span(span: Sequence[Any]) -> str:
    ends = [shown("", span[0]), shown("", span[-1])]
    return "–".join(ends) if str(span[0])[:1].isdigit() else " / ".join(ends)


def _summary(kind: str, body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path in SUMMARY.get(kind, ()):
        if path == "severities":
            found = [word(str(clause["severity"])) for clause in body.get("clauses", [])]
            if found:
                yield str(_("Severity")), "; ".join(dict.fromkeys(found))
            continue
        value = leaf(body, path)
        if value is None or value == []:
            continue
        text = shown(path, value) if path != "items" else ", ".join(_component(item) for item in value)
        if isinstance(value, Mapping):
            text = _default_in_range(value) if "default" in value else said(value) if "en" in value else shown(path, value)
        unit = f" {body['dose_unit']}" if path in UNIT_OF and "dose_unit" in body else ""
        yield label_of(kind, path.removeprefix("phases.1.").removesuffix(".default")), text + unit


def _component(item: Mapping[str, Any]) -> str:
    strength = f" {item['strength']} {item.get('strength_unit', 'mg/ml')}" if item.get("strength") is not None else ""
    return f"{str(item['substance']).removeprefix('sub-')}{strength} {item['volume_ml']} ml"


def _default_in_range(span: Mapping[str, Any]) -> str:
    return f"{span['default']} ({span['min']}–{span.get('max', '…')})"


def entry_facts(kind: str, body: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Every field of an entry: label, value, and the whole range the clinic may set it in."""
    ranges = cfg_of(body)
    return [(label_of(kind, path), shown(path, value), _span(ranges[path]) if path in ranges else "")
            for path, value in leaves(body).items() if not path.startswith("cfg")]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownClause:
    """A clause of a rule of the clinic's own: what it does and when, and whether the form knows all that it says. `sign`
    is what it is known by in addresses: its number changes when another one is taken out."""

    number: int
    sign: str
    severity: str
    facts: list[tuple[str, str]]
    may_be_reworked: bool


def shown_clauses(version: CatalogueVersion, body: Mapping[str, Any]) -> list[ShownClause]:
    """The clauses in the order they are tested. One query."""
    clauses = body.get("clauses", [])
    names = names_in(version, clauses)
    return [
        ShownClause(number, sign_of(clause), word(str(clause.get("severity"))), clause_facts(clause, names)[1:],
                    initial_of(clause) is not None)
        for number, clause in enumerate(clauses, start=1)
    ]  # fmt: skip


def clause_facts(clause: Mapping[str, Any], names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Everything a clause says: label and value, what it does first; each code with its name."""
    said = {path: _named(path, value, names) for path, value in leaves(clause).items()}
    return [(label_of("rule", path), said[path]) for path in sorted(said, key=lambda path: path != "severity")]


def all_of_clause(version: CatalogueVersion, clause: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The same for one clause that stands alone. One query."""
    return clause_facts(clause, names_in(version, [clause]))


def names_in(version: CatalogueVersion, clauses: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The names of the entries that these clauses speak of, by code."""
    codes = {word for clause in clauses for value in leaves(clause).values() for word in _words(value)}
    return {entry.code: name_of(entry.body) for entry in version.entries.filter(code__in=codes)}


def _named(path: str, value: Any, names: Mapping[str, str]) -> str:
    known = [f"{names[word]} ({word})" if word in names else shown("", word) for word in _words(value)]
    return ", ".join(known) if any(word in names for word in _words(value)) else shown(path, value)


def _words(value: Any) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One field of a difference in words, with who decided it and why where that is known."""

    label: str
    before: str
    after: str
    direction: str
    pill: str
    is_hard: bool
    decided: CatalogueChange | None


@dataclass(frozen=True, slots=True)
class ShownDifference:
    code: str
    kind: str
    name: str
    change: str
    pill: str
    fields: list[ShownChange]
    decided: CatalogueChange | None


def direction_words(direction: str) -> str:
    return {"tightened": _("tightened"), "loosened": _("loosened"), "reworded": _("reworded"), "changed": _("changed"),
            "added": _("added"), "removed": _("removed")}[direction]  # fmt: skip


def bodies(version: CatalogueVersion) -> dict[tuple[str, str], dict[str, Any]]:
    return {(kind, code): body for kind, code, body in catalogue.rows_of(version)}


def difference(than: CatalogueVersion, version: CatalogueVersion) -> list[ShownDifference]:
    """What `version` says otherwise than `than`, in words. Six queries, however much differs."""
    decided = loosened.decided(version, than)
    return [_shown_difference(one, decided) for one in compare(bodies(than), bodies(version))]


def _shown_difference(one: EntryDifference, decided: Mapping[tuple[str, str], CatalogueChange]) -> ShownDifference:
    return ShownDifference(
        code=one.code, kind=str(ONE.get(one.kind, one.kind)), name=name_of(one.body), change=direction_words(one.change),
        pill=PILLS.get(one.change, "neutral"), decided=decided.get((one.code, "")),
        fields=[_shown_change(one, found, decided.get(loosened.row_key(one.code, found.path, found.before, found.after)))
                for found in one.fields],
    )  # fmt: skip


def _shown_change(one: EntryDifference, found: FieldDifference, decided: CatalogueChange | None) -> ShownChange:
    before, after = shown_pair(one.kind, found.path, found.before, found.after)
    return ShownChange(
        label=with_unit(label_of(one.kind, found.path), found.path, one.body), before=before, after=after,
        direction=direction_words(found.direction), pill=PILLS.get(found.direction, "neutral"), is_hard=found.is_hard,
        decided=decided,
    )  # fmt: skip


def shown_history(changes: Iterable[CatalogueChange]) -> list[dict[str, Any]]:
    """Rows of changes in words, newest first."""
    return [{"row": row, "label": label_of(row.kind, row.field) if row.field else direction_words(row.direction),
             "before": before, "after": after,
             "direction": direction_words(row.direction), "pill": PILLS.get(row.direction, "neutral")}
            for row in changes for before, after in [shown_pair(row.kind, row.field, row.before, row.after)]]  # fmt: skip


def shown_loosened(version: CatalogueVersion, words: Iterable[str]) -> list[str]:
    """A line for each loosened limit that touches a plan, for page and paper: what, from what to what, by whom, when, why."""
    found = loosened.touching(version, words)
    if not found:
        return []
    bodies_by_code = {code: body for _kind, code, body in catalogue.rows_of(version)}
    return [
        _("%(entry)s, %(field)s: %(before)s → %(after)s, by %(by)s on %(date)s. %(reason)s")
        % {"entry": name_of(bodies_by_code.get(one.code, {"code": one.code})),
           "field": with_unit(label_of(one.kind, one.field), one.field, bodies_by_code.get(one.code, {})),
           "before": before, "after": after, "by": one.by,
           "date": date_format(timezone.localtime(one.at), "D j M Y"), "reason": one.reason}
        if one.field else
        _("%(entry)s was taken out by %(by)s on %(date)s. %(reason)s")
        % {"entry": name_of(one.before), "by": one.by, "date": date_format(timezone.localtime(one.at), "D j M Y"),
           "reason": one.reason}
        for one in found for before, after in [shown_pair(one.kind, one.field, one.before, one.after)]
    ]  # fmt: skip
