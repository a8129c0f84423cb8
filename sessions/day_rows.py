"""The appointments of a day with all that is drawn of them, read so that a full day costs little.

A day has eighty visits, but a dozen rooms, people and services: those are read once each and shared by the rows that name
them, instead of coming as a copy with every row. Columns nobody draws stay in the database.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from clinic.models import Device, Room, Site, User
from protocols.models import Service
from sessions.models import Appointment

NOT_DRAWN = (
    "patient__address", "patient__country", "patient__created_at", "patient__email", "patient__email_problem",
    "patient__language", "patient__no_known_allergies_on", "patient__phone", "patient__search_key", "patient__sex",
    "course__check_problems", "course__check_result", "course__created_at", "course__currency", "course__numbing_cream_g",
    "course__price_per_session", "course__regions", "course__usual_time",
    "treatment_session__content_digest", "treatment_session__gate_overrides", "treatment_session__history_changes",
    "treatment_session__history_confirmed_at", "treatment_session__identity_checked", "treatment_session__note",
    "treatment_session__planned", "treatment_session__reaction_note", "treatment_session__signed_meaning",
    "booked_by_label", "cancel_reason", "overbooked_reason", "hold_ends_at", "patient_span", "practitioner_span",
)  # fmt: skip


def rows_of(appointments: QuerySet[Appointment], site: Site, people: Iterable[User] = ()) -> list[Appointment]:
    """`appointments` are of one site; `people` those of its practitioners who are known already. Five queries at most."""
    found = list(appointments.select_related("patient", "course", "treatment_session").defer(*NOT_DRAWN))
    shared: dict[str, dict[int, Any]] = {
        "site": {site.pk: site},
        "practitioner": _missing(User, {user.pk: user for user in people}, {one.practitioner_id for one in found}),
        "room": _missing(Room, {}, {one.room_id for one in found}),
        "device": _missing(Device, {}, {one.device_id for one in found if one.device_id is not None}),
        "service": _missing(Service, {}, {one.service_id for one in found}),
    }
    for one in found:
        for name, rows in shared.items():
            key = getattr(one, f"{name}_id")
            if key is not None:
                one._state.fields_cache[name] = rows[key]
    return found


def _missing(model: Any, known: dict[int, Any], wanted: set[int]) -> dict[int, Any]:
    absent = wanted - known.keys()
    return known | {row.pk: row for row in model._base_manager.filter(pk__in=absent)} if absent else known
