"""A check-in as the clinic sees it: the answers, the picture, what they suggest, and that somebody has looked."""
from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import act_page
from clinic.http import StaffRequest
from clinic.permissions import requires
from patients.models import Patient
from protocols import catalogue
from sessions import checking_in
from sessions.forms.check_in import SURE, SWELLING, SeenForm
from sessions.messaging import CHECK_IN_CAUSE
from sessions.models import CheckIn, Message


def check_in_or_404(request: StaffRequest, public_id: str) -> CheckIn:
    """Only of patients this person may see."""
    found: CheckIn = get_object_or_404(
        CheckIn.objects.select_related("patient", "site", "treatment_session__appointment__site", "event", "seen_by"),
        public_id=public_id, patient__in=Patient.objects.visible_to(request.user),
    )  # fmt: skip
    return found


@requires(Permission.SEE_CLINICAL)
@require_safe
def check_in(request: StaffRequest, public_id: str) -> HttpResponse:
    found = check_in_or_404(request, public_id)
    access_log.viewed(request, patient=found.patient, of=found)
    language = get_language() or "en"
    context = {
        "check_in": found, "patient": found.patient, "given": given_in_words(found, language),
        "met": [(one.name_in(language), one.text(language)) for one in checking_in.words_of(found)],
        "answered": found.answered_at.astimezone(found.site.zone),
        "mails": Message.objects.filter(cause_kind=CHECK_IN_CAUSE, cause_public_id=found.public_id).defer("text", "html"),
        "form": SeenForm(seen_version=found.version), "may_change": Permission.CHANGE_CLINICAL in request.permissions,
    }  # fmt: skip
    return render(request, "check_ins/check_in.html", context)


def given_in_words(found: CheckIn, language: str) -> dict[str, Any]:
    signs = catalogue.in_force().check_ins
    answers = found.answers
    return {
        "signs": [signs[code].name_in(language) for code in answers["signs"] if code in signs],
        "swelling": dict(SWELLING).get(answers["swelling"], ""),
        "fever": dict(SURE).get(answers["fever"], ""),
        "lump": dict(SURE).get(answers["lump"], ""),
        "note": answers["note"],
    }


@requires(Permission.CHANGE_CLINICAL)
@require_POST
def check_in_seen(request: StaffRequest, public_id: str) -> HttpResponse:
    found = check_in_or_404(request, public_id)
    return act_page(
        request, SeenForm(request.POST, seen_version=found.version), back=reverse("check-in", args=[found.public_id]),
        deed=lambda data: checking_in.mark_seen(check_in=found, seen_version=data["seen_version"], by=doer_of(request)),
    )  # fmt: skip


@requires(Permission.SEE_CLINICAL)
@require_safe
def check_in_photo(request: StaffRequest, public_id: str) -> HttpResponse:
    """The picture, drawn anew when it came: nothing but pixels is left of what was sent."""
    found = check_in_or_404(request, public_id)
    if not found.photo_name:
        raise Http404
    content = checking_in.photo_of(found)
    access_log.viewed(request, patient=found.patient, of=found)
    return HttpResponse(content, content_type=found.photo_type, headers={"X-Content-Type-Options": "nosniff"})
