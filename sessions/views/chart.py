"""The patient page: safety above everything, then what happened, what is next and why it is allowed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic import access_log
from clinic.choices import Permission
from clinic.permissions import requires
from patients.models import Patient
from protocols import catalogue
from sessions import charting, screenings
from sessions.explaining import alerts_of, answer_in_words, outcome_pill, shown_findings
from sessions.models import Consent, Document, Message

TABS = ("timeline", "plan", "forms", "messages", "documents")


def tabs_for(patient: Patient, active: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    words = {
        "timeline": _("Timeline"),
        "plan": _("Plan"),
        "forms": _("Forms and consent"),
        "messages": _("Messages"),
        "documents": _("Documents"),
    }
    url = reverse("patient", args=[patient.public_id])
    return [
        {"label": words[tab], "url": f"{url}?tab={tab}", "active": tab == active, "count": counts.get(tab)}
        for tab in TABS
    ]


@requires(Permission.SEE_PERSON)
@require_safe
def patient(request: HttpRequest, public_id: str) -> HttpResponse:
    """One page for every role: what a role may not see never enters the context."""
    found = get_object_or_404(
        Patient.objects.visible_to(request.user).select_related("registered_at", "merged_into"), public_id=public_id
    )
    access_log.viewed(request, patient=found, of=found)
    rules = catalogue.in_force()
    clinical = Permission.SEE_CLINICAL in request.permissions
    headline = Permission.SEE_HEADLINE in request.permissions
    tab = request.GET.get("tab", "timeline")
    tab = tab if tab in TABS else "timeline"
    context: dict[str, Any] = {
        "patient": found,
        "age": charting.age_on(found.birth_date, found.registered_at.today()),
        "tab": tab,
        "clinical": clinical,
        "headline": headline,
        "alerts": [],
    }
    courses = charting.courses_of(found, rules)
    context["courses"] = courses
    screening = screenings.latest(found) if headline else None
    if screening is not None:
        context |= seen_of_screening(screening, rules, clinical=clinical)
    if headline:
        context["alerts"] = charting.allergy_lines(found, rules) + context["alerts"]
    documents = Document.objects.filter(patient=found).defer("pdf").select_related("site", "requested_by")
    messages = Message.objects.filter(patient=found).defer("text", "html")
    context["tabs"] = tabs_for(
        found, tab, {"plan": len(courses), "messages": messages.count(), "documents": documents.count()}
    )
    if tab == "timeline":
        context["visits"] = charting.visits_of(found, rules, clinical=clinical)
    elif tab == "forms":
        context["responses"] = found.responses.select_related("submitted_by")
        context["consents"] = Consent.objects.filter(patient=found).select_related("course")
    elif tab == "messages":
        context["messages_of_patient"] = messages[:50]
    elif tab == "documents":
        context["documents"] = documents[:100]
    return render(request, "chart/patient.html", context)


def seen_of_screening(screening: Any, rules: Any, *, clinical: bool) -> dict[str, Any]:
    """The headline for everybody who sees headlines; findings and answers only for clinical roles."""
    findings = shown_findings(screening, rules)
    alerts = alerts_of(findings)
    seen: dict[str, Any] = {
        "pill": outcome_pill(screening.outcome, screening.wait_until, screening.open_ended),
        "screened_at": screening.evaluated_at,
        "alerts": alerts if clinical else [line | {"text": ""} for line in alerts],
        "missing_count": len(screening.missing),
    }
    if clinical:
        seen |= {
            "findings": findings,
            "missing": [answer_in_words(code, "", rules) for code in screening.missing],
            "to_do": [answer_in_words(code, "", rules).rstrip(": ") for code in screening.to_do],
            "nothing_found": max(len(rules.questions) - len(screening.missing) - len(findings), 0),
        }
    return seen
