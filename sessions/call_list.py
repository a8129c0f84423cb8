"""Whom the desk should call: no-shows to rebook, late for their interval, reviews due, planned but not booked.

Nothing is written to put somebody here: each reason is a question to the rows that exist, so that an entry leaves by
itself when the patient is booked. What came of a call is a note about one subject; it can hide it until a day, or for
good. The number of queries is fixed, whatever the number of patients.
"""
from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db import models, transaction
from django.db.models import Case, Exists, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast, Concat, TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Site
from clinic.permissions import check_doer
from patients.models import Patient
from protocols.definitions import Catalogue
from protocols.models.service import ServiceKind
from sessions.choices import OCCUPYING, AppointmentStatus, CourseStatus
from sessions.models import Appointment, CallNote, CallOutcome, CallReason, Course, Fulfilment, PlannedSession

PAGE_SIZE = 25
NO_SHOW_DAYS = 90  # whoever did not come longer ago is found in the patient list
AHEAD_DAYS = 21  # a planned session without a time is called about this long before its ideal day
REVIEW_AHEAD_DAYS, REVIEW_LATE_DAYS = 7, 120
REVIEW_TAKEN_DAYS = 14  # a review this long before its day counts as that review
FARTHEST_AGAIN_DAYS = 366
COLUMNS = ("rank", "reason", "subject", "patient_id", "since", "again")
RANK = {reason: number for number, reason in enumerate(CallReason.values, start=1)}
KINDS = {CallReason.NO_SHOW: "appointment", CallReason.LATE: "session", CallReason.UNBOOKED: "session",
         CallReason.REVIEW: "review"}  # fmt: skip


# --- who ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Asked:
    """What the reader wants to see: one reason or all, and part of a name, phone, birth date."""

    reason: str = ""
    typed: str = ""


def entries(*, site: Site, patients: Any, rules: Catalogue, asked: Asked) -> QuerySet[Any]:
    """Rows of `COLUMNS`, the most urgent first: whoever asked to be called today, then by reason, longest overdue first.
    `patients`: those the reader may see."""
    if asked.typed:
        patients = patients.filter(pk__in=Patient.objects.matching(asked.typed).values("pk"))
    whom = patients.filter(merged_into=None).order_by().values("pk")
    today = site.today()
    parts = [
        part for reason, part in _parts(site, today, rules) if not asked.reason or asked.reason == reason
    ]  # fmt: skip
    shown = [_callable(part.filter(patient__in=whom), today).values_list(*COLUMNS) for part in parts]
    first, *others = shown or [_no_show(site, today).none().values_list(*COLUMNS)]
    return first.union(*others, all=True).order_by("rank", "since", "subject")


def _parts(site: Site, today: dt.date, rules: Catalogue) -> Iterator[tuple[str, Any]]:
    yield CallReason.NO_SHOW, _no_show(site, today)
    yield CallReason.LATE, _sessions(site, today, CallReason.LATE)
    yield CallReason.UNBOOKED, _sessions(site, today, CallReason.UNBOOKED)
    combinations: dict[tuple[str, int], list[str]] = defaultdict(list)
    for indication in rules.indications.values():
        for review in indication.reviews:
            if review.days is not None and review.anchor in {"first", "last"}:
                combinations[review.anchor, review.days].append(indication.code)
    for (anchor, days), codes in sorted(combinations.items()):
        yield CallReason.REVIEW, _reviews(site, today, anchor, days, codes)


def _no_show(site: Site, today: dt.date) -> Any:
    """Missed visits of the last months after which the patient neither came nor has a time."""
    later = Appointment.objects.filter(patient=OuterRef("patient"), starts_at__gt=OuterRef("starts_at")).filter(
        Q(status__in=OCCUPYING) | Q(status=AppointmentStatus.NO_SHOW)
    )
    rows = Appointment.objects.filter(
        site=site, status=AppointmentStatus.NO_SHOW,
        starts_at__gte=site.day_bounds(today - dt.timedelta(days=NO_SHOW_DAYS))[0],
    ).exclude(Exists(later))  # fmt: skip
    return _named(rows, CallReason.NO_SHOW, TruncDate("starts_at", tzinfo=site.zone))


