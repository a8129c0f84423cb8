"""Who on the wait list fits a free time: length with preparation and clean-up, practitioner and licence, room and device,
the wish itself, the window of the course, what screening allows, and the patient's own other appointments.

Everything is read at once for all who wait: the number of queries grows with the services waited for, not with the people
or the days. Booking asks every rule again (`sessions.booking_rules`); nothing here is a promise.
"""
from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from django.utils import timezone

from clinic.models import Device, Room, Site, User
from patients.facts import PatientFacts
from protocols import catalogue
from protocols.findings import Stage
from protocols.plan import Plan
from protocols.screening import Act, permits, screen
from sessions import availability
from sessions.availability import Search
from sessions.booking_rules import window_of
from sessions.busy import NOTHING, Busy
from sessions.choices import AppointmentStatus, CourseStatus
from sessions.free_times import FreeTime, free_at
from sessions.gathering import facts_of_many
from sessions.models import Appointment, Clearance, Course, Fulfilment, PlannedSession, WaitEntry
from sessions.plans import plan_of
from sessions.slots import STEP_MINUTES, Span, footprint
from sessions.standing_clearances import granted, open_clearances

MOST_WAITING = 200  # the most urgent ones; a list longer than that is no longer read by anybody
MOVABLE = (AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED)


@dataclass(frozen=True, slots=True)
class Place:
    """A time at which somebody who waits could come, and with whom and where."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    practitioner: User
    room: Room
    device: Device | None

    def local_start(self, site: Site) -> dt.datetime:
        return self.starts_at.astimezone(site.zone)


@dataclass(frozen=True, slots=True)
class Fitting:
    """Somebody who fits. `later` is an appointment of theirs that this time could replace; `must_release` says that it
    is the same session of a course, so that it has to."""

    entry: WaitEntry
    place: Place
    later: Appointment | None = None
    must_release: bool = False
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Free time of one practitioner between what they have, on one local day."""

    practitioner: User
    span: Span


