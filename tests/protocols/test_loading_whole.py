"""The whole set at once: every problem in one go, circles, ranges, what is refused, and which way a change is looser."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from protocols.comparing import compare
from protocols.cycles import circles
from protocols.definitions import Catalogue
from protocols.leaves import leaves, with_leaf
from protocols.limits import Direction, direction_of, is_hard, outside_cfg
from protocols.loading import REFERENCE, CatalogueError, catalogue_from_entries, entries_of_reference, load_reference


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REFERENCE, tmp_path / "reference"))


def replaced(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{file} does not contain {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def problems(folder: Path) -> list[tuple[str, str, str]]:
    with pytest.raises(CatalogueError) as error:
        load_reference(folder)
    return [tuple(problem) for problem in error.value.problems]


def test_every_problem_is_told_at_once_and_none_twice(folder: Path) -> None:
    """Two faulty entries and two broken references, in four files; nothing is said about what refers to the faulty ones."""
    replaced(folder, "substances.yaml", "code: sub-biotin, name", "code: sub-biotin, nam", )
    replaced(folder, "regions.yaml", "max_ml: 3,", "max_ml: three,")
    replaced(folder, "mixtures.yaml", "technique: tq-sim-pain", "technique: tq-hammer")
    replaced(folder, "aftercare.yaml", "at_least_as_long_as: ac-no-water", "at_least_as_long_as: ac-no-rain")
    found = problems(folder)
    assert [(file, code) for file, code, _words in found] == [
        ("regions.yaml", "reg-neck"), ("substances.yaml", "sub-biotin"), ("mixtures.yaml", "ck-pain-lido"),
        ("aftercare.yaml", "ac-hair-wash"),
    ]  # fmt: skip


def test_instructions_that_wait_for_each_other_are_a_circle(folder: Path) -> None:
    hours = "  settable_hours: [10, 24]\n"
    replaced(folder, "aftercare.yaml", hours, f"{hours}  at_least_as_long_as: ac-hair-wash\n")
    assert problems(folder) == [
        ("aftercare.yaml", "ac-no-water", "at_least_as_long_as leads back to itself: ac-no-water → ac-hair-wash → ac-no-water")
    ]


def test_follow_ups_that_wait_for_each_other_are_a_circle() -> None:
    rows = [(row.kind, row.code, row.body) for row in entries_of_reference()]
    at = next(place for place, row in enumerate(rows) if row[1] == "q-cancer")
    kind, code, body = rows[at]
    asked = {"kind": "yes-no", "text": {"en": "And?", "tr": "Ve?"}}
    rows[at] = (kind, code, {**body, "follow_ups": [
        *body["follow_ups"], {"key": "q-cancer-one", "when": {"q-cancer-two": "yes"}, **asked},
        {"key": "q-cancer-two", "when": {"q-cancer-one": "yes"}, **asked},
    ]})  # fmt: skip
    with pytest.raises(CatalogueError, match="q-cancer-one → q-cancer-two → q-cancer-one"):
        catalogue_from_entries(rows)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ({"a": "b", "b": "c"}, []), ({"a": "a"}, [("a", "a")]), ({"a": "b", "b": "c", "c": "b"}, [("b", "c", "b")]),
        ({"a": "bc", "b": "d", "c": "d"}, []), ({"a": "x"}, []),
    ],
)  # fmt: skip
def test_circles_of_small_graphs(points: dict[str, str], expected: list[tuple[str, ...]]) -> None:
    assert circles(points) == expected


@pytest.mark.parametrize(
    ("file", "old", "new", "entry", "words"),
    [
        ("screening/4_recent_and_clinical.yaml", "cfg: {clauses.2.wait.months: [1, 6]}", "cfg: {clauses.2.wait.months: [1, 5]}",
         "scr-isotretinoin", "clauses.2.wait.months 6 is outside its cfg range 1–5"),
        ("screening/4_recent_and_clinical.yaml", "cfg: {clauses.2.wait.months: [1, 6]}", "cfg: {clauses.9.wait.months: [1, 6]}",
         "scr-isotretinoin", "not a field of the entry"),
        ("screening/4_recent_and_clinical.yaml", "cfg: {clauses.2.wait.months: [1, 6]}", "cfg: {clauses.2.wait.months: [6, 1]}",
         "scr-isotretinoin", "down to"),
        ("screening/4_recent_and_clinical.yaml", "cfg: {clauses.2.wait.months: [1, 6]}", "cfg: 1-6 months",
         "scr-isotretinoin", "must name fields"),
        ("refused.yaml", "instead: ind-acne-scar", "instead: ind-acme-scar", "no-active-acne", "ind-acme-scar"),
        ("refused.yaml", "about: indication", "about: nonsense", "no-ringworm", "not one of"),
    ],
)  # fmt: skip
def test_ranges_and_refusals_are_checked_too(folder: Path, file: str, old: str, new: str, entry: str, words: str) -> None:
    replaced(folder, file, old, new)
    found = problems(folder)
    assert [(where, code) for where, code, _words in found] == [(file, entry)]
    assert words in found[0][2]


def test_what_sources_offer_and_is_not_done_is_refused_with_its_reason(reference: Catalogue) -> None:
    """Section 1 "Not offered" and the refusals of sections 3, 4, 9, 10 and 14a."""
    wanted = {
        "no-ringworm", "no-shingles", "no-rheumatic-infection", "no-gout", "no-joint-fluid", "no-active-acne", "no-wounds",
        "no-varicose-veins", "no-birthmarks", "no-face-fat", "no-bone-cancer-pain", "no-weight-loss", "no-liposuction",
        "no-infectious-disease", "no-botulinum-cocktail", "no-home-injection", "no-home-needling", "no-meso-peeling",
        "no-deep-point", "no-depot-steroid", "no-enriched-prp", "no-chamomile", "no-tap-water", "no-immediate-effect",
        "no-eye-bags",
    }  # fmt: skip
    assert wanted <= set(reference.refused)
    for refused in reference.refused.values():
        assert refused.source
        assert refused.text("tr") != refused.text("en")
    assert not wanted & {*reference.indications, *reference.substances, *reference.techniques, *reference.deliveries}


@pytest.mark.parametrize(
    ("kind", "path", "before", "after", "direction"),
    [
        ("substance", "hard_max", 300, "301", "loosened"), ("substance", "hard_max", 300, None, "loosened"),
        ("substance", "hard_max", None, 300, "tightened"), ("substance", "min_interval_days", 84, 90, "tightened"),
        ("substance", "typical", [10, 40], [20, 30], "tightened"), ("substance", "typical", [10, 40], [5, 40], "loosened"),
        ("substance", "status", None, "off", "tightened"), ("substance", "status", "locked", "off", "loosened"),
        ("substance", "never_in", ["FR"], None, "loosened"), ("substance", "never_in", None, ["FR"], "tightened"),
        ("substance", "allowed.categories", ["pain"], None, "loosened"),
        ("substance", "allowed.categories", None, ["pain"], "tightened"),
        ("substance", "allowed.categories", ["pain"], ["pain", "body"], "loosened"),
        ("substance", "no_allergy_test", None, True, "loosened"), ("substance", "name.en", "a", "b", "reworded"),
        ("rule", "clauses.1.severity", "absolute", "temporary", "loosened"), ("rule", "scope", ["pain"], None, "tightened"),
        ("rule", "scope", None, ["pain"], "loosened"), ("rule", "clauses.1.when.at_least", 2, 3, "loosened"),
        ("rule", "clauses.1.when.not.at_least", 2, 3, "tightened"), ("rule", "clauses.1.when.2.below", 10, 9, "loosened"),
        ("rule", "clauses.1.when.answer", "q-a", "q-b", "changed"), ("mixing_rule", "limits.most_ml", 20, 21, "loosened"),
        ("mixing_rule", "result", None, "warning", "loosened"), ("mixing_rule", "result", "warning", "incompatible", "tightened"),
        ("aftercare", "hours_until", 24, None, "tightened"), ("aftercare", "hours_until", 24, 12, "loosened"),
        ("start_gate", "overridable", None, True, "loosened"), ("combination", "days_before", 28, 14, "loosened"),
    ],
)  # fmt: skip
def test_which_way_a_change_is_looser(kind: str, path: str, before: Any, after: Any, direction: str) -> None:
    assert direction_of(kind, path, before, after) is Direction(direction)


def test_hard_limits_are_judged_by_what_stood_there_before() -> None:
    absolute = {"clauses": [{"severity": "absolute"}, {"severity": "info"}]}
    assert is_hard("rule", "clauses.1.severity", absolute)
    assert not is_hard("rule", "clauses.2.wait.days", absolute)
    assert is_hard("mixing_rule", "limits.most_ml", {})
    assert not is_hard("mixing_rule", "limits.warn_ml", {"result": "warning"})
    assert not is_hard("substance", "typical", {})


def test_leaves_and_back() -> None:
    body = {"code": "x", "a": [1, 2], "b": {"c": [{"d": "e"}, {"d": "f"}]}}
    assert leaves(body) == {"a": [1, 2], "b.c.1.d": "e", "b.c.2.d": "f"}
    assert with_leaf(body, "b.c.2.d", "g")["b"]["c"] == [{"d": "e"}, {"d": "g"}]
    assert with_leaf(body, "b.c.2", {"d": "h"})["b"]["c"][1] == {"d": "h"}
    assert with_leaf({"a": {"b": 1}}, "a.b", None) == {}
    assert body["b"]["c"][1] == {"d": "f"}


def test_a_difference_names_what_is_there_only_once() -> None:
    before = {("region", "reg-a"): {"max_ml": 3, "version": 1}, ("region", "reg-b"): {"max_ml": "5.0"}}
    after = {("region", "reg-b"): {"max_ml": 5}, ("region", "reg-c"): {"max_ml": 1}}
    assert [(one.code, one.change) for one in compare(before, after)] == [("reg-c", "added"), ("reg-a", "removed")]


@pytest.mark.parametrize(
    ("value", "refused"),
    [(10, None), ("24", None), (9, ("10", "24")), ("24.5", ("10", "24")), (None, ("10", "24"))],
)
def test_the_settable_hours_of_an_instruction_are_its_range(value: Any, refused: tuple[str, str] | None) -> None:
    assert outside_cfg({"settable_hours": [10, 24], "hours_until": 15}, "hours_until", value) == refused
