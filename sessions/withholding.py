"""May a message still go out? What is true now decides, and each no has its reason, which the log shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db.models import F
from django.utils.translation import gettext_noop

from clinic.once import once, tell
from patients import privacy
from patients.models import DataRequest, Patient, PrivacyChoice
from protocols.findings import Outcome
from sessions import changes_before, course_messages, message_rules, messaging
from sessions.choices import CANCELLED as CANCELLED_STATUSES
from sessions.choices import UPCOMING, MessageState, RecordStatus
from sessions.message_rules import SWITCHED_OFF
from sessions.message_texts import ALERT, ALLERGY_TEST, CANCELLED, CONSENT, KINDS
from sessions.messaging import (
    ADDRESS_FAILS,
    BEGUN_ALREADY,
    CALLED_OFF,
    END_TAKEN_BACK,
    EVENT_OPEN,
    MOVED_AWAY,
    NOT_WANTED,
    UNDONE,
)  # fmt: skip
from sessions.models import Appointment, Consent, Course, Message, Screening, TreatmentSession
from sessions.outbox import NO_ADDRESS

S = MessageState

TOO_LATE = gettext_noop("Could not be sent in time")
BLOCKED = gettext_noop("Screening blocks this course")
CONSENT_SETTLED = gettext_noop("The consent was signed, withdrawn or replaced meanwhile")
CONSENT_WITHDRAWN = gettext_noop("The patient withdrew their consent")
REQUEST_SETTLED = gettext_noop("The request was answered meanwhile")
NO_TEST_NEEDED = gettext_noop("No test is needed any more")


def why_not(message: Message, now: dt.datetime) -> tuple[str, str] | None:
    """The state and reason with which this message ends instead of going out, from what is true now. None: it goes."""
    if not message.recipient:
        return S.SUPPRESSED, NO_ADDRESS
    if message.patient is not None and message.patient.email_problem:
        return S.SUPPRESSED, ADDRESS_FAILS
    if message.is_test:
        return (S.MISSED, TOO_LATE) if message.useful_until is not None and message.useful_until <= now else None
    kind = KINDS[message.kind]
    appointment = message.appointment
    course = course_messages.course_of(message)
    if course is not None and message.kind != CANCELLED and has_withdrawn_consent(course):
        return S.SUPPRESSED, CONSENT_WITHDRAWN
    if kind.optional and message.patient is not None and declined(message.patient, message.kind):
        return S.SUPPRESSED, NOT_WANTED
    if kind.optional and message_rules.is_off(message):
        return S.SUPPRESSED, SWITCHED_OFF
    if messaging.is_stopped_by_event(message):
        return S.SUPPRESSED, EVENT_OPEN
    if kind.visit and appointment is not None:
        stop = why_no_visit(message, appointment, now)
        if stop is not None:
            return stop
    if message.kind == CONSENT and not is_open_consent(message):
        return S.SUPPRESSED, CONSENT_SETTLED
    if message.kind == CANCELLED and appointment is not None and appointment.status not in CANCELLED_STATUSES:
        return S.SUPPRESSED, UNDONE
    if kind.after and not has_ended(message):
        return S.SUPPRESSED, END_TAKEN_BACK
    if message.kind == ALLERGY_TEST and appointment is not None and not messaging.needs_test(appointment):
        return S.SUPPRESSED, NO_TEST_NEEDED
    if message.cause_kind == messaging.DATA_CAUSE and message.kind == ALERT and not is_open_request(message):
        return S.SUPPRESSED, REQUEST_SETTLED
    if message.cause_kind == "course" and course is not None:
        if reason := course_messages.why_not(message, course):
            return S.SUPPRESSED, reason
        if kind.stopped_by_block and newest_says_no(course):
            return S.SUPPRESSED, BLOCKED
    if message.useful_until is not None and message.useful_until <= now:
        return S.MISSED, TOO_LATE
    return None


def declined(patient: Patient, kind: str) -> bool:
    return once(("declined", patient.pk, kind), lambda: privacy.declined(patient, kind))


def why_no_visit(message: Message, appointment: Appointment, now: dt.datetime) -> tuple[str, str] | None:
    if appointment.status in CANCELLED_STATUSES:
        return S.SUPPRESSED, CALLED_OFF
    if message.cause_revision < appointment.revision:
        return S.SUPPRESSED, MOVED_AWAY
    if appointment.starts_at <= now:
        return S.MISSED, TOO_LATE
    if appointment.status not in UPCOMING:
        return S.SUPPRESSED, BEGUN_ALREADY
    if KINDS[message.kind].stopped_by_block and is_blocked(appointment):
        return S.SUPPRESSED, BLOCKED
    return None


def is_blocked(appointment: Appointment) -> bool:
    """The newest screening of the course says no. Consultation, test and review are never gated."""
    return appointment.service.is_gated and appointment.course is not None and newest_says_no(appointment.course)


def newest_says_no(course: Course) -> bool:
    newest = Screening.objects.filter(course=course).values_list("outcome", flat=True)
    return once(("newest outcome", course.pk), newest.first) == Outcome.BLOCKED


def has_withdrawn_consent(course: Course) -> bool:
    """Withdrawal of consent stops every message of the course but the word that a visit is cancelled."""
    newest = Consent.objects.filter(course=course).order_by("-informed_at", "-id").values_list("withdrawn_at", flat=True)
    return once(("newest consent withdrawn", course.pk), newest.first) is not None


def is_open_consent(message: Message) -> bool:
    return Consent.objects.filter(
        public_id=message.cause_public_id, signed_at=None, withdrawn_at=None, text__superseded_by=None,
        plan_version=F("course__plan_version"),
    ).exists()  # fmt: skip


def is_open_request(message: Message) -> bool:
    return bool(DataRequest.objects.open().filter(public_id=message.cause_public_id).exists())


def has_ended(message: Message) -> bool:
    return TreatmentSession.objects.filter(
        public_id=message.cause_public_id, status__in=[RecordStatus.ENDED, RecordStatus.SIGNED]
    ).exists()


def read_for(messages: Iterable[Message]) -> None:
    """What `why_not` and the letters will ask about these, read with one query a question. Inside `asked_once`."""
    rows = [row for row in messages if not row.is_test]
    kinds = [KINDS[row.kind] for row in rows]
    patients = {row.patient_id for row in rows if row.patient_id is not None}
    visits = [row.appointment for row in rows if row.appointment is not None]
    courses = {visit.course_id for visit in visits if visit.course_id is not None}
    if courses:
        consents = Consent.objects.filter(course__in=courses).order_by("course_id", "-informed_at", "-id")
        said = dict(consents.distinct("course_id").values_list("course_id", "withdrawn_at"))
        for course in courses:
            tell(("newest consent withdrawn", course), said.get(course))
    if courses and any(kind.stopped_by_block for kind in kinds):
        screenings = Screening.objects.filter(course__in=courses).order_by("course_id", "-evaluated_at", "-id")
        outcomes = dict(screenings.distinct("course_id").values_list("course_id", "outcome"))
        for course in courses:
            tell(("newest outcome", course), outcomes.get(course))
    if any(row.kind not in messaging.ANSWERS for row in rows):
        stopped = set(messaging.patients_stopped().filter(patient__in=patients).values_list("patient", flat=True))
        for patient in patients:
            tell(("stopped by event", patient), patient in stopped)
    if optional := {kind.code for kind in kinds if kind.optional}:
        choices = PrivacyChoice.objects.filter(patient__in=patients, kind__in=optional)
        newest = choices.order_by("patient_id", "kind", "-chosen_at", "-id").distinct("patient_id", "kind")
        no = {(patient, kind) for patient, kind, allowed in newest.values_list("patient_id", "kind", "allowed") if not allowed}
        for row in rows:
            tell(("declined", row.patient_id, row.kind), (row.patient_id, row.kind) in no)
    if courses and any(kind.visit for kind in kinds):
        changes_before.read_for(patients)
