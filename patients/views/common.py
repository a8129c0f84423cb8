"""What the pages of this floor share: the site one stands at, and a patient one may see."""
from __future__ import annotations

from django.http import Http404
from django.urls import reverse

from clinic.http import StaffRequest
from clinic.models import Site
from patients.models import Patient


def here(request: StaffRequest) -> Site:
    """The site chosen in the frame."""
    return request.site


def visible_patient(request: StaffRequest, public_id: str) -> Patient:
    """The patient with this id, or 404 for one this person may not see: absent and foreign look alike."""
    patient: Patient | None = (
        Patient.objects.visible_to(request.user).select_related("registered_at").filter(public_id=public_id).first()
    )
    if patient is None:
        raise Http404
    return patient


def chart_url(patient: Patient) -> str:
    return reverse("patient", args=[patient.public_id])
