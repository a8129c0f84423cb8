"""The page behind the link in a confirmation or reminder: date and place, Confirm, Cannot come.

Opening it changes nothing, however often a mail scanner does; both deeds are POSTs.
"""
from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from clinic import access_log
from clinic.deeds import refusing_when_busy
from clinic.errors import Refused
from clinic.forms import HouseForm
from clinic.idempotency import once
from clinic.permissions import by_patient_link
from patients.labels import LinkPurpose
from patients.models import PatientLink
from patients.views.gate import behind_gate
from sessions import booking, self_service
from sessions.choices import CANCELLED, AppointmentStatus
from sessions.message_texts import day_of, written_in
from sessions.models import Appointment

PURPOSES = (LinkPurpose.APPOINTMENT,)
REASONS = [
    ("ill", gettext_lazy("I am ill")),
    ("time", gettext_lazy("The time does not suit me")),
    ("changed", gettext_lazy("I have changed my mind")),
    ("other", gettext_lazy("Another reason")),
]
# What the clinic reads in its own language, whatever the patient's.
REASON_FOR_STAFF = {
    "ill": "patient by link: ill", "time": "patient by link: the time does not suit",
    "changed": "patient by link: changed their mind", "other": "patient by link: another reason",
}  # fmt: skip


class ConfirmForm(HouseForm):
    """Nothing to fill in: the token, and the version of the appointment that was shown."""


class CannotComeForm(HouseForm):
    reason = forms.ChoiceField(
        label=gettext_lazy("Why can you not come?"), choices=REASONS, widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose one, so that we know.")},
    )  # fmt: skip


@by_patient_link(PURPOSES)
@require_safe
@behind_gate(LinkPurpose.APPOINTMENT)
def patient_appointment(request: HttpRequest, *, link: PatientLink) -> HttpResponse:
    appointment = appointment_behind(link)
    access_log.viewed(request, patient=link.patient, of=appointment)
    return show(request, appointment)


@by_patient_link(PURPOSES)
@require_POST
@behind_gate(LinkPurpose.APPOINTMENT)
def patient_appointment_confirm(request: HttpRequest, *, link: PatientLink) -> HttpResponse:
    appointment = appointment_behind(link)
    form = ConfirmForm(request.POST, seen_version=appointment.version)
    if not form.is_valid():
        return show(request, appointment, confirm_form=form, status=422)
    try:
        with refusing_when_busy(), once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            booking.change_status(
                appointment=appointment, to=AppointmentStatus.CONFIRMED, by=access_log.doer_of(request),
                seen_version=form.cleaned_data["seen_version"],
            )  # fmt: skip
            messages.success(request, _("Thank you. We expect you."))
            return attempt.leads_to(reverse("patient-appointment"))
    except Refused as refusal:
        return refused(request, appointment, refusal)


@by_patient_link(PURPOSES)
@require_POST
@behind_gate(LinkPurpose.APPOINTMENT)
def patient_appointment_cancel(request: HttpRequest, *, link: PatientLink) -> HttpResponse:
    appointment = appointment_behind(link)
    form = CannotComeForm(request.POST, seen_version=appointment.version)
    if not form.is_valid():
        return show(request, appointment, cancel_form=form, status=422)
    try:
        with refusing_when_busy(), once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            booking.cancel(
                appointment=appointment, reason=REASON_FOR_STAFF[form.cleaned_data["reason"]],
                by=access_log.doer_of(request), seen_version=form.cleaned_data["seen_version"],
            )  # fmt: skip
            messages.success(request, _("Your appointment is cancelled. Thank you for telling us."))
            return attempt.leads_to(reverse("patient-appointment"))
    except Refused as refusal:
        return refused(request, appointment, refusal, cancel_form=form)


def appointment_behind(link: PatientLink) -> Appointment:
    """The appointment the link is about; the link's own patient, whatever its subject says."""
    found: Appointment | None = (
        Appointment.objects.for_patient(link.patient)
        .select_related("site", "patient", "practitioner", "service", "room", "device", "course")
        .filter(public_id=link.subject_public_id)
        .first()
    )
    if found is None:
        raise Http404
    return found


def refused(
    request: HttpRequest, appointment: Appointment, refusal: Refused, *, cancel_form: CannotComeForm | None = None
) -> HttpResponse:
    """The page as things are now, with the sentence on top: somebody at the clinic may have been faster. What was chosen
    stays chosen."""
    appointment.refresh_from_db()
    if cancel_form is not None:
        cancel_form.see_again(appointment.version)
    return show(request, appointment, cancel_form=cancel_form, problem=refusal.sentence, status=409)


def show(
    request: HttpRequest, appointment: Appointment, *, confirm_form: ConfirmForm | None = None,
    cancel_form: CannotComeForm | None = None, problem: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    language = written_in(request.LANGUAGE_CODE)
    start, site = appointment.local_start, appointment.site
    can_answer = appointment.status in self_service.CHANGEABLE and appointment.starts_at > timezone.now()
    context = {
        "appointment": appointment,
        "site": site,
        "day": day_of(start, language, year=True),
        "clock": f"{start:%H:%M}",
        "zone_city": zone_city(appointment),
        "cancelled": appointment.status in CANCELLED,
        "confirmed": appointment.status == AppointmentStatus.CONFIRMED,
        "can_answer": can_answer,
        "move_refusal": self_service.refusal_of(appointment) if can_answer else "",
        "problem": problem or out_of_date(confirm_form) or out_of_date(cancel_form),
        "confirm_form": ConfirmForm(seen_version=appointment.version),
        "cancel_form": cancel_form or CannotComeForm(seen_version=appointment.version),
    }
    return render(request, "patient_pages/appointment/appointment.html", context, status=status)


def zone_city(appointment: Appointment) -> str:
    """The place whose clock is meant, where the patient lives in another country."""
    site, home = appointment.site, appointment.patient.country
    return site.time_zone.rpartition("/")[2].replace("_", " ") if home and home != site.country else ""


def out_of_date(form: HouseForm | None, *, but: str = "") -> str:
    """What was wrong with a hidden field has no field to stand beside; it heads the page."""
    if form is None or not any(field.is_hidden and field.errors for field in form if field.name != but):
        return ""
    return _("The page was out of date. Please try once more.")
