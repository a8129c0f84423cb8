"""The door of every patient page: a link is exchanged for a cookie at once, then the birth date is asked."""
from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature
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

COOKIE = f"{'__Host-' if settings.HTTPS else ''}opened-link"
COOKIE_SECONDS = 24 * 60 * 60
SESSION_KEY = "patient_links"
FINISHED_KEY = "patient_deeds_done"
THANKED_IN_KEY = "patient_thanked_in"
IDLE_SECONDS = 2 * 60 * 60
# Typed answers that arrive after the page has run out travel through the gate.
KEPT_NAMES = re.compile(
    r"q-|go$|to$|consent-|(?:signed_name|typed_only|strokes|picture|questions|interpreter)$"
    r"|(?:signs|pain|swelling|fever|lump|note|files_again|way|mails|language)$"
)
FILES_AGAIN = "files_again"  # a chosen file cannot travel along: its page asks for it once more instead of going without
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
    """Exchange the token for a signed cookie and clean the address. Nothing about the link changes."""
    source = source_of(request)
    link = None if links.is_throttled(source) else links.open_link(token)
    if link is None:
        links.count_failure(source)
        return dead_link(request)
    response = redirect("patient-gate")
    response.set_signed_cookie(
        COOKIE, link.public_id, max_age=COOKIE_SECONDS, httponly=True, samesite="Lax", secure=settings.HTTPS
    )
    response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)  # the next patient at this tablet has a language of their own
    return response


@by_patient_link(tuple(DESTINATIONS))
@require_http_methods(["GET", "HEAD", "POST"])
def gate(request: HttpRequest) -> HttpResponse:
    """Ask for the birth date. No name, no purpose and nothing medical before it is right."""
    link = opened_link(request)
    if link is None or link.purpose not in DESTINATIONS or links.is_throttled(source_of(request)):
        return dead_link(request)
    speak(request, link.patient)
    if request.method == "POST":
        return answer_gate(request, link)
    if passed(request, link.purpose) == link:
        return redirect(DESTINATIONS[LinkPurpose(link.purpose)])
    return show_gate(request, link, GateForm())


def answer_gate(request: HttpRequest, link: PatientLink) -> HttpResponse:
    form = GateForm(request.POST)
    if not form.is_valid():
        return show_gate(request, link, form, status=422)
    outcome = links.pass_gate(link, form.cleaned_data["birth_date"])
    if outcome == links.Gate.PASSED:
        let_in(request, link)
        purpose = LinkPurpose(link.purpose)
        own = [reverse(name) for name in (DESTINATIONS[purpose], *ALSO_OPENS.get(purpose, ()))]
        back = request.POST.get("back", "")
        if back.startswith(tuple(own)) and kept_answers(request):
            return redirect(back, preserve_request=True)  # the browser sends what was typed once more
        return redirect(own[0])
    links.count_failure(source_of(request))
    if outcome == links.Gate.DEAD:
        return dead_link(request)
    form.wrong(tries_left=links.MOST_TRIES - link.wrong_tries - 1)
    return show_gate(request, link, form, status=422)


def show_gate(request: HttpRequest, link: PatientLink, form: GateForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "site": link.site, "kept": kept_answers(request), "back": request.POST.get("back", "")}
    return render(request, "patient_pages/gate.html", context, status=status)


def kept_answers(request: HttpRequest) -> list[tuple[str, str]]:
    kept = [
        (name, value)
        for name in request.POST
        if KEPT_NAMES.match(name)
        for value in request.POST.getlist(name)
    ]
    if any(request.FILES.values()):
        kept.append((FILES_AGAIN, "1"))
    token = request.POST.get(idempotency.FIELD, "")
    return [*kept, (idempotency.FIELD, token)] if kept and token else kept


def dead_link(request: HttpRequest) -> HttpResponse:
    """The same page for unknown, run out, used, revoked and throttled: it tells a stranger nothing."""
    response = render(request, "patient_pages/dead_link.html", status=404)
    if COOKIE in request.COOKIES:
        response.delete_cookie(COOKIE)
    return response


