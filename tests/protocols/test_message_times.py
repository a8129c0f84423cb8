"""When mails fall due (section 12): elapsed hours, calendar days, quiet hours, both clock changes."""
from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from protocols.definitions import Catalogue
from protocols.loading import load_reference
from protocols.message_times import AT_ONCE, KINDS, MailHours, after_quiet_hours, due_at

ISTANBUL = ZoneInfo("Europe/Istanbul")
ROME = ZoneInfo("Europe/Rome")
HOURS = MailHours.of(load_reference())


def at(words: str, zone: ZoneInfo = ROME) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=zone)


def shown(moment: datetime | None, zone: ZoneInfo = ROME) -> str | None:
    if moment is None:
        return None
    assert moment.tzinfo is UTC
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


# kind, what it counts from (local), due (local, Rome)
TABLE: list[tuple[str, dict[str, str], str | None]] = [
    ("msg-confirm", {"booked_at": "2026-11-22 23:10"}, "2026-11-22 23:10"),
    ("msg-prep-7d", {"booked_at": "2026-11-01 12:00", "starts_at": "2026-11-20 15:30"}, "2026-11-13 10:00"),
    ("msg-prep-7d", {"booked_at": "2026-11-13 10:00", "starts_at": "2026-11-20 15:30"}, "2026-11-13 10:00"),
    ("msg-prep-7d", {"booked_at": "2026-11-13 10:01", "starts_at": "2026-11-20 15:30"}, None),
    ("msg-allergy-test", {"booked_at": "2026-11-01 12:00", "starts_at": "2026-11-20 15:30"}, "2026-11-15 10:00"),
    ("msg-24h", {"booked_at": "2026-11-01 12:00", "starts_at": "2026-11-20 15:30"}, "2026-11-19 15:30"),
    ("msg-24h", {"booked_at": "2026-11-19 15:31", "starts_at": "2026-11-20 15:30"}, None),
    ("msg-24h", {"booked_at": "2026-11-01 12:00", "starts_at": "2026-11-20 07:30"}, "2026-11-19 08:00"),
    ("msg-24h", {"booked_at": "2026-11-01 12:00", "starts_at": "2026-11-20 21:00"}, "2026-11-20 08:00"),
    ("msg-24h", {"booked_at": "2026-11-01 12:00", "starts_at": "2026-11-20 20:59"}, "2026-11-19 20:59"),
    ("msg-after-0", {"ended_at": "2026-11-20 22:10"}, "2026-11-20 22:10"),
    ("msg-4h", {"ended_at": "2026-11-20 16:59"}, "2026-11-20 20:59"),
    ("msg-4h", {"ended_at": "2026-11-20 17:00"}, "2026-11-21 08:00"),
    ("msg-15h", {"ended_at": "2026-11-20 17:00"}, "2026-11-21 08:00"),
    ("msg-15h", {"ended_at": "2026-11-20 16:00"}, "2026-11-21 08:00"),
    ("msg-15h", {"ended_at": "2026-11-20 18:00"}, "2026-11-21 09:00"),
    ("msg-24h-after", {"ended_at": "2026-11-20 15:00"}, "2026-11-21 15:00"),
    ("msg-48h", {"ended_at": "2026-11-20 15:00"}, "2026-11-22 15:00"),
    ("msg-next", {"next_due": "2026-12-20"}, "2026-12-13 10:00"),
    ("msg-late", {"latest": "2026-12-20"}, "2026-12-21 10:00"),
    ("msg-ntm-6w", {"ended_at": "2026-11-01 15:00", "category": "body"}, "2026-12-13 10:00"),
    ("msg-ntm-6w", {"ended_at": "2026-11-01 15:00", "category": "hair"}, "2026-11-29 10:00"),
    ("msg-review-1m", {"review_on": "2026-12-20"}, "2026-12-20 10:00"),
    ("msg-review-6m", {"review_on": "2027-05-20"}, "2027-05-20 10:00"),
    # The clocks in Rome go forward on 29 March 2026 and back on 25 October 2026: wall clock for days, hours for hours.
    ("msg-24h", {"booked_at": "2026-03-01 12:00", "starts_at": "2026-03-29 15:00"}, "2026-03-28 15:00"),
    ("msg-24h", {"booked_at": "2026-10-01 12:00", "starts_at": "2026-10-25 15:00"}, "2026-10-24 15:00"),
    ("msg-prep-7d", {"booked_at": "2026-03-01 12:00", "starts_at": "2026-04-03 15:00"}, "2026-03-27 10:00"),
    ("msg-24h-after", {"ended_at": "2026-03-28 15:00"}, "2026-03-29 16:00"),
    ("msg-24h-after", {"ended_at": "2026-10-24 15:00"}, "2026-10-25 14:00"),
    ("msg-48h", {"ended_at": "2026-03-28 20:30"}, "2026-03-31 08:00"),  # 21:30 by the new clock: quiet
    ("msg-48h", {"ended_at": "2026-10-24 21:30"}, "2026-10-26 20:30"),  # an hour earlier by the clock: not quiet
    ("msg-15h", {"ended_at": "2026-03-28 16:00"}, "2026-03-29 08:00"),
    ("msg-15h", {"ended_at": "2026-10-24 17:30"}, "2026-10-25 08:00"),
]
DATES = ("next_due", "latest", "review_on")


