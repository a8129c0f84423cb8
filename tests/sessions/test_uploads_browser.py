"""A clearance with an attached letter in a real browser, at the desk and on a phone, in both languages."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from clinic.choices import Role
from sessions.models import Clearance, Course, Upload
from tests import factories as make
from tests.browser import settled
from tests.healthy import answered
from tests.papers import pdf, picture
from tests.screens import enter, fits
from tests.sessions.careday import CareDay, make_care_day
from tests.sessions.test_care_screens import NOW

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def day(at: Callable[..., Any]) -> CareDay:
    at(NOW)
    return make_care_day()


@pytest.fixture
def course(day: CareDay) -> Course:
    """Of somebody with a heart disease: the rule asks for a cardiologist's letter."""
    answered(day.patient, q_heart="yes", q_heart_medicines=0)
    return day.course(approved=False)


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "Kardiyoloji yazısı.pdf"
    path.write_bytes(pdf(2))
    return path


def looked_at(page: Page, no_axe_findings: Callable[[Page], None]) -> None:
    settled(page)
    fits(page)
    no_axe_findings(page)


def test_the_medical_lead_clears_a_finding_with_its_letter(
    day: CareDay, course: Course, letter: Path, page: Page, live_server: Any, picture: Any, no_axe_findings: Any
) -> None:
    # Given the finding on the course page
    enter(page, live_server.url, make.make_user(Role.MEDICAL_LEAD, name="Prof Ines Sala"))
    page.goto(f"/courses/{course.public_id}/")
    page.get_by_role("link", name="Clear", exact=True).click()
    expect(page.get_by_text("A cardiologist's letter", exact=True)).to_be_visible()
    looked_at(page, no_axe_findings)
    picture(page, "clearance-new")
    # When the letter is forgotten, the reason stays and the sentence stands beside the file
    page.get_by_label("Why is this acceptable for this patient?").fill("Well controlled for two years")
    page.get_by_role("button", name="Record the clearance").click()
    expect(page.get_by_text("Please attach: a cardiologist's letter.").first).to_be_visible()
    expect(page.get_by_label("Why is this acceptable for this patient?")).to_have_value("Well controlled for two years")
    looked_at(page, no_axe_findings)
    picture(page, "clearance-refused")
    # And then attached
    page.get_by_label("New file", exact=True).set_input_files(letter)
    page.get_by_label("What it rests on").fill("Dr Rossi, 2 March 2026")
    page.get_by_role("button", name="Record the clearance").click()
    # Then the finding is cleared, the letter is there, and it is a download
    expect(page.get_by_text("Cleared by Prof Ines Sala.")).to_be_visible()
    assert Clearance.objects.get().attachments.get().upload == Upload.objects.get()
    looked_at(page, no_axe_findings)
    picture(page, "clearance-on-course")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Kardiyoloji yazısı.pdf").click()
    assert downloading.value.suggested_filename == "Kardiyoloji yazısı.pdf"
    assert Path(downloading.value.path()).read_bytes() == letter.read_bytes()
    # And the history is on the page of letters and reports
    page.goto(f"/patients/{day.patient.public_id}/")
    page.get_by_role("link", name="Letters and reports").click()
    expect(page.get_by_text("Dr Rossi, 2 March 2026")).to_be_visible()
    looked_at(page, no_axe_findings)
    picture(page, "letters-and-reports")


def test_a_practitioner_adds_the_letter_for_the_lead_on_a_phone(
    day: CareDay, course: Course, letter: Path, phone: Page, live_server: Any, picture: Any, no_axe_findings: Any
) -> None:
    enter(phone, live_server.url, day.doctor)
    phone.goto(f"/courses/{course.public_id}/clear/scr-heart-other/")
    expect(phone.get_by_text("the medical lead records the clearance")).to_be_visible()
    looked_at(phone, no_axe_findings)
    picture(phone, "clearance-closed-phone")
    phone.get_by_role("link", name="Add the letter").click()
    looked_at(phone, no_axe_findings)
    picture(phone, "upload-new-phone")
    phone.get_by_label("File").set_input_files(letter)
    phone.get_by_role("button", name="Add the file").click()
    expect(phone.get_by_role("link", name="Kardiyoloji yazısı.pdf")).to_be_visible()
    assert Upload.objects.get().rule_code == "scr-heart-other"
    looked_at(phone, no_axe_findings)
    picture(phone, "letters-phone")


def test_a_wrong_file_is_refused_in_turkish(
    day: CareDay, course: Course, tmp_path: Path, new_page: Any, live_server: Any, picture: Any, no_axe_findings: Any
) -> None:
    page = new_page(locale="tr-TR")
    lead = make.make_user(Role.MEDICAL_LEAD, name="Prof Ines Sala", language="tr")
    enter(page, live_server.url, lead)
    drawing = tmp_path / "mektup.pdf"
    drawing.write_text("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")
    page.goto(f"/courses/{course.public_id}/clear/scr-heart-other/")
    page.get_by_label("Yeni dosya", exact=True).set_input_files(drawing)
    page.locator("textarea").fill("Kontrol altında")
    page.locator("form[enctype] button[type=submit]").click()
    expect(page.get_by_text("Yalnızca PDF, JPEG ve PNG kabul edilir.").first).to_be_visible()
    expect(page.locator("textarea")).to_have_value("Kontrol altında")
    looked_at(page, no_axe_findings)
    picture(page, "clearance-refused-tr")
    assert not Upload.objects.exists()


def test_a_photographed_letter_is_stored_without_where_it_was_taken(
    day: CareDay, page: Page, tmp_path: Path, live_server: Any
) -> None:
    enter(page, live_server.url, day.doctor)
    photo = tmp_path / "IMG_0001.JPG"
    photo.write_bytes(picture(comment=b"at home"))
    page.goto(f"/patients/{day.patient.public_id}/uploads/new/")
    page.get_by_label("File").set_input_files(photo)
    page.get_by_label("What is it?").select_option(label="Laboratory report")
    page.get_by_role("button", name="Add the file").click()
    expect(page.get_by_role("link", name="IMG_0001.jpg")).to_be_visible()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="IMG_0001.jpg").click()
    content = Path(downloading.value.path()).read_bytes()
    assert content.startswith(b"\xff\xd8\xff")
    assert b"at home" not in content
