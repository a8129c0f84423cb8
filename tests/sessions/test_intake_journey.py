"""The health questions in a real browser: a phone, a clinic's desk, both accessible and light."""
from __future__ import annotations

import datetime as dt
import gzip
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, Response, expect

from clinic.choices import Role
from clinic.doer import Doer
from clinic.languages import NAMES
from clinic.models import User
from patients import links
from patients.asking import patient_questions
from patients.labels import LinkPurpose
from patients.models import Patient, QuestionnaireResponse
from patients.questionnaire import Kind
from protocols import catalogue, texts
from tests import factories
from tests.browser import settled

pytestmark = pytest.mark.django_db(transaction=True)
LIGHT_BYTES = 100_000
THE_START = re.compile(r"/my/intake/$")


@pytest.fixture
def nadia() -> Patient:
    return factories.make_patient(given_name="Nadia", family_name="Rahman", birth_date=dt.date(1984, 8, 9))


@pytest.fixture
def address(nadia: Patient) -> str:
    desk = Doer.staff(factories.make_user(Role.FRONT_DESK), nadia.registered_at)
    _link, token = links.issue(
        patient=nadia, site=nadia.registered_at, purpose=LinkPurpose.INTAKE,
        expires_at=timezone.now() + dt.timedelta(days=7), by=desk,
    )  # fmt: skip
    return f"/p/{token}/"


def pass_the_gate(phone: Page, address: str) -> None:
    phone.goto(address)
    phone.get_by_label("birth date").fill("1984-08-09")
    phone.get_by_role("button", name="Go on").click()
    expect(phone).to_have_url(THE_START)


def give_the_birth_date(phone: Page) -> None:
    """In whatever language. Going on before the answer has come would take the passed gate away again."""
    phone.locator("input[type=date]").fill("1984-08-09")
    phone.locator(".sheet-acts button").click()
    expect(phone).to_have_url(THE_START)


def next_page(phone: Page) -> None:
    phone.get_by_role("button", name="Next").click()


def answer_in_the_database(nadia: Patient, *, except_for: str) -> None:
    """All but one answer, so that the journey need not click sixty times."""
    questionnaire = catalogue.current_questionnaire()
    asked = patient_questions(catalogue.questions_of(questionnaire), sex=nadia.sex)
    answers = {one.key: ([one.healthy] if one.kind in (Kind.LIST, Kind.NAMES) else one.healthy) for one in asked}
    response, _new = QuestionnaireResponse.objects.get_or_create(
        patient=nadia, submitted_at=None, defaults={"questionnaire": questionnaire, "language": "en"}
    )
    response.answers = {key: value for key, value in answers.items() if key != except_for} | response.answers
    response.save()


