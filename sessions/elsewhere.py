"""Who works at another site on these days: nobody can be in both, so the calendar says where they are."""
from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from clinic.models import DayShift, Shift, Site
from clinic.prepared import Prepared, many, one
from sessions.calendar_range import Days
from sessions.slots import Hours, Span, spans_of, spans_on


@dataclass(frozen=True, slots=True)
class There:
    """A working time at another site."""

    site: str
    span: Span


OF_A_SITE = ("user", "site__name", "site__time_zone")
WEEKLY = Prepared(
    lambda: Shift.objects.filter(user__in=many("people"), site__is_open=True, valid_from__lte=one("last", "date"))
    .exclude(site=one("site")).values_list(*OF_A_SITE, "weekday", "starts", "ends", "valid_from", "valid_until")
)  # fmt: skip
STATED = Prepared(
    lambda: DayShift.objects.filter(
        user__in=many("people"), site__is_open=True, day__gte=one("first", "date"), day__lte=one("last", "date")
    ).exclude(site=one("site")).values_list(*OF_A_SITE, "day", "starts", "ends")
)  # fmt: skip


def elsewhere_of(site: Site, people: Collection[int], days: Days) -> dict[int, list[There]]:
    """Working times of these people at the other open sites, in order. Two queries, whatever the days and the sites."""
    weekly: dict[tuple[int, str, str], list[Hours]] = defaultdict(list)
    for person, name, zone, weekday, *hours in WEEKLY(site=site.pk, people=list(people), last=days.last):
        weekly[person, name, zone].append(Hours(int(weekday), *hours))
    own: dict[tuple[int, str, str], dict[dt.date, list[tuple[dt.time, dt.time]]]] = defaultdict(lambda: defaultdict(list))
    for person, name, zone, day, starts, ends in STATED(site=site.pk, people=list(people), first=days.first, last=days.last):
        known = own[person, name, zone][day]
        if starts is not None and ends is not None:
            known.append((starts, ends))
    found: dict[int, list[There]] = defaultdict(list)
    for key in sorted({*weekly, *own}):
        person, name, zone = key[0], key[1], ZoneInfo(key[2])
        for day in days:
            stated = own.get(key, {}).get(day)
            spans = spans_on(day, weekly.get(key, ()), zone) if stated is None else spans_of(day, stated, zone)
            found[person] += [There(name, span) for span in spans]
    return {person: sorted(rows, key=lambda row: row.span) for person, rows in found.items() if rows}
