"""The clinic a journey begins in: one site in Istanbul, a desk, a practitioner, a medical lead, a manager, a full shelf."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from clinic.choices import Role
from clinic.models import Room, Site, User
from patients.models import Patient
from protocols.models import Service
from tests import factories

MONDAY = "2026-03-02T09:00+03:00"


@dataclass
class Clinic:
    site: Site
    desk: User
    doctor: User
    lead: User
    manager: User
    room: Room
    hydration: Service
    birth_date: dt.date = dt.date(1990, 5, 1)
    in_a_week: dt.date = dt.date(2026, 3, 10)

    def at(self, day: dt.date, time: str) -> dt.datetime:
        return dt.datetime.combine(day, dt.time.fromisoformat(time), self.site.zone)


def a_clinic_in_istanbul() -> Clinic:
    site = factories.make_site(
        name="Nişantaşı", address="Abdi İpekçi Cd. 18, İstanbul", country="TR", time_zone="Europe/Istanbul",
        phone="+90 212 555 01 00",
    )  # fmt: skip
    doctor = factories.make_user(name="Dr Amina Haddad")
    factories.make_shift(doctor, site)
    factories.make_lot(site, lot_number="HA26A", expires_on=dt.date(2027, 1, 31))
    return Clinic(
        site=site,
        desk=factories.make_user(Role.FRONT_DESK, name="Mara Lind"),
        doctor=doctor,
        lead=factories.make_user(Role.MEDICAL_LEAD, name="Dr Chiara Conti"),
        manager=factories.make_user(Role.MANAGER, name="Jonas Weber"),
        room=factories.make_room(site, name="Room 1"),
        hydration=factories.make_service(
            code="hydration", name="Hydration", indication="ind-hydration", treatment_minutes=30
        ),
    )


def somebody_of_the_same_name(clinic: Clinic) -> Patient:
    return factories.make_patient(
        clinic.site, given_name="Elif", family_name="Yilmaz", birth_date=dt.date(1984, 8, 9), record_number="MC-20001"
    )


def somebody_else_booked(clinic: Clinic, starts_at: dt.datetime) -> Patient:
    """Marek comes to the same practitioner at this time."""
    marek = factories.make_patient(clinic.site, given_name="Marek", family_name="Nowak")
    factories.make_appointment(
        marek, practitioner=clinic.doctor, room=clinic.room, service=clinic.hydration, starts_at=starts_at
    )
    return marek
