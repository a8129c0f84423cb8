"""A click on free time: the short booking form in the slide-over, for somebody known or somebody new."""
from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import AccessCategory, Permission
from clinic.errors import Refused
from clinic.http import StaffRequest
from clinic.idempotency import answered, new_token, once
from clinic.models import Site
from clinic.permissions import requires
from patients import finding, records
from patients.forms import PersonForm
from patients.models import Patient
from protocols.models import Service
from sessions import booking
from sessions.calendar_feed import COLUMNS
from sessions.calendar_range import day_of
from sessions.foresight import may_be_overbooked
from sessions.forms.booking import AppointmentForm, offer_value, offered
from sessions.slot_page import forecast_of, who_is_free
from sessions.views.appointment_forms import first_guess, patient_from, query_without
from sessions.views.appointments import appointment_or_404
from sessions.views.asking import permissions_of
from sessions.views.calendar_moves import CHANGED

LETTERS = 3
CLOCK = re.compile(r"[0-2]\d:[0-5]\d")
MOST_FOUND = 8
PERSON = ("given_name", "family_name", "birth_date", "sex", "phone", "email", "language", "different_person")


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def calendar_slot(request: StaffRequest) -> HttpResponse:
    """GET: the form as far as it is known, or only what is said beside it. POST: booked, once, with the new patient."""
    site = request.site
    if request.method == "GET":
        if not request.headers.get("HX-Request"):
            return redirect(f"{reverse('appointment-new')}?{query_without(request)}")
        return choosing(request, site)
    if led_to := answered(request):
        return redirect(led_to)
    patient = patient_from(request)
    person = PersonForm(request.POST, site=site) if patient is None else None
    form = AppointmentForm(offered(request.POST), site=site, patient=patient)
    if not (form.is_valid() & (person is None or person.is_valid())):
        return shown(request, form, person, status=422)
    try:
        with once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            made = booked(request, site, form, person)
            return attempt.leads_to(reverse("appointment-booked", args=[made.public_id]))
    except records.LooksLikeAnother as refusal:
        form.patient = patient
        assert person is not None  # noqa: S101 - only registering raises it
        person.offer_different_person()
        return shown(request, form, person, status=409, refusal=refusal, likely=refusal.likely)
    except Refused as refusal:
        form.patient = patient  # somebody new was not kept either
        return shown(request, form, person, status=refusal.status, refusal=refusal)


@transaction.atomic
def booked(request: HttpRequest, site: Site, form: AppointmentForm, person: PersonForm | None) -> Any:
    """A new patient is registered in the same transaction: refused, neither of the two is kept."""
    by = doer_of(request)
    if person is not None:
        form.patient = records.register(
            values=person.values, site=site, by=by, different_person=person.cleaned_data["different_person"]
        )
    return booking.book(**form.wish(), by=by)


# --- choosing -------------------------------------------------------------------------------------------------------
def choosing(request: StaffRequest, site: Site) -> HttpResponse:
    patient, is_new = patient_from(request), request.GET.get("who") == "new"
    access_log.viewed(request, patient=patient)
    if request.headers.get("HX-Target") == "slot-forecast":
        form = AppointmentForm(request.GET, site=site, patient=patient)
        context = {"form": form} | forecast_of(form, by=doer_of(request), permissions=permissions_of(request))
        return render(request, "calendar/slot.html#forecast", context)
    if patient is None and not is_new:
        return render(request, "calendar/slot_who.html", {"query": query_without(request, "q", "patient"), "when": when(request)})
    data = prefilled(request, site, patient)
    form = AppointmentForm(site=site, patient=patient, initial=data.dict())
    person = PersonForm(site=site, initial=typed_name(request)) if patient is None else None
    return shown(request, form, person, status=200, judged=AppointmentForm(data, site=site, patient=patient))


def when(request: HttpRequest) -> str:
    """The slot's day in the reader's words, with its weekday, and its time; nothing for what is neither."""
    day, time = day_of(request.GET.get("day", "")), request.GET.get("time", "")[:5]
    clock = time if CLOCK.fullmatch(time) else ""
    return ", ".join(part for part in (date_format(day, "l j F Y") if day else "", clock) if part)