@dataclass
class Waiting:
    """Those who wait at one site over some local days, with all that decides whether they fit."""

    site: Site
    first_day: dt.date
    last_day: dt.date
    entries: list[WaitEntry]
    people: list[User]
    searches: dict[int, Search] = field(default_factory=dict)  # by service
    givers: dict[int, set[int]] = field(default_factory=dict)  # by service: who may give it here
    taken: dict[int, list[Appointment]] = field(default_factory=lambda: defaultdict(list))  # by patient
    windows: dict[int, tuple[dt.date, dt.date | None]] = field(default_factory=dict)  # by entry: earliest, latest
    _allowed: dict[tuple[int, dt.date], bool] = field(default_factory=dict)

    # --- gaps -------------------------------------------------------------------------------------------------------
    def gaps(self, practitioner: User) -> Iterator[Gap]:
        """Their free time within their shifts while the site is open, from now on."""
        search = next(iter(self.searches.values()), None)
        if search is None:
            return
        setting, now = search.setting, timezone.now()
        busy = setting.practitioner_busy.get(practitioner.pk, NOTHING)
        day = self.first_day
        while day <= self.last_day:
            open_spans = setting.open_on(day)
            for shift in setting.working_on(practitioner.pk, day):
                for one in open_spans:
                    if (both := shift.intersection(one)) is None:
                        continue
                    for gap in busy.free_within(both):
                        if gap.end > now:
                            yield Gap(practitioner, Span(max(gap.start, now), gap.end))
            day += dt.timedelta(days=1)

    # --- who fits ---------------------------------------------------------------------------------------------------
    def fitting(self, gap: Gap, around: Span | None = None) -> Iterator[Fitting]:
        """Those who fit into this free time, the most urgent first, each at the earliest start that suits; of a longer
        free time only the part `around` may be meant, then as near its beginning as can be."""
        for entry in self.entries:
            found = self.place_in(entry, gap, around or gap.span)
            if found is not None:
                yield found

    def place_in(self, entry: WaitEntry, gap: Gap, around: Span) -> Fitting | None:
        whose = gap.practitioner.pk
        if entry.practitioner_id not in {None, whose} or whose not in self.givers[entry.service_id]:
            return None
        later, must_release = self.later_than(entry, gap.span.start)
        if must_release and later is None:
            return None  # its session is booked already, and not later than this
        starts = [one for one, visit in self._starts(entry, gap, later) if visit.overlaps(around)]
        for time in sorted(starts, key=lambda one: abs(one.start - around.start)):
            day = time.start.astimezone(self.site.zone).date()
            earliest, latest = self.windows.get(entry.pk, (None, None))
            if earliest is not None and day < earliest:
                continue
            if later is not None and later.starts_at <= time.start:
                continue
            if not self.allowed(entry, day):
                return None
            return Fitting(entry, self._place(entry, time), later, must_release, bool(latest and day > latest))
        return None

    def _starts(self, entry: WaitEntry, gap: Gap, giving_up: Appointment | None) -> Iterator[tuple[FreeTime, Span]]:
        """Starts on the grid, with the visit, at which everything it needs is free, within the gap and the wish."""
        search = self.searches[entry.service_id]
        minutes, setting = search.minutes, search.setting
        own = [one for one in self.taken[entry.patient_id] if one != giving_up]
        spans = [Span(one.patient_span.lower, one.patient_span.upper) for one in own]
        setting = replace(setting, patient_busy=Busy(spans))
        start = on_grid(gap.span.start - dt.timedelta(minutes=minutes.numbing))
        while start < gap.span.end:
            taken = footprint(start, minutes, uses_device=setting.devices is not None)
            if gap.span.contains(taken.practitioner) and start >= timezone.now() and self._suits(entry, taken.patient):
                found = free_at(start, setting, minutes, practitioners=[gap.practitioner.pk])
                if found is not None:
                    yield found, taken.patient
            start += dt.timedelta(minutes=STEP_MINUTES)

    def _suits(self, entry: WaitEntry, visit: Span) -> bool:
        start, end = visit.start.astimezone(self.site.zone), visit.end.astimezone(self.site.zone)
        return start.date() == end.date() and entry.suits_day(start.date()) and entry.suits_clock(start.time(), end.time())

    def _place(self, entry: WaitEntry, time: FreeTime) -> Place:
        search = self.searches[entry.service_id]
        visit = footprint(time.start, search.minutes, uses_device=False).patient
        return Place(
            time.start, visit.end, search.people[time.practitioner], search.rooms[time.room],
            search.devices[time.device] if time.device is not None else None,
        )  # fmt: skip

    def later_than(self, entry: WaitEntry, moment: dt.datetime) -> tuple[Appointment | None, bool]:
        """Their appointment this time could replace, and whether it must be: the same session of a course, or else a
        later visit for the same service."""
        upcoming = [one for one in self.taken[entry.patient_id] if one.status in MOVABLE and one.starts_at > moment]
        if entry.planned_session_id is not None:
            booked = [one for one in self.taken[entry.patient_id] if entry.planned_session_id in sessions_of(one)]
            movable = [one for one in booked if one in upcoming and len(sessions_of(one)) == 1]
            return (movable[0] if movable else None), bool(booked)
        plain = [one for one in upcoming if one.service_id == entry.service_id and not sessions_of(one)]
        return (plain[0] if plain else None), False

    # --- screening --------------------------------------------------------------------------------------------------
    def allowed(self, entry: WaitEntry, day: dt.date) -> bool:
        """What screening lets be booked for that day (design, decision 6). Consultation, test and review always."""
        if not entry.service.is_gated:
            return True
        course = entry.planned_session.course if entry.planned_session else None
        if course is None or course.status not in {CourseStatus.PROPOSED, CourseStatus.APPROVED}:
            return False  # a treatment belongs to a plan
        key = (entry.pk, day)
        if key not in self._allowed:
            result = screen(
                facts=self._facts[entry.patient_id], plan=self._plans[course.pk], on=day, catalogue=catalogue.in_force(),
                stage=Stage.BOOKING, clearances=granted(self._clearances[entry.patient_id], course),
            )  # fmt: skip
            self._allowed[key] = permits(result, Act.BOOK, day).allowed
        return self._allowed[key]

    @cached_property
    def _gated(self) -> list[WaitEntry]:
        return [one for one in self.entries if one.service.is_gated and one.planned_session is not None]

    @cached_property
    def _facts(self) -> dict[int, PatientFacts]:
        return facts_of_many(list({one.patient_id: one.patient for one in self._gated}.values()))

    @cached_property
    def _plans(self) -> dict[int, Plan]:
        keys = [one.planned_session.course_id for one in self._gated if one.planned_session]
        courses = Course.objects.filter(pk__in=keys).prefetch_related("items__syringe")
        return {course.pk: plan_of(course) for course in courses}

    @cached_property
    def _clearances(self) -> dict[int, list[Clearance]]:
        found: dict[int, list[Clearance]] = defaultdict(list)
        for row in open_clearances([one.patient for one in self._gated]):
            found[row.patient_id].append(row)
        return found


