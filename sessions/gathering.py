"""Gather what is known about patients into the frozen facts that screening reads.

One patient or a thousand, the same code and the same number of queries: a page asks for one, a re-screening for many."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from patients.facts import AnswerValue, EarlierSession, Measured, PatientFacts, RecordedMedicine
from patients.models import Allergy, Measurement, Medicine, Patient, QuestionnaireResponse
from patients.questionnaire import NONE, UNSURE, as_list
from protocols.catalogue import questions_of
from sessions import events
from sessions.models import AdverseEvent, TreatmentSession


def facts_of(patient: Patient) -> PatientFacts:
    """Everything known now. Seven queries at most, whatever the size of the history."""
    return facts_of_many([patient])[patient.pk]


def facts_of_many(patients: Sequence[Patient]) -> dict[int, PatientFacts]:
    """The facts of each patient by primary key. Seven queries at most for all of them together."""
    keys = [patient.pk for patient in patients]
    responses = _responses(keys)
    # In the order of recording: of two readings of one day the later one counts.
    readings = _grouped(
        Measurement.objects.filter(patient__in=keys, withdrawn_at=None).order_by("taken_on", "recorded_at", "id")
    )
    medicines = _grouped(Medicine.objects.filter(patient__in=keys, ended_at=None))
    tested = _grouped(Allergy.objects.filter(patient__in=keys, ended_at=None, allergen__startswith="sub-"))
    happened = _grouped(AdverseEvent.objects.filter(patient__in=keys).order_by("reported_at", "id"))
    sessions = _sessions(keys)
    return {
        patient.pk: PatientFacts(
            birth_date=patient.birth_date,
            sex=patient.sex,
            answers=_with_allergies(newest_answers(responses[patient.pk]), tested[patient.pk]),
            measurements=tuple(
                Measured(code=row.code, value=row.value, second=row.second, text=row.text, taken_on=row.taken_on)
                for row in readings[patient.pk]
            ),
            medicines=tuple(
                RecordedMedicine(name=row.name, classes=None if row.classes is None else tuple(row.classes))
                for row in medicines[patient.pk]
            ),
            events=events.prior_events(happened[patient.pk], reported_at=_reported_at(responses[patient.pk])),
            sessions=tuple(sessions[patient.pk]),
        )
        for patient in patients
    }


def answers_of(patient: Patient) -> dict[str, AnswerValue]:
    """The newest answer to every question over all submitted responses. One query."""
    return newest_answers(_responses([patient.pk])[patient.pk])


def newest_answers(responses: Iterable[QuestionnaireResponse]) -> dict[str, AnswerValue]:
    """A short re-check overrides the full intake, question by question: `responses` oldest first.

    A newer answer takes the old follow-ups of its question away with it, so that no stale date survives."""
    known: dict[str, AnswerValue] = {}
    for response in responses:
        if known:
            for question in questions_of(response.questionnaire).values():
                if question.key in response.answers:
                    for key in (question.key, *(follow_up.key for follow_up in question.follow_ups)):
                        known.pop(key, None)
        known.update(response.answers)
    return known


def _responses(keys: Sequence[int]) -> Mapping[int, list[QuestionnaireResponse]]:
    """Submitted responses of each patient, oldest first, without their wording: nobody reads it here."""
    rows = QuestionnaireResponse.objects.filter(patient__in=keys, submitted_at__isnull=False)
    lean = rows.select_related("questionnaire").defer("wording", "questionnaire__questions")
    return _grouped(lean.order_by("submitted_at", "id"))


def _reported_at(responses: Sequence[QuestionnaireResponse]) -> dt.datetime | None:
    """When the patient last said that something went wrong, if the newest answer still says so (sessions.events)."""
    newest = next((one for one in reversed(responses) if events.QUESTION in one.answers), None)
    return None if newest is None or newest.answers[events.QUESTION] == "no" else newest.submitted_at


def _with_allergies(answers: dict[str, AnswerValue], tested: Sequence[Allergy]) -> dict[str, AnswerValue]:
    """An allergy found by a test or written down by staff is as good as an answer."""
    if tested:
        said = [one for one in as_list(answers.get("q-allergy")) if one not in {NONE, UNSURE}]
        answers["q-allergy"] = sorted({*said, *(one.allergen for one in tested)})
    return answers


def _sessions(keys: Sequence[int]) -> Mapping[int, list[EarlierSession]]:
    """Every ended treatment, on its day at its site. Two queries."""
    records = TreatmentSession.objects.filter(patient__in=keys, ended_at__isnull=False)
    found: dict[int, list[EarlierSession]] = defaultdict(list)
    for record in records.select_related("course", "appointment__site").prefetch_related("products"):
        if record.ended_at is None:
            continue
        found[record.patient_id].append(
            EarlierSession(
                on=record.ended_at.astimezone(record.appointment.site.zone).date(),
                indication=record.course.indication,
                category=record.course.category,
                regions=tuple(record.course.regions),
                substances=tuple(sorted({product.substance for product in record.products.all()})),
                ended_at=record.ended_at,
            )
        )
    return found


def _grouped(rows: Iterable[Any]) -> Mapping[int, list[Any]]:
    """Rows by their patient, in the order they came in; a patient without any has an empty list."""
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.patient_id].append(row)
    return found
