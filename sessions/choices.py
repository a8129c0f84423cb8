"""Statuses of giving care and the transition tables. docs/status.md is drawn from these tables by a test."""
from __future__ import annotations

from collections.abc import Mapping

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class AppointmentStatus(TextChoices):
    HELD = "held", _("Held")
    BOOKED = "booked", _("Booked")
    CONFIRMED = "confirmed", _("Confirmed")
    ARRIVED = "arrived", _("Arrived")
    IN_TREATMENT = "in-treatment", _("In treatment")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")
    LATE_CANCELLED = "late-cancelled", _("Cancelled late")
    NO_SHOW = "no-show", _("No-show")


A = AppointmentStatus
# Which move leads where. An undo is a move of its own and listed like any other.
APPOINTMENT_MOVES: Mapping[str, frozenset[str]] = {
    A.HELD: frozenset({A.BOOKED, A.CANCELLED}),
    A.BOOKED: frozenset({A.CONFIRMED, A.ARRIVED, A.CANCELLED, A.LATE_CANCELLED, A.NO_SHOW}),
    A.CONFIRMED: frozenset({A.BOOKED, A.ARRIVED, A.CANCELLED, A.LATE_CANCELLED, A.NO_SHOW}),
    A.ARRIVED: frozenset({A.BOOKED, A.CONFIRMED, A.IN_TREATMENT, A.CANCELLED, A.LATE_CANCELLED}),
    A.IN_TREATMENT: frozenset({A.ARRIVED, A.DONE}),
    A.DONE: frozenset({A.IN_TREATMENT}),
    A.CANCELLED: frozenset({A.BOOKED}),
    A.LATE_CANCELLED: frozenset({A.BOOKED}),
    A.NO_SHOW: frozenset({A.BOOKED, A.ARRIVED}),
}
# These keep their time: the exclusion constraints look at them only (design.md 4). No-show cuts its spans and frees the rest.
OCCUPYING = (A.HELD, A.BOOKED, A.CONFIRMED, A.ARRIVED, A.IN_TREATMENT, A.DONE)
UPCOMING = (A.HELD, A.BOOKED, A.CONFIRMED)
CANCELLED = (A.CANCELLED, A.LATE_CANCELLED)


class MissedReason(TextChoices):
    """What is known about somebody who did not come. Kept as the code, so that everybody reads it in their language."""

    NO_WORD = "no-word", _("No word from the patient")
    NOT_REACHED = "not-reached", _("Could not be reached")
    TOLD_AFTERWARDS = "told-afterwards", _("Told us afterwards")
    CAME_TOO_LATE = "came-too-late", _("Came too late to be treated")
    OUR_MISTAKE = "our-mistake", _("Our mistake")


class Displaced(TextChoices):
    """Why a booked time no longer stands on what lies under it. The first that holds is kept."""

    SITE = "site", _("The site takes no bookings")
    CLOSED = "closed", _("The site is closed on that day")
    HOURS = "hours", _("Outside the opening hours")
    PRACTITIONER = "practitioner", _("The practitioner does not treat here")
    LICENCE = "licence", _("The licence is not valid on that day")
    SERVICE = "service", _("The practitioner does not give this service here")
    ABSENCE = "absence", _("The practitioner is away")
    SHIFT = "shift", _("Outside the working times of the practitioner")
    ROOM = "room", _("The room is out of service")
    DEVICE = "device", _("The device is out of service")


class CourseStatus(TextChoices):
    PROPOSED = "proposed", _("Proposed")
    APPROVED = "approved", _("Approved")
    COMPLETED = "completed", _("Completed")
    STOPPED = "stopped", _("Stopped")


C = CourseStatus
COURSE_MOVES: Mapping[str, frozenset[str]] = {
    C.PROPOSED: frozenset({C.APPROVED, C.STOPPED}),
    C.APPROVED: frozenset({C.PROPOSED, C.COMPLETED, C.STOPPED}),
    C.COMPLETED: frozenset({C.APPROVED}),  # the end of its last session was taken back
    C.STOPPED: frozenset(),
}


class RecordStatus(TextChoices):
    OPEN = "open", _("Open")
    BEGUN = "begun", _("Begun")
    ENDED = "ended", _("Ended")
    SIGNED = "signed", _("Signed")


R = RecordStatus
RECORD_MOVES: Mapping[str, frozenset[str]] = {
    R.OPEN: frozenset({R.BEGUN}),
    R.BEGUN: frozenset({R.OPEN, R.ENDED}),
    R.ENDED: frozenset({R.BEGUN, R.SIGNED}),
    R.SIGNED: frozenset(),
}


