"""Making and changing the places of the clinic: sites, rooms, devices, opening hours and closed days.

Every verb locks the site before it writes. A booking shares that row's lock, so that hours and closures never change
under a booking that has just looked at them. Appointments that are booked already stay where they are; those that lose
their ground are marked in the same transaction (`clinic.ground`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import available_timezones

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic import audit, ground
from clinic.choices import PageSize, Permission, RoomKind
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from clinic.models import Closure, Device, OpeningHours, Organisation, Room, Site
from clinic.permissions import check_doer
from clinic.week import WeekSpan, checked

LONGEST_CLOSURE_DAYS = 366
FURTHEST_CLOSURE_DAYS = 5 * 366
LABELS = {
    "name": gettext_lazy("Name"), "address": gettext_lazy("Address"), "country": gettext_lazy("Country"),
    "time_zone": gettext_lazy("Time zone"), "phone": gettext_lazy("Phone"), "email": gettext_lazy("E-mail"),
    "emergency_number": gettext_lazy("Emergency number"), "insurer": gettext_lazy("Insurer and policy"),
    "page_size": gettext_lazy("Paper size"), "late_cancel_hours": gettext_lazy("Late to cancel, hours"),
    "is_open": gettext_lazy("Open for bookings"), "kind": gettext_lazy("Kind"), "in_service": gettext_lazy("In service"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDetails:
    """What a site says about itself. `emergency_number` is printed on every sheet a patient takes home."""

    name: str
    country: str
    time_zone: str
    address: str = ""
    phone: str = ""
    email: str = ""
    emergency_number: str = ""
    insurer: str = ""
    page_size: str = PageSize.A4
    is_open: bool = False
    late_cancel_hours: int = 24


# --- sites ----------------------------------------------------------------------------------------------------------
@transaction.atomic
def make_site(*, details: SiteDetails, by: Doer) -> Site:
    """A new site of the organisation, for managers of all sites. Raises `Refused` beside the field that is wrong."""
    check_doer(by, Permission.CHANGE_STAFF, None)
    _check_details(details, None)
    site = Site.objects.create(**asdict(details))
    audit.record(by=by, action="site-added", sentence=f"added the site {site.name}", of=site, site=site,
                 detail=asdict(details))  # fmt: skip
    return site


@transaction.atomic
def change_site(*, site: Site, seen_version: int, details: SiteDetails, by: Doer) -> Site:
    """Change a site, open or close it. Raises `Stale` when somebody else was faster, `Refused` beside the field."""
    check_doer(by, Permission.CHANGE_STAFF, site)
    held = _locked(site)
    _unchanged(held, seen_version, asdict(details))
    _check_details(details, held)
    if held.is_open and details.time_zone != held.time_zone:
        raise Refused(_("Close the site first: its time zone cannot change while it takes bookings."), field="time_zone")
    _write(held, seen_version, asdict(details), action="site-changed", by=by, site=held)
    ground.changed(site=held)
    return held


def _check_details(details: SiteDetails, site: Site | None) -> None:
    """The organisation's row is the lock under which the names of sites are compared."""
    Organisation.objects.select_for_update(no_key=True).first()
    if Site.objects.filter(name__iexact=details.name).exclude(pk=site.pk if site else 0).exists():
        raise Refused(_("There is a site of this name already."), field="name")
    if details.time_zone not in available_timezones():
        raise Refused(_("Choose a time zone from the list."), field="time_zone")
    if details.is_open and not details.emergency_number.strip():
        raise Refused(
            _("A site needs its emergency number before it can be opened."), field="emergency_number"
        )


# --- rooms and devices ----------------------------------------------------------------------------------------------
@transaction.atomic
def add_room(*, site: Site, name: str, by: Doer, kind: str = RoomKind.TREATMENT) -> Room:
    check_doer(by, Permission.CHANGE_STAFF, site)
    _locked(site)
    _check_free_name(Room, site, name)
    room = Room.objects.create(site=site, name=name, kind=kind)
    audit.record(by=by, action="room-added", sentence=f"added {name} at {site.name}", of=room, site=site)
    return room


