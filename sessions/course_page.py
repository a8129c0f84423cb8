"""What the course pages show: screening in words, the mixture check with its bars, dates, papers, and what is closed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.urls import reverse
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from clinic.components.drawing import figure
from clinic.errors import Refused
from patients.models import Patient
from protocols import catalogue
from protocols.choices import CheckResult
from protocols.definitions import Catalogue
from protocols.findings import Screening as Evaluated
from protocols.mixing import DoseTotal, PlanCheck
from protocols.patient_case import words_of
from protocols.screening import Stage
from protocols.sources import cited
from protocols.version_page import shown_loosened
from sessions import consenting, coursework, gates, photo_permission, screenings
from sessions.before_the_first import words_for_testing
from sessions.choices import CourseStatus
from sessions.clearing_page import history_of
from sessions.coursework import Judgement, Wish
from sessions.explaining import asked_in_words, name_of, outcome_pill, shown_findings
from sessions.gathering import facts_of
from sessions.models import Appointment, Consent, Course, PlannedSession
from sessions.planning_page import after_course, before_the_first_of, near_of, shown_near, stop_rule_shown
from sessions.plans import plan_of

CHECK_PILL = {
    CheckResult.OK: "ok",
    CheckResult.WARNING: "caution",
    CheckResult.INCOMPLETE: "incomplete",
    CheckResult.OVER_LIMIT: "danger",
    CheckResult.NOT_USABLE: "danger",
    CheckResult.INCOMPATIBLE: "danger",
}


# What the check found, on the bar: cream counts in the limit of lidocaine, not in what is usual of it.
DOSE_STATES = {
    CheckResult.OK: "in-range", CheckResult.WARNING: "above-typical", CheckResult.INCOMPLETE: "unknown",
    CheckResult.OVER_LIMIT: "over-limit", CheckResult.NOT_USABLE: "incompatible", CheckResult.INCOMPATIBLE: "incompatible",
}  # fmt: skip


def check_words(result: CheckResult) -> str:
    """The word of the clinical reference (section 6) for a result."""
    return {
        CheckResult.OK: pgettext("mixture check", "Ok"),
        CheckResult.WARNING: pgettext("mixture check", "Warning"),
        CheckResult.INCOMPLETE: pgettext("mixture check", "Incomplete"),
        CheckResult.OVER_LIMIT: pgettext("mixture check", "Over-limit"),
        CheckResult.NOT_USABLE: pgettext("mixture check", "Not usable"),
        CheckResult.INCOMPATIBLE: pgettext("mixture check", "Incompatible"),
    }[result]


def shown_total(total: DoseTotal, rules: Catalogue) -> dict[str, Any]:
    """One dose bar: the lower of hard maximum and limit by weight counts; what is not known is said, not drawn."""
    limits = [limit for limit in (total.hard_max, total.limit_by_weight) if limit is not None]
    by_weight = total.limit_by_weight is not None and total.limit_by_weight == min(limits)
    return {
        "name": name_of(total.substance, rules.substances),
        "code": total.substance,
        "value": total.amount,
        "unit": total.unit,
        "typical_low": total.typical_low,
        "typical_high": total.typical_high,
        "limit": min(limits, default=None),
        "note": _("Limit by body weight") if by_weight else "",
        "needs_weight": total.mg_per_kg is not None and total.limit_by_weight is None,
        "is_counted": total.typical_high is not None or bool(limits),
        "state": DOSE_STATES[total.result],
    }


def shown_check(check: PlanCheck, rules: Catalogue) -> dict[str, Any]:
    """The mixture check for the template: totals with their bars, volumes, problems with their sentences."""
    language = get_language() or "en"
    return {
        "pill": CHECK_PILL[check.result],
        "word": check_words(check.result),
        "totals": [shown_total(total, rules) for total in check.totals],
        "volumes": [
            {
                "name": name_of(volume.region, rules.regions) if volume.region else _("Whole session"),
                "value": volume.volume_ml,
                "limit": volume.limit_ml,
            }
            for volume in check.volumes
        ],
        "problems": [
            {
                "code": problem.code,
                "kind": CHECK_PILL[problem.result],
                "word": check_words(problem.result),
                "text": problem.text(language),
                "source": cited(problem.source, problem.mark, language),
            }
            for problem in check.problems
        ],
    }


def shown_screening(screening: Evaluated, rules: Catalogue, course: Course | None = None) -> dict[str, Any]:
    """Headline, findings, open questions and what is measured on the day; a saved course explains its findings."""
    saved_as = course.public_id if course else ""
    return {
        "pill": outcome_pill(screening.outcome, screening.wait_until, screening.open_ended),
        "findings": shown_findings(
            screening, rules, lambda code: reverse("course-explanation", args=[saved_as, code]) if saved_as else ""
        ),
        "missing": [asked_in_words(code, rules) for code in screening.missing],
        "to_do": [asked_in_words(code, rules) for code in screening.to_do],
    }


def shown_judgement(patient: Patient, wish: Wish, rules: Catalogue) -> dict[str, Any]:
    """The live pane of a new course; `why_not` is the verb's own sentence beside a closed Propose button. Raises
    `Refused` for a rhythm or a plan that means nothing."""
    judgement: Judgement = coursework.judge(patient=patient, wish=wish)
    why_not = ""
    try:
        coursework.check_proposable(judgement, on=wish.first_day)
    except Refused as refusal:
        why_not = refusal.sentence
    return {
        **shown_screening(judgement.screening, rules),
        "check": shown_check(judgement.check, rules),
        "dates": judgement.dates,
        "near": shown_near(judgement.near),
        "testing": words_for_testing(
            patient=patient, site=wish.site, plan=wish.plan, on=judgement.dates[0].ideal
        ) if judgement.dates else "",
        "after": after_course(rules.indications[wish.plan.indication], [one.ideal for one in judgement.dates], rules),
        "why_not": why_not,
    }


def why_not_approve(course: Course) -> str:
    """The sentence beside a closed Approve button, from the verb's own rule; empty when it may be pressed."""
    try:
        coursework.check_approvable(course)
    except Refused as refusal:
        return refusal.sentence
    return ""


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One session of the course and the appointment that stands for it, if any."""

    session: PlannedSession
    booked: Appointment | None

    @property
    def is_late(self) -> bool:
        """Not given yet and planned beyond the longest interval (plan-late)."""
        return self.session.done_on is None and self.session.latest is not None and self.session.ideal > self.session.latest

    @property
    def is_open(self) -> bool:
        return self.booked is None and self.session.done_on is None


def planned_rows(course: Course) -> list[PlannedRow]:
    """The sessions in order. Four queries."""
    rows = course.planned_sessions.prefetch_related("fulfilments__appointment__site")
    return [
        PlannedRow(row, next((one.appointment for one in row.fulfilments.all() if one.active), None)) for row in rows
    ]


def stands_on(row: PlannedRow) -> dt.date:
    """The day that counts for a session: given, booked, or as planned."""
    if row.session.done_on is not None:
        return row.session.done_on
    return row.booked.local_start.date() if row.booked else row.session.ideal


def shown_syringes(course: Course, rules: Catalogue) -> list[dict[str, Any]]:
    """What is drawn up, syringe by syringe: its lines with their names, and what is its own of place and needle."""
    shown = []
    for syringe, items in groupby(course.items.all(), key=lambda item: item.syringe):
        about = [
            name_of(syringe.region, rules.regions) if syringe.region else "",
            name_of(syringe.technique, rules.techniques) if syringe.technique != course.technique else "",
            ngettext("%(count)s point", "%(count)s points", syringe.points) % {"count": syringe.points}
            if syringe.points else "",
            f"{figure(syringe.depth_mm)} mm" if syringe.depth_mm is not None else "",
            f"{figure(syringe.area_cm2)} cm²" if syringe.area_cm2 is not None else "",
        ]  # fmt: skip
        shown.append(
            {
                "number": syringe.number,
                "about": [one for one in about if one],
                "lines": [(item, name_of(item.substance, rules.substances)) for item in items],
            }
        )
    return shown


def course_shown(course: Course) -> dict[str, Any]:
    """Everything about one course but its forms."""
    version = catalogue.current()
    rules = catalogue.load(version)
    indication = rules.indications.get(course.indication)
    planned = planned_rows(course)
    day = coursework.next_day(course)
    evaluated = screenings.evaluate(patient=course.patient, stage=Stage.PLAN, on=day, course=course)
    return {
        "course": course,
        "patient": course.patient,
        "title": name_of(course.indication, rules.indications),
        "evidence": indication.evidence if indication else "",
        "regions": [name_of(code, rules.regions) for code in course.regions],
        "technique": name_of(course.technique, rules.techniques),
        "syringes": shown_syringes(course, rules),
        "planned": planned,
        "unbooked": [row for row in planned if row.is_open],
        **shown_screening(evaluated, rules, course),
        "judged_for": day,
        "check": shown_check(coursework.check(course, on=day), rules),
        "new_products": [
            name_of(code, rules.substances)
            for code in sorted(
                gates.new_products(
                    plan=plan_of(course), facts=facts_of(course.patient), today=course.site.today(), rules=rules
                )
            )
        ],
        "near": near_of(course, [row.session for row in planned if row.is_open]),
        "before_first": before_the_first_of(course, planned[0].session) if planned else "",
        "after": after_course(indication, [stands_on(row) for row in planned], rules) if indication and planned else (),
        "stop_rule": stop_rule_shown(course),
        "clearances": history_of(course.clearances, rules),
        "consents": consents_of(course),
        "consent_state": consenting.state_of(course),
        "catalogue": version,
        "loosened": shown_loosened(version, words_of(plan_of(course))),
        "is_open": course.status in {CourseStatus.PROPOSED, CourseStatus.APPROVED},
        "why_not": why_not_approve(course) if course.status == CourseStatus.PROPOSED else "",
    }


def consents_of(course: Course) -> list[Consent]:
    """Newest first, each with what of its photographs is still allowed."""
    found = list(course.consents.with_papers())
    if any(one.signed_at for one in found):
        photo_permission.put_words(found, photo_permission.permission_of(course.patient), get_language() or "en")
    return found
