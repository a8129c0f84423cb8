"""Mail through a provider's API instead of SMTP (django-anymail): handing over, and the reports its webhooks bring.

Switched on by EMAIL_PROVIDER. Its answers are said in the four ways of `sessions.delivery`; a webhook has passed
anymail's check of secret and signature before `heard` is called.
"""

from __future__ import annotations

from typing import Any

import requests
from anymail import exceptions as anymail
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from django.core.mail import EmailMultiAlternatives
from urllib3.exceptions import NewConnectionError

from sessions import tracking
from sessions.choices import MessageState
from sessions.delivery import CANNOT_BE_WRITTEN, LOST_ANSWER, NO_ANSWER, Permanent, Temporary, Unknown
from sessions.tracking import Report

FATES = {
    EventType.DELIVERED: MessageState.DELIVERED, EventType.BOUNCED: MessageState.BOUNCED,
    EventType.REJECTED: MessageState.BOUNCED, EventType.FAILED: MessageState.BOUNCED,
}  # fmt: skip
COMPLAINTS = {EventType.COMPLAINED, EventType.UNSUBSCRIBED}
BAD_ADDRESS = {RejectReason.BOUNCED, RejectReason.INVALID}
NOT_LET_IN = {401, 403}  # our key is wrong: no mail at all can go, so none is to blame
TOO_MUCH = 429


def hand_to(backend: Any, email: EmailMultiAlternatives) -> None:
    """Hand one mail to the provider. Raises `Temporary`, `Permanent` or `Unknown`."""
    email.metadata = {"message_id": email.extra_headers["Message-ID"]}  # type: ignore[attr-defined]
    try:
        backend.send_messages([email])
    except anymail.AnymailRecipientsRefused as error:
        raise Permanent(words_of(error), address=True) from error
    except anymail.AnymailAPIError as error:
        raise meaning_of(error) from error
    except anymail.AnymailError as error:  # an address or a feature it cannot put into its own form
        raise Permanent(CANNOT_BE_WRITTEN) from error


def meaning_of(error: anymail.AnymailAPIError) -> Temporary | Permanent | Unknown:
    """Never connected: later. No answer, or one nobody understands: unknown. 429, 5xx, wrong key: later; else refused."""
    status = error.status_code
    if status is None:
        return Temporary(NO_ANSWER, server=True) if never_connected(error) else Unknown(LOST_ANSWER)
    if 200 <= status < 300:  # accepted, but the answer could not be read
        return Unknown(LOST_ANSWER)
    if status >= 500 or status == TOO_MUCH or status in NOT_LET_IN:
        return Temporary(words_of(error), server=True)
    return Permanent(words_of(error))


def never_connected(error: BaseException) -> bool:
    """Whether not one byte can have reached the provider."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.__cause__
    inner = cause.args[0] if isinstance(cause, requests.ConnectionError) and cause.args else None
    return isinstance(getattr(inner, "reason", None), NewConnectionError)


def words_of(error: anymail.AnymailError) -> str:
    """What the log may say: the status, never the request with its address and text."""
    status = f"{error.status_code} " if getattr(error, "status_code", None) else ""
    return f"{status}{error.esp_name or 'provider'}"


def heard(sender: Any, event: AnymailTrackingEvent, esp_name: str, **_more: Any) -> None:
    """A webhook's event. One that says nothing we keep, or speaks of no mail of ours, is let go."""
    rfc_message_id = str((event.metadata or {}).get("message_id", ""))
    recipient = str(event.recipient or "")
    if event.event_type in COMPLAINTS:
        tracking.complained(rfc_message_id=rfc_message_id, recipient=recipient)
    elif event.event_type in FATES:
        words = event.mta_response or event.description or event.reject_reason or ""
        tracking.take_in(
            Report(
                rfc_message_id=rfc_message_id, recipient=recipient, fate=FATES[event.event_type], words=str(words),
                for_good=event.reject_reason in BAD_ADDRESS,
            )
        )
