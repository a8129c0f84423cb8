"""Is this plan fit to be given to this patient on this day? The mixture and dose check of section 6.

Pure. `check_plan` runs every mixing rule of the catalogue: each rule names a shape, each shape has one evaluator.
Results, from best to worst: ok, warning, incomplete, over-limit, not-usable, incompatible. Every problem is listed.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from patients.facts import EarlierSession, PatientFacts
from protocols import dose_checks, mixing_rules
from protocols.choices import CheckResult, MixingShape
from protocols.definitions import Catalogue, MixingRule
from protocols.dosing import PlanError, check_figures
from protocols.mixing_day import PlannedDay
from protocols.plan import Plan
from protocols.plan_problems import DoseTotal, PlanCheck, PlanProblem, VolumeTotal

__all__ = ["CheckResult", "DoseTotal", "PlanCheck", "PlanError", "PlanProblem", "VolumeTotal", "check_plan"]

EVALUATORS: Mapping[MixingShape, Callable[[MixingRule, PlannedDay], Iterator[PlanProblem]]] = {
    MixingShape.FORBIDDEN_FORM: mixing_rules.forbidden_form,
    MixingShape.FORBIDDEN: mixing_rules.forbidden,
    MixingShape.TOGETHER: mixing_rules.together,
    MixingShape.ALONE: mixing_rules.alone,
    MixingShape.AT_MOST_ONE: mixing_rules.at_most_one,
    MixingShape.ANAESTHETIC_SUM: mixing_rules.anaesthetic_sum,
    MixingShape.FINAL_STRENGTH: mixing_rules.final_strength,
    MixingShape.SHARE_OF_MIX: mixing_rules.share_of_mix,
    MixingShape.COUNT: mixing_rules.count,
    MixingShape.STATUS: mixing_rules.status,
    MixingShape.SCOPE: mixing_rules.scope,
    MixingShape.DOSE_MAX: dose_checks.dose_max,
    MixingShape.DOSE_KG: dose_checks.dose_kg,
    MixingShape.DOSE_TYPICAL: dose_checks.dose_typical,
    MixingShape.VOLUME_REGION: dose_checks.volume_region,
    MixingShape.VOLUME_SESSION: dose_checks.volume_session,
    MixingShape.VOLUME_POINT: dose_checks.volume_point,
    MixingShape.DEPTH_MAX: dose_checks.depth_max,
    MixingShape.DEPTH_RANGE: dose_checks.depth_range,
    MixingShape.STATED_TOTAL: dose_checks.stated_total,
}


def check_plan(
    *,
    plan: Plan,
    facts: PatientFacts,
    on: date,
    catalogue: Catalogue,
    same_day: Sequence[Plan] = (),
    enabled: frozenset[str] = frozenset(),
    country: str = "",
    recent: Sequence[EarlierSession] = (),
) -> PlanCheck:
    """Judges one plan for one patient on one calendar day of the site.

    `same_day`: the patient's other plans of that day; they count in every sum of the day. `enabled`: codes the medical
    lead enabled for this site. `country`: two letters, for bans. `recent`: sessions near this day beyond those in
    `facts.sessions`, later ones too. Raises `PlanError` on unknown codes and impossible amounts."""
    for one in (plan, *same_day):
        check_figures(one, catalogue)
    day = PlannedDay(plan, same_day, facts, on, catalogue, enabled, country, recent)
    found = [problem for rule in catalogue.mixing_rules.values() for problem in EVALUATORS[rule.shape](rule, day)]
    problems = tuple(sorted(found, key=lambda one: -one.result.rank))
    return PlanCheck(
        result=CheckResult.worst(one.result for one in problems),
        problems=problems,
        totals=dose_checks.dose_totals(day, problems),
        volumes=dose_checks.volume_totals(day, catalogue.mixing_rules.values()),
    )
