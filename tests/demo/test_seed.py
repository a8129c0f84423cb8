"""The demo clinic holds what it promises. Seeded once for all tests of this file, emptied afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count
from django.test import Client
from django.utils import timezone

from clinic.choices import Role
from clinic.models import Device, Room, Site, StaffRole, User
from patients.models import Patient, QuestionnaireResponse
from sessions.choices import AppointmentStatus, CourseStatus, MessageState
from sessions.demo import PASSWORD
from sessions.demo.visits import quarter_now
from sessions.gathering import facts_of, facts_of_many
from sessions.models import Appointment, Clearance, Course, Document, Finding, Lot, Message, Screening, TreatmentSession
from tests import database

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def _seeded(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        call_command("seed_demo", stdout=StringIO())
    yield
    with django_db_blocker.unblock():
        database.empty()


def test_two_sites_in_different_zones_with_rooms_and_devices() -> None:
    assert set(Site.objects.values_list("time_zone", flat=True)) == {"Europe/Istanbul", "Europe/Rome"}
    for site in Site.objects.all():
        assert Room.objects.filter(site=site).count() >= 2
        assert Device.objects.filter(site=site).exists()


@pytest.mark.real_passwords
def test_five_staff_in_every_role_who_can_sign_in() -> None:
    assert User.objects.count() == 5
    assert set(StaffRole.objects.values_list("role", flat=True)) == set(Role.values)
    for user in User.objects.all():
        assert user.email.endswith("@halden.example")
        answer = Client().post("/account/login/", {"login": user.email, "password": PASSWORD})
        assert answer.status_code == 302, user.email


def test_eighty_invented_patients_in_several_languages() -> None:
    assert Patient.objects.count() == 80
    assert Patient.objects.values("language").distinct().count() >= 5
    assert not Patient.objects.exclude(email="").exclude(email__endswith=".example").exists()
    assert Patient.objects.filter(email="").exists(), "some have no address"


def test_courses_in_every_state() -> None:
    assert set(Course.objects.values_list("status", flat=True)) == set(CourseStatus.values)


def test_four_weeks_of_appointments_around_today() -> None:
    now = timezone.now()
    starts = list(Appointment.objects.values_list("starts_at", flat=True))
    assert min(starts) < now - dt.timedelta(days=10)
    assert max(starts) > now + dt.timedelta(days=10)
    assert now - dt.timedelta(days=16) < min(starts)
    assert max(starts) < now + dt.timedelta(days=16)


@pytest.mark.parametrize("place", [0, 1])
def test_every_lane_of_todays_board_has_somebody(place: int) -> None:
    site = Site.objects.order_by("pk")[place]
    begin, end = site.day_bounds(site.today())
    today = Appointment.objects.filter(site=site, starts_at__gte=begin, starts_at__lt=end)
    states = set(today.values_list("status", flat=True))
    S = AppointmentStatus  # noqa: N806
    assert {S.ARRIVED, S.IN_TREATMENT, S.DONE} <= states
    assert states & {S.BOOKED, S.CONFIRMED}
    running = today.get(status=S.IN_TREATMENT)
    assert abs(running.starts_at - quarter_now(site)) < dt.timedelta(hours=1), "now, or the edge of a day by night"


def test_nobody_comes_too_soon_after_the_last_session() -> None:
    assert not [one for one in Appointment.objects.all() if "too close" in one.day_words]
    today = [one for site in Site.objects.all() for one in Appointment.objects.on_day(site, site.today())]
    assert not [one.day_words for one in today if "llergy" in one.day_words], "everybody was tested before"


def test_lots_one_expired_one_nearly() -> None:
    for site in Site.objects.all():
        today = site.today()
        ends = list(Lot.objects.filter(site=site).values_list("expires_on", flat=True))
        assert any(day < today for day in ends)
        assert any(today < day <= today + dt.timedelta(days=14) for day in ends)
        assert any(day > today + dt.timedelta(days=90) for day in ends)


def test_findings_of_every_severity_and_a_clearance() -> None:
    assert set(Finding.objects.values_list("severity", flat=True)) >= {"absolute", "relative", "temporary", "info"}
    outcomes = set(Screening.objects.values_list("outcome", flat=True))
    assert outcomes == {"cleared", "needs-clearance", "wait", "incomplete", "blocked"}
    assert Clearance.objects.exists()


def test_messages_in_every_state() -> None:
    assert set(Message.objects.values_list("state", flat=True)) == set(MessageState.values)


def test_nobody_was_treated_whom_a_rule_forbids() -> None:
    blocked = Finding.objects.filter(severity="absolute").values("screening__patient")
    assert not TreatmentSession.objects.filter(patient__in=blocked).exists()


def test_intakes_signed_half_done_and_not_begun() -> None:
    assert QuestionnaireResponse.objects.filter(submitted_at=None).exists()
    assert QuestionnaireResponse.objects.exclude(submitted_at=None).count() > 40
    assert Patient.objects.filter(responses=None).exists()


def test_records_ended_and_signed() -> None:
    states = set(TreatmentSession.objects.values_list("status", flat=True))
    assert states == {"begun", "ended", "signed"}


def test_whoever_went_home_today_has_a_sheet() -> None:
    ended_today = TreatmentSession.objects.filter(status="ended", ended_at__gt=timezone.now() - dt.timedelta(hours=6))
    assert ended_today.exists()
    for record in ended_today:
        assert Document.objects.filter(kind="aftercare", appointment=record.appointment).exists()


def test_nobody_is_at_two_places_on_one_day() -> None:
    twice = Appointment.objects.exclude(status__startswith="cancel").values("patient", "starts_at__date").annotate(
        visits=Count("pk")).filter(visits__gt=1)  # fmt: skip
    assert not twice.exists()


def test_it_refuses_a_database_with_other_data() -> None:
    before = Patient.objects.count()
    with pytest.raises(CommandError, match="other data"):
        call_command("seed_demo")
    assert Patient.objects.count() == before


def test_it_prints_its_logins() -> None:
    out = StringIO()
    call_command("seed_demo", "--show-logins", stdout=out)
    assert out.getvalue().count(PASSWORD) == 5


def test_the_facts_of_everybody_at_once_are_those_of_each() -> None:
    everybody = list(Patient.objects.all())
    assert facts_of_many(everybody) == {patient.pk: facts_of(patient) for patient in everybody}
