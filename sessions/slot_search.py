"""The next free times for what somebody asks: at one site or several, for one practitioner or any, page by page.

Nothing is read further than it is shown: each page goes on behind the last time of the one before.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice

from django.utils import timezone

from clinic.models import Device, Room, Site, User
from patients.models import Patient
from protocols.giving import givers_at
from protocols.models import Service
from sessions.availability import Offer, free_stream
from sessions.booking_rules import window_after
from sessions.free_times import ANY_TIME, Liking
from sessions.models import PlannedSession
from sessions.slots import Fit, Window

SHOWN = 24
FURTHEST_DAYS = 92  # how far a search goes when no last day is said
LONGEST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for. `first_day` and `last_day` are local days, both included; `planned` is the session of a course
    it is for: nothing before its window is offered. `after` is the last time that was shown already."""

    service: Service
    sites: Sequence[Site]
    first_day: dt.date | None = None
    last_day: dt.date | None = None
    practitioner: User | None = None
    room: Room | None = None
    device: Device | None = None
    minutes: int | None = None
    liking: Liking = ANY_TIME
    patient: Patient | None = None
    planned: PlannedSession | None = None
    after: dt.datetime | None = None

    @property
    def window(self) -> Window | None:
        return window_after(self.planned) if self.planned is not None else None


@dataclass(frozen=True, slots=True)
class Found:
    """Free times in order, each with how it sits in the window; `after` goes on behind them, None when that was all."""

    offers: list[tuple[Offer, Fit | None]]
    after: dt.datetime | None


def find(asked: Asked, *, limit: int = SHOWN) -> Found:
    """The first `limit` free times, all starts of one moment together counted as they come. Queries are fixed per site."""
    window = asked.window
    streams = [_stream(asked, site, window) for site in asked.sites]
    offers = list(islice(merge(*streams, key=lambda offer: offer.starts_at), limit + 1))
    # Two sites may be free at one moment: a page never ends between them, or the second would be skipped.
    more = len(offers) > limit
    shown = offers[:limit]
    if more:
        while len(shown) > 1 and shown[-1].starts_at == offers[limit].starts_at:
            shown.pop()
    fits = [(offer, window.fit(offer.local_start.date()) if window else None) for offer in shown]
    return Found(fits, shown[-1].starts_at if more else None)


def _stream(asked: Asked, site: Site, window: Window | None) -> Iterator[Offer]:
    if asked.room is not None and asked.room.site_id != site.pk:
        return iter(())
    if asked.device is not None and asked.device.site_id != site.pk:
        return iter(())
    if asked.room is not None and asked.room.kind != asked.service.room_kind:
        return iter(())
    people = givers_at(asked.service, site).prefetch_related("roles")
    if asked.practitioner is not None:
        people = people.filter(pk=asked.practitioner.pk)
    first = max(site.today(), asked.first_day or site.today(), window.earliest if window else site.today())
    last = asked.last_day or first + dt.timedelta(days=FURTHEST_DAYS)
    last = min(last, first + dt.timedelta(days=LONGEST_DAYS))
    behind = asked.after + dt.timedelta(minutes=1) if asked.after else None
    if behind is not None:
        first = max(first, behind.astimezone(site.zone).date())
    return free_stream(
        site=site, service=asked.service, practitioners=list(people), first_day=first, last_day=last,
        not_before=max(behind or timezone.now(), timezone.now()), liking=asked.liking, patient=asked.patient,
        room=asked.room, device=asked.device, treatment_minutes=asked.minutes,
    )  # fmt: skip
