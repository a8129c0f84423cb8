"""The healthy person of the clinical reference, and plans to put before them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from patients.facts import AnswerValue, Measured, PatientFacts
from patients.questionnaire import Kind
from protocols.definitions import Catalogue
from protocols.findings import GrantedClearance, Screening, Stage
from protocols.loading import load_reference
from protocols.plan import Component, Plan, Syringe
from protocols.screening import screen

DAY = date(2026, 3, 20)
BORN = date(1990, 5, 10)

EXAMPLES = (
    ("ind-face-rejuv", "ck-face-poly"),
    ("ind-hydration", "ck-face-hydra"),
    ("ind-under-eye", "ck-eye-pn"),
    ("ind-aga", "ck-hair-minox"),
    ("ind-aga", "ck-hair-fina"),
    ("ind-cellulite", "ck-cell-lipo"),
    ("ind-cellulite", "ck-cell-drain"),
    ("ind-msk-pain", "ck-pain-lido"),
)


def catalogue() -> Catalogue:
    return load_reference()


def healthy_answers(sex: str = "female") -> dict[str, AnswerValue]:
    """The first value of every question this sex is asked, those of special plans included."""
    answers: dict[str, AnswerValue] = {}
    for question in catalogue().questions.values():
        if question.asked_of(sex):
            many = question.kind in (Kind.LIST, Kind.NAMES)
            answers[question.code] = [question.healthy] if many else question.healthy
    return answers


def measured(
    code: str, value: str | None = None, second: str | None = None, *, text: str = "", on: date = DAY
) -> Measured:
    return Measured(code, value and Decimal(value), on, second and Decimal(second), text)


def healthy_measurements() -> tuple[Measured, ...]:
    """BP 120/75, 65 kg, BMI 23 (65 kg at 168.1 cm, given directly too), ASA I, COPS 8, skin type III, good blood."""
    return (
        measured("m-bp", "120", "75"),
        measured("m-weight", "65"),
        measured("m-height", "168"),
        measured("m-bmi", "23"),
        measured("m-asa", text="I"),
        measured("m-cops", "8"),
        measured("m-fitzpatrick", text="III"),
        measured("m-platelets", "250"),
        measured("m-hb", "13.5"),
    )


def person(
    answers: Mapping[str, AnswerValue] | None = None,
    *,
    sex: str = "female",
    measurements: tuple[Measured, ...] = (),
    **rest: object,
) -> PatientFacts:
    """Healthy but for what is given; measurements given replace those of the same code."""
    replaced = {one.code for one in measurements}
    facts = PatientFacts(
        birth_date=BORN,
        sex=sex,
        answers={**healthy_answers(sex), **(answers or {})},
        measurements=tuple(one for one in healthy_measurements() if one.code not in replaced) + measurements,
    )
    return replace(facts, **rest)  # type: ignore[arg-type]


def without(facts: PatientFacts, *codes: str) -> PatientFacts:
    return replace(facts, measurements=tuple(one for one in facts.measurements if one.code not in codes))


def syringe(*substances: str, region: str | None = None, preservative_free: bool = False) -> Syringe:
    return Syringe(
        tuple(Component(one, Decimal(1), Decimal(10), preservative_free=preservative_free) for one in substances),
        region,
    )


def plan(indication: str = "ind-hydration", *substances: str, regions: tuple[str, ...] = (), **rest: object) -> Plan:
    definition = catalogue().indications[indication]
    made = Plan(
        indication=indication,
        category=definition.category.value,
        regions=regions or (definition.regions[0],),
        technique=definition.techniques[0],
        syringes=(syringe(*substances),) if substances else (),
    )
    return replace(made, **rest)  # type: ignore[arg-type]


def example_plan(indication: str, mixture: str) -> Plan:
    items = catalogue().mixtures[mixture].items
    components = tuple(Component(one.substance, one.volume_ml, one.strength) for one in items)
    return plan(indication, syringes=(Syringe(components),))


def screened(
    facts: PatientFacts,
    given_plan: Plan | None = None,
    *,
    on: date = DAY,
    stage: Stage = Stage.START,
    clearances: tuple[GrantedClearance, ...] = (),
) -> Screening:
    return screen(facts=facts, plan=given_plan, on=on, catalogue=catalogue(), stage=stage, clearances=clearances)
