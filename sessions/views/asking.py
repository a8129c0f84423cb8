"""Who asks, and where: what the middlewares put on a signed-in request, with its types."""
from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest

from clinic.models import Site, User


def user_of(request: HttpRequest) -> User:
    return cast(User, request.user)


def site_of(request: HttpRequest) -> Site | None:
    known: Any = request
    return cast("Site | None", known.site)


def permissions_of(request: HttpRequest) -> frozenset[str]:
    known: Any = request
    return cast("frozenset[str]", known.permissions)
