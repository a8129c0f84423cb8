"""Tells the floors above that hours, shifts, people or things have changed under what may be booked already.

Bookings live above this floor. Whoever changes the ground calls `changed` in the same transaction, under the lock of the
row it is about; what is registered here looks at the bookings again. `next_page` is where somebody should look then.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clinic.models import Device, Room, Site, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What changed, and in which stretch of time; None means any. Days are local days of a site, both included.
    `service` is one of the floor above."""

    site: Site | None = None
    person: User | None = None
    room: Room | None = None
    device: Device | None = None
    service: Any = None
    first_day: dt.date | None = None
    last_day: dt.date | None = None


ON_CHANGE: list[Callable[[Ground], None]] = []
NEXT_PAGE: list[Callable[[Ground], str]] = []


def changed(**what: Any) -> None:
    """Look again at what is booked there, in the transaction of the change."""
    for look in ON_CHANGE:
        look(Ground(**what))


def next_page(**what: Any) -> str:
    """Where the bookings are that a change has left without ground; empty when there are none."""
    return next((page for find in NEXT_PAGE if (page := find(Ground(**what)))), "")
