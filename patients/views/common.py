"""What the pages of this floor share: the site one stands at, and a patient one may see."""
from __future__ import annotations

from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.errors import Refused
from clinic.models import Site
from patients.models import Patient


def here(request: HttpRequest) -> Site:
    """The site chosen in the frame. Raises `Refused` for a person whose sites are all closed."""
    site: Site | None = request.site  # type: ignore[attr-defined]
    if site is None:
        raise Refused(_("You work at no open site. Ask a manager to open one or to add you."))
    return site


def visible_patient(request: HttpRequest, public_id: str) -> Patient:
    """The patient with this id, or 404 for one this person may not see: absent and foreign look alike."""
    patient: Patient | None = (
        Patient.objects.visible_to(request.user).select_related("registered_at").filter(public_id=public_id).first()
    )
    if patient is None:
        raise Http404
    return patient


def chart_url(patient: Patient) -> str:
    return reverse("patient", args=[patient.public_id])
