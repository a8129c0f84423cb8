"""Dragging in the calendar: what a drop would do, asked before it counts; the move, once; taken back; the lock."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.errors import Refused, Stale
from clinic.idempotency import new_token, once
from clinic.permissions import requires
from sessions import booking, dragging, holds
from sessions.availability import Wish
from sessions.booking_rules import check_movable, mark_of
from sessions.calendar_feed import COLUMNS
from sessions.calendar_range import on_the_wall
from sessions.foresight import fits_of, left_too_close, may_be_overbooked, objection_to, other_things
from sessions.forms.booking import HeldMoveForm, MoveForm, offer_value, offered
from sessions.models import Appointment
from sessions.public_booking import HOLD_MINUTES
from sessions.views.appointments import appointment_or_404, deed_on, held_or_none

WALL = "%Y-%m-%dT%H:%M"
HIDDEN = ("day", "time", "practitioner", "room", "device", "minutes", "form_token", "seen_version")
CHANGED = "calendar-changed"  # the page hears it and reads the calendar anew


def or_gone(view: Callable[[HttpRequest, str], HttpResponse]) -> Callable[[HttpRequest, str], HttpResponse]:
    """What was pressed in the calendar may be gone by now, as a hold is after its minutes: the calendar says so and is read
    anew. As a page of its own it is no page."""

    @wraps(view)
    def looked_for(request: HttpRequest, public_id: str) -> HttpResponse:
        try:
            return view(request, public_id)
        except Http404:
            if not request.headers.get("HX-Request"):
                raise
        words = _("This is no longer here. A time that was held may have ended; the calendar now shows what there is.")
        response = render(request, "calendar/not_taken_back.html", {"refusal": Refused(words)}, status=409)
        response["HX-Trigger"], response["HX-Retarget"], response["HX-Reswap"] = CHANGED, "#calendar-done", "innerHTML"
        return response

    return looked_for


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
@or_gone
def appointment_drop(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET: what a drop at this place would do, with the confirmation. POST: the move itself; a copy of it does nothing."""
    visit = visit_or_hold(request, public_id)
    if request.method == "GET":
        viewed(request, visit)
        return foreseen(request, visit)
    form = form_for(visit, offered(request.POST))
    if not form.is_valid():
        return answer(request, visit, form, refusal=Refused(first_error(form)), status=422)
    try:
        with once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            if isinstance(form, HeldMoveForm):
                holds.move(appointment=visit, **form.held_change(), by=doer_of(request))
            else:
                booking.move(appointment=visit, **form.change(), by=doer_of(request))
            return attempt.leads_to(reverse("appointment-moved", args=[visit.public_id]))
    except Refused as refusal:
        return answer(request, visit, form, refusal=refusal, status=refusal.status)


def visit_or_hold(request: HttpRequest, public_id: str) -> Appointment:
    """An appointment, or a time held for somebody outside: both stand in the calendar and are taken by the hand."""
    return held_or_none(request, public_id) or appointment_or_404(request, public_id)


def form_for(visit: Appointment, data: Any) -> MoveForm:
    return (HeldMoveForm if visit.patient.is_provisional else MoveForm)(data, appointment=visit)


def viewed(request: HttpRequest, visit: Appointment) -> None:
    """A hold is nobody's patient: the row names the time alone."""
    access_log.viewed(request, of=visit, **({} if visit.patient.is_provisional else {"patient": visit.patient}))


def foreseen(request: HttpRequest, visit: Appointment) -> HttpResponse:
    """The dialog after a drop. What is impossible is said with its reason, and nothing can be confirmed."""
    try:
        check_unchanged(visit, request.GET.get("seen", ""))
        check_movable(visit)
        data = typed_from(request, visit)
    except Refused as stands_against:
        return answer(request, visit, None, refusal=stands_against, status=stands_against.status)
    form = form_for(visit, data)
    if not form.is_valid():
        return answer(request, visit, form, refusal=Refused(first_error(form)), status=422)
    wish, said = other_things(wish_from(form))
    data["room"], data["device"] = wish.room.public_id, wish.device.public_id if wish.device else ""
    form = form_for(visit, data)
    form.is_valid()
    refusal = objection_to(wish, by=doer_of(request))
    return answer(request, visit, form, refusal=refusal, said=said, wish=wish, status=422 if refusal else 200)


def check_unchanged(visit: Appointment, seen: str) -> None:
    if seen != str(visit.version):
        raise Stale(_("Somebody changed this appointment meanwhile. The calendar now shows it as it is."))


