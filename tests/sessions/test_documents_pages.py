"""Papers on screen: who may open what, one click to the PDF, the page that finishes by itself, the public check."""
from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.choices import AccessCategory, Role
from clinic.doer import Doer
from clinic.models import AccessEvent, User
from sessions import documents
from sessions.choices import DocumentKind, DocumentState
from sessions.models import Document, TreatmentSession
from tests import factories
from tests.renderer import RendererProcess
from tests.sessions.treated import make_ended_treatment

pytestmark = pytest.mark.django_db
STAFF = (Role.FRONT_DESK, Role.PRACTITIONER, Role.MEDICAL_LEAD)


@pytest.fixture
def record() -> TreatmentSession:
    return make_ended_treatment(site=factories.make_site(name="Halden Clinic"))


@pytest.fixture
def desk(record: TreatmentSession) -> User:
    return factories.make_user(Role.FRONT_DESK, name="Mara Lind")


@pytest.fixture
def sheet(record: TreatmentSession, desk: User) -> Document:
    return documents.issue_aftercare(treatment_session=record, by=Doer.staff(desk, record.appointment.site))


def page(name: str, thing: Any) -> str:
    return reverse(name, args=[thing.public_id])


# ------------------------------------------------------------------------------------------------------------- the PDF
@pytest.mark.parametrize("role", STAFF)
def test_one_click_opens_the_pdf(client: Client, sheet: Document, renderer: RendererProcess, role: str) -> None:
    answer = factories.signed_in(client, factories.make_user(role)).get(page("document-pdf", sheet))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    sheet.refresh_from_db()
    assert answer["Content-Disposition"] == f'inline; filename="document-{sheet.verification_code}.pdf"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Security-Policy"].startswith("default-src 'none'")
    assert "script-src" not in answer["Content-Security-Policy"]
    print_row = AccessEvent.objects.get(category=AccessCategory.PRINT)
    assert print_row.patient_public_id == sheet.patient.public_id
    assert print_row.object_public_id == sheet.public_id


def test_the_same_bytes_every_time_and_each_print_in_the_log(
    client: Client, sheet: Document, renderer: RendererProcess, desk: User
) -> None:
    signed_in = factories.signed_in(client, desk)
    first, second = (signed_in.get(page("document-pdf", sheet)).content for _ in range(2))
    assert first == second
    saved = signed_in.get(page("document-pdf", sheet) + "?download=1")
    assert saved["Content-Disposition"].startswith("attachment;")
    assert AccessEvent.objects.filter(category=AccessCategory.PRINT).count() == 3


def test_a_manager_sees_the_state_but_not_the_paper(client: Client, sheet: Document) -> None:
    manager = factories.signed_in(client, factories.make_user(Role.MANAGER))
    assert manager.get(page("document", sheet)).status_code == 200
    refused = manager.get(page("document-pdf", sheet))
    assert refused.status_code == 403
    assert AccessEvent.objects.filter(category=AccessCategory.DENIED).exists()
    assert not AccessEvent.objects.filter(category=AccessCategory.PRINT).exists()


@pytest.mark.parametrize("name", ["document", "document-pdf", "document-state", "document-retry"])
def test_a_paper_of_a_patient_one_may_not_see_does_not_exist(client: Client, sheet: Document, name: str) -> None:
    elsewhere = factories.make_user(Role.FRONT_DESK, site=factories.make_site())
    signed_in = factories.signed_in(client, elsewhere)
    method = signed_in.post if name == "document-retry" else signed_in.get
    assert method(page(name, sheet)).status_code == 404


def test_nobody_signed_in_is_sent_to_the_door(client: Client, sheet: Document) -> None:
    for name in ("document", "document-pdf", "document-state"):
        answer = client.get(page(name, sheet))
        assert answer.status_code == 302
        assert "login" in answer["Location"]


# ---------------------------------------------------------------------------------------------------------- its own page
def test_the_page_finishes_by_itself(client: Client, sheet: Document, renderer: RendererProcess, desk: User) -> None:
    signed_in = factories.signed_in(client, desk)
    waiting = signed_in.get(page("document", sheet)).content.decode()
    assert f'hx-get="{page("document-state", sheet)}"' in waiting
    assert "X-Poll" in waiting
    for _ in range(20):
        fragment = signed_in.get(page("document-state", sheet)).content.decode()
        if "hx-get" not in fragment:
            break
    assert page("document-pdf", sheet) in fragment
    assert "<html" not in fragment
    sheet.refresh_from_db()
    assert sheet.state == DocumentState.ISSUED