def _sessions(site: Site, today: dt.date, reason: str) -> Any:
    """The next session without a time of each approved course: past its last day, or soon to come."""
    open_rows = PlannedSession.objects.filter(done_on=None, skipped_reason="").exclude(
        Exists(Fulfilment.objects.filter(planned_session=OuterRef("pk"), active=True))
    )
    missed = Fulfilment.objects.filter(
        planned_session=OuterRef("pk"), appointment__status=AppointmentStatus.NO_SHOW,
        appointment__starts_at__gte=site.day_bounds(today - dt.timedelta(days=NO_SHOW_DAYS))[0],
    )  # fmt: skip
    rows = open_rows.filter(course__site=site, course__status=CourseStatus.APPROVED).exclude(Exists(missed)).exclude(
        Exists(open_rows.filter(course=OuterRef("course"), number__lt=OuterRef("number")))
    )  # fmt: skip
    if reason == CallReason.LATE:
        return _named(rows.filter(latest__lt=today), reason, F("latest"))
    soon = rows.filter(ideal__lte=today + dt.timedelta(days=AHEAD_DAYS)).filter(Q(latest=None) | Q(latest__gte=today))
    return _named(soon, reason, F("ideal"))


def _reviews(site: Site, today: dt.date, anchor: str, days: int, codes: list[str]) -> Any:
    """Courses whose review (plan-review) falls due about now and for which none has a time."""
    done = PlannedSession.objects.filter(course=OuterRef("pk"), done_on__isnull=False).order_by().values("course")
    base = done.annotate(day=Min("done_on") if anchor == "first" else Max("done_on")).values("day")
    courses = Course.objects.filter(
        site=site, indication__in=codes, status__in=[CourseStatus.APPROVED, CourseStatus.COMPLETED]
    ).annotate(base=Subquery(base))  # fmt: skip
    if anchor == "last":
        open_rows = PlannedSession.objects.filter(course=OuterRef("pk"), done_on=None, skipped_reason="")
        courses = courses.exclude(Exists(open_rows))
    span = dt.timedelta(days=days)
    due = Cast(F("base") + Value(span), models.DateField())
    taken = Appointment.objects.filter(
        patient=OuterRef("patient"), service__kind=ServiceKind.REVIEW, status__in=OCCUPYING,
        starts_at__gte=OuterRef("base") + Value(span - dt.timedelta(days=REVIEW_TAKEN_DAYS)),
    )  # fmt: skip
    rows = courses.filter(
        base__gte=today - span - dt.timedelta(days=REVIEW_LATE_DAYS),
        base__lte=today - span + dt.timedelta(days=REVIEW_AHEAD_DAYS),
    ).exclude(Exists(taken))  # fmt: skip
    return _named(rows, CallReason.REVIEW, due, suffix=f":{anchor}{days}")


def _named(rows: Any, reason: str, since: Any, *, suffix: str = "") -> Any:
    subject = Concat(Value(f"{KINDS[CallReason(reason)]}:"), F("public_id"), Value(suffix), output_field=models.CharField())
    return rows.order_by().annotate(
        subject=subject, reason=Value(reason, output_field=models.CharField()),
        since=Cast(since, models.DateField()),
    )  # fmt: skip


def _callable(rows: Any, today: dt.date) -> Any:
    """Without those who do not want it, and those who asked to be called later; whose day has come stand first."""
    last = CallNote.objects.filter(subject=OuterRef("subject")).order_by("-called_at", "-id")
    rows = rows.annotate(
        outcome=Subquery(last.values("outcome")[:1]), again=Subquery(last.values("again_on")[:1])
    )
    wanted = Q(outcome=None) | ~Q(outcome=CallOutcome.NOT_WANTED)
    rows = rows.filter(wanted).filter(Q(again=None) | Q(again__lte=today))
    ranks = [When(reason=reason, then=Value(rank)) for reason, rank in RANK.items()]
    return rows.annotate(
        rank=Case(When(again__isnull=False, then=Value(0)), *ranks, output_field=models.SmallIntegerField())
    )


