"""What stands around the calendar: what was left chosen, the small month, the filters and the way from day to day."""
from __future__ import annotations

import calendar as months
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from clinic.models import Site, User
from sessions.board_cards import short_name
from sessions.calendar_feed import COLUMNS, Asked
from sessions.calendar_range import FARTHEST_DAYS, Days, day_of, week_of
from sessions.choices import AppointmentStatus
from sessions.elsewhere import elsewhere_of
from sessions.models import Appointment

VIEWS = ("day", "week", "list")
FILTERS = ("practitioner", "room", "device", "status")
LONGEST_FILTER = 60  # more ids than any site has people or rooms are no filter of ours
IDENTITY_LENGTH = 22
# Cut from the name, two days would look alike in Turkish: Pazartesi and Pazar, Cuma and Cumartesi.
WEEKDAY_LETTERS = (
    pgettext_lazy("weekday in two letters", "Mo"), pgettext_lazy("weekday in two letters", "Tu"),
    pgettext_lazy("weekday in two letters", "We"), pgettext_lazy("weekday in two letters", "Th"),
    pgettext_lazy("weekday in two letters", "Fr"), pgettext_lazy("weekday in two letters", "Sa"),
    pgettext_lazy("weekday in two letters", "Su"),
)  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """How the reader wants the calendar; kept in the session, so that it stays as left."""

    day: dt.date
    view: str = "day"
    by: str = "practitioner"
    of: str = ""  # whose week it is
    filters: Mapping[str, tuple[str, ...]] | None = None

    @property
    def days(self) -> Days:
        return Days(self.day, self.day) if self.view == "day" else week_of(self.day)

    @property
    def step(self) -> dt.timedelta:
        return dt.timedelta(days=1 if self.view == "day" else 7)

    def shown(self, name: str) -> tuple[str, ...]:
        return (self.filters or {}).get(name, ())

    @property
    def is_filtered(self) -> bool:
        return any(self.shown(name) for name in FILTERS)

    def asked(self) -> Asked:
        """The list is by time and has everybody; a week has one column's days."""
        return Asked(
            days=self.days,
            by="practitioner" if self.view == "list" else self.by,
            practitioners=frozenset(self.shown("practitioner")),
            rooms=frozenset(self.shown("room")),
            devices=frozenset(self.shown("device")),
            statuses=frozenset(self.shown("status")),
            only=self.of if self.view == "week" else "",
        )

    def feed_query(self) -> str:
        pairs: list[tuple[str, str]] = [
            ("first", self.days.first.isoformat()), ("last", self.days.last.isoformat()), ("by", self.asked().by),
            ("only", self.asked().only),
        ]  # fmt: skip
        return urlencode(pairs + [(name, one) for name in FILTERS for one in self.shown(name)])

    def link(self, **changes: str) -> str:
        """The address with something else chosen; the filters are remembered anyway."""
        values = {"day": self.day.isoformat(), "view": self.view, "by": self.by, "of": self.of} | changes
        return "?" + urlencode({name: value for name, value in values.items() if value})


def chosen_from(asked: Any, left: Mapping[str, Any], *, today: dt.date) -> Chosen:
    """What the address says (a QueryDict), else what was left, else the day by practitioner. Nonsense counts as unsaid."""
    filters = {name: tuple(left.get(name, ())) for name in FILTERS}
    if "filtered" in asked:
        filters = {name: identities(asked.getlist(name)) for name in FILTERS}
    day = day_of(asked.get("day", ""))
    return Chosen(
        day=day if day is not None and abs((day - today).days) < FARTHEST_DAYS - 7 else today,
        view=_one_of(VIEWS, asked.get("view"), left.get("view")),
        by=_one_of(COLUMNS, asked.get("by"), left.get("by")),
        of=(identities([asked.get("of", "")]) or identities([left.get("of", "")]) or ("",))[0],
        filters=filters,
    )


def _one_of(known: tuple[str, ...], *said: str | None) -> str:
    return next((one for one in said if one in known), known[0])


