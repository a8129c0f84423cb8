"""The calendar: day by practitioner, room or device, week, list; its data; the panel of one appointment."""
from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import lru_cache
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic import access_log
from clinic.choices import Permission
from clinic.components.outlines import Outline, outline
from clinic.models import Site
from clinic.permissions import requires
from protocols import catalogue
from sessions.calendar_feed import COLUMNS, Asked, Block, Calendar, Reading, calendar_of, reading_of
from sessions.calendar_page import (
    Chosen,
    chosen_from,
    columns_to_choose,
    filters_of,
    identities,
    month_away,
    month_of,
    to_keep,
)
from sessions.calendar_range import RangeError, days_of
from sessions.choices import UPCOMING, AppointmentStatus
from sessions.views.appointments import appointment_or_404, held_or_none, held_page, page_of
from sessions.views.asking import permissions_of, site_of, user_of
from sessions.views.calendar_moves import CHANGED, came_from, or_gone

LEFT_AS = "calendar"  # the session's key


@requires(Permission.SEE_PERSON)
@require_safe
def calendar(request: HttpRequest) -> HttpResponse:
    """The page around the calendar; the list view is drawn here, day and week by the browser from the feed."""
    site = site_of(request)
    if site is None:
        return render(request, "board/no_site.html")
    access_log.viewed(request)
    chosen = chosen_from(request.GET, request.session.get(LEFT_AS, {}), today=site.today())
    choices = columns_to_choose(site, chosen.by) if chosen.view == "week" else []
    chosen = with_column(request, chosen, choices)
    if request.session.get(LEFT_AS) != to_keep(chosen):
        request.session[LEFT_AS] = to_keep(chosen)
    context = {
        "site": site,
        "chosen": chosen,
        "today": site.today(),
        "columns_to_choose": choices,
        "filters": filters_of(site, chosen),
        "weeks": month_of(site, chosen),
        "links": links_of(chosen),
        "views": segments_of_views(chosen),
        "columns": segments_of_columns(site, chosen),
        "offset": offset_of(site),
        "day_iso": chosen.day.isoformat(),
        "list_url": chosen.link(view="list"),
        "open": "".join(identities([request.GET.get("open", "")])),
        "may_book": Permission.CHANGE_PERSON in permissions_of(request),
        "may_drag": Permission.CHANGE_PERSON in permissions_of(request) and not user_of(request).drag_locked,
        "drag_locked": user_of(request).drag_locked,
        "every": settings.CALENDAR_POLL_SECONDS,
    }
    if chosen.view == "list":
        context["listed"] = listed(drawn(reading(request, site, chosen.asked()))[0])
    return render(request, "calendar/calendar.html", context)


def with_column(request: HttpRequest, chosen: Chosen, choices: list[tuple[str, str]]) -> Chosen:
    """A week is somebody's: the chosen one's, else the reader's own, else the first one's."""
    known = [identity for identity, _name in choices]
    if not known or chosen.of in known:
        return chosen
    own = user_of(request).public_id
    return replace(chosen, of=own if own in known else known[0])


def offset_of(site: Site) -> str:
    """The site's clock against UTC now, such as +01:00, for the line at the current time."""
    words = timezone.now().astimezone(site.zone).strftime("%z")
    return f"{words[:3]}:{words[3:5]}"


def reading(request: HttpRequest, site: Site, asked: Asked) -> Reading:
    return reading_of(
        site=site, asked=asked, reader=user_of(request), permissions=permissions_of(request), now=timezone.now()
    )


def drawn(begun: Reading) -> tuple[Calendar, str]:
    """The calendar with its fingerprint."""
    with begun.questions.ahead() as mark:
        return calendar_of(begun, catalogue.in_force()), begun.revision(mark)


def listed(shown: Calendar) -> list[tuple[dt.date, list[Block]]]:
    """The blocks by day, days without any left out."""
    days = ((day, [block for block in shown.blocks if block.start.date() == day]) for day in shown.asked.days)
    return [(day, blocks) for day, blocks in days if blocks]


def links_of(chosen: Chosen) -> dict[str, str]:
    return {
        "previous": chosen.link(day=(chosen.day - chosen.step).isoformat()),
        "next": chosen.link(day=(chosen.day + chosen.step).isoformat()),
        "today": chosen.link(day=""),
        "month_before": chosen.link(day=month_away(chosen.day, -1).isoformat()),
        "month_after": chosen.link(day=month_away(chosen.day, 1).isoformat()),
        "days": chosen.link(day=""),
    }


def segments_of_views(chosen: Chosen) -> list[dict[str, Any]]:
    names = (("day", "d", _("Day")), ("week", "w", _("Week")), ("list", "l", _("List")))
    return [
        {"label": label, "url": chosen.link(view=view), "active": chosen.view == view, "key": key}
        for view, key, label in names
    ]


def segments_of_columns(site: Site, chosen: Chosen) -> list[dict[str, Any]]:
    """By what the columns are; devices only where the site has any. The list has no columns."""
    names = {"practitioner": _("Practitioners"), "room": _("Rooms"), "device": _("Devices")}
    if chosen.view == "list":
        return []
    has_devices = chosen.by == "device" or site.devices.exists()
    return [
        {"label": names[by], "url": chosen.link(by=by, of=""), "active": chosen.by == by}
        for by in COLUMNS if by != "device" or has_devices
    ]  # fmt: skip


