"""The wait list: who waits, putting somebody on it, and booking somebody who fits a free time with one click."""
from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import carry_out
from clinic.errors import NotPermitted, Refused
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.idempotency import once
from clinic.models import User
from clinic.permissions import requires
from patients.models import Patient
from patients.views.common import here
from patients.views.search import clean_query, pick
from protocols.models import Service
from sessions import freeing, waiting
from sessions.availability import Wish
from sessions.calendar_range import RangeError, days_of, wall_span
from sessions.fitting import openings, waiting_at
from sessions.forms.booking import placed, some_room
from sessions.forms.waiting import WaitForm, WithdrawForm
from sessions.models import Appointment, PlannedSession, WaitEntry, WaitStatus
from sessions.slots import Span
from sessions.views.appointment_forms import choose_patient, patient_from
from sessions.views.shape import patient_form_page
from sessions.waiting_page import desk_tabs, fits_into, moment_from, rows_of, slot_link

PAGE_SIZE = 25
LONGEST_OPENINGS_DAYS = 7
LONGEST_SLOT = dt.timedelta(days=1)


def entry_or_404(request: StaffRequest, public_id: str) -> WaitEntry:
    """Only of patients this person may see, waiting at a site they work at."""
    rows = WaitEntry.objects.filter(patient__in=Patient.objects.visible_to(request.user), sites__in=request.sites)
    rows = rows.select_related("patient", "service", "practitioner", "planned_session__course")
    found = rows.filter(public_id=public_id).distinct().first()
    if found is None:
        raise Http404
    return found


# --- the list -------------------------------------------------------------------------------------------------------
@requires(Permission.SEE_PERSON)
@require_safe
def wait_list(request: StaffRequest) -> HttpResponse:
    """Who waits at this site, the most urgent first; those who no longer do, newest first. A fixed number of queries."""
    site, typed = here(request), clean_query(request)
    shown = pick(request, "show", {"open": "", "ended": ""}, "open")
    entries = WaitEntry.objects.at(site).filter(patient__in=Patient.objects.visible_to(request.user))
    if typed:
        entries = entries.filter(patient__in=Patient.objects.matching(typed))
    waiting_now = entries.open()
    ended = entries.exclude(status=WaitStatus.OPEN).order_by("-ended_at", "-id")
    chosen = waiting_now.urgent_first() if shown == "open" else ended
    chosen = chosen.select_related("patient", "service", "practitioner", "planned_session__course", "appointment__site")
    page = Paginator(chosen, PAGE_SIZE).get_page(request.GET.get("page"))
    access_log.viewed(request)
    context = {
        "page": page, "rows": rows_of(list(page), timezone.now()), "typed": typed, "shown": shown,
        "tabs": desk_tabs("wait-list"), "site": site, "may_change": Permission.CHANGE_PERSON in request.permissions,
        "segments": [
            {"label": pgettext("wait list", "Waiting"), "url": "?show=open", "active": shown == "open"},
            {"label": pgettext("wait list", "No longer"), "url": "?show=ended", "active": shown == "ended"},
        ],
    }  # fmt: skip
    return render(request, "waiting/list.html", context)


# --- writing it down ------------------------------------------------------------------------------------------------
@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def wait_entry_new(request: StaffRequest) -> HttpResponse:
    """From the patient, the course or the booking form, which say what they know in the address."""
    patient = patient_from(request)
    if patient is None:
        return choose_patient(request, title=_("Put on the wait list"))
    site = here(request)
    names = ("service", "planned_session", "practitioner")
    said = {name: request.GET[name].replace("\x00", "")[:40] for name in names if request.GET.get(name)}
    if "planned_session" in said and "service" not in said:
        planned = PlannedSession.objects.filter(patient=patient, public_id=said["planned_session"]).first()
        service = Service.objects.filter(is_active=True, indication=planned.course.indication).first() if planned else None
        said |= {"service": service.public_id} if service else {}
    form = WaitForm(
        request.POST or None, patient=patient, site=site, sites=request.sites,
        initial={"sites": [site.public_id]} | said,
    )  # fmt: skip

    def deed(data: dict[str, Any]) -> str:
        del data
        waiting.add(patient=patient, wish=form.wish, by=doer_of(request))
        messages.success(request, _("%(name)s is on the wait list.") % {"name": patient.name})
        return reverse("wait-list")

    return entry_page(request, form, patient, deed, title=_("Put on the wait list"), hidden=patient.public_id)


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def wait_entry_edit(request: StaffRequest, public_id: str) -> HttpResponse:
    entry = entry_or_404(request, public_id)
    sites = list({site.pk: site for site in [*request.sites, *entry.sites.all()]}.values())
    form = WaitForm(
        request.POST or None, patient=entry.patient, site=here(request), sites=sites, entry=entry,
        initial=WaitForm.initial_of(entry),
    )  # fmt: skip

    def deed(data: dict[str, Any]) -> str:
        waiting.change(entry=entry, seen_version=data["seen_version"], wish=form.wish, by=doer_of(request))
        return reverse("wait-list")

    return entry_page(request, form, entry.patient, deed, title=_("Change what they wait for"), entry=entry)


