"""Makes the things tests need, plainly: what a test does not say is ordinary and valid."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.test import Client
from django.utils import timezone

from clinic.choices import Role
from clinic.models import Closure, Device, OpeningHours, Organisation, Room, Shift, Site, StaffRole, User
from patients.models import Patient, PatientSite
from protocols import catalogue
from protocols.models import Service
from protocols.models.service import ServiceKind
from protocols.plan import Component, Syringe
from sessions.models import Appointment, Course, Fulfilment, Lot, PlannedSession
from sessions.plans import store_syringes

PASSWORD = "quiet-petrol-harbour-52"
_count = itertools.count(1)
TODAY_AT_ROME = dt.date(2026, 3, 12)  # a Thursday


def make_organisation(name: str = "Halden Clinic") -> Organisation:
    return Organisation.objects.get_or_create(pk=1, defaults={"name": name})[0]


def make_site(**fields: Any) -> Site:
    """An open site in Rome, Monday to Saturday 08:00-20:00."""
    number = next(_count)
    make_organisation()
    site = Site.objects.create(
        **{
            "name": f"Site {number}", "address": "Via Larga 1, Rome", "country": "IT", "time_zone": "Europe/Rome",
            "phone": "+39 06 5555 0100", "email": f"site{number}@halden.example", "emergency_number": "112",
            "insurer": "Halden Mutual, policy 4711", "is_open": True,
        }
        | fields
    )  # fmt: skip
    OpeningHours.objects.bulk_create(
        OpeningHours(site=site, weekday=str(day), opens=dt.time(8), closes=dt.time(20)) for day in range(1, 7)
    )
    return site


def make_closure(site: Site, first_day: dt.date, last_day: dt.date | None = None, reason: str = "Holiday") -> Closure:
    return Closure.objects.create(site=site, first_day=first_day, last_day=last_day or first_day, reason=reason)


def make_user(role: str = Role.PRACTITIONER, *, site: Site | None = None, **fields: Any) -> User:
    """A member of staff with one role, for the whole organisation unless `site` is given; treats with a valid licence."""
    number = next(_count)
    extra = {"name": f"Dr Ada Number{number}", "language": "en"}
    if role in {Role.PRACTITIONER, Role.MEDICAL_LEAD}:
        extra |= {"licence_number": f"L-{number}", "licence_valid_until": dt.date(2099, 12, 31)}
    with transaction.atomic():
        user = User.objects.create_user(f"staff{number}@halden.example", PASSWORD, **(extra | fields))
        StaffRole.objects.create(user=user, role=role, site=site)
    return user


def make_room(site: Site, **fields: Any) -> Room:
    return Room.objects.create(**{"site": site, "name": f"Room {next(_count)}"} | fields)


def make_device(site: Site, kind: str = "dv-gun", **fields: Any) -> Device:
    return Device.objects.create(**{"site": site, "name": f"Device {next(_count)}", "kind": kind} | fields)


def make_shift(user: User, site: Site, weekdays: str = "123456", **fields: Any) -> list[Shift]:
    """09:00-18:00 on the given weekdays, for ever."""
    times = {"starts": dt.time(9), "ends": dt.time(18), "valid_from": dt.date(2020, 1, 1)} | fields
    return [Shift.objects.create(user=user, site=site, weekday=day, **times) for day in weekdays]


def make_patient(site: Site | None = None, **fields: Any) -> Patient:
    number = next(_count)
    site = site or Site.objects.first() or make_site()
    patient = Patient(
        **{
            "record_number": f"MC-T{number}", "given_name": "Nadia", "family_name": f"Rahman{number}",
            "birth_date": dt.date(1984, 8, 9), "sex": "female", "phone": f"+3906555{number:05d}",
            "email": f"patient{number}@example.org", "language": "en", "registered_at": site,
        }
        | fields
    )  # fmt: skip
    patient.refresh_search_key()
    patient.save()
    PatientSite.objects.create(patient=patient, site=site)
    return patient


def make_service(kind: str = ServiceKind.TREATMENT, **fields: Any) -> Service:
    number = next(_count)
    values = {"code": f"service-{number}", "kind": kind, "name": f"Service {number}", "treatment_minutes": 45}
    if kind == ServiceKind.TREATMENT:
        values |= {"indication": "ind-hydration", "preparation_minutes": 5, "cleanup_minutes": 10}
    return Service.objects.create(**values | fields)


def make_course(
    patient: Patient, practitioner: User, *, sessions: int = 3, approved: bool = True, **fields: Any
) -> Course:
    """A hydration course with the example mixture and `sessions` planned sessions 28 days apart from today's site day."""
    site = fields.pop("site", patient.registered_at)
    first_day = fields.pop("first_day", site.today())
    stamps = {"status": "approved", "approved_by": practitioner, "approved_at": timezone.now()} if approved else {}
    course = Course.objects.create(
        **{
            "patient": patient, "site": site, "practitioner": practitioner, "created_by": practitioner,
            "catalogue": catalogue.current(), "indication": "ind-hydration", "category": "aesthetic",
            "regions": ["reg-face"], "technique": "tq-papule", "mixture": "ck-face-hydra", "check_result": "ok",
        }
        | stamps
        | fields
    )  # fmt: skip
    store_syringes(course=course, syringes=[Syringe((Component("sub-ha-nc", Decimal(2), Decimal(10)),))])
    for number in range(1, sessions + 1):
        ideal = first_day + dt.timedelta(days=28 * (number - 1))
        PlannedSession.objects.create(
            course=course, patient=patient, number=number, interval_days=28 if number > 1 else 0,
            earliest=ideal if number == 1 else ideal - dt.timedelta(days=7), ideal=ideal, latest=ideal,
        )  # fmt: skip
    return course


