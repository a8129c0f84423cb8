"""What a site allows patients and calendar programs, and everybody's own private calendar address."""
from __future__ import annotations

import hashlib

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import access_log, limiting
from clinic.access_log import doer_of
from clinic.choices import AccessCategory, Permission
from clinic.deeds import act_page, form_page
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.idempotency import FIELD, new_token, once
from clinic.models import Site
from clinic.permissions import any_staff, public, requires
from sessions import calendar_feeds
from sessions.forms.self_service import SelfServiceForm
from sessions.self_service import rules_of
from sessions.self_service_setting import set_rules

READS_AN_HOUR = 60  # of one address; calendar programs come every few minutes at most
DEAD_AN_HOUR = 60  # of one caller


@requires(Permission.SET_SELF_SERVICE)
@require_http_methods(["GET", "POST"])
def site_self_service(request: StaffRequest, public_id: str) -> HttpResponse:
    place = get_object_or_404(Site, public_id=public_id)
    rules = rules_of(place)
    form = SelfServiceForm(request.POST or None, seen_version=rules.version, initial=SelfServiceForm.initial_of(rules))
    return form_page(
        request, form, title=_("Self-service"), lead=place.name, act=_("Save"), back=reverse("site", args=[place.public_id]),
        deed=lambda data: set_rules(
            site=place, seen_version=data["seen_version"], moving_on=data["moving_on"],
            cut_off_hours=data["cut_off_hours"], any_practitioner=data["any_practitioner"],
            feed_names=data["feed_names"], by=doer_of(request),
        ),
        version_now=lambda: rules_of(place).version,
    )  # fmt: skip


# --- the private address --------------------------------------------------------------------------------------------
@any_staff
@require_safe
def own_calendar(request: StaffRequest) -> HttpResponse:
    """Whether this person has a calendar address, and what it shows."""
    return show(request)


@any_staff
@require_POST
def own_calendar_renew(request: StaffRequest) -> HttpResponse:
    """A new address, shown now and never again. A second click of one form shows the same one."""
    with once(request) as attempt:
        token = calendar_feeds.token_of_form(request.POST[FIELD])
        if attempt.answer is None:
            calendar_feeds.renew(by=doer_of(request), token=token)
            attempt.leads_to(reverse("own-calendar"))
        elif calendar_feeds.find(token) is None:
            raise Refused(_("This address is no longer good. Go back and make a new one."))
    return show(request, address=f"{settings.BASE_URL}{reverse('calendar-file', args=[token])}")


@any_staff
@require_POST
def own_calendar_end(request: StaffRequest) -> HttpResponse:
    return act_page(
        request, HouseForm(request.POST), back=reverse("own-calendar"),
        deed=lambda _data: calendar_feeds.revoke(by=doer_of(request)),
    )  # fmt: skip


def show(request: StaffRequest, *, address: str = "") -> HttpResponse:
    context = {
        "feed": calendar_feeds.feed_of(request.user), "address": address, "fresh_token": new_token,
        "names": bool(request.site and rules_of(request.site).feed_names),
        "past": calendar_feeds.PAST_DAYS, "coming": calendar_feeds.COMING_DAYS,
    }  # fmt: skip
    return render(request, "account/own_calendar.html", context)


@public
@require_safe
def calendar_file(request: HttpRequest, token: str) -> HttpResponse:
    """The feed itself. A program that has this version already gets 304; a dead address is nothing at all.

    One access row for each full answer: asking whether anything changed shows nobody anything."""
    feed = calendar_feeds.find(token)
    if feed is None:
        if not limiting.within(request, purpose="calendar-file", most=DEAD_AN_HOUR, seconds=3600):
            return too_many()
        return HttpResponseNotFound("", content_type="text/plain; charset=utf-8")
    if not limiting.within(request, purpose=f"calendar-file-{feed.pk}", most=READS_AN_HOUR, seconds=3600):
        return too_many()
    content = calendar_feeds.read(feed, now=timezone.now())
    etag = f'"{hashlib.sha256(content).hexdigest()}"'
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        return unchanged
    request.patient_doer = Doer.staff(feed.user)  # type: ignore[attr-defined]
    access_log.note(request, AccessCategory.EXPORT, of=feed)
    calendar_feeds.mark_read(feed)
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response.headers["ETag"] = etag
    response.headers["Content-Disposition"] = 'inline; filename="calendar.ics"'
    return response


def too_many() -> HttpResponse:
    return HttpResponse("", status=429, headers={"Retry-After": "3600"}, content_type="text/plain; charset=utf-8")
