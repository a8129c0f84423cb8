"""The booking verbs: they work, they refuse each bad wish with a sentence, and nothing changes on refusal."""
from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import SYSTEM, Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.models import Absence, AuditEvent, Shift
from patients.choices import Text
from patients.models import PatientSite
from protocols.models.service import ServiceKind
from sessions import booking, booking_steps, messaging
from sessions.availability import next_free
from sessions.booking_rules import undo_target
from sessions.choices import APPOINTMENT_MOVES, AppointmentStatus
from sessions.models import Appointment, Fulfilment, Message
from sessions.slots import Span
from tests import factories
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, allow_screening, make_clinic_day

pytestmark = pytest.mark.django_db
STATUS = AppointmentStatus


@pytest.fixture
def day(at) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


def counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Appointment, Fulfilment, AuditEvent, Message, PatientSite))


# --- book -----------------------------------------------------------------------------------------------------------
def test_booking_writes_row_spans_audit_and_message(day):
    patient = factories.make_patient(factories.make_site())
    appointment = day.book("10:45", patient=patient)
    assert appointment.status == STATUS.BOOKED
    assert (appointment.agreed_start, appointment.zone) == ("2026-03-12T10:45", "Europe/Rome")
    assert appointment.room_span.lower == day.at("10:40")
    assert appointment.room_span.upper == day.at("11:40")
    assert appointment.practitioner_span.upper == appointment.ends_at == day.at("11:30")
    assert PatientSite.objects.filter(patient=patient, site=day.site).exists(), "known at the site from now on"
    event = AuditEvent.objects.get(action="appointment-booked")
    assert (event.doer_label, event.patient_public_id) == ("Mara Lind", patient.public_id)
    assert Message.objects.filter(appointment=appointment).exists()


def test_visits_may_touch(day):
    service = factories.make_service(ServiceKind.CONSULTATION, treatment_minutes=30)
    day.book("10:00", service=service)
    day.book("10:30", service=service)
    assert Appointment.objects.count() == 2


def test_a_taken_practitioner_is_named_with_patient_time_and_next_free(day):
    day.book("10:00", patient=factories.make_patient(day.site, given_name="Clara", family_name="Jensen"))
    before = counts()
    with pytest.raises(booking.SlotTaken) as refusal:
        day.book("10:30", room=day.other_room, patient=factories.make_patient(day.site))
    assert [(one.what, one.name, one.visitor) for one in refusal.value.blockers] == [
        ("practitioner", "Dr Amina Haddad", "Clara Jensen")
    ]
    assert "Dr Amina Haddad is taken on Thu 12 March 2026 from 10:00 to 10:45 (Clara Jensen)" in refusal.value.sentence
    assert [offer.local_start.strftime("%H:%M") for offer in refusal.value.next_free] == ["10:45", "11:00", "11:15"]
    assert counts()[0] == before[0]


def test_a_taken_room_and_patient_are_named(day):
    patient = factories.make_patient(day.site)
    day.book("10:00", patient=patient)
    with pytest.raises(booking.SlotTaken) as refusal:
        day.book("10:30", patient=patient, practitioner=day.other_doctor)
    assert {one.what for one in refusal.value.blockers} == {"room", "patient"}


def test_the_other_patient_is_not_named_to_who_may_not_see_them(day):
    elsewhere = factories.make_site()
    factories.make_shift(day.doctor, elsewhere)
    hidden = factories.make_patient(elsewhere, given_name="Clara", family_name="Hidden")
    day.book("10:00", patient=hidden, site=elsewhere, room=factories.make_room(elsewhere))
    limited = factories.make_user(Role.FRONT_DESK, site=day.site)
    with pytest.raises(booking.SlotTaken) as refusal:
        day.book("10:00", by=Doer.staff(limited, day.site))
    assert "Hidden" not in refusal.value.sentence
    assert "another patient" in refusal.value.sentence


def test_a_practitioner_cannot_be_at_two_sites_at_once(day):
    elsewhere = factories.make_site()
    factories.make_shift(day.doctor, elsewhere)
    day.book("10:00")
    with pytest.raises(booking.SlotTaken):
        day.book("10:15", site=elsewhere, room=factories.make_room(elsewhere))


