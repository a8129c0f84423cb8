"""The outbox: messages are rows, written by the deed that causes them, in its own transaction (design.md 9).

Nothing is sent from here. Cancelling withdraws, moving rewrites; what will not go out is a row too, with its reason.
`sessions/sending.py` sends what is due.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from clinic.doer import Doer
from clinic.models import Site, User
from clinic.once import once
from patients.models import DataRequest, Patient
from protocols import message_times
from sessions import message_rules
from sessions.before_the_first import visit_for_testing
from sessions.choices import CANCELLED as CANCELLED_STATUSES
from sessions.choices import UPCOMING, MessageState
from sessions.message_rules import SWITCHED_OFF, Rules, indication_of
from sessions.message_texts import (
    AFTER_4H,
    AFTERCARE,
    ALERT,
    ALLERGY_TEST,
    CANCELLED,
    CHECK_IN,
    CONFIRM,
    CONSENT,
    DATA_ANSWERED,
    DATA_ASKED,
    FIRST_DAY,
    INTAKE,
    LATE_LUMP,
    MAY_WASH,
    MOVED,
    PAPERS,
    PREPARE,
    REMINDER,
)  # fmt: skip
from sessions.models import AdverseEvent, Appointment, CheckIn, Consent, Message, TreatmentSession
from sessions.outbox import NO_ADDRESS, messages_of, move, new_rfc_message_id, next_revision, step, withdraw, write
from sessions.plans import plan_of

S = MessageState

# Why a message does not go out. Stored in English, shown through gettext.
ADDRESS_FAILS = gettext_noop("Mails to this address come back")
MOVED_AWAY = gettext_noop("Appointment moved")
CALLED_OFF = gettext_noop("Appointment cancelled")
TOO_LATE_TO_REMIND = gettext_noop("Too late for a reminder: booked less than a day before")
BEGUN_ALREADY = gettext_noop("The appointment has begun")
END_CORRECTED = gettext_noop("The end of the treatment was corrected")
END_TAKEN_BACK = gettext_noop("The end of the treatment was taken back")
UNDONE = gettext_noop("The change was undone before it was sent")
SUPERSEDED = gettext_noop("Replaced by a newer message")
NOT_TOLD = gettext_noop("The desk chose not to tell the patient by mail")
NOT_WANTED = gettext_noop("The patient does without this kind of mail")
LATER_SESSION = gettext_noop("A later session counts")
EVENT_OPEN = gettext_noop("An adverse event is open: a clinician writes instead")
# These answer a deed of this moment. All others come by themselves, and end while an event of grade 2 or more is open.
ANSWERS = (CONFIRM, MOVED, CANCELLED, AFTERCARE, INTAKE, CONSENT, PAPERS, DATA_ASKED, DATA_ANSWERED)

# In these states the patient may have read it.
MAY_BE_READ = (S.SENDING, S.SENT, S.DELIVERED, S.UNKNOWN)
INTAKE_DAYS = 7
CONSENT_DAYS = 7
PAPERS_DAYS = 7
DATA_DAYS = 30
ALERT_DAYS = 3
DATA_REMINDER = 100  # revision of the mail that a request is still open; repeats of the first one count from 2
CHECK_IN_CAUSE, DATA_CAUSE = "checkin", "datarequest"
AFTERCARE_HOURS = 48
# What follows a treatment by itself, and how long after its moment it is still of use.
AFTER_THE_END = {AFTER_4H: 12, MAY_WASH: 24, FIRST_DAY: 24, CHECK_IN: AFTERCARE_HOURS, LATE_LUMP: 14 * 24}


# --- what other verbs call, inside their transaction ----------------------------------------------------------------
def appointment_booked(*, appointment: Appointment, by: Doer) -> None:
    """Confirmation at once and the reminder; also after a cancellation was taken back."""
    bring_up_to_date(appointment, by=by, reason=UNDONE)


def appointment_moved(*, appointment: Appointment, by: Doer, tell: bool = True) -> None:
    """What is not sent is rewritten. A patient who was told another time is told, after the hold. Without `tell` the log
    keeps a row that says so instead of a mail."""
    bring_up_to_date(appointment, by=by, reason=MOVED_AWAY, tell=tell)


def appointment_cancelled(*, appointment: Appointment, by: Doer) -> None:
    """What is not sent is withdrawn. A patient who was told to come is told not to, after the hold."""
    bring_up_to_date(appointment, by=by, reason=CALLED_OFF)


@transaction.atomic
def treatment_ended(*, treatment_session: TreatmentSession, by: Doer) -> None:
    """Aftercare at once; what follows by hours and weeks after the end, the check-in after 48 hours among it."""
    after_the_end(treatment_session, by=by, corrected=False)


@transaction.atomic
def end_corrected(*, treatment_session: TreatmentSession, by: Doer) -> None:
    """Rewrite what is not sent; a patient who has the old clock times gets the right ones, after the hold.

    Also for an end that was taken back (`ended_at` is empty again): then everything is withdrawn, and the late check
    counts from the session before.
    """
    reason = END_CORRECTED if treatment_session.ended_at else END_TAKEN_BACK
    withdraw(messages_of(treatment_session), reason=reason, by=by)
    if treatment_session.ended_at is not None:
        after_the_end(treatment_session, by=by, corrected=True)
    else:
        late_check_comes_back(treatment_session, by=by)


@transaction.atomic
def intake_requested(*, patient: Patient, site: Site, by: Doer) -> Message:
    """The mail with the patient's intake link. One that is still waiting is not written twice."""
    held = Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    waiting = messages_of(held).filter(kind=INTAKE, state=S.SCHEDULED).first()
    if waiting is not None:
        return waiting
    now = timezone.now()
    return write(
        INTAKE, cause=held, patient=held, site=site, by=by, due_at=now,
        useful_until=now + dt.timedelta(days=INTAKE_DAYS), revision=next_revision(held, INTAKE),
    )  # fmt: skip


