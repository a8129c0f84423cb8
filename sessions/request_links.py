"""The link in the mail about an online request: minted when the mail is written, found again by its hash alone."""
from __future__ import annotations

import secrets
from typing import Any

from patients.links import hash_of
from sessions.models import BookingRequest, RequestToken


def token_for(request: BookingRequest) -> str:
    """A new link to this request. The token is nowhere but in the mail."""
    token = secrets.token_urlsafe(32)
    RequestToken.objects.create(request=request, token_hash=hash_of(token))
    return token


def request_behind(token: str) -> BookingRequest | None:
    """The request of this token. Changes nothing, however often a mail scanner opens it."""
    if not 20 <= len(token) <= 100:
        return None
    found: BookingRequest | None = _requests().filter(tokens__token_hash=hash_of(token)).first()
    return found


def request_named(public_id: str) -> BookingRequest | None:
    found: BookingRequest | None = _requests().filter(public_id=public_id).first()
    return found


def _requests() -> Any:
    return BookingRequest.objects.select_related(
        "site", "service", "appointment__site", "appointment__practitioner", "appointment__room", "appointment__patient"
    )
