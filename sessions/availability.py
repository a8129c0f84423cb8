"""What is taken and what is free, read from the database. The number of queries never depends on the days searched."""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q
from django.utils import timezone

from clinic.models import Device, OutOfService, Room, Site, User
from clinic.prepared import Prepared, one
from clinic.quick_rows import whole
from clinic.together import together
from patients.models import Patient
from protocols.giving import named_givers
from protocols.models import Service
from sessions.busy import Busy, StartsAndEnds
from sessions.free_times import ANY_TIME, Liking, Setting, free_times
from sessions.locking import Parents
from sessions.models import Appointment, Course, PlannedSession
from sessions.slots import Footprint, Minutes, Span, footprint, minute_after, minute_of
from sessions.taken import taken_between
from sessions.timetables import AWAY, QUESTIONS_OF_TIMETABLE, absences_of, out_of_service, timetable_values

SEARCH_DAYS = 60  # how far ahead the next free times are looked for
STRETCHES = (14, 28)  # days read at once at first: most searches end there; what is left comes in one piece


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
        Appointment.objects.in_the_way()
        .filter(touching(wish))
        .exclude(pk__in=wish.ignoring)
        .select_related("patient", "practitioner", "room", "device", "site", "service")
        .order_by("starts_at", "id")
    )


# --- free times -----------------------------------------------------------------------------------------------------
class Offer(NamedTuple):
    """A free time as it is shown: a link's worth of everything needed to take it."""

    starts_at: dt.datetime
    practitioner: User
    room: Room
    device: Device | None

    @property
    def local_start(self) -> dt.datetime:
        return self.starts_at.astimezone(self.room.site.zone)


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
        from_time: dt.time | None = None, liking: Liking = ANY_TIME,
    ) -> list[Offer]:  # fmt: skip
        return list(
            islice(self.each(first_day, last_day, not_before=not_before, from_time=from_time, liking=liking), limit)
        )

    def each(
        self, first_day: dt.date, last_day: dt.date, *, not_before: dt.datetime, from_time: dt.time | None = None,
        liking: Liking = ANY_TIME,
    ) -> Iterator[Offer]:  # fmt: skip
        for found in free_times(
            self.setting, self.minutes, first_day=first_day, last_day=last_day, not_before=not_before,
            practitioners=list(self.people), from_time=from_time, liking=liking,
        ):  # fmt: skip
            device = self.devices[found.device] if found.device is not None else None
            yield Offer(found.start, self.people[found.practitioner], self.rooms[found.room], device)


@dataclass(frozen=True)
class Loader:
    """What a search stands on, read once for all its days; what is taken is read stretch by stretch, as far as needed."""

    site: Site
    minutes: Minutes
    timetable: dict[str, Any]
    people: dict[int, User]
    rooms: dict[int, Room]
    devices: dict[int, Device]
    needs_device: bool
    away: dict[int, StartsAndEnds]
    rooms_out: dict[int, StartsAndEnds]
    devices_out: dict[int, StartsAndEnds]
    patient: Patient | None
    ignoring: tuple[int, ...]

    def search(self, first_day: dt.date, last_day: dt.date) -> Search:
        """Everything taken between two local days. One query."""
        start, end = self.site.day_bounds(first_day)[0], self.site.day_bounds(last_day)[1]
        taken = taken_between(
            start, end, site=self.site, people=self.people, devices=self.needs_device,
            patient=self.patient.pk if self.patient is not None else None, ignoring=self.ignoring,
        )  # fmt: skip
        setting = Setting(
            **self.timetable,
            rooms=list(self.rooms),
            devices=list(self.devices) if self.needs_device else None,
            practitioner_busy=_busy(self.people, self.away, taken.people),
            room_busy=_busy(self.rooms, self.rooms_out, taken.rooms),
            device_busy=_busy(self.devices, self.devices_out, taken.devices),
            patient_busy=Busy.of(*taken.patients.values()),
        )
        return Search(setting, self.minutes, self.people, self.rooms, self.devices)


SPAN_ENDS = [
    f"{whose}_span__{end}" for whose in ("practitioner", "room", "device", "patient") for end in ("startswith", "endswith")
]


ROOM, DEVICE = whole(Room), whole(Device)
ROOMS = Prepared(
    lambda: Room.objects.filter(site=one("site"), in_service=True, kind=one("room_kind", "text"))
    .order_by("name").values_list(*ROOM.read)
)  # fmt: skip
DEVICES = Prepared(
    lambda: Device.objects.filter(site=one("site"), in_service=True, kind=one("device_kind", "text"))
    .order_by("name").values_list(*DEVICE.read)
)  # fmt: skip
QUESTIONS = together(*QUESTIONS_OF_TIMETABLE, AWAY, ROOMS, DEVICES)


def loader(
    *, site: Site, service: Service, practitioners: Sequence[User], first_day: dt.date, last_day: dt.date,
    patient: Patient | None = None, room: Room | None = None, device: Device | None = None,
    ignoring: Iterable[int] = (), treatment_minutes: int | None = None,
) -> Loader:  # fmt: skip
    """Hours, closures, shifts, absences, rooms and devices between two local days. Two queries, whatever the number of days."""
    start, end = site.day_bounds(first_day)[0], site.day_bounds(last_day)[1]
    people = {user.pk: user for user in practitioners}
    kinds = {"room_kind": service.room_kind, "device_kind": service.device_kind}
    with QUESTIONS.of(
        site=site.pk, people=list(people), first=first_day, last=last_day, start=start, end=end, **kinds
    ).ahead():  # fmt: skip
        timetable = timetable_values(site, practitioners, first_day, last_day)
        away = absences_of(list(people), start, end)
        usable = ROOM.rows(ROOMS(site=site.pk, room_kind=service.room_kind))
        kept = DEVICE.rows(DEVICES(site=site.pk, device_kind=service.device_kind))
    rooms = {each.pk: each for each in ([room] if room else usable)}
    for each in rooms.values():
        each.site = site
    devices = {each.pk: each for each in kept if device is None or each == device} if service.device_kind else {}
    rooms_out, devices_out = out_of_service(list(rooms), list(devices), start, end)
    return Loader(
        site=site,
        minutes=minutes_of(service, treatment_minutes),
        timetable=timetable,
        people=people,
        rooms=rooms,
        devices=devices,
        needs_device=bool(service.device_kind),
        away={key: _in_minutes(spans) for key, spans in away.items()},
        rooms_out={key: _in_minutes(span for span, _why in spans) for key, spans in rooms_out.items()},
        devices_out={key: _in_minutes(span for span, _why in spans) for key, spans in devices_out.items()},
        patient=patient,
        ignoring=tuple(ignoring),
    )


