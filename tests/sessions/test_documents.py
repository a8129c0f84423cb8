"""Papers end to end: asked for, made by the real renderer, frozen, handed out, superseded, checked by their code."""
from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import subprocess
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone
from pypdf import PdfReader

from clinic import rendering
from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import AuditEvent, User
from protocols import catalogue
from sessions import documents
from sessions.choices import DocumentKind, DocumentState
from sessions.models import Document
from tests import factories
from tests.renderer import RendererProcess
from tests.sessions.treated import make_ended_treatment

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Doer:
    site = factories.make_site(name="Halden Clinic", phone="+39 06 5555 0100")
    return Doer.staff(factories.make_user(Role.FRONT_DESK, name="Mara Lind"), site)


def made(document: Document) -> Document:
    return documents.finish(document=document, wait_seconds=30)


def text_of(document: Document) -> str:
    """What a person reads, spaces squeezed: line by line over the page, then column by column."""
    read = []
    for order in ("-layout", "-raw"):
        done = subprocess.run(
            ["pdftotext", order, "-", "-"], input=documents.bytes_of(document), capture_output=True, check=True
        )
        read.append(" ".join(done.stdout.decode().split()))
    return " | ".join(read)


def reader_of(document: Document) -> PdfReader:
    return PdfReader(io.BytesIO(documents.bytes_of(document)))


# ----------------------------------------------------------------------------------------------------- aftercare sheet
def test_a_sheet_is_frozen_when_asked_for_and_issued_when_made(desk: Doer, renderer: RendererProcess) -> None:
    record = make_ended_treatment(site=desk.site)
    queued = documents.issue_aftercare(treatment_session=record, by=desk)
    assert queued.state == DocumentState.QUEUED
    assert queued.source["ids"]["treatment_session"] == record.public_id

    # Whatever happens to the patient meanwhile, the sheet says what was true at the end of the treatment.
    record.patient.family_name = "Renamed"
    record.patient.save(update_fields=["family_name"])
    issued = made(queued)

    assert issued.state == DocumentState.ISSUED
    assert issued.pages == 1
    assert issued.sha256 == hashlib.sha256(documents.bytes_of(issued)).hexdigest()
    text = text_of(issued)
    assert "Nadia Rahman" in text
    assert "Renamed" not in text
    told = AuditEvent.objects.filter(patient_public_id=record.patient.public_id, doer_label="Mara Lind")
    assert list(told.order_by("id").values_list("action", flat=True)) == ["document-requested", "document-issued"]


def test_the_sheet_says_what_a_sheet_must_say(desk: Doer, renderer: RendererProcess) -> None:
    record = make_ended_treatment(site=desk.site)
    sheet = made(documents.issue_aftercare(treatment_session=record, by=desk))
    text = text_of(sheet)
    for words in (
        "Halden Clinic", "Via Larga 1, Rome", "+39 06 5555 0100", "born 9 Aug 1984", "session 1 of 3",
        "Thu 12 March 2026, 11:20",  # the end, on the clock of Rome
        "until Thu 12 March, 21:20", "until Fri 13 March, 02:20",  # 10 and 15 elapsed hours
        "until Sun 15 March, 11:20", "Call 112 now", "Call us the same day: +39 06 5555 0100",
        "Any time until Wed 10 June 2026:", "Trouble breathing", "What is normal", "Bruise: 7–14 days.",
        "cold pack in a clean dry cloth",
        "Do not stop any prescribed medicine yourself; ask the doctor who prescribed it.",
        "10 mg/ml, 2 ml, lot T7K198", "Next session: Thu 2 April 2026 to Thu 9 April 2026, not booked yet",
        "Page 1 of 1", sheet.verification_code, "Printed by Mara Lind", "aftercare-2", "English",
        record.patient.record_number,
    ):  # fmt: skip
        assert words in text, f"missing on the sheet: {words}\n{text}"


