"""Registering, changing and asking to open a patient's record."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import access_log
from clinic.choices import Permission
from clinic.errors import Refused, Stale
from clinic.http import StaffRequest
from clinic.idempotency import once
from clinic.permissions import requires
from patients import records
from patients.duplicates import Likely
from patients.finding import Glimpse
from patients.forms import OpenForm, PersonForm
from patients.models import Patient
from patients.records import LooksLikeAnother
from patients.views.common import chart_url, here, visible_patient


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def patient_new(request: StaffRequest) -> HttpResponse:
    site = here(request)
    if request.method == "GET":
        return show(request, PersonForm(site=site, initial=typed_before(request)))
    form = PersonForm(request.POST, site=site)
    if not form.is_valid():
        return show(request, form, status=422)
    try:
        with once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            patient = records.register(
                values=form.values, site=site, by=access_log.doer_of(request),
                different_person=form.cleaned_data["different_person"],
            )  # fmt: skip
            messages.success(request, _("%(name)s is registered.") % {"name": patient.name})
            return attempt.leads_to(chart_url(patient))
    except Refused as refusal:
        return show_refusal(request, form, refusal)


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def patient_edit(request: StaffRequest, public_id: str) -> HttpResponse:
    site, patient = here(request), visible_patient(request, public_id)
    if request.method == "GET":
        access_log.viewed(request, patient=patient)
        return show(request, PersonForm(instance=patient, site=site), patient=patient)
    form = PersonForm(request.POST, instance=Patient.objects.get(pk=patient.pk), site=site)
    if not form.is_valid():
        return show(request, form, patient=patient, status=422)
    try:
        with once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            records.amend(
                patient=patient, values=form.values, seen_version=form.cleaned_data["seen_version"],
                by=access_log.doer_of(request), different_person=form.cleaned_data["different_person"],
            )  # fmt: skip
            messages.success(request, _("Saved."))
            return attempt.leads_to(chart_url(patient))
    except Refused as refusal:
        return show_refusal(request, form, refusal, patient=patient)


@requires(Permission.SEE_PERSON)
@require_http_methods(["GET", "POST"])
def patient_open(request: StaffRequest, public_id: str) -> HttpResponse:
    """A limited role asks for a record of another site: with a reason, logged, from then on known here."""
    patient = Patient.objects.current().filter(public_id=public_id).first()
    if patient is None:
        raise Http404
    if Patient.objects.visible_to(request.user).filter(pk=patient.pk).exists():
        return redirect(chart_url(patient))
    form = OpenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with once(request) as attempt:
                records.know_at(
                    patient=patient, site=here(request), by=access_log.doer_of(request),
                    reason=form.cleaned_data["reason"],
                )  # fmt: skip
                return attempt.leads_to(chart_url(patient))
        except Refused as refusal:
            form.refuse(refusal)
    status = 422 if request.method == "POST" else 200
    return render(request, "patients/open.html", {"form": form, "glimpse": Glimpse.of(patient)}, status=status)


# --- showing ----------------------------------------------------------------------------------------------------------
def show(
    request: StaffRequest,
    form: PersonForm,
    *,
    patient: Patient | None = None,
    likely: Sequence[dict[str, Any]] = (),
    theirs: Sequence[tuple[str, str]] = (),
    status: int = 200,
) -> HttpResponse:
    back = chart_url(patient) if patient else ""
    context = {"form": form, "patient": patient, "likely": likely, "theirs": theirs, "cancel_url": back}
    return render(request, "patients/edit.html", context, status=status)


def show_refusal(
    request: StaffRequest, form: PersonForm, refusal: Refused, *, patient: Patient | None = None
) -> HttpResponse:
    """The form again with everything typed, and beside it whom it resembles or what somebody else saved."""
    if isinstance(refusal, LooksLikeAnother):
        form.offer_different_person()
        return show(request, form, patient=patient, likely=shown_likely(request, refusal.likely), status=422)
    form.refuse(refusal)
    if isinstance(refusal, Stale) and patient is not None:
        form.see_again(Patient.objects.only("version").get(pk=patient.pk).version)
        return show(request, form, patient=patient, theirs=refusal.theirs, status=409)
    return show(request, form, patient=patient, status=422)


def shown_likely(request: StaffRequest, likely: Sequence[Likely]) -> list[dict[str, Any]]:
    """Each lookalike with its link; of a record this person may not see, only name and birth year."""
    ids = [one.patient.pk for one in likely]
    seen = set(Patient.objects.visible_to(request.user).filter(pk__in=ids).values_list("pk", flat=True))
    return [
        {"patient": one.patient if one.patient.pk in seen else None, "glimpse": Glimpse.of(one.patient), "reasons": one.reasons}
        for one in likely
    ]


def typed_before(request: StaffRequest) -> dict[str, str]:
    """A name typed into the search box is not typed twice."""
    words = request.GET.get("name", "").replace("\x00", "")[:160].split()
    if not words or not all(any(sign.isalpha() for sign in word) for word in words):
        return {}
    return {"given_name": " ".join(words[:-1]) or words[0], "family_name": words[-1] if len(words) > 1 else ""}
