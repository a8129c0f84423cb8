"""What the mixture builder shows: each line with its bar and its problems, volumes, the verdict, and what is proposed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from functools import cached_property
from typing import Any

from django.forms import BoundField
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clinic.errors import Refused
from patients.facts import PatientFacts
from protocols.adapting import Adaptation, Situation
from protocols.choices import CheckResult, Role
from protocols.definitions import Catalogue
from protocols.dosing import WEIGHT, amount_of, newest_weight, weight_is_valid
from protocols.findings import Screening
from protocols.mixing import DoseTotal, PlanCheck, PlanError, PlanProblem
from protocols.plan import Plan
from protocols.screening import Stage, screen
from protocols.sources import cited
from sessions.building import Typed
from sessions.course_page import CHECK_PILL, check_words, shown_screening, shown_total
from sessions.coursework import Judgement, check_proposable
from sessions.explaining import name_of
from sessions.forms.mixture import LineRow, MixtureForm, SyringeRow

BAR_STATES = {
    CheckResult.INCOMPATIBLE: "incompatible", CheckResult.NOT_USABLE: "incompatible", CheckResult.OVER_LIMIT: "over-limit",
}  # fmt: skip
HUNDREDTH = Decimal("0.01")
TONES = 6


@dataclass(frozen=True, slots=True)
class Judged:
    """A plan as it stands in the builder, with what check and screening say of it."""

    plan: Plan
    check: PlanCheck
    screening: Screening
    unfinished: tuple[str, ...] = ()

    @property
    def result(self) -> CheckResult:
        """The check's own result; a line without an amount, or no line at all, makes it incomplete at least."""
        missing = [CheckResult.INCOMPLETE] if self.unfinished or not self.plan.syringes else []
        return CheckResult.worst([self.check.result, *missing])


def judge_form(form: MixtureForm, situation: Situation) -> Judged | None:
    """Nothing while the form does not say what is meant. Raises `Refused` for a plan that means nothing."""
    if not form.is_valid():
        return None
    plan = form.plan()
    try:
        check = situation.check(plan)
    except PlanError as error:
        raise Refused(error.text(get_language() or "en"), code="mixture") from error
    screening = screen(
        facts=situation.facts, plan=plan, on=situation.on, catalogue=situation.catalogue, stage=Stage.PLAN,
        clearances=situation.clearances,
    )  # fmt: skip
    return Judged(plan, check, screening, tuple(form.unfinished))


def builder_shown(
    form: MixtureForm, judged: Judged | None, situation: Situation, *, posted: Typed = (), act: str = ""
) -> dict[str, Any]:
    """Everything of the builder but who it is for. `posted` is what was sent, to know which figures were computed;
    `act` what was done, to know which line is new."""
    rules = situation.catalogue
    page = _Page(form.syringe_rows(), judged, rules, form.typed, posted, act)
    syringes = [page.syringe(row) for row in page.rows]
    shown: dict[str, Any] = {
        "form": form, "weight": shown_weight(situation.facts, situation.on, situation.catalogue), "syringes": syringes,
        "same_day": [_other_plan(plan, rules) for plan in situation.same_day], "word": "", "pill": "", "why_not": "",
    }  # fmt: skip
    if judged is None:
        return shown
    on_lines = {id(problem) for syringe in syringes for line in syringe["lines"] for problem in line["raw"]}
    given = {line.substance.code for row in page.rows for line in row.lines}
    return shown | {
        "result": judged.result,
        "pill": CHECK_PILL[judged.result],
        "word": check_words(judged.result),
        "unfinished": judged.unfinished,
        "is_empty": not judged.plan.syringes,
        "problems": [_problem(one) for one in judged.check.problems if id(one) not in on_lines],
        "counts": [{"word": check_words(kind), "number": number} for kind, number in counted(judged.check)],
        "volumes": [
            {
                "name": name_of(volume.region, rules.regions) if volume.region else _("Whole session"),
                "value": volume.volume_ml,
                "limit": volume.limit_ml,
                "warn_from": None if volume.region else _warns_from(rules),
            }
            for volume in judged.check.volumes
        ],
        "elsewhere": [_total(one, rules) for one in judged.check.totals if one.substance not in given],
        "screening": shown_screening(judged.screening, rules),
        "why_not": why_not(judged, situation.on),
        "by_weight": [_by_weight(one, situation) for one in judged.check.totals if one.mg_per_kg is not None],
    }


