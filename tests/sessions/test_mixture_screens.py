"""The mixture builder in a real browser: build, watch the bars, adapt to the patient, save; readable at every size."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sessions.models import Course
from tests.screens import enter, fits
from tests.sessions.careday import CareDay, make_care_day

pytestmark = pytest.mark.django_db(transaction=True)

NOW = "2026-03-12T08:50:00+00:00"
SIZES = {"desk": (1440, 900), "tablet": (1024, 768), "phone": (390, 844)}


@pytest.fixture
def day(at: Callable[..., Any]) -> CareDay:
    at(NOW)
    return make_care_day()


def builder_of(day: CareDay, indication: str = "ind-cellulite", mixture: str = "ck-cell-lipo") -> str:
    return f"/patients/{day.patient.public_id}/mixture/?indication={indication}&mixture={mixture}"


def add(page: Page, name: str, *, syringe: int = 1) -> None:
    frame = page.locator(f"#syringe-{syringe}")
    frame.get_by_label("Add a component").select_option(label=name)
    frame.get_by_role("button", name="Add", exact=True).click()


def write(page: Page, label: str, figure: str) -> None:
    page.get_by_role("textbox", name=label, exact=True).fill(figure)
    page.get_by_role("textbox", name=label, exact=True).press("Tab")


def verdict(page: Page, word: str) -> None:
    expect(page.locator("#verdict .verdict-word")).to_have_text(word)


def test_a_mixture_is_built_adapted_and_proposed(day: CareDay, page: Page, live_server: Any) -> None:
    enter(page, live_server.url, day.doctor)
    page.goto(builder_of(day))
    verdict(page, "Ok")

    # a dose turns into ml, and the other way round
    write(page, "Dose of Caffeine", "75")
    expect(page.get_by_role("textbox", name="Volume of Caffeine")).to_have_value("1.5")
    write(page, "Volume of Caffeine", "1,2")
    expect(page.get_by_role("textbox", name="Dose of Caffeine")).to_have_value("60")
    expect(page.get_by_role("textbox", name="Volume of Caffeine")).to_have_value("1,2")

    # what does not go together says so in its row
    add(page, "Pentoxifylline")
    verdict(page, "Incomplete")
    write(page, "Volume of Pentoxifylline", "0.5")
    verdict(page, "Incompatible")
    expect(page.locator("#builder").get_by_text("Only one xanthine a day")).to_be_visible()
    expect(page.get_by_role("button", name="Propose this course")).to_be_disabled()

    # the smallest change, shown before it is taken over
    page.get_by_role("button", name="Adapt to this patient").click()
    proposal = page.get_by_role("region", name="Adapted to this patient")
    expect(proposal.get_by_text("Caffeine taken out")).to_be_visible()
    expect(page.get_by_role("textbox", name="Volume of Caffeine")).to_have_value("1,2")
    proposal.get_by_role("button", name="Take it over").click()
    expect(page.get_by_role("textbox", name="Volume of Caffeine")).to_have_count(0)
    verdict(page, "Ok")

    # a second syringe for another place
    page.get_by_role("button", name="Another syringe").click()
    add(page, "Organic silicon (methylsilanol)", syringe=2)
    page.locator("#s2-l1").get_by_role("textbox", name="Volume of Organic silicon (methylsilanol)").fill("1")
    page.locator("#syringe-2").get_by_label("Points").fill("20")
    page.locator("#syringe-2").get_by_label("Points").press("Tab")
    expect(page.locator("#s2-total")).to_contain_text("0.05 ml per point")

    page.get_by_role("button", name="Propose this course").click()
    page.wait_for_url("**/courses/**")
    course = Course.objects.get()
    assert [syringe.points for syringe in course.syringes.all()] == [None, 20]
    assert [item.substance for item in course.items.filter(syringe__number=2)] == ["sub-silicon"]

    # and once more, from the course
    page.get_by_role("link", name="Change the mixture").click()
    page.get_by_role("button", name="Take syringe 2 away").click()
    expect(page.locator("#syringe-2")).to_have_count(0)
    page.get_by_role("button", name="Save this mixture").click()
    page.wait_for_url(f"**/courses/{course.public_id}/")
    course.refresh_from_db()
    assert (course.syringes.count(), course.plan_version) == (1, 2)


@pytest.mark.parametrize("language", ["en", "tr"])
def test_the_builder_is_readable_at_every_size(
    day: CareDay, page: Page, live_server: Any, no_axe_findings: Callable[[Page], None],
    picture: Callable[[Page, str], None], language: str,
) -> None:  # fmt: skip
    type(day.doctor).objects.filter(pk=day.doctor.pk).update(language=language)
    day.doctor.refresh_from_db()
    enter(page, live_server.url, day.doctor)
    page.goto(builder_of(day))
    page.locator("#id_s1-add").select_option("sub-pentoxifylline")
    page.locator("#syringe-1 button[value=line-1]").click()
    page.locator("#id_s1-l6-ml").fill("3")
    page.locator("#id_s1-l6-ml").press("Tab")
    expect(page.locator("#verdict .verdict-danger")).to_be_visible()
    page.locator("button[value=adapt]").click()
    expect(page.locator(".proposal")).to_be_visible()
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        fits(page)
        no_axe_findings(page)
        picture(page, f"mixture-{language}-{size}")


def test_it_works_without_scripts(day: CareDay, new_page: Callable[..., Page], live_server: Any) -> None:
    page = new_page(java_script_enabled=False)
    enter(page, live_server.url, day.doctor)
    page.goto(builder_of(day, "ind-hydration", "ck-face-hydra"))
    page.get_by_role("textbox", name="Volume of Non-cross-linked hyaluronic acid").fill("40")
    page.get_by_role("button", name="Check").last.click()
    verdict(page, "Over-limit")
    page.get_by_role("button", name="Adapt to this patient").click()
    page.get_by_role("button", name="Take it over").click()
    expect(page.get_by_role("textbox", name="Volume of Non-cross-linked hyaluronic acid")).to_have_value("5")
    page.get_by_role("button", name="Another syringe").click()
    add(page, "Biotin", syringe=2)
    expect(page.get_by_role("textbox", name="Strength of Biotin")).to_have_value("5")
    assert not Course.objects.exists()
