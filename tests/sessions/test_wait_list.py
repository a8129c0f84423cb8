"""The wait list: entries that end once, freed times that say how many fit, and the pages of both."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.idempotency import new_token
from patients.models import Patient
from sessions import booking, freeing, waiting
from sessions.models import WaitEntry
from sessions.waiting import WaitWish
from tests import factories as make
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, make_clinic_day
from tests.sessions.waitday import FRIDAY, click, course_of, treatment, wait

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Callable[[str], Any]) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


# --- entries --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"sites": []}, "sites"), ({"latest": THURSDAY - dt.timedelta(days=1)}, "latest"),
        ({"earliest": FRIDAY, "latest": THURSDAY}, "latest"),
        ({"from_time": dt.time(12), "until_time": dt.time(12)}, "until_time"),
    ],
)  # fmt: skip
def test_a_wish_that_makes_no_sense_is_refused(day: ClinicDay, wish: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refusal:
        wait(day, **wish)
    assert refusal.value.field == field
    assert not WaitEntry.objects.exists()


def test_a_treatment_needs_its_session_and_only_its_own(day: ClinicDay) -> None:
    course = course_of(day, THURSDAY)
    planned = course.planned_sessions.get(number=1)
    for patient, more in (
        (course.patient, {"service": treatment()}),
        (make.make_patient(day.site), {"service": treatment(), "planned_session": planned}),
        (course.patient, {"planned_session": planned}),
    ):
        with pytest.raises(Refused):
            wait(day, patient, **more)
    assert not WaitEntry.objects.exists()


def test_nobody_waits_twice_for_the_same(day: ClinicDay) -> None:
    entry = wait(day)
    with pytest.raises(Refused, match="waiting for this already"):
        wait(day, entry.patient)
    waiting.withdraw(entry=entry, seen_version=1, reason="Went elsewhere", by=day.by)
    assert wait(day, entry.patient).status == "open"


def test_the_database_keeps_an_ended_entry_with_its_reason(day: ClinicDay) -> None:
    entry = wait(day)
    for nonsense in ({"status": "withdrawn"}, {"status": "booked"}, {"weekdays": "8"}, {"urgency": "very"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            WaitEntry.objects.filter(pk=entry.pk).update(**nonsense)


def test_entries_run_out_after_their_last_day(day: ClinicDay, at: Callable[[str], Any]) -> None:
    entry, other = wait(day, latest=THURSDAY), wait(day, latest=FRIDAY)
    at("2026-03-12T22:30+00:00")  # 23:30 in Rome: the last day is not over
    assert waiting.expire() == 0
    at("2026-03-12T23:30+00:00")
    assert waiting.expire() == 1
    entry.refresh_from_db()
    other.refresh_from_db()
    assert (entry.status, entry.ended_reason, other.status) == ("expired", waiting.NOT_IN_TIME, "open")


def test_withdrawing_needs_a_reason_and_the_right_role(day: ClinicDay) -> None:
    entry = wait(day)
    with pytest.raises(Refused):
        waiting.withdraw(entry=entry, seen_version=1, reason="  ", by=day.by)
    manager = Doer.staff(make.make_user(Role.MANAGER), day.site)
    with pytest.raises(NotPermitted):
        waiting.withdraw(entry=entry, seen_version=1, reason="x", by=manager)
    with pytest.raises(NotPermitted):
        waiting.add(patient=entry.patient, wish=WaitWish(sites=[day.site], service=day.consultation), by=manager)
    entry.refresh_from_db()
    assert entry.status == "open"


# --- freed times ----------------------------------------------------------------------------------------------------
def test_a_cancelled_time_says_how_many_fit(day: ClinicDay, client: Any) -> None:
    wait(day)
    wait(day, weekdays="1")
    visit = day.book("10:00")
    make.signed_in(client, day.desk)
    booking.cancel(appointment=visit, seen_version=1, reason="Ill", by=day.by)
    page = client.get(reverse("appointment", args=[visit.public_id])).content.decode()
    assert "1 person on the wait list fits this time." in page
    board = client.get(reverse("wait-freed")).content.decode()
    assert "10:00" in board
    assert "1 waiting fits" in board


def test_a_moved_time_is_news_until_it_is_taken(day: ClinicDay) -> None:
    wait(day)
    visit = day.book("10:00")
    booking.move(appointment=visit, seen_version=1, starts_at=day.at("14:00"), by=day.by)
    (freed,) = freeing.freed_lately(day.site, patients=Patient.objects.all())
    assert (freed.freed.starts_at, freed.count) == (day.at("10:00"), 1)
    day.book("10:00")
    assert freeing.freed_lately(day.site, patients=Patient.objects.all()) == []


def test_the_calendar_learns_where_somebody_fits(day: ClinicDay, client: Any) -> None:
    wait(day, from_time=dt.time(13), until_time=dt.time(15))
    wait(day, from_time=dt.time(13), until_time=dt.time(14))
    make.signed_in(client, day.desk)
    url = reverse("wait-openings")
    answer = client.get(f"{url}?first=2026-03-12&last=2026-03-12").json()
    own = [one for one in answer["openings"] if one["column"] == day.doctor.public_id]
    assert [(one["start"], one["count"]) for one in own] == [("2026-03-12T13:00:00", 2)]
    assert client.get(own[0]["url"]).status_code == 200
    for query in ("", "?first=2026-03-12", "?first=2026-03-12&last=2026-03-11", "?first=2026-03-12&last=2036-03-12"):
        assert client.get(url + query).status_code == 422
    assert client.get(f"{url}?first=2026-03-01&last=2026-03-02").json() == {"openings": []}


# --- pages ----------------------------------------------------------------------------------------------------------
def fields(day: ClinicDay, patient: Patient, **more: Any) -> dict[str, Any]:
    return {
        "form_token": new_token(), "patient": patient.public_id, "service": day.consultation.public_id,
        "sites": [day.site.public_id], "urgency": "urgent", "weekdays": ["1", "4"], "from_time": "09:00",
        "until_time": "12:00", "earliest": "", "latest": "2026-04-01", "note": "Away at Easter",
    } | more  # fmt: skip


def test_an_entry_is_written_changed_and_listed(day: ClinicDay, client: Any) -> None:
    patient = make.make_patient(day.site)
    make.signed_in(client, day.desk)
    assert client.post(reverse("wait-entry-new"), fields(day, patient)).status_code == 302
    entry = WaitEntry.objects.get()
    assert (entry.weekdays, entry.from_time, entry.written_by_label) == ("14", dt.time(9), day.desk.name)
    page = client.get(reverse("wait-list")).content.decode()
    assert "Mon, Thu · 09:00 to 12:00 · until Wed 1 Apr" in page
    answer = client.post(
        reverse("wait-entry-edit", args=[entry.public_id]), fields(day, patient, seen_version=1, weekdays=[])
    )
    assert answer.status_code == 302
    entry.refresh_from_db()
    assert (entry.weekdays, entry.version) == ("", 2)
    stale = client.post(reverse("wait-entry-edit", args=[entry.public_id]), fields(day, patient, seen_version=1, note="Mine"))
    assert stale.status_code == 409
    assert "Mine" in stale.content.decode()
    entry.refresh_from_db()
    assert entry.note == "Away at Easter"


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Mon, Tue, Wed, Thu, Fri, Sat, Sun"), ("tr", "Pzt, Sal, Çrş, Prş, Cum, Cmt, Paz")],
)
def test_no_two_weekdays_are_shortened_alike(day: ClinicDay, client: Any, language: str, words: str) -> None:
    """In Turkish Monday and Sunday begin with the same letters, and so do Friday and Saturday."""
    wait(day, weekdays="1234567")
    day.desk.language = language
    day.desk.save(update_fields=["language"])
    assert words in make.signed_in(client, day.desk).get(reverse("wait-list")).content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sites", []), ("sites", ["x"]), ("service", "x"), ("urgency", "very"), ("weekdays", ["9"]), ("from_time", "25:00"),
        ("latest", "2020-01-01"), ("latest", "9999-12-31"), ("note", "x" * 400), ("planned_session", "x"),
    ],
)  # fmt: skip
def test_bad_input_stays_on_the_form(day: ClinicDay, client: Any, field: str, value: Any) -> None:
    patient = make.make_patient(day.site)
    make.signed_in(client, day.desk)
    answer = client.post(reverse("wait-entry-new"), fields(day, patient, **{field: value}))
    assert answer.status_code == 422
    assert field == "note" or "Away at Easter" in answer.content.decode()
    assert not WaitEntry.objects.exists()


def test_the_list_has_search_ended_ones_and_an_empty_state(day: ClinicDay, client: Any) -> None:
    make.signed_in(client, day.desk)
    assert "Nobody is waiting" in client.get(reverse("wait-list")).content.decode()
    entry = wait(day)
    waiting.withdraw(entry=entry, seen_version=1, reason="Went elsewhere", by=day.by)
    assert "Went elsewhere" in client.get(reverse("wait-list") + "?show=ended").content.decode()
    other = wait(day)
    found = client.get(reverse("wait-list") + f"?q={other.patient.family_name}").content.decode()
    assert other.patient.family_name in found
    assert other.patient.family_name not in client.get(reverse("wait-list") + "?q=nobody").content.decode()
    assert client.get(reverse("wait-list") + "?page=99").status_code == 200


def test_the_queries_of_the_list_are_pinned(day: ClinicDay, client: Any) -> None:
    make.signed_in(client, day.desk)

    def counted() -> int:
        with CaptureQueriesContext(connection) as caught:
            client.get(reverse("wait-list"))
        return len(caught)

    wait(day)
    counted()
    first = counted()
    for _ in range(10):
        wait(day)
    assert counted() == first


def test_somebody_of_another_site_sees_none_of_it(day: ClinicDay, client: Any) -> None:
    entry = wait(day)
    other = make.make_site()
    make.signed_in(client, make.make_user(Role.FRONT_DESK, site=other))
    assert entry.patient.family_name not in client.get(reverse("wait-list")).content.decode()
    assert client.get(reverse("wait-entry-edit", args=[entry.public_id])).status_code == 404
    assert client.post(reverse("wait-book", args=[entry.public_id]), click(day, entry, "10:00")).status_code == 404
