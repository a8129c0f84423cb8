"""What happened to the eighty: intakes, findings of every severity, courses in every state, four weeks of visits."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

from django.utils import timezone

from clinic.models import Site, User
from patients.models import Allergy, Measurement, Medicine, Patient, PatientSite, QuestionnaireResponse
from patients.questionnaire import Kind
from protocols import catalogue
from protocols.combining import new_products
from protocols.definitions import Catalogue
from protocols.dosing import syringe_of
from protocols.planning import course_steps, next_window
from protocols.screening import Stage
from sessions import screenings
from sessions.demo.letters import letter_for
from sessions.demo.people import Person
from sessions.demo.place import INDICATIONS, Clinic
from sessions.gathering import facts_of
from sessions.models import AllergyTest, Clearance, ClearanceUpload, Consent, Course, PlannedSession
from sessions.open_days import open_days
from sessions.plans import plan_of, store_syringes

# What is different from the healthy answers, and what it leads to.
STORIES: list[dict[str, Any]] = [
    {},
    {},
    {"q-cold-sores": "yes"},
    {"q-anticoagulant": "yes", "q-anticoagulant-name": "Warfarin"},
    {},
    {"q-allergy": ["fish"]},
    {"q-keloid": "yes"},
    {"q-vaccine": "yes", "q-vaccine-date": "-3"},
    {},
    {"q-pregnant": "yes"},
    {"q-faint": "yes"},
    {"q-medicines": ["Bisoprolol 5 mg"]},
    {"q-allergy": ["amide"]},
    {},
    {"q-antibiotic": "over", "q-antibiotic-date": "-5"},
    {"q-stroke": "unsure"},
]


def register(clinic: Clinic, person: Person, site: Site) -> Patient:
    patient = Patient(
        record_number=f"MC-{20400 + person.number}", given_name=person.given_name, family_name=person.family_name,
        birth_date=person.birth_date, sex=person.sex, phone=person.phone, email=person.email,
        language=person.language, country=site.country, registered_at=site, address="",
    )  # fmt: skip
    patient.refresh_search_key()
    patient.save()
    PatientSite.objects.create(patient=patient, site=site)
    return patient


def answer(patient: Patient, story: dict[str, Any], *, submitted: bool) -> None:
    """An intake, healthy but for its story. An open one stops half-way."""
    questionnaire = catalogue.current_questionnaire()
    questions = catalogue.questions_of(questionnaire)
    answers: dict[str, Any] = {}
    for question in questions.values():
        if question.asked_of(patient.sex):
            answers[question.key] = question.healthy if question.kind is Kind.CHOICE else [question.healthy]
    today = patient.registered_at.today()
    for key, value in story.items():
        if key == "q-pregnant" and patient.sex == "male":
            continue
        is_days = isinstance(value, str) and value.startswith("-")
        answers[key] = (today + dt.timedelta(days=int(value))).isoformat() if is_days else value
    if not submitted:
        answers = dict(list(answers.items())[:14])
    now = timezone.now()
    QuestionnaireResponse.objects.create(
        patient=patient, questionnaire=questionnaire, language=patient.language, answers=answers,
        submitted_at=now - dt.timedelta(days=20) if submitted else None, submitted_kind="patient" if submitted else "",
        signed_name=patient.name if submitted else "",
    )  # fmt: skip
    if not submitted:
        return
    for name in answers["q-medicines"]:
        if name != "none":
            Medicine.objects.create(patient=patient, name=name, recorded_at=now)
    for allergen in answers["q-allergy"]:
        if allergen != "none":
            Allergy.objects.create(patient=patient, allergen=allergen, recorded_at=now)
    if answers["q-allergy"] == ["none"]:
        patient.no_known_allergies_on = today
        patient.save(update_fields=["no_known_allergies_on"])


def measure(patient: Patient, by: User, dice: random.Random) -> None:
    day = patient.registered_at.today()
    common = {"patient": patient, "taken_on": day, "recorded_at": timezone.now(), "recorded_by": by}
    weight = Decimal(dice.randrange(520, 880)) / 10
    Measurement.objects.create(code="m-weight", value=weight, **common)
    Measurement.objects.create(code="m-height", value=Decimal(dice.randrange(156, 185)), **common)
    Measurement.objects.create(code="m-bp", value=Decimal(dice.randrange(108, 138)), second=Decimal(72), **common)
    Measurement.objects.create(code="m-cops", value=Decimal(dice.randrange(2, 20)), **common)
    for code, text in (("m-asa", "I"), ("m-fitzpatrick", dice.choice(["II", "III", "IV"])), ("m-cbc", "normal"),
                       ("m-liver", "normal"), ("m-kidney", "normal")):  # fmt: skip
        Measurement.objects.create(code=code, text=text, **common)


def plan_course(
    clinic: Clinic, patient: Patient, indication: str, first_day: dt.date, practitioner: User, rules: Catalogue
) -> Course:
    """An approved course with consent and dated sessions, as if it had been planned before its first day."""
    site = patient.registered_at
    definition = rules.indications[indication]
    mixture = rules.mixtures_for(indication)[0]
    planned_at = timezone.now() - dt.timedelta(days=30)
    course = Course.objects.create(
        patient=patient, site=site, practitioner=practitioner, status="approved", catalogue=catalogue.current(),
        indication=indication, category=definition.category, regions=[definition.regions[0]],
        technique=mixture.technique, mixture=mixture.code, check_result="ok", created_by=practitioner,
        approved_by=practitioner, approved_at=planned_at, antiseptic="iodine",
        price_per_session=Decimal(2400 if site.country == "TR" else 120),
        currency="TRY" if site.country == "TR" else "EUR",
    )  # fmt: skip
    store_syringes(course=course, syringes=[syringe_of(mixture, indication=indication)])
    _date_sessions(course, first_day, rules)
    test_for_allergy(course, first_day, rules)
    Consent.objects.create(
        patient=patient, course=course, plan_version=1, language=patient.language, informed_at=planned_at,
        informed_by=practitioner, signed_at=planned_at + dt.timedelta(days=2), method="paper", photos_record=True,
        photos_teaching=False, photos_publicity=False, recorded_by=practitioner,
    )  # fmt: skip
    return course


def test_for_allergy(course: Course, first_day: dt.date, rules: Catalogue) -> None:
    """Every new product was tested before the first session, and nothing was found."""
    begins = dt.datetime.combine(first_day, dt.time(10), course.site.zone)
    placed_at = min(begins - dt.timedelta(days=3), timezone.now() - dt.timedelta(days=2))
    new = new_products(plan=plan_of(course), facts=facts_of(course.patient), on=first_day, catalogue=rules)
    AllergyTest.objects.bulk_create(
        AllergyTest(
            patient=course.patient, substance=substance, placed_at=placed_at, placed_by=course.practitioner,
            read_at=placed_at + dt.timedelta(hours=25), read_by=course.practitioner, wheal_mm=1, rash=False,
            result="negative",
        )
        for substance in new
    )  # fmt: skip


def _date_sessions(course: Course, first_day: dt.date, rules: Catalogue) -> None:
    is_open = open_days(course.site, course.practitioner)
    previous = first_day
    for number, step in enumerate(course_steps(rules.indications[course.indication], rules), start=1):
        window: tuple[dt.date, dt.date, dt.date | None]
        if step is None:
            window = (first_day, first_day, None)
        else:
            date = next_window(previous=previous, number=number, step=step, wall_time=dt.time(10), is_open=is_open)
            window = (date.earliest, date.ideal, max(date.latest, date.ideal) if date.latest else None)
        PlannedSession.objects.create(
            course=course, patient_id=course.patient_id, number=number, earliest=window[0], ideal=window[1],
            latest=window[2], interval_days=step.ideal if step else 0,
        )  # fmt: skip
        previous = window[1]


def clear_what_can_be_cleared(course: Course, lead: User) -> None:
    """A clearance for the relative findings of this course, as the medical lead gave it."""
    today = course.site.today()
    result = screenings.evaluate(patient=course.patient, stage=Stage.PLAN, on=today, course=course)
    for finding in result.uncleared:
        if finding.severity == "relative":
            clearance = Clearance.objects.create(
                patient=course.patient, course=course, rule_code=finding.code, answer_fingerprint=finding.fingerprint,
                finding=finding.to_json(), judged_for=today, granted_by=lead,
                granted_at=timezone.now() - dt.timedelta(days=1),
                reason="Seen in consultation, small volumes, told the signs.",
                evidence="Letter of the treating doctor" if finding.needs_letter else "",
                valid_until=today + dt.timedelta(days=179),
            )  # fmt: skip
            if finding.needs_letter:
                letter = letter_for(course.patient, finding.code, lead)
                ClearanceUpload.objects.create(patient=course.patient, clearance=clearance, upload=letter)


def indications_for(patient: Patient) -> list[str]:
    """What this patient may ask for; under-eye only without a fish allergy, so that the demo has sensible courses."""
    return [code for code in INDICATIONS if code != "ind-under-eye"]


def may_be_treated(course: Course) -> bool:
    """Nothing found that stops this course today, but what is measured on the day."""
    result = screenings.evaluate(patient=course.patient, stage=Stage.PLAN, on=course.site.today(), course=course)
    return not any(finding.severity in {"absolute", "relative", "temporary"} for finding in result.uncleared)


class Diary:
    """Finds the next free quarter hour of a practitioner on a day; each practitioner keeps one room."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        self.until: dict[tuple[int, dt.date], dt.datetime] = {}
        self.seen: dict[dt.date, set[int]] = defaultdict(set)

    def place(self, site: Site, practitioner: User, patient: Patient, day: dt.date, minutes: int) -> dt.datetime | None:
        """Aware start, or None when the day is full or the patient comes already."""
        if patient.pk in self.seen[day]:
            return None
        key = (practitioner.pk, day)
        start = self.until.get(key) or dt.datetime.combine(day, dt.time(9, 15), site.zone)
        lunch = dt.datetime.combine(day, dt.time(13), site.zone)
        after = dt.datetime.combine(day, dt.time(13, 45), site.zone)
        if start < after and start + dt.timedelta(minutes=minutes) > lunch:
            start = after
        end = start + dt.timedelta(minutes=minutes)
        if end > dt.datetime.combine(day, dt.time(18, 45), site.zone):
            return None
        self.until[key] = end + dt.timedelta(minutes=30)
        self.seen[day].add(patient.pk)
        return start
