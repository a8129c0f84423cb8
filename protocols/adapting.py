"""Adapt a plan to a patient: the smallest change of what is given that makes it pass.

Pure. A plan passes when its mixture check is ok or a warning and no uncleared absolute finding of the screening stands.
What counts as small, in this order:

1. the number of things touched: a line lowered, taken out, replaced or moved is one; a whole syringe scaled by one
   factor, which keeps every share (clinical reference, section 5), is one; diluent added or a depth made smaller is one;
2. the sum of the relative changes: the part of a line's amount that goes (lowered from 4 to 3 ml: 1/4; taken out or
   replaced: 1), the factor's distance from 1 for a scaled syringe, 0 for a product moved to a syringe of its own;
3. the order of the lines and, for one line, taking out before replacing: what is new was not asked for.

The search always mends the worst problem that is left, by each of its moves, cheapest first, and judges every step by
the same check and the same screening as a saved plan. Nothing is ever raised; only diluent may be added, to weaken. What
is unknown (a weight, a strength) cannot be adapted away: then there is no proposal, and what is missing is said.
"""
from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction

from patients.facts import EarlierSession, PatientFacts
from protocols.adapting_moves import Change, Draft, Mender, Move
from protocols.choices import CheckResult
from protocols.definitions import Catalogue, Texts
from protocols.findings import Finding, GrantedClearance, Severity
from protocols.mixing import PlanCheck, PlanProblem, check_plan
from protocols.plan import Plan
from protocols.screening import Stage, screen

__all__ = ["Adaptation", "Change", "Situation", "adapt"]

PASSES = (CheckResult.OK, CheckResult.WARNING)
HARD = (CheckResult.OVER_LIMIT, CheckResult.NOT_USABLE, CheckResult.INCOMPATIBLE)
NOTHING_SMALL: Texts = {
    "en": "No small change makes this plan pass. Plan it anew.",
    "tr": "Küçük bir değişiklikle bu plan uygun hâle gelmiyor. Yeniden planlanmalı.",
}
MOST_LOOKED_AT = 250
"""Drafts that are judged before the search gives up; ordinary plans need fewer than twenty."""


@dataclass(frozen=True)
class Situation:
    """Everything a plan is judged by, besides the plan: as for `check_plan` and `screen`."""

    facts: PatientFacts
    on: date
    catalogue: Catalogue
    same_day: Sequence[Plan] = ()
    enabled: frozenset[str] = frozenset()
    country: str = ""
    recent: Sequence[EarlierSession] = ()
    clearances: Sequence[GrantedClearance] = ()

    def check(self, plan: Plan) -> PlanCheck:
        return check_plan(
            plan=plan, facts=self.facts, on=self.on, catalogue=self.catalogue, same_day=self.same_day,
            enabled=self.enabled, country=self.country, recent=self.recent)

    def blocking(self, plan: Plan) -> tuple[Finding, ...]:
        """The absolute findings that stand against this plan."""
        screening = screen(
            facts=self.facts, plan=plan, on=self.on, catalogue=self.catalogue, stage=Stage.PLAN,
            clearances=self.clearances)
        return tuple(one for one in screening.uncleared if one.severity is Severity.ABSOLUTE)

    @property
    def day_substances(self) -> frozenset[str]:
        return frozenset().union(*(plan.substances for plan in self.same_day))


@dataclass(frozen=True, slots=True)
class Adaptation:
    """`plan` is the proposal, None when there is none; `changes` say what was done and why, `after` is its check. Without
    a proposal `reasons` say what stands in the way. A plan that passes comes back as it is, without changes."""

    plan: Plan | None
    changes: tuple[Change, ...]
    after: PlanCheck | None
    reasons: tuple[Texts, ...] = ()

    @property
    def is_change(self) -> bool:
        return bool(self.changes)


@dataclass(frozen=True)
class _Step:
    """A draft in the search with what it cost to get there. Ordered by cost, then by the way that led to it."""

    draft: Draft
    changes: tuple[Change, ...] = ()
    touched: frozenset[tuple[str, int]] = frozenset()
    relative: Fraction = Fraction(0)
    way: tuple[int, ...] = ()

    @property
    def cost(self) -> tuple[int, Fraction, tuple[int, ...]]:
        return len(self.touched), self.relative, self.way

    def __lt__(self, other: _Step) -> bool:
        return self.cost < other.cost

    def after(self, move: Move, turn: int) -> _Step:
        return _Step(
            draft=move.draft,
            changes=_joined(self.changes, move.change),
            touched=self.touched | move.touches,
            relative=self.relative + move.relative,
            way=(*self.way, turn),
        )


