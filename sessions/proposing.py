"""Proposed times for the open sessions of a course: the best free slot in each window, counted from the one before."""
from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from protocols.models import Service
from sessions.availability import Offer, Search, load
from sessions.booking_rules import window_after, window_of
from sessions.models import Course, PlannedSession
from sessions.slots import Fit, Window

LOOK_FURTHER_DAYS = 21  # past the window's end: late, but at least a date
OFFERS_A_DAY = 60  # more than a day of quarter hours has


@dataclass(frozen=True, slots=True)
class Proposal:
    """One row: its window as it follows from the rows before, and the best free time in it, if there is any."""

    planned: PlannedSession
    window: Window
    offer: Offer | None

    @property
    def fit(self) -> Fit | None:
        return self.window.fit(self.offer.local_start.date()) if self.offer else None


def service_of(course: Course) -> Service | None:
    """The treatment that gives this course's indication."""
    return Service.objects.filter(is_active=True, indication=course.indication).order_by("kind", "name").first()


def propose(
    *, course: Course, service: Service, sessions: Sequence[PlannedSession], usual_time: dt.time | None = None
) -> list[Proposal]:
    """A time per session: on the ideal day or after it within the window, else before it, else late; on a day the time
    nearest to the clock time of the last appointment, or to the usual time of the course (plan-next). One search
    loads everything, so the queries do not grow with the days."""
    if not sessions:
        return []
    today = course.site.today()
    usual_time = usual_time or usual_time_of(course)
    first = max(today, min(window_of(one).earliest for one in sessions))
    ends = [(window_of(one).latest or window_of(one).ideal) for one in sessions]
    last = max(today, *ends) + dt.timedelta(days=3 * LOOK_FURTHER_DAYS)
    search = load(
        site=course.site, service=service, practitioners=[course.practitioner], first_day=first, last_day=last,
        patient=course.patient,
    )  # fmt: skip
    proposals: list[Proposal] = []
    before: tuple[PlannedSession, dt.date] | None = None
    for planned in sessions:
        window = window_after(planned, before[1] if before and before[0].number == planned.number - 1 else None)
        offer = _best(search, window, max(today, window.earliest), usual_time)
        proposals.append(Proposal(planned, window, offer))
        before = (planned, offer.local_start.date()) if offer else None
    return proposals


def usual_time_of(course: Course) -> dt.time:
    """The wall-clock time of the course's newest appointment that stands, else the time it was planned for."""
    newest = course.appointments.occupying().select_related("site").order_by("-starts_at").first()
    return newest.local_start.time() if newest else course.usual_time


def _best(search: Search, window: Window, earliest: dt.date, usual_time: dt.time) -> Offer | None:
    latest = window.latest or window.ideal + dt.timedelta(days=LOOK_FURTHER_DAYS)
    further = max(latest, earliest) + dt.timedelta(days=LOOK_FURTHER_DAYS)
    stretches = [
        (max(window.ideal, earliest), latest),
        (earliest, min(window.ideal, latest)),
        (max(latest, earliest), further),
    ]
    for first, last in stretches:
        if first > last:
            continue
        start = search.offers(first_day=first, last_day=last, limit=1, not_before=timezone.now())
        if start:
            day = start[0].local_start.date()
            all_day = search.offers(first_day=day, last_day=day, limit=OFFERS_A_DAY, not_before=timezone.now())
            return min(all_day, key=lambda offer: _minutes_apart(offer.local_start.time(), usual_time))
    return None


def _minutes_apart(one: dt.time, other: dt.time) -> int:
    return abs((one.hour * 60 + one.minute) - (other.hour * 60 + other.minute))
