"""What the public pages show: the free times of one week by day, and a request in the reader's words."""
from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from clinic.models import Site, User
from protocols.models import Service
from sessions.availability import Offer
from sessions.calendar_range import day_of
from sessions.message_texts import day_of as day_words
from sessions.message_texts import written_in
from sessions.models import PublicBooking
from sessions.offers_outside import offers, people_for, public_services, reach_of
from sessions.waiting_page import moment_from, stamp

NEXT_FREE_DAYS = 90


@dataclass(frozen=True, slots=True)
class Chosen:
    """What somebody outside has chosen so far."""

    service: Service | None
    practitioner: User | None
    first_day: dt.date

    def query(self, **more: str) -> str:
        said = {
            "service": self.service.public_id if self.service else "",
            "practitioner": self.practitioner.public_id if self.practitioner else "",
        }
        return urlencode({name: value for name, value in (said | more).items() if value})


@dataclass(frozen=True, slots=True)
class Day:
    day: dt.date
    words: str
    times: list[tuple[str, str]]  # clock time, query of the page that takes it


def named(said: Any, name: str) -> str:
    return str(said.get(name) or "").replace("\x00", "")[:22]


def chosen_from(said: Any, site: Site, setting: PublicBooking) -> Chosen:
    """What the address or the form says; anything that is not offered counts as unsaid."""
    services = list(public_services())
    service = next((one for one in services if one.public_id == named(said, "service")), None)
    if service is None and len(services) == 1:
        service = services[0]
    people = people_for(service, site) if service else []
    practitioner = next((one for one in people if one.public_id == named(said, "practitioner")), None)
    earliest, farthest = reach_of(setting)
    first = earliest.astimezone(site.zone).date()
    asked = day_of(str(said.get("day") or ""))
    day = min(max(asked or first, first), farthest)
    return Chosen(service, practitioner, day)


def week(site: Site, chosen: Chosen, setting: PublicBooking, language: str) -> list[Day]:
    """Seven days from the chosen one on, those with free times."""
    if chosen.service is None:
        return []
    found: dict[dt.date, list[tuple[str, str]]] = defaultdict(list)
    for one in _offers(site, chosen, setting, chosen.first_day, chosen.first_day + dt.timedelta(days=6)):
        start = one.local_start
        found[start.date()].append((f"{start:%H:%M}", chosen.query(start=stamp(one.starts_at))))
    return [Day(day, day_words(day, written_in(language)), times) for day, times in sorted(found.items())]


def next_day(site: Site, chosen: Chosen, setting: PublicBooking) -> dt.date | None:
    """The first day after this week with a free time."""
    after = chosen.first_day + dt.timedelta(days=7)
    first = next(iter(_offers(site, chosen, setting, after, after + dt.timedelta(days=NEXT_FREE_DAYS))), None)
    return first.local_start.date() if first else None


def nearest(site: Site, chosen: Chosen, setting: PublicBooking, *, limit: int = 4) -> list[Offer]:
    """The next free times, for whoever was too late."""
    found = _offers(site, chosen, setting, site.today(), site.today() + dt.timedelta(days=NEXT_FREE_DAYS))
    return [one for one, _number in zip(found, range(limit), strict=False)]


def _offers(site: Site, chosen: Chosen, setting: PublicBooking, first: dt.date, last: dt.date) -> Any:
    if chosen.service is None:
        return iter(())
    return offers(
        site=site, service=chosen.service, practitioner=chosen.practitioner, first_day=first, last_day=last,
        setting=setting,
    )  # fmt: skip


def start_from(said: Any) -> dt.datetime | None:
    return moment_from(str(said.get("start") or ""))