def arguments(words: dict[str, str]) -> dict[str, object]:
    return {
        key: value if key == "category" else date.fromisoformat(value) if key in DATES else at(value)
        for key, value in words.items()}


@pytest.mark.parametrize(("kind", "words", "expected"), TABLE)
def test_when_a_mail_falls_due(kind: str, words: dict[str, str], expected: str | None) -> None:
    assert shown(due_at(kind, hours=HOURS, zone=ROME, **arguments(words))) == expected  # type: ignore[arg-type]


def test_every_kind_is_in_the_table() -> None:
    assert {kind for kind, _words, _expected in TABLE} == KINDS


def test_catalogue_and_times_know_the_same_mails(reference: Catalogue) -> None:
    assert set(reference.messages) == KINDS
    assert {code for code, message in reference.messages.items() if message.sent_at_once} == AT_ONCE


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_nothing_to_count_from_means_no_mail(kind: str) -> None:
    assert due_at(kind, hours=HOURS, zone=ROME) is None


@pytest.mark.parametrize(("local", "expected"), [
    ("2026-11-20 20:59", "2026-11-20 20:59"), ("2026-11-20 21:00", "2026-11-21 08:00"),
    ("2026-11-21 00:00", "2026-11-21 08:00"), ("2026-11-21 07:59", "2026-11-21 08:00"),
    ("2026-11-21 08:00", "2026-11-21 08:00"), ("2026-03-28 23:00", "2026-03-29 08:00"),
    ("2026-10-24 23:00", "2026-10-25 08:00"),
])
@pytest.mark.parametrize("zone", [ROME, ISTANBUL])
def test_quiet_hours(local: str, expected: str, zone: ZoneInfo) -> None:
    assert shown(after_quiet_hours(at(local, zone), zone, HOURS.quiet), zone) == expected


@pytest.mark.parametrize(("quiet", "local", "expected"), [
    ((time(13), time(15)), "2026-11-20 14:00", "2026-11-20 15:00"),
    ((time(13), time(15)), "2026-11-20 15:00", "2026-11-20 15:00"),
    ((time(13), time(15)), "2026-11-20 22:00", "2026-11-20 22:00"),
    ((time(8), time(8)), "2026-11-20 08:00", "2026-11-20 08:00"),
    ((time(22), time(9)), "2026-11-20 08:30", "2026-11-20 09:00"),
])
def test_clinic_sets_its_quiet_hours(quiet: tuple[time, time], local: str, expected: str) -> None:
    assert shown(after_quiet_hours(at(local), ROME, quiet)) == expected


def test_site_zone_decides_what_is_quiet() -> None:
    ended_at = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)  # 4 h later: 19:30 in Rome, 21:30 in Istanbul
    assert shown(due_at("msg-4h", hours=HOURS, zone=ROME, ended_at=ended_at), ROME) == "2026-11-20 19:30"
    assert shown(due_at("msg-4h", hours=HOURS, zone=ISTANBUL, ended_at=ended_at), ISTANBUL) == "2026-11-21 08:00"


