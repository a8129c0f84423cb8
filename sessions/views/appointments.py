"""One appointment: everything about it on one page, its changes of status, the forms to make, move and cancel it."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import AccessCategory, Permission
from clinic.deeds import form_page
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from clinic.idempotency import answered, new_token, once
from clinic.models import Site, User
from clinic.permissions import requires
from patients.labels import LANGUAGE_CHOICES
from patients.models import Patient
from protocols import catalogue
from protocols.models import Service
from sessions import availability, booking, freeing, screenings, series
from sessions.attendance import attendance_of
from sessions.board_cards import cards_of
from sessions.booking_rules import refusal_of, undo_target, window_of
from sessions.choices import CANCELLED, AppointmentStatus, MissedReason
from sessions.deciding import undecided_for
from sessions.explaining import outcome_pill
from sessions.forms.booking import AppointmentForm, CancelForm, MoveForm, NoShowForm, offer_value, offered, unbooked_sessions
from sessions.message_texts import KINDS
from sessions.models import Appointment, Document, Message, Screening
from sessions.slot_page import forecast_of
from sessions.views.asking import permissions_of, site_of, user_of
from sessions.waiting_page import slot_link

STATUS = AppointmentStatus
SUGGESTED = 6


def appointment_or_404(request: HttpRequest, public_id: str) -> Appointment:
    """Only of patients this person may see, at a site they work at."""
    rows = Appointment.objects.select_related(
        "patient", "site", "service", "practitioner", "room", "device", "course", "overbooked_by", "treatment_session"
    )
    return get_object_or_404(
        rows, public_id=public_id, patient__in=Patient.objects.visible_to(user_of(request)), site__in=user_of(request).sites()
    )


def held_or_none(request: HttpRequest, public_id: str) -> Appointment | None:
    """A time held for somebody outside, at a site this person works at."""
    rows = Appointment.objects.select_related("patient", "site", "service", "practitioner", "room")
    return rows.filter(
        public_id=public_id, patient__is_provisional=True, site__in=user_of(request).sites()
    ).first()


def held_page(request: HttpRequest, visit: Appointment, template: str = "appointments/held.html") -> HttpResponse:
    access_log.viewed(request, of=visit)
    return render(request, template, {"visit": visit, "until": local(visit, visit.hold_ends_at)})


@requires(Permission.SEE_PERSON)
@require_safe
def appointment(request: HttpRequest, public_id: str) -> HttpResponse:
    if (held := held_or_none(request, public_id)) is not None:
        return held_page(request, held)
    visit = appointment_or_404(request, public_id)
    access_log.viewed(request, patient=visit.patient, of=visit)
    return render(request, "appointments/appointment.html", page_of(request, visit))


def page_of(request: HttpRequest, visit: Appointment) -> dict[str, Any]:
    """What the role may see of one appointment, and which acts are open or why not."""
    held = permissions_of(request)
    card = cards_of(
        [visit], catalogue.in_force(), headline=Permission.SEE_HEADLINE in held,
        clinical=Permission.SEE_CLINICAL in held,
    )[0]  # fmt: skip
    screening = screenings.latest(visit.patient, visit.course) if Permission.SEE_HEADLINE in held else None
    sessions = [one.planned_session for one in visit.fulfilments.select_related("planned_session")]
    return {
        "visit": visit,
        "card": card,
        "patient": visit.patient,
        "language": dict(LANGUAGE_CHOICES).get(visit.patient.language, visit.patient.language),
        "fits": [(planned, window_of(planned).fit(visit.local_start.date())) for planned in sessions],
        "for_decision": booked_for_decision(visit) if Permission.SEE_HEADLINE in held else (),
        "room_from": local(visit, visit.room_span.lower),
        "room_until": local(visit, visit.room_span.upper),
        "arrived": local(visit, visit.arrived_at),
        "mails": mails_of(visit),
        "documents": Document.objects.filter(appointment=visit).defer("pdf"),
        "steps": steps_of(visit),
        "show_papers": Permission.SEE_HEADLINE in held,
        "screening_pill": headline_of(screening),
        "may_change": Permission.CHANGE_PERSON in held,
        "may_treat": Permission.TREAT in held,
        "may_see_course": Permission.SEE_CLINICAL in held,
        "fresh_token": new_token,
        "acts": acts_of(visit),
        "freed": freed_by(request, visit),
        "online": undecided_for(visit) if Permission.CHANGE_PERSON in held else None,
    }


def freed_by(request: HttpRequest, visit: Appointment) -> tuple[int, str]:
    """How many who wait fit the time a cancelled appointment left, and the page with their names."""
    if visit.status not in CANCELLED:
        return 0, ""
    count = freeing.count_for(visit, patients=Patient.objects.visible_to(user_of(request)))
    return count, slot_link(visit.practitioner, visit.starts_at, visit.ends_at) if count else ""


def booked_for_decision(visit: Appointment) -> list[Appointment]:
    """Other booked sessions of the course whose day needs a look since this one stands where it stands (plan-shift)."""
    if visit.course is None:
        return []
    others = Appointment.objects.upcoming().filter(course=visit.course).exclude(pk=visit.pk).exclude(day_mark={})
    return list(others.select_related("site").order_by("starts_at"))


def headline_of(screening: Screening | None) -> tuple[str, str] | None:
    return outcome_pill(screening.outcome, screening.wait_until, screening.open_ended) if screening else None


def local(visit: Appointment, moment: dt.datetime | None) -> dt.datetime | None:
    """A moment on the site's wall clock."""
    return moment.astimezone(visit.site.zone) if moment else None


