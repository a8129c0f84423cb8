"""The patient's health questions on a phone or the clinic's tablet: one question a page, nothing typed is ever lost."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import access_log
from clinic.deeds import refusing_when_busy
from clinic.errors import Refused, Stale
from clinic.idempotency import once
from clinic.permissions import by_patient_link
from patients import intake
from patients.asking import answer_in_words, inputs_of, patient_questions, read_answers
from patients.intake_form import SignForm
from patients.labels import LinkPurpose
from patients.models import PatientLink, QuestionnaireResponse
from patients.questionnaire import Question, asked
from patients.views.gate import behind_gate, dead_link
from patients.views.opened import finish, has_finished, thank_in_their_language
from protocols import catalogue
from sessions.views.rescreening import screen_again

INTAKE = LinkPurpose.INTAKE
SECONDS_A_QUESTION = 8


@by_patient_link([INTAKE])
@behind_gate(INTAKE, afterwards="patient-intake-thanks")
@require_safe
def patient_intake(request: HttpRequest, link: PatientLink) -> HttpResponse:
    """Welcome: how many questions, how long, and where to go on."""
    asked_questions = questions_for(link)
    answers = answers_so_far(link)
    open_ones = [question for question in asked_questions if question.key not in answers]
    access_log.viewed(request, patient=link.patient)
    context = {
        "link": link, "count": len(asked_questions), "minutes": minutes(len(open_ones)), "begun": bool(answers),
        "next_key": (open_ones or asked_questions)[0].key, "all_answered": not open_ones,
    }  # fmt: skip
    return render(request, "patient_pages/intake/start.html", context)


def retold(request: HttpRequest) -> list[tuple[str, list[str]]]:
    """What a page that came too late says, question by question, in words. Reads nothing of any patient."""
    language = get_language() or "en"
    told = []
    for question in catalogue_questions().values():
        given = read_answers(question, request.POST.getlist)
        words = [answer_in_words(item.field, given[item.field.key], language)
                 for item in asked(question, given) if item.field.key in given]  # fmt: skip
        if words:
            told.append((question.text.get(language), words))
    return told


@by_patient_link([INTAKE])
@behind_gate(INTAKE, afterwards="patient-intake-thanks", retell=retold)
@require_http_methods(["GET", "HEAD", "POST"])
def patient_intake_question(request: HttpRequest, key: str, link: PatientLink) -> HttpResponse:
    """One question with its follow-ups. Every answer is a draft at once; Next, Back and a script all save the same."""
    asked_questions = questions_for(link)
    question = next((one for one in asked_questions if one.key == key), None)
    if question is None:
        raise Http404
    if request.method != "POST":
        return show_question(request, link, asked_questions, question)
    given = read_answers(question, request.POST.getlist)
    try:
        with refusing_when_busy():
            saved = intake.save_draft(
                response=draft_for(link), question=question, given=given, questions=catalogue_questions(),
                today=link.site.today(),
            )  # fmt: skip
    except Refused as refusal:
        return show_question(request, link, asked_questions, question, typed=given, problem=refusal.sentence, status=409)
    language = get_language() or "en"
    errors = {one.key: one.text.get(language) for one in saved.problems if given or one.kind != "required"}
    if request.headers.get("X-Autosave"):
        wrong = {one.key: one.text.get(language) for one in saved.problems if one.kind != "required"}
        moment = date_format(timezone.now().astimezone(link.site.zone), "H:i")
        return JsonResponse({"saved": moment, "wrong": wrong})
    if errors:
        return show_question(request, link, asked_questions, question, typed=given, errors=errors, status=422)
    return redirect(page_after(request, asked_questions, question))


def page_after(request: HttpRequest, asked_questions: Sequence[Question], question: Question) -> str:
    place = asked_questions.index(question)
    if request.POST.get("go") == "back":
        if place == 0:
            return reverse("patient-intake")
        return reverse("patient-intake-question", args=[asked_questions[place - 1].key])
    if request.POST.get("to") == "overview" or place + 1 == len(asked_questions):
        return reverse("patient-intake-overview")
    return reverse("patient-intake-question", args=[asked_questions[place + 1].key])


@by_patient_link([INTAKE])
@behind_gate(INTAKE, afterwards="patient-intake-thanks")
@require_safe
def patient_intake_overview(request: HttpRequest, link: PatientLink) -> HttpResponse:
    return show_overview(request, link, None)


@by_patient_link([INTAKE])
@behind_gate(INTAKE, afterwards="patient-intake-thanks")
@require_POST
def patient_intake_sign(request: HttpRequest, link: PatientLink) -> HttpResponse:
    """Sign off: freeze the answers, screen the patient and every running course at once, and let this browser go."""
    form = SignForm(request.POST, seen_version=shown_draft(link).version)
    if not form.is_valid():
        return show_overview(request, link, form, status=422)
    doer = access_log.doer_of(request)
    try:
        with refusing_when_busy(), once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            intake.submit(
                response=draft_for(link), questions=catalogue_questions(), seen_version=form.cleaned_data["seen_version"],
                signed_name=form.cleaned_data["signed_name"], language=get_language() or "en",
                today=link.site.today(), by=doer,
            )  # fmt: skip
            screen_again(link.patient, doer)
            answer = attempt.leads_to(reverse("patient-intake-thanks"))
    except Stale as stale:
        form.refuse(stale)
        form.see_again(draft_for(link).version)
        return show_overview(request, link, form, status=409)
    except Refused as refusal:
        form.refuse(refusal)
        return show_overview(request, link, form, status=422)
    finish(request, INTAKE)
    return answer


@by_patient_link([INTAKE])
@require_safe
def patient_intake_thanks(request: HttpRequest) -> HttpResponse:
    """Says thank you and nothing about anybody."""
    if not has_finished(request, INTAKE):
        return dead_link(request)
    thank_in_their_language(request)
    return render(request, "patient_pages/intake/thanks.html")


# --- showing ------------------------------------------------------------------------------------------------------------
def show_question(
    request: HttpRequest,
    link: PatientLink,
    asked_questions: Sequence[Question],
    question: Question,
    *,
    typed: dict[str, Any] | None = None,
    errors: dict[str, str] | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    language = get_language() or "en"
    answers = answers_so_far(link)
    if typed is not None:
        own = {question.key, *(one.key for one in question.follow_ups)}
        answers = {key: value for key, value in answers.items() if key not in own}
    inputs = inputs_of(question, answers, language=language, typed=typed, errors=errors)
    place = asked_questions.index(question) + 1
    context = {
        "question": inputs[0], "follow_ups": inputs[1:], "place": place, "count": len(asked_questions),
        "minutes": minutes(len(asked_questions) - place + 1), "errors": errors,
        "problem": problem, "why": question.why.get(language) if question.why else "",
        "help": question.help.get(language) if question.help else "",
        "heading": question.heading.get(language) if question.heading else "",
        "optional": question.optional, "today": link.site.today(), "to": request.POST.get("to") or request.GET.get("to", ""),
        "about_medicine": question.key in ABOUT_MEDICINES,
    }  # fmt: skip
    return render(request, "patient_pages/intake/question.html", context, status=status)


# Whoever reads these must not stop a prescribed medicine on their own (clinical reference, section 8).
ABOUT_MEDICINES = frozenset({"q-anticoagulant", "q-antiplatelet", "q-nsaid", "q-medicines", "q-isotretinoin", "q-immune"})


def show_overview(request: HttpRequest, link: PatientLink, form: SignForm | None, *, status: int = 200) -> HttpResponse:
    language = get_language() or "en"
    response, asked_questions = shown_draft(link), questions_for(link)
    open_keys = {problem.question for problem in intake.missing(response, catalogue_questions(), link.site.today())}
    rows = [
        {"key": question.key, "text": question.text.get(language), "missing": question.key in open_keys,
         "answers": [answer_in_words(item.field, response.answers[item.field.key], language)
                     for item in asked(question, response.answers) if item.field.key in response.answers]}
        for question in asked_questions
    ]  # fmt: skip
    context = {
        "rows": rows, "missing": [row for row in rows if row["missing"]], "link": link,
        "form": form or SignForm(seen_version=response.version),
    }
    return render(request, "patient_pages/intake/overview.html", context, status=status)


# --- what is asked, what is answered ---------------------------------------------------------------------------------
def catalogue_questions() -> Any:
    return catalogue.questions_of(catalogue.current_questionnaire())


def questions_for(link: PatientLink) -> list[Question]:
    return patient_questions(catalogue_questions(), sex=link.patient.sex)


def answers_so_far(link: PatientLink) -> dict[str, Any]:
    return shown_draft(link).answers


def shown_draft(link: PatientLink) -> QuestionnaireResponse:
    """The draft, or an empty one that is not in the database: opening a page writes nothing."""
    return intake.draft_of(link.patient) or QuestionnaireResponse(patient=link.patient, answers={}, version=1)


def draft_for(link: PatientLink) -> QuestionnaireResponse:
    questionnaire = catalogue.current_questionnaire()
    return intake.start(patient=link.patient, questionnaire=questionnaire, language=get_language() or "en")


def minutes(questions: int) -> int:
    return max(1, math.ceil(questions * SECONDS_A_QUESTION / 60))


