"""Calendar files (iCalendar, RFC 5545): one visit for a patient, or the visits of a practitioner. Pure: values in, bytes out.

A visit keeps its UID for ever; its SEQUENCE rises with every change that has to be told, so that calendar programs
replace it instead of adding another (RFC 5546). Local times carry their zone's own rules along (VTIMEZONE), because a
program that guesses them is an hour wrong twice a year.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, vCalAddress, vText
from icalendar.parser import Contentline

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
    zone = _written_zone(visit.zone, visit.starts_at.year - 1, visit.ends_at.year + 1)
    begin, end = _written_head(method)
    what = _written_what(visit.summary, visit.location, visit.description, visit.cancelled, organizer)
    invited = _written_attendee(attendee) if attendee is not None else b""
    return b"".join((begin, zone, BEGIN_OF_EVENT, _written_when(visit), invited, what, END_OF_EVENT, end))


BEGIN_OF_EVENT, END_OF_EVENT = b"BEGIN:VEVENT\r\n", b"END:VEVENT\r\n"
PLAIN_UID = re.compile(r"[A-Za-z0-9_.@-]{1,60}")  # nothing in it to escape or to fold
PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9_.@+-]{1,254}")
PROBE = dt.datetime(2001, 2, 3, 4, 5, 6, tzinfo=dt.UTC)


# The library looks through each line many times. Where only digits or a plain word differ from one visit to the next, it is
# asked once what stands around them. tests/sessions/test_calendar_files.py compares the two byte by byte.
def _written_when(visit: Visit) -> bytes:
    if not PLAIN_UID.fullmatch(visit.uid):
        event = Event()
        _add_when(event, visit)
        return _lines_of(event)
    starts, ends = _moment(visit.starts_at, visit.zone), _moment(visit.ends_at, visit.zone)
    return b"".join((
        _written_moment("dtstart", starts, visit.zone),
        _written_moment("dtend", ends, visit.zone),
        _written_moment("dtstamp", visit.stamp.astimezone(dt.UTC), ""),
        f"UID:{visit.uid}\r\nSEQUENCE:{visit.sequence:d}\r\n".encode(),
    ))  # fmt: skip


def _written_moment(name: str, moment: dt.datetime, zone: str) -> bytes:
    """`moment` is in UTC or in this zone."""
    before, after = _around_a_moment(name, "" if moment.tzinfo is dt.UTC else zone)
    return f"{before}{moment:%Y%m%dT%H%M%S}{after}".encode()


@lru_cache(maxsize=64)
def _around_a_moment(name: str, zone: str) -> tuple[str, str]:
    """What the library writes before the digits of a moment in this zone (or, empty, in UTC), and after them."""
    event = Event()
    event.add(name, PROBE.replace(tzinfo=ZoneInfo(zone) if zone else dt.UTC))
    before, digits, after = _lines_of(event).decode().partition(f"{PROBE:%Y%m%dT%H%M%S}")
    if not digits:
        raise ValueError("No zone has a name so long that its lines are folded between the digits.")
    return before, after


def _written_attendee(party: Party) -> bytes:
    """Confirming is done on the patient's page; an answer of the calendar program would go to nobody."""
    if party.name.isalpha() and PLAIN_ADDRESS.fullmatch(party.address):  # a name of letters alone needs no quotes
        line = f"ATTENDEE;CN={party.name};PARTSTAT=NEEDS-ACTION;ROLE=REQ-PARTICIPANT;RSVP=FALSE:mailto:{party.address}"
        if line.isascii():  # folded where the library does: so that no line has more than 75 with the blank before it
            return "\r\n ".join(line[start : start + 74] for start in range(0, len(line), 74)).encode() + b"\r\n"
        folded: Any = Contentline(line)  # type: ignore[no-untyped-call]
        return bytes(folded.to_ical()) + b"\r\n"
    event, invited = Event(), _address(party)
    for name, value in (("ROLE", "REQ-PARTICIPANT"), ("PARTSTAT", "NEEDS-ACTION"), ("RSVP", "FALSE")):
        invited.params[name] = vText(value)
    event.add("attendee", invited)
    return _lines_of(event)


def _lines_of(event: Event) -> bytes:
    return bytes(event.to_ical()).removeprefix(BEGIN_OF_EVENT).removesuffix(END_OF_EVENT)


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
    return _lines_of(event)


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
