"""A counter per caller in the database cache, for public pages that answer a guess.

The default cache is a table, so this works while Redis is down. An advisory lock per key makes the count
exact when many requests come at once.
"""
from __future__ import annotations

import time

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac


def within(request: HttpRequest, *, purpose: str, most: int, seconds: int) -> bool:
    """Count this request; False when the caller made more than `most` in the current stretch of `seconds`. Only a keyed
    hash of the network address is kept, and only that long."""
    caller = salted_hmac(f"limit.{purpose}", network_address(request), algorithm="sha256").hexdigest()[:32]
    key = f"limit:{purpose}:{int(time.time() // seconds)}:{caller}"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        count: int = cache.get(key, 0) + 1
        cache.set(key, count, timeout=seconds)
    return count <= most


def network_address(request: HttpRequest) -> str:
    """Where the request came from: the entry our own proxies added, never what the caller claims in front of it."""
    if settings.TRUSTED_PROXIES:
        hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        if len(hops) >= settings.TRUSTED_PROXIES:
            return str(hops[-settings.TRUSTED_PROXIES])
    return str(request.META.get("REMOTE_ADDR", "unknown"))
