"""Reading case files: every fault names file, line and field in a sentence, and hides no other case."""
from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.casefiles.reading import Case, case_files, read_file
from protocols.casefiles.running import CaseResult, check_files, run
from protocols.casefiles.written import CaseError
from protocols.loading import load_reference

SCREENING = "- case: One\n  kind: screening\n"
MIXTURE = "- case: One\n  kind: mixture\n"
PLAN = "  plan: {indication: ind-cellulite, syringes: [{parts: [%s]}]}\n"
CLEARED = "  expect: {outcome: cleared}\n"
OK = "  expect: {result: ok}\n"


def results(tmp_path: Path, text: str) -> list[CaseResult]:
    file = tmp_path / "cases.yaml"
    file.write_text(text, encoding="utf-8")
    return list(check_files([file], load_reference()))


def fault(tmp_path: Path, text: str) -> CaseError:
    (result,) = results(tmp_path, text)
    assert result.fault is not None
    assert result.fault.file.endswith("cases.yaml")
    return result.fault


FAULTS = {
    "unknown field of a case": (SCREENING + "  pateint: {}\n" + CLEARED, 3, "pateint", "Is “patient” meant?"),
    "no kind": ("- case: One\n" + CLEARED, 1, "kind", "missing"),
    "no name": ("- kind: screening\n" + CLEARED, 1, "case", "missing"),
    "no expectation": (SCREENING, 1, "expect", "missing"),
    "empty expectation": (SCREENING + "  expect: {}\n", 3, "expect", "nothing is expected"),
    "unknown kind": ("- case: One\n  kind: horoscope\n" + CLEARED, 2, "kind", "not one of screening, mixture"),
    "unknown expectation": (SCREENING + "  expect: {outcom: cleared}\n", 3, "expect.outcom", "Is “outcome” meant?"),
    "unknown outcome": (SCREENING + "  expect: {outcome: fine}\n", 3, "expect.outcome", "“fine” is not one of"),
    "unknown rule": (SCREENING + "  expect: {codes: [scr-strok]}\n", 3, "expect.codes[1]", "Is scr-stroke meant?"),
    "rule of another kind": (SCREENING + "  expect: {codes: [ix-alone]}\n", 3, "expect.codes[1]", "no screening rule"),
    "a list is no list": (SCREENING + "  expect: {codes: scr-stroke}\n", 3, "expect.codes", "a list is expected"),
    "unknown question": (
        SCREENING + "  patient:\n    answers:\n      q-strok: tia\n" + CLEARED, 5, "patient.answers.q-strok",
        "no question “q-strok”"),
    "answer outside the allowed": (
        SCREENING + "  patient:\n    answers:\n      q-stroke: maybe\n" + CLEARED, 5, "patient.answers.q-stroke",
        "Allowed: no, stroke, tia, unsure"),
    "answer to a hidden follow-up": (
        SCREENING + "  patient:\n    answers:\n      q-mi-date: 2026-01-01\n" + CLEARED, 5, "patient.answers.q-mi-date",
        "does not fit the answers"),
    "future event": (
        SCREENING + "  patient: {answers: {q-mi: yes, q-mi-date: 2026-06-16}}\n" + CLEARED, 3,
        "patient.answers.q-mi-date", "lies in the future"),
    "question of another sex": (
        SCREENING + "  patient: {sex: male, answers: {q-pregnant: no}}\n" + CLEARED, 3, "patient.answers.q-pregnant",
        "does not fit"),
    "unknown allergen": (
        SCREENING + "  patient: {answers: {q-allergy: [sub-nothing]}}\n" + CLEARED, 3, "patient.answers.q-allergy",
        "no substance “sub-nothing”"),
    "absurd measurement": (
        SCREENING + "  patient: {measurements: {m-weight: 900}}\n" + CLEARED, 3, "patient.measurements.m-weight",
        "from 30 to 250 kg"),
    "measurement in another unit": (
        SCREENING + "  patient: {measurements: {m-weight: 140 lb}}\n" + CLEARED, 3, "patient.measurements.m-weight",
        "measured in kg, not in lb"),
    "measurement that is no number": (
        SCREENING + "  patient: {measurements: {m-weight: heavy}}\n" + CLEARED, 3, "patient.measurements.m-weight",
        "not in heavy"),
    "two points in a number": (
        SCREENING + "  patient: {measurements: {m-weight: 6.5.0}}\n" + CLEARED, 3, "patient.measurements.m-weight",
        "not a value"),
    "unknown measurement": (
        SCREENING + "  patient: {measurements: {m-mood: 3}}\n" + CLEARED, 3, "patient.measurements.m-mood",
        "no measurement “m-mood”"),
    "measured tomorrow": (
        SCREENING + "  patient: {measurements: {m-weight: {value: 65, on: 2026-06-16}}}\n" + CLEARED, 3,
        "patient.measurements.m-weight.on", "after the day of the case"),
    "born tomorrow": (
        SCREENING + "  patient: {birth_date: 2026-06-16}\n" + CLEARED, 3, "patient.birth_date", "after the day"),
    "unknown class": (
        SCREENING + "  patient: {medicines: [{name: x, classes: [med-x]}]}\n" + CLEARED, 3,
        "patient.medicines[1].classes[1]", "no medicine class “med-x”"),
    "grade out of range": (
        SCREENING + "  patient: {events: [{term: x, grade: 6, status: open, causality: certain}]}\n" + CLEARED, 3,
        "patient.events[1].grade", "not from 1 to 5"),
    "a day that is none": (SCREENING + "  on: 2026-02-30\n" + CLEARED, 3, "on", "not a date"),
    "a year nobody means": (SCREENING + "  on: 0001-01-01\n" + CLEARED, 3, "on", "the year 1 is not from 1900 to 2200"),
    "a day and a moment": (
        SCREENING + "  on: 2026-06-15\n  at: 2026-06-15 12:00\n" + CLEARED, 4, "at", "either “on” or “at”"),
    "unknown stage": (SCREENING + "  stage: later\n" + CLEARED, 3, "stage", "not one of intake"),
    "field twice": (SCREENING + "  on: 2026-06-15\n  on: 2026-06-16\n" + CLEARED, 4, "on", "stands twice"),
    "not a block": ("- just words\n", 1, "case", "a block of fields is expected"),
    "negative amount": (
        MIXTURE + PLAN % "{substance: sub-nacl, volume: -2 ml}" + OK, 3, "plan.syringes[1].parts[1].volume",
        "not above zero"),
    "zero": (
        MIXTURE + PLAN % "{substance: sub-nacl, volume: 0 ml}" + OK, 3, "plan.syringes[1].parts[1].volume",
        "not above zero"),
    "absurd amount": (
        MIXTURE + PLAN % "{substance: sub-nacl, volume: 5000 ml}" + OK, 3, "plan.syringes[1].parts[1].volume",
        "not from 0 to 1000"),
    "no unit": (
        MIXTURE + PLAN % "{substance: sub-nacl, volume: 2}" + OK, 3, "plan.syringes[1].parts[1].volume", "not in ml"),
    "not a number": (
        MIXTURE + PLAN % "{substance: sub-nacl, volume: lots}" + OK, 3, "plan.syringes[1].parts[1].volume",
        "not a figure with its unit"),
    "infinity": (
        MIXTURE + PLAN % "{substance: sub-nacl, volume: inf ml}" + OK, 3, "plan.syringes[1].parts[1].volume",
        "not a figure with its unit"),
    "unit that does not fit": (
        MIXTURE + PLAN % "{substance: sub-caffeine, volume: 2 ml, strength: 50 IU/ml}" + OK, 3,
        "plan.syringes[1].parts[1].strength", "its strength is in mg/ml, not in IU/ml"),
    "volume and dose": (
        MIXTURE + PLAN % "{substance: sub-nacl, volume: 2 ml, dose: 2 ml}" + OK, 3, "plan.syringes[1].parts[1]",
        "either “volume” or “dose”"),
    "dose without strength": (
        MIXTURE + PLAN % "{substance: sub-caffeine, dose: 50 mg}" + OK, 3, "plan.syringes[1].parts[1].dose",
        "needs the “strength”"),
    "dose without an end": (
        MIXTURE + PLAN % "{substance: sub-caffeine, dose: 50 mg, strength: 30 mg/ml}" + OK, 3,
        "plan.syringes[1].parts[1].dose", "no exact number of millilitres"),
    "unknown substance": (
        MIXTURE + PLAN % "{substance: sub-nacle, volume: 2 ml}" + OK, 3, "plan.syringes[1].parts[1].substance",
        "Is sub-nacl meant?"),
    "unknown indication": (MIXTURE + "  plan: {indication: ind-youth}\n" + OK, 3, "plan.indication", "no indication"),
    "plan without indication": (MIXTURE + "  plan: {regions: [reg-face]}\n" + OK, 3, "plan.indication", "is missing"),
    "factor without mixture": (
        MIXTURE + "  plan: {indication: ind-aga, factor: 2}\n" + OK, 3, "plan.factor", "needs a “mixture”"),
    "half a point": (
        MIXTURE + "  plan: {indication: ind-aga, syringes: [{points: 1.5, parts: []}]}\n" + OK, 3,
        "plan.syringes[1].points", "not a whole number"),
    "unknown country": (
        MIXTURE + "  country: France\n  plan: {indication: ind-aga}\n" + OK, 3, "country", "two capital letters"),
    "amount without a figure": (
        MIXTURE + "  plan: {indication: ind-aga}\n  expect: {totals: {sub-nacl: much}}\n", 4, "expect.totals.sub-nacl",
        "not a figure with its unit"),
    "refused and more": (
        MIXTURE + "  plan: {indication: ind-aga}\n  expect: {refused: x, result: ok}\n", 4, "expect",
        "no other outcome"),
    "no such zone": (
        "- case: One\n  kind: aftercare\n  zone: Mars/Base\n  ended_at: 2026-06-15 18:00\n  plan: {indication: ind-aga}\n"
        "  expect: {codes: []}\n", 3, "zone", "not a time zone"),
    "a time the clocks skip": (
        "- case: One\n  kind: aftercare\n  zone: Europe/Berlin\n  ended_at: 2026-03-29 02:30\n"
        "  plan: {indication: ind-aga}\n  expect: {codes: []}\n", 4, "ended_at", "the clocks go forward over it"),
    "no end": (
        "- case: One\n  kind: aftercare\n  plan: {indication: ind-aga}\n  expect: {codes: []}\n", 1, "ended_at",
        "is missing"),
    "negative hours": (
        "- case: One\n  kind: aftercare\n  ended_at: 2026-06-15 18:00\n  plan: {indication: ind-aga}\n"
        "  settings: {ac-no-water: -1}\n  expect: {codes: []}\n", 5, "settings.ac-no-water", "not from 0"),
    "hours without a span": (
        "- case: One\n  kind: aftercare\n  ended_at: 2026-06-15 18:00\n  plan: {indication: ind-aga}\n"
        "  expect: {hours: {ac-no-water: 15}}\n", 5, "expect.hours.ac-no-water", "not a span of hours"),
    "three quiet hours": (
        "- case: One\n  kind: messages\n  quiet_hours: [21:00, 08:00, 09:00]\n  expect: {sent: []}\n", 3, "quiet_hours",
        "two clock times"),
    "a setting that moves no mail": (
        "- case: One\n  kind: messages\n  settings: {ac-no-heat: 30}\n  expect: {sent: []}\n", 3, "settings.ac-no-heat",
        "only the dry time"),
    "a clock time that is none": (
        "- case: One\n  kind: messages\n  quiet_hours: [21:00, 24:00]\n  expect: {sent: []}\n", 3, "quiet_hours[2]",
        "not a clock time"),
    "a moment that is none": (
        "- case: One\n  kind: messages\n  booked_at: 2026-06-15 25:00\n  expect: {sent: []}\n", 3, "booked_at",
        "not a date and time"),
    "a review of another kind": (
        "- case: One\n  kind: messages\n  reviews: {msg-4h: 2026-06-15}\n  expect: {sent: []}\n", 3, "reviews.msg-4h",
        "not one of msg-review-1m"),
    "not a weekday": (
        "- case: One\n  kind: course\n  indication: ind-aga\n  closed_weekdays: [someday]\n  expect: {sessions: 10}\n", 4,
        "closed_weekdays[1]", "not one of monday"),
    "a session without a number": (
        "- case: One\n  kind: course\n  indication: ind-aga\n  expect: {earliest: {second: 2026-03-16}}\n", 4,
        "expect.earliest.second", "not the number of a session"),
}


