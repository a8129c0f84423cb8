"""What becomes of a booking: moved, swapped, cancelled, arrived and taken back, along the table of its status alone."""
from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from protocols.models.service import ServiceKind
from sessions import booking
from sessions.booking_rules import undo_target
from sessions.choices import APPOINTMENT_MOVES, AppointmentStatus
from sessions.models import Appointment
from sessions.slots import Span
from tests import factories
from tests.sessions.bookings import wish_for
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, allow_screening, make_clinic_day

pytestmark = pytest.mark.django_db
STATUS = AppointmentStatus


@pytest.fixture
def day(at) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


@pytest.fixture
def course(day):
    patient = factories.make_patient(day.site)
    return factories.make_course(patient, day.doctor, first_day=THURSDAY)


@pytest.fixture
def treatment(day):
    return factories.make_service()


# --- move, swap -----------------------------------------------------------------------------------------------------
def test_moving_writes_new_spans_and_raises_the_revision(day):
    appointment = day.book("10:00")
    booking.change_status(appointment=appointment, to=STATUS.CONFIRMED, seen_version=1, by=day.by)
    moved = booking.move(
        appointment=appointment, seen_version=2, starts_at=day.at("11:15"), room=day.other_room, by=day.by
    )
    assert (moved.revision, moved.version, moved.status, moved.confirmed_at) == (2, 3, STATUS.BOOKED, None)
    assert moved.agreed_start == "2026-03-12T11:15"
    assert moved.room_span.lower == day.at("11:10")


def test_moving_within_its_own_time_is_no_clash(day):
    appointment = day.book("10:00")
    booking.move(appointment=appointment, seen_version=1, starts_at=day.at("10:15"), by=day.by)


def test_moving_into_a_freed_slot_and_not_into_a_taken_one(day):
    first, second = day.book("10:00"), day.book("11:00")
    with pytest.raises(booking.SlotTaken):
        booking.move(appointment=second, seen_version=1, starts_at=day.at("10:00"), by=day.by)
    booking.cancel(appointment=first, seen_version=1, reason="Patient is ill", by=day.by)
    booking.move(appointment=second, seen_version=1, starts_at=day.at("10:00"), by=day.by)


def test_a_stale_move_changes_nothing_and_shows_what_is_there(day):
    appointment = day.book("10:00")
    booking.move(appointment=appointment, seen_version=1, starts_at=day.at("12:00"), by=day.by)
    with pytest.raises(Stale) as refusal:
        booking.move(appointment=appointment, seen_version=1, starts_at=day.at("15:00"), by=day.by)
    assert ("Time", "Thu 12 March 2026 12:00") in refusal.value.theirs
    appointment.refresh_from_db()
    assert appointment.starts_at == day.at("12:00")


def test_an_arrived_patient_is_not_moved(day):
    appointment = day.book("10:00")
    booking.change_status(appointment=appointment, to=STATUS.ARRIVED, seen_version=1, by=day.by)
    with pytest.raises(Refused, match="cannot be moved"):
        booking.move(appointment=appointment, seen_version=2, starts_at=day.at("12:00"), by=day.by)


def test_two_appointments_swap_in_one_act(day):
    first = day.book("10:00")
    second = day.book("11:00", practitioner=day.other_doctor, room=day.other_room)
    booking.swap(first=first, second=second, seen_versions=(1, 1), by=day.by)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.agreed_start, first.practitioner) == ("2026-03-12T11:00", day.other_doctor)
    assert (second.agreed_start, second.practitioner) == ("2026-03-12T10:00", day.doctor)
    assert (first.revision, second.revision) == (2, 2)


def test_a_swap_that_would_clash_with_a_third_changes_nothing(day):
    short = factories.make_service(ServiceKind.CONSULTATION, treatment_minutes=15)
    first, second = day.book("10:00"), day.book("11:30", service=short)
    day.book("12:00", service=short)
    with pytest.raises(booking.ChangeClash):
        booking.swap(first=first, second=second, seen_versions=(1, 1), by=day.by)
    first.refresh_from_db()
    assert first.agreed_start == "2026-03-12T10:00"


# --- cancel and status ----------------------------------------------------------------------------------------------
def test_cancelling_needs_a_reason_frees_slot_and_planned_session(day, course, treatment, monkeypatch):
    allow_screening(monkeypatch)
    wish = wish_for(course, treatment, 1)
    appointment = day.book("16:00", **wish)
    with pytest.raises(Refused) as refusal:
        booking.cancel(appointment=appointment, seen_version=1, reason="  ", by=day.by)
    assert refusal.value.field == "reason"
    cancelled = booking.cancel(appointment=appointment, seen_version=1, reason="Patient is ill", by=day.by)
    assert (cancelled.status, cancelled.revision) == (STATUS.LATE_CANCELLED, 2), "within 24 hours of the start"
    day.book("16:00", **wish)


def test_cancelling_days_before_is_not_late(day):
    appointment = day.book(day=dt.date(2026, 3, 16))
    assert booking.cancel(appointment=appointment, seen_version=1, reason="x", by=day.by).status == STATUS.CANCELLED


def test_a_cancellation_is_taken_back_only_while_its_time_is_free(day):
    appointment = day.book("10:00")
    appointment = booking.cancel(appointment=appointment, seen_version=1, reason="Wrong patient", by=day.by)
    other = day.book("10:00")
    with pytest.raises(booking.SlotTaken):
        booking.undo(appointment=appointment, seen_version=2, by=day.by)
    booking.cancel(appointment=other, seen_version=1, reason="Moved elsewhere", by=day.by)
    back = booking.undo(appointment=appointment, seen_version=2, by=day.by)
    assert (back.status, back.cancelled_at, back.cancel_reason, back.revision) == (STATUS.BOOKED, None, "", 3)


