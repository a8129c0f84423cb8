"""Write the tables of docs/case-files.md from the reference catalogue and the readers of case files."""
from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from protocols.casefiles.tables import with_tables
from protocols.loading import load_reference


class Command(BaseCommand):
    help = "Write the tables of docs/case-files.md: questions, answers, fields, expectations."

    def handle(self, *args: Any, **options: Any) -> None:
        document = settings.BASE_DIR / "docs" / "case-files.md"
        document.write_text(with_tables(document.read_text(encoding="utf-8"), load_reference()), encoding="utf-8")