@pytest.mark.parametrize(("text", "line", "field", "words"), list(FAULTS.values()), ids=list(FAULTS))
def test_a_fault_names_line_and_field_and_says_what_is_wrong(
    tmp_path: Path, text: str, line: int, field: str, words: str
) -> None:
    found = fault(tmp_path, text)
    assert (found.line, found.field) == (line, field)
    assert words in found.sentence


@pytest.mark.parametrize(("content", "words"), [
    (b"", "the file is empty"),
    (b"\xff\xfe\x00", "not UTF-8"),
    (b"a: [b\n", "not readable as YAML"),
    (b"- case: [a\n  b: {\n", "not readable as YAML"),
    (b"case: One\n", "a case file is a list"),
    (b"[]\n", "a case file is a list"),
    (b"- \x07\n", "not readable as YAML"),
    (b"[" * 5000, "not readable as YAML"),
])
def test_a_file_that_is_no_case_file(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "cases.yaml"
    file.write_bytes(content)
    (result,) = check_files([file], load_reference())
    assert result.fault is not None
    assert words in result.fault.sentence
    assert result.fault.line >= 1


def test_a_file_that_does_not_exist(tmp_path: Path) -> None:
    (result,) = check_files([tmp_path / "none.yaml"], load_reference())
    assert result.fault is not None
    assert "no such file" in result.fault.sentence


def test_a_faulty_case_hides_no_other(tmp_path: Path) -> None:
    good = SCREENING + "  expect: {outcome: cleared}\n"
    found = results(tmp_path, good + SCREENING + "  expect: {outcome: fine}\n" + good)
    assert [one.passed for one in found] == [True, False, True]


def test_folders_are_searched_and_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("b/two.yaml", "one.yaml"):
        (tmp_path / name).write_text("", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("", encoding="utf-8")
    found = case_files([tmp_path / "one.yaml", tmp_path])
    assert [one.relative_to(tmp_path).as_posix() for one in found] == ["one.yaml", "b/two.yaml"]


def test_words_stay_words_and_anchors_may_be_shared(tmp_path: Path) -> None:
    text = (
        SCREENING + "  patient: &smoker {answers: {q-keloid: yes}}\n  expect: {codes: [scr-keloid]}\n"
        "- case: Two\n  kind: screening\n  patient: *smoker\n  expect: {codes: [scr-keloid]}\n"
    )
    assert [one.passed for one in results(tmp_path, text)] == [True, True]


def test_an_expected_refusal_must_be_refused_for_that_reason(tmp_path: Path) -> None:
    future = SCREENING + "  patient: {answers: {q-mi: yes, q-mi-date: 2026-06-16}}\n"
    assert [one.passed for one in results(tmp_path, future + "  expect: {refused: lies in the future}\n")] == [True]
    (other,) = results(tmp_path, future + "  expect: {refused: below zero}\n")
    assert other.mismatches[0].expected == "below zero"
    assert "lies in the future" in other.mismatches[0].got
    (none,) = results(tmp_path, SCREENING + "  expect: {refused: lies in the future}\n")
    assert none.mismatches[0].got == "nothing is refused"


def test_every_kind_is_read(tmp_path: Path) -> None:
    cases = [found for file in case_files([Path(__file__).parents[1] / "clinical"])
             for found in read_file(file, load_reference())]
    assert {one.kind.name for one in cases if isinstance(one, Case)} == {
        "screening", "mixture", "course", "aftercare", "messages"}
    assert all(run(one).passed for one in cases[:5])


WHOLE = (Path(__file__).parents[2] / "docs" / "case-files.md").read_text(encoding="utf-8")
PIECES = st.sampled_from([
    *"[]{}:,-~&*#'\"\n\t ", "", "9" * 30, "-1", "0", "1e9", "NaN", "é", "\u2028", "\x00", "~", "null",
    "!!python/object:os.system",
    "2026-02-30", "9999-12-31", "24:00", "Etc/Nowhere", "sub-nothing", "yes", "<<: *a", "- ", "[[[[", "2 ml", "-2 ml"])


@given(st.sampled_from(re.findall(r"```yaml\n(.*?)```", WHOLE, re.DOTALL)), st.data())
@settings(derandomize=True, max_examples=250, deadline=None, database=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_written_is_answered_and_nothing_breaks(tmp_path: Path, example: str, data: st.DataObject) -> None:
    """Words cut out and nonsense put in: a passed case, a failed one or a sentence, never an error of ours."""
    for _edit in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(example)))
        end = begin + data.draw(st.integers(0, 12))
        example = example[:begin] + data.draw(PIECES) + example[end:]
    for result in results(tmp_path, example):
        assert result.passed or result.mismatches or (result.fault is not None and result.fault.line >= 1)
