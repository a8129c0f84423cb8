"""One effect per form (draft-07 of the Idempotency-Key header, with a hidden field): a copy gets the first answer.

In a view: `with once(request) as first:` inside the verb's transaction; `first.answer` is set when this very form was
already carried out, and the view redirects there instead of acting again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from clinic.access_log import doer_of
from clinic.audit import canonical
from clinic.errors import Refused
from clinic.models import IdempotencyKey

FIELD = "form_token"


def new_token() -> str:
    return secrets.token_urlsafe(24)


@dataclass
class Attempt:
    """`answer` is where the first copy led, or None for the first one, which calls `leads_to`."""

    answer: str | None = None
    key: IdempotencyKey | None = None

    def leads_to(self, url: str) -> HttpResponse:
        if self.key is not None:
            self.key.answer_url = url
            self.key.save(update_fields=["answer_url"])
        return redirect(url)


def digest_of(request: HttpRequest) -> bytes:
    content = {name: request.POST.getlist(name) for name in request.POST if name != "csrfmiddlewaretoken"}
    for name in request.FILES:
        content[f"{name} (file)"] = [content_digest(file) for file in request.FILES.getlist(name)]
    return hashlib.sha256(canonical([request.path, content])).digest()


def content_digest(file: UploadedFile) -> str:
    """Another file is another content, also under the same name."""
    digest = hashlib.sha256()
    file.seek(0)
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def answered(request: HttpRequest) -> str | None:
    """Where this very form led already. Ask it when a form turns out invalid: its own first copy may have used up
    what it chose, and a double click is no error."""
    key = IdempotencyKey.objects.filter(
        key=request.POST.get(FIELD, "").replace("\x00", "")[:64], doer_public_id=doer_of(request).public_id
    ).first()
    if key is None or bytes(key.payload_digest) != digest_of(request):
        return None
    return key.answer_url or None


@contextmanager
def once(request: HttpRequest) -> Iterator[Attempt]:
    """Transaction around one deed. The unique key makes a second copy wait for the first, then repeat its answer.

    Raises `Refused` when the token comes back with other content or without any token at all.
    """
    token = request.POST.get(FIELD, "")
    if not token or len(token) > 64 or "\x00" in token:
        raise Refused(_("This form has lost its token. Reload the page and send it again."))
    digest = digest_of(request)
    doer = doer_of(request).public_id
    with transaction.atomic():
        # ON CONFLICT DO NOTHING waits for the other copy's transaction, then tells who was first.
        created = IdempotencyKey.objects.bulk_create(
            [IdempotencyKey(key=token, doer_public_id=doer, payload_digest=digest)], ignore_conflicts=True
        )
        del created
        key = IdempotencyKey.objects.select_for_update().get(key=token)
        if bytes(key.payload_digest) != digest or key.doer_public_id != doer:
            raise Refused(_("This form was already sent with other content. Reload the page to see what was saved."))
        yield Attempt(answer=key.answer_url or None, key=key)
