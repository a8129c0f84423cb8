"""`manage.py renderer`: the process that turns pages into PDFs. Part of bin/up and of docker-compose.yml."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = "Makes PDFs, each in a fenced child of its own. Listens on RENDERER_SOCKET until it is stopped."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--cpu-seconds", type=int, default=20, help="CPU time one document may take (default 20)")
        parser.add_argument("--memory-mb", type=int, default=512, help="memory one document may take (default 512)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from clinic import renderer
        except OSError as error:
            raise CommandError(
                f"WeasyPrint cannot load its libraries ({error}). On Debian: apt install libpango-1.0-0 "
                "libpangoft2-1.0-0 libharfbuzz-subset0"
            ) from error
        try:
            limits = renderer.Limits(cpu_seconds=options["cpu_seconds"], memory_bytes=options["memory_mb"] << 20)
            renderer.run(Path(settings.RENDERER_SOCKET), limits=limits, say=self.say)
        except FileNotFoundError as error:
            raise CommandError(str(error)) from error

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
