"""What screening answers: findings with their reasons, and the one headline over them. Pure."""
from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from patients.choices import Text


class Severity(StrEnum):
    ABSOLUTE = "absolute"
    INCOMPLETE = "incomplete"
    RELATIVE = "relative"
    TEMPORARY = "temporary"
    INFO = "info"


SEVERITY_ORDER: tuple[Severity, ...] = (
    Severity.ABSOLUTE,
    Severity.INCOMPLETE,
    Severity.RELATIVE,
    Severity.TEMPORARY,
    Severity.INFO,
)


class Outcome(StrEnum):
    BLOCKED = "blocked"
    INCOMPLETE = "incomplete"
    NEEDS_CLEARANCE = "needs-clearance"
    WAIT = "wait"
    CLEARED = "cleared"


class Stage(StrEnum):
    INTAKE = "intake"
    PLAN = "plan"
    BOOKING = "booking"
    START = "start"


def worst(severities: Iterable[Severity]) -> Severity:
    return min(severities, key=SEVERITY_ORDER.index)


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that fired, with everything needed to explain it: what was answered, why it matters, what lifts it.

    `wait_until` is the first day treatment is allowed again; `open_ended` = until something is healed or resolved.
    Both may stand on a relative finding too: the clearance then does not lift the wait.
    """

    code: str
    severity: Severity
    title: Text
    sentence: Text
    answers: tuple[tuple[str, str], ...]
    source: tuple[str, ...]
    rule_version: int
    mark: str = ""
    wait_until: date | None = None
    open_ended: bool = False
    unclarified: bool = False
    lifted_by: Text | None = None
    substances: tuple[str, ...] = ()
    needs_letter: Text | None = None
    cleared_by: str | None = None

    def text(self, language: str) -> str:
        return self.sentence.get(language)

    @property
    def waits(self) -> bool:
        return self.open_ended or self.wait_until is not None

    @property
    def fingerprint(self) -> str:
        """Changes with the rule, its answers or the substances it concerns: a clearance given for it then ends."""
        behind = [self.code, sorted(self.answers), sorted(self.substances)]
        return hashlib.sha256(json.dumps(behind, ensure_ascii=False).encode()).hexdigest()[:32]

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "severity": self.severity.value,
            "title": self.title.to_json(),
            "sentence": self.sentence.to_json(),
            "answers": [list(answer) for answer in self.answers],
            "source": list(self.source),
            "rule_version": self.rule_version,
            "mark": self.mark,
            "wait_until": None if self.wait_until is None else self.wait_until.isoformat(),
            "open_ended": self.open_ended,
            "unclarified": self.unclarified,
            "lifted_by": None if self.lifted_by is None else self.lifted_by.to_json(),
            "substances": list(self.substances),
            "needs_letter": None if self.needs_letter is None else self.needs_letter.to_json(),
            "cleared_by": self.cleared_by,
        }


@dataclass(frozen=True, slots=True)
class GrantedClearance:
    """A named clinician took responsibility for one finding. `fingerprint` is that of the finding it was given for;
    `ends_on` the last day of the course, None while that is open. `letter`: a letter was attached; without one it does not
    cover a finding whose rule asks for it now. `rule_version` is the one it was granted under (None: as now), `judged_for`
    the day of the session it was judged for: what a newer version asks for must have been there as well."""

    code: str
    fingerprint: str
    by: str
    granted_on: date
    ends_on: date | None = None
    letter: bool = True
    rule_version: int | None = None
    judged_for: date | None = None

    def covers(self, finding: Finding, on: date, *, most_days: int) -> bool:
        """`most_days`: how long a clearance holds by the rules in force (`house-clearance`)."""
        last = self.granted_on + timedelta(days=most_days)
        if self.ends_on is not None:
            last = min(last, self.ends_on)
        same = self.code == finding.code and self.fingerprint == finding.fingerprint
        return same and self.granted_on <= on <= last


@dataclass(frozen=True, slots=True)
class Screening:
    """The result of one evaluation. `to_do`: measurements still due (held up only at the start of a session);
    `missing`: required questions without an answer; `would_matter`: rules that wait for a plan."""

    outcome: Outcome
    wait_until: date | None
    open_ended: bool
    findings: tuple[Finding, ...]
    to_do: tuple[str, ...]
    missing: tuple[str, ...]
    would_matter: tuple[str, ...]
    evaluated_on: date
    catalogue_version: str
    stage: Stage

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(finding.code for finding in self.findings)

    @property
    def uncleared(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.cleared_by is None)

    @property
    def only_day_facts_missing(self) -> bool:
        """Incomplete merely because something is measured on the day itself."""
        return not self.missing and all(finding.severity is not Severity.INCOMPLETE for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome.value,
            "wait_until": None if self.wait_until is None else self.wait_until.isoformat(),
            "open_ended": self.open_ended,
            "findings": [finding.to_json() for finding in self.findings],
            "to_do": list(self.to_do),
            "missing": list(self.missing),
            "would_matter": list(self.would_matter),
            "evaluated_on": self.evaluated_on.isoformat(),
            "catalogue_version": self.catalogue_version,
            "stage": self.stage.value,
        }
