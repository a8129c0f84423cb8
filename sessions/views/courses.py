"""Courses: choose indication and mixture, see the judgement live, propose, approve, clear findings, stop."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.errors import Refused, Stale
from clinic.idempotency import once
from clinic.permissions import requires
from patients.models import Patient
from protocols import catalogue
from protocols.choices import CheckResult, Status
from protocols.definitions import Catalogue, Indication, Mixture
from protocols.mixing import PlanCheck
from protocols.screening import Stage
from sessions import coursework, screenings
from sessions.choices import CourseStatus
from sessions.explaining import answer_in_words, outcome_pill, shown_findings
from sessions.forms.course import ApproveForm, ClearanceForm, CourseForm, EndClearanceForm, StopForm
from sessions.models import Clearance, Course

CHECK_PILL = {
    CheckResult.OK: "ok",
    CheckResult.WARNING: "caution",
    CheckResult.INCOMPLETE: "incomplete",
    CheckResult.OVER_LIMIT: "danger",
    CheckResult.NOT_USABLE: "danger",
    CheckResult.INCOMPATIBLE: "danger",
}


def check_words(result: CheckResult) -> str:
    return {
        CheckResult.OK: _("Within all limits"),
        CheckResult.WARNING: _("Usable, with cautions"),
        CheckResult.INCOMPLETE: _("Something is missing"),
        CheckResult.OVER_LIMIT: _("Over a limit"),
        CheckResult.NOT_USABLE: _("Not usable"),
        CheckResult.INCOMPATIBLE: _("Incompatible"),
    }[result]


def patient_or_404(request: HttpRequest, public_id: str) -> Patient:
    return get_object_or_404(
        Patient.objects.visible_to(request.user).select_related("registered_at"), public_id=public_id
    )


def course_or_404(request: HttpRequest, public_id: str) -> Course:
    courses = Course.objects.select_related("patient", "site", "practitioner", "approved_by", "catalogue")
    return get_object_or_404(courses, public_id=public_id, patient__in=Patient.objects.visible_to(request.user))


def choice_of(request: HttpRequest, rules: Catalogue) -> tuple[Indication | None, Mixture | None]:
    """Indication and mixture named in the address, as far as they exist and belong together."""
    indication = rules.indications.get(request.GET.get("indication", ""))
    if indication is None or indication.status == Status.WITHDRAWN:
        return None, None
    mixtures = rules.mixtures_for(indication.code)
    chosen = next((one for one in mixtures if one.code == request.GET.get("mixture")), None)
    return indication, chosen or (mixtures[0] if mixtures else None)


def shown_check(check: PlanCheck, rules: Catalogue) -> dict[str, Any]:
    """The mixture check for the template: totals with their bars, volumes, problems with their sentences."""
    language = get_language() or "en"
    return {
        "pill": CHECK_PILL[check.result],
        "word": check_words(check.result),
        "totals": [
            {
                "name": rules.substances[total.substance].name_in(language),
                "code": total.substance,
                "value": total.amount,
                "unit": total.unit,
                "typical_low": total.typical_low,
                "typical_high": total.typical_high,
                "limit": min(
                    (limit for limit in (total.hard_max, total.limit_by_weight) if limit is not None), default=None
                ),
            }
            for total in check.totals
        ],
        "volumes": [
            {
                "name": rules.regions[volume.region].name_in(language) if volume.region else _("Whole session"),
                "value": volume.volume_ml,
                "limit": volume.limit_ml,
            }
            for volume in check.volumes
        ],
        "problems": [
            {
                "code": problem.code,
                "kind": CHECK_PILL[problem.result],
                "word": check_words(problem.result),
                "text": problem.text(language),
                "source": problem.source,
                "mark": problem.mark,
            }
            for problem in check.problems
        ],
    }


def shown_judgement(judgement: coursework.Judgement, rules: Catalogue) -> dict[str, Any]:
    screening = judgement.screening
    return {
        "pill": outcome_pill(screening.outcome, screening.wait_until, screening.open_ended),
        "findings": shown_findings(screening, rules),
        "missing": [answer_in_words(code, "", rules) for code in screening.missing],
        "to_do": [answer_in_words(code, "", rules).rstrip(": ") for code in screening.to_do],
        "check": shown_check(judgement.check, rules),
        "dates": judgement.dates,
        "is_blocked": judgement.is_blocked,
    }


@requires(Permission.TREAT, Permission.SEE_CLINICAL)
@require_http_methods(["GET", "POST"])
def course_new(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET chooses; POST proposes, or with `check` only judges (the live pane asks this way)."""
    patient = patient_or_404(request, public_id)
    rules = catalogue.in_force()
    indication, mixture = choice_of(request, rules)
    context: dict[str, Any] = {
        "patient": patient,
        "indications": [one for one in rules.indications.values() if one.status == Status.ON],
        "indication": indication,
        "mixtures": rules.mixtures_for(indication.code) if indication else (),
        "mixture": mixture,
        "language": get_language(),
        "catalogue": catalogue.current(),
    }
    if indication is None or mixture is None:
        access_log.viewed(request, patient=patient)
        return render(request, "courses/course_new.html", context)
    form = CourseForm(
        request.POST or None, site=request.site, rules=rules, indication=indication, mixture=mixture, user=request.user
    )
    context["form"] = form
    status = 200
    if request.method == "POST" and "check" in request.POST:
        if form.is_valid():
            try:
                context["judgement"] = shown_judgement(coursework.judge(patient=patient, wish=form.wish()), rules)
            except Refused as refusal:
                form.refuse(refusal)
        return render(request, "courses/course_new.html#judgement", context)
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                with once(request) as attempt:
                    if attempt.answer:
                        return redirect(attempt.answer)
                    course = coursework.propose(patient=patient, wish=form.wish(), by=doer_of(request))
                    return attempt.leads_to(reverse("course", args=[course.public_id]))
            except Refused as refusal:
                form.refuse(refusal)
                context["judgement"] = shown_judgement(coursework.judge(patient=patient, wish=form.wish()), rules)
    access_log.viewed(request, patient=patient)
    return render(request, "courses/course_new.html", context, status=status)