# --- data -----------------------------------------------------------------------------------------------------------
@requires(Permission.SEE_PERSON)
@require_safe
def calendar_feed(request: HttpRequest) -> HttpResponse:
    """Columns, blocks and what lies under them, for local days of the site; 204 when nothing changed since `seen`."""
    site = site_of(request)
    if site is None:
        return JsonResponse({"error": _("No site is open for you yet.")}, status=422)
    try:
        asked = asked_from(request, site)
    except RangeError as error:
        return JsonResponse({"error": sentence_of(error)}, status=422)
    begun, is_poll = reading(request, site, asked), request.headers.get("X-Poll") == "1"
    seen = request.GET.get("seen") if is_poll else None
    if seen and seen == begun.revision(begun.questions.mark()):
        return HttpResponse(status=204)
    if not is_poll:
        access_log.viewed(request)
    answer = HttpResponse(orjson.dumps(as_json(*drawn(begun))), content_type="application/json")
    answer["Cache-Control"] = "no-store"
    return answer


def asked_from(request: HttpRequest, site: Site) -> Asked:
    """Raises `RangeError` with the reason."""
    asked = request.GET
    by = asked.get("by") or COLUMNS[0]
    if by not in COLUMNS:
        raise RangeError("columns")
    return Asked(
        days=days_of(asked.get("first", ""), asked.get("last", ""), today=site.today()),
        by=by,
        practitioners=frozenset(identities(asked.getlist("practitioner"))),
        rooms=frozenset(identities(asked.getlist("room"))),
        devices=frozenset(identities(asked.getlist("device"))),
        statuses=frozenset(identities(asked.getlist("status"))),
        only=next(iter(identities(asked.getlist("only"))), ""),
    )


def sentence_of(error: RangeError) -> str:
    return {
        "malformed": _("Say the first and the last day as dates such as 2026-03-12."),
        "reversed": _("The last day lies before the first one."),
        "too-long": _("Ask for at most 45 days at once."),
        "too-far": _("These days lie more than ten years away."),
        "columns": _("The columns are practitioner, room or device."),
    }[error.reason]


def as_json(shown: Calendar, revision: str) -> dict[str, Any]:
    """`window`: the first and the last day of the window of a course's session, for shading the days while it is moved."""
    by, language = shown.asked.by, get_language() or "en"
    return {
        "revision": revision,
        "opens": f"{shown.opens:%H:%M}",
        "closes": f"{int(shown.closes.total_seconds() // 3600):02}:00",
        "columns": [
            {"id": one.id, "title": one.title, "initials": one.initials, "note": one.note} for one in shown.columns
        ],
        "blocks": [
            {
                "id": block.visit.public_id,
                "column": block.column,
                "start": block.start,
                "end": block.end,
                "status": block.visit.status,
                "category": block.card.category,
                "version": block.visit.version,
                "movable": block.visit.status in UPCOMING,
                "window": block.card.window,
                "minutes": int((block.end - block.start).total_seconds() // 60),
                "strips": block.strips,
                "html": drawn_block(block, by, language),
            }
            for block in shown.blocks
        ],
        "stretches": [
            {
                "column": one.column, "kind": one.kind, "start": one.start, "end": one.end, "words": one.words,
            }
            for one in shown.stretches
        ],
    }  # fmt: skip


BLOCK = ("visit", "time", "name", "initials", "line", "where")


def drawn_block(block: Block, by: str, language: str) -> str:
    """Below what it is for stands what the column does not say: the room, the practitioner, or both."""
    visit, card = block.visit, block.card
    where = visit.room.name if by == "practitioner" else card.who if by == "room" else card.place
    look = _look(language, visit.status, card.category, tuple(card.marks))
    return str(look.filled(visit.public_id, f"{block.start:%H:%M}", block.name, visit.patient.initials, card.line, where))


@lru_cache(maxsize=1024)  # a day's blocks share some dozens
def _look(_language: str, status: str, category: str, marks: tuple[str, ...]) -> Outline:
    word = AppointmentStatus(status).label
    status_sign = get_template("calendar/status_icon.html").render({"status": status, "status_word": word})
    spoken = get_template("calendar/category.html").render({"category": category, "hidden": True})
    return outline(
        "block", "calendar/block.jinja", BLOCK, status_sign=mark_safe(status_sign.strip()),  # noqa: S308 - our templates
        status_word=word, category_sign=mark_safe(spoken.strip()), names=marks,  # noqa: S308
    )  # fmt: skip


# --- panel ----------------------------------------------------------------------------------------------------------
@requires(Permission.SEE_PERSON)
@require_safe
@or_gone
def appointment_panel(request: HttpRequest, public_id: str) -> HttpResponse:
    """Everything about one appointment and its acts, for the slide-over; the calendar behind it stays."""
    if (held := held_or_none(request, public_id)) is not None:
        return held_page(request, held, "appointments/held.html#panel")
    visit = appointment_or_404(request, public_id)
    access_log.viewed(request, patient=visit.patient, of=visit)
    response = render(request, "calendar/panel.html", page_of(request, visit) | came_from(visit))
    if request.GET.get("changed") == "1":  # an act was done in it: the calendar behind is read anew
        response["HX-Trigger"] = CHANGED
    return response
