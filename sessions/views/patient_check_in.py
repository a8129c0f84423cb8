"""The check-in behind the link of the mail: how the patient is, and what to do at once if something is wrong."""
from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from clinic import access_log
from clinic.deeds import refusing_when_busy
from clinic.errors import Refused
from clinic.file_fields import ask_for_files_again, miss_file
from clinic.idempotency import once
from clinic.permissions import by_patient_link
from patients.labels import LinkPurpose
from patients.models import PatientLink
from patients.views.gate import FILES_AGAIN, behind_gate
from protocols import catalogue
from protocols.aftercare import red_flags
from sessions import checking_in
from sessions.aftercare_page import last_treatment
from sessions.forms.check_in import CheckInForm
from sessions.message_texts import day_of, written_in
from sessions.models import CheckIn, TreatmentSession

PURPOSES = (LinkPurpose.CHECK_IN, LinkPurpose.AFTERCARE)


@by_patient_link(PURPOSES)
@require_http_methods(["GET", "HEAD", "POST"])
@behind_gate(LinkPurpose.CHECK_IN, also=(LinkPurpose.AFTERCARE,))
def patient_check_in(request: HttpRequest, *, link: PatientLink) -> HttpResponse:
    """About the last session that ended, whichever mail the link came with."""
    record = record_behind(link)
    rules = catalogue.in_force()
    form = CheckInForm(
        request.POST or None, request.FILES or None, rules=rules, language=request.LANGUAGE_CODE,
    )  # fmt: skip
    if request.method != "POST":
        access_log.viewed(request, patient=link.patient, of=record)
        return show(request, record, form)
    if FILES_AGAIN in request.POST and "photo" not in request.FILES:
        miss_file(form, "photo")
    if not form.is_valid():
        ask_for_files_again(form)
        return show(request, record, form, status=422)
    try:
        with refusing_when_busy(), once(request) as attempt:
            if attempt.answer is None:
                checking_in.answer(
                    record=record, given=form.given, photo=form.cleaned_data["photo"], by=access_log.doer_of(request)
                )
                return attempt.leads_to(reverse("patient-check-in-answer"))
            return redirect(attempt.answer)
    except Refused as refusal:
        form.refuse(refusal)
        ask_for_files_again(form)
        return show(request, record, form, status=409)


@by_patient_link(PURPOSES)
@require_safe
@behind_gate(LinkPurpose.CHECK_IN, also=(LinkPurpose.AFTERCARE,))
def patient_check_in_answer(request: HttpRequest, *, link: PatientLink) -> HttpResponse:
    """What to do after the newest answers of this patient."""
    record = record_behind(link)
    check_in = CheckIn.objects.filter(treatment_session=record).order_by("-answered_at", "-id").first()
    if check_in is None:
        return redirect("patient-check-in")
    access_log.viewed(request, patient=link.patient, of=check_in)
    language = request.LANGUAGE_CODE
    context = {
        **frame_of(request, record), "check_in": check_in,
        "met": [(one.name_in(language), one.text(language)) for one in checking_in.words_of(check_in)],
        "unmeasured": check_in.answers.get("fever") == "unsure",
    }  # fmt: skip
    return render(request, "patient_pages/check_in/answer.html", context)


def record_behind(link: PatientLink) -> TreatmentSession:
    record = last_treatment(link.patient)
    if record is None:
        raise Http404
    return record


def show(request: HttpRequest, record: TreatmentSession, form: CheckInForm, *, status: int = 200) -> HttpResponse:
    return render(request, "patient_pages/check_in/form.html", frame_of(request, record) | {"form": form}, status=status)


def frame_of(request: HttpRequest, record: TreatmentSession) -> dict[str, object]:
    site, language = record.appointment.site, request.LANGUAGE_CODE
    urgent, *others = red_flags(catalogue.in_force())
    ended = (record.ended_at or timezone.now()).astimezone(site.zone)
    return {
        "site": site, "day": day_of(ended, written_in(language)), "call_now": urgent.text(language),
        "flags": [(flag.name_in(language), flag.text(language)) for flag in others],
    }  # fmt: skip
