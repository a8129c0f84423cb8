"""The appointments of a day with all that is drawn of them, read so that a full day costs little.

A day has eighty visits, but a dozen rooms, people and services: those are read once each and shared by the rows that name
them, instead of coming as a copy with every row. Columns nobody draws stay in the database.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from clinic.models import Device, Room, Site, User
from clinic.prepared import Prepared, many
from clinic.prepared import one as single
from clinic.quick_rows import Shape, columns, whole
from patients.models import Patient
from protocols.models import Service
from sessions.models import Appointment, Course, TreatmentSession

VISIT = Shape(
    Appointment,
    columns(Appointment, without={"booked_by_label", "cancel_reason", "hold_ends_at", "patient_span", "practitioner_span"}),
    {
        "patient": (Patient, columns(Patient, without={
            "address", "country", "created_at", "email", "email_problem", "language", "no_known_allergies_on", "phone",
            "search_key", "sex",
        })),
        "course": (Course, columns(Course, without={
            "check_problems", "check_result", "created_at", "currency", "numbing_cream_g", "price_per_session", "regions",
            "usual_time",
        })),
        "treatment_session": (TreatmentSession, columns(TreatmentSession, without={
            "content_digest", "gate_overrides", "history_changes", "history_confirmed_at", "identity_checked", "note",
            "planned", "reaction_note", "signed_meaning",
        })),
    },
)  # fmt: skip
ROWS = Prepared(lambda: Appointment.objects.filter(pk__in=many("appointments")).values_list(*VISIT.read))
SHARED: dict[str, Shape[Any]] = {
    "practitioner": whole(User), "room": whole(Room), "device": whole(Device), "service": whole(Service),
}  # fmt: skip


def _by_key(shape: Shape[Any]) -> Prepared:
    return Prepared(lambda: shape.model._base_manager.filter(pk__in=many("keys")).values_list(*shape.read))


BY_KEY = {name: _by_key(shape) for name, shape in SHARED.items()}


class Known(NamedTuple):
    """What must be known of every visit of a stretch before anything else is asked about it."""

    key: int
    patient: int
    status: str
    version: int
    flagged: str
    displaced: str


BETWEEN = Prepared(
    lambda: Appointment.objects.filter(
        site=single("site"), starts_at__gte=single("start", "timestamptz"), starts_at__lt=single("end", "timestamptz")
    ).order_by("starts_at", "pk").values_list("pk", "patient", "status", "version", "flagged", "displaced")
)  # fmt: skip
PRACTITIONERS = Prepared(
    lambda: User.objects.practitioners_at(single("site")).values_list(*SHARED["practitioner"].read)
)


def practitioners_of(site: Site) -> list[User]:
    """Active people who may treat here, by name."""
    return SHARED["practitioner"].rows(PRACTITIONERS(site=site.pk))


def known_between(site: Site, start: dt.datetime, end: dt.datetime) -> list[Known]:
    """Every visit of the site that begins in this stretch, in order of time."""
    return [Known(*row) for row in BETWEEN(site=site.pk, start=start, end=end)]


def rows_of(keys: Collection[int], site: Site, people: Iterable[User] = ()) -> list[Appointment]:
    """The appointments with these keys, all of one site; `people` are those of its practitioners who are known already.
    Five queries at most."""
    found = VISIT.rows(ROWS(appointments=list(keys)))
    shared: dict[str, dict[int, Any]] = {"site": {site.pk: site}}
    known = {"practitioner": {user.pk: user for user in people}}
    for name in SHARED:
        wanted = {key for one in found if (key := getattr(one, f"{name}_id")) is not None}
        shared[name] = _with_missing(name, known.get(name, {}), wanted)
    for one in found:
        for name, rows in shared.items():
            key = getattr(one, f"{name}_id")
            if key is not None:
                one._state.fields_cache[name] = rows[key]
    return found


def _with_missing(name: str, known: dict[int, Any], wanted: set[int]) -> dict[int, Any]:
    absent = wanted - known.keys()
    return known | {row.pk: row for row in SHARED[name].rows(BY_KEY[name](keys=list(absent)))} if absent else known
