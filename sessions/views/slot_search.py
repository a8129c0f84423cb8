"""The search for free times: what is asked beside what is free; a tap leads on to booking with everything filled in."""
from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic import access_log
from clinic.choices import Permission
from clinic.errors import Refused
from clinic.permissions import requires
from protocols.models import Service
from protocols.models.service import ServiceKind
from sessions.attendance import attendance_of
from sessions.availability import Offer
from sessions.forms.booking import unbooked_sessions
from sessions.forms.slot_search import SlotSearchForm
from sessions.slot_search import Asked, find
from sessions.slots import Fit
from sessions.views.appointment_forms import patient_from
from sessions.views.asking import site_of, user_of
from sessions.views.course_booking import FIT_PILL, FIT_WORD


@requires(Permission.CHANGE_PERSON)
@require_safe
def slot_search(request: HttpRequest) -> HttpResponse:
    """The page; with `after` and htmx the next times alone."""
    here = site_of(request)
    if here is None:
        raise Refused(_("No site is open for you yet."))
    patient = patient_from(request)
    sites = user_of(request).sites()
    asked = request.GET.copy()
    for name, value in first_wish(request, patient).items():
        asked.setdefault(name, value)
    form = SlotSearchForm(asked, sites=sites, here=here, patient=patient)
    context: dict[str, Any] = {"form": form, "patient": patient, "here": here, "days": [],
               "attendance": attendance_of(patient) if patient else None, "query": without_after(asked)}
    status = 200
    if "service" in asked and form.is_valid():
        wish = form.asked(after=moment_from(request))
        found = find(wish)
        context |= {
            "days": by_day(found.offers, wish, several=len(wish.sites) > 1),
            "after": found.after.isoformat() if found.after else "",
            "is_further": wish.after is not None,
        }
    elif "service" in asked:
        status = 422
    if request.headers.get("HX-Request"):
        part = "more" if request.GET.get("after") else "found"
        return render(request, f"appointments/slot_search.html#{part}", context)
    access_log.viewed(request, patient=patient)
    return render(request, "appointments/slot_search.html", context, status=status)


def first_wish(request: HttpRequest, patient: Any) -> dict[str, str]:
    """What is most likely looked for: the next open session of a running course, else a consultation."""
    if request.GET.get("service"):
        return {}
    planned = None
    if patient is not None:
        open_ones = unbooked_sessions(patient)
        named = request.GET.get("planned_session", "").replace("\x00", "")[:22]
        planned = open_ones.filter(public_id=named).first() if named else open_ones.first()
    offered = Service.objects.filter(is_active=True)
    service = offered.filter(indication=planned.course.indication).first() if planned else None
    service = service or offered.filter(kind=ServiceKind.CONSULTATION).first() or offered.first()
    wish = {"service": service.public_id} if service else {}
    if planned is not None:
        wish |= {"planned_session": planned.public_id, "practitioner": planned.course.practitioner.public_id}
    return wish


def moment_from(request: HttpRequest) -> dt.datetime | None:
    """Where the page before ended; anything crooked begins at the beginning."""
    try:
        moment = dt.datetime.fromisoformat(request.GET.get("after", "")[:40])
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and 2000 < moment.year < 2100 else None


def without_after(asked: Any) -> str:
    query = asked.copy()
    query.pop("after", None)
    return str(query.urlencode())


def by_day(offers: Sequence[tuple[Offer, Fit | None]], wish: Asked, *, several: bool) -> list[dict[str, Any]]:
    """Times under their local day, each with the way to booking it; the badge of the interval stands at the day."""
    shown = []
    for day, times in groupby(offers, key=lambda one: one[0].local_start.date()):
        rows = list(times)
        fit = rows[0][1]
        shown.append(
            {
                "day": day,
                "fit": FIT_WORD[fit] if fit else "",
                "fit_pill": FIT_PILL[fit] if fit else "",
                "times": [(offer, booking_url(offer, wish), offer.room.site if several else None) for offer, _fit in rows],
            }
        )
    return shown


def booking_url(offer: Offer, wish: Asked) -> str:
    start = offer.local_start
    values = {
        "patient": wish.patient.public_id if wish.patient else "",
        "service": wish.service.public_id,
        "planned_session": wish.planned.public_id if wish.planned else "",
        "practitioner": offer.practitioner.public_id,
        "room": offer.room.public_id,
        "device": offer.device.public_id if offer.device else "",
        "day": f"{start:%Y-%m-%d}",
        "time": f"{start:%H:%M}",
        "minutes": wish.minutes or "",
        "site": offer.room.site.public_id,
        "fold": start.fold or "",
    }
    return reverse("appointment-new") + "?" + urlencode({name: value for name, value in values.items() if value != ""})
