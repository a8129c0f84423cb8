"""Eight sites in five zones, with as many practitioners, rooms and devices as their days need."""
from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.hashers import make_password

from clinic.choices import Role
from clinic.models import Absence, Closure, Device, OpeningHours, Organisation, Room, Shift, Site, StaffRole, User
from protocols.definitions import Catalogue
from protocols.dosing import syringe_of
from protocols.models import Service
from protocols.services import ensure_default_services
from sessions import stock
from sessions.demo import PASSWORD
from sessions.demo.place import INDICATIONS, Clinic
from sessions.load.diary import HALVES

SITES = [
    # name, country, zone
    ("Harbour", "TR", "Europe/Istanbul"),
    ("Lungaretta", "IT", "Europe/Rome"),
    ("Linden", "DE", "Europe/Berlin"),
    ("Canal", "NL", "Europe/Amsterdam"),
    ("Albert", "GB", "Europe/London"),
    ("Belém", "PT", "Europe/Lisbon"),
    ("Pláka", "GR", "Europe/Athens"),
    ("Orman", "TR", "Europe/Istanbul"),
]
EVERYWHERE = [
    ("desk@load.example", "Ada Frost", Role.FRONT_DESK),
    ("lead@load.example", "Dr Maya Stern", Role.MEDICAL_LEAD),
    ("manager@load.example", "Otto Reed", Role.MANAGER),
]
GIVEN = ("Amara", "Bela", "Cemil", "Dario", "Edda", "Felix", "Greta", "Hakan", "Ines", "Jonas", "Karin", "Levent")
FAMILY = ("Abel", "Brandt", "Castro", "Demirci", "Ehlers", "Fontana", "Gruber", "Hazar")
BOTH_HALVES = [(day, start, end) for day in "123456" for start, end in HALVES]
DEVICE_SERVICE = "ind-aga"


@dataclass(frozen=True)
class Place:
    """One site with what its diary needs. Practitioner n works in room n with device n."""

    site: Site
    practitioners: list[User]
    rooms: list[Room]
    devices: list[Device]
    lots: dict[str, tuple[int, str]]
    closed: frozenset[dt.date]


HOLIDAYS = {(1, 1), (5, 1), (12, 25)}  # month and day; Sundays are closed too


def build(rules: Catalogue, days: list[dt.date], practitioners: int) -> tuple[Clinic, list[Place]]:
    """The organisation, its services and everybody who works there, by the same rows the pages would write."""
    Organisation.objects.create(pk=1, name="Halden Group", website="load.example")
    secret = make_password(PASSWORD)  # one hash for all: it is slow on purpose
    clinic = Clinic()
    ensure_default_services()
    for code, name in INDICATIONS.items():
        Service.objects.filter(code=code).update(name=name)
    Service.objects.filter(code=DEVICE_SERVICE).update(device_kind="dv-gun")
    clinic.services = {service.code: service for service in Service.objects.all()}
    sites = [_site(name, country, zone) for name, country, zone in SITES]
    clinic.sites = sites
    for email, name, role in EVERYWHERE:
        clinic.staff[email] = _user(email, name, role, sites[0], secret, everywhere=True)
    places = [_place(clinic, site, number, days, practitioners, secret, rules) for number, site in enumerate(sites)]
    return clinic, places


def _site(name: str, country: str, zone: str) -> Site:
    site = Site.objects.create(
        name=name, address=f"1 {name} Street", country=country, time_zone=zone, phone="+390655550100",
        email=f"{name.lower()}@load.example", emergency_number="112", is_open=True,
    )  # fmt: skip
    OpeningHours.objects.bulk_create(
        OpeningHours(site=site, weekday=day, opens=dt.time(8), closes=dt.time(20)) for day in "123456"
    )
    return site


def _user(email: str, name: str, role: Role, site: Site, secret: str, *, everywhere: bool = False) -> User:
    treats = role in {Role.PRACTITIONER, Role.MEDICAL_LEAD}
    user = User.objects.create(
        email=email, name=name, current_site=site, password=secret,
        licence_number=f"{site.country}-{email.partition('@')[0]}" if treats else "",
        licence_country=site.country if treats else "",
        licence_valid_until=site.today() + dt.timedelta(days=400) if treats else None,
    )  # fmt: skip
    StaffRole.objects.create(user=user, role=role, site=None if everywhere else site)
    return user


def _place(
    clinic: Clinic, site: Site, number: int, days: list[dt.date], count: int, secret: str, rules: Catalogue
) -> Place:
    people = []
    for one in range(count):
        name = f"Dr {GIVEN[(number + one) % len(GIVEN)]} {FAMILY[(number * 3 + one) % len(FAMILY)]}"
        user = _user(f"doctor{number + 1}.{one + 1}@load.example", name, Role.PRACTITIONER, site, secret)
        Shift.objects.bulk_create(
            Shift(user=user, site=site, weekday=day, starts=start, ends=end, valid_from=days[0])
            for day, start, end in BOTH_HALVES
        )
        people.append(user)
    desk = _user(f"desk{number + 1}@load.example", f"Desk {site.name}", Role.FRONT_DESK, site, secret)
    clinic.staff[desk.email] = desk
    clinic.practitioners[site.pk] = people
    rooms = [Room.objects.create(site=site, name=f"Room {one + 1:02d}") for one in range(count)]
    clinic.rooms[site.pk] = rooms
    devices = [Device.objects.create(site=site, name=f"Gun {one + 1:02d}", kind="dv-gun") for one in range(count)]
    closed = {day for day in days if (day.month, day.day) in HOLIDAYS}
    Closure.objects.bulk_create(Closure(site=site, first_day=day, last_day=day, reason="Holiday") for day in sorted(closed))
    _absences(people, site, days)
    return Place(site, people, rooms, devices, _lots(clinic, site, rules), frozenset(closed))


def _absences(people: list[User], site: Site, days: list[dt.date]) -> None:
    """One Sunday a year each: an absence that is there to be read and in nobody's way."""
    sundays = [day for day in days if day.isoweekday() == 7]
    Absence.objects.bulk_create(
        Absence(user=user, span=site.day_bounds(day), reason="Away")
        for place, user in enumerate(people)
        for day in sundays[place % 50 :: 52]
    )


def _lots(clinic: Clinic, site: Site, rules: Catalogue) -> dict[str, tuple[int, str]]:
    """One lot of each substance the courses use, and one that ends within days; by key and label."""
    by = clinic.by("desk@load.example", site)
    used = {
        item.substance for code in INDICATIONS
        for item in syringe_of(rules.mixtures_for(code)[0], indication=code).components
    }  # fmt: skip
    found = {}
    for number, code in enumerate(sorted(used), start=1):
        substance = rules.substances[code]
        strength = substance.strength.low if substance.strength else None
        lot = stock.receive(
            site=site, substance=code, product=substance.name_in("en").capitalize(), maker="Norvale",
            lot_number=f"L{number:02d}", expires_on=site.today() + dt.timedelta(days=10 if number == 1 else 500),
            amount_ml=Decimal(900_000), strength=strength, strength_unit=substance.strength_unit if strength is not None else "",
            by=by,
        )  # fmt: skip
        found[code] = (lot.pk, f"{lot.product}, {lot.maker}, {lot.lot_number}")
    return found
