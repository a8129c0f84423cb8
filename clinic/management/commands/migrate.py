"""Django's migrate, on the owner's connection unless told otherwise: the app role may not make tables."""
from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate

from clinic.lean_migrating import LeanExecutor

migrate.MigrationExecutor = LeanExecutor  # type: ignore[attr-defined]  # the command has no other place for it


class Command(migrate.Command):
    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")
