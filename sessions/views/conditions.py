"""Medicines and allergies of a patient. A medicine nobody has classed holds up the start of a session."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import access_log
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.idempotency import once
from clinic.permissions import requires
from patients import conditions
from patients.asking import options_of
from patients.health_forms import AllergyForm, ClassesForm, MedicineForm, ReasonForm
from patients.models import Allergy, Medicine, Patient
from patients.questionnaire import NONE, UNSURE
from patients.views.common import here, visible_patient
from protocols import catalogue
from sessions.views.rescreening import screen_again


@requires(Permission.SEE_CLINICAL)
@require_safe
def medicines(request: StaffRequest, public_id: str) -> HttpResponse:
    patient = visible_patient(request, public_id)
    access_log.viewed(request, patient=patient)
    return show(request, patient)


@requires(Permission.CHANGE_CLINICAL)
@require_POST
def medicine_add(request: StaffRequest, public_id: str) -> HttpResponse:
    patient, form = visible_patient(request, public_id), MedicineForm(request.POST)

    def deed(doer: Doer) -> None:
        conditions.add_medicine(patient=patient, name=form.cleaned_data["name"], by=doer)

    return carry_out(request, patient, form, deed) or show(request, patient, medicine_form=form, status=422)


@requires(Permission.CHANGE_CLINICAL)
@require_http_methods(["GET", "POST"])
def medicine_class(request: StaffRequest, public_id: str, medicine_id: str) -> HttpResponse:
    """Say what kind of medicine it is, or that it is none of the kinds that matter here."""
    patient = visible_patient(request, public_id)
    medicine = get_object_or_404(Medicine, patient=patient, public_id=medicine_id, ended_at=None)
    initial = {"classes": medicine.classes, "none_of_these": medicine.classes == []}
    form = ClassesForm(request.POST or None, choices=class_choices(), initial=initial, seen_version=medicine.version)

    def deed(doer: Doer) -> None:
        conditions.class_medicine(
            medicine=medicine, classes=form.cleaned_data["classes"], known=[code for code, _name in class_choices()],
            seen_version=form.cleaned_data["seen_version"], by=doer,
        )  # fmt: skip

    if request.method == "GET":
        access_log.viewed(request, patient=patient, of=medicine)
    answer = carry_out(request, patient, form, deed) if request.method == "POST" else None
    context = {"patient": patient, "medicine": medicine, "form": form, "examples": class_examples()}
    status = 422 if request.method == "POST" else 200
    return answer or render(request, "intake/medicine_class.html", context, status=status)


@requires(Permission.CHANGE_CLINICAL)
@require_POST
def medicine_end(request: StaffRequest, public_id: str, medicine_id: str) -> HttpResponse:
    patient = visible_patient(request, public_id)
    medicine = get_object_or_404(Medicine, patient=patient, public_id=medicine_id, ended_at=None)
    form = HouseForm(request.POST, seen_version=medicine.version)

    def deed(doer: Doer) -> None:
        conditions.end_medicine(medicine=medicine, seen_version=form.cleaned_data["seen_version"], by=doer)

    return carry_out(request, patient, form, deed) or show(request, patient, trouble=form, status=409)


@requires(Permission.CHANGE_CLINICAL)
@require_POST
def allergy_add(request: StaffRequest, public_id: str) -> HttpResponse:
    patient = visible_patient(request, public_id)
    form = AllergyForm(request.POST, choices=allergen_choices())

    def deed(doer: Doer) -> None:
        conditions.add_allergy(
            patient=patient, known=[code for code, _name in allergen_choices()], by=doer,
            allergen=form.cleaned_data["allergen"], note=form.cleaned_data["note"], severe=form.cleaned_data["severe"],
        )  # fmt: skip

    return carry_out(request, patient, form, deed) or show(request, patient, allergy_form=form, status=422)


@requires(Permission.CHANGE_CLINICAL)
@require_POST
def allergy_none(request: StaffRequest, public_id: str) -> HttpResponse:
    patient, form = visible_patient(request, public_id), HouseForm(request.POST)

    def deed(doer: Doer) -> None:
        conditions.state_no_known_allergies(patient=patient, today=here(request).today(), by=doer)

    return carry_out(request, patient, form, deed) or show(request, patient, trouble=form, status=409)


@requires(Permission.CHANGE_CLINICAL)
@require_http_methods(["GET", "POST"])
def allergy_end(request: StaffRequest, public_id: str, allergy_id: str) -> HttpResponse:
    patient = visible_patient(request, public_id)
    allergy = get_object_or_404(Allergy, patient=patient, public_id=allergy_id, ended_at=None)
    form = ReasonForm(request.POST or None, seen_version=allergy.version)

    def deed(doer: Doer) -> None:
        conditions.end_allergy(
            allergy=allergy, reason=form.cleaned_data["reason"], seen_version=form.cleaned_data["seen_version"], by=doer
        )

    if request.method == "GET":
        access_log.viewed(request, patient=patient, of=allergy)
    answer = carry_out(request, patient, form, deed) if request.method == "POST" else None
    context = {"patient": patient, "form": form, "name": dict(allergen_choices()).get(allergy.allergen, allergy.allergen)}
    status = 422 if request.method == "POST" else 200
    return answer or render(request, "intake/allergy_end.html", context, status=status)


# --- shared -------------------------------------------------------------------------------------------------------------
def carry_out(
    request: StaffRequest, patient: Patient, form: HouseForm, deed: Callable[[Doer], None]
) -> HttpResponse | None:
    """One deed, one effect, one new screening; None when the form has to be shown again with what is wrong."""
    if not form.is_valid():
        return None
    doer = access_log.doer_of(request)
    try:
        with once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            deed(doer)
            screen_again(patient, doer)
            return attempt.leads_to(reverse("medicines", args=[patient.public_id]))
    except Refused as refusal:
        form.refuse(refusal)
        return None


def show(
    request: StaffRequest,
    patient: Patient,
    *,
    medicine_form: MedicineForm | None = None,
    allergy_form: AllergyForm | None = None,
    trouble: HouseForm | None = None,
    status: int = 200,
) -> HttpResponse:
    names, allergens = dict(class_choices()), dict(allergen_choices())
    open_allergies = list(patient.allergies.filter(ended_at=None))
    context: dict[str, Any] = {
        "patient": Patient.objects.get(pk=patient.pk), "trouble": trouble,
        "medicines": [
            {"medicine": one, "classes": None if one.classes is None else [names.get(code, code) for code in one.classes],
             "form": HouseForm(seen_version=one.version)}
            for one in patient.medicines.filter(ended_at=None).select_related("classed_by")
        ],
        "allergies": [{"allergy": one, "name": allergens.get(one.allergen, one.allergen)} for one in open_allergies],
        "medicine_form": medicine_form or MedicineForm(), "allergy_form": allergy_form or AllergyForm(choices=allergen_choices()),
        "none_form": HouseForm(), "may_change": Permission.CHANGE_CLINICAL in request.permissions,
    }  # fmt: skip
    return render(request, "intake/medicines.html", context, status=status)


def class_choices() -> list[tuple[str, str]]:
    language = get_language() or "en"
    return [(code, kind.name.get(language)) for code, kind in catalogue.in_force().medicine_classes.items()]


def class_examples() -> list[tuple[str, str]]:
    language = get_language() or "en"
    kinds = catalogue.in_force().medicine_classes.values()
    return [(kind.name.get(language), ", ".join(kind.examples)) for kind in kinds if kind.examples]


def allergen_choices() -> list[tuple[str, str]]:
    """The answers of the allergy question, then every substance of the catalogue."""
    language = get_language() or "en"
    rules = catalogue.in_force()
    question = rules.questions.get("q-allergy")
    answers = options_of(question) if question else []
    named = [(value, text.get(language)) for value, text in answers if value not in (NONE, UNSURE)]
    return [*named, *((code, substance.name_in(language)) for code, substance in rules.substances.items())]


