"""Scores of a course's scales, and the stop rule they feed: what was scored, when it stops, who goes on all the same."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Site, User
from clinic.permissions import check_may
from protocols import catalogue
from protocols.definitions import Catalogue
from protocols.stop_rules import HIGHEST_PAIN, PAIN_SCALE, Score, StopVerdict, asked_after, judge_pain
from sessions.choices import CourseStatus
from sessions.models import Course, CourseDecision, OutcomeScore, TreatmentSession
from sessions.planned import replan

HIGHEST_SCORE = Decimal(10_000)  # no scale of the reference comes near; a slip of the hand does


def scales_of(course: Course, rules: Catalogue) -> tuple[str, ...]:
    """The scales of the course's indication, as the reference names them; pain is asked where a stop rule needs it."""
    indication = rules.indications.get(course.indication)
    return indication.scales if indication is not None else ()


def stop_rule_of(course: Course) -> StopVerdict | None:
    """What the stop rule says of this course now; None where its indication has none. Three queries where it has one."""
    indication = catalogue.in_force().indications.get(course.indication)
    if indication is None or asked_after(indication) is None:
        return None
    records = TreatmentSession.objects.filter(course=course, ended_at__isnull=False)
    ends = [end for end in records.values_list("ended_at", flat=True) if end is not None]
    scores = OutcomeScore.objects.filter(course=course, scale=PAIN_SCALE, withdrawn_at=None)
    decision = CourseDecision.objects.filter(course=course).order_by("-decided_at", "-id").first()
    return judge_pain(
        indication, session_ends=ends,
        scores=[Score(value, taken_at) for value, taken_at in scores.values_list("value", "taken_at")],
        went_on_after=decision.sessions_done if decision else None,
    )  # fmt: skip


@transaction.atomic
def record_score(
    *, course: Course, scale: str, value: Decimal, taken_at: dt.datetime, by: Doer,
    treatment_session: TreatmentSession | None = None,
) -> OutcomeScore:  # fmt: skip
    """Put one reading of a scale of the indication on record. Raises `Refused` beside `scale`, `value` or `taken_at`."""
    user = _check(by, Permission.CHANGE_CLINICAL, course.site)
    if scale not in scales_of(course, catalogue.in_force()):
        raise Refused(_("This scale does not belong to this course."), field="scale")
    highest = HIGHEST_PAIN if scale == PAIN_SCALE else HIGHEST_SCORE
    if not 0 <= value <= highest:
        raise Refused(_("The score lies between 0 and %(most)s.") % {"most": f"{highest:f}"}, field="value")
    if taken_at > timezone.now():
        raise Refused(_("This time lies in the future."), field="taken_at")
    if taken_at.astimezone(course.site.zone).date() < course.patient.birth_date:
        raise Refused(_("This day lies before the patient's birth."), field="taken_at")
    score = OutcomeScore.objects.create(
        patient=course.patient, course=course, treatment_session=treatment_session, scale=scale, value=value,
        taken_at=taken_at, recorded_at=timezone.now(), recorded_by=user,
    )  # fmt: skip
    audit.record(
        by=by, action="score-recorded", sentence=f"recorded a score of {scale}", of=score, patient=course.patient,
        site=course.site, detail={"scale": scale, "value": value, "taken_at": taken_at},
    )  # fmt: skip
    replan(course)
    return score


@transaction.atomic
def withdraw_score(*, score: OutcomeScore, reason: str, by: Doer) -> None:
    """A wrong score stays visible, struck, with the reason; it counts for nothing any more."""
    _check(by, Permission.CHANGE_CLINICAL, score.course.site)
    if not reason.strip():
        raise Refused(_("Say why this score is wrong."), field="reason")
    changed = OutcomeScore.objects.filter(pk=score.pk, withdrawn_at=None).update(
        withdrawn_at=timezone.now(), withdrawn_reason=reason.strip()[:200]
    )
    if not changed:
        raise Refused(_("This score was withdrawn already."))
    audit.record(
        by=by, action="score-withdrawn", sentence=f"withdrew a score of {score.scale}", of=score, patient=score.patient,
        site=score.course.site, detail={"reason": reason.strip()[:200]},
    )  # fmt: skip


@transaction.atomic
def go_on(*, course: Course, reason: str, by: Doer) -> CourseDecision:
    """A clinician goes on although the stop rule says stop. A missing score after the third session is recorded, never
    waved through; a baseline that nobody took can only be decided about."""
    user = _check(by, Permission.TREAT, course.site)
    locked = Course.objects.select_for_update(no_key=True).select_related("patient", "site").get(pk=course.pk)
    refusal = why_not_go_on(locked)
    if refusal:
        raise Refused(refusal)
    if not reason.strip():
        raise Refused(_("Say why it goes on."), field="reason")
    verdict = stop_rule_of(locked)
    if verdict is None:
        raise Refused(_("No stop rule holds this course."))
    detail = {
        "state": verdict.state, "baseline": str(verdict.baseline), "latest": str(verdict.latest),
        "catalogue": str(catalogue.current()),
    }  # fmt: skip
    decision = CourseDecision.objects.create(
        patient=locked.patient, course=locked, rule=verdict.code, detail=detail, reason=reason.strip()[:200],
        sessions_done=TreatmentSession.objects.filter(course=locked, ended_at__isnull=False).count(),
        decided_at=timezone.now(), decided_by=user,
    )  # fmt: skip
    audit.record(
        by=by, action="course-goes-on", sentence="goes on against the stop rule", of=locked, patient=locked.patient,
        site=locked.site, detail={"reason": decision.reason, **detail},
    )  # fmt: skip
    return decision


def why_not_go_on(course: Course) -> str:
    """The sentence beside a closed "Go on" button; empty when it may be pressed."""
    verdict = stop_rule_of(course)
    if verdict is None or not verdict.stops or course.status != CourseStatus.APPROVED:
        return _("No stop rule holds this course.")
    if verdict.latest is None:
        return verdict.text(get_language() or "en") if verdict.baseline is not None else _(
            "Record the pain score of today first.")  # fmt: skip
    return ""


def _check(by: Doer, permission: Permission, site: Site) -> User:
    if by.user is None:
        raise Refused(_("Only staff can do this."))
    check_may(by.user, permission, site)
    return by.user
