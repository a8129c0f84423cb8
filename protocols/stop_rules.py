"""When a course stops because it does not help: pain after three sessions (section 1).

Pure. Pain is scored 0 to 10 (VAS). The baseline is the newest score before the first session ended, the score that
decides the newest one after the third. A fall of exactly the percentage is enough; an unknown score never counts as one.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from protocols.definitions import Indication, Texts, text_in

PAIN_SCALE = "VAS"
HIGHEST_PAIN = Decimal(10)
CODE = "stop-pain"
SOURCE = "dec"


class StopState(StrEnum):
    NOT_DUE = "not-due"
    ENOUGH = "enough"
    TOO_LITTLE = "too-little"
    NO_BASELINE = "no-baseline"
    NO_SCORE = "no-score"
    GOES_ON = "goes-on"


@dataclass(frozen=True, slots=True)
class Score:
    """One reading of a scale; `taken_at` is aware."""

    value: Decimal
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class StopVerdict:
    """What the stop rule says. `fell_percent` is negative where the pain rose, None where it cannot be told."""

    state: StopState
    sentence: Texts
    baseline: Decimal | None = None
    latest: Decimal | None = None
    fell_percent: Decimal | None = None
    code: str = CODE
    source: str = SOURCE

    @property
    def stops(self) -> bool:
        """No further session is booked or begun until somebody decides, or the missing score is recorded."""
        return self.state in {StopState.TOO_LITTLE, StopState.NO_BASELINE, StopState.NO_SCORE}

    def text(self, lang: str) -> str:
        return text_in(self.sentence, lang)


def asked_after(indication: Indication) -> int | None:
    """After how many sessions the rule asks; None where the indication has no stop rule."""
    if indication.stop_if_vas_fell_less_than_percent is None:
        return None
    return next((review.session for review in indication.reviews if review.session is not None), None)


def judge_pain(
    indication: Indication, *, session_ends: Sequence[datetime], scores: Sequence[Score], went_on_after: int | None = None
) -> StopVerdict | None:
    """The stop rule of a course; None where its indication has none.

    `session_ends`: the ends of the sessions given so far. `scores`: pain scores of the course, in any order.
    `went_on_after`: after how many sessions a clinician last decided to go on; that holds for as many sessions as the
    rule waits at first."""
    due, percent = asked_after(indication), indication.stop_if_vas_fell_less_than_percent
    if due is None or percent is None:
        return None
    ends, done = sorted(session_ends), len(session_ends)
    if done < due:
        return StopVerdict(StopState.NOT_DUE, {
            "en": f"Pain is judged after {due} sessions.", "tr": f"Ağrı {due} seanstan sonra değerlendirilir."})
    ordered = sorted(scores, key=lambda score: score.taken_at)
    baseline = next((score for score in reversed(ordered) if score.taken_at <= ends[0]), None)
    latest = next((score for score in reversed(ordered) if score.taken_at > ends[due - 1]), None)
    found = _compared(baseline, latest, percent, due)
    if found.stops and went_on_after is not None and done < went_on_after + due:
        return StopVerdict(StopState.GOES_ON, {
            "en": "A clinician decided to go on.", "tr": "Bir hekim devam etmeye karar verdi."},
            found.baseline, found.latest, found.fell_percent)
    return found


def _compared(baseline: Score | None, latest: Score | None, percent: int, due: int) -> StopVerdict:
    if baseline is None:
        return StopVerdict(StopState.NO_BASELINE, {
            "en": "No pain score was recorded before the first session, so nobody can tell whether it helps.",
            "tr": "İlk seanstan önce ağrı puanı kaydedilmemiş; yararı olup olmadığı söylenemez."},
            latest=latest.value if latest else None)
    if latest is None:
        return StopVerdict(StopState.NO_SCORE, {
            "en": f"Record the pain score after {due} sessions first.",
            "tr": f"Önce {due} seans sonrasındaki ağrı puanını kaydedin."}, baseline.value)
    fell = (baseline.value - latest.value) * 100 / baseline.value if baseline.value else Decimal(0)
    figures = {"was": f"{baseline.value.normalize():f}", "now": f"{latest.value.normalize():f}"}
    if _too_little(baseline.value, latest.value, percent):
        return StopVerdict(StopState.TOO_LITTLE, {
            "en": f"Pain fell from {figures['was']} to {figures['now']}, less than {percent} %: stop, or decide to go on.",
            "tr": f"Ağrı {figures['was']} iken {figures['now']} oldu; azalma %{percent} altında: tedaviyi bitirin ya da "
                  "devam kararı verin."}, baseline.value, latest.value, fell)
    return StopVerdict(StopState.ENOUGH, {
        "en": f"Pain fell from {figures['was']} to {figures['now']}.",
        "tr": f"Ağrı {figures['was']} iken {figures['now']} oldu."}, baseline.value, latest.value, fell)


def _too_little(baseline: Decimal, latest: Decimal, percent: int) -> bool:
    """Less than the percentage of the baseline; exactly that much is enough. Without pain at the start nothing can fall."""
    return (baseline - latest) * 100 < percent * baseline


def pain_fell_too_little(
    indication: Indication, *, sessions_done: int, baseline_vas: Decimal | int, vas: Decimal | int
) -> bool | None:
    """Whether the rule says stop, by the two scores alone. None when the indication has no such rule or it is not yet
    time to ask."""
    due, percent = asked_after(indication), indication.stop_if_vas_fell_less_than_percent
    if due is None or percent is None or sessions_done < due:
        return None
    return _too_little(Decimal(baseline_vas), Decimal(vas), percent)
