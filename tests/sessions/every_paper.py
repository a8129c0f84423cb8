"""One of every paper for one patient, at a frozen hour: what the golden texts are made from."""
from __future__ import annotations

import datetime as dt
from decimal import Decimal

from clinic.choices import Role
from clinic.doer import Doer
from clinic.languages import TRANSLATED
from protocols import texts
from sessions import consent_signing, documents, listed_papers, mixture_papers
from sessions.models import Course, Document, TreatmentSession
from tests import factories as make
from tests.healthy import answered
from tests.house.world import given_for
from tests.sessions.careday import make_care_day
from tests.sessions.treated import make_ended_treatment

HOUR = "2026-03-12T12:00:00+00:00"
FOR_STAFF = ("day-list", "worksheet", "labels")  # staff read English or Turkish


def approve(language: str) -> None:
    """Every shipped text of a language stands approved by the medical lead."""
    texts.ensure_shipped_texts()
    if language in TRANSLATED:
        waiting = len(texts.newest_waiting(language))
        texts.approve_language(language=language, seen_waiting=waiting, by=Doer.staff(make.make_user(Role.MEDICAL_LEAD)))


def treated_papers(language: str) -> dict[str, Document]:
    """The papers around one session that has ended."""
    record = make_ended_treatment(
        site=make.make_site(name="Halden Clinic", email="rome@halden.example", phone="+39 06 5555 0100"),
        patient={"language": language, "given_name": "Nadia", "family_name": "Rahman", "address": "Via Roma 1",
                 "birth_date": dt.date(1988, 4, 9), "record_number": "M-1042"},
        course={"price_per_session": Decimal("120.50"), "currency": "EUR"},
    )  # fmt: skip
    record.course.planned_sessions.filter(number=1).update(done_on=dt.date(2026, 3, 12))
    answered(record.patient, q_keloid="yes")
    site, by = record.appointment.site, Doer.staff(record.practitioner, record.appointment.site)
    return {
        "aftercare": documents.issue_aftercare(treatment_session=record, by=by),
        "consent": documents.issue_consent(course=record.course, by=by),
        "blank-consent": documents.issue_blank_consent(site=site, by=by, language=language),
        "explanation": documents.issue_explanation(patient=record.patient, course=None, code="scr-keloid", by=by),
        **listed(record, by, language),
    }


def listed(record: TreatmentSession, by: Doer, language: str) -> dict[str, Document]:
    site, person = record.appointment.site, record.patient
    return {
        "summary": listed_papers.issue_summary(record=record, by=by, language=language),
        "plan": listed_papers.issue_plan(course=record.course, by=by, language=language),
        "passport": listed_papers.issue_passport(patient=person, site=site, by=by, language=language),
        "letter": listed_papers.issue_letter(
            patient=person, site=site, recipient="Dr Lucia Rossi", text="T7K198", by=by, language=language
        ),
        "recall": listed_papers.issue_recall(course=record.course, by=by, language=language),
        "day-list": listed_papers.issue_day_list(site=site, on=dt.date(2026, 3, 12), by=by, language=language),
        "blank-intake": listed_papers.issue_blank_intake(site=site, by=by, language=language),
    }


def prepared_papers(language: str) -> dict[str, Document]:
    """The papers before a session: the consent with answer and signature, worksheet and labels of the mixture."""
    care = make_care_day()
    make.make_lot(care.site)
    care.patient.language = language
    care.patient.save(update_fields=["language"])
    type(care.patient).objects.filter(pk=care.patient.pk).update(
        given_name="Nadia", family_name="Rahman", birth_date=dt.date(1988, 4, 9), record_number="M-1042"
    )
    care.patient.refresh_from_db()
    course = care.course()
    Course.objects.filter(pk=course.pk).update(price_per_session=120, currency="EUR")
    course = Course.objects.get(pk=course.pk)
    consent = consent_signing.give(course=course, language=language, by=care.by)
    patient = Doer(kind="patient", label=consent.patient.name, public_id=consent.patient.public_id)
    signed = consent_signing.sign(consent=consent, given=given_for(consent), address="203.0.113.9", by=patient)
    paper = Document.objects.get(kind="signed-consent", superseded_by=None, course=signed.course)
    return {
        "signed-consent": paper,
        "worksheet": mixture_papers.issue_worksheet(course=course, record=None, by=care.by, language=language),
        "labels": mixture_papers.issue_labels(course=course, record=None, by=care.by, language=language),
    }


