"""`manage.py renderer`: the process that turns pages into PDFs. Part of bin/up and of docker-compose.yml."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Makes PDFs, each in a fenced child of its own. Listens on RENDERER_SOCKET until it is stopped."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from clinic import renderer
        except OSError as error:
            raise CommandError(
                f"WeasyPrint cannot load its libraries ({error}). On Debian: apt install libpango-1.0-0 "
                "libpangoft2-1.0-0 libharfbuzz-subset0"
            ) from error
        try:
            renderer.run(Path(settings.RENDERER_SOCKET), say=self.say)
        except FileNotFoundError as error:
            raise CommandError(str(error)) from error

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
