"""The medical lead's walk in a real browser: draft, edit, refusal beside the field, difference, approval, publication."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from clinic.choices import Role
from clinic.doer import Doer
from clinic.models import Site, User
from protocols import catalogue, editing, enabling, versions
from protocols.clauses import sign_of
from protocols.models import CatalogueVersion
from tests import factories as make
from tests.protocols.drafts import change
from tests.protocols.ownrule import BODY, OWN
from tests.protocols.test_reworking_mixing import MIX, MIX_BODY
from tests.screens import enter, fits

pytestmark = pytest.mark.django_db(transaction=True)
SIZES = [(1440, 900), (820, 1180), (390, 844)]


def test_a_limit_is_tightened_loosened_compared_and_published(
    lead: User, page: Page, live_server: Any, no_axe_findings: Callable[[Page], None]
) -> None:
    # given the medical lead on the page of versions
    enter(page, live_server.url, lead)
    page.goto(reverse("catalogue-versions"))
    page.get_by_role("link", name="New draft").first.click()
    page.get_by_label("What is it for?").fill("Spring review")
    page.get_by_role("button", name="Make the draft").click()
    expect(page.get_by_text("nothing in it counts for patients yet")).to_be_visible()
    no_axe_findings(page)
    # when a hard maximum is raised without a reason it is refused beside the reason, with one it is saved
    page.get_by_role("link", name="Substances").click()
    page.get_by_role("link", name="tranexamic acid").click()
    page.get_by_label("Hard maximum per session").fill("120")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("becomes looser: 100 → 120").first).to_be_visible()
    expect(page.get_by_label("Hard maximum per session")).to_have_value("120")
    no_axe_findings(page)
    page.get_by_label("Why", exact=True).fill("Specialist clinic")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("loosened").first).to_be_visible()
    # and a value outside its range is refused beside its field, with the range
    draft = versions.open_draft()
    assert draft is not None
    page.goto(reverse("catalogue-entry", args=[draft.public_id, "ac-no-water"]))
    page.get_by_label("Until hour", exact=True).fill("30")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Only 10 to 24 is allowed here").first).to_be_visible()
    # then the difference tells it, and publishing waits for the impact
    page.goto(reverse("catalogue-difference", args=[draft.public_id]))
    expect(page.get_by_role("cell", name="120")).to_be_visible()
    expect(page.get_by_text("Specialist clinic").first).to_be_visible()
    no_axe_findings(page)
    page.goto(reverse("catalogue-version", args=[draft.public_id]))
    page.get_by_role("button", name="Approve these limits and texts").click()
    page.get_by_role("link", name="Publish …").click()
    expect(page.get_by_role("button", name="Publish now")).to_be_disabled()
    no_axe_findings(page)
    versions.mark_impact_seen(version=CatalogueVersion.objects.get(pk=draft.pk), by=Doer.staff(lead))
    page.reload()
    page.get_by_role("button", name="Publish now").click()
    expect(page.get_by_role("heading", name="Protocols")).to_be_visible()
    assert catalogue.current().pk == draft.pk


def test_who_asks_for_what_is_refused_reads_why(lead: User, page: Page, live_server: Any) -> None:
    enter(page, live_server.url, lead)
    page.goto(reverse("protocols"))
    page.get_by_placeholder("Name, code or what was asked for").fill("chamomile")
    page.keyboard.press("Enter")
    expect(page.get_by_text("A wet compress is not sterile")).to_be_visible()


@pytest.mark.parametrize(("role", "language"), [(Role.MEDICAL_LEAD, "en"), (Role.PRACTITIONER, "tr")])
def test_every_page_of_a_version_is_readable_at_every_size(
    lead: User, page: Page, live_server: Any, no_axe_findings: Callable[[Page], None], role: str, language: str
) -> None:
    draft = versions.make_draft(based_on=catalogue.current(), note="Spring review", by=Doer.staff(lead))
    change(draft, "sub-lidocaine", lead, reason="Specialist clinic", hard_max="310")
    change(draft, "scr-keloid", lead, clauses__1__severity="absolute")
    site = Site.objects.get()
    enabling.enable(site=site, code="sub-dmae", reason="Asked for", legal_basis="", by=Doer.staff(lead))
    user = lead if role == Role.MEDICAL_LEAD else make.make_user(role, language=language)
    enter(page, live_server.url, user)
    args = [draft.public_id]
    pages = [
        reverse("protocols"), reverse("catalogue-versions"),
        reverse("catalogue-version", args=args) + "?part=substance",
        reverse("catalogue-version", args=args) + "?part=refused",
        reverse("catalogue-entry", args=[*args, "scr-diabetes-other"]),
        reverse("catalogue-entry", args=[*args, "sub-lidocaine"]),
        reverse("catalogue-difference", args=args), reverse("enablements"),
    ]  # fmt: skip
    if role == Role.MEDICAL_LEAD:
        pages += [
            reverse("catalogue-entry-add", args=[*args, kind])
            for kind in ("substance", "indication", "mixture", "mixing_rule", "rule")
        ]
        editing.add_entry(version=draft, kind="rule", code=OWN, body=BODY, reason="Ours", by=Doer.staff(lead))
        pages += [
            reverse("catalogue-entry", args=[*args, OWN]), reverse("catalogue-clause", args=[*args, OWN,
            sign_of(BODY["clauses"][0])]),
            reverse("catalogue-clause-new", args=[*args, OWN]),
            reverse("catalogue-clause-remove", args=[*args, OWN, sign_of(BODY["clauses"][0])]),
        ]  # fmt: skip
        editing.add_entry(version=draft, kind="mixing_rule", code=MIX, body=MIX_BODY, reason="Ours", by=Doer.staff(lead))
        pages += [reverse("catalogue-entry", args=[*args, MIX]), reverse("catalogue-mixing-rule", args=[*args, MIX])]
        pages += [reverse("catalogue-publish", args=args), reverse("enablement-new")]
    for address in pages:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            fits(page)
        no_axe_findings(page)


def test_a_rule_of_the_house_is_added_and_reworked_in_turkish(
    lead: User, new_page: Callable[..., Page], live_server: Any, no_axe_findings: Callable[[Page], None], picture: Any
) -> None:
    # given a medical lead who reads Turkish, with a rule of the house in a draft
    chief = make.make_user(Role.MEDICAL_LEAD, name="Dr Ayşe Kaya", language="tr")
    draft = versions.make_draft(based_on=catalogue.current(), note="Spring review", by=Doer.staff(chief))
    editing.add_entry(version=draft, kind="rule", code=OWN, body=BODY, reason="Ours", by=Doer.staff(chief))
    page = new_page(locale="tr-TR")
    enter(page, live_server.url, chief)
    page.goto(reverse("catalogue-entry", args=[draft.public_id, OWN]))
    page.get_by_role("link", name="1. maddeyi yeniden yaz").click()
    # when a figure is forgotten, the sentence stands beside it and what was typed is kept
    page.get_by_label("Koşul 2", exact=True).select_option("age:")
    page.locator("#id_compare_2").select_option("above")
    page.locator("#id_reason").fill("Ekip karar verdi")
    page.get_by_role("button", name="Maddeyi kaydet").click()
    expect(page.locator("#div_id_figure_2 .field-error")).to_have_text("Sayının nasıl ve neyle karşılaştırılacağını belirtin.")
    expect(page.locator("#id_what_2")).to_have_value("age:")
    no_axe_findings(page)
    picture(page, "clause-refused-tr")
    page.locator("#id_figure_2").fill("70")
    page.get_by_role("button", name="Maddeyi kaydet").click()
    # then the rule says so, and a second clause stands beside it
    expect(page.get_by_role("heading", name="Madde 1")).to_be_visible()
    page.get_by_role("link", name="Madde ekle").click()
    page.locator("#id_what_1").select_option("medicine:med-beta-blocker")
    page.locator("#id_severity").select_option("info")
    page.locator("#id_reason").fill("Not olarak")
    page.get_by_role("button", name="Maddeyi kaydet").click()
    expect(page.get_by_role("heading", name="Madde 2")).to_be_visible()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        fits(page)
        picture(page, f"rule-own-{width}")
    page.get_by_role("link", name="1. maddeyi yeniden yaz").click()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        fits(page)
        picture(page, f"clause-{width}")
    # and what would be taken out is said before it goes
    page.goto(reverse("catalogue-entry", args=[draft.public_id, OWN]))
    page.get_by_role("link", name="2. maddeyi çıkar").click()
    expect(page.get_by_text("med-beta-blocker").first).to_be_visible()
    no_axe_findings(page)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        fits(page)
        picture(page, f"clause-remove-{width}")


def test_a_mixing_rule_of_the_house_is_reworked_in_turkish(
    lead: User, new_page: Callable[..., Page], live_server: Any, no_axe_findings: Callable[[Page], None], picture: Any
) -> None:
    # given a mixing rule of the house in a draft, and a medical lead who reads Turkish
    chief = make.make_user(Role.MEDICAL_LEAD, name="Dr Ayşe Kaya", language="tr")
    draft = versions.make_draft(based_on=catalogue.current(), note="Spring review", by=Doer.staff(chief))
    editing.add_entry(version=draft, kind="mixing_rule", code=MIX, body=MIX_BODY, reason="Ours", by=Doer.staff(chief))
    page = new_page(locale="tr-TR")
    enter(page, live_server.url, chief)
    page.goto(reverse("catalogue-entry", args=[draft.public_id, MIX]))
    page.get_by_role("link", name="Bu karışım kuralını yeniden yaz").click()
    # when where it looks no longer fits what it checks, the sentence stands beside it and nothing typed is lost
    expect(page.locator("#id_shape")).to_contain_text("yalnızca tek başına")
    expect(page.locator("#id_result")).to_contain_text("geçimsiz")
    page.locator("#id_shape").select_option("alone")
    page.locator("#id_reason").fill("Yeniden ölçüldü")
    page.get_by_role("button", name="Kuralı kaydet").click()
    expect(page.locator("#div_id_looks_at .field-error")).to_be_visible()
    expect(page.locator("#id_shape")).to_have_value("alone")
    no_axe_findings(page)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        fits(page)
        picture(page, f"mixing-rework-{width}")
    # then with what fits it is saved, and the difference says that it became looser
    page.locator("#id_looks_at").select_option("mix")
    page.locator("#id_within_days").fill("")
    page.locator("input[name=with_substances][value=sub-vit-c]").uncheck()
    page.get_by_role("button", name="Kuralı kaydet").click()
    expect(page.get_by_text("gevşetildi").first).to_be_visible()


def test_a_long_rule_is_folded_part_by_part(
    lead: User, page: Page, live_server: Any, no_axe_findings: Callable[[Page], None], picture: Any
) -> None:
    draft = versions.make_draft(based_on=catalogue.current(), note="Spring review", by=Doer.staff(lead))
    enter(page, live_server.url, lead)
    page.goto(reverse("catalogue-entry", args=[draft.public_id, "scr-diabetes-other"]))
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        fits(page)
        picture(page, f"rule-folded-{width}")
    expect(page.get_by_label("Clause 1 · Severity")).to_be_visible()
    expect(page.get_by_label("Clause 2 · Severity")).to_be_hidden()
    # what has something to mend is open when it comes back
    page.get_by_text("Clause 2", exact=True).click()
    page.locator("[id='id_clauses.2.when.above']").fill("9")
    page.locator("#id_reason").fill("Try")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("is allowed here").first).to_be_visible()
    expect(page.locator("[id='id_clauses.2.when.above']")).to_have_value("9")
    no_axe_findings(page)
