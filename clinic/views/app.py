"""The patient pages as a small app on a phone: its name, its icons and where it starts. Nothing of a patient is in it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language_info
from django.views.decorators.http import require_safe

from clinic.languages import NAMES
from clinic.models import Organisation
from clinic.permissions import public

SHORT_NAME = 24  # what fits below an icon is cut by the phone; more than this nobody reads anyway


@public
@require_safe
def app_manifest(_request: HttpRequest, language: str) -> HttpResponse:
    """The web app manifest, one per language. It starts at the gate: without an opened link there is nothing to see.

    There is no service worker, on purpose: a page that a phone keeps could show one patient's health to the next."""
    if language not in NAMES:
        raise Http404
    organisation = Organisation.objects.first()
    name = organisation.name if organisation else "Mesoclinic"
    gate = reverse("patient-gate")
    icons = [
        {"src": static(f"img/app-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": "any"}
        for size in (192, 512)
    ]
    icons.append({"src": static("img/app-maskable.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"})
    return JsonResponse(
        {
            "id": gate, "name": name, "short_name": name[:SHORT_NAME], "lang": language,
            "dir": "rtl" if get_language_info(language)["bidi"] else "ltr", "start_url": gate, "scope": "/",
            "display": "standalone", "background_color": "#ffffff", "theme_color": "#ffffff", "icons": icons,
        },
        content_type="application/manifest+json",
    )  # fmt: skip
