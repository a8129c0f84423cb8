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
ALL_DAY = 480  # longer than any stretch of a shift: nothing fits, and three months are gone through


def main() -> None:
    from clinic.models import Site, User
    from mesoclinic.web import post_worker_init
    from patients.models import Patient
    from protocols.models import Service
    from sessions.availability import next_free

    dice = random.Random(5)
    sites = list(Site.objects.all())
    people = {site.pk: list(User.objects.practitioners_at(site).filter(roles__site=site)) for site in sites}
    services = list(Service.objects.filter(code__in=["ind-face-rejuv", "ind-hydration", "ind-aga", "ind-cellulite"]))
    patients = list(Patient.objects.order_by("pk")[:SEARCHES])
    kinds: dict[str, tuple[bool, int, int | None]] = {  # anybody, how many, how long
        "one practitioner": (False, 3, None),
        "any practitioner": (True, 3, None),
        "a thousand of three months": (False, 1000, None),
        "a thousand of three months, any practitioner": (True, 1000, None),
        "none within three months": (False, 3, ALL_DAY),
        "none within three months, any practitioner": (True, 3, ALL_DAY),
    }
    post_worker_init(None)  # rubbish is collected as in a worker of the web server
    found: dict[str, dict[str, list[float]]] = {}
    for name, (anybody, limit, minutes) in kinds.items():
        by_clock, by_processor = [], []
        for patient in patients:
            site = dice.choice(sites)
            first = site.today() + dt.timedelta(days=dice.randrange(60))
            asked = people[site.pk] if anybody else [dice.choice(people[site.pk])]
            service = dice.choice(services)
            begun, used = time.perf_counter(), time.process_time()
            offers = next_free(
                site=site, service=service, practitioners=asked, patient=patient, first_day=first,
                last_day=first + MONTHS, limit=limit, treatment_minutes=minutes,
            )  # fmt: skip
            by_clock.append(time.perf_counter() - begun)
            by_processor.append(time.process_time() - used)
            assert bool(offers) is (minutes is None), f"{name}: {len(offers)} found"
        found[name] = {"by the clock": by_clock, "processor time of Python": by_processor}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    django.setup()
    main()
