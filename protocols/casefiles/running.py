"""Runs cases against a catalogue. Pure."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from protocols.casefiles.expecting import REFUSED, Mismatch
from protocols.casefiles.reading import Case, case_files, read_file
from protocols.casefiles.written import CaseError
from protocols.definitions import Catalogue


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of one case. `fault` is set when it could not be read; `reasons` say what led to the answer."""

    name: str
    place: str
    mismatches: tuple[Mismatch, ...] = ()
    reasons: tuple[str, ...] = ()
    fault: CaseError | None = None

    @property
    def passed(self) -> bool:
        return not self.mismatches and self.fault is None


def check_files(paths: Iterable[Path], catalogue: Catalogue) -> Iterator[CaseResult]:
    """Every case of every file, in order."""
    for file in case_files(paths):
        for found in read_file(file, catalogue):
            yield run(found)


def run(case: Case | CaseError) -> CaseResult:
    if isinstance(case, CaseError):
        return CaseResult(name=case.case, place=f"{case.file}, line {case.line}", fault=case)
    if case.run is None:
        return _refused(case, str(case.faulty_input))
    try:
        answer = case.run()
    except case.kind.refusals as error:
        return _refused(case, f"{getattr(error, 'code', '')} {error}".strip())
    if case.refusal is not None:
        nothing = Mismatch(REFUSED, case.refusal, "nothing is refused")
        return CaseResult(case.name, case.place, (nothing,), tuple(case.kind.reasons(answer)))
    found = [wanted.expectation.mismatch(wanted.value, answer) for wanted in case.wanted]
    mismatches = tuple(one for one in found if one is not None)
    return CaseResult(case.name, case.place, mismatches, tuple(case.kind.reasons(answer)) if mismatches else ())


def _refused(case: Case, sentence: str) -> CaseResult:
    """The plan or the input was refused: right when the case expects just that, for just this reason."""
    if case.refusal is not None and case.refusal in sentence:
        return CaseResult(case.name, case.place)
    expected = case.refusal if case.refusal is not None else "an answer"
    return CaseResult(case.name, case.place, (Mismatch(REFUSED, expected, sentence),))
