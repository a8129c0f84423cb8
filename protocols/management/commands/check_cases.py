"""Run clinical case files against the rules (docs/case-files.md)."""
from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from protocols import catalogue
from protocols.casefiles.running import check_files
from protocols.casefiles.wording import failure, summary
from protocols.definitions import Catalogue
from protocols.loading import CatalogueError, load_reference
from protocols.models import CatalogueVersion


class Command(BaseCommand):
    help = "Run clinical case files: print every case that fails, with its reasons, and how many passed and failed."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="case files, or folders of them")
        parser.add_argument(
            "--catalogue", type=int, metavar="VERSION",
            help="number of a catalogue version of this clinic, drafts included; without it the reference is checked",
        )

    def handle(self, *args: Any, files: list[Path], **options: Any) -> None:
        passed = failed = 0
        for result in check_files(files, chosen_catalogue(options["catalogue"])):
            passed += result.passed
            failed += not result.passed
            if not result.passed:
                self.stdout.write("\n".join(failure(result)) + "\n")
        if not passed + failed:
            self.stdout.write("No case files were found.")
        self.stdout.write(summary(passed=passed, failed=failed))
        if failed or not passed:
            sys.exit(1)


def chosen_catalogue(number: int | None) -> Catalogue:
    """The reference as it ships, or a version of this clinic. Raises `CommandError` when it does not exist or holds."""
    try:
        if number is None:
            return load_reference()
        version = CatalogueVersion.objects.filter(number=number).first()
        if version is None:
            known = ", ".join(map(str, CatalogueVersion.objects.order_by("number").values_list("number", flat=True)))
            raise CommandError(f"There is no catalogue version {number}. Known are: {known or 'none'}.")
        return catalogue.load(version)
    except CatalogueError as error:
        raise CommandError(f"This catalogue does not hold:\n{error}") from error