def sessions_of(appointment: Appointment) -> set[int]:
    """The planned sessions an appointment stands for (prefetched)."""
    return {one.planned_session_id for one in appointment.fulfilments.all() if one.active}


def on_grid(moment: dt.datetime) -> dt.datetime:
    even = moment.replace(second=0, microsecond=0)
    over = even.minute % STEP_MINUTES
    late = dt.timedelta(minutes=STEP_MINUTES - over) if over else dt.timedelta()
    return even + late if even == moment or over else even + dt.timedelta(minutes=STEP_MINUTES)


# --- reading --------------------------------------------------------------------------------------------------------
def waiting_at(
    site: Site, *, first_day: dt.date, last_day: dt.date, patients: Any, practitioners: Sequence[User] | None = None
) -> Waiting:
    """Those who wait at this site among `patients` (a queryset of whom the reader may see)."""
    people = list(practitioners) if practitioners is not None else list(User.objects.practitioners_at(site))
    entries = list(
        WaitEntry.objects.open().at(site).filter(patient__in=patients, service__is_active=True)
        .select_related("patient", "service", "practitioner", "planned_session__course").urgent_first()[:MOST_WAITING]
    )  # fmt: skip
    found = Waiting(site, first_day, last_day, [one for one in entries if is_open(one)], people)
    for service in {one.service_id: one.service for one in found.entries}.values():
        found.searches[service.pk] = availability.load(
            site=site, service=service, practitioners=people, first_day=first_day, last_day=last_day
        )
        found.givers[service.pk] = {user.pk for user in availability.able(people, service, site, first_day)}
    _read_taken(found)
    _read_windows(found)
    return found


def is_open(entry: WaitEntry) -> bool:
    """The session it is for may have been done or skipped meanwhile."""
    planned = entry.planned_session
    return planned is None or (planned.done_on is None and not planned.skipped_reason)


def _read_taken(found: Waiting) -> None:
    """Every appointment ahead of those who wait, at any site: what they cannot miss, and what they could give up."""
    rows = Appointment.objects.occupying().filter(
        patient__in={one.patient_id for one in found.entries},
        starts_at__gte=found.site.day_bounds(found.first_day)[0] - dt.timedelta(days=1),
    )
    for one in rows.select_related("site", "service", "practitioner").prefetch_related("fulfilments").order_by("starts_at"):
        found.taken[one.patient_id].append(one)


def _read_windows(found: Waiting) -> None:
    """The window of each session waited for, counted from where the session before it stands (plan-next, plan-min)."""
    wanted = [one for one in found.entries if one.planned_session is not None]
    courses = {one.planned_session.course_id for one in wanted if one.planned_session}
    before: dict[tuple[int, int], PlannedSession] = {
        (row.course_id, row.number): row
        for row in PlannedSession.objects.filter(course__in=courses, done_on=None)
    }  # fmt: skip
    booked: dict[int, dt.date] = {
        row.planned_session_id: row.appointment.local_start.date()
        for row in Fulfilment.objects.filter(planned_session__in=before.values(), active=True).select_related(
            "appointment__site"
        )
    }
    for entry in wanted:
        planned = entry.planned_session
        if planned is None:
            continue
        window = window_of(planned)
        previous = before.get((planned.course_id, planned.number - 1))
        if previous is not None:
            window = window.later_by((booked.get(previous.pk, previous.ideal) - previous.ideal).days)
        found.windows[entry.pk] = (window.earliest, window.latest)


# --- for the calendar -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Opening:
    """A free time with the number of people who fit it, as the calendar draws it."""

    practitioner: User
    starts_at: dt.datetime
    ends_at: dt.datetime
    count: int


def openings(found: Waiting, practitioners: Iterable[User] | None = None) -> list[Opening]:
    """One for each gap that somebody fits: from the earliest start that suits anybody, as long as that visit."""
    seen: list[Opening] = []
    for practitioner in practitioners if practitioners is not None else found.people:
        for gap in found.gaps(practitioner):
            fits = list(found.fitting(gap))
            if fits:
                first = min(fits, key=lambda one: one.place.starts_at).place
                seen.append(Opening(practitioner, first.starts_at, first.ends_at, len(fits)))
    return seen

