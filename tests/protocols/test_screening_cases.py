"""Section 7 of the clinical reference against the clinical cases: every rule fired and not fired, by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from protocols.findings import Severity
from protocols.loading import load_reference

TEXTS = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the faster one reads the same
CASES = Path(__file__).resolve().parents[1] / "clinical"

# Typed from section 7, in the order of its rows; the last two are the rules of section 8 that can fire.
REFERENCE = """
scr-age-min scr-age-max scr-pregnancy scr-breastfeeding scr-childbearing-5ari scr-5ari-men scr-thiocolch scr-chc
scr-diabetes-insulin scr-diabetes-other scr-stroke scr-heart-multi scr-heart-other scr-mi scr-arrhythmia scr-bp
scr-cancer-active scr-cancer-history scr-bleeding-disorder scr-platelets scr-haemoglobin scr-thrombosis
scr-subarachnoid scr-bleed-brain-eye scr-anticoagulant scr-antiplatelet scr-nsaid-otc scr-supplements scr-medicines
scr-liver-kidney scr-urticaria scr-mastocytosis scr-anaphylaxis scr-allergy scr-nsaid-allergy scr-asthma
scr-infection-local scr-infection-general scr-antibiotics scr-herpes-history scr-skin-disease scr-lesion
scr-permanent-filler scr-lymphoedema scr-autoimmune scr-thyroid-autoimmune scr-immunosuppressed scr-keloid scr-epilepsy
scr-mood scr-eating-disorder scr-pacemaker scr-metal-implant scr-gallstones scr-gi-ulcer scr-dysphagia scr-g6pd
scr-iron-overload scr-oxalate scr-methb scr-porphyria scr-pseudochol scr-low-calcium scr-phaeo scr-heart-block
scr-isotretinoin scr-retinoid-topical scr-recent-procedure scr-vaccine scr-dental scr-sun scr-alcohol scr-bmi scr-asa
scr-bdd scr-fitzpatrick scr-faint scr-hairloss-unknown scr-redflags scr-prior-reaction
wo-prp wo-warfarin-carnitine
"""
CODES = REFERENCE.split()


def expectations() -> Iterator[dict[str, Any]]:
    """What the screening cases expect, as written: every scalar a text."""
    for file in sorted(CASES.rglob("*.yaml")):
        cases = yaml.load(file.read_text(encoding="utf-8"), Loader=TEXTS)  # noqa: S506 (builds texts only)
        yield from (case["expect"] for case in cases if case["kind"] == "screening" and "expect" in case)


EXPECTED = list(expectations())
FIRED = {
    code for one in EXPECTED for code in (*one.get("codes", ()), *one.get("codes_include", ()), *one.get("severity", ()))
}
NOT_FIRED = {code for one in EXPECTED for code in one.get("codes_exclude", ())}


@pytest.mark.parametrize("code", CODES)
def test_a_case_fires_the_rule_and_another_comes_close_and_does_not(code: str) -> None:
    assert code in FIRED, f"no clinical case expects {code} to fire"
    assert code in NOT_FIRED, f"no clinical case names {code} among the codes that must not fire"


def test_the_catalogue_holds_these_rules_and_no_other_screening_rule() -> None:
    rules = load_reference().rules
    assert {code for code in rules if code.startswith("scr-")} == {code for code in CODES if code.startswith("scr-")}
    firing = {code for code, rule in rules.items() if rule.clauses}
    assert firing | {"scr-medicines"} == set(CODES), "a rule with clauses has no line in the list, or the other way round"


def severities_of(code: str) -> set[str]:
    """Every severity the rule can have: those of its clauses; for medicines those of the classes, and unclassed."""
    if code == "scr-medicines":
        effects = [effect for one in load_reference().medicine_classes.values() for effect in one.effects]
        return {effect.severity.value for effect in effects} | {Severity.INCOMPLETE.value}
    return {clause.severity.value for clause in load_reference().rules[code].clauses}


@pytest.mark.parametrize("code", CODES)
def test_every_severity_a_rule_can_have_is_expected_by_a_case(code: str) -> None:
    expected = {one["severity"][code] for one in EXPECTED if code in one.get("severity", {})}
    if any(one.get("waits", {}).get(code, "none") != "none" for one in EXPECTED):
        expected.add(Severity.TEMPORARY.value)  # beside a clearance a wait is expected as a date or as open
    assert severities_of(code) <= expected


def test_there_are_enough_cases() -> None:
    assert len(EXPECTED) >= 120
