"""For staff: switching public booking on, and deciding whether somebody who booked online is a patient already."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import carry_out, form_page
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.models import Site
from clinic.permissions import requires
from patients.models import Patient
from patients.views.common import here
from sessions import deciding
from sessions.forms.deciding import DecideForm
from sessions.forms.public_booking import PublicBookingForm
from sessions.offers_outside import public_services, setting_of
from sessions.waiting_page import desk_tabs

PAGE_SIZE = 25


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def site_public_booking(request: StaffRequest, public_id: str) -> HttpResponse:
    """On or off, and how far ahead."""
    site = get_object_or_404(Site, public_id=public_id)
    form = PublicBookingForm(request.POST or None, setting=setting_of(site))
    count = public_services().count()
    hint = "" if count else _("No service is marked public yet: without one nothing is offered.")
    return form_page(
        request, form, title=_("Public booking"), act=_("Save"), back=reverse("site", args=[public_id]), lead=site.name,
        deed=lambda data: deciding.set_public_booking(
            site=site, seen_version=data["seen_version"], is_on=data["is_on"], earliest_hours=data["earliest_hours"],
            days_ahead=data["days_ahead"], by=doer_of(request),
        ),
        version_now=lambda: setting_of(site).version,
        hint=hint, hint_act=_("Services") if hint else "", hint_url=reverse("services") if hint else "",
    )  # fmt: skip


@requires(Permission.SEE_PERSON)
@require_safe
def online_requests(request: StaffRequest) -> HttpResponse:
    """What was booked online at this site, newest first; who may be a patient already stands on top."""
    site = here(request)
    rows = deciding.booked_online(site, patients=Patient.objects.visible_to(request.user))
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    access_log.viewed(request)
    context = {
        "page": page, "site": site, "tabs": desk_tabs("online-requests"), "setting": setting_of(site),
        "may_change": Permission.CHANGE_PERSON in request.permissions,
    }  # fmt: skip
    return render(request, "waiting/online.html", context)


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def online_request_decide(request: StaffRequest, public_id: str) -> HttpResponse:
    """Is it the same person? Nothing of the older record is changed; linking moves the visit over to it."""
    visible = Patient.objects.visible_to(request.user)
    found = get_object_or_404(deciding.booked_online(here(request), patients=visible), public_id=public_id)
    appointment = found.appointment
    patient = appointment.patient
    likely = deciding.likely_for(found, patients=visible)
    form = DecideForm(request.POST or None, likely=[one.patient for one in likely])
    if request.method == "GET":
        access_log.viewed(request, patient=patient)

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        del theirs
        context = {
            "form": form, "found": found, "patient": patient, "visit": appointment, "likely": likely,
            "back": reverse("online-requests"),
        }  # fmt: skip
        return render(request, "waiting/decide.html", context, status=status)

    def deed(data: dict[str, Any]) -> str:
        if data["same"]:
            to = next(one.patient for one in likely if one.patient.public_id == data["same"])
            deciding.link(request=found, to=to, by=doer_of(request))
            messages.success(request, _("The visit now stands with %(name)s.") % {"name": to.name})
            return reverse("appointment", args=[appointment.public_id])
        deciding.keep_apart(request=found, by=doer_of(request))
        return reverse("online-requests")

    return carry_out(request, form, deed=deed, show=show)
