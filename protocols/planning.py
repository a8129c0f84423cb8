"""Course dates: proposing a course, the window of the next session, judging an interval, maintenance, reviews.

Pure. Calendar arithmetic on dates of the site, at one wall-clock time; whether a day is open is asked of the caller.
Rules (section 14): `plan-next`, `plan-min`, `plan-late`, `plan-gap`, `plan-phase`, `plan-shift`, `plan-maintenance`,
`plan-review`. A window counts from the previous actual date, or the planned one while nothing has happened yet.
"""
from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum

from protocols.definitions import Catalogue, Indication, Phase, Texts, text_in
from protocols.stop_rules import pain_fell_too_little as pain_fell_too_little

LONGEST_CLOSURE_DAYS = 366
MINUTES_PER_FURTHER_REGION = 10
OpenDay = Callable[[date], bool]


class CourseRefused(ValueError):
    """A course or date that cannot be planned. `code` is the planner rule; `sentence` is for people, per language."""

    def __init__(self, code: str, sentence: Texts) -> None:
        self.code = code
        self.sentence = sentence
        super().__init__(sentence["en"])

    def text(self, lang: str) -> str:
        return text_in(self.sentence, lang)


class IntervalKind(StrEnum):
    TOO_EARLY = "too-early"
    IDEAL = "ideal"
    ALLOWED = "allowed"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Step:
    """The interval that leads up to one session, in calendar days. `most` None: never late."""

    phase: str
    least: int
    ideal: int
    most: int | None


@dataclass(frozen=True, slots=True)
class PlannedDate:
    """One session of a course with its window. `ideal` is an open day, never before `earliest`; `latest` None means
    that it is never late. `moved_from_closed` is the closed day it was moved from; `interval_days` the interval that was
    meant to lead up to it, whatever closed days made of it (0 for the first)."""

    number: int
    earliest: date
    ideal: date
    latest: date | None
    phase: str
    wall_time: time
    moved_from_closed: date | None = None
    interval_days: int = 0

    @property
    def late(self) -> bool:
        """Whether the proposed day itself lies beyond the longest interval (`plan-late`)."""
        return self.latest is not None and self.ideal > self.latest


