"""The catalogue in force, to read: indications with their mixtures, substances with limits, rules with sources."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clinic import forms as house
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.http import StaffRequest
from clinic.idempotency import once
from clinic.permissions import requires
from protocols import catalogue
from protocols.models import CatalogueVersion

PARTS = ("indications", "substances", "rules", "aftercare")


@requires(Permission.SEE_CATALOGUE)
@require_safe
def protocols(request: StaffRequest) -> HttpResponse:
    version = catalogue.current()
    rules = catalogue.load(version)
    part = request.GET.get("part", "indications")
    part = part if part in PARTS else "indications"
    words = {"indications": _("Indications"), "substances": _("Substances"), "rules": _("Screening rules"),
             "aftercare": _("Aftercare")}  # fmt: skip
    context = {
        "version": version,
        "rules": rules,
        "part": part,
        "tabs": [
            {"label": words[one], "url": f"?part={one}", "active": one == part, "count": len(getattr(rules, one))}
            for one in PARTS
        ],
        "mixtures": {code: rules.mixtures_for(code) for code in rules.indications},
        "approve_form": house.HouseForm(),
    }
    return render(request, "protocols/protocols.html", context)


@requires(Permission.APPROVE_CATALOGUE)
@require_POST
def catalogue_approve(request: StaffRequest, public_id: str) -> HttpResponse:
    """The medical lead stands behind the version in force."""
    version = get_object_or_404(CatalogueVersion.objects.in_force(), public_id=public_id)
    with once(request) as attempt:
        if attempt.answer is None:
            catalogue.approve(version=version, by=doer_of(request))
            return attempt.leads_to("/protocols/")
    return redirect("protocols")
