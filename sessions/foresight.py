"""What would happen: the same questions a booking verb asks, asked before anything is written.

The page shows the answer before somebody confirms. The verb asks again under its locks: in between, others book."""
from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Device, Room, Site
from clinic.permissions import may
from protocols import catalogue
from protocols.planning import judge_interval
from sessions import booking_rules as rules
from sessions.availability import Wish, free_device, free_room, in_the_way
from sessions.booking_steps import check_who
from sessions.clashes import SlotTaken, slot_taken
from sessions.models import Appointment, PlannedSession
from sessions.planned import bookings_of, steps_of, too_close_words
from sessions.slots import Fit, Window


def objection_to(wish: Wish, *, by: Doer) -> Refused | None:
    """What the verb would refuse with, or None. Writes nothing and takes no lock."""
    try:
        check_who(wish, by)
    except Refused as refusal:
        return refusal
    taken = in_the_way(wish)
    if taken:
        return slot_taken(wish, by, taken)
    for obstacle in rules.obstacles(wish):
        return Refused(obstacle.sentence, field=obstacle.field, code=obstacle.code)
    return None


def may_be_overbooked(refusal: Refused | None, *, site: Site, by: Doer) -> bool:
    """Whether only the practitioner is in the way, and this person may book over them with a reason."""
    if not isinstance(refusal, SlotTaken) or by.user is None:
        return False
    alone = bool(refusal.blockers) and all(blocker.what == "practitioner" for blocker in refusal.blockers)
    return alone and may(by.user, Permission.OVERBOOK, site)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A planned session on a day: its window as it would count from there, and how the day sits in it."""

    planned: PlannedSession
    window: Window
    fit: Fit


def fits_of(sessions: Sequence[PlannedSession], day: dt.date) -> list[Fitted]:
    """The interval badge of each planned session on `day`."""
    found = []
    for planned in sessions:
        window = rules.window_after(planned)
        found.append(Fitted(planned, window, window.fit(day)))
    return found


def left_too_close(visit: Appointment, sessions: Sequence[PlannedSession], day: dt.date) -> list[str]:
    """The booked session after these that a move to `day` would leave too early. It keeps its time until somebody decides."""
    if visit.course is None or not sessions:
        return []
    number = max(planned.number for planned in sessions) + 1
    following = bookings_of(visit.course).get(number)
    steps = steps_of(visit.course, catalogue.in_force()) or ()
    step = steps[number - 1] if 0 < number <= len(steps) else None
    if following is None or step is None:
        return []
    verdict = judge_interval(
        previous=day, proposed=following.local_start.date(), step=step, catalogue=catalogue.in_force()
    )
    return [too_close_words(number, verdict)] if verdict is not None and verdict.refused else []


def other_things(wish: Wish) -> tuple[Wish, list[str]]:
    """The wish with another room or device where its own is taken or of no use at that time, and what was changed."""
    said: list[str] = []
    room: Room = wish.room
    if not _room_is_free(wish):
        other = free_room(wish)
        if other is not None and other != room and _room_is_free(replace(wish, room=other)):
            said.append(_("%(room)s is taken then; %(other)s is free.") % {"room": room, "other": other})
            room = other
    device: Device | None = wish.device
    if wish.service.device_kind and (device is None or not _device_is_free(wish)):
        other_device = free_device(wish)
        if other_device is not None and other_device != device:
            if device is not None:
                said.append(_("%(room)s is taken then; %(other)s is free.") % {"room": device, "other": other_device})
            device = other_device
    return replace(wish, room=room, device=device), said


def _room_is_free(wish: Wish) -> bool:
    if wish.room.kind != wish.service.room_kind or not wish.room.in_service:
        return False
    return not any(
        one.room == wish.room and _overlap(one.room_span, wish.footprint.room) for one in in_the_way(wish)
    )


def _device_is_free(wish: Wish) -> bool:
    return not any(
        one.device == wish.device and _overlap(one.device_span, wish.footprint.device) for one in in_the_way(wish)
    )


def _overlap(stored: object, span: object) -> bool:
    if stored is None or span is None:
        return False
    return bool(span.start < stored.upper and stored.lower < span.end)  # type: ignore[attr-defined]
