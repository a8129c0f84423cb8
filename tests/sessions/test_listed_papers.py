"""Summary, plan, passport, letters, day list, blank questions: what they say, to whom, and that they are frozen."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pypdf import PdfReader

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from patients.models import Allergy
from sessions import documents, listed_contents, listed_papers, papers
from sessions.choices import DocumentState
from sessions.models import Document, Fulfilment, TreatmentSession
from tests import factories as make
from tests.renderer import RendererProcess
from tests.sessions.test_documents import made, reader_of, text_of
from tests.sessions.treated import make_ended_treatment

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script> {{ 7*7 }} <img src=http://evil.example/x> \u202eAB"


@pytest.fixture
def record(at: Any) -> TreatmentSession:
    at("2026-03-12T12:00:00+00:00")
    site = make.make_site(name="Halden Clinic", phone="+39 06 5555 0100")
    record = make_ended_treatment(
        site=site, course={"price_per_session": Decimal("120.50"), "currency": "EUR"},
        patient={"given_name": "Nadia", "family_name": "Rahman", "address": "Via Roma 1"},
    )  # fmt: skip
    record.course.planned_sessions.filter(number=1).update(done_on=dt.date(2026, 3, 12))
    return record


@pytest.fixture
def doctor(record: TreatmentSession) -> Doer:
    return Doer.staff(record.practitioner, record.appointment.site)


Maker = Callable[[TreatmentSession, Doer, str], Document]
MAKERS: dict[str, Maker] = {
    "summary": lambda record, by, language: listed_papers.issue_summary(record=record, by=by, language=language),
    "plan": lambda record, by, language: listed_papers.issue_plan(course=record.course, by=by, language=language),
    "passport": lambda record, by, language: listed_papers.issue_passport(
        patient=record.patient, site=record.appointment.site, by=by, language=language
    ),
    "letter": lambda record, by, language: listed_papers.issue_letter(
        patient=record.patient, site=record.appointment.site, recipient="Dr Lucia Rossi", text="Please look at it.",
        by=by, language=language,
    ),
    "recall": lambda record, by, language: listed_papers.issue_recall(course=record.course, by=by, language=language),
    "day-list": lambda record, by, language: listed_papers.issue_day_list(
        site=record.appointment.site, on=dt.date(2026, 3, 12), by=by, language=language
    ),
    "blank-intake": lambda record, by, language: listed_papers.issue_blank_intake(
        site=record.appointment.site, by=by, language=language
    ),
}  # fmt: skip
SAYS = {
    "summary": ("Session summary", "Nadia Rahman", "10 mg/ml", "T7K198", "Injected 1.8 ml", "1 of 3"),
    "plan": ("Course plan with cost", "120.50 EUR each session", "361.50 EUR for the course of 3", "not booked yet"),
    "passport": ("Treatment passport", "hyaluronic acid", "T7K198", "Allergies on record", "not recorded"),
    "letter": ("Letter to another doctor", "Dr Lucia Rossi", "Please look at it.", "T7K198", "With kind regards"),
    "recall": ("We would like to see you again", "Dear Nadia Rahman", "+39 06 5555 0100", "prescribed medicine"),
    "day-list": ("Day list", "10:50", "NR", "Room"),
    "blank-intake": ("Your health", "I do not know", "Date and signature"),
}


@pytest.mark.parametrize("kind", list(MAKERS))
def test_each_paper_says_what_it_must_and_reads_back(
    record: TreatmentSession, doctor: Doer, renderer: RendererProcess, kind: str
) -> None:
    paper = made(MAKERS[kind](record, doctor, "en"))
    assert paper.state == DocumentState.ISSUED, paper.failure
    text = text_of(paper).lower()
    for words in SAYS[kind]:
        assert words.lower() in text, f"{kind}: {words}"
    read: PdfReader = reader_of(paper)
    assert read.root_object["/Lang"] == "en"
    assert paper.verification_code in read.metadata.title
    about = f"{read.metadata} {read.root_object['/Metadata'].get_object().get_data().decode()}"
    for private in ("Rahman", "Nadia", "hyaluron", "hydration"):
        assert private not in about, "metadata without health data"
    assert bool(paper.sealed_by) == (kind in {"summary", "passport", "letter"})


@pytest.mark.parametrize("kind", list(MAKERS))
def test_each_paper_exists_in_turkish_and_asked_for_twice_is_one(record: TreatmentSession, doctor: Doer, kind: str) -> None:
    first = MAKERS[kind](record, doctor, "tr")
    assert MAKERS[kind](record, doctor, "tr").pk == first.pk
    assert first.source["content"]["title"] != MAKERS[kind](record, doctor, "en").source["content"]["title"]
    assert Document.objects.count() == 2


@pytest.mark.parametrize("kind", list(MAKERS))
def test_hostile_text_in_every_field_is_text(record: TreatmentSession, doctor: Doer, kind: str) -> None:
    """As it would be printed: nothing a name, note or letter says becomes markup."""
    person, site = record.patient, record.appointment.site
    type(person).objects.filter(pk=person.pk).update(given_name=HOSTILE[:80], family_name=HOSTILE[:80], address=HOSTILE)
    type(site).objects.filter(pk=site.pk).update(name=HOSTILE[:80], address=HOSTILE, phone=HOSTILE[:32])
    TreatmentSession.objects.filter(pk=record.pk).update(reaction_note=HOSTILE)
    record.products.update(lot_label=HOSTILE)
    Allergy.objects.create(patient=person, allergen=HOSTILE[:60], note=HOSTILE, recorded_at=timezone.now())
    fresh = TreatmentSession.objects.get(pk=record.pk)
    paper = MAKERS[kind](fresh, Doer.staff(doctor.user, fresh.appointment.site), "en")
    html = papers.html_of(paper.source, language="en")
    assert "<script" not in html
    assert "<img" not in html
    assert "49" not in html.partition("<body>")[2].partition("7*7")[0][-10:]
    assert "\u202e" not in html


def test_clinical_papers_are_not_for_the_desk(record: TreatmentSession) -> None:
    clinical = ("summary", "passport", "letter")
    for role, kinds in ((Role.FRONT_DESK, clinical), (Role.MANAGER, (*clinical, "day-list"))):
        by = Doer.staff(make.make_user(role), record.appointment.site)
        for kind in kinds:
            with pytest.raises(NotPermitted):
                MAKERS[kind](record, by, "en")
    assert not Document.objects.exists()


def test_a_letter_needs_a_clinician_a_doctor_and_words(record: TreatmentSession, doctor: Doer) -> None:
    site = record.appointment.site
    for recipient, text in ((" ", "words"), ("Dr X", "  ")):
        with pytest.raises(Refused):
            listed_papers.issue_letter(patient=record.patient, site=site, recipient=recipient, text=text, by=doctor)
    unlicensed = make.make_user(Role.PRACTITIONER, licence_number="")
    with pytest.raises(Refused, match="signed by a clinician"):
        listed_papers.issue_letter(
            patient=record.patient, site=site, recipient="Dr X", text="words", by=Doer.staff(unlicensed, site)
        )


def test_a_summary_supersedes_itself_once_the_record_is_signed(record: TreatmentSession, doctor: Doer) -> None:
    first = MAKERS["summary"](record, doctor, "en")
    assert "not signed yet" in str(first.source["content"])
    TreatmentSession.objects.filter(pk=record.pk).update(
        status="signed", signed_at=timezone.now(), signed_by=doctor.user, content_digest="a" * 64
    )
    second = MAKERS["summary"](TreatmentSession.objects.get(pk=record.pk), doctor, "en")
    first.refresh_from_db()
    assert first.superseded_by == second
    assert "I performed this treatment" in str(second.source["content"])
    assert documents.by_code(first.verification_code) is None, "it was never issued"


def test_a_booked_course_is_not_recalled(record: TreatmentSession, doctor: Doer) -> None:
    second = record.course.planned_sessions.get(number=2)
    make.make_appointment(
        record.patient, practitioner=record.practitioner, room=record.appointment.room, course=record.course,
        planned_session=second, starts_at=timezone.now() + dt.timedelta(days=28),
    )  # fmt: skip
    with pytest.raises(Refused, match="nothing to recall"):
        MAKERS["recall"](record, doctor, "en")


def test_the_day_list_names_nobody_and_no_treatment(record: TreatmentSession, doctor: Doer) -> None:
    content = str(MAKERS["day-list"](record, doctor, "en").source["content"])
    for private in ("Nadia", "Rahman", "1984", record.patient.record_number):
        assert private not in content


def test_a_paper_asks_for_the_same_rows_once(record: TreatmentSession) -> None:
    site = record.appointment.site
    with CaptureQueriesContext(connection) as asked:
        listed_contents.passport_of(record.patient, site, "en")
        listed_contents.day_list_of(site, record.appointment.local_start.date(), "en")
    said = [query["sql"] for query in asked]
    assert len([sql for sql in said if f'FROM "{record.products.model._meta.db_table}"' in sql]) == 1
    assert len([sql for sql in said if sql.startswith(f"EXECUTE {Fulfilment._meta.db_table}_")]) == 1
