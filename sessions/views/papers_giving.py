"""For staff: which papers a patient finds on their page, and the mail with the link to it."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.day_words import day
from clinic.deeds import carry_out
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.permissions import requires
from sessions import giving_papers
from sessions.choices import MessageState
from sessions.models import Document
from sessions.views.fetching import patient_or_404


class PapersForm(HouseForm):
    papers = forms.MultipleChoiceField(
        label=gettext_lazy("Papers to give"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, among: Sequence[Document], language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        papers: Any = self.fields["papers"]
        papers.choices = [
            (one.public_id, f"{one.get_kind_display()}, {issued_on(one, language)} · {one.verification_code}") for one in among
        ]


def issued_on(paper: Document, language: str) -> str:
    return day(paper.issued_at.astimezone(paper.site.zone), language, year=True) if paper.issued_at else ""


@requires(Permission.CHANGE_PERSON)
@require_http_methods(["GET", "POST"])
def papers_give(request: StaffRequest, public_id: str) -> HttpResponse:
    patient = patient_or_404(request, public_id)
    among = giving_papers.papers_to_give(patient, request.permissions)
    given = giving_papers.given_now(patient)
    language = request.LANGUAGE_CODE
    form = PapersForm(
        request.POST if request.method == "POST" else None, among=among, language=language,
        initial={"papers": [one.public_id for one in among if one.public_id in given]},
    )  # fmt: skip

    def show(form: HouseForm, *, status: int = 200, theirs: Any = ()) -> HttpResponse:
        theirs_anyway = [
            (one.get_kind_display(), issued_on(one, language)) for one in giving_papers.papers_of(patient)
            if one.kind in giving_papers.THEIRS
        ]  # fmt: skip
        context = {"form": form, "patient": patient, "any": bool(among), "theirs_anyway": theirs_anyway}
        return render(request, "document_pages/give.html", context, status=status)

    def give(data: dict[str, Any]) -> str:
        sent = giving_papers.give(patient=patient, chosen=data["papers"], among=among, by=doer_of(request))
        if sent.state == MessageState.SUPPRESSED:
            messages.warning(request, _("Saved. No mail goes out: %(reason)s.") % {"reason": _(sent.reason)})
        else:
            messages.success(request, _("The link is on its way to %(email)s.") % {"email": patient.email})
        return reverse("patient", args=[patient.public_id]) + "?tab=documents"

    if request.method == "GET":
        access_log.viewed(request, patient=patient)
    return carry_out(request, form, deed=give, show=show)
