"""The call list in words: who, why, since when, the last contact, and where the buttons lead."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.models import Site
from protocols.definitions import Catalogue
from protocols.models import Service
from protocols.models.service import ServiceKind
from sessions.call_list import Call
from sessions.charting import indication_name
from sessions.models import Appointment, CallReason, PlannedSession

PILL = {
    CallReason.NO_SHOW: "no-show", CallReason.LATE: "caution", CallReason.REVIEW: "info", CallReason.UNBOOKED: "neutral",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    call: Call
    pill: str
    why: str
    since: str
    last: str
    book_url: str
    log_url: str


def lines_of(calls: Iterable[Call], site: Site, rules: Catalogue) -> list[Line]:
    """One query more: the service of a review."""
    review = Service.objects.filter(kind=ServiceKind.REVIEW, is_active=True).first()
    treatments = {one.indication: one.public_id for one in Service.objects.filter(kind=ServiceKind.TREATMENT, is_active=True)}
    return [
        Line(
            call, PILL[CallReason(call.reason)], why_words(call, rules), since_words(call), last_words(call, site),
            f"{reverse('appointment-new')}?{urlencode(book_query(call, review, treatments))}",
            f"{reverse('call-log', args=[call.patient.public_id])}?"
            + urlencode({"reason": call.reason, "subject": call.subject}),
        )
        for call in calls
    ]  # fmt: skip


def why_words(call: Call, rules: Catalogue) -> str:
    what = call.what
    if isinstance(what, Appointment):
        return _("%(service)s on %(day)s") % {
            "service": what.service.name, "day": date_format(what.local_start.date(), "D j M"),
        }  # fmt: skip
    if isinstance(what, PlannedSession):
        return _("%(course)s, session %(number)s") % {
            "course": indication_name(what.course.indication, rules), "number": what.number,
        }  # fmt: skip
    return _("%(course)s, review") % {"course": indication_name(what.indication, rules)}


def since_words(call: Call) -> str:
    """Since when, with the day it counts from."""
    day = date_format(call.since, "D j M")
    if call.days < 0:
        ahead = ngettext("in %(days)s day", "in %(days)s days", -call.days) % {"days": -call.days}
        return f"{day} · {ahead}"
    if call.days == 0:
        return _("%(day)s · today") % {"day": day}
    ago = ngettext("for %(days)s day", "for %(days)s days", call.days) % {"days": call.days}
    return f"{day} · {ago}"


def last_words(call: Call, site: Site) -> str:
    last = call.last
    if last is None:
        return _("not called yet")
    when = date_format(last.called_at.astimezone(site.zone), "D j M, H:i")
    words = f"{last.get_outcome_display()} · {when} · {last.called_by.name}"
    return f"{words} · {last.note}" if last.note else words


def book_query(call: Call, review: Service | None, treatments: dict[str, str]) -> dict[str, str]:
    """What the booking form is told."""
    what, query = call.what, {"patient": call.patient.public_id}
    if isinstance(what, PlannedSession):
        query["planned_session"] = what.public_id
        if what.course.indication in treatments:
            query["service"] = treatments[what.course.indication]
    elif isinstance(what, Appointment):
        query["service"] = what.service.public_id
    elif review is not None:
        query["service"] = review.public_id
    return query
