"""The life of a catalogue version: draft, approved by the medical lead, published, retired; and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import SYSTEM, Doer
from clinic.errors import Refused, Stale
from clinic.permissions import check_doer
from protocols import catalogue, services
from protocols.definitions import Catalogue
from protocols.fault_words import all_said
from protocols.forbidden import returning
from protocols.loading import CatalogueError, catalogue_from_entries
from protocols.models import CatalogueEntry, CatalogueVersion
from protocols.models.catalogue import VersionState as S

MOVES: Mapping[str, frozenset[str]] = {
    S.DRAFT: frozenset({S.APPROVED, S.RETIRED}),
    S.APPROVED: frozenset({S.PUBLISHED, S.DRAFT, S.RETIRED}),
    S.PUBLISHED: frozenset({S.RETIRED}),
    S.RETIRED: frozenset(),
}
"""Read aloud: a draft is approved or given up; an approved one is published, reopened or given up; a published one only
retires, when the next is published. The reference that ships with the application is published by the system while
nobody has approved anything yet (`catalogue.ensure_reference_catalogue`)."""


def load_any(version: CatalogueVersion) -> Catalogue:
    """The frozen values of any version, for the forms of its pages: as its entries stand now, because a draft changes, and
    without the texts in other languages, which no form of a rule shows. Raises `CatalogueError` only for rows that nobody
    edited through `protocols.editing`, which lets no faulty draft be saved."""
    rows = catalogue.rows_of(version)
    return _built(_Content(str(version), catalogue.digest_of(rows), rows))


@dataclass(frozen=True)
class _Content:
    """The same when its digest is the same, so that page after page of an unchanged draft is built once."""

    name: str
    digest: str
    rows: Sequence[tuple[str, str, Mapping[str, Any]]] = field(compare=False)


@lru_cache(maxsize=4)
def _built(content: _Content) -> Catalogue:
    return catalogue_from_entries(content.rows, version=content.name)


def open_draft() -> CatalogueVersion | None:
    """The draft the clinic works on. There is at most one, so that two people do not change limits past each other; the
    reference of a newer release may wait beside it."""
    return CatalogueVersion.objects.filter(state__in=[S.DRAFT, S.APPROVED], made_by__isnull=False).first()


@transaction.atomic
def make_draft(*, based_on: CatalogueVersion, note: str, by: Doer) -> CatalogueVersion:
    """A copy of a version, to be edited. `note` says what it is for. Raises `Refused` while another draft is open."""
    check_doer(by, Permission.APPROVE_CATALOGUE, None)
    catalogue.current()  # a clinic without a catalogue has nothing to base a draft on
    list(CatalogueVersion.objects.in_force().select_for_update(no_key=True))  # one at a time
    existing = open_draft()
    if existing is not None:
        raise Refused(
            _("Version %(number)s is open already. Publish it or give it up first: there is one draft at a time.")
            % {"number": existing.number}
        )
    draft = CatalogueVersion.objects.create(
        number=catalogue.next_number(), label=based_on.label, note=note, based_on=based_on, made_by=by.user,
        digest=based_on.digest,
    )  # fmt: skip
    entries = list(based_on.entries.all())
    for entry in entries:
        entry.pk, entry.version, entry.edits = None, draft, 1
    CatalogueEntry.objects.bulk_create(entries)
    audit.record(by=by, action="catalogue-draft-made", sentence=f"made {draft} from v{based_on.number}", of=draft,
                 detail={"based_on": based_on.number, "note": note})  # fmt: skip
    return draft


@transaction.atomic
def approve(*, version: CatalogueVersion, seen_version: int, by: Doer) -> CatalogueVersion:
    """The medical lead stands behind this version. A draft moves on to approved and can no longer be edited; the default
    that is in force is no longer shown as unapproved."""
    check_doer(by, Permission.APPROVE_CATALOGUE, None)
    held = locked(version, seen_version)
    if held.approved_at is not None:
        raise Refused(_("This catalogue version is approved already."))
    check_whole(held)
    check_nothing_returns(held)
    if held.state != S.PUBLISHED:
        _move(held, S.APPROVED)
    held.approved_by, held.approved_at = by.user, timezone.now()
    _save(held, "state", "approved_by", "approved_at")
    audit.record(by=by, action="catalogue-approved", sentence=f"approved {held}", of=held, detail={"digest": held.digest})
    return held


@transaction.atomic
def reopen(*, version: CatalogueVersion, seen_version: int, by: Doer) -> CatalogueVersion:
    """An approved version becomes a draft again; the approval goes with it."""
    check_doer(by, Permission.APPROVE_CATALOGUE, None)
    held = locked(version, seen_version)
    _move(held, S.DRAFT)
    held.approved_by, held.approved_at = None, None
    _save(held, "state", "approved_by", "approved_at")
    audit.record(by=by, action="catalogue-reopened", sentence=f"took back the approval of {held}", of=held)
    return held


@transaction.atomic
def give_up(*, version: CatalogueVersion, seen_version: int, reason: str, by: Doer) -> CatalogueVersion:
    """A draft that will not be published. It is kept, with everything that was changed in it."""
    check_doer(by, Permission.APPROVE_CATALOGUE, None)
    held = locked(version, seen_version)
    if held.state == S.PUBLISHED:
        raise Refused(_("The version in force retires when the next one is published."))
    _move(held, S.RETIRED)
    held.retired_at = timezone.now()
    _save(held, "state", "retired_at")
    audit.record(by=by, action="catalogue-given-up", sentence=f"gave up {held}", of=held, detail={"reason": reason})
    return held


def refusal_to_publish(version: CatalogueVersion) -> str:
    """Why this version cannot be published now, in a sentence; empty when it can. Page and verb ask the same."""
    if version.state == S.DRAFT:
        return _("The medical lead approves the draft first.")
    if version.state != S.APPROVED:
        return _("This version was published or given up already.")
    if not version.impact_is_seen:
        return _("Look first at what it changes for current patients, courses and appointments.")
    return ""


@transaction.atomic
def publish(*, version: CatalogueVersion, seen_version: int, by: Doer) -> CatalogueVersion:
    """Put an approved version in force, once somebody has looked at what exactly it would change. What was decided
    before keeps the version it was decided with. Indications that are new get the service they are booked by."""
    check_doer(by, Permission.APPROVE_CATALOGUE, None)
    held = locked(version, seen_version)
    refusal = refusal_to_publish(held)
    if refusal:
        raise Refused(refusal)
    check_whole(held)
    check_nothing_returns(held)
    published = catalogue.put_in_force(version=held, by=by)
    services.ensure_default_services(by=SYSTEM)
    return published


@transaction.atomic
def mark_impact_seen(*, version: CatalogueVersion, by: Doer) -> CatalogueVersion:
    """The medical lead has looked at what publishing exactly these entries would change. An edit takes it back, because
    the digest moves on. The caller sees to it that the preview was finished for `version.digest`.

    Raises `Stale` when the entries were changed since `version` was read, `Refused` for what is no draft."""
    check_doer(by, Permission.APPROVE_CATALOGUE, None)
    held = locked(version)
    if held.digest != version.digest:
        raise Stale(_("This catalogue was edited meanwhile. Look at the preview of what it says now."))
    if held.state not in {S.DRAFT, S.APPROVED}:
        raise Refused(_("Only a version that is still to be published has an impact to look at."))
    held.impact_seen_digest, held.impact_seen_at, held.impact_seen_by = held.digest, timezone.now(), by.user
    held.save(update_fields=["impact_seen_digest", "impact_seen_at", "impact_seen_by"])
    audit.record(by=by, action="catalogue-impact-seen", sentence=f"looked at what {held} would change", of=held,
                 detail={"digest": held.digest})  # fmt: skip
    return held


def check_whole(version: CatalogueVersion) -> None:
    """Raise `Refused` naming every problem when the entries do not make a valid catalogue."""
    try:
        catalogue_from_entries(catalogue.rows_of(version), version=str(version))
    except CatalogueError as error:
        raise Refused(all_said(error)) from error


def check_nothing_returns(version: CatalogueVersion) -> None:
    """Raise `Refused` where this version, made from an older one, would allow what is forbidden in the one in force."""
    in_force, wanted = (
        {(kind, code): body for kind, code, body in catalogue.rows_of(one)} for one in (catalogue.current(), version)
    )
    found = [f"{code}: {sentence}" for code, sentence in returning(in_force, wanted)]
    if found:
        raise Refused(_("The version in force forbids what this one would allow. %(what)s") % {"what": " ".join(found)})


def locked(version: CatalogueVersion, seen_version: int | None = None) -> CatalogueVersion:
    """The row, locked. Raises `Stale` when it was changed since the page was opened."""
    held = CatalogueVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    if seen_version is not None and held.version != seen_version:
        raise Stale(_("This version was changed while you were looking at it. Look again, then decide."))
    return held


def _move(version: CatalogueVersion, state: S) -> None:
    if state not in MOVES[version.state]:
        raise Refused(
            _("A version that is “%(now)s” cannot become “%(then)s”.")
            % {"now": version.get_state_display(), "then": state.label}
        )
    version.state = state


def _save(version: CatalogueVersion, *fields: str) -> None:
    version.version += 1
    version.save(update_fields=[*fields, "version"])
