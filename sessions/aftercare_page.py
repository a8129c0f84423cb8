"""What a patient's live aftercare page shows: every session of the last weeks, on the clock of the site."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils.translation import ngettext

from patients.models import Patient
from protocols import catalogue
from protocols.aftercare import Instruction, aftercare, joined, red_flags
from sessions.gathering import facts_of
from sessions.live_aftercare import Line, Live, live
from sessions.message_texts import moment_of, written_in
from sessions.models import TreatmentSession
from sessions.plans import given_plan

# Longest hours of the catalogue (blood donation after dutasteride apart, which every new sheet says again): 28 days.
LOOK_BACK = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Row:
    icon: str
    title: str
    when: str
    rule: str


@dataclass(frozen=True, slots=True)
class Page:
    """Words and moments, ready to show; `next_at` is the moment the countdown runs to, `since` that it runs from."""

    record: TreatmentSession
    since: dt.datetime
    since_words: str
    ended: str
    allowed: list[Row]
    next_at: dt.datetime | None
    next_when: str
    next_rows: list[Row]
    next_in: str
    percent: int
    waiting: list[Row]
    helping: list[Row]
    call_now: str
    flags: list[tuple[str, str]]


def last_treatment(patient: Patient) -> TreatmentSession | None:
    return (
        TreatmentSession.objects.filter(patient=patient, ended_at__isnull=False)
        .select_related("appointment__site", "course", "catalogue", "patient")
        .order_by("-ended_at")
        .first()
    )


def page_of(record: TreatmentSession, *, now: dt.datetime, language: str) -> Page:
    """`record` is the last treatment that ended. Sessions shortly before it count too: for each code the longest holds."""
    spoken, zone = written_in(language), record.appointment.site.zone
    ended = record.ended_at
    if ended is None:
        raise ValueError("the treatment has not ended")
    state = live(_instructions(record, ended), now=now, language=language)
    urgent, *others = red_flags(catalogue.in_force())
    opened_last = max((line.until_at for line in state.allowed if line.until_at), default=ended)
    return Page(
        record=record,
        since=ended,
        since_words=in_hours(now - ended),
        ended=moment_of(ended.astimezone(zone), spoken),
        allowed=[_row(line, line.until_at, zone, spoken) for line in state.allowed],
        next_at=state.next_at,
        next_when=moment_of(state.next_at.astimezone(zone), spoken) if state.next_at else "",
        next_rows=[_row(line, line.until_at, zone, spoken) for line in state.next],
        next_in=in_hours(state.next_at - now) if state.next_at else "",
        percent=_percent(opened_last, now, state),
        waiting=[_row(line, line.until_at, zone, spoken) for line in state.waiting],
        helping=[_row(line, line.until_at if line.from_at <= now else line.from_at, zone, spoken) for line in state.helping],
        call_now=urgent.text(language),
        flags=[(flag.name_in(language), flag.text(language)) for flag in others],
    )


def _instructions(record: TreatmentSession, ended: dt.datetime) -> tuple[Instruction, ...]:
    rows = TreatmentSession.objects.filter(patient=record.patient, ended_at__gt=ended - LOOK_BACK).select_related(
        "appointment__site", "course", "catalogue", "patient"
    )
    facts = facts_of(record.patient)
    return joined(
        aftercare(
            ended_at=one.ended_at, plan=given_plan(one), facts=facts, catalogue=catalogue.load(one.catalogue),
            on_site_zone=one.appointment.site.zone,
        )
        for one in rows if one.ended_at is not None
    )  # fmt: skip


def _row(line: Line, moment: dt.datetime | None, zone: ZoneInfo, language: str) -> Row:
    return Row(line.icon, line.title, moment_of(moment.astimezone(zone), language) if moment else "", line.rule)


def _percent(since: dt.datetime, now: dt.datetime, state: Live) -> int:
    """How far the wait for the next opening has gone."""
    if state.next_at is None or state.next_at <= since:
        return 100
    return min(100, max(0, round(100 * (now - since) / (state.next_at - since))))


def in_hours(span: dt.timedelta) -> str:
    """A span in the words a person would use: days from two days on, else hours and minutes."""
    minutes = max(0, int(span / dt.timedelta(minutes=1)))
    days, hours, rest = minutes // 1440, minutes // 60, minutes % 60
    if days >= 2:
        return ngettext("%(number)s day", "%(number)s days", days) % {"number": days}
    if hours:
        return f"{ngettext('%(number)s h', '%(number)s h', hours) % {'number': hours}} {minute_words(rest)}"
    return minute_words(rest)


def minute_words(minutes: int) -> str:
    return ngettext("%(number)s min", "%(number)s min", minutes) % {"number": minutes}