def why_not(judged: Judged, on: dt.date) -> str:
    """The sentence beside a closed Save button, from the verb's own rule."""
    if judged.unfinished:
        return _("Still without an amount: %(names)s") % {"names": ", ".join(judged.unfinished)}
    if not judged.plan.syringes:
        return _("The mixture is empty.")
    try:
        check_proposable(Judgement(judged.screening, judged.check, ()), on=on)
    except Refused as refusal:
        return refusal.sentence
    return ""


def counted(check: PlanCheck) -> list[tuple[CheckResult, int]]:
    """How many problems of each kind, worst first; the same sentence counts once."""
    language = get_language() or "en"
    found = {(one.result, one.text(language)) for one in check.problems}
    results = sorted({result for result, _text in found}, key=lambda result: -result.rank)
    return [(result, sum(1 for kind, _text in found if kind is result)) for result in results]


@dataclass(frozen=True)
class _Page:
    """The syringes on the page beside the plan they make."""

    rows: list[SyringeRow]
    judged: Judged | None
    rules: Catalogue
    typed: Typed
    posted: Typed
    act: str

    @cached_property
    def numbers(self) -> dict[int, int]:
        """Syringe on the page -> syringe of the plan: those without any amount are not in the plan."""
        filled = [row.number for row in self.rows if any(line.component for line in row.lines)]
        return {number: place for place, number in enumerate(filled, start=1)}

    def syringe(self, row: SyringeRow) -> dict[str, Any]:
        volume = sum((line.component.volume_ml for line in row.lines if line.component), Decimal(0))
        number = self.numbers.get(row.number)
        planned = self.judged.plan.syringes[number - 1] if self.judged and number else None
        points = planned.points if planned else None
        usual = None
        if self.judged and planned:
            technique = self.rules.techniques.get(planned.technique or self.judged.plan.technique)
            usual = technique.ml_per_point.high if technique else None
        return {
            "row": row,
            "add_line": f"line-{row.number}",
            "away": f"empty-{row.number}",
            "place": (row.region, row.technique, row.points, row.depth_mm, *_area(row)),
            "volume": volume,
            "per_point": (volume / points).quantize(Decimal("0.0001"), ROUND_UP) if points and volume else None,
            "usual_per_point": usual,
            "active": len({line.substance.code for line in row.lines if line.substance.role is not Role.DILUENT}),
            "lines": [self.line(line, row) for line in row.lines],
            "shares": _shares(row, volume),
        }

    def line(self, line: LineRow, row: SyringeRow) -> dict[str, Any]:
        code = line.substance.code
        shown: dict[str, Any] = {
            "row": line, "raw": [], "problems": [], "bar": None, "is_danger": False, "is_more": False,
            "tone": (line.number - 1) % TONES + 1, "drop": f"drop-{row.number}-{line.number}",
            "is_new": self.act == f"line-{row.number}" and line.number == len(row.lines),
            "computed": self.computed(line, row),
        }  # fmt: skip
        if self.judged is None:
            return shown | {"pill": "neutral", "word": ""}
        if line.component is None:
            return shown | {"pill": "incomplete", "word": check_words(CheckResult.INCOMPLETE)}
        number = self.numbers.get(row.number)
        about = [one for one in self.judged.check.problems if code in one.substances and one.syringe in (None, number)]
        result = CheckResult.worst(one.result for one in about)
        total = next((one for one in self.judged.check.totals if one.substance == code), None)
        is_diluent = line.substance.role is Role.DILUENT
        bar = None if total is None or is_diluent else shown_total(total, self.rules)
        return shown | {
            "pill": CHECK_PILL[result],
            "word": check_words(result),
            "raw": about,
            "problems": [_problem(one) for one in about if self.is_last(one, line, row)],
            "bar": bar | {"state": BAR_STATES.get(result, bar["state"])} if bar else None,
            "is_more": bar is not None and bar["value"] is not None and bar["value"] != amount_of(line.component, line.substance),
            "is_danger": result in BAR_STATES,
        }

    def computed(self, line: LineRow, row: SyringeRow) -> tuple[str, ...]:
        """Which of ml and dose are not what was sent, because they follow from the other."""
        try:
            sent = self.posted[row.number - 1].lines[line.number - 1]
        except IndexError:
            return ()
        now = self.typed[row.number - 1].lines[line.number - 1]
        return tuple(name for name in ("ml", "dose") if getattr(sent, name) != getattr(now, name))

    def is_last(self, problem: PlanProblem, line: LineRow, row: SyringeRow) -> bool:
        """A problem of several lines is said once: at the last of them."""
        places = [
            (one.number, other.number)
            for one in self.rows
            for other in one.lines
            if other.component
            and other.substance.code in problem.substances
            and problem.syringe in (None, self.numbers.get(one.number))
        ]
        return places[-1:] == [(row.number, line.number)]


