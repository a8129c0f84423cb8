"""What `check_cases` prints. Pure."""
from __future__ import annotations

from collections.abc import Iterator

from protocols.casefiles.running import CaseResult


def failure(result: CaseResult) -> Iterator[str]:
    """A case that failed: where it stands, what was expected, what came out, and why."""
    if result.fault is not None:
        yield f"FAILED  {result.place}: {f'“{result.name}”' if result.name else 'it'} cannot be read"
        yield f"  {result.fault.field}: {result.fault.sentence}"
        return
    yield f"FAILED  {result.place}: {result.name}"
    for one in result.mismatches:
        yield f"  {one.key}"
        yield f"    expected  {one.expected}"
        yield f"    got       {one.got}"
    for reason in result.reasons:
        yield f"  because {reason}"


def summary(*, passed: int, failed: int) -> str:
    return f"{passed} passed, {failed} failed"
