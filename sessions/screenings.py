"""Screen a patient now and keep the result with its inputs; answer what it allows. Rules: protocols.screening."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language

from clinic import audit
from clinic.doer import Doer
from clinic.errors import Refused
from patients.choices import Text
from patients.facts import PatientFacts
from patients.models import Patient
from protocols import catalogue
from protocols.findings import GrantedClearance
from protocols.findings import Screening as Evaluated
from protocols.models import CatalogueVersion
from protocols.plan import Plan
from protocols.screening import Act, Permission, Stage, permits, screen
from sessions.choices import CourseStatus
from sessions.gathering import facts_of
from sessions.models import Appointment, Clearance, Course, Finding, Screening
from sessions.plans import plan_of, plan_to_json


def sentence(text: Text | None) -> str:
    """A catalogue sentence in the reader's language."""
    return text.get(get_language() or "en") if text is not None else ""


def clearances_of(patient: Patient, course: Course | None) -> list[GrantedClearance]:
    """Clearances not ended: those of this course and those for the patient without a course."""
    rows = Clearance.objects.filter(patient=patient, ended_at=None).select_related("granted_by")
    return [
        GrantedClearance(
            code=row.rule_code,
            fingerprint=row.answer_fingerprint,
            by=row.granted_by.name,
            granted_on=row.granted_at.date(),
            ends_on=row.valid_until,
        )
        for row in rows
        if row.course_id is None or (course is not None and row.course_id == course.pk)
    ]


def version_for(course: Course | None) -> CatalogueVersion:
    """Rules are always the newest in force: a course keeps its doses, never outdated safety rules."""
    return catalogue.current()


def evaluate(
    *,
    patient: Patient,
    stage: Stage,
    on: dt.date,
    course: Course | None = None,
    plan: Plan | None = None,
    facts: PatientFacts | None = None,
) -> Evaluated:
    """Screen without storing: for pages that only ask "what if"."""
    return screen(
        facts=facts or facts_of(patient),
        plan=plan or (plan_of(course) if course else None),
        on=on,
        catalogue=catalogue.load(version_for(course)),
        stage=stage,
        clearances=clearances_of(patient, course),
    )


@transaction.atomic
def screen_now(
    *,
    patient: Patient,
    stage: Stage | str,
    by: Doer,
    course: Course | None = None,
    appointment: Appointment | None = None,
    on: dt.date | None = None,
) -> Screening:
    """Screen, store the result with facts, plan and rule versions, and flag future bookings it no longer allows.

    `on` is the day of the session in the site's zone; the site's today when left out.
    """
    site = appointment.site if appointment else course.site if course else patient.registered_at
    day = on or site.today()
    facts = facts_of(patient)
    plan = plan_of(course) if course else None
    version = version_for(course)
    result = screen(
        facts=facts,
        plan=plan,
        on=day,
        catalogue=catalogue.load(version),
        stage=Stage(stage),
        clearances=clearances_of(patient, course),
    )
    stored = Screening.objects.create(
        patient=patient, course=course, appointment=appointment, stage=result.stage, outcome=result.outcome,
        wait_until=result.wait_until, open_ended=result.open_ended, on_date=day, facts=facts.to_json(),
        plan=plan_to_json(plan) if plan else None, to_do=list(result.to_do), missing=list(result.missing),
        would_matter=list(result.would_matter), catalogue=version, evaluated_at=timezone.now(),
        evaluated_by_label=by.label,
    )  # fmt: skip
    store_findings(stored, result)
    audit.record(
        by=by,
        action="screened",
        sentence=f"screened at {result.stage}: {result.outcome}",
        of=stored,
        patient=patient,
        site=site,
        detail={"outcome": result.outcome, "codes": list(result.codes)},
    )
    flag_bookings(patient=patient, facts=facts)
    return stored


def store_findings(stored: Screening, result: Evaluated) -> None:
    Finding.objects.bulk_create(
        Finding(
            screening=stored,
            position=position,
            code=finding.code,
            severity=finding.severity,
            title=finding.title.to_json(),
            sentence=finding.sentence.to_json(),
            lifted_by=finding.lifted_by.to_json() if finding.lifted_by else {},
            answers=[list(answer) for answer in finding.answers],
            source="; ".join(finding.source),
            rule_version=str(finding.rule_version),
            mark=finding.mark,
            wait_until=finding.wait_until,
            open_ended=finding.open_ended,
            unclarified=finding.unclarified,
            cleared_by=finding.cleared_by or "",
        )
        for position, finding in enumerate(result.findings, start=1)
    )


def flag_bookings(*, patient: Patient, facts: PatientFacts | None = None) -> int:
    """Mark the future bookings that the newest facts no longer allow, unmark those that they do. Returns how many
    are marked now. Consultation, allergy test and review are never gated."""
    bookings = (
        Appointment.objects.for_patient(patient)
        .upcoming()
        .filter(course__isnull=False)
        .select_related("course", "site", "service")
    )
    flagged = 0
    for booking in bookings:
        if not booking.service.is_gated:
            continue
        day = booking.local_start.date()
        result = evaluate(patient=patient, stage=Stage.BOOKING, on=day, course=booking.course, facts=facts)
        verdict = permits(result, Act.BOOK, day)
        reason = "" if verdict.allowed and not verdict.marked else sentence(verdict.reason)[:200]
        flagged += bool(reason)
        if reason != booking.flagged:
            Appointment.objects.filter(pk=booking.pk).update(flagged=reason)
    return flagged


def latest(patient: Patient, course: Course | None = None) -> Screening | None:
    """The newest stored screening, with its findings: of this course, or of the patient when no course is given."""
    rows = Screening.objects.filter(patient=patient).prefetch_related("findings")
    if course is not None:
        rows = rows.filter(course=course)
    return rows.first()


def permission(
    *, patient: Patient, act: Act | str, on: dt.date, course: Course | None = None, plan: Plan | None = None,
    stage: Stage | str | None = None,
) -> Permission:  # fmt: skip
    """May this be done for a session on `on`? Asked by the page for its button and by the verb, always freshly."""
    stages = {Act.APPROVE: Stage.PLAN, Act.BOOK: Stage.BOOKING, Act.START: Stage.START}
    result = evaluate(
        patient=patient, stage=Stage(stage) if stage else stages[Act(act)], on=on, course=course, plan=plan
    )
    return permits(result, Act(act), on)


def check_permission(
    *, patient: Patient, act: Act | str, on: dt.date, course: Course | None = None, plan: Plan | None = None
) -> Permission:
    """`permission`, but a no is raised as `Refused` with its sentence."""
    verdict = permission(patient=patient, act=act, on=on, course=course, plan=plan)
    if not verdict.allowed:
        raise Refused(sentence(verdict.reason), code="screening")
    return verdict


def courses_to_rescreen(patient: Patient) -> Sequence[Course]:
    return list(Course.objects.for_patient(patient).filter(status__in=[CourseStatus.PROPOSED, CourseStatus.APPROVED]))


def rescreen(*, patient: Patient, by: Doer) -> list[Screening]:
    """After new answers, measurements or classed medicines: the patient as such, then every running course."""
    results = [screen_now(patient=patient, stage=Stage.INTAKE, by=by)]
    results += [
        screen_now(patient=patient, stage=Stage.PLAN, by=by, course=course) for course in courses_to_rescreen(patient)
    ]
    return results
