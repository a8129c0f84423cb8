"""What the answers of a check-in mean: which entries of the catalogue they meet, and how fast somebody must look. Pure.

What no entry names is expected. Something the patient is not sure about is looked at, never taken for fine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from protocols.definitions import Catalogue, CheckInAnswer

FEVER, PAIN, SWELLING = "ci-fever", "ci-pain", "ci-swelling"
LUMP, LUMP_EARLY = "ci-lump", "ci-lump-early"
ASKED_APART = frozenset({FEVER, PAIN, SWELLING, LUMP, LUMP_EARLY})
EMERGENCY, SAME_DAY, IN_48_HOURS, EXPECTED = "emergency", "same-day", "48-hours", "expected"
URGENCIES = (EMERGENCY, SAME_DAY, IN_48_HOURS, EXPECTED)  # most urgent first


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """`signs` are codes of the catalogue that were ticked; `pain` 0 to 10, `pain_before` that of the answer before;
    `fever` and `lump` are None where the patient is not sure."""

    signs: frozenset[str]
    pain: int
    pain_before: int | None
    swelling_grows: bool
    fever: bool | None
    lump: bool | None


def signs_asked(catalogue: Catalogue) -> tuple[CheckInAnswer, ...]:
    """The signs a patient ticks by name, most urgent first."""
    named = (answer for answer in catalogue.check_ins.values() if answer.code not in ASKED_APART)
    return tuple(sorted(named, key=lambda answer: URGENCIES.index(answer.urgency)))


def judge(answers: Answers, *, since_end: timedelta, catalogue: Catalogue) -> tuple[CheckInAnswer, ...]:
    """The entries that these answers meet so long after the session, most urgent first; empty when all is as expected."""
    met = [answer for answer in catalogue.check_ins.values() if _meets(answer, answers, since_end)]
    if answers.lump is not False and not any(answer.code in {LUMP, LUMP_EARLY} for answer in met):
        met += [catalogue.check_ins[LUMP]] if LUMP in catalogue.check_ins else []  # later than any entry: still looked at
    return tuple(sorted(met, key=lambda answer: URGENCIES.index(answer.urgency)))


def urgency_of(met: Iterable[CheckInAnswer]) -> str:
    return min((answer.urgency for answer in met), key=URGENCIES.index, default=EXPECTED)


def _meets(answer: CheckInAnswer, given: Answers, since_end: timedelta) -> bool:
    late_enough = since_end >= timedelta(hours=answer.after_hours)
    if answer.code == PAIN:
        # A high figure counts at any time; a higher one than before only once it should be falling (section 11).
        high = answer.at_least is not None and given.pain >= answer.at_least
        risen = given.pain_before is not None and given.pain > given.pain_before
        return high or (answer.rising and risen and late_enough)
    if answer.code == SWELLING:
        return given.swelling_grows and late_enough
    if answer.code == FEVER:
        return given.fever is True
    if answer.code in {LUMP, LUMP_EARLY}:
        return given.lump is not False and _in_days(answer, since_end)
    return answer.code in given.signs


def _in_days(answer: CheckInAnswer, since_end: timedelta) -> bool:
    days = since_end.days
    return (answer.from_day or 0) <= days and (answer.until_day is None or days <= answer.until_day)
