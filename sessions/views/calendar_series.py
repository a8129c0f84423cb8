"""Several appointments in one act: this and later of a course, a swap of two, another one into a freed time."""
from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import carry_out
from clinic.errors import Refused
from clinic.forms import HouseForm
from clinic.idempotency import answered, new_token
from clinic.permissions import requires
from patients.models import Patient
from sessions import booking, series
from sessions.booking_rules import check_movable
from sessions.calendar_range import day_of
from sessions.choices import CANCELLED, UPCOMING, AppointmentStatus
from sessions.foresight import fits_of
from sessions.forms.series import NAMES, OtherForm, SeriesForm
from sessions.models import Appointment
from sessions.views.appointments import appointment_or_404
from sessions.views.asking import user_of

NEAREST = 24  # as many others as one page offers
MOST_DAYS = 366
DAYS = re.compile(r"[+-]?\d{1,3}", re.ASCII)


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def appointment_series(request: HttpRequest, public_id: str) -> HttpResponse:
    """This and later (or, after a move, the rest) of a course with a new time per row: all of them, or none."""
    visit = appointment_or_404(request, public_id)
    if request.method == "POST" and (led_to := answered(request)):
        return redirect(led_to)
    only_rest = request.GET.get("rest") == "1"
    rows = series.this_and_later(visit)[only_rest:]
    context: dict[str, Any] = {"visit": visit, "patient": visit.patient, "only_rest": only_rest}
    if visit.course is None or not rows or visit.status not in UPCOMING:
        access_log.viewed(request, patient=visit.patient, of=visit)
        return render(request, "appointments/series.html", context)
    asked = asked_shift(request, visit, only_rest=only_rest)
    form = SeriesForm(request.POST if request.method == "POST" else None, rows=rows, walls=walls_of(rows, visit, asked))
    if request.method == "GET":
        access_log.viewed(request, patient=visit.patient, of=visit)

    def move(data: dict[str, Any]) -> str:
        series.move_together(changes=form.changes(), by=doer_of(request), tell=data["tell"])
        return calendar_at(rows[0].pk, visit)

    def show(form: SeriesForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        report = {row.change.appointment.pk: row for row in getattr(form.refusal, "report", ())}
        shown = context | {"form": form, "rows": shown_rows(form, rows, report), "days": asked[0]}
        return render(request, "appointments/series.html", shown, status=status)

    return carry_out(request, form, deed=move, show=show)


def calendar_at(pk: int, visit: Appointment) -> str:
    """The calendar on the day the first of them now stands on."""
    first = Appointment.objects.select_related("site").get(pk=pk)
    return f"{reverse('calendar')}?day={first.local_start.date()}&open={visit.public_id}"


def asked_shift(request: HttpRequest, visit: Appointment, *, only_rest: bool) -> tuple[int, dt.time, dt.time]:
    """By how many days, and which clock time becomes which: as the address says, or as the first one has just moved."""
    local = visit.local_start
    time = local.time().replace(second=0, microsecond=0)
    was = booking.where_it_was(visit)
    days, before = 0, time
    if only_rest and was is not None:
        start = was.starts_at.astimezone(visit.site.zone)
        days, before = (local.date() - start.date()).days, start.time().replace(second=0, microsecond=0)
    typed = request.GET.get("days", "")
    if DAYS.fullmatch(typed):
        days = int(typed)
    elif (day := day_of(request.GET.get("day", ""))) is not None:
        days = (day - local.date()).days
    with contextlib.suppress(ValueError):
        time = dt.time.fromisoformat(request.GET.get("time", "") or time.isoformat())
    return max(-MOST_DAYS, min(MOST_DAYS, days)), before, time.replace(second=0, microsecond=0, tzinfo=None)


def walls_of(rows: list[Appointment], visit: Appointment, asked: tuple[int, dt.time, dt.time]) -> dict[int, dt.datetime]:
    days, was, becomes = asked
    return {row.pk: series.shifted_wall(row, days=days, was=was, becomes=becomes) for row in rows}


def shown_rows(form: SeriesForm, rows: list[Appointment], report: dict[int, Any]) -> list[dict[str, Any]]:
    """Each row with its fields, where it stands now, its interval badge and what stands against it."""
    shown = []
    for n, row in enumerate(rows, start=1):
        try:
            day = form.fields[f"day_{n}"].clean(form[f"day_{n}"].value())
        except ValidationError:
            day = None
        planned = [one.planned_session for one in row.fulfilments.select_related("planned_session").filter(active=True)]
        clash = report.get(row.pk)
        shown.append(
            {
                "row": row,
                "numbers": ", ".join(str(one.number) for one in planned),
                "day": day,
                "fits": fits_of(planned, day) if day and n == 1 else [],
                "fields": [form[f"{name}_{n}"] for name in NAMES],
                "hidden": [form[f"row_{n}"], form[f"version_{n}"]],
                "clash": clash.sentence if clash else "",
                "no_clash": bool(clash and clash.fits),
            }
        )
    return shown


# --- two of them ----------------------------------------------------------------------------------------------------
@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def appointment_swap(request: HttpRequest, public_id: str) -> HttpResponse:
    """Choose the other one; both change places in one act."""
    visit = appointment_or_404(request, public_id)

    def deed(other: Appointment, form: OtherForm) -> None:
        booking.swap(
            first=visit, second=other, by=doer_of(request), tell=form.cleaned_data["tell"],
            seen_versions=(form.cleaned_data["seen_version"], form.cleaned_data["other_version"]),
        )  # fmt: skip

    return with_another(request, visit, "appointments/swap.html", deed, others_near(request, visit))


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def appointment_freed(request: HttpRequest, public_id: str) -> HttpResponse:
    """The time of a cancelled appointment, given to another one that is booked already."""
    visit = appointment_or_404(request, public_id)

    def deed(other: Appointment, form: OtherForm) -> None:
        if visit.status not in CANCELLED:
            raise Refused(_("This appointment still holds its time."))
        booking.move(
            appointment=other, seen_version=form.cleaned_data["other_version"], starts_at=visit.starts_at,
            practitioner=visit.practitioner, room=visit.room, by=doer_of(request), tell=form.cleaned_data["tell"],
        )  # fmt: skip

    return with_another(request, visit, "appointments/freed.html", deed, later_ones(request, visit))


def with_another(request: HttpRequest, visit: Appointment, page: str, deed: Any, others: list[Appointment]) -> HttpResponse:
    """One page, one list, one act with the chosen other appointment."""
    form = OtherForm(request.POST if request.method == "POST" else None, seen_version=visit.version)
    if request.method == "GET":
        access_log.viewed(request, patient=visit.patient, of=visit)

    def done(data: dict[str, Any]) -> str:
        other = appointment_or_404(request, data["other"].replace("\x00", ""))
        deed(other, form)
        return calendar_at(other.pk, other)

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        context = {
            "visit": visit, "patient": visit.patient, "form": form, "others": others, "theirs": theirs,
            "closed": closed(visit), "fresh_token": new_token,
        }  # fmt: skip
        return render(request, page, context, status=status)

    return carry_out(request, form, deed=done, show=show)


def closed(visit: Appointment) -> str:
    """Why nothing can be swapped with it, for the page."""
    try:
        check_movable(visit)
    except Refused as refusal:
        return refusal.sentence
    return ""


def movable_others(request: HttpRequest, visit: Appointment) -> Any:
    rows = Appointment.objects.filter(
        site=visit.site, status__in=[AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED],
        starts_at__gt=timezone.now(), patient__in=Patient.objects.visible_to(user_of(request)),
    )  # fmt: skip
    return rows.exclude(pk=visit.pk).select_related("patient", "site", "service", "practitioner", "room", "course")


def others_near(request: HttpRequest, visit: Appointment) -> list[Appointment]:
    """Those of the same day first, then the next ones; the same practitioner before others."""
    rows = movable_others(request, visit)
    start, end = visit.site.day_bounds(visit.local_start.date())
    same_day = list(rows.filter(starts_at__gte=start, starts_at__lt=end)[:NEAREST])
    return same_day + list(rows.filter(starts_at__gte=end)[: NEAREST - len(same_day)])


def later_ones(request: HttpRequest, visit: Appointment) -> list[Appointment]:
    """Those after the freed time that could take it by their length: the nearest first."""
    rows = movable_others(request, visit).filter(starts_at__gt=visit.starts_at)
    room = visit.ends_at - visit.starts_at
    return [row for row in rows[: 3 * NEAREST] if row.ends_at - row.starts_at <= room][:NEAREST]
