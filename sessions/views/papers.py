"""Papers that are asked for by a day, a site or in a clinician's own words: day list, all sheets of a day, blank health
questions, letter to another doctor."""
from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import form_page
from clinic.http import StaffRequest
from clinic.idempotency import new_token
from clinic.permissions import requires
from patients.views.common import here, visible_patient
from sessions import listed_papers, paper_batches
from sessions.forms.document import DayForm, LanguageForm, LetterForm
from sessions.models import Document, PaperBatch
from sessions.views.documents import PDF_POLICY
from sessions.views.shape import patient_form_page


class Made:
    """Where the page goes once its paper was asked for: to that paper."""

    url = ""

    def to(self, thing: Document | PaperBatch) -> None:
        name = "paper-batch" if isinstance(thing, PaperBatch) else "document"
        self.url = reverse(name, args=[thing.public_id])


def leading_to(made: Made, answer: HttpResponse) -> HttpResponse:
    """The shared page leads back; a paper leads on to itself."""
    return redirect(made.url) if made.url and answer.status_code == 302 else answer


@requires(Permission.SEE_HEADLINE, Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def day_list(request: StaffRequest) -> HttpResponse:
    site, made = here(request), Made()
    form = DayForm(request.POST or None, initial={"day": asked_day(request), "language": request.user.language})
    answer = form_page(
        request, form, title=_("Day list"), lead=_("Time, initials, room and marks; no diagnosis."), act=_("Make the paper"),
        back=reverse("board"), patient=None,
        deed=lambda data: made.to(
            listed_papers.issue_day_list(site=site, on=data["day"], by=doer_of(request), language=data["language"])
        ),
    )  # fmt: skip
    return leading_to(made, answer)


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def blank_intake(request: StaffRequest) -> HttpResponse:
    site, made = here(request), Made()
    form = LanguageForm(request.POST or None, initial={"language": request.user.language})
    answer = form_page(
        request, form, title=_("Blank health questions"), lead=_("To be filled in by hand"), act=_("Make the paper"),
        back=reverse("board"), patient=None,
        deed=lambda data: made.to(
            listed_papers.issue_blank_intake(site=site, by=doer_of(request), language=data["language"])
        ),
    )  # fmt: skip
    return leading_to(made, answer)


@requires(Permission.SEE_CLINICAL, Permission.CHANGE_CLINICAL)
@require_http_methods(["GET", "POST"])
def letter_new(request: StaffRequest, public_id: str) -> HttpResponse:
    """A clinician's own words to another doctor; what was given here is added below them."""
    patient, made = visible_patient(request, public_id), Made()
    form = LetterForm(request.POST or None, initial={"language": "en"})
    answer = patient_form_page(
        request, form, patient=patient, title=_("Letter to another doctor"), act=_("Make the paper"),
        lead=_("Treatments, products, lots and allergies are added below your words."),
        back=reverse("patient", args=[patient.public_id]),
        deed=lambda data: made.to(
            listed_papers.issue_letter(
                patient=patient, site=here(request), recipient=data["recipient"], text=data["text"],
                language=data["language"], by=doer_of(request),
            )
        ),
    )  # fmt: skip
    return leading_to(made, answer)


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def day_sheets(request: StaffRequest) -> HttpResponse:
    """All aftercare sheets of one day as one file."""
    site, made = here(request), Made()
    form = DayForm(request.POST or None, initial={"day": asked_day(request)}, with_language=False)
    answer = form_page(
        request, form, title=_("All aftercare sheets of a day"), act=_("Make the file"), back=reverse("board"), patient=None,
        lead=_("Each sheet in its patient's language, one behind the other."),
        deed=lambda data: made.to(paper_batches.ask_for_day(site=site, day=data["day"], by=doer_of(request))),
    )  # fmt: skip
    return leading_to(made, answer)


@requires(Permission.CHANGE_PERSON)
@require_safe
def paper_batch(request: StaffRequest, public_id: str) -> HttpResponse:
    return render(request, "batches/batch.html", shown(batch_or_404(request, public_id)))


@requires(Permission.CHANGE_PERSON)
@require_safe
def paper_batch_state(request: StaffRequest, public_id: str) -> HttpResponse:
    """The part that changes, asked for again and again until the file is there."""
    return render(request, "batches/batch.html#state", shown(batch_or_404(request, public_id)))


@requires(Permission.CHANGE_PERSON)
@require_safe
def paper_batch_pdf(request: StaffRequest, public_id: str) -> HttpResponse:
    """The finished file. Printing it is noted for every patient whose sheet is in it."""
    batch = batch_or_404(request, public_id)
    content = paper_batches.bytes_of(batch)
    for sheet in Document.objects.filter(public_id__in=batch.papers).defer("pdf", "source").select_related("patient"):
        access_log.printed(request, patient=sheet.patient, of=sheet)
    return HttpResponse(
        content, content_type="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="aftercare-{batch.day.isoformat()}.pdf"',
            "Content-Security-Policy": PDF_POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store, private",
        },
    )  # fmt: skip


def batch_or_404(request: StaffRequest, public_id: str) -> PaperBatch:
    """A batch of a site this person works at. Without the bytes."""
    found: PaperBatch = get_object_or_404(
        PaperBatch.objects.select_related("site", "requested_by"), public_id=public_id, site__in=request.user.sites()
    )
    return found


def shown(batch: PaperBatch) -> dict[str, Any]:
    return {"batch": batch, "form_token": new_token(), "percent": round(100 * batch.done / batch.total)}


def asked_day(request: StaffRequest) -> dt.date:
    """The day the page that led here was showing; the site's today where it says none."""
    try:
        return dt.date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return here(request).today()
