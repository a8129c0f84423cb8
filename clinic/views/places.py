"""Sites with their rooms, devices, hours and closed days: to see for all staff, to change for managers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import day_plans, ground, out_of_service, placing
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.day_forms import DayRemoveForm, PutBackForm
from clinic.deeds import act_page, form_page
from clinic.http import StaffRequest
from clinic.models import Device, OutOfService, Room, Site
from clinic.office import staff_tabs
from clinic.permissions import may, requires
from clinic.place_forms import (
    ClosureForm,
    ClosureRemoveForm,
    DeviceChangeForm,
    DeviceForm,
    RoomChangeForm,
    RoomForm,
    SiteForm,
    WeekForm,
)
from clinic.week import by_day


def page_of(site: Site) -> str:
    return reverse("site", args=[site.public_id])


@requires(Permission.SEE_STAFF)
@require_safe
def sites(request: StaffRequest) -> HttpResponse:
    context = {
        "sites": Site.objects.prefetch_related("rooms").order_by("-is_open", "name"),
        "tabs": staff_tabs("sites", request),
        "may_add": may(request.user, Permission.CHANGE_STAFF, None),
    }
    return render(request, "clinic/places/sites.html", context)


@requires(Permission.SEE_STAFF)
@require_safe
def site(request: StaffRequest, public_id: str) -> HttpResponse:
    """One site: what it says about itself, what stands in it, when it is open."""
    place = get_object_or_404(Site, public_id=public_id)
    may_change = may(request.user, Permission.CHANGE_STAFF, place)
    closures = place.closures.filter(last_day__gte=place.today())
    context = {
        "place": place,
        "may_change": may_change,
        "may_set_self_service": may(request.user, Permission.SET_SELF_SERVICE, place),
        "rooms": things_of(place.rooms.all(), may_change),
        "devices": things_of(place.devices.all(), may_change),
        "special_days": [
            (day, rows, day_form(day) if may_change else None) for day, rows in day_plans.special_days_of(place)
        ],
        "days": by_day(placing.opening_week(place)),
        "closures": [(one, remove_form(one.first_day) if may_change else None) for one in closures],
    }
    return render(request, "clinic/places/site.html", context)


def things_of(things: Iterable[Room | Device], may_change: bool) -> list[tuple[Any, list[tuple[Any, Any]]]]:
    """Each room or device with the stretches in which it cannot be used, and the form that ends each."""
    return [
        (thing, [(span, put_back_form(span) if may_change else None) for span in out_of_service.spans_of(thing)])
        for thing in things
    ]


def put_back_form(row: OutOfService) -> PutBackForm:
    return PutBackForm(initial={"starts_at": row.span.lower.isoformat()}, auto_id=False)


def day_form(day: dt.date) -> DayRemoveForm:
    return DayRemoveForm(initial={"day": day}, auto_id=False)


def remove_form(first_day: Any) -> ClosureRemoveForm:
    return ClosureRemoveForm(initial={"first_day": first_day}, auto_id=False)


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def site_new(request: StaffRequest) -> HttpResponse:
    form = SiteForm(request.POST or None)
    return form_page(
        request, form, title=_("New site"), act=_("Add the site"), back=reverse("sites"),
        template="clinic/places/site_form.html",
        deed=lambda _data: placing.make_site(details=form.details, by=doer_of(request)),
    )  # fmt: skip


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def site_edit(request: StaffRequest, public_id: str) -> HttpResponse:
    place = get_object_or_404(Site, public_id=public_id)
    form = SiteForm(request.POST or None, seen_version=place.version, initial=SiteForm.initial_of(place))
    return form_page(
        request, form, title=place.name, act=_("Save"), back=page_of(place), template="clinic/places/site_form.html",
        deed=lambda data: placing.change_site(
            site=place, seen_version=data["seen_version"], details=form.details, by=doer_of(request)
        ),
        version_now=lambda: version_of(place),
    )  # fmt: skip


def version_of(row: Any) -> int:
    return int(type(row).objects.values_list("version", flat=True).get(pk=row.pk))


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def site_hours(request: StaffRequest, public_id: str) -> HttpResponse:
    place = get_object_or_404(Site, public_id=public_id)
    form = WeekForm(request.POST or None, seen_version=place.version, week=placing.opening_week(place))
    return form_page(
        request, form, title=_("Opening hours"), act=_("Save"), back=page_of(place), lead=place.name,
        template="clinic/places/week.html", next_page=lambda data: ground.next_page(site=place),
        deed=lambda data: placing.set_opening_hours(
            site=place, seen_version=data["seen_version"], week=data["week"], by=doer_of(request)
        ),
        version_now=lambda: version_of(place),
    )  # fmt: skip


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def room_new(request: StaffRequest, public_id: str) -> HttpResponse:
    place = get_object_or_404(Site, public_id=public_id)
    return form_page(
        request, RoomForm(request.POST or None), title=_("New room"), act=_("Add the room"), back=page_of(place),
        lead=place.name,
        deed=lambda data: placing.add_room(site=place, name=data["name"], kind=data["kind"], by=doer_of(request)),
    )  # fmt: skip


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def room_edit(request: StaffRequest, public_id: str) -> HttpResponse:
    room = get_object_or_404(Room.objects.select_related("site"), public_id=public_id)
    form = RoomChangeForm(request.POST or None, seen_version=room.version, initial=RoomChangeForm.initial_of(room))
    return form_page(
        request, form, title=room.name, act=_("Save"), back=page_of(room.site), lead=room.site.name,
        deed=lambda data: placing.change_room(
            room=room, seen_version=data["seen_version"], name=data["name"], kind=data["kind"],
            in_service=data["in_service"], by=doer_of(request),
        ),
        version_now=lambda: version_of(room), next_page=lambda data: ground.next_page(room=room),
    )  # fmt: skip


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def device_new(request: StaffRequest, public_id: str) -> HttpResponse:
    place = get_object_or_404(Site, public_id=public_id)
    return form_page(
        request, DeviceForm(request.POST or None), title=_("New device"), act=_("Add the device"), back=page_of(place),
        lead=place.name,
        deed=lambda data: placing.add_device(site=place, name=data["name"], kind=data["kind"], by=doer_of(request)),
    )  # fmt: skip


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def device_edit(request: StaffRequest, public_id: str) -> HttpResponse:
    device = get_object_or_404(Device.objects.select_related("site"), public_id=public_id)
    form = DeviceChangeForm(
        request.POST or None, seen_version=device.version, initial=DeviceChangeForm.initial_of(device)
    )
    return form_page(
        request, form, title=device.name, act=_("Save"), back=page_of(device.site), lead=device.site.name,
        deed=lambda data: placing.change_device(
            device=device, seen_version=data["seen_version"], name=data["name"], kind=data["kind"],
            in_service=data["in_service"], by=doer_of(request),
        ),
        version_now=lambda: version_of(device), next_page=lambda data: ground.next_page(device=device),
    )  # fmt: skip


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def closure_new(request: StaffRequest, public_id: str) -> HttpResponse:
    place = get_object_or_404(Site, public_id=public_id)
    return form_page(
        request, ClosureForm(request.POST or None), title=_("Close on these days"), act=_("Add the closure"),
        back=page_of(place), lead=place.name,
        hint=_("What is booked on these days is listed afterwards, to be moved one by one or together."),
        hint_act="", hint_url="",
        next_page=lambda data: ground.next_page(site=place, first_day=data["first_day"], last_day=data["last_day"]),
        deed=lambda data: placing.add_closure(
            site=place, first_day=data["first_day"], last_day=data["last_day"], reason=data["reason"],
            by=doer_of(request),
        ),
    )  # fmt: skip


@requires(Permission.CHANGE_STAFF)
@require_POST
def closure_remove(request: StaffRequest, public_id: str) -> HttpResponse:
    place = get_object_or_404(Site, public_id=public_id)
    return act_page(
        request, ClosureRemoveForm(request.POST), back=page_of(place),
        deed=lambda data: placing.remove_closure(site=place, first_day=data["first_day"], by=doer_of(request)),
    )  # fmt: skip
