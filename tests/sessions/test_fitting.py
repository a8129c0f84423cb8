"""Who on the wait list fits a free time: by wish, place, course and screening, and in which order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from patients.models import Patient
from sessions import fitting, waiting
from sessions.busy import Busy
from sessions.fitting import waiting_at
from sessions.slots import Span
from sessions.waiting import WaitWish
from sessions.waiting_page import fits_into
from tests import factories as make
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, allow_screening, make_clinic_day
from tests.sessions.waitday import FRIDAY, allow_everything, course_of, treatment, wait

pytestmark = pytest.mark.django_db


@pytest.fixture
def day(at: Callable[[str], Any]) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


def names_at(day: ClinicDay, start: str, end: str, *, on: dt.date = THURSDAY, practitioner: Any = None) -> list[str]:
    found = fits_into(
        site=day.site, practitioner=practitioner or day.doctor, span=Span(day.at(start, on), day.at(end, on)),
        patients=Patient.objects.all(), now=day.at("08:00"),
    )  # fmt: skip
    return [one.row.entry.patient.family_name for one in found]


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
