from __future__ import annotations

from django.conf import settings
from django.utils import translation

from sessions.choices import (
    APPOINTMENT_MOVES,
    COURSE_MOVES,
    MESSAGE_MOVES,
    RECORD_MOVES,
    AppointmentStatus,
    CourseStatus,
    MessageState,
    RecordStatus,
)
from sessions.status_drawing import draw


def test_the_picture_in_the_docs_is_the_table():
    with translation.override("en"):
        drawn = draw()
    assert (settings.BASE_DIR / "docs" / "status.md").read_text(encoding="utf-8") == drawn, (
        "run: python manage.py draw_status"
    )


def test_every_status_stands_in_its_table():
    pairs = [
        (AppointmentStatus, APPOINTMENT_MOVES), (CourseStatus, COURSE_MOVES), (RecordStatus, RECORD_MOVES),
        (MessageState, MESSAGE_MOVES),
    ]  # fmt: skip
    for statuses, moves in pairs:
        assert set(moves) == set(statuses)
        assert {to for targets in moves.values() for to in targets} <= set(statuses)
