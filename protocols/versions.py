"""The life of a catalogue version: draft, approved by the medical lead, published, retired; and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import SYSTEM, Doer
from clinic.errors import Refused, Stale
from clinic.permissions import check_doer
from protocols import catalogue, services
from protocols.definitions import Catalogue
from protocols.loading import CatalogueError
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
    """The frozen values of any version; a draft is built anew each time, because it changes. Raises `CatalogueError`
    only for rows that nobody edited through `protocols.editing`, which lets no faulty draft be saved."""
    return catalogue.load(version)


@transaction.atomic
def mark_impact_seen(*, version: CatalogueVersion, by: Doer) -> CatalogueVersion:
    """The medical lead has looked at what publishing exactly these entries would change. An edit takes it back, because
    the digest moves on. The caller sees to it that the preview was finished for `version.digest`.

    Raises `Stale` when the entries were changed since `version` was read, `Refused` for what is no draft."""
    check_doer(by, Permission.APPROVE_CATALOGUE, None)
    held = _locked(version)
    if held.digest != version.digest:
        raise Stale(_("This catalogue was edited meanwhile. Look at the preview of what it says now."))
    if held.state not in {S.DRAFT, S.APPROVED}:
        raise Refused(_("Only a version that is still to be published has an impact to look at."))
    held.impact_seen_digest, held.impact_seen_at, held.impact_seen_by = held.digest, timezone.now(), by.user
    held.save(update_fields=["impact_seen_digest", "impact_seen_at", "impact_seen_by"])
    audit.record(by=by, action="catalogue-impact-seen", sentence=f"looked at what {held} would change", of=held,
                 detail={"digest": held.digest})  # fmt: skip
    return held


def _locked(version: CatalogueVersion) -> CatalogueVersion:
    return CatalogueVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
