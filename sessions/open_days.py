"""Which local days a site is open and a practitioner works there: read once, asked often by the planner."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from clinic.models import Site, User


def open_days(site: Site, practitioner: User) -> Callable[[dt.date], bool]:
    """A function of the local day: open, not closed, a shift there, not absent for all of it. Four queries in total."""
    weekdays = set(site.opening_hours.values_list("weekday", flat=True))
    closures = list(site.closures.values_list("first_day", "last_day"))
    shifts = list(practitioner.shifts.filter(site=site))
    absences = [absence.span for absence in practitioner.absences.all()]

    def is_open(day: dt.date) -> bool:
        weekday = str(day.isoweekday())
        if weekday not in weekdays or any(first <= day <= last for first, last in closures):
            return False
        working = [
            shift
            for shift in shifts
            if shift.weekday == weekday
            and shift.valid_from <= day
            and (shift.valid_until is None or day <= shift.valid_until)
        ]
        return any(
            not any(
                span.lower <= dt.datetime.combine(day, shift.starts, site.zone)
                and dt.datetime.combine(day, shift.ends, site.zone) <= span.upper
                for span in absences
            )
            for shift in working
        )

    return is_open
