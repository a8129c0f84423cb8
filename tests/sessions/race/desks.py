"""Clients for a crowd. Django's own listens to every template that is drawn anywhere while it waits, and keeps a copy of what
it was drawn with: two hundred at once keep forty thousand."""
from __future__ import annotations

from typing import Any

from django.test import Client


class Desk(Client):
    """Keeps its cookies and nothing else. An error of the server is the answer 500, never an exception."""

    def __init__(self, **defaults: Any) -> None:
        super().__init__(raise_request_exception=False, **defaults)

    def request(self, **request: Any) -> Any:
        response = self.handler(self._base_environ(**request))
        self.cookies.update(response.cookies)
        return response