def make_appointment(
    patient: Patient, *, practitioner: User, room: Room, service: Service | None = None,
    starts_at: dt.datetime | None = None, course: Course | None = None,
    planned_session: PlannedSession | None = None, **fields: Any,
) -> Appointment:  # fmt: skip
    """Straight into the table, past the booking rules; the database's constraints still hold."""
    service = service or make_service()
    starts_at = starts_at or timezone.now().replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=2)
    ends_at = starts_at + dt.timedelta(minutes=service.numbing_minutes + service.treatment_minutes)
    room_span = (
        starts_at - dt.timedelta(minutes=service.preparation_minutes),
        ends_at + dt.timedelta(minutes=service.cleanup_minutes),
    )
    appointment = Appointment.objects.create(
        **{
            "patient": patient, "site": room.site, "service": service, "practitioner": practitioner, "room": room,
            "course": course, "starts_at": starts_at, "ends_at": ends_at, "zone": room.site.time_zone,
            "agreed_start": starts_at.astimezone(room.site.zone).strftime("%Y-%m-%dT%H:%M"),
            "patient_span": (starts_at, ends_at), "practitioner_span": (starts_at, ends_at), "room_span": room_span,
            "booked_by_label": "Front desk",
        }
        | fields
    )  # fmt: skip
    if planned_session is not None:
        Fulfilment.objects.create(appointment=appointment, planned_session=planned_session, patient=patient)
    return appointment


def make_lot(site: Site, substance: str = "sub-ha-nc", **fields: Any) -> Lot:
    number = next(_count)
    return Lot.objects.create(
        **{
            "site": site, "substance": substance, "product": "Hydra HA", "maker": "Norvale", "lot_number": f"H{number}",
            "strength": Decimal(10), "strength_unit": "mg/ml", "expires_on": dt.date(2099, 1, 1),
            "balance_ml": Decimal(100),
        }
        | fields
    )  # fmt: skip


def signed_in(client: Client, user: User) -> Client:
    client.force_login(user, backend="clinic.signin.StaffBackend")
    return client