@transaction.atomic
def consent_requested(*, consent: Consent, site: Site, by: Doer) -> Message:
    """The mail with the patient's link to one consent text. One that is still waiting is not written twice."""
    held = Consent.objects.select_for_update(no_key=True, of=("self",)).select_related("patient").get(pk=consent.pk)
    waiting: Message | None = messages_of(held).filter(kind=CONSENT, state=S.SCHEDULED).first()
    if waiting is not None:
        return waiting
    now = timezone.now()
    return write(
        CONSENT, cause=held, patient=held.patient, site=site, by=by, due_at=now,
        useful_until=now + dt.timedelta(days=CONSENT_DAYS), revision=next_revision(held, CONSENT),
    )  # fmt: skip


@transaction.atomic
def papers_requested(*, patient: Patient, site: Site, by: Doer) -> Message:
    """The mail with the link to the patient's papers. One that is still waiting is not written twice."""
    held = Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    waiting: Message | None = messages_of(held).filter(kind=PAPERS, state=S.SCHEDULED).first()
    if waiting is not None:
        return waiting
    now = timezone.now()
    return write(
        PAPERS, cause=held, patient=held, site=site, by=by, due_at=now,
        useful_until=now + dt.timedelta(days=PAPERS_DAYS), revision=next_revision(held, PAPERS),
    )  # fmt: skip


def data_requested(*, request: DataRequest, by: Doer) -> Message:
    """That a request about their data has come in, or what became of it. Call it inside the verb that did it."""
    kind, now = DATA_ASKED if request.settled_at is None else DATA_ANSWERED, timezone.now()
    return write(
        kind, cause=request, patient=request.patient, site=request.site, by=by, due_at=now,
        useful_until=now + dt.timedelta(days=DATA_DAYS), revision=next_revision(request, kind),
    )  # fmt: skip


def tell_managers(
    *, request: DataRequest, managers: Collection[User], by: Doer, revision: int = 1, due_at: dt.datetime | None = None
) -> list[Message]:
    """One mail to each who may answer, else to the site, without a word about the patient; the board counts it, too. Of
    use until the last day for an answer. From `DATA_REMINDER` on it is the reminder."""
    site = request.site
    languages = {one.email: one.language for one in managers if one.email} or {site.email: "en"}
    useful_until = site.day_bounds(request.due_on)[1]
    return alert(
        languages, cause_kind=DATA_CAUSE, cause=request, site=site, useful_until=useful_until, by=by, revision=revision,
        due_at=due_at,
    )  # fmt: skip


