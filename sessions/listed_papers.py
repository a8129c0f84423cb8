"""Papers made of facts and lists: session summary, course plan with cost, treatment passport, day list, letter to another
doctor, recall letter, blank health questions. Each is frozen when asked for; the same paper asked for twice is one."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Site, User
from clinic.permissions import check_doer
from patients.models import Patient
from sessions import documents, papers
from sessions.choices import DocumentKind, DocumentState
from sessions.listed_contents import (
    blank_intake,
    day_list_of,
    letter_of,
    passport_of,
    plan_content,
    recall_of,
    summary_of,
)
from sessions.listing import ListingContent
from sessions.listing_words import LISTING, LISTING_VERSION
from sessions.models import Course, Document, TreatmentSession
from sessions.paper_words import printable_language, word

LONGEST_LETTER = 2_000


# --------------------------------------------------------------------------------------------------------------- asking
@transaction.atomic
def issue_summary(*, record: TreatmentSession, by: Doer, language: str | None = None) -> Document:
    """What was given in one session that has ended; a signature, once there is one, makes a newer paper."""
    site = record.appointment.site
    check_doer(by, Permission.SEE_CLINICAL, site)
    if record.ended_at is None:
        raise Refused(_("The treatment has not ended yet."))
    spoken = printable_language(language or record.patient.language)
    return _queue(
        Document(kind=DocumentKind.SUMMARY, patient=record.patient, site=site, course=record.course,
                 appointment=record.appointment, language=spoken),
        content=summary_of(record, spoken), name="summary", clinician=record.practitioner,
        ids={"treatment_session": record.public_id}, by=by,
    )  # fmt: skip


@transaction.atomic
def issue_plan(*, course: Course, by: Doer, language: str | None = None) -> Document:
    """The sessions, products and cost of a course as planned today."""
    if course.status not in {"approved", "completed"}:
        raise Refused(_("The plan is not approved yet."))
    spoken = printable_language(language or course.patient.language)
    return _queue(
        Document(kind=DocumentKind.PLAN, patient=course.patient, site=course.site, course=course, language=spoken),
        content=plan_content(course, spoken), name="plan", clinician=course.practitioner,
        ids={"course": course.public_id, "plan_version": course.plan_version}, by=by,
    )  # fmt: skip


@transaction.atomic
def issue_passport(*, patient: Patient, site: Site, by: Doer, language: str | None = None) -> Document:
    """Every product and lot this patient has had here so far."""
    check_doer(by, Permission.SEE_CLINICAL, site)
    spoken = printable_language(language or patient.language)
    return _queue(
        Document(kind=DocumentKind.PASSPORT, patient=patient, site=site, language=spoken),
        content=passport_of(patient, site, spoken), name="passport", clinician=None, ids={}, by=by,
    )  # fmt: skip


@transaction.atomic
def issue_letter(
    *, patient: Patient, site: Site, recipient: str, text: str, by: Doer, language: str | None = None
) -> Document:
    """A clinician's letter about a patient to another doctor: their own words, and below them what was given here."""
    check_doer(by, Permission.SEE_CLINICAL, site)
    if by.user is None or not by.user.licence_number:
        raise Refused(_("A letter to another doctor is signed by a clinician."))
    if not recipient.strip() or not text.strip():
        raise Refused(_("Say to whom the letter goes and what it says."), field="text" if recipient.strip() else "recipient")
    spoken = printable_language(language or "en")
    return _queue(
        Document(kind=DocumentKind.LETTER, patient=patient, site=site, language=spoken),
        content=letter_of(patient, site, recipient=recipient, text=text[:LONGEST_LETTER], by=by.user, language=spoken),
        name="letter", clinician=by.user, ids={"recipient": recipient.strip()[:120]}, by=by,
    )  # fmt: skip


@transaction.atomic
def issue_recall(*, course: Course, by: Doer, language: str | None = None) -> Document:
    """A letter that asks a patient back whose next session is not booked. Names no treatment."""
    planned = course.planned_sessions.filter(done_on=None, skipped_reason="").order_by("number").first()
    if planned is None or planned.fulfilments.filter(active=True).exists():
        raise Refused(_("The next session is booked, or none is planned: there is nothing to recall for."))
    spoken = printable_language(language or course.patient.language)
    return _queue(
        Document(kind=DocumentKind.RECALL, patient=course.patient, site=course.site, course=course, language=spoken),
        content=recall_of(course, planned, spoken), name="recall", clinician=course.practitioner,
        ids={"planned_session": planned.public_id}, by=by,
    )  # fmt: skip


@transaction.atomic
def issue_day_list(*, site: Site, on: dt.date, by: Doer, language: str | None = None) -> Document:
    """Who comes on one day: initials, room, protocol and two marks; no name and no diagnosis."""
    check_doer(by, Permission.SEE_HEADLINE, site)
    spoken = printable_language(language or (by.user.language if by.user else "en"))
    return _queue(
        Document(kind=DocumentKind.DAY_LIST, site=site, language=spoken),
        content=day_list_of(site, on, spoken), name="day_list", clinician=None, ids={"day": on.isoformat()}, by=by,
    )  # fmt: skip


@transaction.atomic
def issue_blank_intake(*, site: Site, by: Doer, language: str) -> Document:
    """The health questions to be answered by hand."""
    spoken = printable_language(language)
    return _queue(
        Document(kind=DocumentKind.BLANK_INTAKE, site=site, language=spoken),
        content=blank_intake(spoken), name="intake", clinician=None, ids={}, by=by,
    )  # fmt: skip


def _queue(
    document: Document, *, content: ListingContent, name: str, clinician: User | None, ids: dict[str, Any], by: Doer
) -> Document:
    """Freeze it; it supersedes the paper about the same thing in the same language."""
    document.template_version = LISTING_VERSION
    same = Document.objects.filter(
        kind=document.kind, patient=document.patient, site=document.site, course=document.course,
        language=document.language, superseded_by=None,
    ).exclude(state=DocumentState.FAILED)  # fmt: skip
    replaces = [one for one in same.defer("pdf") if one.source["ids"] == ids]
    return documents.queue(
        document, content=content, template="listing", name=word(LISTING[name], document.language),
        head=papers.Head.of(document.site, clinician), ids=ids, replaces=replaces, by=by,
    )  # fmt: skip
