"""Pages of letters and reports: added, listed, downloaded and never shown, withdrawn; and the page of a clearance."""
from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import Doer
from clinic.file_receiving import LARGEST_BYTES
from clinic.models import AccessEvent, AuditEvent
from sessions import uploading
from sessions.models import Clearance, Course, Upload
from sessions.uploading import NewFile
from tests import factories as make
from tests.healthy import answered
from tests.papers import checked, new_letter, pdf, picture, sent
from tests.sessions.careday import HARMLESS_TEXT, MORNING, CareDay, hidden_of, make_care_day, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Any, client: Client) -> CareDay:
    at(MORNING)
    care = make_care_day()
    make.signed_in(client, care.doctor)
    return care


@pytest.fixture
def lead(day: CareDay) -> Any:
    return make.make_user(Role.MEDICAL_LEAD, name="Prof Ines Sala")


def kept(day: CareDay, **fields: Any) -> Upload:
    return uploading.keep(patient=fields.pop("patient", day.patient), new=new_letter(**fields), by=day.by)


def add_url(day: CareDay) -> str:
    return reverse("upload-new", args=[day.patient.public_id])


def clear_url(day: CareDay, course: Course, code: str = "scr-heart-other") -> str:
    return reverse("clearance-new", args=[course.public_id, code])


def with_heart(day: CareDay) -> Course:
    answered(day.patient, q_heart="yes", q_heart_medicines=0)
    return day.course(approved=False)


# --- adding -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "content", "kind", "shown"),
    [
        ("Arztbrief Müller.pdf", pdf(2), "letter", "Arztbrief Müller.pdf"),
        ("scan.JPEG", picture(), "laboratory", "scan.jpg"),
        ("screen.png", picture("PNG"), "other", "screen.png"),
    ],
)
def test_a_file_is_added_and_listed(client: Client, day: CareDay, name: str, content: bytes, kind: str, shown: str) -> None:
    answer = send(client, add_url(day), {"file": sent(name, content), "kind": kind, "rule_code": "", "note": "Dr Rossi"})
    assert (answer.status_code, answer.url) == (302, reverse("uploads", args=[day.patient.public_id]))
    upload = Upload.objects.get()
    assert (upload.original_name, upload.kind, upload.uploaded_by) == (shown, kind, day.doctor)
    page = client.get(answer.url).content.decode()
    assert shown in page
    assert "Dr Rossi" in page
    assert upload.storage_name not in page
    assert AuditEvent.objects.get(action="upload-kept").detail["sha256"] == upload.sha256


def test_where_it_came_from_is_the_finding_it_is_for(client: Client, day: CareDay) -> None:
    with_heart(day)
    url = f"{add_url(day)}?rule=scr-heart-other"
    page = client.get(url)
    assert page.context["form"]["rule_code"].value() == "scr-heart-other"
    answer = client.post(
        add_url(day),
        {**hidden_of(page.content.decode()), "file": sent("a.pdf", pdf()), "kind": "letter", "rule_code": "scr-heart-other"},
    )
    assert answer.status_code == 302
    assert Upload.objects.get().rule_code == "scr-heart-other"


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (None, "Choose a file."),
        (("a.pdf", b""), "This file is empty."),
        (("a.pdf", b"plain words"), "Only PDF, JPEG and PNG are taken."),
        (("a.svg", b"<svg onload=alert(1)>"), "Only PDF, JPEG and PNG are taken."),
        (("a.pdf", pdf(password="x")), "This PDF asks for a password"),
        (("a.jpg", picture()[:-300]), "This file is damaged"),
        (("a.pdf", pdf() + b"x" * LARGEST_BYTES), "At most 20.0"),
    ],
)
def test_a_refused_file_keeps_what_was_typed(client: Client, day: CareDay, file: Any, sentence: str) -> None:
    values = {"kind": "laboratory", "rule_code": "", "note": "Dr Rossi, 2 March", "file": sent(*file) if file else None}
    answer = send(client, add_url(day), values)
    assert answer.status_code == 422
    assert sentence in " ".join(answer.context["form"].errors["file"])
    html = answer.content.decode()
    assert 'value="Dr Rossi, 2 March"' in html
    assert '<option value="laboratory" selected>' in html
    assert 'aria-invalid="true"' in html
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "poem"), ("kind", ""), ("rule_code", "scr-invented"), ("note", "a\x00b"), ("note", "x" * 201),
        ("note", "a\u202eb"),
    ],
)
def test_a_refusal_about_something_else_asks_for_the_file_again(client: Client, day: CareDay, field: str, value: str) -> None:
    values = {"file": sent("a.pdf", pdf()), "kind": "letter", "rule_code": "", "note": ""} | {field: value}
    answer = send(client, add_url(day), values)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {field, "file"}
    assert "Choose the file again" in answer.context["form"].errors["file"][0]
    assert not Upload.objects.exists()


