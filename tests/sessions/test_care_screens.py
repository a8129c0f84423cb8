"""The clinicians' pages in a real browser: no serious accessibility finding, nothing wider than the screen, autosave."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from clinic.choices import Role
from sessions.models import TreatmentSession
from tests import factories as make
from tests.healthy import answered
from tests.screens import enter, readable_at_every_size
from tests.sessions.careday import CareDay, make_care_day

pytestmark = pytest.mark.django_db(transaction=True)

NOW = "2026-03-12T08:50:00+00:00"
SIZES = [(1440, 900), (1024, 768), (390, 844)]


@pytest.fixture
def day(at: Callable[..., Any]) -> CareDay:
    at(NOW)
    return make_care_day()


def test_every_page_of_care_is_readable_at_every_size(day: CareDay, page: Page, live_server: Any) -> None:
    lead = make.make_user(Role.MEDICAL_LEAD, name="Dr Jonas Weber")
    enter(page, live_server.url, lead)
    record = day.open_record()
    troubled = make.make_patient(day.site)
    answered(troubled, q_allergy=["fish"], q_reaction="yes", q_pregnant="unsure", q_keloid="yes")
    chart, appointment = f"/patients/{day.patient.public_id}/", f"/appointments/{record.appointment.public_id}/"
    new = f"/patients/{troubled.public_id}/courses/new/"
    for address in [
        chart, f"{chart}?tab=forms", f"/patients/{troubled.public_id}/", f"/courses/{record.course.public_id}/",
        f"{new}?indication=ind-under-eye&mixture=ck-eye-pn", f"{appointment}record/", f"{appointment}record/questions/",
        f"{appointment}record/history/", f"/courses/{record.course.public_id}/allergy-tests/", "/stock/", "/stock/receive/",
        "/protocols/",
    ]:  # fmt: skip
        readable_at_every_size(page, address, SIZES)


def test_typing_is_saved_and_a_wrong_figure_says_so_beside_its_field(day: CareDay, page: Page, live_server: Any) -> None:
    make.make_lot(day.site, lot_number="H77")
    record = day.open_record()
    enter(page, live_server.url, day.doctor)
    page.goto(f"/appointments/{record.appointment.public_id}/record/")
    page.get_by_label("Lot", exact=True).select_option(index=1)
    page.get_by_label("Points", exact=True).fill("38")
    page.get_by_label("ml per point").fill("0.05")
    page.get_by_label("Depth in mm").fill("1.5")
    page.get_by_label("Left over, recorded as waste").fill("0.1")
    page.get_by_label("Note").fill("calm")
    page.get_by_label("Note").blur()
    expect(page.get_by_text("Adds up")).to_be_visible()
    expect(page.get_by_text("In date and enough")).to_be_visible()
    assert TreatmentSession.objects.get().note == "calm"
    page.get_by_label("Points", exact=True).fill("-3")
    page.get_by_label("Points", exact=True).blur()
    expect(page.get_by_text("Ensure this value is greater than or equal to 1.")).to_be_visible()
    expect(page.get_by_label("Points", exact=True)).to_have_value("-3")
    assert TreatmentSession.objects.get().areas.get().points == 38
