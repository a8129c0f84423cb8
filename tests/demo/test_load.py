"""The load clinic, small: exact in number, whole in every constraint, and as honest as what the verbs write."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import re
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from clinic.audit import canonical
from clinic.models import Site
from patients.models import Patient, PatientSite
from protocols import catalogue
from sessions import recording
from sessions.load.bulk import CONSTRAINTS, INDEXES, event_of
from sessions.load.diary import Diary, Kind, Plan, Visit
from sessions.load.seeding import filled
from sessions.models import Appointment, Course, Fulfilment, Message, Screening, TreatmentSession
from sessions.slots import Minutes, footprint
from tests import database
from tests.factories import make_patient

PATIENTS, APPOINTMENTS = 300, 2_000
TRIGGERS = "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2"


CASTS = re.compile(r"::(text|character varying)(\[\])?|[()]")  # PostgreSQL writes them elsewhere after a second reading


def guards() -> list[Any]:
    """Everything that is laid aside while the rows come in."""
    tables = {"tables": [f"public.{model._meta.db_table}" for model in filled()]}
    with database.owner_cursor() as cursor:
        found = []
        for statement in (CONSTRAINTS, INDEXES):
            cursor.execute(statement, tables)
            found.append(sorted((*names, CASTS.sub("", definition)) for *names, definition in cursor.fetchall()))
        cursor.execute(TRIGGERS)
        return [*found, cursor.fetchall()]


BEFORE: list[Any] = []


@pytest.fixture(scope="module", autouse=True)
def _seeded(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        BEFORE[:] = guards()
        call_command("seed_load", patients=PATIENTS, appointments=APPOINTMENTS, stdout=StringIO())
    yield
    with django_db_blocker.unblock():
        database.empty()


@pytest.mark.django_db
class TestTheLoadClinic:
    def test_so_many_as_were_asked_for_at_eight_sites_over_five_years(self) -> None:
        assert (Patient.objects.count(), Appointment.objects.count()) == (PATIENTS, APPOINTMENTS)
        assert Site.objects.count() == 8
        assert len(set(Site.objects.values_list("time_zone", flat=True))) >= 5
        first, last = Appointment.objects.earliest("starts_at"), Appointment.objects.latest("starts_at")
        assert (last.starts_at - first.starts_at).days > 4.8 * 365
        assert set(Appointment.objects.values_list("site", flat=True)) == set(Site.objects.values_list("pk", flat=True))

    def test_what_is_over_is_done_or_was_missed_and_what_comes_is_booked(self) -> None:
        assert {"done", "no-show", "cancelled", "late-cancelled", "booked", "confirmed"} <= set(
            Appointment.objects.values_list("status", flat=True)
        )
        assert not Appointment.objects.filter(status="done", treatment_session=None, course__isnull=False).exists()
        assert not Fulfilment.objects.filter(active=True, appointment__status__in=["cancelled", "no-show"]).exists()

    def test_signed_records_carry_the_digest_of_what_they_say(self) -> None:
        signed = TreatmentSession.objects.filter(status="signed").select_related("patient", "appointment")
        assert signed.count() > 1_000
        for record in signed.prefetch_related("products", "areas"):
            assert record.content_digest == hashlib.sha256(canonical(recording.content_of(record))).hexdigest()

    def test_everybody_was_screened_by_the_rules_as_was_every_course(self) -> None:
        assert Screening.objects.filter(course=None).values("patient").distinct().count() == PATIENTS
        assert not Course.objects.exclude(screenings__isnull=False).exists()
        assert {"cleared", "blocked", "needs-clearance"} <= set(Screening.objects.values_list("outcome", flat=True))

    def test_every_row_has_one_row_of_history(self) -> None:
        for model in filled():
            event = event_of(model)
            if event is None:
                continue
            inserts = event._default_manager.filter(pgh_label="insert")  # type: ignore[attr-defined]
            assert inserts.count() == model._default_manager.count(), model
            assert inserts.values("pgh_obj_id").distinct().count() == inserts.count(), model

    def test_constraints_indexes_and_triggers_are_back_as_they_were(self) -> None:
        assert guards() == BEFORE

    def test_planner_knows_the_tables(self) -> None:
        with database.owner_cursor() as cursor:
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'treatment_sessions_appointment'::regclass")
            assert cursor.fetchone() == (APPOINTMENTS,)

    def test_patients_are_found_and_the_next_one_gets_the_next_key(self, at: Any) -> None:
        someone = Patient.objects.latest("pk")
        assert someone in Patient.objects.matching(f"{someone.family_name} {someone.birth_date.isoformat()}")
        new = make_patient(Site.objects.earliest("pk"))
        assert new.pk == someone.pk + 1
        assert PatientSite.objects.exclude(patient=new).count() == PATIENTS


    def test_reminders_tell_what_became_of_them(self) -> None:
        states = Counter(Message.objects.values_list("state", flat=True))
        assert sum(states.values()) == APPOINTMENTS
        assert {"sent", "delivered", "scheduled", "suppressed"} <= set(states)

    def test_a_database_with_other_data_is_refused_and_stays_as_it_is(self) -> None:
        with pytest.raises(CommandError, match="has other data"):
            call_command("seed_load", patients=PATIENTS, appointments=APPOINTMENTS)
        assert Appointment.objects.count() == APPOINTMENTS
        assert catalogue.current().number == 1


def test_all_models_it_fills_are_models_of_ours() -> None:
    assert {model._meta.app_label for model in filled()} <= {"patients", "treatment_sessions"}
    assert set(filled()) <= set(apps.get_models())


# --- the diary alone ------------------------------------------------------------------------------------------------
NOW = dt.datetime(2026, 3, 12, 11, tzinfo=dt.UTC)
MINUTES = {"consultation": Minutes(30), "face": Minutes(45, preparation=5, cleanup=10)}


def diary(visits: int = 600, seed: int = 1, patients: int = 199) -> list[Visit]:
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=number) for number in range(120)]
    people = range(1, patients + 1)
    plan = Plan(
        zone=ZoneInfo("Europe/Rome"), days=days, visits=visits, practitioners=2, patients=people,
        kinds=[Kind("face", (0, 14, 14))], minutes=MINUTES, kinds_of={one: [0] for one in people}, now=NOW,
        closed=frozenset({dt.date(2026, 1, 6)}),
    )  # fmt: skip
    return list(Diary(plan, random.Random(seed)).visits())


def test_the_same_dice_give_the_same_diary_of_exactly_so_many_visits() -> None:
    shown = [(one.patient, one.starts_at, one.status, one.session) for one in diary()]
    assert len(shown) == 600
    assert shown == [(one.patient, one.starts_at, one.status, one.session) for one in diary()]
    assert shown != [(one.patient, one.starts_at, one.status, one.session) for one in diary(seed=2)]


def test_nobody_is_in_two_places_and_nobody_comes_on_a_closed_day() -> None:
    for of in ("practitioner", "patient"):
        taken: dict[int, list[Any]] = {}
        for visit in diary():
            room = footprint(visit.starts_at, MINUTES[visit.service], uses_device=False).room
            assert not any(room.overlaps(other) for other in taken.setdefault(getattr(visit, of), [])), visit
            taken[getattr(visit, of)].append(room)
    days = {visit.day for visit in diary()}
    assert dt.date(2026, 1, 6) not in days
    assert all(day.isoweekday() < 7 for day in days)


def test_few_patients_who_come_often_still_come_once_a_day() -> None:
    met = Counter((visit.patient, visit.day) for visit in diary(patients=60))
    assert set(met.values()) == {1}


def test_sessions_follow_each_other_after_their_interval() -> None:
    last: dict[tuple[int, int], Visit] = {}
    for visit in diary():
        if visit.course is None:
            continue
        before = last.get((visit.course.number, visit.session - 1))
        if before is not None:
            assert (visit.day - before.day).days >= 14
        if visit.status not in {"cancelled", "late-cancelled", "no-show"}:
            last[visit.course.number, visit.session] = visit


def test_more_visits_than_anybody_can_see_are_refused() -> None:
    with pytest.raises(ValueError, match="More visits"):
        diary(visits=100_000)
