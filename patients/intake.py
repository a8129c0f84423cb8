"""The patient's own answers: a draft while typing, frozen by signing, and what they mean for the record.

The caller brings the questions (one floor up they come from the catalogue in force); these verbs never ask twice.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from patients import links
from patients.asking import patient_questions, wording
from patients.facts import AnswerValue
from patients.labels import LinkPurpose
from patients.models import Allergy, Medicine, Patient, QuestionnaireResponse, QuestionnaireVersion
from patients.questionnaire import NONE, UNSURE, Problem, Question, Questions, as_list, asked, check

PURPOSE = "intake"


@dataclass(frozen=True, slots=True)
class Saved:
    """A draft as it stands now, and what could not be taken of what was just given."""

    response: QuestionnaireResponse
    problems: tuple[Problem, ...]


def draft_of(patient: Patient) -> QuestionnaireResponse | None:
    return QuestionnaireResponse.objects.filter(patient=patient, purpose=PURPOSE, submitted_at=None).first()


@transaction.atomic
def start(*, patient: Patient, questionnaire: QuestionnaireVersion, language: str) -> QuestionnaireResponse:
    """The open draft of this patient, made if there is none. A newer questionnaire takes the draft along.

    Called when something is saved, never when a page is opened.
    """
    QuestionnaireResponse.objects.bulk_create(
        [QuestionnaireResponse(patient=patient, questionnaire=questionnaire, purpose=PURPOSE, language=language)],
        ignore_conflicts=True,
    )
    response = QuestionnaireResponse.objects.select_for_update().get(
        patient=patient, purpose=PURPOSE, submitted_at=None
    )
    if response.questionnaire_id != questionnaire.pk or response.language != language:
        response.questionnaire, response.language = questionnaire, language
        response.save(update_fields=["questionnaire", "language", "saved_at"])
    return response


@transaction.atomic
def save_draft(
    *,
    response: QuestionnaireResponse,
    question: Question,
    given: Mapping[str, AnswerValue],
    questions: Questions,
    today: dt.date,
) -> Saved:
    """Replace the answers of one question. What is wrong is reported and not stored; all the rest is kept.

    Two open pages of one patient write different questions and lose nothing: the row is locked, one question merged.
    """
    held = QuestionnaireResponse.objects.select_for_update(of=("self",)).select_related("patient").get(pk=response.pk)
    if held.submitted_at is not None:
        raise Refused(_("These answers are signed already. Ask the clinic for a new link to change them."))
    own = {question.key, *(one.key for one in question.follow_ups)}
    kept = {key: value for key, value in held.answers.items() if key not in own}
    merged = kept | dict(given)
    found = check({question.key: question}, dict(given), sex=held.patient.sex, today=today, complete=True)
    problems = tuple(one for one in found if not _for_staff(question, one.key))
    wrong = {one.key for one in problems if one.kind != "required"}
    answers = {key: value for key, value in merged.items() if key not in wrong}
    if answers != held.answers:
        held.answers = answers
        held.version += 1
        held.save(update_fields=["answers", "version", "saved_at"])
    return Saved(held, problems)


def _for_staff(question: Question, key: str) -> bool:
    return any(one.key == key and one.by != "patient" for one in (question, *question.follow_ups))


def missing(response: QuestionnaireResponse, questions: Questions, today: dt.date) -> list[Problem]:
    """What still stands between these answers and signing, in the order of the form."""
    own = {question.key: question for question in patient_questions(questions, sex=response.patient.sex)}
    found = check(own, response.answers, sex=response.patient.sex, today=today, complete=True)
    return [one for one in found if one.question in own and not _for_staff(own[one.question], one.key)]


@transaction.atomic
def submit(
    *,
    response: QuestionnaireResponse,
    questions: Questions,
    seen_version: int,
    signed_name: str,
    language: str,
    today: dt.date,
    by: Doer,
) -> QuestionnaireResponse:
    """Sign and freeze. Raises `Stale` when an answer changed since the overview, `Refused` while one is missing.

    1. Answers and the words that were asked are frozen in one row; the database refuses any later change.
    2. Allergies and medicines of the record are brought up to date.
    3. Every open intake link of the patient is spent.

    Whoever writes answers holds the patient from its first look on, so that what comes later is stamped later, too.
    """
    Patient.objects.select_for_update().get(pk=response.patient_id)
    held = QuestionnaireResponse.objects.select_for_update(of=("self",)).select_related("patient").get(pk=response.pk)
    if held.submitted_at is not None:
        raise Refused(_("These answers are signed already."))
    if held.version != seen_version:
        raise Stale(_("An answer changed since you opened this page. Look over your answers, then sign."))
    lacking = missing(held, questions, today)
    if lacking:
        raise Refused(_("Some answers are still missing."), code="incomplete")
    if not any(sign.isalpha() for sign in signed_name):
        raise Refused(_("Type your name to sign."), field="signed_name")
    asked_questions = patient_questions(questions, sex=held.patient.sex)
    held.answers = {
        item.field.key: held.answers[item.field.key]
        for question in asked_questions for item in asked(question, held.answers) if item.field.key in held.answers
    }  # fmt: skip
    held.wording = wording(asked_questions, held.answers, language)
    held.language, held.signed_name = language, signed_name.strip()
    held.submitted_at = timezone.now()
    held.submitted_kind, held.submitted_by = ("staff", by.user) if by.user is not None else ("patient", None)
    held.version += 1
    held.save()
    apply_submission(response=held, today=today)
    links.spend(patient=held.patient, purpose=LinkPurpose.INTAKE)
    audit.record(by=by, action="intake-submitted", sentence="signed the health questions", of=held, patient=held.patient,
                 detail={"language": language, "answers": len(held.answers)})  # fmt: skip
    return held


def apply_submission(*, response: QuestionnaireResponse, today: dt.date) -> None:
    """Add the allergies and medicines the patient named. Nothing is taken away by an answer: ending one is a person's
    deed. "No known allergies" is noted only where none is on record, and forgotten as soon as one is named."""
    patient = Patient.objects.select_for_update().get(pk=response.patient_id)
    answers: Mapping[str, AnswerValue] = response.answers
    _add_allergies(patient, answers, today)
    _add_medicines(patient, answers)
    response.patient = patient


def _add_allergies(patient: Patient, answers: Mapping[str, AnswerValue], today: dt.date) -> None:
    severe = set(as_list(answers.get("q-anaphylaxis-to")))
    named = as_list(answers.get("q-allergy"))
    known = set(patient.allergies.filter(ended_at=None).values_list("allergen", flat=True))
    notes = {"other": str(answers.get("q-allergy-other") or answers.get("q-anaphylaxis-other") or "")[:200]}
    for allergen in dict.fromkeys([*named, *severe]):
        if allergen in (NONE, UNSURE) or allergen in known:
            continue
        Allergy.objects.create(
            patient=patient, allergen=allergen, note=notes.get(allergen, ""), severe=allergen in severe,
            recorded_at=timezone.now(),
        )  # fmt: skip
        known.add(allergen)
    if severe:
        Allergy.objects.filter(patient=patient, ended_at=None, allergen__in=severe, severe=False).update(severe=True)
    stated = today if named == (NONE,) and not known else None
    if known or stated:
        patient.no_known_allergies_on = stated
        patient.save(update_fields=["no_known_allergies_on"])


def _add_medicines(patient: Patient, answers: Mapping[str, AnswerValue]) -> None:
    known = {name.casefold() for name in patient.medicines.filter(ended_at=None).values_list("name", flat=True)}
    for key in ("q-medicines", "q-anticoagulant-name", "q-antiplatelet-name"):
        for name in as_list(answers.get(key)):
            if name in (NONE, UNSURE) or name.casefold() in known:
                continue
            Medicine.objects.create(patient=patient, name=name[:120], recorded_at=timezone.now())
            known.add(name.casefold())
