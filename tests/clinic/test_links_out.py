"""Addresses in mails are those of the pages, whatever the token."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from clinic.links_out import address_with


@pytest.mark.parametrize("page", ["patient-link", "mail-own-data", "mail-stop"])
@pytest.mark.parametrize("token", ["ENz8PlUy7dhFHTNtqXQvVnz8wtSb7ByoV8LjoRkp5AM", "a:1xYFFE:JRw-_x", "a b", "ü?#", "any-token"])
def test_is_what_routing_says(page: str, token: str, settings: Any) -> None:
    for base in ("https://clinic.example", "http://localhost:8000"):
        settings.BASE_URL = base
        assert address_with(token, page=page) == f"{base}{reverse(page, args=[token])}"
