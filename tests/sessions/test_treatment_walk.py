"""From a healthy intake to a signed record, deed by deed, on the real database."""
from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import AuditEvent
from protocols import catalogue
from protocols.plan import Component, Plan, Syringe
from sessions import booking, consenting, coursework, gates, recording
from sessions.choices import AppointmentStatus, CourseStatus, RecordStatus
from sessions.forms.course import scaled_items
from sessions.models import Appointment, Message
from tests import factories as make
from tests.healthy import answered, make_healthy

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic(at):
    at("2026-03-10T08:00:00+00:00")  # a Tuesday
    site = make.make_site()
    doctor = make.make_user(Role.PRACTITIONER)
    make.make_shift(doctor, site)
    room = make.make_room(site)
    service = make.make_service(indication="ind-hydration", code="hydration")
    return site, doctor, room, service


def wish_for(site, doctor, indication="ind-hydration", mixture="ck-face-hydra", region="reg-face", **plan):
    rules = catalogue.in_force()
    items = scaled_items(rules.mixtures[mixture], indication)
    components = tuple(
        Component(substance=item.substance, volume_ml=ml, strength=item.strength, strength_unit=item.strength_unit)
        for item, ml in items
    )
    return coursework.Wish(
        plan=Plan(
            indication=indication, category=rules.indications[indication].category, regions=(region,),
            technique=rules.mixtures[mixture].technique, syringes=(Syringe(components=components),), **plan,
        ),
        mixture=mixture, site=site, practitioner=doctor, first_day=dt.date(2026, 3, 12), wall_time=dt.time(10),
    )  # fmt: skip


def approved_course(site, doctor, patient):
    by = Doer.staff(doctor, site)
    course = coursework.propose(patient=patient, wish=wish_for(site, doctor), by=by)
    return coursework.approve(course=course, seen_version=course.version, by=by)


def test_a_course_is_treated_and_signed(clinic, at, monkeypatch):
    site, doctor, room, service = clinic
    by = Doer.staff(doctor, site)
    patient = make_healthy(make.make_patient(site), doctor)
    course = approved_course(site, doctor, patient)
    assert course.status == CourseStatus.APPROVED
    first, second, *_rest = course.planned_sessions.all()
    consent = consenting.give_text(course=course, informed_at=timezone.now(), language="en", by=by)
    appointment = booking.book(
        patient=patient, service=service, site=site, practitioner=doctor, room=room, course=course,
        planned_sessions=[first], starts_at=dt.datetime(2026, 3, 12, 9, tzinfo=dt.UTC), by=by,
    )  # fmt: skip

    at("2026-03-12T08:50:00+00:00")
    consenting.record_signature(
        consent=consent, signed_at=timezone.now(), photos_record=True, photos_teaching=False, photos_publicity=False, by=by
    )
    with pytest.raises(Refused, match="arrived"):
        recording.open_record(appointment=appointment, by=by)
    booking.change_status(
        appointment=appointment, to=AppointmentStatus.ARRIVED, seen_version=appointment.version, by=by
    )
    record = recording.open_record(appointment=appointment, by=by)
    with pytest.raises(Refused):
        recording.begin(record=record, seen_version=record.version, by=by)

    from tests.healthy import measured

    measured(patient, doctor, dt.date(2026, 3, 12))
    lot = make.make_lot(site)
    recording.check_identity(record=record, seen_version=record.version, identifiers="name, birth date", by=by)
    recording.confirm_history(record=record, seen_version=record.version, changes="", by=by)
    recording.pass_gate(record=record, seen_version=record.version, gate="gate-photos", reason="camera broken", by=by)
    recording.save_amounts(
        record=record, seen_version=record.version, by=by, wasted_ml=Decimal("0.1"), note="", reaction_note="",
        products=[recording.ProductLine(position=1, volume_ml=Decimal("2.0"), lot=lot)],
        areas=[recording.AreaLine(region="reg-face", points=38, ml_per_point=Decimal("0.05"), depth_mm=Decimal("1.5"))],
    )  # fmt: skip
    waiting = {gate.code for gate in gates.open_gates(record)}
    assert waiting == {"gate-test"}, "a new product needs a read, negative test"
    from sessions import allergy_testing

    test = allergy_testing.place(
        patient=patient, site=site, substance="sub-ha-nc", placed_at=timezone.now() - dt.timedelta(hours=25), by=by
    )
    allergy_testing.read(test=test, site=site, read_at=timezone.now(), wheal_mm=0, rash=False, by=by)
    assert gates.open_gates(record) == []
    record = recording.begin(record=record, seen_version=record.version, by=by)
    at("2026-03-12T09:40:00+00:00")
    record = recording.end_treatment(record=record, seen_version=record.version, by=by)
    appointment.refresh_from_db()
    assert appointment.status == AppointmentStatus.DONE
    lot.refresh_from_db()
    assert lot.balance_ml == Decimal("98")
    second.refresh_from_db()
    assert second.ideal == dt.date(2026, 4, 9)
    assert set(Message.objects.filter(patient=patient).values_list("kind", flat=True)) >= {
        "msg-confirm", "msg-24h", "msg-after-0", "msg-48h"}  # fmt: skip

    doctor.set_password(make.PASSWORD)
    doctor.save()
    record = recording.sign(record=record, seen_version=record.version, password=make.PASSWORD, by=by)
    assert record.status == RecordStatus.SIGNED
    with pytest.raises(DatabaseError), transaction.atomic():
        type(record).objects.filter(pk=record.pk).update(note="changed")
    with pytest.raises(DatabaseError), transaction.atomic():
        record.products.update(volume_ml=Decimal(9))
    recording.add_addendum(record=record, text="Mild redness on leaving.", by=by)
    told = set(AuditEvent.objects.filter(patient_public_id=patient.public_id).values_list("action", flat=True))
    assert told >= {"course-proposed", "course-approved", "consent-signed", "treatment-begun", "treatment-ended",
                    "record-signed", "addendum-written"}  # fmt: skip


