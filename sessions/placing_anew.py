"""Where bookings without ground could go: a proposal for each that keeps its course's window, none over another.

The nearest day from the old one on, with the same practitioner where they can, at the clock time nearest to the old one.
"""
from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from django.utils import timezone

from clinic.models import User
from protocols.giving import givers_at
from sessions.availability import SPAN_ENDS, Offer, Search, able, load, minutes_of
from sessions.booking_rules import window_after
from sessions.busy import Busy
from sessions.models import Appointment
from sessions.slots import Fit, Footprint, Span, Window, footprint

LOOK_DAYS = 28  # past the old day, and past the end of the window: late, but at least a date
AT_MOST = 40  # bookings proposed for at once; what is left follows when these are dealt with
OFFERS_A_DAY = 60


@dataclass(frozen=True, slots=True)
class Proposal:
    """One booking, the window of its session, and a time for it, if there is any."""

    visit: Appointment
    window: Window | None
    offer: Offer | None

    @property
    def fit(self) -> Fit | None:
        return self.window.fit(self.offer.local_start.date()) if self.offer and self.window else None


def window_of_visit(visit: Appointment) -> Window | None:
    """The window of the planned session a booking is for; None outside a course."""
    planned = next((one.planned_session for one in visit.fulfilments.all()), None)
    return window_after(planned) if planned is not None else None


def propose_anew(visits: Sequence[Appointment]) -> list[Proposal]:
    """A proposal per booking, in their order. All of them give up their old times; none is proposed over another.
    One search per site, service and length, however many bookings."""
    searches: dict[tuple[int, int, int | None], Search] = {}
    ignoring = [visit.pk for visit in visits]
    busy = _patients_spans(visits)
    taken: list[tuple[Offer, Footprint]] = []
    found: list[Proposal] = []
    last = max((visit.local_start.date() for visit in visits), default=dt.date.min) + dt.timedelta(days=3 * LOOK_DAYS)
    for visit in visits:
        key = (visit.site_id, visit.service_id, visit.treatment_minutes)
        if key not in searches:
            searches[key] = load(
                site=visit.site, service=visit.service, practitioners=_able(visit),
                first_day=visit.site.today(), last_day=last, ignoring=ignoring, treatment_minutes=visit.treatment_minutes,
            )  # fmt: skip
        window = window_of_visit(visit)
        offer = _best(visit, searches[key], window, last, Busy(busy[visit.patient_id]), taken)
        found.append(Proposal(visit, window, offer))
        if offer is not None:
            mine = _footprint(visit, offer)
            taken.append((offer, mine))
            busy[visit.patient_id].append(mine.patient)
    return found


def _able(visit: Appointment) -> list[User]:
    """Everybody who may give it there."""
    people = givers_at(visit.service, visit.site).prefetch_related("roles")
    return able(list(people), visit.service, visit.site, visit.site.today())


def _best(
    visit: Appointment, search: Search, window: Window | None, last: dt.date, busy: Busy,
    taken: list[tuple[Offer, Footprint]],
) -> Offer | None:  # fmt: skip
    old = visit.local_start
    first = max(visit.site.today(), old.date())
    if window is not None:
        first = max(first, window.earliest)
    end = first + dt.timedelta(days=LOOK_DAYS)
    if window is not None and window.latest is not None and first <= window.latest:
        end = window.latest
    own = replace(search, people={key: user for key, user in search.people.items() if key == visit.practitioner_id})
    for asked, until in ((own, end), (search, end), (own, last), (search, last)):
        day: dt.date | None = None
        same_day: list[Offer] = []
        for offer in _free(visit, asked, first, until, busy, taken):
            local = offer.local_start.date()
            if day is not None and local != day:
                break
            day = local
            same_day.append(offer)
        if same_day:
            return min(same_day, key=lambda offer: _apart(offer.local_start.time(), old.time()))
    return None


def _free(
    visit: Appointment, search: Search, first: dt.date, last: dt.date, busy: Busy, taken: list[tuple[Offer, Footprint]]
) -> Iterator[Offer]:
    if not search.people:
        return
    for offer in search.each(first, last, not_before=timezone.now()):
        mine = _footprint(visit, offer)
        if not busy.touches(mine.patient) and not any(_collides(offer, mine, *other) for other in taken):
            yield offer


def _footprint(visit: Appointment, offer: Offer) -> Footprint:
    minutes = minutes_of(visit.service, visit.treatment_minutes)
    return footprint(offer.starts_at, minutes, uses_device=offer.device is not None)


def _collides(offer: Offer, mine: Footprint, other: Offer, theirs: Footprint) -> bool:
    same_device = offer.device is not None and offer.device == other.device
    return (
        (offer.practitioner == other.practitioner and mine.practitioner.overlaps(theirs.practitioner))
        or (offer.room == other.room and mine.room.overlaps(theirs.room))
        or (same_device and mine.device is not None and theirs.device is not None and mine.device.overlaps(theirs.device))
    )


def _patients_spans(visits: Collection[Appointment]) -> dict[int, list[Span]]:
    """What else these patients have booked. One query."""
    spans: dict[int, list[Span]] = defaultdict(list)
    rows = Appointment.objects.occupying().filter(
        patient__in={visit.patient_id for visit in visits}, ends_at__gt=timezone.now()
    )
    for patient, start, end in rows.exclude(pk__in=[visit.pk for visit in visits]).values_list("patient", *SPAN_ENDS[6:]):
        spans[patient].append(Span(start, end))
    return spans


def _apart(one: dt.time, other: dt.time) -> int:
    return abs((one.hour * 60 + one.minute) - (other.hour * 60 + other.minute))
