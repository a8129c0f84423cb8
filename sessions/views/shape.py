"""Form pages about a patient: the shape of `clinic.deeds`, saying whose page it is and noting who looked."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from clinic import access_log, deeds
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from patients.models import Patient


def patient_form_page(request: StaffRequest, form: HouseForm, *, patient: Patient, **page: Any) -> HttpResponse:
    """`page`: title, act, back, deed and what else `clinic.deeds.form_page` takes."""
    if request.method == "GET":
        access_log.viewed(request, patient=patient)
    return deeds.form_page(request, form, patient=patient, **page)
