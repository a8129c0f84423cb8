"""Change what a proposed course gives, and propose the smallest change that makes a mixture pass for its patient."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from clinic.models import Site
from clinic.permissions import check_may
from patients.models import Patient
from protocols import catalogue
from protocols.adapting import Adaptation, Situation, adapt
from protocols.definitions import Catalogue
from protocols.enabling import allowed_at
from protocols.mixing import PlanError
from protocols.plan import Plan
from protocols.planning import CourseRefused, PlannedDate, Step, course_steps, propose_course
from protocols.screening import Stage
from sessions import course_messages, screenings
from sessions.choices import CANCELLED, CourseStatus
from sessions.coursework import Judgement, check_of, check_proposable, next_day, write_dates
from sessions.gathering import facts_of
from sessions.models import Course, TreatmentSession
from sessions.open_days import open_days
from sessions.planned import replan
from sessions.plans import plan_of, plan_to_json, same_day_plans, store_syringes

PLAN_FIELDS = ["regions", "technique", "delivery", "antiseptic", "numbing_cream_g", "numbing_area_cm2"]


def situation_of(
    *, patient: Patient, site: Site, on: dt.date, rules: Catalogue, course: Course | None = None
) -> Situation:
    """Everything a mixture is judged by for this patient at this site on this local day."""
    facts = facts_of(patient)
    return Situation(
        facts=facts,
        on=on,
        catalogue=rules,
        same_day=same_day_plans(patient=patient, on=on, except_course=course),
        enabled=allowed_at(site, rules),
        country=site.country,
        recent=facts.sessions,
        clearances=screenings.clearances_of(patient, course),
    )


def adaptation_of(*, plan: Plan, situation: Situation) -> Adaptation:
    """The smallest change with which the plan passes. Raises `Refused` for a plan that means nothing."""
    try:
        return adapt(plan=plan, situation=situation)
    except PlanError as error:
        raise Refused(error.text(get_language() or "en"), code="mixture") from error


def check_changeable(course: Course) -> None:
    """Raise `Refused` with the sentence the course page shows instead of the button: a course that goes on, and nothing of
    it drawn up."""
    if course.status not in {CourseStatus.PROPOSED, CourseStatus.APPROVED}:
        raise Refused(_("This course is %(status)s.") % {"status": course.get_status_display().lower()})
    if course.status == CourseStatus.PROPOSED:
        return
    if TreatmentSession.objects.filter(course=course, ended_at=None).exclude(appointment__status__in=CANCELLED).exists():
        raise Refused(_("A session of this course is open. End it before you change what is given."))


@transaction.atomic
def change_mixture(*, course: Course, plan: Plan, seen_version: int, by: Doer) -> Course:
    """Put another mixture into a course, as a new version of its plan, screened and checked like a new one.

    Refused as at the proposal; for a proposed course also when the new substances ask for other intervals and sessions are
    booked already. The plan's version rises, so that a consent given for the old one no longer holds. A running course is
    proposed again: its bookings stay, nothing starts until it is approved anew, and later windows follow the new
    intervals. What was given before stays as it was."""
    if by.user is None:
        raise Refused(_("Only staff can do this."))
    check_may(by.user, Permission.TREAT, course.site)
    locked = Course.objects.select_for_update(no_key=True, of=("self",)).select_related(
        "patient", "site", "practitioner").get(pk=course.pk)  # fmt: skip
    check_changeable(locked)
    before, was_running = plan_of(locked), locked.status == CourseStatus.APPROVED
    judgement = judged(course=locked, plan=plan)
    check_proposable(judgement, on=next_day(locked))
    for name in PLAN_FIELDS:
        setattr(locked, name, getattr(plan, name))
    locked.regions, locked.antiseptic = list(plan.regions), plan.antiseptic or ""
    locked.plan_version += 1
    locked.status, locked.approved_by, locked.approved_at = CourseStatus.PROPOSED, None, None
    locked.check_result = judgement.check.result
    locked.check_problems = [problem.code for problem in judgement.check.problems]
    if not locked.save_if_unchanged(
        seen=seen_version,
        fields=[*PLAN_FIELDS, "plan_version", "check_result", "check_problems", "status", "approved_by", "approved_at"],
    ):
        raise Stale(_("Somebody changed this course meanwhile. Look at it again before you change its mixture."))
    locked.syringes.all().delete()
    store_syringes(course=locked, syringes=plan.syringes)
    if was_running:
        replan(locked)
        course_messages.follow(locked)
    else:
        _follow_intervals(course=locked, before=before, after=plan)
    screenings.screen_now(
        patient=locked.patient, stage=Stage.PLAN, by=by, course=locked, on=next_day(locked)
    )
    audit.record(
        by=by, action="mixture-changed", sentence="changed the mixture of the course", of=locked, patient=locked.patient,
        site=locked.site,
        detail={"before": plan_to_json(before), "after": plan_to_json(plan), "check": judgement.check.result,
                "plan_version": locked.plan_version, "was_running": was_running},
    )  # fmt: skip
    return locked


def judged(*, course: Course, plan: Plan) -> Judgement:
    """Screening and mixture check of another plan for this course, for its next session; nothing is saved."""
    day = next_day(course)
    return Judgement(
        screening=screenings.evaluate(patient=course.patient, stage=Stage.PLAN, on=day, course=course, plan=plan),
        check=check_of(
            plan=plan, patient=course.patient, site=course.site, on=day, rules=catalogue.in_force(),
            same_day=same_day_plans(patient=course.patient, on=day, except_course=course),
        ),
        dates=(),
    )  # fmt: skip


def _follow_intervals(*, course: Course, before: Plan, after: Plan) -> None:
    """New dates where the new substances ask for other intervals than the old ones."""
    sessions = course.planned_sessions.count()
    if not sessions or _steps(before, sessions) == _steps(after, sessions):
        return
    if course.planned_sessions.filter(fulfilments__active=True).exists():
        raise Refused(
            _("The new mixture asks for other intervals, and sessions are booked already. Cancel them first.")
        )
    first = course.planned_sessions.earliest("number").ideal
    dates = _dates(course, after, max(first, course.site.today()), sessions)
    course.planned_sessions.all().delete()
    write_dates(course=course, dates=dates)


def _steps(plan: Plan, sessions: int) -> Sequence[Step | None] | None:
    rules = catalogue.in_force()
    try:
        return course_steps(
            rules.indications[plan.indication], rules, sessions=sessions, substances=sorted(plan.substances)
        )
    except CourseRefused:
        return None


def _dates(course: Course, plan: Plan, first_day: dt.date, sessions: int) -> Sequence[PlannedDate]:
    rules = catalogue.in_force()
    try:
        return propose_course(
            indication=rules.indications[plan.indication], catalogue=rules, first_day=first_day, wall_time=dt.time(10),
            sessions=sessions, interval_days=None, substances=sorted(plan.substances),
            is_open=open_days(course.site, course.practitioner),
        )  # fmt: skip
    except CourseRefused as refusal:
        raise Refused(refusal.text(get_language() or "en"), code=refusal.code) from refusal
