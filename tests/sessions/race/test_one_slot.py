"""Many at once on real PostgreSQL: one slot has one winner, nobody hangs, every refusal is a sentence."""
from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections
from django.urls import reverse

from clinic.errors import Refused
from clinic.idempotency import new_token
from sessions import booking
from sessions.choices import OCCUPYING
from sessions.models import Appointment
from tests import factories
from tests.figures import scaled
from tests.sessions.clinicday import ClinicDay, make_clinic_day
from tests.sessions.race.desks import Desk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

CROWD = 200
LONGEST_ROUND_SECONDS = 20  # measured rounds take about two on two cores; a deadlock chain took minutes


@pytest.fixture
def day() -> ClinicDay:
    return make_clinic_day()


def next_thursday(day: ClinicDay, weeks: int = 1) -> dt.date:
    today = day.site.today()
    return today + dt.timedelta(days=(3 - today.weekday()) % 7 + 7 * weeks)


class Crowd:
    """So many threads, each with a connection of its own that it keeps from round to round, as the clinic's processes do."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.pool = ThreadPoolExecutor(size)

    def at_once(self, deeds: list[Callable[[], Any]]) -> list[Any]:
        """Each deed in another thread, released together. Answers, or the exception, in order."""
        assert len(deeds) <= self.size
        gate = threading.Barrier(len(deeds))

        def run(deed: Callable[[], Any]) -> Any:
            try:
                connection.ensure_connection()
                gate.wait(timeout=60)
                return deed()
            except Exception as error:
                return error

        return list(self.pool.map(run, deeds))

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        self.at_once([connections.close_all] * self.size)
        self.pool.shutdown()


def all_at_once(deeds: list[Callable[[], Any]]) -> list[Any]:
    with Crowd(len(deeds)) as crowd:
        return crowd.at_once(deeds)


def kinds(answers: list[Any]) -> Counter[str]:
    return Counter(type(answer).__name__ for answer in answers)


def everything() -> Any:
    return Appointment.objects.select_related("site", "practitioner", "room", "patient", "service")


def overlaps() -> int:
    """Pairs of occupying appointments that share a person or thing at one moment: must always be none."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM treatment_sessions_appointment a
               JOIN treatment_sessions_appointment b ON a.id < b.id
               WHERE a.status = ANY(%s) AND b.status = ANY(%s) AND (
                 (a.patient_id = b.patient_id AND a.patient_span && b.patient_span)
                 OR (a.practitioner_id = b.practitioner_id AND a.practitioner_span && b.practitioner_span)
                 OR (a.room_id = b.room_id AND a.room_span && b.room_span))""",
            [[str(status) for status in OCCUPYING]] * 2,
        )
        return cursor.fetchone()[0]


def test_two_hundred_at_one_slot_have_one_winner(day):
    patients = [factories.make_patient(day.site) for _ in range(CROWD)]
    with Crowd(CROWD) as crowd:
        for number in range(scaled(100)):
            thursday = next_thursday(day, 1 + number)
            started = time.monotonic()
            answers = crowd.at_once([partial(day.book, "10:00", day=thursday, patient=patient) for patient in patients])
            took = time.monotonic() - started
            assert kinds(answers) == {"Appointment": 1, "SlotTaken": CROWD - 1}, kinds(answers)
            assert all(answer.blockers and answer.next_free for answer in answers if isinstance(answer, booking.SlotTaken))
            assert took < LONGEST_ROUND_SECONDS
    assert overlaps() == 0


def test_overlapping_wishes_never_overlap(day):
    dice = random.Random(7)
    patients = [factories.make_patient(day.site) for _ in range(40)]
    thursday = next_thursday(day)
    wishes = [
        {
            "time": f"{dice.randrange(9, 16):02}:{dice.choice(['00', '15', '30', '45'])}",
            "patient": dice.choice(patients),
            "practitioner": dice.choice([day.doctor, day.other_doctor]),
            "room": dice.choice([day.room, day.other_room]),
        }
        for _ in range(80)
    ]
    answers = all_at_once([partial(day.book, day=thursday, **wish) for wish in wishes])
    assert set(kinds(answers)) <= {"Appointment", "SlotTaken"}, kinds(answers)
    assert overlaps() == 0


def test_opposing_moves_of_several_resources_do_not_lock_each_other_up(day):
    """Two appointments are moved back and forth between two practitioners and rooms, against each other."""
    thursday = next_thursday(day)
    ids = [
        day.book("10:00", day=thursday).pk,
        day.book("10:00", day=thursday, practitioner=day.other_doctor, room=day.other_room).pk,
    ]
    places = [(day.doctor, day.room), (day.other_doctor, day.other_room)]
    slow: list[float] = []

    def mover(seed: int) -> Callable[[], Counter[str]]:
        def deed() -> Counter[str]:
            dice, seen = random.Random(seed), Counter()
            for _ in range(scaled(1_000) // 4):
                appointment = everything().get(pk=dice.choice(ids))
                practitioner, room = dice.choice(places)
                started = time.monotonic()
                try:
                    booking.move(
                        appointment=appointment, seen_version=appointment.version, practitioner=practitioner, room=room,
                        starts_at=day.at(dice.choice(["10:00", "10:30", "11:00"]), thursday), by=day.by,
                    )
                    seen["moved"] += 1
                except Refused as refusal:
                    seen[refusal.code] += 1
                slow.append(time.monotonic() - started)
            return seen

        return deed

    answers = all_at_once([mover(seed) for seed in range(4)])
    total = sum(answers, Counter())
    assert set(total) <= {"moved", "slot-taken", "stale"}, total
    assert total["moved"] > 0
    assert sorted(slow)[int(len(slow) * 0.99) - 1] < 2
    assert overlaps() == 0


def test_book_move_cancel_in_any_order_never_overlap(day):
    """A seeded walk over book, move, cancel, take back and swap by several at once."""
    patients = [factories.make_patient(day.site) for _ in range(6)]
    thursday = next_thursday(day)
    times = [f"{hour:02}:{minute:02}" for hour in range(9, 13) for minute in (0, 20, 40)]

    def walker(seed: int) -> Callable[[], int]:
        def walk() -> int:
            dice, done = random.Random(seed), 0
            for _ in range(scaled(2_000) // 8):
                done += _step(day, dice, patients, thursday, times)
            return done

        return walk

    answers = all_at_once([walker(seed) for seed in range(4)])
    assert all(isinstance(answer, int) and answer > 0 for answer in answers), answers
    assert overlaps() == 0


def _step(day: ClinicDay, dice: random.Random, patients: list[Any], thursday: dt.date, times: list[str]) -> int:
    rows = list(everything())
    start = day.at(dice.choice(times), thursday)
    place = {
        "practitioner": dice.choice([day.doctor, day.other_doctor]),
        "room": dice.choice([day.room, day.other_room]),
    }
    deed = dice.choice(["book", "move", "cancel", "undo", "swap"]) if len(rows) > 1 else "book"
    one, two = (dice.sample(rows, 2)) if len(rows) > 1 else (None, None)
    try:
        if deed == "book":
            day.book(starts_at=start, patient=dice.choice(patients), **place)
        elif deed == "move":
            booking.move(appointment=one, seen_version=one.version, starts_at=start, by=day.by, **place)
        elif deed == "cancel":
            booking.cancel(appointment=one, seen_version=one.version, reason="walk", by=day.by)
        elif deed == "undo":
            booking.undo(appointment=one, seen_version=one.version, by=day.by)
        else:
            booking.swap(first=one, second=two, seen_versions=(one.version, two.version), by=day.by)
    except Refused:
        return 0
    return 1


# --- the same through the pages -------------------------------------------------------------------------------------
def form_for(day: ClinicDay, patient: Any, thursday: dt.date, **changes: str) -> dict[str, str]:
    return {
        "form_token": new_token(), "patient": patient.public_id, "service": day.consultation.public_id,
        "practitioner": day.doctor.public_id, "room": day.room.public_id, "day": thursday.isoformat(), "time": "10:00",
        "note": "", "overbook_reason": "", "planned_session": "", "fold": "",
    } | changes  # fmt: skip


def desk_of(day: ClinicDay) -> Desk:
    return factories.signed_in(Desk(), day.desk)


def test_a_crowd_of_desks_gets_one_booking_and_pages_that_say_so(day):
    crowd = scaled(200)
    thursday = next_thursday(day)
    desks = [desk_of(day) for _ in range(crowd)]
    forms = [form_for(day, factories.make_patient(day.site), thursday) for _ in range(crowd)]
    url = reverse("appointment-new")
    answers = all_at_once([partial(desk.post, url, form) for desk, form in zip(desks, forms, strict=True)])
    statuses = Counter(getattr(answer, "status_code", repr(answer)) for answer in answers)
    assert statuses == {302: 1, 409: crowd - 1}
    assert Appointment.objects.count() == 1


def test_five_copies_of_one_click_are_one_booking(day):
    url = reverse("appointment-new")
    desks = [desk_of(day) for _ in range(5)]
    for number in range(scaled(20)):
        form = form_for(day, factories.make_patient(day.site), next_thursday(day, 1 + number))
        answers = all_at_once([partial(desk.post, url, form) for desk in desks])
        assert {answer.status_code for answer in answers} == {302}, answers
        assert len({answer.url for answer in answers}) == 1
        assert Appointment.objects.count() == number + 1
