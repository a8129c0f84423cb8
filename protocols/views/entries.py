"""One entry of a version: to read, and in a draft to edit, add or take out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import carry_out, form_page
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.permissions import requires
from protocols import editing, loosened, reworking, version_page, versions
from protocols.addition_forms import FORMS, MixingRuleForm
from protocols.catalogue_forms import EntryForm, RemoveForm
from protocols.clause_forms import initial_of
from protocols.field_words import KINDS, ONE
from protocols.limits import is_information
from protocols.models import CatalogueChange, CatalogueEntry, CatalogueVersion
from protocols.models.catalogue import VersionState
from protocols.views.catalogue import crumbs, may_edit, version_context, version_or_404


def entry_or_404(version: CatalogueVersion, code: str) -> CatalogueEntry:
    return get_object_or_404(version.entries.all(), code=code)


def list_url(version: CatalogueVersion, entry_kind: str, code: str) -> str:
    page = reverse("catalogue-version", args=[version.public_id])
    return f"{page}?part={version_page.part_of(entry_kind, code)}"


@requires(Permission.SEE_CATALOGUE)
@require_http_methods(["GET", "POST"])
def catalogue_entry(request: StaffRequest, public_id: str, code: str) -> HttpResponse:
    """Everything an entry says and how it came to say it; the medical lead edits it here while it is a draft."""
    version = version_or_404(public_id)
    entry = entry_or_404(version, code)
    editable = may_edit(request) and version.state == VersionState.DRAFT
    if request.method == "POST" and not editable:
        return _refused_edit(version, entry, request)

    def show(form: EntryForm | None, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        return render(request, "protocols/entry.html", entry_context(request, version, entry, form, theirs), status=status)

    if not editable:
        return show(None)
    form = EntryForm(
        request.POST or None, kind=entry.kind, body=entry.body, rules=versions.load_any(version), seen_version=entry.edits,
        apart=_written_apart(entry),
    )  # fmt: skip

    def deed(data: dict[str, Any]) -> str:
        editing.save_entry(version=version, code=code, values=form.values(), reason=data["reason"],
                           seen_edits=data["seen_version"], by=doer_of(request))  # fmt: skip
        return reverse("catalogue-entry", args=[version.public_id, code])

    return carry_out(
        request, form, deed=deed, show=show,
        version_now=lambda: CatalogueEntry.objects.values_list("edits", flat=True).get(pk=entry.pk),
    )  # fmt: skip


def _written_apart(entry: CatalogueEntry) -> set[int]:
    """The places of the clauses of a rule of the clinic's own that have a page of their own: there each is known by what it
    says, here it would be by its place, which changes."""
    if not reworking.may_be_reworked(entry):
        return set()
    return {place for place, one in enumerate(entry.body.get("clauses", []), start=1) if initial_of(one) is not None}


def information_words(kind: str, body: Mapping[str, Any]) -> str:
    """What to say where no figure of an entry is computed with; empty where they are."""
    if kind == "message" and not body.get("limits"):
        return _("When it is sent is fixed; “When” only says it in words.")
    if kind == "planner_rule" and body.get("days") is None:
        return _("For information: it explains how dates are computed. The intervals stand with the indication.")
    if not is_information(kind, body):
        return ""
    if kind == "check_in":
        return _("For information: staff read these answers; nothing is decided by them yet.")
    return _("For information: the screening rule and the aftercare instruction that name this treatment decide. Edit those.")


def _refused_edit(version: CatalogueVersion, entry: CatalogueEntry, request: StaffRequest) -> HttpResponse:
    """The verb says who may not, or that this is no draft."""
    editing.save_entry(version=version, code=entry.code, values={}, reason="", seen_edits=entry.edits, by=doer_of(request))
    raise Http404


def entry_context(
    request: StaffRequest, version: CatalogueVersion, entry: CatalogueEntry, form: EntryForm | None,
    theirs: Sequence[tuple[str, str]],
) -> dict[str, Any]:  # fmt: skip
    changes = CatalogueChange.objects.filter(version__in=loosened.lineage(version.pk), code=entry.code)
    part = version_page.part_of(entry.kind, entry.code)
    return version_context(request, version) | {
        "entry": entry,
        "title": version_page.name_of(entry.body),
        "kind_name": ONE[entry.kind],
        "shown": version_page.shown_entry(entry.kind, entry.code, entry.body),
        "facts": version_page.entry_facts(entry.kind, entry.body),
        "information": information_words(entry.kind, entry.body),
        "history": version_page.shown_history(changes.select_related("by", "version").order_by("-at", "-pk")[:50]),
        "form": form,
        "theirs": theirs,
        "why_not_remove": editing.refusal_to_remove(entry) if form else "",
        "rework_url": _rework_url(version, entry) if form else "",
        "clauses": version_page.shown_clauses(version, entry.body) if form and reworking.may_be_reworked(entry) else [],
        "back": list_url(version, entry.kind, entry.code),
        "crumbs": crumbs(version, (str(KINDS[part]), list_url(version, entry.kind, entry.code)), (entry.code, "")),
    }


def _rework_url(version: CatalogueVersion, entry: CatalogueEntry) -> str:
    """Where a mixing rule of the clinic's own is written anew; empty for every other entry."""
    if reworking.refusal_to_rework_mixing(entry.kind, entry.code) or not MixingRuleForm.can_show(entry.body):
        return ""
    return reverse("catalogue-mixing-rule", args=[version.public_id, entry.code])


@requires(Permission.APPROVE_CATALOGUE)
@require_http_methods(["GET", "POST"])
def catalogue_entry_add(request: StaffRequest, public_id: str, entry_kind: str) -> HttpResponse:
    """Add a substance, an indication with its course, a mixture, a mixing rule or a screening rule to a draft."""
    version = version_or_404(public_id)
    if entry_kind not in FORMS:
        raise Http404
    form = FORMS[entry_kind](request.POST or None, rules=versions.load_any(version))

    def deed(_data: dict[str, Any]) -> str:
        entry = editing.add_entry(version=version, kind=entry_kind, code=form.full_code(), body=form.body(),
                                  reason=form.cleaned_data["reason"], by=doer_of(request))  # fmt: skip
        return reverse("catalogue-entry", args=[version.public_id, entry.code])

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        return render(request, "protocols/entry_add.html", _add_context(request, version, entry_kind, form), status=status)

    return carry_out(request, form, deed=deed, show=show)


def _add_context(request: StaffRequest, version: CatalogueVersion, entry_kind: str, form: HouseForm) -> dict[str, Any]:
    return version_context(request, version) | {
        "form": form,
        "title": _("Add: %(kind)s") % {"kind": ONE[entry_kind]},
        "back": list_url(version, entry_kind, ""),
        "crumbs": crumbs(version, (str(KINDS[entry_kind]), list_url(version, entry_kind, "")), (_("Add"), "")),
    }


@requires(Permission.APPROVE_CATALOGUE)
@require_http_methods(["GET", "POST"])
def catalogue_entry_remove(request: StaffRequest, public_id: str, code: str) -> HttpResponse:
    version = version_or_404(public_id)
    entry = entry_or_404(version, code)
    return form_page(
        request, RemoveForm(request.POST or None), title=_("Take out %(code)s") % {"code": code}, act=_("Take it out"),
        lead=_("It leaves this draft only; what was decided with it keeps its name."),
        back=list_url(version, entry.kind, code),
        deed=lambda data: editing.remove_entry(version=version, code=code, reason=data["reason"], by=doer_of(request)),
    )  # fmt: skip
