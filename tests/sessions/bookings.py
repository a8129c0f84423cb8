"""What the tests of booking count, refuse and wish again and again."""
from __future__ import annotations

import pytest

from clinic.errors import Refused
from clinic.models import AuditEvent
from patients.models import PatientSite
from sessions.models import Appointment, Fulfilment, Message
from tests.sessions.clinicday import ClinicDay


def counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Appointment, Fulfilment, AuditEvent, Message, PatientSite))


def refused(day: ClinicDay, code: str, field: str | None = None, /, **wish) -> str:
    before = counts()
    with pytest.raises(Refused) as refusal:
        day.book(**wish)
    assert refusal.value.code == code
    assert refusal.value.field == field
    assert counts()[0] == before[0]
    return refusal.value.sentence


def wish_for(course, service, number: int) -> dict[str, object]:
    planned = course.planned_sessions.get(number=number)
    return {"patient": course.patient, "service": service, "course": course, "planned_sessions": [planned]}
