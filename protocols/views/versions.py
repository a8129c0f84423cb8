"""What is done with a version: make a draft, approve, take back, give up, compare, publish."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import forms as house
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import act_page, carry_out, form_page
from clinic.http import StaffRequest
from clinic.permissions import requires
from protocols import catalogue, version_page, versions
from protocols.catalogue_forms import DraftForm, GiveUpForm
from protocols.models import CatalogueVersion
from protocols.views.catalogue import crumbs, version_context, version_or_404


def page_of(version: CatalogueVersion) -> str:
    return reverse("catalogue-version", args=[version.public_id])


@requires(Permission.APPROVE_CATALOGUE)
@require_http_methods(["GET", "POST"])
def catalogue_draft_new(request: StaffRequest, public_id: str) -> HttpResponse:
    """A draft made from any version; usually from the one in force."""
    based_on = version_or_404(public_id)
    form = DraftForm(request.POST or None)

    def deed(data: dict[str, Any]) -> str:
        return page_of(versions.make_draft(based_on=based_on, note=data["note"], by=doer_of(request)))

    def show(form: house.HouseForm, *, status: int = 200, theirs: Any = ()) -> HttpResponse:
        context = {"form": form, "title": _("New draft"), "act": _("Make the draft"), "back": reverse("catalogue-versions"),
                   "lead": _("A copy of version %(number)s, to be edited. Nothing changes for patients until it is published.")
                   % {"number": based_on.number}}  # fmt: skip
        return render(request, "one_form.html", context, status=status)

    return carry_out(request, form, deed=deed, show=show)


@requires(Permission.APPROVE_CATALOGUE)
@require_POST
def catalogue_approve(request: StaffRequest, public_id: str) -> HttpResponse:
    """The medical lead stands behind a draft, or behind the default that is in force."""
    version = version_or_404(public_id)
    return _button(request, version, lambda seen: versions.approve(version=version, seen_version=seen, by=doer_of(request)))


@requires(Permission.APPROVE_CATALOGUE)
@require_POST
def catalogue_reopen(request: StaffRequest, public_id: str) -> HttpResponse:
    version = version_or_404(public_id)
    return _button(request, version, lambda seen: versions.reopen(version=version, seen_version=seen, by=doer_of(request)))


def _button(request: StaffRequest, version: CatalogueVersion, deed: Any, *, back: str = "") -> HttpResponse:
    form = house.HouseForm(request.POST, seen_version=version.version)
    return act_page(request, form, back=back or page_of(version), deed=lambda data: deed(data["seen_version"]))


@requires(Permission.APPROVE_CATALOGUE)
@require_http_methods(["GET", "POST"])
def catalogue_give_up(request: StaffRequest, public_id: str) -> HttpResponse:
    version = version_or_404(public_id)
    form = GiveUpForm(request.POST or None, seen_version=version.version)
    return form_page(
        request, form, title=_("Give up version %(number)s") % {"number": version.number}, act=_("Give it up"),
        back=page_of(version),
        deed=lambda data: versions.give_up(
            version=version, seen_version=data["seen_version"], reason=data["reason"], by=doer_of(request)),
        version_now=lambda: CatalogueVersion.objects.values_list("version", flat=True).get(pk=version.pk),
    )  # fmt: skip


@requires(Permission.SEE_CATALOGUE)
@require_safe
def catalogue_difference(request: StaffRequest, public_id: str) -> HttpResponse:
    """What this version says otherwise than another one: entry by entry, field by field, who decided it and why."""
    version = version_or_404(public_id)
    others = list(CatalogueVersion.objects.exclude(pk=version.pk))
    chosen = request.GET.get("with", "")
    than = next((one for one in others if one.public_id == chosen), None) if chosen else compared_by_default(version, others)
    if chosen and than is None:
        raise Http404
    context = version_context(request, version) | {
        "than": than,
        "others": others,
        "differences": version_page.difference(than, version) if than else [],
        "crumbs": crumbs(version, (_("Difference"), "")),
    }
    return render(request, "protocols/difference.html", context)


def compared_by_default(version: CatalogueVersion, others: list[CatalogueVersion]) -> CatalogueVersion | None:
    """What a draft would replace; of an older version what it was made from, or the one before it."""
    in_force = next((one for one in others if one.state == "published"), None)
    if version.state in {"draft", "approved"} and in_force is not None:
        return in_force
    return version.based_on or next((one for one in others if one.number < version.number), in_force)


@requires(Permission.APPROVE_CATALOGUE)
@require_http_methods(["GET", "POST"])
def catalogue_publish(request: StaffRequest, public_id: str) -> HttpResponse:
    """The last look: what differs from what is in force, whom it touches, and the button."""
    version = version_or_404(public_id)
    if request.method == "POST":
        return _button(request, version, lambda seen: versions.publish(version=version, seen_version=seen, by=doer_of(request)),
                       back=reverse("protocols"))  # fmt: skip
    differences = version_page.difference(catalogue.current(), version)
    fields = [found for one in differences for found in one.fields]
    context = version_context(request, version) | {
        "than": catalogue.current(),
        "differences": differences,
        "loosened": sum(found.pill == "caution" for found in fields),
        "tightened": sum(found.pill == "ok" for found in fields),
        "why_not": versions.refusal_to_publish(version),
        "crumbs": crumbs(version, (_("Publish"), "")),
    }
    return render(request, "protocols/publish.html", context)
