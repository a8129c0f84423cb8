"""Rules of the clinic's own: the clauses of a screening rule written anew, added, taken out; a mixing rule written anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
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
from protocols.addition_forms import MixingRuleForm
from protocols.bodies import listed
from protocols.clause_forms import ClauseForm, RemoveClauseForm, clause_of, initial_of
from protocols.clauses import place_of, sign_of
from protocols.field_words import KINDS
from protocols.models import CatalogueEntry, CatalogueVersion
from protocols.views.catalogue import crumbs, version_context, version_or_404
from protocols.views.entries import entry_or_404, list_url


@requires(Permission.APPROVE_CATALOGUE)
@require_http_methods(["GET", "POST"])
def catalogue_clause_new(request: StaffRequest, public_id: str, code: str) -> HttpResponse:
    """One more clause at the end of the rule."""
    version, entry = _rule(public_id, code)
    return _clause_page(request, version, entry, "", {"severity": "relative"})


@requires(Permission.APPROVE_CATALOGUE)
@require_http_methods(["GET", "POST"])
def catalogue_clause(request: StaffRequest, public_id: str, code: str, sign: str) -> HttpResponse:
    """A clause written anew: its severity, its conditions, where it counts, how long it waits, what would lift it. The
    address names it by what it says, so a page that was open while somebody else saved never writes another one."""
    version, entry = _rule(public_id, code)
    place = place_of(entry.body.get("clauses", []), sign)
    if request.method == "POST":
        return _clause_page(request, version, entry, sign, {})
    if place is None:
        return _changed_meanwhile(request, version, entry)
    initial = initial_of(entry.body["clauses"][place - 1])
    if initial is None:
        raise Http404
    return _clause_page(request, version, entry, sign, initial)


@requires(Permission.APPROVE_CATALOGUE)
@require_http_methods(["GET", "POST"])
def catalogue_clause_remove(request: StaffRequest, public_id: str, code: str, sign: str) -> HttpResponse:
    version, entry = _rule(public_id, code)
    clauses = entry.body.get("clauses", [])
    place = place_of(clauses, sign)
    if place is None and request.method != "POST":
        return _changed_meanwhile(request, version, entry)
    page = _page_of(version, entry)
    what = version_page.all_of_clause(version, clauses[place - 1]) if place else []
    form = RemoveClauseForm(request.POST or None, initial={"seen_clauses": _signs(entry)}, seen_version=entry.edits)

    def deed(data: dict[str, Any]) -> None:
        reworking.remove_clause(version=version, code=code, sign=sign, reason=data["reason"], seen=listed(data["seen_clauses"]),
                                seen_edits=data["seen_version"], by=doer_of(request))  # fmt: skip

    return form_page(
        request, form, title=_title(_("Take out clause %(number)s"), place, _("Take out a clause")),
        lead=f"{version_page.name_of(entry.body)} · {code}", what=what,
        act=_("Take it out"), back=page, deed=deed, version_now=lambda: _edits(entry), template="protocols/clause_remove.html",
    )  # fmt: skip


@requires(Permission.APPROVE_CATALOGUE)
@require_http_methods(["GET", "POST"])
def catalogue_mixing_rule(request: StaffRequest, public_id: str, code: str) -> HttpResponse:
    """A mixing rule written anew: what it checks, where it looks, which substances, what follows, what it says."""
    version = version_or_404(public_id)
    entry = entry_or_404(version, code)
    if reworking.refusal_to_rework_mixing(entry.kind, code) or not MixingRuleForm.can_show(entry.body):
        raise Http404
    form = MixingRuleForm(request.POST or None, rules=versions.load_any(version), initial=MixingRuleForm.initial_of(entry.body),
                          seen_version=entry.edits)  # fmt: skip

    def deed(data: dict[str, Any]) -> str:
        reworking.save_mixing_rule(version=version, code=code, body=form.body(), reason=data["reason"],
                                   seen_edits=data["seen_version"], by=doer_of(request))  # fmt: skip
        return _page_of(version, entry)

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        title = _("Rework this mixing rule")
        context = version_context(request, version) | {
            "form": form, "title": title, "theirs": theirs, "act": _("Save the rule"), "back": _page_of(version, entry),
            "lead": f"{version_page.name_of(entry.body)} · {code}", "theirs_note": "",
            "crumbs": crumbs(version, (str(KINDS["mixing_rule"]), list_url(version, entry.kind, code)),
                             (code, _page_of(version, entry)), (title, "")),
        }  # fmt: skip
        return render(request, "protocols/entry_add.html", context, status=status)

    return carry_out(request, form, deed=deed, show=show, version_now=lambda: _edits(entry))


def _title(with_number: str, place: int | None, without: str) -> str:
    return with_number % {"number": place} if place else without


def _changed_meanwhile(request: StaffRequest, version: CatalogueVersion, entry: CatalogueEntry) -> HttpResponse:
    messages.warning(request, _("That clause was reworked or taken out meanwhile. These are the clauses as they are now."))
    return redirect(_page_of(version, entry))


def _clause_page(
    request: StaffRequest, version: CatalogueVersion, entry: CatalogueEntry, sign: str, initial: dict[str, Any]
) -> HttpResponse:
    initial = initial | {"clause": sign, "seen_clauses": _signs(entry)}
    form = ClauseForm(request.POST or None, rules=versions.load_any(version), initial=initial, seen_version=entry.edits)

    def deed(data: dict[str, Any]) -> str:
        reworking.save_clause(version=version, code=entry.code, sign=data["clause"], clause=clause_of(data),
                              reason=data["reason"], seen=listed(data["seen_clauses"]), seen_edits=data["seen_version"],
                              by=doer_of(request))  # fmt: skip
        return _page_of(version, entry)

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        entry.refresh_from_db(fields=["body", "edits"])
        replaced = str(form["clause"].value() or "")
        place = place_of(entry.body.get("clauses", []), replaced)
        title = _title(_("Rework clause %(number)s"), place, _("Add a clause") if not replaced else _("Rework a clause"))
        back = list_url(version, entry.kind, entry.code)
        context = version_context(request, version) | {
            "form": form, "title": title, "theirs": theirs,
            "theirs_note": _("Saving again adds what you typed as a new clause.") if sign and not replaced else "",
            "act": _("Save the clause"), "back": _page_of(version, entry),
            "lead": f"{version_page.name_of(entry.body)} · {entry.code}",
            "crumbs": crumbs(version, (str(KINDS["rule"]), back), (entry.code, _page_of(version, entry)), (title, "")),
        }  # fmt: skip
        return render(request, "protocols/entry_add.html", context, status=status)

    return carry_out(request, form, deed=deed, show=show, version_now=lambda: _edits(entry))


def _signs(entry: CatalogueEntry) -> str:
    return ",".join(sign_of(one) for one in entry.body.get("clauses", []))


def _rule(public_id: str, code: str) -> tuple[CatalogueVersion, CatalogueEntry]:
    """The rule in a draft, if its clauses may be reworked at all."""
    version = version_or_404(public_id)
    entry = entry_or_404(version, code)
    if reworking.refusal_to_rework(entry.kind, code):
        raise Http404
    return version, entry


def _page_of(version: CatalogueVersion, entry: CatalogueEntry) -> str:
    return reverse("catalogue-entry", args=[version.public_id, entry.code])


def _edits(entry: CatalogueEntry) -> int:
    return CatalogueEntry.objects.values_list("edits", flat=True).get(pk=entry.pk)
