"""Giving the consent text to be signed on a screen, and the clinician's signature below it."""
from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.errors import Refused
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.idempotency import FIELD, new_token, once
from clinic.permissions import requires
from patients import links
from patients.labels import LinkPurpose
from patients.views.common import here
from protocols import catalogue
from sessions import consent_papers, consent_signing, messaging
from sessions.choices import CourseStatus, DocumentKind, DocumentState, MessageState
from sessions.consent_lines import difference, lines_of
from sessions.consent_text import consent_content
from sessions.forms.consent import CountersignForm
from sessions.forms.document import LANGUAGE_CHOICES
from sessions.models import Consent, Course, Document
from sessions.paper_words import printable_language
from sessions.views.consents import papers_of
from sessions.views.fetching import consent_or_404, course_or_404
from sessions.views.shape import patient_form_page

DESK_HOURS = 3  # the tablet stays with the patient in the waiting room


@requires(Permission.CHANGE_PERSON)
@require_safe
def consent_text(request: StaffRequest, public_id: str) -> HttpResponse:
    """The text as it would be given now, what is new in it, and the ways to give it."""
    course = course_or_404(request, public_id)
    access_log.viewed(request, patient=course.patient, of=course)
    return render(request, "consents/text.html", shown(request, course))


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def consent_mail(request: StaffRequest, public_id: str) -> HttpResponse:
    """Give the text by mail: the link goes into the outbox."""
    course = course_or_404(request, public_id)
    back = reverse("consent-text", args=[public_id])
    if request.method == "GET":
        return redirect(back)
    try:
        with once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            consent = given(request, course)
            message = messaging.consent_requested(consent=consent, site=here(request), by=doer_of(request))
            if message.state == MessageState.SUPPRESSED:
                raise Refused(_("Not sent: %(reason)s. Show the QR code instead.") % {"reason": _(message.reason)})
            messages.success(request, _("The link is on its way to %(email)s.") % {"email": course.patient.email})
            return attempt.leads_to(papers_of(course))
    except Refused as refusal:
        return refused(request, course, refusal)


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def consent_qr(request: StaffRequest, public_id: str) -> HttpResponse:
    """A new link, shown as a code to scan with the patient's own phone. It is nowhere else."""
    course = course_or_404(request, public_id)
    if request.method == "GET":
        return redirect("consent-text", public_id=public_id)
    try:
        token = one_link(request, course, lasts=dt.timedelta(days=1))
    except Refused as refusal:
        return refused(request, course, refusal)
    address = f"{settings.BASE_URL}{reverse('patient-link', args=[token])}"
    context = {"patient": course.patient, "address": address, "back": papers_of(course)}
    return render(request, "consents/qr.html", context)


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def consent_desk(request: StaffRequest, public_id: str) -> HttpResponse:
    """Hand this device to the patient: whoever is signed in is signed out first, then the patient's own link opens."""
    course = course_or_404(request, public_id)
    if request.method == "GET":
        return redirect("consent-text", public_id=public_id)
    try:
        token = one_link(request, course, lasts=dt.timedelta(hours=DESK_HOURS))
    except Refused as refusal:
        return refused(request, course, refusal)
    logout(request)
    return redirect("patient-link", token=token)


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def consent_countersign(request: StaffRequest, public_id: str) -> HttpResponse:
    """The clinician who treats signs below the patient."""
    consent = consent_or_404(request, public_id)
    signature = consent.patient_signature
    who = signature.name if signature else consent.patient.name
    form = CountersignForm(request.POST or None, seen_version=consent.version)
    return patient_form_page(
        request, form, patient=consent.patient, title=_("Countersign the consent"), act=_("Sign"),
        back=papers_of(consent.course),
        lead=_("%(name)s has signed. Your signature says: I explained this treatment and answered the questions asked.")
        % {"name": who},
        deed=lambda data: consent_signing.countersign(
            consent=consent, password=data["password"], seen_version=data["seen_version"], by=doer_of(request)
        ),
        version_now=lambda: Consent.objects.only("version").get(pk=consent.pk).version,
    )  # fmt: skip


# --------------------------------------------------------------------------------------------------------------- shared
def given(request: StaffRequest, course: Course) -> Consent:
    return consent_signing.give(course=course, language=language_of(request, course), by=doer_of(request))


def language_of(request: StaffRequest, course: Course) -> str:
    return printable_language(request.POST.get("language") or request.GET.get("language") or course.patient.language)


def one_link(request: StaffRequest, course: Course, *, lasts: dt.timedelta) -> str:
    """The token of the link this form made. A second click of one form gets the same link again."""
    with once(request) as attempt:
        token = links.token_of_form(request.POST[FIELD])
        if attempt.answer is None:
            consent = given(request, course)
            links.issue(
                patient=course.patient, site=here(request), purpose=LinkPurpose.CONSENT, subject=consent,
                expires_at=timezone.now() + lasts, by=doer_of(request), token=token,
            )  # fmt: skip
            attempt.leads_to(papers_of(course))
        if links.open_link(token) is None:
            raise Refused(_("This link is no longer good. Go back and make a new one."))
        return token


def refused(request: StaffRequest, course: Course, refusal: Refused) -> HttpResponse:
    form = HouseForm(request.POST)
    form.is_valid()
    form.refuse(refusal)
    return render(request, "consents/text.html", shown(request, course, form), status=422)


def shown(request: StaffRequest, course: Course, form: HouseForm | None = None) -> dict[str, Any]:
    """The preview beside the last text that was given in this language."""
    language = language_of(request, course)
    content = consent_papers.plain(
        consent_content(
            course, catalogue=catalogue.load(course.catalogue), language=language, version=catalogue.current()
        )
    )
    last = (
        Document.objects.filter(kind=DocumentKind.CONSENT, course=course, language=language)
        .exclude(state=DocumentState.FAILED).defer("pdf").order_by("-requested_at", "-id").first()
    )  # fmt: skip
    now = lines_of(content)
    lines = difference(lines_of(last.source["content"]) if last else now, now)
    return {
        "course": course,
        "patient": course.patient,
        "form": form,
        "language": language,
        "languages": LANGUAGE_CHOICES,
        "lines": lines,
        "last": last,
        "changed": any(line.kind != "same" for line in lines),
        "blanks": consent_papers.blank_sentence(content["blanks"], course) if content["blanks"] else "",
        "closed": "" if course.status == CourseStatus.APPROVED else _("Approve the plan first: the text says what it holds."),
        "fresh_token": new_token,
        "zone": course.site.zone,
    }  # fmt: skip
