"""What changed since last time, said by the patient before a session: nothing, or these answers."""
from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe

from clinic import access_log
from clinic.deeds import refusing_when_busy
from clinic.errors import Refused, Stale
from clinic.idempotency import once
from clinic.permissions import by_patient_link
from patients.asking import answer_in_words, inputs_of, read_answers
from patients.facts import AnswerValue
from patients.intake_form import SignForm
from patients.labels import LinkPurpose
from patients.models import PatientLink
from patients.questionnaire import asked
from patients.views.gate import behind_gate, dead_link
from patients.views.opened import finish, has_finished, thank_in_their_language
from sessions import changes_before
from sessions.changes_before import Recheck
from sessions.message_texts import day_of, written_in
from sessions.models import Appointment
from sessions.views.patient_appointment import appointment_behind
from sessions.views.rescreening import screen_again

CHANGES = LinkPurpose.CHANGES
SAME, OTHERS = "same", "others"
SHOWN = "answers_shown"  # the digest of the answers that stood on the page


@by_patient_link([CHANGES])
@require_http_methods(["GET", "HEAD", "POST"])
@behind_gate(CHANGES, afterwards="patient-changes-thanks")
def patient_changes(request: HttpRequest, *, link: PatientLink) -> HttpResponse:
    """First what was said last time; then either "nothing has changed" or the questions, signed with a typed name."""
    appointment = appointment_behind(link)
    if request.method != "POST":
        access_log.viewed(request, patient=link.patient, of=appointment)
    if problem := changes_before.why_not(appointment):
        return render(request, "patient_pages/changes/over.html", {"problem": problem, "site": link.site})
    recheck = changes_before.recheck_of(appointment)
    if not recheck.questions:
        raise Http404
    if request.method != "POST":
        asks = recheck.unanswered or request.GET.get("way") == OTHERS
        return show(request, appointment, recheck, SignForm(), way=OTHERS if asks else SAME)
    return answer(request, appointment, recheck)


def answer(request: HttpRequest, appointment: Appointment, recheck: Recheck) -> HttpResponse:
    same = request.POST.get("way") == SAME and not recheck.unanswered
    way = SAME if same else OTHERS
    given = dict(recheck.known) if same else read(request, recheck)
    form = SignForm(request.POST)
    problems = changes_before.problems_with(given, recheck, appointment)
    if problems or not form.is_valid():
        # What was known may no longer fit the questions of today: then they are asked.
        shown = request.POST.get(SHOWN, "")  # still what was on the page
        return show(request, appointment, recheck, form, way=OTHERS if problems else way, given=given, shown=shown, status=422)
    try:
        with refusing_when_busy(), once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            by = access_log.doer_of(request)
            changes_before.answer(
                appointment=appointment, given=given, shown=request.POST.get(SHOWN, ""),
                signed_name=form.cleaned_data["signed_name"], language=get_language() or "en", by=by,
            )  # fmt: skip
            screen_again(appointment.patient, by)
            done = attempt.leads_to(reverse("patient-changes-thanks"))
    except Stale as stale:
        form.refuse(stale)
        return show(request, appointment, changes_before.recheck_of(appointment), form, way=way, given=given, changed=True,
                    status=409)  # fmt: skip
    except Refused as refusal:
        form.refuse(refusal)
        return show(request, appointment, recheck, form, way=way, given=given, shown=request.POST.get(SHOWN, ""), status=422)
    finish(request, CHANGES)
    return done


@by_patient_link([CHANGES])
@require_safe
def patient_changes_thanks(request: HttpRequest) -> HttpResponse:
    """Says thank you and nothing about anybody."""
    if not has_finished(request, CHANGES):
        return dead_link(request)
    thank_in_their_language(request)
    return render(request, "patient_pages/changes/thanks.html")


def read(request: HttpRequest, recheck: Recheck) -> dict[str, AnswerValue]:
    given: dict[str, AnswerValue] = {}
    for question in recheck.questions.values():
        given |= read_answers(question, request.POST.getlist)
    return given


def show(
    request: HttpRequest, appointment: Appointment, recheck: Recheck, form: SignForm, *, way: str,
    given: dict[str, AnswerValue] | None = None, shown: str | None = None, changed: bool = False, status: int = 200,
) -> HttpResponse:  # fmt: skip
    """`shown` is the digest a page carried that comes back with a complaint; `changed`: the answers on record are others
    than on that page, so they stand beside what was typed."""
    language = written_in(request.LANGUAGE_CODE)
    context: dict[str, Any] = {
        "form": form, "site": appointment.site, "name": appointment.patient.given_name, "way": way,
        "day": day_of(appointment.local_start, language), "today": appointment.site.today(),
        "unanswered": recheck.unanswered, "shown": recheck.digest if shown is None else shown,
    }  # fmt: skip
    if way == OTHERS:
        context |= asking(recheck, given, appointment, language)
        context["rows"] = rows_of(recheck, language, other_than=given) if changed and given is not None else []
    else:
        context["rows"] = rows_of(recheck, language)
    return render(request, "patient_pages/changes/changes.html", context, status=status)


def rows_of(
    recheck: Recheck, language: str, *, other_than: dict[str, AnswerValue] | None = None
) -> list[dict[str, Any]]:
    """The answers on record, in words: all, or those of questions that `other_than` answers in another way."""
    keys = recheck.questions if other_than is None else changes_before.changed_keys(other_than, recheck)
    return [
        {"text": recheck.questions[key].text.get(language),
         "answers": [answer_in_words(item.field, recheck.known[item.field.key], language)
                     for item in asked(recheck.questions[key], recheck.known) if item.field.key in recheck.known]}
        for key in keys
    ]  # fmt: skip


def asking(
    recheck: Recheck, given: dict[str, AnswerValue] | None, appointment: Appointment, language: str
) -> dict[str, Any]:
    """Every question with its inputs; after a try, what was typed and each sentence beside its question."""
    problems = [] if given is None else changes_before.problems_with(given, recheck, appointment)
    errors = {one.key: one.text.get(language) for one in problems}
    answers = recheck.known if given is None else given
    blocks = [
        {
            "inputs": inputs_of(question, answers, language=language, errors=errors),
            "help": question.help.get(language) if question.help else "",
        }
        for question in recheck.questions.values()
    ]
    return {"blocks": blocks, "errors": errors}
