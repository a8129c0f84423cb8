"""Single days that differ from the week: other opening hours of a site, another shift of a person, or none.

A day is always written as a whole: what is given stands in the place of what the week says for it. Removing it brings the
week back. A booking shares the site's lock and takes the person's, so each verb takes the one it is about before it looks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from clinic import audit, ground
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Closure, DayShift, OpeningHours, Shift, Site, SpecialHours, User
from clinic.permissions import check_doer
from clinic.week import MOST_SPANS, WeekSpan, clash

FURTHEST_DAYS = 2 * 366
DaySpan = tuple[dt.time, dt.time]
FREE: list[tuple[dt.time | None, dt.time | None]] = [(None, None)]  # the row of a day off


# --- opening hours of one day ---------------------------------------------------------------------------------------
@transaction.atomic
def set_special_hours(*, site: Site, day: dt.date, spans: Sequence[DaySpan], reason: str, by: Doer) -> list[SpecialHours]:
    """Open on this day as `spans` say, in the place of the week's hours. Raises `Refused` without any: a day without
    opening is a closure."""
    check_doer(by, Permission.CHANGE_STAFF, site)
    if not spans:
        raise Refused(_("Give the hours of the day. For a day without opening, close the site on it."), field="starts_1")
    check_spans(day, spans)
    held = Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    _check_day(held, day)
    closed = Closure.objects.filter(site=held, first_day__lte=day, last_day__gte=day).first()
    if closed is not None:
        raise Refused(_("The site is closed on this day: %(why)s.") % {"why": closed.reason}, field="day")
    SpecialHours.objects.filter(site=held, day=day).delete()
    rows = [SpecialHours.objects.create(site=held, day=day, opens=one, closes=two, reason=reason) for one, two in spans]
    audit.record(
        by=by, action="special-hours-set", sentence=f"set the hours of {held.name} on {day}", of=held, site=held,
        detail={"day": day, "hours": day_in_words(spans), "reason": reason},
    )  # fmt: skip
    ground.changed(site=held, first_day=day, last_day=day)
    return rows


@transaction.atomic
def remove_special_hours(*, site: Site, day: dt.date, by: Doer) -> None:
    """The week's hours hold on this day again."""
    check_doer(by, Permission.CHANGE_STAFF, site)
    held = Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    if day < held.today():
        raise Refused(_("This day has passed; it stays as it was."))
    if not SpecialHours.objects.filter(site=held, day=day).delete()[0]:
        raise Refused(_("These hours were removed already."))
    audit.record(
        by=by, action="special-hours-removed", sentence=f"removed the hours of {held.name} on {day}", of=held, site=held,
        detail={"day": day},
    )  # fmt: skip
    ground.changed(site=held, first_day=day, last_day=day)


def special_days_of(site: Site) -> list[tuple[dt.date, list[SpecialHours]]]:
    """Days from today on with hours of their own, next first."""
    found: dict[dt.date, list[SpecialHours]] = {}
    for row in SpecialHours.objects.filter(site=site, day__gte=site.today()):
        found.setdefault(row.day, []).append(row)
    return list(found.items())


def hours_on(site: Site, day: dt.date) -> list[DaySpan]:
    """The opening hours of a day as they hold now, closures left aside: what the form starts with."""
    special = SpecialHours.objects.filter(site=site, day=day).values_list("opens", "closes")
    weekly = OpeningHours.objects.filter(site=site, weekday=str(day.isoweekday())).values_list("opens", "closes")
    return list(special) or list(weekly)


# --- one day of one person ------------------------------------------------------------------------------------------
@transaction.atomic
def set_day_shift(
    *, user: User, site: Site, day: dt.date, spans: Sequence[DaySpan], reason: str, by: Doer
) -> list[DayShift]:
    """What the person works at the site on this day, in the place of the weekly pattern; no spans: free.

    Raises `Refused` for somebody who does not treat there, or who works at another site then."""
    check_doer(by, Permission.CHANGE_STAFF, site)
    check_spans(day, spans)
    held = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if spans and not User.objects.practitioners_at(site).filter(pk=held.pk).exists():
        raise Refused(_("%(name)s does not treat at %(site)s. Give the role first.") % {"name": held, "site": site})
    _check_day(site, day)
    _check_elsewhere(held, site, day, spans)
    before = working_on(held, site, day)
    DayShift.objects.filter(user=held, site=site, day=day).delete()
    rows = [
        DayShift.objects.create(user=held, site=site, day=day, starts=starts, ends=ends, reason=reason)
        for starts, ends in (spans or FREE)
    ]
    audit.record(
        by=by, action="day-shift-set", sentence=f"set the working times of {held.name} at {site.name} on {day}", of=held,
        site=site, detail={"day": day, "before": day_in_words(before), "after": day_in_words(spans), "reason": reason},
    )  # fmt: skip
    ground.changed(person=held, site=site, first_day=day, last_day=day)
    return rows