def entry_page(
    request: StaffRequest, form: WaitForm, patient: Patient, deed: Any, *, title: str, hidden: str = "",
    entry: WaitEntry | None = None,
) -> HttpResponse:  # fmt: skip
    if request.method == "GET":
        access_log.viewed(request, patient=patient, of=entry)

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        context = {
            "form": form, "patient": patient, "title": title, "theirs": theirs, "hidden": hidden, "entry": entry,
            "back": reverse("patient", args=[patient.public_id]) if entry is None else reverse("wait-list"),
        }  # fmt: skip
        return render(request, "waiting/entry.html", context, status=status)

    version = (lambda: WaitEntry.objects.only("version").get(pk=entry.pk).version) if entry else None
    return carry_out(request, form, deed=deed, show=show, version_now=version)


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def wait_entry_withdraw(request: StaffRequest, public_id: str) -> HttpResponse:
    entry = entry_or_404(request, public_id)
    return patient_form_page(
        request, WithdrawForm(request.POST or None, seen_version=entry.version), patient=entry.patient,
        title=_("Take off the wait list"), act=_("Take off"), back=reverse("wait-list"), lead=entry.service.name,
        deed=lambda data: waiting.withdraw(
            entry=entry, seen_version=data["seen_version"], reason=data["reason"], by=doer_of(request)
        ),
        version_now=lambda: WaitEntry.objects.only("version").get(pk=entry.pk).version,
    )  # fmt: skip


# --- one free time --------------------------------------------------------------------------------------------------
@requires(Permission.SEE_PERSON)
@require_safe
def wait_slot(request: StaffRequest) -> HttpResponse:
    """Who fits one free time: a page of its own, or the inside of the calendar's panel."""
    practitioner, span = slot_from(request, request.GET)
    access_log.viewed(request)
    return show_slot(request, practitioner, span)


def slot_from(request: StaffRequest, said: Any) -> tuple[User, Span]:
    """The practitioner and the stretch of time in an address or form; anything else is no such page."""
    start, until = moment_from(said.get("start", "")), moment_from(said.get("until", ""))
    wanted = said.get("practitioner", "").replace("\x00", "")[:22]
    people = User.objects.practitioners_at(here(request))
    practitioner = get_object_or_404(people, public_id=wanted)
    if start is None or (until is not None and not start < until <= start + LONGEST_SLOT):
        raise Http404
    return practitioner, Span(start, until or start + dt.timedelta(minutes=5))


def show_slot(
    request: StaffRequest, practitioner: User, span: Span, *, problem: str = "", status: int = 200
) -> HttpResponse:
    site = here(request)
    found = fits_into(
        site=site, practitioner=practitioner, span=span, now=timezone.now(),
        patients=Patient.objects.visible_to(request.user),
    )  # fmt: skip
    start = span.start.astimezone(site.zone)
    context = {
        "found": found, "practitioner": practitioner, "site": site, "start": start, "until": span.end.astimezone(site.zone),
        "problem": problem, "may_change": Permission.CHANGE_PERSON in request.permissions,
        "book_query": f"day={start:%Y-%m-%d}&time={start:%H:%M}&practitioner={practitioner.public_id}",
        "asked_start": request.GET.get("start") or request.POST.get("slot_start", ""),
        "asked_until": request.GET.get("until") or request.POST.get("slot_until", ""),
    }  # fmt: skip
    is_panel = bool(request.headers.get("HX-Request")) and request.method == "GET"
    return render(request, "waiting/slot.html#panel" if is_panel else "waiting/slot.html", context, status=status)


