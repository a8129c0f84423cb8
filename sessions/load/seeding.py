"""The whole load clinic: a few patients by the verbs, everybody else by COPY and INSERT ... SELECT, as the owner.

Five years of days, the last half year of them ahead. History: one "insert" row for every row, stamped with the moment of
the load; no steps of messages, no stock movements for what was used, one audit row for the load itself.
"""
from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from django.db import connections, models, transaction
from django.utils import timezone

from clinic import audit
from clinic.doer import SYSTEM
from clinic.models import Organisation
from patients.models import Allergy, Medicine, Patient, PatientSite, QuestionnaireResponse
from patients.search_key import search_key
from protocols import catalogue
from sessions.demo.place import Clinic
from sessions.load import bulk, patterns, place
from sessions.load.bulk import Sheet, cell, copy_rows, laid_aside, public_id_of, text
from sessions.load.diary import Diary, Kind, Plan, Running
from sessions.load.patterns import CoursePattern, Pattern
from sessions.load.people import Person, person, public_id
from sessions.load.place import Place
from sessions.load.rows import Known, Rows
from sessions.models import (
    Appointment,
    Consent,
    Course,
    CourseItem,
    CourseSyringe,
    Document,
    Finding,
    Fulfilment,
    Message,
    PlannedSession,
    Screening,
    TreatedArea,
    TreatmentSession,
    UsedProduct,
)