def identities(typed: list[str]) -> tuple[str, ...]:
    """Public ids and statuses among what was sent; anything else is dropped."""
    plain = (one for one in typed[:LONGEST_FILTER] if 0 < len(one) <= IDENTITY_LENGTH and one.isascii())
    return tuple(one for one in plain if one.replace("-", "").replace("_", "").isalnum())


def to_keep(chosen: Chosen) -> dict[str, Any]:
    kept: dict[str, Any] = {"view": chosen.view, "by": chosen.by, "of": chosen.of}
    return kept | {name: list(chosen.shown(name)) for name in FILTERS}


# --- left pane ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Box:
    """One tick box of a filter."""

    value: str
    label: str
    is_on: bool
    note: str = ""


def filters_of(site: Site, chosen: Chosen) -> list[tuple[str, str, list[Box]]]:
    """(name, heading, boxes) for each filter that has something to choose. Nothing ticked means everything."""
    staff = list(User.objects.practitioners_at(site))
    people = [(user.public_id, short_name(user.name)) for user in staff]
    notes = whereabouts_of(site, staff, chosen)
    rooms = [(room.public_id, room.name) for room in site.rooms.filter(in_service=True)]
    devices = [(device.public_id, device.name) for device in site.devices.filter(in_service=True)]
    statuses = [(str(value), str(label)) for value, label in AppointmentStatus.choices]
    groups = [
        ("practitioner", _("Practitioners"), people), ("room", _("Rooms"), rooms), ("device", _("Devices"), devices),
        ("status", _("Status"), statuses),
    ]  # fmt: skip
    return [
        (name, heading, [Box(value, label, value in chosen.shown(name), notes.get(value, "")) for value, label in choices])
        for name, heading, choices in groups if choices
    ]  # fmt: skip


def whereabouts_of(site: Site, staff: list[User], chosen: Chosen) -> dict[str, str]:
    """At which other site somebody is on the chosen day, by public id. Two queries."""
    there = elsewhere_of(site, [user.pk for user in staff], Days(chosen.day, chosen.day))
    return {
        user.public_id: _("at %(site)s") % {"site": ", ".join(dict.fromkeys(one.site for one in there[user.pk]))}
        for user in staff if user.pk in there
    }  # fmt: skip


def columns_to_choose(site: Site, by: str) -> list[tuple[str, str]]:
    """Whose week it may be."""
    if by == "practitioner":
        return [(user.public_id, short_name(user.name)) for user in User.objects.practitioners_at(site)]
    things = site.rooms.filter(in_service=True) if by == "room" else site.devices.filter(in_service=True)
    return list(things.values_list("public_id", "name"))


@dataclass(frozen=True)
class MonthDay:
    day: dt.date
    is_in_month: bool
    is_chosen: bool
    is_shown: bool
    is_today: bool
    count: int

    @property
    def letters(self) -> str:
        return str(WEEKDAY_LETTERS[self.day.weekday()])


def month_of(site: Site, chosen: Chosen) -> list[list[MonthDay]]:
    """The weeks of the chosen day's month with the number of appointments. One query."""
    weeks = months.Calendar().monthdatescalendar(chosen.day.year, chosen.day.month)
    start, end = site.day_bounds(weeks[0][0])[0], site.day_bounds(weeks[-1][-1])[1]
    rows = Appointment.objects.occupying().filter(site=site, starts_at__gte=start, starts_at__lt=end).order_by()
    counts = dict(rows.annotate(day=TruncDate("starts_at", tzinfo=site.zone)).values_list("day").annotate(Count("id")))
    today = site.today()
    return [
        [
            MonthDay(day, day.month == chosen.day.month, day == chosen.day, day in chosen.days, day == today, counts.get(day, 0))
            for day in week
        ]
        for week in weeks
    ]


def month_away(day: dt.date, months_away: int) -> dt.date:
    """The same day of another month, or its last one."""
    number = day.year * 12 + day.month - 1 + months_away
    year, month = number // 12, number % 12 + 1
    return dt.date(year, month, min(day.day, months.monthrange(year, month)[1]))
