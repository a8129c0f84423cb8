"""What `manage.py check --deploy` refuses, beside Django's own list."""
from __future__ import annotations

from typing import Any

from django.core import checks

from clinic import grants


def two_roles(**_: Any) -> list[checks.CheckMessage]:
    if grants.app_role() is not None:
        return []
    return [
        checks.Error(
            "The app connects as the owner of its tables, so it could rewrite its own history.",
            hint="Set DATABASE_URL to the app role and OWNER_DATABASE_URL to the owner.",
            id="clinic.E001",
        )
    ]


def connect() -> None:
    checks.register(two_roles, checks.Tags.security, deploy=True)
