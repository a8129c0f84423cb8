"""The preview of a clinic's own words: on invented data or on something real that this person may see anyway.

Nothing is kept: what composing a real letter would leave behind is rolled back, and its links lead nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from clinic.models import Site, User
from patients.models import Patient
from sessions import message_log, own_letters
from sessions.choices import MessageState
from sessions.invitations import name_of_clinic
from sessions.letter_parts import HIDDEN, Letter
from sessions.letters import COMPOSERS, Shaped, hide, shape
from sessions.message_texts import ALLERGY_TEST, CANCELLED, KINDS, PREPARE, REQUEST
from sessions.models import Appointment, Message
from sessions.own_words import Words
from sessions.sample_letters import NAMES, sample_letter

CHOICES = 20


@dataclass(frozen=True, slots=True)
class Real:
    """Something real a mail can be shown for."""

    public_id: str
    when: str
    patient: Patient


def is_about_a_visit(kind: str) -> bool:
    return KINDS[kind].visit or kind == CANCELLED


def real_choices(kind: str, *, user: User, site: Site) -> list[Real]:
    """Coming visits for the mails about a visit, else messages of this kind that wait to be sent; soonest first."""
    seen = Patient.objects.visible_to(user)
    if is_about_a_visit(kind):
        visits = Appointment.objects.upcoming().filter(site=site, patient__in=seen).select_related("patient", "site")
        if kind in {PREPARE, ALLERGY_TEST}:
            visits = visits.exclude(course=None)
        return [
            Real(one.public_id, message_log.moment(one.starts_at, site, timezone.now()), one.patient)
            for one in visits.order_by("starts_at")[:CHOICES]
        ]
    waiting = Message.objects.filter(site=site, kind=kind, state=MessageState.SCHEDULED, patient__in=seen)
    return [
        Real(one.public_id, message_log.moment(one.due_at, site, timezone.now()), one.patient)
        for one in waiting.select_related("patient").order_by("due_at")[:CHOICES]
        if one.patient is not None
    ]


def find_real(kind: str, public_id: str, *, user: User, site: Site) -> Message | None:
    """A message of this kind about something real, not saved; None for what this person may not see or what is gone."""
    seen = Patient.objects.visible_to(user)
    if is_about_a_visit(kind):
        visit = (
            Appointment.objects.upcoming().filter(site=site, patient__in=seen, public_id=public_id)
            .select_related("patient", "site", "course", "service").first()
        )  # fmt: skip
        if visit is None:
            return None
        return Message(
            kind=kind, patient=visit.patient, site=site, appointment=visit, cause_kind="appointment",
            cause_public_id=visit.public_id, cause_revision=visit.revision, recipient=visit.patient.email,
        )  # fmt: skip
    message = (
        Message.objects.filter(site=site, kind=kind, state=MessageState.SCHEDULED, patient__in=seen, public_id=public_id)
        .select_related("patient", "site", "appointment__site", "appointment__course").first()
    )  # fmt: skip
    if message is None:
        return None
    return Message(
        kind=kind, patient=message.patient, site=site, appointment=message.appointment, cause_kind=message.cause_kind,
        cause_public_id=message.cause_public_id, cause_revision=message.cause_revision, recipient=message.recipient,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preview:
    subject: str
    text: str
    html: str


def preview(
    kind: str, language: str, *, site: Site, words: Words | None, real: Message | None = None, scheme: str = "",
    test_note: str = "",
) -> Preview:  # fmt: skip
    """The mail with these words (None: the shipped ones). A test names nobody: an invented name stands in it."""
    letter = _composed(real, language) if real is not None else sample_letter(kind, language, site)
    clinic_name = name_of_clinic(site)
    if words is not None:
        own_letters.put_into(letter, words, site=site, clinic_name=clinic_name)
    name = letter.name
    if real is not None:
        name = NAMES[language] if test_note or real.patient is None else real.patient.given_name
    stop = dead("mail-stop") if KINDS[kind].optional else ""
    is_patient = not real.patient.is_provisional if real is not None and real.patient else kind != REQUEST
    shaped: Shaped = shape(
        letter, site, language, name=name, clinic_name=clinic_name, kind=kind, stop_address=stop, scheme=scheme,
        test_note=test_note, own_data_address=dead("mail-own-data") if is_patient else "",
    )  # fmt: skip
    return Preview(letter.subject, hide(shaped.text, letter), hide(shaped.html, letter))


def dead(name: str) -> str:
    """An address as in a real mail, and it leads nowhere."""
    return f"{settings.BASE_URL}{reverse(name, args=[HIDDEN])}"


@transaction.atomic
def _composed(message: Message, language: str) -> Letter:
    letter = COMPOSERS[message.kind](message, language)
    transaction.set_rollback(True)
    return letter