def why_not(course: Course) -> str:
    """The sentence beside a closed Approve button, from the verb's own rule; empty when it may be pressed."""
    try:
        coursework.check_approvable(course)
    except Refused as refusal:
        return refusal.sentence
    return ""


def course_context(request: HttpRequest, course: Course) -> dict[str, Any]:
    rules = catalogue.in_force()
    language = get_language() or "en"
    planned = list(course.planned_sessions.prefetch_related("fulfilments__appointment__room"))
    for session in planned:
        active = [one.appointment for one in session.fulfilments.all() if one.active]
        session.booked = active[0] if active else None
    day = next((session.ideal for session in planned if not session.done_on), course.site.today())
    evaluated = screenings.evaluate(patient=course.patient, stage=Stage.PLAN, on=day, course=course)
    is_open = course.status in {CourseStatus.PROPOSED, CourseStatus.APPROVED}
    indication = rules.indications.get(course.indication)
    return {
        "course": course,
        "patient": course.patient,
        "title": indication.name_in(language) if indication else course.indication,
        "evidence": indication.evidence if indication else "",
        "regions": [rules.regions[code].name_in(language) for code in course.regions if code in rules.regions],
        "technique": rules.techniques[course.technique].name_in(language)
        if course.technique in rules.techniques
        else "",
        "items": [
            (
                item,
                rules.substances[item.substance].name_in(language)
                if item.substance in rules.substances
                else item.substance,
            )
            for item in course.items.all()
        ],
        "planned": planned,
        "unbooked": [session for session in planned if not session.booked and not session.done_on],
        "pill": outcome_pill(evaluated.outcome, evaluated.wait_until, evaluated.open_ended),
        "findings": shown_findings(evaluated, rules),
        "missing": [answer_in_words(code, "", rules) for code in evaluated.missing],
        "to_do": [answer_in_words(code, "", rules).rstrip(": ") for code in evaluated.to_do],
        "check": shown_check(coursework.check(course, on=day), rules),
        "clearances": course.clearances.select_related("granted_by"),
        "consents": course.consents.select_related("informed_by", "recorded_by"),
        "catalogue": catalogue.current(),
        "is_open": is_open,
        "why_not": why_not(course) if course.status == CourseStatus.PROPOSED else "",
        "approve_form": ApproveForm(seen_version=course.version),
        "stop_form": StopForm(seen_version=course.version, prefix=None),
    }


