"""Moves with their own length, with and without a mail, taken back; several appointments moved in one act."""
from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from clinic.errors import NotPermitted, Refused, Stale
from clinic.models import AuditEvent, Closure
from protocols.models.service import ServiceKind
from sessions import booking, messaging
from sessions.booking import Change
from sessions.choices import AppointmentStatus, MessageState
from sessions.message_texts import CONFIRM, MOVED
from sessions.models import Appointment, Message
from tests import factories
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, allow_screening, make_clinic_day

STATUS, S = AppointmentStatus, MessageState
FRIDAY = THURSDAY + dt.timedelta(days=1)


@pytest.fixture
def day(at, db) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


def told(visit: Appointment) -> None:
    """The worker has sent the confirmation."""
    for one in Message.objects.filter(appointment=visit, kind=CONFIRM):
        one.state, one.told_start, one.claimed_at, one.sent_at = S.SENT, visit.agreed_start, timezone.now(), timezone.now()
        one.save(update_fields=["state", "told_start", "claimed_at", "sent_at"])


def waiting(visit: Appointment, kind: str = MOVED) -> list[tuple[str, str]]:
    return list(Message.objects.filter(appointment=visit, kind=kind).values_list("state", "reason"))


def again(visit: Appointment) -> Appointment:
    return Appointment.objects.get(pk=visit.pk)


# --- length ---------------------------------------------------------------------------------------------------------
def test_an_own_length_moves_every_span_with_it(day):
    visit = day.book("10:00")
    moved = booking.move(
        appointment=visit, seen_version=1, starts_at=visit.starts_at, treatment_minutes=90, by=day.by
    )
    moved.refresh_from_db()
    assert moved.ends_at == day.at("11:30")
    assert moved.practitioner_span.upper == day.at("11:30")
    assert (moved.room_span.lower, moved.room_span.upper) == (day.at("09:55"), day.at("11:40"))
    later = booking.move(appointment=moved, seen_version=2, starts_at=day.at("12:00"), by=day.by)
    assert later.ends_at == day.at("13:30"), "the length stays with the appointment"
    usual = booking.move(
        appointment=later, seen_version=3, starts_at=day.at("12:00"), treatment_minutes=45, by=day.by
    )
    assert usual.treatment_minutes is None, "as long as the service takes is no own length"


@pytest.mark.parametrize("minutes", [-5, 0, 4, 481, 1440])
def test_a_length_of_nothing_or_a_day_is_refused(day, minutes):
    visit = day.book("10:00")
    with pytest.raises(Refused, match="between 5 and 480 minutes"):
        booking.move(appointment=visit, seen_version=1, starts_at=visit.starts_at, treatment_minutes=minutes, by=day.by)
    assert again(visit).version == 1


def test_a_longer_treatment_into_the_next_one_is_a_clash(day):
    visit, _next = day.book("10:00"), day.book("11:00")
    with pytest.raises(booking.SlotTaken) as refused:
        booking.move(appointment=visit, seen_version=1, starts_at=visit.starts_at, treatment_minutes=75, by=day.by)
    assert refused.value.next_free[0].starts_at == day.at("11:45"), "the next time that is free for so long, in the other room"
    assert again(visit).ends_at == day.at("10:45")


def test_a_new_length_keeps_a_confirmation_and_writes_no_mail(day):
    visit = booking.change_status(appointment=day.book("10:00"), to=STATUS.CONFIRMED, seen_version=1, by=day.by)
    told(visit)
    booking.move(appointment=visit, seen_version=2, starts_at=visit.starts_at, treatment_minutes=60, by=day.by)
    assert again(visit).status == STATUS.CONFIRMED
    assert waiting(visit) == []


def test_booked_with_its_own_length(day):
    visit = day.book("10:00", treatment_minutes=20)
    assert again(visit).ends_at == day.at("10:20")
    with pytest.raises(Refused):
        day.book("12:00", treatment_minutes=3)


