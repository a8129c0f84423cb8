"""Publish the reference catalogue that ships with the application, all of it or nothing, and what can be booked by it."""
from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from protocols import catalogue, services, texts
from protocols.loading import CatalogueError


class Command(BaseCommand):
    help = "Validate and publish the reference catalogue; add the services that are missing. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            version = catalogue.ensure_reference_catalogue()
            added = services.ensure_default_services()
            written = texts.ensure_shipped_texts()
        except CatalogueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"In force or waiting: {version} ({version.get_state_display()})")
        self.stdout.write(f"Services added: {len(added)}. Texts in other languages added: {written}")
