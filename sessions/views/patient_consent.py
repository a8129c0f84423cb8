"""The patient's consent on a phone or the clinic's tablet: read, choose, sign, keep a copy."""
from __future__ import annotations

import time
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import access_log
from clinic.deeds import refusing_when_busy
from clinic.errors import Refused, Stale
from clinic.idempotency import once
from clinic.languages import direction
from clinic.limiting import network_address
from clinic.permissions import by_patient_link
from patients.labels import LinkPurpose
from patients.models import PatientLink
from patients.views.gate import behind_gate, dead_link
from patients.views.opened import PREFIX, finish, has_finished, opened_here, opened_link, thank_in_their_language
from sessions import consent_signing
from sessions.forms.consent_signing import ConsentSignForm
from sessions.models import Consent, Document
from sessions.views.patient_papers import file_of

CONSENT = LinkPurpose.CONSENT
COPY_KEY = f"{PREFIX}consent_copy"  # the next patient's link takes it away
COPY_SECONDS = 30 * 60  # long enough to save a file, short enough for a tablet that is handed on


def consent_behind(link: PatientLink) -> Consent:
    """The consent the link is about; the link's own patient, whatever its subject says."""
    consents = Consent.objects.select_related("course__site", "course__practitioner", "patient", "text").defer(
        "text__pdf"
    )
    found: Consent | None = consents.filter(
        public_id=link.subject_public_id, patient=link.patient, text__isnull=False
    ).first()
    if found is None:
        raise Http404
    return found


@by_patient_link([CONSENT])
@require_safe
@behind_gate(CONSENT, afterwards="patient-consent-done")
def patient_consent(request: HttpRequest, *, link: PatientLink) -> HttpResponse:
    """The whole text. Reading it is noted, nothing else changes."""
    consent = consent_behind(link)
    access_log.viewed(request, patient=link.patient, of=consent)
    consent_signing.opened(consent=consent, by=access_log.doer_of(request))
    return render(request, "patient_pages/consent/text.html", shown(consent))


@by_patient_link([CONSENT])
@require_http_methods(["GET", "HEAD", "POST"])
@behind_gate(CONSENT, afterwards="patient-consent-done")
def patient_consent_sign(request: HttpRequest, *, link: PatientLink) -> HttpResponse:
    """Choices and signature. The text comes first: without having opened it nobody gets here."""
    consent = consent_behind(link)
    if consent_signing.why_not(consent) or consent.opened_at is None:
        return redirect("patient-consent")
    if request.method != "POST":
        return show_form(request, consent, form_for(consent))
    form = form_for(consent, request.POST)
    if not form.is_valid():
        return show_form(request, consent, form, status=422)
    try:
        with refusing_when_busy(), once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            signed = consent_signing.sign(
                consent=consent, given=form.given(), address=network_address(request), by=access_log.doer_of(request)
            )
            answer = attempt.leads_to(reverse("patient-consent-done"))
    except Stale as stale:
        consent.refresh_from_db()
        return render(request, "patient_pages/consent/text.html", shown(consent, stale.sentence), status=409)
    except Refused as refusal:
        form.refuse(refusal)
        return show_form(request, consent, form, status=422)
    finish(request, CONSENT)
    request.session.pop(COPY_KEY, None)
    if signed.signed_document is not None:
        request.session[COPY_KEY] = {"document": signed.signed_document.public_id, "at": int(time.time())}
    return answer


@by_patient_link([CONSENT])
@require_safe
@behind_gate(CONSENT)
def patient_consent_pdf(request: HttpRequest, *, link: PatientLink) -> HttpResponse:
    """The text as a file, to read at home or to print."""
    return file_of(request, consent_behind(link).given_text)


@by_patient_link([CONSENT])
@require_safe
def patient_consent_done(request: HttpRequest) -> HttpResponse:
    """Says thank you and nothing about anybody; the copy can be saved for half an hour in this browser."""
    if not has_finished(request, CONSENT):
        return dead_link(request)
    thank_in_their_language(request)
    return render(request, "patient_pages/consent/done.html", {"copy": copy_kept(request)})


@by_patient_link([CONSENT])
@require_safe
def patient_consent_copy(request: HttpRequest) -> HttpResponse:
    found = copy_kept(request)
    if found is None:
        return dead_link(request)
    thank_in_their_language(request)
    return file_of(request, found)


@by_patient_link([CONSENT])
@require_POST
def patient_consent_leave(request: HttpRequest) -> HttpResponse:
    """Done at this device: the next person finds nothing here."""
    request.session.pop(COPY_KEY, None)
    return redirect("patient-consent-done") if has_finished(request, CONSENT) else dead_link(request)


def copy_kept(request: HttpRequest) -> Document | None:
    """The signed paper this very browser signed a moment ago, unless another link was opened here since."""
    kept = request.session.get(COPY_KEY)
    if kept is None or time.time() - kept["at"] > COPY_SECONDS or opened_link(request) is not None:
        return None
    found = Document.objects.defer("pdf").select_related("site", "patient").filter(public_id=kept["document"]).first()
    last = opened_here(request)
    return None if found is None or (last is not None and last.patient_id != found.patient_id) else found


def form_for(consent: Consent, data: Any = None) -> ConsentSignForm:
    source = consent.given_text.source
    return ConsentSignForm(data, content=source["content"], text_sha256=source["content_sha256"])


def shown(consent: Consent, problem: str = "") -> dict[str, Any]:
    """The text as it was frozen, in its own language, whatever language the page around it speaks."""
    text = consent.given_text
    content = text.source["content"]
    entries = [entry for entry in content["entries"] if not entry["signatures"]]
    return {
        "consent": consent,
        "content": content,
        "entries": entries,
        "language": consent.language,
        "language_note": text.source.get("note", ""),  # as it was when the text was frozen
        "direction": direction(consent.language),
        "site": consent.course.site,
        "problem": problem or consent_signing.why_not(consent),
        "version": text.verification_code,
    }


def show_form(request: HttpRequest, consent: Consent, form: ConsentSignForm, *, status: int = 200) -> HttpResponse:
    return render(request, "patient_pages/consent/sign.html", shown(consent) | {"form": form}, status=status)