def test_blocked_means_no_course_and_no_session(clinic):
    site, doctor, _room, _service = clinic
    by = Doer.staff(doctor, site)
    patient = make.make_patient(site)
    answered(patient, q_allergy=["fish"])
    wish = wish_for(site, doctor, "ind-under-eye", "ck-eye-pn", "reg-periocular")
    with pytest.raises(Refused) as refusal:
        coursework.propose(patient=patient, wish=wish, by=by)
    assert refusal.value.code == "screening"
    assert not patient.courses.exists()


def test_a_session_does_not_open_once_the_patient_is_pregnant(clinic, at):
    site, doctor, room, service = clinic
    by = Doer.staff(doctor, site)
    patient = make_healthy(make.make_patient(site), doctor)
    course = approved_course(site, doctor, patient)
    appointment = make.make_appointment(
        patient, practitioner=doctor, room=room, service=service, course=course, status="arrived",
        planned_session=course.planned_sessions.first(),
    )  # fmt: skip
    answered(patient, q_pregnant="yes")
    with pytest.raises(Refused) as refusal:
        recording.open_record(appointment=appointment, by=by)
    assert refusal.value.code == "screening"
    assert not hasattr(Appointment.objects.get(pk=appointment.pk), "treatment_session")


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.MANAGER])
def test_only_clinicians_plan_and_treat(clinic, role):
    site, doctor, _room, _service = clinic
    patient = make_healthy(make.make_patient(site), doctor)
    other = make.make_user(role)
    with pytest.raises(NotPermitted):
        coursework.propose(patient=patient, wish=wish_for(site, doctor), by=Doer.staff(other, site))
    assert not patient.courses.exists()


def test_amounts_that_do_not_add_up_keep_the_treatment_open(clinic):
    site, doctor, room, service = clinic
    by = Doer.staff(doctor, site)
    patient = make_healthy(make.make_patient(site), doctor)
    course = approved_course(site, doctor, patient)
    appointment = make.make_appointment(patient, practitioner=doctor, room=room, service=service, course=course, status="arrived")
    record = recording.open_record(appointment=appointment, by=by)
    recording.save_amounts(
        record=record, seen_version=record.version, by=by, wasted_ml=Decimal("0.2"), note="", reaction_note="",
        products=[recording.ProductLine(position=1, volume_ml=Decimal("2.0"), lot=make.make_lot(site))],
        areas=[recording.AreaLine(region="reg-face", points=38, ml_per_point=Decimal("0.05"), depth_mm=Decimal("1.5"))],
    )  # fmt: skip
    amounts = recording.amounts_of(record)
    assert not amounts.agrees
    assert amounts.difference_ml == Decimal("-0.1")
    with pytest.raises(Refused, match="add up"):
        recording.check_endable(record)
