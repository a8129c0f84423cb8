"""Times that became free: remembered by whoever cancels or moves, shown to the desk with how many people fit them."""
from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from clinic.models import Site, User
from sessions.fitting import Waiting, waiting_at
from sessions.models import Appointment, FreedTime
from sessions.slots import Span

NEWS_HOURS = 48  # afterwards the calendar still shows the free time, the board no longer
MOST_SHOWN = 8


def remember(appointment: Appointment) -> None:
    """Call it before an appointment leaves its time. What lies in the past is of no use to anybody."""
    span = appointment.practitioner_span
    if span.lower > timezone.now():
        FreedTime.objects.create(
            appointment=appointment, site=appointment.site, practitioner=appointment.practitioner,
            room=appointment.room, starts_at=span.lower, ends_at=span.upper,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Freed:
    """A freed time that is still free, and how many people who wait fit it."""

    freed: FreedTime
    count: int

    @property
    def local_start(self) -> dt.datetime:
        return self.freed.starts_at.astimezone(self.freed.site.zone)

    @property
    def local_end(self) -> dt.datetime:
        return self.freed.ends_at.astimezone(self.freed.site.zone)


def freed_lately(site: Site, *, patients: Any) -> list[Freed]:
    """The next freed times of this site that somebody fits, soonest first; one per time, however often it was freed."""
    now = timezone.now()
    rows = list(
        FreedTime.objects.filter(site=site, starts_at__gt=now, freed_at__gte=now - dt.timedelta(hours=NEWS_HOURS))
        .select_related("practitioner", "site").order_by("starts_at", "-freed_at")[:40]
    )  # fmt: skip
    if not rows:
        return []
    days = [row.starts_at.astimezone(site.zone).date() for row in rows]
    people = list({row.practitioner_id: row.practitioner for row in rows}.values())
    waiting = waiting_at(site, first_day=min(days), last_day=max(days), patients=patients, practitioners=people)
    found: dict[tuple[int, dt.datetime], Freed] = {}
    for row in rows:
        key = (row.practitioner_id, row.starts_at)
        if key in found or len(found) == MOST_SHOWN:
            continue
        count = fitting_around(waiting, row.practitioner, Span(row.starts_at, row.ends_at))
        if count:
            found[key] = Freed(row, count)
    return list(found.values())


def fitting_around(waiting: Waiting, practitioner: User, span: Span) -> int:
    """How many fit into this time or the free time that touches it: what stands beside it may have been free before."""
    gaps = [gap for gap in waiting.gaps(practitioner) if gap.span.overlaps(span)]
    return len({fit.entry.pk for gap in gaps for fit in waiting.fitting(gap, span)})


def count_for(appointment: Appointment, *, patients: Any) -> int:
    """How many people fit the time a cancelled appointment left."""
    span = Span(appointment.starts_at, appointment.ends_at)
    if appointment.starts_at <= timezone.now():
        return 0
    day = appointment.local_start.date()
    waiting = waiting_at(
        appointment.site, first_day=day, last_day=day, patients=patients, practitioners=[appointment.practitioner]
    )
    return fitting_around(waiting, appointment.practitioner, span)
