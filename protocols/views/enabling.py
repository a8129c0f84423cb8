"""What is allowed at the current site although it is off or locked: by whom, why, on which legal basis; and ending it."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import form_page
from clinic.http import StaffRequest
from clinic.permissions import requires
from protocols import catalogue, enabling
from protocols.choices import Status
from protocols.enabling_forms import EnableForm, EndForm
from protocols.models import Enablement
from protocols.version_page import language


@requires(Permission.SEE_CATALOGUE)
@require_safe
def enablements(request: StaffRequest) -> HttpResponse:
    """The site's list, open ones first, and what no one can allow here."""
    site, rules = request.site, catalogue.in_force()
    entries = {one.code: one for one in enabling.entries_with_status(rules)}
    rows = Enablement.objects.filter(site=site).select_related("enabled_by", "ended_by").order_by("-ended_at", "-enabled_at")
    context = {
        "rows": [{"row": row, "name": entries[row.code].name_in(language()) if row.code in entries else row.code,
                  "counts": enabling.counts(row, entries.get(row.code), site)}
                 for row in sorted(rows, key=lambda row: row.ended_at is not None)],
        "never": [(one, enabling.refusal_to_enable(one, site)) for one in entries.values()
                  if one.status == Status.WITHDRAWN or site.country in getattr(one, "never_in", ())],
        "crumbs": [(_("Protocols"), reverse("protocols")), (_("Allowed at this site"), "")],
    }  # fmt: skip
    return render(request, "protocols/enablements.html", context)


@requires(Permission.APPROVE_CATALOGUE)
@require_http_methods(["GET", "POST"])
def enablement_new(request: StaffRequest) -> HttpResponse:
    form = EnableForm(request.POST or None, rules=catalogue.in_force(), site=request.site,
                      initial={"code": request.GET.get("code", "")})  # fmt: skip
    return form_page(
        request, form, title=_("Allow at %(site)s") % {"site": request.site.name}, act=_("Allow"),
        lead=_("Only what is off or locked stands here. Plans with it are possible from now on, at this site only."),
        back=reverse("enablements"),
        deed=lambda data: enabling.enable(
            site=request.site, code=data["code"], reason=data["reason"], legal_basis=data["legal_basis"], by=doer_of(request)),
    )  # fmt: skip


@requires(Permission.APPROVE_CATALOGUE)
@require_http_methods(["GET", "POST"])
def enablement_end(request: StaffRequest, public_id: str) -> HttpResponse:
    found = get_object_or_404(Enablement.objects.select_related("site"), public_id=public_id, site=request.site)
    return form_page(
        request, EndForm(request.POST or None), title=_("No longer allow %(code)s") % {"code": found.code}, act=_("End it"),
        lead=_("Plans with it are refused from now on; what was given stays as it is recorded."),
        back=reverse("enablements"),
        deed=lambda data: enabling.end(enablement=found, reason=data["reason"], by=doer_of(request)),
    )  # fmt: skip
