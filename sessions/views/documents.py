"""Papers on screen: a patient's papers, one paper and its state, its bytes, and the page behind the printed code."""
from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import access_log, rendering
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.doer import SYSTEM
from clinic.errors import Refused
from clinic.http import StaffRequest
from clinic.idempotency import new_token, once
from clinic.limiting import within
from clinic.permissions import public, requires
from patients import links
from patients.labels import LinkPurpose
from patients.models import Patient
from patients.views.common import here, visible_patient
from patients.views.gate import DESTINATIONS
from sessions import documents, listed_papers
from sessions.choices import DocumentKind, DocumentState
from sessions.forms.document import LanguageForm, PaperForm
from sessions.models import Document, TreatmentSession
from sessions.paper_names import name_of
from sessions.papers import short_digest

POLL_WAIT_SECONDS = 1.5
LOOKUPS, LOOKUP_SECONDS = 20, 600
LIVE_PAGE = dt.timedelta(days=1)  # the code on the sheet makes a new link at any time
# The browser shows the file with its own viewer; the answer itself may load nothing and stand in no frame.
PDF_POLICY = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"


def document_or_404(request: StaffRequest, public_id: str) -> Document:
    """A paper of a patient this person may see, or a blank one of a site they work at. Without the bytes."""
    found = get_object_or_404(
        Document.objects.open_to(request.permissions)
        .defer("pdf")
        .select_related("patient", "site", "requested_by", "superseded_by"),
        public_id=public_id,
    )
    if found.patient is None:
        get_object_or_404(request.user.sites(), pk=found.site_id)
    else:
        visible_patient(request, found.patient.public_id)
    return found


def context_of(document: Document) -> dict[str, Any]:
    """What the page of a paper shows; `problem` is the sentence while there are no bytes."""
    waiting = document.state == DocumentState.QUEUED
    problem = ""
    if document.state == DocumentState.FAILED and document.failure == documents.REPLACED:
        problem = _("A newer one was asked for before this one was made.")
    elif document.state == DocumentState.FAILED:
        problem = str(rendering.WHY.get(document.failure, rendering.WHY["broken"]))
    return {
        "document": document,
        "patient": document.patient,
        "waiting": waiting,
        "issued": document.state in {DocumentState.ISSUED, DocumentState.SUPERSEDED},
        "can_retry": document.state == DocumentState.FAILED and document.superseded_by_id is None,
        "problem": problem,
        "digest": short_digest(document.sha256) if document.sha256 else "",
        "content_digest": short_digest(document.source["content_sha256"]),
        "zone": document.site.zone,
        "form_token": new_token(),
    }


def try_to_finish(document: Document, *, wait_seconds: float) -> tuple[Document, str]:
    """The paper, made if the renderer is quick enough; and what to tell people when it is away."""
    try:
        return documents.finish(document=document, wait_seconds=wait_seconds), ""
    except rendering.StillWorking:
        return document, ""
    except rendering.RendererAway as problem:
        return document, str(problem.sentence)


@requires(Permission.SEE_PERSON)
@require_safe
def document(request: StaffRequest, public_id: str) -> HttpResponse:
    """One paper: what it is, its state, how to open it. While it is being made, the page finishes by itself."""
    found = document_or_404(request, public_id)
    access_log.viewed(request, patient=found.patient, of=found)
    return render(request, "document_pages/document.html", context_of(found))


@requires(Permission.SEE_PERSON)
@require_safe
def document_state(request: StaffRequest, public_id: str) -> HttpResponse:
    """The part of the page that changes, asked for again and again until the paper is there."""
    found, away = try_to_finish(document_or_404(request, public_id), wait_seconds=POLL_WAIT_SECONDS)
    return render(request, "document_pages/document.html#state", context_of(found) | {"away": away})


@requires(Permission.CHANGE_PERSON)
@require_safe
def document_pdf(request: StaffRequest, public_id: str) -> HttpResponse:
    """The stored bytes, in the browser's viewer. A paper still in the queue is made first, or shows its page."""
    found = document_or_404(request, public_id)
    found, _away = try_to_finish(found, wait_seconds=settings.RENDER_WAIT_SECONDS)
    if found.state not in {DocumentState.ISSUED, DocumentState.SUPERSEDED}:
        return redirect("document", public_id=found.public_id)
    answer = pdf_response(found, download="download" in request.GET)
    access_log.printed(request, patient=found.patient, of=found)
    return answer


def pdf_response(found: Document, *, download: bool) -> HttpResponse:
    """The stored bytes as an answer that loads nothing and is kept nowhere. Raises `Refused` when they are not whole."""
    kept = "attachment" if download else "inline"
    return HttpResponse(
        documents.bytes_of(found),
        content_type="application/pdf",
        headers={
            # The name of the file says nothing about the patient.
            "Content-Disposition": f'{kept}; filename="document-{found.verification_code}.pdf"',
            "Content-Security-Policy": PDF_POLICY,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store, private",
        },
    )