def test_dry_time_as_the_clinic_set_it() -> None:
    due = due_at("msg-15h", hours=replace(HOURS, dry_hours=10), zone=ROME, ended_at=at("2026-11-20 10:00"))
    assert shown(due) == "2026-11-20 20:00"


def test_skipped_clock_time_comes_after_the_jump() -> None:
    """02:30 on 29 March 2026 does not exist in Rome."""
    due = due_at("msg-24h", hours=replace(HOURS, quiet=(time(0), time(0))), zone=ROME, starts_at=at("2026-03-30 02:30"))
    assert shown(due) == "2026-03-29 03:30"


def test_unknown_kind_and_naive_time_are_refused() -> None:
    with pytest.raises(ValueError, match="msg-nothing"):
        due_at("msg-nothing", hours=HOURS, zone=ROME)
    with pytest.raises(ValueError, match="time zone"):
        due_at("msg-48h", hours=HOURS, zone=ROME, ended_at=datetime(2026, 11, 20, 15, 0))  # noqa: DTZ001 (naive on purpose)


# kind, the figure of the catalogue the medical lead set, what it counts from, due
SET: list[tuple[str, dict[str, int], dict[str, str], str]] = [
    ("msg-prep-7d", {"days": 8}, {"booked_at": "2026-11-01 12:00", "starts_at": "2026-11-20 15:30"}, "2026-11-12 10:00"),
    ("msg-allergy-test", {"days": 6}, {"booked_at": "2026-11-01 12:00", "starts_at": "2026-11-20 15:30"}, "2026-11-14 10:00"),
    ("msg-24h", {"days": 2}, {"booked_at": "2026-11-01 12:00", "starts_at": "2026-11-20 15:30"}, "2026-11-18 15:30"),
    ("msg-4h", {"hours": 3}, {"ended_at": "2026-11-20 16:00"}, "2026-11-20 19:00"),
    ("msg-24h-after", {"hours": 26}, {"ended_at": "2026-11-20 15:00"}, "2026-11-21 17:00"),
    ("msg-48h", {"hours": 72}, {"ended_at": "2026-11-20 15:00"}, "2026-11-23 15:00"),
    ("msg-next", {"days": 10}, {"next_due": "2026-12-20"}, "2026-12-10 10:00"),
    ("msg-late", {"days": 3}, {"latest": "2026-12-20"}, "2026-12-23 10:00"),
    ("msg-ntm-6w", {"body_days": 49}, {"ended_at": "2026-11-01 15:00", "category": "body"}, "2026-12-20 10:00"),
    ("msg-ntm-6w", {"days": 35}, {"ended_at": "2026-11-01 15:00", "category": "hair"}, "2026-12-06 10:00"),
]


@pytest.mark.parametrize(("kind", "figures", "words", "expected"), SET)
def test_the_figures_of_the_catalogue_decide(
    kind: str, figures: dict[str, int], words: dict[str, str], expected: str, reference: Catalogue
) -> None:
    edited = replace(reference.messages[kind], limits={**reference.messages[kind].limits, **figures})
    hours = MailHours.of(replace(reference, messages={**reference.messages, kind: edited}))
    assert shown(due_at(kind, hours=hours, zone=ROME, **arguments(words))) == expected  # type: ignore[arg-type]


def test_the_house_sets_quiet_hours_and_the_usual_hour(reference: Catalogue) -> None:
    mails = replace(reference.house["house-mails"], limits={"quiet_from_hour": 19, "quiet_until_hour": 9, "usual_hour": 12})
    hours = MailHours.of(replace(reference, house={"house-mails": mails}))
    assert shown(due_at("msg-4h", hours=hours, zone=ROME, ended_at=at("2026-11-20 15:00"))) == "2026-11-21 09:00"
    assert shown(due_at("msg-late", hours=hours, zone=ROME, latest=date(2026, 12, 20))) == "2026-12-21 12:00"


def test_a_version_stored_before_the_figures_could_be_edited_has_those_of_then(reference: Catalogue) -> None:
    assert MailHours.of(replace(reference, house={})) == HOURS
