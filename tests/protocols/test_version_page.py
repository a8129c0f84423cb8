"""What the medical lead reads of an entry: words, units and names, no codes and no places to fill in."""
from __future__ import annotations

from typing import Any

import pytest
from django.utils.translation import override

from protocols.field_words import with_unit
from protocols.version_page import name_of, shown_entry


def rule(**more: Any) -> dict[str, Any]:
    return {"code": "ix-count", "name": {"en": "Too many", "tr": "ikiden çok"}, "source": "dec", "mark": "dec", **more}


def test_what_is_filled_in_later_is_an_ellipsis() -> None:
    with override("en"):
        found = shown_entry("mixing_rule", "ix-count", rule(text={"en": "{count} are more than {limit}."}))
    assert found.sentence == "… are more than …."
    assert found.source == "decision of this catalogue"


def test_limits_are_named_in_words() -> None:
    with override("en"):
        facts = dict(shown_entry("mixing_rule", "ix-count", rule(limits={"most_substances": 5})).facts)
    assert facts["Limit"] == "most substances: 5"


def test_an_effect_is_said_with_its_label_and_a_name_is_not_said_twice() -> None:
    with override("en"):
        assert shown_entry("indication", "ind-x", rule(effect={"en": "2–4 weeks"})).sentence == "Effect to expect: 2–4 weeks"
        alone = {"code": "q-x", "text": {"en": "are you well?"}, "source": "dec"}
        assert shown_entry("consent_item", "q-x", alone).sentence == ""


@pytest.mark.parametrize(("lang", "name"), [("en", "Too many"), ("tr", "İkiden çok")])
def test_a_name_begins_with_its_own_capital(lang: str, name: str) -> None:
    with override(lang):
        assert name_of(rule()) == name


@pytest.mark.parametrize(("path", "label"), [("hard_max", "Most, mg"), ("strength", "Most, mg/ml"), ("max_points", "Most")])
def test_a_dose_names_its_unit(path: str, label: str) -> None:
    assert with_unit("Most", path, {"dose_unit": "mg", "strength_unit": "mg/ml"}) == label
