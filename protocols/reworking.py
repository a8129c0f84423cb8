"""Reworking a rule of the clinic's own in a draft: a clause of a screening rule added, written anew or taken out; a
mixing rule written anew.

Rules of the reference keep their shape; they are tightened and loosened field by field (`protocols.editing`). What the
clinic added itself may become anything the closed set of conditions or checks can say, always with a reason. The whole
draft is judged with every save, and nothing is half-saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic import audit
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from protocols import editing
from protocols.clauses import place_of, sign_of
from protocols.comparing import compare_entry
from protocols.field_words import label_of, shown, words_of_clause
from protocols.leaves import leaves
from protocols.loading import is_of_reference
from protocols.models import CatalogueChange, CatalogueEntry, CatalogueVersion

MOST_CLAUSES = 8
ASKED_OF_A_MIX = frozenset({"name", "text", "shape", "looks_at", "result", "substances", "with_substances", "within_days",
                            "source"})  # fmt: skip
"""What the form of a mixing rule asks; what it leaves empty is not there."""


def refusal_to_rework(kind: str, code: str) -> str:
    """Why the clauses of an entry stay as they are, in a sentence; empty when they may be reworked."""
    if kind != "rule":
        return _("Only a screening rule has clauses.")
    return _refusal_of_reference(code)


def refusal_to_rework_mixing(kind: str, code: str) -> str:
    """Why what a mixing rule checks stays as it is, in a sentence; empty when it may be written anew."""
    if kind != "mixing_rule":
        return _("Only a mixing rule says what may not be mixed.")
    return _refusal_of_reference(code)


def _refusal_of_reference(code: str) -> str:
    if not is_of_reference(code):
        return ""
    return _("This rule belongs to the reference: change its limits and words, or add a rule of your own beside it.")


def may_be_reworked(entry: CatalogueEntry) -> bool:
    return not refusal_to_rework(entry.kind, entry.code)


class StaleClause(Stale):
    """Somebody else saved the rule meanwhile. `now`: the clause the next try would replace, by its sign; empty where the
    one that was opened is gone, so that the next try adds a clause. `seen`: the signs of all clauses as they are now."""

    def __init__(self, sentence: str, *, now: str, seen: Sequence[str], theirs: Sequence[tuple[str, str]]) -> None:
        super().__init__(sentence, theirs=theirs)
        self.now = now
        self.seen = tuple(seen)


@transaction.atomic
def save_clause(
    *, version: CatalogueVersion, code: str, sign: str, clause: Mapping[str, Any], reason: str, seen_edits: int, by: Doer,
    seen: Sequence[str] = (),
) -> CatalogueEntry:  # fmt: skip
    """Write the clause with this sign anew, or add one at the end (no sign); clauses are tested in their order.

    A clause is known by what it says (`protocols.clauses.sign_of`), never by its place: that changes when somebody takes
    another one out. `seen` are the signs of the clauses whoever types saw. What the form does not ask (lab values) stays.
    Refused without a reason, for a rule of the reference, and beside the field for whatever the loader refuses;
    `StaleClause` when somebody else saved the rule meanwhile."""
    draft, entry = _for_rework(version, code, by)
    if entry.edits != seen_edits:
        raise _stale(entry, sign, seen)
    clauses = list(entry.body.get("clauses", []))
    if not sign:
        if len(clauses) >= MOST_CLAUSES:
            raise Refused(_("A rule has at most %(most)s clauses. Add another rule instead.") % {"most": MOST_CLAUSES})
        clauses.append(dict(clause))
    else:
        place = _place(clauses, sign)
        kept = {key: value for key, value in clauses[place - 1].items() if key == "labs"}
        clauses[place - 1] = {**clause, **kept}
    return _save(draft, entry, clauses, reason, by)


@transaction.atomic
def remove_clause(
    *, version: CatalogueVersion, code: str, sign: str, reason: str, seen_edits: int, by: Doer, seen: Sequence[str] = ()
) -> CatalogueEntry:  # fmt: skip
    """Take the clause with this sign out; the last one stays, for a rule that never fires is taken out as a whole."""
    draft, entry = _for_rework(version, code, by)
    if entry.edits != seen_edits:
        raise _stale(entry, sign, seen, to_remove=True)
    place = _place(entry.body.get("clauses", []), sign)
    clauses = [one for at, one in enumerate(entry.body["clauses"], start=1) if at != place]
    if not clauses:
        raise Refused(_("This is the only clause. Take out the whole rule instead."))
    return _save(draft, entry, clauses, reason, by)


@transaction.atomic
def save_mixing_rule(
    *, version: CatalogueVersion, code: str, body: Mapping[str, Any], reason: str, seen_edits: int, by: Doer
) -> CatalogueEntry:  # fmt: skip
    """Write a mixing rule of the clinic's own anew: what it checks, where it looks, which substances, what follows, what it
    says. What the form does not ask stays. Refused without a reason, for a rule of the reference, and beside the field for
    whatever the loader refuses; `Stale` when somebody else saved the rule meanwhile."""
    draft, entry = editing.for_edit(version, code, by)
    if refusal := refusal_to_rework_mixing(entry.kind, code):
        raise Refused(refusal)
    before = entry.body
    wanted = {**{key: value for key, value in before.items() if key not in ASKED_OF_A_MIX}, **body, "code": code}
    differences = list(compare_entry(entry.kind, before, wanted))
    if entry.edits != seen_edits:
        theirs = [(str(label_of(entry.kind, one.path)), shown(one.path, one.before)) for one in differences]
        raise Stale(_("Somebody else changed this entry while you were typing. Compare, then save again."), theirs=theirs)
    editing.need_reason(reason)
    if differences:
        editing.put(draft, entry, wanted, differences, reason, by)
        audit.record(by=by, action="catalogue-mixing-rule-reworked", sentence=f"reworked {code} in {draft}", of=draft,
                     detail={"code": code, "reason": reason, "before": before, "after": wanted})  # fmt: skip
    return entry


def _for_rework(version: CatalogueVersion, code: str, by: Doer) -> tuple[CatalogueVersion, CatalogueEntry]:
    draft, entry = editing.for_edit(version, code, by)
    if refusal := refusal_to_rework(entry.kind, code):
        raise Refused(refusal)
    return draft, entry


def _place(clauses: Sequence[Mapping[str, Any]], sign: str) -> int:
    place = place_of(clauses, sign)
    if place is None:
        raise Refused(_("This clause is no longer there: somebody else reworked it or took it out. Nothing was changed."))
    return place


def _stale(entry: CatalogueEntry, sign: str, seen: Sequence[str], *, to_remove: bool = False) -> StaleClause:
    """What somebody else made of the rule: which clause now stands for the one that was opened, and what is new."""
    clauses = entry.body.get("clauses", [])
    signs = [sign_of(one) for one in clauses]
    gone, new = [one for one in seen if one not in signs], [one for one in signs if one not in seen]
    became = _became(entry, gone)
    now = sign if sign in signs else became.get(sign, "")
    taken_out = sum(1 for one in gone if became[one] not in signs)
    theirs = [(str(label_of("rule", f"clauses.{place}")), words_of_clause(clauses[place - 1]))
              for place, one in enumerate(signs, start=1) if one in new]  # fmt: skip
    if taken_out:
        theirs.append((_("Taken out"), ngettext("%(count)s clause", "%(count)s clauses", taken_out) % {"count": taken_out}))
    theirs = theirs or [(str(label_of("rule", path)), shown(path, value)) for path, value in leaves(entry.body).items()
                        if path.startswith(("title", "sentence"))]  # fmt: skip
    if not sign or sign in signs:
        sentence = _("Somebody else changed this entry while you were typing. Compare, then save again.")
    elif to_remove:
        sentence = _("Somebody else reworked or took out this very clause. Nothing was taken out; look at the rule again.")
    elif now:
        sentence = _("Somebody else reworked this very clause while you were typing. Compare; saving again replaces theirs.")
    else:
        sentence = _("Somebody else took this clause out while you were typing. Saving again adds yours at the end.")
    return StaleClause(sentence, now=now, seen=signs, theirs=theirs)


def _became(entry: CatalogueEntry, signs: Sequence[str]) -> dict[str, str]:
    """Which clause each of these became in this draft, row by row; empty where it was taken out. A clause somebody added
    in its stead is another one: nothing is replaced by a guess."""
    now: dict[str, str] = {sign: sign for sign in signs}
    rows = CatalogueChange.objects.filter(version=entry.version_id, code=entry.code, field__startswith="clauses.")
    for row in rows.order_by("at", "pk"):
        if not isinstance(row.before, Mapping):
            continue
        after = sign_of(row.after) if isinstance(row.after, Mapping) else ""
        now |= {sign: after for sign, held in now.items() if held == sign_of(row.before)}
    return now


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
