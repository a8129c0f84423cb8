"""The mails about what somebody has to read, answer or fetch behind a link, and about a patient's own data.

They say only that something waits: what it is stays behind the link and its birth-date gate.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from clinic.doer import SYSTEM
from patients import links
from patients.labels import DataRequestKind, DataRequestState, LinkPurpose
from patients.models import DataRequest
from sessions.letter_parts import Letter, link_address, subject_of
from sessions.message_texts import day_of, say
from sessions.messaging import DATA_REMINDER
from sessions.models import Consent, Message


def intake(message: Message, language: str) -> Letter:
    return behind_link(message, language, purpose=LinkPurpose.INTAKE, lead="intake", button="open-questions")


def consent_to_read(message: Message, language: str) -> Letter:
    consent = Consent.objects.get(public_id=message.cause_public_id)
    return behind_link(
        message, language, purpose=LinkPurpose.CONSENT, lead="consent-read", button="open-consent", subject=consent
    )


def papers(message: Message, language: str) -> Letter:
    return behind_link(message, language, purpose=LinkPurpose.PAPERS, lead="papers", button="open-papers")


def behind_link(
    message: Message, language: str, *, purpose: str, lead: str, button: str, subject: Consent | None = None
) -> Letter:
    """A sentence, until when the link opens, and the button with a fresh one."""
    if message.patient is None:
        raise ValueError("A mail with a patient's link needs its patient.")
    expires_at = timezone.now() + dt.timedelta(days=links.VALID_DAYS)
    _link, token = links.issue(
        patient=message.patient, site=message.site, purpose=purpose, subject=subject, expires_at=expires_at, by=SYSTEM
    )
    return Letter(
        subject=subject_of(message, language),
        lead=say(lead, language),
        paragraphs=[say("intake-safe", language, day=day_of(expires_at.astimezone(message.site.zone), language))],
        buttons=[(say(button, language), link_address(token))],
        token=token,
    )


def data_asked(message: Message, language: str) -> Letter:
    request = DataRequest.objects.get(public_id=message.cause_public_id)
    erase = [say("asked-erase-law", language)] if request.kind == DataRequestKind.ERASE else []
    return Letter(
        subject=subject_of(message, language),
        lead=say(f"asked-{request.kind}", language, day=day_of(request.due_on, language, year=True)),
        paragraphs=[*erase, *([say("asked-not-you", language, phone=message.site.phone)] if message.site.phone else [])],
    )


def data_to_answer(message: Message, language: str) -> Letter:
    """To those who may answer: that a request about data is there, and by when; later, that it is still open."""
    request = DataRequest.objects.get(public_id=message.cause_public_id)
    due = day_of(request.due_on, language, year=True)
    key = "data-alert" if message.cause_revision < DATA_REMINDER else "data-reminder"
    return Letter(
        subject=say(f"{key}-subject", language, day=due),
        lead=say(key, language, day=due),
        buttons=[(say("open-requests", language), f"{settings.BASE_URL}{reverse('data-requests')}")],
    )


def data_answered(message: Message, language: str) -> Letter:
    request = DataRequest.objects.get(public_id=message.cause_public_id)
    asked_on = request.asked_at.astimezone(message.site.zone)
    return Letter(
        subject=subject_of(message, language),
        lead=say(f"answer-{request.kind}-{request.state}", language, day=day_of(asked_on, language, year=True)),
        facts=[(say("answer-reason", language), request.reason)],
        paragraphs=[say("answer-complain", language)] if request.state == DataRequestState.REFUSED else [],
    )
