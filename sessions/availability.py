"""What is taken and what is free, read from the database. The number of queries never depends on the days searched."""
from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q
from django.utils import timezone

from clinic.models import Absence, Closure, Device, OpeningHours, Room, Shift, Site, User
from patients.models import Patient
from protocols.models import Service
from sessions.choices import AppointmentStatus
from sessions.locking import Parents
from sessions.models import Appointment, Course, PlannedSession
from sessions.slots import Busy, Footprint, Hours, Minutes, Setting, Span, footprint, free_times

SEARCH_DAYS = 60  # how far ahead the next free times are looked for


def minutes_of(service: Service, treatment_minutes: int | None = None) -> Minutes:
    """The service's minutes; `treatment_minutes` where one appointment takes longer or shorter than its protocol says."""
    return Minutes(
        treatment=treatment_minutes or service.treatment_minutes,
        preparation=service.preparation_minutes,
        numbing=service.numbing_minutes,
        cleanup=service.cleanup_minutes,
        device_wipe=service.device_wipe_minutes,
    )


def as_range(span: Span | None) -> DateTimeTZRange | None:
    return None if span is None else DateTimeTZRange(span.start, span.end)


@dataclass(frozen=True, slots=True)
class Wish:
    """Everything one booking asks for. `ignoring` are appointments that give up their time with it (a move, a swap);
    `follows` is the day chosen for the session before, where that is not booked yet either."""

    patient: Patient
    site: Site
    service: Service
    practitioner: User
    room: Room
    starts_at: dt.datetime
    device: Device | None = None
    course: Course | None = None
    planned_sessions: tuple[PlannedSession, ...] = ()
    overbook_reason: str = ""
    ignoring: tuple[int, ...] = ()
    follows: dt.date | None = None
    treatment_minutes: int | None = None

    @property
    def minutes(self) -> Minutes:
        return minutes_of(self.service, self.treatment_minutes)

    @property
    def footprint(self) -> Footprint:
        return footprint(self.starts_at, self.minutes, uses_device=self.device is not None)

    @property
    def day(self) -> dt.date:
        """The site's local day of the arrival."""
        return self.starts_at.astimezone(self.site.zone).date()

    @property
    def parents(self) -> Parents:
        return Parents(
            frozenset({self.site.pk}),
            frozenset({self.practitioner.pk}),
            frozenset({self.room.pk}),
            frozenset({self.device.pk} if self.device else ()),
            frozenset({self.patient.pk}),
        )


def parents_of(appointment: Appointment) -> Parents:
    return Parents(
        frozenset({appointment.site_id}),
        frozenset({appointment.practitioner_id}),
        frozenset({appointment.room_id}),
        frozenset({appointment.device_id} if appointment.device_id else ()),
        frozenset({appointment.patient_id}),
    )


def touching(wish: Wish) -> Q:
    """The four exclusion constraints as a question: whose span would this one overlap?"""
    taken = wish.footprint
    clash = Q(room=wish.room, room_span__overlap=as_range(taken.room))
    clash |= Q(patient=wish.patient, patient_span__overlap=as_range(taken.patient))
    if wish.device is not None:
        clash |= Q(device=wish.device, device_span__overlap=as_range(taken.device))
    if not wish.overbook_reason:
        clash |= Q(
            practitioner=wish.practitioner, overbooked=False, practitioner_span__overlap=as_range(taken.practitioner)
        )
    return clash


def in_the_way(wish: Wish) -> list[Appointment]:
    """Appointments whose time this wish would overlap, run-out holds left aside. One query."""
    return list(
        Appointment.objects.occupying()
        .filter(touching(wish))
        .exclude(pk__in=wish.ignoring)
        .exclude(status=AppointmentStatus.HELD, hold_ends_at__lte=timezone.now())
        .select_related("patient", "practitioner", "room", "device", "site", "service")
        .order_by("starts_at", "id")
    )


