"""The appointments of a day with all that is drawn of them, read so that a full day costs little.

A day has eighty visits, but a dozen rooms, people and services: those are read once each and shared by the rows that name
them, instead of coming as a copy with every row. Columns nobody draws stay in the database.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from django.db.models import Model

from clinic.models import Device, Room, Site, User
from clinic.prepared import Prepared, many
from clinic.prepared import one as single
from clinic.quick_rows import Shape, columns, whole
from patients.models import Patient
from protocols.models import Service
from sessions.models import Appointment, Course, TreatmentSession

# What cards, blocks and rows of a list draw, and nothing else: eighty visits have a hundred columns each. A column that is not
# here costs a question for each visit that asks for it, which the pinned numbers of questions would show.
DRAWN = [
    "id", "public_id", "version", "patient_id", "site_id", "service_id", "course_id", "practitioner_id", "room_id", "device_id",
    "status", "starts_at", "ends_at", "arrived_at", "overbooked", "overbooked_reason", "flagged", "displaced", "day_mark",
]  # fmt: skip
BESIDE: dict[str, tuple[type[Model], list[str]]] = {
    "patient": (Patient, ["id", "public_id", "given_name", "family_name", "is_provisional"]),
    "course": (Course, ["id", "public_id", "status", "plan_version"]),
    "treatment_session": (TreatmentSession, ["id", "public_id", "status", "begun_at"]),
}
VISIT = Shape(Appointment, DRAWN, BESIDE)
IN_CALENDAR = Shape(
    Appointment, [one for one in DRAWN if one not in {"arrived_at", "overbooked_reason", "day_mark"}],
    BESIDE | {"treatment_session": (TreatmentSession, ["id", "status"])},
)  # fmt: skip
# What it holds before and after. Both ends, because a range is taken apart by Python and a time is not.
ENDS = ["room_span__startswith", "room_span__endswith", "device_span__startswith", "device_span__endswith"]


def _visits(*columns: str) -> Prepared:
    return Prepared(lambda: Appointment.objects.filter(pk__in=many("appointments")).values_list(*columns))


ROWS, FOOTPRINTS = _visits(*VISIT.read), _visits(*ENDS, *IN_CALENDAR.read)
# Of a colleague neither the secrets nor what changes with every sign-in.
COLLEAGUE = Shape(User, columns(User, without=("password", "last_login", "language", "current_site", "drag_locked")))
SHARED: dict[str, Shape[Any]] = {
    "practitioner": COLLEAGUE, "room": whole(Room), "device": whole(Device), "service": whole(Service),
}  # fmt: skip


def _by_key(name: str, shape: Shape[Any]) -> Prepared:
    return Prepared(lambda: shape.model._base_manager.filter(pk__in=many(f"{name}_keys")).values_list(*shape.read))


BY_KEY = {name: _by_key(name, shape) for name, shape in SHARED.items()}


class Known(NamedTuple):
    """What must be known of every visit of a stretch before anything else is asked about it."""

    key: int
    patient: int
    status: str
    version: int
    flagged: str
    displaced: str
    starts_at: dt.datetime
    course: int | None
    practitioner: int
    room: int
    device: int | None
    service: int


BETWEEN = Prepared(
    lambda: Appointment.objects.filter(
        site=single("site"), starts_at__gte=single("start", "timestamptz"), starts_at__lt=single("end", "timestamptz")
    ).order_by("starts_at", "pk").values_list("pk", *Known._fields[1:])
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


def rows_of(keys: Collection[int], site: Site) -> list[Appointment]:
    """The appointments with these keys, all of one site. Five queries at most, none when asked ahead."""
    return _with_shared(VISIT.rows(ROWS(appointments=list(keys))), site)


class Held(NamedTuple):
    """How long a visit keeps a room or a device, with preparation and clean-up; None where it has no device."""

    start: dt.datetime | None
    end: dt.datetime | None


def footprints_of(
    keys: Collection[int], site: Site, people: Iterable[User]
) -> tuple[list[Appointment], dict[int, dict[str, Held]]]:
    """The same for the calendar, and how long each keeps its "room" and its "device"; `people` are those practitioners of the
    site who are known already. Five queries at most."""
    rows = FOOTPRINTS(appointments=list(keys))
    visits = _with_shared([IN_CALENDAR.row(row[len(ENDS):]) for row in rows], site, people)
    return visits, {one.pk: {"room": Held(*row[:2]), "device": Held(*row[2:4])} for one, row in zip(visits, rows, strict=True)}


def values_of_rows(visits: Collection[Known], people: Iterable[User] = ()) -> dict[str, Any]:
    """For asking `ROWS` or `FOOTPRINTS` and `BY_KEY` ahead."""
    known = {"practitioner": {user.pk for user in people}}
    wanted = {name: {getattr(visit, name) for visit in visits} - {None} for name in BY_KEY}
    return {f"{name}_keys": list(keys - known.get(name, set())) for name, keys in wanted.items()}


def _with_shared(found: list[Appointment], site: Site, people: Iterable[User] = ()) -> list[Appointment]:
    shared: dict[str, dict[int, Any]] = {"site": {site.pk: site}}
    known = {"practitioner": {user.pk: user for user in people}}
    for name in SHARED:
        wanted = {one.__dict__[f"{name}_id"] for one in found} - {None}
        shared[name] = _with_missing(name, known.get(name, {}), wanted)
    for one in found:
        values, cached = one.__dict__, one._state.fields_cache
        for name, rows in shared.items():
            key = values[f"{name}_id"]
            if key is not None:
                cached[name] = rows[key]
    return found


def _with_missing(name: str, known: dict[int, Any], wanted: set[int]) -> dict[int, Any]:
    absent = wanted - known.keys()
    return known | {row.pk: row for row in SHARED[name].rows(BY_KEY[name](**{f"{name}_keys": list(absent)}))} if absent else known
