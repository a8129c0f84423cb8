"""Consent on a phone, at the desk and in the clinician's hands: read, choose, draw or type, countersign, look it up."""
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinic.choices import Role
from clinic.doer import Doer
from patients import links
from patients.labels import LinkPurpose
from sessions import consent_signing, documents
from sessions.models import Consent, ConsentSignature, Course, Document
from tests import factories as make
from tests.house.world import given_for
from tests.renderer import RendererProcess

pytestmark = pytest.mark.django_db(transaction=True)
TABLET = {"viewport": {"width": 820, "height": 1180}, "has_touch": True}


@pytest.fixture
def course() -> Course:
    site = make.make_site(name="Halden Clinic")
    doctor = make.make_user(Role.PRACTITIONER, name="Dr Amina Haddad")
    make.make_lot(site)
    patient = make.make_patient(
        site, given_name="Nadia", family_name="Rahman", birth_date=dt.date(1984, 8, 9), email="nadia@halden.example"
    )
    return make.make_course(patient, doctor, price_per_session=Decimal(120), currency="EUR")


def given_to(course: Course, language: str = "en") -> tuple[Consent, str]:
    """The text is given; the address the patient opens."""
    by = Doer.staff(course.practitioner, course.site)
    consent = consent_signing.give(course=course, language=language, by=by)
    _link, token = links.issue(
        patient=course.patient, site=course.site, purpose=LinkPurpose.CONSENT, subject=consent,
        expires_at=timezone.now() + dt.timedelta(days=1), by=by,
    )  # fmt: skip
    return consent, f"/p/{token}/"


def open_text(phone: Page, address: str) -> None:
    phone.goto(address)
    phone.locator("input[name=birth_date]").fill("1984-08-09")
    phone.locator("button[form=gate]").click()