@requires(Permission.CHANGE_PERSON)
@require_POST
def wait_book(request: StaffRequest, public_id: str) -> HttpResponse:
    """One click: book the person who fits, and give up their later time if that was ticked; all or nothing."""
    entry = entry_or_404(request, public_id)
    practitioner, span = slot_from(request, request.POST)
    seen = request.POST.get("seen_version", "")
    if not (seen.isascii() and seen.isdigit() and len(seen) < 10):
        raise Refused(_("This form has lost its version. Reload the page and send it again."))
    try:
        with once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            made = booked(request, entry, int(seen), practitioner, span.start)
            words = _("%(name)s is booked; the entry on the wait list has ended.")
            messages.success(request, words % {"name": entry.patient.name})
            return attempt.leads_to(reverse("appointment", args=[made.public_id]))
    except NotPermitted:
        raise
    except Refused as refusal:
        said = {"practitioner": practitioner.public_id, "start": request.POST.get("slot_start", ""),
                "until": request.POST.get("slot_until", "")}  # fmt: skip
        try:
            practitioner, span = slot_from(request, said)
        except Http404:
            raise refusal from None
        return show_slot(request, practitioner, span, problem=refusal.sentence, status=409)


def booked(
    request: StaffRequest, entry: WaitEntry, seen_version: int, practitioner: User, starts_at: dt.datetime
) -> Appointment:
    site = here(request)
    release, release_version = release_from(request, entry)
    planned = entry.planned_session
    wish = Wish(
        entry.patient, site, entry.service, practitioner, some_room(site), starts_at, None,
        planned.course if planned else None, (planned,) if planned else (),
        ignoring=(release.pk,) if release else (),
    )  # fmt: skip
    place = placed(wish, None)
    return waiting.book(
        entry=entry, seen_version=seen_version, site=site, practitioner=practitioner, room=place["room"],
        device=place["device"], starts_at=starts_at, release=release, release_version=release_version,
        by=doer_of(request),
    )  # fmt: skip


def release_from(request: StaffRequest, entry: WaitEntry) -> tuple[Appointment | None, int | None]:
    """The later appointment to give up, with the version that was shown ("id:version"), if it was ticked."""
    named, _colon, version = request.POST.get("release", "").replace("\x00", "").partition(":")
    if not named:
        return None, None
    rows = Appointment.objects.for_patient(entry.patient).select_related(
        "patient", "site", "service", "practitioner", "room", "device", "course"
    ).prefetch_related("fulfilments")  # fmt: skip
    appointment = rows.filter(public_id=named[:22]).first()
    if appointment is None or not (version.isascii() and version.isdigit() and len(version) < 10):
        raise Refused(_("This form has lost its version. Reload the page and send it again."))
    return appointment, int(version)


# --- beside the board and in the calendar ---------------------------------------------------------------------------
@requires(Permission.SEE_PERSON)
@require_safe
def wait_freed(request: StaffRequest) -> HttpResponse:
    """For the board: times that became free and that somebody fits. A poll, so it leaves no access row."""
    site = here(request)
    found = freeing.freed_lately(site, patients=Patient.objects.visible_to(request.user))
    shown = [(one, slot_link(one.freed.practitioner, one.freed.starts_at, one.freed.ends_at)) for one in found]
    return render(request, "waiting/freed.html", {"freed": shown})


@requires(Permission.SEE_PERSON)
@require_safe
def wait_openings(request: StaffRequest) -> HttpResponse:
    """For the calendar: free times that somebody who waits fits, with the number of people. At most a week."""
    site = here(request)
    try:
        days = days_of(request.GET.get("first", ""), request.GET.get("last", ""), today=site.today())
    except RangeError:
        return JsonResponse({"error": _("Say the first and the last day as dates such as 2026-03-12.")}, status=422)
    if (days.last - days.first).days >= LONGEST_OPENINGS_DAYS:
        return JsonResponse({"error": _("Ask for at most a week at once.")}, status=422)
    first, patients = max(days.first, site.today()), Patient.objects.visible_to(request.user)
    found = waiting_at(site, first_day=first, last_day=days.last, patients=patients) if first <= days.last else None
    answer = JsonResponse({"openings": [opening_json(one, site) for one in openings(found)] if found else []})
    answer["Cache-Control"] = "no-store"
    return answer


def opening_json(one: Any, site: Any) -> dict[str, Any]:
    start, end = wall_span(one.starts_at, one.ends_at, site.zone)
    return {
        "column": one.practitioner.public_id, "start": start.isoformat(), "end": end.isoformat(), "count": one.count,
        "url": slot_link(one.practitioner, one.starts_at, one.ends_at),
        "words": ngettext("%(count)s waiting fits", "%(count)s waiting fit", one.count) % {"count": one.count},
    }  # fmt: skip


