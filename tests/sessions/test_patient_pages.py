"""Every page a patient opens, looked at in a browser: light enough for a slow phone, and right in every kind of script."""
from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, Response

from clinic.doer import SYSTEM, Doer
from clinic.languages import NAMES
from patients import links
from patients.models import Patient
from protocols import texts
from sessions import own_data_links, unsubscribing
from sessions.aftercare_page import last_treatment
from sessions.models import CheckIn, Message
from tests import factories
from tests.browser import PHONE, settled
from tests.healthy import answered
from tests.house.world import behind_link, make_world, set_fields

LIGHT_BYTES = 100_000
PATIENCE_MS = 90_000  # a machine that is shared: how fast pages are is measured elsewhere
DESK = {"viewport": {"width": 1280, "height": 800}}
SUBJECTS = {"appointment": "appointment", "changes": "appointment", "consent": "consent_to_sign"}


@pytest.fixture
def world() -> SimpleNamespace:
    world = make_world(given_name="Nadia", family_name="Rahman", email="nadia@halden.example", language="en")
    starts = timezone.now() + dt.timedelta(days=3)
    set_fields(world.appointment, starts_at=starts, ends_at=starts + dt.timedelta(minutes=30), displaced="")
    answered(world.patient)
    record = last_treatment(world.patient)
    assert record is not None
    CheckIn.objects.create(
        patient=world.patient, site=world.site, treatment_session=record, answered_at=timezone.now(), pain=8,
        codes=["ci-pus"], urgency="same-day",
        answers={"signs": ["ci-pus"], "pain": 8, "swelling": "same", "fever": "unsure", "lump": "no", "note": ""},
    )  # fmt: skip
    world.message = Message.objects.create(
        kind="msg-next", patient=world.patient, site=world.site, cause_kind="course", cause_public_id="x",
        language="en", due_at=timezone.now(), rfc_message_id="<n@halden.example>", recipient="nadia@halden.example",
    )  # fmt: skip
    return world


def behind(world: SimpleNamespace) -> dict[str, list[tuple[str, str]]]:
    """(name of the picture, address) of every page, by the purpose of the link that opens it."""
    question = reverse("patient-intake-question", args=["q-procedure"])
    return {
        "appointment": [("appointment", reverse("patient-appointment")), ("move", reverse("patient-appointment-move"))],
        "consent": [("consent", reverse("patient-consent")), ("consent-sign", reverse("patient-consent-sign"))],
        "aftercare": [
            ("aftercare", reverse("patient-aftercare")), ("check-in", reverse("patient-check-in")),
            ("check-in-answer", reverse("patient-check-in-answer")),
        ],
        "papers": [("papers", reverse("patient-papers"))],
        "privacy": [
            ("privacy", reverse("patient-privacy")),
            ("withdraw", reverse("patient-privacy-withdraw", args=[world.signed.public_id])),
            ("ask-copy", reverse("patient-privacy-ask", args=["copy"])),
            ("ask-erase", reverse("patient-privacy-ask", args=["erase"])),
        ],
        "changes": [("changes", reverse("patient-changes")), ("changes-others", reverse("patient-changes") + "?way=others")],
        "intake": [
            ("intake", reverse("patient-intake")), ("intake-question", question),
            ("intake-overview", reverse("patient-intake-overview")),
        ],
    }  # fmt: skip


def open_to_all(world: SimpleNamespace) -> list[tuple[str, str]]:
    def local(address: str) -> str:
        return address.partition("8000")[2]

    return [
        ("book", reverse("public-booking", args=[world.site.public_id])), ("verify", reverse("verify-form")),
        ("verify-none", reverse("verify", args=["AAAA-AAAA"])),
        ("mail-stop", local(unsubscribing.address_in(world.message))),
        ("own-data", local(own_data_links.address_in(world.message))),
        ("dead-link", reverse("patient-link", args=["x" * 43])),
    ]  # fmt: skip


def carry(page: Page, client: Client, address: str) -> None:
    """The session of a browser that passed the gate, so that these tests are not about the gate."""
    page.context.add_cookies([{"name": name, "value": morsel.value, "url": address} for name, morsel in client.cookies.items()])


