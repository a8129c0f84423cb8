"""The page before and after publishing: start, progress, counts, lists with reasons, and who never sees it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import SYSTEM
from clinic.models import AccessEvent, User
from protocols.models import CatalogueVersion
from sessions import rescreening, screenings
from sessions.models import RescreenRun
from tests import factories as make
from tests.healthy import answered, make_healthy
from tests.sessions.careday import MORNING, CareDay, hidden_of, make_care_day
from tests.sessions.test_rescreening import edited_copy, finished, keloid_blocks, put_in_force, with_keloid, without_keloid

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Callable[[str], Any]) -> CareDay:
    at(MORNING)
    return make_care_day()


@pytest.fixture
def lead(day: CareDay) -> User:
    return make.make_user(Role.MEDICAL_LEAD)


@pytest.fixture
def desk(client: Client, lead: User) -> Client:
    """The medical lead's own browser."""
    return make.signed_in(client, lead)


def url(version: CatalogueVersion, act: str = "") -> str:
    return reverse(f"catalogue-impact{act}", args=[version.public_id])


def press(client: Client, version: CatalogueVersion, act: str) -> Any:
    html = client.get(url(version)).content.decode()
    return client.post(url(version, act), hidden_of(html, url(version, act)))


def with_booking(day: CareDay) -> Any:
    patient = with_keloid(day)
    return make.make_appointment(
        patient, practitioner=day.doctor, room=day.room, service=day.service, course=make.make_course(patient, day.doctor),
        starts_at=timezone.now() + dt.timedelta(days=3),
    )  # fmt: skip


def test_start_watch_and_see_the_result(day: CareDay, desk: Client) -> None:
    booking = with_booking(day)
    draft = edited_copy(keloid_blocks)
    assert "Nobody has looked yet" in desk.get(url(draft)).content.decode()
    assert press(desk, draft, "-start").status_code == 302
    html = desk.get(url(draft)).content.decode()
    assert "Waiting for the worker" in html
    assert 'hx-trigger="every 2s"' in html, "the script marks such a request as a poll"
    poll = desk.get(url(draft), headers={"X-Poll": "1", "HX-Request": "true"})
    assert "0 of 2 patients" in poll.content.decode()
    assert "<html" not in poll.content.decode()
    finished(RescreenRun.objects.get())
    assert desk.get(url(draft), headers={"X-Poll": "1"})["HX-Refresh"] == "true"
    html = desk.get(url(draft)).content.decode()
    assert "2 patients looked at, something changed for 1." in html
    assert "Thick scars (keloid): blocks now, needs clearance before." in html
    assert booking.patient.record_number in html
    html = desk.get(url(draft), {"part": "appointments"}).content.decode()
    assert "may not stay booked" in html
    assert "Sun 15 Mar 2026" in html


def test_looking_at_it_is_said_by_pressing_a_button(day: CareDay, desk: Client) -> None:
    with_keloid(day)
    draft = edited_copy(keloid_blocks)
    press(desk, draft, "-start")
    finished(RescreenRun.objects.get())
    assert press(desk, draft, "-seen").status_code == 302
    draft.refresh_from_db()
    assert draft.impact_is_seen
    assert "Looked at" in desk.get(url(draft)).content.decode()


def test_an_edit_after_the_preview_closes_the_button_with_the_reason(day: CareDay, desk: Client) -> None:
    with_keloid(day)
    draft = edited_copy(keloid_blocks)
    press(desk, draft, "-start")
    finished(RescreenRun.objects.get())
    CatalogueVersion.objects.filter(pk=draft.pk).update(digest="e" * 64)
    html = desk.get(url(draft)).content.decode()
    assert "Out of date." in html
    assert "Start the preview again." in html
    answer = desk.post(url(draft, "-seen"), {"form_token": "s1"})
    assert answer.status_code == 409
    draft.refresh_from_db()
    assert not draft.impact_is_seen


