"""Who works at another site on these days: nobody can be in both, so the calendar says where they are."""
from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from clinic.models import DayShift, Shift, Site
from sessions.calendar_range import Days
from sessions.slots import Hours, Span, spans_of, spans_on


@dataclass(frozen=True, slots=True)
class There:
    """A working time at another site."""

    site: str
    span: Span


def elsewhere_of(site: Site, people: Collection[int], days: Days) -> dict[int, list[There]]:
    """Working times of these people at the other open sites, in order. Two queries, whatever the days and the sites."""
    weekly: dict[tuple[int, str, str], list[Hours]] = defaultdict(list)
    shifts = Shift.objects.filter(user__in=people, site__is_open=True, valid_from__lte=days.last).exclude(site=site)
    for row in shifts.select_related("site"):
        hours = Hours(int(row.weekday), row.starts, row.ends, row.valid_from, row.valid_until)
        weekly[row.user_id, row.site.name, row.site.time_zone].append(hours)
    own: dict[tuple[int, str, str], dict[dt.date, list[tuple[dt.time, dt.time]]]] = defaultdict(lambda: defaultdict(list))
    special = DayShift.objects.filter(user__in=people, site__is_open=True, day__range=(days.first, days.last))
    for stated_shift in special.exclude(site=site).select_related("site"):
        place = stated_shift.site
        known = own[stated_shift.user_id, place.name, place.time_zone][stated_shift.day]
        if stated_shift.starts is not None and stated_shift.ends is not None:
            known.append((stated_shift.starts, stated_shift.ends))
    found: dict[int, list[There]] = defaultdict(list)
    for key in sorted({*weekly, *own}):
        person, name, zone = key[0], key[1], ZoneInfo(key[2])
        for day in days:
            stated = own.get(key, {}).get(day)
            spans = spans_on(day, weekly.get(key, ()), zone) if stated is None else spans_of(day, stated, zone)
            found[person] += [There(name, span) for span in spans]
    return {person: sorted(rows, key=lambda row: row.span) for person, rows in found.items() if rows}