@dataclass(frozen=True, slots=True)
class IntervalVerdict:
    """How a proposed date stands to the previous one. `code` is the planner rule that speaks (empty when ideal or
    allowed); `full_rescreen` when more days passed inside a course than `plan-gap` allows."""

    kind: IntervalKind
    code: str
    days: int
    sentence: Texts
    full_rescreen: bool

    @property
    def refused(self) -> bool:
        return self.kind is IntervalKind.TOO_EARLY

    def text(self, lang: str) -> str:
        return text_in(self.sentence, lang)


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance session: possible from `earliest`, due on `due`."""

    earliest: date
    due: date


@dataclass(frozen=True, slots=True)
class ReviewDate:
    """A look back. `message` is the mail that goes out on that day; `anchor` says whether it counts from the first or
    the last session."""

    anchor: str
    days: int
    on: date
    message: str


@dataclass(frozen=True, slots=True)
class Shift:
    """What a cancelled or moved session does to the later ones: the unbooked are planned anew, the booked are listed
    for a decision."""

    moved: tuple[PlannedDate, ...]
    for_decision: tuple[PlannedDate, ...]


def propose_course(
    *,
    indication: Indication,
    catalogue: Catalogue,
    first_day: date,
    wall_time: time,
    is_open: OpenDay,
    sessions: int | None = None,
    interval_days: int | None = None,
    phase_sessions: Sequence[int] | None = None,
    substances: Iterable[str] = (),
) -> tuple[PlannedDate, ...]:
    """Dates for a whole course from its first day on, each counted from the one before as planned.

    `sessions` changes the last phase, `phase_sessions` sets each phase within its range. `interval_days` replaces the
    default interval of the phases in whose range it lies; below every minimum it is refused, above every maximum it
    is taken and the dates are late. `substances` may lengthen intervals (their own minimum). Raises `CourseRefused`."""
    steps = course_steps(
        indication, catalogue, sessions=sessions, interval_days=interval_days, phase_sessions=phase_sessions,
        substances=substances)
    planned: list[PlannedDate] = []
    for number, step in enumerate(steps, start=1):
        if step is None:
            planned.append(_first(first_day, indication.phases[0], wall_time, is_open))
        else:
            planned.append(next_window(
                previous=planned[-1].ideal, number=number, step=step, wall_time=wall_time, is_open=is_open))
    return tuple(planned)


def course_steps(
    indication: Indication,
    catalogue: Catalogue,
    *,
    sessions: int | None = None,
    interval_days: int | None = None,
    phase_sessions: Sequence[int] | None = None,
    substances: Iterable[str] = (),
) -> tuple[Step | None, ...]:
    """The interval leading up to each session, in order; the first session has none (`plan-phase`)."""
    counts = _phase_counts(indication, sessions, phase_sessions)
    own_least = max((_own_minimum(code, catalogue) for code in substances), default=0)
    asked = _fitting_phases(indication, interval_days)
    steps: list[Step | None] = []
    for index, (phase, count) in enumerate(zip(indication.phases, counts, strict=True)):
        for _session in range(count):
            chosen = interval_days if index in asked else None
            steps.append(_step(phase, own_least, chosen) if steps else None)
    return tuple(steps)


def _own_minimum(code: str, catalogue: Catalogue) -> int:
    return catalogue.substances[code].min_interval_days or 0


def _phase_counts(
    indication: Indication, sessions: int | None, phase_sessions: Sequence[int] | None
) -> tuple[int, ...]:
    if phase_sessions is not None:
        if len(phase_sessions) != len(indication.phases) or any(
                count not in phase.sessions for count, phase in zip(phase_sessions, indication.phases, strict=False)):
            raise CourseRefused("plan-phase", {
                "en": "Each phase needs a number of sessions within its range.",
                "tr": "Her evrenin seans sayısı kendi aralığında olmalıdır."})
        total = sum(phase_sessions)
        if sessions is not None and sessions != total:
            raise CourseRefused("plan-phase", {
                "en": f"The phases add up to {total} sessions, not {sessions}.",
                "tr": f"Evrelerin toplamı {sessions} değil, {total} seans."})
    else:
        total = indication.sessions.default if sessions is None else sessions
    if total not in indication.sessions or total < 1:
        span = indication.sessions
        most = span.high if span.high is not None else "…"
        raise CourseRefused("plan-phase", {
            "en": f"This indication takes {span.low} to {most} sessions, not {total}.",
            "tr": f"Bu endikasyon {span.low}–{most} seans içindir, {total} olamaz."})
    if phase_sessions is not None:
        return tuple(phase_sessions)
    earlier = [phase.sessions.default for phase in indication.phases[:-1]]
    return (*earlier, total - sum(earlier)) if total >= sum(earlier) else _cut(earlier, total)


def _cut(counts: list[int], total: int) -> tuple[int, ...]:
    """Fewer sessions than the earlier phases hold: they end early and the last phase is empty."""
    left = total
    kept: list[int] = []
    for count in counts:
        kept.append(min(count, left))
        left -= kept[-1]
    return (*kept, 0)


def _fitting_phases(indication: Indication, interval_days: int | None) -> frozenset[int]:
    """The phases a chosen interval is for: those in whose range it lies; above every maximum all of them, late."""
    if interval_days is None:
        return frozenset()
    spans = [phase.interval_days for phase in indication.phases]
    fitting = frozenset(index for index, span in enumerate(spans) if span is not None and interval_days in span)
    if fitting:
        return fitting
    below = [span.low for span in spans if span is not None and interval_days < span.low]
    if below:
        raise _below_minimum(interval_days, min(below))
    return frozenset(range(len(spans)))


def _step(phase: Phase, own_least: int, chosen: int | None) -> Step:
    span = phase.interval_days
    if span is None:
        raise CourseRefused("plan-phase", {
            "en": "This indication is a single session; there is no interval.",
            "tr": "Bu endikasyon tek seanstır; aralık yoktur."})
    least = max(span.low, own_least)
    if chosen is not None and chosen < least:
        raise _below_minimum(chosen, least)
    return Step(
        phase=phase.name,
        least=least,
        ideal=max(span.default if chosen is None else chosen, least),
        most=None if span.high is None else max(span.high, least),
    )


def _below_minimum(days: int, least: int) -> CourseRefused:
    return CourseRefused("plan-min", {
        "en": f"An interval of {days} days is below the minimum of {least} days.",
        "tr": f"{days} günlük aralık, {least} günlük en kısa aralığın altında."})


def _first(first_day: date, phase: Phase, wall_time: time, is_open: OpenDay) -> PlannedDate:
    day = next_open_day(first_day, is_open)
    return PlannedDate(
        1, earliest=first_day, ideal=day, latest=None, phase=phase.name, wall_time=wall_time,
        moved_from_closed=None if day == first_day else first_day)


def next_open_day(day: date, is_open: OpenDay) -> date:
    """The day itself or the next open one. Raises `CourseRefused` when the site stays closed for a year."""
    for offset in range(LONGEST_CLOSURE_DAYS + 1):
        candidate = day + timedelta(days=offset)
        if is_open(candidate):
            return candidate
    raise CourseRefused("plan-next", {
        "en": "No open day was found within a year.", "tr": "Bir yıl içinde açık gün bulunamadı."})


def next_window(*, previous: date, number: int, step: Step, wall_time: time, is_open: OpenDay) -> PlannedDate:
    """The window of one session counted from the previous date (`plan-next`): a closed day gives way to the next open
    one, never to an earlier one, so that the minimum holds."""
    wanted = previous + timedelta(days=step.ideal)
    day = next_open_day(wanted, is_open)
    return PlannedDate(
        number=number,
        earliest=previous + timedelta(days=step.least),
        ideal=day,
        latest=None if step.most is None else previous + timedelta(days=step.most),
        phase=step.phase,
        wall_time=wall_time,
        moved_from_closed=None if day == wanted else wanted,
        interval_days=step.ideal,
    )


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def judge_interval(*, previous: date, proposed: date, step: Step, catalogue: Catalogue) -> IntervalVerdict:
    """Whether a date may be taken: below the minimum it is refused (`plan-min`), above the maximum it is allowed and
    marked late (`plan-late`); more days than `plan-gap` says also need a full re-screen."""
    days = (proposed - previous).days
    gap = needs_full_rescreen(previous, proposed, catalogue)
    if days < step.least:
        return IntervalVerdict(IntervalKind.TOO_EARLY, "plan-min", days, {
            "en": f"{_days(days)} after the last session; at least {step.least} are needed "
                  f"({previous + timedelta(days=step.least):%d.%m.%Y}).",
            "tr": f"Son seanstan {days} gün sonra; en az {step.least} gün gerekir "
                  f"({previous + timedelta(days=step.least):%d.%m.%Y}).",
        }, gap)
    again = (" All health questions are asked again.", " Tüm sağlık soruları yeniden sorulur.") if gap else ("", "")
    if step.most is not None and days > step.most:
        return IntervalVerdict(IntervalKind.LATE, "plan-gap" if gap else "plan-late", days, {
            "en": f"{_days(days)} after the last session, later than the usual {step.most}.{again[0]}",
            "tr": f"Son seanstan {days} gün sonra, olağan {step.most} günden geç.{again[1]}",
        }, gap)
    kind = IntervalKind.IDEAL if days == step.ideal else IntervalKind.ALLOWED
    return IntervalVerdict(kind, "plan-gap" if gap else "", days, {
        "en": f"{_days(days)} after the last session.{again[0]}",
        "tr": f"Son seanstan {days} gün sonra.{again[1]}"}, gap)


def needs_full_rescreen(last_session: date, on: date, catalogue: Catalogue) -> bool:
    """More days since the last session inside a course than `plan-gap` says (60 in the reference)."""
    return (on - last_session).days > gap_days(catalogue)


def gap_days(catalogue: Catalogue) -> int:
    """After how many days without a session everything is asked again. The loader sees to it that the figure is there."""
    days = catalogue.planner_rules["plan-gap"].days
    if days is None:
        raise ValueError("plan-gap has no days.")
    return days


def shift_course(
    *,
    planned: Sequence[PlannedDate],
    steps: Sequence[Step | None],
    after_number: int,
    actual: date,
    booked: Collection[int],
    is_open: OpenDay,
) -> Shift:
    """Session `after_number` took place, or now stands, on `actual`: later unbooked sessions follow, booked ones are
    listed for a decision and the dates after them count from where they stand (`plan-shift`)."""
    moved: list[PlannedDate] = []
    for_decision: list[PlannedDate] = []
    previous = actual
    for session in sorted(planned, key=lambda one: one.number):
        if session.number <= after_number:
            continue
        step = steps[session.number - 1]
        if session.number in booked or step is None:
            for_decision.append(session)
            previous = session.ideal
            continue
        new = next_window(
            previous=previous, number=session.number, step=step, wall_time=session.wall_time, is_open=is_open)
        moved.append(new)
        previous = new.ideal
    return Shift(tuple(moved), tuple(for_decision))


def maintenance_window(indication: Indication, last_session: date) -> Window | None:
    """Due at the longer end of the range after the last actual session, possible from the shorter end on; None when
    the indication has no maintenance (`plan-maintenance`)."""
    maintenance = indication.maintenance
    if maintenance is None:
        return None
    return Window(
        earliest=last_session + timedelta(days=maintenance.earliest_days),
        due=last_session + timedelta(days=maintenance.latest_days),
    )


def review_dates(
    indication: Indication, *, first: date, last: date, catalogue: Catalogue
) -> tuple[ReviewDate, ...]:
    """The review days of a course, planned or actual; closed days do not move them (`plan-review`). Reviews that are
    tasks after a session or some hours have no date of their own here."""
    found = []
    soon = catalogue.messages["msg-review-1m"].limits["most_days"]
    for review in indication.reviews:
        if review.days is not None:
            start = first if review.anchor == "first" else last
            message = "msg-review-1m" if review.days <= soon else "msg-review-6m"
            found.append(ReviewDate(review.anchor, review.days, start + timedelta(days=review.days), message))
    return tuple(found)


def slot_minutes(regions: Iterable[str], catalogue: Catalogue) -> int:
    """Length of a slot without numbing time: the longest region plus ten minutes for each further one. Raises
    `ValueError` without a region."""
    minutes = [catalogue.regions[region].slot_minutes for region in dict.fromkeys(regions)]
    if not minutes:
        raise ValueError("A slot needs at least one region.")
    return max(minutes) + MINUTES_PER_FURTHER_REGION * (len(minutes) - 1)