@transaction.atomic
def tell_clinic(*, check_in: CheckIn, practitioner: User, by: Doer) -> list[Message]:
    """One mail to who treated and one to the site, each without a word about the patient."""
    site, useful_until = check_in.site, timezone.now() + dt.timedelta(days=ALERT_DAYS)
    languages = {one: practitioner.language for one in (practitioner.email, site.email) if one} or {"": practitioner.language}
    return alert(languages, cause_kind=CHECK_IN_CAUSE, cause=check_in, site=site, useful_until=useful_until, by=by)


def alert(
    languages: Mapping[str, str], *, cause_kind: str, cause: CheckIn | DataRequest, site: Site, useful_until: dt.datetime,
    by: Doer, revision: int = 1, due_at: dt.datetime | None = None,
) -> list[Message]:  # fmt: skip
    """One mail to each address, in its language. No patient is the recipient, so none stands in the row; without any
    address it says so."""
    found = []
    for address, language in languages.items():
        message = Message.objects.create(
            kind=ALERT, site=site, cause_kind=cause_kind, cause_public_id=cause.public_id, cause_revision=revision,
            recipient=address, language=language, due_at=due_at or timezone.now(), useful_until=useful_until,
            state=S.SCHEDULED if address else S.SUPPRESSED, reason="" if address else NO_ADDRESS,
            rfc_message_id=new_rfc_message_id(),
        )  # fmt: skip
        step(message, by=by)
        found.append(message)
    return found


@transaction.atomic
def events_changed(*, patient: Patient, by: Doer) -> None:
    """An adverse event was reported, assessed, closed or opened again (section 12): the messages that come by themselves
    are withdrawn while one of grade 2 or more is open, and the reminders come back when none is."""
    if stopped_by_event(patient):
        withdraw(Message.objects.filter(patient=patient).exclude(kind__in=ANSWERS), reason=EVENT_OPEN, by=by)
        return
    held = Message.objects.filter(patient=patient, state=S.SUPPRESSED, reason=EVENT_OPEN, appointment__isnull=False)
    for appointment in Appointment.objects.upcoming().filter(pk__in=held.values("appointment")).select_related("site"):
        bring_up_to_date(appointment, by=by, reason=UNDONE)


def patients_stopped() -> Any:
    """Patients (keys) to whom nothing goes out by itself now: the query behind `stopped_by_event`."""
    return AdverseEvent.objects.stopping_messages().values("patient")


def stopped_by_event(patient: Patient) -> bool:
    events = AdverseEvent.objects.for_patient(patient).stopping_messages()
    return bool(once(("stopped by event", patient.pk), events.exists))


def is_stopped_by_event(message: Message) -> bool:
    """One that comes by itself, to a patient with such an event."""
    return message.kind not in ANSWERS and message.patient is not None and stopped_by_event(message.patient)


# --- appointments ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Told:
    """The last thing the patient may have read about this appointment: a start, or that it is cancelled."""

    start: str = ""
    cancelled: bool = False


def told_about(appointment: Appointment) -> Told:
    last = (
        messages_of(appointment)
        .filter(state__in=MAY_BE_READ, kind__in=[CONFIRM, MOVED, REMINDER, CANCELLED])
        .order_by("-claimed_at", "-id")
        .first()
    )
    if last is None:
        return Told()
    return Told(start=last.told_start, cancelled=last.kind == CANCELLED)


