"""What a screening or mixing rule cannot say: words, keys and figures that would never fire, always fire or mean nothing.

Each is refused by the loader, at the very field, in both languages of the house."""

from __future__ import annotations

from typing import Any

import pytest

from protocols.leaves import with_leaf
from protocols.loading import CatalogueError, Problem, catalogue_from_entries, entries_of_reference

TEXTS = {"en": "x", "tr": "x"}
YES = {"answer": "q-heart", "is": ["yes"]}


def problems(kind: str, code: str, body: dict[str, Any]) -> list[Problem]:
    """What is wrong with the reference when this entry is added to it, or stands for the one of its code."""
    rows = [(one.kind, one.code, one.body) for one in entries_of_reference() if one.code != code]
    with pytest.raises(CatalogueError) as error:
        catalogue_from_entries([*rows, (kind, code, {"code": code, **body})])
    return list(error.value.problems)


def rule(clause: dict[str, Any], **rest: Any) -> list[Problem]:
    clauses = [{"severity": "absolute", **clause}]
    return problems("rule", "scr-x", {"title": TEXTS, "sentence": TEXTS, "source": "dec", "clauses": clauses, **rest})


@pytest.mark.parametrize(
    ("when", "path", "words"),
    [
        ([], "when", "list of conditions"), ({"any": []}, "when.any", "list of conditions"),
        ({"all": []}, "when.all", "list of conditions"), ({"not": []}, "when.not", "list of conditions"),
        ({"sex": []}, "when.sex", "at least one"), ({"sex": ["femal"]}, "when.sex", "may hold only"),
        ({"medicine": []}, "when.medicine", "at least one"), ({"plan": []}, "when.plan", "at least one"),
        ({"preserved": []}, "when.preserved", "at least one"), ({"item_planned": {}}, "when.item_planned", "at least one"),
        ({"named": [], "in": "q-anticoagulant"}, "when.named", "at least one"),
        ({"item": "rash"}, "when.item", "not in the catalogue"),
        ({**YES, "iss": ["no"]}, "when.iss", "unknown key"),
        ({"age": {"at_most": 3, "atleast": 1}}, "when.age.atleast", "unknown key"),
        ({"age": {"above": "NaN"}}, "when.age.above", "must be a number"),
        ({"age": {"above": "Infinity"}}, "when.age.above", "must be a number"),
        ({"age": {"above": -1}}, "when.age.above", "outside 0"),
        ({"age": {"at_least": 70, "below": 60}}, "when.age", "from 70 down to 60"),
        ({"age": {"at_least": 76, "below": 76}}, "when.age", "no figure between 76 and 76"),
        ({"age": {"above": 76, "at_most": 76}}, "when.age", "no figure between 76 and 76"),
        ({"bmi": {"below": 0}}, "when.bmi", "no figure between 0 and 0"),
        ({"age": {"at_least": 700}}, "when.age.at_least", "between 0 and 130"),
        ({"age": {"above": 130}}, "when.age.above", "between 0 and 130"),
        ({"not": {"age": {"at_least": 131}}}, "when.not.age.at_least", "between 0 and 130"),
        ({"bmi": {"above": 400}}, "when.bmi.above", "between 5 and 175"),
        ({"bmi": {"at_most": 3}}, "when.bmi.at_most", "between 5 and 175"),
        ({"measured": "m-hba1c", "above": 64}, "when.above", "between 3 and 20"),
        ({"measured": "m-hba1c", "below": 3}, "when.below", "between 3 and 20"),
        ({"measured": "m-bp", "second": True, "at_least": 200}, "when.at_least", "between 30 and 160"),
        ({"number": "q-heart-medicines", "above": 20}, "when.above", "between 0 and 20"),
        ({"within": "q-mi-date", "days": -14}, "when.days", "outside 0–36500"),
        ({"within": "q-mi-date", "days": 36501}, "when.days", "outside 0–36500"),
        ({"within": "q-mi-date", "months": 601}, "when.months", "outside 0–600"),
        ({"within": "q-mi-date", "months": -1}, "when.months", "outside 0–600"),
        ({"measured": "m-hba1c", "above": 8, "within_days": -1}, "when.within_days", "outside 0–36500"),
        ({"within": "q-heart", "days": 3}, "when.within", "q-heart holds no date"),
        ({"number": "q-heart", "above": 3}, "when.number", "q-heart holds no number"),
        ({"in_area": "q-heart"}, "when.in_area", "q-heart holds no regions"),
        ({"measured": "m-asa", "above": 3}, "when.measured", "m-asa holds no number"),
        ({"measured": "m-hba1c", "above": 3, "second": True}, "when.second", "m-hba1c holds no second value"),
        ({"measured": "m-asa", "is": ["VII"]}, "when.is", "VII can never be the answer"),
        ({"answer": "q-heart", "is": ["maybe"]}, "when.is", "maybe can never be the answer"),
        ({"answer": "q-heart-medicines", "is": ["2"]}, "when.is", "2 can never be the answer"),
        ({"answer": ".state", "is": ["healed"]}, "when.answer", ".state, which is not"),
        ([YES, {"any": [YES, {"not": {"answer": "q-none", "is": "x"}}]}], "when.2.any.2.not.answer", "q-none, which is not"),
        ({"given": "q-none"}, "when.given", "q-none, which is not"),
    ],
)  # fmt: skip
def test_a_condition_that_means_nothing_is_refused_at_its_field(when: Any, path: str, words: str) -> None:
    (problem,) = rule({"when": when})
    assert (problem.entry, problem.fault.field) == ("scr-x", f"clauses.1.{path}")
    assert words in problem.problem
    assert problem.fault.said("tr") != problem.fault.said("en")


