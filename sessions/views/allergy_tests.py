"""Allergy tests of the products a course brings for the first time."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.errors import Refused
from clinic.idempotency import once
from clinic.permissions import requires
from patients.models import Patient
from protocols import catalogue
from sessions import allergy_testing, gates
from sessions.forms.allergy_test import PlaceForm, ReadForm
from sessions.models import AllergyTest
from sessions.views.records import record_or_404


@requires(Permission.TREAT, Permission.SEE_CLINICAL)
@require_http_methods(["GET", "POST"])
def allergy_tests(request: HttpRequest, public_id: str) -> HttpResponse:
    """Tests of this patient, and placing one for a new product of the plan."""
    record = record_or_404(request, public_id)
    rules = catalogue.in_force()
    language = get_language() or "en"
    site = record.appointment.site
    products = [
        (code, rules.substances[code].name_in(language)) for code in sorted(gates.new_products(gates.case_of(record)))
    ]
    form = PlaceForm(request.POST or None, site=site, products=products)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                with once(request) as attempt:
                    if attempt.answer:
                        return redirect(attempt.answer)
                    allergy_testing.place(
                        patient=record.patient, site=site, substance=form.cleaned_data["substance"],
                        placed_at=form.cleaned_data["placed_at"], by=doer_of(request),
                    )  # fmt: skip
                    return attempt.leads_to(reverse("allergy-tests", args=[public_id]))
            except Refused as refusal:
                form.refuse(refusal)
    access_log.viewed(request, patient=record.patient)
    tests = [
        (
            test,
            rules.substances[test.substance].name_in(language)
            if test.substance in rules.substances
            else test.substance,
        )
        for test in AllergyTest.objects.filter(patient=record.patient).select_related("placed_by", "read_by")
    ]
    context = {"form": form, "patient": record.patient, "record": record, "tests": tests, "products": products}
    return render(request, "records/allergy_tests.html", context, status=status)


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def allergy_test_read(request: HttpRequest, public_id: str) -> HttpResponse:
    test = get_object_or_404(
        AllergyTest.objects.select_related("patient"),
        public_id=public_id, patient__in=Patient.objects.visible_to(request.user),
    )  # fmt: skip
    form = ReadForm(request.POST or None, site=request.site)  # type: ignore[attr-defined]
    back = reverse("patient", args=[test.patient.public_id])
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                with once(request) as attempt:
                    if attempt.answer:
                        return redirect(attempt.answer)
                    data = form.cleaned_data
                    allergy_testing.read(
                        test=test, site=request.site, read_at=data["read_at"], wheal_mm=data["wheal_mm"],  # type: ignore[attr-defined]
                        rash=data["rash"] == "yes", by=doer_of(request),
                    )  # fmt: skip
                    return attempt.leads_to(back)
            except Refused as refusal:
                form.refuse(refusal)
    context = {
        "form": form,
        "patient": test.patient,
        "title": _("Read the allergy test"),
        "act": _("Record"),
        "back": back,
    }
    return render(request, "courses/one_form.html", context, status=status)
