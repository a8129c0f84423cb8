"""Screen a patient now and keep the result with its inputs; answer what it allows. Rules: protocols.screening."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clinic import audit
from clinic.doer import Doer
from clinic.errors import Refused
from patients.choices import Text
from patients.facts import PatientFacts
from patients.models import Patient
from protocols import catalogue
from protocols.findings import Screening as Evaluated
from protocols.models import CatalogueVersion
from protocols.plan import Plan
from protocols.screening import Act, Permission, Stage, permits, screen
from sessions.choices import CourseStatus
from sessions.gathering import facts_of
from sessions.impact import Judged, Reason, differences, facts_differences, judged, marks_of
from sessions.models import Appointment, Course, Finding, Screening
from sessions.plans import plan_of, plan_to_json
from sessions.standing_clearances import clearances_of, end_outdated


def sentence(text: Text | None) -> str:
    """A catalogue sentence in the reader's language."""
    return text.get(get_language() or "en") if text is not None else ""


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
    facts = facts_of(patient)
    end_outdated(patient=patient, facts=facts, by=by)
    stored = _screen_and_store(
        patient=patient, stage=Stage(stage), by=by, facts=facts, course=course, appointment=appointment, on=on
    )
    flag_bookings(patient=patient, facts=facts)
    return stored


def _screen_and_store(
    *, patient: Patient, stage: Stage, by: Doer, facts: PatientFacts, course: Course | None = None,
    appointment: Appointment | None = None, on: dt.date | None = None,
) -> Screening:  # fmt: skip
    site = appointment.site if appointment else course.site if course else patient.registered_at
    day = on or site.today()
    plan = plan_of(course) if course else None
    version = version_for(course)
    result = screen(
        facts=facts,
        plan=plan,
        on=day,
        catalogue=catalogue.load(version),
        stage=stage,
        clearances=clearances_of(patient, course),
    )
    since = screened_before(patient=patient, stage=stage, course=course, appointment=appointment)
    stored = row_of(
        result, patient=patient, course=course, appointment=appointment, facts=facts,
        plan=plan_to_json(plan) if plan else None, version=version, at=timezone.now(), by=by, since=since,
        changes=[reason.to_json() for reason in changes_since(since, facts, result)] if since else [],
    )  # fmt: skip
    stored.save(force_insert=True)
    store_findings([(stored, result)])
    audit.record(
        by=by,
        action="screened",
        sentence=f"screened at {result.stage}: {result.outcome}",
        of=stored,
        patient=patient,
        site=site,
        detail={"outcome": result.outcome, "codes": list(result.codes)},
    )
    return stored


def row_of(
    result: Evaluated, *, patient: Patient, course: Course | None, facts: PatientFacts,
    plan: Mapping[str, object] | None, version: CatalogueVersion, at: dt.datetime, by: Doer, since: Screening | None,
    changes: Sequence[Mapping[str, Any]], appointment: Appointment | None = None,
) -> Screening:  # fmt: skip
    """The row of one evaluation, not saved yet, with everything it was decided with."""
    return Screening(
        patient=patient, course=course, appointment=appointment, stage=result.stage, outcome=result.outcome,
        wait_until=result.wait_until, open_ended=result.open_ended, on_date=result.evaluated_on, facts=facts.to_json(),
        plan=plan, to_do=list(result.to_do), missing=list(result.missing), would_matter=list(result.would_matter),
        catalogue=version, evaluated_at=at, evaluated_by_label=by.label, since=since, changes=list(changes),
    )  # fmt: skip


def store_findings(pairs: Iterable[tuple[Screening, Evaluated]]) -> None:
    """The findings of stored screenings, all in one statement."""
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
        for stored, result in pairs
        for position, finding in enumerate(result.findings, start=1)
    )


# --- what changed since last time ---------------------------------------------------------------------------------------
def screened_before(
    *, patient: Patient, stage: Stage, course: Course | None, appointment: Appointment | None = None
) -> Screening | None:
    """The screening that "since last time" speaks of. At a start: that of the start before it in this course, and for the
    first session the one the plan was approved on; else the newest of this course, or of the patient as such."""
    rows = Screening.objects.filter(patient=patient, course=course).prefetch_related("findings")
    planned = rows.exclude(stage=Stage.START)
    if stage is not Stage.START:
        return planned.first()
    earlier = rows.exclude(appointment=appointment) if appointment is not None else rows
    if course is not None and course.approved_at is not None:
        planned = planned.filter(evaluated_at__lte=course.approved_at)
    return earlier.filter(stage=Stage.START).first() or planned.first()


def changes_since(since: Screening, facts: PatientFacts, result: Evaluated) -> tuple[Reason, ...]:
    """What is different now: findings, then the facts behind them."""
    return (
        *differences(judged_row(since), judged(result), answers=True),
        *facts_differences(PatientFacts.from_json(since.facts), facts),
    )


def judged_row(row: Screening) -> Judged:
    """A stored screening, reduced to what is compared. No query where the findings are prefetched."""
    findings = list(row.findings.all())
    titles = {one.code: one.title for one in findings}
    cleared = {one.code for one in findings} - {one.code for one in findings if not one.cleared_by}
    return Judged(row.outcome, marks_of(findings, titles, cleared), tuple(row.missing))


# --- marks on future bookings -------------------------------------------------------------------------------------------
def gated_bookings(among: Any) -> list[Appointment]:
    """Those of these appointments that lie ahead and that screening has a say in. Consultation, allergy test and review
    are never gated. Two queries."""
    ahead = among.upcoming().filter(course__isnull=False).select_related("course", "site", "service")
    return [booking for booking in ahead.prefetch_related("course__items__syringe") if booking.service.is_gated]


def mark_of(booking: Appointment, result: Evaluated) -> str:
    """Why this booking needs a look, by a screening for its day; nothing when it may stand as it is."""
    if booking.course is not None and booking.course.status == CourseStatus.STOPPED:
        return _("The course was stopped.")
    verdict = permits(result, Act.BOOK, result.evaluated_on)
    return "" if verdict.allowed and not verdict.marked else sentence(verdict.reason)[:200]


def flag_bookings(*, patient: Patient, facts: PatientFacts | None = None) -> int:
    """Mark the future bookings that the newest facts no longer allow, unmark those that they do. Returns how many
    are marked now."""
    bookings = gated_bookings(Appointment.objects.for_patient(patient))
    if not bookings:
        return 0
    facts, flagged = facts or facts_of(patient), 0
    for booking in bookings:
        day = booking.local_start.date()
        result = evaluate(patient=patient, stage=Stage.BOOKING, on=day, course=booking.course, facts=facts)
        reason = mark_of(booking, result)
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
    """Proposed and approved courses with what their plans need. Two queries."""
    return list(Course.objects.for_patient(patient).running().select_related("site").prefetch_related("items__syringe"))


@transaction.atomic
def rescreen(*, patient: Patient, by: Doer) -> list[Screening]:
    """After new answers, measurements, allergies, medicines or clearances: the patient as such, every running course,
    and the marks of the future bookings, in the transaction of the deed that changed something."""
    facts = facts_of(patient)
    end_outdated(patient=patient, facts=facts, by=by)
    results = [_screen_and_store(patient=patient, stage=Stage.INTAKE, by=by, facts=facts)]
    results += [
        _screen_and_store(patient=patient, stage=Stage.PLAN, by=by, facts=facts, course=course)
        for course in courses_to_rescreen(patient)
    ]
    flag_bookings(patient=patient, facts=facts)
    return results
