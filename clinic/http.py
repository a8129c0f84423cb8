"""The request as views see it after our middlewares (clinic/middleware.py)."""
from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from clinic.doer import Doer
    from clinic.models import Site, User


class StaffRequest(HttpRequest):
    """A request of a signed-in member of staff: `site` is the one chosen in the frame, `permissions` what holds there.

    A page for staff without any open site is refused before its view is reached, so `site` is never missing here."""

    user: User
    site: Site  # type: ignore[assignment]
    sites: list[Site]
    permissions: frozenset[str]
    htmx: HtmxDetails
    patient_doer: Doer | None