def _area(row: SyringeRow) -> tuple[BoundField, ...]:
    """Asked for where the dose is limited by the skin it is spread over, or where somebody has typed it."""
    limited = any(line.substance.max_per_cm2 is not None for line in row.lines)
    return (row.area_cm2,) if limited or row.area_cm2.value() else ()


def _shares(row: SyringeRow, volume: Decimal) -> list[dict[str, Any]]:
    """The picture of the syringe: each line's share in per cent of its height, from the bottom."""
    shares, below = [], Decimal(0)
    for line in row.lines:
        if line.component and volume:
            part = line.component.volume_ml * 100 / volume
            shares.append({
                "tone": (line.number - 1) % TONES + 1, "name": line.name, "ml": line.component.volume_ml,
                "y": str((100 - below - part).quantize(HUNDREDTH)), "height": str(part.quantize(HUNDREDTH)),
                "middle": str((100 - below - part / 2).quantize(HUNDREDTH)),
            })  # fmt: skip
            below += part
    return shares


def _problem(problem: PlanProblem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "kind": CHECK_PILL[problem.result],
        "word": check_words(problem.result),
        "text": problem.text(get_language() or "en"),
        "source": cited(problem.source, problem.mark, get_language() or "en"),
        "syringe": problem.syringe,
        "is_danger": problem.result in BAR_STATES,
    }


def _total(total: DoseTotal, rules: Catalogue) -> dict[str, Any]:
    """A substance of the day that stands in no line: numbing cream, its lidocaine, another plan."""
    return shown_total(total, rules) | {
        "pill": CHECK_PILL[total.result], "word": check_words(total.result),
    }  # fmt: skip


def _by_weight(total: DoseTotal, situation: Situation) -> dict[str, Any]:
    """mg per kg of body weight against its limit; nothing is said where the weight is not known."""
    weight = newest_weight(situation.facts, situation.on)
    kg = weight.value if weight else None
    return {
        "name": name_of(total.substance, situation.catalogue.substances),
        "per_kg": (total.amount / kg).quantize(HUNDREDTH, ROUND_UP) if kg and total.amount is not None else None,
        "limit": total.mg_per_kg,
        "kg": kg,
        "most": total.limit_by_weight,
    }


def shown_weight(facts: PatientFacts, on: dt.date, rules: Catalogue) -> dict[str, Any]:
    """The weight the limits go by, and whether it is too old for them."""
    weight, valid_days = newest_weight(facts, on), rules.measurements[WEIGHT].valid_days
    if weight is None:
        return {"kg": None, "taken_on": None, "is_valid": False, "valid_days": valid_days}
    return {
        "kg": weight.value, "taken_on": weight.taken_on, "is_valid": weight_is_valid(weight, on, rules),
        "valid_days": valid_days,
    }  # fmt: skip


def _other_plan(plan: Plan, rules: Catalogue) -> dict[str, Any]:
    return {
        "name": name_of(plan.indication, rules.indications),
        "regions": ", ".join(name_of(code, rules.regions) for code in plan.regions),
        "ml": sum((syringe.volume_ml for syringe in plan.syringes), Decimal(0)),
    }


def _warns_from(rules: Catalogue) -> Decimal | None:
    return next((rule.limits["warn_ml"] for rule in rules.mixing_rules.values() if "warn_ml" in rule.limits), None)


def shown_proposal(found: Adaptation, before: Plan, rules: Catalogue) -> dict[str, Any]:
    """The proposal in words and as before and after; without one, what stands in the way."""
    language = get_language() or "en"
    if found.plan is None:
        reasons = [reason.get(language.split("-")[0]) or reason["en"] for reason in found.reasons]
        return {"is_possible": False, "reasons": list(dict.fromkeys(reasons))}
    return {
        "is_possible": True,
        "is_change": found.is_change,
        "changes": [{"text": one.text(language), "reasons": one.reasons(language)} for one in found.changes],
        "before": _amounts(before, rules),
        "after": _amounts(found.plan, rules),
        "word": check_words(found.after.result) if found.after else "",
        "pill": CHECK_PILL[found.after.result] if found.after else "neutral",
    }


def _amounts(plan: Plan, rules: Catalogue) -> list[list[dict[str, Any]]]:
    return [
        [{"name": name_of(one.substance, rules.substances), "ml": one.volume_ml} for one in syringe.components]
        for syringe in plan.syringes
    ]
