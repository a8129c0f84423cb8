"""The stop rule for pain: after three sessions, less than 30 percent down from the baseline."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from protocols.definitions import Catalogue
from protocols.stop_rules import Score, StopState, StopVerdict, judge_pain, pain_fell_too_little

FIRST = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
WEEK = timedelta(days=7)


def ends(done: int) -> list[datetime]:
    return [FIRST + number * WEEK for number in range(done)]


def pain(*readings: tuple[str, timedelta]) -> list[Score]:
    return [Score(Decimal(value), FIRST + after) for value, after in readings]


def judged(
    reference: Catalogue, done: int, scores: list[Score], *, went_on_after: int | None = None
) -> StopVerdict:
    found = judge_pain(
        reference.indications["ind-msk-pain"], session_ends=ends(done), scores=scores, went_on_after=went_on_after)
    assert found is not None
    assert found.text("tr") != found.text("en")
    return found


BEFORE, AFTER = -timedelta(hours=1), 2 * WEEK + timedelta(days=2)


@pytest.mark.parametrize(("done", "baseline", "now", "state"), [
    (0, "8", "8", StopState.NOT_DUE), (2, "8", "8", StopState.NOT_DUE),
    (3, "10", "7", StopState.ENOUGH), (3, "10", "7.01", StopState.TOO_LITTLE), (3, "10", "8", StopState.TOO_LITTLE),
    (3, "7", "4.9", StopState.ENOUGH), (3, "7", "4.91", StopState.TOO_LITTLE), (3, "3", "5", StopState.TOO_LITTLE),
    (4, "10", "10", StopState.TOO_LITTLE), (3, "0", "0", StopState.ENOUGH), (3, "0", "1", StopState.TOO_LITTLE),
])
def test_thirty_percent_are_enough_and_less_is_not(
    reference: Catalogue, done: int, baseline: str, now: str, state: StopState
) -> None:
    assert judged(reference, done, pain((baseline, BEFORE), (now, AFTER))).state is state


def test_an_unknown_score_stops(reference: Catalogue) -> None:
    assert judged(reference, 3, []).state is StopState.NO_BASELINE
    assert judged(reference, 3, pain(("8", BEFORE))).state is StopState.NO_SCORE
    assert judged(reference, 3, pain(("3", AFTER))).state is StopState.NO_BASELINE, "a later score is no baseline"
    early = pain(("8", BEFORE), ("2", WEEK + timedelta(days=1)))
    assert judged(reference, 3, early).state is StopState.NO_SCORE, "after two sessions is not after three"
    assert all(judged(reference, 3, scores).stops for scores in ([], pain(("8", BEFORE)), early))


def test_the_newest_score_before_and_after_count_whatever_their_order(reference: Catalogue) -> None:
    scores = pain(("9", AFTER), ("5", AFTER + WEEK), ("4", BEFORE - WEEK), ("8", BEFORE))
    for given in (scores, scores[::-1]):
        found = judged(reference, 4, given)
        assert (found.baseline, found.latest, found.fell_percent) == (Decimal(8), Decimal(5), Decimal("37.5"))


@pytest.mark.parametrize(("done", "stops"), [(3, False), (5, False), (6, True)])
def test_a_decision_holds_for_three_more_sessions(reference: Catalogue, done: int, stops: bool) -> None:
    scores = pain(("8", BEFORE), ("8", AFTER), ("8", 5 * WEEK + timedelta(days=1)))
    assert judged(reference, done, scores, went_on_after=3).stops is stops


def test_no_rule_no_verdict(reference: Catalogue) -> None:
    assert judge_pain(reference.indications["ind-hydration"], session_ends=ends(4), scores=[]) is None
    assert pain_fell_too_little(reference.indications["ind-cellulite"], sessions_done=4, baseline_vas=8, vas=8) is None


@pytest.mark.parametrize(("done", "baseline", "now", "expected"), [
    (2, 8, 8, None), (3, 10, 7, False), (3, 10, 8, True), (4, 10, 10, True), (3, 0, 0, False)])
def test_by_the_two_scores_alone(
    reference: Catalogue, done: int, baseline: int, now: int, expected: bool | None
) -> None:
    assert pain_fell_too_little(
        reference.indications["ind-msk-pain"], sessions_done=done, baseline_vas=baseline, vas=now) is expected
