"""What changed since last time, for the session screen: live until the needle, then as it was stored with the record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from protocols import catalogue
from protocols.screening import Stage
from sessions import screenings
from sessions.change_words import in_a_sentence
from sessions.choices import RecordStatus
from sessions.gathering import facts_of
from sessions.impact import Kind, Reason
from sessions.models import TreatmentSession

OF_THE_SCREENING = frozenset(
    {Kind.NEW, Kind.GONE, Kind.SEVERITY, Kind.WAIT, Kind.CLEARED, Kind.ANSWERS, Kind.ASKED, Kind.ANSWERED}
)


@dataclass(frozen=True, slots=True)
class SinceLast:
    """`last` is the local moment of the screening compared with; `is_session` whether that was the start of a session,
    not the plan. The lines are sentences: what the screening says otherwise, then what is known otherwise."""

    last: dt.datetime
    is_session: bool
    findings: list[str]
    facts: list[str]

    @property
    def is_empty(self) -> bool:
        return not (self.findings or self.facts)


def since_last(record: TreatmentSession) -> SinceLast | None:
    """None where nothing was ever screened before."""
    site = record.appointment.site
    if record.status == RecordStatus.OPEN:
        before = screenings.screened_before(
            patient=record.patient, stage=Stage.START, course=record.course, appointment=record.appointment
        )
        if before is None:
            return None
        facts = facts_of(record.patient)
        now = screenings.evaluate(
            patient=record.patient, stage=Stage.START, on=site.today(), course=record.course, facts=facts
        )
        reasons: Sequence[Reason] = screenings.changes_since(before, facts, now)
    else:
        stored = record.screening
        if stored is None or stored.since is None:
            return None
        before, reasons = stored.since, [Reason.from_json(one) for one in stored.changes]
    rules = catalogue.in_force()
    said = [(one.kind in OF_THE_SCREENING, in_a_sentence(one, rules)) for one in reasons]
    return SinceLast(
        last=before.evaluated_at.astimezone(site.zone),
        is_session=before.stage == Stage.START,
        findings=[words for of_screening, words in said if of_screening],
        facts=[words for of_screening, words in said if not of_screening],
    )