def test_a_double_click_adds_one_file_and_another_file_is_another(client: Client, day: CareDay) -> None:
    hidden = hidden_of(client.get(add_url(day)).content.decode())
    values = {**hidden, "kind": "letter", "rule_code": "", "note": ""}
    for _click in range(2):
        assert client.post(add_url(day), values | {"file": sent("a.pdf", pdf())}).status_code == 302
    assert Upload.objects.count() == 1
    answer = client.post(add_url(day), values | {"file": sent("a.pdf", pdf(2))})
    assert answer.status_code == 422
    assert "already sent with other content" in answer.content.decode()
    assert Upload.objects.count() == 1


@pytest.mark.parametrize("text", HARMLESS_TEXT)
def test_names_and_notes_stay_text(client: Client, day: CareDay, text: str) -> None:
    send(client, add_url(day), {"file": sent(f"{text}.pdf", pdf()), "kind": "letter", "rule_code": "", "note": text})
    page = client.get(reverse("uploads", args=[day.patient.public_id])).content.decode()
    assert Upload.objects.get().note == text
    assert "<script>alert" not in page


# --- the file itself ----------------------------------------------------------------------------------------------------
def test_a_file_is_only_ever_a_download(client: Client, day: CareDay) -> None:
    content = pdf()
    upload = uploading.keep(patient=day.patient, new=new_letter(), by=day.by)
    before = AccessEvent.objects.count()
    answer = client.get(reverse("upload-file", args=[upload.public_id]))
    assert answer.content == content
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'attachment; filename="letter.pdf"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Frame-Options"] == "DENY"
    looks = AccessEvent.objects.order_by("id")[before:]
    assert [(one.category, one.object_public_id, one.patient_public_id) for one in looks] == [
        ("export", upload.public_id, day.patient.public_id)
    ]


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Ärztebrief 'neu'.pdf", "attachment; filename*=utf-8''%C3%84rztebrief%20%27neu%27.pdf"),
        ('a"; filename="x.html', 'attachment; filename="a_; filename=_x.pdf"'),
        ("a; b=c, d.pdf", 'attachment; filename="a; b=c, d.pdf"'),
        ("../../manage.py", 'attachment; filename="manage.pdf"'),
        ("\u202efdp.exe", 'attachment; filename="fdp.pdf"'),
    ],
)
def test_no_name_breaks_out_of_its_header(client: Client, day: CareDay, name: str, header: str) -> None:
    upload = uploading.keep(patient=day.patient, new=NewFile(checked(name), kind="letter"), by=day.by)
    answer = client.get(reverse("upload-file", args=[upload.public_id]))
    assert answer["Content-Disposition"] == header
    assert answer.content == pdf()