# --- telling --------------------------------------------------------------------------------------------------------
def test_not_telling_writes_no_mail_and_says_so(day):
    visit = day.book("10:00", day=FRIDAY + dt.timedelta(days=7))
    told(visit)
    moved = booking.move(
        appointment=visit, seen_version=1, starts_at=visit.starts_at + dt.timedelta(hours=1), by=day.by, tell=False
    )
    assert waiting(visit) == [(S.SUPPRESSED, messaging.NOT_TOLD)]
    messaging.events_changed(patient=visit.patient, by=day.by)
    messaging.bring_up_to_date(moved, by=day.by, reason=messaging.UNDONE)
    assert waiting(visit) == [(S.SUPPRESSED, messaging.NOT_TOLD)], "nothing else wakes it up"
    booking.move(appointment=moved, seen_version=2, starts_at=visit.starts_at + dt.timedelta(hours=2), by=day.by)
    assert sorted(waiting(visit)) == [(S.SCHEDULED, ""), (S.SUPPRESSED, messaging.NOT_TOLD)]


def test_who_was_never_told_and_is_not_to_be_told_gets_no_confirmation(day):
    visit = day.book("10:00", day=FRIDAY)
    booking.move(appointment=visit, seen_version=1, starts_at=day.at("12:00", FRIDAY), by=day.by, tell=False)
    assert {state for state, _reason in waiting(visit, CONFIRM)} == {S.SUPPRESSED}


# --- taken back -----------------------------------------------------------------------------------------------------
def test_a_move_taken_back_within_the_hold_sends_nothing(day):
    visit = booking.change_status(appointment=day.book("10:00"), to=STATUS.CONFIRMED, seen_version=1, by=day.by)
    told(visit)
    moved = booking.move(
        appointment=visit, seen_version=2, starts_at=day.at("14:00"), by=day.by, practitioner=day.other_doctor,
        room=day.other_room, treatment_minutes=60,
    )  # fmt: skip
    assert waiting(visit)[0][0] == S.SCHEDULED
    booking.take_back(appointment=moved, seen_version=3, by=day.by)
    back = again(visit)
    assert (back.starts_at, back.ends_at) == (day.at("10:00"), day.at("10:45"))
    assert (back.practitioner, back.room, back.treatment_minutes) == (day.doctor, day.room, None)
    assert (back.status, back.confirmed_at) == (STATUS.CONFIRMED, visit.confirmed_at)
    assert [state for state, _reason in waiting(visit)] == [S.SUPPRESSED]
    with pytest.raises(Refused, match="nothing to take back"):
        booking.take_back(appointment=back, seen_version=back.version, by=day.by)


def test_what_changed_since_or_is_taken_is_not_taken_back(day):
    visit = day.book("10:00")
    moved = booking.move(appointment=visit, seen_version=1, starts_at=day.at("14:00"), by=day.by)
    day.book("10:15")
    with pytest.raises(booking.ChangeClash, match="is taken"):
        booking.take_back(appointment=moved, seen_version=2, by=day.by)
    with pytest.raises(Stale):
        booking.take_back(appointment=moved, seen_version=1, by=day.by)
    arrived = booking.change_status(appointment=moved, to=STATUS.ARRIVED, seen_version=2, by=day.by)
    with pytest.raises(Refused, match="nothing to take back"):
        booking.take_back(appointment=arrived, seen_version=arrived.version, by=day.by)
    assert again(visit).starts_at == day.at("14:00")


def test_a_swap_is_taken_back_as_a_whole(day):
    first, second = day.book("10:00"), day.book("14:00", practitioner=day.other_doctor, room=day.other_room)
    one, _other = booking.swap(first=first, second=second, seen_versions=(1, 1), by=day.by)
    assert again(first).starts_at == day.at("14:00")
    booking.take_back(appointment=one, seen_version=one.version, by=day.by)
    assert (again(first).starts_at, again(second).starts_at) == (day.at("10:00"), day.at("14:00"))
    assert (again(first).practitioner, again(second).practitioner) == (day.doctor, day.other_doctor)
    assert again(first).came_from is None


