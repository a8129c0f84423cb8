"""What a screening allows: the one table that page and verb ask (design, decision 6). Pure.

Consultation, allergy test and review are never gated, so nobody asks here for them. Where several things are due at
once (a wait beside a clearance), each must allow the act; the reason given is the worst one that does not.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from patients.choices import Text
from protocols.findings import Outcome, Screening, Severity, Stage


class Act(StrEnum):
    APPROVE = "approve"
    BOOK = "book"
    START = "start"


@dataclass(frozen=True, slots=True)
class Permission:
    """`marked`: allowed, but to be shown as such (on the plan, on the board). `reason` is the sentence for people."""

    allowed: bool
    marked: bool
    reason: Text | None


_YES = (True, False)
_MARKED = (True, True)
_NO = (False, False)

_WAIT_OPEN = "wait, open"
_WAIT_UNTIL = "wait until a later day"
_DAY_FACTS = "incomplete, day facts only"

# Read aloud: outcome -> what it allows. A wait whose day has come allows everything, so it has no row.
TABLE: dict[str, dict[Act, tuple[bool, bool]]] = {
    Outcome.BLOCKED: {Act.APPROVE: _NO, Act.BOOK: _NO, Act.START: _NO},
    Outcome.INCOMPLETE: {Act.APPROVE: _NO, Act.BOOK: _MARKED, Act.START: _NO},
    _DAY_FACTS: {Act.APPROVE: _YES, Act.BOOK: _MARKED, Act.START: _NO},
    Outcome.NEEDS_CLEARANCE: {Act.APPROVE: _MARKED, Act.BOOK: _MARKED, Act.START: _NO},
    _WAIT_OPEN: {Act.APPROVE: _MARKED, Act.BOOK: _NO, Act.START: _NO},
    _WAIT_UNTIL: {Act.APPROVE: _YES, Act.BOOK: _NO, Act.START: _NO},
}


def permits(screening: Screening, act: Act, on: date) -> Permission:
    """May this be done, for a session on `on` (the site's calendar)? One answer for the button and for the verb."""
    marked, reason = False, None
    for row in _rows(screening, on):
        allowed, row_marked = TABLE[row][act]
        if not allowed:
            return Permission(False, False, _reason(row, screening))
        if row_marked:
            marked, reason = True, reason or _reason(row, screening)
    return Permission(True, marked, reason)


def _rows(screening: Screening, on: date) -> Iterator[str]:
    """Everything due at once, worst first."""
    counting = {finding.severity for finding in screening.uncleared}
    if Severity.ABSOLUTE in counting:
        yield Outcome.BLOCKED
    if screening.missing or Severity.INCOMPLETE in counting:
        yield Outcome.INCOMPLETE
    elif screening.to_do and screening.stage is Stage.START:
        yield _DAY_FACTS
    if Severity.RELATIVE in counting:
        yield Outcome.NEEDS_CLEARANCE
    if screening.open_ended:
        yield _WAIT_OPEN
    elif screening.wait_until is not None and on < screening.wait_until:
        yield _WAIT_UNTIL


def _reason(row: str, screening: Screening) -> Text:
    reason = _REASONS[row]
    if row == _WAIT_UNTIL and screening.wait_until is not None:
        return reason.with_values(day=screening.wait_until.isoformat())
    named = {
        Outcome.BLOCKED: [one for one in screening.uncleared if one.severity is Severity.ABSOLUTE],
        Outcome.NEEDS_CLEARANCE: [one for one in screening.uncleared if one.severity is Severity.RELATIVE],
        _WAIT_OPEN: [one for one in screening.findings if one.open_ended],
    }.get(row, [])
    titles = [one.title for one in named]
    if not titles:
        return reason
    return Text(
        tuple(
            (language, text.format(titles=", ".join(dict.fromkeys(title.get(language) for title in titles))))
            for language, text in reason.by_language
        )
    )


_REASONS: dict[str, Text] = {
    Outcome.BLOCKED: Text.of(en="Not possible with this plan: {titles}.", tr="Bu planla mümkün değil: {titles}."),
    Outcome.INCOMPLETE: Text.of(
        en="Questions of the intake are still unanswered or unclarified.",
        tr="Sağlık formunda yanıtlanmamış ya da netleşmemiş sorular var.",
    ),
    _DAY_FACTS: Text.of(
        en="Measurements of the day are still missing.", tr="O gün yapılacak ölçümler henüz eksik."
    ),
    Outcome.NEEDS_CLEARANCE: Text.of(
        en="A clinician's clearance is needed: {titles}.", tr="Hekim onayı gerekiyor: {titles}."
    ),
    _WAIT_OPEN: Text.of(
        en="Wait until this is healed or clarified: {titles}.",
        tr="Şu durum iyileşene ya da netleşene kadar beklenmeli: {titles}.",
    ),
    _WAIT_UNTIL: Text.of(en="Possible on or after {day}.", tr="{day} tarihinde veya sonrasında mümkün."),
}
