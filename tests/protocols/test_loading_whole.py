"""The whole set at once: every problem in one go, circles, ranges, what is refused, and which way a change is looser."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from patients.choices import Text
from protocols import faults
from protocols.comparing import compare
from protocols.cycles import circles
from protocols.definitions import Catalogue
from protocols.leaves import leaves, with_leaf
from protocols.limits import Direction, direction_of, is_hard, outside_cfg
from protocols.loading import (
    REFERENCE,
    CatalogueError,
    Problem,
    catalogue_from_entries,
    entries_of_reference,
    load_reference,
)
from protocols.rules import _SHAPES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REFERENCE, tmp_path / "reference"))


def replaced(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{file} does not contain {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def appended(folder: Path, file: str, entry: str) -> None:
    with (folder / file).open("a", encoding="utf-8") as written:
        written.write(f"\n{entry}")


def problems(folder: Path) -> list[tuple[str, str, str]]:
    with pytest.raises(CatalogueError) as error:
        load_reference(folder)
    return [(one.file, one.entry, one.problem) for one in error.value.problems]


def test_every_problem_is_told_at_once_and_none_twice(folder: Path) -> None:
    """Two faulty entries and two broken references, in four files; nothing is said about what refers to the faulty ones."""
    replaced(folder, "substances.yaml", "code: sub-biotin, name", "code: sub-biotin, nam", )
    replaced(folder, "regions.yaml", "max_ml: 3,", "max_ml: three,")
    replaced(folder, "mixtures.yaml", "technique: tq-sim-pain", "technique: tq-hammer")
    replaced(folder, "aftercare.yaml", "at_least_as_long_as: ac-no-water", "at_least_as_long_as: ac-no-rain")
    found = problems(folder)
    assert [(file, code) for file, code, _words in found] == [
        ("regions.yaml", "reg-neck"), ("substances.yaml", "sub-biotin"), ("substances.yaml", "sub-biotin"),
        ("mixtures.yaml", "ck-pain-lido"), ("aftercare.yaml", "ac-hair-wash"),
    ]  # fmt: skip
    assert [words for _file, code, words in found if code == "sub-biotin"] == [
        "name must hold a text per language (en, tr)", "unknown field nam"]


def test_every_problem_of_one_entry_is_told(folder: Path) -> None:
    """Figures, words, texts, ranges, what does not fit together and what refers to nothing, all in one substance."""
    appended(folder, "substances.yaml", """- code: sub-wrong
  name: {en: Wrong}
  class: {en: vitamin, tr: vitamin}
  status: lost
  source: hearsay
  mark: maybe
  dose_unit: mg
  strength: [5, 4]
  strength_unit: IU/ml
  typical: [5, 20]
  hard_max: 10
  max_points: many
  mg_per_kg: -1
  groups: [grp-a, grp-a]
  never_in: [France]
  allowed: {regions: [reg-elbow], sexes: [cat]}
  by_region: {reg-knie: {max_ml: lots}}
  cfg: {hard_max: [1, 5], hard_min: [1, 5]}
  colour: red
""")
    told = {words for _file, code, words in problems(folder) if code == "sub-wrong"}
    assert told == {
        "name has no text in language tr",
        "status 'lost' is not one of: on, off, locked, withdrawn",
        "source 'hearsay' is not a seed (S0–S4), a source (E1–E99), bg, check or dec",
        "mark 'maybe' is not one of: bg, check, dec",
        "strength is a range from 5 down to 4",
        "typical reaches 20, above the hard_max of 10",
        "max_points must be a whole number, not 'many'",
        "mg_per_kg -1 is outside 0–100000",
        "groups names grp-a twice",
        "never_in must hold two-letter country codes",
        "allowed.sexes may hold only female, male, other",
        "by_region.reg-knie.max_ml must be a number, not 'lots'",
        "hard_max 10 is outside its cfg range 1–5",
        "cfg names hard_min, which is not a field of the entry",
        "unknown field colour",
        "by_region refers to reg-knie, which is not in the catalogue",
        "allowed.regions refers to reg-elbow, which is not in the catalogue",
    }


def test_every_problem_of_one_screening_rule_is_told(folder: Path) -> None:
    appended(folder, "screening/4_recent_and_clinical.yaml", """- code: scr-wrong
  title: {en: Wrong}
  sentence: {en: Wrong, tr: Yanlış}
  source: S9
  clauses:
  - {severity: grave, when: {answer: q-nothing, is: yes}}
  - {severity: temporary, when: {number: q-heart-medicines, above: many}, colour: red}
  - {severity: relative, when: [{answer: q-stroke}, {riddle: q-stroke}], labs: [{measurement: m-nothing, valid_days: soon}]}
  - {severity: temporary, when: {medicine: med-nothing}, wait: {within: q-mi-date}}
