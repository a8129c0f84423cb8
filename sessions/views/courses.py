"""Courses: choose indication and mixture, see the judgement live, propose, approve, clear findings, stop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import INVALID, carry_out
from clinic.errors import Refused
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.permissions import requires
from patients.models import Patient
from protocols import catalogue
from protocols.choices import Status
from protocols.definitions import Catalogue, Indication, Mixture
from protocols.enabling import allowed_at
from sessions import coursework
from sessions.course_page import course_shown, shown_judgement
from sessions.forms.course import ApproveForm, CourseForm, StopForm
from sessions.models import Course
from sessions.views.fetching import course_or_404, patient_or_404
from sessions.views.shape import patient_form_page


def choice_of(request: StaffRequest, rules: Catalogue) -> tuple[Indication | None, Mixture | None]:
    """Indication and mixture named in the address, as far as they exist and belong together."""
    indication = rules.indications.get(request.GET.get("indication", ""))
    if indication is None or indication.status == Status.WITHDRAWN:
        return None, None
    mixtures = rules.mixtures_for(indication.code)
    chosen = next((one for one in mixtures if one.code == request.GET.get("mixture")), None)
    return indication, chosen or (mixtures[0] if mixtures else None)


def refused_choice(code: str, rules: Catalogue) -> tuple[str, str] | None:
    """Name and reason of something that is not offered, for whoever tried to choose it."""
    language = get_language() or "en"
    refused, known = rules.refused.get(code), rules.indications.get(code)
    if refused is not None:
        return refused.name_in(language), refused.text(language)
    if known is not None and known.status == Status.WITHDRAWN:
        return known.name_in(language), _("What is withdrawn can never be used again; it is kept for history only.")
    return None


@requires(Permission.TREAT, Permission.SEE_CLINICAL)
@require_http_methods(["GET", "POST"])
def course_new(request: StaffRequest, public_id: str) -> HttpResponse:
    """GET chooses; POST proposes, or with `check` only judges (the live pane asks this way)."""
    patient = patient_or_404(request, public_id)
    rules = catalogue.in_force()
    indication, mixture = choice_of(request, rules)
    allowed = allowed_at(request.site, rules)
    context: dict[str, Any] = {
        "patient": patient,
        "indications": [one for one in rules.indications.values() if one.status == Status.ON or one.code in allowed],
        "refused_choice": refused_choice(request.GET.get("indication", ""), rules),
        "indication": indication,
        "mixtures": rules.mixtures_for(indication.code) if indication else (),
        "mixture": mixture,
        "catalogue": catalogue.current(),
    }
    if request.method == "GET":
        access_log.viewed(request, patient=patient)
    if indication is None or mixture is None:
        return render(request, "courses/course_new.html", context)

    def bound() -> CourseForm:
        return CourseForm(
            request.POST or None, site=request.site, rules=rules, indication=indication, mixture=mixture,
            user=request.user,
        )  # fmt: skip

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        # Judged from a copy: a refused form carries the refusal, its plan may still be worth looking at.
        shown = context | {"form": form} | weighed(bound(), patient, rules)
        return render(request, "courses/course_new.html", shown, status=status)

    def propose(_data: dict[str, Any]) -> str:
        course = coursework.propose(patient=patient, wish=form.wish(), by=doer_of(request))
        return reverse("course", args=[course.public_id])

    form = bound()
    if request.method == "POST" and "check" in request.POST:
        return render(
            request, "courses/course_new.html#judged", context | {"form": form} | weighed(form, patient, rules)
        )
    return carry_out(request, form, deed=propose, show=show)


def weighed(form: CourseForm, patient: Patient, rules: Catalogue) -> dict[str, Any]:
    """What is known about the plan in this form; a plan that means nothing is refused beside its field."""
    if not form.is_bound or not form.is_valid():
        return {}
    try:
        return {"judgement": shown_judgement(patient, form.wish(), rules)}
    except Refused as refusal:
        form.refuse(refusal)
        return {}


@requires(Permission.SEE_CLINICAL)
@require_safe
def course(request: StaffRequest, public_id: str) -> HttpResponse:
    """Plan, mixture check, screening, dates and papers of one course, each complaint with what mends it."""
    found = course_or_404(request, public_id)
    access_log.viewed(request, patient=found.patient, of=found)
    return show_course(request, found)


def show_course(
    request: StaffRequest, found: Course, *, refused: HouseForm | None = None, status: int = 200
) -> HttpResponse:
    context = course_shown(found) | {"approve_form": ApproveForm(seen_version=found.version), "refused": refused}
    with timezone.override(found.site.zone):  # times of a course are those of its site, wherever one stands
        return render(request, "courses/course.html", context, status=status)


@requires(Permission.TREAT)
@require_POST
def course_approve(request: StaffRequest, public_id: str) -> HttpResponse:
    found = course_or_404(request, public_id)

    def approve(data: dict[str, Any]) -> str:
        coursework.approve(course=found, seen_version=data["seen_version"], by=doer_of(request))
        return reverse("course", args=[found.public_id])

    def show(form: HouseForm, *, status: int = INVALID, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        return show_course(request, course_or_404(request, public_id), refused=form, status=status)

    return carry_out(request, ApproveForm(request.POST, seen_version=found.version), deed=approve, show=show)


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def course_stop(request: StaffRequest, public_id: str) -> HttpResponse:
    found = course_or_404(request, public_id)
    return patient_form_page(
        request, StopForm(request.POST or None, seen_version=found.version), patient=found.patient,
        title=_("Stop this course?"), act=_("Stop the course"), back=reverse("course", args=[found.public_id]),
        lead=_("Its booked appointments stay and are marked for a decision. Nothing already done is touched."),
        deed=lambda data: coursework.stop(
            course=found, seen_version=data["seen_version"], reason=data["reason"], by=doer_of(request)
        ),
        version_now=lambda: course_or_404(request, public_id).version,
    )  # fmt: skip