def test_a_turkish_sheet_is_turkish_to_the_last_letter(desk: Doer, renderer: RendererProcess) -> None:
    record = make_ended_treatment(
        site=factories.make_site(country="TR", time_zone="Europe/Istanbul"),
        patient={"given_name": "Şebnem İpek", "family_name": "Iğdırlı Çağlayangöz", "language": "tr", "country": "TR"},
    )
    sheet = made(documents.issue_aftercare(treatment_session=record, by=desk))
    assert sheet.language == "tr"
    assert sheet.pages == 1
    text = text_of(sheet)
    for words in ("Şebnem İpek Iğdırlı Çağlayangöz", "Tedavinizden sonra", "12 Mart 2026 Prş, 13:20", "Sayfa 1 / 1",
                  "Hemen 112 numarasını arayın", "Reçeteli hiçbir ilacı kendiniz bırakmayın"):  # fmt: skip
        assert words in text
    for english in ("until", "Call", "Page", "What", "session", "swelling", "Printed", "from"):
        assert f" {english} " not in text, english
    assert "�" not in text
    fonts = {font["/BaseFont"] for page in reader_of(sheet).pages for font in fonts_of(page)}
    assert all("Inter" in font for font in fonts), fonts  # one family, embedded, no stand-in for any letter


def fonts_of(page: Any) -> list[Any]:
    return [font.get_object() for font in page["/Resources"]["/Font"].values()]


def test_no_letter_falls_into_an_empty_box(desk: Doer, renderer: RendererProcess) -> None:
    """Every glyph on the page is a real one: glyph 0 is what a font draws for a letter it does not have."""
    record = make_ended_treatment(site=desk.site, patient={"given_name": "Ğüşıöç", "family_name": "İŞÖÇÜĞ مريم Мария"})
    sheet = made(documents.issue_aftercare(treatment_session=record, by=desk))
    for page in reader_of(sheet).pages:
        for font in fonts_of(page):
            cid = font["/DescendantFonts"][0].get_object()
            descriptor = cid["/FontDescriptor"].get_object()
            assert "/FontFile2" in descriptor or "/FontFile3" in descriptor
    assert "İŞÖÇÜĞ" in text_of(sheet)
    assert "Мария" in text_of(sheet)
    assert not zero_glyphs(sheet)


def zero_glyphs(document: Document) -> list[str]:
    """Hex strings of the page's content that draw glyph 0."""
    found = []
    for page in reader_of(document).pages:
        content = page.get_contents().get_data().decode("latin-1")
        for run in re.findall(r"<([0-9a-fA-F]+)>", content):
            found += [run for at in range(0, len(run), 4) if run[at : at + 4] == "0000"]
    return found


def test_the_language_can_be_switched_and_both_papers_stand(desk: Doer, renderer: RendererProcess) -> None:
    record = make_ended_treatment(site=desk.site)
    english = made(documents.issue_aftercare(treatment_session=record, by=desk))
    turkish = made(documents.issue_aftercare(treatment_session=record, by=desk, language="tr"))
    english.refresh_from_db()
    assert (english.state, turkish.state) == (DocumentState.ISSUED, DocumentState.ISSUED)
    assert "Tedavinizden sonra" in text_of(turkish)


def test_an_unknown_language_gets_the_english_paper(desk: Doer, renderer: RendererProcess) -> None:
    record = make_ended_treatment(site=desk.site, patient={"language": "pt"})
    assert documents.issue_aftercare(treatment_session=record, by=desk).language == "en"


def test_asking_twice_is_one_paper(desk: Doer, renderer: RendererProcess) -> None:
    record = make_ended_treatment(site=desk.site)
    first = made(documents.issue_aftercare(treatment_session=record, by=desk))
    again = documents.issue_aftercare(treatment_session=record, by=desk)
    assert again.pk == first.pk
    assert Document.objects.count() == 1


def test_correcting_the_end_supersedes_every_sheet(desk: Doer, renderer: RendererProcess) -> None:
    record = make_ended_treatment(site=desk.site)
    old = made(documents.issue_aftercare(treatment_session=record, by=desk))
    turkish = made(documents.issue_aftercare(treatment_session=record, by=desk, language="tr"))
    record.ended_at = record.ended_at + dt.timedelta(minutes=25)
    record.save(update_fields=["ended_at"])
    new = made(documents.issue_aftercare(treatment_session=record, by=desk))
    for one in (old, turkish):
        one.refresh_from_db()
        assert one.state == DocumentState.SUPERSEDED
        assert one.superseded_by_id == new.pk
    assert "11:45" in text_of(new)
    assert documents.bytes_of(old).startswith(b"%PDF")  # still there to be read