@requires(Permission.SEE_CLINICAL)
@require_http_methods(["GET", "HEAD"])
def course(request: HttpRequest, public_id: str) -> HttpResponse:
    """Plan, mixture check, screening, dates and papers of one course, each complaint with what mends it."""
    found = course_or_404(request, public_id)
    access_log.viewed(request, patient=found.patient, of=found)
    return render(request, "courses/course.html", course_context(request, found))


@requires(Permission.TREAT)
@require_POST
def course_approve(request: HttpRequest, public_id: str) -> HttpResponse:
    found = course_or_404(request, public_id)
    form = ApproveForm(request.POST, seen_version=found.version)
    if form.is_valid():
        try:
            with once(request) as attempt:
                if attempt.answer:
                    return redirect(attempt.answer)
                coursework.approve(course=found, seen_version=form.cleaned_data["seen_version"], by=doer_of(request))
                return attempt.leads_to(reverse("course", args=[found.public_id]))
        except Refused as refusal:
            form.refuse(refusal)
            status = 409 if isinstance(refusal, Stale) else 422
    else:
        status = 422
    found.refresh_from_db()
    return render(request, "courses/course.html", course_context(request, found) | {"refused": form}, status=status)


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def course_stop(request: HttpRequest, public_id: str) -> HttpResponse:
    found = course_or_404(request, public_id)
    form = StopForm(request.POST or None, seen_version=found.version)
    if request.method == "POST" and form.is_valid():
        try:
            with once(request) as attempt:
                if attempt.answer:
                    return redirect(attempt.answer)
                data = form.cleaned_data
                coursework.stop(
                    course=found, seen_version=data["seen_version"], reason=data["reason"], by=doer_of(request)
                )
                return attempt.leads_to(reverse("course", args=[found.public_id]))
        except Refused as refusal:
            form.refuse(refusal)
    context = {"form": form, "course": found, "patient": found.patient, "title": _("Stop this course?"),
               "act": _("Stop the course"), "back": reverse("course", args=[found.public_id])}  # fmt: skip
    return render(request, "courses/one_form.html", context, status=422 if request.method == "POST" else 200)


@requires(Permission.GRANT_CLEARANCE)
@require_http_methods(["GET", "POST"])
def clearance_new(request: HttpRequest, public_id: str, code: str) -> HttpResponse:
    """Clear one relative finding of a course, with reason and, where the rule asks, letter or laboratory value."""
    found = course_or_404(request, public_id)
    rules = catalogue.in_force()
    evaluated = screenings.evaluate(patient=found.patient, stage=Stage.PLAN, on=found.site.today(), course=found)
    finding = next((one for one in shown_findings(evaluated, rules) if one.code == code and one.clearable), None)
    if finding is None:
        raise Http404
    form = ClearanceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with once(request) as attempt:
                if attempt.answer:
                    return redirect(attempt.answer)
                coursework.grant_clearance(
                    patient=found.patient, course=found, rule_code=code, reason=form.cleaned_data["reason"],
                    evidence=form.cleaned_data["evidence"], by=doer_of(request),
                )  # fmt: skip
                return attempt.leads_to(reverse("course", args=[found.public_id]))
        except Refused as refusal:
            form.refuse(refusal)
    context = {"form": form, "course": found, "patient": found.patient, "finding": finding, "title": _("Clear this finding?"),
               "act": _("Record the clearance"), "back": reverse("course", args=[found.public_id])}  # fmt: skip
    return render(request, "courses/one_form.html", context, status=422 if request.method == "POST" else 200)


@requires(Permission.GRANT_CLEARANCE)
@require_http_methods(["GET", "POST"])
def clearance_end(request: HttpRequest, public_id: str) -> HttpResponse:
    clearance = get_object_or_404(
        Clearance.objects.select_related("course__site", "patient__registered_at"),
        public_id=public_id, patient__in=Patient.objects.visible_to(request.user), course__isnull=False,
    )  # fmt: skip
    back = reverse("course", args=[clearance.course.public_id])
    form = EndClearanceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with once(request) as attempt:
                if attempt.answer:
                    return redirect(attempt.answer)
                coursework.end_clearance(clearance=clearance, reason=form.cleaned_data["reason"], by=doer_of(request))
                return attempt.leads_to(back)
        except Refused as refusal:
            form.refuse(refusal)
    context = {"form": form, "patient": clearance.patient, "title": _("End this clearance?"),
               "act": _("End the clearance"), "back": back}  # fmt: skip
    return render(request, "courses/one_form.html", context, status=422 if request.method == "POST" else 200)