@transaction.atomic
def bring_up_to_date(appointment: Appointment, *, by: Doer, reason: str, tell: bool | None = None) -> None:
    """Compare what the patient was told with what is true now, withdraw what no longer holds, write what is missing.

    1. Everything unsent about this appointment is withdrawn. What is still right comes back in step 2 or 3.
    2. Cancelled: a notice, if the patient was ever told to come.
    3. Upcoming: a confirmation if nothing was told yet, a notice if another time was told, nothing if it is the same
       time again (an undo within the hold); and the reminder. Not telling (`tell` is False, or was for this very time)
       leaves a row that says so.
    """
    told = told_about(appointment)
    withdraw(messages_of(appointment), reason=reason, by=by)
    now = timezone.now()
    if appointment.status in CANCELLED_STATUSES:
        if told.start and not told.cancelled and appointment.starts_at > now:
            write_visit(CANCELLED, appointment, by=by, due_at=after_hold(by, now))
        return
    if appointment.status not in UPCOMING:
        return
    silence = "" if tell or (tell is None and not told_by_other_means(appointment)) else NOT_TOLD
    if not told.start or told.cancelled:
        write_visit(CONFIRM, appointment, by=by, due_at=now, suppressed=silence)
    elif told.start != appointment.agreed_start:
        write_visit(MOVED, appointment, by=by, due_at=after_hold(by, now), suppressed=silence)
    rules = message_rules.in_force([REMINDER, PREPARE, ALLERGY_TEST])
    write_reminder(appointment, by=by, now=now, rules=rules)
    write_preparation(appointment, by=by, now=now, rules=rules)


def write_preparation(appointment: Appointment, *, by: Doer, now: dt.datetime, rules: Rules) -> None:
    """Before a treatment: how to prepare, a week ahead, and the test of a new product. What would come too late is not
    written: the confirmation says how to prepare, and the desk sees on the booking that a test is missing."""
    if not appointment.service.is_gated or appointment.course is None:
        return
    held_back = EVENT_OPEN if stopped_by_event(appointment.patient) else ""
    for kind in (PREPARE, ALLERGY_TEST):
        due_at = visit_due_at(kind, appointment, rules=rules, booked_at=now)
        if due_at is not None and (kind == PREPARE or needs_test(appointment)):
            write_visit(kind, appointment, by=by, due_at=due_at, suppressed=held_back)


def needs_test(appointment: Appointment) -> bool:
    """A product of the plan would be new on that day and has no test that would count (gate-test)."""
    course, day = appointment.course, appointment.local_start.date()
    if course is None:
        return False
    return visit_for_testing(patient=appointment.patient, site=appointment.site, plan=plan_of(course), on=day) is not None


def told_by_other_means(appointment: Appointment) -> bool:
    """Whether the desk chose, for the time as it stands, not to tell the patient by mail."""
    rows = messages_of(appointment).filter(kind__in=[CONFIRM, MOVED], state=S.SUPPRESSED, reason=NOT_TOLD)
    return bool(rows.filter(cause_revision__gte=appointment.revision).exists())


def write_reminder(appointment: Appointment, *, by: Doer, now: dt.datetime, rules: Rules) -> None:
    """One calendar day before at the same clock time. Inside that window the confirmation has just said it all."""
    due_at = visit_due_at(REMINDER, appointment, rules=rules, booked_at=now)
    suppressed = TOO_LATE_TO_REMIND if due_at is None else EVENT_OPEN if stopped_by_event(appointment.patient) else ""
    write_visit(REMINDER, appointment, by=by, due_at=due_at or now, suppressed=suppressed)


def visit_due_at(
    kind: str, appointment: Appointment, *, rules: Rules, booked_at: dt.datetime | None = None
) -> dt.datetime | None:
    """When a mail before this visit falls due by the clinic's rules; None where that was before `booked_at`."""
    hours = rules.hours(kind, site=appointment.site, indication=indication_of(appointment.course))
    return message_times.due_at(
        kind, hours=hours, booked_at=booked_at, starts_at=appointment.starts_at, zone=appointment.site.zone
    )


def write_visit(kind: str, appointment: Appointment, *, by: Doer, due_at: dt.datetime, suppressed: str = "") -> Message:
    revision = max(appointment.revision, next_revision(appointment, kind, if_sent=True))
    return write(
        kind, cause=appointment, patient=appointment.patient, site=appointment.site, appointment=appointment, by=by,
        due_at=due_at, useful_until=appointment.starts_at, revision=revision, suppressed=suppressed,
    )  # fmt: skip


