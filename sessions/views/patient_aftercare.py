"""Aftercare as a live page behind the link of the mail: what is allowed now, what opens next, when to call."""
from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic import access_log
from clinic.permissions import by_patient_link
from patients.labels import LinkPurpose
from patients.models import PatientLink
from patients.views.gate import behind_gate
from sessions.aftercare_page import last_treatment, page_of
from sessions.views.patient_appointment import zone_city


@by_patient_link((LinkPurpose.AFTERCARE,))
@require_safe
@behind_gate(LinkPurpose.AFTERCARE)
def patient_aftercare(request: HttpRequest, *, link: PatientLink) -> HttpResponse:
    """Always of the last treatment that ended, whichever sheet the link came with: an older one no longer holds."""
    record = last_treatment(link.patient)
    if record is None:
        raise Http404
    access_log.viewed(request, patient=link.patient, of=record)
    page = page_of(record, now=timezone.now(), language=request.LANGUAGE_CODE)
    context = {
        "page": page, "site": record.appointment.site, "patient": link.patient, "zone_city": zone_city(record.appointment),
    }  # fmt: skip
    return render(request, "patient_pages/aftercare.html", context)
