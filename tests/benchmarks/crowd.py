"""A clinic of a hundred thousand patients, made in a minute: a few hundred of them by the application's own verbs, the
rest as copies of those rows with other numbers. For a database that is thrown away afterwards."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from django.utils import timezone

from clinic.choices import Role
from clinic.doer import SYSTEM
from patients.models import Measurement, Patient, QuestionnaireResponse
from protocols import catalogue
from sessions import screenings
from tests import factories as make
from tests.benchmarks import people

WITH_COURSE = 8  # every eighth has an approved course and a booking
STRIDE = 1_000_000  # copy k of row n has the number n + k * STRIDE
MINUTES_APART = 60
TIMES = ("starts_at", "ends_at")
# Tables of a patient in the order of their foreign keys, and the columns that lead to a row that is copied as well.
COPIED: dict[str, tuple[str, ...]] = {
    "patients_patient": (),
    "patients_questionnaireresponse": ("patient_id",),
    "patients_measurement": ("patient_id",),
    "treatment_sessions_course": ("patient_id",),
    "treatment_sessions_coursesyringe": ("patient_id", "course_id"),
    "treatment_sessions_courseitem": ("course_id", "syringe_id"),
    "treatment_sessions_appointment": ("patient_id", "course_id"),
    "treatment_sessions_screening": ("patient_id", "course_id", "since_id"),
    "treatment_sessions_finding": ("screening_id",),
}


def make_prototypes(count: int) -> None:
    """Patients with answers, measurements and stored screenings; some with a course and a booking ahead."""
    dice = random.Random(11)
    site, rules = make.make_site(), catalogue.in_force()
    doctor, room, service = make.make_user(Role.PRACTITIONER), make.make_room(site), make.make_service()
    now = timezone.now()
    for number in range(count):
        facts = people.person(rules, dice)
        patient = make.make_patient(site, birth_date=facts.birth_date, sex=facts.sex)
        QuestionnaireResponse.objects.create(
            patient=patient, questionnaire=catalogue.current_questionnaire(), language="en", answers=dict(facts.answers),
            submitted_at=now, submitted_kind="patient", signed_name=patient.name,
        )  # fmt: skip
        Measurement.objects.bulk_create(
            Measurement(patient=patient, code=one.code, value=one.value, second=one.second, text=one.text,
                        taken_on=site.today(), recorded_at=now, recorded_by=doctor)
            for one in facts.measurements
        )  # fmt: skip
        if number % WITH_COURSE == 0:
            course = make.make_course(patient, doctor)
            starts = now.replace(minute=0, second=0, microsecond=0) + dt.timedelta(minutes=MINUTES_APART * (2 + number))
            make.make_appointment(patient, practitioner=doctor, room=room, service=service, course=course, starts_at=starts)
        screenings.rescreen(patient=patient, by=SYSTEM)


def multiply(cursor: Any, prototypes: int, total: int) -> None:
    """Copy every prototype until there are `total` patients. Needs the owner; rows of history are not made."""
    copies = total // prototypes
    for table, links in COPIED.items():
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s AND table_schema = 'public'",
                       [table])  # fmt: skip
        columns = [name for (name,) in cursor.fetchall()]
        values = [_copied(name, links, prototypes) for name in columns]
        named = ", ".join(f'"{name}"' for name in columns)
        cursor.execute(  # names from the database's own catalogue
            f"INSERT INTO {table} ({named}) SELECT {', '.join(values)} FROM {table} t, generate_series(1, %s) k "  # noqa: S608
            f"WHERE t.id < {STRIDE} ORDER BY k, t.id",
            [copies - 1],
        )
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    cursor.execute("ANALYZE")


def _copied(column: str, links: tuple[str, ...], prototypes: int) -> str:
    """The value of a column in copy k."""
    name = f't."{column}"'
    ahead = f"make_interval(mins => k * {MINUTES_APART * (prototypes + 2)})"
    if column == "id" or column in links:
        return f"{name} + k * {STRIDE}"
    if column in {"public_id", "record_number"}:
        return f"substr(md5({name} || '-' || k), 1, 16)"
    if column in TIMES:
        return f"{name} + {ahead}"
    if column.endswith("_span"):
        return f"CASE WHEN {name} IS NOT NULL THEN tstzrange(lower({name}) + {ahead}, upper({name}) + {ahead}) END"
    return name


def count() -> int:
    return int(Patient.objects.count())