def _busy(keys: Iterable[int], *taken: Mapping[int, StartsAndEnds]) -> dict[int, Busy]:
    return {key: Busy.of(*(each[key] for each in taken if key in each)) for key in keys}


def _in_minutes(spans: Iterable[Span]) -> StartsAndEnds:
    kept = [span for span in spans if span.start < span.end]
    return [minute_of(span.start) for span in kept], [minute_after(span.end) for span in kept]


def load(
    *, site: Site, service: Service, practitioners: Sequence[User], first_day: dt.date, last_day: dt.date, **more: Any
) -> Search:
    """A search over all these days at once (`more` as for `loader`). Three queries, whatever the number of days."""
    asked = loader(
        site=site, service=service, practitioners=practitioners, first_day=first_day, last_day=last_day, **more
    )
    return asked.search(first_day, last_day)


def free_stream(
    *, site: Site, service: Service, practitioners: Sequence[User], first_day: dt.date, last_day: dt.date,
    not_before: dt.datetime | None = None, from_time: dt.time | None = None, liking: Liking = ANY_TIME, **more: Any,
) -> Iterator[Offer]:  # fmt: skip
    """Free times from the first day to the last, earliest first, read from the database only as far as they are taken:
    two weeks, then four, then what is left. `more` as for `loader`. Nobody is offered who may not give the service here
    or whose licence does not hold on that day: unknown never counts as fine."""
    people = able(practitioners, service, site, first_day)
    first_day = max(first_day, site.today())
    not_before = max(not_before or timezone.now(), timezone.now())
    if last_day < first_day or not people:
        return
    asked = loader(site=site, service=service, practitioners=people, first_day=first_day, last_day=last_day, **more)
    lengths = iter(STRETCHES)
    begin = first_day
    while begin <= last_day:
        days = next(lengths, None)
        end = last_day if days is None else min(last_day, begin + dt.timedelta(days=days - 1))
        yield from asked.search(begin, end).each(
            begin, end, not_before=not_before, from_time=from_time if begin == first_day else None, liking=liking
        )
        begin = end + dt.timedelta(days=1)


def able(practitioners: Sequence[User], service: Service, site: Site, day: dt.date) -> list[User]:
    """Those of them with a licence that holds on the day, is of the country, and whose service it is here."""
    licensed = [user for user in practitioners if user.licensed_on(max(day, site.today()))]
    if any(not user.licence_country for user in licensed):
        abroad = Site.objects.filter(is_open=True).exclude(country=site.country).exists()
        licensed = [user for user in licensed if user.licence_country or not abroad]
    licensed = [user for user in licensed if user.licence_country in {"", site.country}]
    named = named_givers([service], site).get(service.pk) if service.named_only else None
    return [user for user in licensed if named is None or user.pk in named]


def next_free(
    *, site: Site, service: Service, practitioners: Sequence[User], first_day: dt.date | None = None,
    last_day: dt.date | None = None, limit: int = 3, **more: Any,
) -> list[Offer]:  # fmt: skip
    """The next times at which one of `practitioners` and everything else needed is free, earliest first.

    `more`: patient, room, device, treatment_minutes, ignoring (see `loader`), from_time (skips earlier times of the first day),
    not_before (a moment: to go on behind the last time that was shown), liking (weekdays and time of day)."""
    first = max(first_day or site.today(), site.today())
    last = last_day or first + dt.timedelta(days=SEARCH_DAYS)
    found = free_stream(
        site=site, service=service, practitioners=practitioners, first_day=first, last_day=last, **more
    )
    return list(islice(found, limit))


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
        Appointment.objects.in_the_way()
        .filter(room__in=rooms, room_span__overlap=as_range(wish.footprint.room)).exclude(pk__in=wish.ignoring)
        .values_list("room", flat=True)
    )  # fmt: skip
    taken |= set(
        OutOfService.objects.filter(room__in=rooms, span__overlap=as_range(wish.footprint.room)).values_list("room", flat=True)
    )
    return next((room for room in rooms if room.pk not in taken), rooms[0] if rooms else None)


def free_device(wish: Wish) -> Device | None:
    """The first device of the kind the service needs that is free at the wished time; the first at all when none is."""
    devices = list(wish.site.devices.filter(in_service=True, kind=wish.service.device_kind))
    span = footprint(wish.starts_at, wish.minutes, uses_device=True).device
    taken = set(
        Appointment.objects.in_the_way()
        .filter(device__in=devices, device_span__overlap=as_range(span)).exclude(pk__in=wish.ignoring)
        .values_list("device", flat=True)
    )  # fmt: skip
    taken |= set(
        OutOfService.objects.filter(device__in=devices, span__overlap=as_range(span)).values_list("device", flat=True)
    )
    return next((device for device in devices if device.pk not in taken), devices[0] if devices else None)
