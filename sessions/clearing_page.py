"""What the pages show of clearances: what is asked for, who may, and the history with its papers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from clinic.errors import Refused
from clinic.models import User
from patients.models import Patient
from protocols import catalogue
from protocols.definitions import Catalogue
from protocols.findings import Severity
from protocols.screening import Stage
from sessions import clearing, screenings
from sessions.choices import CourseStatus
from sessions.clearing import Asked
from sessions.explaining import in_words, shown_findings, standing_alone
from sessions.gathering import facts_of
from sessions.models import Clearance, Course, Upload
from sessions.standing_clearances import Standing, reason_in_words, site_of, standing_of

PILL = {
    Standing.VALID: "cleared",
    Standing.ENDED: "neutral",
    Standing.COURSE_OVER: "neutral",
    Standing.EXPIRED: "neutral",
}


@dataclass(frozen=True, slots=True)
class ShownClearance:
    """One clearance of the history: for which finding, by whom, on what, until when, and how it ended."""

    row: Clearance
    title: str
    sentence: str
    pill: str
    word: str
    ended: str
    uploads: list[Upload]

    @property
    def can_end(self) -> bool:
        return self.row.ended_at is None and self.pill == PILL[Standing.VALID]


@dataclass(frozen=True, slots=True)
class ShownUpload:
    """One paper of the list, with the title of the finding it is for."""

    row: Upload
    title: str


def papers_of(patient: Patient, rules: Catalogue) -> list[ShownUpload]:
    """Newest first, withdrawn ones too. One query."""
    rows = patient.uploads.select_related("uploaded_by", "withdrawn_by")
    return [ShownUpload(row, rule_title(row.rule_code, rules)) for row in rows]


def rule_title(code: str, rules: Catalogue) -> str:
    """The rule's title in the reader's language; a code the catalogue no longer knows stays as it is."""
    rule = rules.rules.get(code)
    return screenings.sentence(rule.title) if rule else code


def history_of(rows: Any, rules: Catalogue) -> list[ShownClearance]:
    """Newest first, from a queryset of clearances. Three queries."""
    found = rows.select_related("granted_by", "ended_by", "course__site", "patient__registered_at").prefetch_related(
        "attachments__upload"
    )
    return [_shown(row, rules) for row in found]


def _shown(row: Clearance, rules: Catalogue) -> ShownClearance:
    standing = standing_of(row, site_of(row).today())
    words = {
        Standing.VALID: _("Valid"),
        Standing.ENDED: _("Ended"),
        Standing.COURSE_OVER: _("Ended with the course"),
        Standing.EXPIRED: _("Expired"),
    }
    return ShownClearance(
        row=row,
        title=in_words(row.finding.get("title", {})) or rule_title(row.rule_code, rules),
        sentence=in_words(row.finding.get("sentence", {})),
        pill=PILL[standing],
        word=words[standing],
        ended=reason_in_words(row) if row.ended_at else "",
        uploads=[link.upload for link in row.attachments.all()],
    )


def asked_shown(asked: Asked, rules: Catalogue) -> dict[str, Any]:
    """The finding card and the list of what the rule asks for, values ticked where they are there; the letter is what
    the form below asks for."""
    return {
        "finding": next(one for one in shown_findings(asked.screening, rules) if one.code == asked.finding.code),
        "needs": [
            {"what": standing_alone(screenings.sentence(need.what)), "is_letter": not need.measurement, "met": need.met}
            for need in asked.needs(letter=False)
        ],
        "needs_letter": asked.finding.needs_letter is not None,
        "day": asked.day,
    }


def why_not_clear(asked: Asked, course: Course, user: User) -> str:
    """The sentence in place of the form, from the verb's own rules; empty when it may be filled in. What is only
    missing (a letter, a value) is listed, not closed."""
    if course.status not in {CourseStatus.PROPOSED, CourseStatus.APPROVED}:
        return _("This course is %(status)s.") % {"status": course.get_status_display().lower()}
    if asked.finding.severity is not Severity.RELATIVE:
        return " ".join(asked.gaps(letter=True))
    try:
        clearing.check_may_clear(user, asked.finding, course.site)
    except Refused as refusal:
        return refusal.sentence
    return ""


def standing_rules(patient: Patient, *, besides: str = "") -> list[tuple[str, str]]:
    """Code and title of what stands for this patient, for "for which finding?"; the rule one came from is there too."""
    rules = catalogue.in_force()
    codes = dict.fromkeys([besides] if besides in rules.rules else [])
    facts = facts_of(patient)
    for course in [None, *screenings.courses_to_rescreen(patient)]:
        day = (course.site if course else patient.registered_at).today()
        evaluated = screenings.evaluate(patient=patient, stage=Stage.PLAN, on=day, course=course, facts=facts)
        codes |= dict.fromkeys(one.code for one in evaluated.findings if one.severity is Severity.RELATIVE)
    return [(code, rule_title(code, rules)) for code in codes if code in rules.rules]
