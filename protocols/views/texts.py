"""Texts patients read in other languages: see what is approved, approve one or all, write the clinic's own wording."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import forms as house
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import act_page, carry_out, form_page
from clinic.http import StaffRequest
from clinic.languages import NAMES, TRANSLATED
from clinic.permissions import requires
from protocols import text_page, texts
from protocols.models import CatalogueText
from protocols.text_forms import SeenForm, TextForm, WithdrawForm
from protocols.views.catalogue import may_edit

A_PAGE = 40
LONGEST_SEARCH = 60


@requires(Permission.SEE_CATALOGUE)
@require_safe
def catalogue_texts(request: StaffRequest) -> HttpResponse:
    """Every language with how many of its texts are approved."""
    context = {
        "rows": text_page.languages(),
        "of_the_entries": text_page.of_the_entries(),
        "crumbs": [(_("Protocols"), reverse("protocols")), (_("Texts for patients"), "")],
    }
    return render(request, "protocols/texts.html", context)


def known(language: str) -> str:
    if language not in TRANSLATED:
        raise Http404
    return language


@requires(Permission.SEE_CATALOGUE)
@require_safe
def catalogue_texts_language(request: StaffRequest, in_language: str) -> HttpResponse:
    """The texts of one language beside their English sentences."""
    language = known(in_language)
    show = request.GET.get("show", "all")
    if show not in text_page.SHOWN:
        raise Http404
    query = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
    found = text_page.lines(language, show=show, query=query)
    waiting = len(texts.newest_waiting(language))
    context = {
        "language": language, "name": NAMES[language], "show": show, "query": query, "reading": text_page.reading(language),
        "row": next(one for one in text_page.languages() if one.code == language),
        "page": Paginator(found, A_PAGE).get_page(request.GET.get("page")),
        "waiting": waiting, "may_edit": may_edit(request), "deed_form": house.HouseForm(),
        "approve_all": SeenForm(initial={"seen_waiting": waiting}),
        "crumbs": crumbs(), "shown_names": shown_names(),
    }  # fmt: skip
    return render(request, "protocols/texts_language.html", context)


def shown_names() -> list[tuple[str, str]]:
    return [("all", _("All")), ("lacking", _("Shown in English")), ("waiting", _("Not yet approved")),
            ("approved", _("Approved"))]  # fmt: skip


def crumbs(*more: tuple[str, str]) -> list[tuple[str, str]]:
    return [(_("Protocols"), reverse("protocols")), (_("Texts for patients"), reverse("catalogue-texts")), *more]


@requires(Permission.APPROVE_CATALOGUE)
@require_POST
def catalogue_texts_approve_all(request: StaffRequest, in_language: str) -> HttpResponse:
    """Approve everything that waits in a language, as many as were shown."""
    language = known(in_language)
    return act_page(
        request, SeenForm(request.POST), back=reverse("catalogue-texts-language", args=[language]),
        deed=lambda data: texts.approve_language(language=language, seen_waiting=data["seen_waiting"], by=doer_of(request)),
    )  # fmt: skip


@requires(Permission.SEE_CATALOGUE)
@require_http_methods(["GET", "POST"])
def catalogue_text(request: StaffRequest, in_language: str, code: str, field: str) -> HttpResponse:
    """One sentence in one language: what is read now, its history with the differences, and a new wording."""
    language = known(in_language)
    line = text_page.line_of(language, code, field)
    if line is None:
        raise Http404
    editing = may_edit(request)
    form = TextForm(request.POST or None, initial={"text": line.newest.text if line.newest else ""})

    def deed(data: dict[str, Any]) -> str:
        texts.write(wanted=line.wanted, language=language, text=data["text"], by=doer_of(request))
        return reverse("catalogue-text", args=[language, code, field])

    def show(form: house.HouseForm, *, status: int = 200, theirs: Any = ()) -> HttpResponse:
        context = {
            "line": line, "form": form, "language": language, "name": NAMES[language], "may_edit": editing,
            "history": text_page.history(language, code, field), "reading": text_page.reading(language),
            "approve_form": house.HouseForm(seen_version=line.waiting.version) if line.waiting else None,
            "crumbs": crumbs((NAMES[language], reverse("catalogue-texts-language", args=[language])), (code, "")),
        }  # fmt: skip
        return render(request, "protocols/text.html", context, status=status)

    if request.method == "POST" and not editing:
        texts.write(wanted=line.wanted, language=language, text="-", by=doer_of(request))  # refuses, and says why
    return carry_out(request, form, deed=deed, show=show)


@requires(Permission.APPROVE_CATALOGUE)
@require_POST
def catalogue_text_approve(request: StaffRequest, public_id: str) -> HttpResponse:
    found = get_object_or_404(CatalogueText, public_id=public_id)
    form = house.HouseForm(request.POST, seen_version=found.version)
    return act_page(
        request, form, back=reverse("catalogue-text", args=[found.language, found.code, found.field]),
        deed=lambda data: texts.approve(text=found, seen_version=data["seen_version"], by=doer_of(request)),
    )  # fmt: skip


@requires(Permission.APPROVE_CATALOGUE)
@require_http_methods(["GET", "POST"])
def catalogue_text_withdraw(request: StaffRequest, public_id: str) -> HttpResponse:
    found = get_object_or_404(CatalogueText, public_id=public_id)
    form = WithdrawForm(request.POST or None, seen_version=found.version)
    return form_page(
        request, form, title=_("Withdraw this text"), act=_("Withdraw"),
        lead=_("Patients read the English sentence from then on, until another wording is approved."),
        back=reverse("catalogue-text", args=[found.language, found.code, found.field]),
        deed=lambda data: texts.withdraw(
            text=found, seen_version=data["seen_version"], reason=data["reason"], by=doer_of(request)),
        version_now=lambda: CatalogueText.objects.values_list("version", flat=True).get(pk=found.pk),
    )  # fmt: skip
