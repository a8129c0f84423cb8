"""The public booking pages: choose, say who you are, read the mail, confirm. No account, no script needed.

Opening a page changes nothing; the answer is the same whether somebody is known here or not.
"""
from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.errors import Refused
from clinic.idempotency import answered, once
from clinic.limiting import network_address, within
from clinic.models import Site
from clinic.permissions import public
from patients import links
from patients.views.gate import dead_link, source_of
from sessions import public_booking, request_links
from sessions.choices import CANCELLED
from sessions.forms.public_booking import RequestForm
from sessions.message_texts import day_of, written_in
from sessions.models import BookingRequest, PublicBooking, RequestState
from sessions.offers_outside import people_for, public_services, reach_of, setting_of, sites_open_to_all
from sessions.public_booking_page import Chosen, chosen_from, nearest, next_day, start_from, week
from sessions.waiting_page import stamp

COOKIE = f"{'__Host-' if settings.HTTPS else ''}booking-request"
COOKIE_SECONDS = 24 * 60 * 60
LOOKS_AN_HOUR, SENDS_AN_HOUR = 600, 40  # of one network address; a clinic's own network shares one


# --- choose ---------------------------------------------------------------------------------------------------------
@public
@require_safe
def public_booking_sites(request: HttpRequest) -> HttpResponse:
    """Where requests are taken. One site is shown at once."""
    sites = list(sites_open_to_all())
    if not sites:
        raise Http404
    if len(sites) == 1:
        return redirect("public-booking", sites[0].public_id)
    return render(request, "public_booking/sites.html", {"sites": sites})


def open_site(public_id: str) -> tuple[Site, PublicBooking]:
    """A site that takes requests; any other is no such page."""
    site = get_object_or_404(sites_open_to_all(), public_id=public_id)
    return site, setting_of(site)


@public
@require_safe
def public_booking_week(request: HttpRequest, public_id: str) -> HttpResponse:
    """What, with whom, and the free times of a week."""
    site, setting = open_site(public_id)
    if not within(request, purpose="public-booking-look", most=LOOKS_AN_HOUR, seconds=3600):
        return too_many(request, site)
    chosen = chosen_from(request.GET, site, setting)
    earliest, farthest = reach_of(setting)
    first, step = earliest.astimezone(site.zone).date(), dt.timedelta(days=7)
    days = week(site, chosen, setting, get_language() or "en")
    later = chosen.first_day + step
    context = {
        "site": site, "chosen": chosen, "days": days, "services": public_services(),
        "people": people_for(chosen.service, site) if chosen.service else [],
        "before": chosen.query(day=max(chosen.first_day - step, first).isoformat()) if chosen.first_day > first else "",
        "after": chosen.query(day=later.isoformat()) if later <= farthest else "",
        "first_words": words(chosen.first_day), "last_words": words(min(later - dt.timedelta(days=1), farthest)),
        "next_query": "",
    }  # fmt: skip
    if chosen.service is not None and not days and (found := next_day(site, chosen, setting)):
        context |= {"next_query": chosen.query(day=found.isoformat()), "next_words": words(found)}
    return render(request, "public_booking/week.html", context)


def words(day: dt.date) -> str:
    return day_of(day, written_in(get_language() or "en"))


# --- say who you are ------------------------------------------------------------------------------------------------
@public
@require_http_methods(["GET", "HEAD", "POST"])
def public_booking_details(request: HttpRequest, public_id: str) -> HttpResponse:
    site, setting = open_site(public_id)
    said = request.POST if request.method == "POST" else request.GET
    chosen, start = chosen_from(said, site, setting), start_from(said)
    if chosen.service is None or start is None:
        return redirect("public-booking", site.public_id)
    if request.method != "POST":
        return show_details(request, site, setting, chosen, start, RequestForm(site=site))
    if not within(request, purpose="public-booking-send", most=SENDS_AN_HOUR, seconds=3600):
        return too_many(request, site)
    form = RequestForm(request.POST, site=site)
    if form.is_from_a_machine:
        return redirect("public-booking-sent", site.public_id)  # it is told what everybody is told
    if not form.is_valid():
        return show_details(request, site, setting, chosen, start, form, status=422)
    try:
        with once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            public_booking.hold(
                site=site, service=chosen.service, practitioner=chosen.practitioner, starts_at=start, person=form.person,
                source=public_booking.hash_for("address", network_address(request)),
            )  # fmt: skip
            return attempt.leads_to(reverse("public-booking-sent", args=[site.public_id]))
    except public_booking.Gone as refusal:
        if led_to := answered(request):
            return redirect(led_to)
        form.refuse(refusal)
        form.renew_token()
        return show_details(request, site, setting, chosen, None, form, status=409)
    except public_booking.TooMany as refusal:
        form.refuse(refusal)
        return show_details(request, site, setting, chosen, start, form, status=429)
    except Refused as refusal:
        form.refuse(refusal)
        return show_details(request, site, setting, chosen, start, form, status=422)


