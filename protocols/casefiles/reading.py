"""From files to cases. One faulty case does not hide the others: it is reported in its place. Pure."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from protocols.casefiles import aftercare, course, messages, mixture, screening
from protocols.casefiles.expecting import REFUSED, Wanted, keys_of, read_expected
from protocols.casefiles.kinds import COMMON, CaseKind
from protocols.casefiles.written import Block, CaseError, Written, compose
from protocols.definitions import Catalogue

KINDS: Mapping[str, CaseKind[Any]] = {
    one.name: one for one in (screening.KIND, mixture.KIND, course.KIND, aftercare.KIND, messages.KIND)
}


@dataclass(frozen=True, slots=True)
class Case:
    """One case, ready to run. `refusal`: the words of the sentence that must refuse it. `faulty_input`: its input was
    refused on reading, which is what such a case may be about."""

    name: str
    file: str
    line: int
    kind: CaseKind[Any]
    run: Callable[[], Any] | None
    wanted: tuple[Wanted[Any], ...]
    refusal: str | None = None
    faulty_input: CaseError | None = None

    @property
    def place(self) -> str:
        return f"{self.file}, line {self.line}"


def case_files(paths: Iterable[Path]) -> list[Path]:
    """The files named, and every YAML file of the folders named, in a fixed order."""
    found: list[Path] = []
    for path in paths:
        found += sorted(one for one in path.rglob("*.yaml") if one.is_file()) if path.is_dir() else [path]
    return list(dict.fromkeys(found))


def read_file(path: Path, catalogue: Catalogue) -> Iterator[Case | CaseError]:
    """The cases of one file in their order; a case or file that cannot be read is given back as its error."""
    name = path.as_posix()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        yield CaseError(file=name, line=1, field="file", sentence=_unreadable(error))
        return
    try:
        cases = compose(text, name)
        if not cases.is_list or not cases.items():
            raise cases.fail("a case file is a list of cases, each beginning with “- case:”.")
    except CaseError as error:
        yield CaseError(file=name, line=error.line, field="file", sentence=error.sentence)
        return
    for written in cases.items():
        try:
            yield read_case(Written(written.node, name, ""), catalogue)
        except CaseError as error:
            error.case = _name_of(written)
            yield error


def _name_of(written: Written) -> str:
    """What a faulty case calls itself, as far as that can be read."""
    try:
        return dict(written.pairs())["case"].text()
    except (CaseError, KeyError):
        return ""


def _unreadable(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file."
    return "the file is not UTF-8 text." if isinstance(error, UnicodeDecodeError) else f"the file cannot be read: {error}."


def read_case(written: Written, catalogue: Catalogue) -> Case:
    """One case. Raises `CaseError` naming file, line and field of the first thing that is wrong with it."""
    fields = dict(written.pairs())
    for key in ("case", "kind", "expect"):
        if key not in fields:
            raise CaseError(file=written.file, line=written.line, field=key, sentence=f"the field “{key}” is missing.")
    name, kind = fields["case"].text(), KINDS[fields["kind"].one_of(KINDS)]
    block = Block(written, kind.keys)
    expected = Block(fields["expect"], keys_of(kind.expectations))
    if not list(expected):
        raise fields["expect"].fail("nothing is expected; a case without an expectation cannot fail.")
    case = partial(Case, name, written.file, written.line, kind)
    if REFUSED not in expected:
        run = kind.read(block, catalogue)
        return case(run, read_expected(expected, kind.expectations, catalogue))
    if len(list(expected)) > 1:
        raise fields["expect"].fail("a case that is refused has no other outcome to expect.")
    refusal = expected.need(REFUSED).text()
    try:
        return case(kind.read(block, catalogue), (), refusal)
    except CaseError as error:
        return case(None, (), refusal, error)


__all__ = ["COMMON", "KINDS", "Case", "case_files", "read_case", "read_file"]
