"""Publish the reference catalogue that ships with the application, all of it or nothing."""
from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from protocols import catalogue
from protocols.loading import CatalogueError


class Command(BaseCommand):
    help = "Validate and publish the reference catalogue; does nothing when it is in force already."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            version = catalogue.ensure_reference_catalogue()
        except CatalogueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"In force or waiting: {version} ({version.get_state_display()})")