@requires(Permission.SEE_PERSON)
@require_safe
def patient_documents(request: StaffRequest, public_id: str) -> HttpResponse:
    """A patient's papers as a list, whole page or fragment."""
    patient = visible_patient(request, public_id)
    access_log.viewed(request, patient=patient)
    rows = patient.documents.open_to(request.permissions).defer("pdf").select_related("site", "requested_by")
    template = "document_pages/list.html"
    if request.htmx:
        template += "#papers"
    return render(request, template, {"patient": patient, "documents": rows[:100]})


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def document_new(request: StaffRequest, public_id: str) -> HttpResponse:
    """Ask for a paper of this patient: which one, in which language."""
    patient = visible_patient(request, public_id)
    form = PaperForm(
        request.POST or None, patient=patient, permissions=request.permissions,
        initial={"paper": request.GET.get("paper", "")[:80]},
    )  # fmt: skip
    if request.method == "GET":
        access_log.viewed(request, patient=patient)
    if request.method == "POST" and form.is_valid():
        try:
            with once(request) as attempt:
                if attempt.answer:
                    return redirect(attempt.answer)
                made = issue(form, request)
                return attempt.leads_to(reverse("document", args=[made.public_id]))
        except Refused as refusal:
            form.refuse(refusal)
    context = {"form": form, "patient": patient, "nothing": not form.subjects}
    return render(request, "document_pages/new.html", context, status=422 if request.method == "POST" else 200)


def issue(form: PaperForm, request: StaffRequest) -> Document:
    subject, language, by = form.subject, form.cleaned_data["language"], doer_of(request)
    if isinstance(subject, TreatmentSession):
        if form.kind == DocumentKind.SUMMARY:
            return listed_papers.issue_summary(record=subject, by=by, language=language)
        return documents.issue_aftercare(treatment_session=subject, by=by, language=language)
    if isinstance(subject, Patient):
        return listed_papers.issue_passport(patient=subject, site=here(request), by=by, language=language)
    makers = {DocumentKind.PLAN: listed_papers.issue_plan, DocumentKind.RECALL: listed_papers.issue_recall}
    return makers.get(DocumentKind(form.kind), documents.issue_consent)(course=subject, by=by, language=language)


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def document_blank(request: StaffRequest) -> HttpResponse:
    """The blank consent form of this site: the fallback on paper."""
    form = LanguageForm(request.POST or None, initial={"language": request.user.language})
    if request.method == "POST" and form.is_valid():
        try:
            with once(request) as attempt:
                if attempt.answer:
                    return redirect(attempt.answer)
                made = documents.issue_blank_consent(
                    site=here(request), by=doer_of(request), language=form.cleaned_data["language"]
                )
                return attempt.leads_to(reverse("document", args=[made.public_id]))
        except Refused as refusal:
            form.refuse(refusal)
    context = {"form": form, "patient": None}
    return render(request, "document_pages/new.html", context, status=422 if request.method == "POST" else 200)


@requires(Permission.CHANGE_PERSON)
@require_POST
def document_retry(request: StaffRequest, public_id: str) -> HttpResponse:
    """Try a failed paper again."""
    found = document_or_404(request, public_id)
    with once(request) as attempt:
        if attempt.answer:
            return redirect(attempt.answer)
        documents.retry(document=found, by=doer_of(request))
        return attempt.leads_to(reverse("document", args=[found.public_id]))


# --------------------------------------------------------------------------------------------------- for anybody at all
@public
@require_safe
def verify(request: HttpRequest, code: str = "") -> HttpResponse:
    """Whether a printed paper is genuine and current. No name, no treatment: the paper itself says more."""
    typed = code or request.GET.get("code", "")
    context: dict[str, Any] = {"typed": typed[:16], "asked": bool(typed)}
    if typed and not within(request, purpose="verify", most=LOOKUPS, seconds=LOOKUP_SECONDS):
        context["too_many"] = True
        return render(request, "document_pages/verify.html", context, status=429)
    found = documents.by_code(typed[:32]) if typed else None
    if found is not None:
        context |= {
            "found": found,
            "kind": name_of(found.kind, request.LANGUAGE_CODE) or found.get_kind_display(),
            "superseded": found.state == DocumentState.SUPERSEDED,
            "withdrawn": documents.is_withdrawn(found),
            "sealed": bool(found.sealed_by),
            "opens": leads_to_patient_page(found),
            "digest": short_digest(found.sha256),
            "content_digest": short_digest(found.source["content_sha256"]),
            "zone": found.site.zone,
        }
    return render(request, "document_pages/verify.html", context, status=404 if typed and found is None else 200)


@public
@require_POST
def verify_open(request: HttpRequest, code: str) -> HttpResponse:
    """From the code on an aftercare sheet to its patient's live page, by way of a fresh link and its birth-date gate. The
    sheet itself carries no token, which would lie in the database with it."""
    if not within(request, purpose="verify", most=LOOKUPS, seconds=LOOKUP_SECONDS):
        return render(request, "document_pages/verify.html", {"typed": "", "too_many": True}, status=429)
    found = documents.by_code(code[:32])
    if found is None or not leads_to_patient_page(found):
        return redirect("verify", code=code[:32])
    record = TreatmentSession.objects.select_related("patient").get(public_id=found.source["ids"]["treatment_session"])
    _link, token = links.issue(
        patient=record.patient, site=found.site, purpose=LinkPurpose.AFTERCARE, subject=record, by=SYSTEM,
        expires_at=timezone.now() + LIVE_PAGE,
    )  # fmt: skip
    return redirect("patient-link", token=token)


def leads_to_patient_page(found: Document) -> bool:
    is_sheet = found.kind == DocumentKind.AFTERCARE and found.state == DocumentState.ISSUED
    return is_sheet and LinkPurpose.AFTERCARE in DESTINATIONS
