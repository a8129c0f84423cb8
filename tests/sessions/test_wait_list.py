"""The wait list: who fits a free time, one click that books all or nothing, and entries that end once."""

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
from clinic.errors import NotPermitted, Refused, Stale
from clinic.idempotency import new_token
from clinic.models import AuditEvent
from patients.models import Patient
from sessions import booking, fitting, freeing, waiting
from sessions.fitting import waiting_at
from sessions.models import Appointment, FreedTime, Message, WaitEntry
from sessions.slots import Busy, Span
from sessions.waiting import WaitWish
from sessions.waiting_page import fits_into, stamp
from tests import factories as make
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, allow_screening, make_clinic_day

pytestmark = pytest.mark.django_db
FRIDAY = THURSDAY + dt.timedelta(days=1)


@pytest.fixture
def day(at: Callable[[str], Any]) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


def wait(day: ClinicDay, patient: Patient | None = None, **more: Any) -> WaitEntry:
    values = {"sites": [day.site], "service": day.consultation} | more
    return waiting.add(patient=patient or make.make_patient(day.site), wish=WaitWish(**values), by=day.by)


def names_at(day: ClinicDay, start: str, end: str, *, on: dt.date = THURSDAY, practitioner: Any = None) -> list[str]:
    found = fits_into(
        site=day.site, practitioner=practitioner or day.doctor, span=Span(day.at(start, on), day.at(end, on)),
        patients=Patient.objects.all(), now=day.at("08:00"),
    )  # fmt: skip
    return [one.row.entry.patient.family_name for one in found]


# --- who fits -------------------------------------------------------------------------------------------------------
def test_the_most_urgent_stand_first_and_then_who_waits_longest(day: ClinicDay, at: Callable[[str], Any]) -> None:
    first = wait(day)
    at("2026-03-12T07:01+00:00")
    urgent = wait(day, urgency="urgent")
    at("2026-03-12T07:02+00:00")
    soon = wait(day, urgency="soon")
    wanted = [one.patient.family_name for one in (urgent, soon, first)]
    assert names_at(day, "10:00", "12:00") == wanted


@pytest.mark.parametrize(
    ("wish", "fits"),
    [
        ({}, True),
        ({"weekdays": "4"}, True),
        ({"weekdays": "123567"}, False),
        ({"from_time": dt.time(10), "until_time": dt.time(11)}, True),
        ({"from_time": dt.time(11, 30)}, False),  # 45 minutes from 11:30 pass the end of the gap
        ({"until_time": dt.time(10, 30)}, True),  # from 09:45 on
        ({"until_time": dt.time(10, 15)}, False),
        ({"earliest": FRIDAY}, False),
        ({"earliest": THURSDAY, "latest": THURSDAY}, True),
    ],
)
def test_the_wish_decides(day: ClinicDay, wish: dict[str, Any], fits: bool) -> None:
    wait(day, **wish)
    day.book("08:45", patient=make.make_patient(day.site), starts_at=day.at("09:00"))
    day.book("12:00")
    assert bool(names_at(day, "10:00", "11:00")) is fits


def test_preparation_and_clean_up_count(day: ClinicDay) -> None:
    """45 minutes of consultation fit between two visits only where the rooms have ten more to be cleaned."""
    wait(day)
    day.other_room.in_service = False
    day.other_room.save(update_fields=["in_service"])
    day.book("09:00", practitioner=day.other_doctor)  # Room 1 is free again at 09:55, prepared from then on
    day.book("10:45", practitioner=day.other_doctor)  # prepared from 10:40
    day.book("11:45")
    assert names_at(day, "09:50", "10:45") == []
    assert names_at(day, "12:40", "13:40") != []


def test_another_practitioner_or_site_was_asked_for(day: ClinicDay) -> None:
    elsewhere = make.make_site()
    wait(day, practitioner=day.other_doctor)
    waiting.add(
        patient=make.make_patient(day.site), by=day.by, wish=WaitWish(sites=[elsewhere], service=day.consultation)
    )
    assert names_at(day, "10:00", "12:00") == []
    assert len(names_at(day, "10:00", "12:00", practitioner=day.other_doctor)) == 1


def test_without_a_licence_nobody_fits(day: ClinicDay) -> None:
    wait(day)
    assert names_at(day, "10:00", "12:00")
    day.doctor.licence_valid_until = THURSDAY - dt.timedelta(days=1)
    day.doctor.save(update_fields=["licence_valid_until"])
    assert names_at(day, "10:00", "12:00") == []


def test_their_own_other_appointments_count_at_every_site(day: ClinicDay) -> None:
    entry = wait(day)
    elsewhere = make.make_site()
    other = make.make_user()
    make.make_shift(other, elsewhere)
    make.make_appointment(
        entry.patient, practitioner=other, room=make.make_room(elsewhere), service=make.make_service("review"),
        starts_at=day.at("10:00"), ends_at=day.at("11:00"), patient_span=(day.at("10:00"), day.at("11:00")),
    )  # fmt: skip
    day.book("09:00")
    day.book("11:00")
    assert names_at(day, "09:45", "11:00") == []
    assert names_at(day, "12:00", "13:00") == [entry.patient.family_name]


