"""A small clinic to book in: one site, two rooms, two practitioners on shift, a desk, on a frozen Thursday morning."""
from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from clinic.choices import Role
from clinic.doer import Doer
from clinic.models import Room, Site, User
from patients.models import Patient
from protocols.models import Service
from protocols.models.service import ServiceKind
from protocols.permissions import Permission
from sessions import booking, screenings
from sessions.models import Appointment
from sessions.slots import at_wall_time
from tests import factories

MORNING = "2026-03-12T07:00+00:00"  # Thursday, 08:00 in Rome
THURSDAY = dt.date(2026, 3, 12)


@dataclass
class ClinicDay:
    site: Site
    desk: User
    doctor: User
    other_doctor: User
    room: Room
    other_room: Room
    consultation: Service

    @property
    def by(self) -> Doer:
        return Doer.staff(self.desk, self.site)

    @property
    def by_doctor(self) -> Doer:
        return Doer.staff(self.doctor, self.site)

    def at(self, time: str, day: dt.date = THURSDAY) -> dt.datetime:
        """A wall time of the site, such as "10:45"."""
        return at_wall_time(dt.datetime.combine(day, dt.time.fromisoformat(time)), self.site.zone)

    def book(
        self, time: str = "10:00", *, patient: Patient | None = None, day: dt.date = THURSDAY, **more: Any
    ) -> Appointment:
        values = {
            "patient": patient or factories.make_patient(self.site), "service": self.consultation, "site": self.site,
            "practitioner": self.doctor, "room": self.room, "starts_at": self.at(time, day), "by": self.by,
        }  # fmt: skip
        return booking.book(**values | more)


def make_clinic_day() -> ClinicDay:
    site = factories.make_site(name="Marylebone")
    doctor, other = factories.make_user(name="Dr Amina Haddad"), factories.make_user(name="Dr Jonas Weber")
    for one in (doctor, other):
        factories.make_shift(one, site)
    return ClinicDay(
        site=site,
        desk=factories.make_user(Role.FRONT_DESK, name="Mara Lind"),
        doctor=doctor,
        other_doctor=other,
        room=factories.make_room(site, name="Room 1"),
        other_room=factories.make_room(site, name="Room 2"),
        consultation=factories.make_service(
            ServiceKind.CONSULTATION,
            name="Consultation",
            treatment_minutes=45,
            preparation_minutes=5,
            cleanup_minutes=10,
        ),
    )


def allow_screening(monkeypatch: Any, *, allowed: bool = True, marked: bool = False, reason: Any = None) -> None:
    """What the screening answers is tested in its own tests; here only what booking makes of it."""
    monkeypatch.setattr(screenings, "permission", lambda **_: Permission(allowed, marked, reason))
