"""The mixture worksheet and the syringe labels: what they say, that they are frozen, and who may ask for them."""
from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import AuditEvent
from patients.models import Measurement
from protocols.plan import Component, Plan, Syringe
from sessions import coursework, documents, mixture_papers, mixtures, recording
from sessions.choices import DocumentKind, DocumentState
from sessions.models import Course, Document, TreatmentSession
from tests import factories as make
from tests.renderer import RendererProcess
from tests.sessions.careday import MORNING, CareDay, hidden_of, make_care_day

pytestmark = pytest.mark.django_db
MM = 72 / 25.4


@pytest.fixture
def day(at: Any) -> CareDay:
    at(MORNING)
    return make_care_day()


def two_syringes(course: Course) -> Plan:
    """Hyaluronic acid at one depth, biotin with saline at another; both into the face."""
    return Plan(
        indication=course.indication, category=course.category, regions=("reg-face",), technique=course.technique,
        syringes=(
            Syringe((Component("sub-ha-nc", Decimal(2), Decimal(10)),), points=60, depth_mm=Decimal("1.5")),
            Syringe((Component("sub-biotin", Decimal(1), Decimal(5)), Component("sub-nacl", Decimal("0.5")),
                     Component("sub-lidocaine", Decimal("0.5"), Decimal(10))), technique="tq-nappage"),
        ),
        numbing_cream_g=Decimal(10), antiseptic="chlorhexidine",
    )  # fmt: skip


def approved(day: CareDay) -> Course:
    course = day.course(approved=False)
    course = mixtures.change_mixture(course=course, plan=two_syringes(course), seen_version=course.version, by=day.by)
    return coursework.approve(course=course, seen_version=course.version, by=day.by)


def opened(day: CareDay, course: Course) -> TreatmentSession:
    """A session of it with a lot for every line."""
    record = day.open_record(course)
    lots = {"sub-ha-nc": "HA-2291", "sub-biotin": "BIO-7", "sub-nacl": "NACL-31", "sub-lidocaine": "LID-0045"}
    lines = [
        recording.ProductLine(
            position=product.position, volume_ml=product.volume_ml,
            lot=make.make_lot(
                day.site, substance=product.substance, lot_number=lots[product.substance], strength=product.strength
            ),
        )
        for product in record.products.all()
    ]  # fmt: skip
    return recording.save_amounts(
        record=record, seen_version=record.version, by=day.by, wasted_ml=Decimal(0), note="", reaction_note="",
        products=lines, areas=[],
    )  # fmt: skip


def made(document: Document) -> Document:
    return documents.finish(document=document, wait_seconds=30)


def words_of(document: Document) -> str:
    pages = PdfReader(io.BytesIO(documents.bytes_of(document))).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


# ---------------------------------------------------------------------------------------------------------------- contents
def test_the_worksheet_of_a_session_says_everything(day: CareDay, renderer: RendererProcess) -> None:
    record = opened(day, approved(day))
    sheet = made(mixture_papers.issue_worksheet(course=record.course, record=record, by=day.by, language="en"))
    assert (sheet.state, sheet.pages, sheet.kind) == (DocumentState.ISSUED, 1, DocumentKind.WORKSHEET)
    said = words_of(sheet)
    patient = day.patient
    for expected in [
        patient.name, patient.record_number, f"{patient.birth_date.day} ", "65 kg", "Dr Amina Haddad", "session 1 of",
        "Syringe 1 of 2", "Syringe 2 of 2", "60 points", "depth 1.5 mm", "10 mg/ml", "HA-2291", "BIO-7", "LID-0045",
        "5 mg", "2.5 mg/ml", "10 g", "09:50", "10:50", "13:50", "inject within 60 minutes, never after 4 hours",
    ]:  # fmt: skip
        assert expected in said, expected
    assert said.index("Sodium chloride") < said.index("Biotin") < said.index("Lidocaine"), "diluent first, anaesthetic last"


def test_a_label_for_each_syringe(day: CareDay, renderer: RendererProcess) -> None:
    record = opened(day, approved(day))
    labels = made(mixture_papers.issue_labels(course=record.course, record=record, by=day.by, language="tr"))
    assert labels.pages == 2
    pages = PdfReader(io.BytesIO(documents.bytes_of(labels))).pages
    assert [round(float(side) / MM) for side in (pages[0].mediabox.width, pages[0].mediabox.height)] == [100, 50]
    first, second = (" ".join(page.extract_text().split()) for page in pages)
    for page in (first, second):
        for expected in [day.patient.name, day.patient.record_number, "09:50", "10:50", labels.verification_code]:
            assert expected in page, expected
    assert "HA-2291" in first
    assert "HA-2291" not in second
    assert "LID-0045" in second


