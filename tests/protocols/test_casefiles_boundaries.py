"""Every wait and every limit of the reference has a clinical case on its boundary: moved by one unit, a case fails."""

from __future__ import annotations

import pytest

from protocols.limits import direction_of
from tests.protocols.boundaries import KINDS_OF_CASE, exceptions, fails, figures_of, noticed, with_moved, written_cases


@pytest.mark.parametrize("kind", list(KINDS_OF_CASE))
def test_every_figure_has_a_case_on_its_boundary_or_a_reason_why_not(kind: str) -> None:
    """Every figure of every kind of entry. One that is excused, and that a case which names its entry notices after all,
    must not stay excused."""
    figures = list(figures_of((kind,)))
    assert [str(one) for one in figures if str(one) not in exceptions() and not noticed(one)] == []
    assert [str(one) for one in figures if str(one) in exceptions() and with_moved(one) and noticed(one, only_near=True)] == []


def test_every_exception_is_a_figure_and_says_why() -> None:
    figures = {str(one) for one in figures_of(tuple(KINDS_OF_CASE))}
    assert set(exceptions()) <= figures
    assert all(len(why) > 15 for why in exceptions().values())


def test_the_cases_notice_a_figure_that_moved_and_only_then() -> None:
    """The test above can fail: with a wait one day longer a case of its rule does."""
    one = next(found for found in figures_of(("rule",)) if found.code == "scr-vaccine")
    changed = with_moved(one)
    assert changed is not None
    assert noticed(one)
    failing = [text for kind, text, case in written_cases() if kind == "screening" and fails(case, changed)]
    assert failing
    assert direction_of(one.kind, one.path, one.before, one.after)
