"""Reworking a screening rule of the clinic's own in a draft: a clause added, written anew or taken out.

Rules of the reference keep their shape; they are tightened and loosened field by field (`protocols.editing`). What the
clinic added itself may become anything the closed set of conditions can say, always with a reason. The whole draft is
judged with every save, and nothing is half-saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from clinic import audit
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from protocols import editing
from protocols.comparing import compare_entry
from protocols.loading import is_of_reference
from protocols.models import CatalogueEntry, CatalogueVersion

MOST_CLAUSES = 8


def refusal_to_rework(kind: str, code: str) -> str:
    """Why the clauses of an entry stay as they are, in a sentence; empty when they may be reworked."""
    if kind != "rule":
        return _("Only a screening rule has clauses.")
    if is_of_reference(code):
        return _("This rule belongs to the reference: change its limits and words, or add a rule of your own beside it.")
    return ""


def may_be_reworked(entry: CatalogueEntry) -> bool:
    return not refusal_to_rework(entry.kind, entry.code)


@transaction.atomic
def save_clause(
    *, version: CatalogueVersion, code: str, number: int | None, clause: Mapping[str, Any], reason: str, seen_edits: int,
    by: Doer,
) -> CatalogueEntry:  # fmt: skip
    """Write clause `number` (from 1) anew, or add one at the end (None); clauses are tested in their order.

    What the form does not ask (lab values) stays. Refused without a reason, for a rule of the reference, and beside the
    field for whatever the loader refuses; `Stale` when somebody else saved the rule meanwhile."""
    draft, entry = _for_rework(version, code, seen_edits, by)
    clauses = list(entry.body.get("clauses", []))
    if number is None:
        if len(clauses) >= MOST_CLAUSES:
            raise Refused(_("A rule has at most %(most)s clauses. Add another rule instead.") % {"most": MOST_CLAUSES})
        clauses.append(dict(clause))
    else:
        kept = {key: value for key, value in _clause(entry, number).items() if key == "labs"}
        clauses[number - 1] = {**clause, **kept}
    return _save(draft, entry, clauses, reason, by)


@transaction.atomic
def remove_clause(
    *, version: CatalogueVersion, code: str, number: int, reason: str, seen_edits: int, by: Doer
) -> CatalogueEntry:  # fmt: skip
    """Take a clause out; the last one stays, for a rule that never fires is taken out as a whole."""
    draft, entry = _for_rework(version, code, seen_edits, by)
    _clause(entry, number)
    clauses = [one for place, one in enumerate(entry.body["clauses"], start=1) if place != number]
    if not clauses:
        raise Refused(_("This is the only clause. Take out the whole rule instead."))
    return _save(draft, entry, clauses, reason, by)


def _for_rework(
    version: CatalogueVersion, code: str, seen_edits: int, by: Doer
) -> tuple[CatalogueVersion, CatalogueEntry]:
    draft, entry = editing.for_edit(version, code, by)
    if refusal := refusal_to_rework(entry.kind, code):
        raise Refused(refusal)
    if entry.edits != seen_edits:
        raise Stale(_("Somebody else changed this entry while you were typing. Compare, then save again."))
    return draft, entry


def _clause(entry: CatalogueEntry, number: int) -> Mapping[str, Any]:
    clauses: list[Mapping[str, Any]] = entry.body.get("clauses", [])
    if not 1 <= number <= len(clauses):
        raise Refused(_("There is no clause %(number)s in this rule.") % {"number": number})
    return clauses[number - 1]


def _save(
    draft: CatalogueVersion, entry: CatalogueEntry, clauses: list[dict[str, Any]], reason: str, by: Doer
) -> CatalogueEntry:
    editing.need_reason(reason)
    before = entry.body
    wanted = {**before, "clauses": clauses}
    differences = list(compare_entry(entry.kind, before, wanted))
    if not differences:
        return entry
    editing.put(draft, entry, wanted, differences, reason, by)
    audit.record(by=by, action="catalogue-rule-reworked", sentence=f"reworked {entry.code} in {draft}", of=draft,
                 detail={"code": entry.code, "reason": reason, "before": before.get("clauses"), "after": clauses})  # fmt: skip
    return entry
