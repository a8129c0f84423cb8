"""Today's board: who is expected, waiting, treated, done; what needs somebody; the rooms now."""
from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic import access_log
from clinic.choices import Permission
from clinic.context import ORGANISATION
from clinic.models import Site, User
from clinic.permissions import requires
from protocols import catalogue
from sessions.board_cards import short_name
from sessions.board_drawing import Drawing
from sessions.board_revision import fingerprint
from sessions.day_rows import Known, known_between
from sessions.needs import WAITING
from sessions.today import Board, asked_of, board_of
from sessions.views.asking import permissions_of, site_of, user_of


@requires(Permission.SEE_PERSON)
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """The whole page, or, for its own poll, the board alone; 204 when nothing has changed since `seen`."""
    site = site_of(request)
    if site is None:
        return render(request, "board/no_site.html")
    day = day_from(request, site)
    is_poll = request.headers.get("X-Poll") == "1"
    now, visits = timezone.now(), known_between(site, *site.day_bounds(day))
    asked = asked_of(site=site, visits=visits, permissions=permissions_of(request), now=now)
    reader = (site.pk, site.time_zone, day, get_language(), sorted(permissions_of(request)))
    seen = request.GET.get("seen") if is_poll else None
    if seen and seen == fingerprint(now, reader, visits, asked.mark()):
        return HttpResponse(status=204)
    if not is_poll:
        access_log.viewed(request)
    with asked.ahead(*([] if is_poll else [ORGANISATION, WAITING])) as mark:
        return _drawn(request, site, day, visits, now, revision=fingerprint(now, reader, visits, mark), is_poll=is_poll)


def _drawn(
    request: HttpRequest, site: Site, day: dt.date, visits: list[Known], now: dt.datetime, *, revision: str, is_poll: bool
) -> HttpResponse:  # fmt: skip
    shown = board_of(
        site=site, day=day, visits=visits, rules=catalogue.in_force(), permissions=permissions_of(request), now=now,
        practitioner=practitioner_from(request, site), or_everyone=not request.GET.get("practitioner"),
    )  # fmt: skip
    chosen = shown.practitioner
    context: dict[str, Any] = {
        "board": shown,
        "site": site,
        "day": day,
        "today": site.today(),
        "now": now.astimezone(site.zone),
        "day_iso": day.isoformat(),
        "previous_iso": (day - dt.timedelta(days=1)).isoformat(),
        "next_iso": (day + dt.timedelta(days=1)).isoformat(),
        "revision": revision,
        "is_poll": is_poll,
        "segments": segments_of(shown, chosen, day),
        "chosen": chosen.public_id if chosen else "all",
        "may_change": Permission.CHANGE_PERSON in permissions_of(request),
        "may_see_headline": Permission.SEE_HEADLINE in permissions_of(request),
        "may_see_clinical": Permission.SEE_CLINICAL in permissions_of(request),
        "may_treat": Permission.TREAT in permissions_of(request),
    }
    context["cards"] = Drawing(
        csrf=get_token(request), may_act=day == site.today(), may_change=context["may_change"], may_treat=context["may_treat"],
        may_see_headline=context["may_see_headline"],
    )  # fmt: skip
    return render(request, "board/lanes.jinja" if is_poll else "board/board.html", context)


def day_from(request: HttpRequest, site: Site) -> dt.date:
    """The day in the address; anything else than a sensible date means today."""
    today = site.today()
    try:
        day = parse_date(request.GET.get("day", ""))
    except ValueError:
        return today
    return day if day is not None and abs((day - today).days) < 3660 else today


def practitioner_from(request: HttpRequest, site: Site) -> User | None:
    """The chosen practitioner. Who treats starts with their own day; everybody else with everyone's."""
    wanted = request.GET.get("practitioner", "")
    if wanted == "all" or "\x00" in wanted:
        return None
    if wanted:
        return User.objects.practitioners_at(site).filter(public_id=wanted[:22]).first()
    if Permission.TREAT in permissions_of(request):
        return User.objects.practitioners_at(site).filter(pk=user_of(request).pk).first()
    return None


def segments_of(shown: Board, chosen: User | None, day: dt.date) -> list[dict[str, Any]]:
    people = shown.practitioners if chosen is None or chosen in shown.practitioners else [chosen, *shown.practitioners]
    everyone = {"label": _("Everyone"), "url": f"?day={day}&practitioner=all", "active": chosen is None}
    return [everyone] + [
        {"label": short_name(user.name), "url": f"?day={day}&practitioner={user.public_id}", "active": user == chosen}
        for user in people
    ]
