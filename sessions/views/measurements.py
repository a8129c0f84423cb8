"""Readings of the body: enter several at once, see the history, withdraw a wrong one."""
from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import access_log
from clinic.choices import Permission
from clinic.errors import Refused
from clinic.http import StaffRequest
from clinic.idempotency import once
from clinic.permissions import requires
from patients import measuring
from patients.health_forms import MeasurementsForm, ReasonForm, word_of
from patients.measuring import figure
from patients.models import Measurement, Patient
from patients.views.common import here, visible_patient
from protocols import catalogue
from sessions.views.rescreening import screen_again

# The order in which a nurse takes them; what is not named here follows.
FIRST = ("m-bp", "m-weight", "m-height", "m-asa", "m-fitzpatrick", "m-cops")
COMPUTED = frozenset({"m-bmi"})  # from weight and height, never typed where both can be


@requires(Permission.SEE_CLINICAL)
@require_http_methods(["GET", "POST"])
def measurements(request: StaffRequest, public_id: str) -> HttpResponse:
    patient = visible_patient(request, public_id)
    if request.method == "GET":
        access_log.viewed(request, patient=patient)
        return show(request, patient, form_for(request, patient))
    if Permission.CHANGE_CLINICAL not in request.permissions:
        access_log.denied(request, Permission.CHANGE_CLINICAL)
        raise Refused(_("Your role does not allow you to record measurements."))
    form = form_for(request, patient)
    if form.is_valid():
        doer = access_log.doer_of(request)
        try:
            with once(request) as attempt:
                if attempt.answer:
                    return redirect(attempt.answer)
                for reading in form.readings():
                    measuring.record_measurement(
                        patient=patient, reading=reading, taken_on=form.cleaned_data["taken_on"],
                        today=here(request).today(), by=doer,
                    )  # fmt: skip
                screen_again(patient, doer)
                messages.success(request, _("Saved."))
                return attempt.leads_to(reverse("measurements", args=[public_id]))
        except Refused as refusal:
            form.refuse(refusal)
    return show(request, patient, form, status=422)


@requires(Permission.CHANGE_CLINICAL)
@require_http_methods(["GET", "POST"])
def measurement_withdraw(request: StaffRequest, public_id: str, measurement_id: str) -> HttpResponse:
    patient = visible_patient(request, public_id)
    measurement = get_object_or_404(Measurement, patient=patient, public_id=measurement_id)
    form = ReasonForm(request.POST or None)
    if request.method == "GET":
        access_log.viewed(request, patient=patient, of=measurement)
    if request.method == "POST" and form.is_valid():
        doer = access_log.doer_of(request)
        try:
            with once(request) as attempt:
                if attempt.answer:
                    return redirect(attempt.answer)
                measuring.withdraw(measurement=measurement, reason=form.cleaned_data["reason"], by=doer)
                screen_again(patient, doer)
                return attempt.leads_to(reverse("measurements", args=[public_id]))
        except Refused as refusal:
            form.refuse(refusal)
    context = {"patient": patient, "form": form, "row": row_of(measurement)}
    return render(request, "intake/withdraw.html", context, status=422 if request.method == "POST" else 200)


def scales() -> dict[str, Any]:
    known = catalogue.in_force().measurements
    order = [*(code for code in FIRST if code in known), *(code for code in known if code not in FIRST)]
    return {code: known[code] for code in order if code not in COMPUTED}


def form_for(request: StaffRequest, patient: Patient) -> MeasurementsForm:
    return MeasurementsForm(
        request.POST or None, scales=scales(), language=get_language() or "en", today=here(request).today(),
        born=patient.birth_date,
    )  # fmt: skip


def show(request: StaffRequest, patient: Patient, form: MeasurementsForm, *, status: int = 200) -> HttpResponse:
    history = list(patient.measurements.select_related("recorded_by"))
    context = {
        "patient": patient, "form": form, "rows": [row_of(one) for one in history],
        "may_change": Permission.CHANGE_CLINICAL in request.permissions,
    }  # fmt: skip
    return render(request, "intake/measurements.html", context, status=status)


def row_of(measurement: Measurement) -> dict[str, Any]:
    known = catalogue.in_force().measurements.get(measurement.code)
    unit = known.unit if known else ""
    if measurement.value is None:
        shown = word_of(measurement.code, measurement.text)
    else:
        value = measurement.value.normalize()
        shown = figure(value if value == value.to_integral() else measurement.value.normalize(), unit)
        if measurement.second is not None:
            shown = f"{int(measurement.value)}/{int(measurement.second)} {unit}"
    return {"measurement": measurement, "shown": shown,
            "name": known.name.get(get_language() or "en") if known else measurement.code}  # fmt: skip
