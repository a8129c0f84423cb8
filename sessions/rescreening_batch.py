"""One batch of a re-screening: gather a few hundred patients with a fixed number of queries, compare, keep what differs.

A preview compares two catalogues on the same facts and writes changes only. An apply compares with what was stored, and
where that differs stores a new screening and marks or unmarks the future bookings."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.utils import timezone

from clinic import audit
from clinic.doer import SYSTEM
from patients.facts import PatientFacts
from patients.models import Patient
from protocols.definitions import Catalogue
from protocols.findings import GrantedClearance, Stage
from protocols.findings import Screening as Evaluated
from protocols.models import CatalogueVersion
from protocols.plan import Plan
from protocols.screening import Act, permits, screen
from sessions import screenings
from sessions.gathering import facts_of_many
from sessions.impact import Judged, Reason, differences, fate_of, judged
from sessions.models import Appointment, Clearance, Course, RescreenChange, RescreenRun, Screening
from sessions.models.rescreening import RunPurpose
from sessions.plans import plan_of, plan_to_json
from sessions.standing_clearances import end_outdated, granted, open_clearances


@dataclass(frozen=True, slots=True)
class Subject:
    """What is screened: a patient as such, one running course, or one future appointment of a course."""

    patient: Patient
    facts: PatientFacts
    clearances: Sequence[GrantedClearance]
    on: dt.date
    stage: Stage
    plan: Plan | None = None
    course: Course | None = None
    appointment: Appointment | None = None

    def by(self, rules: Catalogue, *, on: dt.date | None = None) -> Evaluated:
        return screen(
            facts=self.facts, plan=self.plan, on=on or self.on, catalogue=rules, stage=self.stage,
            clearances=self.clearances,
        )  # fmt: skip


def work_off(
    run: RescreenRun, patients: Sequence[Patient], *, version: CatalogueVersion, before: Catalogue | None, after: Catalogue
) -> int:
    """Returns for how many of these patients something changed."""
    now = timezone.now()  # taken before the facts are read: a deed that commits meanwhile is the newer one
    if run.purpose == RunPurpose.APPLY:
        _end_what_no_longer_stands(patients)
    subjects = list(subjects_of(patients))
    before = before or after
    if run.purpose == RunPurpose.PREVIEW:
        found = [change for subject in subjects if (change := _previewed(run, subject, before, after))]
    else:
        found = _applied(run, subjects, version=version, before=before, after=after, now=now)
    RescreenChange.objects.bulk_create(found, batch_size=500)
    return len({change.patient_id for change in found})


def subjects_of(patients: Sequence[Patient]) -> Iterator[Subject]:
    """Everybody with their running courses and future gated appointments. A fixed number of queries."""
    facts = facts_of_many(patients)
    clearances: dict[int, list[Clearance]] = defaultdict(list)
    for row in open_clearances(patients):
        clearances[row.patient_id].append(row)
    courses: dict[int, list[Course]] = defaultdict(list)
    for course in Course.objects.filter(patient__in=patients).running().select_related("site").prefetch_related("items__syringe"):
        courses[course.patient_id].append(course)
    bookings: dict[int, list[Appointment]] = defaultdict(list)
    for booking in screenings.gated_bookings(Appointment.objects.filter(patient__in=patients)):
        bookings[booking.patient_id].append(booking)
    for patient in patients:
        own, known = clearances[patient.pk], facts[patient.pk]
        yield Subject(patient, known, granted(own, None), patient.registered_at.today(), Stage.INTAKE)
        for course in courses[patient.pk]:
            yield Subject(
                patient, known, granted(own, course), course.site.today(), Stage.PLAN, plan_of(course), course
            )
        for booking in bookings[patient.pk]:
            if booking.course is None:
                continue
            yield Subject(
                patient, known, granted(own, booking.course), booking.local_start.date(), Stage.BOOKING,
                plan_of(booking.course), booking.course, booking,
            )  # fmt: skip


# --- preview ------------------------------------------------------------------------------------------------------------
def _previewed(run: RescreenRun, subject: Subject, before: Catalogue, after: Catalogue) -> RescreenChange | None:
    old, new = subject.by(before), subject.by(after)
    reasons = differences(judged(old), judged(new))
    return change_of(run, subject, judged(old), new, _with_fates(reasons, before, after), old=old) if reasons else None


# --- apply --------------------------------------------------------------------------------------------------------------
def _applied(
    run: RescreenRun, subjects: Sequence[Subject], *, version: CatalogueVersion, before: Catalogue, after: Catalogue,
    now: dt.datetime,
) -> list[RescreenChange]:  # fmt: skip
    """Compare with what is stored; somebody who was never screened has nothing that could have changed."""
    stored = newest_stored(subject.patient.pk for subject in subjects)
    found: list[RescreenChange] = []
    fresh: list[tuple[Subject, Evaluated, Screening, tuple[Reason, ...]]] = []
    bookings: list[tuple[Appointment, Evaluated]] = []
    for subject in subjects:
        if subject.appointment is not None:
            new = subject.by(after)
            bookings.append((subject.appointment, new))
            found += _of_booking(run, subject, new, before, after)
            continue
        last = stored.get((subject.patient.pk, subject.course.pk if subject.course else None))
        if last is None:
            continue
        day = max(last.on_date, subject.on)  # a course may have been judged for a day that is still to come
        known, new = screenings.judged_row(last), subject.by(after, on=day)
        reasons = differences(known, judged(new))
        if reasons:
            reasons = _with_fates(reasons, before, after)
            by_rules = bool(differences(judged(subject.by(before, on=day)), judged(new)))
            found.append(change_of(run, subject, known, new, reasons, by_rules=by_rules))
            fresh.append((subject, new, last, reasons))
    _store(fresh, version=version, now=now)
    _mark(bookings)
    return found


def _end_what_no_longer_stands(patients: Sequence[Patient]) -> None:
    """A clearance whose finding the new rules do not make any more ends, as it does when an answer changes."""
    cleared = {row.patient_id for row in open_clearances(patients)}
    concerned = [patient for patient in patients if patient.pk in cleared]
    for patient, facts in zip(concerned, facts_of_many(concerned).values(), strict=True) if concerned else ():
        end_outdated(patient=patient, facts=facts, by=SYSTEM)


def newest_stored(patients: Iterable[int]) -> dict[tuple[int, int | None], Screening]:
    """The newest stored screening of each patient and of each course. What was stored at a start is left out: it judged
    the measurements of its own day. Two queries."""
    rows = Screening.objects.filter(patient__in=set(patients)).exclude(stage=Stage.START)
    newest = rows.order_by("patient_id", "course_id", "-evaluated_at", "-id").distinct("patient_id", "course_id")
    return {(row.patient_id, row.course_id): row for row in newest.defer("facts", "plan").prefetch_related("findings")}


def _store(
    fresh: Sequence[tuple[Subject, Evaluated, Screening, tuple[Reason, ...]]], *, version: CatalogueVersion, now: dt.datetime
) -> None:
    rows = [
        screenings.row_of(
            new, patient=subject.patient, course=subject.course, facts=subject.facts,
            plan=plan_to_json(subject.plan) if subject.plan else None, version=version, at=now, by=SYSTEM,
            since=last, changes=[reason.to_json() for reason in reasons],
        )
        for subject, new, last, reasons in fresh
    ]  # fmt: skip
    Screening.objects.bulk_create(rows, batch_size=200)
    screenings.store_findings(zip(rows, (new for _subject, new, _last, _reasons in fresh), strict=True))
    for row, (subject, new, _last, _reasons) in zip(rows, fresh, strict=True):
        audit.record(
            by=SYSTEM, action="screened", sentence=f"screened again by {version}: {new.outcome}", of=row,
            patient=subject.patient, site=subject.course.site if subject.course else subject.patient.registered_at,
            detail={"outcome": new.outcome, "codes": list(new.codes)},
        )  # fmt: skip


def _of_booking(run: RescreenRun, subject: Subject, new: Evaluated, before: Catalogue, after: Catalogue) -> list[RescreenChange]:
    old = subject.by(before)
    reasons = differences(judged(old), judged(new))
    if not reasons:
        return []
    return [change_of(run, subject, judged(old), new, _with_fates(reasons, before, after), old=old)]


def _mark(judgements: Iterable[tuple[Appointment, Evaluated]]) -> None:
    """Mark and unmark future bookings, last of all and in one order: nobody who moves one of them waits for the batch."""
    for booking, new in sorted(judgements, key=lambda one: one[0].pk):
        reason = screenings.mark_of(booking, new)
        if reason != booking.flagged:
            # Only if nobody marked it anew since it was read: their facts are the newer ones.
            Appointment.objects.filter(pk=booking.pk, flagged=booking.flagged).update(flagged=reason)


# --- shared -------------------------------------------------------------------------------------------------------------
def _with_fates(reasons: Iterable[Reason], before: Catalogue, after: Catalogue) -> tuple[Reason, ...]:
    return tuple(
        Reason(one.kind, one.code, one.title, one.before, one.after, fate_of(one.code, before, after)) for one in reasons
    )


def change_of(
    run: RescreenRun, subject: Subject, before: Judged, new: Evaluated, reasons: Sequence[Reason], *,
    old: Evaluated | None = None, by_rules: bool = True,
) -> RescreenChange:  # fmt: skip
    bookable = subject.appointment is not None and old is not None
    return RescreenChange(
        run=run, patient=subject.patient, course=None if subject.appointment else subject.course,
        appointment=subject.appointment, before_outcome=before.outcome, after_outcome=new.outcome,
        before_codes=list(before.codes), after_codes=list(dict.fromkeys(new.codes)),
        reasons=[reason.to_json() for reason in reasons], by_rules=by_rules,
        may_before=may_book(old, subject.on) if bookable and old else "",
        may_after=may_book(new, subject.on) if bookable else "",
    )  # fmt: skip


def may_book(evaluated: Evaluated, on: dt.date) -> str:
    """What the table of permissions says of this booking: "yes", "marked" or "no"."""
    verdict = permits(evaluated, Act.BOOK, on)
    return "no" if not verdict.allowed else "marked" if verdict.marked else "yes"


