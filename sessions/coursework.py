"""Propose, check, approve and stop courses. Who may: clinic.permissions; when: here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from clinic.models import Site, User
from clinic.permissions import check_may
from patients.models import Patient
from protocols import catalogue
from protocols.choices import CheckResult
from protocols.combining import CombinationProblem
from protocols.definitions import Catalogue
from protocols.enabling import allowed_at
from protocols.findings import Outcome
from protocols.findings import Screening as Evaluated
from protocols.mixing import PlanCheck, PlanError, check_plan
from protocols.plan import Plan
from protocols.planning import CourseRefused, PlannedDate, propose_course
from protocols.screening import Act, Stage, permits
from sessions import course_messages, screenings
from sessions.choices import COURSE_MOVES, CourseStatus
from sessions.gathering import facts_of
from sessions.models import Course, PlannedSession
from sessions.neighbours import neighbours_of
from sessions.open_days import open_days
from sessions.plans import plan_of, plan_to_json, same_day_plans, store_syringes

APPROVABLE = (CheckResult.OK, CheckResult.WARNING)
NEVER_GIVEN = (CheckResult.OVER_LIMIT, CheckResult.NOT_USABLE, CheckResult.INCOMPATIBLE)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a practitioner wants to give, before it is a course. `plan` holds indication, mixture and where; the rest is
    the rhythm: None takes the catalogue's default. `wall_time` is the clock time at the site."""

    plan: Plan
    mixture: str
    site: Site
    practitioner: User
    first_day: dt.date
    wall_time: dt.time
    sessions: int | None = None
    phase_sessions: tuple[int, ...] | None = None
    interval_days: int | None = None
    price_per_session: Decimal | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class NearProblem:
    """Why the proposed day of a session cannot stand beside another plan as it is given or booked now. Nothing is booked
    yet, so this warns; booking on that day is refused."""

    number: int
    on: dt.date
    problem: CombinationProblem


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything that is known about a wish for this patient: screening, mixture check, proposed days, other plans."""

    screening: Evaluated
    check: PlanCheck
    dates: tuple[PlannedDate, ...]
    near: tuple[NearProblem, ...] = ()

    @property
    def is_blocked(self) -> bool:
        return self.screening.outcome is Outcome.BLOCKED


def next_day(course: Course) -> dt.date:
    """The day a course is judged for: its next session's ideal day, never one that has passed."""
    open_days_of_it = course.planned_sessions.filter(done_on=None).order_by("number").values_list("ideal", flat=True)
    return max(open_days_of_it.first() or course.site.today(), course.site.today())


def check_of(
    *, plan: Plan, patient: Patient, site: Site, on: dt.date, rules: Catalogue, same_day: Sequence[Plan] = ()
) -> PlanCheck:
    """Mixture and dose check of a plan for this patient at this site on this local day. Raises `Refused` for a plan
    that means nothing: a code the catalogue lacks, an impossible amount, a unit that does not fit."""
    facts = facts_of(patient)
    try:
        return check_plan(
            plan=plan,
            same_day=same_day,
            facts=facts,
            on=on,
            catalogue=rules,
            enabled=allowed_at(site, rules),
            country=site.country,
            recent=facts.sessions,
        )
    except PlanError as error:
        raise Refused(error.text(get_language() or "en"), code="mixture") from error


def judge(*, patient: Patient, wish: Wish) -> Judgement:
    """Screen, check and date a wish without saving anything. Raises `Refused` for a rhythm outside the catalogue's."""
    rules = catalogue.in_force()
    try:
        dates = propose_course(
            indication=rules.indications[wish.plan.indication],
            catalogue=rules,
            first_day=wish.first_day,
            wall_time=wish.wall_time,
            sessions=wish.sessions,
            phase_sessions=wish.phase_sessions,
            interval_days=wish.interval_days,
            substances=sorted(wish.plan.substances),
            is_open=open_days(wish.site, wish.practitioner),
        )
    except CourseRefused as refusal:
        raise Refused(refusal.text(get_language() or "en"), field="sessions", code=refusal.code) from refusal
    return Judgement(
        screening=screenings.evaluate(patient=patient, stage=Stage.PLAN, on=wish.first_day, plan=wish.plan),
        check=check_of(
            plan=wish.plan, patient=patient, site=wish.site, on=wish.first_day, rules=rules,
            same_day=same_day_plans(patient=patient, on=wish.first_day),
        ),
        dates=dates,
        near=near_problems(patient=patient, plan=wish.plan, dates=dates),
    )


