"""The patient's own papers behind their link: a list, and each as a file to keep. Looking changes nothing."""
from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clinic import access_log, rendering
from clinic.day_words import day
from clinic.permissions import by_patient_link
from patients.labels import LinkPurpose
from patients.models import PatientLink
from patients.views.gate import behind_gate
from sessions import documents
from sessions.choices import DocumentState
from sessions.giving_papers import papers_of
from sessions.models import Document
from sessions.paper_names import name_of
from sessions.views.documents import pdf_response

PAPERS = LinkPurpose.PAPERS


@by_patient_link([PAPERS])
@require_safe
@behind_gate(PAPERS)
def patient_papers(request: HttpRequest, *, link: PatientLink) -> HttpResponse:
    """What the clinic has issued to this patient, newest first."""
    access_log.viewed(request, patient=link.patient)
    language, papers = request.LANGUAGE_CODE, list(papers_of(link.patient))
    withdrawn = documents.withdrawn_among(papers)
    rows = [
        {
            "paper": paper, "name": name_of(paper.kind, language), "withdrawn": paper.pk in withdrawn,
            "issued": day(paper.issued_at.astimezone(paper.site.zone), language, year=True),
        }
        for paper in papers
    ]  # fmt: skip
    return render(request, "patient_pages/papers.html", {"rows": rows, "site": link.site, "link": link})


@by_patient_link([PAPERS])
@require_safe
@behind_gate(PAPERS)
def patient_paper(request: HttpRequest, document_id: str, *, link: PatientLink) -> HttpResponse:
    """One of them as a file. Another patient's, or one that was not given, is none at all."""
    found = papers_of(link.patient).filter(public_id=document_id).first()
    if found is None:
        raise Http404
    return file_of(request, found)


def file_of(request: HttpRequest, found: Document) -> HttpResponse:
    """The stored bytes; a page that says so while they are still being made."""
    try:
        found = documents.finish(document=found, wait_seconds=settings.RENDER_WAIT_SECONDS)
    except (rendering.StillWorking, rendering.RendererAway):
        return render(request, "patient_pages/consent/waiting.html", {"again": request.path}, status=202)
    if found.state not in {DocumentState.ISSUED, DocumentState.SUPERSEDED}:
        return render(request, "patient_pages/consent/waiting.html", {"again": ""}, status=409)
    access_log.printed(request, patient=found.patient, of=found)
    return pdf_response(found, download=True)


