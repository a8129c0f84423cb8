"""The appointments of a day with all that is drawn of them, read so that a full day costs little.

A day has eighty visits, but a dozen rooms, people and services: those are read once each and shared by the rows that name
them, instead of coming as a copy with every row. Columns nobody draws stay in the database.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Model, QuerySet

from clinic.models import Device, Room, Site, User
from clinic.prepared import Prepared, many
from clinic.quick_rows import columns, made
from patients.models import Patient
from protocols.models import Service
from sessions.models import Appointment, Course, TreatmentSession

OWN = columns(
    Appointment, without={"booked_by_label", "cancel_reason", "hold_ends_at", "patient_span", "practitioner_span"}
)
RELATED: dict[str, tuple[type[Model], list[str]]] = {
    "patient": (Patient, columns(Patient, without={
        "address", "country", "created_at", "email", "email_problem", "language", "no_known_allergies_on", "phone",
        "search_key", "sex",
    })),
    "course": (Course, columns(Course, without={
        "check_problems", "check_result", "created_at", "currency", "numbing_cream_g", "price_per_session", "regions",
        "usual_time",
    })),
    "treatment_session": (TreatmentSession, columns(TreatmentSession, without={
        "content_digest", "gate_overrides", "history_changes", "history_confirmed_at", "identity_checked", "note", "planned",
        "reaction_note", "signed_meaning",
    })),
}  # fmt: skip
READ = [*OWN, *(f"{path}__{name}" for path, (_model, names) in RELATED.items() for name in names)]
ROWS = Prepared(lambda: Appointment.objects.filter(pk__in=many("appointments")).values_list(*READ))


def rows_of(appointments: QuerySet[Appointment], site: Site, people: Iterable[User] = ()) -> list[Appointment]:
    """`appointments` are of one site; `people` those of its practitioners who are known already. Six queries at most."""
    keys = list(appointments.order_by().values_list("pk", flat=True))
    found = list(map(_appointment, ROWS(appointments=keys)))
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


def _appointment(row: tuple[Any, ...]) -> Appointment:
    values = iter(row)
    one = made(Appointment, OWN, values)
    for path, (model, names) in RELATED.items():
        other = made(model, names, values)
        one._state.fields_cache[path] = other if other.pk is not None else None
    return one