@transaction.atomic
def remove_day_shift(*, user: User, site: Site, day: dt.date, by: Doer) -> None:
    """The weekly pattern holds on this day again. Raises `Refused` where it would put them at two sites at one time."""
    check_doer(by, Permission.CHANGE_STAFF, site)
    held = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if day < site.today():
        raise Refused(_("This day has passed; it stays as it was."))
    if not DayShift.objects.filter(user=held, site=site, day=day).delete()[0]:
        raise Refused(_("This day was removed already."))
    _check_elsewhere(held, site, day, working_on(held, site, day))
    audit.record(
        by=by, action="day-shift-removed", sentence=f"removed a single day of {held.name} at {site.name}", of=held,
        site=site, detail={"day": day},
    )  # fmt: skip
    ground.changed(person=held, site=site, first_day=day, last_day=day)


def day_shifts_of(user: User, site: Site) -> list[tuple[dt.date, str, list[DaySpan], str]]:
    """Single days from today on: the day, "free", "extra" or "other", its times, why. Next first."""
    found: dict[dt.date, list[DayShift]] = {}
    for row in DayShift.objects.filter(user=user, site=site, day__gte=site.today()):
        found.setdefault(row.day, []).append(row)
    answer = []
    for day, rows in found.items():
        times = [(row.starts, row.ends) for row in rows if row.starts is not None and row.ends is not None]
        kind = ("other" if weekly_on(user, site, day) else "extra") if times else "free"
        answer.append((day, kind, times, rows[0].reason))
    return answer


def working_on(user: User, site: Site, day: dt.date) -> list[DaySpan]:
    """The working times of a day at a site as they hold now."""
    rows = list(DayShift.objects.filter(user=user, site=site, day=day))
    if rows:
        return [(row.starts, row.ends) for row in rows if row.starts is not None and row.ends is not None]
    return weekly_on(user, site, day)


def weekly_on(user: User, site: Site, day: dt.date) -> list[DaySpan]:
    rows = Shift.objects.filter(
        Q(valid_until=None) | Q(valid_until__gte=day), user=user, site=site, weekday=str(day.isoweekday()),
        valid_from__lte=day,
    )  # fmt: skip
    return list(rows.order_by("starts").values_list("starts", "ends"))


def _check_elsewhere(user: User, site: Site, day: dt.date, spans: Sequence[DaySpan]) -> None:
    """Nobody works at two sites at one time. Sites lie in different zones, so the days around count too."""
    mine = _as_week(day, spans)
    monday = day - dt.timedelta(days=day.weekday())
    for other in Site.objects.filter(pk__in=_sites_of(user)).exclude(pk=site.pk):
        theirs = [
            (span, other.zone)
            for near in (day - dt.timedelta(days=1), day, day + dt.timedelta(days=1))
            if monday <= near <= monday + dt.timedelta(days=6)
            for span in _as_week(near, working_on(user, other, near))
        ]
        found = clash(mine, site.zone, theirs, monday=monday)
        if found is not None:
            raise Refused(
                _("%(name)s works at %(site)s then (%(times)s).")
                % {"name": user.name, "site": other.name, "times": found[1]},
                field="starts_1",
            )


def _sites_of(user: User) -> set[int]:
    weekly = Shift.objects.filter(user=user).values_list("site", flat=True)
    single = DayShift.objects.filter(user=user).values_list("site", flat=True)
    return {*weekly, *single}


def _as_week(day: dt.date, spans: Sequence[DaySpan]) -> list[WeekSpan]:
    return [WeekSpan(str(day.isoweekday()), starts, ends) for starts, ends in spans]


# --- shared ---------------------------------------------------------------------------------------------------------
def check_spans(day: dt.date, spans: Sequence[DaySpan]) -> None:
    """Raises `Refused` beside the edge that is wrong. Fields are named starts_1, ends_1, starts_2, ends_2."""
    if len(spans) > MOST_SPANS:
        raise Refused(_("At most two times on %(day)s.") % {"day": day.isoformat()})
    for number, (starts, ends) in enumerate(spans, start=1):
        if starts >= ends:
            raise Refused(_("The end must be later than the start."), field=f"ends_{number}")
        if number > 1 and starts <= spans[number - 2][1]:
            raise Refused(_("The second time must begin after the first has ended."), field=f"starts_{number}")


def _check_day(site: Site, day: dt.date) -> None:
    today = site.today()
    if not today <= day <= today + dt.timedelta(days=FURTHEST_DAYS):
        raise Refused(_("Choose a day from today on, within two years."), field="day")


def day_in_words(spans: Sequence[DaySpan]) -> str:
    return ", ".join(f"{starts:%H:%M}–{ends:%H:%M}" for starts, ends in spans) or "-"
