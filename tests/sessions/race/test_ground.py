"""The ground changes while a crowd books: nothing stands unmarked on ground that is gone, and nobody hangs."""
from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError

from clinic import day_plans, out_of_service, placing, shifts
from clinic.deeds import is_busy
from clinic.doer import SYSTEM
from clinic.errors import Refused
from sessions import booking
from sessions.choices import AppointmentStatus, Displaced
from sessions.models import Appointment
from tests import factories
from tests.figures import scaled
from tests.sessions.clinicday import ClinicDay, make_clinic_day
from tests.sessions.race.test_one_slot import all_at_once, everything, kinds, next_thursday, overlaps

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
TIMES = [f"{hour:02}:{minute:02}" for hour in range(9, 17) for minute in (0, 55)]


@pytest.fixture
def day() -> ClinicDay:
    return make_clinic_day()


def close(day: ClinicDay, on: dt.date) -> Any:
    return placing.add_closure(site=day.site, first_day=on, last_day=on, reason="Strike", by=SYSTEM)


def absent(day: ClinicDay, on: dt.date) -> Any:
    return shifts.add_absence(
        user=day.doctor, starts_at=day.at("00:00", on), ends_at=day.at("23:45", on), by=SYSTEM
    )


def free(day: ClinicDay, on: dt.date) -> Any:
    return day_plans.set_day_shift(user=day.doctor, site=day.site, day=on, spans=[], reason="", by=SYSTEM)


def out(day: ClinicDay, on: dt.date) -> Any:
    return out_of_service.take_out(
        thing=day.room, starts_at=day.at("00:00", on), ends_at=day.at("23:45", on), reason="Lamp", by=SYSTEM
    )


@pytest.mark.parametrize(
    ("change", "mark"),
    [(close, Displaced.CLOSED), (absent, Displaced.ABSENCE), (free, Displaced.SHIFT), (out, Displaced.ROOM)],
)
def test_no_booking_slips_under_a_change_of_the_ground(
    day: ClinicDay, change: Callable[[ClinicDay, dt.date], Any], mark: str
) -> None:
    """Whoever was first is marked, whoever came later is refused: a booking that succeeded without a mark would be lost."""
    patients = [factories.make_patient(day.site) for _ in TIMES]
    for number in range(scaled(20)):
        on = next_thursday(day, 1 + number)
        deeds: list[Callable[[], Any]] = [
            partial(day.book, time, day=on, patient=patient) for time, patient in zip(TIMES, patients, strict=True)
        ]
        answers = all_at_once([*deeds[:8], partial(change, day, on), *deeds[8:]])
        if isinstance(answers[8], OperationalError):  # the page says that somebody else is saving; sent again, it holds
            assert is_busy(answers[8]), answers[8]
            answers[8] = change(day, on)
        assert not isinstance(answers[8], Exception), answers[8]
        others = answers[:8] + answers[9:]
        assert all(isinstance(one, Appointment | Refused) for one in others), kinds(others)
        booked = Appointment.objects.on_day(day.site, on)
        assert booked.count() == sum(isinstance(one, Appointment) for one in others)
        assert set(booked.values_list("displaced", flat=True)) <= {mark}, "every one that was first is marked"
    assert overlaps() == 0


def test_a_freed_time_has_one_taker(day: ClinicDay) -> None:
    """One cancels; a crowd moves its own visits into that time, and somebody books it anew at the same moment."""
    crowd = 12
    for number in range(scaled(20)):
        on = next_thursday(day, 1 + number)
        held = day.book("10:00", day=on)
        movers = []
        for index in range(crowd):
            other = on + dt.timedelta(days=1 + index // 6)
            movers.append(day.book(f"{9 + index % 6:02}:00", day=other))
        deeds: list[Callable[[], Any]] = [
            partial(booking.cancel, appointment=held, seen_version=held.version, reason="ill", by=day.by),
            partial(day.book, "10:00", day=on),
            *(
                partial(booking.move, appointment=one, seen_version=one.version, starts_at=day.at("10:00", on), by=day.by)
                for one in movers
            ),
        ]
        answers = all_at_once(deeds)
        assert set(kinds(answers)) <= {"Appointment", "SlotTaken"}, answers
        there = Appointment.objects.occupying().filter(starts_at=day.at("10:00", on), practitioner=day.doctor)
        taken = there.count()
        assert taken <= 1
        if not taken:  # everybody asked before the time was free: the next who asks gets it
            day.book("10:00", day=on)
    assert overlaps() == 0


def test_swaps_moves_and_cancellations_of_the_same_visits_never_overlap(day: ClinicDay) -> None:
    for number in range(scaled(20)):
        on = next_thursday(day, 1 + number)
        one, two = day.book("10:00", day=on), day.book("11:00", day=on)
        deeds: list[Callable[[], Any]] = [
            partial(booking.swap, first=one, second=two, seen_versions=(1, 1), by=day.by),
            partial(booking.swap, first=two, second=one, seen_versions=(1, 1), by=day.by),
            partial(booking.move, appointment=one, seen_version=1, starts_at=day.at("11:00", on), by=day.by),
            partial(booking.cancel, appointment=two, seen_version=1, reason="ill", by=day.by),
        ]
        answers = Counter(type(answer).__name__ for answer in all_at_once(deeds))
        assert set(answers) <= {"tuple", "Appointment", "Stale", "SlotTaken", "Refused", "ChangeClash"}, answers
        assert answers["tuple"] <= 1, "both swaps began from the same versions"
        left = list(everything().filter(pk__in=[one.pk, two.pk]))
        assert len({visit.starts_at for visit in left if visit.status != AppointmentStatus.CANCELLED}) == len(
            [visit for visit in left if visit.status != AppointmentStatus.CANCELLED]
        )
    assert overlaps() == 0
