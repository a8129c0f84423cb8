"""The tabs of the office pages: who works here, where, and what can be booked."""

from __future__ import annotations

from collections.abc import Callable

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clinic.choices import Permission
from clinic.http import StaffRequest
from clinic.models import User

OPEN_DATA_REQUESTS: list[Callable[[User], int]] = []
"""How many wait for an answer of this person; the floor that keeps them says it in its AppConfig.ready."""

TABS = [
    ("staff", _("Staff"), "users"), ("sites", _("Sites"), "building"), ("services", _("Services"), "list-details"),
    ("mail-rules", _("Messages"), "mail"),
]


def staff_tabs(here: str, request: StaffRequest) -> list[dict[str, object]]:
    """For `{% tabs %}`; services and requests belong to floors above and are only linked."""
    tabs: list[dict[str, object]] = [
        {"label": label, "url": reverse(name), "icon": icon, "active": name == here} for name, label, icon in TABS
    ]
    if Permission.ANSWER_DATA_REQUESTS in request.permissions:
        waiting = sum(count(request.user) for count in OPEN_DATA_REQUESTS)
        tabs.append(
            {"label": _("Data requests"), "url": reverse("data-requests"), "icon": "shield-lock",
             "active": here == "data-requests", "count": waiting or ""}
        )  # fmt: skip
    return tabs
