"""The audit log: who, when, what, about whom. It shows patients' names, so it lives on this floor."""
from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from clinic import access_log, audit_reading
from clinic.choices import AccessCategory, Permission
from clinic.forms import check_one_line
from clinic.http import StaffRequest
from clinic.models import AccessEvent, AuditEvent
from clinic.permissions import requires
from patients.forms import DayField
from patients.models import Patient
from patients.views.common import here

PAGE_SIZE = 50
MOST_PATIENTS = 200
LOOKS = "looks"


class LogFilter(forms.Form):
    who = forms.CharField(label=_("Who"), max_length=80, required=False, validators=[check_one_line])
    whom = forms.CharField(label=_("Patient"), max_length=80, required=False, validators=[check_one_line])
    action = forms.CharField(label=_("What"), max_length=48, required=False, validators=[check_one_line])
    first_day = DayField(label=_("From"), required=False)
    last_day = DayField(label=_("To"), required=False)

    def clean_last_day(self) -> dt.date | None:
        first, last = self.cleaned_data.get("first_day"), self.cleaned_data["last_day"]
        if first and last and last < first:
            raise forms.ValidationError(_("This day lies before the first one."))
        return last


@requires(Permission.SEE_AUDIT)
@require_safe
def audit_log(request: StaffRequest) -> HttpResponse:
    """Newest first; deeds, or looks (views, searches, prints, denials)."""
    looks = request.GET.get("kind") == LOOKS
    site, held = here(request), request.permissions
    rows = audit_reading.readable(AccessEvent if looks else AuditEvent, user=request.user, site=site, held=held)
    form = LogFilter(request.GET)
    if form.is_valid():
        asked = form.cleaned_data
        shown = audit_reading.narrowed(
            rows, who=asked["who"], action=asked["action"], first_day=asked["first_day"], last_day=asked["last_day"],
            patients=patients_meant(request, asked["whom"]), site=site,
        )  # fmt: skip
    else:
        shown = rows.none()
    page = Paginator(shown.order_by("-at", "-id"), PAGE_SIZE).get_page(request.GET.get("page"))
    rows_shown = with_patients(request, page.object_list)
    access_log.viewed(request)  # after the rows are read: this look belongs to the next page
    context = {
        "page": page, "rows": rows_shown, "form": form, "looks": looks, "zone": site.zone,
        "actions": AccessCategory.choices if looks else [(one, one) for one in audit_reading.actions_in(rows)],
        "kinds": [{"label": _("Deeds"), "url": reverse("audit-log"), "active": not looks},
                  {"label": _("Looks"), "url": f"{reverse('audit-log')}?kind={LOOKS}", "active": looks}],
        "see_details": Permission.SEE_CLINICAL in held,
    }  # fmt: skip
    return render(request, "patients/audit_log.html", context, status=200 if form.is_valid() else 422)


def patients_meant(request: StaffRequest, typed: str) -> list[str] | None:
    """Public ids of the patients a filter text means: a public id itself, or anything the search finds. None = all."""
    if not typed:
        return None
    visible = Patient.objects.visible_to(request.user)
    exact = visible.filter(public_id=typed).values_list("public_id", flat=True)
    return list(exact) or list(visible.matching(typed).values_list("public_id", flat=True)[:MOST_PATIENTS])


def with_patients(request: StaffRequest, events: Any) -> list[tuple[Any, Patient | None]]:
    """Each row with the patient it is about, as far as this person may know them."""
    rows = list(events)
    wanted = {row.patient_public_id for row in rows} - {""}
    known = {patient.public_id: patient for patient in Patient.objects.visible_to(request.user).filter(public_id__in=wanted)}
    return [(row, known.get(row.patient_public_id)) for row in rows]