def mails_of(visit: Appointment) -> list[tuple[dt.datetime | None, str, Message]]:
    """Messages about this visit: the site's time, what it is, the row."""
    mails = Message.objects.filter(appointment=visit).defer("text", "html").order_by("due_at", "id")
    return [
        (local(visit, mail.due_at), str(KINDS[mail.kind].label) if mail.kind in KINDS else mail.kind, mail)
        for mail in mails
    ]


def steps_of(visit: Appointment) -> list[tuple[dt.datetime | None, str]]:
    """What happened to it, by its own stamps; the audit log has every deed."""
    booked = _("booked by %(who)s") % {"who": visit.booked_by_label}
    stamps = [
        (visit.booked_at, booked),
        (visit.confirmed_at, _("confirmed")),
        (visit.arrived_at, _("arrived")),
        (visit.cancelled_at, _("cancelled: %(why)s") % {"why": visit.reason_words}),
    ]
    known = [(local(visit, moment), words) for moment, words in stamps if moment is not None]
    return sorted(known, key=lambda step: step[0] or visit.booked_at)


def acts_of(visit: Appointment) -> dict[str, Any]:
    """For each act of the desk: is it offered now, and the refusal that greys it out."""
    upcoming = visit.status in {STATUS.BOOKED, STATUS.CONFIRMED}
    target = undo_target(visit)
    return {
        "arrive": upcoming,
        "arrive_refusal": refusal_of(visit, STATUS.ARRIVED) if upcoming else "",
        "confirm": visit.status == STATUS.BOOKED,
        "no_show": upcoming and not refusal_of(visit, STATUS.NO_SHOW),
        "move": upcoming,
        "freed": visit.status in {STATUS.CANCELLED, STATUS.LATE_CANCELLED} and visit.starts_at > timezone.now(),
        "cancel": upcoming or visit.status in {STATUS.HELD, STATUS.ARRIVED},
        "undo": target,
        "undo_word": STATUS(target).label if target else "",
    }


