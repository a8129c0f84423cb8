"""The loader: the shipped reference is whole, rows rebuild it exactly, every fault names file, entry and problem."""
from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from patients.choices import BODY_AREAS, region_group
from protocols import combining
from protocols.choices import Status
from protocols.conditions import ItemIs
from protocols.definitions import Catalogue, text_in
from protocols.loading import (
    FIELD_BY_KIND,
    REFERENCE,
    CatalogueError,
    catalogue_from_entries,
    entries_of_reference,
    load_reference,
    main,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the reference that a test may break."""
    return Path(shutil.copytree(REFERENCE, tmp_path / "reference"))


def broken(folder: Path, file: str, old: str, new: str) -> CatalogueError:
    """The error after one replacement in one file."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1, f"{file} does not contain {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CatalogueError) as error:
        load_reference(folder)
    return error.value


def test_reference_is_valid_and_whole(reference: Catalogue) -> None:
    counts = {field: len(getattr(reference, field)) for field in FIELD_BY_KIND.values()}
    assert all(counts.values())
    assert (counts["indications"], counts["regions"], counts["techniques"]) == (30, 23, 8)
    assert (counts["mixtures"], counts["aftercare"], counts["messages"], counts["start_gates"]) == (17, 23, 14, 11)
    assert {item.number for item in reference.consent_items.values()} == set(range(1, 19))


def test_default_reference_is_read_once() -> None:
    assert load_reference() is load_reference()


def test_catalogue_cannot_be_changed(reference: Catalogue) -> None:
    with pytest.raises(TypeError):
        reference.substances["sub-new"] = reference.substances["sub-nacl"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        reference.substances["sub-nacl"].hard_max = Decimal(1)  # type: ignore[misc]


def test_rows_rebuild_the_same_catalogue(reference: Catalogue) -> None:
    rows = entries_of_reference()
    stored = json.loads(json.dumps([(row.kind, row.code, row.body) for row in rows]))
    rebuilt = catalogue_from_entries(stored, version=reference.version)
    for field in FIELD_BY_KIND.values():
        assert getattr(rebuilt, field) == getattr(reference, field)
        assert list(getattr(rebuilt, field)) == list(getattr(reference, field))


def test_rows_are_numbered_and_fit_their_columns() -> None:
    rows = entries_of_reference()
    assert [row.position for row in rows] == list(range(1, len(rows) + 1))
    assert all(row.source and len(row.mark) <= 8 and len(row.code) <= 60 and len(row.kind) <= 24 for row in rows)


def _walk(value: object) -> Iterator[object]:
    yield value
    if is_dataclass(value):
        for field in fields(value):
            yield from _walk(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _walk(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from _walk(inner)


def test_no_figure_is_a_float(reference: Catalogue) -> None:
    assert not [value for value in _walk(reference) if isinstance(value, float)]
    assert not [value for row in entries_of_reference() for value in _walk(row.body) if isinstance(value, float)]
    assert reference.substances["sub-dutasteride"].strength.low == Decimal("0.1")  # type: ignore[union-attr]


PATIENT_VISIBLE = (
    "indications", "regions", "aftercare", "reactions", "messages", "consent_items", "start_gates", "combinations",
    "planner_rules", "check_ins")


@pytest.mark.parametrize("kind", PATIENT_VISIBLE)
def test_texts_for_patients_are_translated(reference: Catalogue, kind: str) -> None:
    same_word = {"ind-melasma", "ind-vitiligo"}
    for code, entry in getattr(reference, kind).items():
        assert code in same_word or entry.name_in("tr") != entry.name_in("en"), code
        if hasattr(entry, "text"):
            assert entry.text("tr") != entry.text("en"), code


def test_language_falls_back_to_english() -> None:
    texts = {"en": "Hello", "tr": "Merhaba"}
    assert [text_in(texts, lang) for lang in ("tr", "tr-TR", "de", "en")] == ["Merhaba", "Merhaba", "Hello", "Hello"]


def test_regions_agree_with_the_words_of_the_patients_floor(reference: Catalogue) -> None:
    assert set(reference.regions) == set(BODY_AREAS)
    assert {code: region.group for code, region in reference.regions.items()} == {
        code: region_group(code).removeprefix("reg-") for code in BODY_AREAS}


def test_status_of_substances(reference: Catalogue) -> None:
    by_status: dict[Status, set[str]] = {status: set() for status in Status}
    for code, substance in reference.substances.items():
        by_status[substance.status].add(code.removeprefix("sub-"))
    assert by_status[Status.LOCKED] == {"glutathione", "calcitonin", "thiocolchicoside", "dca", "pc-dc"}
    assert by_status[Status.OFF] == {
        "dmae", "aminophylline", "artichoke", "ginkgo", "hyaluronidase", "methylprednisolone"}
    assert by_status[Status.WITHDRAWN] == {
        "minoxidil-lotion", "buflomedil", "collagenase", "thyroid", "retinol", "antibiotic", "growth-factors", "vit-k",
        "vit-e-oil", "adrenaline"}


def test_groups_become_codes(reference: Catalogue) -> None:
    assert reference.mixing_rules["ix-nsaid-dup"].substances == {"sub-ketoprofen", "sub-diclofenac", "sub-piroxicam"}
    named = {code for rule in reference.mixing_rules.values() for code in rule.substances | rule.with_substances}
    assert all(code.startswith("sub-") for code in named)


# file, what stands there, what is written instead, the entry named, words of the problem
FAULTS = [
    ("mixtures.yaml", "substance: sub-pn,", "substance: sub-pq,", "ck-eye-pn", "sub-pq"),
    ("mixtures.yaml", "[ind-under-eye]", "[ind-over-eye]", "ck-eye-pn", "ind-over-eye"),
    ("mixtures.yaml", "technique: tq-sim-pain", "technique: tq-hammer", "ck-pain-lido", "tq-hammer"),
    ("mixtures.yaml", "total_ml: 1.0", "total_ml: 1.1", "ck-eye-pn", "sum of the items"),
    ("mixtures.yaml", "warns: [ix-vitc-b]", "warns: [ix-vitc-c]", "ck-face-glow", "ix-vitc-c"),
    ("mixtures.yaml", "volume_ml: 0.12, strength: 100}", "volume_ml: 0.12}", "ck-melasma-txa", "needs a strength"),
    ("mixtures.yaml", "volume_ml: 0.12, strength: 100}", "volume_ml: 0.12, strength: 100, strength_unit: IU/ml}",
     "ck-melasma-txa", "IU/ml"),
    ("indications.yaml", "reg-periocular", "reg-elbow", "ind-under-eye", "reg-elbow"),
    ("indications.yaml", "{default: 14, min: 7, max: 28}", "{default: 35, min: 7, max: 28}", "ind-face-rejuv",
     "outside its range"),
    ("indications.yaml", "{default: 14, min: 7, max: 28}", "{default: 14, min: 7.5, max: 28}", "ind-face-rejuv",
     "whole number"),
    ("indications.yaml", "{default: 10, min: 6, max: 12}", "{default: 9, min: 6, max: 12}", "ind-aga", "add up"),
    ("indications.yaml", "category: hair", "category: hairy", "ind-eyebrow", "not one of"),
    ("indications.yaml", "{earliest_days: 90, latest_days: 180}", "{earliest_days: 190, latest_days: 180}",
     "ind-face-rejuv", "from 190 down to 180"),
    ("indications.yaml", "  source: E45\n", "  sauce: E45\n", "ind-hydration", "source"),
    ("indications.yaml", "  source: E45\n", "  source: hearsay\n", "ind-hydration", "hearsay"),
    ("regions.yaml", "depth_mm: [1, 1.5]", "depth_mm: [1.5, 1]", "reg-neck", "from 1.5 down to 1"),
    ("regions.yaml", "tr: yüz", "de: Gesicht", "reg-face", "language tr"),
    ("regions.yaml", "max_ml: 3,", "max_ml: -3,", "reg-neck", "outside"),
    ("regions.yaml", "max_ml: 3,", "max_ml: three,", "reg-neck", "must be a number"),
    ("regions.yaml", "max_ml: 3,", "max_ml: 3, max_litres: 3,", "reg-neck", "unknown field max_litres"),
    ("techniques.yaml", "[sub-ha-stab]", "[sub-ha-stap]", "tq-bap", "sub-ha-stap"),
    ("substances.yaml", "strength: [250, 250], strength_unit: mg/ml", "strength: [250, 250], strength_unit: IU/ml",
     "sub-dexpanthenol", "does not fit doses in mg"),
    ("substances.yaml", "typical: [5, 5], hard_max: 10", "typical: [5, 15], hard_max: 10", "sub-biotin",
     "above the hard_max"),
    ("substances.yaml", "dose_unit: mg, typical: [5, 5]", "dose_unit: drops, typical: [5, 5]", "sub-biotin", "drops"),
    ("substances.yaml", "mg_per_kg: 4.5", "mg_per_kg: .nan", "sub-lidocaine", "mg_per_kg"),
    ("substances.yaml", "hard_max: 300", "hard_max: 1e9", "sub-lidocaine", "outside"),
    ("substances.yaml", "status: locked, strength: [200", "status: lost, strength: [200", "sub-glutathione", "lost"),
    ("substances.yaml", "never_in: [FR]", "never_in: [France]", "sub-dca", "two-letter"),
    ("substances.yaml", "code: sub-biotin", "code: sub-ha-nc", "sub-ha-nc", "used twice"),
    ("substances.yaml", "code: sub-biotin", "code: biotin", "biotin", "prefixes"),
    ("substances.yaml", "code: sub-biotin", "cod: sub-biotin", "entry", "has no code"),
    ("substances.yaml", "mark: check, note: Falsifies", "mark: maybe, note: Falsifies", "sub-biotin", "maybe"),
    ("mixing_rules.yaml", "[grp-xanthine]", "[grp-zanthine]", "ix-xanthine-dup", "grp-zanthine"),
    ("mixing_rules.yaml", "{substances} is a suspension", "{substance} is a suspension", "ix-suspension",
     "unknown fields substance"),
    ("mixing_rules.yaml", "limits: {percent: 25}", "limits: {per_cent: 25}", "ix-hypo-osmolar", "needs the limits"),
    ("mixing_rules.yaml", "shape: at-most-one", "shape: at-least-one", "ix-xanthine-dup", "at-least-one"),
    ("aftercare.yaml", "hours_until: 15", "hours_until: 9", "ac-no-water", "settable_hours"),
    ("aftercare.yaml", "regions: [reg-scalp]", "regions: [reg-wig]", "ac-hair-wash", "reg-wig"),
    ("aftercare.yaml", "at_least_as_long_as: ac-no-water", "at_least_as_long_as: ac-no-rain", "ac-hair-wash",
     "ac-no-rain"),
    ("aftercare.yaml", "  regions: [exposed]\n", "", "ac-spf", "for nobody"),
    ("consent.yaml", "[ind-melasma,", "[ind-melisma,", "consent-lightening", "ind-melisma"),
    ("reactions.yaml", "[sub-dca]", "[sub-dcb]", "ae-nerve", "sub-dcb"),
    ("messages.yaml", "sent_at_once: true", "sent_at_once: yes please", "msg-confirm", "true or false"),
]


@pytest.mark.parametrize(("file", "old", "new", "entry", "words"), FAULTS)
def test_fault_names_file_entry_and_problem(
    folder: Path, file: str, old: str, new: str, entry: str, words: str
) -> None:
    error = broken(folder, file, old, new)
    assert any(
        problem.file == file and problem.entry.startswith(entry) and words in problem.problem
        for problem in error.problems), str(error)


def test_malformed_yaml_names_file_and_line(folder: Path) -> None:
    error = broken(folder, "regions.yaml", "- {code: reg-neck,", "- {code: reg-neck")
    (problem,) = error.problems
    assert problem.file == "regions.yaml"
    assert problem.entry.startswith("line ")
    assert "not readable as YAML" in problem.problem


def test_key_written_twice_is_a_fault(folder: Path) -> None:
    error = broken(folder, "regions.yaml", "group: neck,", "group: neck, group: face,")
    assert "'group' stands twice" in str(error)


def test_file_that_is_no_list_is_a_fault(folder: Path) -> None:
    (folder / "extra.yaml").write_text("code: reg-x\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"extra\.yaml: -: the file must be a list"):
        load_reference(folder)


def test_yaml_cannot_build_objects(folder: Path) -> None:
    (folder / "extra.yaml").write_text("- !!python/object/apply:os.getcwd []\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"extra\.yaml"):
        load_reference(folder)


def test_every_fault_is_reported_at_once(folder: Path) -> None:
    path = folder / "regions.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("group: neck,", "group: 7,"), encoding="utf-8")
    error = broken(folder, "substances.yaml", "dose_unit: ml, typical: [2, 3]", "dose_unit: pint, typical: [2, 3]")
    assert {problem.entry for problem in error.problems} >= {"reg-neck", "reg-decollete", "sub-ha-nc"}


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="no YAML files"):
        load_reference(tmp_path / "nowhere")


def test_scope_of_a_screening_rule_must_exist(folder: Path) -> None:
    path = folder / "substances.yaml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "code: sub-glutathione" not in line), encoding="utf-8")
    with pytest.raises(CatalogueError) as error:
        load_reference(folder)
    assert any(problem.entry == "scr-asthma" and "sub-glutathione" in problem.problem
               for problem in error.value.problems), str(error.value)


def test_stored_rows_are_checked_like_files() -> None:
    rows = [(row.kind, row.code, dict(row.body)) for row in entries_of_reference()]
    kind, code, body = next(row for row in rows if row[1] == "sub-biotin")
    body["hard_max"] = "-1"
    with pytest.raises(CatalogueError, match=r"substance: sub-biotin: hard_max -1 is outside"):
        catalogue_from_entries(rows)
    with pytest.raises(CatalogueError, match="filed as region"):
        catalogue_from_entries([("region", code, body)])
    assert kind == "substance"


def test_command_line_reports_problems(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder)]) == 0
    assert "30 indications" in capsys.readouterr().out
    path = folder / "regions.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("group: neck,", "", 1), encoding="utf-8")
    assert main([str(folder)]) == 1
    printed = capsys.readouterr().out
    assert "regions.yaml: reg-neck: group" in printed
    assert "1 problems; nothing was loaded" in printed


def test_the_answers_of_the_check_in_are_those_of_the_reference(reference: Catalogue) -> None:
    by_urgency: dict[str, set[str]] = {}
    for code, answer in reference.check_ins.items():
        by_urgency.setdefault(answer.urgency, set()).add(code.removeprefix("ci-"))
    assert by_urgency == {
        "emergency": {"breathing", "throat", "faint", "chest-pain", "sight", "skin", "fit"},
        "same-day": {"spreading-redness", "pus", "fever", "pain", "swelling"},
        "48-hours": {"lump", "lump-early"},
    }
    lump, fever, pain = (reference.check_ins[code] for code in ("ci-lump", "ci-fever", "ci-pain"))
    assert (lump.from_day, lump.until_day, lump.reaction) == (7, 90, "ae-infection-ntm")
    assert (fever.at_least, pain.at_least, pain.after_hours, pain.rising) == (Decimal("38.0"), Decimal(7), 48, True)


def test_planner_rules_are_those_of_the_reference(reference: Catalogue) -> None:
    named = {"next", "min", "late", "gap", "phase", "shift", "maintenance", "review"}
    assert {code.removeprefix("plan-") for code in reference.planner_rules} == named
    assert reference.planner_rules["plan-gap"].days == 60


def test_days_before_a_session_are_the_same_in_screening_and_in_the_combinations(reference: Catalogue) -> None:
    """Every treatment of q-procedure stands in one combination, with the wait that scr-recent-procedure asks for."""
    waits = {}
    for clause in reference.rules["scr-recent-procedure"].clauses:
        (item,) = [part for part in clause.when.parts if isinstance(part, ItemIs)]  # type: ignore[attr-defined]
        waits |= dict.fromkeys(item.values, (clause.wait.days, clause.wait.months))  # type: ignore[union-attr]
    combined = {
        value: (one.days_before or 0, one.months_before or 0)
        for one in reference.combinations.values() for value in one.procedures}
    assert combined == waits
    assert set(waits) == set(reference.questions["q-procedure"].values) - {"none"}


def test_days_between_two_plans_are_those_of_the_combinations(reference: Catalogue) -> None:
    assert [reference.combinations[code].days_before for code in combining.PLAN_PAIRS] == [7, 14]
    assert [reference.combinations[code].days_after for code in combining.PLAN_PAIRS] == [7, 14]
    assert combining.farthest_days(reference) == 14


def test_an_entry_is_marked_with_what_its_source_admits() -> None:
    """Who reads only the mark learns that a figure is background knowledge, our decision or to be confirmed."""
    for row in entries_of_reference():
        admitted = {"bg", "dec", "check"} & set(row.source.split())
        assert admitted <= set(row.mark.split()) or row.mark, row.code


def _texts(value: object) -> Iterator[Mapping[str, str]]:
    if isinstance(value, Mapping) and set(value) == {"en", "tr"}:
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inner)


def _figures(text: str) -> list[Decimal]:
    """Every figure of a text in whatever notation: 0.9, 0,9 and the clock times 10:00 and 10.00."""
    return sorted(Decimal(found.replace(",", ".").replace(":", ".")) for found in re.findall(r"\d+(?:[.,:]\d+)?", text))


def test_both_languages_name_the_same_figures() -> None:
    """A limit that is 7 days in English and 14 in Turkish would be two rules."""
    different = [
        (row.code, text["en"], text["tr"])
        for row in entries_of_reference() for text in _texts(row.body) if _figures(text["en"]) != _figures(text["tr"])]
    assert different == []