@pytest.mark.django_db(transaction=True)
def test_every_page_is_light(new_page: Callable[..., Page], live_server: Any, world: SimpleNamespace) -> None:
    """Compressed, on a phone that was never here: with every style, script, icon, picture and font."""
    weights: dict[str, int] = {}

    def weigh(name: str, address: str, client: Client | None) -> None:
        loaded: dict[str, int] = {}

        def add(response: Response) -> None:
            if response.status < 300 or response.status in {404, 422}:
                loaded[response.url] = len(gzip.compress(response.body()))

        phone = new_page(**PHONE)
        if client is not None:
            carry(phone, client, live_server.url)
        phone.on("response", add)
        phone.goto(address, timeout=PATIENCE_MS)
        settled(phone)
        assert not [one for one in loaded if one.endswith((".woff2", "/icons.svg"))], name
        weights[name] = sum(loaded.values())
        phone.context.close()

    for purpose, pages in behind(world).items():
        client = behind_link(world, purpose)
        for name, address in pages:
            weigh(name, address, client)
    _link, token = links.issue(
        patient=world.patient, site=world.site, purpose="papers", by=SYSTEM, expires_at=timezone.now() + dt.timedelta(days=1)
    )
    weigh("gate", reverse("patient-link", args=[token]), None)
    for name, address in open_to_all(world):
        weigh(name, address, None)
    assert len(weights) > 20
    print({name: round(size / 1000, 1) for name, size in weights.items()})
    assert max(weights.values()) < LIGHT_BYTES, weights


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", ["en", "tr", "ar", "de"])
def test_every_page_on_a_phone_and_at_a_desk(
    new_page: Callable[..., Page], live_server: Any, world: SimpleNamespace, language: str, picture: Any,
    no_axe_findings: Callable[[Page], None],
) -> None:  # fmt: skip
    """In the patient's language, from right to left in Arabic; nothing runs out of the screen, nothing stays English."""
    Patient.objects.filter(pk=world.patient.pk).update(language=language)
    set_fields(world.message, language=language)
    if language not in {"en", "tr"}:
        lead = Doer.staff(factories.make_user("medical-lead"))
        texts.ensure_shipped_texts()
        texts.approve_language(language=language, seen_waiting=len(texts.newest_waiting(language)), by=lead)
    pages = [(behind_link(world, purpose), *page) for purpose, found in behind(world).items() for page in found]
    pages += [(None, *page) for page in open_to_all(world)]
    for kind, options, width in (("phone", PHONE, 390), ("desk", DESK, 1280)):
        if kind == "desk" and language in {"tr", "de"}:
            continue
        page = new_page(**options, locale=language)
        for client, name, address in pages:
            page.context.clear_cookies()
            if client is not None:
                carry(page, client, live_server.url)
            page.goto(address, timeout=PATIENCE_MS)
            picture(page, f"patient-{name}-{kind}-{language}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            if client is not None:
                assert page.locator("html").get_attribute("lang") == language, name
                assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr"), name
            if kind == "phone" and language in {"en", "ar"}:
                no_axe_findings(page)


@pytest.mark.django_db
class TestTheApp:
    @pytest.mark.parametrize("language", NAMES)
    def test_the_manifest_is_of_this_clinic_and_of_no_patient(self, client: Client, language: str) -> None:
        factories.make_organisation("Halden Clinic")
        answer = client.get(reverse("app-manifest", args=[language]))
        assert answer.headers["Content-Type"] == "application/manifest+json"
        found = answer.json()
        assert (found["name"], found["lang"], found["start_url"]) == ("Halden Clinic", language, "/p/")
        assert found["dir"] == ("rtl" if language == "ar" else "ltr")
        assert {one["sizes"] for one in found["icons"]} == {"192x192", "512x512"}
        assert "manifest-src 'self'" in answer.headers["Content-Security-Policy"]
        assert not client.cookies

    @pytest.mark.parametrize("language", ["xx", "..", "en-GB"])
    def test_no_other_language_has_one(self, client: Client, language: str) -> None:
        assert client.get(f"/app/{language}.webmanifest").status_code == 404

    def test_patient_pages_name_it_and_no_page_keeps_itself(self, world: SimpleNamespace) -> None:
        client = behind_link(world, "papers")
        html = client.get(reverse("patient-papers")).content.decode()
        assert 'rel="manifest" href="/app/en.webmanifest"' in html
        assert "serviceWorker" not in html
        assert "no-store" in client.get(reverse("patient-papers")).headers["Cache-Control"]


def test_an_address_of_another_kind_is_no_address_of_this_one() -> None:
    token = signing.Signer(salt=unsubscribing.SALT).sign("A" * 22)
    assert own_data_links.message_behind(token) is None
