"""Before a session the patient says what changed since last time: nothing, or these answers. Staff still ask in person.

The answers become a signed response like those staff write down (`asking_again`), read by the rules at once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.once import once, tell
from patients import intake
from patients.asking import wording
from patients.facts import AnswerValue
from patients.models import Patient, QuestionnaireResponse
from patients.questionnaire import Problem, Question, asked, check
from protocols import catalogue
from sessions import asking_again
from sessions.asking_again import BEFORE_SESSION
from sessions.choices import UPCOMING
from sessions.gathering import newest_answers
from sessions.models import Appointment, TreatmentSession


@dataclass(frozen=True, slots=True)
class Recheck:
    """What the patient is asked again, what they said last, and what staff added to it (`beside`, kept while the answer
    stays the same)."""

    questions: Mapping[str, Question]
    known: Mapping[str, AnswerValue]
    beside: Mapping[str, AnswerValue]
    plan_words: frozenset[str]

    @property
    def unanswered(self) -> bool:
        """Something was never asked: then "nothing changed" would say something about it all the same."""
        return any(key not in self.known for key in self.questions)

    @property
    def digest(self) -> str:
        """Of the questions and the answers as a page shows them: who signs says something about these and no others."""
        return hashlib.sha256(audit.canonical([sorted(self.questions), dict(self.known)])).hexdigest()


def is_asked(appointment: Appointment) -> bool:
    """A session is to come, and the health questions were answered once."""
    if not appointment.service.is_gated or appointment.course is None or appointment.status not in UPCOMING:
        return False
    signed = _signed().filter(patient=appointment.patient)
    return once(("answered once", appointment.patient_id), signed.exists)


def read_for(patients: Collection[int]) -> None:
    """What `is_asked` will ask about these patients (keys), read with one query. Inside `asked_once`."""
    answered = set(_signed().filter(patient__in=patients).values_list("patient", flat=True))
    for patient in patients:
        tell(("answered once", patient), patient in answered)


def _signed() -> QuerySet[QuestionnaireResponse]:
    return QuestionnaireResponse.objects.filter(submitted_at__isnull=False, purpose=intake.PURPOSE)


def why_not(appointment: Appointment) -> str:
    """Why nothing can be answered for this visit any more, in words for the patient; empty while it can."""
    if not is_asked(appointment) or appointment.starts_at <= timezone.now():
        return _("This visit has begun, was moved or is cancelled. If something has changed, please call us.")
    return ""


def recheck_of(appointment: Appointment) -> Recheck:
    course = appointment.course
    if course is None:
        raise ValueError("Only a session of a course is preceded by questions.")
    whole = asking_again.round_of(course, BEFORE_SESSION)
    questions = {key: one for key, one in whole.questions.items() if one.by == "patient"}
    own = {
        field.key for one in questions.values() for field in (one, *one.follow_ups) if field.by == "patient"
    }  # fmt: skip
    around = {field.key for one in questions.values() for field in one.follow_ups} - own
    return Recheck(
        questions,
        {key: value for key, value in whole.known.items() if key in own},
        {key: value for key, value in whole.known.items() if key in around},
        whole.plan_words,
    )


def problems_with(given: Mapping[str, AnswerValue], recheck: Recheck, appointment: Appointment) -> list[Problem]:
    return check(
        recheck.questions, given, sex=appointment.patient.sex, today=appointment.site.today(),
        plan_words=recheck.plan_words, by="patient",
    )  # fmt: skip


@transaction.atomic
def answer(
    *, appointment: Appointment, given: Mapping[str, AnswerValue], shown: str, signed_name: str, language: str, by: Doer
) -> QuestionnaireResponse:
    """Keep what the patient says now, signed. Raises `Refused` while an answer is missing or wrong, and `Stale` where the
    answers on record are no longer those whose digest is `shown`: a patient confirms only what they have read.

    The link stays good until the visit begins: who remembers more says it the same way. The caller screens again in the
    same transaction (`views.rescreening.screen_again`)."""
    if by.kind != "patient" or by.public_id != appointment.patient.public_id:
        raise NotPermitted(_("Only the patient answers here."))
    held = Appointment.objects.select_for_update(no_key=True, of=("self",)).select_related(
        "patient", "site", "service", "course"
    ).get(pk=appointment.pk)  # fmt: skip
    if problem := why_not(held):
        raise Refused(problem)
    Patient.objects.select_for_update().get(pk=held.patient_id)  # whoever writes answers holds it: none change below
    recheck = recheck_of(held)
    if recheck.digest != shown:
        raise Stale(_("Your answers were changed meanwhile, at the clinic or on another page. Read them once more, then sign."))
    if problems_with(given, recheck, held):
        raise Refused(_("Some answers are missing or do not fit."), code="answers")
    if not any(sign.isalpha() for sign in signed_name):
        raise Refused(_("Type your name to sign."), field="signed_name")
    answers = dict(given) | kept_beside(given, recheck)
    response = QuestionnaireResponse(
        patient=held.patient, questionnaire=catalogue.current_questionnaire(), purpose=BEFORE_SESSION, language=language,
        answers=answers, submitted_at=timezone.now(), submitted_kind="patient", signed_name=signed_name.strip()[:160],
    )  # fmt: skip
    response.wording = wording(list(recheck.questions.values()), answers, language)
    response.save(force_insert=True)
    intake.apply_submission(response=response, today=held.site.today())
    audit.record(
        by=by, action="changes-answered", sentence="said what changed before a session", of=response, patient=held.patient,
        site=held.site, detail={"changed": len(changed_keys(given, recheck)), "answers": len(answers)},
    )  # fmt: skip
    return response


def changed_keys(given: Mapping[str, AnswerValue], recheck: Recheck) -> list[str]:
    """The questions whose answer, or one of its follow-ups, is another than before."""
    return [
        key for key, one in recheck.questions.items()
        if any(given.get(field.key) != recheck.known.get(field.key) for field in (one, *one.follow_ups)
               if field.by == "patient")
    ]  # fmt: skip


def kept_beside(given: Mapping[str, AnswerValue], recheck: Recheck) -> dict[str, AnswerValue]:
    """What staff once added to an answer that is the same as before."""
    changed = set(changed_keys(given, recheck))
    return {
        item.field.key: recheck.beside[item.field.key]
        for key, question in recheck.questions.items() if key not in changed
        for item in asked(question, given) if item.field.key in recheck.beside
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class LastWord:
    """What the patient said by themselves before this session, and how many answers were new in it."""

    at: dt.datetime
    changed: int


def last_word(record: TreatmentSession) -> LastWord | None:
    """The newest re-check by the patient since the last session of theirs that ended. For the ready strip."""
    before = TreatmentSession.objects.filter(patient=record.patient, ended_at__isnull=False).exclude(pk=record.pk)
    since = before.order_by("-ended_at").values_list("ended_at", flat=True).first()
    said = QuestionnaireResponse.objects.filter(patient=record.patient, submitted_at__isnull=False)
    newest = said.filter(purpose=BEFORE_SESSION, submitted_kind="patient").order_by("-submitted_at", "-id").first()
    if newest is None or newest.submitted_at is None or (since is not None and newest.submitted_at <= since):
        return None
    earlier = said.filter(submitted_at__lt=newest.submitted_at).select_related("questionnaire")
    known = newest_answers(earlier.order_by("submitted_at", "id"))
    questions = catalogue.questions_of(newest.questionnaire)
    changed = [
        key for key, one in questions.items()
        if key in newest.answers
        and any(newest.answers.get(field.key) != known.get(field.key) for field in (one, *one.follow_ups))
    ]  # fmt: skip
    return LastWord(newest.submitted_at, len(changed))
