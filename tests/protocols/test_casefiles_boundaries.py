"""Every wait and every limit of the reference has a clinical case on its boundary: moved by one unit, a case fails."""

from __future__ import annotations

import pytest

from protocols.limits import direction_of
from tests.protocols.boundaries import KINDS_OF_CASE, Moved, fails, figures_of, noticed, with_moved, written_cases

HELD_ELSEWHERE = {
    "house-handling": "printed on worksheet and label; its range: tests/protocols/test_edited_catalogue.py",
    "house-full-round": "a start gate: tests/sessions/test_edited_gates.py",
    "house-late-infection": "lots held back: tests/sessions/test_reactions.py",
    "sub-minoxidil-lotion": "withdrawn: nothing of it is ever usable",
    "sub-collagenase": "withdrawn: nothing of it is ever usable",
}  # fmt: skip
"""Entries whose figures no case file speaks of, and why or where they are held."""
SAME_AS_ANOTHER = {
    "msg-review-1m limits.most_days 90 → 91": "no review of the reference lies between 91 and 179 days",
    "tq-epidermic depth_mm": "every region begins deeper than 0.3 mm, and says the same code",
    "tq-sim-pain": "ends where the hard limits of depth and of ml per point are", "tq-bap ml_per_point": "ends at the hard limit",
    "tq-nappage depth_mm [2, 4] → [2, '4.1']": "ends at the hard limit", "tq-point depth_mm [2, 4] → [2, '4.1']": "the same",
    "tq-sc-lipo": "deoxycholic acid's own depth and the hard limit say the same code",
    "sub-dca by_region": "the technique it is given by has the same range",
    "sub-prp by_region.reg-scalp.depth_mm [2, 4] → [2, '4.1']": "ends at the hard limit",
    "sub-prp by_region.reg-scalp.typical [5, 7] → [5, '7.1']": "ends at the hard maximum",
    "sub-ha-stab min_interval_days 28 → 29": "the indications it is for begin at 28 days and more, and say the same",
    "combine-spacing days_before 7 → 6": "the longer of the days before and after counts",
    "combine-spacing days_after 7 → 6": "the longer of the days before and after counts",
    "ind-aga phases.": "judged by the sum of both phases",
    "ind-msk-pain stop_if_vas": "a score of whole numbers from 0 to 10 cannot fall by 29 percent",
    "ind-migraine-acute phases.1.sessions.max": "an attack is treated once; the interval that a second one needs is missing",
}  # fmt: skip
"""Figures beside which another one answers with the same code on the same day, so that no case can tell them apart."""


def is_shown_otherwise(one: Moved) -> bool:
    ends_at_hard_limit = one.path.endswith("depth_mm") and one.code.startswith("reg-") and str(one.after).endswith("'4.1']")
    return ends_at_hard_limit or one.code in HELD_ELSEWHERE or any(str(one).startswith(begin) for begin in SAME_AS_ANOTHER)


@pytest.mark.parametrize("kind", list(KINDS_OF_CASE))
def test_every_figure_has_a_case_on_its_boundary(kind: str) -> None:
    moved = [one for one in figures_of((kind,)) if not is_shown_otherwise(one)]
    assert moved
    assert [str(one) for one in moved if not noticed(one)] == []


def test_the_cases_notice_a_figure_that_moved_and_only_then() -> None:
    """The test above can fail: with a wait one day longer a case of its rule does."""
    one = next(found for found in figures_of(("rule",)) if found.code == "scr-vaccine")
    changed = with_moved(one)
    assert changed is not None
    assert noticed(one)
    failing = [text for kind, text, case in written_cases() if kind == "screening" and fails(case, changed)]
    assert failing
    assert direction_of(one.kind, one.path, one.before, one.after)
