"""Does a booked or wished time stand on what lies under it: hours, shifts, absences, rooms, devices? Pure.

The booking rules put the answer into sentences, the look at what is booked already keeps it as a mark: one judgement.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from sessions.slots import Footprint, Span, Timetable


class Gap(StrEnum):
    """What is missing under a time."""

    CLOSED = "closed"
    HOURS = "hours"
    LICENCE = "licence"
    SHIFT = "shift"
    ABSENCE = "absence"
    ROOM = "room"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class Away:
    """Stretches in which the person is away, and room and device cannot be used, near the time that is asked about."""

    person: Iterable[Span] = field(default_factory=tuple)
    room: Iterable[Span] = field(default_factory=tuple)
    device: Iterable[Span] = field(default_factory=tuple)


def missing_under(
    taken: Footprint, timetable: Timetable, *, person: int, away: Away
) -> Iterator[Gap]:
    """Everything that does not carry this footprint, the plainest first. The day is the local day of the arrival."""
    day = local_day(taken.patient.start, timetable)
    if timetable.is_closed(day):
        yield Gap.CLOSED
    elif not any(span.contains(taken.patient) for span in timetable.opening_on(day)):
        yield Gap.HOURS
    until = timetable.licensed_until.get(person)
    if until is not None and day > until:
        yield Gap.LICENCE
    if any(span.overlaps(taken.practitioner) for span in away.person):
        yield Gap.ABSENCE
    elif not any(span.contains(taken.practitioner) for span in timetable.on_shift(person, day)):
        yield Gap.SHIFT
    if any(span.overlaps(taken.room) for span in away.room):
        yield Gap.ROOM
    if taken.device is not None and any(span.overlaps(taken.device) for span in away.device):
        yield Gap.DEVICE


def local_day(moment: dt.datetime, timetable: Timetable) -> dt.date:
    return moment.astimezone(timetable.zone).date()
