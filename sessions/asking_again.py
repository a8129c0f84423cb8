"""Questions that staff ask with the patient: those that only matter for a plan, and those asked before every session.

Answers become a signed response of their own, which overrides earlier answers question by question, and the rules see
it at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.permissions import check_may
from patients import intake
from patients.asking import wording
from patients.facts import AnswerValue
from patients.models import Patient, QuestionnaireResponse
from patients.questionnaire import Problem, Question, check, unanswered, visible
from protocols import catalogue
from protocols.patient_case import words_of
from sessions import screenings
from sessions.gathering import answers_of
from sessions.models import Course
from sessions.plans import plan_of

FOR_PLAN, BEFORE_SESSION = "plan", "again"


class Round(NamedTuple):
    """What is asked now, with the newest known answers to it."""

    purpose: str
    questions: Mapping[str, Question]
    known: Mapping[str, AnswerValue]
    plan_words: frozenset[str]


def round_of(course: Course, purpose: str) -> Round:
    """For a plan: the questions only it asks, and whatever is still unanswered. Before a session: all asked again."""
    questions = catalogue.questions_of(catalogue.current_questionnaire())
    words = words_of(plan_of(course))
    sex, answers = course.patient.sex, answers_of(course.patient)
    shown = visible(questions, answers, sex=sex, plan_words=words, again_only=purpose == BEFORE_SESSION)
    if purpose == FOR_PLAN:
        open_keys = set(unanswered(questions, answers, sex=sex, plan_words=words))
        shown = [one for one in shown if one.only_with or open_keys & {one.key, *(f.key for f in one.follow_ups)}]
    asked_now = {question.key: question for question in shown}
    own = {field.key for question in shown for field in (question, *question.follow_ups)}
    known = {key: value for key, value in answers.items() if key in own}
    return Round(purpose, asked_now, known, words)


def problems_with(given: Mapping[str, AnswerValue], asked: Round, course: Course) -> list[Problem]:
    """Everything wrong with these answers, each with its sentence; answers to what is not asked are among them."""
    return check(
        asked.questions, given, sex=course.patient.sex, today=course.site.today(), plan_words=asked.plan_words
    )


@transaction.atomic
def answer(
    *, course: Course, asked: Round, given: Mapping[str, AnswerValue], by: Doer
) -> QuestionnaireResponse:
    """Store the answers as signed by the member of staff who asked, bring allergies and medicines of the record up to
    date, and screen the patient and every running course again. Raises `Refused` while an answer is missing or wrong."""
    if by.user is None:
        raise Refused(_("Only staff can do this."))
    check_may(by.user, Permission.CHANGE_CLINICAL, course.site)
    Patient.objects.select_for_update().get(pk=course.patient_id)  # one after the other, with the patient's own pages
    if problems_with(given, asked, course):
        raise Refused(_("Some answers are missing or do not fit."), code="answers")
    language = get_language() or "en"
    response = QuestionnaireResponse(
        patient=course.patient, questionnaire=catalogue.current_questionnaire(), purpose=asked.purpose,
        language=language, answers=dict(given), submitted_at=timezone.now(), submitted_kind="staff",
        submitted_by=by.user, signed_name=by.user.name,
    )  # fmt: skip
    response.wording = wording(list(asked.questions.values()), given, language)
    response.save(force_insert=True)
    intake.apply_submission(response=response, today=course.site.today())
    audit.record(
        by=by, action="questions-answered", sentence="wrote down answers together with the patient", of=response,
        patient=course.patient, site=course.site, detail={"purpose": asked.purpose, "answers": len(given)},
    )  # fmt: skip
    screenings.rescreen(patient=course.patient, by=by)
    return response