# --- free times -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Offer:
    """A free time as it is shown: a link's worth of everything needed to take it."""

    starts_at: dt.datetime
    practitioner: User
    room: Room
    device: Device | None

    @property
    def local_start(self) -> dt.datetime:
        return self.starts_at.astimezone(self.room.site.zone)


def _hours(row: Any, opens: dt.time, closes: dt.time) -> Hours:
    return Hours(
        int(row.weekday), opens, closes, getattr(row, "valid_from", None), getattr(row, "valid_until", None)
    )


@dataclass(frozen=True, slots=True)
class Search:
    """A loaded setting, with the people and things its ids stand for."""

    setting: Setting
    minutes: Minutes
    people: dict[int, User]
    rooms: dict[int, Room]
    devices: dict[int, Device]

    def offers(
        self, *, first_day: dt.date, last_day: dt.date, limit: int, not_before: dt.datetime,
        from_time: dt.time | None = None,
    ) -> list[Offer]:  # fmt: skip
        found = free_times(
            self.setting, self.minutes, first_day=first_day, last_day=last_day, not_before=not_before,
            practitioners=list(self.people), from_time=from_time,
        )  # fmt: skip
        return [
            Offer(
                one.start,
                self.people[one.practitioner],
                self.rooms[one.room],
                self.devices[one.device] if one.device is not None else None,
            )
            for one in islice(found, limit)
        ]


def load(
    *, site: Site, service: Service, practitioners: Sequence[User], first_day: dt.date, last_day: dt.date,
    patient: Patient | None = None, room: Room | None = None, ignoring: Iterable[int] = (),
    treatment_minutes: int | None = None,
) -> Search:  # fmt: skip
    """Hours, closures, shifts, absences, rooms, devices and everything taken between two local days. Six or seven
    queries, whatever the number of days."""
    start, end = site.day_bounds(first_day)[0], site.day_bounds(last_day)[1]
    people = {user.pk: user for user in practitioners}
    if room is not None:
        room.site = site
    usable = site.rooms.filter(in_service=True, kind=service.room_kind).select_related("site")
    rooms = {one.pk: one for one in ([room] if room else usable)}
    devices = (
        {one.pk: one for one in site.devices.filter(in_service=True, kind=service.device_kind)}
        if service.device_kind
        else {}
    )
    shifts: dict[int, list[Hours]] = defaultdict(list)
    for shift in Shift.objects.filter(user__in=list(people), site=site):
        shifts[shift.user_id].append(_hours(shift, shift.starts, shift.ends))
    busy: dict[str, dict[int, list[Span]]] = {name: defaultdict(list) for name in ("person", "room", "device")}
    patient_busy: list[Span] = []
    for absence in Absence.objects.filter(user__in=list(people), span__overlap=DateTimeTZRange(start, end)):
        busy["person"][absence.user_id].append(Span(absence.span.lower or start, absence.span.upper or end))
    for one in _taken(list(people), list(rooms), list(devices), patient, start, end, ignoring):
        busy["person"][one.practitioner_id].append(_span(one.practitioner_span))
        busy["room"][one.room_id].append(_span(one.room_span))
        if one.device_id is not None:
            busy["device"][one.device_id].append(_span(one.device_span))
        if patient is not None and one.patient_id == patient.pk:
            patient_busy.append(_span(one.patient_span))
    setting = Setting(
        zone=site.zone,
        opening=[_hours(row, row.opens, row.closes) for row in OpeningHours.objects.filter(site=site)],
        closed=list(
            Closure.objects.filter(site=site, last_day__gte=first_day, first_day__lte=last_day).values_list(
                "first_day", "last_day"
            )
        ),
        shifts=shifts,
        rooms=list(rooms),
        devices=list(devices) if service.device_kind else None,
        practitioner_busy={key: Busy(spans) for key, spans in busy["person"].items()},
        room_busy={key: Busy(spans) for key, spans in busy["room"].items()},
        device_busy={key: Busy(spans) for key, spans in busy["device"].items()},
        patient_busy=Busy(patient_busy),
    )
    return Search(setting, minutes_of(service, treatment_minutes), people, rooms, devices)


