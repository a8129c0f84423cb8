"""What visits take of people, rooms, devices and a patient, read for a search: minutes only, no rows.

PostgreSQL gathers them for each of these, so that months of a site are some dozens of rows here. Each of the four looks where
an index leads it: people (at whatever site they are) and the patient by themselves, rooms and devices by their site.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import BooleanField, Func, IntegerField, Q, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.utils import timezone

from clinic.models import Site
from clinic.prepared import Prepared, Slot, one
from sessions.busy import StartsAndEnds
from sessions.choices import AppointmentStatus
from sessions.models import Appointment

MARGIN = dt.timedelta(days=1)  # holds what reaches over midnight


class _MinuteIn(Func):
    """The minute since 1970 in which a span begins."""

    template = "floor(date_part('epoch', lower(%(expressions)s)) / 60)::int"
    output_field = IntegerField()


class _MinuteAfter(Func):
    """The first whole minute that is not before its end."""

    template = "ceil(date_part('epoch', upper(%(expressions)s)) / 60)::int"
    output_field = IntegerField()


def _among(column: str, name: str) -> RawSQL:
    """`= ANY` is asked of an index; as a list to look up in (`many`) it would be joined to."""
    return RawSQL(f"{column} = ANY(%s::bigint[])", [Slot(name)], output_field=BooleanField())  # noqa: S611 - a column's name


def _of_each(whose: str, *about: Q | RawSQL) -> QuerySet[Any, Any]:
    return (
        Appointment.objects.occupying()
        .filter(*about, starts_at__gte=one("start", "timestamptz"), starts_at__lt=one("end", "timestamptz"))
        .exclude(_among("id", "ignoring"))
        .exclude(status=AppointmentStatus.HELD, hold_ends_at__lte=one("now", "timestamptz"))
        .order_by().values(whose)
        .annotate(starts=ArrayAgg(_MinuteIn(f"{whose}_span")), ends=ArrayAgg(_MinuteAfter(f"{whose}_span")))
        .values_list(Value(whose), whose, "starts", "ends")
    )  # fmt: skip


TAKEN = Prepared(
    lambda: _of_each("practitioner", _among("practitioner_id", "people")).union(
        # All of the site: asked for its rooms one by one, PostgreSQL would walk an index of all years for each of them.
        _of_each("room", Q(site=one("site"))),
        _of_each("device", Q(site=one("site_of_devices"), device__isnull=False)),
        _of_each("patient", Q(patient=one("patient"))),
        all=True,
    )
)


@dataclass(frozen=True, slots=True)
class Taken:
    """By id; of whom nothing is known nothing is taken."""

    people: Mapping[int, StartsAndEnds]
    rooms: Mapping[int, StartsAndEnds]
    devices: Mapping[int, StartsAndEnds]
    patients: Mapping[int, StartsAndEnds]


def taken_between(
    start: dt.datetime, end: dt.datetime, *, site: Site, people: Collection[int], devices: bool, patient: int | None,
    ignoring: Collection[int],
) -> Taken:  # fmt: skip
    """What starts between two moments, with a day's margin, of these people and of all rooms (and devices) of the site;
    run-out holds are none. One query."""
    kinds: dict[str, dict[int, StartsAndEnds]] = {"practitioner": {}, "room": {}, "device": {}, "patient": {}}
    for kind, key, *starts_and_ends in TAKEN(
        start=start - MARGIN, end=end + MARGIN, site=site.pk, site_of_devices=site.pk if devices else None,
        people=list(people), patient=patient, ignoring=list(ignoring), now=timezone.now(),
    ):  # fmt: skip
        kinds[kind][key] = starts_and_ends
    return Taken(kinds["practitioner"], kinds["room"], kinds["device"], kinds["patient"])
