"""Make a clinic of any size on an empty database, to measure with: eight sites, five years of days."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from clinic.models import Site, User
from patients.models import Patient
from sessions.demo import PASSWORD
from sessions.load.place import EVERYWHERE
from sessions.load.seeding import Size, seed


class Command(BaseCommand):
    help = "Make a clinic of any size to measure with. Refuses on a database that has other data."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--patients", type=int, default=100_000)
        parser.add_argument("--appointments", type=int, default=1_000_000)

    def handle(self, *args: Any, patients: int, appointments: int, **options: Any) -> None:
        if User.objects.exists() or Site.objects.exists() or Patient.objects.exists():
            raise CommandError("This database has other data. The load clinic is made on an empty one only.")
        if patients < 100 or not 0 < appointments <= 30 * patients:
            raise CommandError("At least 100 patients, and at most thirty appointments for each of them.")
        begun = time.monotonic()

        def say(sentence: str) -> None:
            self.stdout.write(f"{time.monotonic() - begun:6.0f} s  {sentence}")

        try:
            seed(Size(patients, appointments), say)
        except ValueError as error:
            raise CommandError(f"{error} Give more patients, then start again with an empty database.") from error
        say("done")
        for email, name, role in EVERYWHERE:
            self.stdout.write(f"{email}  {PASSWORD}  {name}, {role.label}")
