"""How long the search for the next free times takes, at the sites of the load clinic: seconds of each search as JSON."""

from __future__ import annotations

import datetime as dt
import json
import random
import sys
import time

import django

SEARCHES = 200
MONTHS = dt.timedelta(days=92)


def main() -> None:
    from clinic.models import Site, User
    from patients.models import Patient
    from protocols.models import Service
    from sessions.availability import next_free

    dice = random.Random(5)
    sites = list(Site.objects.all())
    people = {site.pk: list(User.objects.practitioners_at(site).filter(roles__site=site)) for site in sites}
    services = list(Service.objects.filter(code__in=["ind-face-rejuv", "ind-hydration", "ind-aga", "ind-cellulite"]))
    patients = list(Patient.objects.order_by("pk")[:SEARCHES])
    found: dict[str, list[float]] = {"one practitioner": [], "any practitioner": [], "full: none within three months": []}
    for name, seconds in found.items():
        for patient in patients:
            site = dice.choice(sites)
            first = site.today() + dt.timedelta(days=dice.randrange(60))
            asked = [dice.choice(people[site.pk])] if name != "any practitioner" else people[site.pk]
            latest = dt.time(18, 30) if name.startswith("full") else None
            begun = time.perf_counter()
            next_free(
                site=site, service=dice.choice(services), practitioners=asked, patient=patient, first_day=first,
                last_day=first + MONTHS, limit=3 if latest is None else 1000,
            )  # fmt: skip
            seconds.append(time.perf_counter() - begun)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    django.setup()
    main()
