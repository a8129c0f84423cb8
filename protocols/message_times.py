"""When each automatic mail falls due (section 12), and the quiet hours.

Pure. After-session mails count elapsed hours from the session end; "n days before" is calendar arithmetic that keeps
the wall-clock time. All results are aware UTC. Texts and figures of the mails are in the catalogue (`msg-` entries and
`house-mails`).
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from protocols.choices import Category
from protocols.definitions import Catalogue
from protocols.figures import HOUSE

BODY = Category.BODY.value
AT_ONCE = frozenset({"msg-confirm", "msg-after-0"})
"""These ignore the quiet hours: the patient is waiting for them."""

AFTER_END = frozenset({"msg-after-0", "msg-4h", "msg-15h", "msg-24h-after", "msg-48h"})
BEFORE_START = frozenset({"msg-prep-7d", "msg-allergy-test", "msg-24h"})
SAME_CLOCK_TIME = frozenset({"msg-24h"})
DRY_TIME = "ac-no-water"
"""Mail msg-15h goes when the skin may be washed again; the hours stand with this instruction."""

KINDS = frozenset({
    "msg-confirm", "msg-next", "msg-late", "msg-ntm-6w", "msg-review-1m", "msg-review-6m", *AFTER_END, *BEFORE_START,
})


@dataclass(frozen=True, slots=True)
class MailHours:
    """When mails go out by one version of the catalogue. `figures`: per kind of mail; `dry_hours`: how long the skin stays
    dry; from the first of the `quiet` hours, included, to the second, not included, nothing is sent (site's zone)."""

    figures: Mapping[str, Mapping[str, int]]
    dry_hours: int
    quiet: tuple[time, time]
    usual: time

    @classmethod
    def of(cls, catalogue: Catalogue) -> MailHours:
        clock = {name: time(catalogue.figure("house-mails", name)) for name in HOUSE["house-mails"]}
        dry = catalogue.aftercare[DRY_TIME].hours_until if DRY_TIME in catalogue.aftercare else None
        return cls(
            figures={code: message.limits for code, message in catalogue.messages.items()},
            dry_hours=DRY_HOURS if dry is None else dry,
            quiet=(clock["quiet_from_hour"], clock["quiet_until_hour"]),
            usual=clock["usual_hour"],
        )

    def hours_after_end(self, kind: str) -> int:
        return 0 if kind == "msg-after-0" else self.dry_hours if kind == "msg-15h" else self.figures[kind]["hours"]


DRY_HOURS = 15
"""Where a catalogue has no instruction to keep the skin dry."""


def due_at(
    kind: str,
    *,
    hours: MailHours,
    zone: ZoneInfo,
    booked_at: datetime | None = None,
    starts_at: datetime | None = None,
    ended_at: datetime | None = None,
    next_due: date | None = None,
    latest: date | None = None,
    category: str = "",
    review_on: date | None = None,
) -> datetime | None:
    """The moment (UTC) a mail of this kind falls due, quiet hours respected; None when it is not sent.

    `hours`: the figures in force. `next_due`, `latest`: of the next session or maintenance (msg-next, msg-late;
    the caller asks only while nothing is booked). `category`: of the course (msg-ntm-6w). `review_on`: the review's date.
    None also where what it counts from is missing, and where it fell due before the booking was made:
    msg-prep-7d is then folded into msg-confirm, the others are dropped. Raises `ValueError` for an unknown kind."""
    if kind not in KINDS:
        raise ValueError(f"{kind} is not a kind of message.")
    due = _raw_due_at(
        kind, hours=hours, zone=zone, booked_at=booked_at, starts_at=starts_at, ended_at=ended_at,
        next_due=next_due, latest=latest, category=category, review_on=review_on)
    if due is None or (kind in BEFORE_START and booked_at is not None and due < booked_at):
        return None
    return due if kind in AT_ONCE else after_quiet_hours(due, zone, hours.quiet)


def _raw_due_at(
    kind: str, *, hours: MailHours, zone: ZoneInfo, booked_at: datetime | None, starts_at: datetime | None,
    ended_at: datetime | None, next_due: date | None, latest: date | None, category: str, review_on: date | None,
) -> datetime | None:
    if kind == "msg-confirm":
        return None if booked_at is None else _utc(booked_at)
    if kind in BEFORE_START:
        return None if starts_at is None else _days_before(kind, starts_at, zone, hours)
    if kind in AFTER_END:
        return None if ended_at is None else _utc(ended_at) + timedelta(hours=hours.hours_after_end(kind))
    day: date | None
    if kind == "msg-next":
        day = next_due and next_due - timedelta(days=hours.figures[kind]["days"])
    elif kind == "msg-late":
        day = latest and latest + timedelta(days=hours.figures[kind]["days"])
    elif kind == "msg-ntm-6w":
        days = hours.figures[kind]["body_days" if category == BODY else "days"]
        day = ended_at and _utc(ended_at).astimezone(zone).date() + timedelta(days=days)
    else:
        day = review_on
    return None if day is None else at_wall_clock(day, hours.usual, zone)


def _days_before(kind: str, starts_at: datetime, zone: ZoneInfo, hours: MailHours) -> datetime:
    local = _utc(starts_at).astimezone(zone)
    day = local.date() - timedelta(days=hours.figures[kind]["days"])
    return at_wall_clock(day, local.time() if kind in SAME_CLOCK_TIME else hours.usual, zone)


def after_quiet_hours(due: datetime, zone: ZoneInfo, quiet_hours: tuple[time, time]) -> datetime:
    """The same moment, or the end of the quiet hours it falls into; never earlier than due. Equal times switch the
    quiet hours off."""
    begins, ends = quiet_hours
    local = due.astimezone(zone)
    clock = local.time()
    over_midnight = begins > ends
    quiet = (clock >= begins or clock < ends) if over_midnight else begins <= clock < ends
    if not quiet:
        return _utc(due)
    day = local.date() + timedelta(days=1 if over_midnight and clock >= begins else 0)
    return max(_utc(due), at_wall_clock(day, ends, zone))


def at_wall_clock(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """A local date and clock time as UTC. A time the clocks skip is read with the offset before the change, so it
    comes out as long after the jump; a time that comes twice is the first one."""
    return datetime.combine(day, clock.replace(tzinfo=None, fold=0), tzinfo=zone).astimezone(UTC)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("A moment without a time zone is not a moment.")
    return moment.astimezone(UTC)
