"""Asking a patient for their answers: by mail, as a QR code, or on the clinic's tablet."""
from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import access_log
from clinic.choices import Permission
from clinic.errors import Refused
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.idempotency import FIELD, new_token, once
from clinic.permissions import requires
from patients import intake, links
from patients.asking import patient_questions
from patients.labels import LinkPurpose
from patients.models import Patient, QuestionnaireResponse
from patients.views.common import here, visible_patient
from protocols import catalogue
from sessions import messaging
from sessions.choices import MessageState

DESK_HOURS = 3  # the tablet stays with the patient in the waiting room


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def intake_send(request: StaffRequest, public_id: str) -> HttpResponse:
    """The page with the three ways; sending puts the mail into the outbox."""
    patient = visible_patient(request, public_id)
    form = HouseForm(request.POST if request.method == "POST" else None)
    if request.method == "GET":
        return show(request, patient, form)
    try:
        with once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            message = messaging.intake_requested(patient=patient, site=here(request), by=access_log.doer_of(request))
            if message.state == MessageState.SUPPRESSED:
                messages.warning(request, _("Not sent: %(reason)s. Show the QR code instead.") % {"reason": _(message.reason)})
            else:
                messages.success(request, _("The link is on its way to %(email)s.") % {"email": patient.email})
            return attempt.leads_to(reverse("intake-send", args=[public_id]))
    except Refused as refusal:
        form.is_valid()
        form.refuse(refusal)
        return show(request, patient, form, status=422)


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def intake_qr(request: StaffRequest, public_id: str) -> HttpResponse:
    """A new link, shown as a code to scan with the patient's own phone. It is nowhere else."""
    patient = visible_patient(request, public_id)
    if request.method == "GET":
        return redirect("intake-send", public_id=public_id)
    token, expires_at = one_link(request, patient, lasts=dt.timedelta(days=1))
    address = f"{settings.BASE_URL}{reverse('patient-link', args=[token])}"
    return render(request, "intake/qr.html", {"patient": patient, "address": address, "expires_at": expires_at})


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def intake_desk(request: StaffRequest, public_id: str) -> HttpResponse:
    """Hand this device to the patient: whoever is signed in is signed out first, then the patient's own link opens."""
    patient = visible_patient(request, public_id)
    if request.method == "GET":
        return redirect("intake-send", public_id=public_id)
    token, _expires_at = one_link(request, patient, lasts=dt.timedelta(hours=DESK_HOURS))
    logout(request)
    return redirect("patient-link", token=token)


def one_link(request: StaffRequest, patient: Patient, *, lasts: dt.timedelta) -> tuple[str, dt.datetime]:
    """The token of the link this form made, and when it ends. A second click of one form gets the same link again."""
    with once(request) as attempt:
        token = links.token_of_form(request.POST[FIELD])
        made = links.open_link(token) if attempt.answer else None
        if attempt.answer is None:
            made, _token = links.issue(
                patient=patient, site=here(request), purpose=LinkPurpose.INTAKE, expires_at=timezone.now() + lasts,
                by=access_log.doer_of(request), token=token,
            )  # fmt: skip
            attempt.leads_to(reverse("intake-send", args=[patient.public_id]))
        if made is None:
            raise Refused(_("This link is no longer good. Go back and make a new one."))
        return token, made.expires_at


def show(request: StaffRequest, patient: Patient, form: HouseForm, *, status: int = 200) -> HttpResponse:
    draft = intake.draft_of(patient)
    questions = catalogue.questions_of(catalogue.current_questionnaire())
    asked = {question.key for question in patient_questions(questions, sex=patient.sex)}
    access_log.viewed(request, patient=patient)
    context = {
        "patient": patient, "form": form, "draft": draft, "count": len(asked),
        "answered": len(asked & set(draft.answers)) if draft else 0,
        "signed": QuestionnaireResponse.objects.filter(patient=patient, submitted_at__isnull=False).first(),
        "zone": here(request).zone, "fresh_token": new_token,
    }  # fmt: skip
    return render(request, "intake/send.html", context, status=status)
