"""What the patient page shows, gathered with a fixed number of queries whatever the length of the history."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Prefetch
from django.urls import reverse
from django.utils.translation import gettext as _

from patients.models import Patient
from patients.questionnaire import visible
from protocols.definitions import Catalogue
from protocols.screening import Stage
from sessions import screenings
from sessions.choices import AppointmentStatus, CourseStatus
from sessions.explaining import (
    alerts_of,
    asked_in_words,
    day_in_words,
    name_of,
    option_in_words,
    outcome_pill,
    shown_findings,
)
from sessions.models import Appointment, Consent, Course, Fulfilment, TreatmentSession


@dataclass(frozen=True, slots=True)
class Step:
    """One dot of the course line."""

    number: int
    state: str
    label: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class CourseCard:
    course: Course
    title: str
    done: int
    total: int
    steps: list[Step]
    window: str
    needs_booking: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """One card of the timeline: an appointment with what was really given, if anything."""

    appointment: Appointment
    title: str
    number: str
    day: str
    when: str
    is_today: bool
    pill: str
    word: str
    record: TreatmentSession | None
    products: list[tuple[str, Decimal, str]]
    injected_ml: Decimal
    points: int
    ended: str


def age_on(birth_date: dt.date, day: dt.date) -> int:
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


TABS = ("timeline", "plan", "forms", "messages", "documents")


def tabs_for(patient: Patient, active: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    words = {
        "timeline": _("Timeline"),
        "plan": _("Plan"),
        "forms": _("Forms and consent"),
        "messages": _("Messages"),
        "documents": _("Documents"),
    }
    url = reverse("patient", args=[patient.public_id])
    return [
        {"label": words[tab], "url": f"{url}?tab={tab}", "active": tab == active, "count": counts.get(tab)}
        for tab in TABS
    ]


def safety_of(patient: Patient, rules: Catalogue, *, clinical: bool) -> dict[str, Any]:
    """Alert words and headline as they hold at this moment: judged anew from what is known now, so that neither a new
    answer nor a passed date leaves an old word standing. Findings and answers only for clinical roles."""
    today = patient.registered_at.today()
    screening = screenings.evaluate(patient=patient, stage=Stage.INTAKE, on=today)
    findings = shown_findings(
        screening, rules, lambda code: reverse("patient-explanation", args=[patient.public_id, code]) if clinical else ""
    )
    alerts = alerts_of(findings)
    answered = patient.responses.filter(submitted_at__isnull=False).exists()
    seen: dict[str, Any] = {
        "pill": outcome_pill(screening.outcome, screening.wait_until, screening.open_ended) if answered else None,
        "judged_on": today,
        "alerts": allergy_lines(patient, rules) + (alerts if clinical else [line | {"text": ""} for line in alerts]),
        "missing_count": len(screening.missing),
    }
    if clinical:
        asked = len(visible(rules.questions, {}, sex=patient.sex))
        seen |= {
            "findings": findings if answered else [],
            "missing": [asked_in_words(code, rules) for code in screening.missing],
            "to_do": [asked_in_words(code, rules) for code in screening.to_do],
            "nothing_found": max(asked - len(screening.missing) - len(findings), 0),
            "would_matter": len(screening.would_matter),
        }
    return seen


def arrived_now(patient: Patient) -> Appointment | None:
    """The appointment the patient is here for, if any: its session can be started or gone on with."""
    here = (AppointmentStatus.ARRIVED, AppointmentStatus.IN_TREATMENT)
    found: Appointment | None = (
        Appointment.objects.for_patient(patient)
        .filter(status__in=here, course__isnull=False)
        .select_related("treatment_session")
        .order_by("starts_at")
        .first()
    )
    return found


def indication_name(code: str, rules: Catalogue) -> str:
    return name_of(code, rules.indications)


def courses_of(patient: Patient, rules: Catalogue) -> list[CourseCard]:
    """Newest first, each with its line of sessions and its consents. Four queries."""
    courses = Course.objects.for_patient(patient).select_related("site").prefetch_related(
        "planned_sessions",
        Prefetch("consents", queryset=Consent.objects.with_papers()),
        Prefetch(
            "planned_sessions__fulfilments",
            queryset=Fulfilment.objects.filter(active=True).select_related("appointment__site"),
        ),
    )
    return [_course_card(course, patient, rules) for course in courses]


def _course_card(course: Course, patient: Patient, rules: Catalogue) -> CourseCard:
    today = patient.registered_at.today()
    steps, next_open, done = [], None, 0
    for session in course.planned_sessions.all():
        booked = next((one.appointment for one in session.fulfilments.all()), None)
        if session.done_on:
            done += 1
            state, day = "done", session.done_on
        elif booked:
            day = booked.local_start.date()
            state = "today" if day == today else "later"
        else:
            state, day = ("next" if next_open is None else "later"), session.ideal
            next_open = next_open or session
        url = reverse("appointment", args=[booked.public_id]) if booked else ""
        steps.append(Step(session.number, state, f"{day:%d.%m.}", url))
    window = ""
    if next_open is not None:
        window = day_in_words(next_open.ideal)
        if next_open.latest:
            window = _("%(first)s to %(last)s") % {
                "first": day_in_words(next_open.earliest),
                "last": day_in_words(next_open.latest),
            }
    return CourseCard(
        course=course,
        title=indication_name(course.indication, rules),
        done=done,
        total=len(steps),
        steps=steps,
        window=window,
        needs_booking=next_open is not None and course.status == CourseStatus.APPROVED,
    )


def visits_of(patient: Patient, rules: Catalogue, *, clinical: bool, limit: int = 50) -> list[Visit]:
    """Appointments newest first; what was given only for those who may see it."""
    appointments = (
        Appointment.objects.for_patient(patient)
        .select_related("service", "practitioner", "room", "site", "course")
        .prefetch_related("fulfilments__planned_session", "course__planned_sessions")
        .order_by("-starts_at")[:limit]
    )
    records: dict[int, TreatmentSession] = {}
    if clinical:
        rows = TreatmentSession.objects.filter(patient=patient).select_related("signed_by", "practitioner")
        for row in rows.prefetch_related("products__lot", "areas", "addenda__written_by"):
            records[row.appointment_id] = row
    return [_visit(appointment, records.get(appointment.pk), rules) for appointment in appointments]


def _visit(appointment: Appointment, record: TreatmentSession | None, rules: Catalogue) -> Visit:
    planned = [one.planned_session for one in appointment.fulfilments.all() if one.active]
    total = len(appointment.course.planned_sessions.all()) if appointment.course else 0
    products = record.products.all() if record else []
    areas = record.areas.all() if record else []
    pill, word = appointment.status, appointment.get_status_display()
    if record and record.status == "signed":
        pill, word = "signed", _("Signed")
    elif record and record.status == "ended":
        pill, word = "draft", _("Not signed yet")
    return Visit(
        appointment=appointment,
        title=indication_name(appointment.course.indication, rules) if appointment.course else appointment.service.name,
        number=f"{planned[0].number}/{total}" if planned and total else "",
        day=day_in_words(appointment.local_start.date()),
        when=f"{appointment.local_start:%H:%M}",
        is_today=appointment.local_start.date() == appointment.site.today(),
        pill=pill,
        word=word,
        record=record,
        products=[
            (name_of(row.substance, rules.substances), row.volume_ml, row.lot.lot_number if row.lot else "")
            for row in products
        ],
        injected_ml=sum((area.points * area.ml_per_point for area in areas), Decimal(0)),
        points=sum(area.points for area in areas),
        ended=f"{record.ended_at.astimezone(appointment.site.zone):%H:%M}" if record and record.ended_at else "",
    )


def allergy_lines(patient: Patient, rules: Catalogue) -> list[dict[str, Any]]:
    """Red lines: allergies on record are always in sight."""
    lines = []
    for allergy in patient.allergies.filter(ended_at=None):
        name = option_in_words("q-allergy", allergy.allergen, rules)
        lines.append({"kind": "safety", "bold": _("Allergy: %(to)s") % {"to": name}, "text": allergy.note})
    return lines
