"""Which local days a site is open and a practitioner works there: read once, asked often by the planner."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from clinic.models import Site, User
from sessions.busy import Busy
from sessions.timetables import absences_of, timetable_of

FIRST, LAST = dt.date(1900, 1, 1), dt.date(9000, 1, 1)


def open_days(site: Site, practitioner: User) -> Callable[[dt.date], bool]:
    """A function of the local day: open, not closed, a shift there, not absent for all of it. Six queries in total."""
    timetable = timetable_of(site, [practitioner], FIRST, LAST)
    start, end = site.day_bounds(FIRST)[0], site.day_bounds(LAST)[1]
    away = Busy(absences_of([practitioner.pk], start, end).get(practitioner.pk, []))

    def is_open(day: dt.date) -> bool:
        opening = timetable.open_on(day)
        return any(
            next(away.free_within(common), None) is not None
            for shift in timetable.on_shift(practitioner.pk, day)
            for span in opening
            if (common := shift.intersection(span)) is not None
        )

    return is_open