def test_whose_site_it_is_not_finds_nothing(client: Client, day: CareDay) -> None:
    upload = kept(day)
    for role in (Role.PRACTITIONER, Role.MEDICAL_LEAD):
        make.signed_in(client, make.make_user(role, site=make.make_site()))
        for name in ("upload-file", "upload-withdraw"):
            assert client.get(reverse(name, args=[upload.public_id])).status_code == 404
        for name in ("uploads", "upload-new"):
            assert client.get(reverse(name, args=[day.patient.public_id])).status_code == 404
    assert AccessEvent.objects.filter(category="denied", detail__not_found=upload.public_id).count() == 4


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.MANAGER])
def test_who_sees_no_findings_sees_no_letters(client: Client, day: CareDay, role: str) -> None:
    upload = kept(day)
    make.signed_in(client, make.make_user(role))
    for url in (
        reverse("upload-file", args=[upload.public_id]), reverse("uploads", args=[day.patient.public_id]), add_url(day),
    ):  # fmt: skip
        assert client.get(url).status_code == 403
    page = client.get(f"{reverse('patient', args=[day.patient.public_id])}?tab=forms")
    assert "letter.pdf" not in page.content.decode()


def test_nobody_unknown_reads_a_file(day: CareDay) -> None:
    answer = Client().get(reverse("upload-file", args=[kept(day).public_id]))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))


def test_the_web_server_knows_no_address_of_the_storage(client: Client, day: CareDay) -> None:
    upload = kept(day)
    for prefix in ("/", "/static/", "/media/", "/private/", "/static/../private/"):
        assert client.get(prefix + upload.storage_name).status_code == 404


@pytest.mark.parametrize("harm", ["lost", "changed"])
def test_what_is_not_what_was_stored_is_not_given_out(client: Client, day: CareDay, harm: str) -> None:
    upload = kept(day)
    storage = uploading.private_files()
    storage.delete(upload.storage_name)
    if harm == "changed":
        storage.save(upload.storage_name, sent("x", pdf(2)))
    answer = client.get(reverse("upload-file", args=[upload.public_id]))
    assert answer.status_code == 409
    assert "has to restore it" in answer.content.decode()


# --- withdrawing --------------------------------------------------------------------------------------------------------
def test_a_wrong_file_is_withdrawn_and_stays_in_the_list(client: Client, day: CareDay) -> None:
    upload = kept(day)
    url = reverse("upload-withdraw", args=[upload.public_id])
    assert send(client, url, {"reason": "  "}).status_code == 422
    assert send(client, url, {"reason": "Somebody else's letter"}).status_code == 302
    page = client.get(reverse("uploads", args=[day.patient.public_id])).content.decode()
    assert "Withdrawn" in page
    assert "Somebody else&#x27;s letter" in page
    assert send(client, url, {"reason": "again"}).status_code == 422
    assert client.get(reverse("upload-file", args=[upload.public_id])).content == pdf()


# --- the page of a clearance --------------------------------------------------------------------------------------------
def test_the_page_says_what_stands_what_is_asked_and_who_may(client: Client, day: CareDay, lead: Any) -> None:
    url = clear_url(day, with_heart(day))
    page = unescape(client.get(url).content.decode())
    for words in ("scr-heart-other", "Because of", "A cardiologist's letter", "the medical lead records the clearance",
                  "Add the letter"):  # fmt: skip
        assert words in page, words
    assert "Record the clearance" not in page
    make.signed_in(client, lead)
    page = client.get(url).content.decode()
    assert "Record the clearance" in page
    assert "until Tue 8 September 2026" in page


def test_a_clearance_is_recorded_with_its_letter(client: Client, day: CareDay, lead: Any) -> None:
    course = with_heart(day)
    make.signed_in(client, lead)
    values = {"reason": "Well controlled", "evidence": "Dr Rossi, 2 March", "valid_until": "2026-06-01", "kind": "letter"}
    answer = send(client, clear_url(day, course), values | {"file": None})
    assert answer.status_code == 422
    assert "Please attach: a cardiologist&#x27;s letter" in str(answer.context["form"].errors["file"])
    assert "Well controlled" in answer.content.decode()
    answer = send(client, clear_url(day, course), values | {"file": sent("brief.jpg", picture())})
    assert (answer.status_code, answer.url) == (302, reverse("course", args=[course.public_id]))
    clearance = Clearance.objects.get()
    assert (clearance.granted_by, f"{clearance.valid_until}") == (lead, "2026-06-01")
    page = client.get(answer.url).content.decode()
    for words in ("Cleared by Prof Ines Sala.", "brief.jpg", "Well controlled", "Dr Rossi, 2 March", "End this clearance"):
        assert words in page, words


