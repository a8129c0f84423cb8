"""Adverse events as the screening reads them, and the patient's report that nobody has looked at yet.

A report is the answer `q-reaction` = yes. It waits until a clinician has recorded an event and weighed it; from then on
the event speaks (open, closed, grade, causality), without asking the patient again. A report made after every event of
this patient was last weighed is a new one and waits again: unknown never counts as fine.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from patients.facts import PriorEvent
from patients.models import Patient, QuestionnaireResponse
from sessions.choices import Causality
from sessions.models import AdverseEvent

QUESTION = "q-reaction"
OPEN, CLOSED = "open", "closed"
UNHEARD = "reported by the patient"


def prior_events(events: Sequence[AdverseEvent], *, reported_at: dt.datetime | None) -> tuple[PriorEvent, ...]:
    """The facts of all events of one patient, in the order given; no query.

    `reported_at`: when the newest answer to `q-reaction` was given, if that answer is not "no"; None otherwise. Without
    any event the rule itself asks for one, so nothing is added then."""
    known = [
        PriorEvent(
            term=event.reaction or event.term,  # the code reads in every language
            grade=event.grade,
            status=OPEN if event.is_open else CLOSED,
            causality=event.causality,
            substances=tuple(event.substances),
            on=event.onset_on,
        )
        for event in events
    ]
    if known and reported_at is not None and not any(covers(event, reported_at) for event in events):
        known.append(PriorEvent(UNHEARD, 1, OPEN, Causality.NOT_ASSESSED, (), None))
    return tuple(known)


def covers(event: AdverseEvent, reported_at: dt.datetime) -> bool:
    """Somebody recorded or weighed this event after the patient spoke."""
    return max(event.reported_at, event.weighed_at or event.reported_at) >= reported_at


def reported_at(patient: Patient) -> dt.datetime | None:
    """When the patient last said that something went wrong; None when the newest answer is "no" or none was given."""
    responses = QuestionnaireResponse.objects.filter(patient=patient, submitted_at__isnull=False)
    newest = responses.filter(answers__has_key=QUESTION).order_by("-submitted_at", "-id").first()
    if newest is None or newest.answers[QUESTION] == "no":
        return None
    return newest.submitted_at