def test_from_the_mail_to_the_signature_on_a_phone(
    phone: Page, nadia: Patient, address: str, no_axe_findings: Callable[[Page], None], picture: Callable[[Page, str], None]
) -> None:
    # given a link, the address is cleaned and nothing is told before the birth date
    phone.goto(address)
    expect(phone).to_have_url(re.compile(r"/p/$"))
    expect(phone.get_by_text("Nadia")).to_have_count(0)
    no_axe_findings(phone)
    picture(phone, "intake-gate")
    phone.get_by_label("birth date").fill("1990-01-01")
    phone.get_by_role("button", name="Go on").click()
    expect(phone.get_by_text("4 tries are left")).to_be_visible()
    phone.get_by_label("birth date").fill("1984-08-09")
    phone.get_by_role("button", name="Go on").click()
    # then they are welcomed
    expect(phone.get_by_role("heading", name="Hello Nadia")).to_be_visible()
    no_axe_findings(phone)
    picture(phone, "intake-start")
    phone.get_by_role("link", name="Start").click()
    expect(phone.get_by_text("Question 1 of")).to_be_visible()
    # when an answer calls for more, the follow-up appears at once and is saved without a click
    phone.goto("/my/intake/q-mi/")
    expect(phone.get_by_label("When", exact=False).first).to_be_hidden()
    phone.get_by_label("Yes").check()
    date = phone.locator("#q-mi-date")
    expect(date).to_be_visible()
    date.fill("2020-05-01")
    expect(phone.locator("[data-saved]")).to_contain_text("Saved")
    no_axe_findings(phone)
    picture(phone, "intake-question")
    phone.reload()
    expect(phone.get_by_label("Yes")).to_be_checked()
    expect(date).to_have_value("2020-05-01")
    phone.get_by_label("No", exact=True).check()
    expect(date).to_be_hidden()
    next_page(phone)
    # when all but one is answered, the overview names it
    answer_in_the_database(nadia, except_for="q-stroke")
    phone.goto("/my/intake/overview/")
    expect(phone.get_by_text("1 answer is missing")).to_be_visible()
    no_axe_findings(phone)
    picture(phone, "intake-overview-missing")
    phone.get_by_role("link", name="Answer what is missing").click()
    phone.get_by_label("No", exact=True).check()
    phone.get_by_role("button", name="Save").click()
    expect(phone.get_by_text("Everything is answered.")).to_be_visible()
    picture(phone, "intake-overview")
    phone.get_by_label("Your name").fill("Nadia Rahman")
    phone.get_by_role("button", name="Sign").click()
    # then it is signed, and the link is done
    expect(phone.get_by_role("heading", name="Thank you")).to_be_visible()
    no_axe_findings(phone)
    picture(phone, "intake-thanks")
    phone.goto(address)
    expect(phone.get_by_text("This link does not open anything")).to_be_visible()
    no_axe_findings(phone)


def test_none_stands_alone_and_names_push_it_away(phone: Page, nadia: Patient, address: str, picture: Any) -> None:
    pass_the_gate(phone, address)
    phone.goto("/my/intake/q-allergy/")
    boxes = phone.get_by_role("checkbox")
    boxes.nth(1).check()
    boxes.nth(2).check()
    picture(phone, "intake-list")
    boxes.nth(0).check()
    expect(boxes.nth(1)).not_to_be_checked()
    phone.goto("/my/intake/q-medicines/")
    phone.get_by_label("I take none").check()
    phone.get_by_label("One on each line").fill("Bisoprolol 5 mg")
    expect(phone.get_by_label("I take none")).not_to_be_checked()
    expect(phone.locator("[data-saved]")).to_contain_text("Saved")
    picture(phone, "intake-names")


def test_the_pages_work_without_a_script(new_page: Callable[..., Page], nadia: Patient, address: str) -> None:
    plain = new_page(java_script_enabled=False, viewport={"width": 390, "height": 844})
    pass_the_gate(plain, address)
    plain.goto("/my/intake/q-mi/")
    plain.get_by_label("Yes").check()
    next_page(plain)
    plain.locator("#q-mi-date").fill("2020-05-01")
    next_page(plain)
    assert QuestionnaireResponse.objects.get(patient=nadia).answers == {"q-mi": "yes", "q-mi-date": "2020-05-01"}


def test_a_patient_reads_turkish_and_can_switch(phone: Page, nadia: Patient, address: str, picture: Any) -> None:
    Patient.objects.filter(pk=nadia.pk).update(language="tr")
    phone.goto(address)
    expect(phone.locator("html")).to_have_attribute("lang", "tr")
    give_the_birth_date(phone)
    phone.goto("/my/intake/q-stroke/")
    picture(phone, "intake-question-tr")
    phone.locator(".sheet-languages > summary").click()
    expect(phone.locator(".sheet-languages button")).to_have_count(len(NAMES) - 1)
    phone.get_by_role("button", name="English").click()
    expect(phone.get_by_role("heading", name="Have you ever had a stroke?")).to_be_visible()


