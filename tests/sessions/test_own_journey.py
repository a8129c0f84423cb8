"""One patient on a phone, in Arabic and in German, through all that is theirs: choices, data, papers, what changed."""
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinic.doer import SYSTEM, Doer
from patients import links
from patients.models import Patient, QuestionnaireResponse
from protocols import texts
from sessions import own_data_links
from sessions.models import Consent, Message
from sessions.photo_permission import permission_of
from tests import factories
from tests.healthy import answered
from tests.house.world import make_world, set_fields
from tests.sessions.ownpages import given, plan_paper

PATIENCE_MS = 60_000


@pytest.fixture
def world() -> SimpleNamespace:
    world = make_world(given_name="Nadia", family_name="Rahman", email="nadia@halden.example")
    starts = timezone.now() + dt.timedelta(days=3)
    set_fields(world.appointment, starts_at=starts, ends_at=starts + dt.timedelta(minutes=30), displaced="")
    answered(world.patient)
    given(world, plan_paper(world))
    world.mail = Message.objects.create(
        kind="msg-next", patient=world.patient, site=world.site, cause_kind="course", cause_public_id="x",
        language="en", due_at=timezone.now(), rfc_message_id="<j@halden.example>", recipient="nadia@halden.example",
    )  # fmt: skip
    return world


class Handset:
    """The steps of a patient; every page is checked, and looked at in a picture."""

    def __init__(self, page: Page, world: SimpleNamespace, language: str, check: Callable[[Page], None], picture: Any) -> None:
        self.page, self.world, self.language, self.check, self.picture = page, world, language, check, picture
        page.set_default_timeout(PATIENCE_MS)
        page.set_default_navigation_timeout(PATIENCE_MS)

    def look(self, name: str) -> None:
        page = self.page
        html = page.locator("html")
        expect(html).to_have_attribute("dir", "rtl" if self.language == "ar" else "ltr")
        expect(html).to_have_attribute("lang", self.language)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        self.check(page)
        self.picture(page, f"own-journey-{name}-{self.language}")

    def open(self, purpose: str, subject: Any = None) -> None:
        _link, token = links.issue(
            patient=self.world.patient, site=self.world.site, purpose=purpose, subject=subject, by=SYSTEM,
            expires_at=timezone.now() + dt.timedelta(days=2),
        )  # fmt: skip
        self.page.goto(reverse("patient-link", args=[token]))
        self.show_birth_date()

    def show_birth_date(self) -> None:
        self.page.locator("input[name=birth_date]").fill(self.world.patient.birth_date.isoformat())
        self.press("gate")

    def press(self, form: str) -> None:
        """The button of this form, wherever it stands."""
        self.page.locator(f"button[form={form}]").click()

    def arrive(self, name: str, *args: Any) -> None:
        expect(self.page).to_have_url(re.compile(re.escape(reverse(name, args=args)) + r"(\?.*)?$"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", ["ar", "de"])
def test_choices_data_papers_and_what_changed(
    phone: Page, world: SimpleNamespace, language: str, no_axe_findings: Callable[[Page], None], picture: Any
) -> None:
    Patient.objects.filter(pk=world.patient.pk).update(language=language)
    lead = Doer.staff(factories.make_user("medical-lead"))
    texts.ensure_shipped_texts()
    texts.approve_language(language=language, seen_waiting=len(texts.newest_waiting(language)), by=lead)
    own = Handset(phone, world, language, no_axe_findings, picture)

    # from the foot of a mail to the choices
    phone.goto(own_data_links.address_in(world.mail).partition("8000")[2])
    own.look("foot")
    own.press("open")
    own.look("gate")
    own.show_birth_date()
    own.arrive("patient-privacy")
    own.look("choices")

    # doing without a mail, and taking photographs back
    phone.locator("input[name=mails]:checked").first.uncheck()
    own.press("choices")
    expect(phone.locator("#messages .message, #messages > *").first).to_be_visible()
    assert world.patient.privacy_choices.filter(allowed=False).count() == 1
    assert permission_of(world.patient).allows("record")
    phone.locator(f"form[action='{reverse('patient-privacy-photos', args=['record'])}'] button").click()
    expect(phone.locator(f"form[action='{reverse('patient-privacy-photos', args=['record'])}']")).to_have_count(0)
    assert not permission_of(world.patient).allows("record")
    own.look("choices-made")

    # asking for deletion
    phone.locator(f"a[href='{reverse('patient-privacy-ask', args=['copy'])}']").click()
    own.look("ask")
    own.press("ask")
    own.arrive("patient-privacy")
    assert world.patient.data_requests.filter(kind="copy", state="open").count() == 1

    # the withdrawal says first what it means
    withdraw = phone.locator("a[href*='/withdraw/']").first
    consents = Consent.objects.filter(patient=world.patient, withdrawn_at=None, signed_at__isnull=False).count()
    withdraw.click()
    own.look("withdraw")
    own.press("withdraw")
    own.arrive("patient-privacy")
    assert Consent.objects.filter(patient=world.patient, withdrawn_at=None, signed_at__isnull=False).count() < consents
    own.look("withdrawn")

    # the papers, one of them saved
    own.open("papers")
    own.arrive("patient-papers")
    own.look("papers")
    with phone.expect_download() as download:
        phone.locator("main a[download], main a[href*='/my/papers/']").first.click()
    assert download.value.path().read_bytes().startswith(b"%PDF-1.7")

    # before the session: something has changed, a follow-up appears, one answer is forgotten first
    own.open("changes", world.appointment)
    own.arrive("patient-changes")
    own.look("changes")
    phone.locator(f"a[href='{reverse('patient-changes')}?way=others']").click()
    phone.locator("input[name=q-breastfeeding][value=yes]").check()
    own.look("changes-others")
    own.press("changes")
    expect(phone.locator("#signed-name-error")).to_be_visible()
    expect(phone.locator("input[name=q-breastfeeding][value=yes]")).to_be_checked()
    own.look("changes-unsigned")
    phone.locator("input[name=signed_name]").fill("نادية رحمن" if language == "ar" else "Nadia Rahman")
    own.press("changes")
    own.arrive("patient-changes-thanks")
    own.look("changes-thanks")
    said = QuestionnaireResponse.objects.get(purpose="again", submitted_kind="patient")
    assert (said.answers["q-breastfeeding"], said.language) == ("yes", language)
