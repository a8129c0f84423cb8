"""Bookings whose ground was taken away: the list; several of them placed anew, or cancelled, in one act."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import carry_out
from clinic.errors import Refused
from clinic.idempotency import answered
from clinic.models.base import new_public_id
from clinic.permissions import requires
from patients.models import Patient
from sessions import booking, cancelling
from sessions.choices import UPCOMING, Displaced
from sessions.forms.booking import offer_value
from sessions.forms.displaced import DisplacedCancelForm, DisplacedRowsForm
from sessions.models import Appointment
from sessions.placing_anew import AT_MOST, Proposal, propose_anew, window_of_visit
from sessions.slots import Fit
from sessions.views.asking import permissions_of, user_of

FIT_WORD = {
    Fit.TOO_EARLY: gettext_lazy("Too early"), Fit.IDEAL: gettext_lazy("In the window"), Fit.LATE: gettext_lazy("Late"),
}  # fmt: skip
FIT_PILL = {Fit.TOO_EARLY: "caution", Fit.IDEAL: "ok", Fit.LATE: "caution"}


def displaced_of(request: HttpRequest) -> Any:
    """Bookings ahead without ground, of patients this person may see, at the sites they work at."""
    user = user_of(request)
    return (
        Appointment.objects.displaced()
        .filter(patient__in=Patient.objects.visible_to(user), site__in=user.sites())
        .select_related("patient", "site", "service", "practitioner", "room", "device", "course")
        .prefetch_related("fulfilments__planned_session")
        .order_by("starts_at", "id")
    )


@requires(Permission.SEE_PERSON)
@require_safe
def displaced(request: HttpRequest) -> HttpResponse:
    """What has to be placed anew, next first, and why."""
    rows = displaced_of(request)
    shown = list(rows[:200])
    access_log.viewed(request)
    context = {
        "rows": [(visit, Displaced(visit.displaced).label) for visit in shown],
        "count": rows.count() if len(shown) == 200 else len(shown),
        "several_sites": len({visit.site_id for visit in shown}) > 1,
        "may_change": Permission.CHANGE_PERSON in permissions_of(request),
    }
    return render(request, "appointments/displaced.html", context)


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def displaced_move(request: HttpRequest) -> HttpResponse:
    """A proposal for each, rows to mend, all at once or none."""
    if request.method == "POST" and (led_to := answered(request)):
        return redirect(led_to)
    visits = list(displaced_of(request)[:AT_MOST])
    if request.method == "POST":
        # Only what the form was made of: what was displaced since then waits for the next round.
        visits = [visit for visit in visits if f"version_{visit.public_id}" in request.POST]
    if not visits:
        return render(request, "appointments/displaced_move.html", {"rows": []}, status=409 if request.POST else 200)
    proposals = propose_anew(visits) if request.method == "GET" else []
    data = with_offer(request.POST, visits) if request.method == "POST" else None
    form = DisplacedRowsForm(data, visits=visits, initial=proposed(proposals))

    def move(_data: dict[str, Any]) -> str:
        moved = move_all(form, request)
        words = ngettext("%(count)s appointment moved.", "%(count)s appointments moved.", moved)
        messages.success(request, words % {"count": moved})
        return reverse("displaced")

    def show(form: DisplacedRowsForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        report = {row.change.appointment.public_id: row for row in getattr(form.refusal, "report", ())}
        context = {"form": form, "rows": shown_rows(form, visits, report)}
        return render(request, "appointments/displaced_move.html", context, status=status)

    if request.method == "GET" or "offer" in request.POST:  # another time for one row: the list is shown again with it
        access_log.viewed(request)
        return show(form)
    return carry_out(request, form, deed=move, show=show)


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def displaced_cancel(request: HttpRequest) -> HttpResponse:
    """Several of them cancelled for one reason, each named with a tick of its own; all that are ticked, or none."""
    if request.method == "POST" and (led_to := answered(request)):
        return redirect(led_to)
    visits = posted_visits(request) if request.method == "POST" else list(displaced_of(request)[:AT_MOST])
    if not visits:
        return render(request, "appointments/displaced_cancel.html", {"rows": []}, status=409 if request.POST else 200)
    form = DisplacedCancelForm(request.POST if request.method == "POST" else None, visits=visits)
    if request.method == "GET":
        access_log.viewed(request)

    def cancel(data: dict[str, Any]) -> str:
        done = cancelling.cancel_all(calls=form.calls(), reason=data["reason"], by=doer_of(request))
        words = ngettext("%(count)s appointment cancelled.", "%(count)s appointments cancelled.", len(done))
        messages.success(request, words % {"count": len(done)})
        return reverse("displaced")

    def show(form: DisplacedCancelForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        against = getattr(form.refusal, "against", {})
        if against:
            form.leave_out(against)
        rows = [
            {
                "visit": visit, "why": Displaced(visit.displaced).label if visit.displaced else "",
                "version": form[f"version_{visit.public_id}"], "tick": form[f"cancel_{visit.public_id}"],
                "clash": against.get(visit.pk, ""), "is_open": visit.status in UPCOMING,
            }
            for visit in visits
        ]  # fmt: skip
        return render(request, "appointments/displaced_cancel.html", {"form": form, "rows": rows}, status=status)

    return carry_out(request, form, deed=cancel, show=show)


def posted_visits(request: HttpRequest) -> list[Appointment]:
    """What the form was made of, as it is now: also what somebody moved or cancelled meanwhile, to say so in its row."""
    keys = [name.removeprefix("version_") for name in request.POST if name.startswith("version_")]
    keys = [key for key in keys if len(key) <= 22 and "\x00" not in key][:AT_MOST]
    user = user_of(request)
    rows = Appointment.objects.filter(
        public_id__in=keys, patient__in=Patient.objects.visible_to(user), site__in=user.sites()
    )
    return list(
        rows.select_related("patient", "site", "service", "practitioner", "room", "device", "course").order_by("starts_at", "id")
    )


def move_all(form: DisplacedRowsForm, request: HttpRequest) -> int:
    changes = form.changes()
    if not changes:
        raise Refused(_("Choose a day for at least one of them."))
    moved = booking.rearrange(
        changes=changes, by=doer_of(request), tell=form.cleaned_data["tell"], together=new_public_id()
    )
    return len(moved)


def proposed(proposals: Sequence[Proposal]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for one in proposals:
        key = one.visit.public_id
        if one.offer is not None:
            values |= {
                f"day_{key}": one.offer.local_start.date(), f"time_{key}": one.offer.local_start.time(),
                f"practitioner_{key}": one.offer.practitioner.public_id, f"room_{key}": one.offer.room.public_id,
            }  # fmt: skip
    return values


def with_offer(posted: Any, visits: Sequence[Appointment]) -> Any:
    """A row's free time that was pressed ("visit=day|time|practitioner|room") written into that row."""
    key, _sign, value = str(posted.get("offer", "")).partition("=")
    parts = value.split("|")
    if len(parts) != 4 or key not in {visit.public_id for visit in visits}:
        return posted
    changed = posted.copy()
    for name, part in zip(("day", "time", "practitioner", "room"), parts, strict=True):
        changed[f"{name}_{key}"] = part
    return changed


def shown_rows(
    form: DisplacedRowsForm, visits: Sequence[Appointment], report: dict[str, booking.ChangeReport]
) -> list[dict[str, Any]]:
    shown = []
    for visit in visits:
        key = visit.public_id
        day = day_of(form, key)
        window = window_of_visit(visit)
        fit = window.fit(day) if window is not None and day is not None else None
        clash = report.get(key)
        shown.append(
            {
                "visit": visit,
                "why": Displaced(visit.displaced).label,
                "day": day,
                "window": window,
                "fit": FIT_WORD[fit] if fit else "",
                "fit_pill": FIT_PILL[fit] if fit else "",
                "version": form[f"version_{key}"],
                "fields": [form[f"{name}_{key}"] for name in ("day", "time", "fold", "practitioner", "room")],
                "clash": clash.sentence if clash else "",
                "fits": bool(clash and clash.fits),
                "offers": [(one, f"{key}={offer_value(one)}") for one in clash.next_free] if clash else [],
            }
        )
    return shown


def day_of(form: DisplacedRowsForm, key: str) -> Any:
    if form.is_bound:
        return form.cleaned_data.get(f"day_{key}") if hasattr(form, "cleaned_data") else None
    return form.initial.get(f"day_{key}")
