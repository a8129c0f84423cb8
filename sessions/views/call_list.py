"""The call list of a site, and the log of what came of each call."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import carry_out
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.permissions import requires
from patients.models import Patient
from patients.views.common import here
from patients.views.search import clean_query, pick
from protocols import catalogue
from sessions import call_list
from sessions.call_list import Asked, entries
from sessions.calling_page import lines_of
from sessions.forms.calling import CallForm
from sessions.models import CallNote, CallOutcome, CallReason
from sessions.views.fetching import patient_or_404
from sessions.waiting_page import desk_tabs

REASONS = {"": "", **{str(value): str(label) for value, label in CallReason.choices}}


@requires(Permission.SEE_PERSON)
@require_safe
def call_list_page(request: StaffRequest) -> HttpResponse:
    site = here(request)
    asked = Asked(reason=pick(request, "reason", REASONS, ""), typed=clean_query(request))
    rules = catalogue.in_force()
    rows = entries(site=site, patients=Patient.objects.visible_to(request.user), rules=rules, asked=asked)
    page, found = call_list.page_of(rows, request.GET.get("page"), site=site)
    access_log.viewed(request)
    context = {
        "page": page, "lines": lines_of(found, site, rules), "asked": asked, "site": site, "tabs": desk_tabs("call-list"),
        "reasons": [("", _("Every reason")), *((str(value), label) for value, label in CallReason.choices)],
        "outcomes": CallOutcome.choices, "may_change": Permission.CHANGE_PERSON in request.permissions,
    }  # fmt: skip
    return render(request, "waiting/calls.html", context)


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def call_log(request: StaffRequest, public_id: str) -> HttpResponse:
    """What came of one call; the earlier calls about the same stand below. Patient in the path, subject in the address."""
    patient = patient_or_404(request, public_id)
    subject, reason = said(request, "subject")[:40], said(request, "reason")
    if reason not in CallReason.values or not subject:
        raise Http404
    first = said(request, "outcome")
    form = CallForm(request.POST or None, initial={"outcome": first if first in CallOutcome.values else None})
    back = f"{reverse('call-list')}"

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        del theirs
        context = {
            "form": form, "patient": patient, "subject": subject, "reason": reason, "back": back,
            "reason_label": CallReason(reason).label,
            "earlier": CallNote.objects.filter(patient=patient).select_related("called_by")[:10],
        }  # fmt: skip
        return render(request, "waiting/call_log.html", context, status=status)

    def deed(data: dict[str, Any]) -> str:
        call_list.log(
            patient=patient, site=here(request), reason=reason, subject=subject, outcome=data["outcome"],
            again_on=data["again_on"], note=data["note"], by=doer_of(request),
        )  # fmt: skip
        messages.success(request, _("Saved."))
        return back

    if request.method == "GET":
        access_log.viewed(request, patient=patient)
    return carry_out(request, form, deed=deed, show=show)


def said(request: StaffRequest, name: str) -> str:
    """From the form when it was sent, else from the address."""
    values = request.POST if request.method == "POST" else request.GET
    return values.get(name, "").replace("\x00", "")[:64]
