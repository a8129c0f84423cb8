"""Adverse events and scores in a real browser: readable at every size, in both languages, without serious axe findings."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinic.choices import Role
from sessions import outcomes, reactions
from sessions.models import AdverseEvent
from tests import factories as make
from tests.healthy import answered
from tests.screens import enter, readable_at_every_size
from tests.sessions.careday import MORNING, CareDay, make_care_day
from tests.sessions.test_outcomes import pain_course

pytestmark = pytest.mark.django_db(transaction=True)
SIZES = [(1280, 800), (390, 844)]


@pytest.fixture
def day(at: Callable[..., Any]) -> CareDay:
    at(MORNING)
    return make_care_day()


@pytest.mark.parametrize("language", ["en", "tr"])
def test_events_and_scores_are_readable_at_every_size(
    day: CareDay, page: Page, live_server: Any, language: str, picture: Callable[[Page, str], None]
) -> None:
    def photographed(width: int, name: str) -> None:
        picture(page, f"reactions-{name}-{width}-{language}")

    lead = make.make_user(Role.MEDICAL_LEAD, name="Dr Jonas Weber", language=language)
    enter(page, live_server.url, lead)
    record = day.ended()
    course = pain_course(day)
    for value, ago in (("8", 22), ("7", 1)):
        outcomes.record_score(
            course=course, scale="VAS", value=Decimal(value), taken_at=timezone.now() - dt.timedelta(days=ago), by=day.by)
    open_one = reactions.report(patient=day.patient, site=day.site, by=day.by, event=reactions.Report(
        grade=3, reaction="ae-infection-ntm", treatment_session=record, description="A violet lump on the cheek"))
    closed = reactions.report(patient=day.patient, site=day.site, by=day.by, event=reactions.Report(
        grade=2, reaction="ae-haematoma", elsewhere="Clinic abroad", substances=["sub-pn"]))
    closed = reactions.assess(
        event=closed, seen_version=closed.version, causality="probable", grade=2, action="local-treatment", by=day.by)
    reactions.close(event=closed, seen_version=closed.version, outcome="recovered", closing="Gone after a week", by=day.by)
    patient = f"/patients/{day.patient.public_id}"
    pages = {
        "list": f"{patient}/reactions/", "new": f"{patient}/reactions/new/?session={record.appointment.public_id}",
        "assess": f"/reactions/{open_one.public_id}/assess/", "close": f"/reactions/{open_one.public_id}/close/",
        "scores": f"/courses/{course.public_id}/scores/", "go-on": f"/courses/{course.public_id}/go-on/",
        "course": f"/courses/{course.public_id}/",
    }  # fmt: skip
    for name, address in pages.items():
        readable_at_every_size(page, address, SIZES, partial(photographed, name=name))


def test_from_the_patients_word_to_the_closed_event(day: CareDay, page: Page, live_server: Any) -> None:
    answered(day.patient, q_reaction="yes")
    enter(page, live_server.url, day.doctor)
    page.goto(f"/patients/{day.patient.public_id}/")
    page.get_by_role("link", name="Adverse events").first.click()
    expect(page.get_by_text("that nobody has looked at")).to_be_visible()
    page.get_by_role("link", name="Report an adverse event").click()
    page.get_by_label("Where, if it was elsewhere").fill("Clinic abroad")
    page.get_by_label("What happened").select_option("exp-bruise")
    page.get_by_label("1: mild").check()
    page.get_by_label("What was done").select_option("advice")
    page.get_by_role("button", name="Record").click()
    page.get_by_role("link", name="Assess").click()
    page.get_by_label("Unlikely").check()
    page.get_by_role("button", name="Assess").click()
    page.get_by_role("link", name="Close", exact=True).click()
    page.get_by_label("Recovered", exact=True).check()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_text("No effect on further sessions.")).to_be_visible()
    expect(page.get_by_text("that nobody has looked at")).to_have_count(0)
    assert not AdverseEvent.objects.get().is_open