def test_a_renderer_that_is_away_is_said_and_the_paper_waits(
    client: Client, sheet: Document, settings: Any, tmp_path: Any, desk: User
) -> None:
    settings.RENDERER_SOCKET = str(tmp_path / "away.sock")
    signed_in = factories.signed_in(client, desk)
    assert signed_in.get(page("document-pdf", sheet))["Location"] == page("document", sheet)
    fragment = signed_in.get(page("document-state", sheet)).content.decode()
    assert "document service is not running" in fragment
    assert "hx-get" in fragment
    sheet.refresh_from_db()
    assert sheet.state == DocumentState.QUEUED


def test_a_failed_paper_is_tried_again_once_per_click(
    client: Client, sheet: Document, renderer: RendererProcess, desk: User
) -> None:
    Document.objects.filter(pk=sheet.pk).update(state=DocumentState.FAILED, failure="too-slow")
    signed_in = factories.signed_in(client, desk)
    shown = signed_in.get(page("document", sheet)).content.decode()
    assert "took too long" in shown
    for _ in range(2):  # a double click
        assert signed_in.post(page("document-retry", sheet), {"form_token": "t" * 30}).status_code == 302
    assert signed_in.get(page("document-retry", sheet)).status_code == 405
    assert signed_in.get(page("document-pdf", sheet)).status_code == 200


def test_what_the_patient_typed_stays_text_on_screen(client: Client, desk: User, record: TreatmentSession) -> None:
    type(record.patient).objects.filter(pk=record.patient.pk).update(given_name="<script>alert(1)</script>")
    sheet = documents.issue_aftercare(treatment_session=record, by=Doer.staff(desk, record.appointment.site))
    signed_in = factories.signed_in(client, desk)
    for url in (page("document", sheet), page("patient-documents", record.patient), page("document-new", record.patient)):
        assert "<script>alert" not in signed_in.get(url).content.decode()


# ------------------------------------------------------------------------------------------------------- list, new paper
def test_the_list_of_a_patient_as_page_and_as_fragment(
    client: Client, sheet: Document, desk: User, django_assert_max_num_queries: Any
) -> None:
    signed_in = factories.signed_in(client, desk)
    url = page("patient-documents", sheet.patient)
    whole = signed_in.get(url).content.decode()
    assert "<html" in whole
    assert sheet.verification_code in whole
    with django_assert_max_num_queries(12):
        fragment = signed_in.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert sheet.verification_code in fragment


def test_a_paper_is_asked_for_in_the_chosen_language(client: Client, record: TreatmentSession, desk: User) -> None:
    signed_in = factories.signed_in(client, desk)
    url = page("document-new", record.patient)
    assert "Aftercare sheet, treatment of Thu 12 Mar 2026, 11:20" in signed_in.get(url).content.decode()
    typed = {"paper": f"{DocumentKind.AFTERCARE}:{record.public_id}", "language": "tr", "form_token": "a" * 30}
    first, copy = signed_in.post(url, typed), signed_in.post(url, typed)
    made = Document.objects.get()
    assert made.language == "tr"
    assert first["Location"] == copy["Location"] == page("document", made)


@pytest.mark.parametrize(
    "wrong",
    [
        {"paper": "aftercare:aaaaaaaaaaaaaaaaaaaaaa"}, {"paper": ""}, {"paper": "consent:"}, {"paper": "\x00"},
        {"language": "xx"}, {"language": ""}, {"language": "<b>"}, {"paper": "x" * 5000}, {"form_token": ""},
        {"paper": "blank-consent:' OR 1=1 --"}, {"form_token": "t" * 65},
    ],
)  # fmt: skip
def test_wrong_input_is_refused_and_nothing_made(
    client: Client, record: TreatmentSession, desk: User, wrong: dict[str, str]
) -> None:
    typed = {"paper": f"{DocumentKind.AFTERCARE}:{record.public_id}", "language": "en", "form_token": "a" * 30} | wrong
    answer = factories.signed_in(client, desk).post(page("document-new", record.patient), typed)
    assert answer.status_code == 422
    assert Document.objects.count() == 0


