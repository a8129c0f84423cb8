"""The healthy person of the clinical reference (section 7), written into the database."""
from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.utils import timezone

from clinic.models import User
from patients.models import Measurement, Patient, QuestionnaireResponse
from patients.questionnaire import Kind
from protocols import catalogue

NUMBERS = {"m-weight": "65", "m-height": "168", "m-cops": "8", "m-platelets": "250", "m-hb": "13.5"}
TEXTS = {"m-asa": "I", "m-fitzpatrick": "III", "m-cbc": "normal", "m-liver": "normal", "m-kidney": "normal"}


def healthy_answers(sex: str = "female") -> dict[str, object]:
    """The first value of every question, plan questions included."""
    answers: dict[str, object] = {}
    for question in catalogue.questions_of(catalogue.current_questionnaire()).values():
        if question.asked_of(sex):
            answers[question.key] = question.healthy if question.kind is Kind.CHOICE else [question.healthy]
    return answers


def answered(patient: Patient, **answers: object) -> QuestionnaireResponse:
    """A submitted intake: healthy but for what is given (`q_skin=["rash"]` is the key q-skin)."""
    given = {key.replace("__", ".").replace("_", "-"): value for key, value in answers.items()}
    return QuestionnaireResponse.objects.create(
        patient=patient,
        questionnaire=catalogue.current_questionnaire(),
        language=patient.language,
        answers=healthy_answers(patient.sex) | given,
        submitted_at=timezone.now(),
        submitted_kind="patient",
        signed_name=patient.name,
    )


def measured(patient: Patient, by: User, on: dt.date | None = None) -> None:
    """All measurements of the healthy person, taken on the given day."""
    day = on or patient.registered_at.today()
    common = {"patient": patient, "taken_on": day, "recorded_at": timezone.now(), "recorded_by": by}
    Measurement.objects.create(code="m-bp", value=Decimal(120), second=Decimal(75), **common)
    for code, value in NUMBERS.items():
        Measurement.objects.create(code=code, value=Decimal(value), **common)
    for code, text in TEXTS.items():
        Measurement.objects.create(code=code, text=text, **common)


def make_healthy(patient: Patient, by: User, on: dt.date | None = None) -> Patient:
    answered(patient)
    measured(patient, by, on)
    return patient
