from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import translation

from sessions.status_drawing import draw


class Command(BaseCommand):
    help = "Write docs/status.md from the transition tables."

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override("en"):
            (settings.BASE_DIR / "docs" / "status.md").write_text(draw(), encoding="utf-8")