""")
    told = [words for _file, code, words in problems(folder) if code == "scr-wrong"]
    assert told == [
        "title lacks the language tr",
        "clauses.1.severity must be one of absolute, incomplete, relative, temporary, info, not “grave”",
        "clauses.2.when.above must be a number, not 'many'",
        "unknown key colour",
        "a temporary clause needs “wait”; beside it only a note (info) may have one",
        "clauses.3.when.1.answer needs “is”",
        f"no known condition in ['riddle']; known are {', '.join(_SHAPES)}",
        "clauses.3.labs.1.valid_days must be a whole number, not 'soon'",
        "“within” needs days or months",
        "source 'S9' is not a seed (S0–S4), a source (E1–E99), bg, check or dec",
        "clauses.1.when.answer refers to q-nothing, which is not in the catalogue",
        "clauses.3.labs.1.measurement refers to m-nothing, which is not in the catalogue",
        "clauses.4.when.medicine refers to med-nothing, which is not in the catalogue",
    ]


@pytest.mark.parametrize("kind", ["indication", "mixture", "mixing_rule", "aftercare", "question", "measurement", "message"])
def test_an_empty_entry_of_any_kind_names_everything_it_lacks(kind: str) -> None:
    """Nothing but a code: a list of faults, never a crash, and the catalogue is not built."""
    prefix = {"question": "q-", "measurement": "m-", "aftercare": "ac-", "message": "msg-", "mixture": "ck-",
              "mixing_rule": "ix-", "indication": "ind-"}[kind]  # fmt: skip
    with pytest.raises(CatalogueError) as error:
        catalogue_from_entries([*reference_rows().values(), (kind, f"{prefix}bare", {"code": f"{prefix}bare"})])
    told = [one.problem for one in error.value.problems if one.entry == f"{prefix}bare"]
    assert len(told) >= 2
    assert any("source" in one for one in told)
    assert {one.entry for one in error.value.problems} == {f"{prefix}bare"}


@cache
def reference_rows() -> dict[str, tuple[str, str, dict[str, Any]]]:
    return {row.code: (row.kind, row.code, row.body) for row in entries_of_reference()}


def faults_with(rows: list[Any]) -> tuple[Problem, ...]:
    try:
        catalogue_from_entries(rows)
    except CatalogueError as error:
        return error.problems
    return ()


@pytest.mark.parametrize("junk", [None, 7, "x", [], [1], {"a": []}, True, "1e9", {"en": 3}])
@pytest.mark.parametrize("code", ["sub-lidocaine", "ind-aga", "scr-bp", "q-allergy", "med-nsaid", "ck-hair-vit", "lab-base"])
def test_whatever_stands_in_a_field_is_a_fault_or_fine_but_never_a_crash(code: str, junk: Any) -> None:
    kind, _code, body = reference_rows()[code]
    for field in body:
        assert all(one.problem for one in faults_with([(kind, code, {**body, field: junk})]))


def test_every_sentence_fills_the_same_places_in_both_languages() -> None:
    sentences = {name: one for name, one in vars(faults).items() if isinstance(one, Text)}
    assert len(sentences) > 80
    for name, text in sentences.items():
        english, turkish = text.own("en"), text.own("tr")
        places = [{place for _said, place, _spec, _how in Formatter().parse(one) if place} for one in (english, turkish)]
        assert english, name
        assert turkish, name
        assert places[0] == places[1], name


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