def test_a_patient_confirms_and_cancels_only_their_own(day):
    appointment = day.book("10:00")
    own = Doer.patient(appointment.patient.public_id, "Patient")
    stranger = Doer.patient(factories.make_patient(day.site).public_id, "Stranger")
    with pytest.raises(NotPermitted):
        booking.change_status(appointment=appointment, to=STATUS.CONFIRMED, seen_version=1, by=stranger)
    confirmed = booking.change_status(appointment=appointment, to=STATUS.CONFIRMED, seen_version=1, by=own)
    assert confirmed.confirmed_at == timezone.now()
    with pytest.raises(NotPermitted):
        booking.change_status(appointment=appointment, to=STATUS.ARRIVED, seen_version=2, by=own)
    booking.cancel(appointment=appointment, seen_version=2, reason="Cannot come", by=own)


def test_arriving_stamps_and_undo_goes_back_to_what_it_was(day):
    appointment = day.book("10:00")
    booking.change_status(appointment=appointment, to=STATUS.CONFIRMED, seen_version=1, by=day.by)
    arrived = booking.change_status(appointment=appointment, to=STATUS.ARRIVED, seen_version=2, by=day.by)
    assert arrived.arrived_at == timezone.now()
    back = booking.undo(appointment=arrived, seen_version=3, by=day.by)
    assert (back.status, back.arrived_at) == (STATUS.CONFIRMED, None)
    assert back.confirmed_at is not None


def test_an_arrival_is_noted_on_its_day_only(day):
    appointment = day.book(day=dt.date(2026, 3, 13))
    with pytest.raises(Refused, match="Fri 13 March 2026"):
        booking.change_status(appointment=appointment, to=STATUS.ARRIVED, seen_version=1, by=day.by)


def test_no_show_only_after_the_start_cuts_the_spans_and_is_undone(day, at):
    appointment = day.book("10:00")
    with pytest.raises(Refused, match="10:00"):
        booking.change_status(appointment=appointment, to=STATUS.NO_SHOW, seen_version=1, by=day.by)
    at("2026-03-12T09:20+00:00")
    missed = booking.change_status(appointment=appointment, to=STATUS.NO_SHOW, seen_version=1, by=day.by)
    missed.refresh_from_db()
    assert Span(missed.patient_span.lower, missed.patient_span.upper) == Span(day.at("10:00"), day.at("10:20"))
    other = day.book("10:20", patient=missed.patient)
    booking.cancel(appointment=other, seen_version=1, reason="Came after all", by=day.by)
    back = booking.undo(appointment=missed, seen_version=2, by=day.by)
    assert back.status == STATUS.BOOKED
    assert back.patient_span.upper == day.at("10:45")


def test_only_those_who_treat_start_and_end_a_treatment(day):
    appointment = day.book("10:00")
    booking.change_status(appointment=appointment, to=STATUS.ARRIVED, seen_version=1, by=day.by)
    with pytest.raises(NotPermitted):
        booking.change_status(appointment=appointment, to=STATUS.IN_TREATMENT, seen_version=2, by=day.by)
    booking.change_status(appointment=appointment, to=STATUS.IN_TREATMENT, seen_version=2, by=day.by_doctor)


@pytest.mark.parametrize("was", list(STATUS))
def test_status_moves_only_along_the_table(day, at, was):
    appointment = day.book("10:00")
    stamps = {"cancelled_at": timezone.now(), "cancel_reason": "x"} if "cancelled" in was else {}
    stamps |= {"hold_ends_at": timezone.now()} if was == STATUS.HELD else {}
    Appointment.objects.filter(pk=appointment.pk).update(status=was, **stamps)
    at("2026-03-12T09:20+00:00")
    for to in STATUS:
        if to in APPOINTMENT_MOVES[was] or "cancelled" in to:
            continue
        appointment.refresh_from_db()
        with pytest.raises(Refused) as refusal:
            booking.change_status(appointment=appointment, to=to, seen_version=1, by=day.by_doctor)
        assert refusal.value.code == "transition"
    appointment.refresh_from_db()
    assert (appointment.status, appointment.version) == (was, 1)


@pytest.mark.parametrize("was", list(STATUS))
def test_cancelling_goes_along_the_table_too(day, was):
    appointment = day.book("10:00")
    stamps = {"cancelled_at": timezone.now(), "cancel_reason": "x"} if "cancelled" in was else {}
    stamps |= {"hold_ends_at": timezone.now()} if was == STATUS.HELD else {}
    Appointment.objects.filter(pk=appointment.pk).update(status=was, **stamps)
    appointment.refresh_from_db()
    may = STATUS.LATE_CANCELLED in APPOINTMENT_MOVES[was]
    if may:
        assert booking.cancel(appointment=appointment, seen_version=1, reason="Ill", by=day.by).status == STATUS.LATE_CANCELLED
        return
    with pytest.raises(Refused) as refusal:
        booking.cancel(appointment=appointment, seen_version=1, reason="Ill", by=day.by)
    assert refusal.value.code == "transition"
    appointment.refresh_from_db()
    assert (appointment.status, appointment.version) == (was, 1)


def test_every_desk_status_has_an_undo_along_the_table(day):
    for status in (STATUS.CONFIRMED, STATUS.ARRIVED, STATUS.NO_SHOW, STATUS.CANCELLED, STATUS.LATE_CANCELLED):
        for stamps in ({}, {"confirmed_at": timezone.now(), "arrived_at": timezone.now()}):
            assert undo_target(Appointment(status=status, **stamps)) in APPOINTMENT_MOVES[status]
