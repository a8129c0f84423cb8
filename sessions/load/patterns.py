"""A handful of patients made by the application's own verbs: intake, screening, courses. Everybody else is a copy of one
of them with another name, so that answers, findings and headlines are what the rules really say."""
from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import Any

from clinic.doer import SYSTEM
from patients.models import Patient
from protocols.definitions import Catalogue
from protocols.screening import Stage
from sessions import screenings
from sessions.demo import care
from sessions.demo.place import Clinic
from sessions.load.people import person
from sessions.models import Course, CourseItem, Screening
from sessions.plans import plan_of, plan_to_json

STORIES: list[tuple[int, str, dict[str, Any], tuple[str, ...]]] = [
    # of a hundred patients, sex, what is different from the healthy answers, what they come for
    (45, "female", {}, ("ind-face-rejuv", "ind-hydration", "ind-aga", "ind-cellulite", "ind-msk-pain")),
    (25, "male", {}, ("ind-face-rejuv", "ind-aga", "ind-msk-pain")),
    (8, "female", {"q-cold-sores": "yes"}, ("ind-face-rejuv",)),
    (6, "female", {"q-anticoagulant": "yes", "q-anticoagulant-name": "Warfarin"}, ("ind-hydration",)),
    (5, "male", {"q-keloid": "yes"}, ("ind-aga",)),
    (4, "female", {"q-pregnant": "yes"}, ("ind-hydration",)),
    (4, "female", {"q-medicines": ["Bisoprolol 5 mg"]}, ("ind-cellulite",)),
    (3, "male", {"q-allergy": ["amide"]}, ("ind-msk-pain",)),
]  # fmt: skip


@dataclass(frozen=True)
class CoursePattern:
    """`intervals` are days since the session before; `windows` how many days a window opens before and closes after."""

    course: Course
    intervals: tuple[int, ...]
    windows: tuple[tuple[int, int | None], ...]
    items: tuple[CourseItem, ...]
    planned: dict[str, object]
    outcome: str


@dataclass(frozen=True)
class Pattern:
    share: int
    patient: Patient
    courses: list[CoursePattern]


def make(clinic: Clinic, rules: Catalogue) -> list[Pattern]:
    """Two screenings of each: of the patient, and of each course."""
    site, lead = clinic.sites[0], clinic.staff["lead@load.example"]
    doctor = clinic.practitioners[site.pk][0]
    dice = random.Random(7)  # noqa: S311 - always the same
    found = []
    for number, (share, sex, story, indications) in enumerate(STORIES, start=1):
        patient = care.register(clinic, person(number, sex, 0), site)  # type: ignore[arg-type]
        care.answer(patient, story, submitted=True)
        care.measure(patient, lead, dice)
        courses = [
            care.plan_course(clinic, patient, code, site.today() + dt.timedelta(days=3), doctor, rules)
            for code in indications
        ]
        screenings.screen_now(patient=patient, stage=Stage.INTAKE, by=SYSTEM)
        for course in courses:
            screenings.screen_now(patient=patient, stage=Stage.PLAN, by=SYSTEM, course=course)
        found.append(Pattern(share, patient, [_pattern_of(course) for course in courses]))
    return found


def _pattern_of(course: Course) -> CoursePattern:
    sessions = list(course.planned_sessions.order_by("number"))
    return CoursePattern(
        course=course,
        intervals=tuple(one.interval_days for one in sessions),
        windows=tuple(
            ((one.ideal - one.earliest).days, (one.latest - one.ideal).days if one.latest else None) for one in sessions
        ),
        items=tuple(course.items.all()),
        planned=plan_to_json(plan_of(course)),
        outcome=Screening.objects.filter(course=course).latest("evaluated_at").outcome,
    )