def test_the_database_is_the_arbiter_when_our_own_look_sees_nothing(day, monkeypatch):
    day.book("10:00")
    monkeypatch.setattr(booking_steps, "in_the_way", lambda wish: [])
    with pytest.raises(booking.SlotTaken) as refusal:
        day.book("10:30")
    assert {one.what for one in refusal.value.blockers} == {"practitioner", "room"}
    assert Appointment.objects.count() == 1


def test_device_never_overlaps(day):
    device = factories.make_device(day.site, name="Gun A")
    service = factories.make_service(
        ServiceKind.CONSULTATION, device_kind="dv-gun", device_wipe_minutes=10, treatment_minutes=30
    )
    day.book("10:00", service=service, device=device)
    with pytest.raises(booking.SlotTaken) as refusal:
        day.book("10:35", service=service, device=device, practitioner=day.other_doctor, room=day.other_room)
    assert [(one.what, one.name) for one in refusal.value.blockers] == [("device", "Gun A")]


def refused(day: ClinicDay, code: str, field: str | None = None, /, **wish) -> str:
    before = counts()
    with pytest.raises(Refused) as refusal:
        day.book(**wish)
    assert refusal.value.code == code
    assert refusal.value.field == field
    assert counts()[0] == before[0]
    return refusal.value.sentence


def test_outside_the_shift(day):
    sentence = refused(day, "shift", "starts_at", time="17:30")
    assert "works at Marylebone on Thu 12 March 2026 from 09:00-18:00 only" in sentence


def test_in_the_break_between_two_shifts(day):
    Shift.objects.filter(user=day.doctor, weekday="4").delete()
    factories.make_shift(day.doctor, day.site, "4", ends=dt.time(12))
    factories.make_shift(day.doctor, day.site, "4", starts=dt.time(13))
    assert "09:00-12:00, 13:00-18:00" in refused(day, "shift", "starts_at", time="12:00")


def test_outside_opening_hours_and_on_a_closed_weekday(day):
    factories.make_shift(day.doctor, day.site, "7")
    refused(day, "opening-hours", "starts_at", time="07:59", day=THURSDAY + dt.timedelta(days=1))
    sunday = dt.date(2026, 3, 15)
    assert "does not open on Sun 15 March" in refused(day, "opening-hours", "starts_at", day=sunday)


def test_on_a_closure(day):
    factories.make_closure(day.site, dt.date(2026, 3, 13), reason="Stocktaking")
    assert "Stocktaking" in refused(day, "closed", "starts_at", day=dt.date(2026, 3, 13))


def test_in_an_absence(day):
    Absence.objects.create(user=day.doctor, span=(day.at("09:30"), day.at("10:15")))
    refused(day, "absence", "starts_at")


def test_without_a_valid_licence(day):
    day.doctor.licence_valid_until = dt.date(2026, 3, 11)
    day.doctor.save()
    refused(day, "licence", "practitioner")


def test_with_someone_who_does_not_treat(day):
    factories.make_shift(day.desk, day.site)
    refused(day, "practitioner", "practitioner", practitioner=day.desk)


def test_in_the_past(day):
    refused(day, "past", "starts_at", day=dt.date(2026, 3, 11))


def test_in_a_room_of_another_site_kind_or_out_of_service(day):
    refused(day, "room", "room", room=factories.make_room(factories.make_site()))
    refused(day, "room", "room", room=factories.make_room(day.site, kind="consultation"))
    refused(day, "room", "room", room=factories.make_room(day.site, in_service=False))


def test_device_needed_unwanted_or_wrong(day):
    service = factories.make_service(ServiceKind.CONSULTATION, device_kind="dv-gun")
    refused(day, "device", "device", service=service)
    refused(day, "device", "device", service=service, device=factories.make_device(day.site, "dv-ultrasound"))
    refused(day, "device", "device", device=factories.make_device(day.site))


def test_the_manager_may_not_book(day):
    manager = factories.make_user(Role.MANAGER)
    with pytest.raises(NotPermitted):
        day.book(by=Doer.staff(manager, day.site))
    with pytest.raises(NotPermitted):
        day.book(by=Doer.patient("x", "A patient"))
    assert day.book(by=SYSTEM).booked_by_label == "Mesoclinic"


