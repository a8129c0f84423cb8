"""A treatment begun or ended by mistake, taken back with a reason while nothing is signed (the status table: each move has
an undo). What was noted until then stays in the audit log."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.doer import Doer
from clinic.errors import Refused
from sessions import coursework, messaging, recording, statuses, stock
from sessions.choices import AppointmentStatus, RecordStatus
from sessions.models import PlannedSession, TreatmentSession
from sessions.planned import replan


@transaction.atomic
def take_back_begin(
    *, record: TreatmentSession, seen_version: int, reason: str, nothing_given: bool, by: Doer
) -> TreatmentSession:
    """The record is open again and the patient waits. What was given cannot be taken back, so somebody says that nothing
    was. Raises `Refused` without that or without a reason, `Stale` when somebody saved meanwhile."""
    recording.check_treats(by, record.appointment)
    recording.check_move(record, RecordStatus.OPEN)
    _check_reason(reason)
    if not nothing_given:
        raise Refused(_("Once something was injected the treatment is ended, not taken back."), field="nothing_given")
    begun_at, record.begun_at = record.begun_at, None
    record.status = RecordStatus.OPEN
    appointment = recording.locked_appointment(record)
    recording.save(record, seen_version, ["status", "begun_at"])
    statuses.change_status(
        appointment=appointment, to=AppointmentStatus.ARRIVED, seen_version=appointment.version, by=by
    )
    recording.log(record, by, "begin-taken-back", "took back the beginning of the treatment",
                  detail={"begun_at": begun_at, "reason": reason.strip()[:200]})  # fmt: skip
    return record


@transaction.atomic
def take_back_end(*, record: TreatmentSession, seen_version: int, reason: str, by: Doer) -> TreatmentSession:
    """The treatment goes on: the lots get back what was taken, the next dates count as before, what is not sent is
    withdrawn, and a sheet that was printed proves as withdrawn until the end is stamped anew."""
    user = recording.check_treats(by, record.appointment)
    recording.check_move(record, RecordStatus.BEGUN)
    _check_reason(reason)
    ended_at, record.ended_at = record.ended_at, None
    record.status = RecordStatus.BEGUN
    appointment = recording.locked_appointment(record)
    recording.save(record, seen_version, ["status", "ended_at"])
    stock.give_back(record=record, by=user, reason=_("The end of the treatment was taken back"))
    statuses.change_status(
        appointment=appointment, to=AppointmentStatus.IN_TREATMENT, seen_version=appointment.version, by=by
    )
    _undate_planned_session(record, by)
    messaging.end_corrected(treatment_session=record, by=by)
    recording.log(record, by, "end-taken-back", "took back the end of the treatment",
                  detail={"ended_at": ended_at, "reason": reason.strip()[:200], "at": timezone.now()})  # fmt: skip
    return record


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise Refused(_("Say why."), field="reason")


def _undate_planned_session(record: TreatmentSession, by: Doer) -> None:
    """The planned session is open again, and with it a course that was complete. Its mails follow its new dates."""
    if record.planned_session_id is None:
        return
    PlannedSession.objects.filter(pk=record.planned_session_id).update(done_on=None)
    replan(coursework.reopen(course=record.course, by=by))