def show_details(
    request: HttpRequest, site: Site, setting: PublicBooking, chosen: Chosen, start: dt.datetime | None,
    form: RequestForm, *, status: int = 200,
) -> HttpResponse:  # fmt: skip
    """The form for one time; when that one is gone, for one of the next free ones."""
    local = start.astimezone(site.zone) if start else None
    others = [] if start else [
        (stamp(one.starts_at), f"{words(one.local_start.date())}, {one.local_start:%H:%M}")
        for one in nearest(site, chosen, setting)
    ]  # fmt: skip
    context = {
        "site": site, "chosen": chosen, "form": form, "start": stamp(start) if start else "", "others": others,
        "day": day_of(local, written_in(get_language() or "en"), year=True) if local else "",
        "clock": f"{local:%H:%M}" if local else "", "back_query": chosen.query(day=local.date().isoformat() if local else ""),
        "practitioner_id": chosen.practitioner.public_id if chosen.practitioner else "",
    }  # fmt: skip
    return render(request, "public_booking/details.html", context, status=status)


@public
@require_safe
def public_booking_sent(request: HttpRequest, public_id: str) -> HttpResponse:
    """The same for everybody: it says nothing about anybody."""
    site, _setting = open_site(public_id)
    context = {"site": site, "minutes": public_booking.HOLD_MINUTES}
    return render(request, "public_booking/sent.html", context)


def too_many(request: HttpRequest, site: Site) -> HttpResponse:
    return render(request, "public_booking/too_many.html", {"site": site}, status=429)


# --- the link in the mail -------------------------------------------------------------------------------------------
@public
@require_safe
def public_booking_link(request: HttpRequest, token: str) -> HttpResponse:
    """Exchange the token for a signed cookie and clean the address. Nothing about the request changes."""
    source = source_of(request)
    found = None if links.is_throttled(source) else request_links.request_behind(token)
    if found is None:
        links.count_failure(source)
        return dead_link(request)
    response = redirect("public-booking-request")
    response.set_signed_cookie(
        COOKIE, found.public_id, max_age=COOKIE_SECONDS, httponly=True, samesite="Lax", secure=settings.HTTPS
    )
    return response


def opened_request(request: HttpRequest) -> BookingRequest | None:
    try:
        public_id = request.get_signed_cookie(COOKIE, max_age=COOKIE_SECONDS)
    except (KeyError, BadSignature):
        return None
    return request_links.request_named(str(public_id))


@public
@require_safe
def public_booking_request(request: HttpRequest) -> HttpResponse:
    found = opened_request(request)
    return dead_link(request) if found is None else show_request(request, found)


@public
@require_POST
def public_booking_confirm(request: HttpRequest) -> HttpResponse:
    found = opened_request(request)
    if found is None:
        return dead_link(request)
    try:
        public_booking.confirm(request=found, seen=request.POST.get("seen", "")[:80])
    except Refused as refusal:
        again = request_links.request_named(found.public_id) or found
        problem = "" if again.state == RequestState.DECLINED else refusal.sentence  # the page says it in its own words
        return show_request(request, again, problem=problem, status=409)
    return redirect("public-booking-request")


@public
@require_POST
def public_booking_withdraw(request: HttpRequest) -> HttpResponse:
    found = opened_request(request)
    if found is None:
        return dead_link(request)
    public_booking.withdraw(request=found)
    return redirect("public-booking-request")


def show_request(request: HttpRequest, found: BookingRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    """The request as it stands now. No name, no address: whoever holds the link need not be who typed them."""
    visit = found.appointment
    is_live = found.state == RequestState.HELD and found.hold_ends_at > timezone.now() and visit is not None
    is_booked = found.state == RequestState.CONFIRMED and visit is not None and visit.status not in CANCELLED
    context: dict[str, Any] = {
        "site": found.site, "is_live": is_live, "is_booked": is_booked, "problem": problem, "service": found.service,
        "is_withdrawn": found.state == RequestState.WITHDRAWN, "is_declined": found.state == RequestState.DECLINED,
        "seen": public_booking.offer_mark(visit) if visit is not None else "",
        "shows_visit": visit is not None and (is_live or is_booked),
        "again": found.site.is_open and setting_of(found.site).is_on,
        "until": f"{found.hold_ends_at.astimezone(found.site.zone):%H:%M}",
    }  # fmt: skip
    if visit is not None:
        start = visit.local_start
        context |= {
            "day": day_of(start, written_in(get_language() or "en"), year=True), "clock": f"{start:%H:%M}",
            "practitioner": visit.practitioner.name,
        }  # fmt: skip
    return render(request, "public_booking/request.html", context, status=status)
