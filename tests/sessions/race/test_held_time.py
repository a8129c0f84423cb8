"""One held time that its visitor confirms while several desks move it or let it go: one outcome, and everybody a sentence."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection

from clinic.errors import Refused
from patients.models import Patient
from sessions import holds, public_booking
from sessions.models import Appointment, BookingRequest, Message, PublicBooking
from tests.figures import full_figures, scaled
from tests.sessions.clinicday import ClinicDay, make_clinic_day
from tests.sessions.publicday import person
from tests.sessions.race.test_one_slot import all_at_once, next_thursday, overlaps

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
ROUNDS = 40


def attempt(deed: Callable[[], Any]) -> str:
    """What came of it, in one word; anything but a refusal is a fault and comes up."""
    try:
        deed()
    except Refused:
        return "refused"
    finally:
        connection.close()
    return "done"


def everybody(day: ClinicDay, request: BookingRequest, on: dt.date) -> list[Callable[[], str]]:
    visit = request.appointment
    move = partial(holds.move, appointment=visit, seen_version=1, by=day.by)
    deeds: list[Callable[[], Any]] = [
        partial(public_booking.confirm, request=request),
        partial(public_booking.withdraw, request=request),
        partial(public_booking.sweep),
        *(partial(move, starts_at=day.at(time, on)) for time in ("13:00", "14:00", "15:00")),
        *(partial(holds.release, appointment=visit, seen_version=1, reason="Ill", by=day.by) for _one in range(3)),
    ]
    return [partial(attempt, deed) for deed in deeds]


def test_a_held_time_has_one_outcome() -> None:
    day = make_clinic_day()
    day.consultation.is_public = True
    day.consultation.save(update_fields=["is_public"])
    PublicBooking.objects.create(site=day.site, is_on=True, days_ahead=366)
    for number in range(ROUNDS if full_figures() else scaled(ROUNDS)):
        on = next_thursday(day, 1 + number)
        request = public_booking.hold(
            site=day.site, service=day.consultation, practitioner=day.doctor, starts_at=day.at("10:00", on),
            source=f"source-{number}", person=person(email=f"{number}@example.org"),
        )  # fmt: skip
        answers = all_at_once(everybody(day, request, on))
        assert set(answers) <= {"done", "refused"}, answers
        request.refresh_from_db()
        visit = Appointment.objects.filter(request=request).first()
        patients = Patient.objects.filter(email=f"{number}@example.org").count()
        told_off = Message.objects.filter(cause_public_id=request.public_id, kind="msg-request-off").count()
        if request.state == "confirmed":
            assert visit is not None
            assert (visit.status, patients, told_off) == ("booked", 1, 0)
        else:
            assert request.state in {"withdrawn", "declined"}, request.state
            assert (visit, patients, request.email) == (None, 0, "")
            assert told_off == (request.state == "declined")
    assert not Patient.everyone.filter(is_provisional=True).exists()
    assert overlaps() == 0
