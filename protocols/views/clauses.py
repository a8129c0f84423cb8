"""The clauses of a screening rule of the clinic's own: written anew, added, taken out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import carry_out, form_page
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.permissions import requires
from protocols import reworking, version_page, versions
from protocols.catalogue_forms import RemoveForm
from protocols.clause_forms import ClauseForm, clause_of, initial_of
from protocols.field_words import KINDS
from protocols.models import CatalogueEntry, CatalogueVersion
from protocols.views.catalogue import crumbs, version_context, version_or_404
from protocols.views.entries import entry_or_404, list_url


@requires(Permission.APPROVE_CATALOGUE)
@require_http_methods(["GET", "POST"])
def catalogue_clause_new(request: StaffRequest, public_id: str, code: str) -> HttpResponse:
    """One more clause at the end of the rule."""
    version, entry = _rule(public_id, code)
    return _clause_page(request, version, entry, None, {"severity": "relative"})


@requires(Permission.APPROVE_CATALOGUE)
@require_http_methods(["GET", "POST"])
def catalogue_clause(request: StaffRequest, public_id: str, code: str, number: int) -> HttpResponse:
    """A clause written anew: its severity, its conditions, where it counts, how long it waits, what would lift it."""
    version, entry = _rule(public_id, code)
    initial = initial_of(_clause_or_404(entry, number))
    if initial is None:
        raise Http404
    return _clause_page(request, version, entry, number, initial)


@requires(Permission.APPROVE_CATALOGUE)
@require_http_methods(["GET", "POST"])
def catalogue_clause_remove(request: StaffRequest, public_id: str, code: str, number: int) -> HttpResponse:
    version, entry = _rule(public_id, code)
    _clause_or_404(entry, number)
    page = _page_of(version, entry)
    form = RemoveForm(request.POST or None, seen_version=entry.edits)

    def deed(data: dict[str, Any]) -> str:
        reworking.remove_clause(version=version, code=code, number=number, reason=data["reason"],
                                seen_edits=data["seen_version"], by=doer_of(request))  # fmt: skip
        return page

    return form_page(
        request, form, title=_("Take out clause %(number)s of %(code)s") % {"number": number, "code": code},
        act=_("Take it out"), back=page, deed=deed, version_now=lambda: _edits(entry),
    )  # fmt: skip


def _clause_page(
    request: StaffRequest, version: CatalogueVersion, entry: CatalogueEntry, number: int | None, initial: dict[str, Any]
) -> HttpResponse:
    form = ClauseForm(request.POST or None, rules=versions.load_any(version), initial=initial, seen_version=entry.edits)
    title = _("Rework clause %(number)s") % {"number": number} if number else _("Add a clause")

    def deed(data: dict[str, Any]) -> str:
        reworking.save_clause(version=version, code=entry.code, number=number, clause=clause_of(data), reason=data["reason"],
                              seen_edits=data["seen_version"], by=doer_of(request))  # fmt: skip
        return _page_of(version, entry)

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        back = list_url(version, entry.kind, entry.code)
        context = version_context(request, version) | {
            "form": form, "title": title, "theirs": theirs, "act": _("Save the clause"), "back": _page_of(version, entry),
            "lead": f"{version_page.name_of(entry.body)} · {entry.code}",
            "crumbs": crumbs(version, (str(KINDS["rule"]), back), (entry.code, _page_of(version, entry)), (title, "")),
        }  # fmt: skip
        return render(request, "protocols/entry_add.html", context, status=status)

    return carry_out(request, form, deed=deed, show=show, version_now=lambda: _edits(entry))


def _rule(public_id: str, code: str) -> tuple[CatalogueVersion, CatalogueEntry]:
    """The rule in a draft, if its clauses may be reworked at all."""
    version = version_or_404(public_id)
    entry = entry_or_404(version, code)
    if reworking.refusal_to_rework(entry.kind, code):
        raise Http404
    return version, entry


def _clause_or_404(entry: CatalogueEntry, number: int) -> dict[str, Any]:
    clauses = entry.body.get("clauses", [])
    if not 1 <= number <= len(clauses):
        raise Http404
    return dict(clauses[number - 1])


def _page_of(version: CatalogueVersion, entry: CatalogueEntry) -> str:
    return reverse("catalogue-entry", args=[version.public_id, entry.code])


def _edits(entry: CatalogueEntry) -> int:
    return CatalogueEntry.objects.values_list("edits", flat=True).get(pk=entry.pk)
