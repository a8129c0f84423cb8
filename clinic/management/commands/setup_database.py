"""Bring the database to this code: extensions, tables, cache table, the app role's rights, then the catalogue and the
services it ships with. Safe to repeat; the first part as owner, the second as the app."""
from __future__ import annotations

import time
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

from clinic.grants import apply_grants


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--wait", type=int, default=0, help="seconds to wait for the database to answer")

    def handle(self, *, wait: int, **_: Any) -> None:
        owner = connections["owner"]
        self.wait_for(owner, wait)
        executor = MigrationExecutor(owner)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", database="owner", interactive=False, verbosity=1)
        else:
            apply_grants(owner)
            self.stdout.write("The database is up to date.")
        call_command("load_catalogue", stdout=self.stdout)  # of a floor above: known by its name alone

    @staticmethod
    def wait_for(owner: Any, seconds: int) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                owner.ensure_connection()
            except OperationalError:
                if time.monotonic() >= deadline:
                    place = f"{owner.settings_dict['HOST']}:{owner.settings_dict['PORT']}"
                    raise CommandError(
                        f"The database at {place} cannot be reached: start it or correct OWNER_DATABASE_URL."
                    ) from None
                time.sleep(1)
            else:
                return
