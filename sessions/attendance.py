"""Whether somebody came: visits that were missed or cancelled late, for the desk to know when booking the next."""
from __future__ import annotations

from dataclasses import dataclass

from patients.models import Patient
from sessions.choices import AppointmentStatus, MissedReason
from sessions.models import Appointment

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Attendance:
    """Newest first; the counts are of all, the rows of the newest."""

    missed: int
    late: int
    rows: tuple[Appointment, ...]

    @property
    def is_spotless(self) -> bool:
        return not (self.missed or self.late)


def attendance_of(patient: Patient) -> Attendance:
    """One query. What was set by our own mistake is listed, and not counted against anybody."""
    rows = list(
        Appointment.objects.for_patient(patient)
        .filter(status__in=[AppointmentStatus.NO_SHOW, AppointmentStatus.LATE_CANCELLED])
        .select_related("service", "site")
        .order_by("-starts_at")
    )
    counted = [row.status for row in rows if row.cancel_reason != MissedReason.OUR_MISTAKE]
    missed, late = counted.count(AppointmentStatus.NO_SHOW), counted.count(AppointmentStatus.LATE_CANCELLED)
    return Attendance(missed, late, tuple(rows[:SHOWN]))
