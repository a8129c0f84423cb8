"""Calendar files (iCalendar, RFC 5545): one visit for a patient, or the visits of a practitioner. Pure: values in, bytes out.

A visit keeps its UID for ever; its SEQUENCE rises with every change that has to be told, so that calendar programs
replace it instead of adding another (RFC 5546). Local times carry their zone's own rules along (VTIMEZONE), because a
program that guesses them is an hour wrong twice a year.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, vCalAddress, vText

PRODUCT = "-//Mesoclinic//Appointments//EN"
REQUEST, CANCEL, PUBLISH = "REQUEST", "CANCEL", "PUBLISH"


@dataclass(frozen=True, slots=True)
class Visit:
    """One entry. `sequence` counts its changes; `stamp` is when this version came to be, in the words of the standard."""

    uid: str
    sequence: int
    starts_at: dt.datetime
    ends_at: dt.datetime
    zone: str
    summary: str
    stamp: dt.datetime
    location: str = ""
    description: str = ""
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Party:
    """Who invites, or who is invited: a name people read, and an address."""

    name: str
    address: str


def uid_of(public_id: str, whose: str) -> str:
    """The UID of one visit in one kind of calendar: the same for ever, whatever happens to the visit."""
    return f"{public_id}.{whose}@mesoclinic"


def visit_file(visit: Visit, *, method: str, organizer: Party | None = None, attendee: Party | None = None) -> bytes:
    """One visit. REQUEST and CANCEL name both parties, as RFC 5546 asks; PUBLISH, for a download, names nobody."""
    event = Event()
    _add_when(event, visit)
    if attendee is not None:
        invited = _address(attendee)
        # Confirming is done on the patient's page; an answer of the calendar program would go to nobody.
        for name, value in (("ROLE", "REQ-PARTICIPANT"), ("PARTSTAT", "NEEDS-ACTION"), ("RSVP", "FALSE")):
            invited.params[name] = vText(value)
        event.add("attendee", invited)
    zone = _written_zone(visit.zone, visit.starts_at.year - 1, visit.ends_at.year + 1)
    begin, end = _written_head(method)
    what = _written_what(visit.summary, visit.location, visit.description, visit.cancelled, organizer)
    return begin + zone + bytes(event.to_ical()).removesuffix(END_OF_EVENT) + what + END_OF_EVENT + end


END_OF_EVENT = b"END:VEVENT\r\n"


# What many visits have in common is written once. The order of the lines of an entry is free (RFC 5545, 3.6).
@lru_cache(maxsize=8)
def _written_head(method: str) -> tuple[bytes, bytes]:
    """What stands before everything else in a file, and after it."""
    written, end = bytes(_calendar(method).to_ical()), b"END:VCALENDAR\r\n"
    return written.removesuffix(end), end


@lru_cache(maxsize=256)
def _written_what(summary: str, location: str, description: str, cancelled: bool, organizer: Party | None) -> bytes:
    event = Event()
    _add_what(event, summary, location, description, cancelled=cancelled)
    if organizer is not None:
        event.add("organizer", _address(organizer))
    return bytes(event.to_ical()).removeprefix(b"BEGIN:VEVENT\r\n").removesuffix(END_OF_EVENT)


def feed_file(visits: Iterable[Visit], *, name: str) -> bytes:
    """All visits of one practitioner, to subscribe to. The same visits give the same bytes."""
    visits = list(visits)
    calendar = _calendar(PUBLISH)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", dt.timedelta(hours=1), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", dt.timedelta(hours=1))
    _zones(calendar, visits)
    for visit in visits:
        calendar.add_component(_event(visit))
    return bytes(calendar.to_ical())


def _calendar(method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    return calendar


def _event(visit: Visit) -> Event:
    event = Event()
    _add_when(event, visit)
    _add_what(event, visit.summary, visit.location, visit.description, cancelled=visit.cancelled)
    return event


def _add_when(event: Event, visit: Visit) -> None:
    event.add("uid", visit.uid)
    event.add("sequence", visit.sequence)
    event.add("dtstamp", visit.stamp.astimezone(dt.UTC))
    event.add("dtstart", _moment(visit.starts_at, visit.zone))
    event.add("dtend", _moment(visit.ends_at, visit.zone))


def _add_what(event: Event, summary: str, location: str, description: str, *, cancelled: bool) -> None:
    event.add("summary", summary)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("class", "PRIVATE")
    if location:
        event.add("location", location)
    if description:
        event.add("description", description)


def _moment(moment: dt.datetime, zone: str) -> dt.datetime:
    """Wall time with its zone; in the hour that comes twice the second one can only be said in UTC (RFC 5545, 3.3.5)."""
    local = moment.astimezone(ZoneInfo(zone))
    return moment.astimezone(dt.UTC) if local.fold else local


def _address(party: Party) -> vCalAddress:
    address = vCalAddress(f"mailto:{party.address}")
    address.params["CN"] = vText(party.name)
    return address


def _zones(calendar: Calendar, visits: Iterable[Visit]) -> None:
    """The rules of every zone a visit names, for the years around them."""
    years: dict[str, set[int]] = {}
    for visit in visits:
        years.setdefault(visit.zone, set()).update({visit.starts_at.year, visit.ends_at.year})
    for zone, seen in sorted(years.items()):
        calendar.add_component(zone_rules(zone, min(seen) - 1, max(seen) + 1))


@lru_cache(maxsize=64)
def _written_zone(zone: str, first_year: int, last_year: int) -> bytes:
    return bytes(zone_rules(zone, first_year, last_year).to_ical())


@lru_cache(maxsize=64)
def zone_rules(zone: str, first_year: int, last_year: int) -> Timezone:
    """The rules of a zone from the library, each change of the clocks at its true wall time."""
    rules = Timezone.from_tzid(zone, first_date=dt.date(first_year, 1, 1), last_date=dt.date(last_year, 12, 31))
    parts: list[Any] = list(rules.subcomponents)  # their properties have a type of their own each, which we know
    for part in parts:
        before, after = part["tzoffsetfrom"].td, part["tzoffsetto"].td
        onsets = [_onset(one, before, after, ZoneInfo(zone)) for one in (part["dtstart"].dt, *_more_onsets(part))]
        del part["dtstart"]
        part.add("dtstart", onsets[0])
        if len(onsets) > 1:
            del part["rdate"]
            part.add("rdate", onsets[1:])
    return rules


def _more_onsets(part: Any) -> list[dt.datetime]:
    written = part.get("rdate", [])
    return [one.dt for group in (written if isinstance(written, list) else [written]) for one in group.dts]


def _onset(written: dt.datetime, before: dt.timedelta, after: dt.timedelta, zone: ZoneInfo) -> dt.datetime:
    """The standard counts a change from the clock that was right until then (RFC 5545, 3.6.5): 02:00 in spring in Rome.
    icalendar 7.3 writes 03:00, which other programs read as an hour later. Right either way, should it be mended."""
    for offset in (after, before):
        moment = (written - offset).replace(tzinfo=dt.UTC)
        if _offset_at(moment, zone) == after and _offset_at(moment - dt.timedelta(seconds=1), zone) == before:
            return moment.replace(tzinfo=None) + before
    return written  # the first day the rules speak of, where no clock changes


def _offset_at(moment: dt.datetime, zone: ZoneInfo) -> dt.timedelta | None:
    return moment.astimezone(zone).utcoffset()
