"""What lies under the appointments: closed days, hours off shift, breaks, absences. The number of queries is fixed."""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from clinic.models import Closure, Site, User
from clinic.prepared import Prepared, one
from clinic.quick_rows import whole
from sessions.calendar_range import Days, gaps, on_the_wall, wall_span
from sessions.elsewhere import STATED, WEEKLY, There, elsewhere_of
from sessions.slots import Span, Timetable
from sessions.timetables import AWAY, OUT, QUESTIONS_OF_TIMETABLE, absences_of, out_of_service, timetable_of

Wall = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A grey part of one column. `kind`: closed, off, break, away, elsewhere. `words` is empty where nothing needs saying."""

    column: str
    kind: str
    start: dt.datetime
    end: dt.datetime
    words: str = ""


@dataclass
class Ground:
    """The timetable of one site over a range of days, with the stretches in which people are away and things are out of
    service."""

    timetable: Timetable
    days: Days
    closures: list[Closure]
    absences: Mapping[int, list[Span]] = field(default_factory=dict)
    rooms_out: Mapping[int, list[tuple[Span, str]]] = field(default_factory=dict)
    devices_out: Mapping[int, list[tuple[Span, str]]] = field(default_factory=dict)
    elsewhere: Mapping[int, list[There]] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        return self.timetable.zone

    def open_on(self, day: dt.date) -> list[Span]:
        return self.timetable.open_on(day)

    def closure_on(self, day: dt.date) -> Closure | None:
        return next((one for one in self.closures if one.first_day <= day <= one.last_day), None)

    def works(self, person: int) -> bool:
        """Whether any day of the range has a shift of theirs on an open day."""
        return any(self.open_on(day) and self.timetable.on_shift(person, day) for day in self.days)

    def hours_shown(self) -> Wall:
        """The earliest opening and the latest closing of these days, on the wall of the first one."""
        spans = [wall_span(span.start, span.end, self.zone) for day in self.days for span in self.open_on(day)]
        first = min((start.time() for start, _end in spans), default=dt.time(8))
        last = max((end.time() for _start, end in spans), default=dt.time(18))
        return dt.datetime.combine(self.days.first, first), dt.datetime.combine(self.days.first, last)

    def under_person(self, column: str, person: int) -> Iterator[Stretch]:
        for day in self.days:
            yield from self._closed_or(day, column, self.timetable.on_shift(person, day), of_person=True)
        for span in self.absences.get(person, ()):
            yield Stretch(column, "away", *self._wall(span), _("Away"))
        for there in self.elsewhere.get(person, ()):
            start, end = self._wall(there.span)
            values = {"site": there.site, "start": f"{start:%H:%M}", "end": f"{end:%H:%M}"}
            yield Stretch(column, "elsewhere", start, end, _("At %(site)s, %(start)s to %(end)s") % values)

    def under_thing(self, column: str, out: Sequence[tuple[Span, str]] = ()) -> Iterator[Stretch]:
        """Rooms and devices keep the hours of the site; what is out of service says why."""
        for day in self.days:
            yield from self._closed_or(day, column, self.timetable.opening_on(day), of_person=False)
        for span, why in out:
            yield Stretch(column, "away", *self._wall(span), _("Out of service: %(why)s") % {"why": why})

    def _wall(self, span: Span) -> Wall:
        return on_the_wall(span.start, self.zone), on_the_wall(span.end, self.zone)

    def _closed_or(self, day: dt.date, column: str, spans: Sequence[Span], *, of_person: bool) -> Iterator[Stretch]:
        closure = self.closure_on(day)
        if closure is not None:
            start = dt.datetime.combine(day, dt.time())
            words = _("Closed: %(why)s") % {"why": closure.reason}
            yield Stretch(column, "closed", start, start + dt.timedelta(days=1), words)
            return
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


CLOSURE = whole(Closure)
CLOSURES = Prepared(
    lambda: Closure.objects.filter(
        site=one("site"), first_day__lte=one("last", "date"), last_day__gte=one("first", "date")
    ).values_list(*CLOSURE.read)
)  # fmt: skip


QUESTIONS_OF_GROUND = (CLOSURES, *QUESTIONS_OF_TIMETABLE, AWAY, OUT, WEEKLY, STATED)


def values_of_ground(
    site: Site, days: Days, people: list[int], *, rooms: list[int], devices: list[int]
) -> dict[str, Any]:
    """For asking `QUESTIONS_OF_GROUND` ahead."""
    start, end = site.day_bounds(days.first)[0], site.day_bounds(days.last)[1]
    return {
        "site": site.pk, "first": days.first, "last": days.last, "people": people, "start": start, "end": end,
        "rooms": rooms, "devices": devices,
    }  # fmt: skip


def ground_of(site: Site, days: Days, people: Sequence[User], rooms: Sequence[int] = (), devices: Sequence[int] = ()) -> Ground:
    """Ten queries, whatever the range, none when asked ahead.
    Absences go out without their reason: why somebody is away is theirs."""
    start, end = site.day_bounds(days.first)[0], site.day_bounds(days.last)[1]
    rooms_out, devices_out = out_of_service(rooms, devices, start, end)
    return Ground(
        timetable=timetable_of(site, people, days.first, days.last),
        days=days,
        closures=CLOSURE.rows(CLOSURES(site=site.pk, first=days.first, last=days.last)),
        absences=absences_of([user.pk for user in people], start, end),
        rooms_out=rooms_out,
        devices_out=devices_out,
        elsewhere=elsewhere_of(site, [user.pk for user in people], days),
    )
