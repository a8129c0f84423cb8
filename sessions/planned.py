"""Stored planned sessions as the planner's values."""

from __future__ import annotations

import datetime as dt

from protocols.planning import PlannedDate
from sessions.models import Course


def planned_dates(course: Course) -> tuple[PlannedDate, ...]:
    """The course's sessions in order; the clock time lives on the appointment, so midnight stands for it here."""
    return tuple(
        PlannedDate(
            number=row.number, earliest=row.earliest, ideal=row.ideal, latest=row.latest, phase=str(row.phase),
            wall_time=dt.time(),
        )
        for row in course.planned_sessions.all()
    )  # fmt: skip
