"""docs/case-files.md says what the readers accept, and its examples hold."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

from protocols.casefiles.expecting import REFUSED
from protocols.casefiles.reading import KINDS, read_case
from protocols.casefiles.running import CaseResult, check_files
from protocols.casefiles.tables import BLOCKS, all_tables, tables_in, with_tables
from protocols.casefiles.wording import failure, summary
from protocols.casefiles.written import Block, Written, compose
from protocols.loading import load_reference

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "case-files.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
NEEDED = {
    "screening": "", "mixture": "  plan: {indication: ind-aga, mixture: ck-hair-minox}\n",
    "course": "  indication: ind-aga\n", "messages": "",
    "aftercare": "  ended_at: 2026-06-15 18:00\n  plan: {indication: ind-aga, mixture: ck-hair-minox}\n",
}


def results(tmp_path: Path, example: str) -> list[CaseResult]:
    file = tmp_path / "caffeine.yaml"
    file.write_text(example, encoding="utf-8")
    return list(check_files([file], load_reference()))


def test_the_tables_are_current() -> None:
    assert with_tables(DOCUMENT, load_reference()) == DOCUMENT, "run manage.py draw_case_tables"


def test_every_table_stands_in_the_document_once() -> None:
    assert sorted(tables_in(DOCUMENT)) == sorted(all_tables(load_reference()))


def test_every_answer_key_and_every_allowed_value_is_documented() -> None:
    for question in load_reference().questions.values():
        for field in (question, *question.follow_ups):
            (row,) = [line for line in DOCUMENT.splitlines() if line.startswith(f"| `{field.key}` |")]
            assert all(f"`{value}`" in row for value in field.values)


@pytest.mark.parametrize("example", EXAMPLES[1:], ids=[example.splitlines()[1].strip() for example in EXAMPLES[1:]])
def test_the_examples_hold(tmp_path: Path, example: str) -> None:
    for result in results(tmp_path, example):
        assert result.passed, "\n".join(failure(result))


def test_the_example_that_shall_fail_prints_what_the_page_shows(tmp_path: Path) -> None:
    (result,) = results(tmp_path, EXAMPLES[0])
    printed = "\n".join([*failure(result), summary(passed=0, failed=1)]).replace(str(tmp_path), "our-cases")
    assert f"```\n{printed}\n```" in DOCUMENT


@pytest.mark.parametrize(("kind", "key"), [
    (kind.name, one.key) for kind in KINDS.values() for one in kind.expectations])
def test_the_example_of_an_expectation_can_be_read(kind: str, key: str) -> None:
    (expectation,) = [one for one in KINDS[kind].expectations if one.key == key]
    block = compose(f"{key}: {expectation.example}\n", "docs")
    expectation.read(block.pairs()[0][1], load_reference())


@pytest.mark.parametrize(("kind", "key"), [
    (kind.name, key) for kind in KINDS.values() for key in kind.fields])
def test_the_example_of_a_field_can_be_read(kind: str, key: str) -> None:
    needed = re.sub(rf"^  {key}:.*\n", "", NEEDED[kind], flags=re.MULTILINE)
    given = f"  {key}: {KINDS[kind].fields[key][0]}\n"
    text = f"- case: One\n  kind: {kind}\n{needed}{given}  expect: {{{REFUSED}: nothing}}\n"
    case = read_case(Written(compose(text, "docs").items()[0].node, "docs", ""), load_reference())
    assert case.faulty_input is None, str(case.faulty_input)


@pytest.mark.parametrize("name", BLOCKS)
def test_the_example_of_every_smaller_field_is_yaml_with_that_key(name: str) -> None:
    for key, (example, means) in BLOCKS[name].items():
        assert next(iter(Block(compose(f"{key}: {example}\n", "docs"), BLOCKS[name])))[0] == key
        assert means
