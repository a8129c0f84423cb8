"""The patient page: safety above everything, then what happened, what is next and why it is allowed."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clinic import access_log
from clinic.choices import Permission
from clinic.http import StaffRequest
from clinic.permissions import requires
from protocols import catalogue
from sessions import charting, photo_permission
from sessions.attendance import attendance_of
from sessions.clearing_page import papers_of
from sessions.language_note import lacking_in
from sessions.models import Consent, Document, Message
from sessions.views.fetching import patient_or_404


@requires(Permission.SEE_PERSON)
@require_safe
def patient(request: StaffRequest, public_id: str) -> HttpResponse:
    """One page for every role: what a role may not see never enters the context."""
    found = patient_or_404(request, public_id)
    access_log.viewed(request, patient=found, of=found)
    rules = catalogue.in_force()
    held = request.permissions
    clinical = Permission.SEE_CLINICAL in held
    tab = request.GET.get("tab", "timeline")
    tab = tab if tab in charting.TABS else "timeline"
    courses = charting.courses_of(found, rules)
    documents = Document.objects.filter(patient=found).open_to(held).defer("pdf").select_related("site", "requested_by")
    messages = Message.objects.filter(patient=found).defer("text", "html")
    context: dict[str, Any] = {
        "patient": found,
        "age": charting.age_on(found.birth_date, found.registered_at.today()),
        "tab": tab,
        "clinical": clinical,
        "courses": courses,
        "attendance": attendance_of(found),
        "texts_in_english": lacking_in(found.language, rules),
        "arrived": (arrived := charting.arrived_now(found)),
        "arrived_has_record": hasattr(arrived, "treatment_session"),
        "tabs": charting.tabs_for(
            found, tab, {"plan": len(courses), "messages": messages.count(), "documents": documents.count()}
        ),
    }
    if Permission.SEE_HEADLINE in held:
        context |= charting.safety_of(found, rules, clinical=clinical) | {"headline": True}
    if tab == "timeline":
        context["visits"] = charting.visits_of(found, rules, clinical=clinical)
    elif tab == "forms":
        context["responses"] = found.responses.select_related("submitted_by")
        context["consents"] = Consent.objects.filter(patient=found).with_papers().select_related("course")
        photos = photo_permission.permission_of(found)
        context["photos_ended"] = photos.ended(request.LANGUAGE_CODE)
        for card in courses:
            photo_permission.put_words(card.course.consents.all(), photos, request.LANGUAGE_CODE)
        if clinical:
            context["papers"] = papers_of(found, rules)
    elif tab == "messages":
        context["messages_of_patient"] = messages[:50]
    elif tab == "documents":
        context["documents"] = documents[:100]
    return render(request, "chart/patient.html", context)
