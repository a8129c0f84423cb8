"""Gather what is known about a patient into the frozen facts that screening reads."""
from __future__ import annotations

from patients.facts import AnswerValue, EarlierSession, Measured, PatientFacts, RecordedMedicine
from patients.models import Patient, QuestionnaireResponse
from sessions.models import TreatmentSession


def answers_of(patient: Patient) -> dict[str, AnswerValue]:
    """The newest answer to every question over all submitted responses: a short re-check overrides the full intake.

    A newer answer to a question takes its old follow-ups away with it, so that no stale date survives."""
    known: dict[str, AnswerValue] = {}
    responses = QuestionnaireResponse.objects.filter(patient=patient, submitted_at__isnull=False)
    for answers in responses.order_by("submitted_at", "id").values_list("answers", flat=True):
        for question in {key for key in answers if f"{key}-" not in key and "." not in key and _is_question(key, answers)}:
            known = {key: value for key, value in known.items() if not _belongs(key, question)}
        known.update(answers)
    return known


def _is_question(key: str, answers: dict[str, AnswerValue]) -> bool:
    """A key that is not the follow-up of another answered key."""
    return not any(key != other and _belongs(key, other) for other in answers)


def _belongs(key: str, question: str) -> bool:
    return key == question or key.startswith((f"{question}-", f"{question}."))


def facts_of(patient: Patient) -> PatientFacts:
    """Everything known now. Five queries, whatever the size of the history."""
    measurements = patient.measurements.filter(withdrawn_at=None)
    medicines = patient.medicines.filter(ended_at=None)
    sessions = TreatmentSession.objects.filter(patient=patient, ended_at__isnull=False).select_related(
        "course", "appointment__site"
    )
    return PatientFacts(
        birth_date=patient.birth_date,
        sex=patient.sex,
        answers=answers_of(patient),
        measurements=tuple(
            Measured(code=row.code, value=row.value, second=row.second, text=row.text, taken_on=row.taken_on)
            for row in measurements
        ),
        medicines=tuple(
            RecordedMedicine(name=row.name, classes=None if row.classes is None else tuple(row.classes))
            for row in medicines
        ),
        sessions=tuple(
            EarlierSession(
                on=row.ended_at.astimezone(row.appointment.site.zone).date(),
                indication=row.course.indication,
                category=row.course.category,
                regions=tuple(row.course.regions),
                substances=tuple(sorted({product.substance for product in row.products.all()})),
                ended_at=row.ended_at,
            )
            for row in sessions.prefetch_related("products")
        ),
    )
