"""Aftercare of section 10: who gets what, for how long, with clock times across both clock changes."""
from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.facts import Measured, PatientFacts
from protocols.aftercare import (
    Instruction,
    SettingRefused,
    add_months,
    aftercare,
    expected_reactions,
    joined,
    possible_adverse_events,
    red_flags,
)
from protocols.definitions import Catalogue
from protocols.loading import load_reference
from protocols.plan import Plan
from tests.protocols.plans import TODAY, mix, person, plan

ISTANBUL = ZoneInfo("Europe/Istanbul")
ROME = ZoneInfo("Europe/Rome")
END = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)

FACE = plan(mix("ha-nc 2"), indication="ind-hydration", regions=("reg-face",), technique="tq-papule")
THIGH = plan(mix("caffeine 50mg/ml 2"))
SCALP = plan(mix("minoxidil 5mg/ml 2"), indication="ind-aga", regions=("reg-scalp",), technique="tq-nappage")
BACK = plan(mix("lidocaine 10mg/ml 2"), indication="ind-msk-pain", regions=("reg-lumbar",), technique="tq-sim-pain")


def scalp(*parts: str) -> Plan:
    return plan(mix(*parts), indication="ind-aga", regions=("reg-scalp",), technique="tq-nappage")


def sheet(
    judged: Plan, facts: PatientFacts | None = None, *, ended_at: datetime = END, zone: ZoneInfo = ISTANBUL,
    settings: dict[str, int] | None = None,
) -> dict[str, Instruction]:
    found = aftercare(
        ended_at=ended_at, plan=judged, facts=facts or person(), catalogue=load_reference(), settings=settings,
        on_site_zone=zone)
    return {instruction.code: instruction for instruction in found}


EVERYBODY = {
    "ac-no-water": (0, 15), "ac-no-touch": (0, 10), "ac-no-exercise": (0, 48), "ac-no-heat": (0, 24),
    "ac-no-sauna-pool": (0, 72), "ac-no-sun": (0, 168), "ac-no-scratch": (0, 72), "ac-no-massage": (0, 48),
    "ac-loose-clothes": (0, 48), "ac-cold-dry": (0, 24), "ac-no-nsaid": (0, 24), "ac-no-alcohol": (0, 24),
    "ac-gentle-skin": (0, 72), "ac-no-procedures": (0, 336), "ac-hygiene": (0, 168), "ac-red-flags": (0, 2160),
}
SOME: list[tuple[Plan, dict[str, tuple[int, int | None]]]] = [
    (BACK, {}),
    (FACE, {"ac-no-makeup": (0, 24), "ac-spf": (24, 720)}),
    (THIGH, {"ac-move-later": (48, None)}),
    (SCALP, {"ac-hair-wash": (0, 24), "ac-spf": (24, 720)}),
    (plan(mix("ha-nc 2"), indication="ind-neck-decollete", regions=("reg-decollete",)),
     {"ac-no-makeup": (0, 24), "ac-spf": (24, 720)}),
    (plan(mix("ha-nc 2"), indication="ind-hands", regions=("reg-hands",)), {"ac-spf": (24, 720)}),
    (plan(mix("nacl 2"), indication="ind-cvi", regions=("reg-leg",)),
     {"ac-spf": (24, 720), "ac-move-later": (48, None)}),
    (plan(mix("ketoprofen 80mg/ml 1"), indication="ind-msk-pain", regions=("reg-lumbar",)),
     {"ac-ketoprofen-sun": (0, 336)}),
    (scalp("biotin 5mg/ml 1"), {"ac-hair-wash": (0, 24), "ac-spf": (24, 720), "ac-biotin-lab": (0, 168)}),
    (scalp("multivit 1"), {"ac-hair-wash": (0, 24), "ac-spf": (24, 720), "ac-biotin-lab": (0, 168)}),
    (scalp("finasteride 0.5mg/ml 1"),
     {"ac-hair-wash": (0, 24), "ac-spf": (24, 720), "ac-blood-donation": (0, 672)}),
]


@pytest.mark.parametrize(("judged", "extra"), SOME)
def test_who_gets_what_for_how_long(judged: Plan, extra: dict[str, tuple[int, int | None]]) -> None:
    found = {code: (one.hours_from, one.hours_until) for code, one in sheet(judged).items()}
    assert found == EVERYBODY | extra


def test_times_are_elapsed_hours_from_the_end() -> None:
    for instruction in sheet(FACE).values():
        assert instruction.from_at == END + timedelta(hours=instruction.hours_from)
        if instruction.hours_until is not None:
            assert instruction.until_at == END + timedelta(hours=instruction.hours_until)


