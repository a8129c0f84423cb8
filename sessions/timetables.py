"""Hours, closed days, shifts and what is out of service, read from the database into one timetable.

The booking rules, the slot search, the calendar and the look at what is booked already all ask this one. The number of
queries depends neither on the days nor on the people.
"""
from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.db.models import Q

from clinic.models import Absence, Closure, DayShift, OpeningHours, OutOfService, Shift, Site, SpecialHours, User
from clinic.prepared import Prepared, many, one, stretch
from sessions.slots import Clock, Hours, Span, Timetable

ON_THESE_DAYS = {"day__gte": one("first", "date"), "day__lte": one("last", "date")}
SPECIAL = Prepared(
    lambda: SpecialHours.objects.filter(site=one("site"), **ON_THESE_DAYS).values_list("day", "opens", "closes")
)
SHIFTS = Prepared(
    lambda: Shift.objects.filter(
        Q(valid_until=None) | Q(valid_until__gte=one("first", "date")), site=one("site"), user__in=many("people"),
        valid_from__lte=one("last", "date"),
    ).values_list("user", "weekday", "starts", "ends", "valid_from", "valid_until")
)  # fmt: skip
OPENING = Prepared(lambda: OpeningHours.objects.filter(site=one("site")).values_list("weekday", "opens", "closes"))
CLOSED = Prepared(
    lambda: Closure.objects.filter(
        site=one("site"), last_day__gte=one("first", "date"), first_day__lte=one("last", "date")
    ).values_list("first_day", "last_day")
)  # fmt: skip
DAY_SHIFTS = Prepared(
    lambda: DayShift.objects.filter(site=one("site"), user__in=many("people"), **ON_THESE_DAYS)
    .values_list("user", "day", "starts", "ends")
)  # fmt: skip
QUESTIONS_OF_TIMETABLE = (SPECIAL, SHIFTS, OPENING, CLOSED, DAY_SHIFTS)

ASKED_ABOUT = stretch("start", "end")
AWAY = Prepared(
    lambda: Absence.objects.filter(user__in=many("people"), span__overlap=ASKED_ABOUT).values_list("user", "span")
)
OUT = Prepared(
    lambda: OutOfService.objects.filter(
        Q(room__in=many("rooms")) | Q(device__in=many("devices")), span__overlap=ASKED_ABOUT
    ).values_list("room", "device", "span", "reason")
)  # fmt: skip


def timetable_values(site: Site, people: Collection[User], first_day: dt.date, last_day: dt.date) -> dict[str, Any]:
    """What a `Timetable` of these days is made of. Five queries."""
    ids = [user.pk for user in people]
    asked = {"site": site.pk, "first": first_day, "last": last_day}
    special: dict[dt.date, list[Clock]] = defaultdict(list)
    for day, opens, closes in SPECIAL(**asked):
        special[day].append((opens, closes))
    shifts: dict[int, list[Hours]] = defaultdict(list)
    for user, weekday, *hours in SHIFTS(people=ids, **asked):
        shifts[user].append(Hours(int(weekday), *hours))
    return {
        "zone": site.zone,
        "opening": [Hours(int(weekday), *hours) for weekday, *hours in OPENING(site=site.pk)],
        "closed": CLOSED(**asked),
        "special": dict(special),
        "shifts": shifts,
        "day_shifts": _day_shifts(people=ids, **asked),
        "licensed_until": {user.pk: _licensed_until(user) for user in people},
    }


def timetable_of(site: Site, people: Collection[User], first_day: dt.date, last_day: dt.date) -> Timetable:
    return Timetable(**timetable_values(site, people, first_day, last_day))


def _day_shifts(**asked: Any) -> dict[tuple[int, dt.date], list[Clock]]:
    """A day off is a row without times: the day is known, and holds nothing."""
    found: dict[tuple[int, dt.date], list[Clock]] = defaultdict(list)
    for user, day, starts, ends in DAY_SHIFTS(**asked):
        known = found[user, day]
        if starts is not None and ends is not None:
            known.append((starts, ends))
    return dict(found)


def _licensed_until(user: User) -> dt.date:
    """Unknown never counts as fine: without number or date nobody is licensed on any day."""
    return user.licence_valid_until if user.licence_number and user.licence_valid_until else dt.date.min


def absences_of(people: Collection[int], start: dt.datetime, end: dt.datetime) -> dict[int, list[Span]]:
    """When each of these people is away from everywhere, cut to the stretch asked about. One query."""
    found: dict[int, list[Span]] = defaultdict(list)
    for user, span in AWAY(people=list(people), start=start, end=end):
        found[user].append(Span(max(span.lower or start, start), min(span.upper or end, end)))
    return found


def out_of_service(
    rooms: Collection[int], devices: Collection[int], start: dt.datetime, end: dt.datetime
) -> tuple[dict[int, list[tuple[Span, str]]], dict[int, list[tuple[Span, str]]]]:
    """When rooms and devices cannot be used, and why, cut to the stretch asked about. One query."""
    of_rooms: dict[int, list[tuple[Span, str]]] = defaultdict(list)
    of_devices: dict[int, list[tuple[Span, str]]] = defaultdict(list)
    for room, device, span, reason in OUT(rooms=list(rooms), devices=list(devices), start=start, end=end):
        cut = (Span(max(span.lower, start), min(span.upper, end)), reason)
        if room is not None:
            of_rooms[room].append(cut)
        else:
            of_devices[device].append(cut)
    return of_rooms, of_devices
