"""Finding a patient: the list with its filters, and the fragment under the frame's search box."""
from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from clinic import access_log
from clinic.choices import AccessCategory, Permission
from clinic.http import StaffRequest
from clinic.permissions import requires
from patients import finding
from patients.labels import LANGUAGE_CHOICES
from patients.search_key import begins_only, query_terms
from patients.views.common import here

PAGE_SIZE = 25
MOST_SUGGESTED = 8
SORTS = {
    "name": (_("By name"), ("family_name", "given_name", "id")),
    "newest": (_("Newest first"), ("-created_at", "-id")),
    "age": (_("Youngest first"), ("-birth_date", "id")),
}


@requires(Permission.SEE_PERSON)
@require_safe
def patients(request: StaffRequest) -> HttpResponse:
    """Everybody this person may see; with a search also, as name and birth year, those known elsewhere."""
    typed = clean_query(request)
    chosen = {"sort": pick(request, "sort", SORTS, "name"), "language": pick(request, "language", dict(LANGUAGE_CHOICES), ""),
              "where": pick(request, "where", {"here": "", "all": ""}, "all")}  # fmt: skip
    site = here(request)
    found = finding.visible(request.user, typed)
    if chosen["language"]:
        found = found.filter(language=chosen["language"])
    if chosen["where"] == "here":
        found = found.known_at(site)
    page = Paginator(found.order_by(*SORTS[chosen["sort"]][1]), PAGE_SIZE).get_page(request.GET.get("page"))
    elsewhere = finding.elsewhere(request.user, typed) if typed else []
    note_search(request, typed, page.paginator.count)
    context: dict[str, Any] = {
        "typed": typed, "page": page, "elsewhere": elsewhere, "chosen": chosen, "today": site.today(),
        "begins_only": begins_only(query_terms(typed)),
        "sorts": [(code, text) for code, (text, _order) in SORTS.items()], "languages": LANGUAGE_CHOICES,
        "anybody": bool(page.paginator.count or typed or chosen["language"] or chosen["where"] == "here"),
        "may_register": Permission.CHANGE_PERSON in request.permissions,
    }  # fmt: skip
    wants_rows = request.htmx and request.htmx.target == "patient-rows"
    return render(request, "patients/list.html#rows" if wants_rows else "patients/list.html", context)


@requires(Permission.SEE_PERSON)
@require_safe
def patient_search(request: StaffRequest) -> HttpResponse:
    """At most eight suggestions while typing; without a script the box leads here and gets a page of its own."""
    typed = clean_query(request)
    found = finding.suggested(request.user, typed, most=MOST_SUGGESTED)
    elsewhere = finding.elsewhere(request.user, typed) if typed else []
    note_search(request, typed, len(found))
    context = {"typed": typed, "found": found, "elsewhere": elsewhere, "most": MOST_SUGGESTED,
               "begins_only": begins_only(query_terms(typed)),
               "may_register": Permission.CHANGE_PERSON in request.permissions}  # fmt: skip
    name = "patients/search.html#suggestions" if request.htmx else "patients/search.html"
    return render(request, name, context)


def clean_query(request: StaffRequest) -> str:
    """What was typed, without signs the database refuses; a search has no wrong input, only no result."""
    return " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]


def pick(request: StaffRequest, name: str, known: Any, default: str) -> str:
    value = request.GET.get(name, default)
    return value if value in known else default


def note_search(request: StaffRequest, typed: str, found: int) -> None:
    if typed:
        access_log.note(request, AccessCategory.SEARCH, detail={"found": found, "letters": len(typed)})
