"""Single days of a site and of a person, and what is out of service for a while: managers change them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic import day_plans, ground, out_of_service
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.day_forms import DayRemoveForm, DayShiftForm, OutOfServiceForm, PutBackForm, SpecialHoursForm
from clinic.deeds import act_page, form_page
from clinic.http import StaffRequest
from clinic.models import Device, Room, Site, User
from clinic.permissions import requires
from clinic.views.places import page_of
from clinic.views.shifts import page_of as shifts_of


def day_asked(request: HttpRequest, site: Site) -> Any:
    """The day a link names, to start the form with; nothing sensible means none."""
    try:
        day = parse_date(request.GET.get("day", ""))
    except ValueError:
        return None
    return day if day is not None and abs((day - site.today()).days) < day_plans.FURTHEST_DAYS else None


# --- a site ---------------------------------------------------------------------------------------------------------
@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def special_hours_new(request: StaffRequest, public_id: str) -> HttpResponse:
    place = get_object_or_404(Site, public_id=public_id)
    day = day_asked(request, place)
    form = SpecialHoursForm(
        request.POST or None, spans=day_plans.hours_on(place, day) if day else (), initial={"day": day}
    )
    return form_page(
        request, form, title=_("Other hours on one day"), act=_("Save"), back=page_of(place), lead=place.name,
        hint=_("They stand in the place of the week's hours. A second time makes a break."), hint_act="", hint_url="",
        deed=lambda data: day_plans.set_special_hours(
            site=place, day=data["day"], spans=data["spans"], reason=data["reason"], by=doer_of(request)
        ),
        next_page=lambda data: ground.next_page(site=place, first_day=data["day"], last_day=data["day"]),
    )  # fmt: skip


@requires(Permission.CHANGE_STAFF)
@require_POST
def special_hours_remove(request: StaffRequest, public_id: str) -> HttpResponse:
    place = get_object_or_404(Site, public_id=public_id)
    return act_page(
        request, DayRemoveForm(request.POST), back=page_of(place),
        deed=lambda data: day_plans.remove_special_hours(site=place, day=data["day"], by=doer_of(request)),
        next_page=lambda data: ground.next_page(site=place, first_day=data["day"], last_day=data["day"]),
    )  # fmt: skip


# --- a person -------------------------------------------------------------------------------------------------------
@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def day_shift_new(request: StaffRequest, public_id: str, site_id: str) -> HttpResponse:
    member = get_object_or_404(User, public_id=public_id)
    site = get_object_or_404(Site, public_id=site_id)
    day = day_asked(request, site)
    form = DayShiftForm(
        request.POST or None, spans=day_plans.working_on(member, site, day) if day else (), initial={"day": day}
    )
    return form_page(
        request, form, title=_("One day"), act=_("Save"), back=shifts_of(member), lead=f"{member.name}, {site.name}",
        hint=_("This day stands in the place of the weekly pattern: an extra shift, other hours, a break, or free."),
        hint_act="", hint_url="",
        deed=lambda data: day_plans.set_day_shift(
            user=member, site=site, day=data["day"], spans=data["spans"], reason=data["reason"], by=doer_of(request)
        ),
        next_page=lambda data: ground.next_page(person=member, first_day=data["day"], last_day=data["day"]),
    )  # fmt: skip


@requires(Permission.CHANGE_STAFF)
@require_POST
def day_shift_remove(request: StaffRequest, public_id: str, site_id: str) -> HttpResponse:
    member = get_object_or_404(User, public_id=public_id)
    site = get_object_or_404(Site, public_id=site_id)
    return act_page(
        request, DayRemoveForm(request.POST), back=shifts_of(member),
        deed=lambda data: day_plans.remove_day_shift(user=member, site=site, day=data["day"], by=doer_of(request)),
        next_page=lambda data: ground.next_page(person=member, first_day=data["day"], last_day=data["day"]),
    )  # fmt: skip


# --- rooms and devices ----------------------------------------------------------------------------------------------
def take_out(request: StaffRequest, thing: Room | Device, **named: Any) -> HttpResponse:
    form = OutOfServiceForm(request.POST or None)

    def enter(data: dict[str, Any]) -> None:
        starts_at, ends_at = form.span(thing.site.zone)
        out_of_service.take_out(
            thing=thing, starts_at=starts_at, ends_at=ends_at, reason=data["reason"], by=doer_of(request)
        )

    return form_page(
        request, form, title=_("Out of service"), act=_("Take out of service"), back=page_of(thing.site), deed=enter,
        lead=f"{thing.name}, {thing.site.name}",
        hint=_("What is booked in this time is listed afterwards, to be moved."), hint_act="", hint_url="",
        next_page=lambda data: ground.next_page(first_day=data["first_day"], last_day=data["last_day"], **named),
    )  # fmt: skip


def put_back(request: StaffRequest, thing: Room | Device) -> HttpResponse:
    return act_page(
        request, PutBackForm(request.POST), back=page_of(thing.site),
        deed=lambda data: out_of_service.put_back(thing=thing, starts_at=data["starts_at"], by=doer_of(request)),
    )  # fmt: skip


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def room_out(request: StaffRequest, public_id: str) -> HttpResponse:
    room = get_object_or_404(Room.objects.select_related("site"), public_id=public_id)
    return take_out(request, room, room=room)


@requires(Permission.CHANGE_STAFF)
@require_POST
def room_back(request: StaffRequest, public_id: str) -> HttpResponse:
    return put_back(request, get_object_or_404(Room.objects.select_related("site"), public_id=public_id))


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def device_out(request: StaffRequest, public_id: str) -> HttpResponse:
    device = get_object_or_404(Device.objects.select_related("site"), public_id=public_id)
    return take_out(request, device, device=device)


@requires(Permission.CHANGE_STAFF)
@require_POST
def device_back(request: StaffRequest, public_id: str) -> HttpResponse:
    return put_back(request, get_object_or_404(Device.objects.select_related("site"), public_id=public_id))