def _span(stored: Any) -> Span:
    return Span(stored.lower, stored.upper)


def _taken(
    people: list[int], rooms: list[int], devices: list[int], patient: Patient | None, start: dt.datetime,
    end: dt.datetime, ignoring: Iterable[int],
) -> Iterable[Appointment]:  # fmt: skip
    """Everything taken of these people (at any site) and things; a day's margin holds what reaches over midnight."""
    margin = dt.timedelta(days=1)
    about = Q(practitioner__in=people) | Q(room__in=rooms) | Q(device__in=devices)
    if patient is not None:
        about |= Q(patient=patient)
    return (
        Appointment.objects.occupying()
        .filter(about, starts_at__gte=start - margin, starts_at__lt=end + margin)
        .exclude(pk__in=list(ignoring))
        .exclude(status=AppointmentStatus.HELD, hold_ends_at__lte=timezone.now())
        .only(
            "practitioner_id", "room_id", "device_id", "patient_id", "practitioner_span", "room_span", "device_span",
            "patient_span",
        )
    )  # fmt: skip


def next_free(
    *, site: Site, service: Service, practitioners: Sequence[User], patient: Patient | None = None,
    room: Room | None = None, first_day: dt.date | None = None, last_day: dt.date | None = None,
    from_time: dt.time | None = None, limit: int = 3, ignoring: Iterable[int] = (), treatment_minutes: int | None = None,
) -> list[Offer]:  # fmt: skip
    """The next times at which one of `practitioners` and everything else needed is free, earliest first.

    Practitioners without a valid licence on the last day searched are left out: unknown never counts as fine.
    """
    today = site.today()
    first = max(first_day or today, today)
    last = last_day or first + dt.timedelta(days=SEARCH_DAYS)
    licensed = [user for user in practitioners if user.licensed_on(first)]
    if last < first or not licensed:
        return []
    search = load(
        site=site, service=service, practitioners=licensed, first_day=first, last_day=last, patient=patient,
        room=room, ignoring=ignoring, treatment_minutes=treatment_minutes,
    )  # fmt: skip
    offers = search.offers(
        first_day=first, last_day=last, limit=limit, not_before=timezone.now(), from_time=from_time
    )
    return [offer for offer in offers if offer.practitioner.licensed_on(offer.local_start.date())]


def after(wish: Wish, *, limit: int = 3) -> list[Offer]:
    """The next free times for the same people and service from the wished time on, in the wished room or another."""
    local = wish.starts_at.astimezone(wish.site.zone)
    return next_free(
        site=wish.site, service=wish.service, practitioners=[wish.practitioner], patient=wish.patient,
        first_day=local.date(), from_time=local.time() if local.date() >= wish.site.today() else None, limit=limit,
        ignoring=wish.ignoring, treatment_minutes=wish.treatment_minutes,
    )  # fmt: skip


def free_room(wish: Wish) -> Room | None:
    """The first room of the right kind that is free at the wished time; the first at all when none is."""
    rooms = list(wish.site.rooms.filter(in_service=True, kind=wish.service.room_kind))
    taken = set(
        Appointment.objects.occupying()
        .filter(room__in=rooms, room_span__overlap=as_range(wish.footprint.room)).exclude(pk__in=wish.ignoring)
        .values_list("room", flat=True)
    )  # fmt: skip
    return next((room for room in rooms if room.pk not in taken), rooms[0] if rooms else None)


def free_device(wish: Wish) -> Device | None:
    """The first device of the kind the service needs that is free at the wished time; the first at all when none is."""
    devices = list(wish.site.devices.filter(in_service=True, kind=wish.service.device_kind))
    span = footprint(wish.starts_at, wish.minutes, uses_device=True).device
    taken = set(
        Appointment.objects.occupying()
        .filter(device__in=devices, device_span__overlap=as_range(span)).exclude(pk__in=wish.ignoring)
        .values_list("device", flat=True)
    )  # fmt: skip
    return next((device for device in devices if device.pk not in taken), devices[0] if devices else None)
