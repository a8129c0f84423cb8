"""The clinical cases of this repository, each one a test: what the reference must answer. Format: docs/case-files.md."""
from __future__ import annotations

from pathlib import Path

import pytest

from protocols.casefiles.reading import Case, case_files, read_file
from protocols.casefiles.running import run
from protocols.casefiles.wording import failure
from protocols.casefiles.written import CaseError
from protocols.loading import load_reference

CLINICAL = Path(__file__).resolve().parent.parent / "clinical"
FOUND = [
    (f"{file.relative_to(CLINICAL)}:{found.line}", found)
    for file in case_files([CLINICAL]) for found in read_file(file, load_reference())
]


@pytest.mark.parametrize("found", [found for _name, found in FOUND], ids=[name for name, _found in FOUND])
def test_clinical_case(found: Case | CaseError) -> None:
    result = run(found)
    assert result.passed, "\n" + "\n".join(failure(result))


def test_there_are_at_least_150_cases() -> None:
    assert len(FOUND) >= 150