# --- changes of status ----------------------------------------------------------------------------------------------
def deed_on(
    request: HttpRequest, public_id: str, deed: Callable[[Appointment, int], Appointment], *, leads_to: str = ""
) -> HttpResponse:
    """One posted act on one appointment, once, from the version that was seen; back to where it was pressed."""
    visit = appointment_or_404(request, public_id)
    seen = request.POST.get("seen_version", "")
    if not (seen.isascii() and seen.isdigit() and len(seen) < 10):
        raise Refused(_("This form has lost its version. Reload the page and send it again."))
    try:
        return done_once(request, visit, int(seen), deed, leads_to)
    except Refused as refusal:
        if not is_in_calendar(request):
            raise
        response = render(request, "calendar/not_taken_back.html", {"refusal": refusal}, status=409)
        response["HX-Trigger"], response["HX-Retarget"] = "calendar-changed", "#calendar-done"
        return response


def done_once(
    request: HttpRequest, visit: Appointment, seen: int, deed: Callable[[Appointment, int], Appointment], leads_to: str
) -> HttpResponse:
    with once(request) as attempt:
        if attempt.answer:
            return redirect(attempt.answer)
        deed(visit, seen)
        return attempt.leads_to(reverse(leads_to, args=[visit.public_id]) if leads_to else way_back(request, visit))


def is_in_calendar(request: HttpRequest) -> bool:
    """Pressed in the panel or the bar of the calendar, which stays as it is."""
    return bool(request.headers.get("HX-Request")) and request.POST.get("from") == "calendar"


def way_back(request: HttpRequest, visit: Appointment) -> str:
    if request.POST.get("from") == "board":
        return f"{reverse('board')}?day={visit.local_start.date()}"
    if is_in_calendar(request):
        return f"{reverse('appointment-panel', args=[visit.public_id])}?changed=1"
    if request.POST.get("from") == "calendar":
        return f"{reverse('calendar')}?day={visit.local_start.date()}&open={visit.public_id}"
    return reverse("appointment", args=[visit.public_id])


def set_status(request: HttpRequest, public_id: str, to: str) -> HttpResponse:
    by = doer_of(request)
    return deed_on(
        request, public_id,
        lambda visit, seen: booking.change_status(appointment=visit, to=to, seen_version=seen, by=by),
    )  # fmt: skip


@requires(Permission.CHANGE_PERSON)
@require_POST
def appointment_arrive(request: HttpRequest, public_id: str) -> HttpResponse:
    return set_status(request, public_id, STATUS.ARRIVED)


@requires(Permission.CHANGE_PERSON)
@require_POST
def appointment_confirm(request: HttpRequest, public_id: str) -> HttpResponse:
    return set_status(request, public_id, STATUS.CONFIRMED)


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def appointment_no_show(request: HttpRequest, public_id: str) -> HttpResponse:
    """Asks what is known first: a press without it leads to the question."""
    visit = appointment_or_404(request, public_id)
    if request.method == "POST" and "more" not in request.POST:
        return redirect("appointment-no-show", public_id=visit.public_id)
    if request.method == "GET":
        access_log.viewed(request, patient=visit.patient, of=visit)
    form = NoShowForm(request.POST or None, seen_version=visit.version, initial={"why": MissedReason.NO_WORD})
    return form_page(
        request, form, title=_("Did not come"), act=_("Set as no-show"), patient=visit.patient,
        lead=f"{visit.service.name}, {date_format(visit.local_start, 'D j M Y, H:i')}",
        back=reverse("appointment", args=[visit.public_id]),
        deed=lambda data: booking.change_status(
            appointment=visit, to=STATUS.NO_SHOW, seen_version=data["seen_version"], by=doer_of(request),
            reason=form.reason,
        ),
    )  # fmt: skip


@requires(Permission.CHANGE_PERSON)
@require_POST
def appointment_undo(request: HttpRequest, public_id: str) -> HttpResponse:
    by = doer_of(request)
    return deed_on(
        request, public_id, lambda visit, seen: booking.undo(appointment=visit, seen_version=seen, by=by)
    )