def near_problems(
    *, patient: Patient, plan: Plan, dates: Sequence[PlannedDate], except_course: Course | None = None
) -> tuple[NearProblem, ...]:
    """What other plans of this patient stand in the way of these days (section 14)."""
    if not dates:
        return ()
    around = neighbours_of(patient=patient, around=[one.ideal for one in dates], except_course=except_course)
    return tuple(
        NearProblem(one.number, one.ideal, problem) for one in dates for problem in around.problems(plan, one.ideal)
    )


def check_proposable(judgement: Judgement, *, on: dt.date) -> None:
    """Raise `Refused` with the sentence the page shows beside a closed Propose button: screening blocks the plan, or
    the mixture can never be given. What is merely missing may be proposed and is asked for before approval."""
    if judgement.is_blocked:
        verdict = permits(judgement.screening, Act.APPROVE, on)
        raise Refused(screenings.sentence(verdict.reason), code="screening")
    if judgement.check.result in NEVER_GIVEN:
        raise Refused(problems_in_words(judgement.check, NEVER_GIVEN), code="mixture")


def problems_in_words(found: PlanCheck, results: Sequence[CheckResult]) -> str:
    """The sentences of the problems with one of these results, each once."""
    language = get_language() or "en"
    sentences = [problem.text(language) for problem in found.problems if problem.result in results]
    return " ".join(dict.fromkeys(sentences))


@transaction.atomic
def propose(*, patient: Patient, wish: Wish, by: Doer) -> Course:
    """Save the wish as a proposed course with its dated sessions. Raises `Refused` when screening blocks this plan or
    the mixture can never be given (incompatible, not usable, over a hard limit)."""
    user = _check_may(by, Permission.TREAT, wish.site)
    judgement = judge(patient=patient, wish=wish)
    check_proposable(judgement, on=wish.first_day)
    course = _create_course(patient=patient, wish=wish, found=judgement.check, by=user)
    write_dates(course=course, dates=judgement.dates)
    screenings.screen_now(patient=patient, stage=Stage.PLAN, by=by, course=course, on=wish.first_day)
    audit.record(
        by=by, action="course-proposed", sentence=f"proposed a course of {len(judgement.dates)} sessions", of=course,
        patient=patient, site=wish.site, detail={"plan": plan_to_json(wish.plan), "check": judgement.check.result},
    )  # fmt: skip
    return course


def _create_course(*, patient: Patient, wish: Wish, found: PlanCheck, by: User) -> Course:
    """The course's row and the lines of its mixture."""
    plan = wish.plan
    course = Course.objects.create(
        patient=patient,
        site=wish.site,
        practitioner=wish.practitioner,
        catalogue=catalogue.current(),
        indication=plan.indication,
        category=plan.category,
        regions=list(plan.regions),
        technique=plan.technique,
        delivery=plan.delivery,
        antiseptic=plan.antiseptic or "",
        mixture=wish.mixture,
        numbing_cream_g=plan.numbing_cream_g,
        numbing_area_cm2=plan.numbing_area_cm2,
        check_result=found.result,
        check_problems=[problem.code for problem in found.problems],
        usual_time=wish.wall_time,
        price_per_session=wish.price_per_session,
        currency=wish.currency,
        created_by=by,
    )
    store_syringes(course=course, syringes=plan.syringes)
    return course


def write_dates(*, course: Course, dates: Sequence[PlannedDate]) -> None:
    PlannedSession.objects.bulk_create(
        PlannedSession(
            course=course, patient_id=course.patient_id, number=date.number, phase=_phase_number(date),
            interval_days=date.interval_days, earliest=date.earliest, ideal=date.ideal, latest=date.latest,
        )
        for date in dates
    )  # fmt: skip


def _phase_number(date: PlannedDate) -> int:
    return int(date.phase) if str(date.phase).isdigit() else ord(str(date.phase)[:1].upper() or "A") - ord("A") + 1


def check(course: Course, *, on: dt.date | None = None) -> PlanCheck:
    """The course's mixture against this patient as known now, with the rules in force and with everything else the
    patient gets that day."""
    day = on or course.site.today()
    return check_of(
        plan=plan_of(course), patient=course.patient, site=course.site, on=day, rules=catalogue.in_force(),
        same_day=same_day_plans(patient=course.patient, on=day, except_course=course),
    )  # fmt: skip


