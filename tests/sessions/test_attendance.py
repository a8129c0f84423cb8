"""Who did not come, or cancelled late: with reasons, counted on the patient page, in sight when booking."""
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sessions import booking
from sessions.attendance import attendance_of
from sessions.choices import AppointmentStatus, MissedReason
from tests import factories as make
from tests.sessions.clinicday import MORNING, ClinicDay, make_clinic_day

pytestmark = pytest.mark.django_db
STATUS = AppointmentStatus
FRIDAY = dt.date(2026, 3, 13)


@pytest.fixture
def day(at: Any) -> ClinicDay:
    at(MORNING)
    return make_clinic_day()


def test_what_was_missed_and_cancelled_late_is_counted_with_its_reason(day: ClinicDay, at: Any, client: Client) -> None:
    patient = make.make_patient(day.site)
    missed, ours, late, kept = (day.book(f"{hour}:00", patient=patient) for hour in ("09", "10", "11", "12"))
    early = day.book("10:00", patient=patient, day=dt.date(2026, 3, 20))
    booking.cancel(appointment=late, seen_version=1, reason="The bus", by=day.by)
    booking.cancel(appointment=early, seen_version=1, reason="Holiday", by=day.by)
    at("2026-03-12T12:00+00:00")
    for visit, reason in ((missed, MissedReason.NO_WORD), (ours, MissedReason.OUR_MISTAKE)):
        booking.change_status(appointment=visit, to=STATUS.NO_SHOW, seen_version=1, by=day.by, reason=reason)
    found = attendance_of(patient)
    assert (found.missed, found.late) == (1, 1), "our own mistake is held against nobody"
    assert [row.pk for row in found.rows] == [late.pk, ours.pk, missed.pk]
    desk = make.signed_in(client, day.desk)
    for page in (
        desk.get(reverse("patient", args=[patient.public_id])),
        desk.get(reverse("appointment-new"), {"patient": patient.public_id}),
        desk.get(reverse("slot-search"), {"patient": patient.public_id}),
    ):  # fmt: skip
        html = page.content.decode()
        assert "1 no-show, 1 cancelled late" in html
        assert "No word from the patient" in html
        assert "The bus" in html
    assert "Holiday" not in html
    missed.refresh_from_db()
    booking.undo(appointment=missed, seen_version=missed.version, by=day.by)
    assert attendance_of(patient).missed == 0
    assert kept.status == STATUS.BOOKED


def test_somebody_who_always_came_has_no_mark(day: ClinicDay, client: Client) -> None:
    patient = make.make_patient(day.site)
    assert attendance_of(patient).is_spotless
    html = make.signed_in(client, day.desk).get(reverse("patient", args=[patient.public_id])).content.decode()
    assert "attendance" not in html


@pytest.mark.parametrize(("hours", "before", "status"), [
    (24, 23, STATUS.LATE_CANCELLED), (24, 25, STATUS.CANCELLED), (48, 47, STATUS.LATE_CANCELLED),
    (48, 49, STATUS.CANCELLED), (0, 1, STATUS.CANCELLED),
])  # fmt: skip
def test_each_site_says_how_late_is_late(day: ClinicDay, at: Any, hours: int, before: int, status: str) -> None:
    day.site.late_cancel_hours = hours
    day.site.save()
    visit = day.book("10:00", day=dt.date(2026, 3, 16))
    at(visit.starts_at - dt.timedelta(hours=before))
    booking.cancel(appointment=visit, seen_version=1, reason="ill", by=day.by)
    visit.refresh_from_db()
    assert visit.status == status
