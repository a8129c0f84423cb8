"""Before publishing: whom a version of the catalogue would change, and why. After publishing: whom it changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import act_page
from clinic.errors import Refused
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.permissions import requires
from protocols.models import CatalogueVersion
from sessions import impact_page, rescreening
from sessions.models import RescreenRun

PAGE_SIZE = 25


@requires(Permission.APPROVE_CATALOGUE, Permission.SEE_CLINICAL)
@require_safe
def catalogue_impact(request: StaffRequest, public_id: str) -> HttpResponse:
    """The page of a version; while its run is under way the bar asks again by itself and reloads the page at the end."""
    version = version_or_404(public_id)
    run = impact_page.newest_run(version)
    progress = impact_page.progress_of(run) if run else None
    if request.headers.get("X-Poll") == "1":
        if run is None or run.is_over:
            return HttpResponseClientRefresh()
        return render(request, "rescreening/impact.html#progress", {"version": version, "progress": progress})
    context: dict[str, Any] = {
        "version": version,
        "run": run,
        "progress": progress,
        "version_name": impact_page.name_of_version(version),
        "other_name": impact_page.name_of_version(impact_page.other_side(run)),
        "is_to_publish": impact_page.is_to_publish(version),
        "form": HouseForm(),
    }
    if run is not None and run.is_over:
        access_log.viewed(request, of=version)
        context |= result(request, run, version)
    return render(request, "rescreening/impact.html", context)


def result(request: StaffRequest, run: RescreenRun, version: CatalogueVersion) -> dict[str, Any]:
    """The counts, and one page of the list that was asked for, by outcome pair if one was chosen."""
    part = request.GET.get("part", "")
    part = part if part in impact_page.PARTS else impact_page.PARTS[0]
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    rows = impact_page.listed(run, part, reader=request.user, before=before, after=after)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    pairs = impact_page.counted(run)
    words = {"patients": _("Patients"), "courses": _("Courses"), "appointments": _("Future appointments")}
    chosen = f"&before={before}&after={after}" if before in impact_page.OUTCOMES and after in impact_page.OUTCOMES else ""
    return {
        "pairs": pairs,
        "part": part,
        "chosen": (before, after) if chosen else None,
        "tabs": [
            {"label": words[one], "url": f"?part={one}{chosen}", "active": one == part,
             "count": sum(pair[one] for pair in pairs)}
            for one in impact_page.PARTS
        ],
        "page": page,
        "rows": impact_page.shown_changes(list(page.object_list), run),
        "why_not_seen": impact_page.why_not_seen(run, version),
    }  # fmt: skip


@requires(Permission.APPROVE_CATALOGUE, Permission.SEE_CLINICAL)
@require_POST
def catalogue_impact_start(request: StaffRequest, public_id: str) -> HttpResponse:
    """Ask for a preview; the worker begins within seconds."""
    version = version_or_404(public_id)
    return act(request, public_id, lambda _data: rescreening.start_preview(version=version, by=doer_of(request)))


@requires(Permission.APPROVE_CATALOGUE, Permission.SEE_CLINICAL)
@require_POST
def catalogue_impact_seen(request: StaffRequest, public_id: str) -> HttpResponse:
    """The medical lead has looked at the finished preview."""
    run = run_or_refuse(public_id)
    return act(request, public_id, lambda _data: rescreening.see_impact(run=run, by=doer_of(request)))


@requires(Permission.APPROVE_CATALOGUE, Permission.SEE_CLINICAL)
@require_POST
def catalogue_impact_again(request: StaffRequest, public_id: str) -> HttpResponse:
    """Go on with a run that broke off."""
    run = run_or_refuse(public_id)
    return act(request, public_id, lambda _data: rescreening.start_again(run=run, by=doer_of(request)))


def act(request: StaffRequest, public_id: str, deed: Callable[[dict[str, Any]], object]) -> HttpResponse:
    return act_page(request, HouseForm(request.POST), back=reverse("catalogue-impact", args=[public_id]), deed=deed)


def version_or_404(public_id: str) -> CatalogueVersion:
    return get_object_or_404(CatalogueVersion, public_id=public_id)


def run_or_refuse(public_id: str) -> RescreenRun:
    run = impact_page.newest_run(version_or_404(public_id))
    if run is None:
        raise Refused(_("Nobody has asked for a preview of this version yet."))
    return run
