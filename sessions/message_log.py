"""Reading the outbox for the message log: filters, the rows of a page, and one message with what happened to it."""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.errors import Refused
from clinic.models import Site, User
from patients.models import Patient
from patients.search_key import query_terms
from sessions import message_repair
from sessions.choices import MessageState
from sessions.message_texts import KINDS
from sessions.models import Message, MessageStep

S = MessageState
TABS = ("all", "scheduled", "failed")
STEP_ICONS = {
    S.SCHEDULED: "plus", S.SENDING: "send", S.SENT: "mail-check", S.DELIVERED: "mail-check", S.UNKNOWN: "help-circle",
    S.BOUNCED: "mail-x", S.FAILED: "mail-exclamation", S.SUPPRESSED: "ban", S.MISSED: "clock-exclamation",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """What the log is narrowed to. Days are local days of the site, both included."""

    tab: str = "all"
    typed: str = ""
    kind: str = ""
    language: str = ""
    first_day: dt.date | None = None
    last_day: dt.date | None = None

    @property
    def narrow(self) -> bool:
        return bool(self.typed or self.kind or self.language or self.first_day or self.last_day)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the log. `line_above`: the now-line stands above this row."""

    message: Message
    when: str
    what: str
    timing: str
    reason: str
    line_above: bool = False


def visible(user: User, site: Site) -> Any:
    """Messages of this site about patients this person may see, and those that speak of no patient: the alerts to the
    clinic, the answers to people who asked from outside, tests."""
    theirs = Q(patient__in=Patient.objects.visible_to(user)) | Q(patient=None)
    return Message.objects.filter(theirs, site=site)


def found(messages: Any, filters: Filters, site: Site) -> Any:
    """The messages of one tab, narrowed; newest first, what is still to come on top (soonest first on its own tab)."""
    if filters.tab == "scheduled":
        messages = messages.filter(state=S.SCHEDULED).order_by("due_at", "id")
    elif filters.tab == "failed":
        messages = messages.needing_somebody()
    for term in query_terms(filters.typed):
        messages = messages.filter(Q(patient__search_key__contains=term) | Q(recipient__icontains=term))
    if filters.kind:
        messages = messages.filter(kind=filters.kind)
    if filters.language:
        messages = messages.filter(language=filters.language)
    if filters.first_day:
        messages = messages.filter(due_at__gte=site.day_bounds(filters.first_day)[0])
    if filters.last_day:
        messages = messages.filter(due_at__lt=site.day_bounds(filters.last_day)[1])
    return messages.select_related("patient", "appointment")


def counts(messages: Any) -> dict[str, int]:
    """How many there are on each tab, whatever the filters say."""
    counted = messages.aggregate(all=Count("pk"), scheduled=Count("pk", filter=Q(state=S.SCHEDULED)))
    return {**counted, "failed": messages.needing_somebody().count()}


def rows(messages: Iterable[Message], site: Site, *, first_page: bool, newest_first: bool) -> list[Row]:
    """The rows of a page. The now-line stands where what is to come meets what was; before the first row only on the
    first page."""
    now = timezone.now()
    listed: list[Row] = []
    was_future: bool | None = None
    for message in messages:
        future = message.due_at > now
        meets = was_future is not None and was_future != future
        tops = was_future is None and first_page and newest_first and not future
        listed.append(
            Row(
                message=message,
                when=moment(message.sent_at or message.due_at, site, now),
                what=what(message, site),
                timing=str(KINDS[message.kind].when),
                reason=reason_of(message),
                line_above=newest_first and (meets or tops),
            )
        )
        was_future = future
    return listed


def moment(at: dt.datetime, site: Site, now: dt.datetime) -> str:
    """Such as "Today 15:20" or "Fri 13 Mar 10:00", with the year when it is another one; in the site's zone."""
    local, today = at.astimezone(site.zone), now.astimezone(site.zone).date()
    if local.date() == today:
        return _("Today %(time)s") % {"time": f"{local:%H:%M}"}
    pattern = "D j M" if local.year == today.year else "D j M Y"
    return f"{date_format(local, pattern, use_l10n=False)} {local:%H:%M}"


def what(message: Message, site: Site) -> str:
    """The kind, and for a visit its date: it is what one looks for."""
    kind = KINDS[message.kind]
    if message.is_test:
        return _("Test: %(kind)s") % {"kind": kind.label}
    if message.appointment is None or not kind.visit:
        return str(kind.label)
    start = message.appointment.starts_at.astimezone(site.zone)
    day = date_format(start, "D j M", use_l10n=False)
    return _("%(kind)s for %(day)s, %(time)s") % {"kind": kind.label, "day": day, "time": f"{start:%H:%M}"}


def reason_of(one: Message | MessageStep) -> str:
    """Our own reasons in the reader's language; what another mail server said stays as it was said."""
    return _(one.reason) if one.reason else ""


# --- one message ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Happened:
    icon: str
    words: str
    reason: str
    by: str
    when: str


@dataclass(frozen=True, slots=True)
class Detail:
    """What the panel shows. `problem` is one sentence about what went wrong, `refusal` why it cannot be sent again."""

    message: Message
    what: str
    problem: str
    refusal: str
    steps: list[Happened]
    was_written: bool


def detail(message: Message, site: Site) -> Detail:
    now = timezone.now()
    steps = [
        Happened(
            icon=STEP_ICONS[MessageState(step.state)],
            words=words_of(step),
            reason=reason_of(step),
            by=step.by.name if step.by else "",
            when=moment(step.at, site, now),
        )
        for step in message.steps.select_related("by")
    ]
    return Detail(
        message=message, what=what(message, site), problem=problem_of(message, site), refusal=refusal_of(message),
        steps=steps, was_written=bool(message.html),
    )  # fmt: skip


def words_of(step: MessageStep) -> str:
    words = {
        S.SCHEDULED: _("Put off") if step.reason else _("Written"),
        S.SENDING: _("Handed to the mail server"),
        S.SENT: _("Accepted by the mail server"),
        S.UNKNOWN: _("Nobody knows whether it arrived"),
        S.BOUNCED: _("Came back"),
        S.FAILED: _("Not sent"),
        S.SUPPRESSED: _("Held back"),
        S.MISSED: _("Not sent in time"),
    }
    return words.get(MessageState(step.state), str(step.get_state_display()))


def problem_of(message: Message, site: Site) -> str:
    """What the desk should know, in one sentence."""
    if message.state == S.BOUNCED:
        return _("The mail came back: %(reason)s") % {"reason": reason_of(message)}
    if message.state == S.UNKNOWN:
        if KINDS[message.kind].resent_alone and message.attempts < 2:
            return _("Nobody knows whether it arrived. It goes once more by itself in a quarter of an hour.")
        return _("Nobody knows whether it arrived. Ask the patient, then settle it here.")
    if message.state in {S.FAILED, S.SUPPRESSED, S.MISSED}:
        return _("It was not sent: %(reason)s") % {"reason": reason_of(message)}
    return ""


def refusal_of(message: Message) -> str:
    try:
        message_repair.check_can_send_again(message)
    except Refused as refusal:
        return refusal.sentence
    return ""
