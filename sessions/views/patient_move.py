"""Choosing another time by the link in the mail, and the appointment as a file for the patient's calendar."""
from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import access_log
from clinic.deeds import refusing_when_busy
from clinic.errors import Refused, Stale
from clinic.idempotency import answered, once
from clinic.permissions import by_patient_link
from patients.labels import LinkPurpose
from patients.models import PatientLink
from patients.views.gate import behind_gate
from sessions import booking, invitations, self_service
from sessions.availability import Offer, free_device, free_room
from sessions.booking_steps import wish_of
from sessions.clashes import SlotTaken
from sessions.forms.self_service import NewTimeForm, value_of
from sessions.message_texts import day_of, written_in
from sessions.models import Appointment
from sessions.views.patient_appointment import PURPOSES, appointment_behind, out_of_date, refused, zone_city

SAID_AS_THEY_ARE = {"cut-off", "self-service-off", "transition", "busy"}  # written for patients; others for staff


@by_patient_link(PURPOSES)
@require_http_methods(["GET", "HEAD", "POST"])
@behind_gate(LinkPurpose.APPOINTMENT)
def patient_appointment_move(request: HttpRequest, *, link: PatientLink) -> HttpResponse:
    appointment = appointment_behind(link)
    if request.method == "POST":
        return move(request, appointment)
    access_log.viewed(request, patient=link.patient, of=appointment)
    return show(request, appointment, NewTimeForm(seen_version=appointment.version))


def move(request: HttpRequest, appointment: Appointment) -> HttpResponse:
    form = NewTimeForm(request.POST, seen_version=appointment.version)
    if not form.is_valid():
        if (answer := answered(request)) is not None:
            return redirect(answer)
        return show(request, appointment, form, problem=what_is_wrong(form), status=422)
    starts_at, practitioner = form.cleaned_data["offer"]
    try:
        with refusing_when_busy(), once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            wish = replace(wish_of(appointment), starts_at=starts_at, practitioner=practitioner)
            booking.move(
                appointment=appointment, seen_version=form.cleaned_data["seen_version"], starts_at=starts_at,
                practitioner=practitioner, room=free_room(wish),
                device=free_device(wish) if appointment.service.device_kind else None,
                by=access_log.doer_of(request),
            )  # fmt: skip
            messages.success(request, _("Your appointment has moved. We send you the new time by mail."))
            return attempt.leads_to(reverse("patient-appointment"))
    except Stale as stale:
        return refused(request, appointment, stale)
    except SlotTaken:
        return again(request, appointment, _("That time has just been taken. Please choose another one."))
    except Refused as refusal:
        known = refusal.code in SAID_AS_THEY_ARE or refusal.field == "offer"
        return again(
            request, appointment,
            refusal.sentence if known else _("That time cannot be chosen here. Please choose another one, or call us."),
        )  # fmt: skip


def again(request: HttpRequest, appointment: Appointment, problem: str) -> HttpResponse:
    """Nothing was changed: the page as things are now, with other times."""
    appointment.refresh_from_db()
    return show(request, appointment, NewTimeForm(seen_version=appointment.version), problem=problem, status=409)


def what_is_wrong(form: NewTimeForm) -> str:
    return out_of_date(form, but="offer") or _("Choose one of the times.")


def show(
    request: HttpRequest, appointment: Appointment, form: NewTimeForm, *, problem: str = "", status: int = 200
) -> HttpResponse:
    anyone = request.GET.get("who") == "any"
    from_day = day_asked(request.GET.get("from", ""))
    choice = self_service.days_for(appointment, anyone=anyone, from_day=from_day)
    language = written_in(request.LANGUAGE_CODE)
    own = self_service.rules_of(appointment.site)
    context = {
        "appointment": appointment, "site": appointment.site, "problem": problem, "form": form,
        "refusal": self_service.refusal_of(appointment),
        "now_day": day_of(appointment.local_start, language, year=True),
        "now_clock": f"{appointment.local_start:%H:%M}",
        "days": [(day_of(one.day, language), [shown(offer) for offer in one.offers]) for one in choice.days],
        "later": choice.later, "earlier": from_day is not None, "anyone": anyone,
        "may_ask_anyone": own.any_practitioner, "chosen": request.POST.get("offer", ""), "zone_city": zone_city(appointment),
    }  # fmt: skip
    return render(request, "patient_pages/appointment/move.html", context, status=status)


def shown(offer: Offer) -> dict[str, Any]:
    return {
        "value": value_of(offer.starts_at, offer.practitioner), "clock": f"{offer.local_start:%H:%M}",
        "practitioner": offer.practitioner.name,
    }  # fmt: skip


def day_asked(typed: str) -> dt.date | None:
    """A day from the address; what is no day, or no sensible one, is nothing."""
    try:
        day = parse_date(typed)
    except ValueError:
        return None
    return day if day is not None and 2000 <= day.year <= 2100 else None


@by_patient_link(PURPOSES)
@require_safe
@behind_gate(LinkPurpose.APPOINTMENT)
def patient_appointment_calendar(request: HttpRequest, *, link: PatientLink) -> HttpResponse:
    """The appointment as an .ics file, with the same UID as the invitation of the mail."""
    appointment = appointment_behind(link)
    access_log.viewed(request, patient=link.patient, of=appointment)
    content = invitations.file_of(appointment, language=request.LANGUAGE_CODE, stamp=timezone.now())
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8; method=PUBLISH")
    response.headers["Content-Disposition"] = 'attachment; filename="appointment.ics"'
    return response