SEED = 20260312
DAYS = 5 * 365
AHEAD = 182
VISITS_A_DAY = 7  # of one practitioner; nine or ten fit
FEWEST_PRACTITIONERS = 2
CONTEXT = json.dumps({"user": "", "method": "seed_load"})
PLACEHOLDER = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" \
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"  # fmt: skip
# Rows of a patient or course that are the pattern's with another owner.
OF_PATIENT: tuple[type[models.Model], ...] = (QuestionnaireResponse, Allergy, Medicine)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    patients: int
    appointments: int

    def practitioners(self) -> int:
        """So many at each site that the days are well filled."""
        each_day = self.appointments / (len(place.SITES) * DAYS * 6 / 7)
        return max(FEWEST_PRACTITIONERS, -(-int(each_day * 100) // (VISITS_A_DAY * 100)) + 1)


def seed(size: Size, say: Say) -> None:
    """Raises `ValueError` when so few patients cannot have so many appointments."""
    now = timezone.now()
    first = now.date() - dt.timedelta(days=DAYS - AHEAD)
    days = [first + dt.timedelta(days=number) for number in range(DAYS)]
    catalogue.ensure_reference_catalogue()
    rules = catalogue.in_force()
    with connections["owner"].cursor() as cursor:
        for model in filled():
            bulk.restart_sequence(cursor, model)
    with transaction.atomic():
        clinic, places = place.build(rules, days, size.practitioners())
        made = patterns.make(clinic, rules)
        audit.record(by=SYSTEM, action="load-seeded", sentence="made the load clinic", of=Organisation.objects.get(),
                     detail={"patients": size.patients, "appointments": size.appointments})  # fmt: skip
    say(f"{len(places)} sites, {sum(len(one.practitioners) for one in places)} practitioners, {len(made)} patterns")
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        tables = [model._meta.db_table for model in filled()]
        tables += [event._meta.db_table for model in filled() if (event := bulk.event_of(model)) is not None]
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'; SET LOCAL work_mem = '64MB'")  # indexes are built once
        loading = Loading(cursor, size, clinic, places, made, days, now, say)
        with laid_aside(cursor, tables):  # from here on the tables are ours alone, for reading too
            loading.run()
        say("constraints and indexes are back")
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def filled() -> list[type[models.Model]]:
    """Every table rows come into."""
    rows: list[type[models.Model]] = [Patient, PatientSite, *OF_PATIENT, CourseSyringe, CourseItem, Consent, Screening, Finding]
    return [*rows, Course, PlannedSession, Appointment, Fulfilment, TreatmentSession, TreatedArea, UsedProduct, Message, Document]


class Loading:
    def __init__(
        self, cursor: Any, size: Size, clinic: Clinic, places: list[Place], made: list[Pattern], days: list[dt.date],
        now: dt.datetime, say: Say,
    ) -> None:  # fmt: skip
        self.cursor, self.size, self.clinic, self.places = cursor, size, clinic, places
        self.made, self.days, self.now, self.say = made, days, now, say
        self.shares = list(accumulate(one.share for one in made))
        self.rows = Rows(cursor, clinic, now=now, catalogue=catalogue.current().pk, sheet_pdf=PLACEHOLDER)
        self.kinds: list[CoursePattern] = [one for pattern in made for one in pattern.courses]
        self.kinds_of_pattern = self._kinds_of_patterns()
        self.seen_on: dict[int, dt.date] = {}
        self.known: dict[int, Known] = {}

    def _kinds_of_patterns(self) -> list[range]:
        ends = [0, *accumulate(len(one.courses) for one in self.made)]
        return [range(start, end) for start, end in pairwise(ends)]

    def run(self) -> None:
        self._links()
        for number, where in enumerate(self.places):
            self._site(number, where)
        self.rows.flush()
        self.say(f"{self.rows.count:,} rows of the diary are in")
        self._patients()
        self._copies()
        self.say("patients and what is known of them are in")
        for model in filled():
            bulk.write_history(self.cursor, model, CONTEXT)
            bulk.move_sequence(self.cursor, model)
        self.say("row history is in")

    def _links(self) -> None:
        """Which pattern everybody is a copy of, while the copies are made."""
        self.cursor.execute("CREATE TEMPORARY TABLE load_patient (id bigint, pattern bigint, since timestamptz) ON COMMIT DROP")
        self.cursor.execute("CREATE TEMPORARY TABLE load_course (id bigint, pattern bigint) ON COMMIT DROP")

    # --- one site
    def _site(self, number: int, where: Place) -> None:
        patients = range(len(self.made) + 1 + number, self.size.patients + 1, len(self.places))
        kinds_of = {one: self.kinds_of_pattern[self.pattern_of(one)] for one in patients}
        share = [self.size.appointments * n // len(self.places) for n in (number, number + 1)]
        plan = Plan(
            zone=where.site.zone, days=self.days, visits=share[1] - share[0], practitioners=len(where.practitioners),
            patients=patients, kinds=[Kind(one.course.indication, one.intervals) for one in self.kinds],
            minutes=self.rows.minutes, kinds_of=kinds_of, now=self.now, closed=where.closed,
        )  # fmt: skip
        diary = Diary(plan, random.Random(SEED + number))  # noqa: S311 - always the same
        for visit in diary.visits():
            pattern = self.kinds[visit.course.kind] if visit.course else None
            self.seen_on.setdefault(visit.patient, visit.day)
            self.rows.visit(where, visit, pattern, self._known(visit.patient, number))
        for course in diary.courses:
            self.rows.course(where, course, self.kinds[course.kind])
        self._link_courses(diary.courses)
        self.rows.next_site(len(diary.courses))
        self.say(f"{where.site.name}: {plan.visits:,} appointments, {len(diary.courses):,} courses")

    def _known(self, patient: int, site: int) -> Known:
        found = self.known.get(patient)
        if found is None:
            who = self._person(patient, site)
            found = self.known[patient] = Known(public_id("patient", patient), who.email, who.language)
        return found

    def pattern_of(self, patient: int) -> int:
        """Spread evenly: every hundred patients hold each pattern as often as its share says."""
        place_in_hundred = patient * 37 % self.shares[-1]
        return next(number for number, end in enumerate(self.shares) if place_in_hundred < end)

    def _person(self, patient: int, site: int) -> Person:
        return person(patient, self.made[self.pattern_of(patient)].patient.sex, site)

    def _link_courses(self, courses: list[Running]) -> None:
        pairs = [f"{self.rows.course_key(one)}\t{self.kinds[one.kind].course.pk}" for one in courses]
        bulk.copy_lines(self.cursor, "load_course (id, pattern)", pairs)

    # --- everybody
    def _patients(self) -> None:
        people, known_at = Sheet(self.cursor, Patient), Sheet(self.cursor, PatientSite)
        known_from = bulk.next_key(self.cursor, PatientSite)
        links = []
        for patient, site in self._everybody():
            who = self._person(patient, site)
            day = self.seen_on.get(patient) or self.days[patient % (len(self.days) - AHEAD)]
            since = min(dt.datetime.combine(day, dt.time(9), dt.UTC) - dt.timedelta(days=30), self.now)
            number = f"MC-{20400 + patient}"
            at = self.places[site].site
            people.add(
                id=str(patient), public_id=public_id("patient", patient), record_number=number,
                given_name=text(who.given_name), family_name=text(who.family_name), birth_date=who.birth_date,
                sex=who.sex, phone=who.phone, email=who.email, language=who.language, country=at.country,
                registered_at_id=str(at.pk), created_at=since, no_known_allergies_on=cell(self._no_allergies(patient)),
                search_key=text(search_key(
                    given_name=who.given_name, family_name=who.family_name, phone=who.phone, email=who.email,
                    birth_date_iso=who.birth_date.isoformat(), record_number=number,
                )),
            )  # fmt: skip
            known_at.add(id=str(known_from + known_at.count), patient_id=str(patient), site_id=str(at.pk), since=since)
            links.append(f"{patient}\t{self.made[self.pattern_of(patient)].patient.pk}\t{since.isoformat()}")
        people.flush()
        known_at.flush()
        bulk.copy_lines(self.cursor, "load_patient (id, pattern, since)", links)

    def _everybody(self) -> Iterator[tuple[int, int]]:
        first = len(self.made) + 1
        for patient in range(first, self.size.patients + 1):
            yield patient, (patient - first) % len(self.places)

    def _no_allergies(self, patient: int) -> dt.date | None:
        return self.made[self.pattern_of(patient)].patient.no_known_allergies_on

    # --- what is the pattern's with another owner
    def _copies(self) -> None:
        for model in OF_PATIENT:
            name = model._meta.db_table
            copy_rows(self.cursor, model, f"{name} t JOIN load_patient p ON p.pattern = t.patient_id ORDER BY p.id, t.id",
                      patient_id="p.id", public_id=public_id_of(name, "p.id || ':' || t.id"))  # fmt: skip
        self.cursor.execute("CREATE TEMPORARY TABLE load_screening ON COMMIT DROP AS " + SCREENINGS)
        copy_rows(
            self.cursor, Screening,
            "load_screening n JOIN treatment_sessions_screening t ON t.id = n.pattern ORDER BY n.id",
            id="n.id", patient_id="n.patient", course_id="n.course", public_id=public_id_of("screening", "n.id"),
            evaluated_at="n.at", since_id="NULL",
        )  # fmt: skip
        copy_rows(
            self.cursor, Finding, "load_screening n JOIN treatment_sessions_finding t ON t.screening_id = n.pattern",
            screening_id="n.id",
        )  # fmt: skip
        copy_rows(
            self.cursor, Consent,
            "treatment_sessions_consent t JOIN load_course l ON l.pattern = t.course_id"
            " JOIN treatment_sessions_course c ON c.id = l.id WHERE l.id % 23 <> 0 ORDER BY l.id",
            course_id="c.id", patient_id="c.patient_id", public_id=public_id_of("consent", "c.id || ':' || t.id"),
            informed_at="c.approved_at - interval '3 days'", signed_at="c.approved_at - interval '1 day'",
            informed_by_id="c.practitioner_id", recorded_by_id="c.practitioner_id",
        )  # fmt: skip
        self._syringes()

    def _syringes(self) -> None:
        """Syringes first: their items name them by the number in the course."""
        self.cursor.execute("ANALYZE load_course")
        copy_rows(
            self.cursor, CourseSyringe,
            "treatment_sessions_coursesyringe t JOIN load_course l ON l.pattern = t.course_id"
            " JOIN treatment_sessions_course c ON c.id = l.id ORDER BY l.id, t.number",
            course_id="c.id", patient_id="c.patient_id",
        )  # fmt: skip
        self.cursor.execute("ANALYZE treatment_sessions_coursesyringe")  # or the join below goes through every pair
        copy_rows(
            self.cursor, CourseItem,
            "treatment_sessions_courseitem t JOIN treatment_sessions_coursesyringe o ON o.id = t.syringe_id"
            " JOIN load_course l ON l.pattern = t.course_id"
            " JOIN treatment_sessions_coursesyringe s ON s.course_id = l.id AND s.number = o.number ORDER BY l.id, t.position",
            course_id="l.id", syringe_id="s.id",
        )  # fmt: skip


# One screening of each patient as at the intake, one of each course on the day it was planned.
SCREENINGS = """
SELECT row_number() OVER (ORDER BY course NULLS FIRST, patient) + (SELECT max(id) FROM treatment_sessions_screening) AS id,
       pattern, patient, course, at
FROM (
    SELECT t.id AS pattern, p.id AS patient, NULL::bigint AS course, p.since AS at
    FROM load_patient p JOIN treatment_sessions_screening t ON t.patient_id = p.pattern AND t.course_id IS NULL
    UNION ALL
    SELECT t.id, c.patient_id, c.id, c.created_at
    FROM load_course l JOIN treatment_sessions_course c ON c.id = l.id
    JOIN treatment_sessions_screening t ON t.course_id = l.pattern
) found"""
