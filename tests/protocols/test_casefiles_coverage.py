"""Nothing of the reference without a clinical case: every mixing rule fired and not, every substance, region, indication,
technique, instruction and mail. Screening rules have a test of their own (test_screening_cases)."""
from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from protocols.casefiles.mixture import COMBINATIONS
from protocols.choices import Form
from protocols.loading import load_reference
from protocols.message_stops import Stop

CASES = Path(__file__).resolve().parents[1] / "clinical"
CATALOGUE = load_reference()


TextLoader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the same loader, several times faster where it is built


@cache
def all_cases() -> list[dict[str, Any]]:
    """The cases as written: every scalar a text."""
    found: list[dict[str, Any]] = []
    for file in sorted(CASES.rglob("*.yaml")):
        found += yaml.load(file.read_text(encoding="utf-8"), Loader=TextLoader)  # noqa: S506 (builds texts only)
    return found


def cases(kind: str) -> list[dict[str, Any]]:
    return [one for one in all_cases() if one["kind"] == kind]


def words(value: Any) -> Iterator[str]:
    """Every text inside, keys included."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from words(one)
    elif isinstance(value, list):
        for one in value:
            yield from words(one)
    else:
        yield value


def named(*kinds: str, key: str) -> frozenset[str]:
    return frozenset(word for kind in kinds for one in cases(kind) if key in one for word in words(one[key]))


MIXTURES, SHEETS, MAILS = cases("mixture"), cases("aftercare"), cases("messages")
FIRED = {
    code for one in MIXTURES for key in ("codes", "codes_include", "results")
    for code in one["expect"].get(key, ())}


NEVER_SILENT = {"ix-vasoconstrictor"}
"""What this rule is about is withdrawn: any mixture with it fires."""


def test_only_the_rule_of_suspensions_has_no_product_that_could_fire_it() -> None:
    assert not [one for one in CATALOGUE.substances.values() if one.form is Form.SUSPENSION]


@pytest.mark.parametrize("code", [code for code in CATALOGUE.mixing_rules if code != "ix-suspension"])
def test_a_case_fires_the_mixing_rule_and_another_does_not(code: str) -> None:
    """The other one has something of what the rule is about, and says that the rule keeps silent."""
    assert code in FIRED
    about = CATALOGUE.mixing_rules[code].substances
    silent = [
        one for one in MIXTURES
        if code in one["expect"].get("codes_exclude", ()) or code not in one["expect"].get("codes", [code])]
    assert any(not about or about & set(words(one["plan"])) or code in NEVER_SILENT for one in silent)


@pytest.mark.parametrize("code", [code for code, one in CATALOGUE.substances.items() if one.hard_max])
def test_every_hard_maximum_is_reached_and_passed_by_a_case(code: str) -> None:
    over = [one for one in MIXTURES if one["expect"].get("results", {}).get("dose-max") == "over-limit"]
    over += [one for one in MIXTURES if "dose-max" in one["expect"].get("codes", ())]
    withdrawn = [one for one in MIXTURES if "ix-status" in one["expect"].get("results", {})]
    assert any(code in set(words([one["plan"], one["expect"]])) for one in (*over, *withdrawn))


@pytest.mark.parametrize("code", CATALOGUE.regions)
def test_every_region_has_its_volume_and_its_slot(code: str) -> None:
    assert any(code in one["expect"].get("volumes", {}) for one in MIXTURES)
    assert code in named("course", key="regions")


@pytest.mark.parametrize("code", CATALOGUE.mixtures)
def test_every_example_mixture_is_judged(code: str) -> None:
    assert any(code in set(words(one["plan"])) for one in MIXTURES)


@pytest.mark.parametrize("code", CATALOGUE.indications)
def test_every_indication_has_its_course(code: str) -> None:
    expected = [one["expect"] for one in cases("course") if one["indication"] == code]
    assert any("maintenance" in one and "reviews" in one for one in expected)


@pytest.mark.parametrize("code", CATALOGUE.aftercare)
def test_every_instruction_is_on_a_sheet_with_its_hours(code: str) -> None:
    assert any(code in one["expect"].get("hours", {}) for one in SHEETS)
    assert any(code in one["expect"].get("severity", {}) for one in SHEETS)


@pytest.mark.parametrize("code", CATALOGUE.messages)
def test_every_mail_has_its_moment(code: str) -> None:
    assert any(code in one["expect"].get("due", {}) for one in MAILS)
    assert any(code in one["expect"].get("stopped", {}) for one in MAILS)


@pytest.mark.parametrize("reason", list(Stop))
def test_every_reason_stops_a_mail(reason: Stop) -> None:
    assert any(reason.value in one["expect"].get("stopped", {}).values() for one in MAILS)


@pytest.mark.parametrize("code", COMBINATIONS)
def test_every_rule_of_combinations_speaks(code: str) -> None:
    assert any(code in one["expect"].get("combination", ()) for one in MIXTURES)
