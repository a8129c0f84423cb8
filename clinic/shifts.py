"""When a practitioner works where: the weekly pattern at a site, and times away from everywhere.

A booking locks the practitioner's row; so does every verb here, before it looks and writes. Appointments that are
booked already stay where they are; those that lose their ground are marked in the same transaction (`clinic.ground`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit, ground
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from clinic.models import Absence, Shift, Site, User
from clinic.permissions import check_doer
from clinic.placing import in_words
from clinic.week import WeekSpan, by_day, checked, clash

FURTHEST_DAYS = 366
LONGEST_ABSENCE_DAYS = 366


@dataclass(frozen=True, slots=True)
class Pattern:
    """The working times that hold at a site from one day to another; `until` None means for good."""

    site: Site
    valid_from: dt.date
    valid_until: dt.date | None
    spans: tuple[WeekSpan, ...]

    @property
    def days(self) -> list[tuple[str, list[WeekSpan]]]:
        return by_day(self.spans)

    @property
    def is_coming(self) -> bool:
        return self.valid_from > self.site.today()


def patterns_of(user: User) -> list[Pattern]:
    """Working times that hold today or later, by site, then by day. Past ones stay in the table but are not shown."""
    found: dict[tuple[int, dt.date, dt.date | None], list[Shift]] = {}
    for shift in Shift.objects.filter(user=user).select_related("site").order_by("site__name", "valid_from"):
        if shift.valid_until is None or shift.valid_until >= shift.site.today():
            found.setdefault((shift.site_id, shift.valid_from, shift.valid_until), []).append(shift)
    return [
        Pattern(rows[0].site, first, last, tuple(sorted(map(_span_of, rows)))) for (_site, first, last), rows in found.items()
    ]


def week_on(user: User, site: Site, day: dt.date) -> list[WeekSpan]:
    """The weekly pattern that holds at the site on this day."""
    return sorted(map(_span_of, _holding(user, day).filter(site=site)))


def _span_of(shift: Shift) -> WeekSpan:
    return WeekSpan(shift.weekday, shift.starts, shift.ends)


def _holding(user: User, day: dt.date) -> QuerySet[Shift]:
    return Shift.objects.filter(Q(valid_until=None) | Q(valid_until__gte=day), user=user, valid_from__lte=day)


@transaction.atomic
def set_working_times(
    *, user: User, site: Site, seen_version: int, from_day: dt.date, week: Iterable[WeekSpan], by: Doer
) -> User:
    """From `from_day` on the person works at the site as `week` says; an empty week ends the work there.

    What held before ends the day before; what was planned to begin later is replaced. Raises `Stale`, or `Refused` for
    somebody who does not treat there, a day that has passed, or times during which they work at another site."""
    check_doer(by, Permission.CHANGE_STAFF, site)
    spans = checked(list(week))
    held = _locked(user, seen_version, site)
    if spans and not User.objects.practitioners_at(site).filter(pk=held.pk).exists():
        raise Refused(_("%(name)s does not treat at %(site)s. Give the role first.") % {"name": held, "site": site})
    today = site.today()
    if not today <= from_day <= today + dt.timedelta(days=FURTHEST_DAYS):
        raise Refused(_("Choose a day from today on, within a year."), field="from_day")
    _check_other_sites(held, site, spans, from_day)
    before = week_on(held, site, from_day)
    own = Shift.objects.filter(user=held, site=site)
    own.filter(valid_from__gte=from_day).delete()
    own.filter(Q(valid_until=None) | Q(valid_until__gte=from_day)).update(valid_until=from_day - dt.timedelta(days=1))
    for span in spans:
        Shift.objects.create(
            user=held, site=site, weekday=span.weekday, starts=span.starts, ends=span.ends, valid_from=from_day
        )
    held.save_if_unchanged(seen=seen_version, fields=[])
    audit.record(
        by=by, action="working-times-set", sentence=f"set the working times of {held.name} at {site.name}", of=held,
        site=site, detail={"from_day": from_day, "before": in_words(before), "after": in_words(spans)},
    )  # fmt: skip
    ground.changed(person=held, site=site, first_day=from_day)
    return held


def _check_other_sites(user: User, site: Site, spans: list[WeekSpan], from_day: dt.date) -> None:
    """Nobody works at two sites at one time, each read on its own clock, in the first whole week of the pattern."""
    elsewhere = (
        Shift.objects.filter(Q(valid_until=None) | Q(valid_until__gte=from_day), user=user)
        .exclude(site=site)
        .select_related("site")
    )
    monday = from_day + dt.timedelta(days=(7 - from_day.weekday()) % 7)
    others = {_span_of(shift): shift.site for shift in elsewhere}
    found = clash(spans, site.zone, [(span, place.zone) for span, place in others.items()], monday=monday)
    if found is not None:
        mine, other = found
        raise Refused(
            _("%(name)s works at %(site)s then (%(times)s).")
            % {"name": user.name, "site": others[other].name, "times": other},
            field=f"starts_{mine.weekday}_1",
        )


def absences_of(user: User) -> list[Absence]:
    """Absences that last into today or come later, next first."""
    return list(Absence.objects.filter(user=user, span__endswith__gt=timezone.now()).order_by("span"))


@transaction.atomic
def add_absence(*, user: User, starts_at: dt.datetime, ends_at: dt.datetime, by: Doer, reason: str = "") -> Absence:
    """Away from every site between two moments (aware). Raises `Refused` where another absence covers some of it."""
    check_doer(by, Permission.CHANGE_STAFF, by.site)
    if ends_at <= starts_at:
        raise Refused(_("The end must be later than the start."), field="last_day")
    if ends_at - starts_at > dt.timedelta(days=LONGEST_ABSENCE_DAYS):
        raise Refused(_("An absence lasts a year at most."), field="last_day")
    if ends_at <= timezone.now():
        raise Refused(_("This time has already passed."), field="last_day")
    held = _locked(user)
    span = DateTimeTZRange(starts_at, ends_at)
    if Absence.objects.filter(user=held, span__overlap=span).exists():
        raise Refused(_("%(name)s is away for some of this time already.") % {"name": held.name}, field="first_day")
    absence = Absence.objects.create(user=held, span=span, reason=reason)
    audit.record(by=by, action="absence-added", sentence=f"entered an absence of {held.name}", of=held,
                 detail={"from": starts_at, "until": ends_at, "reason": reason})  # fmt: skip
    ground.changed(person=held, first_day=starts_at.date(), last_day=ends_at.date())
    return absence


@transaction.atomic
def end_absence(*, user: User, starts_at: dt.datetime, by: Doer) -> None:
    """Take back an absence that has not begun, or end one that has, now. It is named by its start."""
    check_doer(by, Permission.CHANGE_STAFF, by.site)
    held = _locked(user)
    now = timezone.now()
    absence = Absence.objects.filter(user=held, span__startswith=starts_at, span__endswith__gt=now).first()
    if absence is None:
        raise Refused(_("This absence is over or was taken back already."))
    if starts_at >= now:
        absence.delete()
        action, sentence = "absence-removed", f"took back an absence of {held.name}"
    else:
        absence.span = DateTimeTZRange(starts_at, now)
        absence.save(update_fields=["span"])
        action, sentence = "absence-ended", f"ended an absence of {held.name}"
    audit.record(by=by, action=action, sentence=sentence, of=held, detail={"from": starts_at})
    ground.changed(person=held, first_day=starts_at.date())


def _locked(user: User, seen_version: int | None = None, site: Site | None = None) -> User:
    held = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if seen_version is not None and held.version != seen_version:
        now = in_words(week_on(held, site, site.today())) if site else ""
        raise Stale(
            _("Somebody else changed this person while you were typing. Compare, then save again."),
            theirs=[(str(_("Working times")), now)],
        )
    return held
