"""Clear one relative finding of a course, with what its rule asks for; end a clearance again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import carry_out
from clinic.file_fields import ask_for_files_again
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.permissions import requires
from sessions import clearing
from sessions.clearing_page import asked_shown, history_of, why_not_clear
from sessions.forms.clearance import ClearanceForm, EndClearanceForm
from sessions.models import Upload
from sessions.views.fetching import clearance_or_404, course_or_404
from sessions.views.shape import patient_form_page


@requires(Permission.GRANT_CLEARANCE)
@require_http_methods(["GET", "POST"])
def clearance_new(request: StaffRequest, public_id: str, code: str) -> HttpResponse:
    """The finding in full, what its rule asks for, who may clear it, and the form; with what was cleared before."""
    found = course_or_404(request, public_id)
    asked = clearing.asked_for(patient=found.patient, course=found, rule_code=code)
    if asked is None:
        raise Http404
    on_record = list(Upload.objects.standing().filter(patient=found.patient))
    rules = asked.rules
    if request.method == "GET":
        access_log.viewed(request, patient=found.patient, of=found)

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        ask_for_files_again(form)
        context = asked_shown(asked, rules) | {
            "form": form,
            "course": found,
            "patient": found.patient,
            "why_not": why_not_clear(asked, found, request.user),
            "earlier": history_of(found.patient.clearances.filter(rule_code=code), rules),
        }
        with timezone.override(found.site.zone):
            return render(request, "clearances/new.html", context, status=status)

    def clear(_data: dict[str, Any]) -> str:
        clearing.grant(
            patient=found.patient, course=found, rule_code=code, by=doer_of(request), **form.granted()
        )  # fmt: skip
        return reverse("course", args=[found.public_id])

    form = ClearanceForm(
        request.POST or None, request.FILES or None, on_record=on_record, last_day=clearing.last_day(found.site, rules)
    )
    return carry_out(request, form, deed=clear, show=show)


@requires(Permission.GRANT_CLEARANCE)
@require_http_methods(["GET", "POST"])
def clearance_end(request: StaffRequest, public_id: str) -> HttpResponse:
    clearance = clearance_or_404(request, public_id)
    return patient_form_page(
        request, EndClearanceForm(request.POST or None), patient=clearance.patient, title=_("End this clearance?"),
        act=_("End the clearance"), back=reverse("course", args=[clearance.course.public_id]),  # type: ignore[union-attr]
        deed=lambda data: clearing.end(clearance=clearance, reason=data["reason"], by=doer_of(request)),
    )  # fmt: skip
