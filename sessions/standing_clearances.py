"""Clearances that count for a screening, and those that stopped counting because what stood behind them changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from clinic import audit
from clinic.doer import Doer
from clinic.models import Site
from patients.facts import PatientFacts
from patients.models import Patient
from protocols import catalogue
from protocols.findings import GrantedClearance
from protocols.screening import Stage, asks_for_more, screen
from sessions.choices import CourseStatus
from sessions.models import Clearance, ClearanceUpload, Course, UploadKind
from sessions.plans import plan_of

ANSWER_CHANGED = gettext_noop("What stood behind it changed: the answer, the plan or the rule.")
RULE_ASKS_MORE = gettext_noop("The rule now asks for a letter or a laboratory value that was not there.")
REASONS = (ANSWER_CHANGED, RULE_ASKS_MORE)


class Standing(StrEnum):
    """How a clearance stands on a day; only a valid one counts."""

    VALID = "valid"
    ENDED = "ended"
    COURSE_OVER = "course-over"
    EXPIRED = "expired"


def site_of(clearance: Clearance) -> Site:
    return clearance.course.site if clearance.course else clearance.patient.registered_at


def standing_of(clearance: Clearance, on: dt.date) -> Standing:
    if clearance.ended_at is not None:
        return Standing.ENDED
    if clearance.course is not None and clearance.course.status in {CourseStatus.STOPPED, CourseStatus.COMPLETED}:
        return Standing.COURSE_OVER
    return Standing.EXPIRED if on > clearance.valid_until else Standing.VALID


def clearances_of(patient: Patient, course: Course | None) -> list[GrantedClearance]:
    """Clearances not ended: those of this course and those for the patient without a course. One query."""
    return granted(open_clearances([patient]), course)


def open_clearances(patients: Iterable[Patient]) -> models.QuerySet[Clearance]:
    """Not ended yet, each with whether a letter is attached (`has_letter`)."""
    letters = ClearanceUpload.objects.filter(clearance=OuterRef("pk"), upload__kind=UploadKind.LETTER)
    rows = Clearance.objects.filter(patient__in=patients, ended_at=None).annotate(has_letter=Exists(letters))
    return rows.select_related("granted_by", "course__site", "patient__registered_at")


def granted(rows: Iterable[Clearance], course: Course | None) -> list[GrantedClearance]:
    """Those of one patient's open clearances that hold for this course, or for the patient as such. No query."""
    return [
        _as_granted(row)
        for row in rows
        if row.course_id is None
        or (course is not None and row.course_id == course.pk and course.status != CourseStatus.STOPPED)
    ]


def _as_granted(row: Any) -> GrantedClearance:
    """A row of `open_clearances` as screening understands it."""
    return GrantedClearance(
        code=row.rule_code,
        fingerprint=row.answer_fingerprint,
        by=row.granted_by.name,
        granted_on=row.granted_at.astimezone(site_of(row).zone).date(),
        ends_on=row.valid_until,
        letter=row.has_letter,
        rule_version=row.finding.get("rule_version"),
        judged_for=row.judged_for,
    )


def end_outdated(*, patient: Patient, facts: PatientFacts, by: Doer) -> int:
    """End the clearances whose finding is no longer the one that was cleared, so that an answer which changes back does
    not bring an old clearance to life again, and those whose rule now asks for more than was there.

    Judged for the same day as then: time alone changes no answer. A clearance of a plan is judged with that plan. Returns
    how many ended. For use inside the verb that screens."""
    ended, rules = 0, catalogue.in_force()
    for row in open_clearances([patient]).prefetch_related("course__items__syringe"):
        judged = screen(
            facts=facts,
            plan=plan_of(row.course) if row.course else None,
            on=row.judged_for or site_of(row).today(),
            catalogue=rules,
            stage=Stage.PLAN,
        )
        same = (one for one in judged.findings if (one.code, one.fingerprint) == (row.rule_code, row.answer_fingerprint))
        finding = next(same, None)
        if finding is not None and not asks_for_more(_as_granted(row), finding, facts=facts, catalogue=rules):
            continue
        end_row(row, reason=ANSWER_CHANGED if finding is None else RULE_ASKS_MORE, by=by)
        ended += 1
    return ended


def end_row(clearance: Clearance, *, reason: str, by: Doer) -> bool:
    """Write the end and its audit row; False when it had ended already."""
    ended = Clearance.objects.filter(pk=clearance.pk, ended_at=None).update(
        ended_at=timezone.now(), ended_by=by.user, ended_reason=reason
    )
    if ended:
        audit.record(
            by=by, action="clearance-ended", sentence=f"ended the clearance of {clearance.rule_code}", of=clearance,
            patient=clearance.patient, site=site_of(clearance), detail={"reason": reason},
        )  # fmt: skip
    return bool(ended)


def reason_in_words(clearance: Clearance) -> str:
    """Why it ended: what somebody wrote, or our own sentence in the reader's language."""
    return _(clearance.ended_reason) if clearance.ended_reason in REASONS else clearance.ended_reason
