"""Booking from the wait list: one click books all or nothing, and a later time is given up in the same act."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from clinic.errors import Refused, Stale
from clinic.models import AuditEvent
from patients.models import Patient
from sessions import booking, waiting
from sessions.models import Appointment, FreedTime, Message
from sessions.slots import Span
from sessions.waiting_page import fits_into
from tests import factories as make
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, make_clinic_day
from tests.sessions.waitday import FRIDAY, allow_everything, click, course_of, treatment, wait

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Callable[[str], Any]) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


# --- booking from the list ------------------------------------------------------------------------------------------
def test_one_click_books_and_the_entry_ends(day: ClinicDay, client: Any) -> None:
    entry = wait(day, note="Prefers mornings")
    make.signed_in(client, day.desk)
    answer = client.post(reverse("wait-book", args=[entry.public_id]), click(day, entry, "10:00"))
    made = Appointment.objects.get(patient=entry.patient)
    assert answer.status_code == 302
    assert answer.url == reverse("appointment", args=[made.public_id])
    assert made.starts_at == day.at("10:00")
    assert made.note == "Prefers mornings"
    entry.refresh_from_db()
    assert (entry.status, entry.appointment, entry.ended_reason) == ("booked", made, waiting.BOOKED_FROM_LIST)
    assert entry.ended_by_label == day.desk.name
    assert AuditEvent.objects.filter(action="wait-entry-booked").count() == 1


def test_a_double_click_books_once(day: ClinicDay, client: Any) -> None:
    entry = wait(day)
    make.signed_in(client, day.desk)
    fields = click(day, entry, "10:00")
    answers = [client.post(reverse("wait-book", args=[entry.public_id]), fields) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {302}
    assert len({answer.url for answer in answers}) == 1
    assert Appointment.objects.count() == 1


def test_two_desks_cannot_book_one_entry_twice(day: ClinicDay, client: Any) -> None:
    entry = wait(day)
    make.signed_in(client, day.desk)
    client.post(reverse("wait-book", args=[entry.public_id]), click(day, entry, "10:00"))
    answer = client.post(reverse("wait-book", args=[entry.public_id]), click(day, entry, "14:00"))
    assert answer.status_code == 409
    assert "no longer waits" in answer.content.decode()
    assert Appointment.objects.count() == 1


def test_a_time_that_was_taken_meanwhile_says_so_and_changes_nothing(day: ClinicDay, client: Any) -> None:
    entry = wait(day)
    day.book("10:00")
    make.signed_in(client, day.desk)
    answer = client.post(reverse("wait-book", args=[entry.public_id]), click(day, entry, "10:00"))
    assert answer.status_code == 409
    assert "is taken on" in answer.content.decode()
    entry.refresh_from_db()
    assert entry.status == "open"
    assert not Appointment.objects.filter(patient=entry.patient).exists()


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("start", "yesterday", 404), ("start", "", 404), ("start", "9999-99-99T99:99Z", 404), ("practitioner", "x", 404),
        ("seen_version", "x", 200), ("seen_version", "99", 409), ("release", "x:1", 409), ("release", "nonsense", 409),
        ("start", "2026-03-11T09:00Z", 409), ("form_token", "", 409),
    ],
)  # fmt: skip
def test_forged_fields_change_nothing(day: ClinicDay, client: Any, field: str, value: str, status: int) -> None:
    entry = wait(day)
    make.signed_in(client, day.desk)
    answer = client.post(reverse("wait-book", args=[entry.public_id]), click(day, entry, "10:00", **{field: value}))
    assert answer.status_code == status or (status == 200 and answer.status_code in {409, 422})
    assert not Appointment.objects.exists()
    entry.refresh_from_db()
    assert (entry.status, entry.version) == ("open", 1)


# --- giving up the later time ---------------------------------------------------------------------------------------
def test_the_old_time_is_released_in_the_same_act(day: ClinicDay, client: Any) -> None:
    entry = wait(day)
    old = day.book("15:00", patient=entry.patient, day=FRIDAY)
    make.signed_in(client, day.desk)
    release = f"{old.public_id}:{old.version}"
    client.post(reverse("wait-book", args=[entry.public_id]), click(day, entry, "10:00", release=release))
    old.refresh_from_db()
    assert old.status == "cancelled"
    assert Appointment.objects.occupying().get(patient=entry.patient).starts_at == day.at("10:00")
    assert FreedTime.objects.get().starts_at == day.at("15:00", FRIDAY)


def test_without_the_tick_the_old_time_stays(day: ClinicDay, client: Any) -> None:
    entry = wait(day)
    day.book("15:00", patient=entry.patient, day=FRIDAY)
    make.signed_in(client, day.desk)
    client.post(reverse("wait-book", args=[entry.public_id]), click(day, entry, "10:00"))
    assert Appointment.objects.occupying().filter(patient=entry.patient).count() == 2


def test_a_session_of_a_course_is_moved_not_booked_twice(day: ClinicDay, client: Any, monkeypatch: Any) -> None:
    allow_everything(monkeypatch)
    course, service = course_of(day, THURSDAY), treatment()
    planned = course.planned_sessions.get(number=1)
    old = day.book("15:00", patient=course.patient, day=FRIDAY, service=service, course=course, planned_sessions=[planned])
    entry = wait(day, course.patient, service=service, planned_session=planned)
    (found,) = [one for one in fits_of(day) if one.row.entry == entry]
    assert found.fitting.must_release
    make.signed_in(client, day.desk)
    release = f"{old.public_id}:{old.version}"
    client.post(reverse("wait-book", args=[entry.public_id]), click(day, entry, "10:00", release=release))
    moved = Appointment.objects.get(patient=course.patient)
    assert (moved.pk, moved.starts_at) == (old.pk, day.at("10:00"))
    entry.refresh_from_db()
    assert entry.appointment == moved


def fits_of(day: ClinicDay) -> list[Any]:
    return fits_into(
        site=day.site, practitioner=day.doctor, span=Span(day.at("10:00"), day.at("12:00")),
        patients=Patient.objects.all(), now=day.at("08:00"),
    )  # fmt: skip


def test_all_or_nothing(day: ClinicDay) -> None:
    """The new time is taken: the old one is not given up, nobody is written to, nothing is logged."""
    entry = wait(day)
    old = day.book("15:00", patient=entry.patient, day=FRIDAY)
    day.book("10:00")
    before = (Message.objects.count(), AuditEvent.objects.count(), FreedTime.objects.count())
    with pytest.raises(booking.SlotTaken):
        waiting.book(
            entry=entry, seen_version=1, site=day.site, practitioner=day.doctor, room=day.room, starts_at=day.at("10:00"),
            by=day.by, release=old, release_version=old.version,
        )  # fmt: skip
    old.refresh_from_db()
    entry.refresh_from_db()
    assert (old.status, old.version, entry.status) == ("booked", 1, "open")
    assert (Message.objects.count(), AuditEvent.objects.count(), FreedTime.objects.count()) == before


def test_only_their_own_later_time_for_the_same_thing_is_given_up(day: ClinicDay) -> None:
    entry = wait(day)
    stranger = day.book("15:00", day=FRIDAY)
    earlier = day.book("09:00", patient=entry.patient)
    review = day.book("16:00", patient=entry.patient, day=FRIDAY, service=make.make_service("review"))
    for release in (stranger, earlier, review):
        with pytest.raises(Refused):
            waiting.book(
                entry=entry, seen_version=1, site=day.site, practitioner=day.doctor, room=day.room,
                starts_at=day.at("12:00"), by=day.by, release=release, release_version=release.version,
            )  # fmt: skip
    assert Appointment.objects.filter(status="cancelled").count() == 0


def test_a_stale_later_time_is_not_given_up(day: ClinicDay) -> None:
    entry = wait(day)
    old = day.book("15:00", patient=entry.patient, day=FRIDAY)
    booking.move(appointment=old, seen_version=1, starts_at=day.at("16:00", FRIDAY), by=day.by)
    old.refresh_from_db()
    with pytest.raises(Stale):
        waiting.book(
            entry=entry, seen_version=1, site=day.site, practitioner=day.doctor, room=day.room, starts_at=day.at("12:00"),
            by=day.by, release=old, release_version=1,
        )  # fmt: skip
    assert Appointment.objects.get(patient=entry.patient).starts_at == day.at("16:00", FRIDAY)