def after_hold(by: Doer, now: dt.datetime) -> dt.datetime:
    """A change by staff waits, so that an undo sends nothing. The patient's own deed is answered at once."""
    return now + dt.timedelta(seconds=settings.MESSAGE_HOLD_SECONDS if by.kind == "staff" else 0)


# --- after a treatment ----------------------------------------------------------------------------------------------
def after_the_end(treatment_session: TreatmentSession, *, by: Doer, corrected: bool) -> None:
    now, ended_at = timezone.now(), treatment_session.ended_at
    appointment = treatment_session.appointment
    if ended_at is None:
        raise ValueError("Messages after a treatment count from its end.")
    common: dict[str, Any] = {
        "cause": treatment_session, "patient": treatment_session.patient, "site": appointment.site,
        "appointment": appointment, "by": by,
    }  # fmt: skip
    write(
        AFTERCARE, due_at=after_hold(by, now) if corrected else now,
        useful_until=max(now, ended_at) + dt.timedelta(hours=AFTERCARE_HOURS),
        revision=next_revision(treatment_session, AFTERCARE), **common,
    )  # fmt: skip
    read = set(messages_of(treatment_session).filter(state__in=MAY_BE_READ).values_list("kind", flat=True))
    held_back = EVENT_OPEN if stopped_by_event(treatment_session.patient) else ""
    withdraw(earlier_late_checks(treatment_session), reason=LATER_SESSION, by=by)
    rules = message_rules.in_force(AFTER_THE_END)
    where: dict[str, Any] = {"site": appointment.site, "indication": treatment_session.course.indication}
    for kind, useful_hours in AFTER_THE_END.items():
        due_at = session_due_at(kind, treatment_session, rules=rules)
        off = "" if rules.is_sent(kind, **where) else SWITCHED_OFF
        if due_at is not None and kind not in read:
            write(
                kind, due_at=due_at, useful_until=due_at + dt.timedelta(hours=useful_hours), suppressed=held_back or off,
                revision=next_revision(treatment_session, kind), **common,
            )  # fmt: skip


def session_due_at(kind: str, treatment_session: TreatmentSession, *, rules: Rules) -> dt.datetime | None:
    """When a mail after this session falls due by the clinic's rules."""
    site, course = treatment_session.appointment.site, treatment_session.course
    hours = rules.hours(kind, site=site, indication=course.indication)
    return message_times.due_at(
        kind, hours=hours, ended_at=treatment_session.ended_at, zone=site.zone, category=course.category
    )


def earlier_late_checks(treatment_session: TreatmentSession) -> Any:
    """The late check of the course counts from its latest session: those of the earlier ones are withdrawn."""
    others = treatment_session.course.treatment_sessions.exclude(pk=treatment_session.pk)
    earlier = others.filter(ended_at__lt=treatment_session.ended_at).values("public_id")
    return Message.objects.filter(kind=LATE_LUMP, cause_kind="treatmentsession", cause_public_id__in=earlier)


def late_check_comes_back(treatment_session: TreatmentSession, *, by: Doer) -> None:
    """This session has not ended after all: the course's latest one that did gets its late check back while it is of use."""
    others = treatment_session.course.treatment_sessions.exclude(pk=treatment_session.pk).exclude(ended_at=None)
    latest = others.select_related("appointment__site", "course").order_by("ended_at", "id").last()
    if latest is None or stopped_by_event(latest.patient):
        return
    rows = messages_of(latest).filter(kind=LATE_LUMP).select_for_update(no_key=True)
    newest = rows.order_by("cause_revision", "id").last()
    due_at = session_due_at(LATE_LUMP, latest, rules=message_rules.in_force([LATE_LUMP]))
    if newest is None or due_at is None or (newest.state, newest.reason) != (S.SUPPRESSED, LATER_SESSION):
        return
    useful_until = due_at + dt.timedelta(hours=AFTER_THE_END[LATE_LUMP])
    if useful_until > timezone.now():
        newest.due_at, newest.useful_until = due_at, useful_until
        newest.save(update_fields=["due_at", "useful_until"])
        move(newest, S.SCHEDULED, by=by)
