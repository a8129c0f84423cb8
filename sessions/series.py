"""Later edits of a course's appointments: only this one (that is `booking.move`), or this and all later ones together."""
from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.utils.translation import gettext as _

from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Room, User
from clinic.models.base import new_public_id
from sessions.booking import later_of_course
from sessions.models import Appointment
from sessions.rearranging import Change, rearrange
from sessions.slots import NoSuchTime, TimeTwice, at_wall_time


def this_and_later(appointment: Appointment) -> list[Appointment]:
    """The appointment and those of its course that come after it and can still be moved, in order of time."""
    return [appointment, *later_of_course(appointment)]


def shifted_wall(row: Appointment, *, days: int, was: dt.time, becomes: dt.time) -> dt.datetime:
    """The wall time of `row` so many local days later (or earlier); rows that had the old clock time get the new one."""
    local = row.local_start
    time = becomes if local.time().replace(second=0, microsecond=0) == was else local.time()
    return dt.datetime.combine(local.date() + dt.timedelta(days=days), time.replace(second=0, microsecond=0))


def move_this_and_later(
    *, appointment: Appointment, seen_version: int, starts_at: dt.datetime, by: Doer, practitioner: User | None = None,
    room: Room | None = None, tell: bool = True,
) -> list[Appointment]:  # fmt: skip
    """Give this appointment another time, and every later one of its course the same shift in days, clock time,
    practitioner and room. All or nothing. Raises `ChangeClash` with a line per appointment."""
    zone = appointment.site.zone
    new, old = starts_at.astimezone(zone), appointment.local_start
    days, was = (new.date() - old.date()).days, old.time().replace(second=0, microsecond=0)
    changes = []
    for row in this_and_later(appointment):
        first = row.pk == appointment.pk
        moment = starts_at if first else _moment(shifted_wall(row, days=days, was=was, becomes=new.time()), row)
        new_practitioner = practitioner if practitioner and row.practitioner == appointment.practitioner else None
        new_room = room if room and row.room == appointment.room else None
        changes.append(
            Change(
                row, seen_version if first else row.version, moment, new_practitioner or row.practitioner,
                new_room or row.room, row.device, row.treatment_minutes,
            )
        )  # fmt: skip
    return move_together(changes=changes, by=by, tell=tell)


def move_together(*, changes: Sequence[Change], by: Doer, tell: bool = True) -> list[Appointment]:
    """Several appointments of one course, each to the place chosen for it; taken back together as well."""
    if not changes:
        raise Refused(_("There is nothing to move."))
    return rearrange(changes=changes, by=by, tell=tell, sentence="moved with its course", together=new_public_id())


def _moment(wall: dt.datetime, row: Appointment) -> dt.datetime:
    try:
        return at_wall_time(wall, row.site.zone)
    except (NoSuchTime, TimeTwice) as error:
        words = _("%(time)s on %(day)s falls into the night of a clock change; choose that one by hand.")
        raise Refused(words % {"time": f"{wall:%H:%M}", "day": f"{wall:%Y-%m-%d}"}, code="clock-change") from error