def course_of(day: ClinicDay, first_day: dt.date, **more: Any) -> Any:
    patient = make.make_patient(day.site)
    return make.make_course(patient, day.doctor, sessions=2, first_day=first_day, **more)


def treatment() -> Any:
    return make.make_service(treatment_minutes=30, preparation_minutes=0, cleanup_minutes=0)


def test_the_window_of_the_course_holds(day: ClinicDay, monkeypatch: Any) -> None:
    """Session 2 is possible three weeks after the day on which session 1 stands; before that nobody is offered."""
    allow_everything(monkeypatch)
    course, service = course_of(day, THURSDAY), treatment()
    planned = course.planned_sessions.get(number=2)
    wait(day, course.patient, service=service, planned_session=planned)
    early, right = planned.earliest - dt.timedelta(days=1), planned.earliest
    assert names_at(day, "10:00", "12:00", on=early) == []
    assert names_at(day, "10:00", "12:00", on=right) == [course.patient.family_name]


def test_screening_decides_by_the_table(day: ClinicDay, monkeypatch: Any) -> None:
    """Nobody whose screening says no is shown; a consultation is never gated."""
    service = treatment()
    course = course_of(day, THURSDAY)
    wait(day, course.patient, service=service, planned_session=course.planned_sessions.get(number=1))
    consultation = wait(day)
    allow_screening(monkeypatch)
    monkeypatch.setattr(fitting.Waiting, "allowed", lambda self, entry, on: not entry.service.is_gated)
    assert names_at(day, "10:00", "12:00") == [consultation.patient.family_name]


def allow_everything(monkeypatch: Any) -> None:
    allow_screening(monkeypatch)
    monkeypatch.setattr(fitting.Waiting, "allowed", lambda self, entry, on: True)


def test_what_screening_allows_is_asked_of_the_rules_themselves(day: ClinicDay) -> None:
    """Without answers a booking is allowed and marked (incomplete); with a blocking answer it is not."""
    from tests.healthy import answered

    service, course = treatment(), course_of(day, THURSDAY)
    entry = wait(day, course.patient, service=service, planned_session=course.planned_sessions.get(number=1))
    found = waiting_at(day.site, first_day=THURSDAY, last_day=THURSDAY, patients=Patient.objects.all())
    assert found.allowed(found.entries[0], THURSDAY)
    answered(course.patient, q_pregnant="yes")
    found = waiting_at(day.site, first_day=THURSDAY, last_day=THURSDAY, patients=Patient.objects.all())
    assert not found.allowed(found.entries[0], THURSDAY)
    assert names_at(day, "10:00", "12:00") == []
    assert entry.status == "open"


def test_a_session_that_is_done_is_waited_for_no_more(day: ClinicDay, monkeypatch: Any) -> None:
    allow_everything(monkeypatch)
    course = course_of(day, THURSDAY)
    planned = course.planned_sessions.get(number=1)
    entry = wait(day, course.patient, service=treatment(), planned_session=planned)
    planned.done_on = THURSDAY
    planned.save(update_fields=["done_on"])
    assert names_at(day, "10:00", "12:00") == []
    assert waiting.expire() == 1
    entry.refresh_from_db()
    assert (entry.status, entry.ended_reason) == ("expired", waiting.SESSION_DONE)


def test_the_number_of_queries_does_not_grow_with_the_people(day: ClinicDay) -> None:
    def counted() -> int:
        with CaptureQueriesContext(connection, ) as caught:
            assert names_at(day, "10:00", "12:00")
        return len(caught)

    wait(day)
    first = counted()
    for _ in range(8):
        wait(day)
    assert counted() == first


@pytest.mark.parametrize(
    ("busy", "free"),
    [
        ([], [(0, 10)]), ([(2, 4)], [(0, 2), (4, 10)]), ([(0, 10)], []), ([(-5, 1), (9, 20)], [(1, 9)]),
        ([(3, 5), (4, 6), (6, 7)], [(0, 3), (7, 10)]), ([(12, 15)], [(0, 10)]),
    ],
)  # fmt: skip
def test_what_is_left_between_busy_spans(busy: list[tuple[int, int]], free: list[tuple[int, int]]) -> None:
    start = dt.datetime(2026, 3, 12, 9, tzinfo=dt.UTC)

    def span(pair: tuple[int, int]) -> Span:
        return Span(start + dt.timedelta(hours=pair[0]), start + dt.timedelta(hours=pair[1]))

    assert list(Busy(map(span, busy)).free_within(span((0, 10)))) == [span(one) for one in free]


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


def click(day: ClinicDay, entry: WaitEntry, time: str, *, on: dt.date = THURSDAY, **more: Any) -> dict[str, Any]:
    start = stamp(day.at(time, on))
    return {
        "form_token": new_token(), "seen_version": entry.version, "practitioner": day.doctor.public_id, "start": start,
        "slot_start": start, "slot_until": "",
    } | more  # fmt: skip


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