# zone, session end (local wall clock), local wall clock when 15, 24 and 48 elapsed hours are over
CLOCK_TABLE = [
    (ROME, "2026-03-28 14:00", ("2026-03-29 06:00", "2026-03-29 15:00", "2026-03-30 15:00")),  # spring forward
    (ROME, "2026-10-24 14:00", ("2026-10-25 04:00", "2026-10-25 13:00", "2026-10-26 13:00")),  # autumn back
    (ROME, "2026-06-10 14:00", ("2026-06-11 05:00", "2026-06-11 14:00", "2026-06-12 14:00")),
    (ISTANBUL, "2026-03-28 14:00", ("2026-03-29 05:00", "2026-03-29 14:00", "2026-03-30 14:00")),  # no change there
    (ISTANBUL, "2026-10-24 14:00", ("2026-10-25 05:00", "2026-10-25 14:00", "2026-10-26 14:00")),
    (ISTANBUL, "2015-03-28 14:00", ("2015-03-29 06:00", "2015-03-29 15:00", "2015-03-30 15:00")),  # as it was in 2015
    (ISTANBUL, "2015-11-07 14:00", ("2015-11-08 04:00", "2015-11-08 13:00", "2015-11-09 13:00")),
]


@pytest.mark.parametrize(("zone", "ended", "expected"), CLOCK_TABLE)
def test_clock_changes(zone: ZoneInfo, ended: str, expected: tuple[str, str, str]) -> None:
    ended_at = datetime.fromisoformat(ended).replace(tzinfo=zone)
    found = sheet(THIGH, ended_at=ended_at, zone=zone)
    shown = []
    for code in ("ac-no-water", "ac-no-heat", "ac-no-exercise"):
        until_at = found[code].until_at
        assert until_at is not None
        assert until_at.tzinfo is UTC
        shown.append(f"{until_at.astimezone(zone):%Y-%m-%d %H:%M}")
    assert tuple(shown) == expected


@pytest.mark.parametrize(("skin", "hours"), [("I", 168), ("III", 168), ("IV", 336), ("VI", 336), (None, 336)])
def test_sun_rule_doubles_for_dark_or_unknown_skin(skin: str | None, hours: int) -> None:
    assert sheet(FACE, person(skin=skin))["ac-no-sun"].hours_until == hours


@pytest.mark.parametrize("indication", ["ind-melasma", "ind-pigment-spots"])
@pytest.mark.parametrize("skin", ["II", "V"])
def test_sun_rule_doubles_once_for_pigment(indication: str, skin: str) -> None:
    judged = plan(mix("ha-nc 1"), indication=indication, regions=("reg-face",))
    assert sheet(judged, person(skin=skin))["ac-no-sun"].hours_until == 336


def test_newest_skin_type_counts() -> None:
    older = Measured("m-fitzpatrick", None, TODAY - timedelta(days=9), text="V")
    newer = Measured("m-fitzpatrick", None, TODAY, text="II")
    facts = PatientFacts(birth_date=date(1990, 1, 1), sex="female", measurements=(newer, older))
    assert sheet(FACE, facts)["ac-no-sun"].hours_until == 168


def test_own_blood_means_no_painkiller_for_a_week() -> None:
    assert sheet(scalp("prp 6"))["ac-no-nsaid"].hours_until == 168


@pytest.mark.parametrize(("ended", "until"), [
    ("2026-11-22 12:00", "2027-05-22 12:00"), ("2026-08-31 12:00", "2027-02-28 12:00"),
    ("2026-01-15 12:00", "2026-07-15 12:00"),
])
def test_dutasteride_ends_on_a_calendar_date(ended: str, until: str) -> None:
    ended_at = datetime.fromisoformat(ended).replace(tzinfo=ROME)
    found = sheet(scalp("dutasteride 0.1mg/ml 1"), ended_at=ended_at, zone=ROME)["ac-blood-donation"]
    assert found.until_at is not None
    assert f"{found.until_at.astimezone(ROME):%Y-%m-%d %H:%M}" == until
    assert found.until_date == datetime.fromisoformat(until).date()


def test_both_inhibitors_keep_the_longer_time() -> None:
    both = sheet(scalp("dutasteride 0.1mg/ml 1", "finasteride 0.5mg/ml 1"))["ac-blood-donation"]
    assert both.until_date == date(2027, 5, 22)


