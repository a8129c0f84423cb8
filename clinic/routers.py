"""Which connection does what: the owner migrates, the app works."""
from __future__ import annotations

from typing import Any


class OwnerMigrates:
    """Tables are made on the connection `owner` alone; every read and write of the app goes to `default`."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        return True  # both connections lead to one database

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"
