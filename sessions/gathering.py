"""Gather what is known about a patient into the frozen facts that screening reads."""

from __future__ import annotations

from collections.abc import Iterator

from patients.facts import AnswerValue, EarlierSession, Measured, PatientFacts, RecordedMedicine
from patients.models import Patient, QuestionnaireResponse
from patients.questionnaire import NONE, UNSURE, as_list
from protocols.catalogue import questions_of
from sessions.events import events_of
from sessions.models import TreatmentSession


def answers_of(patient: Patient) -> dict[str, AnswerValue]:
    """The newest answer to every question over all submitted responses: a short re-check overrides the full intake.

    A newer answer takes the old follow-ups of its question away with it, so that no stale date survives."""
    known: dict[str, AnswerValue] = {}
    responses = QuestionnaireResponse.objects.filter(patient=patient, submitted_at__isnull=False)
    for response in responses.select_related("questionnaire").order_by("submitted_at", "id"):
        for question in questions_of(response.questionnaire).values():
            if question.key in response.answers:
                for key in (question.key, *(follow_up.key for follow_up in question.follow_ups)):
                    known.pop(key, None)
        known.update(response.answers)
    return known


def facts_of(patient: Patient) -> PatientFacts:
    """Everything known now. Seven queries, whatever the size of the history; one more where events are on record.

    `events` are the adverse events (`sessions.events.prior_events`, which a bulk gathering can call with rows it holds).
    A patient's own report (`q-reaction`) waits until a clinician has recorded and weighed one."""
    answers = answers_of(patient)
    tested = patient.allergies.filter(ended_at=None, allergen__startswith="sub-").values_list("allergen", flat=True)
    if tested:  # found by a test or written down by staff: as good as an answer
        said = [one for one in as_list(answers.get("q-allergy")) if one not in {NONE, UNSURE}]
        answers["q-allergy"] = sorted({*said, *tested})
    # In the order of recording: of two readings of one day the later one counts.
    measurements = patient.measurements.filter(withdrawn_at=None).order_by("taken_on", "recorded_at", "id")
    medicines = patient.medicines.filter(ended_at=None)
    return PatientFacts(
        birth_date=patient.birth_date,
        sex=patient.sex,
        answers=answers,
        measurements=tuple(
            Measured(code=row.code, value=row.value, second=row.second, text=row.text, taken_on=row.taken_on)
            for row in measurements
        ),
        medicines=tuple(
            RecordedMedicine(name=row.name, classes=None if row.classes is None else tuple(row.classes))
            for row in medicines
        ),
        events=events_of(patient),
        sessions=tuple(earlier_sessions(patient)),
    )


def earlier_sessions(patient: Patient) -> Iterator[EarlierSession]:
    """Every ended treatment, on its day at its site. Two queries."""
    records = TreatmentSession.objects.filter(patient=patient, ended_at__isnull=False)
    for record in records.select_related("course", "appointment__site").prefetch_related("products"):
        if record.ended_at is None:
            continue
        yield EarlierSession(
            on=record.ended_at.astimezone(record.appointment.site.zone).date(),
            indication=record.course.indication,
            category=record.course.category,
            regions=tuple(record.course.regions),
            substances=tuple(sorted({product.substance for product in record.products.all()})),
            ended_at=record.ended_at,
        )
