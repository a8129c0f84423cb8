"""Two visits that lost their ground, and their rows as a browser sends them, for the tests of what becomes of them."""
from __future__ import annotations

import datetime as dt
import re

from clinic import placing
from clinic.doer import Doer
from sessions.models import Appointment
from tests.sessions.clinicday import ClinicDay

FRIDAY = dt.date(2026, 3, 13)
MONDAY = dt.date(2026, 3, 16)


def displaced_two(day: ClinicDay, by: Doer) -> list[Appointment]:
    visits = [day.book("10:00", day=FRIDAY), day.book("11:00", day=FRIDAY)]
    placing.add_closure(site=day.site, first_day=FRIDAY, last_day=FRIDAY, reason="Strike", by=by)
    return visits


def fields_of(html: str) -> dict[str, str]:
    """What a browser would send of the rows, from the page itself."""
    found = dict(re.findall(r'<input[^>]*?name="([^"]+)"[^>]*?value="([^"]*)"', html))
    found |= dict(re.findall(r'<select name="([^"]+)".*?<option value="([^"]*)" selected', html, re.DOTALL))
    return {name: value for name, value in found.items() if name != "csrfmiddlewaretoken"}
