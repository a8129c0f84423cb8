"""Grant and end clearances: a named clinician accepts one relative finding, with what its rule asks for. Which of them
count: sessions.standing_clearances."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission, Role
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Site, User
from clinic.permissions import check_may
from patients.facts import PatientFacts
from patients.models import Patient
from protocols import catalogue
from protocols.definitions import Catalogue
from protocols.findings import Finding, Severity
from protocols.findings import Screening as Evaluated
from protocols.screening import ClearanceNeed, Stage, clearance_gaps, clearance_needs
from sessions import coursework, screenings, uploading
from sessions.choices import CourseStatus
from sessions.gathering import facts_of
from sessions.models import Clearance, ClearanceUpload, Course, Upload, UploadKind
from sessions.standing_clearances import end_row, site_of
from sessions.uploading import NewFile


@dataclass(frozen=True, slots=True)
class Asked:
    """The finding as it stands, with the screening it is part of, and the day and the facts it was judged by."""

    finding: Finding
    screening: Evaluated
    facts: PatientFacts
    day: dt.date
    rules: Catalogue

    def needs(self, *, letter: bool) -> list[ClearanceNeed]:
        return clearance_needs(self.finding, facts=self.facts, on=self.day, catalogue=self.rules, letter=letter)

    def gaps(self, *, letter: bool) -> list[str]:
        gaps = clearance_gaps(self.finding, facts=self.facts, on=self.day, catalogue=self.rules, letter=letter)
        return [screenings.sentence(gap) for gap in gaps]


def asked_for(*, patient: Patient, course: Course | None, rule_code: str) -> Asked | None:
    """The finding of this rule that still counts, for this course or for the patient as such; None when there is none."""
    facts = facts_of(patient)
    day = coursework.next_day(course) if course else patient.registered_at.today()
    evaluated = screenings.evaluate(patient=patient, stage=Stage.PLAN, on=day, course=course, facts=facts)
    finding = next((one for one in evaluated.uncleared if one.code == rule_code), None)
    return None if finding is None else Asked(finding, evaluated, facts, day, catalogue.in_force())


def last_day(site: Site, rules: Catalogue) -> dt.date:
    """The longest a clearance granted today can hold; it ends earlier with its course."""
    return site.today() + dt.timedelta(days=rules.figure("house-clearance", "most_days"))


def check_may_clear(user: User, finding: Finding, site: Site) -> None:
    """Who may: any clinician where the rule asks no other, the medical lead where it asks for a specialist's letter.
    Raises the sentence the page shows in place of its form."""
    check_may(user, Permission.GRANT_CLEARANCE, site)
    if finding.needs_letter is not None and Role.MEDICAL_LEAD not in user.roles_at(site):
        raise Refused(_("This rule asks for a specialist's word, so the medical lead records the clearance."))


@transaction.atomic
def grant(
    *,
    patient: Patient,
    course: Course | None,
    rule_code: str,
    reason: str,
    by: Doer,
    evidence: str = "",
    valid_until: dt.date | None = None,
    uploads: Sequence[Upload] = (),
    new_file: NewFile | None = None,
) -> Clearance:
    """A named clinician accepts one relative finding as it stands today, for this course and as long as the house says.

    1. Who may, and a reason.
    2. The finding still counts, is of a kind that can be cleared, and all its rule asks for is there: a letter attached
       (new or on record), a valid laboratory value measured.
    3. The file is kept, the clearance written with the finding as it stood, and the course screened anew.

    Raises `Refused` otherwise; nothing is kept then.
    """
    site = course.site if course else patient.registered_at
    user = _clinician(by, site)
    if not reason.strip():
        raise Refused(_("Say why this is acceptable for this patient."), field="reason")
    _hold(patient, course)
    attached = _standing(patient, uploads)
    asked = _clearable(patient, course, rule_code)
    check_may_clear(user, asked.finding, site)
    kinds = {one.kind for one in attached} | ({new_file.kind} if new_file else set())
    _check_complete(asked, letter=UploadKind.LETTER in kinds)
    until = _checked_end(valid_until, site)
    if new_file is not None:
        attached.append(uploading.keep(patient=patient, new=new_file, rule_code=rule_code, by=by))
    clearance = Clearance.objects.create(
        patient=patient, course=course, rule_code=rule_code, answer_fingerprint=asked.finding.fingerprint,
        finding=asked.finding.to_json(), judged_for=asked.day, granted_by=user, granted_at=timezone.now(),
        reason=reason.strip(), evidence=evidence.strip(), valid_until=until,
    )  # fmt: skip
    ClearanceUpload.objects.bulk_create(
        ClearanceUpload(patient=patient, clearance=clearance, upload=upload) for upload in attached
    )
    audit.record(
        by=by, action="clearance-granted", sentence=f"cleared {rule_code}", of=clearance, patient=patient, site=site,
        detail={"reason": clearance.reason, "evidence": clearance.evidence, "rule": rule_code,
                "valid_until": until, "uploads": [upload.public_id for upload in attached]},
    )  # fmt: skip
    screenings.rescreen(patient=patient, by=by)
    return clearance


@transaction.atomic
def end(*, clearance: Clearance, reason: str, by: Doer) -> Clearance:
    """Take a clearance back; the row stays as history and the finding counts again at once."""
    _clinician(by, site_of(clearance))
    if not reason.strip():
        raise Refused(_("Say why the clearance ends."), field="reason")
    if not end_row(clearance, reason=reason.strip()[:200], by=by):
        raise Refused(_("This clearance has ended already."))
    clearance.refresh_from_db()
    screenings.rescreen(patient=clearance.patient, by=by)
    return clearance


def _clinician(by: Doer, site: Site) -> User:
    """Only staff clear; the role is read afresh."""
    if by.user is None:
        raise Refused(_("Only staff can do this."))
    check_may(by.user, Permission.GRANT_CLEARANCE, site)
    return by.user


def _hold(patient: Patient, course: Course | None) -> None:
    """One clearance at a time, so that two clinicians do not clear the same finding twice."""
    if course is None:
        Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
        return
    held = Course.objects.select_for_update(no_key=True).get(pk=course.pk)
    if held.status not in {CourseStatus.PROPOSED, CourseStatus.APPROVED}:
        raise Refused(_("This course is %(status)s.") % {"status": held.get_status_display().lower()})


def _standing(patient: Patient, uploads: Sequence[Upload]) -> list[Upload]:
    """The uploads as they are now: this patient's, and none withdrawn meanwhile."""
    wanted = {upload.pk for upload in uploads}
    found = list(
        Upload.objects.standing().filter(patient=patient, pk__in=wanted).select_for_update(of=("self",), no_key=True)
    )
    if len(found) != len(wanted):
        raise Refused(_("A file you chose was withdrawn meanwhile. Look at the list again."), field="uploads")
    return found


def _clearable(patient: Patient, course: Course | None, rule_code: str) -> Asked:
    asked = asked_for(patient=patient, course=course, rule_code=rule_code)
    if asked is None:
        raise Refused(_("This finding does not stand any more. Look at the screening again."))
    if asked.finding.severity is not Severity.RELATIVE:
        raise Refused(" ".join(asked.gaps(letter=True)))
    return asked


def _check_complete(asked: Asked, *, letter: bool) -> None:
    """The sentence stands beside the file where a letter is missing, above the form where a value is."""
    gaps = asked.gaps(letter=letter)
    if gaps:
        only_letter = not asked.gaps(letter=True)
        raise Refused(" ".join(gaps), field="file" if only_letter else None, code="incomplete")


def _checked_end(valid_until: dt.date | None, site: Site) -> dt.date:
    """The day it holds to: shorter than the longest if the clinician says so, never longer."""
    longest = last_day(site, catalogue.in_force())
    if valid_until is None:
        return longest
    if valid_until < site.today():
        raise Refused(_("This day has passed."), field="valid_until")
    if valid_until > longest:
        day = date_format(longest, "D j F Y")
        raise Refused(_("A clearance holds until %(day)s at most.") % {"day": day}, field="valid_until")
    return valid_until
