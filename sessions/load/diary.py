"""Five years of one site's diary, visit by visit: who comes when, for which session of which course, and how it went.

Days fill as front desks fill them: sessions that have become due first, with the practitioner of the course, then new
courses and consultations. Everybody keeps one room; a visit begins on the five minutes after the room is ready again.
Pure: values in, values out; the same dice give the same diary.
"""
from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from zoneinfo import ZoneInfo

from sessions.slots import Minutes

HALVES = ((dt.time(9), dt.time(13)), (dt.time(13, 30), dt.time(19)))
CONSULTED = 12  # every twelfth newcomer is first seen for a consultation
GRID = dt.timedelta(minutes=5)
WAITS = dt.timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Kind:
    """One course that can be planned: its service and, for each session, the days since the one before."""

    service: str
    intervals: tuple[int, ...]


@dataclass(slots=True)
class Running:
    """A course under way. `sessions` holds what became of each: the due day, the day of the visit that kept it, and
    whether that day is over."""

    number: int
    patient: int
    kind: int
    practitioner: int
    begun_on: dt.date
    sessions: list[tuple[dt.date, dt.date | None, bool]] = field(default_factory=list)
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """`course` is None for a consultation; `session` counts from 1. Times are UTC."""

    patient: int
    practitioner: int
    service: str
    starts_at: dt.datetime
    day: dt.date
    status: str
    course: Running | None = None
    session: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What one site's diary is made from. `kinds_of` says which courses a patient may have, `closed` the closed days."""

    zone: ZoneInfo
    days: Sequence[dt.date]
    visits: int
    practitioners: int
    patients: Sequence[int]
    kinds: Sequence[Kind]
    minutes: Mapping[str, Minutes]
    kinds_of: Mapping[int, Sequence[int]]
    now: dt.datetime
    closed: frozenset[dt.date] = frozenset()


class Diary:
    def __init__(self, plan: Plan, dice: random.Random) -> None:
        self.plan, self.dice = plan, dice
        self.courses: list[Running] = []
        self.due: list[tuple[dt.date, int]] = []
        self.busy: set[int] = set()
        self.today: set[int] = set()
        self.placed = self.turn = 0
        self.free: list[list[dt.datetime]] = []

    def visits(self) -> Iterator[Visit]:
        """Exactly as many as planned, in order of days; raises when the practitioners cannot see so many."""
        open_days = [day for day in self.plan.days if day.isoweekday() < 7 and day not in self.plan.closed]
        for number, day in enumerate(open_days, start=1):
            self._open(day)
            yield from self._fill(day, self.plan.visits * number // len(open_days))
        if self.placed < self.plan.visits:
            raise ValueError("More visits than these practitioners and patients can have.")

    def _open(self, day: dt.date) -> None:
        """When each practitioner is next free, morning and afternoon."""
        starts = [dt.datetime.combine(day, start, self.plan.zone).astimezone(dt.UTC) for start, _end in HALVES]
        self.ends = [dt.datetime.combine(day, end, self.plan.zone).astimezone(dt.UTC) for _start, end in HALVES]
        self.free = [list(starts) for _ in range(self.plan.practitioners)]
        self.today.clear()

    def _fill(self, day: dt.date, until: int) -> Iterator[Visit]:
        waiting: list[tuple[dt.date, int]] = []
        while self.placed < until and self.due and self.due[0][0] <= day:
            due = heappop(self.due)
            course = self.courses[due[1]]
            starts_at = self._place(course.practitioner, self.plan.kinds[course.kind].service)
            if starts_at is None:
                waiting.append((day + dt.timedelta(days=1), due[1]))
            else:
                yield self._session(course, day, starts_at)
        for one in waiting:
            heappush(self.due, one)
        while self.placed < until and (found := self._newcomer(day)) is not None:
            yield found

    def _place(self, practitioner: int, service: str) -> dt.datetime | None:
        """The next start at which the whole visit, with the room's preparation and cleaning, fits into a half day."""
        minutes = self.plan.minutes[service]
        before = dt.timedelta(minutes=minutes.preparation)
        length = dt.timedelta(minutes=minutes.numbing + minutes.treatment)
        after = dt.timedelta(minutes=max(minutes.cleanup, minutes.device_wipe))
        free = self.free[practitioner]
        for half, end in enumerate(self.ends):
            start = free[half] + before
            start += (dt.datetime.min.replace(tzinfo=dt.UTC) - start) % GRID
            if start + length + after <= end:
                free[half] = start + length + after
                self.placed += 1
                return start
        return None

    def _newcomer(self, day: dt.date) -> Visit | None:
        """The next patient without a running course, seen by whoever is free first."""
        patient = self._next_patient()
        if patient is None:
            return None
        is_consulted = self.dice.randrange(CONSULTED) == 0
        kind = self.dice.choice(self.plan.kinds_of[patient])
        service = "consultation" if is_consulted else self.plan.kinds[kind].service
        for practitioner in sorted(range(len(self.free)), key=self.free.__getitem__):
            starts_at = self._place(practitioner, service)
            if starts_at is None:
                continue
            if is_consulted:
                self.today.add(patient)
                return Visit(patient, practitioner, service, starts_at, day, self._status(starts_at, service))
            course = Running(len(self.courses), patient, kind, practitioner, day)
            self.courses.append(course)
            self.busy.add(patient)
            return self._session(course, day, starts_at)
        return None

    def _next_patient(self) -> int | None:
        patients = self.plan.patients
        for _ in patients:
            patient = patients[self.turn % len(patients)]
            self.turn += 1
            if patient not in self.busy and patient not in self.today:
                return patient
        return None

    def _session(self, course: Running, day: dt.date, starts_at: dt.datetime) -> Visit:
        """One visit of a course. Done: the next session becomes due; called off or missed: this one again, or never."""
        kind = self.plan.kinds[course.kind]
        self.today.add(course.patient)
        status = self._status(starts_at, kind.service)
        is_again = bool(course.sessions) and course.sessions[-1][1] is None
        number = len(course.sessions) if is_again else len(course.sessions) + 1
        took_place = status not in {"cancelled", "late-cancelled", "no-show"}
        if not is_again:
            course.sessions.append((day, None, False))
        if took_place:
            course.sessions[-1] = (course.sessions[-1][0], day, status == "done")
            self._follow(course, day, kind)
        elif self.dice.random() < 0.2:  # every fifth who does not come never comes again
            course.ended = "stopped"
            self.busy.discard(course.patient)
        else:
            heappush(self.due, (day + dt.timedelta(days=self.dice.randrange(3, 10)), course.number))
        return Visit(course.patient, course.practitioner, kind.service, starts_at, day, status, course, number)

    def _follow(self, course: Running, day: dt.date, kind: Kind) -> None:
        if len(course.sessions) == len(kind.intervals):
            course.ended = "completed"
            self.busy.discard(course.patient)
        else:
            heappush(self.due, (day + dt.timedelta(days=kind.intervals[len(course.sessions)]), course.number))

    def _status(self, starts_at: dt.datetime, service: str) -> str:
        minutes = self.plan.minutes[service]
        ends_at = starts_at + dt.timedelta(minutes=minutes.numbing + minutes.treatment)
        chance = self.dice.random()
        if starts_at > self.plan.now + WAITS:
            return "cancelled" if chance < 0.04 else "confirmed" if chance < 0.4 else "booked"
        if ends_at > self.plan.now:
            return "in-treatment" if starts_at <= self.plan.now else "arrived"
        return (
            "done" if chance < 0.86 else "no-show" if chance < 0.91
            else "cancelled" if chance < 0.97 else "late-cancelled"
        )  # fmt: skip