# --- forms ----------------------------------------------------------------------------------------------------------
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
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                with once(request) as attempt:
                    if attempt.answer:
                        return redirect(attempt.answer)
                    made = booking.book(**form.wish(), by=doer_of(request))
                    return attempt.leads_to(reverse("appointment", args=[made.public_id]))
            except Refused as refusal:
                status = refuse(form, refusal, context)
        elif led_to := answered(request):
            return redirect(led_to)
    else:
        access_log.viewed(request, patient=patient)
    if "offers" not in context:
        asked = form.data if form.is_bound else first_guess(request, patient)
        context |= suggestions(asked, patient, site)
        if not form.is_bound:
            context |= foreseen(request, asked, patient, site)
    return render(request, "appointments/new.html", context, status=status)


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


def refuse(form: AppointmentForm | MoveForm, refusal: Refused, context: dict[str, Any]) -> int:
    """The sentence beside its field, free times to take instead, and the status that fits."""
    form.refuse(refusal)
    if isinstance(refusal, booking.SlotTaken):
        context["offers"] = [(offer, offer_value(offer)) for offer in refusal.next_free]
        return 409
    if isinstance(refusal, Stale):
        context["theirs"] = refusal.theirs
        return 409
    return 422


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
    return {"offers": offers_from(site, service, chosen or people, patient, room, named("day"), ignoring)}


def offers_from(
    site: Any, service: Service, people: list[User], patient: Patient, room: Any, day: str, ignoring: tuple[int, ...]
) -> list[tuple[availability.Offer, str]]:
    try:
        first = parse_date(day)
    except ValueError:
        first = None
    today = site.today()
    if first is None or not today <= first <= today.replace(year=today.year + 3, day=1):
        first = today
    found = availability.next_free(
        site=site, service=service, practitioners=people, patient=patient, room=room, first_day=first,
        limit=SUGGESTED, ignoring=ignoring,
    )  # fmt: skip
    return [(offer, offer_value(offer)) for offer in found]


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def appointment_move(request: HttpRequest, public_id: str) -> HttpResponse:
    visit = appointment_or_404(request, public_id)
    form = MoveForm(offered(request.POST) if request.method == "POST" else None, appointment=visit)
    context: dict[str, Any] = {"visit": visit, "patient": visit.patient, "form": form, "site": visit.site}
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                with once(request) as attempt:
                    if attempt.answer:
                        return redirect(attempt.answer)
                    if request.POST.get("scope") == "later":
                        move_with_later(visit, form, doer_of(request))
                    else:
                        booking.move(appointment=visit, **form.change(), by=doer_of(request))
                    return attempt.leads_to(reverse("appointment", args=[visit.public_id]))
            except Refused as refusal:
                status = refuse(form, refusal, context)
    else:
        access_log.viewed(request, patient=visit.patient, of=visit)
    if "offers" not in context:
        asked = {
            "service": visit.service.public_id,
            "practitioner": visit.practitioner.public_id,
            "day": str(form["day"].value() or ""),
        }
        context |= suggestions(asked, visit.patient, visit.site, ignoring=(visit.pk,))
    context["later"] = booking.later_of_course(visit).count()
    return render(request, "appointments/move.html", context, status=status)


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
    visit = appointment_or_404(request, public_id)
    form = CancelForm(request.POST or None, seen_version=visit.version)
    status = 200
    theirs: Any = ()
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                with once(request) as attempt:
                    if attempt.answer:
                        return redirect(attempt.answer)
                    booking.cancel(
                        appointment=visit, seen_version=form.cleaned_data["seen_version"],
                        reason=form.cleaned_data["reason"], by=doer_of(request),
                    )  # fmt: skip
                    return attempt.leads_to(after_cancelling(request, visit))
            except Refused as refusal:
                form.refuse(refusal)
                status = 409 if isinstance(refusal, Stale) else 422
                theirs = getattr(refusal, "theirs", ())
    else:
        access_log.viewed(request, patient=visit.patient, of=visit)
    context = {
        "visit": visit, "patient": visit.patient, "form": form, "theirs": theirs,
        "rebook": request.GET.get("then") == "rebook",
    }  # fmt: skip
    return render(request, "appointments/cancel.html", context, status=status)


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
