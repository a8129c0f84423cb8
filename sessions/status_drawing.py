"""Draws docs/status.md from the transition tables in choices.py; a test fails when the two differ."""
from __future__ import annotations

from collections.abc import Mapping

from django.db.models import TextChoices

from protocols.models.catalogue import VersionState
from protocols.versions import MOVES as VERSION_MOVES
from sessions.choices import (
    APPOINTMENT_MOVES,
    COURSE_MOVES,
    MESSAGE_MOVES,
    OCCUPYING,
    RECORD_MOVES,
    AppointmentStatus,
    CourseStatus,
    MessageState,
    RecordStatus,
)  # fmt: skip

HEAD = """# Statuses

Drawn by `python manage.py draw_status` from `sessions/choices.py` and `protocols/versions.py`. Do not edit by hand: a test
compares the two. An undo is a move of its own and stands in the picture like any other.
"""

TABLES: tuple[tuple[str, str, type[TextChoices], Mapping[str, frozenset[str]]], ...] = (
    (
        "Appointment",
        "Its time is kept while it is {kept}; the exclusion constraints look at these only. A no-show gives back what"
        " lies after the minute it was set.",
        AppointmentStatus,
        APPOINTMENT_MOVES,
    ),
    ("Course", "", CourseStatus, COURSE_MOVES),
    ("Treatment record", "Signed is frozen by the database; what comes later is an addendum.", RecordStatus, RECORD_MOVES),
    ("Message", "", MessageState, MESSAGE_MOVES),
    (
        "Catalogue version",
        "Retired without ever being published is a draft that was given up. Only a draft can be edited; the database freezes"
        " the others.",
        VersionState,
        VERSION_MOVES,
    ),
)


def draw() -> str:
    """The whole page: a diagram and a table per status field."""
    return "\n".join([HEAD, *(_section(*table) for table in TABLES)])


def _section(title: str, words: str, labels: type[TextChoices], moves: Mapping[str, frozenset[str]]) -> str:
    names = {value: value.replace("-", "_") for value in labels.values}
    kept = ", ".join(f"`{status.value}`" for status in OCCUPYING)
    lines = [f"## {title}", "", *([words.format(kept=kept), ""] if words else []), "```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{labels(value).label}" as {name}' for value, name in names.items()]
    lines += [
        f"    {names[was]} --> {names[to]}" for was in labels.values for to in labels.values if to in moves.get(was, ())
    ]
    lines += ["```", "", "| from | to |", "|---|---|"]
    for was in labels.values:
        targets = ", ".join(f"`{to}`" for to in labels.values if to in moves.get(was, ()))
        lines.append(f"| `{was}` | {targets or 'nothing: it stays'} |")
    return "\n".join(lines) + "\n"