class MessageState(TextChoices):
    SCHEDULED = "scheduled", _("Scheduled")
    SENDING = "sending", _("Sending")
    SENT = "sent", _("Sent")
    UNKNOWN = "unknown", _("Unknown")
    DELIVERED = "delivered", _("Delivered")
    BOUNCED = "bounced", _("Bounced")
    FAILED = "failed", _("Failed")
    SUPPRESSED = "suppressed", _("Suppressed")
    MISSED = "missed", _("Missed")


M = MessageState
MESSAGE_MOVES: Mapping[str, frozenset[str]] = {
    M.SCHEDULED: frozenset({M.SENDING, M.SUPPRESSED, M.MISSED}),
    M.SENDING: frozenset({M.SENT, M.SCHEDULED, M.FAILED, M.UNKNOWN, M.DELIVERED, M.BOUNCED, M.SUPPRESSED}),
    M.SENT: frozenset({M.DELIVERED, M.BOUNCED}),
    M.UNKNOWN: frozenset({M.SENDING, M.SENT, M.DELIVERED, M.BOUNCED, M.FAILED, M.SUPPRESSED}),
    M.DELIVERED: frozenset({M.BOUNCED}),
    M.BOUNCED: frozenset(),
    M.FAILED: frozenset({M.SCHEDULED}),
    M.SUPPRESSED: frozenset({M.SCHEDULED}),
    M.MISSED: frozenset(),
}


class DocumentKind(TextChoices):
    AFTERCARE = "aftercare", _("Aftercare sheet")
    CONSENT = "consent", _("Consent form")
    BLANK_CONSENT = "blank-consent", _("Blank consent form")
    WORKSHEET = "worksheet", _("Mixture worksheet")
    LABEL = "label", _("Syringe label")
    EXPLANATION = "explanation", _("Explanation")
    SIGNED_CONSENT = "signed-consent", _("Signed consent")
    SUMMARY = "summary", _("Session summary")
    PLAN = "plan", _("Course plan with cost")
    PASSPORT = "passport", _("Treatment passport")
    DAY_LIST = "day-list", _("Day list")
    LETTER = "letter", _("Letter to another doctor")
    RECALL = "recall", _("Recall letter")
    BLANK_INTAKE = "blank-intake", _("Blank health questions")


CLINICAL_PAPERS = frozenset(
    {DocumentKind.EXPLANATION, DocumentKind.WORKSHEET, DocumentKind.LABEL, DocumentKind.SUMMARY, DocumentKind.PASSPORT,
     DocumentKind.LETTER}
)  # fmt: skip
"""Papers that hold answers, findings or what is drawn up: only who may see those may open them, or see that they exist."""


SEALED_PAPERS = frozenset(
    {DocumentKind.CONSENT, DocumentKind.SIGNED_CONSENT, DocumentKind.SUMMARY, DocumentKind.PASSPORT, DocumentKind.LETTER}
)
"""Papers that leave the house as proof: the file carries the clinic's seal."""


class DocumentState(TextChoices):
    QUEUED = "queued", _("Being made")
    ISSUED = "issued", _("Issued")
    FAILED = "failed", _("Could not be made")
    SUPERSEDED = "superseded", _("Superseded")


class MovementKind(TextChoices):
    RECEIVED = "received", _("Received")
    USED = "used", _("Used")
    WASTED = "wasted", _("Wasted")
    CORRECTED = "corrected", _("Corrected")


class Causality(TextChoices):
    """How likely the treatment caused it (clinical reference, section 11; the WHO-UMC words)."""

    NOT_ASSESSED = "not-assessed", _("Not yet assessed")
    CERTAIN = "certain", _("Certain")
    PROBABLE = "probable", _("Probable")
    POSSIBLE = "possible", _("Possible")
    UNLIKELY = "unlikely", _("Unlikely")
    UNRELATED = "unrelated", _("Unrelated")


class ReactionAction(TextChoices):
    NONE = "none", pgettext_lazy("what was done", "Nothing")
    ADVICE = "advice", _("Advice")
    LOCAL = "local-treatment", _("Local treatment")
    MEDICINE = "medicine", _("Medicine")
    STOPPED = "stopped", _("Treatment stopped")
    EMERGENCY = "emergency", _("Emergency care")


class ReactionOutcome(TextChoices):
    """Open, or how it ended."""

    OPEN = "open", pgettext_lazy("event", "Open")
    RECOVERED = "recovered", _("Recovered")
    SEQUELAE = "sequelae", _("Recovered with lasting marks")
    FATAL = "fatal", _("Fatal")