@pytest.mark.parametrize(
    ("clause", "path", "words"),
    [
        ({"when": YES, "wait": {"within": "q-mi-date", "days": -14}, "severity": "temporary"}, "wait.days", "outside 0–36500"),
        ({"when": YES, "wait": {"within": "q-mi-date", "months": 601}, "severity": "temporary"}, "wait.months", "outside 0–600"),
        ({"when": YES, "wait": {"within": "q-mi-date", "days": 1, "month": 1}, "severity": "temporary"},
        "wait.month", "unknown key"),
        ({"when": YES, "wait": {"within": "q-heart", "days": 14}, "severity": "temporary"}, "wait.within", "holds no date"),
        ({"when": YES, "wait": {"within": "q-none", "days": 14}, "severity": "info"}, "wait.within", "q-none, which is not"),
        ({"when": YES, "labs": [{"measurement": "m-hba1c", "valid_days": -1}]}, "labs.1.valid_days", "outside 0–36500"),
        ({"when": YES, "labs": [{"measurement": "m-none", "valid_days": 1}]}, "labs.1.measurement", "m-none, which is not"),
        ({"when": YES, "scope": ["sub-none"]}, "scope", "sub-none, which is not"),
        ({"when": YES, "scpe": ["body"]}, "scpe", "unknown key"),
        ({"when": YES, "letter": {"en": "x", "tr": "x", "xx": "x"}}, "letter", "xx, which are not languages"),
    ],
)  # fmt: skip
def test_a_clause_that_means_nothing_is_refused_at_its_field(clause: dict[str, Any], path: str, words: str) -> None:
    (problem,) = rule(clause)
    assert problem.fault.field == f"clauses.1.{path}"
    assert words in problem.problem


@pytest.mark.parametrize(
    ("when", "each", "words"),
    [
        ({"item": "rahs"}, "q-skin", "rahs, which is not"),
        ({"answer": ".stat", "is": "healed"}, "q-skin", ".stat, which is not"),
        ({"answer": ".state", "is": "heald"}, "q-skin", "heald can never"),
        ({"number": ".grad", "above": 1}, "events", ".grad, which is not"),
        ({"answer": ".status", "is": "opened"}, "events", "opened can never"),
        ({"answer": ".status", "is": "unsure"}, "events", "unsure can never"),
        ({"answer": ".causality", "is": ["certain", "sure"]}, "events", "sure can never"),
        ({"number": ".status", "above": 1}, "events", ".status holds no number"),
        ({"within": ".grade", "days": 1}, "events", ".grade holds no date"),
        ({"number": ".grade", "above": 5}, "events", "between 1 and 5"),
    ],
)  # fmt: skip
def test_details_of_a_list_are_known_too(when: Any, each: str, words: str) -> None:
    (problem,) = rule({"when": when}, each=each)
    assert words in problem.problem


def test_figures_that_can_just_be_reached_are_accepted() -> None:
    bounds = [{"age": {"at_least": 130}}, {"age": {"at_least": 76, "at_most": 76}}, {"age": {"above": 0}},
              {"measured": "m-hba1c", "at_least": 20}, {"measured": "m-hba1c", "at_most": 3}, {"bmi": {"above": 0}},
              {"number": "q-heart-medicines", "at_least": 20}]  # fmt: skip
    body = {"code": "scr-x", "title": TEXTS, "sentence": TEXTS, "source": "dec", "clauses": [
        {"severity": "absolute", "when": {"any": bounds}}]}  # fmt: skip
    rows = [(one.kind, one.code, one.body) for one in entries_of_reference()]
    assert "scr-x" in catalogue_from_entries([*rows, ("rule", "scr-x", body)]).rules


@pytest.mark.parametrize(
    ("code", "path", "value", "words"),
    [
        ("ix-oil-alcohol", "text.en", "Not {substances!r}.", "by itself in its braces"),
        ("ix-oil-alcohol", "text.tr", "{substances:>999} olmaz.", "by itself in its braces"),
        ("ix-oil-alcohol", "text.en", "Not {substances.__class__}.", "unknown fields"),
        ("ix-oil-alcohol", "text.en", "Not {substances[0]}.", "unknown fields"),
        ("ix-ha-hyaluronidase", "within_days", 36501, "outside 0–36500"), ("m-hba1c", "valid_days", -1, "outside 0–36500"),
        ("ind-hydration", "phases.1.interval_days.max", 36501, "outside 0–36500"),
        ("sub-dutasteride", "min_interval_days", 36501, "36500"),
        ("scr-diabetes-other", "cfg", {"clauses.2.when.above": ["NaN", "8.0"]}, "must be a range"),
        ("sub-lidocaine", "hard_max", "NaN", "must be a number"),
        ("m-hba1c", "lowest", "NaN", "must be a number"), ("reg-face", "name.xx", "Gesicht", "not languages of the clinic"),
    ],
)  # fmt: skip
def test_a_figure_or_a_text_that_means_nothing_is_refused(code: str, path: str, value: Any, words: str) -> None:
    row = next(one for one in entries_of_reference() if one.code == code)
    found = problems(row.kind, code, with_leaf(row.body, path, value))
    assert {one.entry for one in found} == {code}
    assert words in found[0].problem


def test_a_component_that_is_not_there_is_named_with_its_place() -> None:
    row = next(one for one in entries_of_reference() if one.code == "ck-eye-pn")
    (problem,) = problems(row.kind, row.code, with_leaf(row.body, "items.1.substance", "sub-none"))
    assert problem.fault.field == "items.1.substance"
