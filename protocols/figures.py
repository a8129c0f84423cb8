"""Figures that are computed with and belong to no single treatment: how long a clearance holds, when mails go out.

Pure. They stand in the catalogue (`house-` entries and the limits of `msg-` entries), where the medical lead edits them.
Here stands which figures an entry has, and the value each had before it could be edited: a version stored in those days
reads that one. Whole numbers with the unit in the name.
"""
from __future__ import annotations

from collections.abc import Mapping

HOUSE: Mapping[str, Mapping[str, int]] = {
    "house-handling": {"inject_minutes": 60, "never_after_hours": 4, "opened_vial_days": 28},
    "house-full-round": {"most_days": 180},
    "house-clearance": {"most_days": 180},
    "house-late-infection": {"look_back_days": 90},
    "house-mails": {"quiet_from_hour": 21, "quiet_until_hour": 8, "usual_hour": 10},
}

MESSAGES: Mapping[str, Mapping[str, int]] = {
    "msg-prep-7d": {"days": 7}, "msg-allergy-test": {"days": 5}, "msg-24h": {"days": 1},
    "msg-4h": {"hours": 4}, "msg-24h-after": {"hours": 24}, "msg-48h": {"hours": 48},
    "msg-next": {"days": 7}, "msg-late": {"days": 1}, "msg-ntm-6w": {"days": 28, "body_days": 42},
    "msg-review-1m": {"most_days": 90},
}

HOURS_OF_DAY = frozenset({"quiet_from_hour", "quiet_until_hour", "usual_hour"})
"""0 to 23; every other figure is 1 or more."""


def bounds_of(name: str) -> tuple[int, int]:
    """The lowest and highest a figure can be."""
    return (0, 23) if name in HOURS_OF_DAY else (1, 100_000)


def complete(code: str, given: Mapping[str, int], known: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """The figures of an entry; what is not written down is what it was before it could be edited."""
    return {**known.get(code, {}), **given}
