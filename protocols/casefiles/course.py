"""Cases of kind course: on which days does a course fall, and may this day be taken? Pure."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from protocols.casefiles.expecting import (
    Expectation,
    by_code,
    day_or_none,
    days,
    flag,
    numbers,
    whole,
    word,
)
from protocols.casefiles.kinds import CaseKind, zone_of
from protocols.casefiles.written import Block, Keys, Written
from protocols.definitions import Catalogue, Indication
from protocols.message_times import at_wall_clock
from protocols.planning import (
    CourseRefused,
    IntervalKind,
    IntervalVerdict,
    OpenDay,
    PlannedDate,
    ReviewDate,
    Step,
    Window,
    course_steps,
    judge_interval,
    maintenance_window,
    propose_course,
    review_dates,
    shift_course,
    slot_minutes,
)
from protocols.stop_rules import pain_fell_too_little

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Steps = Sequence[Step | None]
FIRST = date(2026, 3, 2)
AT = time(10, 0)

FIELDS: Keys = {
    "indication": ("ind-aga", "what is treated"),
    "first": ("2026-03-02", "the day the course shall begin; 2026-03-02, a Monday, when left out"),
    "at": ("10:00", "the clock time of every session; 10:00 when left out"),
    "zone": ("Europe/Berlin", "the site's time zone; Europe/Istanbul when left out"),
    "sessions": ("8", "how many sessions; the default of the indication when left out"),
    "phase_sessions": ("[6, 2]", "how many in each phase, where the clinician sets them"),
    "interval_days": ("21", "days between sessions; the default when left out"),
    "substances": ("[sub-dutasteride]", "what is given: some substances have a shortest interval of their own"),
    "closed_weekdays": ("[saturday, sunday]", "weekdays on which the site is closed"),
    "closed_days": ("[2026-03-16]", "single days on which the site is closed"),
    "happened": ("{session: 2, on: 2026-03-20}", "a session took place, or now stands, on another day: later ones follow"),
    "booked": ("[4]", "sessions already booked: they are not moved but listed for a decision"),
    "proposed": ("{session: 2, on: 2026-03-14}", "a day somebody wants for a session: may it be taken?"),
    "pain": ("{sessions_done: 3, baseline: 8, now: 6}", "pain scores 0 to 10 for the stop rule"),
    "regions": ("[reg-face, reg-neck]", "the regions of one session, for the length of its slot"),
}
ON_DAY: Keys = {"session": ("2", "its number in the course"), "on": ("2026-03-20", "the day")}
PAIN: Keys = {
    "sessions_done": ("3", "sessions given so far"),
    "baseline": ("8", "the score before the first"),
    "now": ("6", "the score now"),
}


@dataclass(frozen=True, slots=True)
class Planned:
    """The course as it stands after what happened, and what was asked about it."""

    dates: tuple[PlannedDate, ...]
    actual: tuple[int, date] | None
    for_decision: tuple[int, ...]
    verdict: IntervalVerdict | None
    maintenance: Window | None
    reviews: tuple[ReviewDate, ...]
    stop: bool | None
    slot: int | None
    zone: ZoneInfo

    def day(self, planned: PlannedDate) -> date:
        """The planned day, or the one on which the session took place."""
        return self.actual[1] if self.actual and planned.number == self.actual[0] else planned.ideal

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(self.day(one) for one in self.dates)


@dataclass(frozen=True, slots=True)
class _Run:
    indication: Indication
    catalogue: Catalogue
    first: date
    at: time
    zone: ZoneInfo
    how_many: dict[str, Any]
    is_open: OpenDay
    happened: tuple[int, date] | None
    booked: frozenset[int]
    proposed: tuple[int, date] | None
    pain: dict[str, int] | None
    regions: tuple[str, ...]

    def __call__(self) -> Planned:
        steps = course_steps(self.indication, self.catalogue, **self.how_many)
        dates, for_decision = self._after_what_happened(steps, propose_course(
            indication=self.indication, catalogue=self.catalogue, first_day=self.first, wall_time=self.at,
            is_open=self.is_open, **self.how_many))
        stands = {one.number: one.ideal for one in dates} | dict([self.happened] if self.happened else [])
        last = stands[len(dates)]
        return Planned(
            dates=dates,
            actual=self.happened,
            for_decision=for_decision,
            verdict=self._verdict(steps, stands),
            maintenance=maintenance_window(self.indication, last),
            reviews=review_dates(self.indication, first=stands[1], last=last, catalogue=self.catalogue),
            stop=self._stop(),
            slot=slot_minutes(self.regions, self.catalogue) if self.regions else None,
            zone=self.zone,
        )

    def _after_what_happened(
        self, steps: Steps, dates: tuple[PlannedDate, ...]
    ) -> tuple[tuple[PlannedDate, ...], tuple[int, ...]]:
        """The course as it stands now, and the booked sessions left for a decision."""
        if self.happened is None:
            return dates, ()
        number, actual = self.happened
        _step_of(steps, number)
        shift = shift_course(
            planned=dates, steps=steps, after_number=number, actual=actual, booked=self.booked, is_open=self.is_open)
        moved = {one.number: one for one in shift.moved}
        return (
            tuple(moved.get(one.number, one) for one in dates), tuple(one.number for one in shift.for_decision))

    def _verdict(self, steps: Steps, stands: Mapping[int, date]) -> IntervalVerdict | None:
        if self.proposed is None:
            return None
        number, on = self.proposed
        step = _step_of(steps, number)
        return None if step is None else judge_interval(
            previous=stands[number - 1], proposed=on, step=step, catalogue=self.catalogue)

    def _stop(self) -> bool | None:
        if self.pain is None:
            return None
        return pain_fell_too_little(
            self.indication, sessions_done=self.pain["sessions_done"], baseline_vas=self.pain["baseline"],
            vas=self.pain["now"])


def _step_of(steps: Steps, number: int) -> Step | None:
    """The interval up to that session. Raises `CourseRefused` when the course has no such session."""
    if number > len(steps):
        raise CourseRefused("plan-phase", {
            "en": f"The course has {len(steps)} sessions; there is no session {number}.",
            "tr": f"Bu kür {len(steps)} seanstır; {number}. seans yok."})
    return steps[number - 1]


def read(block: Block, catalogue: Catalogue) -> Callable[[], Planned]:
    first, at = block.take("first"), block.take("at")
    sessions, interval, phases = block.take("sessions"), block.take("interval_days"), block.take("phase_sessions")
    pain = block.take("pain")
    return _Run(
        indication=catalogue.indications[block.need("indication").code(catalogue.indications, "indication")],
        catalogue=catalogue,
        first=FIRST if first is None else first.day(),
        at=AT if at is None else at.clock(),
        zone=zone_of(block),
        how_many={
            "sessions": None if sessions is None else sessions.whole(least=0, most=100),
            "interval_days": None if interval is None else interval.whole(least=0, most=1000),
            "phase_sessions": None if phases is None else numbers(phases, catalogue),
            "substances": [one.code(catalogue.substances, "substance") for one in block.each("substances")],
        },
        is_open=_opening(block),
        happened=_on_day(block.take("happened")),
        booked=frozenset(one.whole(least=1, most=100) for one in block.each("booked")),
        proposed=_on_day(block.take("proposed"), least=2),
        pain=None if pain is None else _pain(pain),
        regions=tuple(one.code(catalogue.regions, "region") for one in block.each("regions")),
    )


def _opening(block: Block) -> OpenDay:
    weekdays = frozenset(WEEKDAYS.index(one.one_of(WEEKDAYS)) for one in block.each("closed_weekdays"))
    closed = frozenset(one.day() for one in block.each("closed_days"))
    return lambda day: day.weekday() not in weekdays and day not in closed


def _on_day(written: Written | None, *, least: int = 1) -> tuple[int, date] | None:
    if written is None:
        return None
    block = Block(written, ON_DAY)
    return block.need("session").whole(least=least, most=100), block.need("on").day()


def _pain(written: Written) -> dict[str, int]:
    block = Block(written, PAIN)
    return {key: block.need(key).whole(least=0, most=100 if key == "sessions_done" else 10) for key in PAIN}


def reasons(answer: Planned) -> list[str]:
    lines = [
        f"session {one.number}{f' of phase {one.phase}' if one.phase else ''} on {answer.day(one)}, possible "
        f"{one.earliest} to {one.latest or 'any day after'}"
        f"{f', moved from closed {one.moved_from_closed}' if one.moved_from_closed else ''}" for one in answer.dates]
    if answer.verdict is not None:
        lines.append(f"the proposed day is {answer.verdict.kind}: {answer.verdict.text('en')} {answer.verdict.code}".strip())
    if answer.maintenance is not None:
        lines.append(f"maintenance from {answer.maintenance.earliest}, due {answer.maintenance.due}")
    return lines + [f"review on {one.on} ({one.anchor} session + {one.days} days, {one.message})" for one in answer.reviews]


# --- expectations ----------------------------------------------------------------------------------------------------
def _gaps(answer: Planned) -> tuple[int, ...]:
    return tuple((later - earlier).days for earlier, later in pairwise(answer.days))


def _starts_utc(answer: Planned) -> tuple[datetime, ...]:
    return tuple(at_wall_clock(answer.day(one), one.wall_time, answer.zone) for one in answer.dates)


def _moments(written: Written, _catalogue: Catalogue) -> tuple[datetime, ...]:
    return tuple(one.moment(ZoneInfo("UTC")) for one in written.items())


def _per_session(written: Written, _catalogue: Catalogue) -> dict[str, Any]:
    found = {}
    for number, one in written.pairs():
        if not number.isdigit():
            raise one.fail(f"“{number}” is not the number of a session.")
        found[number] = day_or_none(one)
    return found


def _window(written: Written, catalogue: Catalogue) -> Any:
    return day_or_none(written) if not written.is_list else days(written, catalogue)


def _maintenance(answer: Planned) -> Any:
    return None if answer.maintenance is None else (answer.maintenance.earliest, answer.maintenance.due)


def _words(written: Written, _catalogue: Catalogue) -> tuple[str, ...]:
    return tuple(one.text() for one in written.items())


def _codes(written: Written, _catalogue: Catalogue) -> str:
    return "" if written.text() == "none" else written.one_of(("plan-min", "plan-late", "plan-gap"))


def _stop(written: Written, _catalogue: Catalogue) -> bool | None:
    return None if written.text() == "none" else written.flag()


def _numbered(take: Callable[[PlannedDate], Any]) -> Callable[[Planned], dict[str, Any]]:
    return lambda answer: {str(one.number): take(one) for one in answer.dates}


EXPECTATIONS: tuple[Expectation[Planned], ...] = (
    Expectation("sessions", "4", "how many sessions the course has", whole, lambda answer: len(answer.dates)),
    Expectation("dates", "[2026-03-02, 2026-03-16]", "the day of every session, in order", days,
                lambda answer: answer.days),
    Expectation("starts_utc", "[2026-03-02 07:00]", "the start of every session in UTC", _moments, _starts_utc),
    Expectation("gaps", "[14, 14, 14]", "days from each session to the next", numbers, _gaps),
    by_code("earliest", "{2: 2026-03-09}", "per session: the first possible day", _per_session,
            _numbered(lambda one: one.earliest)),
    by_code("latest", "{2: 2026-03-30}", "per session: the last day that is not late, or `none`", _per_session,
            _numbered(lambda one: one.latest)),
    Expectation("phases", "[A, A, B]", "the phase of every session, in order", _words,
                lambda answer: tuple(one.phase for one in answer.dates)),
    by_code("moved_from", "{2: 2026-03-16}", "per session: the closed day it was moved from, or `none`", _per_session,
            _numbered(lambda one: one.moved_from_closed)),
    Expectation("late", "[3]", "the sessions whose day lies beyond the longest interval", numbers,
                lambda answer: tuple(one.number for one in answer.dates if one.late)),
    Expectation("for_decision", "[4]", "booked sessions that a moved one leaves to a decision", numbers,
                lambda answer: answer.for_decision),
    Expectation("interval", "too-early", "the proposed day is: " + ", ".join(one.value for one in IntervalKind),
                word([one.value for one in IntervalKind]),
                lambda answer: answer.verdict.kind.value if answer.verdict else None),
    Expectation("interval_code", "plan-min", "the planner rule that speaks: plan-min, plan-late, plan-gap or none",
                _codes, lambda answer: answer.verdict.code if answer.verdict else None),
    Expectation("full_rescreen", "yes", "the proposed day is more than 60 days after the session before", flag,
                lambda answer: answer.verdict.full_rescreen if answer.verdict else None),
    Expectation("maintenance", "[2026-06-12, 2026-09-10]", "earliest and due day after the last session, or `none`",
                _window, _maintenance),
    Expectation("reviews", "[2026-05-13]", "the review dates, in the order of the indication", days,
                lambda answer: tuple(one.on for one in answer.reviews)),
    Expectation("review_mails", "[msg-review-1m]", "the mail of every review date", _words,
                lambda answer: tuple(one.message for one in answer.reviews)),
    Expectation("stop", "yes", "the stop rule for pain: yes, no, or `none` where it does not ask yet", _stop,
                lambda answer: answer.stop),
    Expectation("slot_minutes", "55", "the length of the slot for the regions", whole, lambda answer: answer.slot),
)

KIND: CaseKind[Planned] = CaseKind(
    name="course",
    means="On which days does a course fall, and may this day be taken?",
    fields=FIELDS,
    read=read,
    expectations=EXPECTATIONS,
    reasons=reasons,
    refusals=(CourseRefused,),
)