def typed_from(request: HttpRequest, visit: Appointment) -> QueryDict:
    """The drop as the move form would have been filled in. A new end means another length, counted after the numbing."""
    asked = request.GET
    start, end = wall_of(asked.get("start", "")), wall_of(asked["end"]) if asked.get("end") else None
    minutes = visit.treatment_minutes or visit.service.treatment_minutes
    if end is not None:
        was = on_the_wall(visit.ends_at, visit.site.zone) - on_the_wall(visit.starts_at, visit.site.zone)
        minutes += int(((end - start) - was).total_seconds() // 60)
    data = QueryDict(mutable=True)
    data.update(
        {
            "day": f"{start:%Y-%m-%d}", "time": f"{start:%H:%M}", "minutes": str(minutes), "tell": "on",
            "practitioner": visit.practitioner.public_id, "room": visit.room.public_id,
            "device": visit.device.public_id if visit.device else "", "seen_version": str(visit.version),
            "form_token": new_token(), "fold": asked.get("fold", "")[:1],
        }
    )  # fmt: skip
    if start == on_the_wall(visit.starts_at, visit.site.zone) and not data["fold"]:
        data["fold"] = str(visit.local_start.fold)  # resized where it stands: the same of two equal times
    by, column = asked.get("by", ""), asked.get("column", "")
    if by in COLUMNS and column:
        data[by] = column.replace("\x00", "")[:40]
    return data


def wall_of(typed: str) -> dt.datetime:
    """2026-03-12T11:15, the site's wall time."""
    try:
        if not typed.isascii():
            raise ValueError(typed)
        return dt.datetime.strptime(typed[:16], WALL)  # noqa: DTZ007 - a wall time carries no zone
    except ValueError as error:
        raise Refused(_("Say the time as day and clock time, such as 2026-03-12T11:15."), field="time") from error


def wish_from(form: MoveForm) -> Wish:
    """The wish of a valid form, with the room and device it names."""
    cleaned, visit = form.cleaned_data, form.appointment
    return booking.moved_wish(
        visit, starts_at=cleaned["starts_at"], practitioner=cleaned["practitioner"],
        room=cleaned["room"] or visit.room, device=cleaned["device"] or visit.device,
        treatment_minutes=cleaned["minutes"], overbook_reason=cleaned["overbook_reason"],
    )  # fmt: skip


def first_error(form: MoveForm) -> str:
    return next(str(errors[0]) for errors in form.errors.values())


def answer(
    request: HttpRequest, visit: Appointment, form: MoveForm | None, *, refusal: Refused | None, status: int,
    said: list[str] | None = None, wish: Wish | None = None,
) -> HttpResponse:  # fmt: skip
    """The dialog: from where to where, what else changes, what stands against it and what could be taken instead."""
    is_held = visit.patient.is_provisional
    if wish is None and form is not None and form.is_valid():
        wish = wish_from(form)
    context: dict[str, Any] = {
        "visit": visit, "form": form, "refusal": refusal, "said": said or [], "is_held": is_held,
        "hold_minutes": HOLD_MINUTES,
        "twice": form is not None and form.has_error("time", "time-twice"),
        "hidden": [(name, form[name].value() or "") for name in HIDDEN] if form is not None else [],
    }  # fmt: skip
    if wish is not None:
        sessions = wish.planned_sessions
        context |= {
            "wish": wish,
            "to": wish.starts_at.astimezone(visit.site.zone),
            "until": wish.footprint.patient.end.astimezone(visit.site.zone),
            "minutes": wish.minutes.treatment,
            "minutes_before": visit.treatment_minutes or visit.service.treatment_minutes,
            "moves": wish.starts_at != visit.starts_at,
            "fits": fits_of(sessions, wish.day),
            "too_close": left_too_close(visit, sessions, wish.day),
            "mark": "" if refusal else mark_of(wish),
            "offers": [(one, offer_value(one)) for one in getattr(refusal, "next_free", ())],
            "may_overbook": not is_held and may_be_overbooked(refusal, site=visit.site, by=doer_of(request)),
        }
    response = render(request, "calendar/drop.html", context, status=status)
    if isinstance(refusal, Stale):
        response["HX-Trigger"] = CHANGED
    return response


# --- done, and taken back -------------------------------------------------------------------------------------------
@requires(Permission.CHANGE_PERSON)
@require_safe
def appointment_moved(request: HttpRequest, public_id: str) -> HttpResponse:
    """What has just been done, with the way back and the rest of the course; without a script, the calendar itself."""
    visit = visit_or_hold(request, public_id)
    if not request.headers.get("HX-Request"):
        return redirect(f"{reverse('calendar')}?day={visit.local_start.date()}&open={visit.public_id}")
    viewed(request, visit)
    response = render(request, "calendar/moved.html", moved_context(visit))
    response["HX-Trigger"] = CHANGED
    response["HX-Retarget"] = "#calendar-done"
    response["HX-Reswap"] = "innerHTML"
    return response


def moved_context(visit: Appointment) -> dict[str, Any]:
    """From where it came, if that can still be taken back, and what of its course comes later."""
    until = visit.hold_ends_at.astimezone(visit.site.zone) if visit.patient.is_provisional and visit.hold_ends_at else None
    return {"visit": visit, "fresh_token": new_token, "held_until": until, **came_from(visit)}


def came_from(visit: Appointment) -> dict[str, Any]:
    was = booking.where_it_was(visit)
    if was is None:
        return {"was": None}
    start = was.starts_at.astimezone(visit.site.zone)
    days = (visit.local_start.date() - start.date()).days
    return {
        "was": start, "was_practitioner": was.practitioner, "was_room": was.room, "days": days,
        "later": booking.later_of_course(visit).count() if days else 0,
    }  # fmt: skip


@requires(Permission.CHANGE_PERSON)
@require_POST
def appointment_take_back(request: HttpRequest, public_id: str) -> HttpResponse:
    """The last move of this appointment, and what moved with it, taken back."""
    by = doer_of(request)

    def deed(visit: Appointment, seen: int) -> Appointment:
        booking.take_back(appointment=visit, seen_version=seen, by=by)
        return visit

    in_bar = request.headers.get("HX-Target") == "calendar-done"
    return deed_on(request, public_id, deed, leads_to="appointment-moved" if in_bar else "")


@requires(Permission.CHANGE_PERSON)
@require_POST
def calendar_dragging(request: HttpRequest) -> HttpResponse:
    """Lock or free dragging for this person, on every screen they sign in at."""
    dragging.set_lock(locked=request.POST.get("locked") == "1", by=doer_of(request))
    shown = request.GET.urlencode()  # the day and view that were open stay
    return redirect(f"{reverse('calendar')}{'?' if shown else ''}{shown}")
