"""Make the demo clinic on an empty database: invented people, two sites, four weeks around today."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from clinic.doer import SYSTEM, Doer
from clinic.languages import TRANSLATED
from clinic.models import Site, User
from patients.models import Patient
from protocols import catalogue, texts
from protocols.screening import Stage
from sessions import screenings
from sessions.choices import CourseStatus
from sessions.demo import PASSWORD, care, mails, visits
from sessions.demo.people import people
from sessions.demo.place import STAFF, build
from sessions.models import Appointment, Course
from sessions.planned import replan

SEED = 20260312


class Command(BaseCommand):
    help = "Make the demo clinic. Refuses on a database that has other data."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--show-logins", action="store_true", help="only print the demo logins, if they exist")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["show_logins"]:
            self.show_logins()
            return
        if User.objects.exists() or Site.objects.exists() or Patient.objects.exists():
            raise CommandError("This database has other data. The demo clinic is made on an empty one only.")
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
            self.seed()
        self.show_logins()

    def show_logins(self) -> None:
        known = set(User.objects.values_list("email", flat=True))
        for login, name, role, _language, at in STAFF:
            if login in known:
                self.stdout.write(f"{login}  {PASSWORD}  {name}, {role.label}{f', {at}' if at else ''}")

    def seed(self) -> None:
        dice = random.Random(SEED)  # noqa: S311 - invented people, always the same
        catalogue.ensure_reference_catalogue()
        rules = catalogue.in_force()
        clinic = build(rules)
        lead = clinic.staff["lead@halden.example"]
        texts.ensure_shipped_texts()
        for language in TRANSLATED:  # so that every language can be seen
            waiting = len(texts.newest_waiting(language))
            texts.approve_language(language=language, seen_waiting=waiting, by=Doer.staff(lead))
        courses: list[Course] = []
        for person in people(dice):
            site = clinic.sites[1 if person.language == "it" or person.number % 5 == 0 else 0]
            patient = care.register(clinic, person, site)
            story = care.STORIES[person.number % len(care.STORIES)]
            if person.number % 10 == 7:
                continue  # has not answered anything yet
            care.answer(patient, story, submitted=person.number % 10 != 9)
            if person.number % 10 == 9:
                continue
            care.measure(patient, lead, dice)
            people_here = clinic.practitioners[site.pk]
            practitioner = people_here[person.number % len(people_here)]
            if person.number % 4 != 3:
                courses.append(self.course_of(clinic, patient, practitioner, person.number, dice, rules))
        self.visits_of(clinic, courses)
        for course in courses[::2]:
            care.clear_what_can_be_cleared(course, lead)
        for patient in Patient.objects.select_related("registered_at"):
            screenings.screen_now(patient=patient, stage=Stage.INTAKE, by=SYSTEM)
        for course in courses:
            screenings.screen_now(patient=course.patient, stage=Stage.PLAN, by=SYSTEM, course=course)
        past = Appointment.objects.filter(starts_at__lt=clinic.sites[0].day_bounds(clinic.sites[0].today())[0])
        mails.leave_messages(list(past.select_related("patient", "site")[:40]))

    def course_of(
        self, clinic: Any, patient: Patient, practitioner: User, number: int, dice: Any, rules: Any
    ) -> Course:
        """Begun up to two weeks ago or about to begin; some only proposed, some stopped."""
        indication = care.indications_for(patient)[number % len(care.indications_for(patient))]
        first_day = patient.registered_at.today() + dt.timedelta(days=dice.randrange(-14, 9))
        course = care.plan_course(clinic, patient, indication, first_day, practitioner, rules)
        if number % 13 == 0:
            Course.objects.filter(pk=course.pk).update(status=CourseStatus.STOPPED, stopped_reason="Moved away")
        elif number % 11 == 0:
            Course.objects.filter(pk=course.pk).update(status=CourseStatus.PROPOSED, approved_at=None, approved_by=None)
        course.refresh_from_db()
        return course

    def visits_of(self, clinic: Any, courses: list[Course]) -> None:
        diary = care.Diary(clinic)
        running = [course for course in courses if course.status == CourseStatus.APPROVED]
        sound = {course.pk for course in running if care.may_be_treated(course)}
        days = visits.chosen_for_today(clinic, running, sound)
        today = {course.pk for _practitioner, pairs in days for _status, course in pairs}
        for number, course in enumerate(running):
            if course.pk in sound:
                visits.fill_past(clinic, diary, course, number, comes_today=course.pk in today)
        visits.fill_today(clinic, diary, days)
        for course in running:
            replan(course)  # what comes counts from what was
        for number, course in enumerate(running):
            visits.fill_coming(clinic, diary, course, confirmed=number % 2 == 0)
        finished = running[-1]
        Course.objects.filter(pk=finished.pk).update(status=CourseStatus.COMPLETED)
