"""Invented patients for benchmarks: mostly healthy, with now and then an answer that fires a rule. Pure, always the same."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from patients.facts import AnswerValue, Measured, PatientFacts
from patients.questionnaire import Field, Kind, Question, asked
from protocols.definitions import Catalogue
from tests.protocols.healthy import healthy_answers, healthy_measurements

DAY = dt.date(2026, 3, 20)


def answers_of(questions: Mapping[str, Question], sex: str, dice: random.Random, share: float) -> dict[str, AnswerValue]:
    """An answer to every question this sex is asked, follow-ups included; `share` of them are not the healthy one."""
    answers: dict[str, AnswerValue] = {}
    for question in questions.values():
        if not question.asked_of(sex):
            continue
        others = [value for value in question.values if value not in {question.healthy, "unsure"}]
        value = dice.choice(others) if others and dice.random() < share else question.healthy
        answers[question.key] = value if question.kind is Kind.CHOICE else [value]
        for item in asked(question, answers):
            if item.field is not question and item.required:
                answers[item.field.key] = _value(item.field, dice)
    return answers


def _value(field: Field, dice: random.Random) -> AnswerValue:
    if field.kind is Kind.DATE:
        return (DAY - dt.timedelta(days=dice.randrange(1, 400))).isoformat()
    if field.kind is Kind.NUMBER:
        return (field.lowest + field.highest) // 2
    if field.kind is Kind.TEXT:
        return "as told"
    if field.kind is Kind.REGIONS:
        return [dice.choice(("reg-face", "reg-neck", "reg-scalp", "reg-abdomen"))]
    value = dice.choice(field.values) if field.values else "as told"
    return value if field.kind is Kind.CHOICE else [value]


def person(rules: Catalogue, dice: random.Random, *, share: float = 0.03) -> PatientFacts:
    sex = "female" if dice.random() < 0.8 else "male"
    return PatientFacts(
        birth_date=dt.date(1955, 1, 1) + dt.timedelta(days=dice.randrange(18_000)),
        sex=sex,
        answers=answers_of(rules.questions, sex, dice, share),
        measurements=tuple(_shaken(one, dice) for one in healthy_measurements()),
    )


def _shaken(one: Measured, dice: random.Random) -> Measured:
    if one.value is None:
        return one
    value = (one.value * dice.randrange(85, 116) / 100).quantize(Decimal("0.1"))
    return Measured(one.code, value, one.taken_on, one.second, one.text)


def healthy(rules: Catalogue, **other: Any) -> PatientFacts:
    return PatientFacts(
        birth_date=dt.date(1990, 5, 10), sex="female", answers={**healthy_answers("female"), **other},
        measurements=healthy_measurements(),
    )  # fmt: skip
