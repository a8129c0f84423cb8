"""What lies under the appointments: closed days, hours off shift, breaks, absences. The number of queries is fixed."""
from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils.translation import gettext as _

from clinic.models import Absence, Closure, OpeningHours, Shift, Site
from sessions.calendar_range import Days, gaps, on_the_wall, wall_span
from sessions.slots import Hours, Span, spans_on

Wall = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A grey part of one column. `kind`: closed, off, break, away. `words` is empty where nothing needs saying."""

    column: str
    kind: str
    start: dt.datetime
    end: dt.datetime
    words: str = ""


@dataclass
class Ground:
    """Hours of one site over a range of days, and who of its people works when."""

    zone: ZoneInfo
    days: Days
    opening: list[Hours]
    closures: list[Closure]
    shifts: Mapping[int, list[Hours]]
    absences: Mapping[int, list[Wall]] = field(default_factory=dict)

    def open_on(self, day: dt.date) -> list[Span]:
        return [] if self.closure_on(day) else spans_on(day, self.opening, self.zone)

    def closure_on(self, day: dt.date) -> Closure | None:
        return next((one for one in self.closures if one.first_day <= day <= one.last_day), None)

    def works(self, person: int) -> bool:
        """Whether any day of the range has a shift of theirs on an open day."""
        return any(self.open_on(day) and spans_on(day, self.shifts.get(person, ()), self.zone) for day in self.days)

    def hours_shown(self) -> Wall:
        """The earliest opening and the latest closing of these days, on the wall of the first one."""
        spans = [wall_span(span.start, span.end, self.zone) for day in self.days for span in self.open_on(day)]
        first = min((start.time() for start, _end in spans), default=dt.time(8))
        last = max((end.time() for _start, end in spans), default=dt.time(18))
        return dt.datetime.combine(self.days.first, first), dt.datetime.combine(self.days.first, last)

    def under_person(self, column: str, person: int) -> Iterator[Stretch]:
        for day in self.days:
            yield from self._closed_or(day, column, self.shifts.get(person, ()), of_person=True)
        for start, end in self.absences.get(person, ()):
            yield Stretch(column, "away", start, end, _("Away"))

    def under_thing(self, column: str) -> Iterator[Stretch]:
        """Rooms and devices keep the hours of the site."""
        for day in self.days:
            yield from self._closed_or(day, column, self.opening, of_person=False)

    def _closed_or(self, day: dt.date, column: str, hours: Sequence[Hours], *, of_person: bool) -> Iterator[Stretch]:
        closure = self.closure_on(day)
        if closure is not None:
            start = dt.datetime.combine(day, dt.time())
            words = _("Closed: %(why)s") % {"why": closure.reason}
            yield Stretch(column, "closed", start, start + dt.timedelta(days=1), words)
            return
        spans = spans_on(day, hours, self.zone)
        for start, end in gaps(day, spans, self.zone):
            kind, words = _gap(day, start, end, works=bool(spans), of_person=of_person)
            yield Stretch(column, kind, start, end, words)


def _gap(day: dt.date, start: dt.datetime, end: dt.datetime, *, works: bool, of_person: bool) -> tuple[str, str]:
    """What a stretch without shift is called."""
    begins_the_day = start == dt.datetime.combine(day, dt.time())
    ends_the_day = end.date() > day
    if not works:
        return "off", _("Does not work here on this day") if of_person else _("Not open on this day")
    if begins_the_day:
        return "off", _("Starts %(time)s") % {"time": f"{end:%H:%M}"} if of_person else ""
    if ends_the_day:
        return "off", _("Ends %(time)s") % {"time": f"{start:%H:%M}"} if of_person else ""
    return "break", _("Break %(start)s to %(end)s") % {"start": f"{start:%H:%M}", "end": f"{end:%H:%M}"}


def ground_of(site: Site, days: Days, people: Sequence[int]) -> Ground:
    """Four queries, whatever the range. Absences go out without their reason: why somebody is away is theirs."""
    start, end = site.day_bounds(days.first)[0], site.day_bounds(days.last)[1]
    shifts: dict[int, list[Hours]] = defaultdict(list)
    for shift in Shift.objects.filter(site=site, user__in=people):
        shifts[shift.user_id].append(_hours(shift, shift.starts, shift.ends))
    absences: dict[int, list[Wall]] = defaultdict(list)
    for one in Absence.objects.filter(user__in=people, span__overlap=DateTimeTZRange(start, end)):
        lower, upper = max(one.span.lower or start, start), min(one.span.upper or end, end)
        absences[one.user_id].append((on_the_wall(lower, site.zone), on_the_wall(upper, site.zone)))
    return Ground(
        zone=site.zone,
        days=days,
        opening=[_hours(row, row.opens, row.closes) for row in OpeningHours.objects.filter(site=site)],
        closures=list(Closure.objects.filter(site=site, first_day__lte=days.last, last_day__gte=days.first)),
        shifts=shifts,
        absences=absences,
    )


def _hours(row: Any, opens: dt.time, closes: dt.time) -> Hours:
    return Hours(
        int(row.weekday), opens, closes, getattr(row, "valid_from", None), getattr(row, "valid_until", None)
    )
