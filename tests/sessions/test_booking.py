"""Booking one visit: it works, it refuses each bad wish with a sentence, and nothing changes on refusal; next free times."""
from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import SYSTEM, Doer
from clinic.errors import NotPermitted
from clinic.models import Absence, AuditEvent, Shift
from patients.models import PatientSite
from protocols.models.service import ServiceKind
from sessions import booking, booking_steps, messaging
from sessions.availability import Wish, free_device, free_room, next_free
from sessions.choices import AppointmentStatus
from sessions.models import Appointment, Message
from tests import factories
from tests.sessions.bookings import counts, refused
from tests.sessions.clinicday import MORNING, THURSDAY, ClinicDay, make_clinic_day

pytestmark = pytest.mark.django_db
STATUS = AppointmentStatus


@pytest.fixture
def day(at) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


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


def test_a_run_out_hold_keeps_no_room_and_no_device(day, at):
    """The sweep may be late: whoever is given any room that is free gets the one the hold stood in."""
    service = factories.make_service(ServiceKind.CONSULTATION, device_kind="dv-gun", treatment_minutes=30)
    guns = [factories.make_device(day.site, name=f"Gun {number}") for number in (1, 2)]
    day.book("10:00", service=service, device=guns[0])
    held = day.book("10:00", service=service, device=guns[1], practitioner=day.other_doctor, room=day.other_room)
    Appointment.objects.filter(pk=held.pk).update(
        status=STATUS.HELD, hold_ends_at=timezone.now() + dt.timedelta(minutes=10)
    )
    wish = Wish(
        factories.make_patient(day.site), day.site, service, day.other_doctor, day.room, day.at("10:00"), guns[0]
    )
    assert (free_room(wish), free_device(wish)) == (day.room, guns[0]), "none is free: the first, and the clash is said"
    at("2026-03-12T07:10+00:00")
    assert (free_room(wish), free_device(wish)) == (day.other_room, guns[1])


# --- next free times ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("days", "queries"), [(1, 4), (13, 4), (40, 5), (90, 6)])
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
    with django_assert_num_queries(4):
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
