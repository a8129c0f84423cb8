"""Pages of the sign-in library that this house closes."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse

from clinic.permissions import any_staff


@any_staff
def account_email(request: HttpRequest) -> HttpResponse:
    """Nobody gives their own account another address: a manager does, and the audit log says so."""
    raise Http404
