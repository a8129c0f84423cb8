"""A day of appointments and treatments for the tests of messages, on top of the clinic day of the booking tests."""
from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from clinic.doer import Doer
from patients.models import Patient
from protocols import catalogue
from sessions import messaging
from sessions.models import Appointment, Message, TreatmentSession
from tests import factories
from tests.sessions.clinicday import ClinicDay, make_clinic_day

NEXT_THURSDAY = dt.date(2026, 3, 19)


@dataclass
class MailDay:
    clinic: ClinicDay
    patient: Patient

    @property
    def by(self) -> Doer:
        return self.clinic.by

    def book(self, time: str = "10:00", day: dt.date = NEXT_THURSDAY, **more: Any) -> Appointment:
        return self.clinic.book(time, day=day, **({"patient": self.patient} | more))

    def messages(self, *kinds: str) -> list[Message]:
        rows = Message.objects.filter(patient=self.patient)
        return list((rows.filter(kind__in=kinds) if kinds else rows).order_by("id"))

    def states(self) -> list[tuple[str, str]]:
        return [(message.kind, message.state) for message in self.messages()]

    def treat(self, *, ended_at: dt.datetime | None = None) -> TreatmentSession:
        """A treatment that ended now, written past the recording rules, with its messages."""
        ended_at = ended_at or timezone.now()
        begun_at = ended_at - dt.timedelta(minutes=30)
        treatment_session = self.record(begun_at, ended_at)
        messaging.treatment_ended(treatment_session=treatment_session, by=self.clinic.by_doctor)
        return treatment_session

    def record(self, begun_at: dt.datetime, ended_at: dt.datetime) -> TreatmentSession:
        doctor = self.clinic.doctor
        course = factories.make_course(self.patient, doctor, site=self.clinic.site)
        appointment = factories.make_appointment(
            self.patient, practitioner=doctor, room=self.clinic.room, starts_at=begun_at, course=course, status="done"
        )
        return TreatmentSession.objects.create(
            appointment=appointment, patient=self.patient, course=course, catalogue=catalogue.current(), status="ended",
            opened_at=begun_at, opened_by=doctor, practitioner=doctor, history_confirmed_at=begun_at, begun_at=begun_at,
            ended_at=ended_at, technique=course.technique, delivery=course.delivery,
        )  # fmt: skip


def make_mail_day(**patient_fields: Any) -> MailDay:
    clinic = make_clinic_day()
    fields = {"given_name": "Aisha", "family_name": "Bello", "email": "aisha.bello@example.org"} | patient_fields
    return MailDay(clinic, factories.make_patient(clinic.site, **fields))


def only(day: MailDay, kind: str = "msg-confirm") -> Message:
    (message,) = day.messages(kind)
    return message
