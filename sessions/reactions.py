"""Adverse events: reported, assessed, closed, opened again; never deleted. Each deed screens the patient anew.

While an event is open or nobody has assessed it, no session starts and nothing new is booked (scr-prior-reaction). From
grade 2 on a clinician writes instead of the automatic messages as long as it is open (clinical reference, section 12).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.models import Site, User
from clinic.permissions import check_may
from patients.models import Patient
from protocols import catalogue
from sessions import messaging, screenings
from sessions.choices import Causality, ReactionAction, ReactionOutcome
from sessions.models import AdverseEvent, Lot, TreatmentSession, UsedProduct

GRADES = range(1, 6)
SERIOUS_GRADE = 3
NTM = "ae-infection-ntm"
REPORTABLE = ("adverse", "expected")  # kinds of the catalogue's reactions that can be an event


@dataclass(frozen=True, slots=True)
class Report:
    """What is said about an event. `reaction` is a code of the catalogue or ""; then `term` says it in words.

    `treatment_session` gives substances and lots; without it `elsewhere` and `substances` (empty = not known)."""

    grade: int
    reaction: str = ""
    term: str = ""
    onset_on: dt.date | None = None
    treatment_session: TreatmentSession | None = None
    elsewhere: str = ""
    substances: Sequence[str] = ()
    description: str = ""
    action: str = ReactionAction.NONE


@transaction.atomic
def report(*, patient: Patient, site: Site, event: Report, by: Doer) -> AdverseEvent:
    """Put an event on record; it is open and not yet assessed. Raises `Refused` beside the field that is wrong."""
    _check(by, Permission.CHANGE_CLINICAL, site)
    return _put_on_record(patient, site, event, by)


@transaction.atomic
def report_by_patient(*, patient: Patient, event: Report, by: Doer) -> AdverseEvent:
    """What a patient answered by their own link after one of their sessions. Open and not yet assessed, like any report."""
    if by.kind != "patient" or by.public_id != patient.public_id:
        raise NotPermitted(_("Only the patient answers here."))
    if event.treatment_session is None:
        raise ValueError("A patient's answer is about a session.")
    return _put_on_record(patient, event.treatment_session.appointment.site, event, by)


def _put_on_record(patient: Patient, site: Site, event: Report, by: Doer) -> AdverseEvent:
    _check_report(patient, site, event)
    session = event.treatment_session
    known = catalogue.in_force().reactions.get(event.reaction)
    products = list(session.products.all()) if session else []
    row = AdverseEvent.objects.create(
        patient=patient,
        site=session.appointment.site if session else site,
        treatment_session=session,
        elsewhere="" if session else event.elsewhere.strip()[:120],
        reaction=event.reaction,
        term=(event.term.strip() or (known.name_in("en") if known else ""))[:120],
        grade=event.grade,
        onset_on=event.onset_on,
        substances=sorted({product.substance for product in products} if session else set(event.substances)),
        lots=[product.lot_label for product in products if product.lot_label],
        action=event.action,
        description=event.description.strip(),
        reported_at=timezone.now(),
        reported_by_label=by.label,
    )
    _log(row, by, "event-reported", "reported an adverse event", substances=row.substances, onset_on=row.onset_on)
    _consequences(row, by)
    return row


def _check_report(patient: Patient, site: Site, event: Report) -> None:
    rules, session = catalogue.in_force(), event.treatment_session
    known = rules.reactions.get(event.reaction)
    if event.reaction and (known is None or known.kind not in REPORTABLE):
        raise Refused(_("Choose the reaction from the list."), field="reaction")
    if known is None and not event.term.strip():
        raise Refused(_("Say in words what happened."), field="term")
    _check_grade(event.grade)
    if event.action not in ReactionAction.values:
        raise Refused(_("Choose what was done."), field="action")
    unknown = sorted(set(event.substances) - set(rules.substances))
    if unknown:
        raise Refused(_("%(code)s is not a substance of the catalogue.") % {"code": unknown[0]}, field="substances")
    if session is not None and session.patient_id != patient.pk:
        raise Refused(_("This session belongs to another patient."), field="session")
    _check_onset(patient, site, session, event.onset_on)


def _check_onset(patient: Patient, site: Site, session: TreatmentSession | None, onset_on: dt.date | None) -> None:
    if onset_on is None:
        return
    if onset_on > site.today():
        raise Refused(_("This day has not come yet."), field="onset_on")
    if onset_on < patient.birth_date:
        raise Refused(_("This day lies before the patient's birth."), field="onset_on")
    if session is not None and onset_on < session.opened_at.astimezone(session.appointment.site.zone).date():
        raise Refused(_("This day lies before the session."), field="onset_on")


def _check_grade(grade: int) -> None:
    if grade not in GRADES:
        raise Refused(_("The grade is 1 to 5."), field="grade")


@transaction.atomic
def assess(
    *, event: AdverseEvent, seen_version: int, causality: str, grade: int, action: str, by: Doer
) -> AdverseEvent:
    """A clinician says how likely the treatment caused it, and how bad it is. Also answers a new report of the patient."""
    user = _check(by, Permission.TREAT, event.site)
    if causality not in Causality.values or causality == Causality.NOT_ASSESSED:
        raise Refused(_("Say how likely the treatment caused it."), field="causality")
    _check_grade(grade)
    if action not in ReactionAction.values:
        raise Refused(_("Choose what was done."), field="action")
    event.causality, event.grade, event.action = causality, grade, action
    event.weighed_at, event.weighed_by = timezone.now(), user
    _save(event, seen_version, ["causality", "grade", "action", "weighed_at", "weighed_by"])
    _log(event, by, "event-assessed", "assessed an adverse event", causality=causality, done=action)
    _consequences(event, by)
    return event


@transaction.atomic
def close(*, event: AdverseEvent, seen_version: int, outcome: str, closing: str, by: Doer) -> AdverseEvent:
    """It is over: recovered, with lasting marks, or fatal. Only what was assessed can be closed."""
    user = _check(by, Permission.TREAT, event.site)
    refusal = why_not_close(event)
    if refusal:
        raise Refused(refusal)
    if outcome not in ReactionOutcome.values or outcome == ReactionOutcome.OPEN:
        raise Refused(_("Say how it ended."), field="outcome")
    now = timezone.now()
    event.outcome, event.closing = outcome, closing.strip()[:400]
    event.closed_at, event.closed_by = now, user
    event.weighed_at, event.weighed_by = now, user
    _save(event, seen_version, ["outcome", "closing", "closed_at", "closed_by", "weighed_at", "weighed_by"])
    _log(event, by, "event-closed", "closed an adverse event", outcome=outcome, closing=event.closing)
    _consequences(event, by)
    return event


def why_not_close(event: AdverseEvent) -> str:
    """The sentence beside a closed Close button; empty when it may be pressed."""
    if not event.is_open:
        return _("This event is closed already.")
    if event.causality == Causality.NOT_ASSESSED:
        return _("Assess it first: how likely did the treatment cause it?")
    return ""


@transaction.atomic
def reopen(*, event: AdverseEvent, seen_version: int, reason: str, by: Doer) -> AdverseEvent:
    """It came back, or was not over: open again, with a reason. How it was closed stays in the history."""
    user = _check(by, Permission.TREAT, event.site)
    if event.is_open:
        raise Refused(_("This event is open already."))
    if not reason.strip():
        raise Refused(_("Say why it is opened again."), field="reason")
    event.outcome, event.closed_at, event.closed_by, event.closing = ReactionOutcome.OPEN, None, None, ""
    event.weighed_at, event.weighed_by = timezone.now(), user
    _save(event, seen_version, ["outcome", "closed_at", "closed_by", "closing", "weighed_at", "weighed_by"])
    _log(event, by, "event-reopened", "opened an adverse event again", reason=reason.strip()[:200])
    _consequences(event, by)
    return event


def _consequences(event: AdverseEvent, by: Doer) -> None:
    """Facts have changed: 1. lots behind a suspected mycobacterial infection are held back; 2. the patient and every
    running course are screened; 3. the messages follow."""
    if is_suspected_ntm(event):
        _hold_lots_back(event, by)
    screenings.rescreen(patient=event.patient, by=by)
    messaging.events_changed(patient=event.patient, by=by)


def is_suspected_ntm(event: AdverseEvent) -> bool:
    """A late mycobacterial infection that nobody has ruled out."""
    return event.reaction == NTM and event.causality != Causality.UNRELATED


def _hold_lots_back(event: AdverseEvent, by: Doer) -> None:
    """Every lot this patient had in the last 90 days (`house-late-infection`) is quarantined; releasing one is a deed of
    its own (section 11)."""
    since = event.reported_at - _looked_back()
    used = UsedProduct.objects.filter(
        patient=event.patient, lot__isnull=False, treatment_session__begun_at__gte=since,
        treatment_session__begun_at__lte=event.reported_at,
    )  # fmt: skip
    for lot in Lot.objects.filter(pk__in=used.values("lot"), held_back_reason="").select_for_update(no_key=True):
        lot.held_back_reason = _("Suspected mycobacterial infection after this lot")[:200]
        lot.save_if_unchanged(seen=lot.version, fields=["held_back_reason"])
        audit.record(
            by=by, action="lot-held-back", sentence=f"held back lot {lot.lot_number}", of=lot, site=lot.site,
            detail={"reason": lot.held_back_reason, "event": event.public_id},
        )  # fmt: skip


def _looked_back() -> dt.timedelta:
    return dt.timedelta(days=catalogue.in_force().figure("house-late-infection", "look_back_days"))


def is_outbreak(event: AdverseEvent) -> bool:
    """Two suspected cases at one site or on one lot within 90 days (`house-late-infection`) ask for an outbreak report
    (section 11)."""
    if not is_suspected_ntm(event):
        return False
    near = _looked_back()
    others = AdverseEvent.objects.filter(
        reaction=NTM, reported_at__range=(event.reported_at - near, event.reported_at + near)
    ).exclude(patient=event.patient).exclude(causality=Causality.UNRELATED)  # fmt: skip
    return others.filter(Q(site=event.site_id) | Q(lots__overlap=event.lots)).exists()


def _check(by: Doer, permission: Permission, site: Site) -> User:
    if by.user is None:
        raise Refused(_("Only staff can do this."))
    check_may(by.user, permission, site)
    return by.user


def _save(event: AdverseEvent, seen_version: int, fields: list[str]) -> None:
    if not event.save_if_unchanged(seen=seen_version, fields=fields):
        theirs = AdverseEvent.objects.get(pk=event.pk)
        raise Stale(
            _("Somebody changed this event meanwhile. Look at it again."),
            theirs=[
                (str(_("Grade")), str(theirs.grade)),
                (str(_("Cause")), str(theirs.get_causality_display())),
                (str(_("Outcome")), str(theirs.get_outcome_display())),
            ],
        )


def _log(event: AdverseEvent, by: Doer, action: str, sentence: str, **detail: Any) -> None:
    audit.record(
        by=by, action=action, sentence=sentence, of=event, patient=event.patient, site=event.site,
        detail={"term": event.term, "grade": event.grade, **detail},
    )  # fmt: skip
