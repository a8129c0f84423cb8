"""Whose pages are open in this browser: one patient at a time, some of their links, and what was done here last.

A clinic's tablet and a family's phone are handed on. The link of another patient therefore takes away whatever the one
before left in the session, and every form names the link its page was drawn for: answers never reach anybody else, not
even a twin with the same birth date.
"""
from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from clinic import idempotency
from clinic.languages import NAMES
from patients import links
from patients.labels import LinkPurpose
from patients.models import Patient, PatientLink

COOKIE = f"{'__Host-' if settings.HTTPS else ''}opened-link"
COOKIE_SECONDS = 24 * 60 * 60
IDLE_SECONDS = 2 * 60 * 60
PREFIX = "patient_"
"""How every session key begins that holds something of a patient: the next patient's link takes them all away."""
SESSION_KEY = "patient_links"
HERE_KEY = "patient_here"
FINISHED_KEY = "patient_done"
FINISHED_LINK_KEY = "patient_done_link"
THANKED_IN_KEY = "patient_thanked_in"
OF_LINK = "of_link"
SALT = "patients.views.opened.of_link"


# --- the link this browser opened last ------------------------------------------------------------------------------
def remember(response: HttpResponse, link: PatientLink) -> None:
    """The address holds no token any more; a signed cookie says which link was opened."""
    response.set_signed_cookie(
        COOKIE, link.public_id, max_age=COOKIE_SECONDS, httponly=True, samesite="Lax", secure=settings.HTTPS
    )


def opened_here(request: HttpRequest) -> PatientLink | None:
    """The link that was opened here last, also when it is spent or has run out since."""
    try:
        public_id = request.get_signed_cookie(COOKIE, max_age=COOKIE_SECONDS)
    except (KeyError, BadSignature):
        return None
    return links.find_any(str(public_id))


def opened_link(request: HttpRequest) -> PatientLink | None:
    link = opened_here(request)
    return link if link is not None and links.is_live(link) else None


def leave_to(request: HttpRequest, patient: Patient) -> None:
    """Whatever another patient left in this browser is gone from now on."""
    if request.session.get(HERE_KEY) == patient.public_id:
        return
    for key in [key for key in request.session.keys() if key.startswith(PREFIX)]:  # noqa: SIM118 - no dictionary
        del request.session[key]


# --- the link a page was drawn for -----------------------------------------------------------------------------------
def mark_of(link: PatientLink) -> str:
    """Stands in every form of a page behind this link."""
    return TimestampSigner(salt=SALT).sign(link.public_id)


def is_marked(request: HttpRequest) -> bool:
    return OF_LINK in request.POST


def drawn_for(request: HttpRequest, *, max_age: int | None = None) -> PatientLink | None:
    """The link behind the page a form came from, live or not; None for a form without a mark or with a made-up one."""
    try:
        public_id = TimestampSigner(salt=SALT).unsign(request.POST.get(OF_LINK, ""), max_age=max_age)
    except BadSignature:
        return None
    return links.find_any(public_id)


# --- who has shown their birth date here -----------------------------------------------------------------------------
def let_in(request: HttpRequest, link: PatientLink) -> None:
    """Bind this browser to the link: a fresh session key, one entry per purpose, two idle hours."""
    leave_to(request, link.patient)
    scopes = request.session.get(SESSION_KEY, {})
    request.session.cycle_key()
    request.session[HERE_KEY] = link.patient.public_id
    request.session[SESSION_KEY] = {**scopes, link.purpose: {"link": link.public_id, "seen": int(time.time())}}


def passed(request: HttpRequest, purpose: str) -> PatientLink | None:
    """The live link this browser has shown the birth date for, unless two hours went by without a request, or another
    patient's link was opened here since. Another link of the same patient and purpose has its birth date asked, too."""
    scope = request.session.get(SESSION_KEY, {}).get(purpose)
    if scope is None or time.time() - scope["seen"] > IDLE_SECONDS:
        return None
    link = links.find(scope["link"], purpose)
    opened = opened_here(request)
    if link is None or (opened is not None and opened.patient_id != link.patient_id):
        return None
    if opened is not None and opened.purpose == purpose and opened != link and links.is_live(opened):
        return None
    if time.time() - scope["seen"] > 60:
        request.session[SESSION_KEY][purpose]["seen"] = int(time.time())
        request.session.modified = True
    return link


# --- what was done here ----------------------------------------------------------------------------------------------
def finish(request: HttpRequest, purpose: LinkPurpose) -> None:
    """The deed is done: this browser holds nothing of the patient any more, only that it may be thanked, and what was
    sent, as a digest: the same form again is a second click, another one is not."""
    scopes = dict(request.session.get(SESSION_KEY, {}))
    scope = scopes.pop(purpose, None)
    request.session[SESSION_KEY] = scopes
    if scope is not None:
        request.session[FINISHED_LINK_KEY] = {**request.session.get(FINISHED_LINK_KEY, {}), str(purpose): scope["link"]}
    done: dict[str, Any] = {**request.session.get(FINISHED_KEY, {}), str(purpose): idempotency.digest_of(request).hex()}
    request.session[FINISHED_KEY] = done
    request.session[THANKED_IN_KEY] = translation.get_language()


def has_finished(request: HttpRequest, purpose: LinkPurpose) -> bool:
    return str(purpose) in request.session.get(FINISHED_KEY, {})


def is_second_click(request: HttpRequest, purpose: LinkPurpose) -> bool:
    """Is this the very form that was carried out here?"""
    done = request.session.get(FINISHED_KEY, {}).get(str(purpose))
    return bool(done == idempotency.digest_of(request).hex())


def was_spent_here(request: HttpRequest, link: PatientLink) -> bool:
    """Did what was done in this browser spend this link? All links to one thing are spent in one moment; a withdrawal, a
    signature elsewhere, another visit or another patient is no deed of this page."""
    done = links.find_any(request.session.get(FINISHED_LINK_KEY, {}).get(link.purpose, ""))
    return link.spent_at is not None and done is not None and all(
        getattr(done, name) == getattr(link, name) for name in ("patient_id", "purpose", "subject_public_id", "spent_at")
    )  # fmt: skip


def thank_in_their_language(request: HttpRequest) -> None:
    """Who signed is no longer known here, but the thanks go on in the language they signed in, or have chosen since."""
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    language = chosen if chosen in NAMES else request.session.get(THANKED_IN_KEY, "en")
    translation.activate(language)
    request.LANGUAGE_CODE = language
