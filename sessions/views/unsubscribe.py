"""The page behind "stop mails of this kind": opening it shows what would stop, its button stops it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from clinic.permissions import public
from sessions import unsubscribing
from sessions.message_texts import written_in
from sessions.models import Message


@csrf_exempt  # the mail program posts by itself (RFC 8058); the signed address is the proof, and it can do nothing else
@public
@require_http_methods(["GET", "HEAD", "POST"])
def mail_stop(request: HttpRequest, token: str) -> HttpResponse:
    message = unsubscribing.message_behind(token)
    if message is None:
        return render(request, "patient_pages/dead_link.html", status=404)
    if request.method == "POST":
        unsubscribing.stop(message=message)
    return shown(request, message, stopped=request.method == "POST")


def shown(request: HttpRequest, message: Message, *, stopped: bool) -> HttpResponse:
    """In the language of the mail, which need not be the browser's."""
    language = written_in(message.language)
    with translation.override(language):
        words = {"site": message.site, "stopped": stopped, "language": language}
        return render(request, "patient_pages/mail_stop.html", words)