def draw(page: Page) -> None:
    page.locator("canvas").evaluate("one => one.scrollIntoView({block: 'center', behavior: 'instant'})")
    box = page.locator("canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 30, box["y"] + 90)
    page.mouse.down()
    for step in range(40):
        page.mouse.move(box["x"] + 30 + 5 * step, box["y"] + 90 - 40 * (step % 4 == 0) + 20 * (step % 3 == 0))
    page.mouse.up()


def choose(page: Page, code: str, answer: str) -> None:
    page.locator(f"input[name={code}][value={answer}]").check(force=True)


@pytest.mark.parametrize("language", ["en", "tr"])
def test_read_choose_draw_and_keep_a_copy(
    phone: Page, course: Course, renderer: RendererProcess, language: str, no_axe_findings: Callable[[Page], None],
    picture: Callable[[Page, str], None],
) -> None:  # fmt: skip
    type(course.patient).objects.filter(pk=course.patient_id).update(language=language)
    consent, address = given_to(course, language)
    open_text(phone, address)
    expect(phone.locator(".consent-parts > li")).to_have_count(14)
    no_axe_findings(phone)
    picture(phone, f"consent-text-{language}")
    phone.locator("footer a.btn-primary").click()
    # nothing is chosen beforehand
    expect(phone.locator("input[type=radio]:checked")).to_have_count(0)
    phone.locator("button[form=sign]").click()
    expect(phone.locator(".field-error")).to_have_count(6)
    no_axe_findings(phone)
    picture(phone, f"consent-sign-errors-{language}")
    for code, answer in (("consent-photos-record", "yes"), ("consent-photos-teaching", "no"),
                         ("consent-photos-publicity", "no"), ("consent-questions", "yes")):  # fmt: skip
        choose(phone, code, answer)
    phone.locator("input[name=signed_name]").fill("Nadia Rahman")
    draw(phone)
    # a page that comes back keeps the drawing
    choose(phone, "consent-questions", "no")
    phone.locator("button[form=sign]").click()
    expect(phone.locator(".field-error")).to_have_count(1)
    expect(phone.locator("input[name=strokes]")).to_have_value(re.compile(r"^\[\[\["))
    choose(phone, "consent-questions", "yes")
    picture(phone, f"consent-sign-{language}")
    phone.locator("button[form=sign]").click()
    expect(phone).to_have_url(re.compile(r"/my/consent/done/$"))
    no_axe_findings(phone)
    picture(phone, f"consent-done-{language}")
    signature = ConsentSignature.objects.get()
    assert signature.method == "drawn"
    assert bytes(signature.picture).startswith(b"\x89PNG")
    consent.refresh_from_db()
    assert (consent.photos_record, consent.photos_teaching, consent.photos_publicity) == (True, False, False)
    with phone.expect_download() as download:
        phone.locator("main a.btn").first.click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-1.7")
    # handed back: nothing is left
    phone.locator("footer button").click()
    expect(phone.locator("main a.btn")).to_have_count(0)
    phone.goto(address)
    expect(phone.get_by_text("1984")).to_have_count(0)
    assert phone.goto("/my/consent/copy.pdf").status == 404


def test_the_keyboard_alone_signs_with_a_typed_name(phone: Page, course: Course) -> None:
    _consent, address = given_to(course)
    open_text(phone, address)
    phone.get_by_role("link", name="I have read it").press("Enter")
    for group in range(4):
        phone.locator(".yes-no").nth(group).locator("input").first.focus()
        phone.keyboard.press("Space")
    phone.get_by_label("Your name").fill("Nadia Rahman")
    phone.get_by_label("I do not draw").focus()
    phone.keyboard.press("Space")
    expect(phone.locator("[data-signature]")).to_be_hidden()
    phone.locator("button[form=sign]").focus()
    phone.keyboard.press("Enter")
    expect(phone).to_have_url(re.compile(r"/my/consent/done/$"))
    assert ConsentSignature.objects.get().method == "typed"


def test_a_plan_changed_meanwhile_says_so_and_keeps_nothing(phone: Page, course: Course) -> None:
    _consent, address = given_to(course)
    open_text(phone, address)
    phone.get_by_role("link", name="I have read it").click()
    for group in range(4):
        phone.locator(".yes-no").nth(group).locator("input").first.check(force=True)
    phone.get_by_label("Your name").fill("Nadia Rahman")
    phone.get_by_label("I do not draw").check()
    Course.objects.filter(pk=course.pk).update(plan_version=2)
    phone.locator("button[form=sign]").click()
    expect(phone.get_by_text("Your plan has changed")).to_be_visible()
    assert not ConsentSignature.objects.exists()


@pytest.mark.parametrize(("name", "options"), [("desk", {}), ("tablet", TABLET)])
def test_the_desk_gives_the_text_and_the_clinician_countersigns(
    new_page: Callable[..., Page], course: Course, renderer: RendererProcess, name: str, options: dict[str, Any],
    no_axe_findings: Callable[[Page], None], picture: Callable[[Page, str], None], live_server: Any,
) -> None:  # fmt: skip
    page = new_page(**options)
    client = make.signed_in(Client(), course.practitioner)
    page.context.add_cookies([{"name": key, "value": one.value, "url": live_server.url} for key, one in client.cookies.items()])
    page.goto(f"/courses/{course.public_id}/consent/")
    expect(page.get_by_role("heading", name="Consent text")).to_be_visible()
    no_axe_findings(page)
    picture(page, f"consent-giving-{name}")
    page.get_by_role("button", name="Show the code").click()
    expect(page.get_by_role("heading", name="Scan to read")).to_be_visible()
    no_axe_findings(page)
    consent = Consent.objects.get()
    # a changed price is marked in the next preview
    Course.objects.filter(pk=course.pk).update(price_per_session=150)
    page.goto(f"/courses/{course.public_id}/consent/")
    expect(page.locator(".is-added")).to_have_count(1)
    picture(page, f"consent-difference-{name}")
    patient = Doer(kind="patient", label="Nadia", public_id=course.patient.public_id)
    Consent.objects.filter(pk=consent.pk).update(opened_at=timezone.now())
    consent_signing.sign(consent=consent, given=given_for(consent), address="127.0.0.1", by=patient)
    page.goto(f"/patients/{course.patient.public_id}/?tab=forms")
    no_axe_findings(page)
    picture(page, f"consent-card-{name}")
    page.goto(f"/consents/{consent.public_id}/countersign/")
    page.get_by_label("Your password").fill("wrong")
    page.get_by_role("button", name="Sign").click()
    expect(page.get_by_text("This password is not right")).to_be_visible()
    no_axe_findings(page)
    page.get_by_label("Your password").fill(make.PASSWORD)
    page.get_by_role("button", name="Sign").click()
    paper = Document.objects.get(kind="signed-consent", superseded_by=None)
    documents.finish(document=paper, wait_seconds=30)
    paper.refresh_from_db()
    page.goto(f"/verify/{paper.verification_code}/")
    expect(page.get_by_text("Genuine and current.")).to_be_visible()
    no_axe_findings(page)
    Consent.objects.filter(pk=consent.pk).update(withdrawn_at=timezone.now(), withdrawn_reason="by phone")
    page.reload()
    expect(page.get_by_text("Genuine, but withdrawn.")).to_be_visible()
    body = page.content()
    for private in ("Nadia", "Rahman", "hydration", "hyaluron"):
        assert private not in body, "no health data for whoever holds the paper"
    picture(page, f"verify-withdrawn-{name}")
