"""Every screening rule about answers, measurements, age and earlier reactions: fired, not fired, at its boundary."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from patients.facts import PriorEvent
from protocols.findings import Outcome, Severity
from protocols.plan import Plan
from tests.protocols.answer_rows import ANSWERS
from tests.protocols.fact_rows import MEASURED
from tests.protocols.healthy import DAY, measured, person, screened
from tests.protocols.screening_plans import ABSOLUTE, FACE, HAIR, HAIR_FINA, RELATIVE, WAIT


def date_after(days: int) -> date:
    return DAY + timedelta(days=days)


@pytest.mark.parametrize(("code", "answers", "given_plan", "severity", "wait"), ANSWERS)
def test_answers_fire_their_rule(
    code: str, answers: dict[str, Any], given_plan: Plan | None, severity: Severity | None, wait: str | int | None
) -> None:
    found = [one for one in screened(person(answers), given_plan).findings if one.code == code]
    assert [one.severity for one in found] == ([severity] if severity else [])
    if severity:
        assert found[0].open_ended is (wait == "open")
        assert found[0].wait_until == (date_after(wait) if isinstance(wait, int) else None)
        assert found[0].answers, "a finding must say which answers made it fire"
        assert found[0].source


def test_5ari_men() -> None:
    asked = person({"q-partner": "yes"}, sex="male")
    assert screened(asked, HAIR_FINA).codes == ("scr-5ari-men",)
    assert screened(asked, HAIR).codes == ()


@pytest.mark.parametrize(("code", "readings", "given_plan", "severity"), MEASURED)
def test_measurements_fire_their_rule(
    code: str, readings: list[Any], given_plan: Plan, severity: Severity | None
) -> None:
    kept = tuple(one for one in person().measurements if one.code not in {"m-bmi", *(r.code for r in readings)})
    facts = replace(person(), measurements=kept + tuple(readings))
    found = [one.severity for one in screened(facts, given_plan).findings if one.code == code]
    assert found == ([severity] if severity else [])


@pytest.mark.parametrize(("days", "fires"), [(0, False), (3, False), (4, True)])
def test_a_negative_test_of_three_days_answers_unsure(days: int, fires: bool) -> None:
    test = measured("m-pregnancy-test", text="negative", on=DAY - timedelta(days=days))
    facts = person({"q-pregnant": "unsure"}, measurements=(test,))
    assert ("scr-pregnancy" in screened(facts, FACE).codes) is fires


@pytest.mark.parametrize(("hba1c", "waits"), [("8.0", False), ("8.1", True)])
def test_a_high_hba1c_adds_an_open_wait_to_the_clearance(hba1c: str, waits: bool) -> None:
    result = screened(person({"q-diabetes": "diet"}, measurements=(measured("m-hba1c", hba1c),)), FACE)
    assert result.codes == ("scr-diabetes-other",)
    assert result.outcome is Outcome.NEEDS_CLEARANCE
    assert result.open_ended is waits


@pytest.mark.parametrize(
    ("born", "on", "codes"),
    [
        (date(2008, 3, 21), DAY, ("scr-age-min",)),
        (date(2008, 3, 20), DAY, ()),
        (date(2008, 2, 29), date(2026, 2, 28), ("scr-age-min",)),
        (date(2008, 2, 29), date(2026, 3, 1), ()),
        (date(1950, 3, 21), DAY, ()),
        (date(1950, 3, 20), DAY, ("scr-age-max",)),
        (date(1950, 3, 19), DAY, ("scr-age-max",)),
    ],
)
def test_age(born: date, on: date, codes: tuple[str, ...]) -> None:
    facts = replace(person(), birth_date=born)
    assert tuple(code for code in screened(facts, FACE, on=on).codes if code.startswith("scr-age")) == codes


def test_young_and_old_are_treated_differently() -> None:
    assert screened(replace(person(), birth_date=date(2010, 1, 1)), FACE).outcome is Outcome.BLOCKED
    assert screened(replace(person(), birth_date=date(1940, 1, 1)), FACE).outcome is Outcome.NEEDS_CLEARANCE


def event(
    grade: int, *, status: str = "closed", causality: str = "possible", substances: tuple[str, ...] = ()
) -> PriorEvent:
    return PriorEvent("lump", grade, status, causality, substances, date(2025, 6, 1))


@pytest.mark.parametrize(
    ("events", "severity", "open_ended"),
    [
        ((event(1),), None, False),
        ((event(2),), RELATIVE, False),
        ((event(3, substances=("sub-ha-nc",)),), ABSOLUTE, False),
        ((event(3),), ABSOLUTE, False),
        ((event(3, substances=("sub-pn",)),), RELATIVE, False),
        ((event(3, causality="unrelated"),), RELATIVE, False),
        ((event(1, status="open"),), WAIT, True),
        ((event(1, causality="not-assessed"),), WAIT, True),
        ((event(3, substances=("sub-ha-nc",)), event(1, status="open")), ABSOLUTE, True),
        ((event(2), event(1, status="open")), RELATIVE, True),
    ],
)
def test_prior_reactions(events: tuple[PriorEvent, ...], severity: Severity | None, open_ended: bool) -> None:
    result = screened(person({"q-reaction": "yes"}, events=events), FACE)
    found = [one for one in result.findings if one.code == "scr-prior-reaction"]
    assert [one.severity for one in found] == ([severity] if severity else [])
    assert result.open_ended is open_ended