# --- who stands behind a page -----------------------------------------------------------------------------------------
PatientView = Callable[..., HttpResponse]


def behind_gate(
    purpose: LinkPurpose, *, afterwards: str = "", also: tuple[LinkPurpose, ...] = ()
) -> Callable[[PatientView], PatientView]:
    """The view gets the live link as `link`; without one the patient is led to the gate, with what was typed. `also` are
    other purposes whose link opens the page too.

    `afterwards` names the page of somebody whose deed is done: a second click lands there, not on a dead link."""

    def decorate(view: PatientView) -> PatientView:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            link = next((found for one in (purpose, *also) if (found := passed(request, one))), None)
            if link is None:
                return back_to_gate(request, (purpose, *also), afterwards)
            speak(request, link.patient)
            request.patient_doer = doer_behind(link)  # type: ignore[attr-defined]
            return view(request, *args, link=link, **kwargs)

        return guarded

    return decorate


def back_to_gate(request: HttpRequest, purposes: tuple[LinkPurpose, ...], afterwards: str) -> HttpResponse:
    link = opened_link(request)
    if link is None or link.purpose not in purposes:
        return redirect(afterwards) if afterwards and has_finished(request, purposes[0]) else dead_link(request)
    speak(request, link.patient)
    if request.method != "POST":
        return redirect("patient-gate")
    context = {"form": GateForm(), "site": link.site, "kept": kept_answers(request), "back": request.path, "late": True}
    return render(request, "patient_pages/gate.html", context, status=403)


def opened_link(request: HttpRequest) -> PatientLink | None:
    try:
        public_id = request.get_signed_cookie(COOKIE, max_age=COOKIE_SECONDS)
    except (KeyError, BadSignature):
        return None
    return links.find(str(public_id))


def let_in(request: HttpRequest, link: PatientLink) -> None:
    """Bind this browser to the link: a fresh session key, one entry per purpose, two idle hours."""
    scopes = request.session.get(SESSION_KEY, {})
    request.session.cycle_key()
    request.session[SESSION_KEY] = {**scopes, link.purpose: {"link": link.public_id, "seen": int(time.time())}}


def passed(request: HttpRequest, purpose: str) -> PatientLink | None:
    """The live link this browser has shown the birth date for, unless two hours went by without a request."""
    scope = request.session.get(SESSION_KEY, {}).get(purpose)
    if scope is None or time.time() - scope["seen"] > IDLE_SECONDS:
        return None
    if time.time() - scope["seen"] > 60:
        request.session[SESSION_KEY][purpose]["seen"] = int(time.time())
        request.session.modified = True
    link = links.find(scope["link"], purpose)
    opened = opened_link(request)
    if opened is not None and opened.purpose == purpose and opened != link:
        return None  # another link was opened here since: its own patient has to show the birth date
    return link


def finish(request: HttpRequest, purpose: LinkPurpose) -> None:
    """The deed is done: this browser holds nothing of the patient any more, only that it may be thanked."""
    scopes = dict(request.session.get(SESSION_KEY, {}))
    scopes.pop(purpose, None)
    request.session[SESSION_KEY] = scopes
    request.session[FINISHED_KEY] = [*{*request.session.get(FINISHED_KEY, []), str(purpose)}]
    request.session[THANKED_IN_KEY] = translation.get_language()


def has_finished(request: HttpRequest, purpose: LinkPurpose) -> bool:
    return str(purpose) in request.session.get(FINISHED_KEY, [])


def thank_in_their_language(request: HttpRequest) -> None:
    """Who signed is no longer known here, but the thanks go on in the language they signed in, or have chosen since."""
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    language = chosen if chosen in NAMES else request.session.get(THANKED_IN_KEY, "en")
    translation.activate(language)
    request.LANGUAGE_CODE = language


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

