"""One appointment: everything about it on one page, and its changes of status."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import form_page
from clinic.errors import Refused
from clinic.idempotency import new_token, once
from clinic.permissions import requires
from patients.labels import LANGUAGE_CHOICES
from patients.models import Patient
from protocols import catalogue
from sessions import booking, freeing, screenings
from sessions.board_cards import cards_of
from sessions.board_drawing import complaints
from sessions.booking_rules import refusal_of, undo_target, window_of
from sessions.choices import CANCELLED, AppointmentStatus, MissedReason
from sessions.deciding import undecided_for
from sessions.explaining import outcome_pill
from sessions.forms.booking import NoShowForm
from sessions.message_texts import KINDS
from sessions.models import Appointment, Document, Message, Screening
from sessions.views.asking import permissions_of, user_of
from sessions.waiting_page import slot_link

STATUS = AppointmentStatus


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
    rows = Appointment.objects.select_related("patient", "site", "service", "practitioner", "room", "device", "course")
    return rows.filter(
        public_id=public_id, patient__is_provisional=True, site__in=user_of(request).sites()
    ).first()


def held_page(request: HttpRequest, visit: Appointment, template: str = "appointments/held.html") -> HttpResponse:
    access_log.viewed(request, of=visit)
    context = {
        "visit": visit, "until": local(visit, visit.hold_ends_at),
        "may_change": Permission.CHANGE_PERSON in permissions_of(request),
        "is_over": visit.status != STATUS.HELD or visit.hold_ends_at is None or visit.hold_ends_at <= timezone.now(),
    }  # fmt: skip
    return render(request, template, context)


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
        "complaints": complaints(
            card, may_change=Permission.CHANGE_PERSON in held, may_see_headline=Permission.SEE_HEADLINE in held
        ),
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
