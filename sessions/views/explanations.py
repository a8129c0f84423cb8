"""A finding explained to the patient, on a screen turned to them: in their language, large, and ready to print."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import carry_out
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.permissions import check_may, requires
from patients.models import Patient
from sessions import documents
from sessions.explanations import Subject, check_stands, explanation_of, subject_of
from sessions.forms.document import LANGUAGE_CHOICES, LanguageForm
from sessions.models import Course
from sessions.paper_words import printable_language, words_in
from sessions.views.fetching import course_or_404, patient_or_404

VERDICT_ICONS = {
    "blocked": "hand-stop", "needs-clearance": "stethoscope", "wait": "clock", "incomplete": "help-circle",
    "note": "info-circle", "cleared": "circle-check",
}  # fmt: skip


@requires(Permission.SEE_CLINICAL)
@require_http_methods(["GET", "POST"])
def patient_explanation(request: StaffRequest, public_id: str, code: str) -> HttpResponse:
    """A finding of the patient page. POST asks for it on paper."""
    patient = patient_or_404(request, public_id)
    return explain(request, patient=patient, course=None, code=code, back=reverse("patient", args=[patient.public_id]))


@requires(Permission.SEE_CLINICAL)
@require_http_methods(["GET", "POST"])
def course_explanation(request: StaffRequest, public_id: str, code: str) -> HttpResponse:
    """A finding of one course. POST asks for it on paper."""
    course = course_or_404(request, public_id)
    back = reverse("course", args=[course.public_id])
    return explain(request, patient=course.patient, course=course, code=code, back=back)


def explain(request: StaffRequest, *, patient: Patient, course: Course | None, code: str, back: str) -> HttpResponse:
    found = subject_of(patient=patient, course=course, code=code)
    if request.method == "GET":
        if found is None:
            raise Http404
        access_log.viewed(request, patient=patient, of=course)
    subject = check_stands(found)
    language = printable_language(request.GET.get("language") or patient.language)

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        return shown(request, subject, form, language=language, back=back, status=status)

    def to_paper(data: dict[str, Any]) -> str:
        check_may(request.user, Permission.CHANGE_PERSON, request.site)
        made = documents.issue_explanation(
            patient=patient, course=course, code=code, by=doer_of(request), language=data["language"]
        )
        return reverse("document", args=[made.public_id])

    form = LanguageForm(request.POST or None, initial={"language": language})
    return carry_out(request, form, deed=to_paper, show=show)


def shown(
    request: StaffRequest, subject: Subject, form: HouseForm, *, language: str, back: str, status: int
) -> HttpResponse:
    """The whole page in the patient's language, its buttons too: the patient reads over the clinician's shoulder."""
    with translation.override(language):
        context = {
            "said": (said := explanation_of(subject, language=language)),
            "words": words_in(language)["explanation"],
            "verdict_icon": VERDICT_ICONS[said.outcome],
            "languages": [
                {"code": code, "name": name, "active": code == language, "url": f"?language={code}"}
                for code, name in LANGUAGE_CHOICES
            ],
            "languages_label": _("Language"),
            "language": language,
            "form": form,
            "back": back,
        }
        return render(request, "explanations/explanation.html", context, status=status)