def adapt(*, plan: Plan, situation: Situation) -> Adaptation:
    """The smallest change that makes the plan pass for this patient on this day, as this module defines small.

    Raises `PlanError` for a plan that means nothing, like the check itself."""
    return _Search(situation).run(plan)


@dataclass
class _Search:
    situation: Situation
    nearest: tuple[Texts, ...] = ()
    seen: set[Plan] = field(default_factory=set)

    def run(self, plan: Plan) -> Adaptation:
        queue = [_Step(Draft.of(plan))]
        looked_at = 0
        while queue and looked_at < MOST_LOOKED_AT:
            step = heapq.heappop(queue)
            candidate = step.draft.as_plan()
            if candidate in self.seen:
                continue
            self.seen.add(candidate)
            looked_at += 1
            check = self.situation.check(candidate)
            hard = [one for one in check.problems if one.result in HARD]
            blocking = () if hard else self.situation.blocking(candidate)
            if not hard and not blocking:
                if check.result in PASSES:
                    return Adaptation(candidate, step.changes, check)
                self._dead_end([one.sentence for one in check.problems if one.result is CheckResult.INCOMPLETE])
                continue
            moves = self._mend(step.draft, hard[0]) if hard else self._unblock(step.draft, blocking[0])
            steps = [step.after(move, turn) for turn, move in enumerate(moves)]
            if not steps:
                self._dead_end([hard[0].sentence] if hard else [_sentence(blocking[0])])
            for one in steps:
                heapq.heappush(queue, one)
        return Adaptation(None, (), None, self.nearest or (NOTHING_SMALL,))

    def _dead_end(self, sentences: list[Texts]) -> None:
        """Kept of the first, that is of the cheapest way that led nowhere."""
        self.nearest = self.nearest or tuple(sentences)

    def _mend(self, draft: Draft, problem: PlanProblem) -> Iterator[Move]:
        def gone(made: Draft) -> bool:
            return not any(_same(one, problem) for one in self.situation.check(made.as_plan()).problems)

        return Mender(
            self.situation.catalogue, self.situation.enabled, self.situation.day_substances, problem.sentence, gone
        ).moves(draft, problem)

    def _unblock(self, draft: Draft, finding: Finding) -> Iterator[Move]:
        """Take out or replace what the finding is about; nothing, when it stands against the plan whatever is given."""
        plan = draft.as_plan()
        bare = replace(plan, syringes=(), numbing_cream_g=None)
        if self._fires(bare, finding):
            return
        guilty = tuple(
            code for code in sorted(plan.substances)
            if self._fires(_only(code, plan), finding))
        mender = Mender(
            self.situation.catalogue, self.situation.enabled, self.situation.day_substances, _sentence(finding),
            lambda made: not self._fires(made.as_plan(), finding))
        yield from mender.take_out(draft, guilty, None)
        yield from mender.swap(draft, guilty, None)

    def _fires(self, plan: Plan, finding: Finding) -> bool:
        return any(one.code == finding.code for one in self.situation.blocking(plan))


def _only(code: str, plan: Plan) -> Plan:
    """The plan with nothing but this substance in it."""
    syringes = tuple(
        replace(syringe, components=kept)
        for syringe in plan.syringes
        if (kept := tuple(one for one in syringe.components if one.substance == code)))
    return replace(plan, syringes=syringes, numbing_cream_g=plan.numbing_cream_g if code == "sub-la-cream" else None)


def _same(one: PlanProblem, other: PlanProblem) -> bool:
    """The same complaint about the same thing, still beyond what is allowed."""
    same_place = one.code == other.code and one.regions == other.regions and one.syringe == other.syringe
    about = not other.substances or bool(set(one.substances) & set(other.substances))
    return same_place and about and one.result in HARD


def _sentence(finding: Finding) -> Texts:
    """"Allergy: …" in every language the finding has."""
    return {
        lang: f"{finding.title.get(lang)}: {finding.sentence.get(lang)}" for lang in dict(finding.title.by_language)
    }


def _joined(changes: tuple[Change, ...], new: Change) -> tuple[Change, ...]:
    """A later change of the same line stands for both; a line that was lowered and then taken out is taken out."""
    earlier = next((one for one in changes if one.key == new.key and one.syringes == new.syringes), None)
    if earlier is None:
        return (*changes, new)
    kept = tuple(one for one in changes if one is not earlier)
    return (*kept, replace(new, before=earlier.before, because=(*earlier.because, *new.because)))