def test_a_letter_on_record_can_be_chosen(client: Client, day: CareDay, lead: Any) -> None:
    course, letter = with_heart(day), kept(day, note="Dr Rossi")
    other = kept(day, patient=make.make_patient(day.site))
    make.signed_in(client, lead)
    values = {"reason": "Well controlled", "evidence": "", "kind": "letter", "valid_until": ""}
    assert "Letter · letter.pdf · Dr Rossi" in client.get(clear_url(day, course)).content.decode()
    answer = send(client, clear_url(day, course), values | {"uploads": other.public_id})
    assert answer.status_code == 422
    assert "uploads" in answer.context["form"].errors
    assert send(client, clear_url(day, course), values | {"uploads": letter.public_id}).status_code == 302
    assert [link.upload for link in Clearance.objects.get().attachments.all()] == [letter]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("reason", "", "This field is required."),
        ("reason", "a\x00b", "invisible control character"),
        ("valid_until", "2026-03-11", "This day has passed."),
        ("valid_until", "2026-09-09", "until Tue 8 September 2026 at most"),
        ("valid_until", "soon", "Enter a valid date."),
        ("kind", "poem", "Select a valid choice."),
        ("kind", "", "Say what the new file is."),
        ("uploads", "a\x00b", "Select a valid choice."),
    ],
)
def test_nothing_is_kept_of_a_refused_clearance(
    client: Client, day: CareDay, lead: Any, field: str, value: str, sentence: str
) -> None:
    course = with_heart(day)
    kept(day)
    make.signed_in(client, lead)
    good = {"reason": "Well controlled", "evidence": "", "valid_until": "", "kind": "letter", "file": sent("a.pdf", pdf())}
    answer = send(client, clear_url(day, course), good | {field: value})
    assert answer.status_code == 422
    assert sentence in " ".join(answer.context["form"].errors[field])
    assert "Choose the file again" in answer.context["form"].errors["file"][0]
    assert (Clearance.objects.count(), Upload.objects.count()) == (0, 1)


def test_what_nobody_clears_is_shown_without_a_form(client: Client, day: CareDay) -> None:
    answered(day.patient, q_illness="now")
    course = day.course(approved=False)
    url = clear_url(day, course, "scr-infection-general")
    page = client.get(url).content.decode()
    assert "Only a finding that asks for a clearance can be cleared." in page
    assert "Record the clearance" not in page
    answer = client.post(url, {"reason": "x", "form_token": "t" * 30, "kind": "letter"})
    assert answer.status_code == 422
    assert not Clearance.objects.exists()


@pytest.mark.parametrize("code", ["scr-heart-other", "scr-invented", "scr-keloid"])
def test_what_does_not_stand_has_no_page(client: Client, day: CareDay, code: str) -> None:
    assert client.get(clear_url(day, day.course(approved=False), code)).status_code == 404


# --- how many queries ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("page", "queries"), [("uploads", 9), ("new", 19), ("clear", 19)])
def test_pages_ask_a_fixed_number_of_questions(
    client: Client, day: CareDay, lead: Any, page: str, queries: int, django_assert_num_queries: Any
) -> None:
    """However many papers there are."""
    course = with_heart(day)
    make.signed_in(client, lead)
    url = {
        "uploads": reverse("uploads", args=[day.patient.public_id]), "new": add_url(day), "clear": clear_url(day, course)
    }[page]  # fmt: skip
    for papers in (1, 4):
        for _paper in range(papers):
            kept(day)
        client.get(url)
        with django_assert_num_queries(queries):
            assert client.get(url).status_code == 200


def test_a_letter_from_the_patient_page(client: Client, day: CareDay) -> None:
    """The tab lists them for clinicians, with the way to add one."""
    kept(day, note="Dr Rossi")
    page = client.get(f"{reverse('patient', args=[day.patient.public_id])}?tab=forms").content.decode()
    assert "letter.pdf" in page
    assert add_url(day) in page
    assert Doer.staff(day.doctor).label in page
