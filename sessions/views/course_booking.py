"""A whole course on one page: a proposed time per session, mended row by row, booked all at once or not at all."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import carry_out
from clinic.doer import Doer
from clinic.errors import Stale
from clinic.http import StaffRequest
from clinic.idempotency import answered
from clinic.permissions import requires
from protocols import catalogue
from protocols.models import Service
from sessions import booking
from sessions.booking_rules import window_after
from sessions.charting import indication_name
from sessions.forms.booking import CourseRowsForm, offer_value, unbooked_sessions
from sessions.models import Course, PlannedSession
from sessions.proposing import Proposal, propose, service_of
from sessions.slots import Fit
from sessions.views.asking import permissions_of
from sessions.views.courses import course_or_404

FIT_WORD = {Fit.TOO_EARLY: _("Too early"), Fit.IDEAL: _("In the window"), Fit.LATE: _("Late")}
FIT_PILL = {Fit.TOO_EARLY: "caution", Fit.IDEAL: "ok", Fit.LATE: "caution"}


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def course_book(request: StaffRequest, public_id: str) -> HttpResponse:
    course = course_or_404(request, public_id)
    if request.method == "POST" and (led_to := answered(request)):
        return redirect(led_to)
    rows = list(unbooked_sessions(course.patient).filter(course=course))
    service = service_of(course)
    context: dict[str, Any] = {
        "course": course,
        "patient": course.patient,
        "title": indication_name(course.indication, catalogue.in_force()),
        "service": service,
        "back": way_back(request, course),
    }
    if service is None or not rows:
        access_log.viewed(request, patient=course.patient, of=course)
        return render(request, "appointments/course_book.html", context)
    proposals = propose(course=course, service=service, sessions=rows) if request.method == "GET" else []
    data = with_offer(request.POST, rows) if request.method == "POST" else None
    form = CourseRowsForm(data, course=course, rows=rows, initial=proposed(proposals, course))

    def book(_data: dict[str, Any]) -> str:
        check_unchanged(course, form)
        booking.book_course(course=course, slots=form.slots(service), by=doer_of(request))
        return way_back(request, course)

    def show(form: CourseRowsForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        return shown(by_number(getattr(form.refusal, "report", ())), status=status)

    def shown(report: dict[int, booking.RowReport], *, status: int = 200) -> HttpResponse:
        found = context | {"form": form, "rows": shown_rows(form, rows, report)}
        return render(request, "appointments/course_book.html", found, status=status)

    if request.method == "GET":
        access_log.viewed(request, patient=course.patient, of=course)
        return shown(reported(course, slots_of(proposals, service), doer_of(request)))
    if "offer" in request.POST:  # another time for one row: the list is judged and shown again with it
        return shown(reported(course, form.slots(service), doer_of(request)) if form.is_valid() else {})
    return carry_out(request, form, deed=book, show=show)


def by_number(report: Iterable[booking.RowReport]) -> dict[int, booking.RowReport]:
    return {row.choice.planned_session.number: row for row in report}


def slots_of(proposals: list[Proposal], service: Service) -> list[booking.SlotChoice]:
    return [
        booking.SlotChoice(
            one.planned, service, one.offer.practitioner, one.offer.room, one.offer.starts_at, one.offer.device
        )
        for one in proposals
        if one.offer is not None
    ]


def reported(course: Course, slots: list[booking.SlotChoice], by: Doer) -> dict[int, booking.RowReport]:
    """Clash or no clash of each row, by its number; a list without any day has nothing to say."""
    found = booking.report_course(course=course, slots=slots, by=by) if slots else []
    return by_number(found)


def way_back(request: HttpRequest, course: Course) -> str:
    """To the course for who may see it, else to the plan on the patient's page."""
    if Permission.SEE_CLINICAL in permissions_of(request):
        return reverse("course", args=[course.public_id])
    return reverse("patient", args=[course.patient.public_id]) + "?tab=plan"


def check_unchanged(course: Course, form: CourseRowsForm) -> None:
    if form.cleaned_data["seen_version"] != course.version:
        raise Stale(str(_("The plan of this course was changed meanwhile. Reload the page to see the new dates.")))


def proposed(proposals: list[Proposal], course: Course) -> dict[str, Any]:
    """The proposals as first values of the form."""
    values: dict[str, Any] = {}
    for one in proposals:
        n = one.planned.number
        values[f"practitioner_{n}"] = course.practitioner.public_id
        if one.offer is not None:
            values |= {
                f"day_{n}": one.offer.local_start.date(),
                f"time_{n}": one.offer.local_start.time(),
                f"practitioner_{n}": one.offer.practitioner.public_id,
                f"room_{n}": one.offer.room.public_id,
            }
    return values


def with_offer(posted: Any, rows: list[PlannedSession]) -> Any:
    """A row's free time that was pressed ("3=day|time|practitioner|room") written into that row."""
    number, _sign, value = str(posted.get("offer", "")).partition("=")
    parts = value.split("|")
    if len(parts) != 4 or number not in {str(row.number) for row in rows}:
        return posted
    changed = posted.copy()
    for name, part in zip(("day", "time", "practitioner", "room"), parts, strict=True):
        changed[f"{name}_{number}"] = part
    return changed


def shown_rows(
    form: CourseRowsForm, rows: list[PlannedSession], report: dict[int, booking.RowReport]
) -> list[dict[str, Any]]:
    """Each row for the template: fields, window, the badge of its interval, what stands against it."""
    shown = []
    before: tuple[int, Any] | None = None
    for row in rows:
        day = day_of(form, row.number)
        window = window_after(row, before[1] if before and before[0] == row.number - 1 else None)
        fit = window.fit(day) if day else None
        clash = report.get(row.number)
        shown.append(
            {
                "planned": row,
                "window": window,
                "day": day,
                "fit": FIT_WORD[fit] if fit else "",
                "fit_pill": FIT_PILL[fit] if fit else "",
                "fields": [form[f"{name}_{row.number}"] for name in ("day", "time", "fold", "practitioner", "room")],
                "clash": clash.sentence if clash else "",
                "fits": bool(clash and clash.fits),
                "offers": [(o, f"{row.number}={offer_value(o)}") for o in clash.next_free] if clash else [],
            }
        )
        before = (row.number, day) if day else None
    return shown


def day_of(form: CourseRowsForm, number: int) -> Any:
    """The day as typed or proposed, if it is one."""
    if form.is_bound:
        return form.cleaned_data.get(f"day_{number}") if hasattr(form, "cleaned_data") else None
    return form.initial.get(f"day_{number}")