def test_the_lists_are_paged_and_filtered_by_pair(day: CareDay, desk: Client) -> None:
    for _number in range(26):
        answered(make_healthy(make.make_patient(day.site), day.doctor), q_keloid="yes")
    draft = edited_copy(without_keloid)
    press(desk, draft, "-start")
    finished(RescreenRun.objects.get())
    assert "1 to 25 of 26" in desk.get(url(draft)).content.decode()
    assert "26 to 26 of 26" in desk.get(url(draft), {"page": "2"}).content.decode()
    pair = {"before": "needs-clearance", "after": "cleared"}
    assert "1 to 25 of 26" in desk.get(url(draft), pair).content.decode()
    other = desk.get(url(draft), {"before": "blocked", "after": "cleared"}).content.decode()
    assert "Nobody in this list" in other
    assert desk.get(url(draft), {"part": "nonsense", "page": "x", "before": "\x00"}).status_code == 200


def test_publishing_has_the_same_page_for_what_it_changed(day: CareDay, desk: Client) -> None:
    with_booking(day)
    version = edited_copy(keloid_blocks)
    put_in_force(version)
    rescreening.work()
    html = desk.get(url(version)).content.decode()
    assert "Whom it changed" in html
    assert "something changed for 1." in html
    assert "-start" not in html


def test_a_run_that_broke_off_is_shown_and_can_go_on(day: CareDay, desk: Client) -> None:
    with_keloid(day)
    draft = edited_copy(keloid_blocks)
    press(desk, draft, "-start")
    RescreenRun.objects.update(state="failed", finished_at=timezone.now())
    assert "It broke off after 0 of 2 patients" in desk.get(url(draft)).content.decode()
    assert press(desk, draft, "-again").status_code == 302
    assert finished(RescreenRun.objects.get()).state == "done"


def test_a_run_without_a_worker_says_so(day: CareDay, desk: Client, at: Callable[[Any], Any]) -> None:
    draft = edited_copy(keloid_blocks)
    press(desk, draft, "-start")
    at("2026-03-12T08:52:00+00:00")
    assert "Nobody has reported for a minute." in desk.get(url(draft)).content.decode()


def test_only_the_medical_lead_sees_it(day: CareDay) -> None:
    draft = edited_copy(keloid_blocks)
    for role in (Role.FRONT_DESK, Role.PRACTITIONER, Role.MANAGER):
        client = make.signed_in(Client(raise_request_exception=False), make.make_user(role))
        assert client.get(url(draft)).status_code == 403
        for act in ("-start", "-seen", "-again"):
            assert client.post(url(draft, act), {"form_token": "a"}).status_code == 403
    assert not RescreenRun.objects.exists()


def test_names_of_another_sites_patients_stay_hidden_but_count(day: CareDay, desk: Client) -> None:
    here, elsewhere = with_keloid(day), make.make_site(name="Other")
    away = make_healthy(make.make_patient(elsewhere), day.doctor)
    answered(away, q_keloid="yes")
    screenings.rescreen(patient=away, by=SYSTEM)
    draft = edited_copy(keloid_blocks)
    press(desk, draft, "-start")
    finished(RescreenRun.objects.get())
    limited = make.signed_in(Client(), make.make_user(Role.MEDICAL_LEAD, site=day.site))
    html = limited.get(url(draft)).content.decode()
    assert here.record_number in html
    assert away.record_number not in html
    assert "something changed for 2." in html


def test_the_look_is_in_the_access_log_and_a_poll_is_not(day: CareDay, desk: Client) -> None:
    with_keloid(day)
    draft = edited_copy(keloid_blocks)
    press(desk, draft, "-start")
    desk.get(url(draft), headers={"X-Poll": "1"})
    assert not AccessEvent.objects.filter(page="catalogue-impact").exists()
    finished(RescreenRun.objects.get())
    desk.get(url(draft))
    assert AccessEvent.objects.filter(page="catalogue-impact", category="view").count() == 1


def test_the_page_reads_with_a_fixed_number_of_queries(
    day: CareDay, desk: Client, django_assert_num_queries: Any
) -> None:
    for _number in range(3):
        with_keloid(day)
    draft = edited_copy(keloid_blocks)
    press(desk, draft, "-start")
    finished(RescreenRun.objects.get())
    desk.get(url(draft))
    with django_assert_num_queries(13):
        desk.get(url(draft))
