"""What the wait-list pages show: the list in words, and who fits one free time."""
from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.idempotency import new_token
from clinic.models import Site, User
from protocols import catalogue
from protocols.definitions import Catalogue
from sessions import booking_rules as rules
from sessions.availability import Wish
from sessions.charting import indication_name
from sessions.fitting import Fitting, Waiting, waiting_at
from sessions.models import WaitEntry
from sessions.slots import Span

MOST_FITTING = 12
URGENCY_PILL = {"urgent": "caution", "soon": "info", "ordinary": "neutral"}


# --- in words -------------------------------------------------------------------------------------------------------
def what_words(entry: WaitEntry, known: Catalogue) -> str:
    """The service, or the session of a course as the calendar says it."""
    planned = entry.planned_session
    if planned is None:
        return entry.service.name
    return _("%(course)s, session %(number)s") % {
        "course": indication_name(planned.course.indication, known), "number": planned.number,
    }  # fmt: skip


def wish_words(entry: WaitEntry) -> str:
    """When and with whom it suits: "Mon, Wed · from 09:00 until 12:00 · until Fri 3 Apr · Dr Haddad"."""
    parts = []
    if entry.weekdays:
        parts.append(", ".join(str(WEEKDAYS_ABBR[int(day) - 1]) for day in entry.weekdays))
    if entry.from_time and entry.until_time:
        parts.append(_("%(start)s to %(end)s") % {"start": f"{entry.from_time:%H:%M}", "end": f"{entry.until_time:%H:%M}"})
    elif entry.from_time:
        parts.append(_("from %(time)s") % {"time": f"{entry.from_time:%H:%M}"})
    elif entry.until_time:
        parts.append(_("over by %(time)s") % {"time": f"{entry.until_time:%H:%M}"})
    if entry.earliest:
        parts.append(_("from %(day)s on") % {"day": date_format(entry.earliest, "D j M")})
    if entry.latest:
        parts.append(_("until %(day)s") % {"day": date_format(entry.latest, "D j M")})
    if entry.practitioner:
        parts.append(entry.practitioner.name)
    return " · ".join(parts) or _("Any time, anybody")


def waited_words(entry: WaitEntry, now: dt.datetime) -> str:
    days = (now - entry.written_at).days
    if days < 1:
        return _("since today")
    return ngettext("for %(days)s day", "for %(days)s days", days) % {"days": days}


@dataclass(frozen=True, slots=True)
class Row:
    entry: WaitEntry
    what: str
    wish: str
    waited: str
    pill: str


def rows_of(entries: Sequence[WaitEntry], now: dt.datetime) -> list[Row]:
    known = catalogue.in_force()
    return [row_of(one, known, now) for one in entries]


def row_of(entry: WaitEntry, known: Catalogue, now: dt.datetime) -> Row:
    return Row(entry, what_words(entry, known), wish_words(entry), waited_words(entry, now), URGENCY_PILL[entry.urgency])


# --- one free time --------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who fits, as the panel shows them."""

    row: Row
    fitting: Fitting
    start: dt.datetime
    later: dt.datetime | None
    token: str

    @property
    def stamp(self) -> str:
        return stamp(self.start)


def candidates(waiting: Waiting, practitioner: User, span: Span, now: dt.datetime) -> list[Candidate]:
    """Who fits into the free time around `span`, the most urgent first, at most twelve. Of treatments every booking rule
    is asked as well, so that nobody is offered whom the rules would refuse."""
    shown: dict[int, Candidate] = {}
    known = catalogue.in_force()
    for gap in waiting.gaps(practitioner):
        if not gap.span.overlaps(span):
            continue
        for found in waiting.fitting(gap, span):
            if len(shown) == MOST_FITTING:
                break
            if found.entry.pk in shown or not _bookable(waiting.site, found):
                continue
            later = found.later.local_start if found.later else None
            row = row_of(found.entry, known, now)
            shown[found.entry.pk] = Candidate(row, found, found.place.local_start(waiting.site), later, new_token())
    return list(shown.values())


def _bookable(site: Site, found: Fitting) -> bool:
    entry, place = found.entry, found.place
    if not entry.service.is_gated:
        return True
    planned = entry.planned_session
    wish = Wish(
        entry.patient, site, entry.service, place.practitioner, place.room, place.starts_at, place.device,
        planned.course if planned else None, (planned,) if planned else (),
        ignoring=(found.later.pk,) if found.later else (),
    )  # fmt: skip
    return next(rules.obstacles(wish), None) is None


def fits_into(
    *, site: Site, practitioner: User, span: Span, patients: Any, now: dt.datetime
) -> list[Candidate]:
    first, last = span.start.astimezone(site.zone).date(), span.end.astimezone(site.zone).date()
    waiting = waiting_at(site, first_day=first, last_day=last, patients=patients, practitioners=[practitioner])
    return candidates(waiting, practitioner, span, now)


def slot_link(practitioner: User, start: dt.datetime, end: dt.datetime) -> str:
    """The address of the people who fit a free time."""
    return f"{reverse('wait-slot')}?practitioner={practitioner.public_id}&start={stamp(start)}&until={stamp(end)}"


def stamp(moment: dt.datetime) -> str:
    """A moment that survives an address: UTC, to the minute."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%MZ")


def moment_from(typed: str) -> dt.datetime | None:
    """The moment of `stamp`, or None for anything else."""
    try:
        moment = dt.datetime.strptime(typed[:17], "%Y-%m-%dT%H:%MZ").replace(tzinfo=dt.UTC)
    except ValueError:
        return None
    return moment if 2000 < moment.year < 2200 else None


def desk_tabs(active: str) -> list[dict[str, Any]]:
    """The pages of the desk's lists."""
    names = (("call-list", _("To call")), ("wait-list", _("Wait list")), ("online-requests", _("Booked online")))
    return [{"label": label, "url": reverse(name), "active": name == active} for name, label in names]