def test_a_failing_message_rolls_everything_back(day, monkeypatch):
    before = counts()

    def fail(**_):
        raise RuntimeError("the outbox is down")

    monkeypatch.setattr(messaging, "appointment_booked", fail)
    patient = factories.make_patient(day.site)
    with pytest.raises(RuntimeError):
        day.book(patient=patient)
    assert counts() == (*before[:4], before[4] + 1), "only the patient of this test is new"


def test_overbooking_lifts_the_practitioner_alone(day):
    day.book("10:00")
    second = day.book("10:00", room=day.other_room, overbook_reason="Emergency review")
    assert (second.overbooked, second.overbooked_by) == (True, day.desk)
    with pytest.raises(booking.SlotTaken) as refusal:
        day.book("10:00", overbook_reason="Room as well")
    assert {one.what for one in refusal.value.blockers} == {"room"}


def test_a_run_out_hold_gives_its_time_back(day, at):
    held = day.book("10:00")
    Appointment.objects.filter(pk=held.pk).update(
        status=STATUS.HELD, hold_ends_at=timezone.now() + dt.timedelta(minutes=10)
    )
    with pytest.raises(booking.SlotTaken):
        day.book("10:00")
    at("2026-03-12T07:10+00:00")
    day.book("10:00")
    held.refresh_from_db()
    assert held.status == STATUS.CANCELLED


# --- a planned session and its screening ----------------------------------------------------------------------------
@pytest.fixture
def course(day):
    patient = factories.make_patient(day.site)
    return factories.make_course(patient, day.doctor, first_day=THURSDAY)


@pytest.fixture
def treatment(day):
    return factories.make_service()


def wish_for(course, service, number: int) -> dict[str, object]:
    planned = course.planned_sessions.get(number=number)
    return {"patient": course.patient, "service": service, "course": course, "planned_sessions": [planned]}


def test_a_planned_session_is_fulfilled_once(day, course, treatment, monkeypatch):
    allow_screening(monkeypatch)
    wish = wish_for(course, treatment, 1)
    appointment = day.book(**wish)
    assert appointment.fulfilments.get().active
    assert "Session 1 is already booked" in refused(day, "planned", "planned_session", time="14:00", **wish)


def test_not_before_the_window_opens(day, course, treatment, monkeypatch):
    allow_screening(monkeypatch)
    wish = wish_for(course, treatment, 2)
    assert "Thu 2 April 2026" in refused(day, "too-early", "starts_at", day=dt.date(2026, 4, 1), **wish)
    day.book(day=dt.date(2026, 4, 2), **wish)


def test_screening_blocks_a_treatment_and_never_a_consultation(day, course, treatment, monkeypatch):
    allow_screening(monkeypatch, allowed=False, reason=Text.of(en="Not possible with this plan: Fish allergy."))
    sentence = refused(day, "screening", "starts_at", patient=course.patient, service=treatment, course=course)
    assert "Fish allergy" in sentence
    assert day.book(patient=course.patient).flagged == ""


def test_a_marked_screening_books_and_flags(day, course, treatment, monkeypatch):
    allow_screening(monkeypatch, marked=True, reason=Text.of(en="A clinician's clearance is needed: Asthma."))
    assert "clearance" in day.book(patient=course.patient, service=treatment, course=course).flagged


def test_the_real_screening_is_asked(day, course, treatment):
    appointment = day.book(patient=course.patient, service=treatment, course=course)
    assert appointment.flagged, "nobody has answered the questions yet: booked, but marked"


def test_a_course_of_somebody_else_or_stopped(day, course, treatment, monkeypatch):
    allow_screening(monkeypatch)
    refused(day, "course", "planned_session", service=treatment, course=course)
    course.status = "stopped"
    course.save()
    refused(day, "course", None, patient=course.patient, service=treatment, course=course)


def test_a_service_for_another_indication(day, course, monkeypatch):
    allow_screening(monkeypatch)
    other = factories.make_service(indication="ind-aga")
    refused(day, "service", "service", patient=course.patient, service=other, course=course)


