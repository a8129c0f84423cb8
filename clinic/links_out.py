"""Addresses of our pages as they stand in a mail: whole, with the token of one person in them."""

from __future__ import annotations

import re
from functools import lru_cache

from django.conf import settings
from django.urls import get_urlconf, reverse

TOKEN = re.compile(r"[A-Za-z0-9_:.-]+")  # what an address takes as it is
ANY = "any-token"


def address_with(token: str, *, page: str) -> str:
    """The page of this name for this token. What stands around the token is asked once."""
    if not TOKEN.fullmatch(token):
        return f"{settings.BASE_URL}{reverse(page, args=[token])}"
    before, after = _around_the_token(page, get_urlconf())
    return f"{settings.BASE_URL}{before}{token}{after}"


@lru_cache(maxsize=32)
def _around_the_token(page: str, urlconf: str | None) -> tuple[str, str]:
    before, _any, after = reverse(page, urlconf, args=[ANY]).partition(ANY)
    return before, after
