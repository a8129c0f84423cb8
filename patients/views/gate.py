"""The door of every patient page: a link is exchanged for a cookie at once, then the birth date is asked."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_http_methods, require_safe

from clinic import idempotency
from clinic.doer import Doer
from clinic.languages import NAMES, spoken
from clinic.permissions import by_patient_link
from patients import links
from patients.gate_form import GateForm
from patients.labels import LinkPurpose
from patients.models import Patient, PatientLink
from patients.views import opened

FILES_AGAIN = "files_again"  # a chosen file cannot travel along: its page asks for it once more instead of going without
# Of a form that arrives after its page has run out all travels through the gate but what the gate writes itself.
OF_THE_GATE = {"csrfmiddlewaretoken", "birth_date", "back", idempotency.FIELD, opened.OF_LINK}
NOT_TYPED = {"seen_version", "way", "go", "to", "answers_shown", "text_sha256"}
DESTINATIONS = {
    LinkPurpose.INTAKE: "patient-intake",
    LinkPurpose.APPOINTMENT: "patient-appointment",
    LinkPurpose.CONSENT: "patient-consent",
    LinkPurpose.AFTERCARE: "patient-aftercare",
    LinkPurpose.CHECK_IN: "patient-check-in",
    LinkPurpose.PAPERS: "patient-papers",
    LinkPurpose.PRIVACY: "patient-privacy",
    LinkPurpose.CHANGES: "patient-changes",
}

# Other pages a link of this purpose opens: what was typed there goes back there.
ALSO_OPENS = {LinkPurpose.AFTERCARE: ("patient-check-in",)}


@by_patient_link(tuple(DESTINATIONS))
@require_safe
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """Exchange the token for a signed cookie and clean the address. Nothing about the link changes; what another patient
    left open in this browser is closed."""
    source = source_of(request)
    link = None if links.is_throttled(source) else links.open_link(token)
    if link is None:
        links.count_failure(source)
        return dead_link(request)
    opened.leave_to(request, link.patient)
    response = redirect("patient-gate")
    opened.remember(response, link)
    response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)  # the next patient at this tablet has a language of their own
    return response


@by_patient_link(tuple(DESTINATIONS))
@require_http_methods(["GET", "HEAD", "POST"])
def gate(request: HttpRequest) -> HttpResponse:
    """Ask for the birth date. No name, no purpose and nothing medical before it is right."""
    link = opened.opened_link(request)
    if opened.is_marked(request):  # what was typed goes to whom it was typed for, whatever was opened since
        link = opened.drawn_for(request, max_age=opened.COOKIE_SECONDS)
    if request.method == "POST" and (spent := spent_behind(request)):  # pressed twice: its page knows what was done there
        return go_on(request, LinkPurpose(spent.purpose))
    if link is None or not links.is_live(link) or link.purpose not in DESTINATIONS or links.is_throttled(source_of(request)):
        return dead_link(request)
    speak(request, link.patient)
    if request.method == "POST":
        return answer_gate(request, link)
    if opened.passed(request, link.purpose) == link:
        return redirect(DESTINATIONS[LinkPurpose(link.purpose)])
    return show_gate(request, link, GateForm())


def spent_behind(request: HttpRequest) -> PatientLink | None:
    """The spent link a form on its way through the gate belongs to. Its page checks everything anew and opens nothing."""
    if not request.POST.get("back"):
        return None
    link = opened.drawn_for(request, max_age=opened.COOKIE_SECONDS) if opened.is_marked(request) else opened.opened_here(request)
    return link if link is not None and link.spent_at is not None and link.purpose in DESTINATIONS else None


def answer_gate(request: HttpRequest, link: PatientLink) -> HttpResponse:
    form = GateForm(request.POST)
    if not form.is_valid():
        return show_gate(request, link, form, status=422)
    outcome = links.pass_gate(link, form.cleaned_data["birth_date"])
    if outcome == links.Gate.PASSED:
        opened.let_in(request, link)
        response = go_on(request, LinkPurpose(link.purpose))
        opened.remember(response, link)
        return response
    links.count_failure(source_of(request))
    if outcome == links.Gate.DEAD:
        return dead_link(request)
    form.wrong(tries_left=links.MOST_TRIES - link.wrong_tries - 1)
    return show_gate(request, link, form, status=422)


def go_on(request: HttpRequest, purpose: LinkPurpose) -> HttpResponse:
    """To the page of the link; where a form was on its way, the browser sends it there once more."""
    own = [reverse(name) for name in (DESTINATIONS[purpose], *ALSO_OPENS.get(purpose, ()))]
    back = request.POST.get("back", "")
    if back.startswith(tuple(own)) and any(name != opened.OF_LINK for name, _value in kept_answers(request)):
        return redirect(back, preserve_request=True)
    return redirect(own[0])


def show_gate(
    request: HttpRequest, link: PatientLink, form: GateForm, *, back: str = "", late: bool = False, status: int = 200
) -> HttpResponse:
    kept = kept_answers(request)
    if not opened.is_marked(request):  # the birth date typed here is meant for this link, whatever is opened meanwhile
        kept.append((opened.OF_LINK, opened.mark_of(link)))
    context = {
        "form": form, "site": link.site, "kept": kept, "back": back or request.POST.get("back", ""),
        "late": late, "is_typed": has_typed(kept),
    }  # fmt: skip
    return render(request, "patient_pages/gate.html", context, status=status)


def kept_answers(request: HttpRequest) -> list[tuple[str, str]]:
    """What travels through the gate: everything that was sent, its token, and which link its page was drawn for."""
    kept = [(name, value) for name in request.POST if name not in OF_THE_GATE for value in request.POST.getlist(name)]
    if any(request.FILES.values()):
        kept.append((FILES_AGAIN, "1"))
    marks = (idempotency.FIELD, opened.OF_LINK)
    return kept + [(name, request.POST[name]) for name in marks if request.POST.get(name)]


def has_typed(kept: Sequence[tuple[str, str]]) -> bool:
    return any(value.strip() and name not in OF_THE_GATE | NOT_TYPED for name, value in kept)


def dead_link(request: HttpRequest) -> HttpResponse:
    """The same page for unknown, run out, used, revoked and throttled: it tells a stranger nothing. What was just typed is
    not said to be safe."""
    context = {"is_typed": request.method == "POST" and has_typed(kept_answers(request))}
    response = render(request, "patient_pages/dead_link.html", context, status=404)
    if opened.COOKIE in request.COOKIES and not opened.is_marked(request):  # the mark may be of another link
        response.delete_cookie(opened.COOKIE)
    return response


# --- who stands behind a page -----------------------------------------------------------------------------------------
PatientView = Callable[..., HttpResponse]
Retell = Callable[[HttpRequest], Sequence[tuple[str, Sequence[str]]]]


def behind_gate(
    purpose: LinkPurpose, *, afterwards: str = "", also: tuple[LinkPurpose, ...] = (), retell: Retell | None = None
) -> Callable[[PatientView], PatientView]:
    """The view gets the live link as `link`; without one the patient is led to the gate, with what was typed. `also` are
    other purposes whose link opens the page too.

    `afterwards` names the page of somebody whose deed is done: a second click lands there, not on a dead link. Other
    answers than those that were sent are not thanked for; `retell` says them in words, so that they are not lost."""

    def decorate(view: PatientView) -> PatientView:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            marked, drawn = opened.is_marked(request), opened.drawn_for(request)
            found = (opened.passed(request, one) for one in (purpose, *also))
            link = next((one for one in found if one is not None and (not marked or one == drawn)), None)
            if link is None:
                return back_to_gate(request, (purpose, *also), afterwards, retell)
            speak(request, link.patient)
            request.patient_doer = doer_behind(link)  # type: ignore[attr-defined]
            request.of_link = opened.mark_of(link)  # type: ignore[attr-defined]
            return view(request, *args, link=link, **kwargs)

        return guarded

    return decorate


def back_to_gate(
    request: HttpRequest, purposes: tuple[LinkPurpose, ...], afterwards: str, retell: Retell | None
) -> HttpResponse:
    if afterwards and request.method == "POST" and opened.is_second_click(request, purposes[0]):
        return redirect(afterwards)
    link = opened.drawn_for(request) if opened.is_marked(request) else opened.opened_here(request)
    if link is not None and link.purpose in purposes and links.is_live(link):
        speak(request, link.patient)
        if request.method != "POST":
            return redirect("patient-gate")
        return show_gate(request, link, GateForm(), back=request.path, late=True, status=403)
    if not afterwards or not opened.has_finished(request, purposes[0]):
        return dead_link(request)
    if request.method != "POST":
        return redirect(afterwards)
    if link is None or not opened.was_spent_here(request, link):  # what was signed here was something else
        return dead_link(request)
    return not_taken(request, retell)


def not_taken(request: HttpRequest, retell: Retell | None) -> HttpResponse:
    """From another page something else was sent before, and signed: this one says so instead of thanks, and shows what
    was typed on it."""
    opened.thank_in_their_language(request)
    context = {"rows": retell(request) if retell else ()}
    return render(request, "patient_pages/not_taken.html", context, status=409)


def doer_behind(link: PatientLink) -> Doer:
    patient = link.patient
    return Doer(kind="patient", label=patient.name[:120], public_id=patient.public_id, site=link.site)


def speak(request: HttpRequest, patient: Patient) -> str:
    """The patient's language, unless they chose another on these pages; English where a text is not shipped."""
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    language = chosen if chosen in NAMES else spoken(patient.language)
    translation.activate(language)
    request.LANGUAGE_CODE = language
    return language


def source_of(request: HttpRequest) -> str:
    """The address of who asks; behind proxies of ours, the one the outermost of them saw."""
    address = request.META.get("REMOTE_ADDR", "")
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    if settings.TRUSTED_PROXIES and hops:
        address = hops[-min(settings.TRUSTED_PROXIES, len(hops))]
    return links.source_of(address)
