"""“What can this patient have?”, from the patient page: every indication and mixture, each with its reason."""
from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clinic import access_log
from clinic.choices import Permission
from clinic.http import StaffRequest
from clinic.permissions import requires
from patients.views.common import here
from protocols.choices import Category
from sessions.options_page import options_shown
from sessions.views.fetching import patient_or_404


@requires(Permission.SEE_CLINICAL)
@require_safe
def patient_options(request: StaffRequest, public_id: str) -> HttpResponse:
    """Judged for the site one stands at: its country, its clock, and what the medical lead enabled there."""
    patient = patient_or_404(request, public_id)
    access_log.viewed(request, patient=patient)
    wanted = request.GET.get("category", "")
    context = options_shown(
        patient,
        site=here(request),
        category=wanted if wanted in set(Category) else "",
        may_plan=Permission.TREAT in request.permissions,
    )
    return render(request, "options/options.html", context)
