"""What holds for every sheet and every mail: elapsed hours only ever lengthen, nobody is written to at night. Fixed."""
from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.aftercare import Instruction, aftercare, joined
from protocols.loading import load_reference
from protocols.message_stops import Standing, stopped_by
from protocols.message_times import AFTER_END, AT_ONCE, KINDS, MailHours, after_quiet_hours, due_at
from protocols.plan import Plan
from tests.protocols.healthy import EXAMPLES, example_plan, measured, person

steady = settings(derandomize=True, max_examples=100, deadline=None, database=None)
ZONES = st.sampled_from([ZoneInfo(name) for name in (
    "Europe/Berlin", "Europe/Istanbul", "America/New_York", "Australia/Lord_Howe", "Australia/Sydney", "Asia/Kathmandu",
    "Africa/Casablanca", "UTC")])
FOUR_YEARS = 4 * 365 * 24 * 60
ENDS = st.integers(0, FOUR_YEARS).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
# The days of both clock changes in most zones, so that no run misses them.
CHANGES = st.sampled_from([
    datetime(2026, 3, 28, 16, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 3, 7, 23, tzinfo=UTC),
    datetime(2026, 10, 31, 23, tzinfo=UTC), datetime(2026, 4, 4, 14, tzinfo=UTC), datetime(2026, 10, 3, 15, tzinfo=UTC)])
MOMENTS = ENDS | CHANGES
HOURS = MailHours.of(load_reference())
PLANS = st.sampled_from([example_plan(*one) for one in EXAMPLES])
SKINS = st.sampled_from(["I", "III", "IV", "VI"])
FAR = datetime.max.replace(tzinfo=UTC)


def sheet(
    plan: Plan, ended_at: datetime, zone: ZoneInfo, skin: str = "III", settings: dict[str, int] | None = None
) -> dict[str, Instruction]:
    facts = person(measurements=(measured("m-fitzpatrick", text=skin),))
    found = aftercare(
        ended_at=ended_at, plan=plan, facts=facts, catalogue=load_reference(), on_site_zone=zone, settings=settings)
    return {one.code: one for one in found}


def until(one: Instruction) -> datetime:
    return one.until_at or FAR


@given(PLANS, MOMENTS, ZONES, SKINS)
@steady
def test_hours_are_elapsed_hours_in_every_zone(plan: Plan, ended_at: datetime, zone: ZoneInfo, skin: str) -> None:
    for one in sheet(plan, ended_at, zone, skin).values():
        assert one.from_at == ended_at + timedelta(hours=one.hours_from)
        assert one.until_date is not None or one.hours_until is None or (
            one.until_at == ended_at + timedelta(hours=one.hours_until))
        assert one.from_at <= until(one)


@given(PLANS, MOMENTS, st.integers(0, 5000), ZONES)
@steady
def test_a_later_end_never_ends_an_instruction_earlier(
    plan: Plan, ended_at: datetime, minutes: int, zone: ZoneInfo
) -> None:
    before, after = sheet(plan, ended_at, zone), sheet(plan, ended_at + timedelta(minutes=minutes), zone)
    assert before.keys() == after.keys()
    assert all(until(before[code]) <= until(after[code]) for code in before)


@given(PLANS, MOMENTS, ZONES, st.integers(10, 24), st.integers(10, 24), st.integers(24, 48), st.integers(24, 48))
@steady
def test_longer_settings_never_shorten_an_instruction(
    plan: Plan, ended_at: datetime, zone: ZoneInfo, dry: int, dryer: int, bare: int, barer: int
) -> None:
    chosen = [
        {"ac-no-water": least(dry, dryer), "ac-no-makeup": least(bare, barer)} for least in (min, max)]
    short, long = (sheet(plan, ended_at, zone, settings=one) for one in chosen)
    assert all(until(short[code]) <= until(long[code]) for code in short)
    hair = long.get("ac-hair-wash")
    assert hair is None or until(hair) >= until(long["ac-no-water"])


@given(PLANS, MOMENTS, ZONES)
@steady
def test_darker_skin_never_shortens_an_instruction(plan: Plan, ended_at: datetime, zone: ZoneInfo) -> None:
    light, dark = sheet(plan, ended_at, zone, "II"), sheet(plan, ended_at, zone, "V")
    assert all(until(light[code]) <= until(dark[code]) for code in light)


@given(st.lists(PLANS, min_size=1, max_size=3), MOMENTS, ZONES, st.data())
@steady
def test_one_sheet_of_several_plans_holds_the_longest_of_each_in_any_order(
    plans: list[Plan], ended_at: datetime, zone: ZoneInfo, data: st.DataObject
) -> None:
    sheets = [tuple(sheet(plan, ended_at, zone).values()) for plan in plans]
    together = {one.code: one for one in joined(sheets)}
    assert together.keys() == {one.code for each in sheets for one in each}
    for each in sheets:
        assert all(until(one) <= until(together[one.code]) for one in each)
    again = {one.code: until(one) for one in joined(data.draw(st.permutations(sheets)))}
    assert again == {code: until(one) for code, one in together.items()}


@given(st.sampled_from(sorted(KINDS)), MOMENTS, ZONES, st.integers(0, 3000))
@steady
def test_no_mail_is_early_and_none_falls_into_the_night(
    kind: str, moment: datetime, zone: ZoneInfo, minutes: int
) -> None:
    later = moment + timedelta(minutes=minutes)
    times = [_due(kind, one, zone) for one in (moment, later)]
    for due in times:
        assert due is not None
        local = due.astimezone(zone)
        assert kind in AT_ONCE or time(8) <= local.time() < time(21)
        assert due.utcoffset() == timedelta(0)
    if kind in AFTER_END:
        earliest = moment + timedelta(hours=HOURS.hours_after_end(kind))
        assert times[0] >= earliest
        assert times[0] - earliest <= timedelta(hours=12)
        assert times[0] <= times[1]


def _due(kind: str, moment: datetime, zone: ZoneInfo) -> datetime | None:
    day = moment.astimezone(zone).date()
    return due_at(
        kind, hours=HOURS, zone=zone, booked_at=moment - timedelta(days=60) if kind != "msg-confirm" else moment,
        starts_at=moment,
        ended_at=moment, next_due=day, latest=day, review_on=day)


@given(
    MOMENTS, ZONES, st.times().map(lambda one: one.replace(second=0, microsecond=0)),
    st.times().map(lambda one: one.replace(second=0, microsecond=0)))
@steady
def test_quiet_hours_end_once_and_are_then_over(due: datetime, zone: ZoneInfo, begins: time, ends: time) -> None:
    once = after_quiet_hours(due, zone, (begins, ends))
    assert once >= due
    assert once - due <= timedelta(hours=25)
    assert begins != ends or once == due


@given(
    st.sampled_from(sorted(KINDS)), st.booleans(), st.booleans(), st.integers(0, 5), st.booleans(), st.booleans())
@steady
def test_a_worse_standing_never_sends_more(
    kind: str, withdrawn: bool, blocked: bool, grade: int, booked: bool, needed: bool
) -> None:
    messages = load_reference().messages
    standing = Standing(consent_withdrawn=withdrawn, blocked=blocked, event_grade=grade, next_is_booked=booked,
                        test_needed=needed)
    assert stopped_by(kind, Standing(), messages) is None
    if withdrawn:
        assert stopped_by(kind, standing, messages) is not None
    calmer = Standing(next_is_booked=booked, test_needed=needed)
    assert stopped_by(kind, standing, messages) is not None or stopped_by(kind, calmer, messages) is None
