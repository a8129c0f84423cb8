"""Calendar arithmetic of the rules: months clipped to the end of a shorter one, completed years. Pure."""
from __future__ import annotations

import calendar
from datetime import date


def add_months(start: date, months: int) -> date:
    """Calendar months, clipped to the end of a shorter month (31 August + 6 months = 28 or 29 February)."""
    if not months:
        return start
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


def age_on(birth_date: date, on: date) -> int:
    """Completed years; tuple comparison puts a birthday on 29 February at 1 March of a common year."""
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))
