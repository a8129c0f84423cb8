"""Bookings whose ground was taken away: a closure, an absence, another shift, a room out of service was put over them.

Whoever changes the ground has these looked at again in the same transaction (`clinic.ground`): each booking ahead gets the
mark of what it lacks, or loses it. Nothing moves by itself. The mark stays until the booking is moved or cancelled, or
its ground comes back.
"""
from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.db.models import Q
from django.urls import reverse

from clinic.ground import Ground
from clinic.models import Site, User
from protocols.giving import named_givers
from sessions.choices import Displaced
from sessions.ground_rules import Away, Gap, missing_under
from sessions.models import Appointment
from sessions.slots import Footprint, Span, Timetable
from sessions.timetables import absences_of, out_of_service, timetable_of

FIRST = tuple(Displaced.values)
OF_GAP = {
    Gap.CLOSED: Displaced.CLOSED, Gap.HOURS: Displaced.HOURS, Gap.LICENCE: Displaced.LICENCE,
    Gap.SHIFT: Displaced.SHIFT, Gap.ABSENCE: Displaced.ABSENCE, Gap.ROOM: Displaced.ROOM, Gap.DEVICE: Displaced.DEVICE,
}  # fmt: skip


def look_again(ground: Ground) -> None:
    """Mark every booking ahead that the changed ground no longer carries, and unmark those it carries again."""
    by_site: dict[int, list[Appointment]] = defaultdict(list)
    for one in about(ground).select_related("site", "service", "practitioner", "room", "device"):
        by_site[one.site_id].append(one)
    changed: dict[str, list[int]] = defaultdict(list)
    for visits in by_site.values():
        for visit, mark in judged(visits[0].site, visits):
            if visit.displaced != mark:
                changed[mark].append(visit.pk)
    for mark, keys in changed.items():
        Appointment.objects.filter(pk__in=keys).update(displaced=mark)


def about(ground: Ground) -> Any:
    """Bookings ahead that a change may concern. A person is looked at wherever they work."""
    rows = Appointment.objects.upcoming()
    if ground.person is not None:
        rows = rows.filter(practitioner=ground.person)
    elif ground.room is not None:
        rows = rows.filter(room=ground.room)
    elif ground.device is not None:
        rows = rows.filter(device=ground.device)
    elif ground.service is not None:
        rows = rows.filter(service=ground.service)
    elif ground.site is not None:
        rows = rows.filter(site=ground.site)
    # A day's margin: local days of several zones.
    if ground.first_day is not None:
        start = dt.datetime.combine(ground.first_day, dt.time(), dt.UTC) - dt.timedelta(days=1)
        rows = rows.filter(starts_at__gte=start)
    if ground.last_day is not None:
        end = dt.datetime.combine(ground.last_day, dt.time(), dt.UTC) + dt.timedelta(days=2)
        rows = rows.filter(starts_at__lt=end)
    return rows.order_by("starts_at", "id")


def judged(site: Site, visits: Sequence[Appointment]) -> Iterator[tuple[Appointment, str]]:
    """Each booking of one site with the mark of what it lacks, or without. The queries do not grow with the bookings."""
    if not visits:
        return
    people = list({visit.practitioner_id: visit.practitioner for visit in visits}.values())
    days = [visit.starts_at.astimezone(site.zone).date() for visit in visits]
    timetable = timetable_of(site, people, min(days), max(days))
    start, end = site.day_bounds(min(days))[0] - dt.timedelta(days=1), site.day_bounds(max(days))[1] + dt.timedelta(days=1)
    away = absences_of([user.pk for user in people], start, end)
    rooms, devices = out_of_service(
        {visit.room_id for visit in visits}, {visit.device_id for visit in visits if visit.device_id}, start, end
    )
    treating = set(User.objects.practitioners_at(site).values_list("pk", flat=True))
    elsewhere = _of_another_country(site, people)
    named = named_givers({visit.service for visit in visits}, site)
    for visit in visits:
        under = Away(
            person=away.get(visit.practitioner_id, ()),
            room=[span for span, _why in rooms.get(visit.room_id, ())],
            device=[span for span, _why in devices.get(visit.device_id or 0, ())],
        )
        marks = set(_missing(visit, site, timetable, under))
        if visit.practitioner_id not in treating:
            marks.add(Displaced.PRACTITIONER)
        if visit.practitioner_id in elsewhere:
            marks.add(Displaced.LICENCE)
        if visit.practitioner_id not in named.get(visit.service_id, {visit.practitioner_id}):
            marks.add(Displaced.SERVICE)
        yield visit, min(marks, key=FIRST.index, default="")


def _missing(visit: Appointment, site: Site, timetable: Timetable, away: Away) -> Iterator[Displaced]:
    if not site.is_open:
        yield Displaced.SITE
    if not visit.room.in_service:
        yield Displaced.ROOM
    if visit.device is not None and not visit.device.in_service:
        yield Displaced.DEVICE
    for gap in missing_under(footprint_of(visit), timetable, person=visit.practitioner_id, away=away):
        yield OF_GAP[gap]


def _of_another_country(site: Site, people: Collection[User]) -> set[int]:
    """Whose licence is of another country, or of none while sites lie in several."""
    abroad = Site.objects.filter(is_open=True).exclude(country=site.country).exists()
    allowed = {site.country} if abroad else {site.country, ""}
    return {user.pk for user in people if user.licence_country not in allowed}


def footprint_of(visit: Appointment) -> Footprint:
    """What a booking takes, as it is stored."""
    device = visit.device_span
    return Footprint(
        patient=Span(visit.patient_span.lower, visit.patient_span.upper),
        practitioner=Span(visit.practitioner_span.lower, visit.practitioner_span.upper),
        room=Span(visit.room_span.lower, visit.room_span.upper),
        device=Span(device.lower, device.upper) if device is not None else None,
    )


def next_page(ground: Ground) -> str:
    """The list of what has to be placed anew, where this change left any."""
    rows = about(ground).displaced()
    if ground.site is not None:
        rows = rows.filter(Q(site=ground.site))
    return reverse("displaced") if rows.exists() else ""
