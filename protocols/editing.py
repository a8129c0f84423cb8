"""Editing a draft: one entry at a time, the whole draft validated with every save, every change a row with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn, cast

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from clinic.permissions import check_doer
from protocols import catalogue
from protocols.clauses import severity_moved
from protocols.comparing import FieldDifference, compare_entry
from protocols.fault_words import all_said
from protocols.field_words import label_of, shown, shown_pair
from protocols.forbidden import refusal_of
from protocols.leaves import as_number, leaf, leaves, same, with_leaf
from protocols.limits import Direction, outside_cfg, specs_of
from protocols.loading import CatalogueError, catalogue_from_entries, is_of_reference
from protocols.loosened import lineage
from protocols.models import CatalogueChange, CatalogueEntry, CatalogueVersion
from protocols.models.catalogue import ChangeDirection, VersionState
from protocols.versions import locked

REASON = "reason"
SPARE_ITEMS = 2
OWN_KINDS = frozenset({"mixture"})
"""Kinds whose reference entries may be taken out of a draft; of the others only what the clinic added itself."""


@transaction.atomic
def save_entry(
    *, version: CatalogueVersion, code: str, values: Mapping[str, Any], reason: str, seen_edits: int, by: Doer
) -> CatalogueEntry:
    """Set fields of one entry by their path; None takes a field out.

    Refused beside the field: a value outside its `cfg` range; a loosened limit without a reason; anything that would
    enable what is withdrawn, unlock without a legal basis, or lift a country's ban; whatever the loader refuses. Nothing
    is half-saved. Raises `Stale` when somebody else saved this entry meanwhile."""
    draft, entry = for_edit(version, code, by)
    before = entry.body
    wanted = _with_units(draft, entry.kind, changed_body(entry.kind, before, values))
    if entry.edits != seen_edits:
        theirs = [(str(label_of(entry.kind, found.path)), shown_pair(entry.kind, found.path, found.before, found.after)[1])
                  for found in compare_entry(entry.kind, wanted, before)]  # fmt: skip
        raise Stale(_("Somebody else changed this entry while you were typing. Compare, then save again."), theirs=theirs)
    _check_editable(entry.kind, before, values)
    differences = list(compare_entry(entry.kind, before, wanted))
    if not differences:
        return entry
    for difference in differences:
        check_change(entry.kind, before, difference, reason)
    put(draft, entry, wanted, differences, reason, by)
    audit.record(by=by, action="catalogue-entry-changed", sentence=f"changed {code} in {draft}", of=draft,
                 detail={"code": code, "reason": reason,
                         "changes": {found.path: [found.before, found.after] for found in differences}})  # fmt: skip
    return entry


@transaction.atomic
def add_entry(
    *, version: CatalogueVersion, kind: str, code: str, body: Mapping[str, Any], reason: str, by: Doer
) -> CatalogueEntry:
    """Add a substance, indication, mixture or rule to a draft. The reason is kept with it."""
    check_doer(by, Permission.APPROVE_CATALOGUE, None)
    draft = _draft(version)
    if draft.entries.filter(code=code).exists():
        raise Refused(_("The code %(code)s is used already.") % {"code": code}, field="code")
    _check_never_used(draft, code)
    need_reason(reason)
    whole = {"code": code, **body}
    _check_draft(draft, kind, code, whole)
    position = (draft.entries.aggregate(most=Max("position"))["most"] or 0) + 1
    entry = CatalogueEntry(version=draft, kind=kind, code=code, position=position)
    _write(entry, whole)
    CatalogueChange.objects.create(
        version=draft, kind=kind, code=code, after=whole.get("name") or whole.get("title"), reason=reason,
        direction=ChangeDirection.ADDED, by=cast("Any", by.user), at=timezone.now(),
    )  # fmt: skip
    _touch(draft)
    audit.record(by=by, action="catalogue-entry-added", sentence=f"added {code} to {draft}", of=draft,
                 detail={"code": code, "reason": reason, "body": whole})  # fmt: skip
    return entry


def _check_never_used(draft: CatalogueVersion, code: str) -> None:
    """A code that counted once keeps its meaning: clearances and what was loosened are known by it, and a new rule under
    it would begin at its first version again."""
    counted = Q(version__in=lineage(draft.pk)) | Q(version__published_at__isnull=False)
    numbers = CatalogueEntry.objects.filter(counted, code=code).values_list("version__number", flat=True)
    if (number := max(numbers, default=None)) is not None:
        raise Refused(
            _("The code %(code)s stood for something else in version %(number)s. What was decided with it keeps its name: "
              "choose another code.") % {"code": code, "number": number}, field="code",
        )  # fmt: skip


@transaction.atomic
def remove_entry(*, version: CatalogueVersion, code: str, reason: str, by: Doer) -> None:
    """Take an example mixture, or something the clinic added itself, out of a draft. Everything else is switched off or
    withdrawn instead, so that what was once decided with it keeps its name."""
    draft, entry = for_edit(version, code, by)
    refusal = refusal_to_remove(entry)
    if refusal:
        raise Refused(refusal)
    need_reason(reason)
    _check_draft(draft, entry.kind, code, None)
    CatalogueChange.objects.create(
        version=draft, kind=entry.kind, code=code, before=entry.body.get("name") or entry.body.get("title"),
        reason=reason, direction=ChangeDirection.REMOVED, by=cast("Any", by.user), at=timezone.now(),
    )  # fmt: skip
    audit.record(by=by, action="catalogue-entry-removed", sentence=f"took {code} out of {draft}", of=draft,
                 detail={"code": code, "reason": reason, "body": entry.body})  # fmt: skip
    entry.delete()
    _touch(draft)


def refusal_to_remove(entry: CatalogueEntry) -> str:
    """Why an entry stays, in a sentence; empty when it may go."""
    if entry.kind == "mixture" and entry.body.get("never_in"):
        return _("A country's ban cannot be lifted here.")
    if entry.kind in OWN_KINDS or not is_of_reference(entry.code):
        return ""
    return _("This entry belongs to the reference. Switch it off, withdraw it or change what it says.")


def changed_body(kind: str, body: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The body with these values; where a screening clause stops or starts being a wait, its dates move along."""
    wanted: Any = with_spare_items(kind, body)
    for path, value in values.items():
        if not same(leaf(body, path), value):
            wanted = with_leaf(wanted, path, value)
    if kind == "mixture":
        wanted = _as_mixture(wanted)
    if kind == "rule":
        for number, clause in enumerate(body.get("clauses", []), start=1):
            typed = leaf(wanted, f"clauses.{number}")
            if (now := typed.get("severity")) != clause["severity"]:
                moved = severity_moved({**typed, "severity": clause["severity"]}, now)
                wanted = with_leaf(wanted, f"clauses.{number}", moved)
    return cast("dict[str, Any]", wanted)