@pytest.mark.parametrize(("code", "hours"), [
    ("ac-no-water", 10), ("ac-no-water", 24), ("ac-no-makeup", 48), ("ac-no-exercise", 72)])
def test_clinic_setting_within_its_range(code: str, hours: int) -> None:
    assert sheet(FACE, settings={code: hours})[code].hours_until == hours


@pytest.mark.parametrize(("code", "hours"), [
    ("ac-no-water", 9), ("ac-no-water", 25), ("ac-no-makeup", 23), ("ac-no-makeup", 49), ("ac-no-exercise", 47)])
def test_clinic_setting_outside_is_refused(code: str, hours: int) -> None:
    with pytest.raises(SettingRefused, match=code):
        sheet(FACE, settings={code: hours})


def test_unknown_setting_and_naive_time_are_refused() -> None:
    with pytest.raises(ValueError, match="ac-nothing"):
        sheet(FACE, settings={"ac-nothing": 5})
    with pytest.raises(ValueError, match="time zone"):
        sheet(FACE, ended_at=datetime(2026, 11, 22, 10, 0))  # noqa: DTZ001 (naive on purpose)


def test_hair_wash_is_never_shorter_than_keeping_dry() -> None:
    assert sheet(SCALP, settings={"ac-no-water": 24})["ac-hair-wash"].hours_until == 24
    assert sheet(SCALP, settings={"ac-no-water": 10})["ac-hair-wash"].hours_until == 24
    assert sheet(SCALP, settings={"ac-hair-wash": 30})["ac-hair-wash"].hours_until == 30


def test_longer_parts_of_an_instruction() -> None:
    found = sheet(FACE)
    (dye,), (laser,) = found["ac-gentle-skin"].longer_parts, found["ac-no-procedures"].longer_parts
    assert (dye.hours_until, laser.hours_until) == (168, 672)
    assert dye.until_at == END + timedelta(hours=168)
    assert dye.text("tr") != dye.text("en")


def test_sheet_order() -> None:
    found = list(sheet(THIGH).values())
    severities = [one.severity.value for one in found]
    assert severities == sorted(severities, key=["must", "should", "tip"].index)
    assert [one.code for one in found][:2] == ["ac-no-touch", "ac-no-water"]


def test_two_plans_of_one_session_keep_the_longest_time() -> None:
    catalogue = load_reference()
    sheets = [
        aftercare(ended_at=END, plan=judged, facts=person(), catalogue=catalogue, on_site_zone=ROME)
        for judged in (scalp("prp 6"), FACE)]
    for both in (joined(sheets), joined(reversed(sheets))):
        found = {one.code: one.hours_until for one in both}
        assert found["ac-no-nsaid"] == 168
        assert found["ac-no-makeup"] == 24
        assert found["ac-hair-wash"] == 24
        assert len(found) == len(both)


@pytest.mark.parametrize(("start", "months", "expected"), [
    (date(2026, 8, 31), 6, date(2027, 2, 28)), (date(2027, 8, 31), 6, date(2028, 2, 29)),
    (date(2026, 12, 31), 1, date(2027, 1, 31)), (date(2026, 1, 31), 1, date(2026, 2, 28)),
    (date(2026, 6, 30), 6, date(2026, 12, 30)),
])
def test_adding_calendar_months(start: date, months: int, expected: date) -> None:
    assert add_months(start, months) == expected


def test_expected_reactions_fit_the_plan(reference: Catalogue) -> None:
    face = {one.code for one in expected_reactions(FACE, reference)}
    assert "exp-papule" in face
    assert face - {"exp-papule"} == {one.code for one in expected_reactions(THIGH, reference)}
    assert all(code.startswith("exp-") for code in face)


@pytest.mark.parametrize(("judged", "present", "absent"), [
    (THIGH, "ae-infection-ntm", "ae-last"), (BACK, "ae-last", "ae-nerve"), (SCALP, "ae-alopecia", "ae-nerve"),
    (SCALP, "ae-hypotension", "ae-last"), (FACE, "ae-necrosis", "ae-alopecia")])
def test_adverse_events_fit_the_plan(reference: Catalogue, judged: Plan, present: str, absent: str) -> None:
    codes = {one.code for one in possible_adverse_events(judged, reference)}
    assert present in codes
    assert absent not in codes


def test_red_flags_stand_by_urgency_in_both_languages(reference: Catalogue) -> None:
    flags = red_flags(reference)
    assert [one.code for one in flags] == ["rf-call-now", "rf-same-day", "rf-late-lump"]
    assert all(one.text("tr") != one.text("en") for one in flags)


