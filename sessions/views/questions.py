"""Pages where staff ask the patient: what only matters for a plan, and what may have changed before a session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import carry_out
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.permissions import requires
from patients.asking import LINES, inputs_of, read_answers
from patients.facts import AnswerValue
from sessions import asking_again
from sessions.asking_again import BEFORE_SESSION, FOR_PLAN, Round
from sessions.models import Course
from sessions.views.fetching import course_or_404, record_or_404


@requires(Permission.CHANGE_CLINICAL)
@require_http_methods(["GET", "POST"])
def course_questions(request: StaffRequest, public_id: str) -> HttpResponse:
    """The questions only this plan asks, and whatever else is still open."""
    course = course_or_404(request, public_id)
    return ask(request, course, FOR_PLAN, title=_("Questions for this plan"), back=reverse("course", args=[public_id]))


@requires(Permission.CHANGE_CLINICAL)
@require_http_methods(["GET", "POST"])
def record_questions(request: StaffRequest, public_id: str) -> HttpResponse:
    """The questions asked before every session, with the last known answers: what changed is written where rules read."""
    record = record_or_404(request, public_id)
    return ask(
        request, record.course, BEFORE_SESSION, title=_("What changed since last time?"),
        back=reverse("record-history", args=[public_id]),
    )  # fmt: skip


def ask(request: StaffRequest, course: Course, purpose: str, *, title: str, back: str) -> HttpResponse:
    asked = asking_again.round_of(course, purpose)
    given = read(request, asked)

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        context = {"form": form, "patient": course.patient, "title": title, "back": back, "today": course.site.today(),
                   **shown(asked, given, course)}  # fmt: skip
        return render(request, "courses/questions.html", context, status=status)

    def answer(_data: dict[str, Any]) -> str:
        asking_again.answer(course=course, asked=asked, given=given or {}, by=doer_of(request))
        return back

    if request.method == "GET":
        access_log.viewed(request, patient=course.patient)
    return carry_out(request, HouseForm(request.POST or None), deed=answer, show=show)


def read(request: StaffRequest, asked: Round) -> dict[str, AnswerValue] | None:
    """The answers as sent, those to questions that are not asked here included, so that they are refused by name."""
    if request.method != "POST":
        return None
    given: dict[str, AnswerValue] = {}
    for question in asked.questions.values():
        given |= read_answers(question, request.POST.getlist, by="staff")
    own = {field.key for question in asked.questions.values() for field in (question, *question.follow_ups)}
    strange = [name for name in request.POST if name.startswith("q-") and name.removesuffix(LINES) not in own]
    return given | {name[:60]: request.POST[name] for name in strange}


def shown(asked: Round, given: dict[str, AnswerValue] | None, course: Course) -> dict[str, Any]:
    """Every question with its inputs; after a try, what was typed and each sentence beside its question."""
    language = get_language() or "en"
    problems = [] if given is None else asking_again.problems_with(given, asked, course)
    errors = {problem.key: problem.text.get(language) for problem in problems}
    answers = asked.known if given is None else given
    blocks = [
        {
            "inputs": inputs_of(question, answers, language=language, errors=errors, by="staff"),
            "heading": question.heading.get(language) if question.heading else "",
            "help": question.help.get(language) if question.help else "",
        }
        for question in asked.questions.values()
    ]
    beside = {one.key for block in blocks for one in block["inputs"]}  # type: ignore[attr-defined]
    return {"blocks": blocks, "errors": errors, "elsewhere": [text for key, text in errors.items() if key not in beside]}
