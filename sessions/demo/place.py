"""The demo clinic's two sites, rooms, devices, five staff, services and stock."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

from clinic.choices import Role
from clinic.doer import Doer
from clinic.models import Closure, Device, OpeningHours, Organisation, Room, Shift, Site, StaffRole, User
from protocols.definitions import Catalogue
from protocols.models import Service
from protocols.services import ensure_default_services
from sessions import stock
from sessions.demo import PASSWORD

STAFF = [
    # login, name, role, language, site name or "" for all
    ("desk@halden.example", "Mara Lind", Role.FRONT_DESK, "en", ""),
    ("haddad@halden.example", "Dr Amina Haddad", Role.PRACTITIONER, "en", ""),
    ("kaya@halden.example", "Dr Emre Kaya", Role.PRACTITIONER, "tr", "Nişantaşı"),
    ("lead@halden.example", "Dr Chiara Conti", Role.MEDICAL_LEAD, "en", ""),
    ("manager@halden.example", "Jonas Weber", Role.MANAGER, "en", ""),
]
INDICATIONS = {
    "ind-face-rejuv": "Face revitalising", "ind-hydration": "Hydration", "ind-under-eye": "Under-eye",
    "ind-aga": "Hair", "ind-cellulite": "Cellulite", "ind-msk-pain": "Muscle and joint pain",
}  # fmt: skip
LOTS = ["sub-ha-nc", "sub-poly-ha", "sub-pn", "sub-minoxidil", "sub-finasteride", "sub-dexpanthenol", "sub-lidocaine",
        "sub-caffeine", "sub-carnitine", "sub-silicon", "sub-procaine", "sub-pentoxifylline", "sub-melilotus-rutin",
        "sub-nacl"]  # fmt: skip


@dataclass
class Clinic:
    sites: list[Site] = field(default_factory=list)
    rooms: dict[int, list[Room]] = field(default_factory=dict)
    staff: dict[str, User] = field(default_factory=dict)
    practitioners: dict[int, list[User]] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)

    def by(self, login: str, site: Site | None = None) -> Doer:
        return Doer.staff(self.staff[login], site or self.sites[0])


def build(rules: Catalogue) -> Clinic:
    clinic = Clinic()
    Organisation.objects.create(pk=1, name="Halden Clinic", website="halden.example")
    _sites(clinic)
    _staff(clinic)
    _services(clinic)
    _stock(clinic, rules)
    return clinic


def _sites(clinic: Clinic) -> None:
    for name, address, country, zone, phone, email in [
        ("Nişantaşı", "Abdi İpekçi Cd. 18, 34367 İstanbul", "TR", "Europe/Istanbul", "+90 212 555 01 00",
         "istanbul@halden.example"),
        ("Trastevere", "Via della Lungaretta 40, 00153 Roma", "IT", "Europe/Rome", "+39 06 5555 0100",
         "roma@halden.example"),
    ]:  # fmt: skip
        site = Site.objects.create(
            name=name, address=address, country=country, time_zone=zone, phone=phone, email=email,
            emergency_number="112", is_open=True, insurer="Halden Mutual, policy 20-4711",
        )  # fmt: skip
        OpeningHours.objects.bulk_create(
            OpeningHours(site=site, weekday=str(day), opens=dt.time(8), closes=dt.time(20)) for day in range(1, 8)
        )
        closed = site.today() + dt.timedelta(days=10)
        Closure.objects.create(site=site, first_day=closed, last_day=closed, reason="Staff training")
        rooms = [Room.objects.create(site=site, name=f"Room {number}") for number in (1, 2, 3)]
        Device.objects.create(site=site, name="Meso gun 1", kind="dv-gun")
        clinic.sites.append(site)
        clinic.rooms[site.pk] = rooms


def _staff(clinic: Clinic) -> None:
    sites = {site.name: site for site in clinic.sites}
    for login, name, role, language, at in STAFF:
        treats = role in {Role.PRACTITIONER, Role.MEDICAL_LEAD}
        country = "IT" if role == Role.MEDICAL_LEAD else "TR"  # the lead treats in Rome
        user = User.objects.create_user(
            login, PASSWORD, name=name, language=language, current_site=sites.get(at, clinic.sites[0]),
            licence_number=f"{country}-{len(clinic.staff) + 1:04d}" if treats else "",
            licence_country=country if treats else "",
            licence_valid_until=clinic.sites[0].today() + dt.timedelta(days=400) if treats else None,
        )  # fmt: skip
        StaffRole.objects.create(user=user, role=role, site=sites.get(at))
        clinic.staff[login] = user
    haddad, kaya, lead = (clinic.staff[f"{name}@halden.example"] for name in ("haddad", "kaya", "lead"))
    istanbul, rome = clinic.sites
    clinic.practitioners = {istanbul.pk: [haddad, kaya], rome.pk: [lead]}
    for site, people in ((istanbul, (haddad, kaya)), (rome, (lead,))):
        for user in people:
            Shift.objects.bulk_create(
                Shift(user=user, site=site, weekday=str(day), starts=starts, ends=ends, valid_from=dt.date(2020, 1, 1))
                for day in range(1, 8)
                for starts, ends in ((dt.time(9), dt.time(13)), (dt.time(13, 30), dt.time(19)))
            )


def _services(clinic: Clinic) -> None:
    ensure_default_services()
    for code, name in INDICATIONS.items():  # as the clinic calls them
        Service.objects.filter(code=code).update(name=name)
    clinic.services = {service.code: service for service in Service.objects.all()}


def _stock(clinic: Clinic, rules: Catalogue) -> None:
    for site in clinic.sites:
        by = clinic.by("desk@halden.example", site)
        today = site.today()
        for number, code in enumerate(LOTS, start=1):
            substance = rules.substances[code]
            strength = substance.strength.low if substance.strength else None
            batches = [(f"{site.country}{number:02d}A", today + dt.timedelta(days=300 + number), Decimal(2000))]
            if code == "sub-ha-nc":  # one expired, one that ends within days
                batches.append((f"{site.country}{number:02d}X", today - dt.timedelta(days=6), Decimal(12)))
                batches.append((f"{site.country}{number:02d}N", today + dt.timedelta(days=5), Decimal(8)))
            for lot_number, expires_on, amount_ml in batches:
                stock.receive(
                    site=site, substance=code, product=substance.name_in("en").capitalize(), maker="Norvale",
                    lot_number=lot_number, expires_on=expires_on, amount_ml=amount_ml, strength=strength,
                    strength_unit=substance.strength_unit if strength is not None else "", by=by,
                )  # fmt: skip