def typed_name(request: HttpRequest) -> dict[str, str]:
    """What was typed into the search is most likely the new patient's name."""
    words = request.GET.get("q", "").replace("\x00", "").split()
    if not words or any(sign.isdigit() or sign == "@" for sign in "".join(words)):
        return {}
    return {"given_name": words[0][:60].title(), "family_name": " ".join(words[1:])[:60].title()}


def prefilled(request: StaffRequest, site: Site, patient: Patient | None) -> QueryDict:
    """Day and time of the slot, its column, and the most likely service; the practitioner who is free then."""
    asked = {name: str(value).replace("\x00", "")[:40] for name, value in request.GET.items()}
    guess = dict(first_guess(request, patient)) if patient is not None else {}
    data = QueryDict(mutable=True)
    data.update({name: str(value) for name, value in guess.items()})
    for name in ("day", "time", "service", "planned_session", "room", "device", "minutes", "practitioner"):
        if asked.get(name):
            data[name] = asked[name]
    by, column = asked.get("by", ""), asked.get("column", "")
    if by in COLUMNS and column:
        data[by] = column
    services = Service.objects.filter(is_active=True)
    service = services.filter(public_id=data.get("service", "")).first() or services.first()
    if service is not None:
        data["service"] = service.public_id
    day, time = day_of(data.get("day", "")), time_of(data.get("time", ""))
    if not (by == "practitioner" and column) and not asked.get("practitioner") and day is not None and time is not None:
        room = site.rooms.filter(public_id=data.get("room", ""), in_service=True).first()
        free = who_is_free(site=site, service=service, room=room, day=day, time=time, patient=patient)
        if free is not None and not data.get("planned_session"):
            data["practitioner"] = free.public_id
    return data


def time_of(typed: str) -> dt.time | None:
    try:
        return dt.time.fromisoformat(typed)
    except ValueError:
        return None


def shown(
    request: StaffRequest, form: AppointmentForm, person: PersonForm | None, *, status: int,
    refusal: Refused | None = None, likely: Any = (), judged: AppointmentForm | None = None,
) -> HttpResponse:  # fmt: skip
    """The form with what was typed, its errors beside the fields, and what is said about it."""
    said = forecast_of(judged or form, by=doer_of(request), permissions=permissions_of(request))
    if refusal is not None:
        said["refusal"] = refusal
    if isinstance(refusal, booking.SlotTaken):
        said["offers"] = [(one, offer_value(one)) for one in refusal.next_free]
        said["may_overbook"] = may_be_overbooked(refusal, site=request.site, by=doer_of(request))
    context: dict[str, Any] = {
        "form": form, "person": person, "patient": form.patient, "site": request.site, "likely": likely,
        "token": request.POST.get("form_token") or new_token(),
        "person_fields": [person[name] for name in PERSON if name != "different_person"] if person else [],
        "query": query_without(request, "patient", "who", "q") if request.method == "GET" else "",
    } | said  # fmt: skip
    return render(request, "calendar/slot.html", context, status=status)


# --- who ------------------------------------------------------------------------------------------------------------
@requires(Permission.CHANGE_PERSON)
@require_safe
def calendar_slot_people(request: StaffRequest) -> HttpResponse:
    """Patients that fit what is typed, from three letters on; each is one press away from the form."""
    typed = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]
    found = list(finding.visible(request.user, typed)[:MOST_FOUND]) if len(typed) >= LETTERS else []
    if len(typed) >= LETTERS:
        access_log.note(request, AccessCategory.SEARCH, detail={"found": len(found), "letters": len(typed)})
    context = {
        "typed": typed, "found": found, "enough": len(typed) >= LETTERS, "query": query_without(request, "q", "patient"),
    }  # fmt: skip
    return render(request, "calendar/slot_people.html", context)


@requires(Permission.CHANGE_PERSON)
@require_safe
def appointment_booked(request: HttpRequest, public_id: str) -> HttpResponse:
    """What has just been booked; without a script, the calendar on its day."""
    visit = appointment_or_404(request, public_id)
    if not request.headers.get("HX-Request"):
        return redirect(f"{reverse('calendar')}?day={visit.local_start.date()}&open={visit.public_id}")
    access_log.viewed(request, patient=visit.patient, of=visit)
    response = render(request, "calendar/booked.html", {"visit": visit, "words": _("Booked")})
    response["HX-Trigger"] = CHANGED
    response["HX-Retarget"] = "#calendar-done"
    response["HX-Reswap"] = "innerHTML"
    return response