@transaction.atomic
def change_room(*, room: Room, seen_version: int, name: str, kind: str, in_service: bool, by: Doer) -> Room:
    """Rename a room, or take it out of service and back: out of service nobody can book it."""
    _change_thing(room, seen_version, {"name": name, "kind": kind, "in_service": in_service}, "room-changed", by)
    return room


@transaction.atomic
def add_device(*, site: Site, name: str, kind: str, by: Doer) -> Device:
    check_doer(by, Permission.CHANGE_STAFF, site)
    _locked(site)
    _check_free_name(Device, site, name)
    device = Device.objects.create(site=site, name=name, kind=kind)
    audit.record(by=by, action="device-added", sentence=f"added {name} at {site.name}", of=device, site=site)
    return device


@transaction.atomic
def change_device(*, device: Device, seen_version: int, name: str, kind: str, in_service: bool, by: Doer) -> Device:
    """Rename a device, or take it out of service and back."""
    _change_thing(device, seen_version, {"name": name, "kind": kind, "in_service": in_service}, "device-changed", by)
    return device


def _change_thing(thing: Room | Device, seen_version: int, values: dict[str, Any], action: str, by: Doer) -> None:
    check_doer(by, Permission.CHANGE_STAFF, thing.site)
    _locked(thing.site)
    thing.refresh_from_db()
    _unchanged(thing, seen_version, values)
    _check_free_name(type(thing), thing.site, values["name"], but=thing.pk)
    _write(thing, seen_version, values, action=action, by=by, site=thing.site)
    ground.changed(**{"room" if isinstance(thing, Room) else "device": thing})


def _check_free_name(model: type[Room] | type[Device], site: Site, name: str, *, but: int = 0) -> None:
    if model._default_manager.filter(site=site, name__iexact=name).exclude(pk=but).exists():
        raise Refused(_("%(site)s has one of this name already.") % {"site": site.name}, field="name")


# --- opening hours and closed days ----------------------------------------------------------------------------------
@transaction.atomic
def set_opening_hours(*, site: Site, seen_version: int, week: Iterable[WeekSpan], by: Doer) -> Site:
    """Make the week's opening hours what is given; days without a span are closed. Rows that stay are not touched."""
    check_doer(by, Permission.CHANGE_STAFF, site)
    wanted = set(checked(list(week)))
    held = _locked(site)
    before = opening_week(held)
    if held.version != seen_version:
        raise _stale([(str(_("Opening hours")), in_words(before))])
    held.save_if_unchanged(seen=seen_version, fields=[])
    for row in OpeningHours.objects.filter(site=held):
        span = WeekSpan(row.weekday, row.opens, row.closes)
        if span in wanted:
            wanted.discard(span)
        else:
            row.delete()
    for span in sorted(wanted):
        OpeningHours.objects.create(site=held, weekday=span.weekday, opens=span.starts, closes=span.ends)
    audit.record(
        by=by, action="opening-hours-set", sentence=f"set the opening hours of {held.name}", of=held, site=held,
        detail={"before": in_words(before), "after": in_words(opening_week(held))},
    )  # fmt: skip
    ground.changed(site=held)
    return held


def opening_week(site: Site) -> list[WeekSpan]:
    return [WeekSpan(row.weekday, row.opens, row.closes) for row in OpeningHours.objects.filter(site=site)]


def in_words(week: Iterable[WeekSpan]) -> str:
    """One line for audit rows and for showing what somebody else saved: 1 08:00–13:00, 1 14:00–19:00."""
    return ", ".join(f"{span.weekday} {span}" for span in sorted(week)) or "-"


