"""Two choices in the frame: the site one stands at, and the language one reads."""
from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from clinic.http import StaffRequest
from clinic.languages import NAMES, STAFF
from clinic.models import User
from clinic.permissions import any_staff, public

LANGUAGE_SECONDS = 365 * 24 * 60 * 60


@any_staff
@require_POST
def switch_site(request: StaffRequest) -> HttpResponse:
    """Remember the site with the user, so that the next sign-in starts there. A site of others is not found."""
    wanted = request.POST.get("site", "")
    chosen = next((site for site in request.sites if site.public_id == wanted), None)
    if chosen is None:
        raise Http404
    User.objects.filter(pk=request.user.pk).update(current_site=chosen)
    return redirect(next_page(request))


@public
@require_POST
def set_language(request: StaffRequest) -> HttpResponse:
    """For everybody who reads a page; staff keep the choice with their account, if staff screens speak it: at a tablet
    handed to a patient somebody of the staff may still be signed in."""
    language = request.POST.get("language", "")
    if language not in NAMES:
        raise Http404
    response = redirect(next_page(request))
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, language, max_age=LANGUAGE_SECONDS, httponly=True, samesite="Lax",
        secure=settings.HTTPS,
    )  # fmt: skip
    if request.user.is_authenticated and language in STAFF:
        User.objects.filter(pk=request.user.pk).update(language=language)
    return response


def next_page(request: StaffRequest) -> str:
    """Where the form came from, if that is a page of ours."""
    target = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if ours and target.startswith("/") else "/"