@pytest.mark.parametrize("language", ["ar", "ru", "de"])
def test_the_questions_in_other_languages_on_a_phone(
    phone: Page, nadia: Patient, address: str, language: str,
    no_axe_findings: Callable[[Page], None], picture: Callable[[Page, str], None],
) -> None:  # fmt: skip
    """From the gate to the signature; Arabic from right to left, German with its long words."""
    lead = Doer.staff(factories.make_user(Role.MEDICAL_LEAD))
    texts.ensure_shipped_texts()
    texts.approve_language(language=language, seen_waiting=len(texts.newest_waiting(language)), by=lead)
    Patient.objects.filter(pk=nadia.pk).update(language=language)
    phone.goto(address)
    page = phone.locator("html")
    expect(page).to_have_attribute("lang", language)
    expect(page).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
    picture(phone, f"gate-{language}")
    no_axe_findings(phone)
    give_the_birth_date(phone)
    picture(phone, f"intake-start-{language}")
    no_axe_findings(phone)
    for key in ("q-stroke", "q-procedure", "q-medicines"):
        phone.goto(f"/my/intake/{key}/")
        question = catalogue.questions_of(catalogue.current_questionnaire())[key]
        expect(phone.get_by_role("heading", name=question.text.own(language)).first).to_be_visible()
        expect(phone.locator("[data-language-note]")).to_have_count(0)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
        picture(phone, f"{key}-{language}")
        no_axe_findings(phone)
    answer_in_the_database(nadia, except_for="")
    phone.goto("/my/intake/overview/")
    picture(phone, f"intake-overview-{language}")
    no_axe_findings(phone)
    phone.locator("[name=signed_name]").fill("Nadia Rahman")
    phone.locator(".sheet-acts button[type=submit]").last.click()
    expect(phone).to_have_url(re.compile("thank-you"))
    expect(page).to_have_attribute("lang", language)
    signed = QuestionnaireResponse.objects.get(patient=nadia)
    assert signed.language == language
    words = catalogue.questions_of(catalogue.current_questionnaire())["q-stroke"].text
    assert signed.wording["q-stroke"]["asked"] == words.own(language)


def test_a_language_not_yet_approved_is_english_and_says_so(phone: Page, nadia: Patient, address: str, picture: Any) -> None:
    Patient.objects.filter(pk=nadia.pk).update(language="fr")
    texts.ensure_shipped_texts()
    phone.goto(address)
    give_the_birth_date(phone)
    phone.goto("/my/intake/q-stroke/")
    expect(phone.get_by_role("heading", name="Have you ever had a stroke?")).to_be_visible()
    expect(phone.locator("[data-language-note]")).to_contain_text("pas encore approuvées")
    expect(phone.get_by_role("button", name="Suivant")).to_be_visible()
    picture(phone, "intake-not-approved-fr")


def test_a_page_is_light_and_fits_the_phone(phone: Page, nadia: Patient, address: str) -> None:
    """Compressed, with every style, script and icon; the font comes once and is kept for a year."""
    sizes: dict[str, int] = {}

    def weigh(response: Response) -> None:
        if response.status == 200 and not response.url.endswith(".woff2"):
            sizes[response.url] = len(gzip.compress(response.body()))

    pass_the_gate(phone, address)
    phone.on("response", weigh)
    phone.goto("/my/intake/q-procedure/")
    settled(phone)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    assert sum(sizes.values()) < LIGHT_BYTES, sizes


@pytest.mark.parametrize("width", [1440, 820, 390])
def test_the_staff_pages_fit_every_screen(
    new_page: Callable[..., Page], live_server: Any, nadia: Patient, width: int, no_axe_findings: Any, picture: Any
) -> None:
    page = new_page(viewport={"width": width, "height": 900})
    doctor = factories.make_user(Role.MEDICAL_LEAD, name="Dr Amina Haddad")
    sign_in(page, doctor, live_server.url)
    chart = f"/patients/{nadia.public_id}"
    for name, url in {
        "patients": "/patients/", "patient-new": "/patients/new/", "intake-send": f"{chart}/intake/",
        "measurements": f"{chart}/measurements/", "medicines": f"{chart}/medicines/", "audit": "/audit/", "staff": "/staff/",
    }.items():  # fmt: skip
        page.goto(url)
        no_axe_findings(page)
        picture(page, f"{name}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def sign_in(page: Page, user: User, address: str) -> None:
    """A session of the server's own, so that this test is not about the sign-in page."""
    client = factories.signed_in(Client(), user)
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": address}])