def check_approvable(course: Course) -> tuple[PlanCheck, Evaluated]:
    """Raise `Refused` with the sentence the page shows beside the closed Approve button."""
    if course.status != CourseStatus.PROPOSED:
        raise Refused(_("This course is %(status)s.") % {"status": course.get_status_display().lower()})
    day = next_day(course)
    screening = screenings.evaluate(patient=course.patient, stage=Stage.PLAN, on=day, course=course)
    verdict = permits(screening, Act.APPROVE, day)
    if not verdict.allowed:
        raise Refused(screenings.sentence(verdict.reason), code="screening")
    result = check(course, on=day)
    if result.result not in APPROVABLE:
        why = problems_in_words(result, (*NEVER_GIVEN, CheckResult.INCOMPLETE))
        raise Refused(why or _("The mixture check is not complete."), code="mixture")
    return result, screening


@transaction.atomic
def approve(*, course: Course, seen_version: int, by: Doer) -> Course:
    """The practitioner takes the plan as it stands: screening allows it and the mixture is within its limits."""
    _check_may(by, Permission.TREAT, course.site)
    locked = Course.objects.select_for_update(no_key=True).get(pk=course.pk)
    result, screening = check_approvable(locked)
    locked.status = CourseStatus.APPROVED
    locked.approved_by = by.user
    locked.approved_at = timezone.now()
    locked.check_result = result.result
    locked.check_problems = [problem.code for problem in result.problems]
    fields = ["status", "approved_by", "approved_at", "check_result", "check_problems"]
    if not locked.save_if_unchanged(seen=seen_version, fields=fields):
        raise Stale(_("Somebody changed this course meanwhile. Look at it again before you approve."))
    audit.record(
        by=by, action="course-approved", sentence="approved the course", of=locked, patient=locked.patient,
        site=locked.site, detail={"outcome": screening.outcome, "check": result.result,
                                  "catalogue_approved": catalogue.current().approved_at is not None},
    )  # fmt: skip
    course_messages.follow(locked)
    return locked


@transaction.atomic
def stop(*, course: Course, seen_version: int, reason: str, by: Doer) -> Course:
    """End a course early. Its future bookings stay and are flagged for a decision; nothing done is touched."""
    _check_may(by, Permission.TREAT, course.site)
    if CourseStatus.STOPPED not in COURSE_MOVES[course.status]:
        raise Refused(_("This course is %(status)s.") % {"status": course.get_status_display().lower()})
    if not reason.strip():
        raise Refused(_("Say why the course stops."), field="reason")
    course.status = CourseStatus.STOPPED
    course.stopped_reason = reason.strip()[:200]
    if not course.save_if_unchanged(seen=seen_version, fields=["status", "stopped_reason"]):
        raise Stale(_("Somebody changed this course meanwhile. Look at it again."))
    course.appointments.upcoming().update(flagged=_("The course was stopped."))
    audit.record(
        by=by, action="course-stopped", sentence="stopped the course", of=course, patient=course.patient,
        site=course.site, detail={"reason": course.stopped_reason},
    )  # fmt: skip
    course_messages.follow(course)
    return course


@transaction.atomic
def complete(*, course: Course, by: Doer) -> Course:
    """Every session has been given. What the course has to say to the patient follows in the caller's own way."""
    return _moved(course, CourseStatus.APPROVED, CourseStatus.COMPLETED, "course-completed", "completed the course", by=by)


@transaction.atomic
def reopen(*, course: Course, by: Doer) -> Course:
    """A session of a completed course has not ended after all."""
    return _moved(course, CourseStatus.COMPLETED, CourseStatus.APPROVED, "course-reopened", "reopened the course", by=by)


def _moved(course: Course, was: str, to: CourseStatus, action: str, sentence: str, *, by: Doer) -> Course:
    """A course that stands elsewhere stays there: a stopped one is neither completed nor reopened by its last session."""
    locked: Course = Course.objects.select_for_update(no_key=True).get(pk=course.pk)
    if locked.status != was or to not in COURSE_MOVES[was]:
        return locked
    locked.status = to
    locked.save_if_unchanged(seen=locked.version, fields=["status"])
    audit.record(by=by, action=action, sentence=sentence, of=locked, patient=locked.patient, site=locked.site)
    return locked


def _check_may(by: Doer, permission: Permission, site: Site) -> User:
    """Only staff treat and clear; the role is read afresh."""
    if by.user is None:
        raise Refused(_("Only staff can do this."))
    check_may(by.user, permission, site)
    return by.user