def test_a_sheet_replaced_before_it_was_made_is_never_made(desk: Doer, renderer: RendererProcess) -> None:
    record = make_ended_treatment(site=desk.site)
    queued = documents.issue_aftercare(treatment_session=record, by=desk)
    record.ended_at = record.ended_at + dt.timedelta(minutes=5)
    record.save(update_fields=["ended_at"])
    documents.issue_aftercare(treatment_session=record, by=desk)
    late = made(queued)  # somebody still holds the old row
    assert late.state == DocumentState.FAILED
    assert late.failure == documents.REPLACED
    assert late.pdf is None


def test_no_sheet_before_the_end(desk: Doer) -> None:
    record = make_ended_treatment(site=desk.site)
    type(record).objects.filter(pk=record.pk).update(ended_at=None, status="begun")
    with pytest.raises(Refused, match="not ended"):
        documents.issue_aftercare(treatment_session=record, by=desk)
    assert Document.objects.count() == 0
    assert not AuditEvent.objects.filter(action__startswith="document").exists()


@pytest.mark.parametrize(
    ("ended_at", "dry_until"),
    [
        # Rome goes from 02:00 to 03:00 on 29 March 2026: 15 elapsed hours after 20:00 end at 12:00.
        (dt.datetime(2026, 3, 28, 19, 0, tzinfo=dt.UTC), "until Sun 29 March, 12:00"),
        # And back on 25 October: 15 elapsed hours after 20:00 end at 10:00.
        (dt.datetime(2026, 10, 24, 18, 0, tzinfo=dt.UTC), "until Sun 25 October, 10:00"),
        # An end inside the hour that comes twice says which one it is: 15 hours after 11:30 is 02:30, the second time.
        (dt.datetime(2026, 10, 24, 10, 30, tzinfo=dt.UTC), "until Sun 25 October, 02:30 (UTC+1)"),
        (dt.datetime(2026, 10, 24, 9, 30, tzinfo=dt.UTC), "until Sun 25 October, 02:30 (UTC+2)"),
    ],
)
def test_the_nights_when_clocks_change(
    desk: Doer, renderer: RendererProcess, ended_at: dt.datetime, dry_until: str
) -> None:
    record = make_ended_treatment(site=desk.site, ended_at=ended_at)
    assert dry_until in text_of(made(documents.issue_aftercare(treatment_session=record, by=desk)))


def test_a_patient_from_another_country_is_told_whose_clock_it_is(desk: Doer, renderer: RendererProcess) -> None:
    record = make_ended_treatment(site=desk.site, patient={"country": "TR"})
    assert "on the clock of Rome" in text_of(made(documents.issue_aftercare(treatment_session=record, by=desk)))


def test_letter_paper(desk: Doer, renderer: RendererProcess) -> None:
    desk.site.page_size = "letter"
    desk.site.save()
    record = make_ended_treatment(site=desk.site)
    sheet = made(documents.issue_aftercare(treatment_session=record, by=desk))
    width, height = (round(float(size)) for size in reader_of(sheet).pages[0].mediabox[2:])
    assert (width, height) == (612, 792)
    assert sheet.pages == 1


def test_metadata_names_paper_and_language_and_nothing_about_health(desk: Doer, renderer: RendererProcess) -> None:
    record = make_ended_treatment(site=desk.site)
    sheet = made(documents.issue_aftercare(treatment_session=record, by=desk))
    reader = reader_of(sheet)
    assert reader.metadata.title == f"Aftercare sheet {sheet.verification_code}"
    assert reader.trailer["/Root"]["/Lang"] == "en"
    told = str(dict(reader.metadata)) + str(reader.xmp_metadata or "")
    for private in ("Nadia", "Rahman", "1984", "hydrat", "hyaluron", record.patient.record_number):
        assert private not in told


