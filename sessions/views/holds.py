"""The forms of a time that is held for somebody outside: another time for it, or letting it go."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic import access_log
from clinic.access_log import doer_of
from clinic.deeds import carry_out
from clinic.forms import HouseForm
from sessions import booking, holds
from sessions.forms.booking import CancelForm, HeldMoveForm, offer_value, offered
from sessions.models import Appointment
from sessions.public_booking import HOLD_MINUTES


def hold_move(request: HttpRequest, visit: Appointment) -> HttpResponse:
    """Another time for the hold; the person is written to at once."""
    form = HeldMoveForm(offered(request.POST) if request.method == "POST" else None, appointment=visit)
    if request.method == "GET":
        access_log.viewed(request, of=visit)

    def move(_data: dict[str, Any]) -> str:
        moved = holds.move(appointment=visit, **form.held_change(), by=doer_of(request))
        return reverse("appointment", args=[moved.public_id])

    return carry_out(request, form, deed=move, show=shown(request, visit, "appointments/held_move.html"))


def hold_cancel(request: HttpRequest, visit: Appointment) -> HttpResponse:
    """Let it go before it is confirmed, with the reason."""
    form = CancelForm(request.POST or None, seen_version=visit.version)
    if request.method == "GET":
        access_log.viewed(request, of=visit)

    def release(data: dict[str, Any]) -> str:
        holds.release(appointment=visit, seen_version=data["seen_version"], reason=data["reason"], by=doer_of(request))
        messages.success(request, _("The time is free again; a mail tells the person."))
        return f"{reverse('calendar')}?day={visit.local_start.date()}"

    return carry_out(request, form, deed=release, show=shown(request, visit, "appointments/held_cancel.html"))


def shown(request: HttpRequest, visit: Appointment, template: str) -> Any:
    """The page of one of the two forms, with free times where the one asked for is taken."""

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        clash = form.refusal if isinstance(form.refusal, booking.SlotTaken) else None
        offers = [(one, offer_value(one)) for one in clash.next_free] if clash else []
        context = {"visit": visit, "form": form, "theirs": theirs, "offers": offers, "minutes": HOLD_MINUTES}
        return render(request, template, context, status=status)

    return show
