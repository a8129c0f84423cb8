"""Locks on whom and what a booking is about, taken before the first write, always in the same order.

Without them the exclusion constraints are still right, but many writers of one slot end in deadlocks that PostgreSQL
resolves one a second. With them the second waits, looks again, and is told what is taken.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from clinic.errors import Refused

Answer = TypeVar("Answer")

DEADLOCK, LOCK_TIMEOUT = "40P01", "55P03"


@dataclass(frozen=True, slots=True)
class Parents:
    """Row ids of everything a booking is about."""

    sites: frozenset[int] = frozenset()
    practitioners: frozenset[int] = frozenset()
    rooms: frozenset[int] = frozenset()
    devices: frozenset[int] = frozenset()
    patients: frozenset[int] = frozenset()

    def __or__(self, other: Parents) -> Parents:
        return Parents(
            self.sites | other.sites,
            self.practitioners | other.practitioners,
            self.rooms | other.rooms,
            self.devices | other.devices,
            self.patients | other.patients,
        )


# One site's bookings run side by side, so its row is only shared; who changes its hours or closures waits for them.
_LOCKS = "; ".join(
    f"SELECT 1 FROM {table} WHERE id = ANY(%s) ORDER BY id FOR {strength}"  # noqa: S608 - constants of this line
    for table, strength in (
        ("clinic_site", "SHARE"),
        ("clinic_user", "NO KEY UPDATE"),
        ("clinic_room", "NO KEY UPDATE"),
        ("clinic_device", "NO KEY UPDATE"),
        ("patients_patient", "NO KEY UPDATE"),
    )
)


def lock(parents: Parents) -> None:
    """Sites, practitioners, rooms, devices, patients; each by id. Waits at most the connection's lock timeout."""
    groups: Iterable[frozenset[int]] = (
        parents.sites, parents.practitioners, parents.rooms, parents.devices, parents.patients,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_LOCKS, [sorted(group) for group in groups])


def once_more(deed: Callable[[], Answer]) -> Answer:
    """Do the deed in a transaction (or savepoint); after a deadlock or a lock timeout once more, then a sentence."""
    for is_last in (False, True):
        try:
            with transaction.atomic():
                return deed()
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", None) not in {DEADLOCK, LOCK_TIMEOUT}:
                raise
            if is_last:
                raise Refused(
                    _("Somebody else is saving at this very moment. Nothing was changed; please send it again."),
                    code="busy",
                ) from error
    raise AssertionError("unreachable: the last try returns or raises")
