"""The forms of one appointment: to make it, to move it, to cancel it, with free times beside each."""
from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import AccessCategory, Permission
from clinic.deeds import carry_out
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.forms import HouseForm
from clinic.idempotency import answered
from clinic.models import Site, User
from clinic.permissions import requires
from patients.models import Patient
from protocols.models import Service
from sessions import availability, booking, series
from sessions.attendance import attendance_of
from sessions.booking_rules import window_after
from sessions.forms.booking import AppointmentForm, CancelForm, MoveForm, offer_value, offered, unbooked_sessions
from sessions.models import Appointment, PlannedSession
from sessions.slot_page import forecast_of, move_forecast_of
from sessions.views.appointments import appointment_or_404, held_or_none
from sessions.views.asking import permissions_of, site_of, user_of
from sessions.views.holds import hold_cancel, hold_move

SUGGESTED = 6


def repeated(request: HttpRequest) -> str | None:
    """Where this very form led already: a hold that was let go is no more, and a double click is no error."""
    return answered(request) if request.method == "POST" else None


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def appointment_new(request: HttpRequest) -> HttpResponse:
    """Without a patient: find one. Then service, who, where and when, with the next free times beside it."""
    patient = patient_from(request)
    if patient is None:
        return choose_patient(request)
    site = site_asked(request)
    if site is None:
        raise Refused(_("No site is open for you yet."))
    form = AppointmentForm(
        offered(request.POST) if request.method == "POST" else None, site=site, patient=patient,
        initial=first_guess(request, patient),
    )  # fmt: skip
    context: dict[str, Any] = {
        "patient": patient, "form": form, "site": site, "wait_query": wait_query(request),
        "attendance": attendance_of(patient),
    }  # fmt: skip
    if request.headers.get("HX-Request") and request.method == "GET":
        access_log.viewed(request, patient=patient)
        context |= suggestions(request.GET, patient, site) | foreseen(request, request.GET, patient, site)
        return render(request, "appointments/new.html#suggestions", context)
    if request.method == "GET":
        access_log.viewed(request, patient=patient)
        context |= foreseen(request, first_guess(request, patient), patient, site)

    def book(_data: dict[str, Any]) -> str:
        made = booking.book(**form.wish(), by=doer_of(request))
        return reverse("appointment", args=[made.public_id])

    def show(form: AppointmentForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        asked = form.data if form.is_bound else first_guess(request, patient)
        free = free_instead(form) or suggestions(asked, patient, site)
        return render(request, "appointments/new.html", context | free | {"theirs": theirs}, status=status)

    return carry_out(request, form, deed=book, show=show)


def wait_query(request: HttpRequest) -> str:
    """What the form knows so far, carried along to the wait list when no time suits."""
    said = request.POST if request.method == "POST" else request.GET
    names = ("service", "planned_session", "practitioner")
    known = {name: said[name][:22] for name in names if said.get(name)}
    return f"&{urlencode(known)}" if known else ""


def foreseen(request: HttpRequest, asked: Any, patient: Patient, site: Any) -> dict[str, Any]:
    """Length, screening, interval and what stands against it, for what is chosen so far."""
    judged = AppointmentForm(asked, site=site, patient=patient)
    said = forecast_of(judged, by=doer_of(request), permissions=permissions_of(request))
    said.pop("offers", None)
    return said


def free_instead(form: AppointmentForm | MoveForm) -> dict[str, Any]:
    """What could be taken instead of a time that is gone."""
    if not isinstance(form.refusal, booking.SlotTaken):
        return {}
    return {"offers": [(offer, offer_value(offer)) for offer in form.refusal.next_free]}


def site_asked(request: HttpRequest) -> Site | None:
    """The site a link or the form names, where this person works there; else the one they are at."""
    named = (request.POST.get("site") or request.GET.get("site") or "").replace("\x00", "")[:22]
    found = user_of(request).sites().filter(public_id=named).first() if named else None
    return found or site_of(request)


def patient_from(request: HttpRequest) -> Patient | None:
    public_id = request.POST.get("patient") or request.GET.get("patient") or ""
    if not public_id:
        return None
    if "\x00" in public_id or len(public_id) > 22:
        raise Http404
    return get_object_or_404(Patient.objects.visible_to(user_of(request)).current(), public_id=public_id)


def choose_patient(request: HttpRequest, *, title: str = "") -> HttpResponse:
    patients = Patient.objects.visible_to(user_of(request))
    typed = request.GET.get("q", "").replace("\x00", "")[:80]
    found = list(patients.current().matching(typed)[:12]) if typed.strip() else []
    access_log.note(request, AccessCategory.SEARCH, detail={"found": len(found)})
    carried = [(name, value) for name, value in request.GET.items() if name not in {"q", "patient"}]
    context = {
        "typed": typed, "found": found, "carried": carried, "query": query_without(request, "q", "patient"),
        "title": title or _("New appointment"),
    }  # fmt: skip
    return render(request, "appointments/choose_patient.html", context)


def query_without(request: HttpRequest, *names: str) -> str:
    """The rest of the address, to be carried along."""
    query = request.GET.copy()
    for name in names:
        query.pop(name, None)
    return query.urlencode()


def first_guess(request: HttpRequest, patient: Patient) -> dict[str, Any]:
    """What the address says, else what is most likely: the next session of a running course, else a consultation."""
    names = ("service", "planned_session", "practitioner", "room", "device", "day", "time", "fold", "minutes")
    said = {name: request.GET[name].replace("\x00", "")[:40] for name in names if request.GET.get(name)}
    planned = None
    if "planned_session" in said:
        planned = unbooked_sessions(patient).filter(public_id=said["planned_session"]).first()
    elif "service" not in said:
        planned = unbooked_sessions(patient).first()
    guess: dict[str, Any] = {}
    if planned is not None:
        service = Service.objects.filter(is_active=True, indication=planned.course.indication).first()
        guess = {
            "planned_session": planned.public_id,
            "practitioner": planned.course.practitioner.public_id,
            "day": planned.ideal.isoformat(),
        }
        if service is not None:
            guess["service"] = service.public_id
    return guess | said


def suggestions(asked: Any, patient: Patient, site: Any, ignoring: tuple[int, ...] = ()) -> dict[str, Any]:
    """The next free times for what is chosen so far."""
    def named(name: str) -> str:
        return str(asked.get(name) or "").replace("\x00", "")[:40]

    service = Service.objects.filter(is_active=True, public_id=named("service")).first()
    service = service or Service.objects.filter(is_active=True).first()
    if service is None:
        return {"offers": []}
    people = list(User.objects.practitioners_at(site))
    chosen = [user for user in people if user.public_id == named("practitioner")]
    room = site.rooms.filter(in_service=True, public_id=named("room")).first()
    planned = unbooked_sessions(patient).filter(public_id=named("planned_session")).first()
    first = first_day_of(named("day"), site.today(), planned)
    return {"offers": offers_from(site, service, chosen or people, patient, room, first, ignoring)}


def first_day_of(typed: str, today: dt.date, planned: PlannedSession | None) -> dt.date:
    """From which day on times are proposed: the typed one, but never before the session's window opens."""
    try:
        first = parse_date(typed)
    except ValueError:
        first = None
    if first is None or not today <= first <= today.replace(year=today.year + 3, day=1):
        first = today
    return max(first, window_after(planned).earliest) if planned else first


def offers_from(
    site: Any, service: Service, people: list[User], patient: Patient, room: Any, first: dt.date, ignoring: tuple[int, ...]
) -> list[tuple[availability.Offer, str]]:
    found = availability.next_free(
        site=site, service=service, practitioners=people, patient=patient, room=room, first_day=first,
        limit=SUGGESTED, ignoring=ignoring,
    )  # fmt: skip
    return [(offer, offer_value(offer)) for offer in found]


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def appointment_move(request: HttpRequest, public_id: str) -> HttpResponse:
    """Another time, with the interval, what stands against it and free times beside the form while it is filled in."""
    if (held := held_or_none(request, public_id)) is not None:
        return hold_move(request, held)
    if (led_to := repeated(request)) is not None:
        return redirect(led_to)
    visit = appointment_or_404(request, public_id)
    form = MoveForm(offered(request.POST) if request.method == "POST" else None, appointment=visit)
    context: dict[str, Any] = {"visit": visit, "patient": visit.patient, "form": form, "site": visit.site}
    if request.headers.get("HX-Request") and request.method == "GET":
        access_log.viewed(request, patient=visit.patient, of=visit)
        context |= free_for_move(visit, MoveForm(request.GET, appointment=visit)) | move_foreseen(request, visit)
        return render(request, "appointments/move.html#suggestions", context)
    if request.method == "GET":
        access_log.viewed(request, patient=visit.patient, of=visit)
        context |= move_forecast_of(form, by=doer_of(request))

    def move(_data: dict[str, Any]) -> str:
        if request.POST.get("scope") == "later":
            move_with_later(visit, form, doer_of(request))
        else:
            booking.move(appointment=visit, **form.change(), by=doer_of(request))
        return reverse("appointment", args=[visit.public_id])

    def show(form: MoveForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        free = free_instead(form) or free_for_move(visit, form)
        later = booking.later_of_course(visit).count()
        return render(request, "appointments/move.html", context | free | {"later": later, "theirs": theirs}, status=status)

    return carry_out(request, form, deed=move, show=show)


def move_foreseen(request: HttpRequest, visit: Appointment) -> dict[str, Any]:
    """As the form stands while somebody still chooses; its own free times are the ones beside it."""
    said = move_forecast_of(MoveForm(request.GET, appointment=visit), by=doer_of(request))
    said.pop("offers", None)
    return said


def free_for_move(visit: Appointment, form: MoveForm) -> dict[str, Any]:
    asked = {
        "service": visit.service.public_id,
        "practitioner": str(form["practitioner"].value() or ""),
        "day": str(form["day"].value() or ""),
    }
    return suggestions(asked, visit.patient, visit.site, ignoring=(visit.pk,))


def move_with_later(visit: Appointment, form: MoveForm, by: Doer) -> None:
    """The same shift for the later ones of the course; what stands against it is said row by row on the series page."""
    change = form.change()
    series.move_this_and_later(
        appointment=visit, seen_version=change["seen_version"], starts_at=change["starts_at"],
        practitioner=change["practitioner"], room=change["room"], tell=change["tell"], by=by,
    )  # fmt: skip


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def appointment_cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    if (held := held_or_none(request, public_id)) is not None:
        return hold_cancel(request, held)
    if (led_to := repeated(request)) is not None:
        return redirect(led_to)
    visit = appointment_or_404(request, public_id)
    form = CancelForm(request.POST or None, seen_version=visit.version)
    if request.method == "GET":
        access_log.viewed(request, patient=visit.patient, of=visit)

    def cancel(data: dict[str, Any]) -> str:
        booking.cancel(
            appointment=visit, seen_version=data["seen_version"], reason=data["reason"], by=doer_of(request)
        )
        return after_cancelling(request, visit)

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        context = {
            "visit": visit, "patient": visit.patient, "form": form, "theirs": theirs,
            "rebook": request.GET.get("then") == "rebook",
        }  # fmt: skip
        return render(request, "appointments/cancel.html", context, status=status)

    return carry_out(request, form, deed=cancel, show=show)


def after_cancelling(request: HttpRequest, visit: Appointment) -> str:
    """To the appointment, or to the form that books the same thing anew."""
    if "rebook" not in request.POST:
        return reverse("appointment", args=[visit.public_id])
    planned = visit.fulfilments.select_related("planned_session").first()
    query = {
        "patient": visit.patient.public_id, "service": visit.service.public_id,
        "practitioner": visit.practitioner.public_id, "day": max(visit.local_start.date(), visit.site.today()).isoformat(),
    } | ({"planned_session": planned.planned_session.public_id} if planned else {})  # fmt: skip
    return f"{reverse('appointment-new')}?{urlencode(query)}"
