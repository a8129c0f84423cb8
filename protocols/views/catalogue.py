"""Any version of the catalogue, to read: every entry with code, sentence, source, mark and the range it may be set in."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic import forms as house
from clinic.choices import Permission
from clinic.http import StaffRequest
from clinic.permissions import may, requires
from protocols import catalogue, version_page, versions
from protocols.addition_forms import FORMS
from protocols.field_words import KINDS, ONE
from protocols.models import CatalogueVersion
from protocols.models.catalogue import VersionState

PILLS = {"draft": "draft", "approved": "info", "published": "ok", "retired": "neutral"}
SHORTEST_SEARCH, LONGEST_SEARCH = 1, 60


@requires(Permission.SEE_CATALOGUE)
@require_safe
def protocols(request: StaffRequest) -> HttpResponse:
    """The catalogue in force."""
    return version_answer(request, catalogue.current())


@requires(Permission.SEE_CATALOGUE)
@require_safe
def catalogue_version(request: StaffRequest, public_id: str) -> HttpResponse:
    return version_answer(request, version_or_404(public_id))


@requires(Permission.SEE_CATALOGUE)
@require_safe
def catalogue_versions(request: StaffRequest) -> HttpResponse:
    """All versions, newest first, and the one draft that can be made."""
    listed = CatalogueVersion.objects.select_related("made_by", "approved_by", "based_on")
    context = {
        "versions": [{"version": one, "pill": PILLS[one.state]} for one in listed],
        "open_draft": versions.open_draft(),
        "may_edit": may_edit(request),
        "crumbs": [(_("Protocols"), reverse("protocols")), (_("Versions"), "")],
    }
    return render(request, "protocols/versions.html", context)


def version_or_404(public_id: str) -> CatalogueVersion:
    return get_object_or_404(
        CatalogueVersion.objects.select_related("approved_by", "made_by", "based_on", "impact_seen_by"), public_id=public_id
    )


def may_edit(request: StaffRequest) -> bool:
    """The catalogue is the organisation's: only a medical lead of all sites edits it."""
    return may(request.user, Permission.APPROVE_CATALOGUE, None)


def version_answer(request: StaffRequest, version: CatalogueVersion) -> HttpResponse:
    part = request.GET.get("part", "indication")
    if part not in KINDS:
        raise Http404
    query = request.GET.get("q", "").replace("\x00", "")[:LONGEST_SEARCH]
    rows = catalogue.rows_of(version)
    context = version_context(request, version) | {
        "tabs": version_page.tabs(rows, part),
        "part": part,
        "part_name": KINDS[part],
        "query": query,
        "entries": version_page.shown_entries(rows, part, query=query),
        "refusals": version_page.refusals(rows, query),
        "add_url": reverse("catalogue-entry-add", args=[version.public_id, part]) if part in FORMS else "",
        "add_words": ONE.get(part, ""),
    }
    return render(request, "protocols/version.html", context)


def version_context(request: StaffRequest, version: CatalogueVersion) -> dict[str, Any]:
    """What the head of every page about a version needs."""
    editing = may_edit(request)
    return {
        "version": version,
        "pill": PILLS[version.state],
        "is_draft": version.state == VersionState.DRAFT,
        "is_open": version.state in {VersionState.DRAFT, VersionState.APPROVED},
        "is_current": version.state == VersionState.PUBLISHED,
        "may_edit": editing,
        "deed_form": house.HouseForm(seen_version=version.version),
        "crumbs": crumbs(version),
    }


def crumbs(version: CatalogueVersion, *more: tuple[str, str]) -> list[tuple[str, str]]:
    found = [(_("Protocols"), reverse("protocols")), (_("Versions"), reverse("catalogue-versions"))]
    own = _("Version %(number)s") % {"number": version.number}
    return [*found, (own, reverse("catalogue-version", args=[version.public_id]) if more else ""), *more]
