"""Send the form of a page as a browser would: with the hidden token and version it carries."""
from __future__ import annotations

import re
from typing import Any

from django.test import Client

HIDDEN = re.compile(r'<input type="hidden" name="(form_token|seen_version)" value="([^"]*)"')


def hidden_of(html: str) -> dict[str, str]:
    return dict(HIDDEN.findall(html))


def send(client: Client, url: str, values: dict[str, Any], **changes: Any) -> Any:
    """GET the page, then POST `values` with its hidden fields; a value of None leaves the field out."""
    page = client.get(url)
    assert page.status_code == 200, page.status_code
    merged = {**hidden_of(page.content.decode()), **values, **changes}
    return client.post(url, {name: value for name, value in merged.items() if value is not None})