SKIN_FACE = {"reg-face", "reg-periocular", "reg-lips", "reg-eyebrow", "reg-neck", "reg-submental"}
EXPOSED = SKIN_FACE | {"reg-decollete", "reg-hands", "reg-scalp", "reg-upper-arm", "reg-leg", "reg-knee"}


def test_every_region_belongs_to_the_sets_of_the_reference(reference: Catalogue) -> None:
    """Make-up rules for the face and the decollete, sun cream for what is exposed, hair washing for the scalp alone."""
    for region in reference.regions:
        found = set(sheet(plan(mix("ha-nc 1"), indication="ind-hydration", regions=(region,))))
        assert ("ac-no-makeup" in found) is (region in SKIN_FACE | {"reg-decollete"}), region
        assert ("ac-spf" in found) is (region in EXPOSED), region
        assert ("ac-hair-wash" in found) is (region == "reg-scalp"), region


@pytest.mark.parametrize(("code", "severity"), [
    ("ac-no-water", "must"), ("ac-no-touch", "must"), ("ac-no-exercise", "must"), ("ac-no-heat", "must"),
    ("ac-no-sauna-pool", "must"), ("ac-no-sun", "must"), ("ac-no-scratch", "must"), ("ac-no-procedures", "must"),
    ("ac-red-flags", "must"), ("ac-no-massage", "should"), ("ac-loose-clothes", "should"), ("ac-no-nsaid", "should"),
    ("ac-no-alcohol", "should"), ("ac-gentle-skin", "should"), ("ac-hygiene", "should"), ("ac-cold-dry", "tip"),
])
def test_how_strongly_each_is_said(code: str, severity: str) -> None:
    assert sheet(BACK)[code].severity == severity


@pytest.mark.parametrize(("judged", "code", "severity"), [
    (SCALP, "ac-hair-wash", "must"), (FACE, "ac-no-makeup", "must"), (FACE, "ac-spf", "should"),
    (THIGH, "ac-move-later", "tip"), (scalp("biotin 5mg/ml 1"), "ac-biotin-lab", "should"),
    (scalp("dutasteride 0.1mg/ml 1"), "ac-blood-donation", "must"),
    (plan(mix("ketoprofen 80mg/ml 1"), indication="ind-msk-pain", regions=("reg-lumbar",)), "ac-ketoprofen-sun", "must"),
])
def test_how_strongly_the_special_ones_are_said(judged: Plan, code: str, severity: str) -> None:
    assert sheet(judged)[code].severity == severity


def test_the_reference_has_no_other_instruction(reference: Catalogue) -> None:
    known = set(EVERYBODY) | {code for _plan, extra in SOME for code in extra}
    assert known == set(reference.aftercare)


def test_only_water_and_makeup_are_set_within_a_range(reference: Catalogue) -> None:
    ranges = {code: rule.settable_hours for code, rule in reference.aftercare.items() if rule.settable_hours}
    assert ranges == {"ac-no-water": (10, 24), "ac-no-makeup": (24, 48)}


def test_the_delivery_changes_nothing() -> None:
    gun = replace(FACE, delivery="dv-gun")
    assert sheet(gun) == sheet(FACE)


def test_a_syringe_with_its_own_region_counts() -> None:
    both = plan(mix("ha-nc 1"), mix("ha-nc 1", region="reg-scalp"), indication="ind-hydration", regions=("reg-abdomen",))
    assert "ac-hair-wash" in sheet(both)


@given(code=st.sampled_from(sorted(EVERYBODY)), more=st.integers(0, 400), fewer=st.integers(0, 400))
def test_more_hours_never_end_anything_earlier(code: str, more: int, fewer: int) -> None:
    """Monotone: a longer setting of one instruction shortens none, and a later end moves every time along."""
    catalogue = load_reference()
    rule = catalogue.aftercare[code]
    low, high = rule.settable_hours or (rule.hours_until or 0, 10_000)
    short, long = sorted((min(low + fewer, high), min(low + more, high)))
    one, other = sheet(SCALP, settings={code: short}), sheet(SCALP, settings={code: long})
    assert all(other[key].until_at >= found.until_at for key, found in one.items() if found.until_at)  # type: ignore[operator]
    later = sheet(SCALP, ended_at=END + timedelta(hours=fewer))
    assert all(later[key].from_at - found.from_at == timedelta(hours=fewer) for key, found in sheet(SCALP).items())