# --- in words -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Call:
    """One line of the list. `what` is what it is about; `book` what the booking form is told."""

    reason: str
    subject: str
    patient: Patient
    since: dt.date
    days: int
    again: dt.date | None
    what: PlannedSession | Appointment | Course
    last: CallNote | None
    times: int

    @property
    def label(self) -> str:
        return str(CallReason(self.reason).label)


def page_of(rows: QuerySet[Any], number: Any, *, site: Site) -> tuple[Page[Any], list[Call]]:
    """One page of the list with everything its lines show; six queries more than the list itself."""
    page = Paginator(rows, PAGE_SIZE).get_page(number)
    return page, list(_filled(list(page.object_list), site.today()))


def _filled(rows: list[tuple[Any, ...]], today: dt.date) -> Iterator[Call]:
    patients = Patient.objects.in_bulk({row[3] for row in rows})
    things = _things(row[2] for row in rows)
    notes: dict[str, list[CallNote]] = defaultdict(list)
    for note in CallNote.objects.filter(subject__in=[row[2] for row in rows]).select_related("called_by"):
        notes[note.subject].append(note)
    for _rank, reason, subject, patient, since, again in rows:
        said = notes[subject]
        what = things[_key(subject)]
        yield Call(
            reason, subject, patients[patient], since, (today - since).days, again, what, said[0] if said else None,
            len(said),
        )  # fmt: skip


def _key(subject: str) -> str:
    return ":".join(subject.split(":")[:2])


def _things(subjects: Iterable[str]) -> dict[str, Any]:
    """What the subjects name, by kind and public id."""
    named: dict[str, set[str]] = defaultdict(set)
    for subject in subjects:
        kind, public_id = _key(subject).split(":")
        named[kind].add(public_id)
    querysets: dict[str, Any] = {
        "session": PlannedSession.objects.select_related("course"),
        "appointment": Appointment.objects.select_related("service", "site"),
        "review": Course.objects.all(),
    }
    return {
        f"{kind}:{one.public_id}": one
        for kind, ids in named.items()
        for one in querysets[kind].filter(public_id__in=ids)
    }


# --- what came of it ------------------------------------------------------------------------------------------------
@transaction.atomic
def log(
    *, patient: Patient, site: Site, reason: str, subject: str, outcome: str, by: Doer, again_on: dt.date | None = None,
    note: str = "",
) -> CallNote:  # fmt: skip
    """Keep one contact. Raises `Refused` beside `outcome` or `again_on`, or when the subject is not this patient's."""
    check_doer(by, Permission.CHANGE_PERSON, site)
    if by.user is None:
        raise Refused(_("Only staff may do this."))
    _check_subject(patient, reason, subject)
    if outcome == CallOutcome.LATER:
        if again_on is None:
            raise Refused(_("Say on which day to call again."), field="again_on")
        today = site.today()
        if not today < again_on <= today + dt.timedelta(days=FARTHEST_AGAIN_DAYS):
            raise Refused(_("Choose a day after today, within a year."), field="again_on")
    made = CallNote.objects.create(
        patient=patient, site=site, reason=reason, subject=subject, outcome=outcome, note=note.strip(),
        again_on=again_on if outcome == CallOutcome.LATER else None, called_at=timezone.now(), called_by=by.user,
    )  # fmt: skip
    audit.record(
        by=by, action="call-logged", sentence=f"called: {outcome}", of=made, patient=patient, site=site,
        detail={"reason": reason, "subject": subject, "outcome": outcome, "again_on": made.again_on},
    )  # fmt: skip
    return made


def _check_subject(patient: Patient, reason: str, subject: str) -> None:
    known = KINDS[CallReason(reason)] if reason in CallReason.values else ""
    if not known or not subject.startswith(f"{known}:") or len(subject) > 40:
        raise Refused(_("This line is no longer on the list. Reload the page."))
    thing = _things([subject]).get(_key(subject))
    if thing is None or thing.patient_id != patient.pk:
        raise Refused(_("This line is no longer on the list. Reload the page."))

