"""Small middlewares, one duty each. Order in settings.MIDDLEWARE."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pghistory
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware as DjangoLoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import parse_accept_lang_header

from clinic import access_log
from clinic.choices import AccessCategory
from clinic.deeds import busy, is_busy
from clinic.errors import NotPermitted, Refused
from clinic.languages import NAMES, STAFF, short, spoken
from clinic.permissions import permissions_of
from clinic.signed_in import sites_of

Next = Callable[[HttpRequest], HttpResponse]
OPEN_PREFIXES = ("/static/", "/live/", "/ready/")


class LanguageMiddleware:
    """The browser's wish until somebody is known; staff get their own language, patient pages set the patient's.

    Staff screens speak two languages: whoever wishes another one, or has chosen one on a patient page at the same tablet,
    gets a staff language there."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        wish = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        language = wish if wish in NAMES else spoken(translation.get_language_from_request(request))
        translation.activate(language)
        request.LANGUAGE_CODE = language
        response = self.get_response(request)
        response.headers.setdefault("Content-Language", translation.get_language() or "en")
        return response

    def process_view(self, request: HttpRequest, view: Any, *_args: object) -> None:
        for_patients = getattr(view, "access", ("staff",))[0] != "staff"
        if not for_patients and (translation.get_language() or "en") not in STAFF:
            translation.activate(staff_language(request))
            request.LANGUAGE_CODE = translation.get_language()


def staff_language(request: HttpRequest) -> str:
    """The first staff language the browser asks for."""
    wishes = [short(code) for code, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", ""))]
    return next((code for code in wishes if code in STAFF), STAFF[0])


class LoginRequiredMiddleware(DjangoLoginRequiredMiddleware):
    """Django's own, but a poll or fragment request is told to reload the page instead of receiving the sign-in form."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> Any:
        if getattr(request, "htmx", False) or request.headers.get("HX-Request"):
            response = HttpResponse(status=401)
            response.headers["HX-Refresh"] = "true"
            return response
        return super().handle_no_permission(request, view_func)


class IdleTimeoutMiddleware:
    """A shared desk computer signs out by itself, and everybody after twelve hours. A poll (header X-Poll) does not
    count as activity."""

    LAST, FIRST = "last_activity", "signed_in_at"

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = int(time.time())
            last = request.session.get(self.LAST, now)
            first = request.session.get(self.FIRST, now)
            if now - last > settings.IDLE_TIMEOUT_SECONDS:
                return self.sign_out(request, _("You were signed out because nothing happened for a while."))
            if now - first > settings.SESSION_COOKIE_AGE:
                return self.sign_out(request, _("You were signed out because you signed in twelve hours ago."))
            if self.FIRST not in request.session:
                request.session[self.FIRST] = now
            # One write a minute is enough; every request would turn reads into writes.
            if not request.headers.get("X-Poll") and (now - last >= 60 or self.LAST not in request.session):
                request.session[self.LAST] = now
        return self.get_response(request)

    @staticmethod
    def sign_out(request: HttpRequest, why: str) -> HttpResponse:
        logout(request)
        messages.info(request, why)
        return redirect("account_login")


class MfaRequiredMiddleware:
    """allauth offers a second factor; this demands one where the installation requires it."""

    OPEN_NAMES = ("account_logout", "account_reauthenticate", "mfa_")

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_args: object) -> HttpResponse | None:
        if not settings.REQUIRE_MFA or not request.user.is_authenticated:
            return None
        from allauth.mfa.utils import is_mfa_enabled

        name = request.resolver_match.view_name if request.resolver_match else ""
        if name.startswith(self.OPEN_NAMES) or is_mfa_enabled(request.user):
            return None
        return redirect("mfa_index")


class HistoryContextMiddleware:
    """Row history rows written during this request carry who and which page."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in {"GET", "HEAD", "OPTIONS"}:
            return self.get_response(request)
        who = request.user.public_id if request.user.is_authenticated else ""
        with pghistory.context(user=who, method=request.method):
            return self.get_response(request)


class CurrentSiteMiddleware:
    """`request.site` is the site chosen in the frame (remembered per user) and `request.permissions` what holds there."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        request.site = None
        request.sites = []
        request.permissions = frozenset()
        request.patient_doer = None
        if request.user.is_authenticated and not request.path.startswith(OPEN_PREFIXES):
            sites = sites_of(request.user)
            chosen = [site for site in sites if site.pk == request.user.current_site_id]
            site = next(iter(chosen or sites), None)
            request.sites = sites
            request.site = site
            request.permissions = permissions_of(request.user, site)
            if request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) not in STAFF:
                translation.activate(request.user.language)
            if site is not None:
                with timezone.override(site.zone):  # every time on a staff page is the site's
                    return self.get_response(request)
        return self.get_response(request)


class MissingMiddleware:
    """Another site's thing and an absent one answer alike; that somebody asked for it is written down."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        asked = request.resolver_match.kwargs.get("public_id") if request.resolver_match else None
        if response.status_code == 404 and asked and request.user.is_authenticated:
            access_log.note(request, AccessCategory.DENIED, detail={"not_found": asked})
        return response


class NoStoreMiddleware:
    """Nothing of a page stays in the browser's cache: the back button after signing out shows nothing (T7)."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path.startswith("/static/"):
            add_never_cache_headers(response)
        if request.path == reverse("account_logout") and request.method == "POST":
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response


class RefusalMiddleware:
    """A `Refused` that no view caught beside its form becomes a page with the sentence, never a 500. So does waiting
    in vain for a row that somebody else is saving."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if is_busy(exception):
            exception = busy()
        if not isinstance(exception, Refused):
            return None
        status = 403 if isinstance(exception, NotPermitted) else 409
        context = {"sentence": exception.sentence, "status": status}
        return render(request, "refused.html", context, status=status)