def with_spare_items(kind: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A mixture with room for more components; every form shows as many blank ones."""
    return {**body, "items": [*body["items"], *({} for _spare in range(SPARE_ITEMS))]} if kind == "mixture" else body


def _as_mixture(body: Mapping[str, Any]) -> dict[str, Any]:
    """Components without a substance are left out; the total is the sum of what is left."""
    items = [item for item in body["items"] if item.get("substance")]
    total = sum((as_number(item.get("volume_ml")) or Decimal(0) for item in items), Decimal(0))
    unchanged = as_number(body.get("total_ml")) == total
    return {**body, "items": items, "total_ml": body["total_ml"] if unchanged else format(total, "f")}


def _with_units(draft: CatalogueVersion, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """A component's strength counts in the unit of its substance."""
    if kind != "mixture":
        return body
    named = [item["substance"] for item in body["items"]]
    units = {sub.code: sub.body.get("strength_unit", "") for sub in draft.entries.filter(code__in=named)}
    items = [
        {**item, "strength_unit": units[item["substance"]]}
        if item.get("strength") is not None and units.get(item["substance"], "mg/ml") != item.get("strength_unit", "mg/ml")
        else item
        for item in body["items"]
    ]
    return {**body, "items": items}


def _check_editable(kind: str, before: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Only what the form offers is edited: not the range a limit is set in, and not what a dose counts in."""
    body = with_spare_items(kind, before)
    editable = {path for path, _spec in specs_of(kind, body, list(leaves(body)))}
    for path, value in values.items():
        if path not in editable and not same(leaf(body, path), value):
            raise Refused(_("“%(field)s” is not edited here.") % {"field": label_of(kind, path)})


def check_change(kind: str, before: Mapping[str, Any], found: FieldDifference, reason: str) -> None:
    """Section 0 of the clinical reference, for one field. Raises `Refused` beside it."""
    span = outside_cfg(before, found.path, found.after)
    if span is not None:
        raise Refused(
            _("Only %(low)s to %(high)s is allowed here; it was %(before)s.")
            % {"low": span[0], "high": span[1], "before": shown(found.path, found.before)},
            field=found.path,
        )
    forbidden = refusal_of(before, found)
    if forbidden:
        raise Refused(forbidden, field=found.path)
    if found.direction is Direction.LOOSENED and not reason.strip():
        before_words, after_words = shown_pair(kind, found.path, found.before, found.after)
        raise Refused(
            _("“%(field)s” becomes looser: %(before)s → %(after)s. Say why; it is kept and shown.")
            % {"field": label_of(kind, found.path), "before": before_words, "after": after_words},
            field=REASON,
        )  # fmt: skip


def put(
    draft: CatalogueVersion, entry: CatalogueEntry, wanted: dict[str, Any], differences: list[FieldDifference], reason: str,
    by: Doer,
) -> None:  # fmt: skip
    """The entry as it is wanted, once the whole draft is valid with it; each field that differs is kept as a row."""
    wanted = _counted_up(entry, wanted)
    _check_draft(draft, entry.kind, entry.code, wanted)
    _write(entry, wanted)
    _note(draft, entry, differences, reason, by)
    _touch(draft)


def need_reason(reason: str) -> None:
    if not reason.strip():
        raise Refused(_("Say why; it is kept and shown."), field=REASON)


def for_edit(version: CatalogueVersion, code: str, by: Doer) -> tuple[CatalogueVersion, CatalogueEntry]:
    """The draft, locked, and its entry, for somebody who may edit it."""
    check_doer(by, Permission.APPROVE_CATALOGUE, None)
    draft = _draft(version)
    entry = draft.entries.filter(code=code).first()
    if entry is None:
        raise Refused(_("There is no entry %(code)s in this version.") % {"code": code})
    return draft, entry


def _draft(version: CatalogueVersion) -> CatalogueVersion:
    draft = locked(version)
    if draft.state != VersionState.DRAFT:
        raise Refused(_("Only a draft can be edited. Make a new draft from this version."))
    return draft


def _counted_up(entry: CatalogueEntry, body: dict[str, Any]) -> dict[str, Any]:
    """A rule or medicine class says in each finding which version of it fired; the first edit in a draft counts it up."""
    if entry.kind not in ("rule", "medicine_class") or entry.edits > 1:
        return body
    return {**body, "version": int(body.get("version", 1)) + 1}


def _check_draft(draft: CatalogueVersion, kind: str, code: str, body: Mapping[str, Any] | None) -> None:
    """The whole draft with this entry changed, added or (None) taken out. Raises `Refused` beside the field it names."""
    rows: list[tuple[str, str, Mapping[str, Any]]] = [row for row in catalogue.rows_of(draft) if row[1] != code or body]
    if body is not None:
        places = [place for place, row in enumerate(rows) if row[1] == code]
        if places:
            rows[places[0]] = (kind, code, body)
        else:
            rows.append((kind, code, body))
    try:
        catalogue_from_entries(rows, version=str(draft))
    except CatalogueError as error:
        _refuse(error, code, body or {})


def _refuse(error: CatalogueError, code: str, body: Mapping[str, Any]) -> NoReturn:
    """All of it in one sentence, beside the first field of this very entry that is at fault."""
    known = list(leaves(body))
    paths = [problem.fault.field for problem in error.problems if problem.entry == code and problem.fault.field]
    fields = (path if path in known else next((one for one in known if one.startswith(f"{path}.")), path) for path in paths)
    raise Refused(all_said(error), field=next(fields, None)) from error


def _write(entry: CatalogueEntry, body: dict[str, Any]) -> None:
    entry.body, entry.source, entry.mark = body, str(body.get("source", "")), str(body.get("mark") or "")[:8]
    entry.edits = entry.edits + 1 if entry.pk else 1
    entry.save()


def _note(draft: CatalogueVersion, entry: CatalogueEntry, differences: list[FieldDifference], reason: str, by: Doer) -> None:
    now = timezone.now()
    CatalogueChange.objects.bulk_create(
        CatalogueChange(
            version=draft, kind=entry.kind, code=entry.code, field=found.path[:120], before=found.before, after=found.after,
            direction=found.direction.value, is_hard=found.is_hard, reason=reason, by=cast("Any", by.user), at=now,
        )
        for found in differences
    )  # fmt: skip


def _touch(draft: CatalogueVersion) -> None:
    """The digest of what it says now: an impact that was looked at before no longer counts."""
    draft.digest = catalogue.digest_of(catalogue.rows_of(draft))
    draft.version += 1
    draft.save(update_fields=["digest", "version"])