@transaction.atomic
def add_closure(*, site: Site, first_day: dt.date, last_day: dt.date, reason: str, by: Doer) -> Closure:
    """Close a site on whole days, first and last included. Two closures of one site never overlap."""
    check_doer(by, Permission.CHANGE_STAFF, site)
    if last_day < first_day:
        raise Refused(_("The last day must not be before the first."), field="last_day")
    if (last_day - first_day).days >= LONGEST_CLOSURE_DAYS:
        raise Refused(_("A closure lasts a year at most. To stop for longer, close the site itself."), field="last_day")
    held = _locked(site)
    if last_day < held.today():
        raise Refused(_("These days have passed already."), field="last_day")
    if first_day > held.today() + dt.timedelta(days=FURTHEST_CLOSURE_DAYS):
        raise Refused(_("Choose days within the next five years."), field="first_day")
    other = Closure.objects.filter(site=held, first_day__lte=last_day, last_day__gte=first_day).first()
    if other is not None:
        raise Refused(
            _("The site is closed from %(first)s to %(last)s already: %(reason)s.")
            % {"first": other.first_day.isoformat(), "last": other.last_day.isoformat(), "reason": other.reason},
            field="first_day",
        )
    closure = Closure.objects.create(site=held, first_day=first_day, last_day=last_day, reason=reason)
    audit.record(
        by=by, action="closure-added", sentence=f"closed {held.name} from {first_day} to {last_day}", of=held, site=held,
        detail={"first_day": first_day, "last_day": last_day, "reason": reason},
    )  # fmt: skip
    ground.changed(site=held, first_day=first_day, last_day=last_day)
    return closure


@transaction.atomic
def remove_closure(*, site: Site, first_day: dt.date, by: Doer) -> None:
    """Open on these days after all; the closure is named by its first day, which no other of the site shares."""
    check_doer(by, Permission.CHANGE_STAFF, site)
    held = _locked(site)
    closure = Closure.objects.filter(site=held, first_day=first_day).first()
    if closure is None:
        raise Refused(_("This closure was removed already."))
    if closure.last_day < held.today():
        raise Refused(_("This closure has passed; it stays as it was."))
    detail = {"first_day": closure.first_day, "last_day": closure.last_day, "reason": closure.reason}
    closure.delete()
    audit.record(by=by, action="closure-removed", sentence=f"removed a closure of {held.name}", of=held, site=held,
                 detail=detail)  # fmt: skip
    ground.changed(site=held, first_day=closure.first_day, last_day=closure.last_day)


# --- shared ---------------------------------------------------------------------------------------------------------
def _locked(site: Site) -> Site:
    return Site.objects.select_for_update(no_key=True).get(pk=site.pk)


def _unchanged(row: Site | Room | Device, seen_version: int, wanted: dict[str, Any]) -> None:
    """Raise `Stale` with what is saved now, as far as it differs from what is wanted."""
    if row.version != seen_version:
        raise _stale(
            [(str(LABELS[name]), shown(getattr(row, name))) for name in wanted if getattr(row, name) != wanted[name]]
        )


def _stale(theirs: list[tuple[str, str]]) -> Stale:
    return Stale(_("Somebody else changed this while you were typing. Compare, then save again."), theirs=theirs)


def shown(value: Any) -> str:
    return str({True: _("yes"), False: _("no")}[value]) if isinstance(value, bool) else str(value)


def _write(
    row: Site | Room | Device, seen_version: int, values: dict[str, Any], *, action: str, by: Doer, site: Site
) -> None:
    """Save what differs, with both texts in the audit row. The row is locked and of the seen version."""
    changes = {name: [getattr(row, name), value] for name, value in values.items() if getattr(row, name) != value}
    for name, (_before, value) in changes.items():
        setattr(row, name, value)
    row.save_if_unchanged(seen=seen_version, fields=list(changes))
    audit.record(by=by, action=action, sentence=f"changed {row}", of=row, site=site, detail=changes)
