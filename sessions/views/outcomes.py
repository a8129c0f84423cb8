"""Scores of a course: the baseline, what came after, and the decision the stop rule asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import carry_out
from clinic.errors import Refused
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.permissions import requires
from protocols import catalogue
from sessions import outcomes
from sessions.explaining import name_of
from sessions.forms.outcome import GoOnForm, ScoreForm, WithdrawScoreForm
from sessions.views.fetching import course_or_404, score_or_404
from sessions.views.shape import patient_form_page


@requires(Permission.SEE_CLINICAL)
@require_http_methods(["GET", "POST"])
def course_scores(request: StaffRequest, public_id: str) -> HttpResponse:
    """What was scored so far, and one more."""
    course = course_or_404(request, public_id)
    rules = catalogue.in_force()
    scales = outcomes.scales_of(course, rules)
    if request.method == "GET":
        access_log.viewed(request, patient=course.patient, of=course)
    elif Permission.CHANGE_CLINICAL not in request.permissions:
        access_log.denied(request, Permission.CHANGE_CLINICAL)
        raise Refused(_("Your role does not allow you to record scores."))

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        verdict = outcomes.stop_rule_of(course)
        context: dict[str, Any] = {
            "course": course, "patient": course.patient, "form": form, "scales": scales, "verdict": verdict,
            "title": name_of(course.indication, rules.indications),
            "verdict_words": verdict.text(get_language() or "en") if verdict else "",
            "why_not_go_on": outcomes.why_not_go_on(course),
            "scores": course.scores.select_related("recorded_by").order_by("-taken_at", "-id"),
            "decisions": course.decisions.select_related("decided_by"),
        }  # fmt: skip
        with timezone.override(course.site.zone):
            return render(request, "reactions/scores.html", context, status=status)

    def record(data: dict[str, Any]) -> str:
        outcomes.record_score(
            course=course, scale=data["scale"], value=data["value"], taken_at=data["taken_at"], by=doer_of(request)
        )
        return reverse("course-scores", args=[public_id])

    return carry_out(request, ScoreForm(request.POST or None, scales=scales, site=course.site), deed=record, show=show)


@requires(Permission.CHANGE_CLINICAL, Permission.SEE_CLINICAL)
@require_http_methods(["GET", "POST"])
def score_withdraw(request: StaffRequest, public_id: str) -> HttpResponse:
    score = score_or_404(request, public_id)
    return patient_form_page(
        request, WithdrawScoreForm(request.POST or None), patient=score.patient, title=_("Withdraw this score?"),
        act=pgettext("act", "Withdraw"), back=reverse("course-scores", args=[score.course.public_id]),
        lead=f"{score.scale} {score.value.normalize():f}",
        deed=lambda data: outcomes.withdraw_score(score=score, reason=data["reason"], by=doer_of(request)),
    )  # fmt: skip


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def course_go_on(request: StaffRequest, public_id: str) -> HttpResponse:
    """Against the stop rule, with a reason; the other way is to stop the course."""
    course = course_or_404(request, public_id)
    verdict = outcomes.stop_rule_of(course)
    return patient_form_page(
        request, GoOnForm(request.POST or None), patient=course.patient, title=_("Go on with this course?"),
        act=_("Go on"), back=reverse("course-scores", args=[public_id]),
        lead=verdict.text(get_language() or "en") if verdict else "",
        deed=lambda data: outcomes.go_on(course=course, reason=data["reason"], by=doer_of(request)),
    )  # fmt: skip
