"""The free times a site offers to anybody: true ones, of services marked public, within the reach the manager set."""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from django.utils import timezone

from clinic.models import Site, User
from protocols.models import Service
from protocols.models.service import ServiceKind
from sessions.availability import Offer, able, free_stream
from sessions.models import PublicBooking

MOST_A_WEEK = 400


def setting_of(site: Site) -> PublicBooking:
    """The site's setting; a site without one takes no requests."""
    return PublicBooking.objects.filter(site=site).first() or PublicBooking(site=site)


def sites_open_to_all() -> Any:
    return Site.objects.filter(is_open=True, public_booking__is_on=True)


def public_services() -> Any:
    """Marked public. A treatment never is: it needs a plan and a screening first."""
    return Service.objects.filter(is_active=True, is_public=True).exclude(kind=ServiceKind.TREATMENT)


def people_for(service: Service, site: Site) -> list[User]:
    return able(list(User.objects.practitioners_at(site)), service, site, site.today())


def reach_of(setting: PublicBooking) -> tuple[dt.datetime, dt.date]:
    """From which moment, and until which day of the site, times are offered."""
    first = timezone.now() + dt.timedelta(hours=setting.earliest_hours)
    return first, setting.site.today() + dt.timedelta(days=setting.days_ahead)


def offers(
    *, site: Site, service: Service, practitioner: User | None, first_day: dt.date, last_day: dt.date,
    setting: PublicBooking,
) -> Iterator[Offer]:  # fmt: skip
    """Free times between two local days, earliest first."""
    not_before, farthest = reach_of(setting)
    people: Sequence[User] = people_for(service, site)
    if practitioner is not None:
        people = [one for one in people if one == practitioner]
    last = min(last_day, farthest)
    if not people or last < first_day:
        return iter(())
    found = free_stream(
        site=site, service=service, practitioners=people, first_day=first_day, last_day=last, not_before=not_before
    )
    return islice(found, MOST_A_WEEK)


def offer_at(
    *, site: Site, service: Service, practitioner: User | None, starts_at: dt.datetime, setting: PublicBooking
) -> Offer | None:
    """The offer of exactly this start, or None: whatever a form says, only what is offered can be held."""
    if not setting.is_on or not site.is_open or not public_services().filter(pk=service.pk).exists():
        return None
    day = starts_at.astimezone(site.zone).date()
    if abs((day - site.today()).days) > 400:
        return None
    found = offers(
        site=site, service=service, practitioner=practitioner, first_day=day, last_day=day, setting=setting
    )
    return next((one for one in found if one.starts_at == starts_at), None)
