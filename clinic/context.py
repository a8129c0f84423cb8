"""What every staff page needs for its frame: sites, rail, clinic name, demonstration mark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from clinic.choices import Permission
from clinic.languages import NAMES, STAFF
from clinic.models import Organisation, Site
from clinic.prepared import Prepared

# url name, icon, label, permission that shows it
RAIL = [
    ("board", "layout-dashboard", _("Today"), Permission.SEE_PERSON),
    ("calendar", "calendar-event", _("Calendar"), Permission.SEE_PERSON),
    ("patients", "users", _("Patients"), Permission.SEE_PERSON),
    ("call-list", "phone-call", pgettext_lazy("rail", "To call"), Permission.SEE_PERSON),
    ("protocols", "flask", _("Protocols"), Permission.SEE_CATALOGUE),
    ("stock", "package", _("Stock"), Permission.SEE_STOCK),
    ("messages", "mail", _("Messages"), Permission.SEE_PERSON),
    ("audit-log", "history", _("Audit"), Permission.SEE_AUDIT),
    ("staff", "settings", _("Staff"), Permission.SEE_STAFF),
]

ORGANISATION = Prepared(lambda: Organisation.objects.order_by("pk").values_list("name")[:1])

# What a rail entry counts, by url name; floors above say it in their AppConfig.ready.
BADGES: dict[str, Callable[[Site], int]] = {}


# Pages that belong to a rail entry without beginning with its name.
WITHIN = {
    "call-list": ("wait-", "call-"),
    "staff": (
        "site", "data-request", "room-", "device-", "closure-", "special-hours-", "shifts", "day-shift-", "absence-",
        "service", "mail-rule",
    ),
}  # fmt: skip


def is_within(here: str, name: str) -> bool:
    return here == name or here.startswith((name.rstrip("s"), *WITHIN.get(name, ())))


@dataclass
class Frame:
    """`key` is everything that decides how the top bar is drawn (see `remembered`)."""

    clinic_name: str
    demo: bool
    sites: list[Site] = field(default_factory=list)
    site: Site | None = None
    rail: tuple[tuple[str, str, str, bool, int], ...] = ()
    key: tuple[object, ...] = ()
    languages: tuple[tuple[str, str], ...] = tuple(NAMES.items())
    staff_languages: tuple[tuple[str, str], ...] = tuple((code, NAMES[code]) for code in STAFF)


def frame(request: HttpRequest) -> dict[str, object]:
    """Context processor. Lazy, because fragments that are swapped into a page have no frame to fill."""
    return {"frame": SimpleLazyObject(lambda: frame_of(request)), "here": request.path}


def frame_of(request: HttpRequest) -> Frame:
    """Anonymous pages get the clinic's name and the demonstration mark only."""
    shown = Frame(clinic_name=clinic_name(), demo=settings.DEMO)
    site = getattr(request, "site", None)
    if site is not None or getattr(request, "sites", None):
        shown.sites = request.sites  # type: ignore[attr-defined]
        shown.site = site
        shown.rail = tuple(rail_of(request, site))
    shown.key = (
        shown.demo, request.COOKIES.get("hide_names") == "1", *_who(request), site.public_id if site else "",
        *((one.public_id, one.name) for one in shown.sites),
    )  # fmt: skip
    return shown


def clinic_name() -> str:
    return next((name for (name,) in ORGANISATION()), "Mesoclinic")


def rail_of(request: HttpRequest, site: Site | None) -> Iterator[tuple[str, str, str, bool, int]]:
    held = request.permissions  # type: ignore[attr-defined]
    here = request.resolver_match.view_name if request.resolver_match else ""
    for name, icon, label, permission in RAIL:
        if permission in held and name in _known():
            badge = BADGES[name](site) if name in BADGES and site is not None else 0
            yield (name, icon, str(label), is_within(here, name), badge)


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    """The entries whose pages this installation has."""
    return frozenset(name for name, *_rest in RAIL if _has(name))


def _has(name: str) -> bool:
    try:
        reverse(name)
    except NoReverseMatch:
        return False
    return True


def _who(request: HttpRequest) -> tuple[str, ...]:
    """Nobody, while it is not known yet: a refused address is answered before anybody is asked for."""
    user: Any = getattr(request, "user", None)
    return (user.public_id, user.name, user.initials, user.role_label) if user and user.is_authenticated else ()
