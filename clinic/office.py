"""The tabs of the office pages: who works here, where, and what can be booked."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

TABS = [
    ("staff", _("Staff"), "users"), ("sites", _("Sites"), "building"), ("services", _("Services"), "list-details"),
    ("mail-rules", _("Messages"), "mail"),
]


def staff_tabs(here: str) -> list[dict[str, object]]:
    """For `{% tabs %}`; services belong to a floor above and are only linked."""
    return [{"label": label, "url": reverse(name), "icon": icon, "active": name == here} for name, label, icon in TABS]