# ------------------------------------------------------------------------------------------------------------- consent
def test_a_consent_form_is_filled_from_the_course(desk: Doer, renderer: RendererProcess) -> None:
    record = make_ended_treatment(site=desk.site, course={"price_per_session": "180.00", "currency": "EUR"})
    form = made(documents.issue_consent(course=record.course, by=desk))
    text = text_of(form)
    for words in (
        "Nadia Rahman", "Dr Amina Haddad", "This use is off-label or unlicensed.", "Evidence grade B: some controlled",
        "hyaluronic acid", "10 mg/ml", "2 ml = 20 mg", "3 sessions, 28 days apart", "Time to think.",
        "180 EUR each session, 540 EUR for the course of 3", "late mycobacterial infection", "doing nothing",
        "Do you agree that your photographs are published?", "Your right to stop.", "Signature", "Nobody under 18",
    ):  # fmt: skip
        assert words in text, f"missing on the form: {words}\n{text}"
    assert "Hair treatment." not in text  # not for this plan


def test_the_consent_form_says_all_eighteen_things(desk: Doer, renderer: RendererProcess) -> None:
    for language in ("en", "tr"):
        form = made(documents.issue_blank_consent(site=desk.site, by=desk, language=language))
        squeezed = "".join(text_of(form).split())
        for item in catalogue.in_force().consent_items.values():
            assert "".join(item.text(language).split()) in squeezed, item.code
        assert form.patient is None


def test_a_blank_form_can_be_asked_for_by_course(desk: Doer) -> None:
    record = make_ended_treatment(site=desk.site)
    blank = documents.issue_consent(course=record.course, by=desk, blank=True)
    assert blank.kind == DocumentKind.BLANK_CONSENT
    assert record.patient.name not in str(blank.source)


def test_no_consent_form_for_a_plan_nobody_approved(desk: Doer) -> None:
    patient = factories.make_patient(desk.site)
    course = factories.make_course(patient, factories.make_user(), approved=False)
    with pytest.raises(Refused, match="not approved"):
        documents.issue_consent(course=course, by=desk)


def test_a_changed_plan_supersedes_its_consent_form(desk: Doer, renderer: RendererProcess) -> None:
    record = make_ended_treatment(site=desk.site)
    old = made(documents.issue_consent(course=record.course, by=desk))
    type(record.course).objects.filter(pk=record.course.pk).update(plan_version=2)
    new = documents.issue_consent(course=record.course, by=desk, language="tr")
    old.refresh_from_db()
    assert old.superseded_by_id == new.pk


# -------------------------------------------------------------------------------------------------------------- frozen
def issued_row(desk: Doer) -> Document:
    """An issued paper without a renderer."""
    record = make_ended_treatment(site=desk.site)
    document = documents.issue_aftercare(treatment_session=record, by=desk)
    pdf = b"%PDF-1.7 bytes"
    Document.objects.filter(pk=document.pk).update(
        state=DocumentState.ISSUED, pdf=pdf, sha256=hashlib.sha256(pdf).hexdigest(), pages=1, issued_at=timezone.now()
    )
    return Document.objects.get(pk=document.pk)


