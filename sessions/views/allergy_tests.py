"""Allergy tests of the products a course brings for the first time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import carry_out
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.permissions import requires
from patients.views.common import here
from protocols import catalogue
from sessions import allergy_testing, gates
from sessions.choices import RecordStatus
from sessions.explaining import name_of
from sessions.forms.allergy_test import PlaceForm, ReadForm
from sessions.gathering import facts_of
from sessions.models import AllergyTest, Course, TreatmentSession
from sessions.plans import plan_of
from sessions.views.fetching import allergy_test_or_404, course_or_404
from sessions.views.shape import patient_form_page


def open_session_of(course: Course) -> TreatmentSession | None:
    """The session that waits for the test, if one is open: the page leads back to it."""
    return TreatmentSession.objects.filter(course=course, status=RecordStatus.OPEN).select_related("appointment").first()


def back_from(test: AllergyTest) -> str:
    """The tests of the running course that brings this product, else the patient."""
    courses = Course.objects.for_patient(test.patient).running().filter(items__substance=test.substance)
    course = courses.order_by("-created_at").first()
    if course is None:
        return reverse("patient", args=[test.patient.public_id])
    return reverse("allergy-tests", args=[course.public_id])


@requires(Permission.TREAT, Permission.SEE_CLINICAL)
@require_http_methods(["GET", "POST"])
def allergy_tests(request: StaffRequest, public_id: str) -> HttpResponse:
    """Tests of this patient, and placing one for a new product of the course: at least 24 hours before its first use."""
    course = course_or_404(request, public_id)
    rules, site, patient = catalogue.in_force(), course.site, course.patient
    substances = rules.substances
    new = sorted(
        gates.new_products(plan=plan_of(course), facts=facts_of(patient), today=site.today(), rules=rules)
    )
    form = PlaceForm(request.POST or None, site=site, products=[(code, name_of(code, substances)) for code in new])

    def place(data: dict[str, Any]) -> str:
        allergy_testing.place(
            patient=patient, site=site, substance=data["substance"], placed_at=data["placed_at"],
            by=doer_of(request),
        )  # fmt: skip
        return reverse("allergy-tests", args=[public_id])

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        tests = AllergyTest.objects.filter(patient=patient).select_related("placed_by", "read_by")
        context = {
            "form": form, "patient": patient, "course": course, "products": new, "session": open_session_of(course),
            "tests": [(test, name_of(test.substance, substances)) for test in tests],
        }  # fmt: skip
        return render(request, "records/allergy_tests.html", context, status=status)

    if request.method == "GET":
        access_log.viewed(request, patient=patient)
    return carry_out(request, form, deed=place, show=show)


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def allergy_test_read(request: StaffRequest, public_id: str) -> HttpResponse:
    test, site = allergy_test_or_404(request, public_id), here(request)
    return patient_form_page(
        request, ReadForm(request.POST or None, site=site), patient=test.patient, title=_("Read the allergy test"),
        act=pgettext("act", "Record"), back=back_from(test),
        lead=name_of(test.substance, catalogue.in_force().substances),
        deed=lambda data: allergy_testing.read(
            test=test, site=site, read_at=data["read_at"], wheal_mm=data["wheal_mm"], rash=data["rash"] == "yes",
            by=doer_of(request),
        ),
    )  # fmt: skip