def test_another_patients_treatment_cannot_be_asked_for(client: Client, record: TreatmentSession, desk: User) -> None:
    other = factories.make_patient(record.appointment.site)
    typed = {"paper": f"{DocumentKind.AFTERCARE}:{record.public_id}", "language": "en", "form_token": "a" * 30}
    assert factories.signed_in(client, desk).post(page("document-new", other), typed).status_code == 422
    assert Document.objects.count() == 0


def test_the_blank_consent_form_prints(client: Client, desk: User, renderer: RendererProcess) -> None:
    signed_in = factories.signed_in(client, desk)
    answer = signed_in.post(reverse("document-blank"), {"language": "tr", "form_token": "b" * 30})
    made = Document.objects.get()
    assert answer["Location"] == page("document", made)
    assert made.kind == DocumentKind.BLANK_CONSENT
    assert signed_in.get(page("document-pdf", made)).content.startswith(b"%PDF")


def test_a_blank_form_of_another_site_does_not_exist(client: Client, desk: User) -> None:
    made = documents.issue_blank_consent(site=factories.make_site(), by=Doer.staff(desk), language="en")
    stranger = factories.make_user(Role.FRONT_DESK, site=factories.make_site())
    assert factories.signed_in(client, stranger).get(page("document", made)).status_code == 404


# ------------------------------------------------------------------------------------------------------ the public check
def issued(sheet: Document) -> Document:
    return documents.finish(document=sheet, wait_seconds=30)


def test_anybody_can_check_a_genuine_paper(client: Client, sheet: Document, renderer: RendererProcess) -> None:
    paper = issued(sheet)
    answer = client.get(reverse("verify", args=[paper.verification_code]))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Genuine and current" in text
    assert paper.sha256[:4] in text
    assert "Halden Clinic" in text
    for private in ("Nadia", "Rahman", "1984", "skin", paper.patient.record_number, paper.patient.public_id):
        assert private not in text


def test_the_address_in_the_qr_code_is_the_page(sheet: Document, settings: Any) -> None:
    assert sheet.source["foot"]["address"] == settings.BASE_URL + reverse("verify", args=[sheet.verification_code])


@pytest.mark.parametrize("how", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code} ",
                                 lambda code: code.replace("0", "O").replace("1", "I")])  # fmt: skip
def test_a_code_is_read_as_people_type_it(
    client: Client, sheet: Document, renderer: RendererProcess, how: Any
) -> None:
    paper = issued(sheet)
    answer = client.get(reverse("verify-form"), {"code": how(paper.verification_code)})
    assert "Genuine and current" in answer.content.decode()


def test_a_superseded_paper_says_so(
    client: Client, sheet: Document, renderer: RendererProcess, record: TreatmentSession
) -> None:
    old = issued(sheet)
    type(record).objects.filter(pk=record.pk).update(ended_at=record.ended_at.replace(minute=40))
    documents.issue_aftercare(treatment_session=record, by=Doer.staff(record.practitioner, record.appointment.site))
    text = client.get(reverse("verify", args=[old.verification_code])).content.decode()
    assert "replaced by a newer one" in text
    assert "Genuine and current" not in text


@pytest.mark.parametrize("code", ["0000-0000", "x", "%00", "<script>", "' OR 1=1", "a" * 300, "İıŞğ-ÜÖÇ", "٠٠٠٠-٠٠٠٠"])
def test_unknown_codes_are_unknown(client: Client, sheet: Document, code: str) -> None:
    answer = client.get(f"/verify/{code}/")
    assert answer.status_code == 404
    assert "No paper with this code" in answer.content.decode()
    assert "<script>" not in answer.content.decode().split("<main", 1)[1]


def test_a_paper_still_in_the_queue_is_not_genuine_yet(client: Client, sheet: Document) -> None:
    assert client.get(reverse("verify", args=[sheet.verification_code])).status_code == 404


def test_guessing_codes_is_slowed_down(client: Client, sheet: Document, renderer: RendererProcess, at: Any) -> None:
    at("2026-03-12T12:00:00+00:00")
    paper = issued(sheet)
    answers = [client.get("/verify/0000-0000/").status_code for _ in range(21)]
    assert answers == [404] * 20 + [429]
    real = client.get(reverse("verify", args=[paper.verification_code]))
    assert real.status_code == 429
    assert "Genuine" not in real.content.decode()
    other = client.get(reverse("verify", args=[paper.verification_code]), REMOTE_ADDR="10.1.2.3")
    assert other.status_code == 200
    at("2026-03-12T12:11:00+00:00")
    assert client.get(reverse("verify", args=[paper.verification_code])).status_code == 200