# --- a whole course -------------------------------------------------------------------------------------------------
def choices(day, course, service, times=("10:00", "10:00", "10:00"), room=None):
    return [
        booking.SlotChoice(
            planned, service, day.doctor, room or day.room, day.at(time, planned.ideal),
        )
        for planned, time in zip(course.planned_sessions.all(), times, strict=True)
    ]  # fmt: skip


def test_a_course_is_booked_whole(day, course, treatment, monkeypatch):
    allow_screening(monkeypatch)
    made = booking.book_course(course=course, slots=choices(day, course, treatment), by=day.by)
    assert [one.local_start.strftime("%m-%d %H:%M") for one in made] == ["03-12 10:00", "04-09 10:00", "05-07 10:00"]
    assert Fulfilment.objects.filter(active=True).count() == 3


def test_every_clash_of_a_course_is_reported_and_nothing_booked(day, course, treatment, monkeypatch):
    allow_screening(monkeypatch)
    clara = factories.make_patient(day.site, given_name="Clara", family_name="Jensen")
    day.book("10:00", day=dt.date(2026, 4, 9), patient=clara)
    before = counts()
    slots = choices(day, course, treatment, ("10:00", "10:15", "19:00"))
    with pytest.raises(booking.CourseClash) as clash:
        booking.book_course(course=course, slots=slots, by=day.by)
    first, second, third = clash.value.report
    assert first.fits
    assert "Clara Jensen" in second.sentence
    assert second.next_free[0].local_start.strftime("%H:%M") == "10:45", "in the second room"
    assert "09:00-18:00" in third.sentence
    assert counts() == before


def test_rows_of_one_list_must_not_overlap_or_swap_their_order(day, course, treatment, monkeypatch):
    allow_screening(monkeypatch)
    rows = choices(day, course, treatment)
    rows[1] = booking.SlotChoice(rows[1].planned_session, treatment, day.doctor, day.room, rows[2].starts_at)
    with pytest.raises(booking.CourseClash) as clash:
        booking.book_course(course=course, slots=rows, by=day.by)
    assert [row.fits for row in clash.value.report] == [True, False, False]


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


def test_every_desk_status_has_an_undo_along_the_table(day):
    for status in (STATUS.CONFIRMED, STATUS.ARRIVED, STATUS.NO_SHOW, STATUS.CANCELLED, STATUS.LATE_CANCELLED):
        for stamps in ({}, {"confirmed_at": timezone.now(), "arrived_at": timezone.now()}):
            assert undo_target(Appointment(status=status, **stamps)) in APPOINTMENT_MOVES[status]


# --- next free times ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("days", "queries"), [(1, 10), (13, 10), (40, 11), (90, 12)])
def test_next_free_reads_what_is_taken_in_three_pieces_at_most(day, days, queries, django_assert_num_queries):
    for hour in range(9, 17):
        day.book(f"{hour:02}:15")
    with django_assert_num_queries(queries):
        offers = next_free(
            site=day.site, service=day.consultation, practitioners=[day.doctor, day.other_doctor],
            first_day=THURSDAY, last_day=THURSDAY + dt.timedelta(days=days), limit=5_000,
        )  # fmt: skip
    assert offers[0].starts_at == day.at("09:00")
    assert offers[0].practitioner == day.other_doctor


def test_a_search_that_finds_at_once_reads_no_further(day, django_assert_num_queries):
    with django_assert_num_queries(10):
        offers = next_free(
            site=day.site, service=day.consultation, practitioners=[day.doctor], last_day=THURSDAY + dt.timedelta(days=90),
        )  # fmt: skip
    assert [offer.starts_at for offer in offers] == [day.at("09:00"), day.at("09:15"), day.at("09:30")]


def test_locks_are_taken_before_the_first_write(day):
    with CaptureQueriesContext(connection) as queries:
        day.book("10:00", patient=factories.make_patient(day.site))
    texts = [query["sql"] for query in queries]
    locked = next(number for number, text in enumerate(texts) if "FOR NO KEY UPDATE" in text)
    writes = [at for at, text in enumerate(texts) if text.startswith(("UPDATE", "INSERT")) and "appointment" in text]
    assert locked < min(writes)