@pytest.mark.parametrize(
    "change",
    [
        {"pdf": b"%PDF other"}, {"sha256": "0" * 64}, {"source": {}}, {"language": "tr"}, {"state": "queued"},
        {"verification_code": "0000-0000"}, {"patient": None}, {"state": "superseded"}, {"issued_at": None},
    ],
)  # fmt: skip
def test_the_database_refuses_to_change_an_issued_paper(desk: Doer, change: dict[str, Any]) -> None:
    document = issued_row(desk)
    with pytest.raises(DatabaseError), transaction.atomic():
        Document.objects.filter(pk=document.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        Document.objects.filter(pk=document.pk).delete()
    assert documents.bytes_of(Document.objects.get(pk=document.pk)) == b"%PDF-1.7 bytes"


def test_bytes_that_do_not_match_their_checksum_are_not_handed_out(desk: Doer) -> None:
    document = issued_row(desk)
    for position in range(len(document.pdf)):
        forged = bytearray(document.pdf)
        forged[position] ^= 1
        document.pdf = bytes(forged)
        with pytest.raises(Refused, match="checksum"):
            documents.bytes_of(document)
        forged[position] ^= 1
        document.pdf = bytes(forged)
    assert documents.bytes_of(document)


def test_printing_again_renders_nothing(desk: Doer, monkeypatch: pytest.MonkeyPatch) -> None:
    document = issued_row(desk)

    def no_more(*_: object, **__: object) -> None:
        raise AssertionError("rendered again")

    monkeypatch.setattr(rendering, "render", no_more)
    assert documents.finish(document=document).sha256 == document.sha256


# ---------------------------------------------------------------------------------------------------- the renderer away
def test_without_a_renderer_the_paper_stays_in_the_queue(desk: Doer, settings: Any, renderer: RendererProcess) -> None:
    record = make_ended_treatment(site=desk.site)
    queued = documents.issue_aftercare(treatment_session=record, by=desk)
    good = settings.RENDERER_SOCKET
    settings.RENDERER_SOCKET = good + ".gone"
    with pytest.raises(rendering.RendererAway):
        documents.finish(document=queued)
    queued.refresh_from_db()
    assert queued.state == DocumentState.QUEUED
    settings.RENDERER_SOCKET = good
    documents.finish(document=queued)
    queued.refresh_from_db()
    assert queued.state == DocumentState.ISSUED


def test_a_paper_that_cannot_be_made_says_why_and_can_be_tried_again(
    desk: Doer, monkeypatch: pytest.MonkeyPatch, renderer: RendererProcess
) -> None:
    record = make_ended_treatment(site=desk.site)
    queued = documents.issue_aftercare(treatment_session=record, by=desk)
    with monkeypatch.context() as patched:
        def refuse(*_: object, **__: object) -> None:
            raise rendering.NotRenderable("too-many-pages")

        patched.setattr(rendering, "render", refuse)
        failed = documents.finish(document=queued)
    assert (failed.state, failed.failure) == (DocumentState.FAILED, "too-many-pages")
    waiting = documents.retry(document=failed, by=desk)
    assert made(waiting).state == DocumentState.ISSUED
    with pytest.raises(Refused):
        documents.retry(document=made(waiting), by=desk)


def test_a_rollback_leaves_nothing_behind(desk: Doer) -> None:
    record = make_ended_treatment(site=desk.site)

    def deed_that_fails_later() -> None:
        with transaction.atomic():
            documents.issue_aftercare(treatment_session=record, by=desk)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        deed_that_fails_later()
    assert Document.objects.count() == 0
    assert not AuditEvent.objects.filter(action__startswith="document").exists()


# -------------------------------------------------------------------------------------------------------- hostile words
HOSTILE = (
    "<script>alert(1)</script>",
    "</style><style>*{display:none}</style>", "<img src=file:///etc/passwd>",
    "<link rel=attachment href=file:///etc/passwd>", "{% include 'print.css' %}{{ head }}", "url(file:///etc/passwd)",
    "@import 'http://127.0.0.1/x';", "\u202egnirts\u202c \u200f", "\"'><svg onload=x>",
    "&lt;b&gt;&#x3c;i&#x3e;", "<!-- --><![CDATA[x]]>",
    "a" * 80,
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_every_field_is_printed_as_text(desk: Doer, renderer: RendererProcess, text: str) -> None:
    """Straight into the tables, past every form: the paper must hold by itself."""
    site = desk.site
    assert site is not None
    type(site).objects.filter(pk=site.pk).update(
        name=text, address=text, phone=text[:32], email=text, emergency_number=text[:16]
    )
    site.refresh_from_db()
    record = make_ended_treatment(site=site, patient={"given_name": text, "family_name": text})
    User.objects.filter(pk=record.practitioner_id).update(name=text, licence_number=text[:40])
    lot = record.products.get().lot
    type(lot).objects.filter(pk=lot.pk).update(lot_number=text[:40])
    doer = Doer(kind="staff", label=text, user=desk.user, public_id=desk.public_id, site=site)
    record.refresh_from_db()
    for document in (
        made(documents.issue_aftercare(treatment_session=record, by=doer)),
        made(documents.issue_consent(course=record.course, by=doer)),
    ):
        assert document.state == DocumentState.ISSUED
        assert b"/EmbeddedFile" not in documents.bytes_of(document)
        seen = "".join(text_of(document).split())
        # Marks of direction are left out; everything one can see is there.
        readable = "".join(sign for sign in text if sign.isprintable() and not sign.isspace())
        assert readable[:20] in seen
        assert "root:" not in seen
        assert "Page1of" in seen  # the rest of the page still stands
