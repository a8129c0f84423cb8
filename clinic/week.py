"""A week of opening or working times: spans of local clock time per weekday, two a day at most."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from clinic.choices import Weekday
from clinic.errors import Refused

MOST_SPANS = 2


@dataclass(frozen=True, slots=True, order=True)
class WeekSpan:
    """From `starts` to `ends` on a weekday ("1" is Monday), wall-clock time of the site."""

    weekday: str
    starts: dt.time
    ends: dt.time

    def __str__(self) -> str:
        return f"{self.starts:%H:%M}–{self.ends:%H:%M}"


def field_name(weekday: str, number: int, edge: str) -> str:
    """The form field of one edge ("starts", "ends") of the first or second span of a day."""
    return f"{edge}_{weekday}_{number}"


def checked(spans: Iterable[WeekSpan]) -> list[WeekSpan]:
    """The spans of a week, each day's in the order given. Raises `Refused` beside the edge that is wrong."""
    kept: list[WeekSpan] = []
    for day in Weekday:
        own = [span for span in spans if span.weekday == day]
        if len(own) > MOST_SPANS:
            raise Refused(_("At most two times on %(day)s.") % {"day": day.label})
        for number, span in enumerate(own, start=1):
            if span.starts >= span.ends:
                raise Refused(_("The end must be later than the start."), field=field_name(day, number, "ends"))
            if number > 1 and span.starts <= own[number - 2].ends:
                raise Refused(
                    _("The second time must begin after the first has ended."), field=field_name(day, number, "starts")
                )
        kept += own
    return kept


def by_day(spans: Iterable[WeekSpan]) -> list[tuple[str, list[WeekSpan]]]:
    """Every weekday with its spans, Monday first; a day without any has an empty list."""
    known = sorted(spans)
    return [(str(day.label), [span for span in known if span.weekday == day]) for day in Weekday]


def clash(
    spans: Iterable[WeekSpan], zone: ZoneInfo, others: Iterable[tuple[WeekSpan, ZoneInfo]], *, monday: dt.date
) -> tuple[WeekSpan, WeekSpan] | None:
    """The first pair that overlaps in the week that begins on `monday`, each in the zone of its own site."""
    elsewhere = [(other, *_instants(other, far, monday)) for other, far in others]
    for span in spans:
        start, end = _instants(span, zone, monday)
        for other, other_start, other_end in elsewhere:
            if start < other_end and other_start < end:
                return span, other
    return None


def _instants(span: WeekSpan, zone: ZoneInfo, monday: dt.date) -> tuple[dt.datetime, dt.datetime]:
    day = monday + dt.timedelta(days=int(span.weekday) - 1)
    return dt.datetime.combine(day, span.starts, zone), dt.datetime.combine(day, span.ends, zone)
