"""Plans and patients for the tables of the clinical core, written as short as a clinician would say them."""
from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from patients.facts import EarlierSession, Measured, PatientFacts
from protocols.definitions import Catalogue
from protocols.loading import load_reference
from protocols.mixing import PlanCheck, check_plan
from protocols.plan import Component, Plan, Syringe

TODAY = date(2026, 11, 22)
D = Decimal


def part(words: str) -> Component:
    """"caffeine 50mg/ml 2" or "nacl 2": name without `sub-`, strength with unit if any, millilitres."""
    name, *figures = words.split()
    if len(figures) == 1:
        return Component(f"sub-{name}", D(figures[0]))
    number, unit = re.fullmatch(r"([0-9.]+)(\S+)", figures[0]).groups()  # type: ignore[union-attr]
    return Component(f"sub-{name}", D(figures[1]), D(number), unit)


def mix(*parts: str, **about: object) -> Syringe:
    return Syringe(tuple(part(words) for words in parts), **about)  # type: ignore[arg-type]


def plan(
    *syringes: Syringe, indication: str = "ind-cellulite", regions: tuple[str, ...] = ("reg-thigh",),
    technique: str = "tq-point", delivery: str = "dv-manual", cream_g: str | None = None,
    catalogue: Catalogue | None = None,
) -> Plan:
    found = (catalogue or load_reference()).indications[indication]
    return Plan(
        indication=indication, category=found.category.value, regions=regions, technique=technique, delivery=delivery,
        syringes=syringes, numbing_cream_g=None if cream_g is None else D(cream_g))


def person(
    sex: str = "female", *, weight_kg: str | None = "65", weighed_on: date = TODAY, skin: str | None = "III",
    sessions: tuple[EarlierSession, ...] = (), **answers: str,
) -> PatientFacts:
    measured = []
    if weight_kg is not None:
        measured.append(Measured("m-weight", D(weight_kg), weighed_on))
    if skin is not None:
        measured.append(Measured("m-fitzpatrick", None, TODAY, text=skin))
    return PatientFacts(
        birth_date=date(1986, 5, 1), sex=sex, measurements=tuple(measured), sessions=sessions,
        answers={key.replace("_", "-"): value for key, value in answers.items()})


def session(on: date, *substances: str, region: str = "reg-thigh") -> EarlierSession:
    return EarlierSession(
        on=on, indication="ind-cellulite", category="body", regions=(region,),
        substances=tuple(f"sub-{name}" for name in substances))


def check(judged: Plan, facts: PatientFacts | None = None, **more: object) -> PlanCheck:
    catalogue = more.pop("catalogue", None) or load_reference()
    return check_plan(
        plan=judged, facts=facts or person(), on=TODAY, catalogue=catalogue, **more)  # type: ignore[arg-type]


def results(answer: PlanCheck) -> dict[str, str]:
    """Worst result per code."""
    found: dict[str, str] = {}
    for problem in answer.problems:
        found.setdefault(problem.code, problem.result.value)
    return found