def test_a_swap_keeps_each_length(day):
    long = factories.make_service(ServiceKind.CONSULTATION, treatment_minutes=30)
    first = day.book("10:00", service=long, treatment_minutes=60)
    second = day.book("14:00")
    booking.swap(first=first, second=second, seen_versions=(1, 1), by=day.by)
    assert again(first).ends_at - again(first).starts_at == dt.timedelta(minutes=60)
    assert again(second).ends_at - again(second).starts_at == dt.timedelta(minutes=45)


# --- several at once ------------------------------------------------------------------------------------------------
@pytest.fixture
def series(day, monkeypatch) -> list[Appointment]:
    """Three weekly sessions of one course, Thursdays at ten."""
    allow_screening(monkeypatch)
    patient = factories.make_patient(day.site)
    course = factories.make_course(patient, day.doctor, first_day=THURSDAY)
    service = factories.make_service()
    return [
        day.book(
            "10:00", day=planned.ideal, patient=patient, course=course, service=service, planned_sessions=[planned]
        )
        for planned in course.planned_sessions.order_by("number")[:3]
    ]


def shifted(rows: list[Appointment], days: int) -> list[Change]:
    return [
        Change(row, again(row).version, row.starts_at + dt.timedelta(days=days), row.practitioner, row.room) for row in rows
    ]


def test_a_series_shifts_over_itself(day, series):
    starts = [row.starts_at for row in series]
    gap = (starts[1] - starts[0]).days
    booking.rearrange(changes=shifted(series, gap), by=day.by, together="abc")
    assert [again(row).starts_at for row in series] == [start + dt.timedelta(days=gap) for start in starts]
    row = again(series[0])
    booking.take_back(appointment=row, seen_version=row.version, by=day.by)
    assert [again(row).starts_at for row in series] == starts, "earlier again, each window counted from the one before"


def test_a_series_that_meets_something_says_where_and_stays(day, series):
    in_the_way = series[2].starts_at + dt.timedelta(days=7)
    day.book("10:00", day=in_the_way.date())
    before = [(row.starts_at, again(row).version) for row in series]
    with pytest.raises(booking.ChangeClash) as refused:
        booking.rearrange(changes=shifted(series, 7), by=day.by)
    assert [row.fits for row in refused.value.report] == [True, True, False]
    assert "is taken on" in refused.value.report[2].sentence
    assert [(again(row).starts_at, again(row).version) for row in series] == before


def test_a_series_keeps_its_intervals_and_its_order(day, series):
    changes = shifted(series, 7)
    early = changes[0].starts_at + dt.timedelta(days=1)
    changes[1] = Change(series[1], changes[1].seen_version, early, day.doctor, day.room)
    with pytest.raises(booking.ChangeClash) as refused:
        booking.rearrange(changes=changes, by=day.by)
    assert refused.value.report[1].sentence.startswith("Session 2 is too close")
    changes[1] = Change(series[1], changes[1].seen_version, changes[2].starts_at + dt.timedelta(days=7), day.doctor, day.room)
    with pytest.raises(booking.ChangeClash) as refused:
        booking.rearrange(changes=changes, by=day.by)
    assert refused.value.report[2].sentence == "Must come after session 2."


def test_a_closed_day_in_the_series_moves_nothing(day, series):
    closed = (series[1].starts_at + dt.timedelta(days=7)).date()
    Closure.objects.create(site=day.site, first_day=closed, last_day=closed, reason="Holiday")
    with pytest.raises(booking.ChangeClash, match="Holiday"):
        booking.rearrange(changes=shifted(series, 7), by=day.by)
    assert not AuditEvent.objects.filter(action="appointment-moved").exists()


def test_only_who_may_change_appointments_rearranges(day):
    from clinic.choices import Role
    from clinic.doer import Doer

    visit = day.book("10:00")
    manager = Doer.staff(factories.make_user(Role.MANAGER), day.site)
    with pytest.raises(NotPermitted):
        booking.rearrange(changes=shifted([visit], 7), by=manager)
    moved = booking.move(appointment=visit, seen_version=1, starts_at=day.at("14:00"), by=day.by)
    with pytest.raises(NotPermitted):
        booking.take_back(appointment=moved, seen_version=2, by=manager)
    assert again(visit).starts_at == day.at("14:00")
