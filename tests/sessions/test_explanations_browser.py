"""In a real browser: from the chart to what the patient can have and into a plan; a finding turned to the patient."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from clinic.choices import Role
from clinic.models import User
from patients.models import Patient
from tests import factories
from tests.healthy import answered, measured
from tests.renderer import RendererProcess

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Check = Callable[[Page], None]
Picture = Callable[[Page, str], Any]
PATIENCE = 30_000
TABLET = {"viewport": {"width": 1180, "height": 820}, "has_touch": True}


@pytest.fixture
def doctor() -> User:
    return factories.make_user(Role.PRACTITIONER, name="Dr Amina Haddad")


@pytest.fixture
def patient(doctor: User) -> Patient:
    patient = factories.make_patient(factories.make_site(name="Halden Clinic"), language="tr")
    answered(patient, q_anticoagulant="yes", q_anticoagulant_name="Eliquis", q_allergy=["amide"])
    measured(patient, doctor)
    return patient


def open_chart(page: Page, doctor: User, patient: Patient, address: str) -> None:
    client = factories.signed_in(Client(), doctor)
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": address}])
    page.set_default_timeout(PATIENCE)
    page.goto(f"/patients/{patient.public_id}/")


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"))


def test_a_finding_is_turned_to_the_patient_and_printed(
    new_page: Callable[..., Page], live_server: Any, doctor: User, patient: Patient, renderer: RendererProcess,
    no_axe_findings: Check, picture: Picture,
) -> None:  # fmt: skip
    # given a chart in English, open on a tablet
    page = new_page(**TABLET)
    open_chart(page, doctor, patient, live_server.url)
    # when the finding is explained
    page.get_by_role("link", name=re.compile("Explain to the patient.*Blood thinner")).click()
    # then it speaks the patient's Turkish, without a way to other patients
    expect(page.get_by_role("heading", level=1)).to_have_text("Kan sulandırıcı")
    expect(page.get_by_text("Reçeteli hiçbir ilacı kendiniz kesmeyin; ilacı yazan doktora sorun.")).to_be_visible()
    expect(page.get_by_role("navigation", name="Main")).to_have_count(0)
    assert fits(page)
    no_axe_findings(page)
    picture(page, "explanation-tablet-tr")
    # and it can be read in English, and printed
    page.locator(".sheet-languages > summary").click()
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Blood thinner")
    page.get_by_role("button", name="Print").click()
    expect(page.get_by_role("link", name="Open and print")).to_be_visible(timeout=PATIENCE)


@pytest.mark.parametrize("width", [1280, 820, 390])
def test_from_the_chart_to_what_can_be_had_and_into_a_plan(
    new_page: Callable[..., Page], live_server: Any, doctor: User, patient: Patient, no_axe_findings: Check,
    picture: Picture, width: int,
) -> None:  # fmt: skip
    page = new_page(viewport={"width": width, "height": 900})
    open_chart(page, doctor, patient, live_server.url)
    page.get_by_role("link", name="What can this patient have?").click()
    expect(page.get_by_role("heading", name="Blocked")).to_be_visible()
    assert fits(page)
    no_axe_findings(page)
    picture(page, f"options-{width}")
    page.get_by_role("link", name="Body treatment").click()
    row = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Cellulite")).first
    row.get_by_role("link", name="Plan this").click()
    expect(page.get_by_label("Indication")).to_have_value("ind-cellulite")
