"""When each automatic mail falls due (section 12), and the quiet hours.

Pure. After-session mails count elapsed hours from the session end; "n days before" is calendar arithmetic that keeps
the wall-clock time. All results are aware UTC. The texts of the mails are in the catalogue (`msg-` entries).
"""
from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MORNING = time(10, 0)
QUIET_HOURS = (time(21, 0), time(8, 0))
"""From the first, included, to the second, not included, nothing is sent (site's zone)."""

AT_ONCE = frozenset({"msg-confirm", "msg-after-0"})
"""These ignore the quiet hours: the patient is waiting for them."""

HOURS_AFTER_END: Mapping[str, int] = {"msg-after-0": 0, "msg-4h": 4, "msg-15h": 15, "msg-24h-after": 24, "msg-48h": 48}
DAYS_BEFORE_START: Mapping[str, int] = {"msg-prep-7d": 7, "msg-allergy-test": 5, "msg-24h": 1}
SAME_CLOCK_TIME = frozenset({"msg-24h"})
NEXT_DUE_DAYS_BEFORE = 7
LATE_DAYS_AFTER = 1
LATE_LUMP_DAYS: Mapping[str, int] = {"body": 42}
LATE_LUMP_DAYS_OTHERS = 28

KINDS = frozenset({
    "msg-confirm", "msg-next", "msg-late", "msg-ntm-6w", "msg-review-1m", "msg-review-6m",
    *HOURS_AFTER_END, *DAYS_BEFORE_START,
})


def due_at(
    kind: str,
    *,
    zone: ZoneInfo,
    booked_at: datetime | None = None,
    starts_at: datetime | None = None,
    ended_at: datetime | None = None,
    quiet_hours: tuple[time, time] = QUIET_HOURS,
    dry_hours: int = HOURS_AFTER_END["msg-15h"],
    next_due: date | None = None,
    latest: date | None = None,
    category: str = "",
    review_on: date | None = None,
) -> datetime | None:
    """The moment (UTC) a mail of this kind falls due, quiet hours respected; None when it is not sent.

    `dry_hours`: ac-no-water as the clinic set it. `next_due`, `latest`: of the next session or maintenance (msg-next,
    msg-late; the caller asks only while nothing is booked). `category`: of the course (msg-ntm-6w). `review_on`: the
    review's date. None also where what it counts from is missing, and where it fell due before the booking was made:
    msg-prep-7d is then folded into msg-confirm, the others are dropped. Raises `ValueError` for an unknown kind."""
    if kind not in KINDS:
        raise ValueError(f"{kind} is not a kind of message.")
    due = _raw_due_at(
        kind, zone=zone, booked_at=booked_at, starts_at=starts_at, ended_at=ended_at, dry_hours=dry_hours,
        next_due=next_due, latest=latest, category=category, review_on=review_on)
    if due is None or (kind in DAYS_BEFORE_START and booked_at is not None and due < booked_at):
        return None
    return due if kind in AT_ONCE else after_quiet_hours(due, zone, quiet_hours)


def _raw_due_at(
    kind: str, *, zone: ZoneInfo, booked_at: datetime | None, starts_at: datetime | None, ended_at: datetime | None,
    dry_hours: int, next_due: date | None, latest: date | None, category: str, review_on: date | None,
) -> datetime | None:
    if kind == "msg-confirm":
        return None if booked_at is None else _utc(booked_at)
    if kind in DAYS_BEFORE_START:
        return None if starts_at is None else _days_before(kind, starts_at, zone)
    if kind in HOURS_AFTER_END:
        hours = dry_hours if kind == "msg-15h" else HOURS_AFTER_END[kind]
        return None if ended_at is None else _utc(ended_at) + timedelta(hours=hours)
    day: date | None
    if kind == "msg-next":
        day = next_due and next_due - timedelta(days=NEXT_DUE_DAYS_BEFORE)
    elif kind == "msg-late":
        day = latest and latest + timedelta(days=LATE_DAYS_AFTER)
    elif kind == "msg-ntm-6w":
        days = LATE_LUMP_DAYS.get(category, LATE_LUMP_DAYS_OTHERS)
        day = ended_at and _utc(ended_at).astimezone(zone).date() + timedelta(days=days)
    else:
        day = review_on
    return None if day is None else at_wall_clock(day, MORNING, zone)


def _days_before(kind: str, starts_at: datetime, zone: ZoneInfo) -> datetime:
    local = _utc(starts_at).astimezone(zone)
    day = local.date() - timedelta(days=DAYS_BEFORE_START[kind])
    return at_wall_clock(day, local.time() if kind in SAME_CLOCK_TIME else MORNING, zone)


def after_quiet_hours(due: datetime, zone: ZoneInfo, quiet_hours: tuple[time, time] = QUIET_HOURS) -> datetime:
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