def test_before_the_session_the_lots_are_blank(day: CareDay, renderer: RendererProcess) -> None:
    sheet = made(mixture_papers.issue_worksheet(course=approved(day), record=None, by=day.by, language="en"))
    lines = [line for syringe in sheet.source["content"]["syringes"] for line in syringe["lines"]]
    assert {line["lot"] for line in lines} == {""}
    assert sheet.source["content"]["prepared"] == ""
    assert "09:50" not in words_of(sheet).split("Printed by")[0]


# ----------------------------------------------------------------------------------------------------------- frozen, again
def test_the_same_paper_twice_is_one_and_a_lot_makes_a_new_one(day: CareDay) -> None:
    course = approved(day)
    record = day.open_record(course)
    first = mixture_papers.issue_worksheet(course=course, record=record, by=day.by, language="en")
    assert mixture_papers.issue_worksheet(course=course, record=record, by=day.by, language="en") == first
    turkish = mixture_papers.issue_worksheet(course=course, record=record, by=day.by, language="tr")
    first.refresh_from_db()
    assert first.superseded_by is None, "the other language says the same"
    recording.save_amounts(
        record=record, seen_version=record.version, by=day.by, wasted_ml=Decimal(0), note="", reaction_note="", areas=[],
        products=[recording.ProductLine(position=1, volume_ml=Decimal("1.5"), lot=make.make_lot(day.site))],
    )  # fmt: skip
    newer = mixture_papers.issue_worksheet(course=course, record=record, by=day.by, language="en")
    for older in (first, turkish):
        older.refresh_from_db()
        assert older.superseded_by == newer
    assert AuditEvent.objects.filter(action="document-requested", detail__kind="worksheet").count() == 3


# ----------------------------------------------------------------------------------------------------------------- refused
def test_nothing_is_prepared_from_a_proposal(day: CareDay) -> None:
    with pytest.raises(Refused, match="not approved"):
        mixture_papers.issue_worksheet(course=day.course(approved=False), record=None, by=day.by, language="en")
    assert not Document.objects.exists()


def test_nothing_is_prepared_while_the_check_does_not_pass(day: CareDay) -> None:
    """The weight was withdrawn after the approval: the lidocaine of the plan cannot be judged."""
    course = approved(day)
    Measurement.objects.filter(patient=day.patient, code="m-weight").update(taken_on="2025-01-01")
    with pytest.raises(Refused, match="body weight"):
        mixture_papers.issue_labels(course=course, record=None, by=day.by, language="en")
    assert not Document.objects.exists()


def test_who_may_not_treat_prepares_nothing(day: CareDay) -> None:
    course = approved(day)
    by = Doer.staff(make.make_user(Role.FRONT_DESK), day.site)
    with pytest.raises(NotPermitted):
        mixture_papers.issue_worksheet(course=course, record=None, by=by, language="en")


# ------------------------------------------------------------------------------------------------------------------- pages
@pytest.mark.parametrize("paper", ["worksheet", "label"])
@pytest.mark.parametrize("where", ["course", "record"])
def test_the_button_leads_to_the_paper(client: Client, day: CareDay, paper: str, where: str) -> None:
    course = approved(day)
    record = opened(day, course)
    make.signed_in(client, day.doctor)
    key = course.public_id if where == "course" else record.appointment.public_id
    act = reverse(f"{where}-paper", args=[key, paper])
    page = client.get(reverse(where, args=[key])).content.decode()
    values = hidden_of(page, act)
    first, second = client.post(act, values), client.post(act, values)
    document = Document.objects.get()
    assert first.url == second.url == reverse("document", args=[document.public_id])
    assert (document.kind, document.appointment_id) == (paper, record.appointment_id if where == "record" else None)


def test_a_paper_that_is_none_is_not_found(client: Client, day: CareDay) -> None:
    make.signed_in(client, day.doctor)
    assert client.post(reverse("course-paper", args=[approved(day).public_id, "poster"])).status_code == 404


def test_a_lost_token_prints_nothing(client: Client, day: CareDay) -> None:
    make.signed_in(client, day.doctor)
    answer = client.post(reverse("course-paper", args=[approved(day).public_id, "label"]), {"form_token": "x" * 65})
    assert answer.status_code == 409
    assert not Document.objects.exists()
